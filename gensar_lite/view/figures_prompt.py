"""A training example as the model sees it: the line of tokens, the answer, the slots, and the ways of wording it.

Tokens in, HTML out. Words are data from strangers and are shown as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

from gensar_lite.view.figures_generation import Slot, legend_html, slots_html, token_kind, tokens_html
from gensar_lite.view.theme import safe

KINDS = ("word", "query", "shared", "semantic", "collaborative", "behaviour", "special")
_NAME = {"word": "text", "query": "whole query"}
_GAP = re.compile(r"(\{\w+\})")  # where a wording is filled in


class Reading(NamedTuple):
    """One training example.

    Attributes:
        task: name of the task.
        meaning: what the task asks, in a few words.
        number: of the example among those of its task, from 1.
        count: how many there are.
        wording: which paraphrase ``reads`` is worded in, from 1.
        wordings: all paraphrases, with gaps such as ``{history}``.
        reads: tokens of the input as one line (how a text-to-text model reads it).
        answers: tokens of the target.
        says: the title of the item that the answer names; empty where the answer is in words.
        slots: the input as the packed generator reads it; empty for a model that reads the line.
    """

    task: str
    meaning: str
    number: int
    count: int
    wording: int
    wordings: Sequence[str]
    reads: Sequence[str]
    answers: Sequence[str]
    says: str
    slots: Sequence[Slot]


def token_counts(tokens: Sequence[str]) -> dict[str, int]:
    """How many tokens of each kind, in the order of ``KINDS``; kinds that do not occur are left out."""
    kinds = [token_kind(token) for token in tokens]
    return {kind: kinds.count(kind) for kind in KINDS if kind in kinds}


def reading_sentence(reading: Reading) -> str:
    """What is shown, in words."""
    counts = token_counts(reading.reads)
    told = ", ".join(f"{number} {_NAME.get(kind, kind)}" for kind, number in counts.items())
    slots = "one slot" if len(reading.slots) == 1 else f"{len(reading.slots)} slots"
    packed = f" The packed generator reads them as {slots}." if reading.slots else ""
    return (
        f"{reading.task}, example {reading.number:,} of {reading.count:,}: the model reads {len(reading.reads)} tokens "
        f"({told}) and should answer with {len(reading.answers)}.{packed}"
    )


def reading_html(reading: Reading) -> str:
    """A training example: legend, input, answer, slots, paraphrases."""
    slots = ""
    if reading.slots:
        slots = (
            "<h4>as the packed generator reads it: one slot per event, and the question last</h4>"
            '<p class="gs-note">The tokens of a slot are added up. The instruction itself stands in the line above '
            "only; here the task is known by what the slot of the question holds. A query that training saw at least "
            "twice is its words and a token of its own.</p>" + slots_html(reading.slots, legend=False)
        )
    wordings = "".join(
        f"<li{' aria-current=true' if number == reading.wording else ''}>{_with_gaps(wording)}</li>"
        for number, wording in enumerate(reading.wordings, start=1)
    )
    return (
        f'{_STYLE}<figure class="gs-reading">'
        f'<div class="gs-said"><b>{safe(reading.task)}</b> {safe(reading.meaning)}</div>{legend_html()}'
        f"<h4>reads, in paraphrase {reading.wording} of {len(reading.wordings)}</h4>"
        f'<p class="gs-line">{tokens_html(reading.reads)}</p>'
        f"<h4>should answer</h4>"
        f'<p class="gs-line">{tokens_html(reading.answers)} <span class="gs-said">{safe(reading.says)}</span></p>'
        f"{slots}"
        f"<details open><summary>all paraphrases of the task</summary><ol>{wordings}</ol></details>"
        f'<figcaption class="gs-note" role="note">{safe(reading_sentence(reading))}</figcaption></figure>'
    )


def _with_gaps(wording: str) -> str:
    """A wording with its gaps marked."""
    parts = _GAP.split(wording)
    return "".join(f"<em>{safe(part)}</em>" if _GAP.fullmatch(part) else safe(part) for part in parts)


_STYLE = """<style>
.gs-reading { margin: 0; line-height: 1.4; font-size: 14px; }
.gs-reading h4 { margin: 14px 0 2px; font-size: 12px; letter-spacing: .06em; text-transform: uppercase; opacity: .85; }
.gs-reading p { margin: 2px 0; } .gs-reading .gs-line { line-height: 2.1; }
.gs-reading .gs-said { opacity: .85; } .gs-reading .gs-line .gs-said { margin-left: 12px; }
.gs-reading .gs-note { font-size: 12px; opacity: .85; }
.gs-reading details { margin: 12px 0 6px; } .gs-reading ol { margin: 6px 0; }
.gs-reading details li[aria-current] { font-weight: 700; }
.gs-reading details em { font: 700 12px ui-monospace, monospace; }
</style>"""
