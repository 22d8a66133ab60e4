"""Meaning and behaviour against depth: do alike items stand under the same prefix, and how much is chance?

Alike may mean near by text, near by clicks, or of one category; it is always measured in the original space. Reads
finished codes, changes none. numpy and pandas; scikit-learn for the categories (``labels.agreement``); no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from gensar_lite.identify.labels import agreement
from gensar_lite.identify.table import IdentifierError, group_labels


class Follow(NamedTuple):
    """How far identifiers follow one kind of neighbours, for each prefix length from 1; all arrays are (L,).

    Attributes:
        share: mean share of an item's neighbours under its prefix.
        by_lot: the same of two items drawn by lot (``chance``).
        room: the largest mean share that prefixes of these sizes allow (``room``).
        value: ``above_chance`` of the share; NaN where there is no room above chance.
    """

    share: np.ndarray
    by_lot: np.ndarray
    room: np.ndarray
    value: np.ndarray


def under_prefix(codes: Int[np.ndarray, "N L"], neighbours: Int[np.ndarray, "N k"]) -> Float[np.ndarray, "N L"]:
    """For each item and each prefix length from 1, the share of its neighbours that have the same prefix, 0 to 1.

    Args:
        codes: identifiers of one kind.
        neighbours: item indices, found in the original space (``embed.neighbours.nearest_all``). A row that begins
            with -1 has none: an item that nobody clicked is near nothing by clicks. Its shares are NaN.

    Raises:
        IdentifierError: another number of items, or no neighbours.
    """
    if len(codes) != len(neighbours) or neighbours.shape[1] == 0:
        raise IdentifierError(
            f"Neighbours of shape {neighbours.shape} for {len(codes)} items. Give at least one per item of this table."
        )
    shares = np.empty(codes.shape, dtype=np.float64)
    together = np.ones(neighbours.shape, dtype=bool)
    for level in range(codes.shape[1]):
        own = codes[:, level]
        together &= own[neighbours] == own[:, None]
        shares[:, level] = together.mean(axis=1)
    shares[neighbours[:, 0] < 0] = np.nan
    return shares


def chance(codes: Int[np.ndarray, "N L"]) -> Float[np.ndarray, " L"]:
    """The probability that two different items, drawn by lot, have the same prefix, for each prefix length from 1.

    Zero for a single item, which has no other.
    """
    pairs = len(codes) * (len(codes) - 1)
    found = []
    for depth in range(1, codes.shape[1] + 1):
        sizes = group_labels(codes[:, :depth])[1].astype(np.float64)
        found.append(float((sizes * (sizes - 1)).sum() / pairs) if pairs else 0.0)
    return np.array(found)


def room(codes: Int[np.ndarray, "N L"], k: int) -> Float[np.ndarray, "N L"]:
    """For each item and prefix length the largest share of k neighbours that its prefix has room for, 0 to 1.

    An item under a prefix with two others can have at most two of its k neighbours there; one alone has none.
    """
    found = np.empty(codes.shape, dtype=np.float64)
    for depth in range(1, codes.shape[1] + 1):
        labels, sizes = group_labels(codes[:, :depth])
        found[:, depth - 1] = np.minimum(sizes[labels] - 1, k) / k
    return found


def above_chance(
    share: Float[np.ndarray, "*shape"] | float,
    by_lot: Float[np.ndarray, "*shape"] | float,
    most: Float[np.ndarray, "*shape"] | float,
) -> Float[np.ndarray, "*shape"] | float:
    """(share − chance) / (room − chance): 0 = no better than lots, 1 = as far as the prefixes' sizes allow.

    NaN where there is no room above chance: all items alone, or all under one prefix.
    """
    above = np.asarray(most, dtype=np.float64) - np.asarray(by_lot)
    free = above > 1e-12
    return np.where(free, (np.asarray(share) - np.asarray(by_lot)) / np.where(free, above, 1.0), np.nan)[()]


def follow(
    codes: Int[np.ndarray, "N L"], neighbours: Int[np.ndarray, "N k"], items: Sequence[int] | None = None
) -> Follow:
    """How far prefixes follow neighbours, on average over the items that have any.

    Args:
        codes, neighbours: see ``under_prefix``.
        items: look at these items only; all by default.
    """
    known = neighbours[:, 0] >= 0
    if items is not None:
        known &= np.isin(np.arange(len(codes)), np.asarray(items, dtype=np.int64))
    by_lot = chance(codes)
    if not known.any():
        nothing = np.full(codes.shape[1], np.nan)
        return Follow(nothing, by_lot, nothing, nothing)
    share = under_prefix(codes, neighbours)[known].mean(axis=0)
    most = room(codes, neighbours.shape[1])[known].mean(axis=0)
    return Follow(share, by_lot, most, above_chance(share, by_lot, most))


def alignment(
    codes: Mapping[str, Int[np.ndarray, "N L"]],
    neighbours: Mapping[str, Int[np.ndarray, "N k"]],
    categories: pd.DataFrame | None = None,
) -> pd.DataFrame:
    """How far the prefixes of several sets of identifiers follow meaning and behaviour, at every depth.

    Args:
        codes: name -> identifiers of the same catalogue; the controls too. They may differ in length.
        neighbours: name of a space ("by text") -> each item's nearest items there, see ``under_prefix``.
        categories: one column per category level, or None.

    Returns:
        one row per name, depth and yardstick (a space, or a category level): identifiers, depth, against, share (of
        neighbours under the same prefix), by_lot (the same of two items drawn by lot), room (the largest share that
        prefixes of these sizes allow), lift (share / by_lot) and value: ``above_chance`` of the share, or the adjusted
        mutual information with the category. Both are 0 by chance and 1 at best. Only value is there for categories;
        lift is missing where by_lot is 0, value where there is no room above chance.
    """
    rows = []
    for name, own in codes.items():
        for space, nearest in neighbours.items():
            found = follow(own, nearest)
            lift = np.where(found.by_lot > 0, found.share / np.where(found.by_lot > 0, found.by_lot, 1.0), np.nan)
            for place, line in enumerate(zip(found.share, found.by_lot, found.room, lift, found.value)):
                rows.append((name, place + 1, space, *line))
    columns = ["identifiers", "depth", "against", "share", "by_lot", "room", "lift", "value"]
    frame = pd.DataFrame(rows, columns=columns)
    if categories is None:
        return frame
    depths = range(1, max((own.shape[1] for own in codes.values()), default=0) + 1)
    follows = agreement(codes, categories, depths).rename(columns={"category": "against", "ami": "value"})
    return pd.concat([frame, follows[["identifiers", "depth", "against", "value"]]], ignore_index=True)
