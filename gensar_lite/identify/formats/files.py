"""Opening strangers' files: what kind of file it is, and its content as plain data.

Kinds of file are told by their first bytes, not by their names. Sizes that a file claims are held against its real
size before anything is allocated; nothing in a file is ever executed, and no name in a file is ever opened.

It does not know what the data mean (``layouts``).
"""

from __future__ import annotations

import json
import math
import re
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.parquet as pq

from gensar_lite.identify.formats.findings import BAD, FINE, Finding, FormatError, some
from gensar_lite.identify.formats.pickles import plain_pickle, tensor_file

JSON, TABLE, ARRAY, TENSOR, PICKLE, LINES = "JSON", "table", "NumPy array", "torch tensor", "pickle", "text"
_AGAIN = "Copy or download it again."
_ROOM = 256 * 2**20  # bytes that any file may unpack to; more only in proportion to its size
_GROWTH = 200  # ... this many times its size: what honest compression reaches on tables of codes
_NPY_HEADER = 10_000  # bytes
_NPY = re.compile(
    r"\{\s*'descr':\s*(?P<type>'[^']{1,40}'|\[.*\]),\s*'fortran_order':\s*(?P<order>True|False),"
    r"\s*'shape':\s*\((?P<shape>(?:\d{1,18},\s*){0,8}(?:\d{1,18})?)\),?\s*\}"
)
_OLD_TORCH = 0x1950A86A20F9469CFC6C  # what .pt files that are no zip files begin with


class Content(NamedTuple):
    """A file as plain data.

    Attributes:
        container: one of the kinds of file above.
        value: JSON and PICKLE: lists, dicts, numbers, texts; TABLE: a pandas DataFrame; ARRAY and TENSOR: a numpy
            array; LINES: the text as one str.
        repeats: JSON only: keys of objects that stand there more than once, with all their values.
        findings: what opening it brought to light (encoding).
    """

    container: str
    value: Any
    repeats: dict[str, list[Any]]
    findings: tuple[Finding, ...] = ()


def load(path: Path, as_text: bool = False) -> Content:
    """Open a file of any kind known here.

    Args:
        as_text: take it as lines of text, even if it looks like JSON or CSV.

    Raises:
        FormatError: missing, empty, cut off, damaged, or of an unknown kind.
    """
    path = Path(path)
    if path.is_dir():
        raise FormatError(f"{path} is a folder. Give the file that holds the identifiers.")
    try:
        with open(path, "rb") as file:
            head = file.read(8)
    except OSError as error:
        raise FormatError(f"{path}: cannot be read ({error.strerror or error}). Check the path.") from None
    if not head:
        raise FormatError(f"{path}: the file is empty. {_AGAIN}")
    if head.startswith(b"\x93NUMPY"):
        return Content(ARRAY, read_npy(path), {})
    if head.startswith(b"PAR1"):
        return Content(TABLE, read_parquet(path), {})
    if head.startswith(b"PK\x03\x04"):
        return Content(TENSOR, tensor_file(path), {})
    if head[:1] == b"\x80" and head[1:2] in (b"\x02", b"\x03", b"\x04", b"\x05"):
        value = plain_pickle(path.read_bytes(), path)
        if value == _OLD_TORCH:
            raise FormatError(f"{path}: torch's form of before 2020. Load it with torch and save it again.")
        return Content(PICKLE, value, {})
    if head.startswith((b"\x1f\x8b", b"BZh", b"\xfd7zXZ", b"(\xb5/\xfd")):
        raise FormatError(f"{path}: compressed. Unpack it first (gunzip, unzip, ...).")
    text, findings = decode(path.read_bytes())
    if as_text:
        return Content(LINES, text, {}, findings)
    if text.lstrip()[:1] in ("{", "["):
        value, repeats = parse_json(text, path)
        return Content(JSON, value, repeats, findings)
    mark = _column_mark(text)
    if mark:
        return Content(TABLE, read_csv(text, path, mark), {}, findings)
    if "\x00" in text[:4096]:
        raise FormatError(f"{path}: no kind of file that is known here. Give JSON, parquet, CSV, .npy, .pt or text.")
    return Content(LINES, text, {}, findings)


# ---------------------------------------------------------------- text


def decode(data: bytes) -> tuple[str, tuple[Finding, ...]]:
    """Bytes as text: UTF-8; or, said aloud, UTF-16 or Western European."""
    advice = "Read as such; save the file as UTF-8, e.g. iconv -f {} -t utf-8."
    if data.startswith(b"\xef\xbb\xbf"):
        data = data[3:]
    even, odd = data[:2000:2], data[1:2000:2]
    wide = "utf-16" if data.startswith((b"\xff\xfe", b"\xfe\xff")) else ""
    if not wide and len(odd) > 8 and max(odd.count(0), even.count(0)) > 0.8 * len(odd):
        wide = "utf-16-le" if odd.count(0) > even.count(0) else "utf-16-be"
    if wide:
        text = data.decode(wide, errors="replace")
        return text, (Finding("encoding", len(data), "the whole file is UTF-16", advice.format("utf-16")),)
    try:
        return data.decode("utf-8"), ()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        strange = sum(byte > 127 for byte in data)
        where = f"first in line {line:,} (byte 0x{data[error.start]:02x})"
        return data.decode("latin-1"), (
            Finding("encoding", strange, where, f"The file is not UTF-8. {advice.format('latin1')}"),
        )


def parse_json(text: str, path: Path) -> tuple[Any, dict[str, list[Any]]]:
    """A JSON text, and the keys that stand in one object more than once with all their values.

    Raises:
        FormatError: cut off, not JSON, or nested too deep.
    """
    repeats: dict[str, list[Any]] = {}

    def collect(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
        made: dict[str, Any] = {}
        for key, value in pairs:
            if key in made:
                repeats.setdefault(key, [made[key]]).append(value)
            else:
                made[key] = value  # the first one stays
        return made

    try:
        return json.loads(text, object_pairs_hook=collect), repeats
    except json.JSONDecodeError as error:
        end = len(text.rstrip())
        if error.pos >= end - 1 or error.msg.startswith("Unterminated"):
            raise FormatError(f"{path}: cut off after {end:,} characters{_last_key(text, end)}. {_AGAIN}") from None
        where = f"{path}, line {error.lineno:,}, column {error.colno:,}"
        if error.msg == "Extra data":
            raise FormatError(
                f"{where}: a second JSON value after the first; JSON lines are not read. Make one list of them, e.g. "
                "jq -s . FILE, or one object {item: codes}."
            ) from None
        raise FormatError(f"{where}: not JSON ({error.msg}). Correct it, or copy or download it again.") from None
    except RecursionError:
        raise FormatError(f"{path}: nested hundreds of levels deep, so no table of identifiers. {_AGAIN}") from None
    except ValueError as error:  # numbers of thousands of digits
        raise FormatError(f"{path}: not readable as JSON ({' '.join(str(error).split())[:80]}). {_AGAIN}") from None


def _last_key(text: str, end: int) -> str:
    tail = text[max(0, end - 2000) : end]
    keys = [part.rpartition('"')[2] for part in tail.split('":')[:-1]]
    return f", in or after item '{keys[-1][:40]}'" if keys and keys[-1] else ""


def _column_mark(text: str) -> str:
    """What parts the columns of a table in text, told by its first line: comma or tab; "" if it is no table.

    The line must name columns, one of them of codes, or with commas one of ids. MiniOneRec's three columns stay lines.
    """
    first = text.partition("\n")[0].strip().strip("\ufeff").lower()
    codes = {"codes", "sid", "sid_level_0", "semantic_id", "semantic_id_0", "code_1"}
    for mark, known in ((",", codes | {"item_id", "pid", "parent_asin"}), ("\t", codes)):
        names = [name.strip(' "') for name in first.split(mark)]
        if len(names) > 1 and known & set(names):
            return "" if mark == "\t" and names[:2] == ["sid", "title"] and len(names) == 3 else mark
    return ""


def read_csv(text: str, path: Path, mark: str = ",") -> pd.DataFrame:
    """A table in text with a header, its names in small letters; every cell as text.

    Args:
        mark: what parts its columns, a comma or a tab.

    Raises:
        FormatError: not well-formed.
    """
    from io import StringIO

    try:
        frame = pd.read_csv(StringIO(text), sep=mark, dtype=str, keep_default_na=False, skipinitialspace=True)
        plain = frame.columns.str.strip().str.lower()
        return frame.set_axis(plain, axis=1) if plain.is_unique else frame
    except (pd.errors.ParserError, pd.errors.EmptyDataError, ValueError) as error:
        line = " ".join(str(error).split())[:160]
        name, sign = ("CSV", "commas") if mark == "," else ("tab-separated table", "tabs or quotes")
        raise FormatError(
            f"{path}: no well-formed {name} ({line}). Quote cells with {sign}, or copy or download it again."
        ) from None


# ---------------------------------------------------------------- binary files


def read_npy(path: Path) -> np.ndarray:
    """A ``.npy`` file of numbers; its header is checked against the file's size first.

    The header is matched against the one form that numpy writes for numbers, and not evaluated.

    Raises:
        FormatError: Python objects or records in it, cut off, or sizes that the file does not have.
    """
    data = Path(path).read_bytes()
    wide = data[6:7] > b"\x01"  # versions 2 and 3 have four bytes for the header's length
    begin = 12 if wide else 10
    length = int.from_bytes(data[8:begin], "little")
    header = data[begin : begin + length].decode("latin-1") if length <= _NPY_HEADER else ""
    match = _NPY.fullmatch(header.strip())
    if match is None:
        raise FormatError(f"{path}: a damaged NumPy header. {_AGAIN}")
    if not re.fullmatch(r"'[<>|=]?([iu][1248]|f[248]|b1)'", match["type"]):
        what = "Python objects" if "O" in match["type"] else match["type"][:40]
        raise FormatError(f"{path}: holds {what}, not numbers. Save an array of whole numbers (items × levels).")
    dtype = np.dtype(match["type"].strip("'"))
    shape = tuple(int(part) for part in match["shape"].split(",") if part.strip())
    room = (len(data) - begin - length) // dtype.itemsize
    if math.prod(shape) > room:
        raise FormatError(
            f"{path}: the header claims {_times(shape)} numbers, the file has room for {room:,}: cut off or damaged. "
            f"{_AGAIN}"
        )
    numbers = np.frombuffer(data, dtype=dtype, count=math.prod(shape), offset=begin + length)
    return numbers.reshape(shape, order="F" if match["order"] == "True" else "C").astype(dtype.newbyteorder("="))


def read_parquet(path: Path) -> pd.DataFrame:
    """A parquet table; the number of values it claims is checked first.

    Raises:
        FormatError: cut off, damaged, or far more values than such a file can hold.
    """
    try:
        with pq.ParquetFile(path) as file:
            facts = file.metadata
            groups = [facts.row_group(place) for place in range(facts.num_row_groups)]
            values = sum(group.column(place).num_values for group in groups for place in range(group.num_columns))
            values = max(values, facts.num_rows * facts.num_columns)
            allowed = max(_ROOM, _GROWTH * Path(path).stat().st_size)
            if values * 8 > allowed or sum(group.total_byte_size for group in groups) > allowed:
                raise FormatError(
                    f"{path}: {Path(path).stat().st_size:,} bytes claim {values:,} values. That is no honest table of "
                    "identifiers; write it again, one row per item."
                )
            return file.read().to_pandas(ignore_metadata=True)
    except (pa.ArrowException, OSError, ValueError) as error:
        if isinstance(error, FormatError):
            raise
        line = " ".join(str(error).split())[:120]
        raise FormatError(f"{path}: cannot be read as parquet, cut off or damaged ({line}). {_AGAIN}") from None


def _times(shape: tuple[int, ...]) -> str:
    return " × ".join(f"{length:,}" if length < 10**12 else "more than 10^12" for length in shape) or "1"


# ---------------------------------------------------------------- repeated keys


def repeated_keys(content: Content) -> tuple[Finding, ...]:
    """What to say about keys that stand in a JSON object more than once: the first value was kept."""
    found = []
    for same, verdict in ((True, FINE), (False, BAD)):
        keys = [
            key for key, values in content.repeats.items() if all(other == values[0] for other in values[1:]) == same
        ]
        if keys:
            what = "with the same codes" if same else "with different codes"
            advice = "The first entry was kept. " + (
                "" if same else "Find out which one is meant and delete the other."
            )
            found.append(Finding("duplicate items", len(keys), f"{some(keys)} {what}", advice.strip(), verdict))
    return tuple(found)
