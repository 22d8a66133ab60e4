"""Figures of the generator: prompts in coloured tokens, learning curves, beams.

Tokens, arrays and tables in, figures or HTML out. Words are data from strangers and are shown as plain text.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gensar_lite.view.theme import (
    COLOUR,
    DASH,
    GREY,
    HATCH,
    OKABE_ITO,
    PART_COLOUR,
    SYMBOL,
    WORD,
    describe,
    label,
    new_figure,
    safe,
    template,
)

_CODE = re.compile(r"<([A-Z])\d+_\d+>")
_KIND = {"M": "shared", "S": "semantic", "R": "collaborative"}
# Kind of token -> colour and border: letters and borders tell the kinds apart where colours do not.
_STYLE = {
    "behaviour": (OKABE_ITO[5], "2px solid", "behaviour token"),
    "shared": (PART_COLOUR["shared"], "2px double", "shared code"),
    "semantic": (PART_COLOUR["semantic"], "1px solid", "semantic code"),
    "collaborative": (PART_COLOUR["collaborative"], "2px dashed", "collaborative code"),
    "query": (OKABE_ITO[3], "1px dashed", "whole query"),
    "special": (GREY, "1px dotted", "special token"),
    "word": ("transparent", "1px solid", "word"),
}
_LEVEL_DASH = ("solid", "dash", "dot", "dashdot")
_LEVEL_SYMBOL = ("circle", "diamond", "square", "triangle-up", "x", "star")
_LIVE = OKABE_ITO[5]


# ---- prompts -----------------------------------------------------------------------------------------------------


class Told(NamedTuple):
    """One training example in tokens.

    Attributes:
        name: of the task.
        reads: tokens of the input.
        answers: tokens of the target.
    """

    name: str
    reads: Sequence[str]
    answers: Sequence[str]


class Slot(NamedTuple):
    """One slot of the packed backbone.

    Attributes:
        tokens: summed in the slot.
        note: what it stands for, in words.
        is_ask: it holds a question; nobody else sees it.
    """

    tokens: Sequence[str]
    note: str
    is_ask: bool = False


def token_kind(token: str) -> str:
    """ "behaviour", "shared", "semantic", "collaborative", "query" (a whole one), "special" or "word"."""
    code = _CODE.fullmatch(token)
    if code:
        return _KIND.get(code[1], "shared")
    if token in ("<R_I>", "<S_Q>", "<S_I>"):
        return "behaviour"
    if token.startswith('"'):
        return "query"
    return "special" if token.startswith("<") and token.endswith(">") else "word"


def tokens_html(tokens: Sequence[str]) -> str:
    """Tokens side by side, coloured and bordered by kind; the kind is told when pointed at."""
    return " ".join(_token(token) for token in tokens)


def told_html(examples: Sequence[Told]) -> str:
    """Training examples as a table: task, what the model reads, what it should answer; with a legend."""
    rows = "".join(
        f'<tr><th scope="row" style="text-align:left;vertical-align:top">{safe(name)}</th>'
        f'<td style="text-align:left;line-height:2">{tokens_html(reads)}</td>'
        f'<td style="text-align:left;vertical-align:top;line-height:2">{tokens_html(answers)}</td></tr>'
        for name, reads, answers in examples
    )
    widths = (("task", "8%"), ("reads", "58%"), ("should answer", "34%"))
    head = "".join(f'<th style="text-align:left;width:{width}">{name}</th>' for name, width in widths)
    table = f'<table style="width:100%;table-layout:fixed"><thead><tr>{head}</tr></thead><tbody>{rows}</tbody></table>'
    return legend_html() + table


def slots_html(slots: Sequence[Slot], legend: bool = True) -> str:
    """Slots in reading order, each a box with the tokens whose embeddings it sums; questions have a dashed box.

    The words of a slot stand side by side, for it is their mean that is added.

    Args:
        legend: whether the meaning of the colours stands above.
    """
    boxes = []
    for slot in slots:
        words = " ".join(_token(token) for token in slot.tokens if token_kind(token) == "word")
        parts = [_token(token) for token in slot.tokens if token_kind(token) != "word"] + ([words] if words else [])
        inside = '<div style="opacity:.7">+</div>'.join(f"<div>{part}</div>" for part in parts)
        border = f"2px dashed {GREY}" if slot.is_ask else f"1px solid {GREY}"
        boxes.append(
            f'<li style="border:{border};border-radius:6px;padding:.4em;min-width:6.5em;max-width:20em;'
            f'text-align:center"><div style="font-size:85%;opacity:.8">{safe(slot.note)}</div>'
            f"{inside or '<div>(nothing)</div>'}</li>"
        )
    style = "display:flex;flex-wrap:wrap;gap:.5em;list-style:none;padding:0;align-items:stretch"
    return f'{legend_html() if legend else ""}<ol style="{style}">{"".join(boxes)}</ol>'


def legend_html() -> str:
    """What the colours and borders of tokens mean."""
    parts = [f'<span style="{_css(kind)}">{name}</span>' for kind, (_, _, name) in _STYLE.items()]
    return f'<p style="line-height:2">{" ".join(parts)}</p>'


def _token(token: str) -> str:
    kind = token_kind(token)
    return f'<span title="{_STYLE[kind][2]}" style="{_css(kind)}">{safe(token)}</span>'


def _css(kind: str) -> str:
    colour, border, _ = _STYLE[kind]
    padding = "0" if kind == "word" else "0 .25em"
    weight = ";font-weight:bold" if kind == "behaviour" else ""
    tint = f";background:{colour}24" if colour.startswith("#") else ""
    return f"border:{border} {colour};border-radius:4px;padding:{padding};white-space:nowrap{tint}{weight}"


# ---- learning ----------------------------------------------------------------------------------------------------


def mix_bars(mix: pd.DataFrame) -> go.Figure:
    """How much each task weighs, beside how many examples there are.

    Args:
        mix: indexed by task, columns ``examples`` (how many) and ``weight`` (of the task's mean loss).
    """
    figure = new_figure(height=110 + 42 * len(mix))
    shares = mix / mix.sum()
    pairs = (
        ("examples", "share of the examples", GREY, ""),
        ("weight", "share of the loss's weight", OKABE_ITO[4], "/"),
    )
    for column, name, colour, hatch in pairs:
        figure.add_bar(
            y=list(mix.index),
            x=shares[column],
            orientation="h",
            name=name,
            marker={"color": colour, "pattern": {"shape": hatch}},
            customdata=mix[column],
            hovertemplate="%{y}: %{x:.1%} (%{customdata:,})<extra></extra>",
        )
    figure.update_layout(barmode="group", xaxis={"tickformat": ".0%"}, legend={"orientation": "h", "y": 1.15})
    figure.update_yaxes(autorange="reversed", automargin=True)
    heaviest, commonest = shares["weight"].idxmax(), shares["examples"].idxmax()
    return describe(
        figure,
        f"Two bars per task. {commonest} has the largest share of the examples ({shares['examples'].max():.0%}); the "
        f"loss listens most to {heaviest} ({shares['weight'].max():.0%}).",
    )


def learning_curves(shipped: pd.DataFrame, live: pd.DataFrame) -> go.Figure:
    """Loss per task of a short training and of the long one, on one axis of histories read.

    Args:
        shipped, live: indexed by the number of histories read so far; one column per task, nats per answer.
    """
    tasks = [task for task in live.columns if task in shipped.columns]
    columns = min(3, max(1, len(tasks)))
    rows = -(-len(tasks) // columns)
    figure = make_subplots(max(1, rows), columns, subplot_titles=tasks, horizontal_spacing=0.07)
    for place, task in enumerate(tasks):
        where = {"row": place // columns + 1, "col": place % columns + 1}
        for name, curve, colour, dash, symbol in (
            ("watched here", live, _LIVE, "dash", "diamond"),
            ("shipped", shipped, GREY, "solid", "circle"),
        ):
            line = {"color": colour, "dash": dash, "width": 2}
            trace = go.Scatter(x=list(curve.index), y=curve[task], name=name, line=line, legendgroup=name)
            trace.update(mode="lines+markers", marker={"symbol": symbol, "size": 7}, showlegend=place == 0)
            figure.add_trace(trace, **where)
    figure.update_xaxes(type="log", dtick=1, title_text="histories read")
    figure.update_yaxes(title_text="nats per answer", col=1)
    figure.update_layout(template=template(), height=90 + 230 * max(1, rows), legend={"orientation": "h", "y": 1.12})
    told = ", ".join(f"{task} {live[task].iloc[-1]:.1f} → {shipped[task].iloc[-1]:.1f}" for task in tasks)
    return describe(
        figure,
        "One panel per task, loss against histories read, on a logarithmic axis: the short training dashed, the long "
        f"one solid. End of the short and end of the long one, nats per answer: {told}.",
    )


def level_curves(levels: pd.DataFrame) -> go.Figure:
    """How often each level's code is right, as training goes on; one panel per behaviour.

    Args:
        levels: columns ``histories``, ``task`` (S_I or R_I), ``level`` (from 1) and ``right`` (share, 0 to 1).
    """
    tasks = [task for task in WORD if task in set(levels["task"])]
    figure = make_subplots(1, len(tasks), subplot_titles=[WORD[task] for task in tasks], shared_yaxes=True)
    ends = []
    for column, task in enumerate(tasks, start=1):
        part = levels[levels["task"] == task]
        for place, (level, curve) in enumerate(part.groupby("level")):
            trace = go.Scatter(x=curve["histories"], y=curve["right"], mode="lines+markers", name=f"level {level}")
            trace.line = {"color": COLOUR[task], "dash": _LEVEL_DASH[place % 4], "width": 3 if place == 0 else 2}
            trace.marker = {"symbol": _LEVEL_SYMBOL[place % 6], "size": 8}
            figure.add_trace(trace.update(legendgroup=task, legendgrouptitle_text=WORD[task]), row=1, col=column)
        last = part[part["histories"] == part["histories"].max()]["right"]
        ends.append(f"{WORD[task]} {', '.join(f'{share:.0%}' for share in last)}")
    figure.update_xaxes(title_text="histories read")
    figure.update_yaxes(title_text="share right", tickformat=".0%", rangemode="tozero", col=1)
    figure.update_layout(template=template(), height=380)
    return describe(
        figure,
        "Share of held-out answers whose code the model thinks likeliest, given the right codes before it, one line "
        f"per level. At the end, level by level: {'; '.join(ends)}.",
    )


def alphabet_bars(mass: pd.DataFrame) -> go.Figure:
    """Which alphabet the model spells its first specific code in.

    Args:
        mass: indexed by a name of the question; columns ``semantic`` and ``collaborative``, probabilities.
    """
    figure = new_figure(height=120 + 44 * len(mass))
    for kind, behaviour in (("semantic", "S_I"), ("collaborative", "R_I")):
        figure.add_bar(
            y=[label(name, None) for name in mass.index],
            x=mass[kind],
            orientation="h",
            name=f"{kind} codes",
            marker={"color": PART_COLOUR[kind], "pattern": {"shape": HATCH[behaviour]}},
            hovertemplate="%{y}: %{x:.1%}<extra></extra>",
        )
    figure.update_layout(barmode="stack", legend={"orientation": "h", "y": 1.15}, margin={"l": 10})
    figure.update_xaxes(tickformat=".0%", range=[0, 1], title_text="probability at the first specific level")
    figure.update_yaxes(autorange="reversed", automargin=True)
    told = "; ".join(f"{name}: {row['semantic']:.0%} semantic" for name, row in mass.iterrows())
    return describe(figure, f"One stacked bar per question, semantic codes against collaborative ones. {told}.")


# ---- beams -------------------------------------------------------------------------------------------------------


def reach_grid(found: pd.DataFrame, behaviour: str) -> go.Figure:
    """Which of the exactly best items a beam of each width finds.

    Args:
        found: index: rank by exact score, from 1; one column per beam width, in ascending order; True where found.
        behaviour: "R_I" or "S_I", for the colour.
    """
    figure = new_figure(height=120 + 34 * found.shape[1])
    names = [f"beam {width}" for width in found.columns]
    for hit, symbol, name in ((True, "square", "found"), (False, "x-thin", "missed")):
        row, column = np.nonzero(found.to_numpy(dtype=bool) == hit)
        marker = {"symbol": symbol, "size": 14, "color": COLOUR[behaviour] if hit else GREY, "line": {"width": 2}}
        marker["line"]["color"] = marker["color"]
        x, y = found.index.to_numpy()[row], [names[place] for place in column]
        figure.add_scatter(x=x, y=y, mode="markers", marker=marker, name=name)
    figure.update_xaxes(title_text="rank by exact score of the whole catalogue", dtick=1, showgrid=False)
    figure.update_yaxes(categoryorder="array", categoryarray=names[::-1])
    figure.update_layout(legend={"orientation": "h", "y": 1.2})
    told = ", ".join(f"beam {width}: {int(found[width].sum())}" for width in found.columns)
    return describe(
        figure, f"Of the {len(found)} best items by exact score, how many a beam of each width finds – {told}."
    )


def share_lines(curves: pd.DataFrame, unit: str = "share") -> go.Figure:
    """One line per behaviour over the columns' common index, for shares.

    Args:
        curves: columns among "R_I" and "S_I"; the index's name labels the axis.
    """
    figure = new_figure(height=340)
    for behaviour in curves.columns:
        line = {"color": COLOUR[behaviour], "dash": DASH[behaviour], "width": 2}
        figure.add_scatter(x=list(curves.index), y=curves[behaviour], mode="lines+markers", name=WORD[behaviour])
        figure.data[-1].update(line=line, marker={"symbol": SYMBOL[behaviour], "size": 9})
    figure.update_xaxes(title_text=label(curves.index.name or "", None))
    figure.update_yaxes(title_text=unit, tickformat=".0%", rangemode="tozero")
    ends = ", ".join(f"{WORD[name]} {curves[name].iloc[-1]:.0%}" for name in curves.columns)
    return describe(figure, f"One line per behaviour over {curves.index.name}. At the right end: {ends}.")
