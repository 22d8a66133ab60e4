"""Two answers side by side: their data are the inputs, and hostile words stay text."""

import re
from html.parser import HTMLParser

import pandas as pd
import pytest

from gensar_lite.view.figures_flip import (
    DEEP,
    ROW,
    TOKENS,
    Flipped,
    Scale,
    Side,
    flip_html,
    flip_sentence,
    flip_table,
    question_in_words,
    sides,
)

HOSTILE = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Collects tags with their attributes, and the text of the page."""

    def __init__(self):
        super().__init__()
        self.tags, self.text, self._open = [], "", []

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self._open.append(tag)

    def handle_endtag(self, tag):
        while self._open and self._open.pop() != tag:
            pass

    def handle_data(self, data):
        if "style" not in self._open:
            self.text += data + " "

    def of(self, tag, kind=None):
        return [attrs for name, attrs in self.tags if name == tag and (not kind or kind in attrs.get("class", ""))]


def read(page):
    reader = Reader()
    reader.feed(page)
    return reader


def answer(ids, elsewhere, titles=None, probability=0.1):
    return pd.DataFrame(
        {
            "item_id": ids,
            "title": titles or [f"T{item}" for item in ids],
            "probability": probability,
            "identifier": "<M1_3> <S1_4> <R1_5>",
            "elsewhere": elsewhere,
        },
        index=pd.RangeIndex(1, len(ids) + 1, name="rank"),
    )


def flipped(before, now, n_items=1000):
    return Flipped(before, now, 1.25, 0.5, 0.9, n_items)


PAIR = sides("R_I", "S_I")


# ---- what the two questions say ----------------------------------------------------------------------------------


def test_both_switches_on_flip_the_token_and_its_words():
    assert sides("R_I", "S_I") == (Side("R_I", "R_I"), Side("S_I", "S_I"))
    assert sides("S_I", None) == (Side("S_I", "S_I"), Side(None, "S_I"))  # the query is still told, not what it is for


def test_the_token_alone_is_flipped_under_the_neutral_wording():
    assert sides("R_I", "S_I", words=False) == (Side("R_I", None), Side("S_I", None))


def test_the_words_alone_are_flipped_under_the_new_token():
    assert sides("R_I", "S_I", token=False) == (Side("S_I", "R_I"), Side("S_I", "S_I"))
    assert sides("S_I", "R_I", token=False) == (Side("R_I", "S_I"), Side("R_I", "R_I"))
    assert sides("S_I", None, token=False) == (Side(None, None), Side(None, "S_I"))  # else nothing would flip


@pytest.mark.parametrize("before", TOKENS)
@pytest.mark.parametrize("now", TOKENS)
@pytest.mark.parametrize("token", [True, False])
@pytest.mark.parametrize("words", [True, False])
def test_what_a_switch_holds_still_does_not_change(before, now, token, words):
    left, right = sides(before, now, token, words)
    assert right.token == now
    assert left.token == (before if token else now)
    if not words:
        assert left.words == right.words
    if not token and not words:
        assert left == right
    if words and not token:
        assert left.words != right.words


def test_questions_are_told_in_words():
    told = [question_in_words(Side("S_I", words), "tent") for words in ("R_I", "S_I", None)]
    assert told[1] == "search for “tent”" and "recommend" in told[0] and "tent" not in told[2]


# ---- the picture -------------------------------------------------------------------------------------------------


def test_both_lists_stand_in_order_with_probability_identifier_and_rank_elsewhere():
    left = answer(["a", "b"], [2, 700], ["tent", HOSTILE])
    page = read(flip_html(flipped(left, answer(["c", "a"], [31, 1])), PAIR, HOSTILE))
    assert not page.of("script")
    assert page.text.count(HOSTILE) >= 3  # the title, the query, and the title in the table
    assert [attrs["aria-label"] for attrs in page.of("ol")] == ["before", "now"]
    assert len(page.of("li", "gs-row")) == 4 and len(page.of("li", "gs-joined")) == 2
    assert "→ 700" in page.text and "31 →" in page.text and "10.0%" in page.text
    kinds = [attrs["class"] for attrs in page.of("span", "gs-code ")]
    assert kinds[:3] == ["gs-code gs-shared", "gs-code gs-semantic", "gs-code gs-collaborative"]


def test_every_listed_item_has_a_curve_from_its_old_rank_to_its_new_one():
    page = flip_html(flipped(answer(["a", "b", "c"], [2, 70, 3]), answer(["x", "a", "c"], [400, 1, 3])), PAIR, "q")
    paths = re.findall(r'<path class="gs-(\w+)" d="M0,([\d.]+) .*?100,([\d.]+)" stroke="(.*?)" stroke-dasharray', page)
    scale = Scale(3, 1000)
    expected = [  # the thin ones first, so that thick ones lie on top
        ("thin", scale.y(2), scale.y(70), "#E69F00"),
        ("thin", scale.y(400), scale.y(1), "#0072B2"),
        ("thick", scale.y(1), scale.y(2), "#D55E00"),  # a falls
        ("thick", scale.y(3), scale.y(3), "#767676"),  # c stays
    ]
    found = [(kind, float(start), float(end), colour) for kind, start, end, colour in paths]
    assert found == [(kind, pytest.approx(start, abs=0.06), pytest.approx(end, abs=0.06), colour)
                     for kind, start, end, colour in expected]  # fmt: skip


def test_lines_differ_in_more_than_colour():
    page = flip_html(flipped(answer(["a"], [9]), answer(["b"], [8])), sides("S_I", None), "q")
    legend = re.findall(r'd="M0,4 H30" stroke="(.*?)" stroke-dasharray="(.*?)" stroke-width="(\d)"', page)
    assert len(legend) == 5 and len({look[1:] for look in legend}) == 5


def test_numbers_stand_above_and_in_the_sentence():
    both = flipped(answer(["a", "b"], [2, 9]), answer(["c", "a"], [3, 1]), n_items=2000)
    page = read(flip_html(both, PAIR, "tent"))
    for told in ("1 of 2", "1.25 nats", "0.50", "2,000 items", "p = 0.9", "search for “tent”", "semantic identifiers"):
        assert told in page.text
    sentence = flip_sentence(both, PAIR)
    assert "1 items stand in both" in sentence and "1.25 nats" in sentence and "overlap is 0.50" in sentence


def test_the_table_twin_holds_every_row():
    table = flip_table(flipped(answer(["a"], [9]), answer(["b", "c"], [8, 7])), sides("S_I", None))
    assert table["question"].tolist() == ["before", "now", "now"]
    assert table["token"].tolist() == ["<S_I>", "no token", "no token"]
    assert table["rank"].tolist() == [1, 1, 2]
    assert table["elsewhere"].tolist() == [9, 8, 7]


def test_empty_answers_and_tiny_catalogues_are_drawn():
    page = read(flip_html(Flipped(answer([], []), answer([], []), 0.0, 1.0, 0.9, 2), PAIR, "q"))
    assert page.text.count("(no answer)") == 2
    flip_html(flipped(answer(["a"], [1]), answer(["a"], [1]), n_items=1), PAIR, "q")


def test_probabilities_share_one_scale():
    page = flip_html(flipped(answer(["a"], [1], probability=0.1), answer(["a"], [1], probability=0.4)), PAIR, "q")
    assert re.findall(r"gs-bar\" style=\"width:([\d.]+)%", page) == ["25.0", "100.0"]


# ---- heights -----------------------------------------------------------------------------------------------------


def test_ranks_are_rows_first_and_logarithmic_below():
    scale = Scale(8, 8000)
    assert [scale.y(rank) for rank in (1, 8)] == [ROW / 2, 7.5 * ROW]
    low = [scale.y(rank) for rank in (80, 800, 8000)]
    assert low[1] - low[0] == pytest.approx(low[2] - low[1])
    assert scale.y(8000) <= scale.height == 8 * ROW + DEEP
    assert scale.ticks == [100, 1000] and Scale(8, 9).ticks == []
