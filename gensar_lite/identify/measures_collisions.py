"""Items that share an identifier: how many, in groups how large, of what kind, and what it costs.

Two numbers stand side by side at every depth because they differ: the rate 1 - unique / N, and the share of items that
stand in a shared group. Of A, A, A, B, C the rate is 1 - 3/5 = 0.40 and the share 3/5 = 0.60.
"""

from __future__ import annotations

import math
from numbers import Real

import numpy as np
import pandas as pd
from jaxtyping import Int

from gensar_lite.identify.evidence import Prepared
from gensar_lite.identify.labels import COMPARED, DIFFERENT, UNKNOWN, collision_groups, count_kinds
from gensar_lite.identify.measures import (
    COLLISIONS,
    Measure,
    Subject,
    chance,
    level_counts,
    prefix_groups,
    quotient,
    shared_pairs,
    short,
)
from gensar_lite.identify.table import IdentifierTable

_SIZES = (("2 items", 2, 2), ("3 to 5 items", 3, 5), ("6 items or more", 6, None))


def measure_collisions(subject: Subject, prepared: Prepared) -> list[Measure]:
    """Collisions at every depth, then of the whole identifier: kinds, popularity, test targets, string matches."""
    found = []
    for depth in subject.depths:
        found += _depth(subject, depth)
    if subject.running:
        found.append(_numbered(subject))
    sizes = subject.counts[-1]
    for name, least, most in _SIZES:
        here = (sizes >= least) & (sizes <= (most or subject.n_items))
        groups, items = int(here.sum()), int(sizes[here].sum())
        found.append(_whole("groups", name, groups, "groups", f"{groups} groups, {items} items in them", False))
    found += group_kinds(subject, prepared)
    found += _popularity(subject, prepared)
    found += _targets(subject, prepared)
    return found


def measure_repair(before: Int[np.ndarray, "M L"], after: Int[np.ndarray, "M l"]) -> list[Measure]:
    """What a repair changed.

    Args:
        before: codes of some items before it.
        after: codes of the same items after it; where the lengths differ, the levels both have are compared.
    """
    levels, n_items = min(before.shape[1], after.shape[1]), len(after)
    differs = before[:, :levels] != after[:, :levels]
    moved = differs.any(axis=1)
    labels, counts = prefix_groups(before)
    shared = counts[-1][labels[-1]] > 1
    rate = 1 - len(counts[-1]) / n_items
    needless = int((moved & ~shared).sum())
    found = [
        _whole(
            "collision rate before repair",
            "",
            rate,
            "1 - unique / N",
            f"1 - {len(counts[-1])}/{n_items} = {rate:.4f}",
            False,
        ),
        _whole("moved by repair", "", moved.mean(), "share of items", f"{int(moved.sum())}/{n_items}", False),
        _whole(
            "moved without need",
            "",
            quotient(needless, int(moved.sum())) if moved.any() else 0.0,
            "share of moved items",
            f"{needless} of {int(moved.sum())} moved items had an identifier of their own",
        ),
    ]
    for level in range(1, levels + 1):
        share = float(differs[:, :level].any(axis=1).mean())
        formula = f"{short(share * n_items)}/{n_items} items have another prefix of {level}"
        found.append(Measure(COLLISIONS, "moved by repair", "prefix", level, share, "share of items", formula, False))
    return found


def group_kinds(subject: Subject, prepared: Prepared) -> list[Measure]:
    """Share of items in groups of the same text, of near duplicates, of truly different items (``labels``).

    Where texts are missing, groups of unknown cause have a number of their own; if then no group is known to be truly
    different, how many are is not known (NaN).
    """
    groups = kinds_of_groups(subject, prepared)
    if groups is None:
        return []
    found = []
    sampled = int((groups["compared"] < groups["size"]).sum())
    part = (
        f"; a sample: in groups of more than {COMPARED} items ({sampled} of them) that many are compared"
        if sampled
        else ""
    )
    counted = count_kinds(groups, subject.n_items).set_index("kind")
    unknown = int(counted["items"].get(UNKNOWN, 0))
    for kind in counted.index:
        items, number = int(counted.loc[kind, "items"]), int(counted.loc[kind, "groups"])
        share, formula = items / subject.n_items, f"{items}/{subject.n_items} in {number} groups{part}"
        if kind == UNKNOWN:
            formula += "; items without a text are among them"
        elif unknown:
            formula += f"; not known of {unknown} more items, in groups with items without a text"
            share = float("nan") if kind == DIFFERENT and not items else share
        found.append(_whole("items in groups", kind, share, "share of items", formula, kind == DIFFERENT))
    return found


def kinds_of_groups(subject: Subject, prepared: Prepared) -> pd.DataFrame | None:
    """Groups that share the whole identifier with their kind, as ``labels.collision_groups`` gives them.

    With texts alone every pair of unequal texts counts as different; with an embedding alone no texts are equal. None
    without either.
    """
    space, texts = prepared.text_space, prepared.texts
    if space is None and texts is None:
        return None
    shared = np.flatnonzero(subject.counts[-1][subject.labels[-1]] > 1)
    rows = shared if len(shared) else np.arange(1)  # one item is no group
    says = [str(row) if texts is None else texts[row] for row in rows.tolist()]
    vectors = space.unit[rows] if space is not None else np.zeros((len(rows), 1))
    groups = collision_groups(subject.codes[rows], says, vectors)
    groups["items"] = [tuple(rows[list(items)].tolist()) for items in groups["items"]]
    return groups


def _depth(subject: Subject, depth: int) -> list[Measure]:
    counts, n_items = subject.counts[depth - 1], subject.n_items
    unique, alone = len(counts), int((counts == 1).sum())
    whole = depth == subject.levels
    rate, share = 1 - unique / n_items, 1 - alone / n_items
    mean = float((counts.astype(np.float64) ** 2).sum() / n_items)

    def row(measure: str, value: Real, unit: str, formula: str, judged: bool = False, of: str = "") -> Measure:
        return Measure(COLLISIONS, measure, of, depth, float(value), unit, formula, judged)

    found = [
        row("unique", unique, "prefixes", f"{unique} different prefixes of {n_items} items"),
        row("collision rate", rate, "1 - unique / N", f"1 - {unique}/{n_items} = {rate:.4f}", whole),
        row("items in a shared group", share, "share of items", f"{n_items - alone}/{n_items} = {share:.4f}", whole),
        row("largest group", int(counts.max()), "items", f"of {unique} groups"),
        row("group of an item", mean, "items", f"sum n^2 / N over {unique} groups"),
    ]
    pairs, possible = shared_pairs(counts), n_items * (n_items - 1) // 2
    for of, by_lot in _by_lot(subject, depth):
        expected = possible * by_lot
        formula = f"{pairs} pairs of items / {expected:.4g} expected"
        found.append(row("pairs over birthday", quotient(pairs, expected), "times", formula, of=of))
    return found


def _by_lot(subject: Subject, depth: int) -> list[tuple[str, float]]:
    """Probability that two items dealt out by lot share a prefix: all codes alike, and each as frequent as here."""
    if subject.sizes is None or subject.n_items < 2:
        return []
    room = sum(math.log(size) for size in subject.sizes[:depth])  # the product itself may be too large for a float
    alike = math.prod(chance(level_counts(subject, level)) for level in range(1, depth + 1))
    return [("all codes alike", math.exp(-room)), ("codes as frequent as here", alike)]


def _numbered(subject: Subject) -> Measure:
    counts, n_items = subject.counts[-2], subject.n_items
    items = int(counts[counts > 1].sum())
    formula = f"{items}/{n_items} agree on all {subject.levels - 1} levels before the last, which only counts them"
    return _whole("told apart by a running number", "", items / n_items, "share of items", formula)


def _popularity(subject: Subject, prepared: Prepared) -> list[Measure]:
    if prepared.clicks is None:
        return []
    per_item = prepared.clicks.per_item
    shared = subject.counts[-1][subject.labels[-1]] > 1
    total, theirs = int(per_item.sum()), int(per_item[shared].sum())
    if not shared.any() or total == 0:
        return []
    ratio = quotient(theirs / int(shared.sum()), total / subject.n_items)
    return [
        _whole(
            "popularity of collided items",
            "",
            ratio,
            "times the mean item",
            f"({theirs}/{int(shared.sum())}) / ({total}/{subject.n_items}) clicks per item",
            False,
        ),
        _whole("clicks on collided items", "", theirs / total, "share of clicks", f"{theirs}/{total}", False),
    ]


def _targets(subject: Subject, prepared: Prepared) -> list[Measure]:
    """Shared identifiers among test targets, and what a metric that compares strings gains by them.

    A string match counts an identifier of m items as found although only one of them, drawn by lot, is the target:
    1 instead of 1/m. The inflation is the upper limit at which every target's identifier is found.
    """
    sizes = subject.counts[-1][subject.labels[-1]]
    targets, name = np.arange(subject.n_items), "all items as targets"
    found = []
    if prepared.evidence.targets is not None and len(prepared.evidence.targets):
        targets, name = np.asarray(prepared.evidence.targets), "test targets"
        hit = int((sizes[targets] > 1).sum())
        share, formula = hit / len(targets), f"{hit}/{len(targets)} = {hit / len(targets):.4f}"
        found.append(_whole("test targets with a shared identifier", "", share, "share of targets", formula))
    fair = float((1 / sizes[targets]).sum())
    formula = f"{len(targets)} / {fair:.6g}, the sum of 1 / (items with the target's identifier)"
    return [*found, _whole("string match inflation", name, len(targets) / fair, "times", formula)]


def aligned_codes(table: IdentifierTable, other: IdentifierTable, kind: str) -> tuple[np.ndarray, np.ndarray]:
    """Rows of ``table`` whose item the other table has too, and that table's codes of them.

    A kind the other table lacks is read from its only kind; if it has several others there is nothing to compare.
    """
    codes = other.codes.get(kind, next(iter(other.codes.values())) if len(other.codes) == 1 else None)
    if codes is None:
        return np.zeros(0, dtype=np.int64), np.zeros((0, 1), dtype=np.int64)
    place = pd.Index(other.item_ids.astype(str)).get_indexer(pd.Index(table.item_ids.astype(str)))
    rows = np.flatnonzero(place >= 0)
    return rows, codes[place[rows]]


def _whole(measure: str, of: str, value: Real, unit: str, formula: str, judged: bool = True) -> Measure:
    return Measure(COLLISIONS, measure, of, None, float(value), unit, formula, judged)
