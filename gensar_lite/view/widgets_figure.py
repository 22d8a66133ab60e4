"""A live figure for use inside other widgets: opens with its data, fills its width, shares one copy of plotly.

plotly's own FigureWidget is made to be shown alone. Inside a box it opens empty and is filled by later messages, which
a notebook server drops when many come at once; it stays 700 pixels wide; and every one brings its own five megabytes
of library. Here a figure opens complete, follows the width of its cell, and all figures of a page use one library.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import NamedTuple

import ipywidgets
import numpy as np
import plotly.graph_objects as go
import traitlets
from plotly.basedatatypes import BasePlotlyType

_CONFIG = {"showSendToCloud": False, "displaylogo": False, "responsive": True}
# Runs in the browser. The library lies in a widget of its own and is loaded by the first figure that needs it.
_IN_THE_BROWSER = """
async function library(model) {
  window.gensarPlotly ??= (async () => {
    const holder = await model.widget_manager.get_model(model.get("_library").replace("IPY_MODEL_", ""));
    const url = URL.createObjectURL(new Blob([holder.get("text")], { type: "text/javascript" }));
    const loaded = await import(url);
    URL.revokeObjectURL(url);
    return loaded.default;
  })();
  return window.gensarPlotly;
}

// What the page fills in by itself stays on the page: after each change plotly would send every coordinate back to the
// kernel, where its own reader of that fails on arrays.
function discreet(model) {
  let listens = false;
  const set = (name, value) => { if (!/Deltas?$/.test(name)) model.set(name, value); };
  const bound = (part) => (typeof part === "function" ? part.bind(model) : part);
  const on = (name, act) => { if (listens) model.on(name, act); };
  const own = { set, on, listen: () => { listens = true; } };
  return new Proxy(model, { get: (_, name) => own[name] ?? bound(model[name]) });
}

// A page may draw a figure late, when it comes into sight, or in a second place. It then starts from the figure's
// state, so every change is put there. plotly would do so from the first drawing on only, and writes its word for what
// stays as it is over the values that do.
const CHANGES = {
  _py2js_update: ["style_data", "style_traces", "layout_data"],
  _py2js_restyle: ["restyle_data", "restyle_traces", ""],
  _py2js_relayout: ["", "", "relayout_data"],
};

function put(target, path, value) {
  if (value === "_undefined_") return; // plotly's word for what stays as it is
  const steps = path.replace(/\\[(\\d+)\\]/g, ".$1").split(".");
  const last = steps.pop();
  for (const step of steps) target = target[step] ??= {};
  target[last] = value;
}

function apply(model, name) {
  const told = model.get(name);
  if (!told) return;
  const [data, traces, layout] = CHANGES[name];
  const all = model.get("_widget_data");
  const which = [told[traces] ?? [...all.keys()]].flat();
  for (const [path, values] of Object.entries(told[data] ?? {})) {
    const one = (place) => (Array.isArray(values) ? values[place % values.length] : values);
    which.forEach((trace, place) => put(all[trace], path, one(place)));
  }
  for (const [path, value] of Object.entries(told[layout] ?? {})) put(model.get("_widget_layout"), path, value);
}

// Menus and sliders around a figure get their arrow keys: the notebook has shortcuts of its own on these.
function keepKeys(event) {
  if (!event.ctrlKey && !event.metaKey) event.stopPropagation();
}

async function render({ model, el }) {
  const figure = (await library(model))();
  model = discreet(model);
  figure.initialize({ model }); // its keeper of the state, which shall not listen: see apply
  model.listen();
  const remove = figure.render({ model, el });
  let width = 0;
  const observer = new ResizeObserver(() => {
    if (el.clientWidth === width) return;
    el.closest(".widget-vbox")?.addEventListener("keydown", keepKeys);
    width = el.clientWidth;
    el._responsiveChartHandler?.();
  });
  observer.observe(el);
  return () => { observer.disconnect(); remove(); };
}

function initialize({ model }) {
  for (const name of Object.keys(CHANGES)) model.on(`change:${name}`, () => apply(model, name));
}

export default { initialize, render };
"""


class Point(NamedTuple):
    """A point of a figure that was clicked, or lies inside a lasso.

    Attributes:
        trace: which trace.
        place: which of its points; a field of a heat map has its row and column here, and is better known by x and y.
        x, y: where, as the figure's axes have it; None in a tree.
    """

    trace: int
    place: int
    x: float | str | None
    y: float | str | None


def _ignore(_: list[Point]) -> None:
    """For events that nobody asked for."""


class _Library(ipywidgets.Widget):
    """plotly for the browser, as text."""

    text = traitlets.Unicode().tag(sync=True)


@cache
def _plotly() -> _Library:
    """One per kernel: it is large, and nobody changes it."""
    return _Library(text=str(go.FigureWidget._esm))


class LiveFigure(go.FigureWidget):
    """plotly's FigureWidget, fit for a place in a box; clicks and lassos reach the kernel."""

    _esm = _IN_THE_BROWSER
    # The outline of a lasso does not stand in the way of the next one, nor of a click on what lies inside.
    _css = ".js-plotly-plot .selectionlayer path { pointer-events: none !important; }"
    _library = traitlets.Instance(_Library).tag(sync=True, **ipywidgets.widget_serialization)

    def __init__(self, figure: go.Figure) -> None:
        """Args:
        figure: shown at the start; the live figure has a copy.
        """
        self._complete = False
        self._acts: dict[str, Callable[[list[Point]], None]] = {}
        super().__init__(figure)
        self._config = self._config | _CONFIG
        self._complete = True
        self.open()

    @traitlets.default("_library")
    def _one_for_all(self) -> _Library:
        return _plotly()

    def open(self) -> None:
        """Open the channel to the browser, once the figure is complete."""
        if self._complete:
            super().open()

    def on_click(self, act: Callable[[Point], None]) -> None:
        """Call ``act`` with the point that was clicked."""
        self._acts["plotly_click"] = lambda points: act(points[0]) if points else None

    def on_lasso(self, act: Callable[[list[Point]], None]) -> None:
        """Call ``act`` with all points inside a lasso or box; with none where it is empty or was taken away."""
        self._acts["plotly_selected"] = self._acts["plotly_deselect"] = act

    @traitlets.observe("_js2py_pointsCallback")
    def _handler_js2py_pointsCallback(self, change: dict) -> None:
        # In place of plotly's own, which first tells the browser, trace by trace, to forget what is marked.
        told = change["new"]
        if told:
            points = told["points"]
            columns = (points[name] for name in ("trace_indexes", "point_indexes", "xs", "ys"))
            self._acts.get(told["event_type"], _ignore)([Point(*values) for values in zip(*columns)])
            self._js2py_pointsCallback = None

    def change(self, before: go.Figure, after: go.Figure) -> None:
        """Turn a live figure that shows ``before`` into one that shows ``after``, sending only what differs.

        What the reader did in the browser, zooming for example, is kept where the two figures agree.

        Raises:
            ValueError: the figures have different traces.
        """
        with self.batch_update():
            for live, old, new in zip(self.data, before.data, after.data, strict=True):
                _put(live, old, new)
            _put(self.layout, before.layout, after.layout)
        # A view that opens later, or a page that is loaded again, starts from these; in place, so nothing is sent now.
        self._widget_data[:] = self._data
        self._widget_layout.clear()
        self._widget_layout.update(self._layout_obj._props)

    def unmark(self) -> None:
        """Take away what an empty lasso leaves in the browser: everything faded, and nothing to say so here."""
        for trace in self.data:
            if "selectedpoints" in trace and trace.selectedpoints is None:
                trace.selectedpoints = ()
                trace.selectedpoints = None

    def refresh(self) -> None:
        """Send the whole present state, for a view that is about to open."""
        self.send_state(["_widget_data", "_widget_layout"])


def _put(live: BasePlotlyType, old: BasePlotlyType, new: BasePlotlyType) -> None:
    was, wanted = old.to_plotly_json(), new.to_plotly_json()
    for name in sorted(was.keys() | wanted.keys()):
        if _same(was.get(name), wanted.get(name)):
            continue
        value = new[name]  # arrays stay arrays, which travel as bytes
        if isinstance(value, BasePlotlyType):
            _put(live[name], old[name], value)
        else:
            live[name] = value


def _same(first: object, second: object) -> bool:
    """Equal values of a figure: arrays by content, whatever holds them by its parts."""
    if isinstance(first, np.ndarray) and isinstance(second, np.ndarray):
        numbers = first.dtype.kind == second.dtype.kind == "f"
        return first.dtype == second.dtype and bool(np.array_equal(first, second, equal_nan=numbers))
    if isinstance(first, dict) and isinstance(second, dict):
        return first.keys() == second.keys() and all(_same(first[name], second[name]) for name in first)
    if isinstance(first, list | tuple) and isinstance(second, list | tuple):
        return len(first) == len(second) and all(map(_same, first, second))
    return type(first) is type(second) and bool(first == second)
