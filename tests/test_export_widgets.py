"""Live views on a page without a kernel: their last state, still, complete and as text."""

import ipywidgets
import nbformat
import numpy as np
import plotly.graph_objects as go
import pytest
from ipywidgets.embed import dependency_state

from gensar_lite.generate.tasks import Action
from gensar_lite.lab.export import WIDGET, remote_sources, to_html
from gensar_lite.lab.export_widgets import NOTE, STATE, still
from gensar_lite.view.widgets_chips import HistoryChips
from gensar_lite.view.widgets_figure import LiveFigure
from gensar_lite.view.widgets_picture import Picture


def kept(widget):
    """The state that a notebook keeps of a widget and all it holds."""
    return dependency_state([widget], drop_defaults=False)


def shown(widget, draw=str):
    return still(kept(widget), widget.model_id, draw)


def test_texts_and_pictures_stand_as_they_stood_in_order():
    picture = Picture("a picture")
    picture.html = "<b>second</b>"
    page = shown(ipywidgets.VBox([ipywidgets.HTML("<i>first</i>"), ipywidgets.HBox([picture])]))
    assert page.index("<i>first</i>") < page.index("<b>second</b>")
    assert "still picture" in page


@pytest.mark.parametrize(
    ("control", "told"),
    [
        (
            ipywidgets.Dropdown(options=[("three codes", 3), ("four", 4)], value=4, description="length"),
            ("length", "four"),
        ),
        (ipywidgets.ToggleButtons(options=["a", "b"], value="b", description="pick"), ("pick", "b")),
        (ipywidgets.SelectionSlider(options=["lo", "hi"], value="hi", description="at"), ("at", "hi")),
        (ipywidgets.IntSlider(7, 0, 9, description="step"), ("step", "7")),
        (ipywidgets.IntSlider(0, 0, 9, description="step"), ("step", "0")),
        (ipywidgets.IntSlider(1, 0, 9, description="step"), ("step", "1")),
        (ipywidgets.FloatSlider(0.5, min=0, max=1, description="noise"), ("noise", "0.5")),
        (ipywidgets.Checkbox(True, description="trie"), ("trie", "yes")),
        (ipywidgets.Checkbox(False, description="trie"), ("trie", "no")),
        (ipywidgets.Text("<b>tent", description="query"), ("query", "&lt;b&gt;tent")),
    ],
)
def test_a_control_is_named_with_its_value_as_text(control, told):
    assert f"{told[0]}: <strong>{told[1]}</strong>" in shown(ipywidgets.VBox([control]))


@pytest.mark.parametrize(
    "silent", [ipywidgets.Button(description="go"), ipywidgets.Play(), ipywidgets.HTML(""), ipywidgets.VBox()]
)
def test_what_shows_nothing_leaves_the_note(silent):
    assert shown(silent) == NOTE


@pytest.mark.parametrize("hidden", [{"display": "none"}, {"visibility": "hidden"}])
def test_what_was_hidden_stays_hidden(hidden):
    page = shown(ipywidgets.VBox([ipywidgets.HTML("seen"), ipywidgets.HTML("secret", layout=hidden)]))
    assert "seen" in page and "secret" not in page


def test_a_state_that_was_not_kept_leaves_the_note():
    assert still({}, "1234", str) == NOTE


def test_a_figure_comes_with_its_numbers():
    figure = go.Figure(go.Scatter(x=np.arange(3.0), y=np.array([4, 5, 6], dtype=np.int32), name="line"))
    figure.add_heatmap(z=np.arange(6, dtype=np.float32).reshape(2, 3))
    figure.update_layout(title="a title")
    drawn = []
    page = shown(ipywidgets.VBox([LiveFigure(figure)]), lambda one: drawn.append(one) or "DRAWN")
    assert "DRAWN" in page
    (one,) = drawn
    assert one.data[0]["x"] == [0, 1, 2] and one.data[0]["y"] == [4, 5, 6] and one.data[0]["name"] == "line"
    assert one.data[1]["z"] == [[0, 1, 2], [3, 4, 5]]
    assert one.layout["title"]["text"] == "a title"


def test_a_history_is_told_as_text_and_what_is_switched_off_is_crossed_out():
    titles = ["<img src=x onerror=alert(1)>", "Lark Tent"]
    chips = HistoryChips((Action("R_I", 0, "", 1), Action("S_I", 1, "tent", 2)), titles, lambda typed: [])
    chips.chips = [{**chip, "on": chip["text"] == "Lark Tent"} for chip in chips.chips]
    page = shown(chips)
    assert "<s>&lt;R_I&gt; &lt;img src=x onerror=alert(1)&gt;</s>" in page and "<img" not in page
    assert "&lt;S_I&gt; Lark Tent" in page


def test_on_a_page_several_live_figures_share_the_library_and_need_no_network():
    views = [LiveFigure(go.Figure(go.Bar(y=np.array(heights)))) for heights in ([1.0, 2.0], [3.0, 4.0])]
    cells = [
        nbformat.v4.new_code_cell(
            "view", outputs=[nbformat.v4.new_output("display_data", {WIDGET: {"model_id": view.model_id}})]
        )
        for view in views
    ]
    notebook = nbformat.v4.new_notebook(cells=cells)
    models = {name: model for view in views for name, model in kept(view).items()}
    notebook.metadata.widgets = {STATE: {"state": models}}
    page = to_html(notebook, "a page")
    assert 'id="figure-1"' in page and 'id="figure-2"' in page and page.count("plotly.js v") == 1
    assert NOTE not in page and remote_sources(page) == []
