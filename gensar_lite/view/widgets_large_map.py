"""A million items on maps: the same lasso, search and selection as ``IdentifierMap``, drawn by jupyter-scatter (WebGL).

Import it where ``figures_map.DRAWN`` points are not enough; all points are drawn, nothing is sampled. Neighbours of
single items and shapes are left to the smaller map.
"""

from __future__ import annotations

from collections.abc import Mapping

import ipywidgets
import jscatter
import numpy as np
import pandas as pd
from jaxtyping import Float

from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.figures_map import COLOURS, REST, Colouring, colourings
from gensar_lite.view.selection import Selection
from gensar_lite.view.theme import GREY, safe
from gensar_lite.view.widgets_linked import LABEL, find_box

_HEIGHT = 460  # pixels
_SAYS = "A map shows neighbourhoods, not distances or sizes; every number is computed in the original space."


class LargeIdentifierMap(ipywidgets.VBox):
    """All items on one map or several: colour by codes, find or lasso items (hold Shift and draw).

    Attributes:
        selection: what is picked; shared with the other views that were handed it.
        colour: by what the items are coloured.
        find: text field; Enter picks what it finds: what the lasso does by mouse.
        scatters: name of a map -> its jupyter-scatter.
        note: how many are picked.
        below: legend and the sentence that describes the maps.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        spaces: Mapping[str, Float[np.ndarray, "_ 2"]],
        selection: Selection | None = None,
    ) -> None:
        """Args:
        catalogue: the items.
        spaces: name of a map -> coordinates.
        selection: shared with other views; one of its own if None.

        Raises:
            ValueError: a map with another number of rows than the catalogue.
        """
        for name, points in spaces.items():
            if points.shape != (catalogue.n_items, 2):
                raise ValueError(f"The map '{name}' has shape {points.shape} for {catalogue.n_items} items.")
        self.catalogue, self.spaces = catalogue, dict(spaces)
        self.selection = selection if selection is not None else Selection()
        self._colourings = colourings(catalogue)
        self.colour = ipywidgets.Dropdown(options=list(self._colourings), description="colour by", style=LABEL)
        self.find = find_box()
        self.note, self.below = ipywidgets.HTML(), ipywidgets.HTML()
        self.scatters: dict[str, jscatter.Scatter] = {}
        self._maps = ipywidgets.HBox(layout={"flex_flow": "row wrap"})
        self._draw({})
        row = ipywidgets.HBox([self.colour, self.find], layout={"flex_flow": "row wrap"})
        super().__init__([row, self.note, self._maps, self.below])
        self.colour.observe(self._draw, "value")
        self.find.observe(self._search, "value")
        self.selection.observe(self._follow, "items")

    @property
    def colouring(self) -> Colouring:
        """The chosen one."""
        return self._colourings[self.colour.value]

    def _draw(self, _: dict) -> None:
        """Make the maps anew: a change of colours would be a message of so many megabytes that servers drop it."""
        colouring, old = self.colouring, self.scatters
        self.scatters = {name: _scatter(points, colouring.look) for name, points in self.spaces.items()}
        for name, scatter in self.scatters.items():
            if name in old:
                scatter.camera(view=old[name].widget.camera_view)  # zoomed as it was
            scatter.widget.observe(self._lassoed, "selection")
        self._follow({})
        heads = [ipywidgets.HTML(f"<b>{safe(name)}</b>") for name in self.scatters]
        self._maps.children = [
            ipywidgets.VBox([head, scatter.show([])], layout={"flex": "1 1 320px"})
            for head, scatter in zip(heads, self.scatters.values())
        ]
        for scatter in old.values():
            scatter.widget.close()
        counts = np.bincount(colouring.look, minlength=REST + 1)
        entries = [*zip(COLOURS, colouring.names), (GREY, f"{colouring.rest} ({counts[REST]:,})")]
        legend = " ".join(f'<span style="color:{colour}">■</span> {safe(name)}' for colour, name in entries)
        maps = "1 map" if len(self.scatters) == 1 else f"{len(self.scatters)} maps"
        told = f"{self.catalogue.n_items:,} items on {maps} ({', '.join(self.scatters)})."
        self.below.value = f'<p>{legend}</p><p role="note">{safe(told)} {_SAYS}</p>'

    def _search(self, change: dict) -> None:
        self.selection.take(self.catalogue.find(change["new"]), type(self).__name__)

    def _lassoed(self, change: dict) -> None:
        items = np.asarray(change["new"] if change["new"] is not None else (), dtype=np.int64)
        self.selection.take(items.tolist(), type(self).__name__)

    def _follow(self, _: dict) -> None:
        items = [item for item in self.selection.items if item < self.catalogue.n_items]
        for scatter in self.scatters.values():
            held = scatter.widget.selection
            if held is None or not np.array_equal(np.sort(held), items):
                scatter.selection(items)
        told = (
            f"{len(items):,} items are picked." if items else "Nothing is picked: hold Shift and draw, or type words."
        )
        self.note.value = f'<p role="status">{told}</p>'


def _scatter(points: np.ndarray, look: np.ndarray) -> jscatter.Scatter:
    frame = pd.DataFrame({"x": points[:, 0].astype(np.float32), "y": points[:, 1].astype(np.float32)})
    places = [str(place) for place in range(REST + 1)]
    frame["look"] = pd.Categorical.from_codes(look, categories=places)
    scatter = jscatter.Scatter(data=frame, x="x", y="y", height=_HEIGHT)
    scatter.opacity(by="look", map=[*[0.9] * len(COLOURS), 0.1])  # the crowd shall not bury what is named
    return scatter.color(by="look", map=dict(zip(places, [*COLOURS, GREY]))).axes(False)
