"""The identifier table: one row of codes per item and kind. No torch here.

Every scheme writes this table and every later stage reads only this table.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

SEMANTIC = "semantic"
COLLABORATIVE = "collaborative"


@dataclass(frozen=True)
class IdentifierTable:
    """Identifiers of a catalogue.

    Attributes:
        scheme: name of the scheme that made the table ("joint", "semantic-only", ...).
        item_ids: (N,) item ids (str), in catalogue order: row i is item index i.
        codes: kind -> (N, L) int codes. Joint schemes have the kinds "semantic" and "collaborative"; single-source
            schemes have one kind.
        sizes: kind -> (L,) number of codes K of each level; 0 <= codes[:, l] < sizes[l].
        shared: number of leading levels on which all kinds agree; a one-kind table has shared = L.
    """

    scheme: str
    item_ids: np.ndarray
    codes: dict[str, np.ndarray]
    sizes: dict[str, tuple[int, ...]]
    shared: int

    @property
    def kinds(self) -> tuple[str, ...]:
        """The kinds of identifier, in the order they were made."""
        return tuple(self.codes)

    def kind_for(self, behaviour: str | None) -> tuple[str, ...]:
        """Kinds that answer a behaviour: R_I collaborative, S_I semantic, None both; the only kind if there is one."""
        if len(self.kinds) == 1 or behaviour is None:
            return self.kinds
        return (COLLABORATIVE,) if behaviour == "R_I" else (SEMANTIC,)

    def tokens(self, kind: str) -> np.ndarray:
        """(N, L) token strings: <M1_247> shared, <S1_3> semantic-specific, <R1_9> collaborative-specific."""
        letters = {SEMANTIC: "S", COLLABORATIVE: "R"}
        codes = self.codes[kind]
        columns = []
        for level in range(codes.shape[1]):
            own = level >= self.shared
            letter = letters.get(kind, kind[:1].upper()) if own else "M"
            place = level - self.shared + 1 if own else level + 1
            columns.append([f"<{letter}{place}_{code}>" for code in codes[:, level]])
        return np.array(columns, dtype=object).T
