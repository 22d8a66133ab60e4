"""Raw rows of identifiers, and how tokens, lists and arrays become them: (N, L) numbers where that is possible.

It knows neither files nor the forms of single projects (``layouts``), and judges nothing (``checks``).
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Sequence
from itertools import chain
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gensar_lite.identify.formats.findings import BAD, Finding, FormatError, many, some
from gensar_lite.identify.formats.pickles import refuse_code

TOKEN = re.compile(r"<\|?(?P<level>[^<>|\s]*?)_?(?P<code>-?\d{1,18}(?:\.\d{1,9})?)\|?>")
HINT = "If you know its form, name it with --format."
NUMBER = re.compile(r"-?\d{1,18}(?:\.\d{1,9})?")
MOST_LEVELS = 256  # codes per item
_FEW_ROWS = 32  # so many rows may be longer: they are levels, and the table is transposed
_LEFT_OUT = 0.01  # share of rows of another length that may be left out of a table
_FEWEST_ROWS = 8  # from which on one may be left out, though it is more than that share
_MOST = 2**62  # beyond, whole numbers do not fit their column


class Rows(NamedTuple):
    """Codes of one kind of identifier, as they stand in the file.

    Attributes:
        keys: (N,) item ids, as text.
        codes: (N, L) numbers; or N sequences of numbers or words, if their lengths differ.
        levels: names of the levels ("a", "shared_b"); () where the file has none.
        declared: codes per level, if the file says so.
    """

    keys: list[str]
    codes: np.ndarray | list[tuple]
    levels: tuple[str, ...] = ()
    declared: tuple[int, ...] | None = None

    @property
    def named(self) -> bool:
        """Whether every level has a name of its own, so that its codes need no offset to be told from others."""
        return len(self.levels) == len(set(self.levels))


class Raw(NamedTuple):
    """A whole file.

    Attributes:
        kinds: kind of identifier -> its rows.
        keyed: False if the file has no item ids and the row's number stands for one.
        bare: True if codes are plain numbers, so that level offsets may be in them.
        tokens: True if ``codes`` are words of a text and not numbers.
        padding: key of a row that is no item, by the form's definition; "" if there is none.
        shared: leading levels that the form calls shared between kinds; None if it does not say.
        texts: item texts that stand in the same file, indexed by key; None without.
        findings: what reading brought to light.
    """

    kinds: dict[str, Rows]
    keyed: bool = True
    bare: bool = False
    tokens: bool = False
    padding: str = ""
    shared: int | None = None
    texts: pd.DataFrame | None = None
    findings: tuple[Finding, ...] = ()


def token_rows(keys: list[str], rows: list[Any], path: Path) -> tuple[Rows, tuple[Finding, ...]]:
    """Codes and level names of rows of tokens such as "<a_183>"."""
    names, codes = [], []
    for key, row in zip(keys, rows):
        if not isinstance(row, (list, tuple)):
            raise FormatError(f"{path}, item '{key[:40]}': {seen(row)} instead of a list of tokens. {HINT}")
        own_names, own_codes = [], []
        for token in row:
            match = TOKEN.fullmatch(token.strip()) if isinstance(token, str) else None
            if match is None:
                refuse_code(token, path)
                shown = f"'{token[:30]}'" if isinstance(token, str) else seen(token)
                raise FormatError(f"{path}, item '{key[:40]}': {shown} is no token such as <a_183>. {HINT}")
            own_names.append(match["level"])
            own_codes.append(_number(match["code"]))
        names.append(tuple(own_names))
        codes.append(own_codes)
    levels = Counter(names).most_common(1)[0][0] if names else ()
    codes, found = _reorder(keys, names, codes, levels)
    return Rows(keys, matrix(keys, codes, path), levels), found


def _reorder(keys: list[str], names: list[tuple], codes: list[list], levels: tuple) -> tuple[list, tuple[Finding, ...]]:
    """Put rows whose levels stand in another order into the usual one; report rows with other levels."""
    moved, strange = [], []
    for place, own in enumerate(names):
        if own == levels or len(own) != len(levels):
            continue
        if len(set(levels)) == len(levels) and set(own) == set(levels):
            codes[place] = [codes[place][own.index(level)] for level in levels]
            moved.append(keys[place])
        else:
            strange.append(keys[place])
    found = []
    if moved:
        advice = f"Their codes were put into the order {', '.join(levels)}. Check what wrote them."
        found.append(Finding("levels out of order", len(moved), some(moved), advice))
    if strange:
        advice = (
            f"The other items' levels are {', '.join(levels)}. Codes were taken by their place; check what wrote them."
        )
        found.append(Finding("other level names", len(strange), some(strange), advice, BAD))
    return codes, tuple(found)


def _number(text: str) -> int | float:
    return float(text) if "." in text else int(text)


def key_text(value: Any, path: Path) -> str:
    """An item id as text: 12, 12.0 and "12" are the same one.

    Raises:
        FormatError: it is no number and no text, or one that cannot be written.
    """
    refuse_code(value, path)
    if isinstance(value, (float, np.floating)) and float(value).is_integer():
        value = int(value)
    if not isinstance(value, (str, int, float, np.integer)) or (isinstance(value, int) and abs(value) > _MOST):
        raise FormatError(f"{path}: {seen(value)} that is no item id. Use numbers or texts. {HINT}")
    text = str(value).strip()
    if not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text):
        raise FormatError(
            f"{path}: the item id {ascii(text[:40])} holds half a character (a lone surrogate), which no file "
            "can hold. Write the ids as UTF-8."
        )
    return text


def matrix(keys: Sequence[str], rows: list[Any], path: Path) -> np.ndarray | list[tuple]:
    """(N, L) int64 or float64; or the rows as tuples, if their lengths differ."""
    clean = []
    for key, row in zip(keys, rows):
        if isinstance(row, np.ndarray):
            row = row.tolist()
        if not isinstance(row, (list, tuple)):
            refuse_code(row, path)
            raise FormatError(f"{path}, item '{str(key)[:40]}': {seen(row)} instead of a list of codes. {HINT}")
        if len(row) > MOST_LEVELS and len(rows) > _FEW_ROWS:  # a pickle may refer to one long row again and again
            raise FormatError(f"{path}, item '{str(key)[:40]}': {len(row):,} codes; at most {MOST_LEVELS} are read.")
        clean.append([_code(code, key, path) for code in row])
    if not clean:
        return np.zeros((0, 0), dtype=np.int64)
    if len({len(row) for row in clean}) > 1:
        return [tuple(row) for row in clean]
    kind = np.float64 if any(isinstance(code, float) for code in chain.from_iterable(clean)) else np.int64
    return np.array(clean, dtype=kind).reshape(len(clean), -1)


def rectangular(raw: Raw) -> Raw:
    """Leave out the few rows of another length than the others, and tell which, so that the rest stays a table.

    At most one row in a hundred may go, of fewer than that one in eight. An empty row that stands for no item by the
    form's definition is no such row. Words, and rows of many lengths, stay as they are.
    """
    if raw.tokens:
        return raw
    kinds, found = {}, []
    for kind, rows in raw.kinds.items():
        kinds[kind] = rows
        if isinstance(rows.codes, np.ndarray):
            continue
        usual = Counter(len(row) for row in rows.codes).most_common(1)[0][0]
        full = [(0,) * usual if key == raw.padding and raw.padding else row for key, row in zip(rows.keys, rows.codes)]
        others = [key for key, row in zip(rows.keys, full) if len(row) != usual]
        if usual == 0 or len(others) > max(_LEFT_OUT * len(full), min(1, len(full) // _FEWEST_ROWS)):
            continue
        keep = [place for place, row in enumerate(full) if len(row) == usual]
        numbers = [full[place] for place in keep]
        kind_of = np.float64 if any(isinstance(code, float) for code in chain.from_iterable(numbers)) else np.int64
        kinds[kind] = rows._replace(keys=[rows.keys[place] for place in keep], codes=np.array(numbers, dtype=kind_of))
        if others:
            shown = f"{some(others)}; the others have {many(usual, 'code')}"
            advice = (
                "These items were left out. All must have one length: find out what wrote them, and give them codes."
            )
            found.append(Finding("unequal lengths", len(others), shown, advice, BAD))
    return raw._replace(kinds=kinds, findings=(*raw.findings, *found))


def _code(code: Any, key: str, path: Path) -> int | float:
    if isinstance(code, str) and NUMBER.fullmatch(code.strip()):
        code = _number(code.strip())
    if code is None:
        return float("nan")
    if isinstance(code, (bool, np.bool_)) or not isinstance(code, (int, float, np.integer, np.floating)):
        refuse_code(code, path)
        raise FormatError(f"{path}, item '{str(key)[:40]}': {seen(code)} instead of a code. {HINT}")
    if abs(code) > _MOST:
        raise FormatError(f"{path}, item '{str(key)[:40]}': a code of 19 digits or more is no code. Write it again.")
    return code


def upright(codes: np.ndarray | list, path: Path, lying: bool) -> tuple[np.ndarray | list, tuple[Finding, ...]]:
    """Turn an array so that its rows are items: there are always more items than levels.

    Args:
        codes: two axes.
        lying: True if the form lays items in columns by definition (GRID), so that this is worth no warning.

    Raises:
        FormatError: not two axes.
    """
    if not isinstance(codes, np.ndarray):
        return codes, ()
    if codes.ndim != 2 or 0 in codes.shape:
        raise FormatError(f"{path}: shape {codes.shape}; codes of items need two axes, (items, levels).")
    rows, columns = codes.shape
    turned = columns > rows if lying else columns > 4 * rows
    if turned == lying:
        return (codes.T, ()) if turned else (codes, ())
    was, usual = ("(levels, items)", "(items, levels)") if turned else ("(items, levels)", "(levels, items)")
    advice = f"Read as {was}; this form usually has {usual}. Check that {max(rows, columns):,} is the number of items."
    found = Finding("transposition", min(rows, columns), f"shape {rows:,} × {columns:,}", advice)
    return (codes.T if turned else codes), (found,)


def numeric(value: np.ndarray, path: Path) -> np.ndarray:
    """Numbers of any type as int64 or float64.

    Raises:
        FormatError: a whole number that does not fit.
    """
    if value.dtype.kind == "f":
        return value.astype(np.float64)
    if value.dtype.kind == "u" and value.size and int(value.max()) > _MOST:
        raise FormatError(f"{path}: a code of more than 18 digits is no code. Write the file again.")
    return value.astype(np.int64)


def seen(value: Any) -> str:
    if isinstance(value, dict):
        return f"objects with {', '.join(str(key)[:20] for key in list(value)[:4])}"
    return "nothing" if value is None else f"a {type(value).__name__}"
