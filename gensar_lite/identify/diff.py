"""Two sets of identifiers of the same items: who moved, at which level, and which collisions came or went.

Two trainings number the same clusters differently, so codes can be matched first. numpy, pandas, and scipy for the
matching; no torch.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd
from jaxtyping import Int

from gensar_lite.identify.table import IdentifierError, IdentifierTable, group_labels

ALONE, NEW, RESOLVED, STILL = "alone in both", "new collision", "resolved collision", "collision in both"
STATES = (ALONE, NEW, RESOLVED, STILL)


@dataclass(frozen=True)
class Difference:
    """What became of the items that both tables hold, M of them.

    Attributes:
        kind: of identifier.
        before, after: (M, L) codes; those after are renamed where codes were matched. L is the shorter length.
        frame: one row per item: item (index in the later table), item_id, parts_at (first level, from 1, at which the
            identifiers differ; missing if they do not), group_before and group_after (how many items share the full
            identifier in its own table), state (one of ``STATES``).
        only_before, only_after: items that the other table does not hold.
        matched: whether codes were matched first.
    """

    kind: str
    before: np.ndarray
    after: np.ndarray
    frame: pd.DataFrame
    only_before: int
    only_after: int
    matched: bool

    @property
    def moved(self) -> Int[np.ndarray, " M"]:
        """Item indices, in the later table, of those whose identifier differs."""
        return self.frame.loc[self.frame["parts_at"].notna(), "item"].to_numpy()


def difference(before: IdentifierTable, after: IdentifierTable, kind: str, match: bool = False) -> Difference:
    """Compare one kind of identifier in two tables of (mostly) the same items.

    Args:
        before, after: tables; items are joined by their ids.
        kind: that both have; of a table with one kind only, that one stands for it.
        match: rename the later table's codes first, level by level, so that as many items as possible keep theirs
            (needed for two trainings; not for the same codebooks before and after a repair).

    Raises:
        IdentifierError: a table does not have this kind, or they have no item in common.
    """
    old, new = _codes_of(before, kind), _codes_of(after, kind)
    places = pd.Series(np.arange(before.n_items), index=before.item_ids.astype(str))
    rows = places.reindex(after.item_ids.astype(str))
    items = np.flatnonzero(rows.notna().to_numpy())
    if len(items) == 0:
        raise IdentifierError(
            "The two tables have no item in common. Are they of one catalogue, with the same item ids?"
        )
    earlier = rows.to_numpy()[items].astype(np.int64)
    levels = min(old.shape[1], new.shape[1])
    first, second = old[earlier, :levels], new[items, :levels]
    if match:
        second = np.stack([match_codes(first[:, level], second[:, level]) for level in range(levels)], axis=1)
    differs = first != second
    if old.shape[1] != new.shape[1]:  # a longer identifier is another one, even if it begins alike
        differs = np.concatenate([differs, np.ones((len(items), 1), dtype=bool)], axis=1)
    parts_at = pd.array(np.where(differs.any(axis=1), differs.argmax(axis=1) + 1, 0), dtype="Int64")
    parts_at[np.asarray(parts_at == 0)] = pd.NA
    shared_before, shared_after = _group_sizes(old)[earlier], _group_sizes(new)[items]
    state = np.array(STATES, dtype=object)[(shared_after > 1) + 2 * (shared_before > 1)]
    frame = pd.DataFrame({"item": items, "item_id": after.item_ids[items].astype(str), "parts_at": parts_at})
    frame = frame.assign(group_before=shared_before, group_after=shared_after, state=state)
    return Difference(
        kind, first, second, frame, before.n_items - len(items), after.n_items - len(items), matched=match
    )


def match_codes(before: Int[np.ndarray, " N"], after: Int[np.ndarray, " N"]) -> Int[np.ndarray, " N"]:
    """Rename the codes of one level so that as many items as possible keep theirs (Hungarian algorithm).

    Codes that find no partner get numbers beyond those before.
    """
    from scipy.optimize import linear_sum_assignment

    if len(before) == 0:
        return after.copy()
    _, old = np.unique(before, return_inverse=True)
    values, new = np.unique(after, return_inverse=True)
    overlap = np.zeros((int(old.max()) + 1, len(values)), dtype=np.int64)
    np.add.at(overlap, (old, new), 1)
    rows, columns = linear_sum_assignment(overlap, maximize=True)
    names = np.unique(before)
    renamed = np.full(len(values), -1, dtype=np.int64)
    kept = overlap[rows, columns] > 0
    renamed[columns[kept]] = names[rows[kept]]
    free = np.flatnonzero(renamed < 0)
    renamed[free] = int(names.max()) + 1 + np.arange(len(free))
    return renamed[new]


def _codes_of(table: IdentifierTable, kind: str) -> np.ndarray:
    if kind in table.codes:
        return table.codes[kind]
    if len(table.kinds) == 1:
        return table.codes[table.kinds[0]]
    raise IdentifierError(f"No kind '{kind}' in a table with {', '.join(table.kinds)}. Choose one that both have.")


def _group_sizes(codes: np.ndarray) -> np.ndarray:
    labels, sizes = group_labels(codes)
    return sizes[labels]
