"""A control above a figure: the reader types a query or picks an item, and the figure follows.

The shell knows no data. It is handed ``draw``, a function from the control's value to a figure, and shows the figure,
its description and its table; what ``draw`` refuses with a ValueError is shown as a kind sentence instead.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence

import ipywidgets
import pandas as pd
import plotly.graph_objects as go

from gensar_lite.view.theme import caption, safe

Drawn = tuple[go.Figure, pd.DataFrame]
_PLOTLY = "application/vnd.plotly.v1+json"
_WIDE = {"width": "min(100%, 640px)"}


def ask_box(draw: Callable[[str], Drawn], value: str, name: str = "query") -> ipywidgets.VBox:
    """A text field; press Enter (or leave the field) and the figure follows.

    Args:
        draw: what was typed -> figure and table. A ValueError's message is shown to the reader.
        value: what stands in the field at the start.
        name: label of the field.
    """
    field = ipywidgets.Text(value=value, description=name, continuous_update=False, layout=_WIDE)
    return _followed(field, draw)


def picker(draw: Callable[[int], Drawn], names: Sequence[str], value: int, name: str = "item") -> ipywidgets.VBox:
    """A list to pick one of; type the first letters to jump, arrow keys to move.

    Args:
        draw: place of the picked name -> figure and table.
        names: as shown; need not be unique.
        value: place picked at the start.
        name: label of the list.
    """
    options = [(text, place) for place, text in enumerate(names)]
    return _followed(ipywidgets.Dropdown(options=options, value=value, description=name, layout=_WIDE), draw)


def _followed(control: ipywidgets.ValueWidget, draw: Callable[..., Drawn]) -> ipywidgets.VBox:
    below = ipywidgets.Output()

    def follow(change: dict) -> None:
        below.outputs = outputs_of(draw, change["new"])

    control.observe(follow, "value")
    follow({"new": control.value})
    return ipywidgets.VBox([control, below])


def outputs_of(draw: Callable[..., Drawn], value: object) -> tuple[dict, ...]:
    """What a drawing function gives for a value, as notebook outputs to set at once, so that nothing flickers."""
    try:
        figure, table = draw(value)
    except ValueError as refusal:
        return (_html(f'<p role="alert">{safe(refusal)}</p>'),)
    drawn = {**json.loads(figure.to_json()), "config": {"showSendToCloud": False, "displaylogo": False}}
    return ({"output_type": "display_data", "data": {_PLOTLY: drawn}, "metadata": {}}, _html(caption(figure, table)))


def _html(text: str) -> dict:
    return {"output_type": "display_data", "data": {"text/html": text}, "metadata": {}}
