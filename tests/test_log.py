"""The form of a log: what ``make_log`` takes, how it codes it, and how it refuses what is wrong."""

import numpy as np
import pandas as pd
import pytest
from log_data import events_frame, items_frame, random_log, recommended, small_events

from gensar_lite.log.checks import as_ids, id_order
from gensar_lite.log.describe import describe
from gensar_lite.log.joint import write_log
from gensar_lite.log.read import read_log
from gensar_lite.log.schema import LogError, make_log
from gensar_lite.log.split import leave_one_out
from gensar_lite.log.text import normalise_query, plain_text, words


def refused(match: str, items: pd.DataFrame | None = None, events: pd.DataFrame | None = None, **options: bool) -> str:
    """The message with which make_log refuses a log; the tables' names must stand in it."""
    with pytest.raises(LogError, match=match) as caught:
        make_log(
            "bad",
            items_frame() if items is None else items,
            small_events() if events is None else events,
            items_file="shop/items.csv",
            events_file="shop/events.csv",
            **options,
        )
    return str(caught.value)


def test_a_log_is_coded_by_sorted_ids():
    log = make_log("small", items_frame(), small_events())
    assert log.users.tolist() == ["ann", "bob"]
    assert log.items["item_id"].tolist() == list("012345")
    assert log.events["user"].tolist() == [0] * 6 + [1] * 5
    assert log.events["behaviour"].tolist() == "R_I S_Q S_I R_I S_Q S_I R_I R_I S_Q S_I R_I".split()
    assert log.events["item"].tolist() == [0, -1, 1, 2, -1, 3, 3, 4, -1, 5, 0]
    assert log.events["session"].tolist() == [-1, 7, 7, -1, 8, 8, -1, -1, 9, 9, -1]
    assert log.events["query"].tolist()[:6] == ["", "red thing", "red thing", "", "blue thing", "blue thing"]
    assert (log.n_items, log.n_users) == (6, 2)


def test_items_are_sorted_by_number_or_by_name():
    assert id_order(["10", "9", "1"]) == ["1", "9", "10"]
    assert id_order(["10", "9", "b"]) == ["10", "9", "b"]


def test_numbers_floats_and_texts_are_the_same_ids():
    texts = make_log("a", items_frame(), small_events())
    numbers = items_frame().assign(item_id=range(6))
    events = small_events()
    events["item_id"] = pd.to_numeric(events["item_id"].replace("", None))  # queries become NaN, items floats
    events["session_id"] = pd.to_numeric(events["session_id"].replace("", -1))
    assert events["item_id"].dtype.kind == "f"
    log = make_log("a", numbers, events)
    pd.testing.assert_frame_equal(log.events, texts.events)
    assert log.items["item_id"].tolist() == texts.items["item_id"].tolist()


def test_missing_ids_have_four_faces():
    assert as_ids(pd.Series([1, -1, 20])).tolist() == ["1", "", "20"]
    assert as_ids(pd.Series([1.0, np.nan])).tolist() == ["1", ""]
    assert as_ids(pd.Series(["1.0", "", "20.0"])).tolist() == ["1", "", "20"]
    assert as_ids(pd.Series(["v1.0", None, " x "])).tolist() == ["v1.0", "", "x"]


def test_behaviours_may_wear_angle_brackets():
    events = small_events().assign(behaviour=lambda frame: "<" + frame["behaviour"] + ">")
    log = make_log("a", items_frame(), events)
    assert set(log.events["behaviour"]) == {"R_I", "S_Q", "S_I"}


def test_position_orders_one_day_and_is_kept():
    rows = [recommended("ann", item, 1) for item in (0, 1, 2)]
    events = events_frame(rows).assign(position=[3, 1, 2])
    log = make_log("a", items_frame(), events)
    assert log.events["item"].tolist() == [1, 2, 0]
    assert log.events["position"].tolist() == [1, 2, 3]
    assert "position" not in make_log("a", items_frame(), events_frame(rows)).events


def test_columns_beyond_the_canonical_ones():
    log = make_log("a", items_frame().assign(brand="Acme"), small_events().assign(score=3))
    assert log.items["brand"].tolist() == ["Acme"] * 6
    assert "score" not in log.events


def test_text_sessions_are_numbered():
    events = small_events()
    events["session_id"] = events["session_id"].map(lambda value: f"s-{value}" if value != "" else "")
    sessions = make_log("a", items_frame(), events).events["session"].tolist()
    assert sessions == [-1, 0, 0, -1, 1, 1, -1, -1, 2, 2, -1]


def test_a_click_takes_the_last_query_of_its_session():
    rows = [("ann", "S_Q", "", "thing", 1, 1), ("ann", "S_Q", "", "red thing", 1, 2), ("ann", "S_I", 0, "", 1, 3)]
    rows += [("ann", "S_I", 1, "", 1, 4), recommended("bob", 1, 1)]
    log = make_log("a", items_frame(), events_frame(rows))
    assert log.events["query"].tolist() == ["thing", "red thing", "red thing", "red thing", ""]


@pytest.mark.parametrize("seed", range(3))
def test_the_order_of_users_in_the_file_does_not_matter(seed):
    log = random_log(seed)
    rng = np.random.default_rng(seed)
    frame = pd.DataFrame(
        {
            "user_id": log.users[log.events["user"]],
            "behaviour": log.events["behaviour"],
            "item_id": log.events["item"],
            "query": log.events["query"],
            "session_id": log.events["session"],
            "timestamp": log.events["timestamp"],
        }
    )
    blocks = [block for _, block in frame.groupby("user_id")]
    mixed = pd.concat([blocks[place] for place in rng.permutation(len(blocks))])
    pd.testing.assert_frame_equal(make_log("a", log.items, mixed).events, log.events)


# What is refused.


def test_missing_columns_are_named_with_what_is_there():
    message = refused("missing columns title, categories", items=items_frame().drop(columns=["title", "categories"]))
    assert "shop/items.csv" in message and "found: item_id, description" in message
    assert "shop/events.csv" in refused("missing column timestamp", events=small_events().drop(columns="timestamp"))


def test_empty_tables():
    assert "shop/events.csv" in refused("empty", events=small_events().iloc[:0])
    assert "shop/items.csv" in refused("no items", items=items_frame(0))


def test_a_catalogue_of_one_item_has_nothing_to_rank():
    events = events_frame([recommended("ann", 0, 1), recommended("ann", 0, 2)])
    refused("shop/items.csv: the catalogue has 1 item", items=items_frame(1), events=events)


def test_unknown_behaviour_names_the_row():
    events = small_events()
    events.loc[[3, 6], "behaviour"] = "click"
    message = refused(r"events.csv, row 4: unknown behaviour \('click'\), and 1 more row like it", events=events)
    assert "R_I, S_Q, S_I" in message


@pytest.mark.parametrize("value", ["yesterday", "", None, "inf"])
def test_a_time_stamp_that_is_no_number(value):
    events = small_events().astype({"timestamp": object})
    events.loc[2, "timestamp"] = value
    refused("events.csv, row 3: 'timestamp' is not a number", events=events)


def test_a_time_stamp_with_a_fraction():
    events = small_events().astype({"timestamp": float})
    events.loc[1, "timestamp"] = 1.5
    assert "milliseconds" in refused("row 2: 'timestamp' is not a whole number", events=events)


def test_dates_count_as_time_stamps():
    events = small_events()
    dates = events.assign(timestamp=pd.to_datetime(events["timestamp"], unit="D"))
    assert make_log("a", items_frame(), dates).events["item"].tolist() == [0, -1, 1, 2, -1, 3, 3, 4, -1, 5, 0]
    dates.loc[4, "timestamp"] = pd.NaT
    refused("row 5: 'timestamp' is empty", events=dates)


def test_time_that_runs_backwards_is_refused_or_sorted_on_request():
    events = small_events()
    events.loc[3, "timestamp"] = 0  # ann's third click, before her first
    message = refused(r"events.csv, row 4: the time stamp runs backwards within user 'ann' \(1 in all\)", events=events)
    assert "sort=True" in message and "--sort" in message
    log = make_log("a", items_frame(), events, sort=True)
    assert log.events["item"].tolist()[:3] == [2, 0, -1]
    assert any("ran backwards in time and were sorted" in note for note in log.notes)


def test_users_may_be_interleaved_in_the_file():
    events = small_events().sort_values("timestamp", kind="stable")
    pd.testing.assert_frame_equal(
        make_log("a", items_frame(), events).events, make_log("a", items_frame(), small_events()).events
    )


def test_items_without_text():
    items = items_frame()
    items.loc[2, ["title", "description", "categories"]] = ["", None, "  "]
    message = refused(r"items.csv, row 3: the item has no text .*\('2'\)", items=items)
    assert "delete it together with its events" in message


def test_an_item_without_a_title_is_kept_and_counted():
    items = items_frame()
    items.loc[1, "title"] = None
    log = make_log("a", items, small_events())
    assert log.items.loc[1, "title"] == ""
    assert any("1 items have no title" in note for note in log.notes)


def test_duplicate_item_ids_name_both_rows():
    items = items_frame()
    items.loc[4, "item_id"] = "1"
    refused("items.csv, row 5: item id '1' stands already in row 2", items=items)


def test_empty_ids():
    items, events = items_frame(), small_events()
    items.loc[1, "item_id"] = None
    refused("items.csv, row 2: 'item_id' is empty", items=items)
    events.loc[2, "user_id"] = ""
    refused("events.csv, row 3: 'user_id' is empty", events=events)
    events = small_events().astype({"item_id": object})
    events.loc[3, "item_id"] = None
    refused("events.csv, row 4: an R_I or S_I row without 'item_id'", events=events)


def test_unknown_items_in_events():
    events = small_events()
    events.loc[[3, 6], "item_id"] = ["77", "78"]
    message = refused(r"events.csv, row 4: unknown item, not in shop/items.csv \('77'\), and 1 more row", events=events)
    assert "Add it to shop/items.csv" in message


def test_a_search_click_without_its_query():
    refused("events.csv, row 3: a search click .* without its query row", events=small_events().drop(index=1))
    events = small_events()
    events.loc[[4, 5], "session_id"] = [8, 9]  # the click names another session than its query
    refused(r"events.csv, row 6: a search click \(S_I\) without its query row", events=events)
    events = small_events().iloc[[0, 2, 1, 3]].reset_index(drop=True)  # the click first
    refused("events.csv, row 2: a search click", events=events.assign(timestamp=1))


def test_search_rows_without_a_session():
    events = small_events()
    events.loc[1, "session_id"] = ""
    refused("events.csv, row 2: an S_Q or S_I row without 'session_id'", events=events)


def test_queries_without_words():
    events = small_events()
    events.loc[1, "query"] = "?!"
    refused(r"events.csv, row 2: a query without a letter or digit \('\?!'\)", events=events)


def test_a_click_that_contradicts_its_query():
    events = small_events()
    events.loc[2, "query"] = "green thing"
    refused("events.csv, row 3: the click names another query", events=events)


def test_only_queries_is_no_log():
    events = small_events()
    refused("no item was ever clicked", events=events[events["behaviour"] == "S_Q"])


def test_rows_are_named_by_their_place_in_the_file_when_some_were_taken_out():
    events = small_events()
    events.loc[7, "behaviour"] = "click"
    refused("events.csv, row 8: unknown behaviour", events=events.drop(index=[0, 3]))


def test_users_with_one_event_are_legal_and_counted():
    rows = [recommended("ann", 0, 1), recommended("ann", 1, 2), recommended("bob", 1, 1), ("cy", "S_Q", "", "q", 1, 1)]
    log = make_log("a", items_frame(), events_frame(rows))
    assert any(note.startswith("2 users have at most one item event") for note in log.notes)
    assert any(note.startswith("1 search sessions have a query but no click") for note in log.notes)
    assert any(note.startswith("4 items occur in no event") for note in log.notes)
    split = leave_one_out(log)
    assert split.test["user"].tolist() == [0]
    counts = describe(log, split).set_index("count")
    assert counts.loc["users", "total"] == 3
    assert counts.loc["test cases", ["total", "R_I", "S_I"]].tolist() == [1, 1, 0]
    assert counts.loc["items without any event", "total"] == 4


def test_the_fingerprint_sees_everything_but_the_name():
    log = make_log("a", items_frame(), small_events())
    assert log.fingerprint() == make_log("b", items_frame(), small_events()).fingerprint()
    events, items = small_events(), items_frame()
    events.loc[1, "query"] = "green thing"
    items.loc[5, "description"] = "another"
    later = small_events().assign(timestamp=lambda frame: frame["timestamp"] + 1)
    prints = {
        log.fingerprint(),
        make_log("a", items_frame(), events).fingerprint(),
        make_log("a", items, small_events()).fingerprint(),
        make_log("a", items_frame(), later).fingerprint(),
        make_log("a", items_frame(), small_events().assign(position=0)).fingerprint(),
    }
    assert len(prints) == 5


# Round trip.


@pytest.mark.parametrize("seed", range(3))
def test_written_and_read_again_a_log_is_the_same(tmp_path, seed):
    log = random_log(seed)
    log = make_log(
        "round & trip", log.items.assign(brand="Acme"), canonical(log).assign(position=range(len(log.events)))
    )
    write_log(log, tmp_path / "there")
    again = read_log(tmp_path / "there")
    assert again.name == "round & trip"
    assert again.users.tolist() == log.users.tolist()
    pd.testing.assert_frame_equal(again.items, log.items)
    pd.testing.assert_frame_equal(again.events, log.events)
    assert again.fingerprint() == log.fingerprint()


def test_csv_files_read_like_parquet(tmp_path):
    log = random_log(5)
    items, events = log.items.copy(), canonical(log)
    items.loc[0, "title"] = 'a "quoted", long\ntitle'
    for folder, write in (("p", "to_parquet"), ("c", "to_csv")):
        (tmp_path / folder).mkdir()
        ending = "parquet" if folder == "p" else "csv"
        getattr(items, write)(tmp_path / folder / f"items.{ending}", index=False)
        getattr(events, write)(tmp_path / folder / f"events.{ending}", index=False)
    parquet, csv = read_log(tmp_path / "p", name="x"), read_log(tmp_path / "c", name="x")
    pd.testing.assert_frame_equal(parquet.items, csv.items)
    pd.testing.assert_frame_equal(parquet.events, csv.events)


def test_a_folder_that_cannot_be_written_leaves_nothing(tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(OSError):
        write_log(random_log(0), tmp_path / "file" / "log")
    assert [path.name for path in tmp_path.iterdir()] == ["file"]


def canonical(log):
    """A log as the table ``make_log`` takes."""
    events = log.events
    ids = np.append(log.items["item_id"].to_numpy(dtype=object), "")
    return pd.DataFrame(
        {
            "user_id": log.users[events["user"]],
            "behaviour": events["behaviour"],
            "item_id": ids[events["item"]],
            "query": events["query"],
            "session_id": events["session"],
            "timestamp": events["timestamp"],
        }
    )


# Text.


@pytest.mark.parametrize(
    ("typed", "read"),
    [
        ("  Red   SHOES!! ", "red shoes"),
        ("4-Person\ttent", "4 person tent"),
        ("snake_case & co.", "snake case co"),
        ("Caf\u00e9 ﬁlter №5", "caf\u00e9 filter no5"),
        ("Cafe\u0301", "caf\u00e9"),
        ("STRASSE Straße", "strasse strasse"),
        ("红色 鞋子", "红色 鞋子"),
        ("?!… —", ""),
        ("", ""),
    ],
)
def test_queries_are_normalised(typed, read):
    assert normalise_query(typed) == read
    assert normalise_query(read) == read
    assert words(typed) == read.split()


def test_shop_text_loses_its_mark_up():
    assert plain_text("AT&amp;T <b>phone</b>\n5 &lt; 6 &amp;quot;x&amp;quot;") == 'AT&T phone 5 < 6 "x"'
