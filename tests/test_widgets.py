"""The live views of the generator, driven through their whole range."""

import json

import pandas as pd
import pytest

from gensar_lite.view.widgets import BeamStepper, BehaviourFlip

PLOTLY = "application/vnd.plotly.v1+json"
HOSTILE = "<script>alert(1)</script>"


class Model:
    """Answers that tell what was asked; counts the questions."""

    def __init__(self):
        self.asked = []

    def flip(self, query, alone):
        self.asked.append((query, alone))
        if not alone and not query.strip():
            raise ValueError("The query '<b>' holds no word.")
        word = "same" if alone else query
        return {
            behaviour: pd.DataFrame(
                {
                    "item_id": ["1", behaviour],
                    "title": ["shared", f"{word} {behaviour}"],
                    "probability": [0.5, 0.25],
                    "identifier": ["<M1_0>", "<M1_1>"],
                    "elsewhere": [1, 40],
                }
            )
            for behaviour in ("R_I", "S_I")
        }

    def trace(self, beams, constrained):
        self.asked.append((beams, constrained))
        rows = [
            (step, place, 0, f"<M{step}_{place}>", f"<M{step}_{place}>", -1.0, 0.1, place < beams, int(constrained))
            for step in (1, 2, 3)
            for place in range(beams + 2)
        ]
        columns = ["step", "place", "parent", "prefix", "token", "log_prob", "probability", "kept", "items"]
        return pd.DataFrame(rows, columns=columns)


def shown(widget):
    """(figure, HTML below it)."""
    figure, below = (output["data"] for output in widget.below.outputs)
    json.dumps(figure)
    return figure[PLOTLY], below["text/html"]


def titles(widget):
    return [list(trace["text"]) for trace in shown(widget)[0]["data"] if trace.get("mode") == "markers+text"]


def test_at_the_start_both_answers_stand_side_by_side():
    widget = BehaviourFlip(Model().flip, "tent")
    assert titles(widget) == [["1. shared", "2. tent R_I"], ["1. shared", "2. tent S_I"]]
    assert "&lt;S_I&gt;" in widget.note.value and "tent" in widget.note.value
    below = shown(widget)[1]
    assert "<details>" in below and "&lt;R_I&gt;" in below and "Two ranked lists" in below


def test_the_toggle_puts_its_list_on_the_right_without_asking_again():
    model = Model()
    widget = BehaviourFlip(model.flip, "tent")
    for token in ("R_I", "S_I", "R_I"):
        widget.token.value = token
        assert titles(widget)[1][1] == f"2. tent {token}"
        assert f"&lt;{token}&gt;" in widget.note.value
    assert ("query" in widget.note.value) is False  # a recommendation has none
    assert model.asked == [("tent", False)]


def test_a_query_is_asked_and_a_hostile_one_stays_text():
    model = Model()
    widget = BehaviourFlip(model.flip, "tent", remark=lambda query: f"unknown: {query}")
    widget.query.value = HOSTILE
    assert model.asked[-1] == (HOSTILE, False)
    assert "<script" not in widget.note.value and "unknown: &lt;script" in widget.note.value
    assert "<script" not in shown(widget)[1]
    assert "<script" not in titles(widget)[1][1]


def test_the_token_alone_is_flipped_without_the_query():
    model = Model()
    widget = BehaviourFlip(model.flip, "tent")
    widget.alone.value = True
    assert model.asked[-1] == ("tent", True) and widget.query.disabled
    assert titles(widget)[0][1] == "2. same R_I"
    assert "the same words" in widget.note.value
    widget.alone.value = False
    assert titles(widget)[1][1] == "2. tent S_I" and not widget.query.disabled


def test_a_refusal_is_a_sentence_and_the_next_query_works_again():
    widget = BehaviourFlip(Model().flip, "tent")
    widget.query.value = "  "
    assert "The query &#x27;&lt;b&gt;&#x27; holds no word." in widget.note.value
    assert widget.below.outputs == () and widget.answers == {}
    widget.token.value = "R_I"  # nothing to show, and no error
    widget.query.value = "stove"
    assert titles(widget)[0][1] == "2. stove S_I"


def test_other_errors_are_not_swallowed():
    with pytest.raises(KeyError):
        BehaviourFlip(lambda query, alone: {}["x"], "tent")


def test_the_beam_is_stepped_through():
    widget = BeamStepper(Model().trace, widths=(2, 5), beams=2)
    assert (widget.step.min, widget.step.max, widget.step.value) == (1, 3, 3)
    for step in (1, 2, 3):
        widget.step.value = step
        figure, below = shown(widget)
        kept = [trace for trace in figure["data"] if trace.get("name") == "kept"][0]
        assert max(kept["x"]) == step
        assert f"&lt;M{step}_0&gt;" in below and f"&lt;M{step + 1}_0&gt;" not in below.split("<details>")[1]


def test_width_and_constraint_ask_for_another_beam_and_keep_the_step():
    model = Model()
    widget = BeamStepper(model.trace, widths=(2, 5), beams=2)
    widget.step.value = 2
    widget.beams.value = 5
    widget.constrained.value = False
    assert model.asked == [(2, True), (5, True), (5, False)]
    assert widget.step.value == 2
    names = [trace.get("name") for trace in shown(widget)[0]["data"]]
    assert "kept, but no item has it" in names and "kept" not in names


def test_every_control_has_a_label():
    for widget in (BehaviourFlip(Model().flip, "tent"), BeamStepper(Model().trace, widths=(2, 5), beams=2)):
        for control in widget.children:
            if hasattr(control, "value") and control is not getattr(widget, "note", None):
                assert control.description
