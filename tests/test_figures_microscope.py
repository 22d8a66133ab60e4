import json

import numpy as np
import pandas as pd
import pytest

from gensar_lite.view.figures_microscope import CAUSES, case_figure, case_sentence, funnel_figure, thinned_figure
from gensar_lite.view.theme import description, table_twin
from gensar_lite.view.widgets_microscope import BeamMicroscope

HOSTILE = "<script>alert(1)</script> $x$ <b>lamp</b>"


def items_of(target=2, lost=(2, 4, 5), count=6, title="lamp", below=None):
    """``count`` items by exact rank; ``lost`` are not found; ``below``: the target's rank where it is not listed."""
    rows, rank = [], 0
    for place in range(1, count + 1):
        found = place not in lost
        rank += found
        row = (f"{title} {place}", place, rank if found else pd.NA, -float(place), pd.NA if found else 2, 1)
        rows.append((*row, place == target and below is None))
    if below is not None:
        rows.append((title, below, pd.NA, -99.0, 1, 3, True))
    columns = ["title", "exact_rank", "beam_rank", "log_prob", "left_at", "shared", "target"]
    return pd.DataFrame(rows, columns=columns).astype({"beam_rank": "Int64", "left_at": "Int64"})


def steps_of(lost_at=2, levels=4):
    rows = [
        (step, f"<M{step}_7>", -float(step), -step - 0.5 if step < lost_at else -step + 0.25, 3 * step, step < lost_at)
        for step in range(1, levels + 1)
    ]
    frame = pd.DataFrame(rows, columns=["step", "token", "log_prob", "cut", "place", "kept"])
    return frame.assign(prefixes=100, forbidden=0.1)


def trace_named(figure, name):
    (trace,) = [trace for trace in figure.data if trace.name == name]
    return trace


@pytest.mark.parametrize("behaviour", ["R_I", "S_I"])
def test_a_case_shows_where_the_prefix_fell_below_the_last_one_kept(behaviour):
    figure = case_figure(items_of(), steps_of(), 5, behaviour)
    way, cut = trace_named(figure, "the target's prefix"), trace_named(figure, "last of the 5 kept")
    assert list(way.y) == [-1, -2, -3, -4]
    assert [symbol == "x" for symbol in way.marker.symbol] == [False, True, True, True]
    assert [low < high for low, high in zip(way.y, cut.y, strict=True)] == [False, True, True, True]
    assert list(way.text) == ["3/100", "6/100", "9/100", "12/100"]
    assert [note.x for note in figure.layout.annotations if note.text == "lost here"] == [2]


def test_found_items_stand_at_both_ranks_and_missing_ones_in_a_row_of_their_own():
    figure = case_figure(items_of(target=2, lost=(2, 4, 5)), steps_of(), 3, "S_I")
    found, missed, target = (trace_named(figure, name) for name in ("found", "not found", "the target"))
    assert (list(found.x), list(found.y)) == ([1, 3, 6], [1, 2, 3])
    assert list(missed.x) == [4, 5]
    assert len({*missed.y, *target.y}) == 1 and missed.y[0] > 3
    assert list(target.x) == [2]
    assert "let go at step 2" in target.hovertext[0]


def test_the_sentence_says_rank_step_place_and_the_width_that_would_do():
    told = case_sentence(items_of(), steps_of(), 5)
    assert "rank 2 of the exact scores" in told
    assert "lets go of it at step 2: <M2_7> brings its prefix to -2.00 nats, place 6 of 100" in told
    assert "A beam of 12 is sure to keep it" in told
    assert "Of the 6 best items by exact score the beam misses 3" in told
    kept = case_sentence(items_of(target=3, lost=()), steps_of(lost_at=9), 30)
    assert "keeps it to the end and lists it at rank 3" in kept
    shared = case_sentence(items_of(below=412), steps_of(), 5)
    assert "rank 412" in shared and "shares its identifier with 2 other items" in shared


def test_a_target_far_below_the_list_stays_in_the_picture():
    figure = case_figure(items_of(below=1999), steps_of(lost_at=1), 5, "R_I")
    (x,) = trace_named(figure, "the target").x
    assert figure.layout.xaxis2.range[0] < x < figure.layout.xaxis2.range[1]


def test_a_beam_that_keeps_everything_has_no_last_one():
    steps = steps_of(lost_at=9).assign(cut=np.nan)
    figure = case_figure(items_of(lost=()), steps, 500, "S_I")
    assert "lost here" not in figure.to_json()
    json.dumps(figure.to_plotly_json(), default=list)


def test_a_beam_that_finds_nothing_is_drawn():
    figure = case_figure(items_of(lost=range(1, 7)), steps_of(lost_at=1), 1, "R_I")
    assert len(trace_named(figure, "found").x) == 0
    assert "misses 6" in description(figure)


def test_titles_from_strangers_stay_text():
    figure = case_figure(items_of(title=HOSTILE), steps_of(), 5, "S_I")
    hover = [text for trace in figure.data for text in (trace.hovertext if trace.hovertext is not None else ())]
    assert any("&lt;script&gt;" in text for text in hover)
    assert not any("<script" in text or "$" in text for text in hover)
    assert "<script" not in table_twin(items_of(title=HOSTILE))


# ---- the funnel ---------------------------------------------------------------------------------------------------


def funnel_of():
    """Ten searches of two strata; recommendation has one stratum only."""
    rows = []
    for task, stratum, alive in (
        ("S_I", "all", (10, 8, 5, 4)),
        ("S_I", "tail", (4, 2, 0, 0)),
        ("R_I", "all", (3, 3, 3, 3)),
    ):
        gone = [0, *-np.diff(alive)]
        for level, (left, went) in enumerate(zip(alive, gone, strict=True)):
            stage = ["asked", "after code 1", "after code 2", "in the first 10"][level]
            causes = [went if cause == ("pruned" if level == 1 else "model") else 0 for cause in CAUSES]
            rows.append((task, stratum, level, stage, alive[0], left, left / alive[0], *causes))
    return pd.DataFrame(rows, columns=["task", "stratum", "level", "stage", "cases", "alive", "share", *CAUSES])


def test_every_bar_of_the_funnel_adds_up_to_all_targets():
    figure = funnel_figure(funnel_of())
    for axis in {trace.xaxis for trace in figure.data}:
        bars = [trace.y for trace in figure.data if trace.xaxis == axis]
        np.testing.assert_allclose(np.sum(bars, axis=0), 1)
    first = [trace for trace in figure.data if trace.xaxis == "x"]
    assert list(first[0].y) == [1, 0.8, 0.5, 0.4]
    pruned = next(trace for trace in first if trace.name == "pruned by the beam")
    assert list(pruned.y) == [0, 0.2, 0.2, 0.2]
    assert list(first[0].x) == ["asked", "1", "2", "list"]


def test_each_name_stands_once_in_the_legend_and_causes_differ_without_colour():
    figure = funnel_figure(funnel_of())
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert len(shown) == len(set(shown)) == 2 + len(CAUSES)
    assert len({hatch for _, hatch, _ in CAUSES.values()}) == len(CAUSES)


def test_the_funnel_says_in_words_what_it_shows():
    told = description(funnel_figure(funnel_of()))
    assert "search: 80%, 50% of the targets are in the beam after codes 1 to 2, 40% in the list" in told
    assert "20.0% pruned by the beam" in told and "40.0% never likely" in told


# ---- the widget ---------------------------------------------------------------------------------------------------


def look(place, beams):
    if place == 2:
        raise ValueError("no such <case>")
    if place == 1:
        return items_of(below=700), steps_of(), "S_I"
    wide = beams >= 10
    return items_of(lost=() if wide else (2, 4, 5)), steps_of(lost_at=9 if wide else 2), "S_I"


def shown(widget):
    return "".join(str(output["data"]) for output in widget.below.outputs)


def test_the_microscope_follows_its_controls_over_their_whole_range():
    widget = BeamMicroscope(["one", "one", "refused"].__getitem__, look, [0, 1, 2], 3, beams=5)
    assert "lost here" in shown(widget)  # the start makes the point
    for beams in widget.beams.options:
        widget.beams.value = beams
        assert ("lost here" in shown(widget)) == (beams < 10)
    widget.case.value = 1
    assert "rank 700" in shown(widget)
    widget.case.value = 2
    assert "no such &lt;case&gt;" in shown(widget)
    widget.case.value = 0
    assert widget.items["title"].tolist()[0] == "lamp 1"


def test_any_case_can_be_asked_for_by_its_number_and_joins_the_list_meanwhile():
    asked = []

    def noted(place, beams):
        asked.append(place)
        return look(0, beams)

    widget = BeamMicroscope("case {}".format, noted, [3, 1], 5)
    assert (widget.case.value, widget.number.value) == (3, 4)
    for number in range(1, 6):
        widget.number.value = number
        assert widget.case.value == asked[-1] == number - 1
        listed = [place for _, place in widget.case.options]
        assert listed == [3, 1] + ([number - 1] if number - 1 not in (3, 1) else [])
    assert asked == [3, 0, 1, 2, 3, 4]  # each is drawn once
    widget.case.value = 1
    assert widget.number.value == 2
    widget.number.value = 99
    assert widget.case.value == 4  # the last there is


def test_the_microscope_is_labelled():
    widget = BeamMicroscope("case {}".format, look, [0], 1)
    assert [control.description for control in (widget.case, widget.number, widget.beams)] == ["case", "number", "beam"]


def thinned():
    rows = [
        ("S_I", name, t, 0.8 / t, 0.9 / t - drop) for name, drop in (("learned", 0), ("dealt", 0.1)) for t in (1, 2)
    ]
    return pd.DataFrame(rows, columns=["task", "names", "temperature", "held", "recall"])


def test_lines_of_thinner_belief_are_told_apart_without_colour_and_told_in_words():
    figure = thinned_figure(thinned())
    learned, dealt = (trace_named(figure, f"search, names {name}") for name in ("learned", "dealt"))
    assert list(learned.x) == [0.8, 0.4] and list(learned.y) == [0.9, 0.45]
    assert learned.line.dash != dealt.line.dash and learned.marker.symbol != dealt.marker.symbol
    assert figure.layout.xaxis.autorange == "reversed"
    assert "search, names dealt: 80% found where the best hold 80%, 35% where they hold 40%" in description(figure)


def test_in_the_funnel_s_legend_what_is_left_stands_before_the_reasons():
    ranks = {trace.name: trace.legendrank for trace in funnel_figure(funnel_of()).data if trace.showlegend}
    assert {name for name, rank in ranks.items() if rank == 1} == {name for name in ranks if "still there" in name}
