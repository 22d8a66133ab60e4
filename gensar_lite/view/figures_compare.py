"""Figures that compare: two sets of identifiers of the same items, and many sets against meaning and behaviour.

Tables in, figures out. Of the same data a figure always has the same traces in the same order, so that a widget can
update it in place; what is picked elsewhere is marked in vermillion. Names are data from strangers and pass through
``theme.label``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from gensar_lite.identify.diff import STATES, Difference
from gensar_lite.view.figures_debug import PICKED
from gensar_lite.view.theme import GREY, OKABE_ITO, PART_COLOUR, describe, label, template

_ON_FIELDS = {"color": "#000000", "size": 12}
_BEHIND = [[0, "#FFFFFF"], [1, "#56B4E9"]]  # white to sky blue, behind black text
SIDES = ("near in both", "near in the first only", "near in the second only", "near in neither")


def identifier_diff(difference: Difference, level: int = 1, picked: Sequence[int] = ()) -> go.Figure:
    """Who moved between two sets of identifiers: at which level, from which code to which, and the collisions.

    Traces: items by the level at which their identifiers part, the picked among them; codes before against codes
    after on one level, the picked among them; the square of collisions before and after.

    Args:
        difference: see ``identify.diff.difference``.
        level: whose codes are compared, from 1.
        picked: item indices of the later table.
    """
    frame = difference.frame
    chosen = frame["item"].isin(picked).to_numpy()
    heads = ["parts at", f"level {level}: code before and after", "collisions"]
    figure = make_subplots(1, 3, subplot_titles=heads, column_widths=[0.28, 0.42, 0.3], horizontal_spacing=0.1)
    counted = part_counts(difference, picked)
    colour, hatch = {"color": OKABE_ITO[0]}, {"color": PICKED, "pattern": {"shape": "/"}}
    told = [f"{row.items:,}" + (f"<br>({row.picked:,})" if row.picked else "") for row in counted.itertuples()]
    # Of names that look like numbers plotly forgets that they are names, with the next change of a bar.
    names = [f"level<br>{parts}" if parts.isdigit() else "not<br>at all" for parts in counted["parts"]]
    says = {"text": told, "textposition": "outside", "cliponaxis": False, "constraintext": "none"}
    figure.add_bar(x=names, y=counted["items"], marker=colour, name="items", **says, row=1, col=1)
    figure.add_bar(x=names, y=counted["picked"], marker=hatch, name="picked items", row=1, col=1)
    before, after = difference.before[:, level - 1], difference.after[:, level - 1]
    flow = pd.DataFrame({"before": before, "after": after, "picked": chosen})
    flow = flow.groupby(["before", "after"])["picked"].agg(["size", "sum"]).reset_index()
    stays = (flow["before"] == flow["after"]).to_numpy()
    marker = {"size": 4 + 2 * np.sqrt(flow["size"]), "symbol": np.where(stays, "circle-open", "diamond").tolist()}
    marker |= {"color": np.where(stays, GREY, OKABE_ITO[0]).tolist(), "opacity": 0.8, "sizemin": 4}
    box = "%{x} → %{y}<br>%{customdata} items<extra></extra>"
    where = {"x": flow["before"], "y": flow["after"], "customdata": flow["size"], "mode": "markers"}
    figure.add_scatter(**where, marker=marker, hovertemplate=box, name="code to code", showlegend=False, row=1, col=2)
    own = flow[flow["sum"] > 0]
    marker = {"symbol": "circle-open", "size": 14, "color": PICKED, "line": {"width": 2, "color": PICKED}}
    places = {"x": own["before"], "y": own["after"], "mode": "markers", "hoverinfo": "skip", "showlegend": False}
    figure.add_scatter(**places, marker=marker, name="picked", row=1, col=2)
    figure.add_trace(_collision_square(frame, chosen), row=1, col=3)
    figure.update_yaxes(title="items (picked)", rangemode="tozero", row=1, col=1)
    figure.update_xaxes(title="code before", row=1, col=2)
    figure.update_yaxes(title="code after", row=1, col=2)
    figure.update_yaxes(autorange="reversed", row=1, col=3)
    figure.update_layout(template=template(), height=440, barmode="overlay", legend={"orientation": "h", "y": -0.2})
    return describe(figure, _diff_words(difference, chosen))


def part_counts(difference: Difference, picked: Sequence[int] = ()) -> pd.DataFrame:
    """Items by the level at which their identifiers part: parts ("1", ..., "not at all"), items, picked."""
    frame = difference.frame
    deepest = max(difference.before.shape[1], int(frame["parts_at"].max()) if frame["parts_at"].notna().any() else 0)
    parts = frame["parts_at"].astype("string").fillna("not at all")
    names = [str(level) for level in range(1, deepest + 1)] + ["not at all"]
    counts = parts.value_counts().reindex(names, fill_value=0)
    own = parts[frame["item"].isin(picked)].value_counts().reindex(names, fill_value=0)
    return pd.DataFrame({"parts": names, "items": counts.to_numpy(int), "picked": own.to_numpy(int)})


def _collision_square(frame: pd.DataFrame, chosen: np.ndarray) -> go.Heatmap:
    """Alone or shared, before (down) and after (across); rows and columns in the order of ``STATES``."""
    counts = frame["state"].value_counts().reindex(STATES, fill_value=0).to_numpy().reshape(2, 2)
    own = frame.loc[chosen, "state"].value_counts().reindex(STATES, fill_value=0).to_numpy().reshape(2, 2)
    names = np.array(STATES, dtype=object).reshape(2, 2)
    text = [
        [
            f"{names[row, column].replace(' ', '<br>', 1)}<br>{counts[row, column]:,}" + _of_picked(own[row, column])
            for column in (0, 1)
        ]
        for row in (0, 1)
    ]
    share = counts / max(counts.sum(), 1)
    look = {"colorscale": _BEHIND, "zmin": 0, "zmax": 1, "showscale": False}
    says = {"text": text, "texttemplate": "%{text}", "textfont": _ON_FIELDS}
    look["hovertemplate"] = "%{text}<extra></extra>"
    x, y = ([f"{name}<br>{when}" for name in ("alone", "shared")] for when in ("after", "before"))
    return go.Heatmap(z=share, x=x, y=y, **look, **says)


def _of_picked(count: int | np.integer) -> str:
    return f"<br>({count} picked)" if count else ""


def _diff_words(difference: Difference, chosen: np.ndarray) -> str:
    frame, moved = difference.frame, len(difference.moved)
    states = frame["state"].value_counts().reindex(STATES, fill_value=0)
    matched = " after matching codes" if difference.matched else ""
    lost = f" {difference.only_before} items are only in the first set and {difference.only_after} only in the second."
    lost = lost if difference.only_before or difference.only_after else ""
    return (
        f"{moved:,} of {len(frame):,} {difference.kind} identifiers differ{matched}. Collisions: {states.iloc[1]:,} "
        f"items entered one, {states.iloc[2]:,} left one, {states.iloc[3]:,} are in one before and after. "
        f"{int(chosen.sum()):,} of the items are picked.{lost}"
    )


# ---------------------------------------------------------------- meaning and behaviour


def alignment_heat(
    frame: pd.DataFrame,
    chosen: tuple[str, int] | None = None,
    picked: Mapping[str, Sequence[float]] | None = None,
) -> go.Figure:
    """How far prefixes follow meaning and behaviour, by depth: a row per set of identifiers, a panel per yardstick.

    Args:
        frame: see ``identify.alignment.alignment``.
        chosen: the set of identifiers and the depth whose cells are framed.
        picked: yardstick -> value per depth of the picked items alone, under the chosen identifiers; a row of its own.
    """
    panels, names = list(frame["against"].unique()), list(frame["identifiers"].unique())
    deepest, picked = int(frame["depth"].max()), picked or {}
    heads = [label(name) for name in panels]
    figure = make_subplots(1, len(panels), subplot_titles=heads, shared_yaxes=True, horizontal_spacing=0.02)
    for column, panel in enumerate(panels, start=1):
        own = frame[frame["against"] == panel].pivot(index="identifiers", columns="depth", values="value")
        grid = own.reindex(index=names, columns=range(1, deepest + 1)).to_numpy(dtype=float)
        extra = np.full(deepest, np.nan)
        extra[: len(picked.get(panel, ()))] = picked.get(panel, ())
        grid = np.concatenate([grid, extra[None]])
        text = [["" if np.isnan(value) else f"{round(value, 2) + 0.0:.2f}" for value in row] for row in grid]
        says = {"text": text, "texttemplate": "%{text}", "textfont": _ON_FIELDS, "hoverongaps": False}
        look = {"colorscale": _BEHIND, "zmin": 0, "zmax": 1, "showscale": False, "xgap": 2, "ygap": 2}
        box = "%{y}, %{x} codes: %{text}<extra></extra>"
        rows = [row_name(name) for name in names] + ["picked items"]
        depths = list(range(1, deepest + 1))
        shown = np.where(np.isnan(grid), None, grid)  # what is sent to a browser knows no NaN
        figure.add_trace(go.Heatmap(z=shown, x=depths, y=rows, hovertemplate=box, **says, **look), row=1, col=column)
        at = [(chosen[1], row_name(chosen[0]))] if chosen else []
        marker = {"symbol": "square-open", "size": 34, "color": PICKED, "line": {"width": 3, "color": PICKED}}
        frame_of = {"x": [x for x, _ in at], "y": [y for _, y in at], "mode": "markers", "hoverinfo": "skip"}
        figure.add_trace(go.Scatter(**frame_of, marker=marker, showlegend=False, name="chosen"), row=1, col=column)
    figure.update_xaxes(title="codes", dtick=1, showgrid=False, zeroline=False)
    figure.update_yaxes(autorange="reversed", showgrid=False)
    figure.update_layout(template=template(), height=130 + 46 * (len(names) + 1), margin={"l": 150})
    best = frame.dropna(subset="value").sort_values("value", ascending=False).drop_duplicates("against")
    says = "; ".join(f"{row.against}: {row.identifiers} at {row.depth}" for row in best.sort_index().itertuples())
    return describe(
        figure,
        "Each field says how far prefixes of that many codes follow a yardstick: 0 is chance, 1 is as far as the sizes "
        f"of the prefixes allow. Largest – {says}.",
    )


def row_name(name: str) -> str:
    """How a heat map writes the name of a set of identifiers."""
    return label(name, 30)


def alignment_formula(frame: pd.DataFrame, name: str, depth: int, against: str) -> str:
    """One value of an alignment with its numbers, as a line of plain text."""
    rows = frame[(frame["identifiers"] == name) & (frame["depth"] == depth) & (frame["against"] == against)]
    if rows.empty:
        return f"{against}: {name} has no {depth} codes."
    row = rows.iloc[0]
    if np.isnan(row["share"]):
        return f"{against}: adjusted mutual information {row['value']:.3f}."
    lift = "" if np.isnan(row["lift"]) else f"; lift {row['share']:.3f} / {row['by_lot']:.4f} = {row['lift']:.1f}"
    if np.isnan(row["value"]):
        return f"{against}: share {row['share']:.3f}, and no room above chance ({row['room']:.3f})."
    share, lots, most = row["share"], row["by_lot"], row["room"]
    return f"{against}: ({share:.3f} - {lots:.4f}) / ({most:.3f} - {lots:.4f}) = {row['value']:.3f}{lift}"


def alignment_square(
    frame: pd.DataFrame,
    spaces: tuple[str, str],
    chosen: tuple[str, int],
    sides: pd.DataFrame,
    picked: tuple[float, float] | None = None,
) -> go.Figure:
    """Meaning against behaviour: a path per set of identifiers, one mark per depth; beside it the square of items.

    Args:
        frame: see ``identify.alignment.alignment``.
        spaces: the two yardsticks, meaning (across) and behaviour (up).
        chosen: the set of identifiers and the depth that stand out.
        sides: see ``side_counts``.
        picked: the two values of the picked items alone, under the chosen identifiers.
    """
    heads = ["values above chance, by depth", f"{label(chosen[0], 30)}, {chosen[1]} codes: items"]
    figure = make_subplots(1, 2, subplot_titles=heads, column_widths=[0.62, 0.38], horizontal_spacing=0.16)
    for place, name in enumerate(frame["identifiers"].unique()):
        x, y = (_path(frame, name, space) for space in spaces)
        own = name == chosen[0]
        colour = PART_COLOUR.get(str(name), (OKABE_ITO[3], OKABE_ITO[4], GREY)[place % 3])
        line = {"color": colour, "width": 4 if own else 1.5, "dash": ("solid", "dash", "dot", "dashdot")[place % 4]}
        sizes = [17 if own and depth == chosen[1] else 9 for depth in x.index]
        symbol = ("circle", "diamond", "square", "x")[place % 4]
        marker = {"size": sizes, "symbol": symbol, "color": colour, "line": {"width": 1, "color": GREY}}
        says = {"text": [str(depth) for depth in x.index], "textposition": "top center"}
        box = f"{label(name)}, %{{text}} codes<br>%{{x:.2f}} and %{{y:.2f}}<extra></extra>"
        both = {"mode": "lines+markers+text", "line": line, "marker": marker, "name": label(name), **says}
        figure.add_trace(go.Scatter(x=x, y=y, hovertemplate=box, **both), row=1, col=1)
    at = [picked] if picked is not None and not np.isnan(picked).any() else []
    marker = {"symbol": "star", "size": 18, "color": PICKED, "line": {"width": 1, "color": GREY}}
    points = {"x": [x for x, _ in at], "y": [y for _, y in at], "mode": "markers", "showlegend": bool(at)}
    figure.add_trace(go.Scatter(**points, marker=marker, name="picked items"), row=1, col=1)
    figure.add_trace(_side_square(sides, spaces), row=1, col=2)
    figure.update_xaxes(title=f"meaning: neighbours {label(spaces[0])}", row=1, col=1)
    figure.update_yaxes(title=f"behaviour: neighbours {label(spaces[1])}", row=1, col=1)
    figure.update_yaxes(autorange="reversed", row=1, col=2)
    figure.update_layout(template=template(), height=460, legend={"orientation": "h", "y": -0.2})
    both = sides.set_index("side")["items"]
    return describe(
        figure,
        f"Paths of {frame['identifiers'].nunique()} sets of identifiers; further right follows meaning more, further "
        f"up behaviour. Of the items of {chosen[0]} at {chosen[1]} codes, {both.iloc[0]:,} stand with most of their "
        f"neighbours of both kinds, {both.iloc[1]:,} with those {spaces[0]} only, {both.iloc[2]:,} with those "
        f"{spaces[1]} only, {both.iloc[3]:,} with neither.",
    )


def side_counts(sides: np.ndarray, picked: Sequence[int] = ()) -> pd.DataFrame:
    """How many items stand near whom: side (0 .. 3 in words), items, picked.

    Args:
        sides: (N,) 0 = of both kinds of neighbours at least half of those that the item's prefix has room for are under
            it, 1 = of the first kind only, 2 = of the second kind only, 3 = of neither.
        picked: item indices.
    """
    own = sides[np.asarray(picked, dtype=np.int64)]
    counts = {"items": np.bincount(sides, minlength=4), "picked": np.bincount(own, minlength=4)}
    return pd.DataFrame({"side": list(SIDES), **counts})


def _path(frame: pd.DataFrame, name: str, space: str) -> pd.Series:
    own = frame[(frame["identifiers"] == name) & (frame["against"] == space)]
    return own.set_index("depth")["value"].sort_index()


def _side_square(sides: pd.DataFrame, spaces: tuple[str, str]) -> go.Heatmap:
    counts, own = sides["items"].to_numpy().reshape(2, 2), sides["picked"].to_numpy().reshape(2, 2)
    text = [[f"{counts[row, col]:,}{_of_picked(own[row, col])}" for col in (0, 1)] for row in (0, 1)]
    # Rows: near by the first space or not; columns: near by the second or not.
    x, y = ([f"{label(space)}: near", f"{label(space)}: apart"] for space in (spaces[1], spaces[0]))
    look = {"colorscale": _BEHIND, "zmin": 0, "zmax": 1, "showscale": False, "xgap": 2, "ygap": 2}
    says = {"text": text, "texttemplate": "%{text}", "textfont": {"color": "#000000", "size": 15}}
    look["hovertemplate"] = "%{y}, %{x}<br>%{text} items<extra></extra>"
    return go.Heatmap(z=counts / max(counts.sum(), 1), x=x, y=y, **look, **says)
