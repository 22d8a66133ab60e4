"""Two coordinates per item: PCA as defined, UMAP seeded and faithful to groups that are far apart."""

import numpy as np
import pytest

from gensar_lite.view.projection import project

RANDOM = np.random.default_rng(0)
GROUPS = np.repeat(np.eye(8)[:3] * 20, 30, axis=0) + RANDOM.standard_normal((90, 8))


def test_pca_keeps_the_most_variance_two_axes_can_keep():
    flat = project(GROUPS)
    lengths = np.linalg.svd(GROUPS - GROUPS.mean(axis=0), compute_uv=False)
    np.testing.assert_allclose(np.square(flat).sum(axis=0), np.square(lengths[:2]))
    np.testing.assert_allclose(flat.mean(axis=0), 0, atol=1e-9)


def test_pca_does_not_flip_when_rows_are_shuffled():
    order = RANDOM.permutation(len(GROUPS))
    np.testing.assert_allclose(project(GROUPS)[order], project(GROUPS[order]), atol=1e-9)


@pytest.mark.parametrize("shape", [(1, 5), (2, 5), (4, 1)])
def test_very_small_inputs_still_give_two_coordinates(shape):
    assert project(np.arange(np.prod(shape), dtype=float).reshape(shape)).shape == (shape[0], 2)
    assert project(np.arange(np.prod(shape), dtype=float).reshape(shape), "umap").shape == (shape[0], 2)


def test_umap_is_seeded_keeps_far_groups_apart_and_leaves_torch_its_threads():
    torch = pytest.importorskip("torch")
    threads = torch.get_num_threads()
    flat = project(GROUPS, "umap", seed=3)
    assert torch.get_num_threads() == threads
    numba = pytest.importorskip("numba")
    assert numba.threading_layer() == "workqueue", "on the shared pool torch would be reset to all cores"
    assert np.array_equal(flat, project(GROUPS, "umap", seed=3))
    centres = flat.reshape(3, 30, 2).mean(axis=1)
    spread = np.linalg.norm(flat.reshape(3, 30, 2) - centres[:, None], axis=2).max()
    assert min(np.linalg.norm(centres[a] - centres[b]) for a, b in [(0, 1), (0, 2), (1, 2)]) > spread


def test_an_unknown_projection_is_refused():
    with pytest.raises(ValueError, match="Choose pca or umap"):
        project(GROUPS, "tsne")
