"""The signature view: one history, the behaviour token flipped, and both answers with the way between them.

The shell knows no model. It is handed a function from a history, a query and two questions to their answers, and shows
what ``figures_flip`` makes of them; a refusal (ValueError) becomes a kind sentence.
"""

from __future__ import annotations

import time
from collections.abc import Callable

import ipywidgets
import traitlets

from gensar_lite.generate.tasks import Action
from gensar_lite.view.figures_flip import Asked, Flipped, Side, flip_html, sides
from gensar_lite.view.theme import safe
from gensar_lite.view.widgets_chips import HistoryChips

_LABEL = {"description_width": "initial"}
_WRAP = {"flex_flow": "row wrap", "align_items": "center"}
_TOKENS = [("<R_I> recommend", "R_I"), ("<S_I> search", "S_I"), ("no token", "")]  # None would select no button

Flip = Callable[[tuple[Action, ...], str, tuple[Side, Side]], Flipped]


class BehaviourFlip(ipywidgets.VBox):
    """A history, a query box, a toggle for the token that ends the question, and two switches for what a flip changes.

    Flipping the toggle moves the answer on the right to the left, "before", and puts the new one on the right, "now".
    Everything can be reached with the Tab key; the query takes effect with Enter.

    Attributes:
        chips: the history, see ``HistoryChips``.
        query: text field; its words are read by every question that speaks of a search.
        token: toggle: "R_I", "S_I" or "" for none, the token of the answer on the right.
        flip_token, flip_words: the two switches, see ``figures_flip.sides``.
        before: the token that was flipped from; None for none.
        note: HTML below the controls: unknown words, the time the answer took, or why there is none.
        lists: HTML, both answers.
        answers: what is shown; None after a refusal.
        asked: the question on the right, or None after a refusal; observe it.
    """

    asked = traitlets.Any(allow_none=True)

    def __init__(
        self,
        flip: Flip,
        chips: HistoryChips,
        query: str,
        remark: Callable[[str], str] = lambda query: "",
        before: str | None = "R_I",
        now: str | None = "S_I",
    ) -> None:
        """Args:
        flip: (history, query, both questions) -> both answers. A ValueError's message is shown to the reader.
        chips: the history to ask about.
        query: what stands in the query box at the start.
        remark: a sentence on a query (unknown words), or "".
        before, now: the tokens flipped from and to at the start.
        """
        self._flip, self._remark = flip, remark
        self.before, self.answers = before, None
        self.chips = chips
        self.query = ipywidgets.Text(
            value=query,
            description="query",
            continuous_update=False,
            style=_LABEL,
            layout={"width": "min(100%, 420px)"},
        )
        self.token = ipywidgets.ToggleButtons(
            options=_TOKENS,
            value=now or "",
            description="last token",
            style={**_LABEL, "button_width": "11.5em"},
            layout={"display": "flex", "align_items": "center", "grid_gap": "8px", "width": "auto"},
        )
        narrow = {"width": "auto", "margin": "2px 18px 2px 0"}
        self.flip_token = ipywidgets.Checkbox(
            value=True, description="flip the token", indent=False, layout=narrow, style=_LABEL
        )
        self.flip_words = ipywidgets.Checkbox(
            value=True, description="flip the instruction and the query", indent=False, layout=narrow, style=_LABEL
        )
        self.note = ipywidgets.HTML()
        self.lists = ipywidgets.HTML(layout={"width": "auto"})
        asked = ipywidgets.HBox([self.query, self.token], layout={**_WRAP, "grid_gap": "4px 28px"})
        switches = ipywidgets.HBox([self.flip_token, self.flip_words, self.note], layout=_WRAP)
        super().__init__([self.chips, asked, switches, self.lists])
        self.chips.observe(self._ask, "history")
        for control in (self.query, self.flip_token, self.flip_words):
            control.observe(self._ask, "value")
        self.token.observe(self._flipped, "value")
        self._ask()

    @property
    def pair(self) -> tuple[Side, Side]:
        """What the two questions say."""
        return sides(self.before, self.token.value or None, self.flip_token.value, self.flip_words.value)

    def _flipped(self, change: dict) -> None:
        self.before = change["old"] or None
        self._ask()

    def _ask(self, _: dict | None = None) -> None:
        history, query, pair = self.chips.history, self.query.value, self.pair
        speaks = any(side.words == "S_I" for side in pair)
        self.query.disabled = not speaks
        started = time.perf_counter()
        try:
            self.answers = self._flip(history, query, pair)
        except ValueError as refusal:
            self.answers, self.lists.value, self.asked = None, "", None
            self.note.value = f'<span role="alert">{safe(refusal)}</span>'
            return
        took = 1000 * (time.perf_counter() - started)
        same = " Nothing is flipped: both questions are the same." if pair[0] == pair[1] else ""
        remark = f" {safe(self._remark(query))}" if speaks else ""
        self.note.value = f'<span role="status">Answered in {took:.0f} ms.{same}{remark}</span>'
        self.lists.value = flip_html(self.answers, pair, query)
        self.asked = Asked(history, pair[1], query)
