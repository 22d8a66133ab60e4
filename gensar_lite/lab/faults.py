"""Faults to plant in sound identifiers, so that finding them can be practised: five that occur, each seen by a measure.

Every function takes a sound table and gives a faulty one, or writes a file that somebody else might have written; the
table it was given stays as it is. It knows nothing about how faults are found: ``identify.diagnose`` does.
"""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int

from gensar_lite.identify.table import IdentifierError, IdentifierTable
from gensar_lite.store import write_atomically

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
COPY = "-copy"  # what the id of a duplicated item ends in


class Doubled(NamedTuple):
    """A catalogue some of whose items stand in it twice.

    Attributes:
        table: the items, then the copies.
        rows: (N + M,) row of the original of each item, to look up its text or embedding.
    """

    table: IdentifierTable
    rows: Int[np.ndarray, " M"]


def one_kind(table: IdentifierTable, kind: str) -> IdentifierTable:
    """One kind of a table alone, as most programs write one file per kind; all its levels count as shared.

    Raises:
        IdentifierError: there is no such kind.
    """
    if kind not in table.codes:
        raise IdentifierError(f"There is no kind '{kind}'. The table has {', '.join(table.kinds)}.")
    codes = table.codes[kind]
    return replace(table, codes={kind: codes}, sizes={kind: table.sizes[kind]}, shared=codes.shape[1])


def collapse_codebook(table: IdentifierTable, level: int, keep: int) -> IdentifierTable:
    """A level with few codes left, as a training that lost most of its code words leaves it.

    Code k of the level becomes k mod ``keep``; the codebook keeps its size, so the others are dead.

    Args:
        level: from 1; in all kinds.
        keep: codes that stay in use, at least 1.

    Raises:
        IdentifierError: no such level, or nothing to keep.
    """
    _check_level(table, level)
    if keep < 1:
        raise IdentifierError(f"{keep} codes cannot be kept. Keep at least one.")
    codes = {kind: own.copy() for kind, own in table.codes.items()}
    for own in codes.values():
        own[:, level - 1] %= keep
    return replace(table, codes=codes)


def collapse_somewhere(table: IdentifierTable, seed: int) -> IdentifierTable:
    """``collapse_codebook`` at a level drawn by lot, with 2 to 9 codes left: a set to practise on."""
    random = np.random.default_rng(seed)
    levels = min(own.shape[1] for own in table.codes.values())
    return collapse_codebook(table, int(random.integers(1, levels + 1)), int(random.integers(2, 10)))


def shift_levels(table: IdentifierTable, by: int = 1) -> IdentifierTable:
    """Every code some levels too early, the first ones at the end: columns in the wrong order.

    Identifiers stay as unique as they were and every codebook as full, so counting finds nothing.

    Args:
        by: 1 ... L - 1.

    Raises:
        IdentifierError: a table of one level, or a shift that is none.
    """
    levels = min(own.shape[1] for own in table.codes.values())
    if not 1 <= by < levels:
        raise IdentifierError(f"{levels} levels cannot be shifted by {by}. Shift by 1 to {levels - 1}.")
    codes = {kind: np.roll(own, -by, axis=1) for kind, own in table.codes.items()}
    sizes = {kind: (*own[by:], *own[:by]) for kind, own in table.sizes.items()}
    shared = max(table.shared - by, 0) if len(table.kinds) > 1 else levels
    return replace(table, codes=codes, sizes=sizes, shared=shared)


def duplicate_items(table: IdentifierTable, items: Int[np.ndarray, " M"]) -> Doubled:
    """Some items a second time under other ids, as two feeds of one warehouse deliver them.

    Args:
        items: item indices, each at most once; their copies stand at the end and are called "<id>-copy".

    Raises:
        IdentifierError: a copy's id that is taken.
    """
    rows = np.concatenate([np.arange(table.n_items), items])
    names = np.array([*table.item_ids, *(f"{table.item_ids[item]}{COPY}" for item in items)], dtype=object)
    if len(set(names)) < len(names):
        raise IdentifierError(
            f"An id that ends in '{COPY}' is taken, or an item was to be copied twice. Choose others."
        )
    codes = {kind: own[rows] for kind, own in table.codes.items()}
    return Doubled(replace(table, item_ids=names, codes=codes), rows)


def hog_prefix(
    table: IdentifierTable, clicks: Int[np.ndarray, " N"], share: float = 0.05, code: int = 0
) -> IdentifierTable:
    """The most clicked items under one first code, as an embedding gives it that mostly says how popular an item is.

    Args:
        clicks: (N,) per item.
        share: of the items, those with the most clicks; 0 to 1.
        code: first code that they get, in all kinds.

    Raises:
        IdentifierError: no such code, or not one number of clicks per item.
    """
    if len(clicks) != table.n_items:
        raise IdentifierError(f"{len(clicks)} click counts for {table.n_items} items. Give one per item.")
    if any(not 0 <= code < own[0] for own in table.sizes.values()):
        raise IdentifierError(
            f"There is no first code {code}. Choose one below {min(o[0] for o in table.sizes.values())}."
        )
    popular = np.argsort(-np.asarray(clicks), kind="stable")[: round(share * table.n_items)]
    codes = {kind: own.copy() for kind, own in table.codes.items()}
    for own in codes.values():
        own[popular, 0] = code
    return replace(table, codes=codes)


def write_foreign(table: IdentifierTable, kind: str, path: Path, first: int = 0) -> None:
    """One kind of a table as LC-Rec and its relatives write theirs: a JSON object, row number -> tokens.

    Args:
        first: what the first row is called; 0 in LC-Rec, 1 where rows are counted from one.

    Raises:
        IdentifierError: more levels than letters.
    """
    own = table.codes[kind]
    if own.shape[1] > len(_LETTERS):
        raise IdentifierError(f"{own.shape[1]} levels have no letters. This form knows {len(_LETTERS)}.")
    rows = {
        str(first + row): [f"<{letter}_{code}>" for letter, code in zip(_LETTERS, codes)]
        for row, codes in enumerate(own.tolist())
    }
    write_atomically(Path(path), lambda file: file.write_text(json.dumps(rows), encoding="utf-8"))


def write_id_map(table: IdentifierTable, path: Path, first: int = 0) -> None:
    """The file that joins row numbers to item ids. The fault is to count from another number than ``write_foreign``.

    Args:
        first: what this map takes the first row to be called.
    """
    frame = pd.DataFrame({"key": np.arange(first, first + table.n_items), "item_id": table.item_ids})
    write_atomically(Path(path), lambda file: frame.to_csv(file, index=False))


def _check_level(table: IdentifierTable, level: int) -> None:
    levels = min(own.shape[1] for own in table.codes.values())
    if not 1 <= level <= levels:
        raise IdentifierError(f"There is no level {level}. Choose 1 to {levels}.")
