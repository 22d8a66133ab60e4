"""The prompts' view, driven through its whole range without a browser."""

import pytest
from test_figures_prompt import READING

from gensar_lite.view.widgets_prompt import PromptView

COUNTS = {"NSIP": 5, "NSQP": 3}
WORDINGS = {"NSIP": ("one", "two", "three"), "NSQP": ("one", "two")}


class Book:
    def __init__(self):
        self.asked = []

    def read(self, task, number, wording):
        self.asked.append((task, number, wording))
        if (task, number) == ("NSQP", 2):
            raise ValueError("Not <b>this</b> one.")
        return READING._replace(task=task, number=number, wording=wording, wordings=WORDINGS[task], count=COUNTS[task])


@pytest.fixture
def book():
    return Book()


@pytest.fixture
def view(book):
    return PromptView(book.read, COUNTS, "NSIP", 2)


def test_at_the_start_one_example_is_shown(view, book):
    assert book.asked == [("NSIP", 2, 1)]
    assert view.number.max == 5 and view.wording.options == (1, 2, 3)
    assert "&lt;script&gt;" in view.shown.value and "<script" not in view.shown.value
    assert [name for name, _ in view.task.options] == ["NSIP (5)", "NSQP (3)"]


def test_every_example_and_every_paraphrase_is_read(view, book):
    for number in range(1, 6):
        for wording in (1, 2, 3):
            view.number.value, view.wording.value = number, wording
            assert (view.reading.number, view.reading.wording) == (number, wording)
    assert set(book.asked) == {("NSIP", number, wording) for number in range(1, 6) for wording in (1, 2, 3)}


def test_another_task_begins_at_its_first_example_and_first_paraphrase(view, book):
    view.number.value, view.wording.value = 5, 3
    asked = len(book.asked)
    view.task.value = "NSQP"
    assert book.asked[asked:] == [("NSQP", 1, 1)]  # nothing in between
    assert (view.number.max, view.number.value) == (3, 1)
    assert view.wording.options == (1, 2) and view.wording.value == 1
    view.task.value = "NSIP"
    assert (view.number.max, view.wording.options) == (5, (1, 2, 3))


def test_a_refusal_is_a_sentence_and_the_next_example_is_shown_again(view):
    view.task.value = "NSQP"
    view.number.value = 2
    assert "Not &lt;b&gt;this&lt;/b&gt; one." in view.shown.value and view.reading is None
    view.number.value = 3
    assert view.reading.number == 3


def test_every_control_has_a_label(view):
    for control in (view.task, view.number, view.wording):
        assert control.description
