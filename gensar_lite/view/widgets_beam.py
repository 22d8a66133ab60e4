"""Live views of beam search.

The shells know no model. They are handed functions from a state to tables, and show what ``figures_beam`` makes of
them; a refusal (ValueError) becomes a kind sentence.
"""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets
import pandas as pd

from gensar_lite.view.figures_beam import beam_html, card_html
from gensar_lite.view.figures_flip import Asked, question_in_words, token_name
from gensar_lite.view.theme import safe
from gensar_lite.view.widgets_picture import Picture

_LABEL = {"description_width": "initial"}

Trace = Callable[[Asked, int, bool], pd.DataFrame]
Below = Callable[[str], tuple[pd.DataFrame, int]]


class BeamTree(ipywidgets.VBox):
    """A beam, one step at a time: a slider for the step, the beam's width, the constraint on or off, and a card.

    The arrow keys move the slider, and step through the tree as well when one of its prefixes has the focus. A click
    on a prefix, or Enter, shows the items it names; at the start it is the best answer.

    Attributes:
        step: slider, 1 … number of steps.
        beams: the beam's width.
        constrained: checkbox; off lets the model say any code.
        tree: the picture; ``tree.picked`` is the prefix whose card is shown.
        card: HTML, the items of that prefix.
        note: HTML, the question, or why there is no beam.
        beam: the table shown, all steps; empty after a refusal.
    """

    def __init__(
        self,
        trace: Trace,
        below: Below,
        asked: Asked,
        widths: tuple[int, ...] = (2, 5, 10, 30),
        beams: int = 10,
    ) -> None:
        """Args:
        trace: (question, beams, constrained) -> a beam, as ``figures_beam.beam_html`` takes it. A ValueError's message
            is shown to the reader.
        below: prefix -> the first items that begin with it, as ``figures_beam.card_html`` takes them, and how many.
        asked: the question.
        widths: the widths to choose from.
        beams: the one at the start.
        """
        self._trace, self._below, self._asked = trace, below, asked
        self.beam = pd.DataFrame()
        self.step = ipywidgets.IntSlider(
            value=1, min=1, max=1, description="step", style=_LABEL, layout={"width": "min(100%, 300px)"}
        )
        self.beams = ipywidgets.ToggleButtons(
            options=widths,
            value=beams,
            description="beam",
            style={**_LABEL, "button_width": "4em"},
            layout={"display": "flex", "align_items": "center", "grid_gap": "8px", "width": "auto"},
        )
        self.constrained = ipywidgets.Checkbox(
            value=True, description="only identifiers that exist", indent=False, style=_LABEL, layout={"width": "auto"}
        )
        self.tree = Picture("beam search, from left to right")
        self.card, self.note = ipywidgets.HTML(layout={"width": "auto"}), ipywidgets.HTML()
        controls = ipywidgets.HBox(
            [self.step, self.beams, self.constrained],
            layout={"flex_flow": "row wrap", "align_items": "center", "grid_gap": "4px 24px"},
        )
        super().__init__([controls, self.note, self.tree, self.card])
        self.step.observe(self._draw, "value")
        for control in (self.beams, self.constrained):
            control.observe(self._ask, "value")
        self.tree.observe(self._draw, "picked")
        self.tree.observe(self._stepped, "steps")
        self._ask()

    def about(self, asked: Asked | None) -> None:
        """Show the beam of another question; None (a question that was refused) changes nothing."""
        if asked is not None:
            self._asked = asked
            self._ask()

    def _ask(self, _: dict | None = None) -> None:
        try:
            self.beam = self._trace(self._asked, self.beams.value, self.constrained.value)
        except ValueError as refusal:
            self.beam, self.tree.html, self.card.value = pd.DataFrame(), "", ""
            self.note.value = f'<span role="alert">{safe(refusal)}</span>'
            return
        side, actions = self._asked.side, len(self._asked.history)
        told = f"{token_name(side.token)}, {question_in_words(side, self._asked.query)}"
        self.note.value = f'<span role="status">The question, after {actions} actions: <b>{safe(told)}</b></span>'
        before, last = self.step.max, int(self.beam["step"].max()) if len(self.beam) else 1
        at_the_end = self.step.value == before
        self.step.max = last
        self.step.value = last if at_the_end else min(self.step.value, last)
        if self.tree.picked not in set(self.beam.get("prefix", ())):
            kept = (
                self.beam[(self.beam["step"] == last) & (self.beam["fate"] == "kept")] if len(self.beam) else self.beam
            )
            self.tree.picked = str(kept["prefix"].iloc[0]) if len(kept) else ""
        self._draw()

    def _stepped(self, change: dict) -> None:
        self.step.value = min(max(self.step.value + change["new"] - change["old"], 1), self.step.max)

    def _draw(self, _: dict | None = None) -> None:
        if not len(self.beam):
            return
        picked = self.tree.picked
        self.tree.html = beam_html(self.beam, self._asked.side.token, self.step.value, picked, self.constrained.value)
        fates = self.beam.loc[self.beam["prefix"] == picked, "fate"]
        items, total = self._below(picked) if picked else (pd.DataFrame(), 0)
        self.card.value = card_html(picked, items, total, fates.iloc[0] if len(fates) else "")
