"""Recorded numbers: what a notebook found, shown to the reader and kept for machines in the cell's output.

The notebook runner prints the headline numbers; tests read them back from the executed notebook.
"""

from __future__ import annotations

import math
from numbers import Integral, Real
from pathlib import Path
from typing import NamedTuple

MIME = "application/x-gensar-record+json"


class Record(NamedTuple):
    """One recorded number.

    Attributes:
        name: what was measured, unique within the notebook.
        value: a finite number, or a short text.
        unit: "seconds", "share of oracle", "nats" ...; empty for plain counts and texts.
        headline: whether this is the one number the notebook is remembered by.
    """

    name: str
    value: float | int | str
    unit: str = ""
    headline: bool = False

    def __str__(self) -> str:
        value = f"{self.value:.4g}" if isinstance(self.value, float) else str(self.value)
        return f"{self.name} = {value} {self.unit}".rstrip()


def record(name: str, value: Real | str, unit: str = "", headline: bool = False) -> None:
    """Show a number as one line and store it, machine-readable, in the output of this cell.

    Args:
        name: what was measured, unique within the notebook.
        value: a number (Python's or NumPy's) or a short text.
        unit: its unit, or "share of ..." for a proportion.
        headline: True for the one number that stands for the whole notebook.

    Raises:
        ValueError: empty name, or a value that is neither finite number nor text.
    """
    from IPython.display import display

    entry = Record(_name(name), _plain(name, value), unit, bool(headline))
    display({"text/plain": str(entry), MIME: entry._asdict()}, raw=True)


def read_records(notebook: Path) -> list[Record]:
    """The recorded numbers of an executed notebook, in order.

    Raises:
        ValueError: a name is recorded twice, or more than one number claims to be the headline.
    """
    import nbformat

    found = []
    for cell in nbformat.read(notebook, as_version=4).cells:
        for output in cell.get("outputs", []):
            if MIME in output.get("data", {}):
                found.append(Record(**output["data"][MIME]))
    names = [entry.name for entry in found]
    repeated = sorted({name for name in names if names.count(name) > 1})
    if repeated:
        raise ValueError(f"{notebook}: recorded more than once: {', '.join(repeated)}. Give each number its own name.")
    headlines = [entry.name for entry in found if entry.headline]
    if len(headlines) > 1:
        raise ValueError(f"{notebook}: more than one headline: {', '.join(headlines)}. Keep headline=True on one.")
    return found


def _name(name: str) -> str:
    if not name.strip():
        raise ValueError("A recorded number needs a name, for example record('collision rate', 0.05).")
    return name.strip()


def _plain(name: str, value: object) -> float | int | str:
    if isinstance(value, str):
        return value
    if isinstance(value, Integral):
        return int(value)
    if isinstance(value, Real) and math.isfinite(value):
        return float(value)
    raise ValueError(f"record('{name}', ...): {value!r} is neither a finite number nor a text.")
