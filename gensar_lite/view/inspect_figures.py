"""Which figures an identifier report shows in which part, and the table twin of each.

Each function looks at what there is and leaves out what would be empty, or too large for a page that people send
around. It draws nothing itself (``figures_*``).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float, Int

from gensar_lite.identify.diff import Difference
from gensar_lite.identify.labels import name_codes, prefix_names
from gensar_lite.identify.measures import BEHAVIOUR, COLLISIONS, DECODER, MEANING, QUANTISATION, TWO, USE
from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.figures_compare import identifier_diff, part_counts
from gensar_lite.view.figures_debug import (
    MOST_CODES,
    codebook_health,
    level_rows,
    prefix_boxes,
    prefix_tree,
    usage_frame,
)
from gensar_lite.view.figures_identifiers import collision_map, identifier_map
from gensar_lite.view.figures_inspect import CONTROLS, Curve, by_level, curve_table, curves_in

MAPPED = 6_000  # items drawn on the map of a page; of more a sample, and the tree of prefixes ends before its items
_AT_ONCE = 300  # prefixes that can be read at once; of more, a page shows a level at a time
_GROUPS = 3_000  # marks of the collision map
_DRAWN = (
    (USE, Curve("entropy given the prefix", "", "entropy given the prefix, nats")),
    (QUANTISATION, Curve("unexplained variance", "", "unexplained variance, 1 − R²")),
    (QUANTISATION, Curve("flips under noise", "", "items that flip under noise")),
    (COLLISIONS, Curve("collision rate", "", "1 − unique / N")),
    (COLLISIONS, Curve("items in a shared group", "", "items in a shared group")),
    (MEANING, Curve("neighbours under the prefix", "", "neighbours under the prefix")),
    (MEANING, Curve("level above chance", "", "what the level adds, above chance")),
    (MEANING, Curve("cosine", "", "cosine by shared prefix")),
    (BEHAVIOUR, Curve("query concentration", "", "query concentration")),
    (BEHAVIOUR, Curve("clicks: evenness", "", "clicks: evenness over prefixes")),
    (TWO, Curve("same code", "", "same code in both identifiers")),
    (TWO, Curve("agreement", "", "agreement of prefixes, AMI")),
    (DECODER, Curve("accuracy", "", "accuracy per level")),
    (DECODER, Curve("mass outside the trie", "", "mass outside the trie")),
)


class Shown(NamedTuple):
    """A figure of the page.

    Attributes:
        figure: with its description (``theme.describe``).
        heading: what stands above it.
        table: the same as a table; None where another table of the page says it.
    """

    figure: go.Figure
    heading: str
    table: pd.DataFrame | None = None


def map_figure(
    points: Mapping[str, Float[np.ndarray, "M 2"]], items: Int[np.ndarray, " M"], catalogue: Catalogue
) -> Shown:
    """Items on a map or two, with a menu of what is coloured.

    Args:
        points: name of a map -> coordinates of the drawn items.
        items: which items are drawn.
        catalogue: all items.
    """
    choices: dict[str, list[str]] = {}
    for kind, codes in catalogue.table.codes.items():
        for depth in range(1, min(2, codes.shape[1]) + 1):
            shared = len(catalogue.kinds) > 1 and depth <= catalogue.table.shared
            if shared and kind != catalogue.kinds[0]:
                continue
            owner = "shared" if shared else kind
            entry = f"{owner}: first {'code' if depth == 1 else f'{depth} codes'}"
            choices[entry] = _named_prefixes(catalogue, codes, depth)[items].tolist()
    if len(set(catalogue.words)) > 1:
        choices["category"] = catalogue.words[items].tolist()
    for kind in catalogue.kinds:
        sizes = catalogue.group_sizes(kind)[items]
        told = np.where(sizes == 1, "alone", np.where(sizes == 2, "2 items share it", "3 or more share it"))
        choices[f"collisions, {kind}"] = told.tolist()
    titles = [str(catalogue.titles[item]) for item in items]
    figure = identifier_map(points, choices, titles)
    first = next(iter(choices))
    counts = pd.Series(choices[first]).value_counts().head(20)
    table = pd.DataFrame({first: counts.index, "items drawn": counts.to_numpy()})
    return Shown(figure, "The catalogue on a map", table)


def _named_prefixes(catalogue: Catalogue, codes: Int[np.ndarray, "N L"], depth: int) -> np.ndarray:
    """(N,) each item's prefix in writing, with the most frequent category of its items where there are categories."""
    names = prefix_names(codes, depth)
    if catalogue.categories is None:
        return names
    named = name_codes(names.tolist(), catalogue.words.tolist()).set_index("code")["name"]
    return np.array([f"{name} · {named[name]}" for name in names], dtype=object)


def use_figures(catalogue: Catalogue, frame: pd.DataFrame, known_sizes: bool) -> list[Shown]:
    """Codes in use, with the controls' profile, and the tree of prefixes."""
    found = []
    if known_sizes and sum(map(sum, catalogue.table.sizes.values())) <= MOST_CODES:
        rows = level_rows(catalogue.table)
        controls = _profiles(frame[frame["kind"] == catalogue.kinds[0]])
        figure = codebook_health(rows, controls).update_layout(legend={"y": -0.17}, margin={"b": 110}, height=640)
        found.append(Shown(figure, "Codes in use", usage_frame(rows)))
    for kind in catalogue.kinds:
        boxes = prefix_boxes(catalogue, kind, leaves=MAPPED, levels=2)
        shown = 3 if (boxes["item"] < 0).sum() <= _AT_ONCE else 2
        figure = prefix_tree(boxes).update_traces(maxdepth=shown, pathbar={"visible": True})
        table = name_codes(catalogue.table.codes[kind][:, 0].tolist(), catalogue.words.tolist())
        name = "The tree of prefixes" if len(catalogue.kinds) == 1 else f"The tree of {kind} prefixes"
        found.append(Shown(figure, name, table))
    return found


def _profiles(frame: pd.DataFrame) -> dict[str, pd.DataFrame]:
    """The controls' perplexities as shares of the codes, in the form that ``codebook_health`` draws."""
    rows = frame[frame["measure"] == "perplexity"].dropna(subset=["level"])
    dead = frame[frame["measure"] == "dead codes"].set_index("level")
    used = frame[frame["measure"] == "codes used"].set_index("level")
    sizes = (used["value"] / (1 - dead["value"])).reindex(rows["level"]).to_numpy(dtype=float)
    found = {}
    for control, name in CONTROLS.items():
        values = rows[control].to_numpy(dtype=float)
        if np.isfinite(values).any() and control != "control_random":  # dealt-out codes have the same perplexity
            found[name] = pd.DataFrame({"level": rows["level"].to_numpy(), "evenness": values / sizes})
    return found


def group_figures(
    group: str, frame: pd.DataFrame, other: pd.DataFrame | None = None, other_name: str = ""
) -> list[Shown]:
    """Measures of one group against depth, one figure per kind of identifier."""
    found = []
    rows = frame[frame["group"] == group]
    for kind in rows["kind"].unique():
        own = rows[rows["kind"] == kind]
        curves = curves_in(own, [curve for where, curve in _DRAWN if where == group])
        if not curves:
            continue
        beside = None if other is None else other[(other["group"] == group) & (other["kind"] == kind)]
        figure = by_level(own, curves, kind, beside, other_name)
        several = f", {kind}" if rows["kind"].nunique() > 1 else ""
        found.append(Shown(figure, f"From level to level{several}", curve_table(own, curves)))
    return found


def collision_figure(groups: Mapping[str, pd.DataFrame], catalogue: Catalogue) -> Shown | None:
    """Groups of items with one identifier by size and kind; None where there are no groups."""
    kept = {kind: frame.head(_GROUPS) for kind, frame in groups.items() if len(frame)}
    if not kept:
        return None
    return Shown(collision_map(kept, catalogue.titles), "Groups that share an identifier", None)


def difference_figure(difference: Difference) -> Shown:
    """Who moved between two sets of identifiers."""
    return Shown(
        identifier_diff(difference), f"What moved, {difference.kind}", part_counts(difference)[["parts", "items"]]
    )
