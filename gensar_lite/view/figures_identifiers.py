"""Figures of finished identifiers: maps, prefix tree, codes in use, collisions and what kind they are.

Arrays and tables in, figures out; nothing here makes or repairs identifiers. Titles are data from strangers and pass
through ``theme.label``.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float, Int
from plotly.subplots import make_subplots

from gensar_lite.identify.labels import KINDS, UNKNOWN
from gensar_lite.identify.table import level_usage
from gensar_lite.view.theme import GREY, OKABE_ITO, PART_COLOUR, describe, label, new_figure, template

# Seven looks that differ in colour and in shape; everything else on a map is a small grey dot.
_LOOKS = tuple(zip(OKABE_ITO[:7], ("circle", "diamond", "square", "x", "triangle-up", "cross", "star"), strict=True))
_KIND_LOOK = {
    **dict(zip(KINDS, ((GREY, "circle"), (OKABE_ITO[4], "square"), (OKABE_ITO[5], "diamond")), strict=True)),
    UNKNOWN: (GREY, "x"),
}
_SVG_POINTS = 12_000  # beyond, points are drawn by the graphics card


def identifier_map(
    spaces: Mapping[str, Float[np.ndarray, "N 2"]], colourings: Mapping[str, Sequence[str]], hover: Sequence[str]
) -> go.Figure:
    """Items on one or several maps side by side; a menu says by what they are coloured.

    The seven most frequent labels of a colouring get a colour and a shape, all other items stay small and grey.

    Args:
        spaces: name of a map -> coordinates.
        colourings: menu entry -> (N,) label per item ("17 · Tent"). The first is shown at the start.
        hover: (N,) what an item's hover box says, its title for example.
    """
    figure = make_subplots(1, len(spaces), subplot_titles=[label(name) for name in spaces], horizontal_spacing=0.04)
    draw = go.Scattergl if len(hover) * len(spaces) > _SVG_POINTS else go.Scatter
    says = np.array([label(text) for text in hover], dtype=object)
    for column, points in enumerate(spaces.values(), start=1):
        marker = {"size": 4, "color": GREY, "opacity": 0.35}
        figure.add_trace(_points(draw, points, says, marker, "other items", column == 1), row=1, col=column)
    always, owner = len(spaces), []
    for colouring, labels in colourings.items():
        labels = np.asarray(labels, dtype=object)
        frequent = pd.Series(labels).value_counts(sort=True).index[: len(_LOOKS)]
        for (colour, symbol), name in zip(_LOOKS, frequent):
            members = np.flatnonzero(labels == name)
            marker = {"size": 8, "color": colour, "symbol": symbol, "line": {"width": 0.5, "color": GREY}}
            for column, points in enumerate(spaces.values(), start=1):
                shown = f"{label(name, 40)} ({len(members)})"
                trace = _points(draw, points[members], says[members], marker, shown, column == 1)
                trace.update(legendgroup=f"{colouring}/{name}", visible=colouring == next(iter(colourings)))
                figure.add_trace(trace, row=1, col=column)
                owner.append(colouring)
    _menu(figure, colourings, always, owner)
    figure.update_xaxes(showticklabels=False, zeroline=False)
    figure.update_yaxes(showticklabels=False, zeroline=False)
    figure.update_layout(template=template(), height=520, margin={"t": 90}, legend={"orientation": "h", "y": -0.05})
    return describe(
        figure,
        f"{len(says)} items on {len(spaces)} map{'s' if len(spaces) != 1 else ''} ({', '.join(spaces)}). The menu "
        f"chooses what is coloured: {', '.join(colourings)}; the most frequent labels stand out by colour and shape. "
        "Only neighbourhoods mean something on such a map, not distances or sizes.",
    )


def codes_in_use(codes: Int[np.ndarray, "N L"], sizes: Sequence[int], parts: Sequence[str]) -> go.Figure:
    """How many items each code has, level by level, from the most used to the dead.

    Args:
        codes: identifiers of one kind.
        sizes: codes per level.
        parts: per level "shared", "semantic", "collaborative" or another name.
    """
    usage = level_usage(codes, tuple(sizes))
    heads = [f"level {row.level}, {label(part)}" for row, part in zip(usage.itertuples(), parts)]
    figure = make_subplots(1, len(sizes), subplot_titles=heads, shared_yaxes=True, horizontal_spacing=0.02)
    for level, size in enumerate(sizes):
        counts = np.sort(np.bincount(codes[:, level], minlength=size))[::-1]
        marker = {"color": PART_COLOUR.get(parts[level], GREY), "line": {"width": 0}}
        row = usage.iloc[level]
        bars = go.Bar(x=np.arange(1, size + 1), y=counts, marker=marker, showlegend=False, name=heads[level])
        figure.add_trace(bars, row=1, col=level + 1)
        words = f"perplexity {row['perplexity']:.0f} of {size}<br>{row['dead']:.0f} dead"
        at = {"x": size, "y": 1.0, "yref": "y domain", "xanchor": "right", "yanchor": "top", "align": "right"}
        figure.add_annotation(text=words, showarrow=False, row=1, col=level + 1, **at)
        figure.add_hline(y=len(codes) / size, line={"color": GREY, "dash": "dot"}, row=1, col=level + 1)
    figure.update_xaxes(title="codes by use")
    figure.update_yaxes(title="items", col=1)
    figure.update_layout(template=template(), height=330, bargap=0)
    says = ", ".join(f"level {row.level} {row.perplexity:.0f} of {row.size}" for row in usage.itertuples())
    return describe(
        figure,
        f"Bars for every code of a level, most used first; the dotted line is an even spread. Perplexity: {says}; "
        f"dead codes: {int(usage['dead'].sum())}.",
    )


def collision_map(groups: Mapping[str, pd.DataFrame], titles: Sequence[str], picked: Collection[int] = ()) -> go.Figure:
    """Every group of items that share an identifier: how large, how alike its texts, what kind.

    Traces: per panel one for each kind of collision, then the rings. ``customdata`` of a mark: the group's size, its
    panel and its row in that panel's frame, the latter two counted from 0; rings have none.

    Args:
        groups: kind of identifier -> groups (``labels.collision_groups``), one panel each.
        titles: (N,) for the hover box.
        picked: item indices; groups that hold one of them get a ring.
    """
    heads = [f"{label(name)}: {len(frame)} groups" for name, frame in groups.items()]
    figure = make_subplots(1, len(groups), subplot_titles=heads, shared_yaxes=True, horizontal_spacing=0.04)
    random = np.random.default_rng(0)  # jitter only: sizes are whole numbers and would hide each other
    picked = frozenset(picked)
    told = {name: _told(frame) for name, frame in groups.items()}
    for column, frame in enumerate(groups.values(), start=1):
        height = frame["size"] + random.uniform(-0.3, 0.3, len(frame))
        for kind, (colour, symbol) in _KIND_LOOK.items():
            rows = np.flatnonzero(frame["kind"] == kind)
            own = frame.iloc[rows]
            figure.add_scatter(
                x=own["least_cosine"].fillna(0),  # NaN where no item says anything
                y=height.iloc[rows],
                mode="markers",
                name=kind,
                legendgroup=kind,
                showlegend=column == 1 and any(kind in kinds for kinds in told.values()),
                marker={"color": colour, "symbol": symbol, "size": 9, "line": {"width": 1, "color": GREY}},
                customdata=np.column_stack([own["size"], np.full(len(rows), column - 1), rows]),
                text=[_members(items, titles) for items in own["items"]],
                hovertemplate="%{customdata[0]} items<br>%{text}<extra></extra>",
                row=1,
                col=column,
            )
        held = np.array([not picked.isdisjoint(items) for items in frame["items"]], dtype=bool)
        ring = {"symbol": "circle-open", "size": 17, "color": OKABE_ITO[5], "line": {"width": 2.5}}
        where = {
            "x": frame.loc[held, "least_cosine"],
            "y": height[held],
            "showlegend": column == 1 and bool(held.any()),
        }
        rings = go.Scatter(**where, mode="markers", marker=ring, name="holds picked items", hoverinfo="skip")
        figure.add_trace(rings, row=1, col=column)
    figure.update_xaxes(title="cosine of the least alike pair of texts", range=[None, 1.03])
    figure.update_yaxes(title="items in the group", col=1)
    figure.update_yaxes(rangemode="tozero", dtick=1 if _largest(groups) < 12 else None)
    figure.update_layout(template=template(), height=420, legend={"orientation": "h", "y": -0.22})
    says = [
        f"{name}: " + ", ".join(f"{int((frame['kind'] == kind).sum())} {kind}" for kind in told[name])
        for name, frame in groups.items()
    ]
    return describe(figure, f"One mark per group of items with one identifier; groups by kind – {'; '.join(says)}.")


def _told(groups: pd.DataFrame) -> tuple[str, ...]:
    """The kinds of collision to tell of: the unknown one only where there is any."""
    return (*KINDS, UNKNOWN) if (groups["kind"] == UNKNOWN).any() else KINDS


def collision_bars(rates: pd.DataFrame) -> go.Figure:
    """Collision rates of schemes side by side, with the floor that equal embeddings force.

    Args:
        rates: one row per bar: scheme, kind ("semantic", "collaborative" or another), rate (share, before repair) and
            floor (share, or missing).
    """
    figure = new_figure(height=400)
    hatch = {"semantic": "", "collaborative": "/"}
    for kind, part in rates.groupby("kind", sort=False):
        names = [label(scheme) for scheme in part["scheme"]]
        figure.add_bar(
            x=names,
            y=part["rate"],
            name=label(kind),
            text=[f"{rate:.1%}" for rate in part["rate"]],
            textposition="outside",
            offsetgroup=str(kind),
            marker={"color": PART_COLOUR.get(str(kind), GREY), "pattern": {"shape": hatch.get(str(kind), "x")}},
        )
        if part["floor"].notna().any():
            line = {"width": 3, "color": GREY}
            floor = {"symbol": "line-ew", "size": 26, "line": line}
            name = f"{label(kind)}: floor of this view alone"
            figure.add_scatter(x=names, y=part["floor"], name=name, mode="markers", marker=floor, offsetgroup=str(kind))
    figure.update_yaxes(title="1 − unique / items", tickformat=".0%", rangemode="tozero")
    figure.update_layout(barmode="group", scattermode="group", legend={"orientation": "h", "y": -0.2})
    says = "; ".join(f"{row.scheme}, {row.kind}: {row.rate:.1%}" for row in rates.itertuples())
    return describe(figure, f"Share of identifiers lost to collisions before repair. {says}.")


def agreement_lines(frame: pd.DataFrame) -> go.Figure:
    """How far prefixes follow the category tree, by prefix length, one panel per category level.

    Args:
        frame: from ``labels.agreement``.
    """
    levels = list(frame["category"].unique())
    figure = make_subplots(1, len(levels), subplot_titles=[label(name) for name in levels], shared_yaxes=True)
    for place, (name, part) in enumerate(frame.groupby("identifiers", sort=False)):
        colour = PART_COLOUR.get(str(name), (OKABE_ITO[3], GREY)[place % 2])
        symbol = ("circle", "diamond", "square", "x")[place % 4]
        for column, level in enumerate(levels, start=1):
            own = part[part["category"] == level]
            figure.add_scatter(
                x=own["depth"],
                y=own["ami"],
                name=label(name),
                legendgroup=str(name),
                showlegend=column == 1,
                mode="lines+markers",
                line={"color": colour, "dash": ("solid", "dash", "dot", "dashdot")[place % 4]},
                marker={"symbol": symbol, "size": 9},
                row=1,
                col=column,
            )
    figure.update_xaxes(title="codes in the prefix", dtick=1)
    figure.update_yaxes(title="adjusted mutual information", col=1)
    figure.update_layout(template=template(), height=380)
    best = frame.loc[frame.groupby("identifiers", sort=False)["ami"].idxmax()]
    says = "; ".join(f"{row.identifiers} {row.ami:.2f}" for row in best.itertuples())
    return describe(figure, f"Agreement of prefixes with the categories, 0 = chance, 1 = the same. Largest: {says}.")


def collisions_by_size(frame: pd.DataFrame) -> go.Figure:
    """What too small a codebook does: collisions against K.

    Args:
        frame: one row per K: codes (K), rate and share_in_group (shares of the catalogue), birthday (the rate that
            random codes would have).
    """
    figure = new_figure(height=380)
    lines = {
        "rate": ("1 − unique / items", OKABE_ITO[0], "circle", "solid"),
        "share_in_group": ("items in a shared group", OKABE_ITO[5], "diamond", "dash"),
        "birthday": ("1 − unique / items, random codes", GREY, "x", "dot"),
    }
    for column, (name, colour, symbol, dash) in lines.items():
        line = {"color": colour, "dash": dash}
        marker = {"symbol": symbol, "size": 9}
        figure.add_scatter(x=frame["codes"], y=frame[column], name=name, mode="lines+markers", line=line, marker=marker)
    figure.update_xaxes(title="codes per level, K", type="log", tickvals=frame["codes"], ticktext=frame["codes"])
    figure.update_yaxes(title="share of items", tickformat=".0%", rangemode="tozero")
    ends = frame.iloc[[0, -1]]
    says = " and ".join(f"{row.rate:.1%} at K = {row.codes}" for row in ends.itertuples())
    return describe(figure, f"Lines that fall as codebooks grow; 1 − unique / items is {says}.")


def _points(draw: type, points: np.ndarray, says: np.ndarray, marker: dict, name: str, legend: bool) -> go.Scatter:
    box = "%{text}<extra></extra>"
    x, y = points[:, 0].astype(np.float32), points[:, 1].astype(np.float32)
    return draw(x=x, y=y, mode="markers", marker=marker, text=says, hovertemplate=box, name=name, showlegend=legend)


def _menu(figure: go.Figure, colourings: Mapping[str, Sequence[str]], always: int, owner: list[str]) -> None:
    """A menu that switches the coloured traces; plain plotly, so it works in exported pages too."""
    buttons = [
        {
            "label": label(name),
            "method": "restyle",
            "args": [{"visible": [True] * always + [each == name for each in owner]}],
        }
        for name in colourings
    ]
    place = {"x": 0, "xanchor": "left", "y": 1.12, "yanchor": "bottom"}
    look = {"bgcolor": "#FFFFFF", "font": {"color": "#000000"}, "bordercolor": GREY}
    figure.update_layout(updatemenus=[{"buttons": buttons, "direction": "down", **place, **look}])


def paler(colour: str, level: int) -> str:
    """A colour mixed with white, more so on deeper levels, so that black text stays readable on it."""
    share = min(0.35 + 0.2 * level, 0.9)
    mixed = [round(int(colour[place : place + 2], 16) * (1 - share) + 255 * share) for place in (1, 3, 5)]
    return "#" + "".join(f"{part:02x}" for part in mixed)


def _members(items: Sequence[int], titles: Sequence[str], most: int = 6) -> str:
    lines = [label(titles[item]) for item in items[:most]]
    return "<br>".join([*lines, f"and {len(items) - most} more"] if len(items) > most else lines)


def _largest(groups: Mapping[str, pd.DataFrame]) -> int:
    return max((int(frame["size"].max()) for frame in groups.values() if len(frame)), default=2)
