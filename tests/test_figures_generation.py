"""Figures of the generator: their data are the inputs, and hostile words stay text."""

from html.parser import HTMLParser

import pandas as pd
import pytest

from gensar_lite.view import figures_generation as figures
from gensar_lite.view.figures_generation import Slot, Told
from gensar_lite.view.theme import description

HOSTILE = "<script>alert(1)</script>"


class Reader(HTMLParser):
    """Collects tags, and the text of the page."""

    def __init__(self):
        super().__init__()
        self.tags, self.text, self.titles = [], "", []

    def handle_starttag(self, tag, attrs):
        self.tags.append(tag)
        self.titles += [value for name, value in attrs if name == "title"]

    def handle_data(self, data):
        self.text += data


def read(page):
    reader = Reader()
    reader.feed(page)
    return reader


def traces(figure, name):
    return [trace for trace in figure.data if trace.name == name]


# ---- prompts -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("token", "kind"),
    [
        ("<M1_0>", "shared"),
        ("<S2_63>", "semantic"),
        ("<R1_9>", "collaborative"),
        ("<R_I>", "behaviour"),
        ("<S_Q>", "behaviour"),
        ("<unk>", "special"),
        ("</s>", "special"),
        ('"walking boots"', "query"),
        ("tent", "word"),
        (HOSTILE, "word"),
        ("<M1_0", "word"),
    ],
)
def test_the_kind_of_a_token(token, kind):
    assert figures.token_kind(token) == kind or (token == HOSTILE and figures.token_kind(token) == "special")


def test_examples_show_every_token_as_text_with_its_kind():
    page = figures.told_html([Told("NSIP", ["tent", HOSTILE, "<S_I>"], ["<M1_3>", "<S1_4>"]), Told(HOSTILE, [], [])])
    reader = read(page)
    assert "script" not in reader.tags
    assert reader.text.count(HOSTILE) == 2
    assert "tent <script>" in reader.text and "<M1_3> <S1_4>" in reader.text
    assert {"word", "behaviour token", "shared code", "semantic code"} <= set(reader.titles)
    assert reader.tags.count("tr") == 3


def test_kinds_differ_in_more_than_colour():
    looks = {kind: (border, name) for kind, (_, border, name) in figures._STYLE.items() if kind != "word"}
    borders = [border for border, _ in looks.values()]
    assert len(set(borders)) == len(borders)


def test_slots_are_boxes_in_order_and_questions_are_dashed():
    page = figures.slots_html(
        [Slot(["<R_I>", "<M1_3>"], "clicked"), Slot(["<S_I>", HOSTILE], HOSTILE, is_ask=True), Slot([], "empty")]
    )
    reader = read(page)
    assert reader.tags.count("li") == 3 and "script" not in reader.tags
    assert "clicked<R_I>+<M1_3>" in reader.text and "empty(nothing)" in reader.text
    boxes = page.split("<li")[1:]
    assert ["dashed #767676" in box.split(">")[0] for box in boxes] == [False, True, False]


# ---- learning ----------------------------------------------------------------------------------------------------


def test_the_mix_is_drawn_as_shares():
    mix = pd.DataFrame({"examples": [60, 20], "weight": [0.5, 1.5]}, index=["NRIP", "NSIP"])
    figure = figures.mix_bars(mix)
    examples, weight = figure.data
    assert list(examples.x) == [0.75, 0.25] and list(weight.x) == [0.25, 0.75]
    assert list(examples.y) == ["NRIP", "NSIP"] and examples.marker.pattern.shape != weight.marker.pattern.shape
    assert "NRIP has the largest share of the examples (75%)" in description(figure)


def test_both_trainings_stand_on_one_axis_for_every_task_they_share():
    shipped = pd.DataFrame({"NRIP": [9.0, 7.0], "NSIP": [8.0, 5.0], "validation": [0.1, 0.2]}, index=[100, 200])
    live = pd.DataFrame({"NRIP": [12.0, 11.0], "NSIP": [10.0, 9.0], "other": [1.0, 1.0]}, index=[5, 10])
    figure = figures.learning_curves(shipped, live)
    assert [note.text for note in figure.layout.annotations] == ["NRIP", "NSIP"]
    (one, other), (long, _) = traces(figure, "watched here"), traces(figure, "shipped")
    assert list(one.x) == [5, 10] and list(one.y) == [12, 11] and list(other.y) == [10, 9]
    assert list(long.x) == [100, 200] and list(long.y) == [9, 7]
    assert one.line.dash != long.line.dash and one.marker.symbol != long.marker.symbol
    assert "NRIP 11.0 → 7.0, NSIP 9.0 → 5.0" in description(figure)


def test_levels_are_one_line_each_and_one_panel_per_behaviour():
    rows = [(step, task, level, step * level / 100) for step in (1, 2) for task in ("S_I", "R_I") for level in (1, 2)]
    figure = figures.level_curves(pd.DataFrame(rows, columns=["histories", "task", "level", "right"]))
    assert len(figure.data) == 4
    first = figure.data[0]
    assert list(first.x) == [1, 2] and list(first.y) == [0.01, 0.02]
    assert len({trace.line.dash for trace in figure.data[:2]}) == 2
    assert figure.data[0].line.color == "#0072B2" and figure.data[2].line.color == "#E69F00"
    assert "search 2%, 4%; recommendation 2%, 4%" in description(figure)


def test_alphabets_are_stacked_and_hatched():
    mass = pd.DataFrame({"semantic": [0.9, 0.5], "collaborative": [0.1, 0.5]}, index=[HOSTILE, "no token"])
    figure = figures.alphabet_bars(mass)
    assert [list(trace.x) for trace in figure.data] == [[0.9, 0.5], [0.1, 0.5]]
    assert "<script" not in figure.data[0].y[0]
    assert figure.data[0].marker.pattern.shape != figure.data[1].marker.pattern.shape


def test_shares_are_drawn_by_behaviour():
    curves = pd.DataFrame({"R_I": [0.1, 0.2], "S_I": [0.3, 0.4]}, index=pd.Index([1, 5], name="beam width"))
    figure = figures.share_lines(curves)
    assert [list(trace.y) for trace in figure.data] == [[0.1, 0.2], [0.3, 0.4]]
    assert figure.layout.xaxis.title.text == "beam width" and "search 40%" in description(figure)


# ---- beams -------------------------------------------------------------------------------------------------------


def test_the_grid_marks_what_each_beam_finds():
    found = pd.DataFrame({2: [True, False, False], 10: [True, True, True]}, index=[1, 2, 3])
    figure = figures.reach_grid(found, "S_I")
    hit, missed = figure.data
    assert list(hit.x) == [1, 1, 2, 3] and list(hit.y) == ["beam 2", "beam 10", "beam 10", "beam 10"]
    assert list(missed.x) == [2, 3] and list(missed.y) == ["beam 2", "beam 2"]
    assert hit.marker.symbol != missed.marker.symbol
    assert "beam 2: 1, beam 10: 3" in description(figure)


def test_every_figure_has_a_sentence_and_no_background():
    drawn = [
        figures.share_lines(pd.DataFrame({"S_I": [0.1]}, index=pd.Index([1], name="x"))),
    ]
    for figure in drawn:
        assert description(figure)
        assert figure.layout.template.layout.paper_bgcolor == "rgba(0,0,0,0)"
