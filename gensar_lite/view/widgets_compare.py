"""Linked views that compare: two sets of identifiers, and many sets against meaning and behaviour.

Thin shells, as in ``widgets_identifiers``: what is picked here shows in every view of the same ``Selection``.
"""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Int

from gensar_lite.identify.alignment import alignment, follow, room, under_prefix
from gensar_lite.identify.diff import STATES, Difference
from gensar_lite.identify.labels import category_levels
from gensar_lite.identify.table import group_labels
from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.figures_compare import (
    SIDES,
    alignment_formula,
    alignment_heat,
    alignment_square,
    identifier_diff,
    part_counts,
    row_name,
    side_counts,
)
from gensar_lite.view.selection import Selection
from gensar_lite.view.theme import safe
from gensar_lite.view.widgets_figure import Point
from gensar_lite.view.widgets_linked import LABEL, NOTHING, WIDE, LinkedView

NEAR = 0.5  # an item stands with its neighbours if this share of those that its prefix has room for is under it


class IdentifierDiff(LinkedView):
    """Two sets of identifiers of the same items: who moved, at which level, which collisions came and went.

    Attributes:
        kind: of identifier.
        level: whose codes before and after are drawn.
        pick_from: menu of movers and collisions: what a click on a bar, a mark or a field does by mouse.
    """

    def __init__(
        self, catalogue: Catalogue, differences: Mapping[str, Difference], selection: Selection | None = None
    ) -> None:
        """Args:
        catalogue: the items, with the later identifiers.
        differences: kind -> what ``identify.diff.difference`` found.
        selection: shared with other views; one of its own if None.

        Raises:
            ValueError: there is no difference to show.
        """
        if not differences:
            raise ValueError("Nothing to compare. Give at least one kind's difference (identify.diff.difference).")
        self._differences = dict(differences)
        self.kind = ipywidgets.Dropdown(options=list(self._differences), description="kind", style=LABEL)
        busiest = int(np.argmax((self.difference.before != self.difference.after).sum(axis=0))) + 1
        self.level = ipywidgets.IntSlider(value=busiest, min=1, max=self._levels(), description="level", style=LABEL)
        self.pick_from = ipywidgets.Dropdown(options=self._choices(), description="pick", style=LABEL, layout=WIDE)
        self.kind.observe(self._other_kind, "value")
        super().__init__(catalogue, selection, [self.kind, self.level, self.pick_from], self.pick_from)
        self.pick_from.observe(self._pick_from, "value")
        self.on_click(self._clicked)

    @property
    def difference(self) -> Difference:
        """Of the chosen kind."""
        return self._differences[self.kind.value]

    def items_of(self, choice: str) -> Int[np.ndarray, " M"]:
        """Item indices of a choice: "1" ... for those that part at that level, "not at all", or a state's name."""
        frame = self.difference.frame
        parts = frame["parts_at"].astype("string").fillna("not at all")
        return frame.loc[(parts == choice) | (frame["state"] == choice), "item"].to_numpy()

    def figure(self) -> go.Figure:
        """Where identifiers part, codes before against after on one level, collisions before against after."""
        return identifier_diff(self.difference, self.level.value, self.picked)

    def twin(self) -> pd.DataFrame:
        """Items by where they part and by what became of their collision, and how many of them are picked."""
        frame = self.difference.frame
        own = frame[frame["item"].isin(self.picked)]
        states = pd.DataFrame({"parts": STATES})
        for name, part in (("items", frame), ("picked", own)):
            states[name] = part["state"].value_counts().reindex(STATES, fill_value=0).to_numpy()
        return pd.concat([part_counts(self.difference, self.picked), states]).rename(columns={"parts": "what"})

    def remark(self) -> str:
        """The picked items' identifiers before and after, for the first few."""
        found = self.difference
        rows = np.flatnonzero(found.frame["item"].isin(self.picked))[:5]
        told = [
            f"<li>{safe(self.catalogue.titles[found.frame['item'].iloc[row]])}: "
            f"{'-'.join(map(str, found.before[row]))} → {'-'.join(map(str, found.after[row]))}</li>"
            for row in rows
        ]
        if not told:
            return '<p role="status">Pick movers to see their identifiers before and after.</p>'
        head = f"Before and after, the first {len(told)} of the picked items:"
        return f'<p role="status">{head}</p><ul>{"".join(told)}</ul>'

    def _levels(self) -> int:
        return self.difference.before.shape[1]

    def _choices(self) -> list[tuple[str, str]]:
        counted = part_counts(self.difference)
        said = [f"part at level {parts}" if parts.isdigit() else "stay as they are" for parts in counted["parts"]]
        entries = [(f"{text} · {row.items:,} items", row.parts) for text, row in zip(said, counted.itertuples())]
        states = self.difference.frame["state"].value_counts()
        return [(NOTHING, ""), *entries, *((f"{name} · {states.get(name, 0):,} items", name) for name in STATES)]

    def _other_kind(self, _: dict) -> None:
        self.level.max = self._levels()
        self.pick_from.options = self._choices()

    def _pick_from(self, change: dict) -> None:
        if change["new"]:
            self.pick(self.items_of(change["new"]))

    def _clicked(self, point: Point) -> None:
        """Traces: bars, picked bars, code to code, its rings, the square of collisions."""
        if point.trace < 2:
            self.pick(self.items_of(part_counts(self.difference)["parts"].iloc[point.place]))
        elif point.trace == 2:
            self.pick(self._flowing(int(point.x), int(point.y)))
        elif point.trace == 4:
            self.pick(self.items_of(_state_at(str(point.x), str(point.y))))

    def _flowing(self, before: int, after: int) -> np.ndarray:
        found, level = self.difference, self.level.value - 1
        same = (found.before[:, level] == before) & (found.after[:, level] == after)
        return found.frame.loc[same, "item"].to_numpy()


class AlignmentHeat(LinkedView):
    """Meaning and behaviour against depth, beside the controls: how far prefixes follow neighbours and categories.

    Attributes:
        scheme: the set of identifiers whose row is framed.
        depth: codes of the prefix that is framed.
        astray: menu of yardsticks: picks the items that stand apart, under this scheme's prefixes, from all their
            neighbours in that space, or from their category's majority prefix. A click on a field does the same.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        codes: Mapping[str, Int[np.ndarray, "_ _"]],
        neighbours: Mapping[str, Int[np.ndarray, "_ _"]],
        selection: Selection | None = None,
        categories: pd.DataFrame | None = None,
        frame: pd.DataFrame | None = None,
    ) -> None:
        """Args:
        catalogue: the items.
        codes: name -> identifiers of these items, the controls too.
        neighbours: name of a space -> each item's nearest items, found in the original space.
        selection: shared with other views; one of its own if None.
        categories: one column per yardstick, each item's category on it; the levels of the catalogue's category
            paths by default.
        frame: ``identify.alignment.alignment`` of the same, where it has been computed before.
        """
        self.catalogue, self._codes, self._neighbours = catalogue, dict(codes), dict(neighbours)
        known = catalogue.categories is not None
        self._sorts = _category_columns(catalogue) if categories is None and known else categories
        self.frame = alignment(self._codes, self._neighbours, self._sorts) if frame is None else frame
        self._known: dict[tuple[str, str], np.ndarray] = {}
        self._rows, self._panels = list(self.frame["identifiers"].unique()), list(self.frame["against"].unique())
        deepest = int(self.frame["depth"].max())
        self.scheme = ipywidgets.Dropdown(options=self._rows, description="identifiers", style=LABEL)
        self.depth = ipywidgets.IntSlider(value=min(2, deepest), min=1, max=deepest, description="codes", style=LABEL)
        choices = [(NOTHING, ""), *((f"astray: {panel}", panel) for panel in self._panels)]
        self.astray = ipywidgets.Dropdown(options=choices, description="pick", style=LABEL)
        super().__init__(catalogue, selection, [self.scheme, self.depth, self.astray], self.astray)
        self.astray.observe(self._pick_astray, "value")
        self.on_click(self._clicked)

    def astray_items(self, against: str) -> Int[np.ndarray, " M"]:
        """Items that stand apart from all their neighbours in a space, or from most of their category.

        For a category: the items whose prefix has another category for its most frequent one.
        """
        codes = self._codes[self.scheme.value]
        depth = min(self.depth.value, codes.shape[1])
        if against in self._neighbours:
            return np.flatnonzero(self._shares(self.scheme.value, against)[:, depth - 1] == 0)
        prefix = pd.Series(group_labels(codes[:, :depth])[0])
        category = self._sorts[against]
        most = category.groupby(prefix).agg(lambda own: own.value_counts().sort_index().idxmax())
        return np.flatnonzero((category != prefix.map(most)).to_numpy())

    def figure(self) -> go.Figure:
        """The heat map; the picked items alone have a row of their own."""
        depth = min(self.depth.value, self._codes[self.scheme.value].shape[1])
        return alignment_heat(self.frame, (self.scheme.value, depth), self._of_picked())

    def twin(self) -> pd.DataFrame:
        """``frame``: one row per set of identifiers, depth and yardstick."""
        return self.frame

    def remark(self) -> str:
        """The framed values with their numbers."""
        told = [
            f"<li><code>{safe(alignment_formula(self.frame, self.scheme.value, self.depth.value, panel))}</code></li>"
            for panel in self._panels
        ]
        head = f"{safe(self.scheme.value)}, {self.depth.value} codes; (share - by lot) / (room - by lot):"
        return f'<p role="status">{head}</p><ul>{"".join(told)}</ul>'

    def _of_picked(self) -> dict[str, list[float]]:
        if not self.picked:
            return {}
        codes = self._codes[self.scheme.value]
        return {space: follow(codes, near, self.picked).value.tolist() for space, near in self._neighbours.items()}

    def _shares(self, scheme: str, space: str) -> np.ndarray:
        if (scheme, space) not in self._known:
            self._known[scheme, space] = under_prefix(self._codes[scheme], self._neighbours[space])
        return self._known[scheme, space]

    def _pick_astray(self, change: dict) -> None:
        if change["new"]:
            self.pick(self.astray_items(change["new"]))

    def _clicked(self, point: Point) -> None:
        shown = [name for name in self._rows if row_name(name) == point.y]
        if point.trace % 2 == 0 and shown:  # the row of the picked items is no scheme
            self.scheme.value, self.depth.value = shown[0], int(point.x)
            self.pick(self.astray_items(self._panels[point.trace // 2]))


class TradeoffSquare(LinkedView):
    """Meaning against behaviour by depth, and the square of items: with whom does each one stand?

    Attributes:
        scheme: the set of identifiers that stands out.
        depth: codes of the prefix.
        side: menu of the square's four fields: what a click on a field does by mouse.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        codes: Mapping[str, Int[np.ndarray, "_ _"]],
        neighbours: Mapping[str, Int[np.ndarray, "_ _"]],
        selection: Selection | None = None,
    ) -> None:
        """Args:
        catalogue: the items.
        codes: name -> identifiers of these items, the controls too.
        neighbours: the two spaces, meaning first, then behaviour: each item's nearest items there.
        selection: shared with other views; one of its own if None.

        Raises:
            ValueError: not two spaces.
        """
        if len(neighbours) != 2:
            raise ValueError(f"The square needs two spaces, meaning first and then behaviour, not {len(neighbours)}.")
        self.catalogue, self._codes, self._neighbours = catalogue, dict(codes), dict(neighbours)
        self.spaces: tuple[str, str] = tuple(self._neighbours)
        self._shares = {
            name: [under_prefix(own, near) for near in self._neighbours.values()] for name, own in self._codes.items()
        }
        self.frame = alignment(self._codes, self._neighbours)
        deepest = max(own.shape[1] for own in self._codes.values())
        self.scheme = ipywidgets.Dropdown(options=list(self._codes), description="identifiers", style=LABEL)
        self.depth = ipywidgets.IntSlider(value=min(2, deepest), min=1, max=deepest, description="codes", style=LABEL)
        choices = [(NOTHING, -1), *((name, place) for place, name in enumerate(self._side_names()))]
        self.side = ipywidgets.Dropdown(options=choices, description="pick", style=LABEL)
        super().__init__(catalogue, selection, [self.scheme, self.depth, self.side], self.side)
        self.side.observe(self._pick_side, "value")
        self.on_click(self._clicked)

    @property
    def sides(self) -> Int[np.ndarray, " N"]:
        """For each item 0 .. 3, see ``figures_compare.side_counts``."""
        codes, at = self._codes[self.scheme.value], self._depth() - 1
        near = []
        for share, nearest in zip(self._shares[self.scheme.value], self._neighbours.values()):
            most = room(codes[:, : at + 1], nearest.shape[1])[:, at]
            near.append((most > 0) & (share[:, at] >= NEAR * most))
        return 2 * (~near[0]).astype(np.int64) + (~near[1]).astype(np.int64)

    def figure(self) -> go.Figure:
        """The paths of all sets of identifiers, the picked items' own place, the square of items."""
        chosen = (self.scheme.value, self._depth())
        return alignment_square(self.frame, self.spaces, chosen, self.counts(), self._of_picked())

    def counts(self) -> pd.DataFrame:
        """The four fields: side, items, picked."""
        return side_counts(self.sides, self.picked)

    def twin(self) -> pd.DataFrame:
        """``frame``: one row per set of identifiers, depth and space."""
        return self.frame

    def remark(self) -> str:
        """The chosen mark's two values with their numbers."""
        told = [alignment_formula(self.frame, self.scheme.value, self._depth(), space) for space in self.spaces]
        lines = "".join(f"<li><code>{safe(line)}</code></li>" for line in told)
        return f'<p role="status">{safe(self.scheme.value)}, {self._depth()} codes:</p><ul>{lines}</ul>'

    def _depth(self) -> int:
        return min(self.depth.value, self._codes[self.scheme.value].shape[1])

    def _of_picked(self) -> tuple[float, float] | None:
        if not self.picked:
            return None
        codes, at = self._codes[self.scheme.value], self._depth() - 1
        across, up = (float(follow(codes, near, self.picked).value[at]) for near in self._neighbours.values())
        return across, up

    def _side_names(self) -> list[str]:
        first, second = self.spaces
        told = dict(zip(SIDES, ("near in both", f"near {first} only", f"near {second} only", "near in neither")))
        return [told[name] for name in SIDES]

    def _pick_side(self, change: dict) -> None:
        if change["new"] >= 0:
            self.pick(np.flatnonzero(self.sides == change["new"]))

    def _clicked(self, point: Point) -> None:
        if point.trace < len(self._codes):  # a mark on a path: one set of identifiers at one depth
            self.scheme.value, self.depth.value = list(self._codes)[point.trace], point.place + 1
        elif point.trace == len(self._codes) + 1:
            field = 2 * str(point.y).endswith("apart") + str(point.x).endswith("apart")
            self.pick(np.flatnonzero(self.sides == field))


def _state_at(across: str, up: str) -> str:
    """The state of a field of the collision square, by the words on its axes."""
    return STATES[2 * up.startswith("shared") + across.startswith("shared")]


def _category_columns(catalogue: Catalogue) -> pd.DataFrame:
    """Category levels under the names that readers see."""
    levels = category_levels(list(catalogue.categories))
    last = levels.shape[1]
    names = {f"level_{place}": f"category level {place}" for place in range(1, last + 1)}
    return levels.rename(columns=names)
