"""Do prefixes follow behaviour, and how are clicks spread over them? Everything from a log of clicks.

Popular items are clicked together with everything, so chance is taken by popularity: two clicks drawn by lot from the
log, on two different items. numpy only.
"""

from __future__ import annotations

from numbers import Real
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int

from gensar_lite.identify.evidence import COLD, STRATA, Clicks, Prepared
from gensar_lite.identify.measures import BEHAVIOUR, Measure, Subject, quotient
from gensar_lite.identify.measures_use import gini
from gensar_lite.identify.table import COLLABORATIVE, entropy_nats


def measure_behaviour(subject: Subject, prepared: Prepared) -> list[Measure]:
    """Co-clicks, queries, popularity strata, clicks per code and cold items."""
    clicks = prepared.clicks
    if clicks is None or clicks.per_item.sum() == 0:
        return []
    found = []
    for depth in subject.depths:
        found += _together(subject, clicks, depth)
        found += _queries(subject, clicks, depth)
        found += _spread(subject, clicks, depth)
        found += _strata(subject, clicks, depth)
        found += _cold(subject, clicks, depth)
    cold = int((clicks.strata == COLD).sum())
    share, formula = cold / subject.n_items, f"{cold}/{subject.n_items} items without a click"
    return [*found, Measure(BEHAVIOUR, "cold items", "", None, share, "share of items", formula, False)]


def popular_chance(labels: Int[np.ndarray, " N"], per_item: Int[np.ndarray, " N"]) -> float:
    """Probability that two clicks drawn by lot share a prefix, given that they are on two different items."""
    weight = per_item / per_item.sum()
    same_item = float(np.square(weight).sum())
    same_prefix = float(np.square(np.bincount(labels, weights=weight)).sum())
    return quotient(max(same_prefix - same_item, 0.0), 1 - same_item)


def _together(subject: Subject, clicks: Clicks, depth: int) -> list[Measure]:
    """Two items clicked one after the other by one user: how much likelier under one prefix than by chance."""
    if len(clicks.successive) == 0:
        return []
    labels = subject.labels[depth - 1]
    hits = int((labels[clicks.successive[:, 0]] == labels[clicks.successive[:, 1]]).sum())
    share, by_lot = hits / len(clicks.successive), popular_chance(labels, clicks.per_item)
    judged = depth == 1 and subject.kind == COLLABORATIVE
    formula = f"{hits}/{len(clicks.successive)} successive clicks = {share:.4g} / chance {by_lot:.4g}"
    return [_row("co-click lift", "", depth, quotient(share, by_lot), "times chance", formula, judged)]


def _queries(subject: Subject, clicks: Clicks, depth: int) -> list[Measure]:
    """Pairs of clicks of one query on different items: lift over chance; and the share its largest prefix takes."""
    if clicks.asked is None:
        return []
    query, item = clicks.asked.T
    label = subject.labels[depth - 1][item]
    per_query = np.bincount(query)
    under = _pair_counts(query, label)
    on_item = _pair_counts(query, item)
    pairs, same = (per_query.astype(np.float64) ** 2).sum(), (under.counts.astype(np.float64) ** 2).sum()
    twice = (on_item.counts.astype(np.float64) ** 2).sum()
    largest = np.zeros(len(per_query), dtype=np.int64)
    np.maximum.at(largest, under.query, under.counts)
    items_of = np.bincount(on_item.query, minlength=len(per_query))
    several = items_of > 1
    if not several.any():
        return []
    share, by_lot = quotient(same - twice, pairs - twice), popular_chance(subject.labels[depth - 1], clicks.per_item)
    top = float((largest[several] / per_query[several]).mean())
    formula = f"{(same - twice) / 2:.0f}/{(pairs - twice) / 2:.0f} pairs of clicks of a query / chance {by_lot:.4g}"
    return [
        _row("query lift", "", depth, quotient(share, by_lot), "times chance", formula),
        _row(
            "query concentration",
            "",
            depth,
            top,
            "share of a query's clicks",
            f"in its largest prefix, mean over {int(several.sum())} queries with clicks on several items",
        ),
    ]


class _Cells(NamedTuple):
    """How often each pair of a query and something else occurs: (P,) the pair's query, (P,) how often."""

    query: np.ndarray
    counts: np.ndarray


def _pair_counts(query: Int[np.ndarray, " C"], other: Int[np.ndarray, " C"]) -> _Cells:
    width = int(other.max()) + 1
    codes, keys = pd.factorize(query.astype(np.int64) * width + other)
    return _Cells(np.asarray(keys) // width, np.bincount(codes))


def _spread(subject: Subject, clicks: Clicks, depth: int) -> list[Measure]:
    """Clicks per prefix: evenness, Gini, and the prefix that takes most beyond its share of items."""
    labels, counts = subject.labels[depth - 1], subject.counts[depth - 1]
    taken = np.bincount(labels, weights=clicks.per_item, minlength=len(counts)).astype(np.int64)
    total = int(taken.sum())
    perplexity = float(np.exp(entropy_nats(taken)))
    beyond = taken / total - counts / subject.n_items
    top = int(np.argmax(beyond))
    said = f"{taken[top]}/{total} clicks - {counts[top]}/{subject.n_items} items of its prefix"
    even = f"exp(H) = {perplexity:.4g} of {len(counts)} prefixes"
    unequal = gini(taken[taken > 0], int((taken == 0).sum()))
    return [
        _row("clicks: evenness", "", depth, perplexity / len(counts), "share of prefixes", even),
        _row("clicks: Gini", "", depth, unequal, "0 to 1", f"{total} clicks over {len(counts)} prefixes in use"),
        _row("clicks beyond items", "", depth, float(beyond[top]), "share of clicks", said, depth == 1),
    ]


def _strata(subject: Subject, clicks: Clicks, depth: int) -> list[Measure]:
    """How many prefixes head, middle, tail and cold items are given, per item."""
    found = []
    for stratum in STRATA:
        items = np.flatnonzero(clicks.strata == stratum)
        if len(items) == 0:
            continue
        used = int((np.bincount(subject.labels[depth - 1][items]) > 0).sum())
        formula = f"{used} prefixes / {len(items)} {stratum} items"
        found.append(_row("prefixes per item", stratum, depth, used / len(items), "prefixes per item", formula))
    return found


def _cold(subject: Subject, clicks: Clicks, depth: int) -> list[Measure]:
    """Cold items whose prefix has clicks through other items: only these can be learned to be found."""
    cold = clicks.strata == COLD
    if not cold.any():
        return []
    labels = subject.labels[depth - 1]
    warm = np.bincount(labels, weights=clicks.per_item) > 0
    known = int(warm[labels[cold]].sum())
    formula = f"{known}/{int(cold.sum())} cold items stand under a prefix that is clicked"
    share = known / int(cold.sum())
    return [_row("cold items under a clicked prefix", "", depth, share, "share of cold items", formula, depth == 1)]


def _row(measure: str, of: str, depth: int, value: Real, unit: str, formula: str, judged: bool = False) -> Measure:
    return Measure(BEHAVIOUR, measure, of, depth, float(value), unit, formula, judged)
