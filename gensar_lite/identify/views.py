"""An item's embedding as the identifier stage sees it: centred, divided by one scalar, checked. No torch here."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float

from gensar_lite.identify.table import IdentifierError


class View(NamedTuple):
    """One of an item's embeddings, ready to be quantised.

    Attributes:
        matrix: (N, E) float32, mean zero over items, mean squared norm 1 (all zero if every row is the same).
        mean: (E,) what was subtracted.
        scale: what the centred matrix was divided by, > 0.
    """

    matrix: np.ndarray
    mean: np.ndarray
    scale: float


def scale_view(matrix: Float[np.ndarray, "N E"], name: str, item_ids: np.ndarray | None = None) -> View:
    """Centre an embedding and divide it by one scalar, so that its mean squared norm is 1.

    One scalar keeps all angles and relative distances; without it the view with the larger numbers decides the shared
    codes alone (the losses of eq. 8 and 9 are sums of squares).

    Raises:
        IdentifierError: no rows, or rows that are not finite (they are named).
    """
    matrix = np.asarray(matrix, dtype=np.float32)
    if matrix.ndim != 2 or 0 in matrix.shape:
        raise IdentifierError(f"The {name} embedding has shape {matrix.shape}; it needs one row of numbers per item.")
    broken = np.flatnonzero(~np.isfinite(matrix).all(axis=1))
    if len(broken):
        named = [f"{row} (item '{item_ids[row]}')" if item_ids is not None else str(row) for row in broken[:5]]
        more = f" and {len(broken) - 5} more" if len(broken) > 5 else ""
        raise IdentifierError(
            f"The {name} embedding is not finite in row {', '.join(named)}{more}. "
            "Give these items a text (or a fallback vector) and embed again."
        )
    mean = matrix.mean(axis=0, dtype=np.float64).astype(np.float32)
    centred = matrix - mean
    scale = float(np.sqrt(np.square(centred, dtype=np.float64).sum(axis=1).mean()))
    # Rounding leaves about 1e-7 of the numbers' size behind; a constant embedding must not be blown up to noise.
    if scale <= 1e-6 * (float(np.abs(matrix).max()) or 1.0):
        return View(np.zeros_like(centred), mean, 1.0)
    return View((centred / scale).astype(np.float32), mean, scale)


def explained_variance(matrix: Float[np.ndarray, "N E"], reconstruction: Float[np.ndarray, "N E"]) -> float:
    """R squared: 1 - sum of squared errors / sum of squared distances to the mean. 1 = perfect, 0 = the mean alone.

    Both arguments in the same (scaled) space; a matrix without variance counts as explained.
    """
    total = np.square(matrix - matrix.mean(axis=0), dtype=np.float64).sum()
    if total == 0:
        return 1.0
    return float(1 - np.square(matrix - reconstruction, dtype=np.float64).sum() / total)
