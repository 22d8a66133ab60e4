"""Figures of the scoreboard: their data are the inputs, lines stand where they should, hostile names stay text."""

import numpy as np
import pandas as pd
import pytest

from gensar_lite.view import figures_scoreboard as figures
from gensar_lite.view.theme import COLOUR, description

HOSTILE = "<script>alert(1)</script>"
ROWS = pd.DataFrame(
    [
        ("random", "R_I", 0.01, 0.0, 0.02),
        ("GenSAR", "R_I", 0.3, 0.25, 0.37),
        ("random", "S_I", 0.02, 0.01, 0.03),
        ("BM25", "S_I", 0.2, 0.1, 0.25),
        ("GenSAR", "S_I", 0.4, 0.38, 0.43),
    ],
    columns=["ranker", "task", "value", "low", "high"],
)
SLOPES = pd.DataFrame(
    [("GenSAR", "S_I", 0.4, 0.6), ("BM25", "S_I", 0.3, 0.2), ("MiniLM", "S_I", 0.1, 0.5), ("GenSAR", "R_I", 0.2, 0.7)],
    columns=["ranker", "task", "full", "paper"],
)


def texts(figure):
    return str(figure.to_dict())


def test_the_scoreboard_shows_values_intervals_and_the_oracles_line():
    figure = figures.scoreboard(ROWS, "NDCG@10", {"R_I": 0.5, "S_I": 0.6})
    for trace, task in zip(figure.data, ("R_I", "S_I"), strict=True):
        shown = ROWS[ROWS["task"] == task]
        assert list(trace.x) == shown["value"].tolist() and list(trace.y) == shown["ranker"].tolist()
        assert np.allclose(trace.x + trace.error_x.array, shown["high"])
        assert np.allclose(trace.x - trace.error_x.arrayminus, shown["low"])
        assert trace.marker.color == COLOUR[task]
        filled = [name for name, symbol in zip(trace.y, trace.marker.symbol, strict=True) if "open" not in symbol]
        assert filled == ["GenSAR"]
    assert [line.x0 for line in figure.layout.shapes] == [0.5, 0.6]
    assert "GenSAR with 0.400, oracle at 0.600" in description(figure)


def test_differences_tell_how_many_intervals_leave_zero_out():
    rows = ROWS.assign(low=[0.1, -0.1, 0.1, -0.3, 0.2], high=[0.2, 0.1, 0.2, -0.1, 0.3])
    told = description(figures.scoreboard(rows, "difference", {"R_I": 0.0, "S_I": 0.0}, "no difference", ours=""))
    assert "recommendation: of 2 intervals 1 lie above no difference, 0 below" in told
    assert "search: of 3 intervals 2 lie above no difference, 1 below" in told


def test_places_are_counted_within_a_task():
    placed = figures.places(SLOPES).set_index(["task", "ranker"])
    assert placed.loc["S_I", "full place"].to_dict() == {"GenSAR": 1, "BM25": 2, "MiniLM": 3}
    assert placed.loc["S_I", "paper place"].to_dict() == {"GenSAR": 1, "BM25": 3, "MiniLM": 2}
    assert placed.loc[("R_I", "GenSAR"), "paper place"] == 1


def test_slopes_run_from_place_to_place_and_dash_who_moves():
    figure = figures.protocol_slopes(SLOPES, "HR@10")
    traces = {(trace.name, trace.xaxis): trace for trace in figure.data}
    bm25, gensar = traces["BM25", "x2"], traces["GenSAR", "x2"]
    assert tuple(bm25.y) == (2, 3) and bm25.line.dash == "dash"
    assert tuple(gensar.y) == (1, 1) and gensar.line.dash == "solid"
    assert tuple(bm25.text) == ("BM25 0.300 ", " 0.200 BM25")
    assert "recommendation 0, search 2" in description(figure)


@pytest.mark.parametrize("logarithmic", [False, True])
def test_lines_hold_the_tables_columns(logarithmic):
    table = pd.DataFrame({"a": [0.1, 0.2], "b": [0.4, 0.3]}, index=pd.Index([10, 1000], name="candidates"))
    figure = figures.lines(table, "HR@10", logarithmic)
    assert {trace.name: list(trace.y) for trace in figure.data} == {"a": [0.1, 0.2], "b": [0.4, 0.3]}
    assert figure.data[0].line.dash != figure.data[1].line.dash
    assert figure.layout.xaxis.type == ("log" if logarithmic else "linear")
    assert "a from 0.100 to 0.200" in description(figure)


def test_a_leak_is_the_gap_between_two_marks():
    table = pd.DataFrame({"leaking": [0.9, 0.2], "clean": [0.3, 0.2]}, index=["copy", "BM25"])
    figure = figures.leak_gap(table, "HR@10")
    marks = {trace.name: list(trace.x) for trace in figure.data if trace.mode == "markers"}
    assert marks == {"leaking": [0.9, 0.2], "clean": [0.3, 0.2]}
    joints = [list(trace.x) for trace in figure.data if trace.mode == "lines"]
    assert joints == [[0.3, 0.9], [0.2, 0.2]]
    assert "copy: 0.900 leaking, 0.300 clean" in description(figure)


def test_hostile_names_stay_text():
    drawn = [
        figures.scoreboard(ROWS.replace("BM25", HOSTILE), HOSTILE, {"S_I": 0.5}, HOSTILE),
        figures.protocol_slopes(SLOPES.replace("BM25", HOSTILE), HOSTILE),
        figures.lines(pd.DataFrame({HOSTILE: [1.0]}, index=pd.Index([1], name=HOSTILE)), HOSTILE),
        figures.leak_gap(pd.DataFrame({HOSTILE: [1.0]}, index=[HOSTILE]), HOSTILE),
    ]
    for figure in drawn:
        assert HOSTILE in description(figure)  # escaped where it is shown, see theme.caption
        figure.layout.meta = None
        assert "<script" not in texts(figure) and "&lt;script" in texts(figure)
