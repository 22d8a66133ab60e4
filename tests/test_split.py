"""Leave-one-out per user and task, held against a slow reading of its definition, and histories without leaks."""

import numpy as np
import pandas as pd
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from log_data import events_frame, items_frame, random_log, recommended, searched, shared, small_events

from gensar_lite.log.describe import describe
from gensar_lite.log.read import read_log
from gensar_lite.log.schema import QUERY, SEARCH, make_log
from gensar_lite.log.split import Histories, leave_one_out, row_codes, with_companions


def slow_history(log, event):
    """The definition: events of the same user, strictly before the target's instant."""
    row = log.events.iloc[event]
    return {
        place
        for place, other in enumerate(log.events.itertuples())
        if other.user == row["user"] and other.timestamp < row["timestamp"]
    }


def slow_cases(log):
    """(user, task) -> event indices of that task, oldest first."""
    cases = {}
    for place, event in enumerate(log.events.itertuples()):
        if event.behaviour != QUERY:
            cases.setdefault((event.user, event.behaviour), []).append(place)
    return cases


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_the_last_event_of_a_task_is_the_test_case_and_the_one_before_validates(seed, both):
    log = random_log(seed, both=both)
    split = leave_one_out(log)
    cases = slow_cases(log)
    for part, back, least in ((split.test, -1, 2), (split.validation, -2, 3)):
        wanted = {key: rows[back] for key, rows in cases.items() if len(rows) >= least}
        assert {(row.user, row.task): row.event for row in part.itertuples()} == wanted
        for row in part.itertuples():
            event = log.events.iloc[row.event]
            assert (row.item, row.query, row.timestamp) == (event["item"], event["query"], event["timestamp"])
            assert row.n_history == len(slow_history(log, row.event))
            assert (row.query != "") == (row.task == SEARCH)


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("seed", range(4))
def test_nothing_held_out_is_learned_from(seed, both):
    log = random_log(seed, both=both)
    split = leave_one_out(log)
    held = [*split.test["event"], *split.validation["event"]]
    kept_out = set(held)
    for place, event in enumerate(log.events.itertuples()):
        for target in (log.events.iloc[row] for row in held):
            same_purchase = (event.user, event.item, event.timestamp) == (
                target["user"],
                target["item"],
                target["timestamp"],
            )
            if event.item >= 0 and same_purchase:
                kept_out.add(place)
    sessions = {
        (event.user, event.session)
        for place, event in enumerate(log.events.itertuples())
        if place in kept_out and event.behaviour == SEARCH
    }
    kept_out |= {
        place
        for place, event in enumerate(log.events.itertuples())
        if event.behaviour == QUERY and (event.user, event.session) in sessions
    }
    assert set(np.flatnonzero(~split.train)) == kept_out
    learned = set(log.events["item"][split.train & (log.events["item"] >= 0)])
    for part in (split.test, split.validation):
        assert part["cold"].tolist() == [item not in learned for item in part["item"]]


@settings(max_examples=30, deadline=None)
@given(seed=st.integers(0, 10_000), both=st.booleans(), days=st.integers(1, 12))
def test_histories_stand_strictly_before_in_time_order(seed, both, days):
    log = random_log(seed, users=4, days=days, both=both)
    histories = Histories(log)
    time = log.events["timestamp"].to_numpy()
    for event in range(len(log.events)):
        history = histories.before(event)
        assert set(history.tolist()) == slow_history(log, event)
        assert (np.diff(time[history]) >= 0).all()
        assert (time[history] < time[event]).all()


@pytest.mark.parametrize("seed", range(4))
def test_a_query_stands_right_before_its_clicks(seed):
    log = random_log(seed, days=3)
    histories = Histories(log)
    events = log.events
    for event in np.flatnonzero(np.r_[events["user"].to_numpy()[1:] != events["user"].to_numpy()[:-1], True]):
        history = events.iloc[histories.before(event)]
        for first, second in zip(history.iloc[:-1].itertuples(), history.iloc[1:].itertuples()):
            if first.behaviour == QUERY:
                assert (second.behaviour, second.session) == (SEARCH, first.session)


def test_sessions_with_several_clicks_stay_together():
    rows = [("ann", "S_Q", "", "q", 1, 1), ("ann", "S_I", 5, "", 1, 1), ("ann", "S_I", 1, "", 1, 1)]
    rows += [recommended("ann", 3, 1), *searched("ann", 2, 1, 2), recommended("ann", 0, 9)]
    log = make_log("a", items_frame(), events_frame(rows))
    history = log.events.iloc[Histories(log).before(len(log.events) - 1)]
    assert history["item"].tolist() == [-1, 1, 5, -1, 2, 3]
    assert history["session"].tolist() == [1, 1, 1, 2, 2, -1]


def test_neither_file_order_nor_position_is_a_feature():
    rows = [recommended("ann", item, 1) for item in (4, 2, 3)] + [*searched("ann", 1, 1, 5), recommended("ann", 0, 2)]
    orders = ([0, 1, 2, 3, 4, 5], [3, 4, 2, 0, 1, 5], [1, 3, 4, 0, 2, 5])
    seen = []
    for order in orders:
        frame = events_frame([rows[place] for place in order]).assign(position=range(len(rows)))
        log = make_log("a", items_frame(), frame)
        seen.append(log.events.iloc[Histories(log).before(5)]["item"].tolist())
    assert seen == [[-1, 1, 2, 3, 4]] * 3


def test_position_chooses_the_target_within_a_day():
    rows = [recommended("ann", item, 1) for item in (0, 1, 2, 3)]
    for position, target in (([0, 1, 2, 3], 3), ([3, 1, 2, 0], 0)):
        split = leave_one_out(make_log("a", items_frame(), events_frame(rows).assign(position=position)))
        assert split.test["item"].tolist() == [target]
        assert split.test["n_history"].tolist() == [0]  # a case with an empty history is kept


def test_a_twin_takes_its_query_row_with_it():
    # The last recommendation is also a search that is neither the last nor the last but one.
    rows = [recommended("ann", 0, 1), recommended("ann", 1, 2), *searched("ann", 1, 2, 1)]
    rows += [*searched("ann", 2, 3, 2), *searched("ann", 3, 4, 3)]
    log = make_log("a", items_frame(), events_frame(rows))
    split = leave_one_out(log)
    assert split.test["item"].tolist() == [1, 3]
    assert log.events["item"][split.train].tolist() == [0]
    assert not split.train[(log.events["behaviour"] == QUERY).to_numpy()].any()


def test_few_events_give_no_case():
    rows = [recommended("ann", 0, 1), *searched("ann", 1, 2, 1), recommended("bob", 1, 1), recommended("bob", 2, 2)]
    split = leave_one_out(make_log("a", items_frame(), events_frame(rows)))
    assert split.validation.empty
    assert split.test[["user", "task", "item"]].to_numpy().tolist() == [[1, "R_I", 2]]
    assert split.train.tolist() == [True, True, True, True, False]
    assert split.validation.columns.tolist() == split.test.columns.tolist()


def test_a_log_without_searches_or_without_cases():
    log = make_log("a", items_frame(), events_frame([recommended("ann", 0, 1), recommended("bob", 1, 1)]))
    split = leave_one_out(log)
    assert split.test.empty and split.validation.empty and split.train.all()
    assert describe(log, split).set_index("count").loc["test cases", "total"] == 0


def test_sessions_of_two_users_may_share_a_number():
    rows = [*searched("ann", 0, 1, 1), *searched("ann", 1, 2, 2), *searched("bob", 2, 1, 1), *searched("bob", 3, 2, 2)]
    split = leave_one_out(make_log("a", items_frame(), events_frame(rows)))
    assert split.train.tolist() == [True, True, False, False] * 2


def test_row_codes_are_ranks_of_rows():
    first, second = np.array([2, 1, 2, 1]), np.array([0, 9, 0, 5])
    assert row_codes(first, second).tolist() == [2, 1, 2, 0]


def test_companions_of_nothing():
    log = make_log("a", items_frame(), small_events())
    assert not with_companions(log.events, np.zeros(0, dtype=np.int64)).any()


def test_counts_of_a_small_log():
    log = make_log("a", items_frame(), small_events())
    counts = describe(log, leave_one_out(log)).set_index("count")
    assert counts.loc["events", "total"] == 11
    assert counts.loc[["events R_I", "events S_Q", "events S_I"], "total"].tolist() == [5, 3, 3]
    assert counts.loc["distinct queries", "total"] == 2
    assert counts.loc["test cases", ["total", "R_I", "S_I"]].tolist() == [3, 2, 1]
    assert counts.loc["validation cases", ["total", "R_I", "S_I"]].tolist() == [1, 1, 0]
    assert counts.loc["training events", ["total", "R_I", "S_I"]].tolist() == [6, 2, 2]
    assert pd.isna(counts.loc["users", "R_I"])


@pytest.mark.parametrize(
    ("folder", "recommendation", "search"),
    [("amazon_office", 3095, 4878), ("amazon_scientific", 4377, 8226), ("movielens_tags", 1975, 129)],
)
def test_case_counts_of_the_real_logs(folder, recommendation, search):
    split = leave_one_out(read_log(shared(folder)))
    assert split.test["task"].value_counts().to_dict() == {"R_I": recommendation, "S_I": search}
    assert not (split.test["n_history"] == 0).any()
