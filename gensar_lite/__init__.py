"""gensar_lite: joint generative search and recommendation, small enough to read in an evening.

One sub-package per stage of the method; imports run one way:
``log -> embed -> identify -> generate -> evaluate -> view -> lab -> cli``.
Heavy packages (torch, transformers) are imported by the modules that use them, never here.
"""

__version__ = "0.1.0"
