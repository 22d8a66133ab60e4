"""The control above a figure, driven through its whole range."""

import json

import pandas as pd
import pytest

from gensar_lite.view.theme import describe, new_figure
from gensar_lite.view.widgets_basics import ask_box, picker

PLOTLY = "application/vnd.plotly.v1+json"
NAMES = ["tent", "<script>alert(1)</script>", "tent"]


def draw(value):
    if value == "":
        raise ValueError("Type <b>one</b> letter at least.")
    figure = describe(new_figure(f"about {value}"), f"It shows {value}.")
    return figure, pd.DataFrame({"value": [value]})


def shown(widget):
    return [output["data"] for output in widget.children[1].outputs]


def test_every_pick_is_drawn_with_words_and_table():
    widget = picker(draw, NAMES, 1)
    control = widget.children[0]
    assert control.description == "item" and [text for text, _ in control.options] == NAMES
    for place in (1, 0, 2):
        control.value = place
        figure, below = shown(widget)
        assert figure[PLOTLY]["layout"]["title"]["text"] == f"about {place}"
        assert f"It shows {place}." in below["text/html"] and "<details>" in below["text/html"]


def test_the_figure_offers_no_cloud_and_is_plain_json():
    figure, _ = shown(picker(draw, NAMES, 0))
    assert figure[PLOTLY]["config"]["showSendToCloud"] is False
    json.dumps(figure)


@pytest.mark.parametrize("typed", ["coffee", "<script>alert(1)</script>", "100% $x$"])
def test_typed_words_are_drawn_as_text(typed):
    widget = ask_box(draw, "tent")
    widget.children[0].value = typed
    figure, below = shown(widget)
    assert "<script" not in figure[PLOTLY]["layout"]["title"]["text"]
    assert "<script" not in below["text/html"]


def test_a_refusal_becomes_a_sentence_and_the_next_value_works_again():
    widget = ask_box(draw, "tent")
    widget.children[0].value = ""
    (refusal,) = shown(widget)
    assert "Type &lt;b&gt;one&lt;/b&gt; letter" in refusal["text/html"]
    widget.children[0].value = "stove"
    assert len(shown(widget)) == 2


def test_other_errors_are_not_swallowed():
    with pytest.raises(KeyError):
        picker(lambda place: {}[place], NAMES, 0)
