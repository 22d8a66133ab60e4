"""Divergence and overlap of two answers, against values worked out by hand and by brute force."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gensar_lite.evaluate.agreement import AgreementError, kl_divergence, rank_biased_overlap, weight_of_first

logs = st.lists(st.floats(-30, 5), min_size=1, max_size=12)


# ---- Kullback-Leibler --------------------------------------------------------------------------------------------


def test_divergence_by_hand():
    p, q = np.log([0.5, 0.5]), np.log([0.25, 0.75])
    assert kl_divergence(p, q) == pytest.approx(0.5 * math.log(2) + 0.5 * math.log(2 / 3))
    assert kl_divergence(q, p) == pytest.approx(0.25 * math.log(0.5) + 0.75 * math.log(1.5))


def test_scores_are_renormalised_first():
    p, q = np.log([0.5, 0.5]), np.log([0.25, 0.75])
    assert kl_divergence(p - 4, q + 7) == pytest.approx(kl_divergence(p, q))


def test_an_item_that_only_one_side_allows():
    assert kl_divergence(np.array([0.0, -np.inf]), np.log([0.5, 0.5])) == pytest.approx(math.log(2))
    assert kl_divergence(np.log([0.5, 0.5]), np.array([0.0, -np.inf])) == math.inf
    assert kl_divergence(np.array([0.0, -np.inf]), np.array([3.0, -np.inf])) == 0


def test_very_unlikely_items_do_not_underflow():
    p = np.array([-2000.0, -2001.0])
    assert kl_divergence(p, p[::-1]) == pytest.approx((math.e - 1) / (math.e + 1))


@given(logs, st.randoms())
@settings(deadline=None)
def test_divergence_is_never_negative_and_zero_for_the_same(scores, random):
    shuffled = list(scores)
    random.shuffle(shuffled)
    p, q = np.array(scores), np.array(shuffled)
    assert kl_divergence(p, p) == pytest.approx(0, abs=1e-9)
    brute = np.exp(p) / np.exp(p).sum()
    other = np.exp(q) / np.exp(q).sum()
    assert kl_divergence(p, q) == pytest.approx(float((brute * np.log(brute / other)).sum()), abs=1e-9)


@pytest.mark.parametrize(
    ("p", "q"),
    [
        ([0.0], [0.0, 0.0]),
        ([np.nan], [0.0]),
        ([0.0], [np.inf]),
        ([-np.inf, -np.inf], [0.0, 0.0]),
        ([], []),
    ],
)
def test_answers_that_cannot_be_compared_are_refused(p, q):
    with pytest.raises(AgreementError):
        kl_divergence(np.array(p), np.array(q))


# ---- rank-biased overlap -----------------------------------------------------------------------------------------


def test_overlap_by_hand():
    # agreements: 0/1, 2/2; with p = 0.5: (0.5/0.5) (0 * 0.5 + 1 * 0.25) + 1 * 0.25
    assert rank_biased_overlap("ab", "ba", 0.5) == pytest.approx(0.5)
    assert rank_biased_overlap("abc", "abc") == pytest.approx(1)
    assert rank_biased_overlap("abc", "xyz") == 0
    # the longer list by hand (eq. 32): X = 1, 1; s = 1, l = 2; p = 0.5
    # seen 1 * 0.5 + 0.5 * 0.25, assumed 1 * (2 - 1) / (1 * 2) * 0.25, end (0 / 2 + 1 / 1) * 0.25
    assert rank_biased_overlap("a", "ab", 0.5) == pytest.approx(0.5 + 0.125 + 0.125 + 0.25)


@given(st.permutations(range(8)), st.permutations(range(8)), st.floats(0.05, 0.95))
@settings(deadline=None)
def test_overlap_of_two_whole_rankings_is_the_mean_agreement_at_the_stopping_depth(left, right, p):
    brute, weight = 0.0, 1 - p
    for depth in range(1, 2000):  # below the end both lists hold the same items: agreement 1
        shared = len(set(left[:depth]) & set(right[:depth])) / min(depth, 8)
        brute, weight = brute + weight * shared, weight * p
    assert rank_biased_overlap(left, right, p) == pytest.approx(brute, abs=1e-9)
    assert rank_biased_overlap(right, left, p) == pytest.approx(rank_biased_overlap(left, right, p))


@given(st.permutations(range(9)), st.permutations(range(9)), st.integers(1, 9), st.integers(1, 9))
@settings(deadline=None)
def test_overlap_of_cut_lists_stays_between_nothing_and_all(left, right, first, second):
    value = rank_biased_overlap(left[:first], right[:second])
    assert -1e-12 <= value <= 1 + 1e-12
    assert value == pytest.approx(rank_biased_overlap(right[:second], left[:first]))


def test_what_stands_higher_weighs_more():
    same_top = rank_biased_overlap("abcd", "abdc")
    same_end = rank_biased_overlap("abcd", "bacd")
    assert same_end < same_top < 1


@pytest.mark.parametrize(("left", "right", "p"), [("", "a", 0.9), ("aa", "ab", 0.9), ("a", "a", 1.0), ("a", "a", 0.0)])
def test_lists_that_cannot_be_compared_are_refused(left, right, p):
    with pytest.raises(AgreementError):
        rank_biased_overlap(left, right, p)


# ---- its weights -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("ranks", "p"), [(1, 0.5), (3, 0.5), (10, 0.9), (5, 0.98)])
def test_the_weight_of_the_first_ranks(ranks, p):
    # rank i has the weight (1 - p) * sum over depths d >= i of p^(d - 1) / d
    weights = [(1 - p) * sum(p ** (depth - 1) / depth for depth in range(rank, 4000)) for rank in range(1, ranks + 1)]
    assert weight_of_first(ranks, p) == pytest.approx(sum(weights), abs=1e-9)


def test_ten_ranks_carry_86_percent():
    assert round(weight_of_first(10, 0.9), 2) == 0.86
    with pytest.raises(AgreementError):
        weight_of_first(0)
