"""One vector on its way through the levels, step by step, and what noise does to its codes. No torch, no training.

``Walks`` holds a cloud of vectors and the codebooks that name them; the figure shows one vector of it after some of its
code words have been added up.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gensar_lite.identify.steps import Steps, quantise_stepwise
from gensar_lite.view.theme import GREY, OKABE_ITO, SHARED_GREEN, describe, label, template

NOISES = tuple(step / 20 for step in range(11))  # 0 ... 0.5 of a vector's usual length
_ITEM = OKABE_ITO[5]
_WALK = SHARED_GREEN
_LINES = ((SHARED_GREEN, "solid", "circle"), (OKABE_ITO[3], "dash", "diamond"), (OKABE_ITO[4], "dot", "square"))


@dataclass(frozen=True)
class Walks:
    """A cloud in two dimensions and its codebooks.

    Attributes:
        vectors: (N, 2).
        codebooks: L arrays (K, 2), as ``residual_kmeans`` gives them.
        seed: of the noise; each vector has one direction of it, so that more noise moves it further the same way.
    """

    vectors: np.ndarray
    codebooks: tuple[np.ndarray, ...]
    seed: int = 0

    def __post_init__(self) -> None:
        """Refuse what cannot be drawn in a plane."""
        if self.vectors.ndim != 2 or self.vectors.shape[1] != 2 or not len(self.vectors):
            raise ValueError(f"A walk is drawn in the plane: vectors of shape (N, 2), not {self.vectors.shape}.")
        if not self.codebooks:
            raise ValueError("A walk needs at least one codebook.")

    @property
    def levels(self) -> int:
        """L."""
        return len(self.codebooks)

    @cached_property
    def clean(self) -> Steps:
        """All vectors quantised as they are."""
        return self.under(0.0)

    def under(self, noise: float) -> Steps:
        """All vectors quantised after noise was added.

        Args:
            noise: root mean square length of the noise, as a share of that of the vectors; 0 ... about 1.
        """
        return quantise_stepwise(self.vectors + noise * self._directions, self.codebooks)

    def kept(self, noise: float) -> np.ndarray:
        """(L,) share of vectors whose first 1, 2, ... L codes are the same with and without noise."""
        same = np.logical_and.accumulate(self.under(noise).codes == self.clean.codes, axis=1)
        return same.mean(axis=0)

    @cached_property
    def survival(self) -> pd.DataFrame:
        """``kept`` for each of ``NOISES``: index noise, one column per number of codes, "1 code" ..."""
        shares = np.stack([self.kept(noise) for noise in NOISES])
        columns = ["1 code", *(f"{level} codes" for level in range(2, self.levels + 1))]
        return pd.DataFrame(shares, index=pd.Index(NOISES, name="noise"), columns=columns)

    @cached_property
    def _directions(self) -> np.ndarray:
        """(N, 2) noise of strength 1."""
        drawn = np.random.default_rng(self.seed).standard_normal(self.vectors.shape)
        return drawn * np.sqrt(np.square(self.vectors).sum(axis=1).mean() / 2)


def residual_walk(walks: Walks, item: int, step: int, noise: float, name: str) -> go.Figure:
    """One vector after ``step`` of its code words.

    Args:
        walks: the cloud.
        item: its row.
        step: 0 (nothing said yet) ... L.
        noise: see ``Walks.under``; its codes without noise are shown beside.
        name: its title.
    """
    now = walks.under(noise)
    figure = make_subplots(
        2,
        2,
        specs=[[{"rowspan": 2}, {}], [None, {}]],
        column_widths=[0.6, 0.4],
        horizontal_spacing=0.1,
        vertical_spacing=0.24,
    )
    for trace in _plane(walks, now, item, step, name):
        figure.add_trace(trace, row=1, col=1)
    lengths = np.linalg.norm(now.residuals[:, item], axis=1)
    figure.add_trace(_lengths(lengths, step), row=1, col=2)
    for trace in _survival(walks, noise):
        figure.add_trace(trace, row=2, col=2)
    _lay_out(figure, walks, now, item, step, noise)
    codes = "-".join(map(str, now.codes[item, :step])) or "none yet"
    usual = "-".join(map(str, walks.clean.codes[item]))
    ends = ", ".join(f"{share:.0%}" for share in walks.kept(noise))
    return describe(
        figure,
        f"Step {step} of {walks.levels} for “{name}”: codes so far {codes}, {lengths[step]:.3f} of its length "
        f"{lengths[0]:.3f} is left. Without noise its codes are {usual}. With noise of {noise:.2f} the shares of items "
        f"that keep their first code, first two and so on are {ends}.",
    )


def walk_table(walks: Walks, item: int, noise: float) -> pd.DataFrame:
    """The walk as a table, one row per level from 0: codes without and with noise, length left, share of items kept."""
    now, clean = walks.under(noise), walks.clean
    return pd.DataFrame(
        {
            "code": ["–", *map(str, clean.codes[item])],
            "code with noise": ["–", *map(str, now.codes[item])],
            "length left": np.linalg.norm(now.residuals[:, item], axis=1),
            "mean squared length left, all items": now.left,
            "share of items with the same codes so far": [1.0, *walks.kept(noise)],
        },
        index=pd.RangeIndex(walks.levels + 1, name="level"),
    )


def _plane(walks: Walks, now: Steps, item: int, step: int, name: str) -> list[go.Scatter]:
    """Cloud, candidates, ring, walk, remainder, place without noise, item: always seven traces."""
    sums, here, home = now.sums[:, item], now.residuals[0, item], walks.vectors[item]
    asked = max(step, 1)  # before the first step, its candidates can be looked at
    candidates = sums[asked - 1] + walks.codebooks[asked - 1]
    walk = sums[: step + 1]
    ring = sums[[step]] if step else np.zeros((0, 2))
    cross = {"size": 9, "symbol": "x-thin", "line": {"width": 2, "color": OKABE_ITO[0]}}
    return [
        _dots(walks.vectors, "all items", {"size": 3, "color": GREY, "opacity": 0.35}),
        _dots(candidates, f"code words of level {asked}", cross),
        _dots(
            ring, "the nearest one", {"size": 16, "symbol": "circle-open", "color": OKABE_ITO[0], "line": {"width": 3}}
        ),
        go.Scatter(
            x=walk[:, 0],
            y=walk[:, 1],
            mode="lines+markers",
            line={"color": _WALK, "width": 3},
            marker={"size": 10, "symbol": ["circle", *["arrow"] * step], "angleref": "previous", "color": _WALK},
            name="sum of its code words",
            hoverinfo="skip",
        ),
        go.Scatter(
            x=[sums[step, 0], here[0]],
            y=[sums[step, 1], here[1]],
            mode="lines",
            line={"color": _ITEM, "width": 2, "dash": "dot"},
            name="residual",
            hoverinfo="skip",
        ),
        _dots(
            home[None], "without noise", {"size": 13, "symbol": "diamond-open", "color": _ITEM, "line": {"width": 2}}
        ),
        _dots(here[None], label(name, 26), {"size": 10, "symbol": "diamond", "color": _ITEM}),
    ]


def _dots(points: np.ndarray, name: str, marker: dict) -> go.Scatter:
    dots = go.Scatter(x=points[:, 0], y=points[:, 1], mode="markers", marker=marker, name=name, showlegend=True)
    return dots.update(hoverinfo="skip" if len(points) > 1 else "name")


def _lengths(lengths: np.ndarray, step: int) -> go.Bar:
    """What is left after each level; levels still to come are pale."""
    return go.Bar(
        x=list(range(len(lengths))),
        y=lengths,
        text=[f"{length:.3f}" for length in lengths],
        textposition="outside",
        cliponaxis=False,
        marker={"color": _ITEM, "opacity": [1.0 if level <= step else 0.3 for level in range(len(lengths))]},
        showlegend=False,
        hoverinfo="skip",
    )


def _survival(walks: Walks, noise: float) -> list[go.Scatter]:
    """One line per number of codes, then the present noise."""
    lines = []
    for place, (name, shares) in enumerate(walks.survival.items()):
        colour, dash, symbol = _LINES[place % len(_LINES)]
        line = go.Scatter(x=list(NOISES), y=shares.tolist(), name=name, mode="lines+markers", showlegend=False)
        lines.append(line.update(line={"color": colour, "dash": dash}, marker={"symbol": symbol, "size": 6}))
    here = walks.kept(noise)
    marker = {"size": 12, "symbol": "circle-open", "color": _ITEM, "line": {"width": 3}}
    at = go.Scatter(x=[noise] * len(here), y=here.tolist(), mode="markers", marker=marker, showlegend=False)
    return [*lines, at.update(hovertemplate="%{y:.0%}<extra></extra>")]


def _lay_out(figure: go.Figure, walks: Walks, now: Steps, item: int, step: int, noise: float) -> None:
    below = {"orientation": "h", "y": -0.1, "x": 0, "yanchor": "top", "entrywidth": 170}
    figure.update_layout(template=template(), height=540, margin={"t": 40, "b": 110, "l": 40}, legend=below)
    whole = float(np.abs(walks.vectors).max()) * 1.1
    centre, half = np.zeros(2), whole
    if step > 1:  # the later steps are too small to be seen at the first one's scale
        centre = now.residuals[0, item]
        around = now.sums[step - 1, item] + walks.codebooks[step - 1] - centre
        half = min(whole, float(np.abs(around).max()) * 1.15 + 1e-6)
    figure.update_xaxes(range=[centre[0] - half, centre[0] + half], constrain="domain", row=1, col=1)
    square = {"scaleanchor": "x", "constrain": "domain"}
    figure.update_yaxes(range=[centre[1] - half, centre[1] + half], **square, row=1, col=1)
    small = {"font": {"size": 12}, "standoff": 4}
    longest = float(np.linalg.norm(now.residuals[:, item], axis=1).max())
    figure.update_xaxes(title={"text": "level", **small}, dtick=1, row=1, col=2)
    figure.update_yaxes(range=[0, longest * 1.2 + 1e-6], row=1, col=2)
    figure.update_xaxes(title={"text": "noise (share of the usual length)", **small}, row=2, col=2)
    figure.update_yaxes(range=[0, 1.05], tickformat=".0%", row=2, col=2)
    codes = "-".join(map(str, now.codes[item, :step])) or "–"
    large = f", magnified {whole / half:.1f} times" if half < 0.95 * whole else ""
    heads = [
        (0.27, 1.0, f"step {step} of {walks.levels}: {codes}{large}"),
        (0.82, 1.0, "length that is left"),
        (0.82, 0.38, "items that keep their first codes"),
    ]
    for x, y, text in heads:
        place = {"x": x, "y": y, "xref": "paper", "yref": "paper", "xanchor": "center", "yanchor": "bottom"}
        figure.add_annotation(text=text, showarrow=False, **place)
    last = walks.survival.iloc[-1]
    for name, share in last.items():
        end = {"x": NOISES[-1], "y": share, "xref": "x3", "yref": "y3", "xanchor": "left", "yanchor": "middle"}
        figure.add_annotation(text=f" {name}", showarrow=False, font={"size": 11}, **end)
