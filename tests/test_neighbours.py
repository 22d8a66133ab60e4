"""Neighbour lists, click vectors, the shuffled control."""

import numpy as np
import pytest
from evaluate_data import log_of, small_log

from gensar_lite.embed.neighbours import (
    centred,
    click_vectors,
    nearest,
    nearest_all,
    overlap,
    reduced,
    same_label,
    shared_shoppers,
    shuffle_clicks,
    unit_rows,
)
from gensar_lite.log.split import leave_one_out

PLANE = np.array([[1.0, 0.0], [2.0, 0.2], [0.0, 3.0], [-1.0, 0.0], [0.0, 0.5]])


def test_nearest_is_ordered_by_cosine_whatever_the_lengths_and_leaves_the_item_out():
    found = nearest(PLANE, 0, 4)
    assert found.items.tolist() == [1, 2, 4, 3]  # 2 and 4 are equally far: item order
    assert found.cosines == pytest.approx([2 / np.hypot(2, 0.2), 0, 0, -1])


@pytest.mark.parametrize(("item", "k", "words"), [(5, 2, "no item 5"), (-1, 2, "no item -1"), (0, 5, "1 to 4")])
def test_nearest_refuses_what_is_not_there(item, k, words):
    with pytest.raises(ValueError, match=words):
        nearest(PLANE, item, k)


def test_nearest_all_agrees_with_nearest_across_blocks(monkeypatch):
    monkeypatch.setattr("gensar_lite.embed.neighbours._ROWS", 7)
    matrix = np.random.default_rng(0).normal(size=(30, 4))
    lists = nearest_all(matrix, 5)
    assert all(np.array_equal(lists[item], nearest(matrix, item, 5).items) for item in range(30))
    with pytest.raises(ValueError, match="30 neighbours of one of 30"):
        nearest_all(matrix, 30)


def test_overlap_and_labels_are_shares_of_the_list():
    first, second = np.array([[1, 2, 3, 4], [0, 2, 3, 4]]), np.array([[4, 3, 9, 8], [0, 2, 3, 4]])
    assert overlap(first, second).tolist() == [0.5, 1.0]
    labels = np.array(["a", "a", "b"])
    assert same_label(np.array([[1, 2], [2, 2], [0, 1]]), labels).tolist() == [0.5, 0.0, 0.0]


def test_unit_and_centred_rows():
    assert np.linalg.norm(unit_rows(PLANE), axis=1) == pytest.approx(np.ones(5))
    assert unit_rows(np.zeros((2, 3))).tolist() == np.zeros((2, 3)).tolist()
    moved = PLANE + 100.0
    assert centred(moved) == pytest.approx(centred(PLANE))


def test_reduced_keeps_cosines_where_nothing_is_lost_and_drops_the_least_variance():
    rng = np.random.default_rng(1)
    wide = rng.normal(size=(50, 2)) @ rng.normal(size=(2, 9)) + 5.0
    full, small = centred(wide), reduced(wide, 2)
    assert small.shape == (50, 2)
    assert small @ small.T == pytest.approx(full @ full.T, abs=1e-9)
    stretched = rng.normal(size=(200, 3)) * [10.0, 1.0, 0.1]
    kept = reduced(stretched, 1)[:, 0]
    assert abs(np.corrcoef(kept, np.sign(stretched[:, 0] - stretched[:, 0].mean()))[0, 1]) > 0.99


def two_crowds():
    """Shoppers 0-5 click items 0-2, shoppers 6-11 items 3-5; the last two of each shopper's clicks are held out."""
    rows = []
    for user in range(12):
        mine = np.array([0, 1, 2]) + (3 if user > 5 else 0)
        rows += [(user, "R_I", int(mine[place % 3]), "", -1, place) for place in range(6)]
    return log_of(rows)


def test_click_vectors_put_items_of_one_crowd_together():
    log = two_crowds()
    vectors = click_vectors(log, leave_one_out(log), dim=2)
    lists = nearest_all(vectors, 2)
    assert [set(row) for row in lists.tolist()] == [{1, 2}, {0, 2}, {0, 1}, {4, 5}, {3, 5}, {3, 4}]
    assert np.array_equal(vectors, click_vectors(log, leave_one_out(log), dim=2))


def test_shared_shoppers_are_counted_once_and_in_training_only():
    log = two_crowds()
    lists = np.array([[1], [0], [5], [4], [5], [0]])
    found = shared_shoppers(lists, log, leave_one_out(log))
    assert found.tolist() == [6, 6, 0, 6, 6, 0]


def test_held_out_clicks_shape_no_vector():
    log = small_log()
    split = leave_one_out(log)
    before = click_vectors(log, split, dim=5)
    item = log.events["item"].to_numpy().copy()
    held_out = ~split.train & (item >= 0)
    assert held_out.any()
    log.events.loc[held_out, "item"] = 0
    assert np.array_equal(click_vectors(log, split, dim=5), before)


def test_shuffling_keeps_every_count_and_loses_who_clicked_what():
    log = small_log()
    split = leave_one_out(log)
    mixed = shuffle_clicks(log, split, seed=3)
    true, dealt = log.events["item"].to_numpy(), mixed.events["item"].to_numpy()
    train = split.train & (true >= 0)
    assert np.array_equal(true[~train], dealt[~train])
    assert np.array_equal(np.bincount(true[train]), np.bincount(dealt[train]))
    assert (true[train] == dealt[train]).mean() < 0.2
    assert log.events.drop(columns="item").equals(mixed.events.drop(columns="item"))
    assert np.array_equal(dealt, shuffle_clicks(log, split, seed=3).events["item"])
    assert not np.array_equal(dealt, shuffle_clicks(log, split, seed=4).events["item"])


def test_vectors_of_shuffled_clicks_know_no_crowds():
    log = two_crowds()
    split = leave_one_out(log)
    mixed = shuffle_clicks(log, split)
    crowd = np.array([0, 0, 0, 1, 1, 1])
    assert same_label(nearest_all(click_vectors(log, split, 2), 2), crowd).mean() == 1
    assert same_label(nearest_all(click_vectors(mixed, split, 2), 2), crowd).mean() < 0.8
