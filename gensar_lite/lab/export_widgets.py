"""Widgets on a page without a kernel: what they showed when the notebook was saved, as a still picture.

A notebook keeps the state of its widgets, one record per model. Boxes are walked from the outside in; figures, texts
and tables are drawn as they stood, controls are named with their values.
"""

from __future__ import annotations

import base64
from collections.abc import Callable
from html import escape
from typing import Any, NamedTuple

import numpy as np

STATE = "application/vnd.jupyter.widget-state+json"
NOTE = "<p><em>A widget stands here when the notebook is open in JupyterLab (make lab).</em></p>"
_SAYS = "A still picture of a live view; it answers when the notebook is open in JupyterLab (make lab)."
_STYLE = "border-left: 3px solid #767676; padding-left: 12px"
_CONTROL = "display: inline-block; margin: 2px 16px 2px 0; color: inherit; opacity: 0.85"
_REFERENCE = "IPY_MODEL_"


class StillFigure(NamedTuple):
    """A plotly figure as it stood: JSON-like, arrays as lists."""

    data: list[dict]
    layout: dict


def still(models: dict[str, Any], model_id: str, draw: Callable[[StillFigure], str]) -> str:
    """What a widget showed, as HTML.

    Args:
        models: the state that the notebook kept: model id -> ``model_name``, ``state`` and ``buffers``.
        model_id: of the widget that a cell shows.
        draw: a figure -> HTML.

    Returns:
        HTML; a note in its place if the state was not kept or shows nothing.
    """
    inside = _of(models, model_id, draw)
    if not inside:
        return NOTE
    return f'<div style="{_STYLE}">{inside}<p><em>{_SAYS}</em></p></div>'


def _of(models: dict[str, Any], reference: str, draw: Callable[[StillFigure], str]) -> str:
    model = models.get(reference.removeprefix(_REFERENCE))
    if model is None:
        return ""
    state = model["state"]
    layout = models.get(str(state.get("layout")).removeprefix(_REFERENCE), {"state": {}})["state"]
    if layout.get("display") == "none" or layout.get("visibility") == "hidden":
        return ""
    match state:
        case {"children": list(children)}:
            parts = "".join(_of(models, child, draw) for child in children)
            return f"<div>{parts}</div>" if parts else ""
        case {"_widget_data": list(), "_widget_layout": dict()}:
            whole = _with_arrays(state, model.get("buffers", []))
            return draw(StillFigure(whole["_widget_data"], whole["_widget_layout"]))
        case {"html": str(html)}:
            return html
        case {"chips": list(chips)}:
            return "".join(
                f'<p style="margin: 0">{"" if chip["on"] else "<s>"}&lt;{escape(chip["token"])}&gt; '
                f"{escape(chip['text'])}{'' if chip['on'] else '</s>'}</p>"
                for chip in chips
            )
    if model["model_name"] == "HTMLModel":
        return state.get("value") or ""
    return _control(state)


def _control(state: dict[str, Any]) -> str:
    """A control's name and value; empty for one that has none to show (a button, a player)."""
    labels, index = state.get("_options_labels"), state.get("index")
    if labels and isinstance(index, int):
        value = labels[index]
    elif "value" in state and "_playing" not in state and "playing" not in state:
        value = state["value"]
        if isinstance(value, bool):
            value = "yes" if value else "no"
    else:
        return ""
    name = state.get("description") or ""
    if value in (None, "") or not name:
        return ""
    return f'<span style="{_CONTROL}">{escape(str(name))}: <strong>{escape(str(value))}</strong></span>'


def _with_arrays(state: dict[str, Any], buffers: list[dict[str, Any]]) -> dict[str, Any]:
    """A copy of a state whose binary arrays stand in it as lists."""
    data = {tuple(buffer["path"][:-1]): buffer["data"] for buffer in buffers}

    def copied(value: Any, path: tuple) -> Any:
        if path in data:
            array = np.frombuffer(base64.b64decode(data[path]), dtype=value["dtype"])
            return array.reshape(value.get("shape", -1)).tolist()
        if isinstance(value, dict):
            return {key: copied(part, (*path, key)) for key, part in value.items()}
        if isinstance(value, list):
            return [copied(part, (*path, place)) for place, part in enumerate(value)]
        return value

    return copied({key: state[key] for key in ("_widget_data", "_widget_layout")}, ())
