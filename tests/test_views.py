"""Scaling of embeddings, and the share of variance a reconstruction explains."""

import numpy as np
import pytest

from gensar_lite.identify.table import IdentifierError
from gensar_lite.identify.views import explained_variance, scale_view


def test_views_are_centred_with_mean_squared_norm_one_whatever_their_size():
    random = np.random.default_rng(0)
    small = random.standard_normal((40, 5)).astype(np.float32)
    for factor in (1e-3, 1.0, 1e3):
        view = scale_view(small * factor + 3 * factor, "semantic")
        assert np.square(view.matrix).sum(axis=1).mean() == pytest.approx(1, rel=1e-4)
        assert np.abs(view.matrix.mean(axis=0)).max() < 1e-5
        np.testing.assert_allclose(
            view.matrix * view.scale + view.mean, small * factor + 3 * factor, rtol=1e-4, atol=1e-4 * factor
        )


def test_one_scalar_keeps_relative_distances():
    matrix = np.random.default_rng(1).standard_normal((10, 4)).astype(np.float32)
    view = scale_view(matrix, "semantic").matrix
    before = np.linalg.norm(matrix[0] - matrix[1]) / np.linalg.norm(matrix[0] - matrix[2])
    assert np.linalg.norm(view[0] - view[1]) / np.linalg.norm(view[0] - view[2]) == pytest.approx(before, rel=1e-4)


@pytest.mark.parametrize("value", [0.0, 0.1, 1234.5])
def test_a_constant_embedding_becomes_zero_and_not_noise(value):
    view = scale_view(np.full((30, 7), value, dtype=np.float32), "semantic")
    assert not view.matrix.any()


def test_rows_that_are_not_finite_are_named():
    matrix = np.ones((5, 2), dtype=np.float32)
    matrix[3, 1] = np.nan
    matrix[4, 0] = np.inf
    with pytest.raises(
        IdentifierError, match=r"semantic embedding is not finite in row 3 \(item 'd'\), 4 \(item 'e'\)"
    ):
        scale_view(matrix, "semantic", np.array(list("abcde"), dtype=object))


def test_empty_embeddings_are_refused():
    for shape in ((0, 4), (4, 0)):
        with pytest.raises(IdentifierError, match="shape"):
            scale_view(np.zeros(shape, dtype=np.float32), "semantic")


def test_explained_variance_is_one_for_itself_and_zero_for_the_mean():
    matrix = np.random.default_rng(2).standard_normal((20, 3)).astype(np.float32)
    assert explained_variance(matrix, matrix) == 1
    assert explained_variance(matrix, np.broadcast_to(matrix.mean(axis=0), matrix.shape)) == pytest.approx(0, abs=1e-6)
    assert explained_variance(np.ones((3, 2)), np.ones((3, 2))) == 1
