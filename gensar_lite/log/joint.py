"""Joint logs as tables: our own two files, and the shared form that published joint logs come in.

Our own form is ``items`` and ``events`` with the columns of ``make_log``. The shared form is ``interactions`` (user,
behaviour, item, query_id, query, session, timestamp, perhaps has_search_twin), ``items`` (id, title, description,
brand, categories) and ``queries`` (query_id, query). Each table is parquet or CSV.
"""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pandas as pd

from gensar_lite import store
from gensar_lite.log.checks import LogError, as_ids, need_columns, refuse_rows, source_of
from gensar_lite.log.files import find_table, read_table
from gensar_lite.log.schema import QUERY, RECOMMENDATION, JointLog, make_log
from gensar_lite.log.text import plain_text

_PATH = re.compile(r"\s*[,|]\s*")
_YES = {"true", "1", "1.0", "yes"}


def write_log(log: JointLog, folder: Path) -> None:
    """Write ``items.parquet`` and ``events.parquet``; ``read_own`` gives the same log back.

    Raises:
        OSError: the folder cannot be made or written; no half-written file is left.
    """
    events = log.events
    item_ids = np.append(log.items["item_id"].to_numpy(dtype=object), "")
    frame = pd.DataFrame(
        {
            "user_id": log.users[events["user"].to_numpy()],
            "behaviour": events["behaviour"],
            "item_id": item_ids[events["item"].to_numpy()],  # -1 picks the "" at the end
            "query": events["query"],
            "session_id": events["session"],
            "timestamp": events["timestamp"],
        }
    )
    if "position" in events:
        frame["position"] = events["position"]
    items = log.items.copy()
    items.attrs = {"log_name": log.name}
    for name, table in (("items", items), ("events", frame)):
        store.write_atomically(
            Path(folder) / f"{name}.parquet",
            lambda path, table=table: table.to_parquet(path, index=False, compression="zstd"),
        )


def read_own(folder: Path, name: str | None = None, sort: bool = False) -> JointLog:
    """Read ``items`` and ``events`` in our own form. The texts are taken as they stand.

    Raises:
        LogError: with file, row and remedy.
    """
    items_file, events_file = need_table(folder, "items"), need_table(folder, "events")
    items = read_table(items_file)
    name = name or items.attrs.get("log_name") or Path(folder).name
    items.attrs = {}
    return make_log(
        name, items, read_table(events_file), sort=sort, items_file=str(items_file), events_file=str(events_file)
    )


def read_shared(folder: Path, name: str | None = None, form: str = "either", sort: bool = False) -> JointLog:
    """Read a log in the shared form.

    Args:
        folder: where the tables lie.
        name: defaults to the folder's name.
        form: "either" drops the R_I rows marked ``has_search_twin``, so that a purchase is a recommendation *or* a
            search; "both" keeps them as the official preprocessing does (the twin of a target then stands in the log).
        sort: see ``make_log``.

    Raises:
        LogError: with file, row and remedy.
    """
    items_file, events_file = need_table(folder, "items"), need_table(folder, "interactions")
    items = _shared_items(read_table(items_file), items_file)
    events = read_table(events_file)
    need_columns(events, ("user", "behaviour", "item", "session", "timestamp"), str(events_file))
    events = events.rename(columns={"user": "user_id", "item": "item_id", "session": "session_id"})
    events["query"] = _shared_queries(events, Path(folder), events_file)
    notes = []
    if form == "either" and "has_search_twin" in events:
        twin = events["has_search_twin"].astype(str).str.lower().isin(_YES)
        twin &= events["behaviour"].astype(str).str.strip("<>") == RECOMMENDATION
        events = events[~twin]  # keeps its index, by which make_log names rows
        if twin.any():
            notes.append(f"{int(twin.sum()):,} R_I rows that also stand as a search were dropped (form 'either')")
    return make_log(
        name or Path(folder).name,
        items,
        events,
        sort=sort,
        items_file=str(items_file),
        events_file=str(events_file),
        notes=notes,
    )


def need_table(folder: Path, stem: str) -> Path:
    """The path of a table that must be there.

    Raises:
        LogError: it is not.
    """
    path = find_table(folder, stem)
    if path is None:
        raise LogError(f"{folder}: no {stem}.parquet or {stem}.csv. Put the table there, or give another folder.")
    return path


def category_path(text: str) -> str:
    """A category path with one separator: "A,B", "A | B" and "A, B" all become "A, B"."""
    return ", ".join(part for part in _PATH.split(plain_text(text)) if part)


def _shared_items(items: pd.DataFrame, file: Path) -> pd.DataFrame:
    items = items.rename(columns={} if "item_id" in items else {"id": "item_id"})
    need_columns(items, ("item_id", "title"), str(file))
    for column in ("description", "categories"):
        if column not in items:
            items[column] = ""
    for column in ("title", "description", "brand"):
        if column in items:
            items[column] = [plain_text(value) for value in items[column].fillna("")]
    items["categories"] = [category_path(value) for value in items["categories"].fillna("")]
    return items


def _shared_queries(events: pd.DataFrame, folder: Path, events_file: Path) -> pd.Series:
    """The query of each row, looked up by its id where the text is not in the row."""
    if "query" in events:
        return events["query"]
    need_columns(events, ("query_id",), str(events_file))
    queries_file = need_table(folder, "queries")
    queries = read_table(queries_file)
    need_columns(queries, ("query_id", "query"), str(queries_file))
    table = pd.Series(queries["query"].to_numpy(dtype=object), index=as_ids(queries["query_id"]))
    if table.index.has_duplicates:
        raise LogError(f"{queries_file}: query_id {table.index[table.index.duplicated()][0]!r} stands there twice.")
    ids = as_ids(events["query_id"])
    unknown = (events["behaviour"].astype(str).str.strip("<>") == QUERY) & ~ids.isin(table.index)
    refuse_rows(
        unknown,
        source_of(events, str(events_file)),
        f"query_id is not in {queries_file}",
        "Add it there, or write the text into a column 'query'.",
        ids,
    )
    return ids.map(table).fillna("")
