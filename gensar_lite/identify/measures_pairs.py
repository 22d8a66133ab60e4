"""Two identifiers of one item: where they part, how far they agree, and which of them follows text and which clicks.

numpy and pandas. It knows nothing about how the two were made.
"""

from __future__ import annotations

from numbers import Real

import numpy as np
import pandas as pd

from gensar_lite.identify.evidence import Neighbours, Prepared
from gensar_lite.identify.measures import TWO, Measure, Subject, quotient, shared_pairs
from gensar_lite.identify.measures_meaning import neighbour_lift
from gensar_lite.identify.mutual_information import adjusted_mutual_information
from gensar_lite.identify.table import COLLABORATIVE

BY_TEXT, BY_CLICKS = "text neighbours", "click neighbours"


def measure_pair(first: Subject, second: Subject) -> list[Measure]:
    """Where two identifiers of the same items part, and how far their groupings agree at each depth."""
    levels = min(first.levels, second.levels)
    same = first.codes[:, :levels] == second.codes[:, :levels]
    n_items = first.n_items
    found = []
    parted = np.where(same.all(axis=1), levels + 1, (~same).argmax(axis=1) + 1)
    for level in (depth for depth in first.depths if depth <= levels):
        here, agree = int((parted == level).sum()), int(same[:, level - 1].sum())
        found += [
            _row("part at this level", "", level, here / n_items, "share of items", f"{here}/{n_items}"),
            _row("same code", "", level, agree / n_items, "share of items", f"{agree}/{n_items}"),
        ]
        found += _groupings(first, second, level)
    never = int((parted == levels + 1).sum())
    formula = f"{never}/{n_items} items have one and the same identifier of {levels} codes"
    found.append(_row("never part", "", None, never / n_items, "share of items", formula, True))
    return found


def measure_square(subject: Subject, prepared: Prepared) -> list[Measure]:
    """One side of the square {kinds} x {text neighbours, click neighbours}: lifts of one kind over both.

    Click neighbours come from the log, or from the collaborative embedding where there is no log.
    """
    found = []
    for name, neighbours in square_neighbours(prepared).items():
        found += neighbour_lift(subject, neighbours, TWO, f"{subject.kind} x {name}", judged=False)
    return [row for row in found if row.measure == "neighbour lift"]


def measure_spaces(prepared: Prepared) -> list[Measure]:
    """Items that are close by text and far by clicks: how many of an item's neighbours are the same in both.

    Says what two identifiers have to tell apart; codes play no part in it.
    """
    both = square_neighbours(prepared)
    if len(both) < 2:
        return []
    text, clicks = both[BY_TEXT], both[BY_CLICKS]
    _, left, right = np.intersect1d(text.items, clicks.items, return_indices=True)
    if len(left) == 0 or text.lists.size == 0 or clicks.lists.size == 0:
        return []
    common = (text.lists[left][:, :, None] == clicks.lists[right][:, None, :]).any(axis=2)
    share, none = float(common.mean()), int((~common.any(axis=1)).sum())
    said = f"{int(common.sum())} of {common.size} text neighbours are click neighbours too"
    apart = f"{none}/{len(left)} items share no neighbour by text and by clicks"
    return [
        _row("neighbours in common", "text and clicks", None, share, "share of neighbours", said),
        _row("no neighbour in common", "text and clicks", None, none / len(left), "share of items", apart),
    ]


def square_neighbours(prepared: Prepared) -> dict[str, Neighbours]:
    """The neighbours of the square that the evidence knows."""
    found = {}
    if prepared.text_space is not None:
        found[BY_TEXT] = prepared.text_space.neighbours
    if prepared.clicks is not None:
        found[BY_CLICKS] = prepared.clicks.neighbours
    elif COLLABORATIVE in prepared.spaces:
        found[BY_CLICKS] = prepared.spaces[COLLABORATIVE].neighbours
    return found


def _groupings(first: Subject, second: Subject, depth: int) -> list[Measure]:
    """Adjusted mutual information of the two prefixes, and pairs of items that are close in one and far in the other.

    Close = the same prefix of this depth; far = not even that.
    """
    left, right = first.labels[depth - 1], second.labels[depth - 1]
    alone = len(first.counts[depth - 1]) == len(second.counts[depth - 1]) == first.n_items
    ami = float("nan") if alone else adjusted_mutual_information(left, right)  # all alone in both: nothing to compare
    both = shared_pairs(np.bincount(pd.factorize(left * (int(right.max()) + 1) + right)[0]))
    said = f"{len(first.counts[depth - 1])} prefixes against {len(second.counts[depth - 1])}"
    found = [_row("agreement", "", depth, ami, "AMI, 0 to 1", said)]
    for one, other in ((first, second), (second, first)):
        close = shared_pairs(one.counts[depth - 1])
        value = quotient(close - both, close)
        formula = f"{close - both} of {close} pairs with the same {one.kind} prefix differ in the {other.kind} one"
        of = f"close in {one.kind}, far in {other.kind}"
        found.append(_row("parted pairs", of, depth, value, "share of close pairs", formula))
    return found


def _row(
    measure: str, of: str, level: int | None, value: Real, unit: str, formula: str, judged: bool = False
) -> Measure:
    return Measure(TWO, measure, of, level, float(value), unit, formula, judged)
