"""Prefix groups, pairs by chance, and the running number."""

import numpy as np
import pytest
from diagnose_data import one_kind
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gensar_lite.identify.measures import (
    chance,
    level_counts,
    make_subject,
    prefix_groups,
    quotient,
    shared_pairs,
    short,
)
from gensar_lite.identify.table import group_labels


def subject(codes, sizes=None):
    table = one_kind(codes, sizes)
    return make_subject("semantic", table.codes["semantic"], table.sizes["semantic"])


@given(hnp.arrays(np.int64, st.tuples(st.integers(1, 40), st.integers(1, 5)), elements=st.integers(0, 3)))
def test_prefix_groups_are_those_of_the_table_at_every_depth(codes):
    labels, counts = prefix_groups(codes)
    for depth in range(1, codes.shape[1] + 1):
        expected, sizes = group_labels(codes[:, :depth])
        assert np.array_equal(labels[depth - 1], expected) and np.array_equal(counts[depth - 1], sizes)


def test_huge_codes_do_not_overflow_into_each_other():
    huge = 1 << 60
    codes = np.array([[huge, 0, huge], [huge, 0, huge + 1], [1, 0, huge], [huge, 0, huge]])
    labels, counts = prefix_groups(codes)
    assert labels[2].tolist() == [0, 1, 2, 0] and counts[2].tolist() == [2, 1, 1]


@given(st.lists(st.integers(0, 4), min_size=2, max_size=30))
def test_pairs_and_chance_are_what_counting_finds(groups):
    groups = np.array(groups)
    pairs = [(i, j) for i in range(len(groups)) for j in range(i)]
    same = sum(groups[i] == groups[j] for i, j in pairs)
    assert shared_pairs(np.bincount(groups)) == same
    assert chance(np.bincount(groups)) == pytest.approx(same / len(pairs))


def test_a_single_item_has_no_chance():
    assert np.isnan(chance(np.array([1])))


def test_pairs_of_a_huge_group_are_exact():
    assert shared_pairs(np.array([5_000_000_000])) == 5_000_000_000 * 4_999_999_999 // 2


def test_level_counts_leave_unused_codes_out_however_large_the_range():
    found = subject([[0, 7], [0, 1 << 50], [2, 7]])
    assert level_counts(found, 1).tolist() == [2, 1] and level_counts(found, 2).tolist() == [2, 1]


@pytest.mark.parametrize(
    ("codes", "running"),
    [
        ([[0, 0], [0, 1], [0, 2], [1, 0], [2, 0], [2, 1]], True),
        ([[0, 5], [0, 9], [0, 2], [1, 5], [2, 5], [2, 9]], True),  # the same, renamed
        ([[0, 1], [0, 2], [0, 3], [1, 0], [2, 0], [3, 0]], True),  # 0 = alone, duplicates from 1
        ([[0, 0], [0, 1], [1, 2], [1, 3], [2, 4], [3, 5]], False),  # codes that differ between prefixes
        ([[0, 0], [1, 0], [2, 0]], False),  # nothing to number
        ([[0, 0], [0, 1], [1, 0], [1, 1]], False),  # a full grid
        ([[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [1, 3]], False),  # no group has gaps
        ([[0, 0], [0, 1], [0, 2], [1, 1], [1, 2], [2, 0], [3, 0]], False),  # one group counts from 0, one from 1
        ([[0, 0], [0, 0], [1, 0]], False),  # collides
    ],
)
def test_a_running_number_is_recognised_by_its_use(codes, running):
    found = subject(codes)
    assert found.running == running and found.tells(1) and found.tells(2) != running


def test_random_codes_are_no_running_number():
    codes = np.random.default_rng(0).integers(0, 16, (3000, 3))
    codes = codes[np.unique(codes, axis=0, return_index=True)[1]]
    assert not subject(codes, (16, 16, 16)).running


def test_very_long_identifiers_show_their_first_depths_and_the_last():
    assert subject(np.zeros((2, 30), dtype=int)).depths == (*range(1, 24), 30)
    assert subject(np.zeros((2, 3), dtype=int)).depths == (1, 2, 3)


def test_numbers_in_formulas():
    assert [short(3.0), short(1 / 3), short(float("nan"))] == ["3", "0.3333", "nan"]
    assert np.isnan(quotient(1, 0)) and quotient(1.0, np.int64(2)) == 0.5
