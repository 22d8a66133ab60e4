"""A live view of one test case: where did the beam lose the target?

The shell knows no model. It is handed a function from a case and a width to tables and shows what
``figures_microscope`` makes of them; a refusal (ValueError) becomes a kind sentence.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from gensar_lite.view.figures_microscope import case_figure
from gensar_lite.view.widgets_basics import outputs_of

_LABEL = {"description_width": "5em"}
_WIDE = {"width": "min(100%, 640px)"}

Look = Callable[[int, int], tuple[pd.DataFrame, pd.DataFrame, str]]


class BeamMicroscope(ipywidgets.VBox):
    """A list of test cases and a slider for the beam's width; both follow the arrow keys.

    Attributes:
        case: dropdown, place of the case shown.
        beams: slider, width of the beam.
        items, steps: the tables shown, as ``figures_microscope.case_figure`` takes them.
        below: the figure, its sentence and its table.
    """

    def __init__(
        self, names: Sequence[str], look: Look, widths: Sequence[int] = (1, 2, 5, 10, 30, 100), beams: int = 5
    ) -> None:
        """Args:
        names: of the cases, as shown; need not be unique.
        look: (place of a case, width) -> items, steps and behaviour, as ``case_figure`` takes them.
        widths: the widths to choose from.
        beams: the one at the start.
        """
        self._look = look
        self.items, self.steps = pd.DataFrame(), pd.DataFrame()
        options = [(name, place) for place, name in enumerate(names)]
        self.case = ipywidgets.Dropdown(options=options, value=0, description="case", style=_LABEL, layout=_WIDE)
        self.beams = ipywidgets.SelectionSlider(
            options=tuple(widths), value=beams, description="beam", style=_LABEL, layout={"width": "min(100%, 420px)"}
        )
        self.below = ipywidgets.Output()
        super().__init__([self.case, self.beams, self.below])
        for control in (self.case, self.beams):
            control.observe(self._show, "value")
        self._show()

    def _show(self, _: dict | None = None) -> None:
        self.below.outputs = outputs_of(self._drawn, self.case.value)

    def _drawn(self, place: int) -> tuple[go.Figure, pd.DataFrame]:
        self.items, self.steps, behaviour = self._look(place, self.beams.value)
        table = self.items[["exact_rank", "beam_rank", "left_at", "title", "log_prob", "shared", "target"]]
        return case_figure(self.items, self.steps, self.beams.value, behaviour), table
