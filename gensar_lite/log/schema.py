"""The joint search & recommendation log: what every other stage reads.

This module knows the *form* of a log (columns, behaviours, order). It does not know where a log comes from
(``importers``, ``corner_shop``), nor how it is cut into training and test (``split``).
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

RECOMMENDATION = "R_I"  # an item clicked after a recommendation
QUERY = "S_Q"  # a query typed
SEARCH = "S_I"  # an item clicked after that query
BEHAVIOURS = (RECOMMENDATION, QUERY, SEARCH)


@dataclass(frozen=True)
class JointLog:
    """A validated log with integer-coded events.

    Attributes:
        name: what to call the log in tables and manifests.
        items: one row per item, sorted by item_id (numerically if every id is a number); the row number is the
            *item index* used everywhere else, so "ties are broken by item_id" means "by item index". Columns
            ``item_id`` (str, unique), ``title``, ``description``, ``categories`` (str, path joined by ", ", root
            first; "" if unknown); further columns are kept as they came.
        users: (U,) user ids as strings; the position is the *user index*.
        events: one row per event, sorted by user, timestamp, then original order; the row number is the *event
            index*. Columns ``user`` (int, user index), ``behaviour`` (one of BEHAVIOURS), ``item`` (int, item
            index; -1 on S_Q rows), ``query`` (str; on S_Q and S_I rows the session's query, "" on R_I rows),
            ``session`` (int; -1 on R_I rows), ``timestamp`` (int; any unit, only the order counts).
    """

    name: str
    items: pd.DataFrame
    users: np.ndarray
    events: pd.DataFrame

    @property
    def n_items(self) -> int:
        """N, the size of the catalogue."""
        return len(self.items)

    @property
    def n_users(self) -> int:
        """U, the number of users."""
        return len(self.users)
