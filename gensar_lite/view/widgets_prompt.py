"""Any training example of any task, as the model sees it.

The shell knows no model. It is handed a function from a task, a number and a paraphrase to a ``Reading``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ipywidgets

from gensar_lite.view.figures_prompt import Reading, reading_html
from gensar_lite.view.theme import safe

_LABEL = {"description_width": "initial"}

Read = Callable[[str, int, int], Reading]


class PromptView(ipywidgets.VBox):
    """Pick a task, one of its training examples and a paraphrase; the tokens are coloured by kind.

    Attributes:
        task: list of tasks.
        number: slider, example 1 … as many as the task has; arrow keys go to the next one, the number can be typed.
        wording: toggle, paraphrase 1 … as many as the task has.
        shown: HTML, the example.
        reading: what is shown; None after a refusal.
    """

    def __init__(self, read: Read, counts: Mapping[str, int], task: str, number: int = 1) -> None:
        """Args:
        read: (task, number, paraphrase), both from 1, -> the example. A ValueError's message is shown to the reader.
        counts: task -> number of examples; the tasks are offered in this order.
        task, number: shown at the start.
        """
        self._read, self._counts = read, counts
        self.reading: Reading | None = None
        self.task = ipywidgets.Dropdown(
            options=[(f"{name} ({count:,})", name) for name, count in counts.items()],
            value=task,
            description="task",
            style=_LABEL,
            layout={"width": "auto"},
        )
        self.number = ipywidgets.IntSlider(
            value=number,
            min=1,
            max=counts[task],
            description="example",
            continuous_update=False,
            style=_LABEL,
            layout={"width": "min(100%, 460px)"},
        )
        self.wording = ipywidgets.ToggleButtons(
            options=[1],
            value=1,
            description="paraphrase",
            style={**_LABEL, "button_width": "3em"},
            layout={"display": "flex", "align_items": "center", "grid_gap": "8px", "width": "auto"},
        )
        self.shown = ipywidgets.HTML(layout={"width": "100%"})
        controls = ipywidgets.HBox(
            [self.task, self.number, self.wording],
            layout={"flex_flow": "row wrap", "align_items": "center", "grid_gap": "4px 24px"},
        )
        super().__init__([controls, self.shown])
        self._quiet = False
        self.task.observe(self._turn, "value")
        for control in (self.number, self.wording):
            control.observe(self._draw, "value")
        self._draw()

    def _turn(self, change: dict) -> None:
        """To another task: its first example, in its first paraphrase."""
        self._quiet = True  # the controls change one by one, and only the last state is read
        self.number.value, self.wording.value = 1, 1
        self.number.max = self._counts[change["new"]]
        self._quiet = False
        self._draw()

    def _draw(self, _: dict | None = None) -> None:
        if self._quiet:
            return
        try:
            self.reading = self._read(self.task.value, self.number.value, self.wording.value)
        except ValueError as refusal:
            self.reading, self.shown.value = None, f'<p role="alert">{safe(refusal)}</p>'
            return
        offered = tuple(range(1, len(self.reading.wordings) + 1))
        if self.wording.options != offered:
            self._quiet = True
            chosen = self.wording.value
            self.wording.options = offered
            self.wording.value = chosen
            self._quiet = False
        self.shown.value = reading_html(self.reading)
