"""Adjusted mutual information of two partitions of the same items: 0 = chance, 1 = the same partition. numpy only.

The expectation under chance is summed over *distinct group sizes*, of which there are at most about sqrt(2 N), instead
of over all pairs of groups: a million items under sixty thousand prefixes take well under a second.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Int

from gensar_lite.identify.table import entropy_nats

_CELLS = 2_000_000  # terms of the expectation computed at a time
_TAIL = 14.0  # standard deviations of a hypergeometric count beyond which nothing is left to sum


def adjusted_mutual_information(first: Int[np.ndarray, " N"], second: Int[np.ndarray, " N"]) -> float:
    """AMI with the arithmetic mean of the entropies as its upper end (Vinh, Epps, Bailey, JMLR 2010, eq. 24a and 18).

    Args:
        first: group of each item, numbered from 0.
        second: the same for the other partition.

    Returns:
        at most 1; about 0, or slightly below, for partitions that have nothing to do with each other. 1 where both
        are the same trivial partition (one group, or every item alone); 0 where just one of them is trivial.
    """
    if len(first) == 0:
        return 1.0
    rows, columns = np.bincount(first), np.bincount(second)
    rows, columns = rows[rows > 0], columns[columns > 0]
    n_items = len(first)
    if len(rows) == len(columns) and len(rows) in (1, n_items):
        return 1.0
    cells = np.bincount(pd.factorize(first.astype(np.int64) * (int(second.max()) + 1) + second)[0])
    entropies = entropy_nats(rows), entropy_nats(columns)
    information = entropies[0] + entropies[1] - entropy_nats(cells)
    expected = expected_information(rows, columns)
    room = (entropies[0] + entropies[1]) / 2 - expected
    # Where chance already explains everything, rounding would decide the sign of 0 / 0.
    return float((information - expected) / room) if room > 1e-12 else 0.0


def expected_information(rows: Int[np.ndarray, " R"], columns: Int[np.ndarray, " C"]) -> float:
    """Mutual information in nats that two partitions with these group sizes have by chance (the same paper, eq. 24a).

    The number of items that a group of a and a group of b items have in common is hypergeometric; terms more than 14
    standard deviations off its mean are left out.
    """
    from scipy.special import gammaln

    n_items = int(rows.sum())
    left, left_times = np.unique(rows, return_counts=True)
    right, right_times = np.unique(columns, return_counts=True)
    a, b = (grid.ravel().astype(np.float64) for grid in np.meshgrid(left, right, indexing="ij"))
    times = np.outer(left_times, right_times).ravel().astype(np.float64)
    mean = a * b / n_items
    spread = np.sqrt(mean * (1 - a / n_items) * np.maximum(n_items - b, 0) / max(n_items - 1, 1))
    lowest = np.maximum(np.maximum(1, a + b - n_items), np.floor(mean - _TAIL * spread - _TAIL))
    highest = np.minimum(np.minimum(a, b), np.ceil(mean + _TAIL * spread + 4 * _TAIL))
    width = np.maximum(highest - lowest + 1, 0).astype(np.int64)
    fixed = gammaln(a + 1) + gammaln(b + 1) + gammaln(n_items - a + 1) + gammaln(n_items - b + 1) - gammaln(n_items + 1)
    total, begin = 0.0, 0
    ends = np.cumsum(width)
    while begin < len(width):
        end = max(begin + 1, int(np.searchsorted(ends, (ends[begin - 1] if begin else 0) + _CELLS, side="right")))
        part = np.repeat(np.arange(begin, end), width[begin:end])
        offset = np.arange(len(part)) - np.repeat(
            ends[begin:end] - width[begin:end] - (ends[begin - 1] if begin else 0), width[begin:end]
        )
        common = lowest[part] + offset
        log_probability = fixed[part] - (
            gammaln(common + 1)
            + gammaln(a[part] - common + 1)
            + gammaln(b[part] - common + 1)
            + gammaln(n_items - a[part] - b[part] + common + 1)
        )
        term = common / n_items * (np.log(n_items * common) - np.log(a[part] * b[part])) * np.exp(log_probability)
        total += float((term * times[part]).sum())
        begin = end
    return total
