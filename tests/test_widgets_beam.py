"""The beam's tree, driven through its whole range without a browser."""

import pandas as pd
import pytest
from test_figures_beam import COLUMNS

from gensar_lite.generate.tasks import Action
from gensar_lite.view.figures_flip import Asked, Side
from gensar_lite.view.widgets_beam import BeamTree
from gensar_lite.view.widgets_picture import Picture

HOSTILE = "<script>alert(1)</script>"
ITEM = pd.DataFrame({"item_id": ["7"], "title": [HOSTILE], "category": ["C"], "description": ["D"]})


def asked(query, token="S_I"):
    return Asked((Action("R_I", 3),), Side(token, "S_I"), query)


class Model:
    """A beam of three steps; remembers what was asked."""

    def __init__(self, steps=3):
        self.asked, self.steps = [], {"tent": steps}

    def trace(self, asked, beams, constrained):
        self.asked.append((asked.query, beams, constrained))
        if beams == 20:
            raise ValueError("Too wide for <b>this</b>.")
        rows = [
            (step, place, 0, self.prefix(step, place), f"<M{step}_{place}>", 0.1, fate, int(constrained), HOSTILE, 0.1)
            for step in range(1, self.steps.get(asked.query, 5) + 1)
            for place, fate in enumerate(["kept"] * beams + ["pruned"])
        ]
        return pd.DataFrame(rows, columns=COLUMNS)

    @staticmethod
    def prefix(step, place):
        return " ".join([f"<M{level}_0>" for level in range(1, step)] + [f"<M{step}_{place}>"])

    def below(self, prefix):
        self.asked.append(prefix)
        return ITEM, len(prefix.split())


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def tree(model):
    return BeamTree(model.trace, model.below, asked("tent"), widths=(2, 5, 20), beams=2)


def steps_shown(tree):
    return max(step for step in range(1, 9) if f"<b>step {step}</b>" in tree.tree.html)


def test_at_the_start_the_whole_beam_and_the_card_of_the_best_answer(tree, model):
    assert model.asked[0] == ("tent", 2, True)
    assert (tree.step.min, tree.step.max, tree.step.value) == (1, 3, 3)
    assert steps_shown(tree) == 3 and tree.tree.picked == "<M1_0> <M2_0> <M3_0>"
    assert "&lt;script&gt;" in tree.card.value and "<script" not in tree.card.value + tree.tree.html


def test_the_slider_steps_through(tree):
    for step in (1, 2, 3):
        tree.step.value = step
        assert steps_shown(tree) == step


def test_the_arrow_keys_step_through_and_stop_at_the_ends(tree):
    for sent, expected in ((-1, 2), (-1, 1), (-1, 1), (1, 2), (1, 3), (1, 3)):
        tree.tree._handle_custom_msg({"step": sent}, [])
        assert tree.step.value == steps_shown(tree) == expected


def test_a_picked_prefix_shows_what_it_names(tree, model):
    tree.tree._handle_custom_msg({"pick": "<M1_0> <M2_1>"}, [])
    assert model.asked[-1] == "<M1_0> <M2_1>"
    assert "2 items" in tree.card.value and "gs-picked" in tree.tree.html


def test_width_and_constraint_ask_for_another_beam_and_keep_the_step(tree, model):
    tree.step.value = 2
    tree.beams.value = 5
    tree.constrained.value = False
    assert [told for told in model.asked if isinstance(told, tuple)] == [
        ("tent", 2, True),
        ("tent", 5, True),
        ("tent", 5, False),
    ]
    assert tree.step.value == 2
    assert "gs-nothing" in tree.tree.html and "names no" not in tree.note.value


def test_another_question_takes_over_with_its_colour(tree, model):
    assert "<b>&lt;S_I&gt;, search for “tent”</b>" in tree.note.value and "after 1 actions" in tree.note.value
    tree.about(asked(HOSTILE, "R_I"))
    assert tree.step.max == tree.step.value == 5  # it stood at the end
    assert "--gs-own:#E69F00" in tree.tree.html and "<script" not in tree.note.value
    tree.step.value = 4
    tree.about(asked("tent", None))
    assert tree.step.max == tree.step.value == 3 and "--gs-own:#767676" in tree.tree.html
    count = len(model.asked)
    tree.about(None)
    assert len(model.asked) == count


def test_a_prefix_that_the_new_beam_does_not_know_is_no_longer_picked(tree):
    tree.about(asked("five steps"))
    assert tree.tree.picked == "<M1_0> <M2_0> <M3_0>"  # still known
    tree.tree.picked = "<M1_0> <M2_0> <M3_0> <M4_0>"
    tree.about(asked("tent"))
    assert tree.tree.picked == "<M1_0> <M2_0> <M3_0>"


def test_a_refusal_is_a_sentence_and_the_next_beam_is_drawn_again(tree):
    tree.beams.value = 20
    assert "Too wide for &lt;b&gt;this&lt;/b&gt;." in tree.note.value
    assert tree.tree.html == "" and tree.card.value == "" and len(tree.beam) == 0
    tree.step.value = 1  # nothing to draw, and no error
    tree.beams.value = 5
    assert "The question" in tree.note.value and steps_shown(tree) == 1


def test_a_beam_of_nothing_is_told():
    def nothing(asked, beams, constrained):
        return pd.DataFrame([], columns=COLUMNS)

    tree = BeamTree(nothing, Model().below, asked("tent"))
    assert tree.tree.picked == "" and tree.step.max == 1


@pytest.mark.parametrize("message", [{"pick": 7}, {"step": 5}, {"step": "1"}, {"do": "exec"}, {}])
def test_what_makes_no_sense_changes_nothing(message):
    picture = Picture("a name")
    picture._handle_custom_msg(message, [])
    assert (picture.picked, picture.steps, picture.name) == ("", 0, "a name")


def test_every_control_has_a_label(tree):
    for control in (tree.step, tree.beams, tree.constrained):
        assert control.description
    assert tree.tree.name


def test_the_picture_loads_nothing_from_elsewhere(root):
    code = (root / "gensar_lite" / "view" / "picture.js").read_text(encoding="utf-8")
    assert str(Picture._esm) == code
    for way in ("eval(", "http:", "https:", "import("):
        assert way not in code
