"""One vector step by step: sums and lengths by hand, noise by brute force."""

import numpy as np
import pytest

from gensar_lite.view.figures_stepper import NOISES, Walks, residual_walk, walk_table
from gensar_lite.view.theme import description

BOOKS = (np.array([[3.0, 0.0], [0.0, 3.0]]), np.array([[1.0, 1.0], [-1.0, 1.0]]))
HAND = Walks(np.array([[2.5, 1.5], [0.0, 4.0]]), BOOKS)
CLOUD = np.random.default_rng(1).standard_normal((80, 2))
WALKS = Walks(CLOUD, (CLOUD[:6], 0.3 * CLOUD[10:16], 0.1 * CLOUD[20:26]))
HOSTILE = "<img src=x onerror=alert(1)> $x$"


def by_name(figure):
    return {trace.name: trace for trace in figure.data if trace.name}


def test_a_walk_by_hand():
    table = walk_table(HAND, 0, 0.0)
    assert table["code"].tolist() == ["–", "0", "1"]
    assert table["length left"].tolist() == pytest.approx([8.5**0.5, 2.5**0.5, 0.5**0.5])
    assert table["share of items with the same codes so far"].tolist() == [1, 1, 1]
    walk = by_name(residual_walk(HAND, 0, 2, 0.0, "tent"))["sum of its code words"]
    assert list(zip(walk.x, walk.y)) == [(0, 0), (3, 0), (2, 1)]


def test_step_by_step_the_walk_grows_and_the_residual_joins_it_to_the_item():
    for step in range(3):
        drawn = by_name(residual_walk(HAND, 0, step, 0.0, "tent"))
        assert len(drawn["sum of its code words"].x) == step + 1
        rest = drawn["residual"]
        assert (rest.x[1], rest.y[1]) == (2.5, 1.5)
        assert (rest.x[0], rest.y[0]) == [(0, 0), (3, 0), (2, 1)][step]
        assert len(drawn["the nearest one"].x) == bool(step)


def test_candidates_of_a_level_stand_round_the_sum_so_far():
    drawn = by_name(residual_walk(HAND, 0, 2, 0.0, "tent"))["code words of level 2"]
    assert sorted(zip(drawn.x, drawn.y)) == [(2, 1), (4, 1)]
    first = by_name(residual_walk(HAND, 0, 0, 0.0, "tent"))["code words of level 1"]
    assert sorted(zip(first.x, first.y)) == [(0, 3), (3, 0)]


def test_later_steps_are_magnified_and_say_so():
    first, last = (residual_walk(WALKS, 3, step, 0.0, "x") for step in (1, 3))
    assert np.ptp(last.layout.xaxis.range) < np.ptp(first.layout.xaxis.range)
    assert "magnified" in last.layout.annotations[0].text and "magnified" not in first.layout.annotations[0].text


@pytest.mark.parametrize("noise", [0.0, 0.1, 0.5])
def test_shares_kept_by_brute_force(noise):
    moved, plain = WALKS.under(noise).codes, WALKS.clean.codes
    for level in range(1, 4):
        same = np.mean([list(a[:level]) == list(b[:level]) for a, b in zip(moved, plain)])
        assert WALKS.kept(noise)[level - 1] == pytest.approx(same)
    assert WALKS.survival.loc[noise].tolist() == pytest.approx(WALKS.kept(noise).tolist())


def test_noise_has_its_strength_and_moves_each_vector_along_one_line():
    usual = np.sqrt(np.square(CLOUD).sum(axis=1).mean())
    weak, strong = (WALKS.under(noise).residuals[0] - CLOUD for noise in (0.1, 0.5))
    np.testing.assert_allclose(strong, 5 * weak, atol=1e-12)
    assert np.sqrt(np.square(weak).sum(axis=1).mean()) == pytest.approx(0.1 * usual, rel=0.2)


def test_without_noise_all_is_kept_and_more_codes_never_keep_more():
    assert (WALKS.survival.loc[0.0] == 1).all()
    assert (np.diff(WALKS.survival.to_numpy(), axis=1) <= 0).all()
    assert WALKS.survival.columns.tolist() == ["1 code", "2 codes", "3 codes"]
    assert tuple(WALKS.survival.index) == NOISES


def test_all_states_have_the_same_traces_and_a_sentence():
    for step in range(WALKS.levels + 1):
        for noise in NOISES:
            figure = residual_walk(WALKS, 5, step, noise, "x")
            assert len(figure.data) == 7 + 1 + 3 + 1
            assert description(figure).startswith(f"Step {step} of 3")


def test_titles_of_strangers_stay_text():
    figure = residual_walk(WALKS, 0, 1, 0.0, HOSTILE)
    assert not [trace.name for trace in figure.data if trace.name and ("<img" in trace.name or "$" in trace.name)]


@pytest.mark.parametrize(
    ("vectors", "books"), [(np.zeros((4, 3)), BOOKS), (np.zeros((0, 2)), BOOKS), (np.zeros(4), BOOKS), (CLOUD, ())]
)
def test_what_cannot_be_walked_is_refused(vectors, books):
    with pytest.raises(ValueError, match="walk"):
        Walks(vectors, books)
