"""The residual quantiser: codes, and above all which loss moves what under each residual rule."""

import numpy as np
import pytest
import torch

from gensar_lite.identify.quantizer import ResidualQuantizer
from gensar_lite.identify.residual_kmeans import residual_kmeans
from gensar_lite.identify.table import IdentifierError

LEVELS = 3


def filled(residual="detached", seed=0, n_items=60):
    vectors = torch.randn(n_items, 6, generator=torch.Generator().manual_seed(seed), requires_grad=True)
    quantizer = ResidualQuantizer(6, (8,) * LEVELS, residual, seed=seed)
    return quantizer, vectors


def gradients(residual):
    """Norm of each level's commitment and codebook gradient at the input and at every codebook."""
    quantizer, vectors = filled(residual)
    done = quantizer(vectors)
    targets = [vectors, *quantizer.codebooks]
    table = {}
    for name, losses in (("commitment", done.commitment_losses), ("codebook", done.codebook_losses)):
        for level in range(LEVELS):
            found = torch.autograd.grad(losses[level], targets, retain_graph=True, allow_unused=True)
            table[name, level] = [0.0 if value is None else value.norm().item() for value in found]
    return table, done, vectors


@pytest.mark.parametrize("residual", ["detached", "equation", "official"])
def test_first_level_commitment_moves_the_input_alone_and_codebook_losses_their_own_level(residual):
    table, _, _ = gradients(residual)
    at_input, *at_books = table["commitment", 0]
    assert at_input > 0 and at_books == [0.0] * LEVELS
    for level in range(LEVELS):
        at_input, *at_books = table["codebook", level]
        assert at_input == 0
        assert [value > 0 for value in at_books] == [place == level for place in range(LEVELS)]


def test_detached_residuals_let_every_level_move_the_encoder_and_no_code_word():
    table, done, vectors = gradients("detached")
    for level in range(LEVELS):
        at_input, *at_books = table["commitment", level]
        assert at_input > 0 and at_books == [0.0] * LEVELS
        # The size is known: d/dr mean ||r - e||^2 = 2 (r - e) / N, what is left after the level.
        expected = 2 * done.residuals[level + 1].norm().item() / len(vectors)
        assert at_input == pytest.approx(expected, rel=1e-5)


def test_equation_residuals_also_move_earlier_code_words():
    table, _, _ = gradients("equation")
    for level in range(LEVELS):
        at_input, *at_books = table["commitment", level]
        assert at_input > 0
        assert [value > 0 for value in at_books] == [place < level for place in range(LEVELS)]


def test_official_residuals_lose_the_commitment_gradient_after_the_first_level():
    table, _, _ = gradients("official")
    for level in range(1, LEVELS):
        assert table["commitment", level] == [0.0] * (1 + LEVELS)


def test_the_three_rules_differ_in_gradients_only():
    results = [filled(rule)[0](filled(rule)[1]) for rule in ("detached", "equation", "official")]
    for other in results[1:]:
        torch.testing.assert_close(other.codes, results[0].codes)
        torch.testing.assert_close(other.commitment_losses, results[0].commitment_losses, rtol=1e-5, atol=1e-6)
        torch.testing.assert_close(other.quantised, results[0].quantised)


def test_residuals_and_code_words_add_up():
    quantizer, vectors = filled()
    done = quantizer(vectors)
    assert len(done.residuals) == LEVELS + 1
    torch.testing.assert_close(done.residuals[0], vectors)
    torch.testing.assert_close(done.quantised + done.residuals[-1], vectors)
    words = sum(quantizer.codebooks[level][done.codes[:, level]] for level in range(LEVELS))
    torch.testing.assert_close(words, done.quantised)
    nearest = torch.cdist(vectors, quantizer.codebooks[0]).argmin(dim=1)
    torch.testing.assert_close(done.codes[:, 0], nearest)


def test_no_level_at_all_leaves_everything():
    vectors = torch.randn(4, 6)
    done = ResidualQuantizer(6, ())(vectors)
    assert done.codes.shape == (4, 0) and done.codebook_losses.shape == (0,)
    torch.testing.assert_close(done.residuals[-1], vectors)


def test_kmeans_start_is_residual_kmeans_of_the_whole_catalogue_and_a_buffer_says_so():
    quantizer, vectors = filled()
    assert not quantizer.initialised and "initialised" in quantizer.state_dict()
    quantizer.initialise(vectors, seed=3)
    assert quantizer.initialised
    found = residual_kmeans(vectors.detach().numpy(), (8,) * LEVELS, seed=3)
    np.testing.assert_array_equal(quantizer(vectors).codes.numpy(), found.codes)
    fresh = ResidualQuantizer(6, (8,) * LEVELS)
    fresh.load_state_dict(quantizer.state_dict())
    assert fresh.initialised


def test_more_codes_than_items_is_a_clear_error():
    quantizer, vectors = filled(n_items=5)
    with pytest.raises(IdentifierError, match="8 codes is larger than the catalogue of 5 items"):
        quantizer.initialise(vectors, seed=0)
    with pytest.raises(IdentifierError, match="8 codes"):
        quantizer.revive(vectors.detach(), np.random.default_rng(0))


def test_dead_codes_come_alive_at_every_level():
    quantizer, vectors = filled(n_items=200)
    with torch.no_grad():
        for codebook in quantizer.codebooks:
            codebook[2:] += 1000  # far from everything
    before = quantizer(vectors).codes
    assert all(len(before[:, level].unique()) <= 2 for level in range(LEVELS))
    moved = quantizer.revive(vectors.detach(), np.random.default_rng(0))
    assert all(len(codes) >= 6 for codes in moved)
    after = quantizer(vectors).codes
    assert all(len(after[:, level].unique()) == 8 for level in range(LEVELS))


def test_revival_leaves_perfect_and_constant_catalogues_alone():
    quantizer = ResidualQuantizer(6, (4,))
    with torch.no_grad():
        quantizer.codebooks[0][0] = 1.0
    constant = torch.ones(9, 6)
    assert [len(codes) for codes in quantizer.revive(constant, np.random.default_rng(0))] == [0]
    assert quantizer(constant).codes.unique().tolist() == [0]


def test_usage_counts_training_passes_only():
    quantizer, vectors = filled()
    quantizer.train()(vectors)
    quantizer.eval()(vectors)
    codes = quantizer(vectors).codes
    for level in range(LEVELS):
        torch.testing.assert_close(quantizer.usage(level), torch.bincount(codes[:, level], minlength=8))
    quantizer.reset_usage()
    assert quantizer.usage(0).sum() == 0


def test_sinkhorn_balances_the_last_level_and_assigns_alike_in_any_batch():
    vectors = torch.cat([torch.randn(180, 6) * 0.1, torch.randn(20, 6) * 3])
    quantizer = ResidualQuantizer(6, (8, 8), sinkhorn=0.05)
    quantizer.initialise(vectors, seed=0)
    plain = quantizer.eval()(vectors).codes
    quantizer.balance(vectors)
    balanced = quantizer(vectors).codes
    torch.testing.assert_close(balanced[:, 0], plain[:, 0])
    largest = [int(torch.bincount(codes[:, 1], minlength=8).max()) for codes in (plain, balanced)]
    assert largest[1] < 0.6 * largest[0] and largest[1] <= 2 * 200 / 8
    training = torch.cat([quantizer.train()(part).codes for part in vectors.split(7)])
    torch.testing.assert_close(training, balanced)
    assert "discount_1" in quantizer.state_dict()
