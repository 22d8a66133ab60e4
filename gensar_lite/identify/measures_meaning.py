"""Do prefixes follow meaning? Categories by adjusted mutual information, neighbours as lift over chance, cosines.

Purity and plain mutual information grow with the number of groups, so that random codes look good by them; every
number here is 0 (or 1, where it is a lift) for random codes. numpy and pandas; no torch.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from numbers import Real

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from gensar_lite.identify.evidence import Neighbours, Prepared
from gensar_lite.identify.measures import (
    MEANING,
    Measure,
    Subject,
    chance,
    not_its_own,
    prefix_groups,
    quotient,
    unjudged,
)
from gensar_lite.identify.mutual_information import adjusted_mutual_information
from gensar_lite.identify.table import COLLABORATIVE, IdentifierError
from gensar_lite.log.text import words as words_of

_ENOUGH = 100  # neighbours that chance puts under one code; of fewer a level is not judged
_UNSURE = 0.015  # standard error of a level's agreement, above which it is not judged


def measure_meaning(subject: Subject, prepared: Prepared) -> list[Measure]:
    """Agreement with categories, then neighbours and cosines in every space that was given."""
    found = _categories(subject, prepared)
    own, nearest = prepared.own_space(subject.kind), prepared.nearest_space(subject.kind)
    for name, space in prepared.spaces.items():
        judged = nearest is not None and nearest.name == name
        follows = neighbour_lift(subject, space.neighbours, MEANING, name, judged)
        follows += _levels(subject, space.neighbours, name, judged)
        found += unjudged(follows, not_its_own(subject.kind, name)) if own is None else follows
        found += _cosines(subject, space.unit, name)
    return found


def neighbour_lift(subject: Subject, neighbours: Neighbours, group: str, of: str, judged: bool) -> list[Measure]:
    """How much likelier a neighbour stands under the same prefix than any other item does, per depth.

    Chance is exact: the probability that two different items drawn by lot share the prefix.
    """
    if neighbours.lists.size == 0:
        return []
    there = neighbours.lists >= 0
    found = []
    for depth in subject.depths:
        labels = subject.labels[depth - 1]
        hits = (labels[neighbours.lists] == labels[neighbours.items][:, None]) & there
        pairs = int(there.sum())
        share, by_lot = quotient(int(hits.sum()), pairs), chance(subject.counts[depth - 1])
        said = f"{int(hits.sum())}/{pairs} ({neighbours.said}) / chance {by_lot:.4g}"
        unit = "times chance"
        found.append(
            Measure(group, "neighbour lift", of, depth, quotient(share, by_lot), unit, said, judged and depth == 1)
        )
        formula = f"{int(hits.sum())}/{pairs} = {share:.4f}"
        unit = "share of neighbours"
        found.append(Measure(group, "neighbours under the prefix", of, depth, share, unit, formula, False))
    return found


def exemplars(
    codes: Int[np.ndarray, "N L"],
    titles: Sequence[str],
    matrix: Float[np.ndarray, "N E"] | None = None,
    depth: int = 1,
    most: int = 20,
    items: int = 3,
    n_words: int = 5,
) -> pd.DataFrame:
    """What stands under the largest prefixes: items near the middle of each, and the words that set it apart.

    Args:
        codes: identifiers of one kind.
        titles: (N,) a name per item.
        matrix: embedding in which exemplars are those nearest to their prefix's mean; without it the first ones.
        depth: prefix length.
        most: prefixes, largest first.
        items: exemplars of each.
        n_words: words of each: those with the largest share of titles under the prefix less their share elsewhere.

    Returns:
        one row per prefix: prefix ("a-b"), items (how many), exemplars (tuple of item indices), words (tuple).

    Raises:
        IdentifierError: another number of titles or rows, or no such depth.
    """
    lengths = {len(codes), len(titles), len(codes if matrix is None else matrix)}
    if len(lengths) > 1 or not 1 <= depth <= codes.shape[1]:
        raise IdentifierError(
            f"Codes, titles and embedding must have one row per item each, not {sorted(lengths)}, and the depth must "
            f"lie in 1 .. {codes.shape[1]}, not be {depth}."
        )
    labels, counts = (parts[-1] for parts in prefix_groups(codes[:, :depth]))
    bags = [set(words_of(title)) for title in titles]
    overall = Counter(word for bag in bags for word in bag)
    order, ends = np.argsort(labels, kind="stable"), np.cumsum(counts)
    rows = []
    for label in np.argsort(-counts, kind="stable")[:most]:
        members = order[ends[label] - counts[label] : ends[label]]
        here = Counter(word for item in members for word in bags[item])
        others = max(len(codes) - len(members), 1)
        apart = {word: hits / len(members) - (overall[word] - hits) / others for word, hits in here.items()}
        best = sorted(apart, key=lambda word: (-apart[word], word))[:n_words]
        prefix = "-".join(map(str, codes[members[0], :depth].tolist()))
        if matrix is not None:
            distance = np.square(matrix[members] - matrix[members].mean(axis=0)).sum(axis=1)
            members = members[np.argsort(distance, kind="stable")]
        rows.append((prefix, len(members), tuple(members[:items].tolist()), tuple(best)))
    return pd.DataFrame(rows, columns=["prefix", "items", "exemplars", "words"])


def _categories(subject: Subject, prepared: Prepared) -> list[Measure]:
    found = []
    for depth in subject.depths:
        labels, groups = subject.labels[depth - 1], len(subject.counts[depth - 1])
        for name, category in prepared.categories.items():
            value = adjusted_mutual_information(category, labels)
            formula = f"{groups} prefixes against {int(category.max()) + 1} categories; 0 = chance, 1 = the same"
            found.append(_row("AMI", name, depth, value, "0 to 1", formula))
    if found:
        best = max(found, key=lambda row: row.value)
        formula = f"at prefix depth {best.level}, {best.of}"
        judged = subject.kind != COLLABORATIVE  # behaviour need not follow the shelves
        found.append(_row("best AMI", "", None, best.value, "0 to 1", formula, judged))
    return found


def _levels(subject: Subject, neighbours: Neighbours, of: str, judged: bool) -> list[Measure]:
    """Of neighbours under the same prefix, how many share the next code too: (share - chance) / (1 - chance).

    Chance is taken inside each item's own prefix, so that a level is not praised for what the levels before it did.
    Unlike a lift this can reach 1 where a prefix holds near twins. NaN where no two items share the longer prefix.
    """
    if neighbours.lists.size == 0:
        return []
    items, lists = np.repeat(neighbours.items, neighbours.lists.shape[1]), neighbours.lists.ravel()
    items, lists = items[lists >= 0], lists[lists >= 0]
    found = []
    for level in range(1, subject.levels + 1):
        labels, counts = subject.labels[level - 1], subject.counts[level - 1].astype(np.float64)
        parents = subject.labels[level - 2] if level > 1 else np.zeros(subject.n_items, dtype=np.int64)
        size = np.bincount(parents).astype(np.float64)
        own = np.bincount(parents, weights=counts[labels] - 1)  # the sum of n (n - 1) over a parent's children
        by_lot = own / np.maximum(size * (size - 1), 1)
        keep = labels[items] == labels[lists]
        hits, expected = int(keep.sum()), float(by_lot[parents[items]].sum())
        if level in subject.depths and subject.tells(level):
            room = len(items) - expected
            sure = (
                expected >= _ENOUGH and room > 0 and np.sqrt(2 * expected) / room < _UNSURE
            )  # pairs stand there twice
            said = f"({hits} - {expected:.5g} by chance) / ({len(items)} neighbours under the prefix - {expected:.5g})"
            above = quotient(hits - expected, room) if expected else float("nan")
            found.append(_row("level above chance", of, level, above, "0 to 1", said, judged and bool(sure)))
        items, lists = items[keep], lists[keep]
    return found


def _cosines(subject: Subject, unit: Float[np.ndarray, "N E"], of: str) -> list[Measure]:
    """Mean cosine of two different items that share a prefix, over all such pairs; depth 0 is any two items.

    Exact without visiting pairs: the squared length of a group's sum of unit vectors is the sum of all its cosines.
    """
    own = float(np.square(unit, dtype=np.float64).sum())
    found = []
    for depth in (0, *subject.depths):
        labels = subject.labels[depth - 1] if depth else np.zeros(subject.n_items, dtype=np.int64)
        counts = subject.counts[depth - 1].astype(np.float64) if depth else np.array([float(subject.n_items)])
        pairs = float((counts * (counts - 1)).sum()) / 2
        sums = _group_sums(unit, labels, len(counts))
        single = own if pairs else 0.0
        value = quotient((float(np.square(sums, dtype=np.float64).sum()) - single) / 2, pairs)
        formula = f"mean over {pairs:.0f} pairs with the same prefix of {depth}"
        found.append(_row("cosine", of, depth, value, "-1 to 1", formula))
    return found


def _group_sums(rows: Float[np.ndarray, "N E"], labels: Int[np.ndarray, " N"], groups: int) -> np.ndarray:
    """(G, E) sum of the rows of each group."""
    from scipy import sparse

    places = np.arange(len(rows))
    carries = sparse.csr_matrix((np.ones(len(rows)), (labels, places)), shape=(groups, len(rows)))
    return np.asarray(carries @ rows.astype(np.float64, copy=False))


def _row(
    measure: str, of: str, level: int | None, value: Real, unit: str, formula: str, judged: bool = False
) -> Measure:
    return Measure(MEANING, measure, of, level, float(value), unit, formula, judged)
