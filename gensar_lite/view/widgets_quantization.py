"""Live views of quantisation: one item step by step, and an RQ-VAE that trains while one watches.

The shells hold no torch. ``LiveRQ`` is handed functions from a training's state to the next, ``ResidualStepper``
vectors and codebooks.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import ipywidgets
import numpy as np
import pandas as pd
import plotly.graph_objects as go
from jaxtyping import Int

from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.figures_live import MOST_LEVELS, Frame, Recipe, live_table, live_training
from gensar_lite.view.figures_stepper import NOISES, Walks, residual_walk, walk_table
from gensar_lite.view.selection import Selection
from gensar_lite.view.theme import safe
from gensar_lite.view.widgets_figure import Point
from gensar_lite.view.widgets_linked import LABEL, LinkedView, find_box

_MILLISECONDS = 300  # between two epochs while playing
_FIRST = Recipe()
_CLOUD, _ITEMS = 0, 2  # place of the items among the traces of ``residual_walk`` and of ``live_training``


class ResidualStepper(LinkedView):
    """One item on its way through the levels: a slider for the step, a box to find an item, a slider for noise.

    A click on another item takes that one. Shown is the first item of the selection; without one, the item it was made
    with.

    Attributes:
        step: slider, 0 ... L code words.
        find: text field; Enter takes the first item found (see ``Catalogue.find``).
        noise: slider, 0 ... 0.5 of a vector's usual length.
    """

    def __init__(self, catalogue: Catalogue, walks: Walks, item: int = 0, selection: Selection | None = None) -> None:
        """Args:
        catalogue: the items.
        walks: a vector per item, in the same order.
        item: shown while nothing is selected.
        selection: shared with other views; one of its own if None.

        Raises:
            ValueError: not one vector per item, or no such item.
        """
        if catalogue.n_items != len(walks.vectors) or not 0 <= item < catalogue.n_items:
            raise ValueError(
                f"{len(walks.vectors)} vectors and item {item} do not fit a catalogue of {catalogue.n_items} items. "
                "Give one vector per item, in the catalogue's order."
            )
        self.walks, self._first, self._missed = walks, item, ""
        self.step = ipywidgets.IntSlider(value=walks.levels, min=0, max=walks.levels, description="step", style=LABEL)
        self.find = find_box("item")
        strengths = [(f"{noise:.2f}", noise) for noise in NOISES]
        self.noise = ipywidgets.SelectionSlider(options=strengths, value=0.0, description="noise", style=LABEL)
        self.find.observe(self._search, "value")
        super().__init__(catalogue, selection, (self.step, self.find, self.noise))
        self.on_click(self._clicked)

    @property
    def item(self) -> int:
        """The item that is shown."""
        return self.picked[0] if self.picked else self._first

    def figure(self) -> go.Figure:
        """The walk up to the chosen step."""
        return residual_walk(self.walks, self.item, self.step.value, self.noise.value, self._title)

    def twin(self) -> pd.DataFrame:
        """All steps."""
        return walk_table(self.walks, self.item, self.noise.value)

    def remark(self) -> str:
        """The item's codes, with and without noise, or that nothing was found."""
        usual, now = (steps.codes[self.item] for steps in (self.walks.clean, self.walks.under(self.noise.value)))
        told = f"{safe(self._title)}: codes <code>{'-'.join(map(str, usual))}</code>"
        if self.noise.value:
            changed = "the same" if np.array_equal(usual, now) else f"<code>{'-'.join(map(str, now))}</code>"
            told += f", with noise {changed}"
        missed = f" Nothing is found for “{safe(self._missed)}”." if self._missed else ""
        return f'<p role="status">{told}.{missed}</p>'

    @property
    def _title(self) -> str:
        return str(self.catalogue.titles[self.item])

    def _clicked(self, point: Point) -> None:
        if point.trace == _CLOUD:
            self.pick([point.place])

    def _search(self, change: dict) -> None:
        found = self.catalogue.find(change["new"])
        self._missed = "" if len(found) else change["new"].strip()
        if len(found):
            self.pick([int(found[0])])


class LiveRQ(LinkedView):
    """A small RQ-VAE that trains before one's eyes.

    Play runs through the epochs, the slider beside it moves to any of them, and what has been trained once is kept.
    Three controls choose the recipe; two more are folded away. A click on an item picks it and shows how its code
    words add up.

    Attributes:
        play: button; its value is the epoch.
        epoch: slider for the same.
        initialise: toggle, "uniform" or "k-means".
        alpha: slider, weight of the commitment loss.
        codes: toggle, K.
        levels: toggle, L; in the folded box.
        revive: checkbox; in the folded box.
        more: button that unfolds the box.
        folded: the box.
    """

    def __init__(
        self,
        catalogue: Catalogue,
        start: Callable[[Recipe], Any],
        step: Callable[[Any], Any],
        items: Int[np.ndarray, " N"],
        selection: Selection | None = None,
        recipe: Recipe = _FIRST,
        epochs: int = 60,
        epoch: int = 10,
        alphas: tuple[float, ...] = (0.0, 0.25, 1.0, 4.0),
        sizes: tuple[int, ...] = (4, 8, 16, 32),
    ) -> None:
        """Args:
        catalogue: the items.
        start: a recipe -> the state of a training at epoch 0.
        step: a state -> the state one epoch later. All that is known of a state is its ``frame``.
        items: item index of each point that is trained on; a few hundred.
        selection: shared with other views; one of its own if None.
        recipe: what is shown first; its values must be among those on offer.
        epochs: where a training ends.
        epoch: the one shown first.
        alphas, sizes: on offer; sizes beyond the number of points are left out.
        """
        self._start, self._step, self.epochs = start, step, epochs
        self.items = np.asarray(items)
        self._names = [str(catalogue.titles[item]) for item in self.items]
        self._kept: dict[Recipe, list[Any]] = {}
        self.play = ipywidgets.Play(
            value=epoch, min=0, max=epochs, interval=_MILLISECONDS, description="train", tooltip="Train"
        )
        self.epoch = ipywidgets.IntSlider(value=epoch, min=0, max=epochs, description="epoch", style=LABEL)
        ipywidgets.link((self.play, "value"), (self.epoch, "value"))
        self.initialise = _toggle("code words start", ("uniform", "k-means"), recipe.initialise, "6.5em")
        self.alpha = ipywidgets.SelectionSlider(options=alphas, value=recipe.alpha, description="α", style=LABEL)
        self.codes = _toggle("K", [size for size in sizes if size <= len(self.items)], recipe.codes)
        self.levels = _toggle("levels L", range(1, MOST_LEVELS + 1), recipe.levels)
        self.revive = ipywidgets.Checkbox(value=recipe.revive, description="put dead codes to use", indent=False)
        choices, folded = (self.initialise, self.alpha, self.codes), (self.levels, self.revive)
        super().__init__(catalogue, selection, (self.epoch, *choices, *folded))
        wrapped = {"flex_flow": "row wrap"}
        self.more = ipywidgets.ToggleButton(value=False, description="more", tooltip="Levels and dead codes")
        self.folded = ipywidgets.HBox(folded, layout={**wrapped, "display": "none"})
        self.more.observe(self._unfold, "value")
        rows = [ipywidgets.HBox(row, layout=wrapped) for row in ((self.play, self.epoch), (*choices, self.more))]
        self.children = (*rows, self.folded, self.note, self.plot, self.below)
        self.on_click(self._clicked)

    @property
    def recipe(self) -> Recipe:
        """What the controls say."""
        return Recipe(self.initialise.value, self.alpha.value, self.codes.value, self.levels.value, self.revive.value)

    @property
    def frames(self) -> list[Frame]:
        """The present training from epoch 0 to the chosen one; what is missing is trained now."""
        states = self._kept.setdefault(self.recipe, [])
        if not states:
            states.append(self._start(self.recipe))
        while len(states) <= self.epoch.value:
            states.append(self._step(states[-1]))
        return [state.frame for state in states[: self.epoch.value + 1]]

    def figure(self) -> go.Figure:
        """The training up to the chosen epoch."""
        picked = np.flatnonzero(np.isin(self.items, self.picked))
        return live_training(self.frames, self.epochs, self._names, picked.tolist())

    def twin(self) -> pd.DataFrame:
        """One row per epoch so far."""
        return live_table(self.frames)

    def remark(self) -> str:
        """What became of the code words, in words."""
        now = self.frames[-1]
        size = len(now.codebooks[0])
        dead = [f"{size - used} of {size} at level {level}" for level, used in enumerate(now.used, 1) if used < size]
        told = f"Dead codes: {', '.join(dead)}." if dead else f"All {size} codes of every level are in use."
        return f'<p role="status">Epoch {now.epoch}: loss {sum(now.losses.values()):.3f}. {told}</p>'

    def _unfold(self, change: dict) -> None:
        self.folded.layout.display = "" if change["new"] else "none"

    def _clicked(self, point: Point) -> None:
        if point.trace == _ITEMS:
            self.pick([int(self.items[point.place])])


def _toggle(name: str, options: object, value: object, width: str = "3.5em") -> ipywidgets.ToggleButtons:
    style = {**LABEL, "button_width": width}
    return ipywidgets.ToggleButtons(options=options, value=value, description=name, style=style)
