"""Rankers that compare the query with the items' text: BM25 and dense embeddings.

Neither is trained on the log, and neither reads the user's history.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import pandas as pd
from jaxtyping import Float

from gensar_lite.log.schema import SEARCH
from gensar_lite.log.text import words


def item_text(items: pd.DataFrame) -> list[str]:
    """Title, description and categories of each item in one string."""
    return (items["title"] + " " + items["description"] + " " + items["categories"]).tolist()


class BM25:
    """BM25 over title, description and categories (the bm25s library, its Lucene form: k1 = 1.5, b = .75)."""

    name = "BM25"
    trained_on = "nothing (item text)"
    tasks = (SEARCH,)
    notes = {(SEARCH, "paper"): "handicapped: it ranks its own hard negatives"}

    def __init__(self, items: pd.DataFrame) -> None:
        import bm25s  # brings numba, which takes seconds to import; most lessons never rank by words

        texts = [words(text) for text in item_text(items)]
        self._n_items = len(items)
        self._known = {word for text in texts for word in text}
        self._index = bm25s.BM25()
        if self._known:
            self._index.index(texts, show_progress=False)

    def query_scores(self, queries: list[str]) -> Float[np.ndarray, "Q N"]:
        """BM25 of every item for each query, 0 where they share no word."""
        scores = np.zeros((len(queries), self._n_items), dtype=np.float32)
        for row, query in enumerate(queries):
            known = [word for word in words(query) if word in self._known]
            if known:
                scores[row] = self._index.get_scores(known)
        return scores

    def scores(self, cases: pd.DataFrame) -> Float[np.ndarray, "B N"]:
        """BM25 of every item for each case's query."""
        return _by_query(cases, self.query_scores)


class DenseText:
    """Cosine between the query's embedding and each item's: dense retrieval without training.

    Args:
        name: shown in the table, e.g. "MiniLM".
        items: (N, E) item embeddings, any length.
        encode: turns Q queries into (Q, E) embeddings of the same model.
    """

    trained_on = "nothing (item text)"
    tasks = (SEARCH,)

    def __init__(self, name: str, items: Float[np.ndarray, "N E"], encode: Callable[[list[str]], np.ndarray]) -> None:
        self.name = name
        self._items = _unit(items)
        self._encode = encode

    def scores(self, cases: pd.DataFrame) -> Float[np.ndarray, "B N"]:
        """Cosines, -1 to 1; 0 for an item or a query without text."""
        return _by_query(cases, lambda queries: _unit(np.asarray(self._encode(queries))) @ self._items.T)


def _by_query(cases: pd.DataFrame, score: Callable[[list[str]], np.ndarray]) -> np.ndarray:
    """Score each distinct query once."""
    queries, row = np.unique(cases["query"].to_numpy(dtype=object), return_inverse=True)
    return score([str(query) for query in queries])[row]


def _unit(matrix: np.ndarray) -> np.ndarray:
    """Rows of length 1; a zero row stays zero."""
    length = np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / np.where(length > 0, length, 1.0)
