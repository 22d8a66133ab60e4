"""Every verdict's threshold in one table, with its reason and what to do. Nothing else decides a verdict.

A measure that is not in the table gets none. Thresholds are rules of thumb, set between what good and broken
identifiers measure; where a catalogue differs, the controls beside each number say more.
"""

from __future__ import annotations

from numbers import Real
from typing import NamedTuple

import numpy as np
import pandas as pd

from gensar_lite.identify.formats.findings import BAD, FINE, LOOK
from gensar_lite.identify.measures import Measure

VALUE, OVER_RANDOM = "value", "value / random control"
ABOVE, BELOW = "above", "below"
_SCARCE = 0.05  # a random control below this leaves nothing to divide by


class Threshold(NamedTuple):
    """When a measure is worth a look, and when it is bad.

    Attributes:
        measure: its name.
        on: what is compared, the value itself or its ratio to the random control's.
        side: "above" or "below", where trouble lies.
        look, bad: limits; a value beyond one of them (not on it) gets the verdict.
        why: what the number means.
        advice: what to do about it.
    """

    measure: str
    on: str
    side: str
    look: float
    bad: float
    why: str
    advice: str

    @property
    def said(self) -> str:
        """The threshold in words: "look above 0.01, bad above 0.05"."""
        what = "" if self.on == VALUE else f" ({self.on})"
        return f"look {self.side} {self.look:g}, bad {self.side} {self.bad:g}{what}"


class Judgement(NamedTuple):
    """A verdict ("" where the measure has none), what to do about it, and the threshold in words."""

    verdict: str
    advice: str
    threshold: str


THRESHOLDS: tuple[Threshold, ...] = (
    Threshold(
        "codes used over chance",
        VALUE,
        BELOW,
        0.5,
        0.1,
        "A level that uses a tenth of the codes that lots would use has collapsed or was given far too large a size.",
        "Revive dead codes (k-means initialisation, resets, balanced assignment), or make the codebook smaller. "
        "If the file does not say its sizes, check the size assumed here first.",
    ),
    Threshold(
        "evenness",
        VALUE,
        BELOW,
        0.15,
        0.05,
        "The perplexity counts the codes that really carry items; the rest of the level is hardly spoken.",
        "Look at the largest codes of the level. Centre and scale the embedding, initialise by k-means on the whole "
        "catalogue, or balance the assignment.",
    ),
    Threshold(
        "hourglass",
        VALUE,
        ABOVE,
        0.05,
        0.15,
        "A middle level that concentrates more than both its neighbours makes many paths run through few codes.",
        "Check whether residuals shrink to one length before this level; fewer levels, or a larger first one, help.",
    ),
    Threshold(
        "entropy given the prefix",
        OVER_RANDOM,
        BELOW,
        0.5,
        0.2,
        "What a level adds, given the codes before it, against shuffled codes: near 0 it follows from the prefix.",
        "The level repeats what the prefix says. Quantise residuals, not the vector again, or drop the level.",
    ),
    Threshold(
        "beginning of another",
        VALUE,
        ABOVE,
        0.0,
        0.1,
        "Such an identifier cannot be told from the start of a longer one unless the end is spoken too.",
        "Close every identifier with an end token, and give the trie that token.",
    ),
    Threshold(
        "variance the level takes",
        OVER_RANDOM,
        BELOW,
        1.5,
        1.1,
        "A level that explains no more of the embedding than random codes says nothing about the items.",
        "Check that this level's codes belong to these items (shifted rows, swapped columns, another catalogue) and "
        "that the embedding given is the one they were made of.",
    ),
    Threshold(
        "flips under noise",
        VALUE,
        ABOVE,
        0.1,
        0.3,
        "Items near a border change their first code when the embedding is disturbed by a tenth of its length.",
        "The first level cuts through clusters: use fewer first codes, or repeat the clustering from several starts.",
    ),
    Threshold(
        "churn across seeds",
        VALUE,
        ABOVE,
        0.5,
        0.8,
        "Two trainings that sort most items differently say that the codes, not the items, decide.",
        "Compare with residual k-means beside it; train longer, or keep the identifiers of one training for good.",
    ),
    Threshold(
        "collision rate",
        VALUE,
        ABOVE,
        0.01,
        0.05,
        "1 - unique / N of whole identifiers: answers that name more than one item.",
        "See the kinds of groups. Repair collisions (identify.assign), or add codes or a level.",
    ),
    Threshold(
        "items in a shared group",
        VALUE,
        ABOVE,
        0.02,
        0.1,
        "Share of items that the model cannot name alone.",
        "See the list of affected items. Repair collisions (identify.assign), or add codes or a level.",
    ),
    Threshold(
        "told apart by a running number",
        VALUE,
        ABOVE,
        0.1,
        0.5,
        "These items differ by a number that says nothing about them; the model can only learn it by heart.",
        "Give the levels before it more codes, so that fewer items need the number.",
    ),
    Threshold(
        "items in groups",
        VALUE,
        ABOVE,
        0.01,
        0.05,
        "Items that share an identifier although their texts differ (kind: truly different).",
        "The quantiser throws away a difference that is there: more codes, another level, or repair by the nearest "
        "free code. Groups of the same text need no repair but a rule which of them to show.",
    ),
    Threshold(
        "test targets with a shared identifier",
        VALUE,
        ABOVE,
        0.01,
        0.05,
        "Few items can be many targets when popular items collide.",
        "Report metrics by item, with ties broken by a stated rule, and give popular items the identifier first.",
    ),
    Threshold(
        "string match inflation",
        VALUE,
        ABOVE,
        1.01,
        1.05,
        "A metric that compares identifiers as strings counts all items of a group as found.",
        "Compare items, not strings: expand each identifier to its items before ranking.",
    ),
    Threshold(
        "moved without need",
        VALUE,
        ABOVE,
        0.0,
        0.1,
        "A repair should move only items that shared an identifier.",
        "Use a repair that leaves unique identifiers alone (identify.assign), or check that the tables match.",
    ),
    Threshold(
        "best AMI",
        VALUE,
        BELOW,
        0.1,
        0.03,
        "Adjusted mutual information with the categories, at the prefix depth and category level that agree best.",
        "Check that the identifiers belong to these items and that the embedding knows the categories at all.",
    ),
    Threshold(
        "neighbour lift",
        VALUE,
        BELOW,
        1.5,
        1.2,
        "How much likelier an item's nearest neighbours share its first code than any other item does.",
        "The first level does not follow the embedding. Check rows and embedding; if they are right, retrain.",
    ),
    Threshold(
        "level above chance",
        VALUE,
        BELOW,
        0.03,
        0.015,
        "Of neighbours with the same prefix, how many share the next code too, between chance (0) and all (1).",
        "This level does not follow the embedding: shifted or shuffled codes, or a level that learned noise. Compare "
        "with residual k-means beside it.",
    ),
    Threshold(
        "co-click lift",
        VALUE,
        BELOW,
        1.5,
        1.2,
        "How much likelier two successive clicks share the first code of a collaborative identifier than by chance.",
        "The identifiers do not follow these clicks: check rows and log, or retrain the behaviour embedding.",
    ),
    Threshold(
        "clicks beyond items",
        VALUE,
        ABOVE,
        0.1,
        0.3,
        "One first code takes far more of the clicks than of the items: the model learns to say it always.",
        "Look at the items of this prefix. Spread popular items (balance by clicks), or check for a few items that "
        "take the log over.",
    ),
    Threshold(
        "cold items under a clicked prefix",
        VALUE,
        BELOW,
        0.9,
        0.5,
        "A cold item can only be learned to be found if its first code is spoken for other items.",
        "Use identifiers made of texts for cold items, or fewer first codes.",
    ),
    Threshold(
        "never part",
        VALUE,
        ABOVE,
        0.05,
        0.5,
        "Items whose two identifiers are one and the same have nothing to say to the two tasks apart.",
        "Check that the two kinds were made of two different embeddings; add a specific level.",
    ),
    Threshold(
        "mass outside the trie",
        VALUE,
        ABOVE,
        0.05,
        0.3,
        "Probability that the model gives to codes no item has after the right prefix.",
        "Train longer, or check that model and trie read the same identifier table.",
    ),
    Threshold(
        "pruned",
        VALUE,
        ABOVE,
        0.5,
        0.9,
        "Cases in which beam search drops the target's prefix.",
        "See the step at which most are lost. More beams help where the loss is late; training where it is early.",
    ),
    Threshold(
        "largest effect on a case",
        VALUE,
        BELOW,
        0.05,
        0.005,
        "How far the behaviour token moves the next code at the step where it moves it most.",
        "The model hardly listens to the behaviour token: check that both tasks are trained with it.",
    ),
    Threshold(
        "overlap of both behaviours",
        VALUE,
        ABOVE,
        0.9,
        0.99,
        "Rank-biased overlap of the answers as search and as recommendation.",
        "Both behaviours give the same answers: check that both tasks are trained with their token.",
    ),
)

_BY_NAME = {threshold.measure: threshold for threshold in THRESHOLDS}


def judge(row: Measure, random: Real) -> Judgement:
    """The verdict on one measure.

    Args:
        row: the measure.
        random: what its random control measures; NaN without one.
    """
    threshold = _BY_NAME.get(row.measure)
    if threshold is None or not row.judged:
        return Judgement("", "", "")
    value = row.value
    if threshold.on == OVER_RANDOM:
        value = row.value / random if random > _SCARCE * _unit_of(row) else float("nan")
    if np.isnan(value):
        return Judgement("", "", threshold.said)
    sign = 1 if threshold.side == ABOVE else -1
    if sign * value > sign * threshold.bad:
        return Judgement(BAD, threshold.advice, threshold.said)
    if sign * value > sign * threshold.look:
        return Judgement(LOOK, threshold.advice, threshold.said)
    return Judgement(FINE, "", threshold.said)


def thresholds_frame() -> pd.DataFrame:
    """The table as a data frame: measure, on, side, look, bad, why, advice."""
    return pd.DataFrame(THRESHOLDS, columns=Threshold._fields)


def _unit_of(row: Measure) -> float:
    """Shares may be small and still divide; entropies below a twentieth of a nat do not."""
    return 1.0 if row.unit == "nats" else 0.0
