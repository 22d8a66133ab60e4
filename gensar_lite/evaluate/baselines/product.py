"""Two simple rankers multiplied: what was clicked for this query, times what this user would click anyway."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float

from gensar_lite.evaluate.baselines.counts import QueryPopularity
from gensar_lite.evaluate.metrics import METRICS, measure, rank_scores
from gensar_lite.evaluate.protocol import Ranker, batches, checked_scores
from gensar_lite.log.schema import SEARCH
from gensar_lite.log.split import Split

WEIGHTS = (0.25, 0.5, 1.0, 2.0, 4.0)


class QueryPopularityTimes:
    """log softmax(s_i) + weight * log P(i | q): a sequential ranker s and query popularity as independent sources.

    Args:
        counts: the fitted query popularity.
        sequential: a ranker whose scores are logits over items (SASRec).
        weight: exponent of P(i | q); see ``choose_weight``.
    """

    tasks = (SEARCH,)

    def __init__(self, counts: QueryPopularity, sequential: Ranker, weight: float = 1.0) -> None:
        self.name = f"{counts.name} x {sequential.name}"
        self.trained_on = f"{counts.trained_on}; {sequential.trained_on}"
        self.weight = weight
        self._counts = counts
        self._sequential = sequential

    def scores(self, cases: pd.DataFrame) -> Float[np.ndarray, "B N"]:
        """Log-probabilities in nats, up to a constant per case."""
        sequential, counts = self.parts(cases)
        return sequential + self.weight * counts

    def parts(self, cases: pd.DataFrame) -> tuple[np.ndarray, np.ndarray]:
        """The two log-probabilities, each (B, N): of the sequential ranker and of query popularity."""
        logits = np.asarray(self._sequential.scores(cases), dtype=np.float64)
        top = logits.max(axis=1, keepdims=True)
        log_softmax = logits - top - np.log(np.exp(logits - top).sum(axis=1, keepdims=True))
        return log_softmax, np.log(self._counts.scores(cases))


def choose_weight(
    counts: QueryPopularity,
    sequential: Ranker,
    split: Split,
    weights: Sequence[float] = WEIGHTS,
    max_cases: int = 2000,
) -> QueryPopularityTimes:
    """The product with the weight that has the best full-catalogue NDCG@10 on validation searches.

    Test cases are not looked at. With equal values the weight nearest 1 wins; without validation searches it is 1.

    Args:
        max_cases: at most so many validation searches, evenly spaced.
    """
    product = QueryPopularityTimes(counts, sequential)
    cases = split.validation[split.validation["task"] == SEARCH]
    cases = cases.iloc[np.unique(np.linspace(0, len(cases) - 1, min(max_cases, len(cases))).astype(int))]
    if len(cases) == 0:
        return product
    column = METRICS.index("NDCG@10")
    totals = np.zeros(len(weights))
    for batch in batches(cases, len(cases)):
        first, second = product.parts(batch)
        target = batch["item"].to_numpy()
        for place, weight in enumerate(weights):
            combined = checked_scores(product.name, first + weight * second, batch, first.shape[1])
            totals[place] += measure(rank_scores(combined, None, target))[:, column].sum()
    best = max(range(len(weights)), key=lambda place: (totals[place], -abs(np.log(weights[place]))))
    return QueryPopularityTimes(counts, sequential, weights[best])
