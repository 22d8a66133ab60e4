"""Where the target stands in a ranking, and what that is worth: HR and NDCG at three levels.

This module knows scores, lists and ranks. It knows nothing about logs, models or which candidates are fair
(``protocol``), nor about intervals (``significance``).

With one target per case, NDCG@k is 1 / log2(1 + rank) if rank <= k and 0 otherwise (the ideal DCG is 1), and HR@k is
1 if rank <= k. A generative ranker orders *identifiers*, and several items may share one; hence three levels:

- ``identifier``: the list is a list of distinct identifiers, a hit is the target's identifier. It is what published
  generative models report, and it flatters an identifier shared by many items.
- ``expected``: each identifier of that list is turned into one of its items, drawn at random. The mean over the draws
  is the identifier-level value divided by the number of candidates that share the target's identifier.
- ``item``: the list is a list of items, best score first; equal scores (so also the items of one identifier) stand in
  the order of item_id. This is what a user sees, and the level at which every ranker can be compared.

For a ranker without identifiers (each item on its own) the three levels are the same number.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

METRICS = ("HR@1", "HR@5", "HR@10", "NDCG@5", "NDCG@10")
LEVELS = ("item", "expected", "identifier")
CUTOFF = 10  # the longest list any metric looks at
NOT_RETURNED = 2**31 - 1  # the rank of a target that a list does not hold


class ScoreError(ValueError):
    """A ranker gave scores or a list that cannot be ranked. The message names the ranker and the case."""


class Ranks(NamedTuple):
    """Where the targets of B cases stand; 1 is best, NOT_RETURNED is nowhere.

    Attributes:
        item: (B,) rank among items.
        identifier: (B,) rank among distinct identifiers.
        members: (B,) number of candidates that share the target's identifier, the target included (>= 1).
    """

    item: np.ndarray
    identifier: np.ndarray
    members: np.ndarray


def hit_rate(rank: Int[np.ndarray, " B"], k: int) -> Float[np.ndarray, " B"]:
    """HR@k of each case: 1 where the rank is at most k, else 0."""
    return (rank <= k).astype(np.float64)


def ndcg(rank: Int[np.ndarray, " B"], k: int) -> Float[np.ndarray, " B"]:
    """NDCG@k of each case with one relevant item: 1 / log2(1 + rank) where the rank is at most k, else 0."""
    return np.where(rank <= k, 1.0 / np.log2(1.0 + rank), 0.0)


def measure(ranks: Ranks, level: str = "item") -> Float[np.ndarray, "B 5"]:
    """All of METRICS, one row per case, one column per metric, each within 0..1.

    Raises:
        ValueError: ``level`` is not one of LEVELS.
    """
    if level not in LEVELS:
        raise ValueError(f"level {level!r} is unknown; choose one of {', '.join(LEVELS)}")
    rank = ranks.item if level == "item" else ranks.identifier
    columns = []
    for metric in METRICS:
        name, k = metric.split("@")
        columns.append(hit_rate(rank, int(k)) if name == "HR" else ndcg(rank, int(k)))
    values = np.stack(columns, axis=1)
    return values / ranks.members[:, None] if level == "expected" else values


def rank_scores(
    scores: Float[np.ndarray, "B C"],
    items: Int[np.ndarray, "B C"] | None,
    target: Int[np.ndarray, " B"],
    groups: Int[np.ndarray, " N"] | None = None,
) -> Ranks:
    """Rank the target of each case among its candidates by score.

    The rank is 1 + the candidates with a higher score + those with the same score and a smaller item index. An
    identifier's score is the highest of its candidates' scores; identifiers with equal scores stand in the order of
    their first candidate.

    Args:
        scores: higher is better; -inf is allowed, NaN is not (see ``protocol.checked_scores``).
        items: item index of each column, ascending, -1 (with score -inf) padding short rows at the end;
            None: the columns are the whole catalogue.
        target: column of the target in each row.
        groups: the identifier group of each item of the catalogue; None: each item has its own.
    """
    own = np.take_along_axis(scores, target[:, None], axis=1)
    before = np.arange(scores.shape[1]) < target[:, None]
    item = 1 + ((scores > own) | ((scores == own) & before)).sum(axis=1)
    if groups is None:
        return Ranks(item, item, np.ones_like(item))
    return Ranks(item, *_rank_identifiers(scores, items, target, groups))


def _rank_identifiers(
    scores: np.ndarray, items: np.ndarray | None, target: np.ndarray, groups: np.ndarray
) -> tuple[np.ndarray, np.ndarray]:
    """Identifier rank and number of members of the target's identifier, each (B,)."""
    n_rows, n_columns = scores.shape
    n_groups = int(groups.max()) + 1
    if items is None:
        items = np.broadcast_to(np.arange(n_columns), scores.shape)
    real = items >= 0
    row, column = np.nonzero(real)
    cell = row * n_groups + groups[items[real]]
    best = np.full(n_rows * n_groups, -np.inf, dtype=scores.dtype)
    np.maximum.at(best, cell, scores[real])
    first = np.full(n_rows * n_groups, n_columns)
    np.minimum.at(first, cell, column)
    members = np.bincount(cell, minlength=n_rows * n_groups)

    own = np.arange(n_rows) * n_groups + groups[items[np.arange(n_rows), target]]
    best, first, members = (array.reshape(n_rows, n_groups) for array in (best, first, members))
    own_best, own_first = best.ravel()[own][:, None], first.ravel()[own][:, None]
    ahead = (members > 0) & ((best > own_best) | ((best == own_best) & (first < own_first)))
    return 1 + ahead.sum(axis=1), members.ravel()[own]


def rank_lists(
    lists: Int[np.ndarray, "B k"],
    target: Int[np.ndarray, " B"],
    groups: Int[np.ndarray, " N"] | None = None,
) -> Ranks:
    """Rank the target item of each case in a returned list (a beam's), best first, -1 padding short lists.

    The identifier rank counts the distinct identifiers up to the first that is the target's, so a list of k items
    may hold fewer than k identifiers. Members are counted in the whole catalogue.

    Raises:
        ScoreError: a list holds an item twice, or an item index outside the catalogue of ``groups``.
    """
    ordered = np.sort(lists, axis=1)
    twice = ((ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)).any(axis=1)
    if twice.any():
        row = int(np.flatnonzero(twice)[0])
        raise ScoreError(f"list {row} holds an item twice: {lists[row].tolist()}. A result may stand in a list once.")
    item = _first_place(lists == target[:, None])
    if groups is None:
        return Ranks(item, item, np.ones_like(item))
    if lists.size and lists.max() >= len(groups):
        raise ScoreError(f"a list holds item index {lists.max()}, the catalogue ends at {len(groups) - 1}")
    group = np.where(lists >= 0, groups[lists], -1)
    repeated = np.tril(group[:, :, None] == group[:, None, :], k=-1).any(axis=2)  # this place's identifier came before
    place = np.cumsum(~repeated & (group >= 0), axis=1)
    found = _first_place(group == groups[target][:, None])
    inside = found < NOT_RETURNED
    identifier = np.where(inside, place[np.arange(len(lists)), np.where(inside, found - 1, 0)], NOT_RETURNED)
    return Ranks(item, identifier, np.bincount(groups)[groups[target]])


def _first_place(match: np.ndarray) -> np.ndarray:
    """1-based place of the first True of each row; NOT_RETURNED where there is none."""
    return np.where(match.any(axis=1), match.argmax(axis=1) + 1, NOT_RETURNED)
