"""Residual k-means: the control, and what initialises the quantiser."""

import subprocess
import sys

import numpy as np
import pytest

from gensar_lite.identify.residual_kmeans import joint_residual_kmeans, residual_kmeans
from gensar_lite.identify.table import IdentifierError
from gensar_lite.identify.views import explained_variance, scale_view


def two_views(n_items=200, seed=0):
    random = np.random.default_rng(seed)
    return {
        "semantic": scale_view(random.standard_normal((n_items, 12)), "semantic").matrix,
        "collaborative": scale_view(random.standard_normal((n_items, 6)), "collaborative").matrix,
    }


def test_code_words_and_residual_add_up_to_the_input():
    matrix = two_views()["semantic"]
    found = residual_kmeans(matrix, (8, 8, 4), seed=0)
    total = sum(book[found.codes[:, level]] for level, book in enumerate(found.codebooks))
    np.testing.assert_allclose(total + found.residual, matrix, atol=1e-5)
    assert [len(book) for book in found.codebooks] == [8, 8, 4]


def test_every_level_explains_more():
    matrix = two_views()["semantic"]
    left = [np.square(residual_kmeans(matrix, (8,) * levels, seed=0).residual).sum() for levels in range(4)]
    assert left == sorted(left, reverse=True) and left[3] < 0.6 * left[0]


def test_codes_are_the_nearest_code_words():
    matrix = two_views()["semantic"]
    found = residual_kmeans(matrix, (8,), seed=0)
    distances = np.square(matrix[:, None] - found.codebooks[0][None]).sum(axis=2)
    np.testing.assert_array_equal(distances.argmin(axis=1), found.codes[:, 0])


def test_joint_codes_share_their_leading_levels_and_slices_rebuild_each_view():
    views = two_views()
    found = joint_residual_kmeans(views, 2, 2, 8, seed=0)
    np.testing.assert_array_equal(found.codes["semantic"][:, :2], found.codes["collaborative"][:, :2])
    assert (found.codes["semantic"][:, 2:] != found.codes["collaborative"][:, 2:]).any()
    for kind, matrix in views.items():
        total = sum(book[found.codes[kind][:, level]] for level, book in enumerate(found.slices(kind)))
        np.testing.assert_allclose(total, found.reconstruction[kind], atol=1e-5)
        assert 0.3 < explained_variance(matrix, found.reconstruction[kind]) < 1
        assert [book.shape[1] for book in found.codebooks(kind)] == [18, 18, matrix.shape[1], matrix.shape[1]]


def test_a_seed_gives_the_same_codes_and_another_seed_others():
    views = two_views()
    first, again, other = (joint_residual_kmeans(views, 1, 1, 8, seed).codes["semantic"] for seed in (0, 0, 1))
    np.testing.assert_array_equal(first, again)
    assert (first != other).any()


def test_a_codebook_larger_than_the_catalogue_is_refused():
    with pytest.raises(IdentifierError, match="64 codes is larger than the catalogue of 10 items"):
        residual_kmeans(np.eye(10, dtype=np.float32), (64,), seed=0)


def test_one_item_and_constant_rows_are_answered():
    assert residual_kmeans(np.zeros((1, 3), dtype=np.float32), (1, 1), 0).codes.tolist() == [[0, 0]]
    constant = residual_kmeans(np.zeros((9, 3), dtype=np.float32), (4, 4), 0)
    assert len(np.unique(constant.codes, axis=0)) == 1


def test_the_torch_free_modules_do_not_import_torch():
    code = (
        "import sys, gensar_lite.identify.schemes, gensar_lite.identify.assign, gensar_lite.identify.compare;"
        "sys.exit('torch' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
