"""The signature view, driven through its whole range without a browser."""

import pandas as pd
import pytest

from gensar_lite.generate.tasks import Action
from gensar_lite.view.figures_flip import Flipped, Side
from gensar_lite.view.widgets_chips import HistoryChips
from gensar_lite.view.widgets_flip import BehaviourFlip

HOSTILE = "<script>alert(1)</script>"
TITLES = ["green tent", "lamp", HOSTILE, *(f"tent {number}" for number in range(20))]
HISTORY = (
    Action("R_I", 0, "", 1),
    Action("S_Q", -1, "light", 4),
    Action("S_I", 1, "light", 4),
    Action("R_I", 2, "", 9),
)


def find(typed):
    return [item for item, title in enumerate(TITLES) if typed in title]


def new_chips():
    return HistoryChips(HISTORY, TITLES, find)


def send(chips, **message):
    """What the page would report."""
    chips._handle_custom_msg(message, [])


class Model:
    """Answers that tell what was asked; remembers the questions."""

    def __init__(self):
        self.asked = []

    def flip(self, history, query, pair):
        self.asked.append((history, query, pair))
        if any(side.words == "S_I" for side in pair) and not query.strip():
            raise ValueError("The query '<b>' holds no word.")
        lists = [self.answer(side, query) for side in pair]
        return Flipped(*lists, 0.5, 0.25, 0.9, 100)

    def answer(self, side, query):
        said = f"{query if side.words == 'S_I' else side.words} {side.token}"
        return pd.DataFrame(
            {
                "item_id": ["1", said],
                "title": ["shared", said],
                "probability": [0.5, 0.25],
                "identifier": ["<M1_0>", "<M1_1>"],
                "elsewhere": [1, 40],
            },
            index=pd.RangeIndex(1, 3, name="rank"),
        )

    @property
    def pair(self):
        return self.asked[-1][2]


@pytest.fixture
def model():
    return Model()


@pytest.fixture
def widget(model):
    return BehaviourFlip(model.flip, new_chips(), "tent", remark=lambda query: f"About {query}.")


# ---- chips -------------------------------------------------------------------------------------------------------


def test_chips_show_the_history_as_text():
    chips = new_chips()
    assert chips.history == HISTORY
    assert [(chip["token"], chip["text"], chip["on"]) for chip in chips.chips] == [
        ("R_I", "green tent", True),
        ("S_Q", "light", True),
        ("S_I", "lamp", True),
        ("R_I", HOSTILE, True),  # the page sets it as text
    ]


def test_a_chip_is_switched_off_and_on_again():
    chips = new_chips()
    chips.switch(2)
    assert chips.history == HISTORY[:2] + HISTORY[3:] and chips.chips[2]["on"] is False
    chips.switch(2)
    assert chips.history == HISTORY


def test_a_moved_chip_takes_the_time_of_its_new_place_so_that_nothing_runs_backwards():
    chips = new_chips()
    chips.move(3, 0)
    assert [action.item for action in chips.history] == [2, 0, -1, 1]
    assert [action.instant for action in chips.history] == [1, 4, 4, 9]
    chips.move(0, 3)
    assert chips.history == HISTORY


@pytest.mark.parametrize("place", range(4))
@pytest.mark.parametrize("to", range(4))
def test_every_move_keeps_every_chip_and_the_order_of_time(place, to):
    chips = new_chips()
    wanted = [chip["key"] for chip in chips.chips]
    wanted.insert(to, wanted.pop(place))
    chips.move(place, to)
    assert [chip["key"] for chip in chips.chips] == wanted
    times = [action.instant for action in chips.history]
    assert times == sorted(times)


def test_a_chip_is_taken_out_and_all_come_back():
    chips = new_chips()
    chips.remove(0)
    assert chips.history == HISTORY[1:]
    for _ in range(3):
        chips.remove(0)
    assert chips.history == () and chips.chips == []
    chips.add_item(1)
    assert chips.history == (Action("R_I", 1, "", 0),)
    chips.reset()
    assert chips.history == HISTORY


def test_items_and_queries_are_added_after_everything_else():
    chips = new_chips()
    chips.add_item(5)
    chips.add_query(HOSTILE)
    assert chips.history[4:] == (Action("R_I", 5, "", 10), Action("S_Q", -1, HOSTILE, 11))
    assert chips.chips[-1]["text"] == HOSTILE
    with pytest.raises(ValueError, match="no item 23"):
        chips.add_item(23)


def test_titles_are_found_and_the_rest_is_counted():
    chips = new_chips()
    chips.find("tent")
    assert chips.found["total"] == 21 and len(chips.found["items"]) == 8
    assert chips.found["items"][0] == [0, "green tent"]
    chips.find("zebra")
    assert chips.found == {"typed": "zebra", "total": 0, "items": []}


def test_what_the_page_reports_is_done():
    chips = new_chips()
    keys = [chip["key"] for chip in chips.chips]
    send(chips, do="switch", key=keys[0])
    send(chips, do="move", key=keys[3], to=0)
    send(chips, do="remove", key=keys[1])
    send(chips, do="add_query", query="stove")
    send(chips, do="add_item", item=1)
    assert [(chip["text"], chip["on"]) for chip in chips.chips] == [
        (HOSTILE, True),
        ("green tent", False),
        ("lamp", True),
        ("stove", True),
        ("lamp", True),
    ]
    send(chips, do="find", typed="lamp")
    assert chips.found["items"] == [[1, "lamp"]]
    send(chips, do="reset")
    assert chips.history == HISTORY


@pytest.mark.parametrize(
    "message",
    [
        {"do": "switch", "key": 999},
        {"do": "remove"},
        {"do": "move", "key": 1},
        {"do": "move", "key": 1, "to": "0"},
        {"do": "add_query", "query": 7},
        {"do": "add_item", "item": "1"},
        {"do": "find"},
        {"do": "exec", "code": "1/0"},
        {},
    ],
)
def test_what_makes_no_sense_changes_nothing(message):
    chips = new_chips()
    send(chips, **message)
    assert chips.history == HISTORY


def test_a_move_beyond_the_end_goes_to_the_end():
    chips = new_chips()
    send(chips, do="move", key=chips.chips[0]["key"], to=99)
    assert [action.item for action in chips.history] == [-1, 1, 2, 0]


@pytest.mark.parametrize("act", [lambda c: c.switch(4), lambda c: c.move(0, 4), lambda c: c.remove(-1)])
def test_a_place_without_a_chip_is_refused(act):
    with pytest.raises(ValueError, match="no chip at place"):
        act(new_chips())


def test_the_page_sets_texts_as_text_only(root):
    code = (root / "gensar_lite" / "view" / "chips.js").read_text(encoding="utf-8")
    assert str(HistoryChips._esm) == code
    for way in ("innerHTML", "outerHTML", "insertAdjacentHTML", "document.write", "eval(", "http:", "https:"):
        assert way not in code


# ---- the flip ----------------------------------------------------------------------------------------------------


def test_at_the_start_both_answers_stand_side_by_side(widget, model):
    assert model.asked == [(HISTORY, "tent", (Side("R_I", "R_I"), Side("S_I", "S_I")))]
    page = widget.lists.value
    assert page.index("R_I R_I") < page.index("tent S_I")
    assert "About tent." in widget.note.value and "Answered in" in widget.note.value
    assert widget.answers.before["title"].tolist() == ["shared", "R_I R_I"]


def test_the_toggle_moves_the_answer_to_the_left_and_asks_the_new_question(widget, model):
    widget.token.value = ""
    assert model.pair == (Side("S_I", "S_I"), Side(None, "S_I")) and widget.before == "S_I"
    widget.token.value = "R_I"
    assert model.pair == (Side(None, "S_I"), Side("R_I", "R_I")) and widget.before is None
    widget.token.value = "S_I"
    assert model.pair == (Side("R_I", "R_I"), Side("S_I", "S_I"))
    assert [label for label, _ in widget.token.options] == ["<R_I> recommend", "<S_I> search", "no token"]


def test_each_switch_holds_its_half_of_the_question_still(widget, model):
    widget.flip_words.value = False
    assert model.pair == (Side("R_I", None), Side("S_I", None)) and widget.query.disabled
    assert "About" not in widget.note.value
    widget.flip_token.value = False
    assert model.pair == (Side("S_I", "S_I"), Side("S_I", "S_I")) and not widget.query.disabled
    assert "Nothing is flipped" in widget.note.value
    widget.flip_words.value = True
    assert model.pair == (Side("S_I", "R_I"), Side("S_I", "S_I"))
    assert "Nothing is flipped" not in widget.note.value


def test_every_change_of_the_history_is_asked_about(widget, model):
    widget.chips.switch(0)
    assert model.asked[-1][0] == HISTORY[1:]
    widget.chips.add_query("stove")
    assert model.asked[-1][0][-1].query == "stove"
    count = len(model.asked)
    widget.chips.find("tent")  # looking changes nothing
    assert len(model.asked) == count


def test_a_query_is_asked_and_a_hostile_one_stays_text(widget, model):
    widget.query.value = HOSTILE
    assert model.asked[-1][1] == HOSTILE
    assert "<script" not in widget.lists.value and "&lt;script&gt;" in widget.lists.value
    assert "<script" not in widget.note.value


def test_a_refusal_is_a_sentence_and_the_next_question_works_again(widget):
    widget.query.value = "  "
    assert "The query &#x27;&lt;b&gt;&#x27; holds no word." in widget.note.value
    assert widget.lists.value == "" and widget.answers is None and widget.asked is None
    widget.token.value = "R_I"  # the list on the left still needs the query
    assert widget.answers is None
    widget.flip_words.value = False
    assert widget.answers is not None
    widget.flip_words.value = True
    widget.query.value = "stove"
    assert "stove S_I" in widget.lists.value


def test_other_views_can_follow_the_question_on_the_right(widget):
    seen = []
    widget.observe(lambda change: seen.append(change["new"]), "asked")
    widget.query.value = "stove"
    widget.token.value = "R_I"
    assert [(asked.query, asked.side) for asked in seen] == [
        ("stove", Side("S_I", "S_I")),
        ("stove", Side("R_I", "R_I")),
    ]
    assert seen[-1].history == HISTORY


def test_other_errors_are_not_swallowed():
    with pytest.raises(KeyError):
        BehaviourFlip(lambda history, query, pair: {}["x"], new_chips(), "tent")


def test_every_control_has_a_label(widget):
    for control in (widget.query, widget.token, widget.flip_token, widget.flip_words):
        assert control.description
