"""The first call of every notebook: seeds, threads, figure style, the profile's sizes, the network block on request."""

from __future__ import annotations

import os
import random
from dataclasses import dataclass
from pathlib import Path

from gensar_lite.lab.offline import VARIABLE, block_network

# plotly's tool bar offers to send the figure's data to its maker's cloud; not from here.
NO_CLOUD = {"showSendToCloud": False, "displaylogo": False}


@dataclass(frozen=True)
class Profile:
    """How much a notebook may do. Every size is an upper bound; a smaller log is used whole.

    Attributes:
        name: "default" (at most 60 s per notebook on 2 cores) or "smoke" (at most 15 s, for the tests).
        seed: the seed that ``start`` set; hand it to everything that draws.
        epochs: passes over the data for trainings counted in epochs.
        users: users whose histories are trained on or replayed live.
        cases: test cases per task that are scored live.
        points: items drawn on maps and scatter plots.
        beam: beams of live searches.
        resamples: draws of bootstrap intervals.
    """

    name: str
    seed: int
    epochs: int
    users: int
    cases: int
    points: int
    beam: int
    resamples: int


_SIZES = {
    "default": {
        "epochs": 30,
        "users": 1_000,
        "cases": 1_000,
        "points": 2_000,
        "beam": 30,
        "resamples": 1_000,
    },
    "smoke": {
        "epochs": 2,
        "users": 30,
        "cases": 30,
        "points": 300,
        "beam": 10,
        "resamples": 100,
    },
}
PROFILES = tuple(_SIZES)


def start(profile: str = "default", seed: int = 0) -> Profile:
    """Prepare a notebook's kernel.

    Seeds Python, NumPy and torch, keeps torch to one thread unless the environment variable OMP_NUM_THREADS says
    otherwise, makes the kit's look the default of plotly figures and, where GENSAR_OFFLINE is 1, refuses the network.

    Args:
        profile: "default" or "smoke"; notebooks pass their PROFILE parameter.
        seed: seed of every random generator.

    Returns:
        the sizes to work with.

    Raises:
        ValueError: unknown profile.
    """
    if profile not in _SIZES:
        raise ValueError(f"Unknown profile '{profile}'. Choose one of: {', '.join(PROFILES)}.")
    if os.environ.get(VARIABLE) == "1":
        block_network()
    os.environ.setdefault("TOKENIZERS_PARALLELISM", "false")  # their own threads only warn about forks here
    _seed(seed)
    keep_to_one_thread()
    _style_figures()
    return Profile(name=profile, seed=seed, **_SIZES[profile])


def project_root() -> Path:
    """The project's root: the folder that holds ``data/``, ``notebooks/`` and the package."""
    return Path(__file__).resolve().parents[2]


def _seed(seed: int) -> None:
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed)
    torch.manual_seed(seed)


def keep_to_one_thread() -> None:
    """Let torch and NumPy compute on one thread, unless the environment variable OMP_NUM_THREADS says how many.

    Threads wait for each other after every operation, and operations of models this small are short. On two idle cores
    a second thread saved a quarter of the time; where something else kept one busy, 9 s became more than six minutes.
    """
    import torch
    from threadpoolctl import threadpool_limits

    if "OMP_NUM_THREADS" not in os.environ:
        torch.set_num_threads(1)
        threadpool_limits(1)  # what NumPy computes with


def _style_figures() -> None:
    import plotly.io as pio

    from gensar_lite.view.theme import template

    pio.templates["gensar"] = template()
    pio.templates.default = "gensar"
    # Figures are stored as data; JupyterLab draws them with its bundled plotly, the HTML export with its own copy.
    pio.renderers["plotly_mimetype"].config.update(NO_CLOUD)
    pio.renderers.default = "plotly_mimetype"
