"""What all linked views have in common: controls above a live figure, a note, and one selection behind them all.

A linked view draws a pure figure, updates it in place with what has changed, writes what the reader picks to its
``selection`` and follows what is picked elsewhere. The table of picked items is one of them. None knows a model.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.selection import Selection
from gensar_lite.view.theme import caption, safe
from gensar_lite.view.widgets_figure import LiveFigure, Point

WIDE = {"width": "min(100%, 640px)"}
LABEL = {"description_width": "initial"}
SHOWN = 50  # picked items that are listed
NOTHING = "– none –"
_SCROLLS = 'role="region" tabindex="0"'  # so that it can be scrolled by keyboard
_INSIDE = "overflow:auto; width:0; min-width:100%;"  # as wide as its cell, whatever it holds


class LinkedView(ipywidgets.VBox):
    """At most three controls, a figure that can be clicked, a note, the figure's sentence and its table.

    A subclass hands over its controls and says what to draw: ``figure``, ``twin`` and ``remark``. All three are asked
    again whenever a control or the selection changes.

    Attributes:
        catalogue: the items.
        selection: what is picked; shared with the other views that were handed it.
        plot: the live figure.
        note: what the controls found, in words.
        below: the figure's sentence and its table twin.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        selection: Selection | None,
        controls: Sequence[ipywidgets.ValueWidget],
        menu: ipywidgets.Dropdown | None = None,
    ) -> None:
        """Draw the first figure; subclasses set what it needs before they call this.

        Args:
            catalogue: the items.
            selection: shared with other views; one of its own if None.
            controls: from left to right.
            menu: the one of them that picks; it returns to its first entry when something is picked elsewhere.
        """
        self.catalogue, self._menu = catalogue, menu
        self.selection = selection if selection is not None else Selection()
        self._drawn = self.figure()
        self.plot = LiveFigure(self._drawn)
        self.note = ipywidgets.HTML()
        self.below = ipywidgets.HTML()
        row = ipywidgets.HBox(list(controls), layout={"flex_flow": "row wrap"})
        super().__init__([row, self.plot, self.note, self.below])  # notes grow, and the figure stays where it is
        for control in controls:
            control.observe(self._follow, "value")
        self.selection.observe(self._follow, "items")
        self._tell()

    @property
    def picked(self) -> list[int]:
        """The picked items that this catalogue has, ascending."""
        return [item for item in self.selection.items if item < self.catalogue.n_items]

    def figure(self) -> go.Figure:
        """The figure of the present state: pure, with a sentence; ``theme.show`` shows it without a kernel."""
        raise NotImplementedError

    def twin(self) -> pd.DataFrame:
        """The same as a table."""
        raise NotImplementedError

    def remark(self) -> str:
        """The note as HTML; everything from data escaped. Empty by default."""
        return ""

    def pick(self, items: Iterable) -> None:
        """Make these the picked items, here and in every other view of the same selection."""
        self.selection.take(items, type(self).__name__)

    def on_click(self, act: Callable[[Point], None]) -> None:
        """Call ``act`` with the point that was clicked."""
        self.plot.on_click(act)

    def on_lasso(self, act: Callable[[list[Point]], Iterable[int]]) -> None:
        """Pick the items that ``act`` makes of the points inside a lasso."""

        def lassoed(points: list[Point]) -> None:
            items = list(act(points))
            self.pick(items)
            if not items:
                self.plot.unmark()

        self.plot.on_lasso(lassoed)

    def _repr_mimebundle_(self, **options: object) -> dict:
        self.plot.refresh()  # what was picked since the figure was made
        return super()._repr_mimebundle_(**options)

    def _follow(self, change: dict) -> None:
        if change["name"] == "items" and self.selection.source != type(self).__name__:
            if self.plot.layout.selections:
                self.plot.layout.selections = ()  # the outline of an older lasso
            if self._menu is not None and self._menu.index:
                self._menu.index = 0  # which draws
                return
        figure = self.figure()
        self.plot.change(self._drawn, figure)
        self._drawn = figure
        self._tell()

    def _tell(self) -> None:
        self.note.value = self.remark()
        self.below.value = caption(self._drawn, self.twin())


class SelectionTable(ipywidgets.VBox):
    """The picked items as a table, with a box to pick by words and a button to pick nothing.

    Attributes:
        selection: what is picked.
        frame: one row per picked item (``Catalogue.frame``), all of them; for the next cell.
        find: text field; Enter picks the items whose title holds the words (see ``Catalogue.find``).
        clear: button.
        table: HTML; the first 50 items.
    """

    def __init__(self, catalogue: Catalogue, selection: Selection | None = None) -> None:
        """Args:
        catalogue: what is known about the items.
        selection: shared with other views; one of its own if None.
        """
        self.catalogue = catalogue
        self.selection = selection if selection is not None else Selection()
        self.find = find_box()
        self.clear = ipywidgets.Button(description="pick nothing", tooltip="Clear the selection in all linked views")
        self.table = ipywidgets.HTML()
        super().__init__([ipywidgets.HBox([self.find, self.clear]), self.table])
        self.find.observe(self._search, "value")
        self.clear.on_click(lambda _: self.selection.clear(type(self).__name__))
        self.selection.observe(self._show, "items")
        self._show({})

    def _search(self, change: dict) -> None:
        self.selection.take(self.catalogue.find(change["new"]), type(self).__name__)

    def _show(self, _: dict) -> None:
        items = [item for item in self.selection.items if item < self.catalogue.n_items]
        self.frame = self.catalogue.frame(items)
        self.table.value = items_html(self.frame)


def find_box(name: str = "find") -> ipywidgets.Text:
    """A text field that takes effect with Enter."""
    hint = "words of a title, an item id, or codes: 20-15"
    return ipywidgets.Text(description=name, placeholder=hint, continuous_update=False, layout=WIDE, style=LABEL)


def short(text: object, width: int) -> str:
    """A text for a menu, which shows it as it is: on one line, cut with an ellipsis."""
    plain = " ".join(str(text).split())
    return plain if len(plain) <= width else plain[: width - 1].rstrip() + "…"


def items_html(frame: pd.DataFrame, most: int = SHOWN) -> str:
    """Items as an HTML table, every cell escaped; beyond ``most`` it says how many more there are."""
    if frame.empty:
        return '<p role="status">Nothing is picked. Draw a lasso, click, or type words above.</p>'
    with pd.option_context("display.max_colwidth", None):
        table = frame.head(most).to_html(index=False, border=0, escape=True, na_rep="–")
    table = table.replace("<table ", '<table style="border-spacing: 1em 0; border-collapse: separate" ', 1)
    table = table.replace("<th>", '<th style="text-align: left">')  # cells are escaped: this is no text of theirs
    more = f"<p>and {len(frame) - most:,} more</p>" if len(frame) > most else ""
    scrolls = f'<div {_SCROLLS} aria-label="picked items" style="{_INSIDE} white-space:nowrap; max-height:26em">'
    return f'<p role="status">{len(frame):,} picked</p>{scrolls}{table}</div>{more}'


def side_by_side(frame: pd.DataFrame, most: int = 6) -> str:
    """Items as the columns of an HTML table, so that they can be compared line by line; every cell escaped."""
    shown = frame.head(most).reset_index(drop=True).T
    rows = [
        f"<tr><th>{safe(name)}</th>{''.join(f'<td>{safe(cell)}</td>' for cell in row)}</tr>"
        for name, row in zip(shown.index, shown.to_numpy())
    ]
    more = f"<p>and {len(frame) - most:,} more</p>" if len(frame) > most else ""
    table = f"<table>{''.join(rows)}</table>"
    return f'<div {_SCROLLS} aria-label="items side by side" style="{_INSIDE}">{table}</div>{more}'
