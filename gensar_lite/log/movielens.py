"""MovieLens as a joint log: a rating is a recommended item taken, a tag is a query with the film it was given to.

Reads GroupLens' CSV folders (ml-latest-small, ml-20m, ml-25m). The stars are not used: somebody watched the film.
"""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd

from gensar_lite.log.checks import as_ids, need_columns, refuse_rows, source_of, whole_numbers
from gensar_lite.log.files import find_table, read_table
from gensar_lite.log.joint import category_path, need_table
from gensar_lite.log.schema import QUERY, RECOMMENDATION, SEARCH, JointLog, make_log
from gensar_lite.log.text import normalise_query


def read_movielens(folder: Path, name: str | None = None) -> JointLog:
    """Read ``ratings.csv``, ``movies.csv`` and, where it is there, ``tags.csv``.

    Time stamps are seconds. Events are put in time order here (the files are ordered by film); at one instant ratings
    stand before tags. Tags without a letter or digit are left out. Genres stand in ``categories``; there is no
    description.

    Raises:
        LogError: with file, row and remedy.
    """
    folder = Path(folder)
    movies_file, ratings_file = need_table(folder, "movies"), need_table(folder, "ratings")
    movies = read_table(movies_file)
    need_columns(movies, ("movieId", "title", "genres"), str(movies_file))
    items = pd.DataFrame(
        {
            "item_id": movies["movieId"],
            "title": movies["title"],
            "description": "",
            "categories": [category_path(text) for text in movies["genres"].replace("(no genres listed)", "")],
        }
    )
    notes = []
    known = set(as_ids(movies["movieId"]))
    rows = [_rows(ratings_file, known).assign(behaviour=RECOMMENDATION, query="", session_id="", rank=0)]
    tags_file = find_table(folder, "tags")
    if tags_file is None:
        notes.append("no tags.csv, so the log has no searches")
    else:
        tags = _rows(tags_file, known, "tag").rename(columns={"tag": "query"})
        wordless = np.array([not normalise_query(tag) for tag in tags["query"]], dtype=bool)
        if wordless.any():
            notes.append(f"{int(wordless.sum()):,} tags without a letter or digit were left out")
        tags = tags[~wordless]
        # The rank keeps a tag's query right before its film.
        tags = tags.assign(session_id=np.arange(len(tags)).astype(str), rank=1 + np.arange(len(tags)))
        rows += [tags.assign(behaviour=QUERY, item_id=""), tags.assign(behaviour=SEARCH)]
    events = pd.concat(rows, ignore_index=True).sort_values(["timestamp", "rank"], kind="stable", ignore_index=True)
    return make_log(
        name or folder.name, items, events, items_file=str(movies_file), events_file=str(ratings_file), notes=notes
    )


def _rows(file: Path, known: set[str], *texts: str) -> pd.DataFrame:
    """user_id, item_id, timestamp and ``texts`` of a ratings or tags file, checked here so that its rows are named."""
    frame = read_table(file)
    need_columns(frame, ("userId", "movieId", "timestamp", *texts), str(file))
    source = source_of(frame, str(file))
    user, item = as_ids(frame["userId"]), as_ids(frame["movieId"])
    refuse_rows(user == "", source, "'userId' is empty", "Download the file again.")
    refuse_rows(~item.isin(known), source, "a film that is not in movies.csv", "Download both files again.", item)
    columns = {"user_id": user, "item_id": item, "timestamp": whole_numbers(frame["timestamp"], source)}
    return pd.DataFrame(columns | {text: frame[text] for text in texts})
