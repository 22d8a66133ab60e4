"""Checks of loosely typed tables, with messages that name file, row and remedy.

It does not know what a log is, only what ids, whole numbers and texts are.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd


class LogError(ValueError):
    """A log is not what it should be. The message names the file, the row and what to do about it."""


class Source(NamedTuple):
    """How messages name a table: its file, and each row's number in that file, counted from 0."""

    file: str
    rows: np.ndarray

    def at(self, place: int) -> str:
        return f"{self.file}, row {self.rows[place] + 1}"


def source_of(frame: pd.DataFrame, file: str) -> Source:
    numbered = pd.api.types.is_integer_dtype(frame.index.dtype)
    return Source(file, frame.index.to_numpy() if numbered else np.arange(len(frame)))


def need_columns(frame: pd.DataFrame, columns: Iterable[str], file: str) -> None:
    missing = [column for column in columns if column not in frame.columns]
    if missing:
        raise LogError(
            f"{file}: missing column{'s' * (len(missing) > 1)} {', '.join(missing)} "
            f"(found: {', '.join(map(str, frame.columns)) or 'none'}). Rename or add them."
        )


def refuse_rows(bad: np.ndarray | pd.Series, source: Source, problem: str, remedy: str, shown: object = None) -> None:
    """Raise a LogError that names the first bad row, what stands there and how many others there are."""
    bad = np.asarray(bad)
    if not bad.any():
        return
    row = int(np.argmax(bad))
    value = "" if shown is None else f" ({np.asarray(shown, dtype=object)[row]!r})"
    raise LogError(f"{source.at(row)}: {problem}{value}{and_others(bad)}. {remedy}")


def as_ids(column: pd.Series) -> pd.Series:
    """Ids as text: 12, 12.0 and "12" are one id; NaN, None, "" and -1 become ""."""
    if pd.api.types.is_float_dtype(column):
        whole = column.dropna()
        if len(whole) and (whole == np.floor(whole)).all():
            column = column.astype("Int64")
    # Only the distinct values are turned into text: a million events name few ids.
    codes, values = pd.factorize(column, use_na_sentinel=True)
    text = np.array([str(value).strip() for value in values] + [""], dtype=object)
    filled = [value for value in text if value]
    if filled and all(value.endswith(".0") and value[:-2].lstrip("-").isdigit() for value in filled):
        text = np.array([value.removesuffix(".0") for value in text], dtype=object)  # a CSV column with gaps
    text[text == "-1"] = ""
    return pd.Series(text[codes], index=column.index, dtype=object)


def id_order(ids: Sequence[str]) -> list[str]:
    """Ids sorted by number if every one is a number, else as text."""
    if all(value.isascii() and value.isdigit() for value in ids):
        return sorted(ids, key=lambda value: (int(value), value))
    return sorted(ids)


def whole_numbers(values: pd.Series, source: Source) -> np.ndarray:
    column = values.name
    if pd.api.types.is_datetime64_any_dtype(values):
        refuse_rows(values.isna(), source, f"'{column}' is empty", "Give every event a time stamp.")
        return values.astype("int64").to_numpy()
    numbers = pd.to_numeric(values, errors="coerce")
    refuse_rows(
        ~np.isfinite(numbers.to_numpy(dtype=float, na_value=np.nan)),
        source,
        f"'{column}' is not a number",
        "Use whole numbers in any unit, e.g. seconds since 1970.",
        values,
    )
    whole = numbers.astype(np.int64)
    refuse_rows(
        (whole != numbers).to_numpy(),
        source,
        f"'{column}' is not a whole number",
        "Use a finer unit, e.g. milliseconds, so that no fraction is lost.",
        values,
    )
    return whole.to_numpy()


def text_of(value: object) -> str:
    return "" if value is None or value is pd.NA or value != value else str(value).strip()


def and_others(bad: np.ndarray | pd.Series) -> str:
    count = int(np.asarray(bad).sum()) - 1
    return f", and {count:,} more row{'s' * (count > 1)} like it" if count else ""
