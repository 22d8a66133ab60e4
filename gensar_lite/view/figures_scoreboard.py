"""Figures of the scoreboard: values with intervals, two protocols side by side, what is counted as a hit, a leak.

Tables in, plotly figures out. Names of rankers are data and are shown as plain text.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gensar_lite.view.theme import COLOUR, GREY, OKABE_ITO, SYMBOL, WORD, describe, label, new_figure, template

_ROW = 30  # pixels of one ranker
_TASKS = ("R_I", "S_I")
_PROTOCOLS = ("full", "paper")
_STYLES = (("circle", "solid"), ("diamond", "dash"), ("square", "dot"), ("x", "dashdot"), ("triangle-up", "longdash"))
_GREEN, _VERMILION = OKABE_ITO[2], OKABE_ITO[5]


def scoreboard(
    rows: pd.DataFrame, metric: str, lines: Mapping[str, float], line_name: str = "oracle", ours: str = "GenSAR"
) -> go.Figure:
    """One dot with its interval per ranker, one panel per task, and a dashed line to measure against.

    Args:
        rows: columns ``ranker``, ``task`` (R_I or S_I), ``value``, ``low``, ``high``; the first ranker stands on top.
        metric: what the values are.
        lines: task -> where the dashed line stands (the oracle's value, or 0 for differences).
        line_name: what the line is.
        ours: the ranker whose mark is filled; the others' are hollow.
    """
    tasks = [task for task in _TASKS if task in set(rows["task"])]
    names = list(dict.fromkeys(rows["ranker"]))
    figure = make_subplots(cols=len(tasks), shared_yaxes=True, subplot_titles=[WORD[task] for task in tasks])
    for column, task in enumerate(tasks, start=1):
        shown = rows[rows["task"] == task]
        figure.add_trace(_dots(shown, task, ours), row=1, col=column)
        if task in lines:
            figure.add_vline(lines[task], line={"dash": "dash", "color": GREY}, row=1, col=column)
            if lines[task]:
                note = {"text": f"{label(line_name)} {lines[task]:.3f}", "x": lines[task], "xanchor": "right"}
                figure.add_annotation(**note, y=-0.4, showarrow=False, row=1, col=column)
        figure.update_xaxes(title_text=label(metric), row=1, col=column)
    figure.update_yaxes(
        categoryorder="array", categoryarray=[label(name) for name in names], range=[len(names) - 0.1, -0.6]
    )
    height = 150 + _ROW * len(names)
    figure.update_layout(template=template(), height=height, showlegend=False, margin={"l": 210})
    return describe(figure, _told(rows, tasks, metric, lines, line_name))


def _dots(shown: pd.DataFrame, task: str, ours: str) -> go.Scatter:
    value = shown["value"].to_numpy()
    filled = (shown["ranker"] == ours).to_numpy()
    return go.Scatter(
        name=WORD[task],
        x=value,
        y=[label(name) for name in shown["ranker"]],
        error_x={
            "type": "data",
            "symmetric": False,
            "array": shown["high"].to_numpy() - value,
            "arrayminus": value - shown["low"].to_numpy(),
        },
        mode="markers",
        marker={
            "color": COLOUR[task],
            "size": 11,
            "symbol": [SYMBOL[task] + ("" if full else "-open") for full in filled],
            "line": {"width": 2, "color": COLOUR[task]},
        },
        customdata=shown[["low", "high"]].to_numpy(),
        hovertemplate="%{y}: %{x:.3f} (%{customdata[0]:.3f} to %{customdata[1]:.3f})<extra></extra>",
    )


def _told(rows: pd.DataFrame, tasks: Sequence[str], metric: str, lines: Mapping[str, float], line_name: str) -> str:
    parts = []
    for task in tasks:
        shown = rows[rows["task"] == task]
        if lines.get(task) == 0:
            above, below = (shown["low"] > 0).sum(), (shown["high"] < 0).sum()
            parts.append(f"{WORD[task]}: of {len(shown)} intervals {above} lie above {line_name}, {below} below")
            continue
        top = shown.loc[shown["value"].idxmax()]
        against = f", {line_name} at {lines[task]:.3f}" if task in lines else ""
        parts.append(f"{WORD[task]}: the highest is {top['ranker']} with {top['value']:.3f}{against}")
    return f"{metric} of {rows['ranker'].nunique()} rows with 95 % intervals; {'; '.join(parts)}."


def places(rows: pd.DataFrame) -> pd.DataFrame:
    """Add each ranker's place (1 = best; ties in row order) within its task under both protocols.

    Args:
        rows: columns ``ranker``, ``task``, ``full``, ``paper``.
    """
    ranked = rows.groupby("task")[list(_PROTOCOLS)].rank(ascending=False, method="first").astype(int)
    return rows.assign(**{f"{protocol} place": ranked[protocol] for protocol in _PROTOCOLS})


def protocol_slopes(rows: pd.DataFrame, metric: str) -> go.Figure:
    """Who stands where under two protocols: a line per ranker from its place in the catalogue to its place in 1 + 99.

    Args:
        rows: columns ``ranker``, ``task``, ``full``, ``paper`` (values of the metric).
        metric: its name.
    """
    placed = places(rows)
    tasks = [task for task in _TASKS if task in set(rows["task"])]
    sizes = [(placed["task"] == task).sum() for task in tasks]
    titles = [WORD[task] for task in tasks]
    figure = make_subplots(rows=len(tasks), subplot_titles=titles, row_heights=sizes, vertical_spacing=0.12)
    axis = {"tickvals": [0, 1], "ticktext": ["whole catalogue", "1 + 99"], "showgrid": False, "zeroline": False}
    for place, (task, size) in enumerate(zip(tasks, sizes, strict=True), start=1):
        for row in placed[placed["task"] == task].to_dict("records"):
            figure.add_trace(_slope(row, task, metric), row=place, col=1)
        figure.update_xaxes(range=[-0.8, 1.8], row=place, col=1, **axis)
        figure.update_yaxes(visible=False, range=[size + 0.6, 0.4], row=place, col=1)
    figure.update_layout(template=template(), height=200 + 24 * sum(sizes), showlegend=False)
    moved = placed[placed["full place"] != placed["paper place"]]
    counts = [f"{WORD[task]} {(moved['task'] == task).sum()}" for task in tasks]
    return describe(
        figure,
        f"Places by {metric} on the whole catalogue (left) and among 1 + 99 candidates (right), 1 on top; rows that "
        f"change place, in dashes: {', '.join(counts)}.",
    )


def _slope(row: Mapping, task: str, metric: str) -> go.Scatter:
    moved = row["full place"] != row["paper place"]
    name = label(row["ranker"], 36)
    return go.Scatter(
        name=name,
        x=[0, 1],
        y=[row["full place"], row["paper place"]],
        mode="lines+markers+text",
        line={"color": COLOUR[task] if moved else GREY, "dash": "dash" if moved else "solid"},
        marker={"symbol": SYMBOL[task], "size": 8},
        text=[f"{name} {row['full']:.3f} ", f" {row['paper']:.3f} {name}"],
        textposition=["middle left", "middle right"],
        textfont={"size": 11},
        hovertemplate=f"{label(metric)} %{{text}}<extra></extra>",
    )


def lines(table: pd.DataFrame, value: str, logarithmic: bool = False) -> go.Figure:
    """One line per column over the table's index.

    Args:
        table: its index has a name and numbers; columns are what is compared.
        value: what the numbers are.
        logarithmic: draw the index on a logarithmic axis.
    """
    figure = new_figure(height=400)
    for place, column in enumerate(table):
        symbol, dash = _STYLES[place % len(_STYLES)]
        figure.add_trace(
            go.Scatter(
                name=label(column),
                x=table.index.to_numpy(),
                y=table[column].to_numpy(),
                mode="lines+markers",
                line={"dash": dash},
                marker={"symbol": symbol, "size": 9},
            )
        )
    ticks = {"tickvals": table.index.to_list(), "ticktext": [f"{number:,}" for number in table.index]}
    figure.update_xaxes(title_text=label(table.index.name), type="log" if logarithmic else "linear", **ticks)
    figure.update_yaxes(title_text=label(value), rangemode="tozero")
    ends = [f"{name} from {table[name].iloc[0]:.3f} to {table[name].iloc[-1]:.3f}" for name in table]
    first, last = table.index[0], table.index[-1]
    return describe(figure, f"{value} from {first:,} to {last:,} ({table.index.name}): {'; '.join(ends)}.")


def leak_gap(table: pd.DataFrame, metric: str) -> go.Figure:
    """How far each ranker falls once its history is clean: a mark per column, joined by a line.

    Args:
        table: rankers in the index; two or more columns, the wonderful number first.
        metric: what the numbers are.
    """
    figure = new_figure(height=170 + 2 * _ROW * len(table))
    names = [label(name) for name in table.index]
    for name, values in zip(names, table.to_numpy(), strict=True):
        span = [np.min(values), np.max(values)]
        joint = go.Scatter(x=span, y=[name, name], mode="lines", line={"color": GREY}, showlegend=False)
        figure.add_trace(joint)
    colours = (_VERMILION, _GREEN, OKABE_ITO[0])
    for place, column in enumerate(table):
        marker = {"symbol": _STYLES[place % 5][0], "size": 14, "color": colours[place % 3]}
        figure.add_trace(go.Scatter(name=label(column), x=table[column], y=names, mode="markers", marker=marker))
    figure.update_xaxes(title_text=label(metric), rangemode="tozero")
    figure.update_yaxes(autorange="reversed")
    figure.update_layout(margin={"l": 210}, legend={"orientation": "h", "y": 1.02, "yanchor": "bottom"})
    told = [
        f"{name}: " + ", ".join(f"{table.loc[name, column]:.3f} {column}" for column in table) for name in table.index
    ]
    return describe(figure, f"{metric}. {'; '.join(told)}.")
