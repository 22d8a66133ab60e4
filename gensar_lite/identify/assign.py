"""Collision repair: every identifier unique, as few items moved as possible. numpy only.

In each group of items that share an identifier one keeps it; each other item moves to the nearest free code of the
last level, and to another code of an earlier level only where no free one is left. Items that did not collide never
move. Codes of shared levels move for all kinds together, and only when a kind's specific levels cannot hold the items
of a shared prefix. The module knows nothing about how codes were made.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from gensar_lite.identify.table import Collisions, IdentifierError, collisions, group_labels


class Repair(NamedTuple):
    """What a repair did.

    Attributes:
        codes: kind -> (N, L) int, unique within each kind.
        before: kind -> collisions before.
        after: kind -> collisions after (rate 0).
        moved: kind -> (N,) bool.
        groups: one row per kind and item that shared its identifier: kind, group, item (index), code ("a-b-c"), content
            (number of its content within the group), same_content (another member of the group has the very same
            embedding of this kind, so that this kind cannot tell them apart), moved, new_code.
    """

    codes: dict[str, np.ndarray]
    before: dict[str, Collisions]
    after: dict[str, Collisions]
    moved: dict[str, np.ndarray]
    groups: pd.DataFrame


class _Places:
    """Which identifiers are taken, counted below every prefix."""

    def __init__(self, sizes: tuple[int, ...], leaf_capacity: int) -> None:
        self.sizes = sizes
        # capacity[l]: how many items fit below a prefix of l codes
        self.capacity = [math.prod(sizes[level:]) * leaf_capacity for level in range(len(sizes) + 1)]
        self._below: dict[tuple[int, ...], np.ndarray] = {}

    def free(self, prefix: tuple[int, ...]) -> np.ndarray:
        """(K,) bool: codes of the next level below which there is room."""
        counts = self._below.get(prefix)
        if counts is None:
            return np.ones(self.sizes[len(prefix)], dtype=bool)
        return counts < self.capacity[len(prefix) + 1]

    def take(self, codes: tuple[int, ...]) -> None:
        """Put an item at this identifier."""
        for level, code in enumerate(codes):
            counts = self._below.get(codes[:level])
            if counts is None:
                counts = self._below[codes[:level]] = np.zeros(self.sizes[level], dtype=np.int64)
            counts[code] += 1


def repair(
    codes: dict[str, np.ndarray],
    sizes: dict[str, tuple[int, ...]],
    shared: int,
    vectors: dict[str, np.ndarray] | None = None,
    codebooks: dict[str, list[np.ndarray]] | None = None,
    content: dict[str, np.ndarray] | None = None,
    priority: Float[np.ndarray, "N"] | None = None,
) -> Repair:
    """Make the identifiers of every kind unique.

    Args:
        codes: kind -> (N, L) int codes; all kinds agree on the first ``shared`` levels.
        sizes: kind -> codes per level.
        shared: leading levels that all kinds have in common (all of them where there is one kind).
        vectors: kind -> (N, E) what was quantised. With ``codebooks`` it defines which free code is nearest;
            without, the lowest free code is taken.
        codebooks: kind -> L arrays (K, E) whose code words sum up to the kind's vector (shared ones cut to its part).
        content: kind -> (N, E) embedding that says which items are the same; without, all count as different.
        priority: per item; the member with the largest value keeps the identifier (popularity, say). Equal or not
            given: the first in catalogue order.

    Raises:
        IdentifierError: more items than identifiers.
    """
    n_items = len(next(iter(codes.values())))
    for kind in codes:
        room = math.prod(sizes[kind])
        if n_items > room:
            raise IdentifierError(
                f"{n_items} items cannot have unique identifiers of kind '{kind}': sizes {sizes[kind]} give {room}. "
                "Use more codes per level or one more level."
            )
    order = np.argsort(-priority, kind="stable") if priority is not None else np.arange(n_items)
    prices = {kind: _Prices(kind, vectors, codebooks) for kind in codes}
    fixed = 0 if len(codes) == 1 else shared
    start, sent = codes, np.zeros(n_items, dtype=bool)
    if fixed:
        start, sent = _spread_shared(codes, sizes, fixed, prices, order)
    result = {kind: _make_unique(start[kind], sizes[kind], fixed, prices[kind], order, sent) for kind in codes}
    moved = {kind: (result[kind] != codes[kind]).any(axis=1) for kind in codes}
    return Repair(
        result,
        {kind: collisions(codes[kind]) for kind in codes},
        {kind: collisions(result[kind]) for kind in codes},
        moved,
        pd.concat([_groups(kind, codes[kind], result[kind], content) for kind in codes], ignore_index=True),
    )


def content_labels(matrix: Float[np.ndarray, "N E"], tolerance: float = 1e-5) -> Int[np.ndarray, "N"]:
    """Number the distinct rows; rows closer than ``tolerance`` times the largest norm count as the same.

    An encoder gives one text slightly different vectors in different batches, so exact equality would miss twins.
    """
    # Twins are neighbours along any one direction; other rows are told apart by their full distance.
    direction = np.random.default_rng(0).standard_normal(matrix.shape[1])
    order = np.argsort(matrix @ direction, kind="stable")
    gaps = np.linalg.norm(np.diff(matrix[order], axis=0), axis=1)
    limit = tolerance * max(float(np.linalg.norm(matrix, axis=1).max(initial=0.0)), np.finfo(np.float32).tiny)
    labels = np.empty(len(matrix), dtype=np.int64)
    labels[order] = np.concatenate([[0], np.cumsum(gaps > limit)])
    return labels


class _Prices:
    """What it costs an item to take each code of a level, given the codes before it."""

    def __init__(
        self, kind: str, vectors: dict[str, np.ndarray] | None, codebooks: dict[str, list[np.ndarray]] | None
    ) -> None:
        known = vectors is not None and codebooks is not None
        self.vectors = vectors[kind] if known else None
        self.codebooks = codebooks[kind] if known else []

    def __call__(self, item: int, prefix: tuple[int, ...]) -> np.ndarray | float:
        """(K,) squared distances of the item's remainder to the code words, or 0 where there are no vectors."""
        if self.vectors is None:
            return 0.0
        rest = self.vectors[item].astype(np.float64)
        for level, code in enumerate(prefix):
            rest = rest - self.codebooks[level][code]
        return np.square(self.codebooks[len(prefix)] - rest).sum(axis=1)


def _make_unique(
    codes: Int[np.ndarray, "N L"],
    sizes: tuple[int, ...],
    fixed: int,
    price: _Prices,
    order: Int[np.ndarray, "N"],
    sent: np.ndarray,
) -> Int[np.ndarray, "N L"]:
    """One kind: owners stay, the others are placed. Items in ``sent`` just got new shared codes and own nothing yet."""
    result = codes.copy()
    owners = np.zeros(len(codes), dtype=bool)
    settled = order[~sent[order]]
    labels, _ = group_labels(codes[settled])
    owners[settled[np.unique(labels, return_index=True)[1]]] = True
    places = _Places(sizes, leaf_capacity=1)
    for item in np.flatnonzero(owners):
        places.take(tuple(codes[item].tolist()))
    for item in order[~owners[order]].tolist():
        old = tuple(codes[item].tolist())
        first = fixed if sent[item] else len(sizes) - 1
        new = _nearest_place(places, old, first, fixed, lambda prefix, item=item: price(item, prefix))
        places.take(new)
        result[item] = new
    return result


def _nearest_place(
    places: _Places, old: tuple[int, ...], first: int, lowest: int, price: Callable[[tuple[int, ...]], Any]
) -> tuple[int, ...]:
    """Change level ``first`` and those after it; where they are full, start one level earlier, down to ``lowest``."""
    if first == len(places.sizes):  # all levels are shared and already placed
        return old
    for level in range(first, lowest - 1, -1):
        prefix = old[:level]
        if not places.free(prefix).any():
            continue
        while len(prefix) < len(places.sizes):
            cost = np.where(places.free(prefix), price(prefix), np.inf)
            prefix = (*prefix, int(np.argmin(cost)))
        return prefix
    raise IdentifierError(
        f"No free identifier is left under the shared prefix {old[:lowest]}. "
        "Use more codes per level or one more level."
    )


def _spread_shared(
    codes: dict[str, np.ndarray],
    sizes: dict[str, tuple[int, ...]],
    shared: int,
    prices: dict[str, _Prices],
    order: Int[np.ndarray, "N"],
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Where a shared prefix holds more items than a kind's specific levels can tell apart, send some elsewhere.

    Only items that collide in some kind are sent, those that collide in most kinds first.

    Returns:
        codes with new shared levels, and (N,) bool, who was sent.
    """
    room = min(math.prod(own[shared:]) for own in sizes.values())
    leading = next(iter(codes.values()))[:, :shared]
    labels, counts = group_labels(leading)
    sent = np.zeros(len(leading), dtype=bool)
    if (counts <= room).all():
        return codes, sent
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    collides = np.zeros(len(leading), dtype=np.int64)
    for own in codes.values():
        groups, _ = group_labels(own[order])
        keeps = np.zeros(len(order), dtype=bool)
        keeps[order[np.unique(groups, return_index=True)[1]]] = True
        collides += ~keeps
    for label in np.flatnonzero(counts > room):
        members = np.flatnonzero(labels == label)
        by_need = members[np.lexsort((-rank[members], -collides[members]))]
        sent[by_need[: counts[label] - room]] = True
    places = _Places(next(iter(sizes.values()))[:shared], leaf_capacity=room)
    for item in np.flatnonzero(~sent):
        places.take(tuple(leading[item].tolist()))
    result = {kind: own.copy() for kind, own in codes.items()}
    for item in order[sent[order]].tolist():
        old = tuple(leading[item].tolist())
        new = _nearest_place(
            places, old, shared - 1, 0, lambda prefix, item=item: sum(price(item, prefix) for price in prices.values())
        )
        places.take(new)
        for own in result.values():
            own[item, :shared] = new
    return result, sent


def _groups(kind: str, old: np.ndarray, new: np.ndarray, content: dict[str, np.ndarray] | None) -> pd.DataFrame:
    """The report's rows of one kind."""
    labels, counts = group_labels(old)
    items = np.flatnonzero(counts[labels] > 1)
    items = items[np.argsort(labels[items], kind="stable")]
    frame = pd.DataFrame({"kind": kind, "group": pd.factorize(labels[items])[0], "item": items})
    frame["code"] = ["-".join(map(str, row)) for row in old[items].tolist()]
    same = content_labels(content[kind])[items] if content is not None else np.arange(len(items))
    frame["content"] = pd.Series(same).groupby(frame["group"]).transform(lambda part: pd.factorize(part)[0])
    frame["same_content"] = frame.duplicated(["group", "content"], keep=False)
    frame["moved"] = (old[items] != new[items]).any(axis=1)
    frame["new_code"] = ["-".join(map(str, row)) for row in new[items].tolist()]
    return frame
