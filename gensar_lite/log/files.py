"""Tables on disk: parquet, CSV and JSON lines, with errors that say which file, which line and what to do.

It does not know what the columns mean.
"""

from __future__ import annotations

import ast
import gzip
import json
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow

from gensar_lite.log.checks import LogError

TABLE_ENDINGS = (".parquet", ".csv", ".csv.gz")
JSON_ENDINGS = (".json", ".jsonl", ".json.gz", ".jsonl.gz")


def find_table(folder: Path, stem: str) -> Path | None:
    """The table called ``stem`` in a folder, parquet before CSV; None if there is none."""
    for ending in TABLE_ENDINGS:
        path = Path(folder) / f"{stem}{ending}"
        if path.is_file():
            return path
    return None


def read_table(path: Path) -> pd.DataFrame:
    """Read parquet as it is typed, CSV (UTF-8, comma, header) as text with "" for what is missing.

    Raises:
        LogError: unreadable, truncated, not UTF-8, ragged or without a header.
    """
    path = Path(path)
    try:
        if path.suffix == ".parquet":
            return pd.read_parquet(path)
        return pd.read_csv(path, dtype=str, keep_default_na=False, encoding="utf-8-sig")
    except UnicodeDecodeError:
        raise LogError(_not_utf8(path)) from None
    except pd.errors.EmptyDataError:
        raise LogError(f"{path}: the file is empty. The first line must name the columns.") from None
    except pd.errors.ParserError as error:
        raise LogError(f"{path}: not a well-formed CSV file ({_one_line(error)}). Quote texts with commas.") from None
    except pyarrow.ArrowException as error:
        raise LogError(_damaged(path, error)) from None
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LogError(_damaged(path, error)) from None
    except OSError as error:
        # Arrow reports a cut-off file as an OSError without a number; the system's own errors carry one.
        raise LogError(_damaged(path, error) if error.errno is None else _unreadable(path, error)) from None


def read_json_lines(path: Path) -> Iterator[tuple[int, dict[str, Any]]]:
    """Yield (line number from 1, object) from a JSON-lines file, gzip or not.

    Raises:
        LogError: unreadable, truncated, not UTF-8, or a line that is no JSON object.
    """
    path = Path(path)
    number = 0
    try:
        with gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb") as lines:
            for number, line in enumerate(lines, start=1):
                if line.strip():
                    yield number, _parse(path, number, line)
    except (EOFError, zlib.error, gzip.BadGzipFile) as error:
        raise LogError(_damaged(path, error)) from None
    except OSError as error:
        raise LogError(_unreadable(path, error)) from None


def _parse(path: Path, number: int, line: bytes) -> dict[str, Any]:
    try:
        text = line.decode("utf-8")
    except UnicodeDecodeError:
        raise LogError(f"{path}, line {number}: not UTF-8. Convert the file to UTF-8.") from None
    try:
        # The releases of 2014 write Python literals instead of JSON.
        value = ast.literal_eval(text) if text.lstrip().startswith("{'") else json.loads(text)
    except (ValueError, SyntaxError) as error:
        raise LogError(
            f"{path}, line {number}: not a JSON object ({_one_line(error)}). If it is the last line, the file is cut "
            "off: get it again."
        ) from None
    if not isinstance(value, dict):
        raise LogError(f"{path}, line {number}: not a JSON object. Give one object per line.")
    return value


def _not_utf8(path: Path) -> str:
    with gzip.open(path, "rb") if path.suffix == ".gz" else open(path, "rb") as lines:
        for number, line in enumerate(lines, start=1):
            try:
                line.decode("utf-8")
            except UnicodeDecodeError as error:
                byte = line[error.start]
                return (
                    f"{path}, line {number}: not UTF-8 (byte 0x{byte:02x} at column {error.start + 1}). "
                    "Save the file as UTF-8, e.g. iconv -f latin1 -t utf-8."
                )
    return f"{path}: not UTF-8. Save the file as UTF-8."


def _damaged(path: Path, error: Exception) -> str:
    return f"{path}: cut off or damaged ({_one_line(error)}). Copy or download it again."


def _unreadable(path: Path, error: OSError) -> str:
    return f"{path}: cannot be read ({error.strerror or error}). Check the path and its permissions."


def _one_line(error: Exception) -> str:
    return str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
