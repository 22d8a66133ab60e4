"""The training to watch is the real one: same modules, same losses; and a state can be continued twice."""

import numpy as np
import pytest
import torch

from gensar_lite.identify.residual_kmeans import residual_kmeans
from gensar_lite.identify.steps import quantise_stepwise
from gensar_lite.identify.table import IdentifierError
from gensar_lite.lab.live_rq import LiveTraining
from gensar_lite.view.figures_live import Recipe

CLOUD = np.random.default_rng(0).standard_normal((120, 2)).astype(np.float32) / np.sqrt(2).astype(np.float32)
TRAINING = LiveTraining(CLOUD, batch=40)


def run(recipe: Recipe, epochs: int):
    state = TRAINING.start(recipe)
    states = [state]
    for _ in range(epochs):
        states.append(TRAINING.step(states[-1]))
    return states


def test_at_epoch_zero_the_latents_are_the_points_and_the_losses_are_sums_by_hand():
    frame = TRAINING.start(Recipe("k-means", 0.25, 8, 2)).frame
    np.testing.assert_allclose(frame.points, CLOUD, atol=1e-6)
    found = residual_kmeans(CLOUD, (8, 8), 0)
    assert np.array_equal(frame.codes, quantise_stepwise(CLOUD, found.codebooks).codes)
    # The decoder is the identity, so what it misses is the last residual; eq. 9 sums the squared ones of all levels.
    left = quantise_stepwise(CLOUD, found.codebooks).left
    assert frame.losses["reconstruction"] == pytest.approx(left[2], rel=1e-4)
    assert frame.losses["codebook"] == pytest.approx(left[1] + left[2], rel=1e-4)
    assert frame.losses["commitment"] == pytest.approx(0.25 * (left[1] + left[2]), rel=1e-4)


@pytest.mark.parametrize("recipe", [Recipe("k-means", 1.0, 4, 1), Recipe("uniform", 0.0, 16, 3), Recipe(revive=True)])
def test_every_frame_fits_its_recipe(recipe):
    for epoch, state in enumerate(run(recipe, 3)):
        frame = state.frame
        assert frame.epoch == epoch and frame.points.shape == (120, 2) and frame.codes.shape == (120, recipe.levels)
        assert [book.shape for book in frame.codebooks] == [(recipe.codes, 2)] * recipe.levels
        assert frame.counts.sum(axis=1).tolist() == [120] * recipe.levels
        assert np.array_equal(quantise_stepwise(frame.points, frame.codebooks).codes, frame.codes)


def test_a_state_stays_as_it_is_and_gives_the_same_next_one_twice():
    states = run(Recipe(), 3)
    before = {name: value.clone() for name, value in states[2].weights.items()}
    again = TRAINING.step(states[2])
    assert np.array_equal(again.frame.points, states[3].frame.points)
    assert all(torch.equal(value, states[2].weights[name]) for name, value in before.items())
    for one, other in zip(again.frame.codebooks, states[3].frame.codebooks, strict=True):
        assert np.array_equal(one, other)


def test_training_learns_and_keeps_adams_memory():
    frames = TRAINING.frames(Recipe("uniform"), 25)
    assert [frame.epoch for frame in frames] == list(range(26))
    assert frames[-1].losses["reconstruction"] < 0.5 * frames[0].losses["reconstruction"]
    assert frames[-1].explained > frames[0].explained + 0.3
    counts = run(Recipe("uniform"), 2)[2].adam["state"][0]["step"]
    assert int(counts) == 2 * 3  # two epochs of 120 points in batches of 40


def test_code_words_that_start_round_zero_collapse_and_kmeans_and_revival_prevent_it():
    uniform = run(Recipe("uniform"), 5)
    assert all(np.abs(book).max() <= 1 / 16 for book in uniform[0].frame.codebooks)
    revived = run(Recipe("uniform", revive=True), 5)[-1].frame
    kmeans = run(Recipe("k-means"), 5)[-1].frame
    assert uniform[0].frame.used[0] <= 8 and uniform[-1].frame.used[0] <= 10
    assert kmeans.used[0] == 16 and revived.used[0] >= 14


def test_without_commitment_the_encoder_runs_away_and_with_much_of_it_the_cloud_shrinks():
    spread = {}
    for alpha in (0.0, 0.25, 4.0):
        spread[alpha] = float(np.square(run(Recipe("k-means", alpha), 25)[-1].frame.points).sum(axis=1).mean())
    assert spread[0.0] > spread[0.25] > spread[4.0]


@pytest.mark.parametrize(
    ("points", "recipe", "told"),
    [
        (CLOUD, Recipe("k-means", codes=121), "121 codes is larger than the catalogue of 120"),
        (CLOUD, Recipe("best"), "Unknown initialisation 'best'"),
        (np.zeros((5, 3), dtype=np.float32), Recipe(codes=4), r"\(N, 2\), not \(5, 3\)"),
    ],
)
def test_what_cannot_be_trained_is_refused(points, recipe, told):
    with pytest.raises((ValueError, IdentifierError), match=told):
        LiveTraining(points).start(recipe)


def test_identical_points_do_no_harm():
    training = LiveTraining(np.zeros((20, 2), dtype=np.float32))
    state = training.step(training.start(Recipe("k-means", codes=4, revive=True)))
    assert np.isfinite(state.frame.points).all() and state.frame.used[0] >= 1
