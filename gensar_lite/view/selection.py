"""One selection for many views: which items are picked, and in which view that was done.

It lives in Python only and knows no view. A view is handed a selection, writes to it with ``take`` and follows it with
``selection.observe(redraw, "items")``; what is picked in one view then shows in all that were handed the same one, and
``selection.items`` can be read by the next cell.
"""

from __future__ import annotations

import operator
from collections.abc import Iterable

import traitlets


class Selection(traitlets.HasTraits):
    """Items picked in any of the linked views.

    Attributes:
        items: item indices, ascending, each once; empty when nothing is picked.
        source: name of the view that picked them last; empty at the start.
    """

    items = traitlets.Tuple()
    source = traitlets.Unicode()

    def take(self, items: Iterable, source: str = "") -> None:
        """Replace what is picked.

        Args:
            items: item indices in any order; an array of them is fine.
            source: name of the view that picks.

        Raises:
            ValueError: an index is negative or no whole number.
        """
        with self.hold_trait_notifications():  # those who watch ``items`` find the new source
            self.source = source
            self.items = _ascending(items)

    def clear(self, source: str = "") -> None:
        """Pick nothing."""
        self.take((), source)

    @traitlets.validate("items")
    def _in_order(self, proposal: dict) -> tuple[int, ...]:
        return _ascending(proposal["value"])


def _ascending(items: Iterable) -> tuple[int, ...]:
    try:
        found = sorted({operator.index(item) for item in items})
    except TypeError:
        raise ValueError("A selection holds item indices, whole numbers from 0. Give those.") from None
    if found and found[0] < 0:
        raise ValueError(f"A selection holds item indices from 0, not {found[0]}.")
    return tuple(found)
