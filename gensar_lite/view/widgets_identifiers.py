"""Linked views of identifiers: items on maps, and their collisions.

Thin shells: each keeps the state of its controls and asks a pure figure function what that looks like. What is picked
in one, by a click, a lasso or its search box or menu, shows in all that were handed the same ``Selection``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float

from gensar_lite.embed.neighbours import nearest
from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.figures_identifiers import collision_map
from gensar_lite.view.figures_map import colourings, drawn_items, item_map, kept_near, spread
from gensar_lite.view.selection import Selection
from gensar_lite.view.theme import safe
from gensar_lite.view.widgets_figure import Point
from gensar_lite.view.widgets_linked import LABEL, NOTHING, WIDE, LinkedView, find_box, side_by_side

_LISTED = 300  # groups that the menu offers; the rest by clicking


class IdentifierMap(LinkedView):
    """Items on one map or several: colour by codes, find or lasso items, see the true neighbours of one.

    Up to 100,000 items are drawn; of more a sample, and the figure says so (``widgets_large_map`` draws a million).

    Attributes:
        colour: by what the items are coloured.
        find: text field; Enter picks what it finds (see ``Catalogue.find``): what the lasso does by mouse.
        neighbours: how many neighbours of a single picked item are ringed, 0 to 20.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        spaces: Mapping[str, Float[np.ndarray, "_ 2"]],
        embeddings: Mapping[str, Float[np.ndarray, "_ _"]] | None = None,
        selection: Selection | None = None,
    ) -> None:
        """Args:
        catalogue: the items.
        spaces: name of a map ("by text") -> coordinates (``projection.project``).
        embeddings: name of a map -> the vectors it was made of; neighbours and cosines are computed on them.
        selection: shared with other views; one of its own if None.

        Raises:
            ValueError: no map, a map or an embedding with another number of rows, or an embedding without its map.
        """
        self.spaces, self.embeddings = dict(spaces), dict(embeddings or {})
        _check_spaces(catalogue.n_items, self.spaces, self.embeddings)
        self._colourings = colourings(catalogue)
        self.drawn = drawn_items(next(iter(self._colourings.values())).look)
        self.colour = ipywidgets.Dropdown(options=list(self._colourings), description="colour by", style=LABEL)
        self.find = find_box()
        self.neighbours = ipywidgets.IntSlider(value=10, min=0, max=20, description="neighbours", style=LABEL)
        super().__init__(catalogue, selection, [self.colour, self.find, self.neighbours])
        every = 2 + len(self.spaces)  # traces per map; the first are the points
        self._points = {column * every for column in range(len(self.spaces))}
        self.on_click(lambda point: self.pick(self._items([point])))
        self.on_lasso(self._items)
        self.find.observe(lambda change: self.pick(self.catalogue.find(change["new"])), "value")

    def figure(self) -> go.Figure:
        """The maps, with what is picked and, for a single item, its nearest in the original spaces."""
        lists = {name: found.items.tolist() for name, found in self._nearest().items()}
        colouring = self._colourings[self.colour.value]
        return item_map(self.spaces, colouring, self.catalogue.titles, self.drawn, self.picked, lists)

    def twin(self) -> pd.DataFrame:
        """The neighbours of a single picked item; how close several are; what the colours mean if none is picked."""
        if len(self.picked) == 1:
            frames = []
            for name, found in self._nearest().items():
                own = self.catalogue.frame(found.items)
                own.insert(0, "cosine", found.cosines)
                own.insert(0, "nearest", name)
                frames.append(own)
            return pd.concat(frames, ignore_index=True) if frames else self.catalogue.frame(self.picked)
        if self.picked:
            rows = [(name, *spread(matrix, self.picked)) for name, matrix in self.embeddings.items()]
            return pd.DataFrame(rows, columns=["space", "mean cosine of the picked", "mean cosine of any two"])
        colouring = self._colourings[self.colour.value]
        counts = np.bincount(colouring.look, minlength=8)
        rows = [(name.rsplit(" (", 1)[0], counts[place]) for place, name in enumerate(colouring.names)]
        return pd.DataFrame([*rows, (colouring.rest, counts[7])], columns=[self.colour.value, "items"])

    def remark(self) -> str:
        """What was found, and the numbers of the original spaces beside what the map makes of them."""
        picked, asked = self.picked, self.find.value.strip()
        if not picked:
            missed = f"Nothing answers “{safe(asked)}”. " if asked else ""
            return f'<p role="status">{missed}Nothing is picked: draw a lasso, click an item, or type words.</p>'
        if len(picked) > 1:
            told = [f"{name} {own.among:.2f} (any two: {own.anyone:.2f})" for name, own in self._spreads()]
            cosines = f" Mean cosine of two of them: {safe('; '.join(told))}." if told else ""
            return f'<p role="status">{len(picked):,} items are picked.{cosines}</p>'
        title = safe(self.catalogue.titles[picked[0]])
        told = [
            f"{len(found.items)} nearest {name}, {kept_near(self.spaces[name], picked[0], found.items)} of them also "
            "near on the map"
            for name, found in self._nearest().items()
        ]
        return f'<p role="status"><b>{title}</b>{safe(": " + "; ".join(told) if told else "")}.</p>'

    def _items(self, points: list[Point]) -> list[int]:
        return [int(self.drawn[point.place]) for point in points if point.trace in self._points]

    def _spreads(self) -> list[tuple[str, object]]:
        return [(name, spread(matrix, self.picked)) for name, matrix in self.embeddings.items()]

    def _nearest(self) -> dict:
        count = min(self.neighbours.value, self.catalogue.n_items - 1)
        if len(self.picked) != 1 or count < 1:
            return {}
        return {name: nearest(matrix, self.picked[0], count) for name, matrix in self.embeddings.items()}


class CollisionMap(LinkedView):
    """Groups of items with one identifier or prefix, by size and kind; the members of one side by side.

    Attributes:
        depth: codes of the prefix; at full length the groups are collisions.
        group: menu of groups, largest first: what a click on a mark does by mouse.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        groups: Callable[[str, int], pd.DataFrame],
        selection: Selection | None = None,
    ) -> None:
        """Args:
        catalogue: the items.
        groups: (kind of identifier, depth) -> groups (``labels.collision_groups``); asked once for each.
        selection: shared with other views; one of its own if None.
        """
        self.catalogue, self._find_groups, self._known = catalogue, groups, {}
        deepest = max(codes.shape[1] for codes in catalogue.table.codes.values())
        self.depth = ipywidgets.IntSlider(value=deepest, min=1, max=deepest, description="codes", style=LABEL)
        self.group = ipywidgets.Dropdown(options=[(NOTHING, ())], description="group", style=LABEL, layout=WIDE)
        self._list_groups({})
        self.depth.observe(self._list_groups, "value")
        super().__init__(catalogue, selection, [self.depth, self.group], self.group)
        self.group.observe(self._pick_group, "value")
        self.on_click(lambda point: self.pick(self._members([point])))
        self.on_lasso(self._members)

    @property
    def groups(self) -> dict[str, pd.DataFrame]:
        """Kind of identifier -> its groups at the chosen depth, or at its own full length if that is shorter."""
        found = {}
        for kind, codes in self.catalogue.table.codes.items():
            depth = min(self.depth.value, codes.shape[1])
            if (kind, depth) not in self._known:
                self._known[kind, depth] = self._find_groups(kind, depth)
            found[f"{kind}, {depth} of {codes.shape[1]} codes"] = self._known[kind, depth]
        return found

    def figure(self) -> go.Figure:
        """Every group of this depth; those that hold picked items are ringed."""
        return collision_map(self.groups, self.catalogue.titles, self.picked)

    def twin(self) -> pd.DataFrame:
        """One row per group: identifiers, code, size, kind, least_cosine, picked (how many of its items)."""
        picked = set(self.picked)
        frames = [frame.assign(identifiers=name) for name, frame in self.groups.items()]
        table = pd.concat(frames, ignore_index=True)
        table["picked"] = [len(picked.intersection(items)) for items in table["items"]]
        table = table.sort_values(["picked", "size"], ascending=False, kind="stable")
        return table[["identifiers", "code", "size", "kind", "least_cosine", "picked"]]

    def remark(self) -> str:
        """The members of the touched group side by side; how many groups of which kind if there are several."""
        picked = set(self.picked)
        touched = [
            (name, row) for name, frame in self.groups.items() for row in frame.itertuples() if picked & set(row.items)
        ]
        if not touched:
            return '<p role="status">No picked item shares its prefix at this depth.</p>'
        name, row = touched[0]
        counts = pd.Series([row.kind for _, row in touched]).value_counts()
        told = ", ".join(f"{count} {kind}" for kind, count in counts.items())
        head = f"<p role='status'>{len(touched)} groups hold picked items: {safe(told)}. The first:</p>"
        if len({row.items for _, row in touched}) == 1:
            head = f"<p role='status'>{safe(name)}: {row.size} items named {safe(row.code)}, {safe(row.kind)}.</p>"
        return head + side_by_side(self.catalogue.frame(row.items))

    def _list_groups(self, _: dict) -> None:
        found = [(name, row) for name, frame in self.groups.items() for row in frame.itertuples()]
        found.sort(key=lambda entry: -entry[1].size)
        entries = [
            (f"{name.partition(',')[0]} {row.code} · {row.size} items · {row.kind}", row.items)
            for name, row in found[:_LISTED]
        ]
        self.group.options = [(NOTHING, ()), *entries]

    def _pick_group(self, change: dict) -> None:
        if change["new"]:
            self.pick(change["new"])

    def _members(self, points: list[Point]) -> list[int]:
        found: list[int] = []
        frames = list(self.groups.values())
        for point in points:
            marks = self.plot.data[point.trace].customdata
            if marks is not None:  # a ring is no group
                _, panel, row = marks[point.place]
                found += frames[int(panel)]["items"].iloc[int(row)]
        return found


def _check_spaces(n_items: int, spaces: Mapping[str, np.ndarray], embeddings: Mapping[str, np.ndarray]) -> None:
    if not spaces:
        raise ValueError("A map needs at least one set of coordinates. Make one with projection.project.")
    for name, points in spaces.items():
        if points.shape != (n_items, 2):
            raise ValueError(f"The map '{name}' has shape {points.shape} for {n_items} items; it needs two columns.")
    for name, matrix in embeddings.items():
        if name not in spaces:
            raise ValueError(f"No map for the embedding '{name}'. Name it as its map: {', '.join(spaces)}.")
        if len(matrix) != n_items:
            raise ValueError(f"The embedding '{name}' has {len(matrix)} rows for {n_items} items.")
