"""Who writes what: the layouts of identifier files in the wild, each turned into the same raw rows.

A layout says where in a file an item's id and its codes stand. It does not judge them (``checks``), nor does it open
files (``files``).

================  ======================================  ==============================================
layout            who writes it                           what it looks like
================  ======================================  ==============================================
kit               this kit                                parquet: item_id, kind, code_1 ...
sidinspector      SIDInspector                            parquet, CSV: item_id, sid_level_0 ...
semantic-ids-llm  semantic-ids-llm                        parquet, CSV: parent_asin, semantic_id_0 ...
onerec            OpenOneRec, TorchEasyRec                parquet, CSV, TSV: pid or item_id, codes; text: both
gensar            GenSAR (two files)                      JSON: {"1": ["<shared_a_17>", ...]}
lc-rec            LC-Rec, LETTER, MiniOneRec, MIMIGenRec  JSON: {"0": ["<a_183>", "<b_70>", ...]}
unigenrec         UniGenRec                               JSON: {"0": "<L0_103> <L1_178> ..."}
tiger-cf          tiger-cf                                JSON: {"0": [228, 220, 159, 91]}
actionpiece       ActionPiece                             JSON: {"B00X": [228, 220, ...]}
genret            GenRet                                  JSON: [[228, 220, ...], ...]
grid-list         GRID, rows not merged                   pickle, JSON: [{item_id, cluster_ids}, ...]
grid              GRID                                    .pt: (levels + 1, items)
npy               UniGenRec, TIGER                        .npy: (items, levels)
minionerec-tsv    MiniOneRec                              text: <a_236><b_231> TAB title TAB item
textual           IDGenRec, GRAM                          text: item, then its words
================  ======================================  ==============================================
"""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gensar_lite.identify.formats import files, lines
from gensar_lite.identify.formats.findings import FormatError
from gensar_lite.identify.formats.lines import CODE_COLUMNS, ID_COLUMNS
from gensar_lite.identify.formats.pickles import refuse_code
from gensar_lite.identify.formats.rows import (
    HINT,
    TOKEN,
    Raw,
    Rows,
    key_text,
    matrix,
    numeric,
    seen,
    token_rows,
    upright,
)
from gensar_lite.identify.table import COLLABORATIVE, SEMANTIC


def recognise(content: files.Content, path: Path) -> str:
    """The name of a file's layout.

    Raises:
        FormatError: it has none that is known here; the message says what was seen.
    """
    value = content.value
    if content.container == files.ARRAY:
        return "npy"
    if content.container == files.TENSOR:
        return "grid"
    if content.container == files.TABLE:
        return _recognise_columns(value, path)
    if content.container == files.LINES:
        return lines.recognise_lines(value, path)
    refuse_code(value, path)
    if isinstance(value, dict):
        if not value:
            raise FormatError(f"{path}: no items in it. Write it again.")
        told = next((key for key, codes in value.items() if codes not in ([], "", ())), next(iter(value)))
        return _recognise_entry(told, value[told], path)  # an empty row says nothing about the others
    first = value[0] if isinstance(value, (list, tuple)) and value else None
    refuse_code(first, path)
    if isinstance(first, dict) and any(not isinstance(field, (str, int, float)) for field in first.values()):
        return "grid-list"
    if isinstance(first, (list, tuple)):
        return "genret"
    raise FormatError(f"{path}: {content.container} of {seen(first)}, not of identifiers. {HINT}")


def _recognise_entry(key: Any, first: Any, path: Path) -> str:
    refuse_code(first, path)
    if isinstance(first, str):
        return "unigenrec"
    if isinstance(first, dict):
        what = "items and their texts (give it to --items)" if "title" in first else seen(first)
        raise FormatError(f"{path}: holds {what}, not identifiers. {HINT}")
    if not isinstance(first, (list, tuple)):
        raise FormatError(f"{path}: item '{str(key)[:40]}' has {seen(first)} where its codes should stand. {HINT}")
    if first and isinstance(first[0], str) and not first[0].strip().lstrip("-").isdecimal():
        own = ("<shared_", "<semantic_", "<collaborate")
        return "gensar" if any(str(token).startswith(own) for token in first) else "lc-rec"
    return "tiger-cf" if str(key).isdecimal() else "actionpiece"


def _recognise_columns(frame: pd.DataFrame, path: Path) -> str:
    names = {str(name) for name in frame.columns}
    if {"item_id", "kind", "code_1"} <= names:
        return "kit"
    if "sid_level_0" in names:
        return "sidinspector"
    if "semantic_id_0" in names:
        return "semantic-ids-llm"
    if names & {*CODE_COLUMNS}:
        return "onerec"
    raise FormatError(f"{path}: no column of codes among {', '.join(map(str, list(frame.columns)[:12]))}. {HINT}")


# ---------------------------------------------------------------- JSON and pickle


def parse(content: files.Content, layout: str, path: Path) -> Raw:
    """Raw rows of a file in a known layout.

    Raises:
        FormatError: the file does not have this layout, or one of its rows does not.
    """
    reader, containers = READERS[layout]
    if content.container not in containers:
        raise FormatError(
            f"{path}: the form '{layout}' is kept as {' or '.join(containers)}, this file is a {content.container}."
        )
    raw = reader(content.value, path)
    found = (*content.findings, *files.repeated_keys(content), *raw.findings)
    if not any(len(rows.keys) for rows in raw.kinds.values()):
        raise FormatError(f"{path}: no items in it. Write it again.")
    return raw._replace(findings=found)


def _entries(value: Any, path: Path) -> tuple[list[str], list[Any]]:
    if not isinstance(value, dict):
        raise FormatError(f"{path}: not one object {{item: codes}}. {HINT}")
    return [key_text(key, path) for key in value], list(value.values())


def _lc_rec(value: Any, path: Path) -> Raw:
    keys, rows = _entries(value, path)
    own, found = token_rows(keys, rows, path)
    return Raw({SEMANTIC: own}, bare=not own.named, findings=found)


def _gensar(value: Any, path: Path) -> Raw:
    keys, rows = _entries(value, path)
    own, found = token_rows(keys, rows, path)
    kind = COLLABORATIVE if any(level.startswith("collab") for level in own.levels) else SEMANTIC
    shared = sum(level.startswith("shared") for level in own.levels)
    return Raw({kind: own}, padding="0", shared=shared, findings=found)


def _unigenrec(value: Any, path: Path) -> Raw:
    keys, rows = _entries(value, path)
    for key, row in zip(keys, rows):
        if not isinstance(row, str):
            raise FormatError(f"{path}, item '{key[:40]}': {seen(row)} instead of '<L0_103> <L1_178> ...'. {HINT}")
    own, found = token_rows(keys, [row.split() for row in rows], path)
    return Raw({SEMANTIC: own}, bare=not own.named, findings=found)


def _numbers_by_key(value: Any, path: Path) -> Raw:
    keys, rows = _entries(value, path)
    return Raw({SEMANTIC: Rows(keys, matrix(keys, rows, path))}, bare=True)


def _genret(value: Any, path: Path) -> Raw:
    if not isinstance(value, (list, tuple)):
        raise FormatError(f"{path}: not a list of lists. {HINT}")
    keys = [str(place) for place in range(len(value))]
    codes, found = upright(matrix(keys, list(value), path), path, lying=False)
    keys = [str(place) for place in range(len(codes))]
    return Raw({SEMANTIC: Rows(keys, codes)}, keyed=False, bare=True, findings=found)


def _grid_list(value: Any, path: Path) -> Raw:
    keys, rows = [], []
    for place, record in enumerate(value if isinstance(value, (list, tuple)) else [value]):
        if not isinstance(record, dict):
            raise FormatError(f"{path}, entry {place}: {seen(record)} instead of item_id and cluster_ids. {HINT}")
        lists = {name: field for name, field in record.items() if isinstance(field, (list, tuple))}
        others = {name: field for name, field in record.items() if name not in lists}
        for field in others.values():
            refuse_code(field, path)
        codes = lists.get("cluster_ids", next(iter(lists.values()), None))
        key = others.get("item_id", next(iter(others.values()), None))
        if codes is None or not isinstance(key, (str, int)):
            raise FormatError(f"{path}, entry {place}: no item_id with a list of cluster_ids. {HINT}")
        keys.append(key_text(key, path))
        rows.append(codes)
    return Raw({SEMANTIC: Rows(keys, matrix(keys, rows, path))}, bare=True)


# ---------------------------------------------------------------- arrays


def _npy(value: np.ndarray, path: Path) -> Raw:
    codes, found = upright(numeric(value, path), path, lying=False)
    keys = [str(place) for place in range(len(codes))]
    return Raw({SEMANTIC: Rows(keys, codes)}, keyed=False, bare=True, findings=found)


def _grid(value: np.ndarray, path: Path) -> Raw:
    codes, found = upright(numeric(value, path), path, lying=True)
    keys = [str(place) for place in range(len(codes))]
    return Raw({SEMANTIC: Rows(keys, codes)}, keyed=False, bare=True, findings=found)


# ---------------------------------------------------------------- tables


def _kit(frame: pd.DataFrame, path: Path) -> Raw:
    levels = _level_columns(frame, "code_")
    kinds = {}
    for kind, rows in frame.groupby("kind", sort=False):
        own = [name for name in levels if not rows[name].isna().all()]
        kinds[str(kind)] = Rows(_keys(rows["item_id"], path), _matrix_of(rows, own, path))
    return Raw(kinds)


def _sidinspector(frame: pd.DataFrame, path: Path) -> Raw:
    levels = _level_columns(frame, "sid_level_")
    if "dataset" in frame and frame["dataset"].nunique() > 1:
        named = ", ".join(str(name)[:30] for name in frame["dataset"].unique()[:4])
        raise FormatError(f"{path}: identifiers of several data sets ({named}). Keep the rows of one.")
    method = frame["method"].astype(str) if "method" in frame else pd.Series(SEMANTIC, index=frame.index)
    kinds = {}
    for name in method.unique():
        rows = frame[method == name]
        kinds[name.split(":", 1)[-1]] = Rows(_keys(_id_column(rows, path), path), _matrix_of(rows, levels, path))
    return Raw(kinds, bare=True)


def _semantic_ids_llm(frame: pd.DataFrame, path: Path) -> Raw:
    keys = _keys(_id_column(frame, path), path)
    codes = _matrix_of(frame, _level_columns(frame, "semantic_id_"), path)
    return Raw({SEMANTIC: Rows(keys, codes)}, bare=True, texts=_texts(frame, keys))


def _onerec(value: pd.DataFrame | str, path: Path) -> Raw:
    if isinstance(value, str):
        return lines.code_lines(value, path)
    keys = _keys(_id_column(value, path), path)
    column = next((name for name in CODE_COLUMNS if name in value), None)
    if column is None:
        raise FormatError(f"{path}: no column {' or '.join(CODE_COLUMNS)}. Rename the column of codes.")
    rows = [_cell(cell, key, path) if isinstance(cell, str) else cell for key, cell in zip(keys, value[column])]
    return Raw({SEMANTIC: Rows(keys, matrix(keys, rows, path))}, bare=True, texts=_texts(value, keys))


def _cell(cell: str, key: str, path: Path) -> list[str]:
    tokens = [match["code"] for match in TOKEN.finditer(cell)]  # other marks may stand around them
    codes = tokens or lines.codes_in(cell)
    if codes is None:
        raise FormatError(f"{path}, item '{key[:40]}': '{cell[:30]}' is no list of codes such as 3,17,9. {HINT}")
    return codes


def _level_columns(frame: pd.DataFrame, stem: str) -> list[str]:
    named = [str(name) for name in frame.columns if re.fullmatch(rf"{stem}\d{{1,4}}", str(name))]
    return sorted(named, key=lambda name: int(name.removeprefix(stem)))


def _id_column(frame: pd.DataFrame, path: Path) -> pd.Series:
    named = next((name for name in ID_COLUMNS if name in frame), None)
    if named is None:
        raise FormatError(f"{path}: no column item_id (or {', '.join(ID_COLUMNS[1:])}). Rename the column of item ids.")
    return frame[named]


def _keys(column: pd.Series, path: Path) -> list[str]:
    if column.isna().any():
        row = int(np.argmax(column.isna().to_numpy()))
        raise FormatError(f"{path}, row {row + 1:,}: no item id. Fill it in, or delete the row.")
    return [key_text(value, path) for value in column.tolist()]


def _matrix_of(frame: pd.DataFrame, levels: list[str], path: Path) -> np.ndarray:
    columns = []
    for name in levels:
        numbers = pd.to_numeric(frame[name], errors="coerce")
        strange = numbers.isna() & frame[name].notna() & (frame[name].astype(str).str.strip() != "")
        if strange.any():
            row = int(np.argmax(strange.to_numpy()))
            shown = str(frame[name].iloc[row])[:30]
            raise FormatError(f"{path}, row {row + 1:,}, column '{name}': '{shown}' is no code. Write a whole number.")
        columns.append(numeric(numbers.to_numpy(dtype=np.float64 if numbers.isna().any() else None), path))
    return np.stack(columns, axis=1)


def _texts(frame: pd.DataFrame, keys: list[str]) -> pd.DataFrame | None:
    named = [name for name in ("title", "description", "brand", "categories") if name in frame]
    if not named:
        return None
    return pd.DataFrame({name: frame[name].fillna("").astype(str).to_numpy() for name in named}, index=keys)


_PLAIN = (files.JSON, files.PICKLE)
READERS: dict[str, tuple[Callable[[Any, Path], Raw], tuple[str, ...]]] = {
    "kit": (_kit, (files.TABLE,)),
    "sidinspector": (_sidinspector, (files.TABLE,)),
    "semantic-ids-llm": (_semantic_ids_llm, (files.TABLE,)),
    "onerec": (_onerec, (files.TABLE, files.LINES)),
    "gensar": (_gensar, _PLAIN),
    "lc-rec": (_lc_rec, _PLAIN),
    "unigenrec": (_unigenrec, _PLAIN),
    "tiger-cf": (_numbers_by_key, _PLAIN),
    "actionpiece": (_numbers_by_key, _PLAIN),
    "genret": (_genret, _PLAIN),
    "grid-list": (_grid_list, _PLAIN),
    "grid": (_grid, (files.TENSOR,)),
    "npy": (_npy, (files.ARRAY,)),
    "minionerec-tsv": (lines.minionerec_lines, (files.LINES,)),
    "textual": (lines.textual_lines, (files.LINES,)),
}
