"""A log and its split in numbers, for the command line and the README."""

from __future__ import annotations

import pandas as pd

from gensar_lite.log.schema import BEHAVIOURS, JointLog
from gensar_lite.log.split import TASKS, Split


def describe(log: JointLog, split: Split) -> pd.DataFrame:
    """Counts of one log.

    Returns:
        columns ``count`` (what is counted), ``total``, and per task ``R_I`` and ``S_I`` (missing where a count is not
        of a task). Rows: users, items, events by behaviour, training events, and for validation and test the cases,
        those with an empty history and those whose target occurs in no training event ("cold").
    """
    events = log.events
    rows: list[dict[str, object]] = [
        {"count": "users", "total": log.n_users},
        {"count": "items", "total": log.n_items},
        {"count": "items without any event", "total": log.n_items - events.loc[events["item"] >= 0, "item"].nunique()},
        {"count": "events", "total": len(events)},
    ]
    rows += [{"count": f"events {name}", "total": int((events["behaviour"] == name).sum())} for name in BEHAVIOURS]
    rows.append({"count": "distinct queries", "total": events.loc[events["query"] != "", "query"].nunique()})
    train = events[split.train]
    rows.append(_by_task("training events", train["behaviour"], len(train)))
    for part, cases in (("validation", split.validation), ("test", split.test)):
        rows.append(_by_task(f"{part} cases", cases["task"], len(cases)))
        for what, mask in (("with an empty history", cases["n_history"] == 0), ("with a cold target", cases["cold"])):
            rows.append(_by_task(f"{part} cases {what}", cases.loc[mask, "task"], int(mask.sum())))
    table = pd.DataFrame(rows, columns=["count", "total", *TASKS])
    return table.astype(dict.fromkeys(TASKS, "Int64"))


def _by_task(name: str, task: pd.Series, total: int) -> dict[str, object]:
    return {"count": name, "total": total} | {kind: int((task == kind).sum()) for kind in TASKS}
