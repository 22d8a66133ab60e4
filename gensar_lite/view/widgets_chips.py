"""A shopper's history as chips that can be switched off, dragged, taken out and added to.

The page only draws and reports (``chips.js``); what the history is, is decided here. The widget knows no model: whoever
wants to follow it observes ``history``.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import anywidget
import traitlets

from gensar_lite.generate.tasks import Action
from gensar_lite.log.schema import QUERY, RECOMMENDATION

_MOST_FOUND = 8  # titles offered for what was typed


class _Chip(NamedTuple):
    key: int
    action: Action
    on: bool


class HistoryChips(anywidget.AnyWidget):
    """A history the reader can change; every change gives a new ``history``.

    Times stay where they are: a chip that is moved takes the time stamp of the place it comes to, so that the history
    never runs backwards, and events of one instant stay without an order.

    Attributes:
        history: the actions that are switched on, oldest first (a tuple of ``Action``); observe it.
        chips: what the page shows, one dictionary per chip: ``key``, ``token``, ``text``, ``time``, ``on``.
        found: what the last search gave: ``typed``, ``total`` (titles that match) and ``items`` (index and title).
    """

    _esm = Path(__file__).with_name("chips.js")
    _css = Path(__file__).with_name("chips.css")
    chips = traitlets.List(traitlets.Dict()).tag(sync=True)
    found = traitlets.Dict({"typed": "", "total": 0, "items": []}).tag(sync=True)
    history = traitlets.Tuple()

    def __init__(self, history: Sequence[Action], titles: Sequence[str], find: Callable[[str], Sequence[int]]) -> None:
        """Args:
        history: at the start, oldest first.
        titles: of the whole catalogue, (N,).
        find: words -> item indices whose titles match, the best first.
        """
        super().__init__()
        self._titles, self._find, self._start = titles, find, tuple(history)
        self._chips: list[_Chip] = []
        self._keys = 0
        self.on_msg(self._heard)
        self.reset()

    def reset(self) -> None:
        """The history of the start, all of it switched on."""
        self._take([_Chip(self._new_key(), action, True) for action in self._start])

    def switch(self, place: int) -> None:
        """Leave the chip at a place (from 0) out of the history, or let it in again."""
        chip = self._at(place)
        self._take([each._replace(on=not each.on) if each is chip else each for each in self._chips])

    def move(self, place: int, to: int) -> None:
        """Put a chip at another place; those between move up by one."""
        chip = self._at(place)
        self._at(to)
        order = [each for each in self._chips if each is not chip]
        order.insert(to, chip)
        times = [each.action.instant for each in self._chips]
        self._take([each._replace(action=each.action._replace(instant=time)) for each, time in zip(order, times)])

    def remove(self, place: int) -> None:
        """Take a chip out for good (``reset`` brings back those of the start)."""
        chip = self._at(place)
        self._take([each for each in self._chips if each is not chip])

    def add_item(self, item: int) -> None:
        """Append a click on a recommended item, later than everything before.

        Raises:
            ValueError: no item has this index.
        """
        if not 0 <= item < len(self._titles):
            raise ValueError(f"There is no item {item}; the catalogue has items 0 to {len(self._titles) - 1}.")
        self._append(Action(RECOMMENDATION, item, "", self._later()))

    def add_query(self, query: str) -> None:
        """Append a query typed, later than everything before. The words are taken as they are."""
        self._append(Action(QUERY, -1, query, self._later()))

    def find(self, typed: str) -> None:
        """Look for titles; what is found stands in ``found``."""
        items = [int(item) for item in self._find(typed)]
        shown = [[item, str(self._titles[item])] for item in items[:_MOST_FOUND]]
        self.found = {"typed": typed, "total": len(items), "items": shown}

    def _heard(self, _widget: Any, content: dict, _buffers: Any) -> None:
        """What the page reports. A chip that is gone by now is no longer acted upon."""
        wanted = content.get("key")
        place = next((place for place, chip in enumerate(self._chips) if chip.key == wanted), None)
        match content:
            case {"do": "reset"}:
                self.reset()
            case {"do": "find", "typed": str(typed)}:
                self.find(typed)
            case {"do": "add_query", "query": str(query)}:
                self.add_query(query)
            case {"do": "add_item", "item": int(item)}:
                self.add_item(item)
            case {"do": "switch"} if place is not None:
                self.switch(place)
            case {"do": "remove"} if place is not None:
                self.remove(place)
            case {"do": "move", "to": int(to)} if place is not None:
                self.move(place, min(max(to, 0), len(self._chips) - 1))

    def _at(self, place: int) -> _Chip:
        if not 0 <= place < len(self._chips):
            raise ValueError(f"There is no chip at place {place}; there are {len(self._chips)}, counted from 0.")
        return self._chips[place]

    def _append(self, action: Action) -> None:
        self._take([*self._chips, _Chip(self._new_key(), action, True)])

    def _later(self) -> int:
        return self._chips[-1].action.instant + 1 if self._chips else 0

    def _new_key(self) -> int:
        self._keys += 1
        return self._keys

    def _take(self, chips: list[_Chip]) -> None:
        self._chips = chips
        self.chips = [
            {
                "key": chip.key,
                "token": chip.action.behaviour,
                "text": self._text(chip.action),
                "time": chip.action.instant,
                "on": chip.on,
            }
            for chip in chips
        ]
        self.history = tuple(chip.action for chip in chips if chip.on)

    def _text(self, action: Action) -> str:
        return action.query if action.behaviour == QUERY else str(self._titles[action.item])
