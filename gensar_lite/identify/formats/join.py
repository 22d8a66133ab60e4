"""Joining a file's own keys to the catalogue's item ids."""

from __future__ import annotations

import csv
from dataclasses import replace
from io import StringIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from gensar_lite.identify.formats import files
from gensar_lite.identify.formats.findings import BAD, FINE, Finding, FormatError, many, some
from gensar_lite.identify.formats.rows import key_text

if TYPE_CHECKING:
    from gensar_lite.identify.formats import Foreign


def read_id_map(path: Path) -> list[tuple[str, str]]:
    """Pairs of ids: a JSON object, or the first two columns of a parquet, CSV, tab-separated or spaced text file.

    Raises:
        FormatError: unreadable, or a line without two ids.
    """
    path = Path(path)
    content = files.load(path)
    if content.container == files.JSON and isinstance(content.value, dict):
        return [(key_text(left, path), key_text(right, path)) for left, right in content.value.items()]
    if content.container == files.TABLE and content.value.shape[1] >= 2:
        left, right = (content.value[name].tolist() for name in content.value.columns[:2])
        return [(key_text(one, path), key_text(other, path)) for one, other in zip(left, right)]
    if content.container != files.LINES:
        raise FormatError(f"{path}: no id map. Give a JSON object, or a table of two columns: key, item_id.")
    pairs = []
    lines = content.value.split("\n")
    mark = next((sign for sign in ("\t", ",") if sign in lines[0]), None)
    rows = csv.reader(StringIO(content.value), delimiter=mark) if mark else (line.split() for line in lines)
    try:
        for number, row in enumerate(rows, start=1):
            if not any(cell.strip() for cell in row):
                continue
            if len(row) < 2 or not row[0].strip() or not row[1].strip():
                raise FormatError(f"{path}, line {number:,}: two ids are needed, the file's key and the item's id.")
            pairs.append((row[0].strip(), row[1].strip()))
    except csv.Error as error:
        raise FormatError(f"{path}: no well-formed table ({error}).") from None
    return pairs


def join_ids(foreign: Foreign, path: Path, of: Path) -> Foreign:
    """The same identifiers under the catalogue's ids. Items that the map does not name are left out, and told.

    The map may be written in either direction: the column that has more of the file's keys is taken for the keys.

    Args:
        foreign: the identifiers.
        path: the map.
        of: file of the identifiers, for what is said.

    Raises:
        FormatError: the map names none of the items.
    """
    pairs = read_id_map(path)
    own = set(foreign.item_ids.tolist())
    forward, backward = sum(left in own for left, _ in pairs), sum(right in own for _, right in pairs)
    if max(forward, backward) == 0:
        shown = f"'{pairs[0][0][:30]}' and '{pairs[0][1][:30]}'" if pairs else "nothing"
        raise FormatError(
            f"{path}: names none of the {many(len(own), 'key')} of {of} (they are like "
            f"'{foreign.item_ids[0][:30]}', the map has {shown}). Give the map that belongs to this file."
        )
    if backward > forward:
        pairs = [(right, left) for left, right in pairs]
    target: dict[str, str] = {}
    for left, right in pairs:
        target.setdefault(left, right)
    taken: set[str] = set()
    keep, unknown, twice = [], [], []
    for place, key in enumerate(foreign.item_ids):
        if key not in target:
            unknown.append(key)
        elif target[key] in taken:
            twice.append(key)
        else:
            taken.add(target[key])
            keep.append(place)
    found = [Finding("ids joined", len(keep), f"by {path.name}", "Items carry the catalogue's ids.", FINE)]
    for name, keys, why in (
        ("ids not in the map", unknown, "The map does not name them. Left out."),
        ("ids joined twice", twice, "The map gives them an id that another item already has. Left out."),
    ):
        if keys:
            found.append(Finding(name, len(keys), some(keys), f"{why} Complete the map.", BAD))
    found += [finding for finding in foreign.findings if finding.kind not in ("1-based keys", "no item ids")]
    return _chosen(foreign, keep, [target[foreign.item_ids[place]] for place in keep], tuple(found))


def _chosen(foreign: Foreign, keep: list[int], ids: list[str], found: tuple[Finding, ...]) -> Foreign:
    names = np.array(ids, dtype=object)
    texts = foreign.texts.iloc[keep].set_axis(names, axis=0) if foreign.texts is not None else None
    if foreign.ragged is not None:
        ragged = replace(foreign.ragged, item_ids=names, words=tuple(foreign.ragged.words[place] for place in keep))
        return replace(foreign, ragged=ragged, findings=found, texts=texts)
    codes = {kind: values[keep] for kind, values in foreign.table.codes.items()}
    return replace(foreign, table=replace(foreign.table, item_ids=names, codes=codes), findings=found, texts=texts)
