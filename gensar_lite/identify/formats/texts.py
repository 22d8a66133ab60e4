"""Texts and vectors of a catalogue from other files than a log: items in CSV, parquet or ``*.item.json``, embeddings.

Texts are taken as they stand; whoever shows them has to escape them. Nothing here is executed.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gensar_lite.identify.formats import files
from gensar_lite.identify.formats.findings import FINE, Finding, FormatError, many, some
from gensar_lite.identify.formats.rows import key_text

COLUMNS = ("title", "description", "brand", "categories")
_IDS = ("item_id", "id", "asin", "parent_asin", "pid", "iid")


def sibling_texts(path: Path) -> tuple[pd.DataFrame | None, tuple[Finding, ...]]:
    """Texts from the ``NAME.item.json`` beside ``NAME.index.json`` or ``NAME.info.txt``, if there is one."""
    stem = path.name.split(".", 1)[0]
    beside = path.with_name(f"{stem}.item.json")
    if beside == path or not beside.is_file():
        return None, ()
    try:
        texts = read_items(beside)
    except FormatError as error:
        return None, (Finding("item texts not read", 1, beside.name, str(error)),)
    return texts, (Finding("item texts", len(texts), beside.name, "Found beside the identifiers and read.", FINE),)


def read_items(path: Path) -> pd.DataFrame:
    """Items with their texts: the kit's ``items.parquet``, another table with an id column, ``*.item.json``.

    Tables are parquet, CSV or tab-separated.

    Returns:
        one row per item, indexed by item id (str), columns title, description, brand, categories ("a, b, c", root
        first); "" where the file has nothing.

    Raises:
        FormatError: no item ids, no title, an id that stands twice, or unreadable.
    """
    path = Path(path)
    content = files.load(path)
    if content.container == files.LINES:
        first = content.value.partition("\n")[0]
        mark = next((sign for sign in ("\t", ",") if sign in first), None)
        if mark is None:
            raise FormatError(f"{path}: the first line must name the columns, item_id and title among them.")
        frame = _items_table(files.read_csv(content.value, path, mark), path)
    elif content.container == files.TABLE:
        frame = _items_table(content.value, path)
    elif content.container == files.JSON:
        frame = _items_json(content.value, path)
    else:
        raise FormatError(f"{path}: a {content.container}; items are read from parquet, CSV, TSV or *.item.json.")
    twice = frame.index[frame.index.duplicated()]
    if len(twice):
        raise FormatError(f"{path}: item '{twice[0]}' stands there twice. Keep one row per item.")
    if not len(frame):
        raise FormatError(f"{path}: no items in it.")
    return frame


def _items_table(frame: pd.DataFrame, path: Path) -> pd.DataFrame:
    named = next((name for name in _IDS if name in frame), None)
    if named is None or "title" not in frame:
        raise FormatError(
            f"{path}: needs item_id and title; its columns are {', '.join(map(str, frame.columns[:12]))}."
        )
    keys = [key_text(value, path) for value in frame[named].tolist()]
    columns = {
        name: [_text(value) for value in frame[name].tolist()] if name in frame else [""] * len(frame)
        for name in COLUMNS
    }
    return pd.DataFrame(columns, index=pd.Index(keys, dtype=object, name="item_id"), dtype=object)


def _items_json(value: Any, path: Path) -> pd.DataFrame:
    if not isinstance(value, dict) or not all(isinstance(entry, dict) for entry in value.values()):
        raise FormatError(f'{path}: not of the form {{"0": {{"title": ..., "description": ...}}}}.')
    columns = {name: [_text(entry.get(name)) for entry in value.values()] for name in COLUMNS}
    keys = [key_text(key, path) for key in value]
    return pd.DataFrame(columns, index=pd.Index(keys, dtype=object, name="item_id"), dtype=object)


def _text(value: Any) -> str:
    """A cell as text; lists (of categories, of paragraphs) joined by commas, innermost list first."""
    if isinstance(value, np.ndarray):
        value = value.tolist()
    if isinstance(value, (list, tuple)):
        inner = value[0] if value and isinstance(value[0], (list, tuple)) else value
        return _sound(", ".join(str(part) for part in inner))
    if value is None or value is pd.NA or value != value:
        return ""
    text = _sound(str(value))
    return text[2:-2] if text[:2] in ("['", '["') and text[-2:] in ("']", '"]') else text


def _sound(text: str) -> str:
    """Halves of characters, which JSON may hold and no file can, as question marks."""
    return text if text.isascii() else text.encode("utf-8", errors="replace").decode("utf-8")


def read_vectors(path: Path, item_ids: Sequence[str]) -> dict[str, np.ndarray]:
    """Embeddings of the items, a row per item in the order of ``item_ids``.

    ``.npy`` and safetensors files have rows only, so they must have as many as there are items; a parquet table may
    have an id column, by which it is joined.

    Returns:
        name -> (N, E) float32. A safetensors file may hold several ("semantic", "collaborative"); others have one,
        called "semantic".

    Raises:
        FormatError: another number of rows, unknown or missing ids, numbers that are not finite, unreadable.
    """
    path = Path(path)
    if path.suffix == ".safetensors":
        found = _safetensors(path)
    else:
        content = files.load(path)
        if content.container == files.TABLE:
            found = {"semantic": _vector_table(content.value, path, item_ids)}
        elif content.container == files.ARRAY:
            found = {"semantic": content.value}
        else:
            raise FormatError(f"{path}: a {content.container}; embeddings are read from .npy, safetensors or parquet.")
    return {name: _fitting(matrix, name, path, item_ids) for name, matrix in found.items()}


def _fitting(matrix: np.ndarray, name: str, path: Path, item_ids: Sequence[str]) -> np.ndarray:
    if matrix.ndim != 2 or matrix.dtype.kind not in "fiu" or 0 in matrix.shape:
        raise FormatError(f"{path}: '{name}' has shape {matrix.shape} of {matrix.dtype}; expected (items, dimensions).")
    if len(matrix) != len(item_ids):
        more = "one row more: a padding row first? Drop it." if len(matrix) == len(item_ids) + 1 else ""
        raise FormatError(
            f"{path}: '{name}' has {many(len(matrix), 'row')}, the identifiers have {many(len(item_ids), 'item')}. Row "
            f"i must belong to item i. {more or 'A parquet table with item_id is joined by id.'}"
        )
    matrix = matrix.astype(np.float32)
    broken = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if len(broken):
        shown = some(item_ids[row] for row in broken)
        raise FormatError(f"{path}: '{name}' is not finite for {shown}. Embed these items again.")
    return matrix


def _safetensors(path: Path) -> dict[str, np.ndarray]:
    from safetensors import SafetensorError, safe_open

    try:
        with safe_open(path, framework="numpy") as file:
            return {name: file.get_tensor(name) for name in sorted(file.keys())}
    except (SafetensorError, OSError, TypeError, ValueError) as error:
        line = " ".join(str(error).split())[:120]
        raise FormatError(f"{path}: cannot be read as safetensors ({line}). Copy it again.") from None


def _vector_table(frame: pd.DataFrame, path: Path, item_ids: Sequence[str]) -> np.ndarray:
    named = next((name for name in _IDS if name in frame), None)
    rest = frame.drop(columns=[named] if named else [])
    lists = [name for name in rest if rest[name].map(lambda cell: isinstance(cell, (list, tuple, np.ndarray))).all()]
    if lists:
        lengths = rest[lists[0]].map(len)
        if lengths.nunique() != 1:
            raise FormatError(f"{path}: vectors of {lengths.min()} to {lengths.max()} numbers. Give all one length.")
        try:
            matrix = np.array(rest[lists[0]].tolist(), dtype=np.float32)
        except (ValueError, TypeError):
            raise FormatError(f"{path}: column '{lists[0]}' holds no numbers.") from None
    else:
        matrix = rest.select_dtypes("number").to_numpy(dtype=np.float32)
    if named is None:
        return matrix
    keys = pd.Index([key_text(value, path) for value in frame[named].tolist()])
    if keys.has_duplicates:
        raise FormatError(f"{path}: item '{keys[keys.duplicated()][0]}' stands there twice. Keep one vector per item.")
    places = keys.get_indexer(pd.Index(item_ids))
    if (places < 0).any():
        absent = [item_ids[row] for row in np.flatnonzero(places < 0)]
        raise FormatError(f"{path}: no vector for {some(absent)}. Embed them too, or check the ids.")
    return matrix[places]
