"""A small made log for the tests of the evaluation: 40 users, 30 items, both tasks, ties within a day."""

import numpy as np
import pandas as pd

from gensar_lite.log.schema import JointLog, make_log

COLOURS = ("red", "green", "blue")
THINGS = ("lamp", "chair", "rug", "vase", "desk")


def small_items(n_items: int = 30) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item_id": range(n_items),
            "title": [f"{COLOURS[i % 3]} {THINGS[i % 5]}" for i in range(n_items)],
            "description": [f"a {THINGS[i % 5]} for the home, number {i}" for i in range(n_items)],
            "categories": [f"home, {THINGS[i % 5]}s" for i in range(n_items)],
        }
    )


def small_events(n_users: int = 40, n_items: int = 30, seed: int = 0) -> pd.DataFrame:
    rng = np.random.default_rng(seed)
    rows = []
    for user in range(n_users):
        day, item, session = 0, int(rng.integers(n_items)), 0
        for _ in range(int(rng.integers(6, 14))):
            day += int(rng.integers(0, 3))  # 0: the same day as the event before
            item = (item + int(rng.choice([1, 2, 7]))) % n_items
            if rng.random() < 0.5:
                rows.append((user, "R_I", item, "", -1, day))
            else:
                query = f"{COLOURS[item % 3]} {THINGS[item % 5]}" if rng.random() < 0.7 else THINGS[item % 5].upper()
                rows.append((user, "S_Q", -1, query, session, day))
                rows.append((user, "S_I", item, query, session, day))
                session += 1
    return pd.DataFrame(rows, columns=["user_id", "behaviour", "item_id", "query", "session_id", "timestamp"])


def small_log(n_users: int = 40, n_items: int = 30, seed: int = 0) -> JointLog:
    return make_log("small", small_items(n_items), small_events(n_users, n_items, seed))


def log_of(rows: list[tuple], n_items: int = 6) -> JointLog:
    """A log of hand-written events (user, behaviour, item, query, session, timestamp)."""
    columns = ["user_id", "behaviour", "item_id", "query", "session_id", "timestamp"]
    return make_log("by hand", small_items(n_items), pd.DataFrame(rows, columns=columns))
