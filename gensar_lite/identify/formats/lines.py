"""Layouts of plain text: one item per line, with its codes, its words, or its identifier and title.

A first line that names the columns is no item. It does not open files (``files``), and judges nothing (``checks``).
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pandas as pd

from gensar_lite.identify.formats.findings import FINE, LOOK, Finding, FormatError
from gensar_lite.identify.formats.rows import HINT, NUMBER, TOKEN, Raw, Rows, matrix, token_rows
from gensar_lite.identify.table import SEMANTIC

ID_COLUMNS = ("item_id", "pid", "parent_asin", "asin", "iid", "id")
CODE_COLUMNS = ("codes", "sid", "semantic_id")
_LOOKED_AT = 50  # lines by which a layout is told
_AHEAD = 20_000  # characters of them
_CUT = "If it is the last line, the file is cut off: get it again."


class Line(NamedTuple):
    """A line that is not blank, with its number from 1."""

    number: int
    text: str


def recognise_lines(text: str, path: Path) -> str:
    """The name of a text's layout: "minionerec-tsv", "onerec" (item and codes) or "textual".

    Raises:
        FormatError: it has none that is known here.
    """
    rows, header = _lines(text[:_AHEAD], _LOOKED_AT)
    rows = rows[:-1] or rows  # the last one may be cut by the look ahead
    lines = [row.text for row in rows]
    if lines and all(TOKEN.match(line) and "\t" in line for line in lines):
        return "minionerec-tsv"
    items = [_key_and_rest(line) for line in lines]
    coded = [codes_in(rest) for _, rest in items[_stands_over_codes(rows) :] if rest]
    if coded and None not in coded:
        return "onerec"
    if header is not None and "title" in re.split(r"[\t,]", header.text.lower()):
        raise FormatError(f"{path}: holds items and their texts (give it to --items), not identifiers. {HINT}")
    if sum(TOKEN.search(line) is not None for line in lines) > len(lines) / 2:
        raise FormatError(
            f"{path}, line {rows[0].number:,}: tokens such as <a_183>, but neither 'item, tab, identifier' nor "
            f"'identifier, tab, title, tab, item' ('{lines[0][:40]}'). Write one of these, or name the columns."
        )
    worded = [key for key, rest in items if rest]
    if len(worded) > len(lines) / 2 and len(set(worded)) > len(lines) / 2:
        return "textual"
    raise FormatError(f"{path}: text, but not one item and its words per line. {HINT}")


def codes_in(cell: str) -> list[str] | None:
    """The codes in a cell of text, as tokens or numbers: "3,17,9", "[3, 17, 9]", "3-17-9" or "<a_3><b_17>".

    None if anything else stands there.
    """
    cell = cell.strip(" \t\r\"'")
    tokens = [match.group() for match in TOKEN.finditer(cell)]
    if tokens:
        return tokens if "".join(tokens) == re.sub(r"[\s,;]", "", cell) else None
    if re.fullmatch(r"\d{1,18}(-\d{1,18})+", cell):
        return cell.split("-")
    parts = [part for part in re.split(r"[,\s;]+", cell.strip("[]() \t")) if part]
    return parts if all(NUMBER.fullmatch(part) for part in parts) else None


def code_lines(text: str, path: Path) -> Raw:
    """Lines of an item and its codes: "7 3-17-9", "7, 3, 17, 9", or a tab and tokens.

    Raises:
        FormatError: a line that holds something else.
    """
    lines, header = _lines(text)
    if header is None and _stands_over_codes(lines):
        header, lines = lines[0], lines[1:]
    keys, rows = [], []
    for line in lines:
        key, rest = _key_and_rest(line.text)
        codes = codes_in(rest)
        if codes is None:
            raise FormatError(
                f"{path}, line {line.number:,}: no item and its codes ('{line.text[:40]}'). {_CUT} {HINT}"
            )
        keys.append(key)
        rows.append(codes)
    if all(key.endswith(":") for key in keys):
        keys = [key[:-1] for key in keys]
    found = [*_told(header)]
    if rows and max(len(row) for row in rows) == 1:
        advice = "Read as identifiers of one level. If this is a map of ids, give it to --id-map."
        found.append(Finding("one number per item", len(rows), _shown(lines[0]), advice, LOOK))
    else:
        advice = "Read as item and codes. If the numbers are words, name the form: --format textual."
        found.append(Finding("codes in plain text", len(rows), _shown(lines[0]) if lines else "", advice, FINE))
    if rows and all(row and row[0].startswith("<") for row in rows if row):
        own, more = token_rows(keys, rows, path)
        return Raw({SEMANTIC: own}, bare=not own.named, findings=(*found, *more))
    return Raw({SEMANTIC: Rows(keys, matrix(keys, rows, path))}, bare=True, findings=tuple(found))


def minionerec_lines(text: str, path: Path) -> Raw:
    """Lines of identifier, tab, title, tab, item.

    Raises:
        FormatError: a line that holds something else.
    """
    keys, titles, rows = [], [], []
    lines, header = _lines(text, strip="\r")
    for line in lines:
        sid, tab, rest = line.text.partition("\t")
        title, other, key = rest.rpartition("\t")
        tokens = [match.group() for match in TOKEN.finditer(sid)]
        if not tab or not other or "".join(tokens) != sid.replace(" ", "") or not tokens:
            raise FormatError(
                f"{path}, line {line.number:,}: not 'identifier, tab, title, tab, item' ('{line.text[:40]}'). {_CUT}"
            )
        keys.append(key.strip())
        titles.append(title)
        rows.append(tokens)
    own, found = token_rows(keys, rows, path)
    texts = pd.DataFrame({"title": titles}, index=keys)
    return Raw({SEMANTIC: own}, texts=texts, findings=(*_told(header), *found))


def textual_lines(text: str, path: Path) -> Raw:
    """Lines of an item and the words of its identifier.

    Raises:
        FormatError: an item without words.
    """
    keys, rows = [], []
    lines, header = _lines(text)
    for line in lines:
        key, rest = _key_and_rest(line.text)
        words = tuple(part for part in rest.split("|") if part.strip()) if rest.startswith("|") else tuple(rest.split())
        if not words:
            raise FormatError(
                f"{path}, line {line.number:,}: item '{key[:40]}' has no words. Delete the line or fill it."
            )
        keys.append(key)
        rows.append(tuple(word.strip() for word in words))
    return Raw({SEMANTIC: Rows(keys, rows)}, tokens=True, findings=_told(header))


def _lines(text: str, most: int | None = None, strip: str | None = None) -> tuple[list[Line], Line | None]:
    """The lines that are not blank, and apart from them a first one that names the columns."""
    parts = text.split("\n") if most is None else text.split("\n", most)[:most]
    lines = [Line(place, part.strip(strip)) for place, part in enumerate(parts, start=1) if part.strip()]
    if len(lines) > 1 and _names_columns(lines[0].text):
        return lines[1:], lines[0]
    return lines, None


def _names_columns(line: str) -> bool:
    names = [name.strip(" \"'") for name in re.split(r"[\t,;]|\s+", line.lower())]
    return len(names) > 1 and (names[0] in ID_COLUMNS or (names[0] in CODE_COLUMNS and bool({*names} & {*ID_COLUMNS})))


def _stands_over_codes(lines: list[Line]) -> bool:
    """Whether the first line has no number, and an item with its codes stands below it."""
    return len(lines) > 1 and not re.search(r"\d", lines[0].text) and bool(codes_in(_key_and_rest(lines[1].text)[1]))


def _told(header: Line | None) -> tuple[Finding, ...]:
    if header is None:
        return ()
    return (Finding("header line", 1, _shown(header), "It names the columns and is no item.", FINE),)


def _shown(line: Line) -> str:
    """The beginning of a line, without tabs."""
    return " ".join(line.text.split())[:60]


def _key_and_rest(line: str) -> tuple[str, str]:
    """An item id and what stands behind it, behind a tab if the id has no space in it or codes follow the tab."""
    if "\t" in line:
        key, _, rest = line.partition("\t")
        if " " not in key or len(codes_in(rest) or ()) > 1:
            return key.strip(" \"'"), rest.strip()
    key, _, rest = line.partition(" ")
    if "," in key and codes_in(line.partition(",")[2]):  # 7,3,17,9 or 7, 3, 17, 9
        key, _, rest = line.partition(",")
    return key.strip(" \"'"), rest.strip()
