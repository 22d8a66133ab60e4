"""Items on maps, coloured by their codes, with what is picked and its true neighbours.

Arrays in, figures out. Of the same maps a figure always has the same traces in the same order, so that a widget can
update it in place. A map shows neighbourhoods only; every number that goes with it is computed in the original space.
Titles are data from strangers and pass through ``theme.label``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float, Int, UInt8
from plotly.subplots import make_subplots

from gensar_lite.identify.labels import name_codes
from gensar_lite.identify.table import group_labels
from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.theme import GREY, OKABE_ITO, describe, label, template

DRAWN = 100_000  # points drawn on a map; of larger catalogues a sample
PICKED = OKABE_ITO[5]
_SVG_POINTS = 12_000  # beyond, points are drawn by the graphics card
_TEXT_POINTS = 20_000  # beyond, hover boxes name the item's number only, and shapes are left out
_RINGS = 200  # picked items that get a ring of their own
_LARGE_RINGS = 20  # of more items the rings are small, so that they do not grow into one
COLOURS = OKABE_ITO[:7]
_SYMBOLS = (0, 2, 1, 4, 5, 3, 17)  # plotly's circle, diamond, square, x, triangle-up, cross, star
REST = len(COLOURS)
_RING_SYMBOLS = ("diamond-open", "square-open", "hexagon-open", "octagon-open")


class Colouring(NamedTuple):
    """By what items are coloured on a map.

    Attributes:
        look: (N,) 0 .. 6, one of seven looks that differ in colour and shape, or 7 for the grey rest.
        names: what the looks in use stand for, for the legend, unescaped.
        rest: what the grey items are.
    """

    look: np.ndarray
    names: tuple[str, ...]
    rest: str = "other items"


def most_frequent(
    values: Sequence | np.ndarray, named: Mapping[object, str] | None = None, write: Callable[[object], str] = str
) -> Colouring:
    """Colour the seven most frequent values; equals stand in the order of their first appearance.

    Args:
        values: (N,) one per item.
        named: value -> what is written beside it, its most frequent category for example.
        write: value -> how it is written; asked for the seven only.
    """
    places, found = pd.factorize(np.asarray(values))
    counts = np.bincount(places, minlength=len(found))
    best = np.argsort(-counts, kind="stable")[: len(COLOURS)]
    look = np.full(len(found), REST, dtype=np.uint8)
    look[best] = np.arange(len(best))
    told = [write(found[one]) + (f" · {named[found[one]]}" if named else "") for one in best]
    return Colouring(look[places], tuple(f"{text} ({counts[one]:,})" for text, one in zip(told, best)))


def most_frequent_prefixes(prefixes: Int[np.ndarray, "N D"]) -> Colouring:
    """The same for prefixes of codes, written "20-15"."""
    labels, sizes = group_labels(prefixes)
    rows = np.zeros(len(sizes), dtype=np.int64)
    rows[labels] = np.arange(len(labels))  # an item of each
    return most_frequent(labels, write=lambda one: "-".join(map(str, prefixes[rows[one]].tolist())))


def in_steps(values: Int[np.ndarray, " N"], edges: Sequence[int], unit: str, rest: str = "other items") -> Colouring:
    """Colour counts by steps: from each edge up to the next; what lies below the first edge is the grey rest."""
    step = np.searchsorted(np.asarray(edges), values, side="right").astype(np.int64) - 1
    ends = [f"{low}" if low + 1 == high else f"{low} to {high - 1}" for low, high in zip(edges, edges[1:])]
    names = [f"{end} {unit}" for end in [*ends, f"{edges[-1]} or more"]]
    look = np.where(step < 0, REST, step).astype(np.uint8)
    counted = [f"{name} ({int((step == place).sum()):,})" for place, name in enumerate(names)]
    return Colouring(look, tuple(counted), rest)


def colourings(catalogue: Catalogue) -> dict[str, Colouring]:
    """Everything a map of this catalogue can be coloured by: codes by level, prefixes, category, clicks, collisions.

    Shared levels are listed once. The first is the first code, or the first of the first kind.
    """
    found, table, words = {}, catalogue.table, catalogue.words
    known = catalogue.categories is not None
    for kind, codes in table.codes.items():
        for level in range(codes.shape[1]):
            shared = level < table.shared
            if shared and kind != table.kinds[0]:
                continue
            owner = "shared" if shared and len(table.kinds) > 1 else kind
            if level:
                found[f"{owner}: first {level + 1} codes"] = most_frequent_prefixes(codes[:, : level + 1])
                found[f"{owner}: code {level + 1} alone"] = most_frequent(codes[:, level], write="code {}".format)
            else:
                named = name_codes(codes[:, 0], words).set_index("code")["name"].to_dict() if known else None
                found[f"{owner}: first code"] = most_frequent(codes[:, 0], named)
    if known:
        found["category"] = most_frequent(catalogue.roots)
    if catalogue.clicks is not None:
        clicks = np.asarray(catalogue.clicks)
        inside = clicks[clicks > 0]
        cuts = np.unique(np.quantile(inside, [0.25, 0.5, 0.75], method="higher")).tolist() if len(inside) else []
        found["clicks"] = in_steps(clicks, [*dict.fromkeys([1, *cuts])], "clicks", "never clicked")
    for kind in table.kinds:
        found[f"collisions, {kind}"] = in_steps(catalogue.group_sizes(kind), [2, 3, 4, 5], "items share it", "alone")
    return found


def drawn_items(look: UInt8[np.ndarray, " N"], most: int = DRAWN, seed: int = 0) -> Int[np.ndarray, " M"]:
    """Which items to draw where there are too many: a random sample, rare looks kept whole as far as they are small.

    Every look keeps its share of the points, but at least a hundredth of ``most`` (all of it if it is smaller).

    Returns:
        item indices, ascending; all of them up to ``most``.
    """
    if len(look) <= most:
        return np.arange(len(look))
    random = np.random.default_rng(seed)
    picked = []
    for one in np.unique(look):
        members = np.flatnonzero(look == one)
        count = min(len(members), max(int(most * len(members) / len(look)), most // 100))
        picked.append(random.choice(members, count, replace=False))
    return np.sort(np.concatenate(picked))


def item_map(
    spaces: Mapping[str, Float[np.ndarray, "N 2"]],
    colouring: Colouring,
    titles: Sequence[str],
    drawn: Int[np.ndarray, " M"] | None = None,
    picked: Sequence[int] = (),
    nearest: Mapping[str, Sequence[int]] | None = None,
) -> go.Figure:
    """Items on one map or several side by side, with what is picked and its true neighbours.

    Traces: per map the points, the rings of picked items and one ring trace per neighbour list; then the legend.

    Args:
        spaces: name of a map -> coordinates.
        colouring: see ``colourings``.
        titles: (N,) for the hover boxes.
        drawn: items to draw (``drawn_items``); all by default.
        picked: picked items: all others fade, and up to 200 picked ones get a ring.
        nearest: name of a space -> the neighbours of the picked item there, found in the original space.
    """
    n_items, nearest = len(titles), nearest or {}
    drawn = np.arange(n_items) if drawn is None else drawn
    figure = make_subplots(1, len(spaces), subplot_titles=[label(name) for name in spaces], horizontal_spacing=0.04)
    inside = np.flatnonzero(np.isin(drawn, np.asarray(picked, dtype=np.int64))) if len(picked) else None
    draw = go.Scattergl if len(drawn) * len(spaces) > _SVG_POINTS else go.Scatter
    few = len(drawn) <= _TEXT_POINTS
    says = {"text": [label(titles[one]) for one in drawn]} if few else {"customdata": drawn.astype(np.int32)}
    box = "%{text}<extra></extra>" if few else "item %{customdata}<extra></extra>"
    for column, points in enumerate(spaces.values(), start=1):
        x, y = points[drawn, 0].astype(np.float32), points[drawn, 1].astype(np.float32)
        marker = map_marker(colouring.look[drawn])
        dots = draw(x=x, y=y, mode="markers", marker=marker, hovertemplate=box, showlegend=False, name="items", **says)
        dots.update(
            selectedpoints=inside, selected={"marker": {"opacity": 1}}, unselected={"marker": {"opacity": 0.15}}
        )
        figure.add_trace(dots, row=1, col=column)
        rings = _rings(points, picked if len(picked) <= _RINGS else (), "picked", "circle-open", PICKED)
        figure.add_trace(rings.update(showlegend=column == 1 and len(rings.x) > 0), row=1, col=column)
        for place, name in enumerate(spaces):
            look = _RING_SYMBOLS[place % len(_RING_SYMBOLS)], OKABE_ITO[place % 4]
            ring = _rings(points, nearest.get(name, ()), f"nearest {name}", *look)
            figure.add_trace(ring.update(showlegend=column == 1 and len(ring.x) > 0), row=1, col=column)
    for trace in _legend(colouring):
        figure.add_trace(trace, row=1, col=1)
    figure.update_xaxes(showticklabels=False, zeroline=False, showgrid=False)
    figure.update_yaxes(showticklabels=False, zeroline=False, showgrid=False)
    legend = {"orientation": "h", "y": -0.03, "itemclick": False, "itemdoubleclick": False}
    figure.update_layout(template=template(), height=540, legend=legend, dragmode="lasso", selections=())
    figure.update_layout(newselection={"line": {"color": GREY}}, uirevision="map", margin={"l": 10, "r": 10})
    return describe(figure, _map_words(n_items, drawn, spaces, picked, nearest))


def map_marker(look: UInt8[np.ndarray, " M"]) -> dict:
    """How the points of a map are drawn: colours, and up to 20,000 points shapes, as short arrays of numbers."""
    rest, many = look == REST, len(look) > _TEXT_POINTS
    steps = np.repeat(np.linspace(0, 1, REST + 2), 2)[1:-1]
    scale = [[float(at), colour] for at, colour in zip(steps, np.repeat([*COLOURS, GREY], 2))]
    marker = {"color": look.astype(np.uint8), "colorscale": scale, "cmin": -0.5, "cmax": REST + 0.5}
    marker["showscale"] = False
    marker["line"] = {"width": 0 if many else 0.5, "color": GREY}
    marker["size"] = 4 if many else np.where(rest, 5, 8).astype(np.uint8)
    marker["opacity"] = 0.6 if many else np.where(rest, 0.35, 0.95).astype(np.float32)
    marker["symbol"] = 0 if many else np.array([*_SYMBOLS, 0], dtype=np.uint8)[look]
    return marker


def _legend(colouring: Colouring) -> list[go.Scatter]:
    """One empty trace per look, so that the legend names the looks that the points' arrays use."""
    traces = []
    for place in range(REST + 1):
        used = place < len(colouring.names) or (place == REST and bool((colouring.look == REST).any()))
        name = colouring.rest if place == REST else colouring.names[place] if used else ""
        colour, symbol = (GREY, 0) if place == REST else (COLOURS[place], _SYMBOLS[place])
        marker = {"color": colour, "symbol": symbol, "size": 9}
        says = {"name": label(name, 40), "showlegend": used, "hoverinfo": "skip"}
        traces.append(go.Scatter(x=[None], y=[None], mode="markers", marker=marker, **says))
    return traces


def _rings(points: np.ndarray, items: Sequence[int], name: str, symbol: str, colour: str) -> go.Scatter:
    rows = np.asarray(items, dtype=np.int64)
    size, width = (14, 2.5) if len(rows) <= _LARGE_RINGS else (9, 1.5)
    marker = {"symbol": symbol, "size": size, "color": colour, "line": {"width": width, "color": colour}}
    x, y = points[rows, 0].astype(np.float32), points[rows, 1].astype(np.float32)
    # The points below them answer hovering and clicking.
    return go.Scatter(x=x, y=y, mode="markers", marker=marker, name=label(name), hoverinfo="skip")


def _map_words(
    n_items: int, drawn: np.ndarray, spaces: Mapping, picked: Sequence[int], nearest: Mapping[str, Sequence[int]]
) -> str:
    some = f"{len(drawn):,} of {n_items:,} items, drawn by lot," if len(drawn) < n_items else f"{n_items:,} items"
    maps = f"on {len(spaces)} map{'s' if len(spaces) != 1 else ''} ({', '.join(spaces)})"
    which = f" {len(picked):,} picked stand out." if len(picked) else ""
    rings = f" Rings: the nearest {' and '.join(nearest)}, found in the original space." if nearest else ""
    lie = " A map shows neighbourhoods, not distances or sizes; every number is computed in the original space."
    return f"{some} {maps}; colours and shapes as in the legend.{which}{rings}{lie}"


class Spread(NamedTuple):
    """How close some items are in one space, in the original dimensions.

    Attributes:
        among: mean cosine of two of these items; NaN for fewer than two.
        anyone: mean cosine of any two items of the catalogue; NaN for fewer than two.
    """

    among: float
    anyone: float


def spread(matrix: Float[np.ndarray, "N E"], items: Sequence[int]) -> Spread:
    """How close items are in the original space, beside what two items drawn by lot have."""
    rows = np.asarray(items, dtype=np.int64)
    return Spread(_mean_cosine(matrix[rows]), _mean_cosine(matrix))


def kept_near(points: Float[np.ndarray, "N 2"], item: int, neighbours: Sequence[int] | np.ndarray) -> int:
    """How many of an item's true neighbours are among as many nearest points on the map: what the picture keeps."""
    away = np.square(points - points[item]).sum(axis=1)
    away[item] = np.inf
    return int(np.isin(np.argsort(away, kind="stable")[: len(neighbours)], neighbours).sum())


def _mean_cosine(matrix: np.ndarray) -> float:
    """Over all pairs of rows: the length of the sum of unit rows says it without looking at the pairs."""
    if len(matrix) < 2:
        return float("nan")
    length = np.linalg.norm(matrix, axis=1, keepdims=True)
    unit = matrix / np.where(length > 0, length, 1.0)
    total = float(np.square(unit.sum(axis=0, dtype=np.float64)).sum()) - float((length > 0).sum())
    return total / (len(matrix) * (len(matrix) - 1))
