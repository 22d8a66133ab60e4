"""Figures of an RQ-VAE in two dimensions while it trains: items, code words, losses, codes in use, epoch by epoch.

Frames in, figures and tables out. Nothing here trains; whoever does hands over one ``Frame`` per epoch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gensar_lite.identify.steps import partial_sums
from gensar_lite.identify.table import level_usage
from gensar_lite.view.theme import GREY, OKABE_ITO, SHARED_GREEN, describe, label, template

TERMS = ("reconstruction", "codebook", "commitment")
_TERM_LOOK = {
    "reconstruction": (GREY, "solid"),
    "codebook": (OKABE_ITO[3], "dash"),
    "commitment": (OKABE_ITO[5], "dot"),
}
_LEVEL_LOOK = ((SHARED_GREEN, "diamond", 13), (OKABE_ITO[3], "square", 6), (OKABE_ITO[4], "circle", 4))
MOST_LEVELS = len(_LEVEL_LOOK)
_DEAD = OKABE_ITO[5]
_PICKED = OKABE_ITO[0]
_USAGE_SCALE = ((0.0, "rgba(128,128,128,0.06)"), (1.0, SHARED_GREEN))


@dataclass(frozen=True)
class Recipe:
    """What a reader may choose before a training.

    Attributes:
        initialise: "k-means" (residual k-means on all points) or "uniform" (small numbers round zero).
        alpha: weight of the commitment loss, >= 0.
        codes: K, codes per level.
        levels: L, 1 to 3.
        revive: put codes that nobody uses onto points that are badly served, after each epoch.
    """

    initialise: str = "uniform"
    alpha: float = 0.25
    codes: int = 16
    levels: int = 2
    revive: bool = False


@dataclass(frozen=True)
class Frame:
    """One look at a training.

    Attributes:
        epoch: passes over the points so far; 0 = before the first step.
        points: (N, 2) latent vectors, what the encoder makes of the points.
        codebooks: L arrays (K, 2).
        codes: (N, L) the code of each point at each level.
        losses: term of the loss, one of ``TERMS`` -> its value per point, weight included.
        explained: share of the points' variance that the decoder gives back, at most 1.
    """

    epoch: int
    points: np.ndarray
    codebooks: tuple[np.ndarray, ...]
    codes: np.ndarray
    losses: Mapping[str, float]
    explained: float

    @cached_property
    def sums(self) -> np.ndarray:
        """(L + 1, N, 2): the origin, then the sum of each point's code words so far."""
        return partial_sums(self.codes, self.codebooks)

    @cached_property
    def counts(self) -> np.ndarray:
        """(L, K): points per code of each level."""
        size = len(self.codebooks[0])
        return np.stack([np.bincount(codes, minlength=size) for codes in self.codes.T])

    @cached_property
    def used(self) -> list[int]:
        """Codes in use, per level."""
        return [int(count) for count in (self.counts > 0).sum(axis=1)]


def live_training(frames: Sequence[Frame], epochs: int, names: Sequence[str], picked: Sequence[int] = ()) -> go.Figure:
    """A training up to now: the plane on the left, losses and codes in use on the right. Eleven traces, always.

    Args:
        frames: one per epoch from 0 on; the last one is drawn, the earlier ones give the curves and the trails.
        epochs: where the training will end, for the axis.
        names: (N,) titles of the points.
        picked: rows of points to mark.
    """
    now = frames[-1]
    figure = make_subplots(
        2,
        2,
        specs=[[{"rowspan": 2}, {}], [None, {}]],
        column_widths=[0.58, 0.42],
        row_heights=[0.58, 0.42],
        horizontal_spacing=0.09,
        vertical_spacing=0.2,
    )
    for trace in _plane(frames, names, picked):
        figure.add_trace(trace, row=1, col=1)
    for trace in _curves(frames):
        figure.add_trace(trace, row=1, col=2)
    figure.add_trace(_usage(now), row=2, col=2)
    _lay_out(figure, frames, epochs)
    return describe(figure, _sentence(now))


def live_table(frames: Sequence[Frame]) -> pd.DataFrame:
    """The training as a table: one row per epoch, its losses, the variance kept, codes in use and perplexity."""
    rows = []
    for frame in frames:
        size = len(frame.codebooks[0])
        usage = level_usage(frame.codes, (size,) * len(frame.codebooks))
        row = {**{term: frame.losses[term] for term in TERMS}, "loss": sum(frame.losses[term] for term in TERMS)}
        row["variance kept"] = frame.explained
        for level, used, perplexity in usage[["level", "used", "perplexity"]].itertuples(index=False):
            row |= {f"codes in use, level {level}": used, f"perplexity, level {level}": perplexity}
        rows.append(row)
    return pd.DataFrame(rows, index=pd.Index([frame.epoch for frame in frames], name="epoch"))


def training_steps(runs: Mapping[str, Sequence[Frame]]) -> go.Figure:
    """Small multiples: one row of planes per training, one column per look; what the live view shows, standing still.

    Args:
        runs: name -> frames, as many for each.
    """
    columns = max(len(frames) for frames in runs.values())
    heads = [
        f"{label(name, 30)}, epoch {frame.epoch}: {frame.used[0]} of {len(frame.codebooks[0])} codes"
        for name, frames in runs.items()
        for frame in frames
    ]
    figure = make_subplots(len(runs), columns, subplot_titles=heads, horizontal_spacing=0.02, vertical_spacing=0.1)
    far = max(_reach(frame) for frames in runs.values() for frame in frames)
    for row, frames in enumerate(runs.values(), start=1):
        for column, frame in enumerate(frames, start=1):
            for trace in _plane([frame], [], ()):
                trace.update(showlegend=bool(row == column == 1 and trace.showlegend), hoverinfo="skip")
                if trace.name and trace.name.startswith("dead"):
                    trace.name = "dead codes, level 1"
                figure.add_trace(trace, row=row, col=column)
    _square_axes(figure, far)
    figure.update_layout(template=template(), height=310 * len(runs) + 60, legend={"orientation": "h", "y": -0.03})
    figure.update_annotations(font={"size": 12})
    ends = "; ".join(f"{name}: {frames[-1].used[0]} of {len(frames[-1].codebooks[0])}" for name, frames in runs.items())
    return describe(
        figure,
        "Planes with items as grey dots joined to the sum of their code words; code words of level 1 as green "
        f"diamonds, dead ones as red crosses. Codes of level 1 in use at the end – {ends}.",
    )


def _plane(frames: Sequence[Frame], names: Sequence[str], picked: Sequence[int]) -> list[go.Scatter]:
    """Lines, trails, points, code words per level, dead ones, picked points: always eight traces."""
    now = frames[-1]
    ends = np.stack([now.points, now.sums[-1], np.full_like(now.points, np.nan)], axis=1).reshape(-1, 2)
    thin = {"color": GREY, "width": 0.7}
    lines = go.Scatter(x=ends[:, 0], y=ends[:, 1], mode="lines", line=thin, opacity=0.55, hoverinfo="skip")
    dots = go.Scatter(
        x=now.points[:, 0],
        y=now.points[:, 1],
        mode="markers",
        marker={"size": 5, "color": GREY, "opacity": 0.7},
        text=_hovers(now, names),
        hovertemplate="%{text}<extra></extra>",
        name="items",
        showlegend=True,
    )
    words = [_words(now, level) for level in range(MOST_LEVELS)]
    return [lines.update(showlegend=False), _trails(frames), dots, *words[::-1], _dead(now), _route(now, picked)]


def _hovers(frame: Frame, names: Sequence[str]) -> list[str]:
    codes = ["-".join(map(str, row)) for row in frame.codes]
    return [f"{label(name, 60)}<br>codes {code}" for name, code in zip(names, codes)]


def _trails(frames: Sequence[Frame]) -> go.Scatter:
    """Where the code words of level 1 came from."""
    paths = np.stack([frame.codebooks[0] for frame in frames])  # (epochs, K, 2)
    gaps = np.full((1, *paths.shape[1:]), np.nan)
    joined = np.concatenate([paths, gaps]).transpose(1, 0, 2).reshape(-1, 2)
    line = {"color": SHARED_GREEN, "width": 1.5}
    trail = go.Scatter(x=joined[:, 0], y=joined[:, 1], mode="lines", line=line, opacity=0.6, hoverinfo="skip")
    return trail.update(name="their way so far", showlegend=len(frames) > 1)


def _words(frame: Frame, level: int) -> go.Scatter:
    """The sums that items of this level reach, once each; empty beyond L."""
    colour, symbol, size = _LEVEL_LOOK[level]
    name = f"code words, level {level + 1}" if level == 0 else f"sums of {level + 1} code words"
    marker = {"size": size, "symbol": symbol, "color": colour, "line": {"width": 1, "color": GREY}}
    if level >= len(frame.codebooks):
        return go.Scatter(x=[], y=[], mode="markers", marker=marker, name=name, showlegend=False, hoverinfo="skip")
    taken, first, sizes = np.unique(frame.codes[:, : level + 1], axis=0, return_index=True, return_counts=True)
    at = frame.sums[level + 1][first]
    hover = [f"{'-'.join(map(str, row))}: {count} items" for row, count in zip(taken, sizes)]
    words = go.Scatter(x=at[:, 0], y=at[:, 1], mode="markers", marker=marker, name=name, showlegend=True)
    return words.update(text=hover, hovertemplate="%{text}<extra></extra>")


def _dead(frame: Frame) -> go.Scatter:
    dead = np.flatnonzero(frame.counts[0] == 0)
    at = frame.codebooks[0][dead]
    return go.Scatter(
        x=at[:, 0],
        y=at[:, 1],
        mode="markers",
        marker={"size": 9, "symbol": "x-thin", "line": {"width": 2, "color": _DEAD}},
        text=[f"code {code}: dead" for code in dead],
        hovertemplate="%{text}<extra></extra>",
        name=f"dead codes, level 1: {len(dead)}",
        showlegend=True,
    )


def _route(frame: Frame, picked: Sequence[int]) -> go.Scatter:
    """From the origin over the sums of its code words to each picked point."""
    rows = np.asarray(picked, dtype=np.int64)
    stops = np.concatenate([frame.sums[:, rows], frame.points[None, rows], np.full((1, len(rows), 2), np.nan)])
    joined = stops.transpose(1, 0, 2).reshape(-1, 2)
    symbols = [*["circle-open"] * len(frame.sums), "star", "circle"] * len(rows)
    return go.Scatter(
        x=joined[:, 0],
        y=joined[:, 1],
        mode="lines+markers",
        line={"color": _PICKED, "width": 2.5},
        marker={"size": 13, "symbol": symbols, "color": _PICKED, "line": {"width": 1.5, "color": GREY}},
        name="picked items",
        showlegend=bool(len(rows)),
        hoverinfo="skip",
    )


def _curves(frames: Sequence[Frame]) -> list[go.Scatter]:
    at = [frame.epoch for frame in frames]
    curves = []
    for term in TERMS:
        colour, dash = _TERM_LOOK[term]
        values = [frame.losses[term] for frame in frames]
        line = {"color": colour, "dash": dash, "width": 2}
        curve = go.Scatter(x=at, y=values, mode="lines+markers", line=line, name=term, legend="legend2")
        curves.append(curve.update(marker={"size": [0] * (len(at) - 1) + [7], "opacity": 1}))
    return curves


def _usage(frame: Frame) -> go.Heatmap:
    """One row per level, one field per code, most used first; a cross for each dead one."""
    shares = -np.sort(-frame.counts, axis=1) / len(frame.points)
    return go.Heatmap(
        z=np.sqrt(shares),  # else one large share leaves all others invisible
        y=[f"level {level + 1}" for level in range(len(shares))],
        text=np.where(shares == 0, "×", ""),
        customdata=shares,
        texttemplate="%{text}",
        textfont={"color": _DEAD, "size": 13},
        hovertemplate="%{y}: %{customdata:.1%} of the items<extra></extra>",
        colorscale=_USAGE_SCALE,
        zmin=0,
        zmax=0.6,
        showscale=False,
        xgap=1,
        ygap=3,
    )


def _lay_out(figure: go.Figure, frames: Sequence[Frame], epochs: int) -> None:
    now = frames[-1]
    below = {"orientation": "h", "y": -0.08, "x": 0, "yanchor": "top"}
    inside = {"x": 1, "y": 1, "xanchor": "right", "yanchor": "top", "bgcolor": "rgba(0,0,0,0)", "font": {"size": 11}}
    figure.update_layout(
        template=template(), height=540, margin={"t": 40, "b": 90, "l": 40}, legend=below, legend2=inside
    )
    far = _reach(now)
    square = {"scaleanchor": "x", "constrain": "domain"}
    figure.update_xaxes(range=[-far, far], constrain="domain", row=1, col=1)
    figure.update_yaxes(range=[-far, far], **square, row=1, col=1)
    top = max(frame.losses[term] for frame in frames for term in TERMS)
    title = {"text": "epoch", "font": {"size": 12}, "standoff": 4}
    figure.update_xaxes(title=title, range=[0, epochs * 1.02], row=1, col=2)
    figure.update_yaxes(range=[0, max(top, 1e-6) * 1.1], row=1, col=2)
    figure.update_xaxes(showticklabels=False, ticks="", showgrid=False, zeroline=False, row=2, col=2)
    figure.update_yaxes(autorange="reversed", showgrid=False, ticks="", row=2, col=2)
    size = len(now.codebooks[0])
    heads = [
        (0.29, 1.0, f"epoch {now.epoch}: {now.explained:.0%} of the variance kept"),
        (0.79, 1.0, "loss per item"),
        (0.79, 0.34, f"share of items per code; in use: {', '.join(map(str, now.used))} of {size}"),
    ]
    for x, y, text in heads:
        place = {"x": x, "y": y, "xref": "paper", "yref": "paper", "xanchor": "center", "yanchor": "bottom"}
        figure.add_annotation(text=text, showarrow=False, **place)


def _reach(frame: Frame) -> float:
    """Half the width of a square that holds points and code words; it grows in steps, lest the picture trembles."""
    far = [np.abs(frame.points).max(), np.abs(frame.codebooks[0]).max(), np.abs(frame.sums[-1]).max(), 1e-3]
    return float(2 ** (np.ceil(4 * np.log2(1.03 * max(far))) / 4))


def _square_axes(figure: go.Figure, far: float) -> None:
    for place in range(1, len(list(figure.select_xaxes())) + 1):
        name = f"x{place if place > 1 else ''}"
        figure.layout[f"xaxis{place if place > 1 else ''}"].update(range=[-far, far], showticklabels=False)
        axis = {"scaleanchor": name, "constrain": "domain", "range": [-far, far], "showticklabels": False}
        figure.layout[f"yaxis{place if place > 1 else ''}"].update(axis)


def _sentence(frame: Frame) -> str:
    size = len(frame.codebooks[0])
    losses = ", ".join(f"{term} {frame.losses[term]:.3f}" for term in TERMS)
    return (
        f"Epoch {frame.epoch} of a training in two dimensions: on the left items joined to the sum of their code "
        f"words, code words of level 1 as diamonds and dead ones as crosses; {', '.join(map(str, frame.used))} of "
        f"{size} codes are in use, level by level. On the right the loss so far ({losses}) and the share of items of "
        "every code."
    )
