"""Two sets of identifiers of the same items: movers, matched codes, collisions that come and go."""

from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from identifier_data import IDS, SEMANTIC, TABLE

from gensar_lite.identify.diff import ALONE, NEW, RESOLVED, STILL, difference, match_codes
from gensar_lite.identify.table import IdentifierError, IdentifierTable


def table(codes: np.ndarray, ids: np.ndarray = IDS, kind: str = "semantic") -> IdentifierTable:
    sizes = tuple(int(top) + 1 for top in codes.max(axis=0))
    return IdentifierTable("made", ids, {kind: codes}, {kind: sizes}, codes.shape[1])


def test_movers_and_collisions_by_hand():
    after = SEMANTIC.copy()
    after[1] = 0, 1, 1  # leaves item 0: both are alone now
    after[7] = 1, 0, 0  # joins item 4
    found = difference(TABLE, table(after), "semantic")
    assert found.moved.tolist() == [1, 7]
    assert found.frame["parts_at"].tolist()[1] == 3 and found.frame["parts_at"].tolist()[7] == 1
    states = [RESOLVED, RESOLVED, ALONE, ALONE, NEW, STILL, STILL, NEW]
    assert found.frame["state"].tolist() == states
    assert found.frame["group_before"].tolist() == [2, 2, 1, 1, 1, 2, 2, 1]
    assert found.frame["group_after"].tolist() == [1, 1, 1, 1, 2, 2, 2, 2]


@given(st.integers(0, 10**6))
def test_the_same_clusters_under_other_numbers_are_no_move(seed):
    random = np.random.default_rng(seed)
    codes = random.integers(0, 5, (30, 3))
    renamed = np.stack([random.permutation(5)[codes[:, level]] for level in range(3)], axis=1)
    ids = np.array([f"i{place}" for place in range(30)], dtype=object)
    matched = difference(table(codes, ids), table(renamed, ids), "semantic", match=True)
    assert len(matched.moved) == 0 and matched.matched
    assert (matched.before == matched.after).all()


@given(st.lists(st.tuples(st.integers(0, 3), st.integers(0, 3)), max_size=20))
def test_matching_keeps_as_many_as_the_best_renaming(pairs):
    from itertools import permutations

    before, after = np.array(pairs, dtype=np.int64).reshape(-1, 2).T
    kept = int((match_codes(before, after) == before).sum())
    best = max(int((np.array(names)[after] == before).sum()) for names in permutations(range(8), 4)) if pairs else 0
    assert kept == best


def test_codes_without_a_partner_get_new_numbers():
    renamed = match_codes(np.array([0, 0, 0, 1]), np.array([7, 7, 8, 9]))
    assert renamed.tolist() == [0, 0, 2, 1]


def test_items_are_joined_by_their_ids_and_the_others_counted():
    order = np.array([3, 0, 7])
    later = table(SEMANTIC[order], IDS[order])
    found = difference(TABLE, later, "semantic")
    assert found.frame["item"].tolist() == [0, 1, 2] and found.frame["item_id"].tolist() == ["i3", "i0", "i7"]
    assert len(found.moved) == 0
    assert (found.only_before, found.only_after) == (5, 0)
    # Item 0 shared its identifier with item 1, which the later table does not hold.
    assert found.frame["state"].tolist() == [ALONE, RESOLVED, ALONE]


def test_a_longer_identifier_is_another_one():
    longer = np.concatenate([SEMANTIC, np.zeros((8, 1), dtype=int)], axis=1)
    found = difference(TABLE, table(longer), "semantic")
    assert found.frame["parts_at"].tolist() == [4] * 8
    assert found.before.shape == found.after.shape == (8, 3)


def test_the_only_kind_stands_for_the_one_asked_for():
    found = difference(TABLE, table(SEMANTIC, kind="codes of another tool"), "semantic")
    assert len(found.moved) == 0


def test_what_cannot_be_compared_is_refused():
    with pytest.raises(IdentifierError, match="no item in common"):
        difference(TABLE, table(SEMANTIC, IDS + "x"), "semantic")
    with pytest.raises(IdentifierError, match="No kind 'textual'"):
        difference(TABLE, replace(TABLE), "textual")
