"""A live view of the generator: step through a beam.

The shells know no model. They are handed functions from a state to tables, and show what the pure figures of
``figures_generation`` make of them; a refusal (ValueError) becomes a kind sentence.
"""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from gensar_lite.view.figures_generation import beam_steps
from gensar_lite.view.widgets_basics import outputs_of

_WIDE = {"width": "min(100%, 640px)"}
_LABEL = {"description_width": "initial"}

Trace = Callable[[int, bool], pd.DataFrame]


class BeamStepper(ipywidgets.VBox):
    """A beam, one step at a time: a slider for the step (arrow keys), the beam's width, the constraint on or off.

    Attributes:
        step: slider, 1 … number of steps.
        beams: the beam's width.
        constrained: checkbox; off lets the model say any code.
        beam: the table shown, all steps.
    """

    def __init__(self, trace: Trace, widths: tuple[int, ...] = (2, 5, 10), beams: int = 5) -> None:
        """Args:
        trace: (beams, constrained) -> a beam, as ``figures_generation.beam_steps`` takes it.
        widths: the widths to choose from.
        beams: the one at the start.
        """
        self._trace = trace
        self.beam = trace(beams, True)
        last = max(int(self.beam["step"].max()) if len(self.beam) else 1, 1)
        self.step = ipywidgets.IntSlider(value=last, min=1, max=last, description="step", style=_LABEL)
        self.beams = ipywidgets.ToggleButtons(
            options=widths, value=beams, description="beam", style={**_LABEL, "button_width": "4em"}
        )
        self.constrained = ipywidgets.Checkbox(
            value=True, description="only identifiers that exist", indent=False, layout=_WIDE
        )
        self.below = ipywidgets.Output()
        super().__init__([self.step, self.beams, self.constrained, self.below])
        self.step.observe(self._show, "value")
        self.beams.observe(self._ask, "value")
        self.constrained.observe(self._ask, "value")
        self._show({})

    def _ask(self, _: dict) -> None:
        self.beam = self._trace(self.beams.value, self.constrained.value)
        self._show({})

    def _show(self, _: dict) -> None:
        self.below.outputs = outputs_of(self._drawn, self.step.value)

    def _drawn(self, step: int) -> tuple[go.Figure, pd.DataFrame]:
        return beam_steps(self.beam, step), self.beam[self.beam["step"] == step].drop(columns=["place", "parent"])
