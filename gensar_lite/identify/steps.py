"""Residual quantisation one step at a time: what each level adds, and what it leaves. numpy only.

Works on any codebooks whose code words sum up to a vector: residual k-means, or the latent space of an RQ-VAE. It
learns nothing; ``residual_kmeans`` and ``rqvae`` do.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from gensar_lite.identify.table import IdentifierError


class Steps(NamedTuple):
    """Vectors quantised level by level.

    Attributes:
        codes: (N, L) the nearest code word of each level.
        residuals: (L + 1, N, E) the vectors themselves, then what each level leaves.
        sums: (L + 1, N, E) the origin, then the sum of the code words chosen so far; sums + residuals = vectors.
        left: (L + 1,) mean squared length of the residuals.
    """

    codes: np.ndarray
    residuals: np.ndarray
    sums: np.ndarray
    left: np.ndarray


def quantise_stepwise(vectors: Float[np.ndarray, "N E"], codebooks: Sequence[np.ndarray]) -> Steps:
    """Nearest code word, residual, again (eq. 3).

    Args:
        vectors: rows to quantise.
        codebooks: L arrays (K, E).

    Raises:
        IdentifierError: a codebook of another width.
    """
    for level, codebook in enumerate(codebooks, start=1):
        if codebook.shape[1] != vectors.shape[1]:
            raise IdentifierError(
                f"Codebook {level} has code words of width {codebook.shape[1]}, the vectors are {vectors.shape[1]} "
                "wide. Give the codebooks that were made for these vectors."
            )
    residual = np.asarray(vectors, dtype=np.float64)
    codes, residuals = [], [residual]
    for codebook in codebooks:
        words = np.asarray(codebook, dtype=np.float64)
        distances = np.square(residual).sum(1, keepdims=True) - 2 * residual @ words.T + np.square(words).sum(1)
        codes.append(distances.argmin(axis=1))
        residual = residual - words[codes[-1]]
        residuals.append(residual)
    stacked = np.stack(residuals)
    chosen = np.stack(codes, axis=1) if codes else np.zeros((len(residual), 0), dtype=np.int64)
    return Steps(chosen, stacked, stacked[0] - stacked, np.square(stacked).sum(axis=2).mean(axis=1))


def partial_sums(codes: Int[np.ndarray, "N L"], codebooks: Sequence[np.ndarray]) -> Float[np.ndarray, "L+1 N E"]:
    """What the first 0, 1, ..., L codes of every row add up to (eq. 6, level by level)."""
    width = codebooks[0].shape[1]
    words = [np.zeros((len(codes), width))] + [book[codes[:, level]] for level, book in enumerate(codebooks)]
    return np.cumsum(np.stack(words).astype(np.float64), axis=0)


def random_codebooks(codebooks: Sequence[np.ndarray], seed: int) -> list[np.ndarray]:
    """The control: code words of random directions, each level's as long on average as the given ones."""
    random = np.random.default_rng(seed)
    drawn = []
    for book in codebooks:
        words = random.standard_normal(book.shape)
        drawn.append(words * np.sqrt(np.square(book).sum(1).mean() / np.square(words).sum(1).mean()))
    return drawn
