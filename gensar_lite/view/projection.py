"""Many dimensions on paper: two coordinates per item, by PCA at once or by UMAP in some seconds. No torch.

Pictures only: PCA keeps the two widest directions and hides the rest; UMAP keeps neighbourhoods, not distances or
sizes. Every number in this kit is computed in the original space.
"""

from __future__ import annotations

import warnings

import numpy as np
from jaxtyping import Float

_NEIGHBOURS = 15
_BEFORE_UMAP = 32  # principal components that UMAP is given: as good a map as all dimensions, in less time


def project(matrix: Float[np.ndarray, "N E"], method: str = "pca", seed: int = 0) -> Float[np.ndarray, "N 2"]:
    """Two coordinates per row.

    Args:
        matrix: one row per item, any scale.
        method: "pca", deterministic, at once; or "umap", seeded, about ten seconds for the first thousands of rows.
            Fewer rows than UMAP needs neighbours fall back to PCA.
        seed: of UMAP.

    Raises:
        ValueError: unknown method.
    """
    if method not in ("pca", "umap"):
        raise ValueError(f"Unknown projection '{method}'. Choose pca or umap.")
    reduced = _components(matrix, 2 if method == "pca" else _BEFORE_UMAP)
    if method == "pca" or len(matrix) <= _NEIGHBOURS + 1:
        return reduced[:, :2]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # a seed makes it run on one thread, which it warns about
        import numba

        # Its own thread pool: on the shared one it resets the number of threads that torch was told to use, and every
        # training after a map took ten times as long.
        numba.config.THREADING_LAYER = "workqueue"
        import umap

        return umap.UMAP(n_neighbors=_NEIGHBOURS, random_state=seed, n_jobs=1).fit_transform(reduced).astype(np.float64)


def _components(matrix: np.ndarray, count: int) -> np.ndarray:
    """(N, count) leading principal components, zero where there are fewer; the sign of each is fixed."""
    centred = np.asarray(matrix, dtype=np.float64)
    centred = centred - centred.mean(axis=0)
    left, lengths, axes = np.linalg.svd(centred, full_matrices=False)
    signs = np.sign(axes[np.arange(len(axes)), np.abs(axes).argmax(axis=1)])
    found = (left * lengths * signs)[:, :count]
    return np.pad(found, ((0, 0), (0, max(0, count - found.shape[1]))))
