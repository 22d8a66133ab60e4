"""Residual k-means: the joint identifier's structure without any training. numpy and scikit-learn, no torch.

It is the control every learned quantiser has to match, and it initialises the RQ-VAE's codebooks. Shared levels
cluster the concatenated views, specific levels cluster each view's own remainder (eq. 3 and 4 with identity encoders).
"""

from __future__ import annotations

import warnings
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from threadpoolctl import threadpool_limits

from gensar_lite.identify.table import IdentifierError


class ResidualCodes(NamedTuple):
    """A matrix as a sum of code words.

    Attributes:
        codes: (N, L) int.
        codebooks: L arrays (K, E).
        residual: (N, E) what the L levels leave unexplained.
    """

    codes: np.ndarray
    codebooks: list[np.ndarray]
    residual: np.ndarray


class JointCodes(NamedTuple):
    """Codes of one or two views with shared leading levels.

    Attributes:
        codes: kind -> (N, L) int.
        shared: shared codebooks, (K, sum of the views' widths) each; columns in the order of ``inputs``.
        specific: kind -> its own codebooks, (K, width) each.
        inputs: kind -> (N, width), what was quantised (scaled embeddings here, latent vectors in the RQ-VAE).
        reconstruction: kind -> (N, E) in the scaled embedding space.
    """

    codes: dict[str, np.ndarray]
    shared: list[np.ndarray]
    specific: dict[str, list[np.ndarray]]
    inputs: dict[str, np.ndarray]
    reconstruction: dict[str, np.ndarray]

    def codebooks(self, kind: str) -> list[np.ndarray]:
        """All levels of a kind: shared ones over both views, specific ones over its own."""
        return [*self.shared, *self.specific[kind]]

    def slices(self, kind: str) -> list[np.ndarray]:
        """All levels of a kind, shared ones cut to the kind's columns, so that code words sum up to it (eq. 6)."""
        start = 0
        for name, matrix in self.inputs.items():
            if name == kind:
                break
            start += matrix.shape[1]
        width = self.inputs[kind].shape[1]
        return [book[:, start : start + width] for book in self.shared] + self.specific[kind]


def residual_kmeans(matrix: Float[np.ndarray, "N E"], sizes: tuple[int, ...], seed: int) -> ResidualCodes:
    """Cluster, subtract the centre, cluster what is left, once per level.

    Args:
        matrix: rows to quantise.
        sizes: K of each level.
        seed: level l is seeded with ``seed + l``.

    Raises:
        IdentifierError: a codebook larger than the catalogue.
    """
    residual = np.array(matrix, dtype=np.float32)
    codes, codebooks = [], []
    for level, size in enumerate(sizes):
        check_catalogue(len(residual), size)
        centres, labels = cluster(residual, size, seed + level)
        residual -= centres[labels]
        codes.append(labels)
        codebooks.append(centres)
    stacked = np.stack(codes, axis=1) if codes else np.zeros((len(residual), 0), dtype=np.int64)
    return ResidualCodes(stacked.astype(np.int64), codebooks, residual)


def joint_residual_kmeans(
    views: dict[str, np.ndarray], shared_levels: int, specific_levels: int, size: int, seed: int
) -> JointCodes:
    """Residual k-means with the joint identifier's structure.

    Args:
        views: kind -> (N, E) scaled embedding; with one view all levels may as well be shared.
        shared_levels: L_m, on the concatenation of the views.
        specific_levels: L_n, on each view's columns of the remainder.
        size: K of every level.
        seed: see ``residual_kmeans``.
    """
    together = residual_kmeans(np.concatenate(list(views.values()), axis=1), (size,) * shared_levels, seed)
    codes, specific, reconstruction, start = {}, {}, {}, 0
    for place, (kind, matrix) in enumerate(views.items()):
        own = together.residual[:, start : start + matrix.shape[1]]
        start += matrix.shape[1]
        found = residual_kmeans(own, (size,) * specific_levels, seed + shared_levels + place * specific_levels)
        codes[kind] = np.concatenate([together.codes, found.codes], axis=1)
        specific[kind] = found.codebooks
        reconstruction[kind] = matrix - found.residual
    return JointCodes(codes, together.codebooks, specific, dict(views), reconstruction)


def cluster(
    matrix: Float[np.ndarray, "N E"], size: int, seed: int
) -> tuple[Float[np.ndarray, "K E"], Int[np.ndarray, "N"]]:
    """Plain k-means on one thread (the same result on every machine's core count): centres and labels."""
    from sklearn.cluster import KMeans  # a second, which a lesson with finished identifiers need not pay
    from sklearn.exceptions import ConvergenceWarning

    with threadpool_limits(limits=1), warnings.catch_warnings():
        # Fewer distinct rows than codes is legitimate here (variants of one product): the spare codes stay unused.
        warnings.simplefilter("ignore", ConvergenceWarning)
        found = KMeans(size, n_init=1, max_iter=100, random_state=seed).fit(matrix)
    return found.cluster_centers_.astype(np.float32), found.labels_.astype(np.int64)


def check_catalogue(n_items: int, size: int) -> None:
    """Refuse a codebook with more codes than there are items to share them.

    Raises:
        IdentifierError: size > n_items.
    """
    if size > n_items:
        raise IdentifierError(
            f"A codebook of {size} codes is larger than the catalogue of {n_items} items. "
            f"Set the number of codes to {n_items} or less."
        )
