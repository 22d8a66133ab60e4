"""What every diagnostic is made of: items grouped by prefix, a number with its formula, the chance of sharing a prefix.

numpy and pandas only. It knows nothing about embeddings, clicks, thresholds or verdicts.
"""

from __future__ import annotations

from dataclasses import dataclass
from numbers import Real
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int

USE, QUANTISATION, COLLISIONS = "use", "quantisation", "collisions"
MEANING, BEHAVIOUR, TWO, DECODER = "meaning", "behaviour", "two identifiers", "decoder"
GROUPS = (USE, QUANTISATION, COLLISIONS, MEANING, BEHAVIOUR, TWO, DECODER)

ENDED = 0  # code of the places behind the end of a shorter identifier (``formats.RaggedIdentifiers.table``)
_DEEPEST = 24  # prefix depths that are reported one by one
_SAFE = 1 << 62  # keys below this fit an int64


class Measure(NamedTuple):
    """One number of a diagnosis.

    Attributes:
        group: one of ``GROUPS``.
        measure: its name; thresholds go by it.
        of: what it was taken against ("semantic", "category level_2", "head"); "" where there is only one thing.
        level: level or prefix depth, from 1; None where it belongs to the whole identifier.
        value: NaN where it does not exist.
        unit: what it counts, or a share of what.
        formula: how it came about, with the numbers in it.
        judged: whether the measure's threshold applies here.
    """

    group: str
    measure: str
    of: str
    level: int | None
    value: float
    unit: str
    formula: str
    judged: bool = True

    @property
    def key(self) -> tuple[str, str, str, int | None]:
        """What the same measure of a control has in common with this one."""
        return self.group, self.measure, self.of, self.level


def unjudged(rows: list[Measure], why: str) -> list[Measure]:
    """The same numbers without a verdict; the formula of those that had one says why."""
    return [
        row._replace(judged=False, formula=f"{row.formula}; not judged: {why}") if row.judged else row for row in rows
    ]


def not_its_own(kind: str, space: str) -> str:
    """Why a kind gets no verdict in an embedding that it was not made of."""
    return f"'{space}' is not the embedding that the {kind} identifiers were made of"


@dataclass(frozen=True)
class Subject:
    """One kind of identifier of a catalogue, grouped by prefix.

    Attributes:
        kind: its name.
        codes: (N, L).
        sizes: K of each level; None where the codes are words of an open vocabulary.
        labels: for each prefix depth 1 .. L, (N,) which prefix an item has, numbered in order of appearance.
        counts: for each depth, (G,) items per prefix.
        running: the last level only numbers the items that agree on all levels before it.
    """

    kind: str
    codes: np.ndarray
    sizes: tuple[int, ...] | None
    labels: tuple[np.ndarray, ...]
    counts: tuple[np.ndarray, ...]
    running: bool

    @property
    def n_items(self) -> int:
        """N."""
        return len(self.codes)

    @property
    def levels(self) -> int:
        """L."""
        return self.codes.shape[1]

    @property
    def depths(self) -> tuple[int, ...]:
        """Prefix depths to report: all of them, or of very long identifiers the first ones and the last."""
        if self.levels <= _DEEPEST:
            return tuple(range(1, self.levels + 1))
        return (*range(1, _DEEPEST), self.levels)

    def tells(self, level: int) -> bool:
        """Whether a level (from 1) was made to say something about the item, unlike a running number."""
        return not (self.running and level == self.levels)


def make_subject(kind: str, codes: Int[np.ndarray, "N L"], sizes: tuple[int, ...] | None) -> Subject:
    """Group the items of a catalogue by every prefix.

    Args:
        kind: name of the identifier.
        codes: one row per item, codes not negative.
        sizes: K of each level, or None for words of an open vocabulary.
    """
    labels, counts = prefix_groups(codes)
    return Subject(kind, codes, sizes, labels, counts, is_running_number(codes[:, -1], labels, counts))


def prefix_groups(codes: Int[np.ndarray, "N L"]) -> tuple[tuple[np.ndarray, ...], tuple[np.ndarray, ...]]:
    """Number the prefixes of every depth, in order of first appearance (as ``table.group_labels`` does for one).

    The prefix of depth d is packed into one integer, the number of its prefix of depth d - 1 times the number of codes
    plus its own code, and the integers are numbered by a hash table: linear in the number of items.
    """
    n_items, levels = codes.shape
    own, groups = np.zeros(n_items, dtype=np.int64), 1
    labels, counts = [], []
    for level in range(levels):
        if groups < n_items:  # else every item already stands alone
            column = codes[:, level]
            width = int(column.max(initial=0)) + 1
            if groups * width >= _SAFE:
                column, values = pd.factorize(column)
                width = len(values)
            own, values = pd.factorize(own * width + column)
            groups = len(values)
        labels.append(own)
        counts.append(np.bincount(own, minlength=groups))
    return tuple(labels), tuple(counts)


def is_running_number(
    last: Int[np.ndarray, " N"], labels: tuple[np.ndarray, ...], counts: tuple[np.ndarray, ...]
) -> bool:
    """Whether the last level only counts the items of each prefix: 0, 1, 2, ... (or 1, 2, ..., and 0 for one alone).

    Told by use, not by the numbers themselves: identifiers are unique, prefixes hold unequally many items, and where n
    items share a prefix they carry the n most used codes of the level (the n after the most used one).
    """
    if len(counts) < 2 or counts[-2].max() == counts[-2].min() or counts[-1].max() > 1:
        return False
    column, values = pd.factorize(last)
    used = np.bincount(column, minlength=len(values))
    rank = np.empty(len(values), dtype=np.int64)
    rank[np.argsort(-used, kind="stable")] = np.arange(len(values))
    place, size = rank[column], counts[-2][labels[-2]]
    from_zero = place < size
    from_one = np.where(size == 1, place == 0, (place >= 1) & (place <= size))
    return bool(from_zero.all() or from_one.all())


def level_counts(subject: Subject, level: int) -> Int[np.ndarray, " C"]:
    """Items per code that is in use at a level (from 1), largest first; ended identifiers do not count."""
    column = subject.codes[:, level - 1]
    if subject.sizes is None:
        column = column[column != ENDED]
    if len(column) == 0:
        return np.zeros(0, dtype=np.int64)
    if int(column.max()) < 4 * len(column) + 1024:
        counts = np.bincount(column)
        counts = counts[counts > 0]
    else:  # a few codes out of a huge range
        counts = np.bincount(pd.factorize(column)[0])
    return np.sort(counts)[::-1]


def shared_pairs(counts: Int[np.ndarray, " G"]) -> int:
    """How many pairs of items share a group: the sum of n (n - 1) / 2."""
    # Python integers do not overflow, and few sizes are distinct.
    sizes, times = np.unique(counts, return_counts=True)
    return sum(int(size) * (int(size) - 1) // 2 * int(count) for size, count in zip(sizes, times))


def chance(counts: Int[np.ndarray, " G"]) -> float:
    """The probability that two different items drawn by lot share a group; NaN for fewer than two items."""
    n_items = int(counts.sum())
    pairs = n_items * (n_items - 1) // 2
    return shared_pairs(counts) / pairs if pairs else float("nan")


def quotient(numerator: Real, denominator: Real) -> float:
    """Their ratio; NaN where it does not exist."""
    return float(numerator / denominator) if denominator else float("nan")


def short(value: Real) -> str:
    """A number as formulas show it: whole ones in full, others with four digits."""
    if value == int(value) if np.isfinite(value) else False:
        return str(int(value))
    return f"{value:.4g}"
