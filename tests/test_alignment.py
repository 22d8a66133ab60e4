"""Do alike items stand under the same prefix: against counting by hand, and on random codes by brute force."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given
from hypothesis import strategies as st
from identifier_data import COLLABORATIVE, NEAR_CLICKS, NEAR_TEXT, SEMANTIC

from gensar_lite.identify.alignment import above_chance, alignment, chance, follow, room, under_prefix
from gensar_lite.identify.table import IdentifierError


@st.composite
def codes_and_neighbours(draw):
    n_items, levels, count = draw(st.integers(2, 9)), draw(st.integers(1, 3)), draw(st.integers(1, 3))
    random = np.random.default_rng(draw(st.integers(0, 10**6)))
    codes = random.integers(0, 3, (n_items, levels))
    neighbours = np.stack([random.choice(np.delete(np.arange(n_items), item), count) for item in range(n_items)])
    return codes, neighbours


@given(codes_and_neighbours())
def test_shares_chance_and_room_are_what_counting_gives(case):
    codes, neighbours = case
    n_items, levels = codes.shape
    shares, by_lot, most = under_prefix(codes, neighbours), chance(codes), room(codes, neighbours.shape[1])
    for depth in range(1, levels + 1):
        same = [[(codes[a, :depth] == codes[b, :depth]).all() for b in range(n_items)] for a in range(n_items)]
        pairs = [same[a][b] for a in range(n_items) for b in range(n_items) if a != b]
        assert by_lot[depth - 1] == pytest.approx(np.mean(pairs))
        for item in range(n_items):
            assert shares[item, depth - 1] == pytest.approx(np.mean([same[item][one] for one in neighbours[item]]))
            others = min(sum(same[item]) - 1, neighbours.shape[1])
            assert most[item, depth - 1] == pytest.approx(others / neighbours.shape[1])


def test_by_hand():
    # First codes 0 0 0 0 1 1 1 2: item 3's neighbours 4 and 2 have codes 1 and 0, item 7's are both elsewhere.
    assert under_prefix(SEMANTIC, NEAR_TEXT)[:, 0].tolist() == [1, 1, 1, 0.5, 0, 1, 1, 0]
    # 4 x 3 + 3 x 2 + 1 x 0 ordered pairs of 8 x 7 share the first code.
    assert chance(SEMANTIC)[0] == pytest.approx(18 / 56)
    assert room(SEMANTIC, 2)[:, 1].tolist() == [1, 1, 1, 0, 1, 1, 1, 0]


def test_items_without_neighbours_are_left_out():
    found = follow(COLLABORATIVE, NEAR_CLICKS)
    # Known: 1, 2, 3 (all neighbours under their first code), 4 and 5 (one of two), 7 (none).
    assert found.share[0] == pytest.approx((3 + 0.5 + 0.5 + 0) / 6)
    assert found.room[0] == pytest.approx((5 * 1 + 0) / 6)
    assert np.isnan(under_prefix(COLLABORATIVE, NEAR_CLICKS)[[0, 6]]).all()
    assert follow(COLLABORATIVE, NEAR_CLICKS, [1, 0]).share.tolist() == [1.0, 1.0]
    assert np.isnan(follow(COLLABORATIVE, NEAR_CLICKS, [0, 6]).value).all()
    assert np.isnan(follow(COLLABORATIVE, NEAR_CLICKS, []).share).all()


def test_neighbours_under_the_prefix_are_worth_one_and_chance_is_worth_nothing():
    codes = np.repeat(np.arange(4), 3)[:, None]
    within = np.array([[3 * (item // 3) + (item + step) % 3 for step in (1, 2)] for item in range(12)])
    assert follow(codes, within).value[0] == pytest.approx(1.0)
    assert above_chance(0.25, 0.25, 1.0) == 0.0
    assert np.isnan(above_chance(0.0, 0.0, 0.0))  # all alone: no room
    assert np.isnan(above_chance(1.0, 1.0, 1.0))  # all under one prefix


def test_random_codes_are_worth_about_nothing_and_a_table_holds_every_number():
    random = np.random.default_rng(0)
    vectors = random.standard_normal((400, 2))
    away = np.square(vectors[:, None] - vectors).sum(axis=2)
    np.fill_diagonal(away, np.inf)
    near = np.argsort(away, axis=1)[:, :5]
    cells = np.stack([np.floor(vectors[:, 0]), np.floor(vectors[:, 1])], axis=1).astype(int)
    cells -= cells.min(axis=0)
    names = {"cells": cells, "random": random.integers(0, 4, (400, 3))}
    frame = alignment(names, {"on the plane": near}, pd.DataFrame({"side": np.sign(vectors[:, 0])}))
    assert list(frame.columns) == ["identifiers", "depth", "against", "share", "by_lot", "room", "lift", "value"]
    value = frame.set_index(["identifiers", "against", "depth"])["value"]
    assert value["cells", "on the plane", 1] > 0.6
    assert abs(value["random", "on the plane", 1]) < 0.05
    assert value["cells", "side", 1] > 0.3 and abs(value["random", "side", 1]) < 0.05
    assert len(frame) == 2 * (2 + 3)  # two yardsticks, depths 1 .. L
    sides = frame[frame["against"] == "side"]
    assert sides[["share", "by_lot", "room", "lift"]].isna().all(axis=None)
    row = frame[(frame["identifiers"] == "cells") & (frame["depth"] == 2)].iloc[0]
    assert row["value"] == pytest.approx((row["share"] - row["by_lot"]) / (row["room"] - row["by_lot"]))
    assert row["lift"] == pytest.approx(row["share"] / row["by_lot"])


@pytest.mark.parametrize("neighbours", [np.zeros((8, 0), dtype=int)])
def test_neighbours_of_another_catalogue_are_refused(neighbours):
    with pytest.raises(IdentifierError, match="one per item"):
        under_prefix(SEMANTIC, neighbours)
