"""Live views of the generator: flip the behaviour token, step through a beam.

The shells know no model. They are handed functions from a state to tables, and show what the pure figures of
``figures_generation`` make of them; a refusal (ValueError) becomes a kind sentence.
"""

from __future__ import annotations

from collections.abc import Callable

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from gensar_lite.view.figures_generation import beam_steps, flip_slopes
from gensar_lite.view.theme import safe
from gensar_lite.view.widgets_basics import outputs_of

_WIDE = {"width": "min(100%, 640px)"}
_LABEL = {"description_width": "initial"}
_TOKENS = {"<R_I> recommend": "R_I", "<S_I> search": "S_I"}
_OTHER = {"R_I": "S_I", "S_I": "R_I"}

Flip = Callable[[str, bool], dict[str, pd.DataFrame]]
Trace = Callable[[int, bool], pd.DataFrame]


class BehaviourFlip(ipywidgets.VBox):
    """One history, two questions: a toggle for the behaviour token, a query box, and both lists with their changes.

    The list of the chosen token stands on the right, the other one on the left. All controls can be reached with the
    Tab key; the query takes effect with Enter.

    Attributes:
        token: toggle, "R_I" or "S_I".
        query: text field; what it holds is used by search only.
        alone: checkbox; when on, instruction and query stay the same and only the token is flipped.
        note: HTML below the controls: what was asked, unknown words, or why there is no answer.
        answers: the two tables shown, by behaviour; empty after a refusal.
    """

    def __init__(
        self, flip: Flip, query: str, remark: Callable[[str], str] = lambda query: "", behaviour: str = "S_I"
    ) -> None:
        """Args:
        flip: (query, token alone) -> behaviour -> answers, as ``figures_generation.flip_slopes`` takes them. A
            ValueError's message is shown to the reader.
        query: what stands in the query box at the start.
        remark: a sentence on a query (unknown words), or "".
        behaviour: the token chosen at the start.
        """
        self._flip, self._remark = flip, remark
        self.answers: dict[str, pd.DataFrame] = {}
        self.token = ipywidgets.ToggleButtons(
            options=_TOKENS, value=behaviour, description="last token", style={**_LABEL, "button_width": "13em"}
        )
        self.query = ipywidgets.Text(
            value=query, description="query", continuous_update=False, style=_LABEL, layout=_WIDE
        )
        self.alone = ipywidgets.Checkbox(
            value=False, description="flip the token alone (same words, no query)", indent=False, layout=_WIDE
        )
        self.note = ipywidgets.HTML()
        self.below = ipywidgets.Output()
        super().__init__([self.token, self.query, self.alone, self.note, self.below])
        self.query.observe(self._ask, "value")
        self.alone.observe(self._ask, "value")
        self.token.observe(self._show, "value")
        self._ask({})

    def _ask(self, _: dict) -> None:
        self.query.disabled = self.alone.value
        try:
            self.answers = self._flip(self.query.value, self.alone.value)
        except ValueError as refusal:
            self.answers = {}
            self.note.value = f'<p role="alert">{safe(refusal)}</p>'
            self.below.outputs = ()
            return
        self._show({})

    def _show(self, _: dict) -> None:
        if not self.answers:
            return
        now, before = self.token.value, _OTHER[self.token.value]
        asked = "the same words" if self.alone.value else f"the query “{safe(self.query.value)}”" * (now == "S_I")
        unknown = "" if self.alone.value else safe(self._remark(self.query.value))
        told = f"The question ends in <code>&lt;{now}&gt;</code>{f', after {asked}' if asked else ''}. {unknown}"
        self.note.value = f'<p role="status">{told}</p>'
        self.below.outputs = outputs_of(self._drawn, (before, now))

    def _drawn(self, behaviours: tuple[str, str]) -> tuple[go.Figure, pd.DataFrame]:
        table = pd.concat(
            {f"<{behaviour}>": self.answers[behaviour].drop(columns="item_id") for behaviour in behaviours},
            names=["token", "rank"],
        ).reset_index()
        return flip_slopes(*(self.answers[behaviour] for behaviour in behaviours), behaviours), table


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
