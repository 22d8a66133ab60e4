"""Figures of the identifier debugger: codebooks in use and the tree of prefixes, with what is picked elsewhere.

Tables in, figures out. Of the same data a figure always has the same traces in the same order, so that a widget can
update it in place; what is picked elsewhere is marked in vermillion. Texts are data from strangers and pass through
``theme.label``. Maps are in ``figures_map``, comparisons in ``figures_compare``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gensar_lite.identify.labels import name_codes, prefix_names
from gensar_lite.identify.table import IdentifierTable, entropy_nats
from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.figures_identifiers import paler
from gensar_lite.view.theme import GREY, OKABE_ITO, PART_COLOUR, describe, label, template

PICKED = OKABE_ITO[5]
SCALE = "Cividis"  # told apart by colour-blind readers, and by lightness alone
ALL = "all items"
LEAVES = 300  # items in boxes of their own; branches with more show prefixes only
MOST_CODES = 60_000  # of all levels together, that can be shown one by one
_PALE = [[0, "#FFFFFF"], [1, "#E69F00"]]  # behind black text
_DASHES = ("dash", "dot", "dashdot", "longdash")
_SYMBOLS = ("x", "cross", "star", "triangle-up")


class LevelRow(NamedTuple):
    """One level of the codebooks; shared levels stand once.

    Attributes:
        part: "shared" or the kind.
        level: from 1, within the whole identifier.
        kind: an identifier that has this level.
        counts: (K,) items per code.
    """

    part: str
    level: int
    kind: str
    counts: np.ndarray

    @property
    def name(self) -> str:
        """As figures and menus write it."""
        return f"{self.part}, level {self.level}"


def level_rows(table: IdentifierTable, items: Sequence[int] | None = None) -> list[LevelRow]:
    """The levels of a table, shared ones once, then each kind's own.

    Args:
        items: count these items only; all by default.
    """
    rows = []
    for kind, codes in table.codes.items():
        for level, size in enumerate(table.sizes[kind]):
            shared = level < table.shared and len(table.kinds) > 1
            if shared and kind != table.kinds[0]:
                continue
            own = codes[:, level] if items is None else codes[np.asarray(items, dtype=np.int64), level]
            counts = np.bincount(own, minlength=size)
            rows.append(LevelRow("shared" if shared else kind, level + 1, kind, counts))
    return rows


def usage_frame(rows: Sequence[LevelRow]) -> pd.DataFrame:
    """Use of each level's codes; the table twin of ``codebook_health``.

    Returns:
        one row per level: part, level, size (K), used, dead, entropy (nats), perplexity (exp of it, 1 .. K), evenness
        (perplexity / K, a share) and largest_share (of items).
    """
    lines = []
    for row in rows:
        size, used, entropy = len(row.counts), int((row.counts > 0).sum()), entropy_nats(row.counts)
        even, largest = float(np.exp(entropy)), float(row.counts.max() / row.counts.sum())
        lines.append((row.part, row.level, size, used, size - used, entropy, even, even / size, largest))
    columns = ["part", "level", "size", "used", "dead", "entropy", "perplexity", "evenness", "largest_share"]
    return pd.DataFrame(lines, columns=columns)


def codebook_health(
    rows: Sequence[LevelRow],
    controls: Mapping[str, pd.DataFrame] | None = None,
    history: pd.DataFrame | None = None,
    epoch: int | None = None,
    picked: Sequence[np.ndarray] = (),
    chosen: tuple[int, int] | None = None,
) -> go.Figure:
    """Every code of every level by use, the profile of perplexities with its controls, and how it came about.

    Args:
        rows: see ``level_rows``.
        controls: name -> its own ``usage_frame``; drawn into the profile.
        history: one row per epoch, family and level (``rqvae.Trained.levels``): epoch, family, level (within its
            family, from 1), perplexity, size; with a column ``counts`` (items per code) the grid follows the epoch too.
        epoch: the epoch shown in the profile; the finished codes if None.
        picked: per row (K,), how many picked items each code has.
        chosen: (row, code) of the chosen code.

    Raises:
        ValueError: more than 60,000 codes in all.
    """
    if (codes := sum(len(row.counts) for row in rows)) > MOST_CODES:
        raise ValueError(
            f"{codes:,} codes are too many to be shown one by one; {MOST_CODES:,} can be. Read usage_frame instead."
        )
    controls = controls or {}
    told = _told_history(rows, history)
    by_epoch = 2 if len(told) else 1
    specs = [[{"colspan": by_epoch}, *[None] * (by_epoch - 1)], [{}] * by_epoch]
    heads = ["items per code, beside an even spread", "profile: perplexity / K", "perplexity / K by epoch"]
    spaces = {"horizontal_spacing": 0.09, "vertical_spacing": 0.2, "row_heights": [0.5, 0.5]}
    figure = make_subplots(2, by_epoch, specs=specs, subplot_titles=heads[: 1 + by_epoch], **spaces)
    now = told[told["epoch"] == epoch] if epoch is not None and len(told) else None
    for trace in _grid(rows, now, picked, chosen):
        figure.add_trace(trace, row=1, col=1)
    for trace in _profiles(usage_frame(rows), controls, now):
        figure.add_trace(trace, row=2, col=1)
    if len(told):
        for row in rows:
            own = told[(told["part"] == row.part) & (told["level"] == row.level)]
            figure.add_trace(_over_epochs(own), row=2, col=2)
        at = told["epoch"].max() if epoch is None else epoch
        figure.add_vline(x=at, line={"color": GREY, "dash": "dot"}, row=2, col=2)
        figure.update_xaxes(title="epoch", row=2, col=2)
        figure.update_yaxes(range=[0, 1.05], tickformat=".0%", row=2, col=2)
    ticks = {"tickvals": list(range(len(rows))), "ticktext": [label(row.name) for row in rows]}
    figure.update_yaxes(
        **ticks, automargin=True, range=[len(rows) - 0.5, -0.5], showgrid=False, zeroline=False, row=1, col=1
    )
    figure.update_xaxes(title="code", showgrid=False, zeroline=False, row=1, col=1)
    figure.update_xaxes(title="level", dtick=1, row=2, col=1)
    figure.update_yaxes(range=[0, 1.05], tickformat=".0%", row=2, col=1)
    figure.update_layout(template=template(), height=640, legend={"orientation": "h", "y": -0.14})
    return describe(figure, _health_words(rows, epoch))


def _told_history(rows: Sequence[LevelRow], history: pd.DataFrame | None) -> pd.DataFrame:
    """The history with each row's part and level within the whole identifier; empty without one."""
    columns = ["epoch", "part", "level", "evenness", "counts"]
    if history is None or history.empty:
        return pd.DataFrame(columns=columns)
    parts = {row.part for row in rows}
    only = rows[0].part if len(parts) == 1 else None  # a single view's levels are one family, whatever its name
    first = {row.part: row.level for row in reversed(rows)}
    part = history["family"].where(history["family"].isin(parts), only if only else "")
    known = history.assign(part=part)[part.isin(parts)]
    level = known["level"] + known["part"].map(first) - 1
    counts = known["counts"] if "counts" in known else None
    return known.assign(level=level, evenness=known["perplexity"] / known["size"], counts=counts)[columns]


def _grid(
    rows: Sequence[LevelRow],
    now: pd.DataFrame | None,
    picked: Sequence[np.ndarray],
    chosen: tuple[int, int] | None,
) -> list[go.BaseTraceType]:
    """The usage grid, its dead codes, the codes of what is picked, the chosen code."""
    widest = max(len(row.counts) for row in rows)
    grid = np.full((len(rows), widest), np.nan)
    for place, row in enumerate(rows):
        grid[place, : len(row.counts)] = _counts_at(row, now)
    sizes = np.array([len(row.counts) for row in rows])
    beside = grid / np.nansum(grid, axis=1, keepdims=True) * sizes[:, None]
    dead = np.argwhere(grid == 0)
    beside, grid = (np.where(np.isnan(own), None, own) for own in (beside, grid))  # browsers read no NaN
    bar = {"title": {"text": "× even"}, "len": 0.5, "y": 0.78, "thickness": 12}
    heat = go.Heatmap(z=beside, customdata=grid, zmin=0, zmax=4, colorscale=SCALE, colorbar=bar, hoverongaps=False)
    box = "%{y}, code %{x}<br>%{customdata} items, %{z:.2f} × an even spread<extra></extra>"
    heat.update(hovertemplate=box, xgap=0.5, ygap=2, name="items per code")
    marks = [_marks(dead, "dead code", {"symbol": "x-thin", "size": 7, "line": {"width": 1.5, "color": GREY}})]
    codes, sizes = _picked_cells(picked)
    look = {"symbol": "circle", "color": PICKED, "size": sizes, "line": {"width": 1, "color": "#FFFFFF"}}
    marks.append(_marks(codes, "codes of picked items", look))
    at = np.array([chosen]) if chosen is not None else np.zeros((0, 2), dtype=int)
    look = {"symbol": "square-open", "size": 15, "line": {"width": 3, "color": PICKED}, "color": PICKED}
    return [heat, *marks, _marks(at, "chosen code", look)]


def _counts_at(row: LevelRow, now: pd.DataFrame | None) -> np.ndarray:
    if now is None or now["counts"].isna().all():
        return row.counts
    own = now[(now["part"] == row.part) & (now["level"] == row.level)]
    return row.counts if own.empty else np.asarray(own["counts"].iloc[0])


def _picked_cells(picked: Sequence[np.ndarray]) -> tuple[np.ndarray, np.ndarray]:
    """(M, 2) row and code of every code that a picked item has, and (M,) sizes of marks by share of picked items."""
    codes = [np.flatnonzero(counts) for counts in picked]
    cells = [np.stack([np.full(len(own), place), own], axis=1) for place, own in enumerate(codes)]
    shares = [counts[own] / counts.sum() for counts, own in zip(picked, codes) if len(own)]
    found = np.concatenate([np.zeros((0, 2), dtype=int), *cells])
    return found, 5 + 7 * np.sqrt(np.concatenate([np.zeros(0), *shares]))


def _marks(cells: np.ndarray, name: str, marker: dict) -> go.Scatter:
    own = {"name": name, "showlegend": len(cells) > 0, "hoverinfo": "skip"}
    return go.Scatter(x=cells[:, 1], y=cells[:, 0], mode="markers", marker=marker, **own)


def _profiles(
    usage: pd.DataFrame, controls: Mapping[str, pd.DataFrame], now: pd.DataFrame | None
) -> list[go.BaseTraceType]:
    traces = []
    parts = [part for part in usage["part"].unique() if part != "shared"] or ["shared"]
    for place, part in enumerate(parts):
        own = usage[usage["part"].isin([part, "shared"])]
        if now is not None:
            own = now[now["part"].isin([part, "shared"])].sort_values("level")
        line = {"color": PART_COLOUR.get(part, OKABE_ITO[2]), "width": 3, "dash": ("solid", "dash")[place % 2]}
        marker = {"symbol": ("circle", "diamond")[place % 2], "size": 9}
        traces.append(_line(own, part, line, marker))
    for place, (name, frame) in enumerate(controls.items()):
        line = {"color": GREY, "dash": _DASHES[place % 4], "width": 1.5}
        frame = frame.groupby("level", as_index=False)["evenness"].mean()  # of both kinds, where there are two
        traces.append(_line(frame, f"control: {name}", line, {"symbol": _SYMBOLS[place % 4], "size": 8}))
    return traces


def _line(frame: pd.DataFrame, name: str, line: dict, marker: dict) -> go.Scatter:
    own = {"mode": "lines+markers", "line": line, "marker": {**marker, "color": line["color"]}}
    return go.Scatter(x=frame["level"], y=frame["evenness"], name=label(name), **own)


def _over_epochs(own: pd.DataFrame) -> go.Scatter:
    part = own["part"].iloc[0] if len(own) else ""
    level = int(own["level"].iloc[0]) if len(own) else 0
    line = {"color": PART_COLOUR.get(part, OKABE_ITO[2]), "dash": ("solid", *_DASHES)[level % 5], "width": 1.5}
    name = label(f"{part}, level {level}")
    return go.Scatter(x=own["epoch"], y=own["evenness"], mode="lines", line=line, name=name, showlegend=False)


def _health_words(rows: Sequence[LevelRow], epoch: int | None) -> str:
    usage = usage_frame(rows)
    least = usage.loc[usage["evenness"].idxmin()]
    when = "" if epoch is None else f" The profile is that of epoch {epoch}."
    return (
        f"A grid of {len(rows)} levels, one field per code, brighter with more items; crosses are dead codes "
        f"({int(usage['dead'].sum())} of {int(usage['size'].sum())}). Below, each level's perplexity as a share of its "
        f"codes: least even is {least['part']}, level {least['level']}, with {least['perplexity']:.0f} of "
        f"{least['size']}.{when}"
    )


# ---------------------------------------------------------------- the tree of prefixes


def prefix_boxes(
    catalogue: Catalogue,
    kind: str,
    prefix: tuple[int, ...] = (),
    picked: Sequence[int] = (),
    leaves: int = LEAVES,
    levels: int = 1,
) -> pd.DataFrame:
    """The boxes of the tree below a prefix, as a table: the prefix itself, the prefixes below it, the items.

    Args:
        kind: of identifier.
        picked: picked items.
        levels: of prefixes below this one that get boxes, at most as many as the identifier has.
        leaves: items get boxes only if there are no more than this; below whole identifiers they do in any case.

    Returns:
        one row per box: id, parent, prefix, depth, text (unescaped), items, clicks (0 where unknown), word (most
        frequent category) and share (of items that it fits), picked (how many), item (its index; -1 for prefixes).

    Raises:
        ValueError: no item has this prefix.
    """
    codes = catalogue.table.codes[kind]
    inside = catalogue.table.items_of(kind, prefix)
    if len(inside) == 0:
        raise ValueError(f"No item's {kind} identifier begins with {prefix}. Choose a prefix that is in use.")
    depth = min(len(prefix) + levels, codes.shape[1])
    words, titles = catalogue.words[inside], catalogue.titles
    clicks = np.zeros(len(inside)) if catalogue.clicks is None else np.asarray(catalogue.clicks)[inside]
    values = pd.DataFrame({"clicks": clicks, "picked": np.isin(inside, np.asarray(picked, dtype=np.int64))})
    parts = []
    for level in range(len(prefix), depth + 1):
        names = prefix_names(codes[inside], level) if level else np.full(len(inside), ALL, dtype=object)
        named = name_codes(names, words).rename(columns={"code": "prefix", "name": "word"})
        summed = values.groupby(names, sort=False).sum()
        above = pd.Series(prefix_names(codes[inside], level - 1) if level > 1 else ALL, index=names)
        above = above[~above.index.duplicated()]
        own = named.assign(depth=level, clicks=summed["clicks"].reindex(named["prefix"]).to_numpy(), item=-1)
        own["picked"] = summed["picked"].reindex(named["prefix"]).to_numpy()
        own["parent"] = "" if level == len(prefix) else above.reindex(named["prefix"]).to_numpy()
        parts.append(own)
    if len(inside) <= leaves or len(prefix) == codes.shape[1]:
        at = prefix_names(codes[inside], depth)
        own = pd.DataFrame({"prefix": at, "parent": at, "depth": depth + 1, "items": 1, "item": inside, "share": 1.0})
        parts.append(own.assign(word=words, clicks=clicks, picked=values["picked"].astype(int)))
    frame = pd.concat(parts, ignore_index=True)
    last = frame["prefix"].str.rsplit("-", n=1).str[-1]
    frame["text"] = last + (" · " + frame["word"].astype(str) if catalogue.categories is not None else "")
    frame.loc[frame["depth"] == 0, "text"] = ALL
    found = frame["item"] >= 0
    frame.loc[found, "text"] = [str(titles[item]) for item in frame.loc[found, "item"]]
    frame["id"] = np.where(found, "item " + frame["item"].astype(str), frame["prefix"])
    order = ["id", "parent", "prefix", "depth", "text", "items", "clicks", "word", "share", "picked", "item"]
    return frame[order].astype({"picked": int, "clicks": int, "items": int})


def prefix_tree(boxes: pd.DataFrame, size: str = "items", colour: str = "level", shape: str = "icicle") -> go.Figure:
    """The tree of prefixes: what a prefix stands for, how much hangs below it, where the picked items are.

    Args:
        boxes: see ``prefix_boxes``.
        size: "items" or "clicks".
        colour: "level" (paler further down), "agreement" (share of items that the box's most frequent category
            fits) or "picked" (share of the box's items that are picked). Boxes with picked items have a thick border in
            any case.
        shape: "icicle" (left to right) or "sunburst".
    """
    top = boxes.iloc[0]
    shares = {"agreement": boxes["share"], "picked": boxes["picked"] / boxes["items"]}
    marker = {"line": {"width": np.where(boxes["picked"] > 0, 3, 1).tolist()}}
    marker["line"]["color"] = np.where(boxes["picked"] > 0, PICKED, "#FFFFFF").tolist()
    if colour in shares:
        bar = {"title": {"text": colour}, "tickformat": ".0%", "thickness": 12}
        marker |= {"colors": shares[colour], "colorscale": _PALE, "cmin": 0, "cmax": 1, "colorbar": bar}
    else:
        marker["colors"] = [paler(PART_COLOUR["shared"], level - int(top["depth"])) for level in boxes["depth"]]
    fits = np.where(boxes["item"] < 0, [f" {share:.0%}" for share in boxes["share"]], "")
    says = [label(word, 40) + fit for word, fit in zip(boxes["word"], fits)]
    own = {"ids": boxes["id"], "parents": boxes["parent"], "labels": [label(text, 50) for text in boxes["text"]]}
    values = _from_leaves(boxes, size)
    common = {**own, "values": values, "branchvalues": "total", "marker": marker, "sort": False, "level": top["id"]}
    common |= {"customdata": np.stack([boxes["items"], boxes["clicks"], boxes["picked"]], axis=1), "text": says}
    box = "%{label}<br>%{text}<br>%{customdata[0]} items, %{customdata[1]} clicks, %{customdata[2]} picked"
    common |= {"hovertemplate": box + "<extra></extra>", "textinfo": "label", "textfont": {"color": "#000000"}}
    if shape == "icicle":
        trace = go.Icicle(**common, tiling={"orientation": "h"}, pathbar={"visible": False}, leaf={"opacity": 1})
    else:
        trace = go.Sunburst(**common, insidetextorientation="radial", leaf={"opacity": 1})
    rows = max(int((boxes["item"] < 0).sum()) - 1, int((boxes["item"] >= 0).sum()))
    figure = go.Figure(trace, {"template": template(), "margin": {"l": 10, "r": 10, "t": 30, "b": 10}})
    figure.update_layout(height=min(max(480, 13 * rows), 1000), uniformtext={"minsize": 8, "mode": "hide"})
    prefixes, items = int((boxes["item"] < 0).sum()) - 1, int((boxes["item"] >= 0).sum())
    hang = f"then {items:,} items by title" if items else "too many items for boxes of their own yet"
    return describe(
        figure,
        f"A tree below {'prefix ' if top['depth'] else ''}{top['prefix']}: {prefixes:,} prefixes, {hang}. A box is as "
        f"large as it has {size}; click it to go down, the first one to go up. {int(top['picked']):,} of its "
        f"{int(top['items']):,} items are picked.",
    )


def _from_leaves(boxes: pd.DataFrame, size: str) -> np.ndarray:
    """Box sizes; where nothing was ever clicked below a box, items would vanish, so that none does."""
    if size != "clicks" or not boxes["clicks"].any():
        return boxes["items"].to_numpy()
    return boxes["clicks"].to_numpy()
