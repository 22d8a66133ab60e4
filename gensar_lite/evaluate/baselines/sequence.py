"""Rankers that read what the user did last: item-to-item neighbours and a first-order Markov chain.

Both count pairs of training events with sparse products; no N x N matrix is ever made. Neither knows text or queries.
"""

from __future__ import annotations

import numpy as np
import pandas as pd
from jaxtyping import Float
from scipy import sparse

from gensar_lite.evaluate.baselines.counts import EVENT_NAMES, QUERY_IGNORED, item_shares, training_items
from gensar_lite.log.schema import JointLog
from gensar_lite.log.split import Histories, Split

# The share of a score that popularity gets: it orders what the counts leave at zero and nothing else. A count's
# smallest possible effect on either ranker is above 1e-6 for histories of fewer than a million events.
BACK_OFF = 1e-6


class RecentItems:
    """Looks up the last items before a case, in its history alone."""

    def __init__(self, log: JointLog) -> None:
        self._histories = Histories(log)
        self._item = log.events["item"].to_numpy()
        self._time = log.events["timestamp"].to_numpy()
        self._n_items = log.n_items

    def last(self, cases: pd.DataFrame, count: int) -> sparse.csr_matrix:
        """(B, N) how often each item stands among the last ``count`` item events of each case's history."""
        return self._matrix([self._items_before(event)[-count:] for event in cases["event"]])

    def last_instant(self, cases: pd.DataFrame) -> sparse.csr_matrix:
        """(B, N) the items of the latest time stamp that has any, each row summing to 1 (or 0: no history).

        Events of one instant have no order, so none of them is "the" last one.
        """
        chosen = []
        for event in cases["event"]:
            before = self._histories.before(event)
            before = before[self._item[before] >= 0]
            chosen.append(self._item[before[self._time[before] == self._time[before[-1]]]] if len(before) else before)
        return _rows_to_one(self._matrix(chosen))

    def _items_before(self, event: int) -> np.ndarray:
        items = self._item[self._histories.before(event)]
        return items[items >= 0]

    def _matrix(self, chosen: list[np.ndarray]) -> sparse.csr_matrix:
        rows = np.repeat(np.arange(len(chosen)), [len(items) for items in chosen])
        columns = np.concatenate(chosen) if chosen else np.zeros(0, dtype=np.int64)
        return sparse.coo_matrix((np.ones(len(rows)), (rows, columns)), shape=(len(chosen), self._n_items)).tocsr()


class ItemKNN:
    """Sum of cosine similarities between an item and the last items of the history.

    cos(i, j) = |users who have both| / sqrt(|users of i| |users of j|), over training events; an item is no neighbour
    of itself.

    Args:
        last: how many items of the history count (default 5).
    """

    name = "ItemKNN"
    trained_on = EVENT_NAMES[None]
    notes = QUERY_IGNORED

    def __init__(self, log: JointLog, split: Split, last: int = 5) -> None:
        rows = training_items(log, split)
        user, item = (log.events[column].to_numpy()[rows] for column in ("user", "item"))
        pairs = sparse.coo_matrix((np.ones(len(rows)), (user, item)), shape=(log.n_users, log.n_items)).tocsr()
        pairs.data[:] = 1.0
        norm = np.sqrt(np.asarray(pairs.sum(axis=0)).ravel())
        self._users = (pairs @ sparse.diags(1 / np.maximum(norm, 1.0))).tocsr()  # columns of unit length
        self._known = (norm > 0).astype(np.float64)
        self._shares = item_shares(log, split)
        self._recent = RecentItems(log)
        self._last = last

    def scores(self, cases: pd.DataFrame) -> Float[np.ndarray, "B N"]:
        """Sums of cosines, 0 to ``last``."""
        recent = self._recent.last(cases, self._last)
        similar = (recent @ self._users.T) @ self._users
        itself = recent.multiply(self._known)  # cos(i, i) = 1 for every item seen in training
        return np.asarray((similar - itself).todense()) + BACK_OFF * self._shares


class Markov:
    """First-order transitions: P(next item | items of the last instant), counted in training.

    A training event follows the user's previous instant that has training events; held-out events between the two are
    stepped over. Where an instant holds several items, each counts in equal parts.
    """

    name = "Markov"
    trained_on = EVENT_NAMES[None]
    notes = QUERY_IGNORED

    def __init__(self, log: JointLog, split: Split) -> None:
        rows = training_items(log, split)
        user, item, time = (log.events[column].to_numpy()[rows] for column in ("user", "item", "timestamp"))
        new = np.ones(len(rows), dtype=bool)
        new[1:] = (user[1:] != user[:-1]) | (time[1:] != time[:-1])
        instant = np.cumsum(new) - 1
        n_instants = int(new.sum())
        at = sparse.coo_matrix((np.ones(len(rows)), (instant, item)), shape=(n_instants, log.n_items)).tocsr()
        owner = user[new]
        follows = np.flatnonzero(owner[1:] == owner[:-1])
        self._transitions = _rows_to_one((_rows_to_one(at)[follows].T @ at[follows + 1]).tocsr())
        self._shares = item_shares(log, split)
        self._recent = RecentItems(log)

    def scores(self, cases: pd.DataFrame) -> Float[np.ndarray, "B N"]:
        """Transition shares, 0 to 1, plus the back-off to popularity."""
        follow = self._recent.last_instant(cases) @ self._transitions
        return np.asarray(follow.todense()) + BACK_OFF * self._shares


def _rows_to_one(matrix: sparse.csr_matrix) -> sparse.csr_matrix:
    """Divide each row by its sum; empty rows stay empty."""
    total = np.asarray(matrix.sum(axis=1)).ravel()
    return (sparse.diags(1 / np.where(total > 0, total, 1.0)) @ matrix).tocsr()
