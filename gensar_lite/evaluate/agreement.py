"""How far apart are two answers to one history? Kullback-Leibler divergence and rank-biased overlap.

Scores and rankings in, one number out. This module knows nothing about models, tokens or items.
"""

from __future__ import annotations

import math
from collections.abc import Hashable, Sequence

import numpy as np
from jaxtyping import Float

PERSISTENCE = 0.9  # p of the rank-biased overlap: the first ten ranks then carry 86 % of its weight


class AgreementError(ValueError):
    """Two answers that cannot be compared. The message says what is wrong with them."""


def kl_divergence(log_p: Float[np.ndarray, "..."], log_q: Float[np.ndarray, "..."]) -> float:
    """KL(P || Q) = sum of p ln(p / q), in nats: 0 for equal answers, larger the less Q expects what P says.

    Both are renormalised over the N items first, so that they are distributions over the same things, whatever share
    of its probability each model gave to something else.

    Args:
        log_p, log_q: (N,) log-probabilities up to a constant, nats; -inf for an item that cannot be the answer.

    Returns:
        at least 0; infinite where P allows an item that Q forbids.

    Raises:
        AgreementError: other shapes than (N,) twice, NaN or +inf, or an answer that allows no item.
    """
    p, q = (np.asarray(scores, dtype=np.float64) for scores in (log_p, log_q))
    if p.ndim != 1 or p.shape != q.shape:
        raise AgreementError(f"Two answers over the same items are needed, not shapes {p.shape} and {q.shape}.")
    for scores in (p, q):
        if np.isnan(scores).any() or (scores == np.inf).any():
            raise AgreementError("A score is NaN or +inf: log-probabilities are finite or -inf.")
        if not (scores > -np.inf).any():
            raise AgreementError("An answer allows no item at all (every score is -inf).")
    p, q = (scores - _log_sum_exp(scores) for scores in (p, q))
    possible = p > -np.inf
    terms = np.exp(p[possible]) * (p[possible] - q[possible])
    return max(float(terms.sum()), 0.0)  # rounding may leave -1e-17 for equal answers


def _log_sum_exp(scores: Float[np.ndarray, " N"]) -> float:
    highest = scores.max()
    return float(highest + np.log(np.exp(scores - highest).sum()))


def rank_biased_overlap(left: Sequence[Hashable], right: Sequence[Hashable], p: float = PERSISTENCE) -> float:
    """RBO of two ranked lists, extrapolated (Webber, Moffat and Zobel 2010, eq. 32): 1 for the same, 0 for strangers.

    A reader goes down both lists and stops after each rank with probability 1 - p; RBO is the share of items that the
    two lists have in common at the depth where the reader stops, on average. Below the end of a list the agreement is
    taken to stay what it was; for two rankings of a whole catalogue nothing is extrapolated.

    Args:
        left, right: best first, each item once; lengths may differ.
        p: persistence, 0 < p < 1.

    Returns:
        0 to 1.

    Raises:
        AgreementError: an empty list, an item that stands twice in one list, or p outside (0, 1).
    """
    if not 0 < p < 1:
        raise AgreementError(f"The persistence p must lie between 0 and 1, not at {p}.")
    places = [{item: rank for rank, item in enumerate(ranking, start=1)} for ranking in (left, right)]
    for ranking, place in zip((left, right), places, strict=True):
        if len(ranking) == 0 or len(place) != len(ranking):
            raise AgreementError("A ranked list holds at least one item, and each item once.")
    short, long = sorted((len(left), len(right)))
    meet = [max(rank, places[1][item]) for item, rank in places[0].items() if item in places[1]]
    overlap = np.bincount(np.array(meet, dtype=np.int64), minlength=long + 1)[1:].cumsum()  # X_d, d = 1 … long
    depth = np.arange(1, long + 1)
    weight = p ** depth.astype(np.float64)
    x_short, x_long = int(overlap[short - 1]), int(overlap[-1])
    seen = (overlap / depth * weight).sum()
    below = slice(short, None)  # depths that only the longer list reaches: the shorter one is taken to go on as it was
    assumed = (x_short * (depth[below] - short) / (short * depth[below]) * weight[below]).sum()
    end = ((x_long - x_short) / long + x_short / short) * p**long
    return float((1 - p) / p * (seen + assumed) + end)


def weight_of_first(ranks: int, p: float = PERSISTENCE) -> float:
    """Share of the weight of RBO that the first ranks carry (Webber, Moffat and Zobel 2010, eq. 21), 0 to 1.

    Raises:
        AgreementError: p outside (0, 1) or fewer than one rank.
    """
    if not 0 < p < 1 or ranks < 1:
        raise AgreementError(f"At least one rank and a persistence between 0 and 1 are needed, not {ranks} and {p}.")
    rest = math.log(1 / (1 - p)) - sum(p**rank / rank for rank in range(1, ranks))
    return 1 - p ** (ranks - 1) + (1 - p) / p * ranks * rest
