"""Figures of a training to watch: what is drawn is what the frames hold."""

import json

import numpy as np
import pytest

from gensar_lite.identify.steps import quantise_stepwise
from gensar_lite.view.figures_live import TERMS, Frame, live_table, live_training, training_steps
from gensar_lite.view.theme import description

HOSTILE = "<b onmouseover=alert(1)>$x$</b>"


def frame(epoch=0, levels=2, size=4, far=1.0):
    """A frame of 12 points; the last code of level 1 lies far away and is dead."""
    random = np.random.default_rng(epoch)
    points = random.standard_normal((12, 2)) * far
    books = [random.standard_normal((size, 2)) * far for _ in range(levels)]
    books[0][-1] = 50 * far
    codes = quantise_stepwise(points, books).codes
    losses = dict(zip(TERMS, (0.5, 0.4 / (epoch + 1), 0.1), strict=True))
    return Frame(epoch, points, tuple(books), codes, losses, 0.75)


def by_name(figure):
    return {trace.name: trace for trace in figure.data if trace.name}


def test_a_frame_by_hand():
    books = (np.array([[2.0, 0.0], [-2.0, 0.0], [0.0, 9.0]]), np.array([[0.5, 0.5], [0.0, 0.0], [-0.5, 0.5]]))
    one = Frame(0, np.array([[2.5, 0.5], [-2.0, 0.0]]), books, np.array([[0, 0], [1, 1]]), {}, 0.0)
    assert one.sums.tolist() == [[[0, 0], [0, 0]], [[2, 0], [-2, 0]], [[2.5, 0.5], [-2, 0]]]
    assert one.counts.tolist() == [[1, 1, 0], [1, 1, 0]]
    assert one.used == [2, 2]


@pytest.mark.parametrize("levels", [1, 2, 3])
@pytest.mark.parametrize("count", [1, 3])
def test_always_the_same_number_of_traces(levels, count):
    frames = [frame(epoch, levels) for epoch in range(count)]
    for picked in ((), (0, 5)):
        figure = live_training(frames, 10, ["x"] * 12, picked)
        assert len(figure.data) == 12
        json.dumps(figure.to_plotly_json(), default=list)


def test_dead_codes_are_crosses_and_are_counted():
    frames = [frame(0), frame(1)]
    drawn = by_name(live_training(frames, 10, ["x"] * 12))
    dead = np.flatnonzero(frames[1].counts[0] == 0)
    crosses = drawn[f"dead codes, level 1: {len(dead)}"]
    assert crosses.marker.symbol == "x-thin"
    np.testing.assert_allclose(np.stack([crosses.x, crosses.y], axis=1), frames[1].codebooks[0][dead])
    heat = live_training(frames, 10, ["x"] * 12).data[-1]
    assert (heat.text == "×").sum() == (frames[1].counts == 0).sum()
    assert heat.customdata.sum(axis=1) == pytest.approx([1, 1])


def test_items_are_joined_to_the_sum_of_their_code_words():
    one = frame(3)
    lines = live_training([one], 10, ["x"] * 12).data[0]
    ends = np.stack([lines.x, lines.y], axis=1).reshape(12, 3, 2)
    np.testing.assert_allclose(ends[:, 0], one.points)
    np.testing.assert_allclose(ends[:, 1], one.sums[-1])
    assert np.isnan(ends[:, 2]).all()


def test_each_sum_is_drawn_once_where_its_items_are():
    one = frame(3)
    drawn = by_name(live_training([one], 10, ["x"] * 12))
    words = drawn["code words, level 1"]
    assert len(words.x) == one.used[0]
    assert len(drawn["sums of 2 code words"].x) == len(np.unique(one.codes, axis=0))
    assert sum(int(text.split(": ")[1].split()[0]) for text in words.text) == 12


def test_the_route_of_a_picked_item_ends_at_the_item():
    one = frame(3)
    route = by_name(live_training([one], 10, ["x"] * 12, [7]))["picked items"]
    stops = np.stack([route.x, route.y], axis=1)[:-1]
    np.testing.assert_allclose(stops[0], 0)
    np.testing.assert_allclose(stops[2], one.sums[2][7])
    np.testing.assert_allclose(stops[3], one.points[7])


def test_the_picture_grows_with_the_cloud_and_the_axis_holds_all_epochs():
    small, large = (live_training([frame(0, far=far)], 40, ["x"] * 12) for far in (1.0, 30.0))
    assert large.layout.xaxis.range[1] > 20 * small.layout.xaxis.range[1]
    assert small.layout.xaxis2.range[1] >= 40
    for drawn in (small, large):
        assert np.nanmax(np.abs(drawn.data[2].x)) <= drawn.layout.xaxis.range[1]


def test_titles_of_strangers_stay_text():
    figure = live_training([frame()], 10, [HOSTILE] * 12)
    assert "<b on" not in str(figure.data[2].text) and "$" not in str(figure.data[2].text)
    assert "<b on" not in str(training_steps({HOSTILE: [frame()]}).layout.annotations)


def test_the_table_holds_every_epoch():
    table = live_table([frame(epoch) for epoch in range(3)])
    assert table.index.name == "epoch" and table.index.tolist() == [0, 1, 2]
    assert table["loss"].tolist() == pytest.approx([1.0, 0.8, 0.6 + 0.4 / 3])
    assert table["codes in use, level 1"].tolist() == [frame(epoch).used[0] for epoch in range(3)]
    assert table["variance kept"].tolist() == [0.75] * 3


def test_the_sentence_names_epoch_losses_and_codes_in_use():
    one = frame(2)
    told = description(live_training([one], 10, ["x"] * 12))
    assert told.startswith("Epoch 2 ") and f"{one.used[0]}, {one.used[1]} of 4 codes" in told
    assert "reconstruction 0.500" in told


def test_small_multiples_have_one_plane_per_look_at_one_scale():
    runs = {"uniform": [frame(0), frame(9)], "k-means": [frame(1), frame(8, far=3.0)]}
    figure = training_steps(runs)
    ranges = {tuple(axis.range) for axis in figure.select_xaxes()} | {
        tuple(axis.range) for axis in figure.select_yaxes()
    }
    assert len(ranges) == 1 and len(list(figure.select_xaxes())) == 4
    assert "uniform, epoch 9" in str(figure.layout.annotations)
    shown = [trace.name for trace in figure.data if trace.showlegend]
    assert len(shown) == len(set(shown))
    assert f"k-means: {runs['k-means'][1].used[0]} of 4" in description(figure)
