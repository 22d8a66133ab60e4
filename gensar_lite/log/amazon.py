"""Raw Amazon reviews and metadata (McAuley's JSON lines) as a joint log, searches made from purchases.

Amazon publishes purchases, not searches. As in the product-search benchmark of Ai et al. (SIGIR 2017), which the paper
follows, a query is made from a category path of the item that was bought: its words, without stop words, of repeated
words the last one. Each purchase is searched for with a fixed probability. This module does not know who reads the log.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from gensar_lite.log.checks import LogError, id_order
from gensar_lite.log.files import JSON_ENDINGS, read_json_lines
from gensar_lite.log.schema import QUERY, RECOMMENDATION, SEARCH, JointLog, make_log
from gensar_lite.log.text import plain_text, words

SEARCH_SHARE = 0.758  # share of purchases that are also searches in the paper's Amazon data
STOP_WORDS = frozenset("a an and are as at be by for from in into is it of on or the to with without".split())
LONGEST_NAME = 6  # words; longer "categories" are feature bullets that slipped into the path


def read_amazon(
    folder: Path, name: str | None = None, form: str = "either", seed: int = 2024, search_share: float = SEARCH_SHARE
) -> JointLog:
    """Read ``<category>_5.json[.gz]`` and ``meta_<category>.json[.gz]`` (releases of 2014 and 2018).

    A review is a purchase; its time stamp is ``unixReviewTime`` (seconds, but always midnight, so one day is one
    instant). Reviews repeated word for word are taken once; reviews of items without metadata or text are left out.
    Events are put in time order here, because the files have none.

    Args:
        folder: holds exactly one metadata file and its reviews.
        name: defaults to the category in the file name.
        form: "either": a purchase that is searched for is a search and nothing else, so a target leaves no twin.
            "both": it also stands as a recommendation of the same instant, as in the official preprocessing.
        seed: draws which purchases are searched for, and which category path where an item has several.
        search_share: probability of a search per purchase.

    Raises:
        LogError: with file, line and remedy.
    """
    reviews_file, meta_file = _pair(Path(folder))
    purchases, repeated = _read_reviews(reviews_file)
    items, paths = _read_items(meta_file, set(purchases["item_id"]))
    known = purchases["item_id"].isin(items["item_id"])
    notes = [f"{repeated:,} repeated reviews were taken once"] if repeated else []
    if not known.all():
        lost = purchases.loc[~known, "item_id"].nunique()
        notes.append(f"{int((~known).sum()):,} reviews of {lost:,} items without metadata or text were left out")
    purchases = purchases[known].reset_index(drop=True)
    if len(purchases) == 0:
        raise LogError(f"{reviews_file}: no review is of an item in {meta_file}. Check that the two belong together.")
    events, searched = _draw_searches(purchases, paths, form, seed, search_share)
    notes.append(
        f"{searched:,} of {len(purchases):,} purchases were made into searches (share {search_share}, seed {seed}, "
        f"form '{form}'); queries are words of a category path"
    )
    return make_log(
        name or meta_file.name.removeprefix("meta_").split(".")[0].lower(),
        items,
        events,
        items_file=str(meta_file),
        events_file=str(reviews_file),
        notes=notes,
    )


def is_amazon(folder: Path) -> bool:
    """Whether a folder holds a metadata file by Amazon's naming."""
    return any(entry.name.startswith("meta_") and entry.name.endswith(JSON_ENDINGS) for entry in folder.iterdir())


def path_query(path: list[str]) -> str:
    """The query of one category path: its words without stop words, of repeated words the last one.

    ["Office Electronics", "Telephones & Accessories", "Corded Telephones"] ->
    "office electronics accessories corded telephones".
    """
    found = [word for part in path for word in words(part) if word not in STOP_WORDS]
    return " ".join(word for place, word in enumerate(found) if word not in found[place + 1 :])


def _pair(folder: Path) -> tuple[Path, Path]:
    files = sorted(entry for entry in folder.iterdir() if entry.name.endswith(JSON_ENDINGS))
    metas = [file for file in files if file.name.startswith("meta_")]
    if len(metas) != 1:
        raise LogError(
            f"{folder}: {len(metas)} metadata files ({', '.join(file.name for file in metas)}). Keep one category per "
            "folder: meta_<category>.json.gz and its reviews."
        )
    category = metas[0].name.removeprefix("meta_").split(".")[0]
    reviews = [file for file in files if file not in metas and category in file.name]
    core = [file for file in reviews if file.name.split(".")[0].endswith("_5")]
    if len(core or reviews) != 1:
        raise LogError(
            f"{folder}: no single review file for {metas[0].name} (found: "
            f"{', '.join(file.name for file in reviews) or 'none'}). Put {category}_5.json.gz beside it."
        )
    return (core or reviews)[0], metas[0]


def _read_reviews(file: Path) -> tuple[pd.DataFrame, int]:
    """Purchases (user_id, item_id, timestamp) by user and time, each once, and how many were repeated."""
    rows = []
    for number, review in read_json_lines(file):
        try:
            rows.append((str(review["reviewerID"]), str(review["asin"]), int(review["unixReviewTime"])))
        except KeyError as error:
            raise LogError(
                f"{file}, line {number}: no {error} in the review (found: {', '.join(review)}). The releases of 2014 "
                "and 2018 are read; write others as items and events."
            ) from None
        except (TypeError, ValueError):
            raise LogError(
                f"{file}, line {number}: unixReviewTime {review['unixReviewTime']!r} is not a whole number. Correct "
                "it or delete the line."
            ) from None
    if not rows:
        raise LogError(f"{file}: the file holds no reviews. Download it again.")
    frame = pd.DataFrame(rows, columns=["user_id", "item_id", "timestamp"])
    once = frame.drop_duplicates()
    # The draws below walk through this order, so it must not depend on the order of the file.
    rank = {user: place for place, user in enumerate(id_order(list(once["user_id"].unique())))}
    order = once.assign(rank=once["user_id"].map(rank)).sort_values(["rank", "timestamp", "item_id"])
    return order.drop(columns="rank").reset_index(drop=True), len(frame) - len(once)


def _read_items(file: Path, wanted: set[str]) -> tuple[pd.DataFrame, dict[str, list[list[str]]]]:
    """The catalogue of the items that were bought, and each one's category paths."""
    rows: dict[str, dict[str, str]] = {}
    paths: dict[str, list[list[str]]] = {}
    for number, meta in read_json_lines(file):
        if "asin" not in meta:
            raise LogError(f"{file}, line {number}: no 'asin' in the metadata. Is this a metadata file?")
        asin = str(meta["asin"])
        if asin not in wanted or asin in rows:
            continue
        found = _paths(meta)
        description = meta.get("description") or ""
        texts = {
            "title": plain_text(meta.get("title") or ""),
            "description": plain_text(" ".join(description) if isinstance(description, list) else description),
            "categories": ", ".join(found[0]) if found else "",
        }
        if any(texts.values()):
            brand = plain_text(meta.get("brand") or "").removeprefix("by ").strip()
            rows[asin] = {"item_id": asin, **texts, "brand": brand}
            paths[asin] = found
    return pd.DataFrame(list(rows.values()), columns=["item_id", "title", "description", "categories", "brand"]), paths


def _paths(meta: dict[str, Any]) -> list[list[str]]:
    """Category paths, root first: one flat list (2018) or a list of lists (2014), cut where feature bullets begin."""
    value = meta.get("category") or meta.get("categories") or []
    paths = []
    for path in value if value and isinstance(value[0], list) else [value]:
        kept: list[str] = []
        for part in path:
            name = plain_text(part).replace(",", "")  # the comma separates the names of a path
            if not name or "</" in part or name.endswith(".") or len(name.split()) > LONGEST_NAME:
                break
            kept.append(name)
        if kept:
            paths.append(kept)
    return paths


def _draw_searches(
    purchases: pd.DataFrame, paths: dict[str, list[list[str]]], form: str, seed: int, search_share: float
) -> tuple[pd.DataFrame, int]:
    """Events in file order R_I, S_Q, S_I per purchase, and how many purchases are searches."""
    rng = np.random.default_rng(seed)
    # A path of one level ("Books") says nothing about the item; Ai et al. leave it out as well.
    queries = {
        item: sorted({path_query(path) for path in of_item if len(path) > 1} - {""}) for item, of_item in paths.items()
    }
    drawn = rng.random(len(purchases)) < search_share
    pick = rng.random(len(purchases))
    choices = purchases["item_id"].map(queries)
    query = np.array(
        [of_item[int(share * len(of_item))] if of_item else "" for of_item, share in zip(choices, pick, strict=True)],
        dtype=object,
    )
    searched = drawn & (query != "")
    recommended = ~searched if form == "either" else np.ones(len(purchases), dtype=bool)
    session = np.cumsum(searched) - 1
    blocks = []
    for rank, (behaviour, chosen) in enumerate(((RECOMMENDATION, recommended), (QUERY, searched), (SEARCH, searched))):
        block = purchases[chosen].assign(behaviour=behaviour, query="", session_id="", purchase=np.flatnonzero(chosen))
        block["rank"] = rank
        if behaviour != RECOMMENDATION:
            block["query"], block["session_id"] = query[chosen], session[chosen].astype(str)
        if behaviour == QUERY:
            block["item_id"] = ""
        blocks.append(block)
    events = pd.concat(blocks).sort_values(["purchase", "rank"]).drop(columns=["purchase", "rank"])
    return events.reset_index(drop=True), int(searched.sum())
