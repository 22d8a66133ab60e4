"""Rankers that count training events, or nothing at all: random, popularity, query popularity.

They know which items were clicked and for which words. They know no order and no text of items.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import sparse

from gensar_lite.log.schema import RECOMMENDATION, SEARCH, JointLog
from gensar_lite.log.split import TASKS, Split
from gensar_lite.log.text import normalise_query

QUERY_IGNORED = {(SEARCH, protocol): "query ignored" for protocol in ("full", "paper")}
EVENT_NAMES = {None: "all item events", RECOMMENDATION: "recommendation clicks", SEARCH: "search clicks"}


def training_items(log: JointLog, split: Split, task: str | None = None) -> np.ndarray:
    """Event indices of the training events with an item, of both tasks or of one."""
    behaviour = log.events["behaviour"].to_numpy()
    return np.flatnonzero(split.train & np.isin(behaviour, TASKS if task is None else [task]))


def item_counts(log: JointLog, split: Split, task: str | None = None) -> Float[np.ndarray, " N"]:
    """How many training events each item has."""
    items = log.events["item"].to_numpy()[training_items(log, split, task)]
    return np.bincount(items, minlength=log.n_items).astype(np.float64)


def item_shares(log: JointLog, split: Split) -> Float[np.ndarray, " N"]:
    """Each item's share of the training events with one pseudo-event per item: positive, sums to 1."""
    counts = item_counts(log, split) + 1
    return counts / counts.sum()


class Random:
    """Uniform scores that depend on the seed and the case alone: the floor of every table (1+99: HR@10 = .10)."""

    name = "random"
    trained_on = "nothing"

    def __init__(self, n_items: int, seed: int = 0) -> None:
        self._n_items = n_items
        self._seed = seed

    def scores(self, cases: pd.DataFrame) -> Float[np.ndarray, "B N"]:
        """Random numbers in 0..1."""
        rows = [np.random.default_rng([self._seed, event]).random(self._n_items) for event in cases["event"]]
        return np.stack(rows) if rows else np.zeros((0, self._n_items))


class Popularity:
    """The number of training events of each item, the same for everyone.

    Args:
        task: count the events of one task only (R_I or S_I); None counts both.
    """

    notes = QUERY_IGNORED

    def __init__(self, log: JointLog, split: Split, task: str | None = None) -> None:
        self.name = "popularity" if task is None else f"popularity ({EVENT_NAMES[task]})"
        self.trained_on = EVENT_NAMES[task]
        self._counts = item_counts(log, split, task)

    def scores(self, cases: pd.DataFrame) -> Float[np.ndarray, "B N"]:
        """Counts of training events."""
        return np.tile(self._counts, (len(cases), 1))


class QueryPopularity:
    """How often a query led to an item in training, with back-off to word overlap and then to popularity.

    P(i | q) = (c(q, i) + p(i)) / (sum_j c(q, j) + 1), where p is the items' share of all training events: one
    pseudo-click is spread by popularity, so an item clicked once for the query is always ahead of one that never was.
    A query that training has not seen borrows the clicks of the training queries with which it shares words, each
    weighted by the Jaccard overlap of the two sets of words.
    """

    name = "query popularity"
    trained_on = EVENT_NAMES[SEARCH]
    tasks = (SEARCH,)

    def __init__(self, log: JointLog, split: Split) -> None:
        clicks = training_items(log, split, SEARCH)
        queries = [normalise_query(query) for query in log.events["query"].to_numpy()[clicks]]
        codes, known = pd.factorize(np.array(queries, dtype=object))
        self._known = {str(query): row for row, query in enumerate(known)}
        items = log.events["item"].to_numpy()[clicks]
        shape = (max(len(known), 1), log.n_items)
        # Converting to CSR adds repeated pairs up: entry (q, i) is c(q, i).
        self._clicks = sparse.coo_matrix((np.ones(len(clicks)), (codes, items)), shape=shape).tocsr()
        self._shares = item_shares(log, split)
        self._words = {word: column for column, word in enumerate(sorted({w for q in self._known for w in q.split()}))}
        self._query_words = self._bag(list(self._known)) if self._known else sparse.csr_matrix((1, len(self._words)))

    def probabilities(self, queries: list[str]) -> Float[np.ndarray, "B N"]:
        """P(i | q) of each query; every row is positive and sums to 1."""
        texts = [normalise_query(query) for query in queries]
        row = np.array([self._known.get(text, -1) for text in texts], dtype=np.int64)
        weights = sparse.csr_matrix(
            (np.ones((row >= 0).sum()), (np.flatnonzero(row >= 0), row[row >= 0])),
            shape=(len(texts), self._clicks.shape[0]),
        )
        unseen = np.flatnonzero(row < 0)
        if len(unseen) and len(self._words):
            overlap = self._overlap([texts[place] for place in unseen])
            place = sparse.csr_matrix(
                (np.ones(len(unseen)), (unseen, np.arange(len(unseen)))), shape=(len(texts), len(unseen))
            )
            weights = weights + place @ overlap
        clicks = np.asarray((weights @ self._clicks).todense())
        return (clicks + self._shares) / (clicks.sum(axis=1, keepdims=True) + 1)

    def scores(self, cases: pd.DataFrame) -> Float[np.ndarray, "B N"]:
        """P(i | q) of each case's query."""
        queries, row = np.unique(cases["query"].to_numpy(dtype=object), return_inverse=True)
        return self.probabilities(list(queries))[row]

    def _bag(self, texts: list[str]) -> sparse.csr_matrix:
        """(Q, W) 1 where a known word occurs in a text."""
        pairs = {(r, self._words[w]) for r, text in enumerate(texts) for w in text.split() if w in self._words}
        rows, columns = zip(*sorted(pairs), strict=True) if pairs else ((), ())
        return sparse.csr_matrix((np.ones(len(pairs)), (rows, columns)), shape=(len(texts), len(self._words)))

    def _overlap(self, texts: list[str]) -> sparse.csr_matrix:
        """(Q, known queries) Jaccard overlap of words; words unknown to training count in the union."""
        common = (self._bag(texts) @ self._query_words.T).tocoo()
        size = np.array([len(set(text.split())) for text in texts])
        known_size = np.asarray(self._query_words.sum(axis=1)).ravel()
        union = size[common.row] + known_size[common.col] - common.data
        return sparse.csr_matrix((common.data / union, (common.row, common.col)), shape=common.shape)
