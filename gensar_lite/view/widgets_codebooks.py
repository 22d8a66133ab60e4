"""Linked views of codebooks and prefixes: how codes are used, and what hangs below them.

Thin shells, as in ``widgets_identifiers``: what is picked here shows in every view of the same ``Selection``.
"""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Float, Int

from gensar_lite.embed.neighbours import unit_rows
from gensar_lite.identify.labels import name_codes, prefix_names
from gensar_lite.identify.table import IdentifierTable
from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.figures_debug import codebook_health, level_rows, prefix_boxes, prefix_tree, usage_frame
from gensar_lite.view.selection import Selection
from gensar_lite.view.theme import safe
from gensar_lite.view.widgets_figure import Point
from gensar_lite.view.widgets_linked import LABEL, NOTHING, WIDE, LinkedView, short

EXEMPLARS = 8
_FINISHED = -1  # the slider's last stop: the codes as they were kept, not those of one epoch
_BRANCHES = 300  # that the menu offers; the rest by clicking
Branch = tuple[str, tuple[int, ...]]  # kind of identifier, prefix


class CodebookHealth(LinkedView):
    """Every code of every level by use, the profile of perplexities beside its controls, and how it came about.

    Attributes:
        epoch: slider over the training's epochs; absent without a history.
        level: which level's codes the next menu lists.
        code: menu of codes, most used first: what a click on the grid does by mouse. Its items become the picked ones.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        controls: Mapping[str, IdentifierTable] | None = None,
        history: pd.DataFrame | None = None,
        embeddings: Mapping[str, Float[np.ndarray, "_ _"]] | None = None,
        selection: Selection | None = None,
    ) -> None:
        """Args:
        catalogue: the items.
        controls: name -> table of control identifiers, random ones for example; drawn into the profile.
        history: one row per epoch, family and level (see ``figures_debug.codebook_health``).
        embeddings: kind of identifier -> vectors; a code's exemplars are the items nearest to the mean of its items.
            Without them the most clicked ones, or the first.
        selection: shared with other views; one of its own if None.
        """
        self.catalogue, self.rows = catalogue, level_rows(catalogue.table)
        self._controls = {name: usage_frame(level_rows(table)) for name, table in (controls or {}).items()}
        self._history, self._embeddings = history, embeddings or {}
        epochs = [] if history is None else sorted(history["epoch"].unique().tolist())
        stops = [*((str(epoch), epoch) for epoch in epochs), ("finished", _FINISHED)]
        self.epoch = ipywidgets.SelectionSlider(
            options=stops, value=_FINISHED, description="epoch", style=LABEL, continuous_update=False
        )
        names = [(row.name, place) for place, row in enumerate(self.rows)]
        self.level = ipywidgets.Dropdown(options=names, description="level", style=LABEL)
        self.code = ipywidgets.Dropdown(options=[(NOTHING, -1)], description="code", style=LABEL)
        self._list_codes({})
        self.level.observe(self._list_codes, "value")
        super().__init__(catalogue, selection, [*([self.epoch] if epochs else []), self.level, self.code], self.code)
        self.code.observe(self._pick_code, "value")
        self.on_click(self._clicked)

    def choose(self, row: int, code: int) -> None:
        """Choose a code as the menus do: its items become the picked ones.

        Args:
            row: place of the level in ``rows``.
            code: 0 .. K - 1; codes beyond a short level are let be.
        """
        if 0 <= row < len(self.rows) and 0 <= code < len(self.rows[row].counts):
            self.level.value = row
            self.code.value = code

    def figure(self) -> go.Figure:
        """The grid, the profile with its controls and the epochs; codes of picked items are marked."""
        epoch = None if self.epoch.value == _FINISHED else self.epoch.value
        picked = [row.counts for row in level_rows(self.catalogue.table, self.picked)] if self.picked else ()
        chosen = (self.level.value, self.code.value) if self.code.value >= 0 else None
        return codebook_health(self.rows, self._controls, self._history, epoch, picked, chosen)

    def twin(self) -> pd.DataFrame:
        """Use of every level, and the evenness of the controls beside it."""
        frame = usage_frame(self.rows)
        for name, usage in self._controls.items():
            even = usage.drop_duplicates("level").set_index("level")["evenness"]
            frame[f"evenness, {name}"] = frame["level"].map(even)
        return frame

    def exemplars(self, row: int, code: int, most: int = EXEMPLARS) -> Int[np.ndarray, " M"]:
        """The items that stand for a code: nearest to the mean of its items, or most clicked, or first."""
        level = self.rows[row]
        items = np.flatnonzero(self.catalogue.table.codes[level.kind][:, level.level - 1] == code)
        if level.kind in self._embeddings and len(items):
            unit = unit_rows(self._embeddings[level.kind][items])
            worth = unit @ unit.mean(axis=0)
        elif self.catalogue.clicks is not None:
            worth = np.asarray(self.catalogue.clicks)[items]
        else:
            worth = np.zeros(len(items))
        return items[np.argsort(-worth, kind="stable")[:most]]

    def remark(self) -> str:
        """The chosen code's exemplars by title; how many codes the picked items have otherwise."""
        if self.code.value >= 0:
            row = self.rows[self.level.value]
            best = self.exemplars(self.level.value, self.code.value)
            titles = "".join(f"<li>{safe(self.catalogue.titles[item])}</li>" for item in best)
            head = f"{safe(row.name)}, code {self.code.value}: {row.counts[self.code.value]:,} items"
            told = f"; exemplars:</p><ul>{titles}</ul>" if titles else ", a dead code.</p>"
            return f'<p role="status">{head}{told}'
        if not self.picked:
            return '<p role="status">Choose a code to see its exemplars.</p>'
        told = [f"{row.name}: {int((row.counts > 0).sum())}" for row in level_rows(self.catalogue.table, self.picked)]
        return f'<p role="status">Codes of the {len(self.picked):,} picked items – {safe("; ".join(told))}.</p>'

    def _clicked(self, point: Point) -> None:
        if point.trace == 0:  # the grid; the lines below it choose nothing
            self.choose(round(point.y), round(point.x))

    def _list_codes(self, _: dict) -> None:
        row = self.rows[self.level.value]
        own = self.catalogue.table.codes[row.kind][:, row.level - 1]
        named = name_codes(own, self.catalogue.words).set_index("code")["name"].to_dict()
        order = np.argsort(-row.counts, kind="stable")
        told = [f"{code} · {row.counts[code]:,} items · {short(named.get(code, 'dead'), 30)}" for code in order]
        self.code.options = [(NOTHING, -1), *zip(told, order.tolist())]

    def _pick_code(self, change: dict) -> None:
        if change["new"] >= 0:
            row = self.rows[self.level.value]
            self.pick(np.flatnonzero(self.catalogue.table.codes[row.kind][:, row.level - 1] == change["new"]))


class PrefixTree(LinkedView):
    """The tree of prefixes with titles at its ends: go down a branch, size it by items or clicks, colour it.

    Attributes:
        branch: menu of the branches above and below: what clicking boxes does by mouse. Its items become the picked
            ones, but for a whole tree.
        size: "items", or "clicks" where they are known.
        colour: "level", "agreement" (how far one category fits a box) or "picked" (share of picked items).
    """

    def __init__(
        self,
        catalogue: Catalogue,
        selection: Selection | None = None,
        branch: Branch | None = None,
        shape: str = "icicle",
    ) -> None:
        """Args:
        catalogue: the items.
        selection: shared with other views; one of its own if None.
        branch: kind and prefix to start below; the whole tree of the first kind by default.
        shape: "icicle" or "sunburst".

        Raises:
            ValueError: no item has this prefix.
        """
        self.catalogue, self._shape, self._listing = catalogue, shape, False
        self._last: tuple[tuple, pd.DataFrame] | None = None  # boxes are asked for several times per state
        self.branch = ipywidgets.Dropdown(description="branch", style=LABEL, layout=WIDE)
        sizes = ["items"] if catalogue.clicks is None else ["items", "clicks"]
        self.size = ipywidgets.Dropdown(options=sizes, description="size by", style=LABEL)
        colours = ["level", "picked"] if catalogue.categories is None else ["level", "agreement", "picked"]
        self.colour = ipywidgets.Dropdown(options=colours, description="colour by", style=LABEL)
        self._list_branches(branch or (catalogue.kinds[0], ()))
        super().__init__(catalogue, selection, [self.branch, self.size, self.colour])
        self.branch.observe(self._go, "value")
        self.on_click(self._clicked)

    @property
    def boxes(self) -> pd.DataFrame:
        """The boxes drawn (``figures_debug.prefix_boxes``)."""
        state = (self.branch.value, self.selection.items)
        if self._last is None or self._last[0] != state:
            kind, prefix = self.branch.value
            self._last = state, prefix_boxes(self.catalogue, kind, prefix, self.picked)
        return self._last[1]

    def figure(self) -> go.Figure:
        """The tree below the chosen branch; boxes with picked items have a thick border."""
        return prefix_tree(self.boxes, self.size.value, self.colour.value, self._shape)

    def twin(self) -> pd.DataFrame:
        """One row per prefix: its items, clicks, most frequent category, and how many of its items are picked."""
        boxes = self.boxes
        found = boxes[boxes["item"] < 0].drop(columns=["id", "parent", "text", "item"])
        return found if self.catalogue.categories is not None else found.drop(columns=["word", "share"])

    def remark(self) -> str:
        """Which branch, how large, and how many of the picked items are in it."""
        kind, prefix = self.branch.value
        inside = self.catalogue.table.items_of(kind, prefix)
        held = int(np.isin(inside, self.picked).sum())
        where = f"prefix {'-'.join(map(str, prefix))}" if prefix else "all prefixes"
        told = f"{safe(kind)}, {where}: {len(inside):,} items, {held:,} of the {len(self.picked):,} picked ones."
        return f'<p role="status">{told}</p>'

    def _clicked(self, point: Point) -> None:
        row = self.boxes.iloc[point.place]
        kind, prefix = self.branch.value
        if row["item"] >= 0:
            self.pick([int(row["item"])])
        elif row["parent"]:
            self._open((kind, _codes_of(row["prefix"])))
        elif prefix:
            self._open((kind, prefix[:-1]))

    def _follow(self, change: dict) -> None:
        if change["owner"] is not self.branch:  # which draws when its new entries are listed
            super()._follow(change)

    def _go(self, change: dict) -> None:
        if not self._listing:
            self._open(change["new"])

    def _open(self, branch: Branch) -> None:
        self._list_branches(branch)
        super()._follow({"name": "value", "owner": self.branch})
        if branch[1]:
            self.pick(self.catalogue.table.items_of(*branch))

    def _list_branches(self, branch: Branch) -> None:
        """Offer the whole trees, the way up, this branch, and the branches right below it, largest first."""
        kind, prefix = branch
        table = self.catalogue.table
        inside = table.items_of(kind, prefix)
        options = [(f"{name}: whole tree", (name, ())) for name in table.kinds]
        for depth in range(1, len(prefix) + 1):
            above = prefix[:depth]
            options.append((self._told(kind, above, len(table.items_of(kind, above))), (kind, above)))
        if len(prefix) + 1 < table.codes[kind].shape[1]:  # below the last but one code hang items only
            names = prefix_names(table.codes[kind][inside], len(prefix) + 1)
            for row in name_codes(names, self.catalogue.words[inside]).head(_BRANCHES).itertuples():
                below = _codes_of(row.code)
                options.append((self._told(kind, below, row.items, row.name), (kind, below)))
        self._listing = True  # new options put the menu on its first entry for a moment
        self.branch.options = options
        self.branch.value = branch
        self._listing = False

    def _told(self, kind: str, prefix: tuple[int, ...], items: int, word: str = "") -> str:
        known = f" · {short(word, 30)}" if word and self.catalogue.categories is not None else ""
        return f"{kind} {'-'.join(map(str, prefix))} · {items:,} items{known}"


def _codes_of(prefix: str) -> tuple[int, ...]:
    return tuple(int(code) for code in prefix.split("-"))
