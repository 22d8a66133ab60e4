"""Bootstrap intervals: coverage on simulated data, pairing, clusters, seeds."""

import numpy as np
import pytest

from gensar_lite.evaluate.significance import (
    Interval,
    case_weights,
    interval,
    paired_interval,
    resampled_means,
    user_weights,
)


def test_the_interval_matches_the_normal_one_where_that_is_right():
    values = np.random.default_rng(0).normal(3.0, 2.0, size=4000)
    result = interval(values, seed=1)
    half = 1.96 * values.std() / np.sqrt(len(values))
    assert result.mean == pytest.approx(values.mean())
    assert result.high - result.low == pytest.approx(2 * half, rel=0.1)
    assert result.low < result.mean < result.high


def test_about_95_percent_of_the_intervals_hold_the_truth():
    rng = np.random.default_rng(2)
    inside = 0
    for trial in range(200):
        hits = (rng.random(150) < 0.3).astype(float)
        result = interval(hits, seed=trial)
        inside += result.low <= 0.3 <= result.high
    # 200 trials at 95 %: standard deviation 3.1 trials; the band below is four of them, and skew is mild at p = .3.
    assert 177 <= inside <= 199


def test_pairing_removes_what_both_rankers_share():
    rng = np.random.default_rng(3)
    difficulty = rng.normal(0, 1, 2000)
    worse, better = difficulty, difficulty + rng.normal(0.05, 0.1, 2000)
    result = paired_interval(better, worse, seed=0)
    assert result.above_zero
    assert result.mean == pytest.approx((better - worse).mean())
    alone = interval(better, seed=0)
    assert (result.high - result.low) < (alone.high - alone.low) / 5


def test_a_ranker_against_itself_differs_by_exactly_nothing():
    values = np.random.default_rng(4).random(300)
    assert paired_interval(values, values, seed=0) == pytest.approx((0, 0, 0), abs=1e-6)


@pytest.mark.parametrize(
    ("low", "high", "verdict"),
    [(0.1, 0.3, "holds"), (-0.1, 0.3, "undecided"), (-0.3, -0.1, "does not hold"), (0.0, 0.2, "undecided")],
)
def test_a_claim_is_judged_by_the_whole_interval(low, high, verdict):
    assert Interval((low + high) / 2, low, high).verdict == verdict


def test_cases_of_a_user_are_drawn_together():
    users = np.repeat(np.arange(50), 4)
    weights = case_weights(200, seed=0, clusters=users)
    assert np.allclose(weights.sum(axis=1), 1, atol=1e-5)
    by_user = weights.reshape(len(weights), 50, 4)
    assert (by_user == by_user[:, :, :1]).all()
    # Four copies of each user's value carry no more information than one: the interval must not shrink.
    value = np.random.default_rng(5).normal(size=50)
    once, four_times = interval(value, seed=0), interval(np.repeat(value, 4), seed=0, clusters=users)
    assert four_times.high - four_times.low == pytest.approx(once.high - once.low, rel=0.15)


def test_seed_variance_is_part_of_the_interval():
    rng = np.random.default_rng(6)
    cases = rng.normal(0, 0.1, 1000)
    same = np.stack([cases] * 4)
    moved = same + np.array([-0.2, -0.05, 0.05, 0.2])[:, None]
    still, wide = interval(same, seed=0), interval(moved, seed=0)
    assert wide.mean == pytest.approx(still.mean)
    # Seeds' standard deviation (n - 1) is .168, so that of a mean of four is .084; the 95 % range is about ± .165.
    assert wide.high - wide.low == pytest.approx(2 * 1.96 * 0.084, rel=0.15)
    assert still.high - still.low < 0.02


def test_a_deterministic_row_can_stand_beside_one_of_several_seeds():
    values = np.random.default_rng(7).random((3, 500))
    result = paired_interval(values + 0.5, values[0], seed=0)
    assert result.mean == pytest.approx(0.5 + values.mean() - values[0].mean())
    assert result.above_zero


def test_the_same_seed_gives_the_same_interval():
    values = np.random.default_rng(8).random(100)
    assert interval(values, seed=5) == interval(values, seed=5)
    assert interval(values, seed=5) != interval(values, seed=6)


def test_users_of_two_tasks_are_resampled_together():
    first, second = user_weights((np.array([0, 1, 2, 3]), np.array([1, 3, 5])), seed=0, resamples=200)
    assert np.allclose(first.sum(axis=1), 1, atol=1e-6) and np.allclose(second.sum(axis=1), 1, atol=1e-6)
    both = (first[:, [1, 3]] > 0) & (second[:, [0, 1]] > 0)
    either = (first[:, [1, 3]] > 0) | (second[:, [0, 1]] > 0)
    usable = (second.std(axis=1) > 0) & (first.std(axis=1) > 0)
    assert (both == either)[usable].all()


def test_one_case_and_no_case():
    assert interval(np.array([0.25]), seed=0) == pytest.approx((0.25, 0.25, 0.25))
    with pytest.raises(ValueError, match="no case"):
        interval(np.zeros(0), seed=0)


def test_unequal_cases_cannot_be_paired():
    with pytest.raises(ValueError, match="same cases"):
        paired_interval(np.zeros(3), np.zeros(4), seed=0)
    with pytest.raises(ValueError, match="cluster labels"):
        case_weights(3, seed=0, clusters=np.zeros(2))


def test_resampled_means_centre_on_the_mean():
    values = np.random.default_rng(9).random((3, 400))
    weights = case_weights(400, seed=0)
    assert resampled_means(values[:, :, None], weights, seed=0).mean() == pytest.approx(values.mean(), abs=0.003)
