"""Small logs for the tests of ``gensar_lite.log``, and the way to the optional real ones."""

import os
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gensar_lite.log.schema import EVENT_COLUMNS, JointLog, make_log


def items_frame(count: int = 6) -> pd.DataFrame:
    """Items "0" ... with titles; every third one has no description."""
    ids = [str(number) for number in range(count)]
    return pd.DataFrame(
        {
            "item_id": ids,
            "title": [f"thing {number}" for number in ids],
            "description": [f"a thing, number {number}" if int(number) % 3 else "" for number in ids],
            "categories": ["things, small" if int(number) % 2 else "things, large" for number in ids],
        }
    )


def recommended(user: str, item: object, time: object) -> tuple:
    """One R_I row."""
    return user, "R_I", item, "", "", time


def searched(user: str, item: object, time: object, session: object, query: str = "red thing") -> list[tuple]:
    """An S_Q row and its S_I row."""
    return [(user, "S_Q", "", query, session, time), (user, "S_I", item, "", session, time)]


def events_frame(rows: list[tuple]) -> pd.DataFrame:
    """Rows as the six canonical columns."""
    return pd.DataFrame(rows, columns=list(EVENT_COLUMNS))


def small_events() -> pd.DataFrame:
    """Two users, both tasks, four events each, in time order."""
    rows = [
        recommended("ann", 0, 1),
        *searched("ann", 1, 2, 7),
        recommended("ann", 2, 3),
        *searched("ann", 3, 4, 8, "blue thing"),
        recommended("bob", 3, 1),
        recommended("bob", 4, 2),
        *searched("bob", 5, 5, 9),
        recommended("bob", 0, 6),
    ]
    return events_frame(rows)


def random_log(seed: int, users: int = 20, items: int = 30, days: int = 6, both: bool = False) -> JointLog:
    """Clicks on few days, so that ties abound; ``both`` lets every search stand as a recommendation too."""
    rng = np.random.default_rng(seed)
    rows: list[tuple] = []
    session = 0
    for user in range(users):
        for day in np.sort(rng.integers(0, days, rng.integers(1, 12))):
            item, search = int(rng.integers(items)), rng.random() < 0.6
            if both or not search:
                rows.append(recommended(f"u{user}", item, int(day)))
            if search:
                rows += searched(f"u{user}", item, int(day), session, f"thing {item}")
                session += 1
    return make_log("random", items_frame(items), events_frame(rows))


def shared(folder: str) -> Path:
    """A folder of real data that is not part of the project; skips the test where it is absent."""
    root = Path(os.environ.get("GENSAR_SHARED", Path(__file__).resolve().parents[1] / ".." / "shared"))
    path = root / "data" / folder
    if not path.is_dir():
        pytest.skip(f"real data {folder} is not here; set GENSAR_SHARED to the folder that holds data/{folder}")
    return path
