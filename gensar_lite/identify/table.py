"""The identifier table: one row of codes per item and kind, on disk and in memory. No torch here.

Every scheme writes this table and every later stage reads only this table. It knows nothing about how codes are made
(``quantizer``, ``residual_kmeans``) or repaired (``assign``).
"""

from __future__ import annotations

import json
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq
from jaxtyping import Float, Int

from gensar_lite.store import write_atomically

SEMANTIC = "semantic"
COLLABORATIVE = "collaborative"
TABLE_VERSION = 1  # raised when the meaning of the parquet columns changes
_METADATA = b"gensar_lite.identifiers"


class IdentifierError(ValueError):
    """An identifier table or its file is not what it should be. The message says where and what to do."""


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

    def __post_init__(self) -> None:
        """Refuse codes that do not fit their catalogue, their level sizes or their shared levels."""
        _check(self)

    @property
    def n_items(self) -> int:
        """N, the size of the catalogue."""
        return len(self.item_ids)

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

    def codes_of(self, item_id: str) -> dict[str, tuple[int, ...]]:
        """Item -> its identifier of every kind.

        Raises:
            IdentifierError: the item is not in the table.
        """
        rows = np.flatnonzero(self.item_ids == item_id)
        if len(rows) == 0:
            raise IdentifierError(f"No item '{item_id}' in this identifier table of {self.n_items} items.")
        return {kind: tuple(int(code) for code in codes[rows[0]]) for kind, codes in self.codes.items()}

    def items_of(self, kind: str, prefix: tuple[int, ...]) -> np.ndarray:
        """Identifier (or a prefix of one) -> item indices that carry it, ascending. Empty if nothing does."""
        codes = self.codes[kind][:, : len(prefix)]
        return np.flatnonzero((codes == np.asarray(prefix, dtype=codes.dtype)).all(axis=1))


# ---------------------------------------------------------------- collisions and use of codes


class Collisions(NamedTuple):
    """How many items share an identifier.

    Attributes:
        n_items: N.
        n_unique: distinct identifiers.
        rate: 1 - n_unique / N, the paper's number (Fig. 5), a share in [0, 1).
        share_in_group: share of items that share their identifier with another item, in [0, 1]. A, A, A, B, C has
            rate 0.4 and share 0.6.
        group_sizes: (N,) for each item, the number of items that carry its identifier (1 = alone).
    """

    n_items: int
    n_unique: int
    rate: float
    share_in_group: float
    group_sizes: np.ndarray


def group_labels(codes: Int[np.ndarray, "N L"]) -> tuple[np.ndarray, np.ndarray]:
    """Number the distinct identifiers.

    Returns:
        labels (N,) int: items with equal codes have equal labels, numbered in order of first appearance; and sizes
        (G,): items per label.
    """
    _, first, inverse, counts = np.unique(codes, axis=0, return_index=True, return_inverse=True, return_counts=True)
    order = np.argsort(first)
    rank = np.empty_like(order)
    rank[order] = np.arange(len(order))
    return rank[inverse.reshape(-1)], counts[order]


def collisions(codes: Int[np.ndarray, "N L"], depth: int | None = None) -> Collisions:
    """Collisions of the first ``depth`` levels (all levels by default)."""
    labels, sizes = group_labels(codes[:, :depth])
    n_items, alone = len(codes), sizes == 1
    return Collisions(
        n_items, len(sizes), 1 - len(sizes) / n_items, 1 - int(alone.sum()) / n_items, sizes[labels].astype(np.int64)
    )


def collision_profile(codes: Int[np.ndarray, "N L"]) -> pd.DataFrame:
    """Collisions at every prefix depth: depth, n_unique, rate, share_in_group, largest_group."""
    rows = []
    for depth in range(1, codes.shape[1] + 1):
        found = collisions(codes, depth)
        rows.append((depth, found.n_unique, found.rate, found.share_in_group, int(found.group_sizes.max())))
    return pd.DataFrame(rows, columns=["depth", "n_unique", "rate", "share_in_group", "largest_group"])


def level_usage(codes: Int[np.ndarray, "N L"], sizes: tuple[int, ...]) -> pd.DataFrame:
    """Use of each level's codes over the whole catalogue.

    Returns:
        one row per level: level (from 1), size K, used, dead, entropy (nats), perplexity (exp of the entropy, 1 .. K),
        largest_share.
    """
    rows = []
    for level, size in enumerate(sizes):
        counts = np.bincount(codes[:, level], minlength=size)
        entropy = entropy_nats(counts)
        used = int((counts > 0).sum())
        rows.append((level + 1, size, used, size - used, entropy, float(np.exp(entropy)), counts.max() / len(codes)))
    return pd.DataFrame(rows, columns=["level", "size", "used", "dead", "entropy", "perplexity", "largest_share"])


def entropy_nats(counts: Int[np.ndarray, "K"] | Float[np.ndarray, "K"]) -> float:
    """Entropy in nats of the distribution that ``counts`` give."""
    share = counts[counts > 0] / counts.sum()
    return float(-(share * np.log(share)).sum() + 0.0)


# ---------------------------------------------------------------- files


def to_frame(table: IdentifierTable) -> pd.DataFrame:
    """One row per item and kind: item_id, kind, code_1 ... code_L (empty where a kind has fewer levels)."""
    levels = max(codes.shape[1] for codes in table.codes.values())
    parts = []
    for kind, codes in table.codes.items():
        columns = {"item_id": table.item_ids.astype(str), "kind": kind}
        for level in range(levels):
            own = codes[:, level] if level < codes.shape[1] else [pd.NA] * table.n_items
            columns[f"code_{level + 1}"] = pd.array(own, dtype="Int64")
        parts.append(pd.DataFrame(columns))
    return pd.concat(parts, ignore_index=True)


def write_table(table: IdentifierTable, path: Path) -> None:
    """Write the table as parquet, atomically; scheme, sizes and shared levels stand in the file's metadata."""
    facts = {
        "version": TABLE_VERSION,
        "scheme": table.scheme,
        "shared": table.shared,
        "sizes": {kind: list(sizes) for kind, sizes in table.sizes.items()},
    }
    arrow = pa.Table.from_pandas(to_frame(table), preserve_index=False)
    arrow = arrow.replace_schema_metadata({**(arrow.schema.metadata or {}), _METADATA: json.dumps(facts).encode()})
    write_atomically(Path(path), lambda file: pq.write_table(arrow, file))


def read_table(path: Path) -> IdentifierTable:
    """Read what ``write_table`` wrote; the result is bit-equal.

    Raises:
        IdentifierError: no parquet, no identifier table, another version, or codes that contradict its metadata.
    """
    try:
        arrow = pq.read_table(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise IdentifierError(f"{path}: cannot be read as parquet ({error}). Run the identify stage again.") from error
    stored = (arrow.schema.metadata or {}).get(_METADATA)
    if stored is None:
        raise IdentifierError(
            f"{path}: parquet, but no identifier table of this package (its metadata is missing). "
            "A table in SIDInspector's form is read with read_sidinspector."
        )
    facts = json.loads(stored)
    if facts["version"] != TABLE_VERSION:
        raise IdentifierError(f"{path}: version {facts['version']}, this package reads {TABLE_VERSION}. Make it again.")
    frame = arrow.to_pandas()
    codes, item_ids = {}, None
    for kind, sizes in facts["sizes"].items():
        rows = frame[frame["kind"] == kind]
        ids = rows["item_id"].to_numpy(dtype=object)
        if item_ids is not None and not np.array_equal(ids, item_ids):
            raise IdentifierError(f"{path}: kind '{kind}' lists other items than '{next(iter(codes))}'. Make it again.")
        item_ids = ids
        codes[kind] = rows[[f"code_{level + 1}" for level in range(len(sizes))]].to_numpy(dtype=np.int64)
    sizes = {kind: tuple(sizes) for kind, sizes in facts["sizes"].items()}
    return IdentifierTable(facts["scheme"], item_ids, codes, sizes, facts["shared"])


def write_sidinspector(table: IdentifierTable, path: Path, dataset: str) -> None:
    """Write SIDInspector's parquet: item_id, sid_level_0 ..., sid ("a-b-c"), method ("scheme:kind"), dataset.

    Raises:
        IdentifierError: the kinds have different lengths, which that form cannot hold.
    """
    if len({codes.shape[1] for codes in table.codes.values()}) > 1:
        raise IdentifierError("SIDInspector's form needs one length for all kinds; write each kind into its own file.")
    parts = []
    for kind, codes in table.codes.items():
        levels = {f"sid_level_{level}": codes[:, level] for level in range(codes.shape[1])}
        words = ["-".join(str(code) for code in row) for row in codes]
        columns = {"item_id": table.item_ids.astype(str), **levels, "sid": words, "method": f"{table.scheme}:{kind}"}
        parts.append(pd.DataFrame({**columns, "dataset": dataset}))
    write_atomically(Path(path), lambda file: pd.concat(parts, ignore_index=True).to_parquet(file, index=False))


def read_sidinspector(path: Path, sizes: tuple[int, ...] | None = None, shared: int | None = None) -> IdentifierTable:
    """Read a table in SIDInspector's form; each ``method`` becomes a kind.

    Args:
        path: parquet with item_id, sid_level_0 ... and (optional) method.
        sizes: codes per level, which that form does not say; largest code + 1 by default.
        shared: leading levels on which the kinds must agree; by default as many as do agree.

    Raises:
        IdentifierError: a column is missing, an item stands twice under one method, or methods list other items.
    """
    try:
        frame = pd.read_parquet(path)
    except (pa.ArrowInvalid, OSError) as error:
        raise IdentifierError(f"{path}: cannot be read as parquet ({error}). Give a SIDInspector table.") from error
    names = sorted((name for name in frame.columns if name.startswith("sid_level_")), key=lambda name: int(name[10:]))
    if "item_id" not in frame or not names:
        raise IdentifierError(f"{path}: needs the columns item_id and sid_level_0 ...; it has {list(frame.columns)}.")
    method = frame["method"].astype(str) if "method" in frame else pd.Series("semantic", index=frame.index)
    scheme = method.iloc[0].split(":")[0] if len(frame) else "unknown"
    codes, item_ids = {}, None
    for name in method.unique():
        rows = frame[method == name]
        ids = rows["item_id"].astype(str).to_numpy(dtype=object)
        twice = pd.Index(ids)[pd.Index(ids).duplicated()]
        if len(twice):
            raise IdentifierError(f"{path}: item '{twice[0]}' stands twice under method '{name}'. Keep one row.")
        if item_ids is not None and not np.array_equal(ids, item_ids):
            raise IdentifierError(f"{path}: methods list different items or another order. Give one file per method.")
        item_ids = ids
        if rows[names].isna().any(axis=None):
            raise IdentifierError(f"{path}: a code is missing under method '{name}'. Fill or drop the row.")
        codes[name.split(":", 1)[-1]] = rows[names].to_numpy(dtype=np.int64)
    if item_ids is None:
        raise IdentifierError(f"{path}: no rows. Write the table again.")
    first = next(iter(codes.values()))
    if shared is None:
        agree = np.all([(other == first).all(axis=0) for other in codes.values()], axis=0)
        shared = int(np.argmin(agree)) if not agree.all() else len(names)
    own = {kind: sizes or tuple(int(top) + 1 for top in values.max(axis=0)) for kind, values in codes.items()}
    if sizes is None:  # shared levels have one codebook
        top = np.max(list(own.values()), axis=0)
        own = {kind: (*(int(size) for size in top[:shared]), *values[shared:]) for kind, values in own.items()}
    return IdentifierTable(scheme, item_ids, codes, own, shared)


def _check(table: IdentifierTable) -> None:
    if not table.codes or table.codes.keys() != table.sizes.keys():
        raise IdentifierError(f"codes and sizes must name the same kinds: {list(table.codes)}, {list(table.sizes)}.")
    twice = pd.Index(table.item_ids)[pd.Index(table.item_ids).duplicated()]
    if len(twice):
        raise IdentifierError(f"Item '{twice[0]}' stands twice in the identifier table. Keep one row per item.")
    first = next(iter(table.codes.values()))
    for kind, codes in table.codes.items():
        sizes = table.sizes[kind]
        if codes.shape != (len(table.item_ids), len(sizes)):
            raise IdentifierError(
                f"kind '{kind}': codes have shape {codes.shape}, expected {(len(table.item_ids), len(sizes))}, "
                "one row per item and one column per level."
            )
        wrong = (codes < 0) | (codes >= np.asarray(sizes))
        if wrong.any():
            row, level = np.argwhere(wrong)[0]
            raise IdentifierError(
                f"kind '{kind}', item '{table.item_ids[row]}', level {level + 1}: code {codes[row, level]} is outside "
                f"0 .. {sizes[level] - 1}. Check the level sizes."
            )
        if not np.array_equal(codes[:, : table.shared], first[:, : table.shared]):
            raise IdentifierError(f"kind '{kind}' differs from the others in the first {table.shared} (shared) levels.")
