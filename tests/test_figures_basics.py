"""Figures of the first lessons: their data are the inputs, and hostile titles stay text."""

from collections import namedtuple

import numpy as np
import pandas as pd
import pytest

from gensar_lite.identify.table import IdentifierTable
from gensar_lite.view import figures_basics as figures
from gensar_lite.view.theme import description

HOSTILE = "<script>alert(1)</script> $x$"


def answer(titles, kinds, values, column):
    return pd.DataFrame({"title": titles, "kind": kinds, column: values})


def marks(figure):
    return [trace for trace in figure.data if trace.mode == "markers"]


def labels(figure):
    return [trace for trace in figure.data if trace.mode == "text"]


def test_neighbour_lists_draw_both_lists_and_fill_the_same_kind():
    text = answer(["A", HOSTILE], ["Tent", "Tent"], [0.9, -0.2], "cosine")
    clicks = answer(["A", "C"], ["Tent", "Stove"], [0.8, 0.7], "cosine")
    figure = figures.neighbour_lists("My tent", "Tent", text, clicks)
    left, right = marks(figure)
    assert list(left.x) == [0.9, -0.2] and list(right.x) == [0.8, 0.7]
    assert list(left.marker.symbol) == ["circle", "circle"]
    assert list(right.marker.symbol) == ["diamond", "diamond-open"]
    assert figure.layout.xaxis.range[0] == -0.2  # a negative cosine is not cut off
    assert "by text 2 of 2" in description(figure) and "1 titles stand in both" in description(figure)
    assert "<script" not in str(figure.to_dict()) and labels(figure)[0].text[0] == "1. A"


def test_answers_become_a_table_with_kinds():
    Answer = namedtuple("Answer", "item title probability")
    table = figures.answer_table([Answer(1, "A", 0.5), Answer(0, "B", 0.1)], ["Stove", "Tent"])
    assert table.to_dict("list") == {"title": ["A", "B"], "kind": ["Tent", "Stove"], "probability": [0.5, 0.1]}
    assert figures.answer_table([], ["Stove"]).columns.tolist() == ["title", "kind", "probability"]


def test_two_answers_mark_what_stands_in_both():
    search = answer(["A", "B"], ["Tent", "Tent"], [0.5, 0.1], "probability")
    recommendation = answer(["C", "B"], ["Stove", "Tent"], [0.2, 0.1], "probability")
    figure = figures.two_answers(HOSTILE, search, recommendation)
    left, right = marks(figure)
    assert list(left.x) == [0.5, 0.1] and list(right.x) == [0.2, 0.1]
    assert list(left.marker.symbol) == ["circle", "circle-open"]
    assert list(right.marker.symbol) == ["diamond", "diamond-open"]
    assert (left.marker.color, right.marker.color) == ("#0072B2", "#E69F00")
    headings = [note.text for note in figure.layout.annotations]
    assert "1 kind of product" in headings[0] and "2 kinds of product" in headings[1]
    assert "<script" not in headings[0]


def test_two_answers_of_different_lengths_or_empty_are_drawn():
    search = answer(["A"], ["Tent"], [0.5], "probability")
    empty = answer([], [], [], "probability")
    figure = figures.two_answers("tent", search, empty)
    assert [len(trace.x) for trace in marks(figure)] == [1, 0]


@pytest.fixture
def table():
    shared = np.array([[0, 0], [0, 0], [0, 1], [1, 1]])
    codes = {
        "semantic": np.hstack([shared, [[0], [1], [0], [0]]]),
        "collaborative": np.hstack([shared, [[1], [1], [0], [0]]]),
    }
    ids = np.array(["a", "b", "c", "d"], dtype=object)
    return IdentifierTable("joint", ids, codes, dict.fromkeys(codes, (2, 2, 2)), 2)


def test_reading_an_identifier_counts_the_items_left(table):
    reading = figures.read_identifier(table, 0)
    semantic = reading[reading["kind"] == "semantic"]
    collaborative = reading[reading["kind"] == "collaborative"]
    assert semantic["items"].tolist() == [4, 3, 2, 1]
    assert collaborative["items"].tolist() == [4, 3, 2, 2]
    assert semantic["token"].tolist() == ["", "<M1_0>", "<M2_0>", "<S1_0>"]
    assert semantic["part"].tolist() == ["shared", "shared", "shared", "semantic"]


def test_the_branches_meet_where_the_shared_codes_end(table):
    figure = figures.identifier_branches(figures.read_identifier(table, 0), HOSTILE)
    trunk, semantic, collaborative = figure.data
    assert (list(trunk.x), list(trunk.y)) == ([0, 1, 2], [4, 3, 2])
    assert (list(semantic.x), list(semantic.y)) == ([2, 3], [2, 1])
    assert (list(collaborative.x), list(collaborative.y)) == ([2, 3], [2, 2])
    assert list(trunk.text) == ["", "&lt;M1_0&gt;", "&lt;M2_0&gt;"] and list(semantic.text) == ["", "&lt;S1_0&gt;"]
    assert semantic.line.dash != collaborative.line.dash and "<script" not in figure.layout.title.text
    assert "1 after the last semantic code, 2 after the last collaborative code" in description(figure)


def test_an_identifier_of_one_kind_is_a_single_line():
    codes = np.array([[0, 1], [0, 0], [1, 0]])
    ids = np.array(["a", "b", "c"], dtype=object)
    table = IdentifierTable("semantic-only", ids, {"semantic": codes}, {"semantic": (2, 2)}, 2)
    figure = figures.identifier_branches(figures.read_identifier(table, 0), "A")
    assert list(figure.data[0].y) == [3, 2, 1]


def square():
    rows = [("text", "S_I", 0.4), ("clicks", "S_I", 0.3), ("text", "R_I", 0.1), ("clicks", "R_I", 0.25)]
    table = pd.DataFrame(rows, columns=["vectors", "task", "value"])
    return table.assign(low=table["value"] - 0.02, high=table["value"] + 0.05)


def test_the_square_draws_values_and_intervals_of_both_tasks():
    figure = figures.tradeoff_square(square())
    search, recommendation = figure.data
    assert list(search.y) == [0.4, 0.3] and list(recommendation.y) == [0.1, 0.25]
    assert list(search.error_y.array) == pytest.approx([0.05, 0.05])
    assert list(search.error_y.arrayminus) == pytest.approx([0.02, 0.02])
    assert search.line.dash != recommendation.line.dash
    assert search.marker.symbol != recommendation.marker.symbol
    assert "Search is best with vectors made of text" in description(figure)
    assert "recommendation with vectors made of clicks" in description(figure)


def test_groups_of_queries_keep_their_order_and_intervals():
    groups = {"one kind": (0.8, 0.6), HOSTILE: (0.1, 0.2)}
    rows = [(g, v, x) for g, values in groups.items() for v, x in zip(("text", "clicks"), values, strict=True)]
    table = pd.DataFrame(rows, columns=["group", "vectors", "value"])
    table = table.assign(low=table["value"] - 0.02, high=table["value"] + 0.05, cases=1200)
    figure = figures.by_precision(table)
    text, clicks = figure.data
    assert list(text.y) == [0.8, 0.1] and list(clicks.y) == [0.6, 0.2]
    assert text.x[0] == "one kind<br>(1,200 cases)" and "<script" not in text.x[1]
    assert list(clicks.error_y.arrayminus) == pytest.approx([0.02, 0.02])
    assert text.marker.symbol != clicks.marker.symbol
    assert "text do best with the group “one kind” (80%)" in description(figure)


def test_repeats_and_news_are_stacked():
    table = pd.DataFrame({"vectors": ["clicks", "shuffled"], "repeat": [0.1, 0.09], "new": [0.2, 0.01]})
    figure = figures.repeats_and_news(table)
    repeat, new = figure.data
    assert list(repeat.x) == [0.1, 0.09] and list(new.x) == [0.2, 0.01]
    assert figure.layout.barmode == "stack" and repeat.marker.pattern.shape != new.marker.pattern.shape
    assert "shuffled: 1.0% new, 9.0% repeats" in description(figure)


def test_reach_says_the_share_of_the_best_possible():
    rows = [
        (task, name, value, role)
        for task, scale in (("S_I", 1.0), ("R_I", 0.5))
        for name, value, role in (
            ("popularity", 0.1 * scale, "baseline"),
            (HOSTILE, 0.4 * scale, "model"),
            ("oracle", 0.5 * scale, "oracle"),
        )
    ]
    figure = figures.reach(pd.DataFrame(rows, columns=["task", "ranker", "value", "role"]))
    search, recommendation = figure.data
    assert list(search.x) == [0.1, 0.4, 0.5] and list(recommendation.x) == [0.05, 0.2, 0.25]
    assert search.text[1].strip() == "0.400 (80%)"
    assert search.marker.color[1] == "#0072B2" and recommendation.marker.color[1] == "#E69F00"
    assert "search 80%, recommendation 80%" in description(figure)
    assert "<script" not in str(search.y)
