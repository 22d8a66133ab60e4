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
    """A list of telling test cases, a field for the number of any other, and a slider for the beam's width.

    All follow the arrow keys. A case asked for by its number joins the list until another one is.

    Attributes:
        case: dropdown, place of the case shown.
        number: the same place as a number from 1.
        beams: slider, width of the beam.
        items, steps: the tables shown, as ``figures_microscope.case_figure`` takes them.
        below: the figure, its sentence and its table.
    """

    def __init__(
        self,
        name: Callable[[int], str],
        look: Look,
        chosen: Sequence[int],
        count: int,
        widths: Sequence[int] = (1, 2, 5, 10, 30, 100),
        beams: int = 5,
    ) -> None:
        """Args:
        name: place of a case -> what it is called; need not be unique.
        chosen: places of the cases in the list; the first is shown.
        count: how many cases there are; their places are 0 to count - 1.
        look: (place of a case, width) -> items, steps and behaviour, as ``case_figure`` takes them.
        widths: the widths to choose from.
        beams: the one at the start.
        """
        self._look = look
        self.items, self.steps = pd.DataFrame(), pd.DataFrame()
        self._name, self._chosen = name, [(name(place), place) for place in chosen]
        self.case = ipywidgets.Dropdown(
            options=self._chosen, value=chosen[0], description="case", style=_LABEL, layout=_WIDE
        )
        self.number = ipywidgets.BoundedIntText(
            chosen[0] + 1, min=1, max=count, description="number", style=_LABEL, layout={"width": "12em"}
        )
        all_of_them = ipywidgets.HTML(f"of {count:,} test cases")
        self.beams = ipywidgets.SelectionSlider(
            options=tuple(widths), value=beams, description="beam", style=_LABEL, layout={"width": "min(100%, 420px)"}
        )
        self.below = ipywidgets.Output()
        super().__init__([self.case, ipywidgets.HBox([self.number, all_of_them]), self.beams, self.below])
        self.number.observe(self._take, "value")
        for control in (self.case, self.beams):
            control.observe(self._show, "value")
        self._show()

    def _take(self, change: dict) -> None:
        """Show the case of a number; one that is not in the list stands at its end meanwhile."""
        place = change["new"] - 1
        if place == self.case.value:
            return
        self.case.unobserve(self._show, "value")  # new options choose the first of them in passing
        others = [] if place in dict(map(reversed, self._chosen)) else [(self._name(place), place)]
        self.case.options = [*self._chosen, *others]
        self.case.value = place
        self.case.observe(self._show, "value")
        self._show()

    def _show(self, _: dict | None = None) -> None:
        self.number.value = self.case.value + 1
        self.below.outputs = outputs_of(self._drawn, self.case.value)

    def _drawn(self, place: int) -> tuple[go.Figure, pd.DataFrame]:
        self.items, self.steps, behaviour = self._look(place, self.beams.value)
        table = self.items[["exact_rank", "beam_rank", "left_at", "title", "log_prob", "shared", "target"]]
        return case_figure(self.items, self.steps, self.beams.value, behaviour), table
