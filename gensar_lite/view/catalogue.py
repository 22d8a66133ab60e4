"""What the linked views know about items: titles, categories, clicks and identifiers, looked up and put into words.

Pure tables; nothing is drawn here and nothing escaped. Whoever shows a text passes it through ``theme.label`` (figures)
or ``theme.safe`` (HTML).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
from jaxtyping import Int, Real

from gensar_lite.identify.labels import prefix_names
from gensar_lite.identify.table import IdentifierTable, group_labels

NO_CATEGORY = "(none)"
_PREFIX = re.compile(r"\d{1,9}(-\d{1,9})*")  # longer numbers are no codes


@dataclass(frozen=True)
class Catalogue:
    """Items as a reader knows them, beside their identifiers.

    Attributes:
        table: identifiers, of one kind or several, with any number of levels.
        titles: (N,).
        categories: (N,) category paths, root first, parts joined by ", "; None where there are none.
        clicks: (N,) how often each item was clicked in training, kept as integers; None without a log.
    """

    table: IdentifierTable
    titles: Sequence[str]
    categories: Sequence[str] | None = None
    clicks: Real[np.ndarray, " N"] | None = None

    def __post_init__(self) -> None:
        """Refuse columns that do not fit the table."""
        for name in ("titles", "categories", "clicks"):
            column = getattr(self, name)
            if column is not None and len(column) != self.table.n_items:
                raise ValueError(
                    f"{len(column)} {name} for {self.table.n_items} items. Give one per item, in the table's order."
                )
        if self.clicks is not None:  # counts are often kept as floats
            object.__setattr__(self, "clicks", np.asarray(self.clicks).astype(np.int64))

    @property
    def n_items(self) -> int:
        """N."""
        return self.table.n_items

    @property
    def kinds(self) -> tuple[str, ...]:
        """Kinds of identifier."""
        return self.table.kinds

    @cached_property
    def roots(self) -> np.ndarray:
        """(N,) the first part of each category path."""
        return self._part(0)

    @cached_property
    def words(self) -> np.ndarray:
        """(N,) the last part of each category path: what the item is ("Tent")."""
        return self._part(-1)

    @cached_property
    def _groups(self) -> dict[str, tuple[np.ndarray, np.ndarray]]:
        return {kind: group_labels(codes) for kind, codes in self.table.codes.items()}

    def group_sizes(self, kind: str) -> Int[np.ndarray, " N"]:
        """For each item, how many items carry its identifier; 1 = alone."""
        labels, sizes = self._groups[kind]
        return sizes[labels]

    def find(self, typed: str) -> Int[np.ndarray, " M"]:
        """Items that answer what a reader types: an item id, the beginning of an identifier, or words of the title.

        "20-15" finds the items whose identifier of any kind begins with the codes 20, 15; "steel bottle" those whose
        titles hold both words, in any order and case. An item id goes first; empty text finds nothing.

        Returns:
            item indices, ascending.
        """
        typed = typed.strip()
        if not typed:
            return np.zeros(0, dtype=np.int64)
        same = np.flatnonzero(self.table.item_ids.astype(str) == typed)
        if len(same):
            return same
        if _PREFIX.fullmatch(typed):
            prefix = tuple(int(code) for code in typed.split("-"))
            fits = [self.table.items_of(kind, prefix) for kind in self.kinds if len(prefix) <= self._levels(kind)]
            found = np.unique(np.concatenate(fits)) if fits else np.zeros(0, dtype=np.int64)
            if len(found):
                return found
        wanted = typed.casefold().split()
        return np.flatnonzero([all(word in title for word in wanted) for title in self._plain])

    def frame(self, items: Sequence[int] | np.ndarray) -> pd.DataFrame:
        """What there is to know about some items.

        Returns:
            one row per item, index ``item`` (item index): item_id, title, category (where known), clicks (where
            known), then per kind its identifier ("20-15-3") and "<kind> group" (how many items share it).
        """
        rows = np.asarray(items, dtype=np.int64).reshape(-1)
        columns = {"item_id": self.table.item_ids[rows].astype(str), "title": [str(self.titles[row]) for row in rows]}
        if self.categories is not None:
            columns["category"] = [str(self.categories[row]) for row in rows]
        if self.clicks is not None:
            columns["clicks"] = np.asarray(self.clicks)[rows]
        for kind, codes in self.table.codes.items():
            columns[kind] = prefix_names(codes[rows], codes.shape[1])
            sizes = self.group_sizes(kind)[rows]
            columns[f"{kind} group"] = ["alone" if size == 1 else f"{size} items" for size in sizes]
        return pd.DataFrame(columns, index=pd.Index(rows, name="item"))

    @cached_property
    def _plain(self) -> list[str]:
        return [str(title).casefold() for title in self.titles]

    def _levels(self, kind: str) -> int:
        return self.table.codes[kind].shape[1]

    def _part(self, place: int) -> np.ndarray:
        if self.categories is None:
            return np.full(self.n_items, NO_CATEGORY, dtype=object)
        paths = [[part.strip() for part in str(path).split(",") if part.strip()] for path in self.categories]
        return np.array([path[place] if path else NO_CATEGORY for path in paths], dtype=object)
