"""The joint search & recommendation log: what every other stage reads.

This module knows the *form* of a log (columns, behaviours, order) and refuses what does not have it. It does not know
where a log comes from (``read``, ``corner_shop``), nor how it is cut into training and test (``split``).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field, replace

import numpy as np
import pandas as pd

from gensar_lite import store
from gensar_lite.log.checks import (
    LogError,
    Source,
    and_others,
    as_ids,
    id_order,
    need_columns,
    refuse_rows,
    source_of,
    text_of,
    whole_numbers,
)
from gensar_lite.log.text import normalise_query

RECOMMENDATION = "R_I"  # an item clicked after a recommendation
QUERY = "S_Q"  # a query typed
SEARCH = "S_I"  # an item clicked after that query
BEHAVIOURS = (RECOMMENDATION, QUERY, SEARCH)

ITEM_COLUMNS = ("item_id", "title", "description", "categories")
EVENT_COLUMNS = ("user_id", "behaviour", "item_id", "query", "session_id", "timestamp")
TEXT_COLUMNS = ("title", "description", "categories")


@dataclass(frozen=True)
class JointLog:
    """A validated log with integer-coded events. Made by ``make_log``.

    Attributes:
        name: what to call the log in tables and manifests.
        items: one row per item, sorted by item_id (numerically if every id is a number); the row number is the
            *item index* used everywhere else, so "ties are broken by item_id" means "by item index". Columns
            ``item_id`` (str, unique), ``title``, ``description``, ``categories`` (str, path joined by ", ", root
            first; "" if unknown); further columns are kept as they came.
        users: (U,) user ids as strings, in the same kind of order; the position is the *user index*.
        events: one row per event, sorted by user, timestamp, ``position`` where there is one, then original order; the
            row number is the *event index*. Columns ``user`` (int, user index), ``behaviour`` (one of BEHAVIOURS),
            ``item`` (int, item index; -1 on S_Q rows), ``query`` (str; on S_Q and S_I rows the session's query, "" on
            R_I rows), ``session`` (int, unique within a user; -1 on R_I rows), ``timestamp`` (int; any unit, only the
            order counts) and, where the log has it, ``position`` (int): the order of events within one time stamp.
            It chooses the target and is never a feature.
        notes: what a reader of the log should know (counts of one-event users, rows dropped on import, ...).
    """

    name: str
    items: pd.DataFrame
    users: np.ndarray
    events: pd.DataFrame
    notes: tuple[str, ...] = field(default=(), compare=False)

    @property
    def n_items(self) -> int:
        """N, the size of the catalogue."""
        return len(self.items)

    @property
    def n_users(self) -> int:
        """U, the number of users."""
        return len(self.users)

    def fingerprint(self) -> str:
        """16 digits that change with any item, text, user or event, and not with the log's name."""
        columns = [
            self.events[name].to_numpy(dtype=np.int64)
            for name in ("user", "item", "session", "timestamp", "position")
            if name in self.events
        ]
        codes, queries = pd.factorize(self.events["query"])
        behaviour = self.events["behaviour"].map(BEHAVIOURS.index).to_numpy(dtype=np.int64)
        texts = self.items[list(ITEM_COLUMNS)].to_numpy(dtype=object)
        return store.fingerprint(texts, self.users.astype(object), *columns, behaviour, codes, list(queries))


def make_log(
    name: str,
    items: pd.DataFrame,
    events: pd.DataFrame,
    *,
    sort: bool = False,
    items_file: str = "items",
    events_file: str = "events",
    notes: Sequence[str] = (),
) -> JointLog:
    """Check loosely typed tables and code them as a ``JointLog``.

    Ids may be numbers or text (12, 12.0 and "12" are the same id). A missing value is NaN, None, "" or -1.

    Args:
        name: what to call the log.
        items: columns ``item_id, title, description, categories``; further columns are kept.
        events: columns ``user_id, behaviour, item_id, query, session_id, timestamp``, optionally ``position``; further
            columns are left out. The behaviour is R_I, S_Q or S_I, with or without angle brackets. A search is one S_Q
            row, then the S_I rows of the same user and session; the S_I rows may leave ``query`` empty.
        sort: put each user's events in time order, and say so in ``notes``. By default events that run backwards are
            an error, because they often mean that the wrong column was taken for the time.
        items_file, events_file: how the messages name the two tables.
        notes: what the importer has to say; ``make_log`` adds its own.

    An index of whole numbers is taken as the rows' places in their file, so that a table from which rows were taken
    out is still named rightly.

    Raises:
        LogError: with file, row (counted from 1, the header not counted) and remedy.
    """
    coded_items = _check_items(items, source_of(items, items_file))
    source = source_of(events, events_file)
    need_columns(events, EVENT_COLUMNS, events_file)
    if len(events) == 0:
        raise LogError(f"{events_file}: the log is empty. Give one row per event.")
    timestamp = whole_numbers(events["timestamp"], source)
    users, user = _code_users(events["user_id"], source)
    said = list(notes)
    backwards = _first_backwards(user, timestamp)
    if backwards is not None:
        first, count = backwards
        if not sort:
            raise LogError(
                f"{source.at(first)}: the time stamp runs backwards within user {users[user[first]]!r} "
                f"({count:,} in all). Check that 'timestamp' is the right column, then sort the file by user and "
                "time, or read it with sort=True (--sort on the command line)."
            )
        said.append(f"{count:,} events ran backwards in time and were sorted")
    position = whole_numbers(events["position"], source) if "position" in events else None
    behaviour = _check_behaviour(events["behaviour"], source)
    item = _code_items(events["item_id"], behaviour, coded_items["item_id"], items_file, source)
    session = _code_sessions(events["session_id"], behaviour, source)

    keys = [timestamp, user] if position is None else [position, timestamp, user]
    order = np.lexsort(keys)  # stable: what agrees in every key stays in file order
    query = _code_queries(events["query"], behaviour, user, session, order, source)
    columns = {
        "user": user[order],
        "behaviour": behaviour[order],
        "item": item[order],
        "query": query[order],
        "session": session[order],
        "timestamp": timestamp[order],
    }
    if position is not None:
        columns["position"] = position[order]
    log = JointLog(name, coded_items, users, pd.DataFrame(columns))
    return replace(log, notes=(*said, *_remarks(log)))


def _check_items(items: pd.DataFrame, source: Source) -> pd.DataFrame:
    need_columns(items, ITEM_COLUMNS, source.file)
    if len(items) == 0:
        raise LogError(f"{source.file}: no items. Give one row per item of the catalogue.")
    if len(items) == 1:
        raise LogError(f"{source.file}: the catalogue has 1 item, so there is nothing to rank. Give at least 2.")
    ids = as_ids(items["item_id"])
    refuse_rows(ids == "", source, "'item_id' is empty", "Give every item an id.")
    repeated = ids.duplicated().to_numpy()
    if repeated.any():
        row = int(np.argmax(repeated))
        first = int(np.argmax((ids == ids.iloc[row]).to_numpy()))
        raise LogError(
            f"{source.at(row)}: item id {ids.iloc[row]!r} stands already in row {source.rows[first] + 1}"
            f"{and_others(repeated)}. Keep one row per item."
        )
    checked = items.copy()
    checked["item_id"] = ids
    for column in TEXT_COLUMNS:
        checked[column] = [text_of(value) for value in items[column]]
    bare = (checked["title"] == "") & (checked["description"] == "") & (checked["categories"] == "")
    refuse_rows(
        bare,
        source,
        "the item has no text (title, description and categories are empty)",
        "Give it a title, or delete it together with its events.",
        ids,
    )
    place = pd.Index(id_order(ids.tolist())).get_indexer(ids)
    checked = checked.iloc[np.argsort(place)].reset_index(drop=True)
    columns = list(ITEM_COLUMNS) + [column for column in checked.columns if column not in ITEM_COLUMNS]
    return checked[columns].astype(dict.fromkeys(ITEM_COLUMNS, "str"))


def _check_behaviour(column: pd.Series, source: Source) -> np.ndarray:
    codes, values = pd.factorize(column, use_na_sentinel=False)
    names = np.array([text_of(value).strip("<>") for value in values], dtype=object)
    unknown = ~np.isin(names, BEHAVIOURS)
    refuse_rows(
        unknown[codes],
        source,
        "unknown behaviour",
        f"Use {', '.join(BEHAVIOURS)} (recommended item, query typed, item clicked after a search).",
        column,
    )
    behaviour = names[codes]
    if not (behaviour != QUERY).any():
        raise LogError(f"{source.file}: only queries, no item was ever clicked. Add R_I or S_I rows.")
    return behaviour


def _code_users(column: pd.Series, source: Source) -> tuple[np.ndarray, np.ndarray]:
    ids = as_ids(column)
    refuse_rows(ids == "", source, "'user_id' is empty", "Give every event its user.")
    codes, values = pd.factorize(ids)
    users = id_order(list(values))
    place = pd.Index(users).get_indexer(pd.Index(values))
    return np.array(users, dtype=object), place[codes].astype(np.int64)


def _code_items(
    column: pd.Series, behaviour: np.ndarray, item_ids: pd.Series, items_file: str, source: Source
) -> np.ndarray:
    ids = as_ids(column)
    clicked = behaviour != QUERY
    refuse_rows(
        clicked & (ids == "").to_numpy(),
        source,
        "an R_I or S_I row without 'item_id'",
        "Name the item, or delete the row.",
    )
    codes, values = pd.factorize(ids)
    index = pd.Index(item_ids).get_indexer(pd.Index(values))[codes]
    refuse_rows(
        clicked & (index < 0),
        source,
        f"unknown item, not in {items_file}",
        f"Add it to {items_file}, or delete these events.",
        ids,
    )
    return np.where(clicked, index, -1).astype(np.int64)


def _code_sessions(column: pd.Series, behaviour: np.ndarray, source: Source) -> np.ndarray:
    ids = as_ids(column)
    search = behaviour != RECOMMENDATION
    refuse_rows(
        search & (ids == "").to_numpy(),
        source,
        "an S_Q or S_I row without 'session_id'",
        "Give a query and the clicks that follow it the same session id.",
    )
    codes, values = pd.factorize(ids.where(search, ""))
    used = [value for value in values if value]
    if all(value.isascii() and value.isdigit() and len(value) < 19 for value in used):
        numbers = np.array([int(value) if value else -1 for value in values], dtype=np.int64)
    else:
        numbers = np.full(len(values), -1, dtype=np.int64)
        numbers[np.asarray(values) != ""] = np.arange(len(used))
    return numbers[codes]


def _code_queries(
    column: pd.Series, behaviour: np.ndarray, user: np.ndarray, session: np.ndarray, order: np.ndarray, source: Source
) -> np.ndarray:
    """(E,) queries in file order: a click takes the last query typed before it in its session."""
    codes, values = pd.factorize(column, use_na_sentinel=False)
    texts = np.array([text_of(value) for value in values], dtype=object)
    own = np.where(behaviour == RECOMMENDATION, "", texts[codes])
    wordless = np.array([not normalise_query(text) for text in texts], dtype=bool)
    refuse_rows(
        (behaviour == QUERY) & wordless[codes],
        source,
        "a query without a letter or digit",
        "Write the words that were typed into 'query', or delete the row and its clicks.",
        column,
    )
    rows = order[behaviour[order] != RECOMMENDATION]
    rows = rows[np.lexsort((session[rows], user[rows]))]
    if len(rows) == 0:
        return own
    starts = np.r_[True, (np.diff(user[rows]) != 0) | (np.diff(session[rows]) != 0)]
    place = np.arange(len(rows))
    start = np.maximum.accumulate(np.where(starts, place, 0))
    typed = np.maximum.accumulate(np.where(behaviour[rows] == QUERY, place, -1))
    orphan = np.zeros(len(behaviour), dtype=bool)
    orphan[rows[typed < start]] = True
    refuse_rows(
        orphan,
        source,
        "a search click (S_I) without its query row",
        "Put an S_Q row of the same user and session, no later in time, before it.",
    )
    query = own.copy()
    query[rows] = own[rows[typed]]
    refuse_rows(
        (behaviour == SEARCH) & (own != "") & (own != query),
        source,
        "the click names another query than its session's S_Q row",
        "Use one session per query, or leave 'query' empty on S_I rows.",
        column,
    )
    return query


def _first_backwards(user: np.ndarray, timestamp: np.ndarray) -> tuple[int, int] | None:
    """File row of the first event that is earlier than the one before it of the same user, and how many there are."""
    by_user = np.argsort(user, kind="stable")
    late = (np.diff(timestamp[by_user]) < 0) & (np.diff(user[by_user]) == 0)
    if not late.any():
        return None
    rows = by_user[1:][late]
    return int(rows.min()), len(rows)


def _remarks(log: JointLog) -> tuple[str, ...]:
    """What is legal but worth knowing, one sentence each."""
    behaviour = log.events["behaviour"].to_numpy()
    clicks = log.events["item"].to_numpy() >= 0
    alone = int((np.bincount(log.events["user"].to_numpy()[clicks], minlength=log.n_users) <= 1).sum())
    untouched = log.n_items - len(np.unique(log.events["item"].to_numpy()[clicks]))
    searches = log.events.loc[behaviour != RECOMMENDATION, ["user", "session"]]
    with_click = searches[(behaviour[behaviour != RECOMMENDATION]) == SEARCH].drop_duplicates()
    unanswered = len(searches.drop_duplicates()) - len(with_click)
    counts = (
        (alone, "users have at most one item event: they give no test case"),
        (untouched, "items occur in no event: they can only be found through their text"),
        (int((log.items["title"] == "").sum()), "items have no title, only other text"),
        (unanswered, "search sessions have a query but no click: they stand in histories only"),
    )
    return tuple(f"{count:,} {sentence}" for count, sentence in counts if count)
