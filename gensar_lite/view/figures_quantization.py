"""Figures of residual quantisation: one item step by step, error by level, losses, gradients, codes in use.

Arrays and tables in, figures out; nothing here trains or quantises.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float, Int
from plotly.subplots import make_subplots

from gensar_lite.view.theme import GREY, OKABE_ITO, PART_COLOUR, describe, label, new_figure, template

_DASHES = ("solid", "dash", "dot", "dashdot", "longdash")
_SYMBOLS = ("circle", "diamond", "square", "triangle-up", "x", "star")
_ITEM_COLOUR = OKABE_ITO[5]


def residual_steps(
    residuals: Sequence[Float[np.ndarray, "N 2"]],
    codebooks: Sequence[Float[np.ndarray, "K 2"]],
    codes: Int[np.ndarray, "L"],
    item: int,
    name: str,
) -> go.Figure:
    """One item on its way through the levels, in two dimensions, one panel per level, all at the same scale.

    Args:
        residuals: L + 1 clouds: the vectors, then what each level leaves of them.
        codebooks: L codebooks.
        codes: the item's code of each level.
        item: row of the item.
        name: its title.
    """
    levels = len(codebooks)
    lengths = [float(np.linalg.norm(cloud[item])) for cloud in residuals]
    heads = [f"level {level + 1}: code {codes[level]}" for level in range(levels)]
    figure = make_subplots(1, levels, subplot_titles=heads, horizontal_spacing=0.03)
    for level, codebook in enumerate(codebooks):
        column = {"row": 1, "col": level + 1}
        cloud, word, here = residuals[level], codebook[codes[level]], residuals[level][item]
        figure.add_trace(_dots(cloud, "all items", {"size": 3, "color": GREY, "opacity": 0.35}, level), **column)
        words = {"size": 8, "symbol": "x-thin", "line": {"width": 2, "color": OKABE_ITO[0]}}
        figure.add_trace(_dots(codebook, "code words", words, level), **column)
        chosen = {"size": 14, "symbol": "circle-open", "color": OKABE_ITO[0], "line": {"width": 3}}
        figure.add_trace(_dots(word[None], "nearest code word", chosen, level), **column)
        line = {"color": _ITEM_COLOUR, "width": 2, "dash": "dot"}
        ends = np.stack([word, here])
        rest = go.Scatter(x=ends[:, 0], y=ends[:, 1], mode="lines", line=line, name="what is left", hoverinfo="skip")
        figure.add_trace(rest.update(legendgroup="left", showlegend=level == 0), **column)
        mark = {"size": 11, "symbol": "diamond", "color": _ITEM_COLOUR, "line": {"width": 1, "color": GREY}}
        figure.add_trace(_dots(here[None], label(name, 40), mark, level), **column)
    _same_scale(figure, residuals[0], levels)
    steps = ", ".join(f"{length:.2f}" for length in lengths)
    figure.update_layout(template=template(), height=400, legend={"orientation": "h", "y": -0.06})
    return describe(
        figure,
        f"{levels} panels, one per level. In each, all items as grey dots, code words as crosses, and one item as a "
        f"diamond with a dotted line to its nearest code word; that line is what the next panel starts from. "
        f"The item's distance from the centre shrinks from panel to panel: {steps}.",
    )


def variance_left(left: Mapping[str, Sequence[float]], parts: Mapping[str, str] | None = None) -> go.Figure:
    """Share of the variance that is left after each level, one line per method.

    Args:
        left: method -> L + 1 shares, from level 0 (everything left: 1) on.
        parts: method -> "semantic", "collaborative" or "shared", for its colour; others are coloured in turn.
    """
    figure = new_figure(height=380)
    spare = (*OKABE_ITO[3:6], GREY)
    for place, (name, shares) in enumerate(left.items()):
        part = (parts or {}).get(name)
        colour = PART_COLOUR[part] if part else spare[place % len(spare)]
        marker = {"symbol": _SYMBOLS[place % len(_SYMBOLS)], "size": 9}
        line = {"color": colour, "dash": _DASHES[place % len(_DASHES)]}
        at = list(range(len(shares)))
        figure.add_scatter(x=at, y=list(shares), name=label(name), mode="lines+markers", line=line, marker=marker)
    figure.update_xaxes(title="levels used", dtick=1)
    figure.update_yaxes(title="variance left (share)", rangemode="tozero")
    ends = "; ".join(f"{name} {shares[-1]:.2f}" for name, shares in left.items())
    return describe(
        figure, f"One line per method, from no level to all. Share of the variance left at the end: {ends}."
    )


def loss_ledger(history: pd.DataFrame) -> go.Figure:
    """Every term of the loss over the epochs, stacked, so that the top edge is the loss itself.

    Args:
        history: one row per epoch with the column epoch and the terms, named "reconstruction_semantic",
            "codebook_shared", "commitment_shared" and so on.
    """
    figure = new_figure(height=430)
    patterns = {"reconstruction": "", "codebook": "/", "commitment": "."}
    terms = ledger_terms(history)
    for term in terms:
        sort, _, part = term.partition("_")
        colour = PART_COLOUR.get(part, GREY)
        figure.add_scatter(
            x=history["epoch"],
            y=history[term],
            name=label(f"{sort}, {part}"),
            stackgroup="loss",
            line={"color": colour, "width": 1},
            fillpattern={"shape": patterns[sort], "fgcolor": colour, "fillmode": "overlay", "size": 6},
        )
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(title="loss per item (squared distance)")
    figure.update_layout(legend={"traceorder": "reversed"})
    first, last = history[terms].sum(axis=1).iloc[[0, -1]]
    return describe(
        figure,
        f"{len(terms)} stacked areas over the epochs, one per term of the loss; their sum goes from {first:.2f} to "
        f"{last:.2f}. Green is shared, blue semantic, orange collaborative; plain areas are reconstruction, hatched "
        "ones codebook, dotted ones commitment.",
    )


def ledger_terms(history: pd.DataFrame) -> list[str]:
    """The columns of a training history that are terms of the loss, reconstruction first."""
    sorts = ("reconstruction", "codebook", "commitment")
    return [name for sort in sorts for name in history if name.startswith(f"{sort}_") and not name.endswith("_loss")]


def gradient_bars(norms: pd.DataFrame) -> go.Figure:
    """How hard each level's commitment pulls the encoder, under several residual rules.

    Args:
        norms: one row per rule and level: rule, level, norm (length of the gradient).
    """
    figure = new_figure(height=360)
    for place, (rule, part) in enumerate(norms.groupby("rule", sort=False)):
        figure.add_bar(
            x=[f"level {level}" for level in part["level"]],
            y=part["norm"],
            name=label(f"“{rule}”"),
            text=[f"{norm:.2g}" for norm in part["norm"]],
            textposition="outside",
            marker={"color": OKABE_ITO[(2, 4, 5)[place % 3]], "pattern": {"shape": ("", "/", "x")[place % 3]}},
        )
    figure.update_yaxes(title="pull on the latents")
    figure.update_layout(barmode="group", uniformtext={"minsize": 10, "mode": "show"})
    none = norms[norms["norm"] == 0].groupby("rule", sort=False)["level"].apply(list)
    words = "; ".join(f"“{rule}” is zero at level {', '.join(map(str, at))}" for rule, at in none.items())
    return describe(
        figure, f"Length of the gradient of each level's commitment, per residual rule: {words or 'no bar is zero'}."
    )


def perplexity_by_epoch(runs: Mapping[str, pd.DataFrame], size: int) -> go.Figure:
    """How many codes are in use, in effect, over the epochs: one panel per training, one line per level.

    Args:
        runs: name -> rows of epoch, family ("shared" or a kind), level, perplexity.
        size: K, drawn as the line that cannot be passed.
    """
    names = [label(name, 40) for name in runs]
    figure = make_subplots(1, len(runs), subplot_titles=names, shared_yaxes=True, horizontal_spacing=0.03)
    for column, levels in enumerate(runs.values(), start=1):
        for (family, level), part in levels.groupby(["family", "level"], sort=False):
            figure.add_scatter(
                x=part["epoch"],
                y=part["perplexity"],
                name=label(f"{family} {level}"),
                legendgroup=f"{family} {level}",
                showlegend=column == 1,
                mode="lines",
                line={"color": PART_COLOUR.get(family, GREY), "dash": _DASHES[(level - 1) % len(_DASHES)], "width": 2},
                row=1,
                col=column,
            )
    figure.add_hline(y=size, line={"color": GREY, "dash": "dot"}, annotation={"text": f"K = {size}"})
    figure.update_xaxes(title="epoch")
    figure.update_yaxes(range=[0, size * 1.12])
    figure.update_yaxes(title="perplexity (codes)", col=1)
    figure.update_layout(template=template(), height=380)
    ends = [
        f"{name}: {part.loc[part['epoch'] == part['epoch'].max(), 'perplexity'].min():.0f}"
        for name, part in runs.items()
    ]
    return describe(
        figure,
        f"Perplexity of each level's codes, epoch by epoch. Worst level at the end, of {size} – {'; '.join(ends)}.",
    )


def _dots(points: np.ndarray, name: str, marker: dict, level: int) -> go.Scatter:
    return go.Scatter(
        x=points[:, 0],
        y=points[:, 1],
        mode="markers",
        marker=marker,
        name=name,
        legendgroup=name,
        showlegend=level == 0,
        hoverinfo="skip" if len(points) > 1 else "name",
    )


def _same_scale(figure: go.Figure, cloud: np.ndarray, panels: int) -> None:
    """Equal axes everywhere: a residual cloud that got smaller must look smaller."""
    far = float(np.abs(cloud).max()) * 1.08
    for column in range(1, panels + 1):
        figure.update_xaxes(range=[-far, far], showticklabels=False, row=1, col=column)
        anchor = {"scaleanchor": f"x{column if column > 1 else ''}", "constrain": "domain"}
        figure.update_yaxes(range=[-far, far], showticklabels=False, **anchor, row=1, col=column)
