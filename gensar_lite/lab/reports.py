"""Diagnoses as the small tables that a lesson shows: what is wrong, and several diagnoses side by side."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import pandas as pd

from gensar_lite.identify.diagnose import Diagnosis
from gensar_lite.identify.formats import Finding
from gensar_lite.view.theme import safe

_KEY = ["measure", "of", "level"]


def wrong(report: Diagnosis, most: int = 10) -> pd.DataFrame:
    """What is not fine, bad ones first.

    Returns:
        at most ``most`` rows: measure, of, level, value, formula, verdict.
    """
    return report.findings()[[*_KEY, "value", "formula", "verdict"]].head(most).reset_index(drop=True)


def beside(reports: Mapping[str, Diagnosis], measures: Sequence[str]) -> pd.DataFrame:
    """Those rows of several diagnoses on which a verdict is passed.

    Args:
        reports: name -> diagnosis of tables with one kind of identifier.
        measures: names of measures, in the order in which they are to stand.

    Returns:
        one row per measure, what it was taken against, and level: a column of values per diagnosis, then ``random``
        and ``k-means``, the same of the first diagnosis' controls (NaN where there is none).

    Raises:
        ValueError: no diagnosis, a measure that none of them has, or a diagnosis of several kinds.
    """
    if not reports:
        raise ValueError("Nothing to show. Give at least one diagnosis.")
    columns = {}
    for name, report in reports.items():
        rows = report.frame[report.frame["measure"].isin(measures) & (report.frame["verdict"] != "")]
        if rows["kind"].nunique() > 1:
            raise ValueError(f"'{name}' is of {rows['kind'].nunique()} kinds of identifier. Give one kind each.")
        columns[name] = rows.set_index(_KEY)
    first = next(iter(columns.values()))
    table = pd.DataFrame({name: rows["value"] for name, rows in columns.items()})
    table["random"] = first["control_random"].reindex(table.index)
    table["k-means"] = first["control_kmeans"].reindex(table.index)
    missing = [measure for measure in measures if measure not in set(table.index.get_level_values("measure"))]
    if missing:
        raise ValueError(f"No verdict was passed on {', '.join(missing)}. See what the diagnosis was given.")
    order = {measure: place for place, measure in enumerate(measures)}
    table = table.reset_index()
    return table.sort_values("measure", key=lambda names: names.map(order), kind="stable").reset_index(drop=True)


def told(findings: Sequence[Finding]) -> str:
    """What was found about a file, as an HTML list; everything in it escaped, for it comes from the file."""
    if not findings:
        return "<p>Nothing odd about the file.</p>"
    lines = [
        f"<li><b>{safe(each.verdict)}</b>: {safe(each.kind)} ({each.count:,}): {safe(each.examples)}. "
        f"{safe(each.advice)}</li>"
        for each in findings
    ]
    return f"<ul>{''.join(lines)}</ul>"
