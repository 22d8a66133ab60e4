"""Rankers that only look at item vectors, so that two kinds of vector can be compared on both tasks (paper, Fig. 1b).

The reader is as simple as can be and the same for every kind of vector: a question points to some items, the mean of
their vectors is the question's vector, and the catalogue is ranked by the cosine with it. A recommendation points to
the shopper's last clicks; a search points to the items that were clicked for its words in training.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pandas as pd
from jaxtyping import Bool, Float

from gensar_lite.embed.neighbours import unit_rows
from gensar_lite.evaluate.baselines.counts import QueryPopularity
from gensar_lite.evaluate.baselines.sequence import RecentItems
from gensar_lite.log.schema import SEARCH, JointLog

LAST = 5  # clicks of the history that a recommendation points to


class NearestMean:
    """Cosine between an item and the mean vector of the items that the question points to.

    Args:
        name: the row's name.
        vectors: (N, E), one row per item.
        counts: which items were clicked for a query in training.
        log: whose histories are read.
        last: clicks of a history that count.
    """

    trained_on = "nothing (item vectors)"

    def __init__(
        self, name: str, vectors: Float[np.ndarray, "N E"], counts: QueryPopularity, log: JointLog, last: int = LAST
    ) -> None:
        self.name = name
        self._vectors = unit_rows(vectors)
        self._counts = counts
        self._recent = RecentItems(log)
        self._last = last

    def scores(self, cases: pd.DataFrame) -> Float[np.ndarray, "B N"]:
        """Cosines, -1 to 1; 0 for everything where the question points to nothing."""
        means = np.empty((len(cases), self._vectors.shape[1]))
        search = (cases["task"] == SEARCH).to_numpy()
        means[~search] = self._recent.last(cases[~search], self._last) @ self._vectors  # a sum: cosines do not mind
        if search.any():
            means[search] = self._counts.scores(cases[search]) @ self._vectors
        return unit_rows(means) @ self._vectors.T


class Added:
    """The sum of the scores of rankers of one scale (cosines, say).

    Args:
        name: the row's name.
        parts: asked the same cases.
    """

    def __init__(self, name: str, parts: Sequence[NearestMean]) -> None:
        self.name = name
        self.trained_on = parts[0].trained_on
        self._parts = parts

    def scores(self, cases: pd.DataFrame) -> Float[np.ndarray, "B N"]:
        """The sum."""
        return np.sum([part.scores(cases) for part in self._parts], axis=0)


def repeats(log: JointLog, cases: pd.DataFrame, last: int = LAST) -> Bool[np.ndarray, " B"]:
    """Whether a case's target is one of the last clicks in its history: any vectors at all can find those."""
    recent = RecentItems(log).last(cases, last).tocsr()
    return np.asarray(recent[np.arange(len(cases)), cases["item"].to_numpy()]).ravel() > 0
