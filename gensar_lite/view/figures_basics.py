"""Figures of the first lessons: two lists side by side, an identifier read aloud, the square of views and tasks.

Arrays and tables in, figures out. Titles are data from strangers and are shown as plain text.
"""

from __future__ import annotations

import textwrap
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gensar_lite.identify.table import IdentifierTable
from gensar_lite.view.theme import (
    COLOUR,
    DASH,
    GREY,
    HATCH,
    PART_COLOUR,
    SYMBOL,
    WORD,
    describe,
    label,
    new_figure,
    template,
)

_ROW = 44  # pixels of one line of a list
_SEARCH, _RECOMMENDATION = "S_I", "R_I"
_TITLE_WIDTH = 52  # characters of a title in half a page


class _List(NamedTuple):
    """One list of a pair: its heading, its lines, and how it is drawn."""

    heading: str
    titles: Sequence[str]
    values: Sequence[float]
    filled: Sequence[bool]
    colour: str
    symbol: str


def neighbour_lists(item: str, kind: str, text: pd.DataFrame, clicks: pd.DataFrame) -> go.Figure:
    """One item's nearest neighbours by its text and by its clicks, side by side.

    Args:
        item: title of the item.
        kind: what it is ("Tent"); neighbours of the same kind have a filled mark.
        text, clicks: best first, with columns ``title``, ``kind`` and ``cosine``.
    """
    pair = [
        _List(f"by text: {_of_kind(text, kind)}", *_lines(text, kind), COLOUR[_SEARCH], SYMBOL[_SEARCH]),
        _List(
            f"by clicks: {_of_kind(clicks, kind)}",
            *_lines(clicks, kind),
            COLOUR[_RECOMMENDATION],
            SYMBOL[_RECOMMENDATION],
        ),
    ]
    common = len(set(text["title"]) & set(clicks["title"]))
    return describe(
        _two_lists(pair, f"Neighbours of {item}", "cosine (1 = same direction)", 1.0),
        f"Two lists of neighbours of “{item}”: by text {_of_kind(text, kind)}, by clicks {_of_kind(clicks, kind)} "
        f"(filled marks); {common} titles stand in both lists.",
    )


def answer_table(answers: Sequence[tuple], kinds: Sequence[str]) -> pd.DataFrame:
    """A model's answers as a table for ``two_answers``.

    Args:
        answers: best first; each has ``item`` (index), ``title`` and ``probability``.
        kinds: what each item of the catalogue is ("Tent").

    Returns:
        columns ``title``, ``kind`` and ``probability``.
    """
    rows = [(answer.title, str(kinds[answer.item]), answer.probability) for answer in answers]
    return pd.DataFrame(rows, columns=["title", "kind", "probability"])


def two_answers(query: str, search: pd.DataFrame, recommendation: pd.DataFrame) -> go.Figure:
    """The same shopper's two answers side by side.

    Args:
        query: what was typed for the search.
        search, recommendation: best first, with columns ``title``, ``kind`` and ``probability``.
    """
    pair = []
    for behaviour, answer, heading in (
        (_SEARCH, search, f"find me “{query}”"),
        (_RECOMMENDATION, recommendation, "what next?"),
    ):
        both = answer["title"].isin(recommendation["title"] if behaviour == _SEARCH else search["title"])
        kinds = answer["kind"].nunique()
        pair.append(
            _List(
                f"{heading}  ({kinds} {'kind' if kinds == 1 else 'kinds'} of product)",
                answer["title"].tolist(),
                answer["probability"].tolist(),
                (~both).tolist(),
                COLOUR[behaviour],
                SYMBOL[behaviour],
            )
        )
    common = len(set(search["title"]) & set(recommendation["title"]))
    return describe(
        _two_lists(pair, "", "probability", None),
        f"One shopper, two questions. Kinds of product in the search for “{query}”: {search['kind'].nunique()}, in the "
        f"recommendation: {recommendation['kind'].nunique()}; titles in both lists (hollow marks): {common}.",
    )


def read_identifier(table: IdentifierTable, item: int) -> pd.DataFrame:
    """An item's identifiers code by code, and how many items are still possible after each.

    Returns:
        columns ``kind`` ("semantic", "collaborative"), ``level`` (0 = nothing said yet), ``part`` ("shared" or the
        kind), ``token`` ("" at level 0) and ``items`` that carry the prefix.
    """
    rows = []
    for kind in table.kinds:
        codes, tokens = table.codes[kind][item], table.tokens(kind)[item]
        rows.append((kind, 0, "shared", "", table.n_items))
        for level in range(len(codes)):
            part = "shared" if level < table.shared else kind
            left = len(table.items_of(kind, tuple(codes[: level + 1].tolist())))
            rows.append((kind, level + 1, part, tokens[level], left))
    return pd.DataFrame(rows, columns=["kind", "level", "part", "token", "items"])


def identifier_branches(reading: pd.DataFrame, item: str) -> go.Figure:
    """How each code of an item's identifiers narrows the catalogue: one shared trunk, then a branch per kind.

    Args:
        reading: made by ``read_identifier``.
        item: its title.
    """
    figure = new_figure(f"The name of {item}", height=420)
    ends = []
    for place, (kind, codes) in enumerate(reading.groupby("kind", sort=False)):
        shared = int((codes["part"] == "shared").sum()) - 1
        above = place == 0
        if above and shared:
            _narrowing(figure, codes.iloc[: shared + 1], "shared", "solid", "circle", True)
        task = _RECOMMENDATION if kind == "collaborative" else _SEARCH
        _narrowing(figure, codes.iloc[shared:], kind, DASH[task], SYMBOL[task], above)
        ends.append(f"{int(codes['items'].iloc[-1])} after the last {kind} code")
    levels = int(reading["level"].max())
    total = int(reading["items"].max())
    ticks = ["nothing<br>said yet", *(f"code {level}" for level in range(1, levels + 1))]
    figure.update_xaxes(tickvals=list(range(levels + 1)), ticktext=ticks, range=[-0.3, levels + 0.5])
    powers = [10**power for power in range(len(str(total)))]
    figure.update_yaxes(type="log", title="items that still fit", tickvals=powers, range=[-0.45, np.log10(total) + 0.3])
    figure.update_layout(legend={"orientation": "h", "y": -0.2})
    return describe(
        figure,
        f"Of {total:,} items, each code of the identifiers of “{item}” leaves fewer: {', '.join(ends)}.",
    )


def tradeoff_square(square: pd.DataFrame, metric: str = "HR@10") -> go.Figure:
    """{text, clicks, ...} x {search, recommendation}: one line per task (paper, Fig. 1b).

    Args:
        square: columns ``vectors`` (their order is the order along the axis), ``task`` (S_I or R_I), ``value``, ``low``
            and ``high`` (shares, 0 to 1).
        metric: what the value is.
    """
    figure = new_figure(height=420)
    best = {}
    highest = square.groupby("vectors")["value"].transform("max")
    for task in (_SEARCH, _RECOMMENDATION):
        line = square[square["task"] == task]
        tops = highest[line.index]
        sides = ["left"] + ["right"] * (len(line) - 1)  # beside the line, which starts at the first point
        best[task] = line.loc[line["value"].idxmax(), "vectors"]
        figure.add_scatter(
            x=line["vectors"],
            y=line["value"],
            mode="lines+markers+text",
            name=WORD[task],
            text=[f"{value:.1%}" for value in line["value"]],
            textposition=[
                f"{'top' if value == top else 'bottom'} {side}" for value, top, side in zip(line["value"], tops, sides)
            ],
            line={"color": COLOUR[task], "dash": DASH[task], "width": 3},
            marker={"color": COLOUR[task], "symbol": SYMBOL[task], "size": 11},
            error_y=_whiskers(line, COLOUR[task]),
        )
    figure.update_xaxes(title="item vectors made of", type="category", range=[-0.3, square["vectors"].nunique() - 0.5])
    figure.update_yaxes(title=f"{metric}, whole catalogue", tickformat=".0%", rangemode="tozero")
    figure.update_layout(legend={"orientation": "h", "y": 1.12})
    return describe(
        figure,
        f"{metric} with 95 % intervals. Search is best with vectors made of {best[_SEARCH]}, "
        f"recommendation with vectors made of {best[_RECOMMENDATION]}.",
    )


def by_precision(table: pd.DataFrame, metric: str = "HR@10") -> go.Figure:
    """Search with vectors of text and of clicks, group by group of queries.

    Args:
        table: columns ``group`` (their order is the order along the axis), ``vectors`` ("text" or "clicks"), ``value``,
            ``low`` and ``high`` (shares, 0 to 1) and ``cases``.
        metric: what the value is.
    """
    figure = new_figure(height=400)
    said = []
    for vectors, task, side in (("text", _SEARCH, "middle left"), ("clicks", _RECOMMENDATION, "middle right")):
        line = table[table["vectors"] == vectors]
        figure.add_scatter(
            x=[f"{label(row.group)}<br>({row.cases:,} cases)" for row in line.itertuples()],
            y=line["value"],
            mode="markers+text",
            name=f"vectors of {vectors}",
            text=[f" {value:.0%} " for value in line["value"]],
            textposition=side,
            marker={"color": COLOUR[task], "symbol": SYMBOL[task], "size": 12},
            error_y=_whiskers(line, COLOUR[task]),
        )
        best = line.loc[line["value"].idxmax()]
        said.append(f"vectors of {vectors} do best with the group “{best['group']}” ({best['value']:.0%})")
    figure.update_xaxes(type="category", title={"text": "what the query led to in training", "standoff": 45})
    figure.update_yaxes(title=f"{metric}, search", tickformat=".0%", rangemode="tozero")
    legend = {"orientation": "h", "y": 1.12}
    figure.update_layout(scattermode="group", scattergap=0.75, legend=legend, margin={"b": 75})
    return describe(figure, f"{metric} of searches by how exactly the query names a thing: {'; '.join(said)}.")


def repeats_and_news(table: pd.DataFrame, metric: str = "HR@10") -> go.Figure:
    """Hits of each kind of vector, split into repeats of a recent click and items that are new to the shopper.

    Args:
        table: columns ``vectors``, ``repeat`` and ``new``: shares of all cases, which add up to the metric.
        metric: what they add up to.
    """
    figure = new_figure(height=380)
    sums = [f" {row.repeat:.1%} repeats + {row.new:.1%} new" for row in table.itertuples()]
    for column, name, shade, hatch, text in (
        ("repeat", "the target was clicked just before", GREY, "/", None),
        ("new", "the target is new to the shopper", COLOUR[_RECOMMENDATION], "", sums),
    ):
        figure.add_bar(
            y=[label(name) for name in table["vectors"]],
            x=table[column],
            orientation="h",
            name=name,
            text=text,
            textposition="outside",
            cliponaxis=False,
            marker={"color": shade, "pattern": {"shape": hatch, "fillmode": "replace" if hatch else "overlay"}},
        )
    longest = 1.6 * float((table["repeat"] + table["new"]).max())  # room for the text at the end of the bar
    figure.update_yaxes(autorange="reversed", type="category", ticksuffix=" ")
    figure.update_xaxes(title=f"{metric}, recommendation, whole catalogue", tickformat=".0%", range=[0, longest])
    figure.update_layout(barmode="stack", legend={"orientation": "h", "y": 1.15}, margin={"l": 170})
    words = [f"{row.vectors}: {row.new:.1%} new, {row.repeat:.1%} repeats" for row in table.itertuples()]
    return describe(figure, f"Recommendation {metric} in two parts. {'; '.join(words)}.")


def reach(table: pd.DataFrame, metric: str = "NDCG@10") -> go.Figure:
    """How far rankers get on both tasks, next to the best possible.

    Args:
        table: columns ``task``, ``ranker``, ``value`` and ``role``: "model" is drawn in the task's colour, "oracle"
            hollow, anything else grey. The order of the rows is kept, top to bottom.
        metric: what the value is.
    """
    tasks = [_SEARCH, _RECOMMENDATION]
    figure = make_subplots(1, 2, subplot_titles=[WORD[task] for task in tasks], horizontal_spacing=0.2)
    said = []
    for column, task in enumerate(tasks, start=1):
        rows = table[table["task"] == task]
        ceiling = float(rows.loc[rows["role"] == "oracle", "value"].max())
        looks = [_bar_look(role, task) for role in rows["role"]]
        figure.add_bar(
            y=[_wrapped(name) for name in rows["ranker"]],
            x=rows["value"],
            orientation="h",
            text=[f" {value:.3f} ({value / ceiling:.0%})" for value in rows["value"]],
            textposition="outside",
            cliponaxis=False,
            marker={
                "color": [look[0] for look in looks],
                "line": {"color": [look[1] for look in looks], "width": 2},
                "pattern": {"shape": [look[2] for look in looks], "fillmode": "overlay"},
            },
            showlegend=False,
            row=1,
            col=column,
        )
        figure.update_xaxes(range=[0, 1.6 * max(ceiling, float(rows["value"].max()))], row=1, col=column)
        model = rows[rows["role"] == "model"].iloc[0]
        said.append(f"{WORD[task]} {model['value'] / ceiling:.0%}")
    figure.update_yaxes(autorange="reversed", type="category", ticksuffix=" ")
    figure.update_xaxes(title=f"{metric} (share of the best possible)")
    figure.update_layout(template=template(), height=320, margin={"l": 150})
    return describe(figure, f"{metric} of one model as a share of the best possible: {', '.join(said)}.")


def _two_lists(pair: Sequence[_List], title: str, unit: str, top: float | None) -> go.Figure:
    figure = make_subplots(1, 2, subplot_titles=[label(one.heading, 70) for one in pair], horizontal_spacing=0.06)
    longest = max(len(one.titles) for one in pair)
    top = top or 1.08 * max((value for one in pair for value in one.values), default=1.0)
    low = min(0.0, *(value for one in pair for value in one.values)) if longest else 0.0
    for column, one in enumerate(pair, start=1):
        heights = [-place for place in range(len(one.titles))]
        stems = {"x": [], "y": []}
        for value, height in zip(one.values, heights, strict=True):
            stems["x"] += [0, value, None]
            stems["y"] += [height, height, None]
        line = {"color": one.colour, "width": 3}
        figure.add_scatter(**stems, mode="lines", line=line, hoverinfo="skip", row=1, col=column)
        symbols = [one.symbol if filled else f"{one.symbol}-open" for filled in one.filled]
        figure.add_scatter(
            x=list(one.values),
            y=heights,
            mode="markers",
            marker={"color": one.colour, "symbol": symbols, "size": 12, "line": {"width": 2, "color": one.colour}},
            text=[label(name, None) for name in one.titles],
            hovertemplate=f"%{{text}}<br>{unit} %{{x:.3f}}<extra></extra>",
            row=1,
            col=column,
        )
        figure.add_scatter(
            x=[low] * len(heights),
            y=[height + 0.42 for height in heights],
            mode="text",
            text=[f"{place}. {label(name, _TITLE_WIDTH)}" for place, name in enumerate(one.titles, start=1)],
            textposition="middle right",
            textfont={"size": 12},
            hoverinfo="skip",
            row=1,
            col=column,
        )
    figure.update_xaxes(title=unit, range=[low, top], zeroline=True)
    figure.update_yaxes(visible=False, range=[-longest + 0.6, 0.8])
    margin = {"l": 20, "r": 20, "t": 90 if title else 50, "b": 50}
    figure.update_layout(template=template(), height=_ROW * longest + 130, showlegend=False, margin=margin)
    if title:
        figure.update_layout(title={"text": label(title, 100)})
    return figure


def _lines(neighbours: pd.DataFrame, kind: str) -> tuple[list[str], list[float], list[bool]]:
    return neighbours["title"].tolist(), neighbours["cosine"].tolist(), (neighbours["kind"] == kind).tolist()


def _of_kind(neighbours: pd.DataFrame, kind: str) -> str:
    return f"{int((neighbours['kind'] == kind).sum())} of {len(neighbours)} are of the kind {kind}"


def _narrowing(figure: go.Figure, codes: pd.DataFrame, part: str, dash: str, symbol: str, above: bool) -> None:
    """One stretch of the branching line; its first point belongs to the stretch before and is not labelled again."""
    names = [label(token) for token in codes["token"]]
    if part != "shared":
        names[0] = ""
    figure.add_scatter(
        x=codes["level"],
        y=codes["items"],
        mode="lines+markers+text",
        name={"shared": "shared codes", "semantic": "semantic codes (search)"}.get(part, f"{part} codes (recommend)"),
        text=names,
        textposition="top right" if above else "bottom left",
        line={"color": PART_COLOUR.get(part, GREY), "dash": dash, "width": 3},
        # Where both kinds leave the same number, the smaller mark lies upon the larger one.
        marker={"symbol": symbol, "size": 14 if above else 8, "color": PART_COLOUR.get(part, GREY)},
        hovertemplate="%{y} items left<extra>%{text}</extra>",
    )


def _whiskers(table: pd.DataFrame, colour: str) -> dict:
    return {"array": table["high"] - table["value"], "arrayminus": table["value"] - table["low"], "color": colour}


def _wrapped(name: str) -> str:
    """A long name in several lines."""
    return "<br>".join(label(line, None) for line in textwrap.wrap(name, 20))


def _bar_look(role: str, task: str) -> tuple[str, str, str]:
    """Fill, border and hatching of a bar."""
    if role == "model":
        return COLOUR[task], COLOUR[task], HATCH[task]
    return ("rgba(0,0,0,0)", COLOUR[task], "") if role == "oracle" else ("rgba(128,128,128,0.45)", GREY, "")
