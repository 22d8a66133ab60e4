"""Bootstrap intervals over cases, over users, and over training seeds.

All intervals are percentile intervals at 95 %. One set of case weights serves every row of a table, so that a table
costs one matrix product and differences between its rows are paired: both rankers see the same resampled cases.

This module knows arrays of per-case values (one metric, higher is better). It knows nothing about rankers.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int, Shaped

RESAMPLES = 1000
CONFIDENCE = 0.95


class Interval(NamedTuple):
    """A mean over cases (and seeds) with its 95 % bootstrap interval, in the unit of the values."""

    mean: float
    low: float
    high: float

    @property
    def above_zero(self) -> bool:
        """True if the whole interval lies above 0: the gate of every "A beats B" here."""
        return self.low > 0

    @property
    def verdict(self) -> str:
        """What a difference says about the claim that it is positive: "holds", "does not hold" or "undecided"."""
        if self.above_zero:
            return "holds"
        return "does not hold" if self.high < 0 else "undecided"


def case_weights(
    n_cases: int, seed: int, clusters: Shaped[np.ndarray, " B"] | None = None, resamples: int = RESAMPLES
) -> Float[np.ndarray, "S B"]:
    """Weights of B cases in S bootstrap resamples; each row sums to 1.

    Args:
        n_cases: B, at least 1.
        seed: the same seed and cases give the same weights.
        clusters: a user (or any label) per case: all cases of a label are drawn together. None: each case by itself.
        resamples: S.

    Raises:
        ValueError: there is no case, or ``clusters`` has another length.
    """
    if n_cases < 1:
        raise ValueError("there is no case to resample; check which cases were selected")
    if clusters is not None and len(clusters) != n_cases:
        raise ValueError(f"{n_cases} cases, but {len(clusters)} cluster labels")
    label = np.arange(n_cases) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    n_labels = int(label.max()) + 1
    rng = np.random.default_rng([seed, n_cases])
    weights = np.empty((resamples, n_cases), dtype=np.float32)
    for row in range(resamples):
        drawn = np.bincount(rng.integers(n_labels, size=n_labels), minlength=n_labels)[label]
        weights[row] = drawn / drawn.sum()
    return weights


def resampled_means(
    values: Float[np.ndarray, "K B F"], weights: Float[np.ndarray, "S B"], seed: int
) -> Float[np.ndarray, "S F"]:
    """Means of S resamples of K training seeds' values on the same B cases, for F metrics at once.

    With one seed the cases alone vary. With several, each resample also draws K seeds with replacement, so that the
    interval holds both sources of chance. Drawing K of K seeds shows only (K - 1) / K of their variance; the seeds'
    deviations from their common mean are stretched by sqrt(K / (K - 1)) to undo that. With three seeds the part that
    comes from seeds is still a rough estimate: read such an interval as "at least this wide".
    """
    means = np.stack([weights @ of_seed for of_seed in values], axis=1)  # (S, K, F)
    n_resamples, n_seeds, _ = means.shape
    if n_seeds == 1:
        return means[:, 0]
    centre = means.mean(axis=1, keepdims=True)
    stretched = centre + (means - centre) * np.sqrt(n_seeds / (n_seeds - 1))
    drawn = np.random.default_rng([seed, n_seeds]).integers(n_seeds, size=(n_resamples, n_seeds))
    return np.take_along_axis(stretched, drawn[:, :, None], axis=1).mean(axis=1)


def summarise(mean: float, resampled: Float[np.ndarray, " S"]) -> Interval:
    """The percentile interval of a resampled statistic around its value on all cases."""
    tail = 100 * (1 - CONFIDENCE) / 2
    low, high = np.percentile(resampled, [tail, 100 - tail])
    return Interval(float(mean), float(low), float(high))


def interval(
    values: Float[np.ndarray, "*K B"], seed: int, clusters: Shaped[np.ndarray, " B"] | None = None
) -> Interval:
    """The mean of per-case values, one row per training seed (or one row in all), with its interval.

    Args:
        values: (B,) or (K, B); per-case values of one metric.
        seed: of the resampling.
        clusters: see ``case_weights``.
    """
    values = np.atleast_2d(values)
    weights = case_weights(values.shape[1], seed, clusters)
    return summarise(values.mean(), resampled_means(values[:, :, None], weights, seed)[:, 0])


def paired_interval(
    first: Float[np.ndarray, "*K B"],
    second: Float[np.ndarray, "*K2 B2"],
    seed: int,
    clusters: Shaped[np.ndarray, " B"] | None = None,
) -> Interval:
    """The mean of ``first - second`` over the same cases, with its interval.

    The two may have different numbers of training seeds (a deterministic baseline has one); seeds are drawn
    independently for each side.

    Raises:
        ValueError: the two do not have the same number of cases.
    """
    first, second = np.atleast_2d(first), np.atleast_2d(second)
    if first.shape[1] != second.shape[1]:
        raise ValueError(f"a paired difference needs the same cases: {first.shape[1]} against {second.shape[1]}")
    weights = case_weights(first.shape[1], seed, clusters)
    resampled = resampled_means(first[:, :, None], weights, seed) - resampled_means(
        second[:, :, None], weights, seed + 1
    )
    return summarise(first.mean() - second.mean(), resampled[:, 0])


def user_weights(
    users: tuple[Int[np.ndarray, " A"], Int[np.ndarray, " B"]], seed: int, resamples: int = RESAMPLES
) -> tuple[Float[np.ndarray, "S A"], Float[np.ndarray, "S B"]]:
    """Weights for two sets of cases (the two tasks) whose users are resampled together; each row sums to 1.

    A statistic such as "mean of both tasks" is then resampled by user, so that the two cases of a user stay together.
    A resample in which one task has no case left (tiny data only) keeps that task's plain mean.
    """
    everyone = np.unique(np.concatenate(users))
    place = [np.searchsorted(everyone, of_task) for of_task in users]
    rng = np.random.default_rng([seed, len(everyone)])
    weights = [np.empty((resamples, len(of_task)), dtype=np.float32) for of_task in users]
    for row in range(resamples):
        drawn = np.bincount(rng.integers(len(everyone), size=len(everyone)), minlength=len(everyone))
        for matrix, of_task in zip(weights, place, strict=True):
            count = drawn[of_task]
            matrix[row] = count / count.sum() if count.sum() else 1 / len(of_task)
    return weights[0], weights[1]
