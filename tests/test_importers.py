"""Readers of foreign forms: the shared form, raw Amazon, MovieLens; damaged files; the door that tells them apart."""

import gzip
import json
import re
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from log_data import random_log, shared

from gensar_lite.log.amazon import path_query, read_amazon
from gensar_lite.log.joint import category_path, write_log
from gensar_lite.log.movielens import read_movielens
from gensar_lite.log.read import read_log
from gensar_lite.log.schema import LogError
from gensar_lite.log.text import plain_text

SHARED_ROWS = [
    # user, behaviour, item, query_id, query, session, timestamp, has_search_twin
    (4, "R_I", 10, -1, "", -1, 1, True),
    (4, "S_Q", -1, 0, "cordless phone", 0, 1, False),
    (4, "S_I", 10, 0, "cordless phone", 0, 1, False),
    (4, "R_I", 30, -1, "", -1, 2, False),
    (7, "R_I", 20, -1, "", -1, 1, False),
    (7, "S_Q", -1, 1, "desk", 1, 2, False),
    (7, "S_I", 30, 1, "desk", 1, 2, False),
]
SHARED_COLUMNS = ["user", "behaviour", "item", "query_id", "query", "session", "timestamp", "has_search_twin"]


def write_shared(folder: Path, ending: str = "parquet") -> Path:
    """A log in the shared form, parquet or CSV."""
    folder.mkdir()
    tables = {
        "interactions": pd.DataFrame(SHARED_ROWS, columns=SHARED_COLUMNS),
        "items": pd.DataFrame(
            {
                "id": [10, 20, 30],
                "title": ["AT&amp;T phone", "Pen", "Desk"],
                "description": ["It rings", "", ""],
                "brand": ["AT&amp;T", "Bic", ""],
                "categories": ["Office,Phones", "Office | Pens", ""],
            }
        ),
        "queries": pd.DataFrame({"query_id": [0, 1], "query": ["cordless phone", "desk"]}),
    }
    for name, table in tables.items():
        if ending == "parquet":
            table.to_parquet(folder / f"{name}.parquet")
        else:
            table.to_csv(folder / f"{name}.{ending}", index=False)
    return folder


@pytest.mark.parametrize("ending", ["parquet", "csv", "csv.gz"])
def test_the_shared_form(tmp_path, ending):
    folder = write_shared(tmp_path / "shop", ending)
    either, both = read_log(folder), read_log(folder, form="both")
    assert either.name == "shop"
    assert either.events["behaviour"].tolist() == "S_Q S_I R_I R_I S_Q S_I".split()
    assert both.events["behaviour"].tolist() == "R_I S_Q S_I R_I R_I S_Q S_I".split()
    assert either.events["item"].tolist() == [-1, 0, 2, 1, -1, 2]
    assert either.events["query"].tolist() == ["cordless phone"] * 2 + ["", ""] + ["desk"] * 2
    assert either.items["title"].tolist() == ["AT&T phone", "Pen", "Desk"]
    assert either.items["brand"].tolist() == ["AT&T", "Bic", ""]
    assert either.items["categories"].tolist() == ["Office, Phones", "Office, Pens", ""]
    assert "1 R_I rows that also stand as a search were dropped (form 'either')" in either.notes
    assert not any("dropped" in note for note in both.notes)


def test_queries_may_stand_in_their_own_table_only(tmp_path):
    folder = write_shared(tmp_path / "shop")
    frame = pd.read_parquet(folder / "interactions.parquet")
    frame.drop(columns="query").to_parquet(folder / "interactions.parquet")
    assert read_log(folder).events["query"].tolist() == ["cordless phone"] * 2 + ["", ""] + ["desk"] * 2
    frame.assign(query_id=[-1, 0, 0, -1, -1, 5, 5]).drop(columns="query").to_parquet(folder / "interactions.parquet")
    with pytest.raises(LogError, match=r"interactions.parquet, row 6: query_id is not in .*queries.parquet \('5'\)"):
        read_log(folder)


def test_rows_keep_their_number_after_twins_were_dropped(tmp_path):
    folder = write_shared(tmp_path / "shop")
    frame = pd.read_parquet(folder / "interactions.parquet")
    frame.loc[4, "item"] = 99
    frame.to_parquet(folder / "interactions.parquet")
    with pytest.raises(LogError, match=r"interactions.parquet, row 5: unknown item, not in .*items.parquet \('99'\)"):
        read_log(folder)


def test_category_paths_get_one_separator():
    assert category_path("Office &amp; School ,Pens| Gel") == "Office & School, Pens, Gel"
    assert category_path("") == ""


# Raw Amazon.

REVIEWS = [
    {"reviewerID": "A2", "asin": "B1", "unixReviewTime": 200},
    {"reviewerID": "A1", "asin": "B2", "unixReviewTime": 100},
    {"reviewerID": "A1", "asin": "B1", "unixReviewTime": 100},
    {"reviewerID": "A1", "asin": "B1", "unixReviewTime": 100},  # repeated
    {"reviewerID": "A1", "asin": "B9", "unixReviewTime": 50},  # no metadata
    {"reviewerID": "A2", "asin": "B3", "unixReviewTime": 100},
]
METAS = [
    {
        "asin": "B1",
        "title": "Caf&eacute; card",
        "description": ["A <b>card</b>.", "Of paper."],
        "category": ["Gift Cards", "Cards & Cups", "</span>", "Made with love."],
        "brand": "Caf&eacute;",
    },
    {"asin": "B2", "title": "Cup", "description": "", "category": ["Gift Cards", "Gift Cards"]},
    {"asin": "B3", "title": "Mug", "category": []},
    {"asin": "B4", "title": "Never bought", "category": ["Gift Cards", "Other"]},
]


def write_amazon(folder: Path, reviews: list[dict], metas: list[dict], zipped: bool = True) -> Path:
    """Reviews and metadata of the category Cards, as the site names them."""
    folder.mkdir(exist_ok=True)
    for name, rows in (("Cards_5", reviews), ("meta_Cards", metas)):
        text = "".join(json.dumps(row) + "\n" for row in rows)
        if zipped:
            (folder / f"{name}.json.gz").write_bytes(gzip.compress(text.encode()))
        else:
            (folder / f"{name}.json").write_text(text)
    return folder


@pytest.mark.parametrize("zipped", [True, False])
def test_raw_amazon_either_and_both(tmp_path, zipped):
    folder = write_amazon(tmp_path / "raw", REVIEWS, METAS, zipped)
    either, both = (read_amazon(folder, form=form, search_share=1.0) for form in ("either", "both"))
    assert both.name == "cards"
    assert both.items["item_id"].tolist() == ["B1", "B2", "B3"]
    assert both.items.loc[0, ["title", "description", "categories", "brand"]].tolist() == [
        "Café card",
        "A card . Of paper.",
        "Gift Cards, Cards & Cups",
        "Café",
    ]
    # B3 has no category path, so it cannot be searched for; the other three purchases are.
    assert either.events["behaviour"].tolist() == "S_Q S_I S_Q S_I R_I S_Q S_I".split()
    assert both.events["behaviour"].tolist() == "R_I S_Q S_I R_I S_Q S_I R_I R_I S_Q S_I".split()
    assert either.events["item"].tolist() == [-1, 0, -1, 1, 2, -1, 0]
    assert either.events["timestamp"].tolist() == [100] * 5 + [200] * 2
    assert (
        either.events["query"].tolist() == ["gift cards cups"] * 2 + ["gift cards"] * 2 + [""] + ["gift cards cups"] * 2
    )
    notes = " ".join(either.notes)
    assert "1 repeated reviews were taken once" in notes
    assert "1 reviews of 1 items without metadata or text were left out" in notes
    assert "3 of 4 purchases were made into searches" in notes


def test_either_form_never_logs_a_purchase_twice_and_loses_none(tmp_path):
    rng = np.random.default_rng(0)
    reviews = [
        {"reviewerID": f"A{user}", "asin": f"B{rng.integers(40)}", "unixReviewTime": int(day) * 86400}
        for user in range(60)
        for day in rng.integers(0, 9, 8)
    ]
    metas = [{"asin": f"B{n}", "title": f"Thing {n}", "category": ["Things", f"Sort {n % 7}"]} for n in range(40)]
    folder = write_amazon(tmp_path / "raw", reviews, metas)
    either, both, other = read_log(folder), read_log(folder, form="both"), read_log(folder, seed=1)
    clicks = [log.events[log.events["item"] >= 0] for log in (either, both)]
    purchases = {(row["reviewerID"], row["asin"], row["unixReviewTime"]) for row in reviews}
    assert len(clicks[0]) == len(purchases)
    assert not clicks[0].duplicated(["user", "item", "timestamp"]).any()
    kinds = clicks[1].groupby(["user", "item", "timestamp"])["behaviour"].agg(set)
    assert len(kinds) == len(purchases) and all("R_I" in kind for kind in kinds)
    searches = int((either.events["behaviour"] == "S_I").sum())
    assert searches == (both.events["behaviour"] == "S_I").sum()
    assert abs(searches / len(purchases) - 0.758) < 4 * np.sqrt(0.758 * 0.242 / len(purchases))
    assert either.events["behaviour"].tolist() != other.events["behaviour"].tolist()
    # The draw depends on the seed, not on the order of the file.
    turned = write_amazon(tmp_path / "turned", reviews[::-1], metas[::-1])
    pd.testing.assert_frame_equal(read_log(turned).events, either.events)


def test_an_item_with_several_paths_has_several_queries(tmp_path):
    paths = [["Office", "Pens"], ["School", "Writing, Drawing"], ["Toys"]]
    reviews = [{"reviewerID": f"A{n}", "asin": f"B{n % 2}", "unixReviewTime": 1} for n in range(40)]
    metas = [
        {"asin": "B0", "title": "Pen", "categories": paths},
        {"asin": "B1", "title": "Ink", "categories": [["Ink"]]},
    ]
    log = read_amazon(write_amazon(tmp_path / "raw", reviews, metas), search_share=1.0)
    assert set(log.events["query"]) == {"", "office pens", "school writing drawing"}
    assert log.items["categories"].tolist() == ["Office, Pens", "Ink"]


def test_the_release_of_2014_writes_python_literals(tmp_path):
    folder = write_amazon(tmp_path / "raw", REVIEWS, METAS, zipped=False)
    (folder / "meta_Cards.json").write_text("".join(f"{meta!r}\n" for meta in METAS))
    pd.testing.assert_frame_equal(
        read_log(folder).items, read_log(write_amazon(tmp_path / "strict", REVIEWS, METAS)).items
    )


def test_queries_keep_the_last_of_repeated_words():
    path = ["Office Electronics", "Telephones & Accessories", "Corded Telephones"]
    assert path_query(path) == "office electronics accessories corded telephones"
    assert path_query(["Industrial & Scientific", "Lab & Scientific Products"]) == "industrial lab scientific products"
    assert path_query(["The", "of"]) == ""


@pytest.mark.parametrize(
    ("line", "match"),
    [
        ('{"asin": "B1", "unixReviewTime": 1}', "Cards_5.json, line 2: no 'reviewerID'"),
        (
            '{"reviewerID": "A", "asin": "B1", "unixReviewTime": "x"}',
            "line 2: unixReviewTime 'x' is not a whole number",
        ),
        ('{"reviewerID": "A", "as', "line 2: not a JSON object .*cut off"),
        ("[1, 2]", "line 2: not a JSON object. Give one object per line"),
    ],
)
def test_bad_reviews_name_their_line(tmp_path, line, match):
    folder = write_amazon(tmp_path / "raw", REVIEWS, METAS, zipped=False)
    (folder / "Cards_5.json").write_text(json.dumps(REVIEWS[0]) + "\n" + line + "\n")
    with pytest.raises(LogError, match=match):
        read_log(folder)


def test_reviews_that_do_not_belong_to_the_metadata(tmp_path):
    folder = write_amazon(tmp_path / "raw", REVIEWS[4:5], METAS)
    with pytest.raises(LogError, match="no review is of an item in .*meta_Cards.json.gz"):
        read_log(folder)
    with pytest.raises(LogError, match="the file holds no reviews"):
        read_log(write_amazon(tmp_path / "raw", [], METAS))
    (folder / "Cards_5.json.gz").unlink()
    with pytest.raises(LogError, match="Put Cards_5.json.gz beside it"):
        read_log(folder)
    (folder / "meta_Books.json.gz").write_bytes(gzip.compress(b"{}\n"))
    with pytest.raises(LogError, match="2 metadata files"):
        read_log(folder)


def test_not_a_metadata_file(tmp_path):
    folder = write_amazon(tmp_path / "raw", REVIEWS, [{"title": "no id"}])
    with pytest.raises(LogError, match="meta_Cards.json.gz, line 1: no 'asin'"):
        read_log(folder)


# MovieLens.


def write_movielens(
    folder: Path, tags: str | None = "2,10,funny,50\n1,20,:),60\n2,20,red cap,70\n2,20,slow,70\n"
) -> Path:
    """Three films, two people."""
    folder.mkdir()
    (folder / "movies.csv").write_text(
        'movieId,title,genres\n10,"Heat, The (1995)",Action|Crime\n20,Toy (1995),(no genres listed)\n30,It,Drama\n'
    )
    (folder / "ratings.csv").write_text(
        "userId,movieId,rating,timestamp\n1,10,4.0,40\n1,20,3.5,30\n2,20,5.0,70\n2,30,1.0,20\n"
    )
    if tags is not None:
        (folder / "tags.csv").write_text("userId,movieId,tag,timestamp\n" + tags)
    return folder


def test_movielens_tags_are_queries(tmp_path):
    log = read_log(write_movielens(tmp_path / "ml-tiny"))
    assert log.name == "ml-tiny"
    assert log.items["title"].tolist() == ["Heat, The (1995)", "Toy (1995)", "It"]
    assert log.items["categories"].tolist() == ["Action, Crime", "", "Drama"]
    assert log.events["behaviour"].tolist() == "R_I R_I R_I S_Q S_I R_I S_Q S_I S_Q S_I".split()
    assert log.events["item"].tolist() == [1, 0, 2, -1, 0, 1, -1, 1, -1, 1]
    assert log.events["timestamp"].tolist() == [30, 40, 20, 50, 50, 70, 70, 70, 70, 70]
    assert [query for query in log.events["query"] if query] == ["funny"] * 2 + ["red cap"] * 2 + ["slow"] * 2
    assert "1 tags without a letter or digit were left out" in log.notes


def test_movielens_without_tags_has_no_searches(tmp_path):
    log = read_log(write_movielens(tmp_path / "ml", tags=None))
    assert set(log.events["behaviour"]) == {"R_I"}
    assert "no tags.csv, so the log has no searches" in log.notes


@pytest.mark.parametrize(
    ("tags", "match"),
    [
        ("2,99,funny,50\n", r"tags.csv, row 1: a film that is not in movies.csv \('99'\)"),
        ("2,10,funny,50\n2,10,dull,noon\n", r"tags.csv, row 2: 'timestamp' is not a number \('noon'\)"),
        (",10,funny,50\n", "tags.csv, row 1: 'userId' is empty"),
    ],
)
def test_bad_tags_name_their_row(tmp_path, tags, match):
    with pytest.raises(LogError, match=match):
        read_movielens(write_movielens(tmp_path / "ml", tags))


# The door.


def test_nothing_known_is_said_with_what_would_be(tmp_path):
    for path, match in (
        (tmp_path / "nowhere", "no such file or folder"),
        (tmp_path, r"no log known here \(found: nothing\)"),
    ):
        with pytest.raises(LogError, match=match) as caught:
            read_log(path)
        assert "items + interactions" in str(caught.value) and "ratings.csv + movies.csv" in str(caught.value)
    (tmp_path / "log.csv").write_text("a\n")
    with pytest.raises(LogError, match="log.csv is a file. Give the folder"):
        read_log(tmp_path / "log.csv")
    with pytest.raises(LogError, match=r"found: log.csv"):
        read_log(tmp_path)
    with pytest.raises(LogError, match="form 'neither' is unknown"):
        read_log(tmp_path, form="neither")


def test_half_a_log_names_the_missing_table(tmp_path):
    write_log(random_log(0), tmp_path)
    (tmp_path / "items.parquet").unlink()
    with pytest.raises(LogError, match="no items.parquet or items.csv"):
        read_log(tmp_path)


def test_the_door_takes_a_name_and_a_path_as_text(tmp_path):
    write_log(random_log(0), tmp_path / "there")
    assert read_log(str(tmp_path / "there"), name="mine").name == "mine"


# Damaged files.


@pytest.mark.parametrize("table", ["items", "events"])
@pytest.mark.parametrize("keep", [0, 3, 0.5, 0.99])
def test_truncated_parquet(tmp_path, table, keep):
    write_log(random_log(0), tmp_path)
    path = tmp_path / f"{table}.parquet"
    whole = path.read_bytes()
    path.write_bytes(whole[: keep if isinstance(keep, int) else int(len(whole) * keep)])
    with pytest.raises(LogError, match=rf"{table}.parquet: cut off or damaged .* Copy or download it again"):
        read_log(tmp_path)


def test_parquet_with_rot_inside(tmp_path):
    write_log(random_log(0), tmp_path)
    path = tmp_path / "events.parquet"
    whole = bytearray(path.read_bytes())
    whole[8 : len(whole) // 2] = b"\xff" * (len(whole) // 2 - 8)
    path.write_bytes(whole)
    with pytest.raises(LogError, match="events.parquet"):
        read_log(tmp_path)


def test_csv_that_is_not_utf8_names_line_and_byte(tmp_path):
    folder = write_shared(tmp_path / "shop", "csv")
    items = (folder / "items.csv").read_text()
    (folder / "items.csv").write_bytes(items.replace("Pen", "Crayon \u00e9l\u00e9gant").encode("latin-1"))
    with pytest.raises(LogError, match=r"items.csv, line 3: not UTF-8 \(byte 0xe9 at column \d+\).*UTF-8"):
        read_log(folder)
    (folder / "items.csv").write_bytes(b"\xef\xbb\xbf" + items.encode())  # a byte order mark is fine
    assert read_log(folder).n_items == 3


def test_csv_that_is_empty_or_ragged(tmp_path):
    folder = write_shared(tmp_path / "shop", "csv")
    items = (folder / "items.csv").read_text()
    (folder / "items.csv").write_text("")
    with pytest.raises(LogError, match="items.csv: the file is empty. The first line must name the columns"):
        read_log(folder)
    (folder / "items.csv").write_text(items + "40,a,b,c,d,e,f,g\n")
    with pytest.raises(LogError, match="items.csv: not a well-formed CSV file .*line 5"):
        read_log(folder)


@pytest.mark.parametrize("keep", [5, 0.6])
def test_truncated_gzip(tmp_path, keep):
    folder = write_amazon(tmp_path / "raw", REVIEWS * 50, METAS)
    path = folder / "Cards_5.json.gz"
    whole = path.read_bytes()
    path.write_bytes(whole[: keep if isinstance(keep, int) else int(len(whole) * keep)])
    with pytest.raises(LogError, match="Cards_5.json.gz: cut off or damaged"):
        read_log(folder)
    path.write_text("not gzip at all")
    with pytest.raises(LogError, match="Cards_5.json.gz: cut off or damaged"):
        read_log(folder)


def test_json_lines_that_are_not_utf8(tmp_path):
    folder = write_amazon(tmp_path / "raw", REVIEWS, METAS, zipped=False)
    (folder / "meta_Cards.json").write_bytes(
        json.dumps(METAS[1]).encode() + b"\n" + b'{"asin": "B1", "title": "\xe9"}\n'
    )
    with pytest.raises(LogError, match="meta_Cards.json, line 2: not UTF-8"):
        read_log(folder)


# Real data, where they are.


@pytest.mark.parametrize(
    ("folder", "users", "items", "searches", "either", "both"),
    [
        ("amazon_office", 4905, 2420, 39993, 13265, 53258),
        ("amazon_scientific", 8317, 4344, 43357, 15135, 58492),
        ("movielens_tags", 1975, 13047, 7467, 297873, 297873),
    ],
)
def test_real_joint_logs_have_their_published_size(folder, users, items, searches, either, both):
    for form, recommended in (("either", either), ("both", both)):
        log = read_log(shared(folder), form=form)
        counts = log.events["behaviour"].value_counts()
        assert (log.n_users, log.n_items) == (users, items)
        assert (counts["R_I"], counts["S_Q"], counts["S_I"]) == (recommended, searches, searches)
        assert not log.items["title"].str.contains(r"&\w+;").any()


@pytest.mark.parametrize(("folder", "other"), [("amazon_office", 0), ("amazon_scientific", 1)])
def test_queries_are_made_as_the_published_logs_make_them(folder, other):
    path = shared(folder)
    items = pd.read_parquet(path / "items.parquet").set_index("id")["categories"]
    events = pd.read_parquet(path / "interactions.parquet").query("behaviour == 'S_I'").drop_duplicates("item")
    made = [path_query(re.split(r"\s*,\s*", plain_text(text))) for text in items.reindex(events["item"])]
    # One item of the scientific log kept an "amp" of its web mark-up.
    assert int((events["query"].to_numpy() != np.array(made)).sum()) == other


def test_real_gift_cards():
    log = read_log(shared("raw_amazon_gift_cards"))
    counts = log.events["behaviour"].value_counts()
    assert (log.n_users, log.n_items) == (458, 148)
    assert counts["R_I"] + counts["S_I"] == 2972 - 3  # three reviews stand there twice
    assert set(log.events["query"]) == {"", "gift cards"}
