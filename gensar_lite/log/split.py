"""Leave-one-out per user and task, with histories strictly before the target (paper, section 4.1).

The last event of each task (recommendation ``R_I``, search ``S_I``) is that user's test case, the one before it the
validation case. Nothing held out is ever a training target or part of a fitted statistic; it may stand in the
*history* of a later target.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from gensar_lite.log.schema import QUERY, RECOMMENDATION, SEARCH, JointLog

TASKS = (RECOMMENDATION, SEARCH)


@dataclass(frozen=True)
class Split:
    """Who may be learned from, and what is asked.

    Attributes:
        train: (E,) bool over ``log.events``: may be a training target and enter fitted statistics.
        validation: cases, one row each: ``user``, ``task`` (R_I or S_I), ``event`` (event index of the target),
            ``item`` (item index of the target), ``query`` ("" for recommendation), ``timestamp``, ``n_history``
            (events in the history), ``cold`` (the target item occurs in no training event).
        test: the same, for the last event of each user and task.
    """

    train: np.ndarray
    validation: pd.DataFrame
    test: pd.DataFrame


class Histories:
    """Looks up the history of any event: the same user's events strictly before its instant.

    Events that share the target's time stamp are left out, and with them its twin (the same purchase logged under
    the other behaviour). Ties inside a history stand in item order, a query right before the clicks it led to, so that
    neither the order of a log file nor ``position`` is a feature.
    """

    def __init__(self, log: JointLog) -> None:
        user, time = log.events["user"].to_numpy(), log.events["timestamp"].to_numpy()
        self._first = np.searchsorted(user, user)  # of each event's user
        other = (user[1:] != user[:-1]) | (time[1:] != time[:-1])
        # The first event of each event's own instant: its history ends before it.
        self._instant = np.maximum.accumulate(np.where(np.r_[True, other], np.arange(len(user)), 0))
        self._order = _tie_order(log.events)

    def before(self, event: int | np.integer) -> np.ndarray:
        """Event indices of the history of ``event``, oldest first. Shape (H,), H may be 0."""
        return self._order[self._first[event] : self._instant[event]]


def leave_one_out(log: JointLog) -> Split:
    """Cut a log as the paper does.

    A user with fewer than two (three) events of a task gives no test (validation) case. Any twin of a held-out event
    (same user, item and instant) is held out with it, and a held-out search takes its query row along.
    """
    events = log.events
    user = events["user"].to_numpy()
    picked: dict[str, list[int]] = {"validation": [], "test": []}
    for task in TASKS:
        rows = np.flatnonzero((events["behaviour"] == task).to_numpy())
        count = np.bincount(user[rows], minlength=log.n_users)[user[rows]]
        last = np.searchsorted(user[rows], user[rows], side="right") - 1  # events are sorted by user
        from_end = last - np.arange(len(rows))
        picked["test"] += rows[(from_end == 0) & (count >= 2)].tolist()
        picked["validation"] += rows[(from_end == 1) & (count >= 3)].tolist()
    train = ~with_companions(events, np.array(sorted(picked["validation"] + picked["test"]), dtype=np.int64))
    seen = np.zeros(log.n_items, dtype=bool)
    seen[events["item"].to_numpy()[train & (events["item"] >= 0).to_numpy()]] = True
    histories = Histories(log)
    return Split(train, *(_cases(events, sorted(picked[part]), histories, seen) for part in ("validation", "test")))


def with_companions(events: pd.DataFrame, rows: np.ndarray) -> np.ndarray:
    """(E,) bool: the clicks ``rows``, their twins, and the query rows of every search among these."""
    taken = np.zeros(len(events), dtype=bool)
    taken[rows] = True
    clicks = (events["item"] >= 0).to_numpy()
    taken |= _shares_key(events, rows, ["user", "item", "timestamp"]) & clicks
    searches = np.flatnonzero(taken & (events["behaviour"] == SEARCH).to_numpy())
    return taken | (_shares_key(events, searches, ["user", "session"]) & (events["behaviour"] == QUERY).to_numpy())


def row_codes(*columns: np.ndarray) -> np.ndarray:
    """(E,) int codes, equal exactly where the rows agree in every column."""
    codes = np.zeros(len(columns[0]), dtype=np.int64)
    for column in columns:
        values, inverse = np.unique(column, return_inverse=True)
        codes = np.unique(codes * len(values) + inverse, return_inverse=True)[1]
    return codes


def _tie_order(events: pd.DataFrame) -> np.ndarray:
    """Event indices by user, instant, then item; a search session stands where its first item stands, query first."""
    user, time, item, session = (events[name].to_numpy() for name in ("user", "timestamp", "item", "session"))
    is_query = (events["behaviour"] == QUERY).to_numpy()
    # The least item of what happened in one session at one instant; an R_I row is a session of its own.
    own = np.where(session < 0, -1 - np.arange(len(events)), session)
    group = row_codes(user, time, own)
    lead = np.full(group.max() + 1, np.iinfo(np.int64).max)
    np.minimum.at(lead, group[~is_query], item[~is_query])
    return np.lexsort((item, ~is_query, session, lead[group], time, user))


def _shares_key(events: pd.DataFrame, rows: np.ndarray, columns: list[str]) -> np.ndarray:
    """(E,) bool: rows of ``events`` that agree with one of ``rows`` in every column."""
    codes = row_codes(*(events[column].to_numpy() for column in columns))
    wanted = np.zeros(codes.max() + 1, dtype=bool)
    wanted[codes[rows]] = True
    return wanted[codes]


def _cases(events: pd.DataFrame, rows: list[int], histories: Histories, seen: np.ndarray) -> pd.DataFrame:
    target = events.iloc[rows]
    return pd.DataFrame(
        {
            "user": target["user"].to_numpy(),
            "task": target["behaviour"].to_numpy(),
            "event": np.array(rows, dtype=np.int64),
            "item": target["item"].to_numpy(),
            "query": target["query"].to_numpy(),
            "timestamp": target["timestamp"].to_numpy(),
            "n_history": np.array([len(histories.before(row)) for row in rows], dtype=np.int64),
            "cold": ~seen[target["item"].to_numpy()] if rows else np.zeros(0, dtype=bool),
        }
    )
