"""An HTML picture of the kit whose parts can be picked: click one, or press Enter on it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import anywidget
import traitlets


class Picture(anywidget.AnyWidget):
    """Shows what a figure function made and reports what is picked in it.

    Attributes:
        html: the picture; parts with the attribute ``data-pick`` can be picked. It is shown as it is, so every text of
            the data in it has to be escaped (``theme.safe``) by the function that made it.
        name: what a screen reader calls it.
        picked: ``data-pick`` of the part picked last; observe it.
        steps: raised by one with the right arrow key, lowered with the left one; observe it.
    """

    _esm = Path(__file__).with_name("picture.js")
    html = traitlets.Unicode().tag(sync=True)
    name = traitlets.Unicode().tag(sync=True)
    picked = traitlets.Unicode()
    steps = traitlets.Int()

    def __init__(self, name: str) -> None:
        """Args:
        name: what a screen reader calls the picture.
        """
        super().__init__(name=name)
        self.on_msg(self._heard)

    def _heard(self, _widget: Any, content: dict, _buffers: Any) -> None:
        match content:
            case {"pick": str(part)}:
                self.picked = part
            case {"step": 1 | -1 as by}:
                self.steps += by
