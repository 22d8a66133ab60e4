"""Quantisation step by step agrees with residual k-means, with the RQ-VAE's quantiser and with sums by hand."""

import numpy as np
import pytest
import torch

from gensar_lite.identify.quantizer import ResidualQuantizer
from gensar_lite.identify.residual_kmeans import residual_kmeans
from gensar_lite.identify.steps import partial_sums, quantise_stepwise, random_codebooks
from gensar_lite.identify.table import IdentifierError

VECTORS = np.random.default_rng(0).standard_normal((200, 6)).astype(np.float32)


def test_one_vector_by_hand():
    books = [np.array([[3.0, 0.0], [0.0, 3.0]]), np.array([[1.0, 1.0], [-1.0, 1.0]])]
    steps = quantise_stepwise(np.array([[2.5, 1.5]]), books)
    assert steps.codes.tolist() == [[0, 1]]
    assert steps.residuals[:, 0].tolist() == [[2.5, 1.5], [-0.5, 1.5], [0.5, 0.5]]
    assert steps.sums[:, 0].tolist() == [[0, 0], [3, 0], [2, 1]]
    assert steps.left.tolist() == pytest.approx([8.5, 2.5, 0.5])


def test_the_same_codes_as_residual_kmeans_and_as_the_quantiser():
    found = residual_kmeans(VECTORS, (8, 8, 8), 0)
    steps = quantise_stepwise(VECTORS, found.codebooks)
    assert np.array_equal(steps.codes, found.codes)
    np.testing.assert_allclose(steps.residuals[-1], found.residual, atol=1e-5)
    quantiser = ResidualQuantizer(6, (8, 8, 8))
    quantiser.initialise(torch.from_numpy(VECTORS), 0)
    assert np.array_equal(steps.codes, quantiser(torch.from_numpy(VECTORS)).codes.numpy())


def test_partial_sums_are_the_sums_of_the_steps():
    found = residual_kmeans(VECTORS, (8, 4), 0)
    steps = quantise_stepwise(VECTORS, found.codebooks)
    np.testing.assert_allclose(partial_sums(steps.codes, found.codebooks), steps.sums, atol=1e-5)


def test_random_code_words_are_as_long_as_the_learned_ones_and_explain_less():
    found = residual_kmeans(VECTORS, (16, 16), 0)
    drawn = random_codebooks(found.codebooks, 1)
    for own, other in zip(found.codebooks, drawn, strict=True):
        assert np.square(other).sum(1).mean() == pytest.approx(np.square(own).sum(1).mean(), rel=1e-5)
    assert quantise_stepwise(VECTORS, drawn).left[-1] > 1.2 * quantise_stepwise(VECTORS, found.codebooks).left[-1]


def test_a_codebook_of_another_width_is_named():
    with pytest.raises(IdentifierError, match="Codebook 2 has code words of width 5"):
        quantise_stepwise(VECTORS, [np.zeros((3, 6)), np.zeros((3, 5))])
