"""Pieces of the identifier report: badges, tables, cards of what is not fine, all measures of a group.

Frames in, HTML out; everything that came from a file is escaped here.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from numbers import Real
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gensar_lite.identify.formats import BAD, FINE, LOOK
from gensar_lite.identify.thresholds import THRESHOLDS
from gensar_lite.view.theme import safe

MARK = {FINE: "✓", LOOK: "▲", BAD: "✕"}
WORD = {FINE: "fine", LOOK: "take a look", BAD: "bad"}
CONTROLS = {"control_random": "random", "control_category": "categories", "control_kmeans": "k-means"}
_WHY = {threshold.measure: threshold.why for threshold in THRESHOLDS}


class Trouble(NamedTuple):
    """A measure that is not fine, on one level or several.

    Attributes:
        row: the worst of its rows in the diagnosis.
        levels: on which levels it is not fine; empty for the whole identifier.
    """

    row: pd.Series
    levels: tuple[int, ...]

    @property
    def verdict(self) -> str:
        """Of the worst row."""
        return str(self.row["verdict"])

    @property
    def where(self) -> str:
        """ "level 2", "levels 2, 3", or "" for the whole identifier."""
        if not self.levels:
            return ""
        return f"level{'s' if len(self.levels) > 1 else ''} {', '.join(map(str, self.levels))}"


def troubles(frame: pd.DataFrame) -> list[Trouble]:
    """What is not fine in the rows of a diagnosis, bad things first, levels of one measure together."""
    wrong = frame[frame["verdict"].isin([LOOK, BAD])]
    found = []
    for _, rows in wrong.groupby(["group", "kind", "measure", "of"], sort=False):
        worst = rows.sort_values("verdict", key=lambda column: column != BAD, kind="stable").iloc[0]
        found.append(Trouble(worst, tuple(int(level) for level in rows["level"].dropna().unique())))
    return sorted(found, key=lambda trouble: trouble.verdict != BAD)


def name_of(row: pd.Series | Mapping[str, Any]) -> str:
    """A measure with what it was taken against: "items in groups, truly different"."""
    return f"{row['measure']}, {row['of']}" if row["of"] else str(row["measure"])


def number(value: Real | None) -> str:
    """A number as the page shows it: whole ones with thousands marks, others with four digits, a dash for none."""
    if value is None or pd.isna(value) or not np.isfinite(value):
        return "–"
    if float(value).is_integer() and abs(value) < 1e15:
        return f"{int(value):,}"
    return f"{value:,.0f}" if abs(value) >= 10_000 else f"{value:.4g}"


def badge(verdict: str) -> str:
    """A verdict by colour, sign and word."""
    return f'<span class="badge {verdict}">{MARK[verdict]} {WORD[verdict]}</span>'


def html_table(heads: Sequence[str], lines: Sequence[Sequence[str]], numbers: set[int]) -> str:
    """A table of cells that are HTML already; the columns in ``numbers`` are aligned to the right."""

    def cell(tag: str, place: int, html: str) -> str:
        scope = ' scope="col"' if tag == "th" else ""
        right = ' class="number"' if place in numbers else ""
        return f"<{tag}{scope}{right}>{html}</{tag}>"

    head = "".join(cell("th", place, safe(name)) for place, name in enumerate(heads))
    body = "".join(
        "<tr>" + "".join(cell("td", place, html) for place, html in enumerate(line)) + "</tr>" for line in lines
    )
    return f'<div class="scroll"><table><thead><tr>{head}</tr></thead><tbody>{body}</tbody></table></div>'


def card(trouble: Trouble, kinds: int) -> str:
    """What is not fine: the number, how it came about, its controls, what it means, what to do.

    Args:
        kinds: of identifier in the report; with one its name says nothing.
    """
    row = trouble.row
    kind = f" · {safe(row['kind'])}" if kinds > 1 and row["kind"] else ""
    where = f" · {trouble.where}" if trouble.where else ""
    beside = [f"{name} {number(row[column])}" for column, name in CONTROLS.items() if not pd.isna(row[column])]
    controls = f'<p class="dim">Controls: {safe(", ".join(beside))}.</p>' if beside else ""
    level = f" at level {int(row['level'])}" if len(trouble.levels) > 1 else ""
    return (
        f'<div class="card {trouble.verdict}"><h4>{badge(trouble.verdict)} {safe(name_of(row))}{kind}{where}</h4>'
        f'<p><span class="value">{number(row["value"])}</span> {safe(row["unit"])}{level} '
        f'<span class="formula dim">{safe(row["formula"])}</span></p>{controls}'
        f"<p>{safe(_WHY.get(row['measure'], ''))} {safe(row['advice'])} "
        f'<span class="dim">({safe(row["threshold"])})</span></p></div>'
    )


def all_measures(rows: pd.DataFrame, other: pd.DataFrame | None = None, other_name: str = "") -> str:
    """Every measure of a group with formula, controls and threshold, folded.

    Args:
        rows: of one group of a diagnosis.
        other: the diagnosis of a second set of identifiers, for a column of its own.
        other_name: heading of that column.
    """
    controls = {column: name for column, name in CONTROLS.items() if rows[column].notna().any()}
    kinds = rows["kind"].nunique() > 1
    heads = [*(["kind"] if kinds else []), "measure, formula", "level", "value", *controls.values()]
    heads += [*([other_name] if other is not None else []), "verdict, threshold"]
    beside = {} if other is None else {_identity(row): row["value"] for row in other.to_dict("records")}
    lines = []
    for row in rows.to_dict("records"):
        level = "" if pd.isna(row["level"]) else str(int(row["level"]))
        cells = [safe(row["kind"])] if kinds else []
        cells.append(f'{safe(name_of(row))}<br><span class="formula dim">{safe(row["formula"])}</span>')
        cells += [level, f'{number(row["value"])}<br><span class="dim">{safe(row["unit"])}</span>']
        cells += [number(row[column]) for column in controls]
        cells += [number(beside.get(_identity(row), np.nan))] if other is not None else []
        shown = badge(row["verdict"]) if row["verdict"] else ""
        lines.append([*cells, shown + (f'<br><span class="dim">{safe(row["threshold"])}</span>' if shown else "")])
    first = int(kinds) + 1
    table = html_table(heads, lines, set(range(first, first + 2 + len(controls) + (other is not None))))
    return f"<details><summary>All {len(rows)} measures with formulas and controls</summary>{table}</details>"


def _identity(row: dict) -> tuple:
    """What the same measure of two sets has in common."""
    level = None if pd.isna(row["level"]) else int(row["level"])
    return row["group"], row["kind"], row["measure"], row["of"], level
