"""Figures of the identifier report that the debugger's live views do not have: measures against depth, with controls.

Tables in, figures out. Names are data from strangers and pass through ``theme.label``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gensar_lite.view.theme import GREY, OKABE_ITO, PART_COLOUR, describe, label, template

CONTROLS = {
    "control_random": "random codes",
    "control_category": "category codes",
    "control_kmeans": "residual k-means",
}
_LOOKS = {
    "control_random": ("dot", "x"),
    "control_category": ("dashdot", "triangle-up"),
    "control_kmeans": ("dash", "square"),
}
_PER_ROW = 3


class Curve(NamedTuple):
    """A measure to draw against depth: its name, what it is taken against ("" for any), and a heading."""

    measure: str
    of: str
    heading: str


def curves_in(frame: pd.DataFrame, wanted: Sequence[Curve]) -> list[Curve]:
    """Those of the wanted curves that have at least two levels in a diagnosis."""
    found = []
    for curve in wanted:
        rows = _rows(frame, curve)
        if rows["level"].nunique() > 1 and rows["value"].notna().sum() > 1:
            found.append(curve)
    return found


def by_level(
    frame: pd.DataFrame, curves: Sequence[Curve], name: str, other: pd.DataFrame | None = None, other_name: str = ""
) -> go.Figure:
    """Measures of one kind of identifier against level or prefix depth, each beside its controls.

    Args:
        frame: rows of one kind of a diagnosis: measure, of, level, value, control_random, control_category,
            control_kmeans.
        curves: one panel each; see ``curves_in``.
        name: the kind of identifier, for the legend and the colour.
        other: the same rows of a second set of identifiers, drawn beside the first.
        other_name: of the second set, for the legend.
    """
    rows, columns = -(-len(curves) // _PER_ROW), min(len(curves), _PER_ROW)
    heads = [label(curve.heading, 44) for curve in curves]
    figure = make_subplots(rows, columns, subplot_titles=heads, horizontal_spacing=0.08, vertical_spacing=0.18)
    colour = PART_COLOUR.get(name, OKABE_ITO[0])
    for place, curve in enumerate(curves):
        at = {"row": place // columns + 1, "col": place % columns + 1}
        own = _rows(frame, curve)
        for control, told in CONTROLS.items():
            dash, symbol = _LOOKS[control]
            line = {"color": GREY, "dash": dash, "width": 1.5}
            trace = _line(own["level"], own[control], told, line, symbol, bool(frame[control].notna().any()))
            figure.add_trace(trace.update(showlegend=trace.showlegend and place == 0), **at)
        if other is not None:
            beside = _rows(other, curve)
            line = {"color": OKABE_ITO[3], "width": 2.5, "dash": "longdash"}
            trace = _line(beside["level"], beside["value"], other_name, line, "diamond", True)
            figure.add_trace(trace.update(showlegend=place == 0), **at)
        line = {"color": colour, "width": 3}
        trace = _line(own["level"], own["value"], name, line, "circle", True)
        figure.add_trace(trace.update(showlegend=place == 0), **at)
    figure.update_xaxes(dtick=1, title={"text": "codes in the prefix, or level", "standoff": 4})
    figure.update_yaxes(rangemode="tozero")
    height = 300 * rows + 60
    legend = {"orientation": "h", "y": -0.62 / rows * 0.45, "yanchor": "top"}
    figure.update_layout(template=template(), height=height, legend=legend, margin={"t": 40, "b": 90})
    return describe(figure, _words(frame, curves, name))


def curve_table(frame: pd.DataFrame, curves: Sequence[Curve]) -> pd.DataFrame:
    """The table twin of ``by_level``: one row per curve and level."""
    parts = [_rows(frame, curve).assign(measure=curve.heading) for curve in curves]
    table = pd.concat(parts, ignore_index=True)
    named = table[["measure", "level", "value", *CONTROLS]].rename(columns=CONTROLS)
    return named.dropna(axis=1, how="all")


def _rows(frame: pd.DataFrame, curve: Curve) -> pd.DataFrame:
    rows = frame[(frame["measure"] == curve.measure) & frame["level"].notna()]
    if curve.of:
        rows = rows[rows["of"] == curve.of]
    return rows.drop_duplicates("level").sort_values("level")


def _line(x: pd.Series, y: pd.Series, name: str, line: dict, symbol: str, legend: bool) -> go.Scatter:
    return go.Scatter(
        x=x.to_numpy(dtype=float),
        y=y.to_numpy(dtype=float),
        name=label(name, 40),
        legendgroup=name,
        mode="lines+markers",
        line=line,
        marker={"symbol": symbol, "size": 8, "color": line["color"]},
        showlegend=legend,
        hovertemplate="%{x}: %{y:.4g}<extra></extra>",
    )


def _words(frame: pd.DataFrame, curves: Sequence[Curve], name: str) -> str:
    said = []
    for curve in curves:
        values = _rows(frame, curve)["value"].to_numpy(dtype=float)
        values = values[np.isfinite(values)]
        said.append(f"{curve.heading} from {values[0]:.3g} to {values[-1]:.3g}")
    return f"Lines of the {name} identifiers from the first level to the last, controls in grey: {'; '.join(said)}."
