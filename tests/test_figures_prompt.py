"""A training example as the model sees it: every token in its kind, hostile words as text."""

from test_figures_flip import HOSTILE, read

from gensar_lite.view.figures_generation import Slot
from gensar_lite.view.figures_prompt import Reading, reading_html, reading_sentence, token_counts

READING = Reading(
    task="NSIP",
    meaning="what was clicked",
    number=7,
    count=1200,
    wording=2,
    wordings=("given {history} and {query}", "read {history} then <b>answer</b> {query}"),
    reads=["read", "<S_Q>", HOSTILE, "<R_I>", "<M1_3>", "<R1_4>", "<S1_5>", "then"],
    answers=["<M1_3>", "<S1_9>"],
    says=HOSTILE,
    slots=[Slot(["<R_I>", "<M1_3>"], "R_I, time 3"), Slot(["<S_I>", "red", "tent"], "question", is_ask=True)],
)


def test_tokens_are_counted_by_kind():
    assert token_counts(READING.reads[:2] + READING.reads[3:]) == {
        "word": 2,
        "shared": 1,
        "semantic": 1,
        "collaborative": 1,
        "behaviour": 2,
    }
    assert token_counts([]) == {}


def test_the_whole_example_is_shown_as_text():
    page = read(reading_html(READING))
    assert not page.of("script") and not page.of("b")[1:]
    assert page.text.count(HOSTILE) == 2
    shown = [attrs["title"] for attrs in page.of("span") if "title" in attrs]
    for kind in ("behaviour token", "shared code", "semantic code", "collaborative code", "word"):
        assert kind in shown
    for told in ("NSIP", "what was clicked", "paraphrase 2 of 2", "R_I, time 3", "question"):
        assert told in page.text


def test_all_paraphrases_stand_below_with_their_gaps_and_the_one_read_is_marked():
    page = read(reading_html(READING))
    assert page.text.count("{history}") == 2 and page.text.count("{query}") == 2
    assert "<b>answer</b>" in page.text
    assert ["aria-current" in attrs for attrs in page.of("li")[-2:]] == [False, True]


def test_a_model_that_reads_the_line_has_no_slots():
    page = read(reading_html(READING._replace(slots=[])))
    assert "slot" not in page.text and "2 slots" in reading_sentence(READING)


def test_the_sentence_counts():
    told = reading_sentence(READING._replace(reads=["a", "<M1_3>", "<M2_3>"]))
    assert "example 7 of 1,200: the model reads 3 tokens (1 text, 2 shared) and should answer with 2." in told
