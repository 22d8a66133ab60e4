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
    the other behaviour). Ties inside a history stand in item order, so that the order of a log file is no feature.
    """

    def __init__(self, log: JointLog) -> None:
        events = log.events
        self._user = events["user"].to_numpy()
        self._time = events["timestamp"].to_numpy()
        self._first = np.searchsorted(self._user, np.arange(log.n_users))
        item = events["item"].to_numpy()
        session = events["session"].to_numpy()
        # A query stands right before the click it led to: sort ties by the click's item, the query first.
        is_query = (events["behaviour"] == QUERY).to_numpy()
        clicked = item.copy()
        following = np.flatnonzero(is_query[:-1] & (session[:-1] == session[1:])) if len(item) > 1 else []
        clicked[following] = item[np.asarray(following, dtype=int) + 1]
        self._order = np.lexsort((~is_query, session, clicked, self._time, self._user))

    def before(self, event: int) -> np.ndarray:
        """Event indices of the history of ``event``, oldest first. Shape (H,), H may be 0."""
        first = self._first[self._user[event]]
        last = first + np.searchsorted(self._time[first:event], self._time[event], side="left")
        return self._order[first:last]


def leave_one_out(log: JointLog) -> Split:
    """Cut a log as the paper does.

    A user with fewer than two (three) events of a task gives no test (validation) case. A held-out search takes its
    query row with it, and any twin of a held-out event (same user, item and instant) is held out too.
    """
    events = log.events
    held_out = np.zeros(len(events), dtype=bool)
    picked: dict[str, list[int]] = {"validation": [], "test": []}
    for task in TASKS:
        rows = np.flatnonzero((events["behaviour"] == task).to_numpy())
        user = events["user"].to_numpy()[rows]
        from_end = events.iloc[rows].groupby("user").cumcount(ascending=False).to_numpy()
        count = pd.Series(user).map(pd.Series(user).value_counts()).to_numpy() if len(rows) else np.zeros(0, int)
        picked["test"] += rows[(from_end == 0) & (count >= 2)].tolist()
        picked["validation"] += rows[(from_end == 1) & (count >= 3)].tolist()
    held_rows = np.array(sorted(picked["validation"] + picked["test"]), dtype=int)
    held_out[held_rows] = True
    held_out |= _shares_key(events, held_rows, ["user", "item", "timestamp"]) & (events["item"] >= 0).to_numpy()
    searches = held_rows[(events["behaviour"].to_numpy()[held_rows] == SEARCH)]
    held_out |= _shares_key(events, searches, ["user", "session"]) & (events["behaviour"] == QUERY).to_numpy()
    train = ~held_out
    seen = np.zeros(log.n_items, dtype=bool)
    seen[events["item"].to_numpy()[train & (events["item"] >= 0).to_numpy()]] = True
    histories = Histories(log)
    return Split(train, *(_cases(events, sorted(picked[part]), histories, seen) for part in ("validation", "test")))


def _shares_key(events: pd.DataFrame, rows: np.ndarray, columns: list[str]) -> np.ndarray:
    """(E,) bool: rows of ``events`` that agree with one of ``rows`` in every column."""
    keys = pd.MultiIndex.from_frame(events[columns])
    return np.asarray(keys.isin(keys[rows]))


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
