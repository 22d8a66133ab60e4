"""What the audit counts, held against a slow walk through the log, and against what is known of the real logs."""

import numpy as np
import pandas as pd
import pytest
from log_data import events_frame, items_frame, random_log, recommended, searched, shared

from gensar_lite.log import audit as module
from gensar_lite.log.audit import NOTHING, OFFICIAL, OURS, SHUFFLED, Audit, audit
from gensar_lite.log.read import read_log
from gensar_lite.log.schema import QUERY, SEARCH, make_log
from gensar_lite.log.split import Histories, Split, leave_one_out

NOW = "target in history by item, own instant"
EARLIER = "target in history by item, earlier"
TASKS = ("R_I", "S_I")


def walk_officially(log):
    """Per click: the (item, time) pairs of its history as the official preprocessing builds it, event by event."""
    given = {}
    for _, of_user in log.events.groupby("user"):
        bought, searches = [], []
        clicks = of_user[of_user["behaviour"] != QUERY]
        for _, of_instant in clicks.groupby("timestamp"):
            for place, event in of_instant[of_instant["behaviour"] != SEARCH].iterrows():
                given[place] = bought + searches
                bought = [*bought, (event["item"], event["timestamp"])]
            for place, event in of_instant[of_instant["behaviour"] == SEARCH].iterrows():
                purchases = bought[:-1] if bought and bought[-1][0] == event["item"] else bought
                given[place] = purchases + searches
                searches = [*searches, (event["item"], event["timestamp"])]
    return given


def slow_counts(log, places, given):
    """How many targets stand in their history at their own instant, and how many earlier."""
    now = earlier = 0
    for place in places:
        item, time = log.events.loc[place, ["item", "timestamp"]]
        now += (item, time) in given[place]
        earlier += any(other == item and then < time for other, then in given[place])
    return now, earlier


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_the_official_rule_is_counted_as_a_walk_through_the_log_counts_it(seed, both):
    log = random_log(seed, items=8, both=both)
    split = leave_one_out(log)
    found, given = audit(log, split), walk_officially(log)
    for task in TASKS:
        every = np.flatnonzero((log.events["behaviour"] == task).to_numpy())
        for scope, places in (("every", every), ("test", split.test.loc[split.test["task"] == task, "event"])):
            now, earlier = slow_counts(log, places, given)
            assert found.found(NOW, OFFICIAL, task, scope).found == now
            assert found.found(EARLIER, OFFICIAL, task, scope).found == earlier
            assert found.found(NOW, OFFICIAL, task, scope).cases == len(places)


@pytest.mark.parametrize("seed", range(3))
def test_with_nothing_dropped_every_twin_shows(seed):
    log = random_log(seed, items=200, both=True)
    found = audit(log, leave_one_out(log))
    for scope in ("every", "test", "validation"):
        search = found.found(NOW, NOTHING, "S_I", scope)
        assert search.found == search.cases > 0
        assert found.found("twin in the log", "-", "S_I", scope).share == 1.0
        purchases = found.found(NOW, NOTHING, "R_I", scope)
        assert purchases.found == found.found("twin in the log", "-", "R_I", scope).found < purchases.cases


@pytest.mark.parametrize("both", [False, True])
@pytest.mark.parametrize("seed", range(5))
def test_nothing_leaks_under_our_rule(seed, both):
    log = random_log(seed, items=8, both=both)
    split = leave_one_out(log)
    found = audit(log, split, codes=np.arange(8)[:, None] // 2)
    assert found.leaks == 0
    histories = Histories(log)
    for task in TASKS:
        events = split.test.loc[split.test["task"] == task, ["event", "item"]]
        repeats = sum(
            item in log.events["item"].to_numpy()[histories.before(event)] for event, item in events.to_numpy()
        )
        assert found.found(EARLIER, OURS, task, "test").found == repeats


def test_a_leaking_history_and_a_leaking_split_are_caught(monkeypatch):
    log = random_log(1, items=200, both=True)
    split = leave_one_out(log)

    class Leaky(Histories):
        """All that is not later, the target's twin included."""

        def before(self, event):
            user, time = log.events["user"].to_numpy(), log.events["timestamp"].to_numpy()
            return np.flatnonzero((user == user[event]) & (time <= time[event]) & (np.arange(len(user)) != event))

    monkeypatch.setattr(module, "Histories", Leaky)
    found = audit(log, split)
    assert found.found(NOW, OURS, "S_I", "test").share == 1.0
    assert found.leaks > 0
    monkeypatch.undo()
    careless = Split(np.ones(len(log.events), dtype=bool), split.validation, split.test)
    found = audit(log, careless)
    assert found.found("held-out click is a training target", OURS, "S_I", "test").share == 1.0
    assert found.found("held-out query is a training target", OURS, "S_I", "test").share == 1.0
    assert found.leaks > 0


def one_day(purchases: list[int], searches: list[int]):
    """One shopper: a first day with one click of each kind, then one day with all of these."""
    rows = [recommended("ann", 0, 1), *searched("ann", 0, 1, 0)]
    rows += [recommended("ann", item, 2) for item in purchases]
    rows += [row for number, item in enumerate(searches, start=1) for row in searched("ann", item, 2, number)]
    return make_log("day", items_frame(), events_frame(rows))


def test_the_official_fix_saves_only_the_last_purchase_of_a_day():
    log = one_day([1, 2, 3], [1, 2, 3])
    found = audit(log, leave_one_out(log))
    assert found.found(NOW, NOTHING, "S_I", "every").found == 4
    assert found.found(NOW, OFFICIAL, "S_I", "every").found == 2  # 1 and 2; 3 and the lone 0 of day one are dropped
    assert found.found(NOW, OFFICIAL, "S_I", "test").found == 0
    assert found.found(NOW, OFFICIAL, "S_I", "validation").found == 1
    assert found.found(NOW, SHUFFLED, "S_I", "every").found == 2  # one of three is the last, whichever
    log = one_day([3, 2, 1], [1, 2, 3])
    assert audit(log, leave_one_out(log)).found(NOW, OFFICIAL, "S_I", "test").found == 1


def test_twins_held_out_by_hand_only():
    # The last search is of purchase 1, which is not the last purchase: its R_I row would be a training target.
    rows = [*searched("ann", 5, 1, 0), recommended("ann", 1, 2), *searched("ann", 1, 2, 1)]
    rows += [recommended("ann", 2, 3), recommended("ann", 3, 4)]
    log = make_log("a", items_frame(), events_frame(rows))
    found = audit(log, leave_one_out(log))
    check = "held-out click is a training target"
    assert found.found(check, "only the case itself held out", "S_I", "test").found == 1
    assert found.found(check, OURS, "S_I", "test").found == 0


def test_identifiers_that_two_items_share():
    rows = [recommended("ann", 1, 1), recommended("ann", 4, 2), recommended("ann", 0, 3), recommended("ann", 2, 3)]
    log = make_log("a", items_frame(), events_frame(rows))
    split = leave_one_out(log)
    codes = np.array([[0, 0], [0, 1], [0, 1], [1, 0], [1, 1], [1, 2]])  # items 1 and 2 collide
    found = audit(log, split, codes=codes)
    assert found.found(EARLIER, OURS, "R_I", "test").found == 0
    assert found.found("target in history by identifier, earlier", OURS, "R_I", "test").found == 1
    assert found.found("target in history by identifier, own instant", OURS, "R_I", "test").found == 0
    with pytest.raises(ValueError, match="3 identifiers for 6 items"):
        audit(log, split, codes=codes[:3])
    with pytest.raises(KeyError, match="by identifier"):
        audit(log, split).found("target in history by identifier, earlier", OURS, "R_I", "test")


def test_ties_are_other_items_of_the_same_instant():
    log = one_day([1, 2], [1])
    found = audit(log, leave_one_out(log))
    check = "another item at the same instant"
    assert found.found(check, "-", "R_I", "every")[4:6] == (2, 3)
    assert found.found(check, "-", "S_I", "every")[4:6] == (1, 2)  # day one is a twin, not a tie


def test_clicked_items_the_official_samplers_may_draw():
    items = items_frame()
    items["title"] = ["red hat", "red cap", "blue hat", "green tea", "black tea", "white tea"]
    rows = [
        recommended("ann", 1, 1),
        recommended("ann", 3, 2),
        *searched("ann", 4, 3, 1, "tea"),
        recommended("bob", 0, 1),
    ]
    rows += [
        *searched("bob", 2, 2, 1, "blue"),
        *searched("bob", 0, 3, 2, "green tea"),
        *searched("ann", 5, 4, 2, "white"),
    ]
    log = make_log("a", items, events_frame(rows), sort=True)
    found = audit(log, leave_one_out(log))
    check = "a clicked item could be a negative"
    # ann's recommendation test (item 3) is followed by items 4 and 5 that she clicks later.
    assert found.found(check, "official sampler", "R_I", "test")[4:6] == (1, 1)
    # No other item of ann's is white, no other of bob's has "green" or "tea" in its text.
    assert found.found(check, "official sampler", "S_I", "test")[4:6] == (0, 2)
    events = events_frame(rows).replace({"query": {"white": "white tea"}})
    found = audit(log := make_log("a", items, events, sort=True), leave_one_out(log))
    assert found.found(check, "official sampler", "S_I", "test")[4:6] == (1, 2)


def test_negatives_that_are_positives():
    rows = [recommended("ann", 0, 1), recommended("ann", 1, 2), recommended("bob", 2, 1), recommended("bob", 3, 2)]
    log = make_log("a", items_frame(), events_frame(rows))
    split = leave_one_out(log)
    clean = audit(log, split, negatives=np.array([[2, 3], [0, -1]]))
    assert [finding.found for finding in clean.findings if finding.rule == "negatives given"] == [0, 0, 0, 0]
    dirty = audit(log, split, negatives=np.array([[2, 1], [2, 5]]))  # ann's target; bob's first click
    assert dirty.found("a negative is the target", "negatives given", "R_I", "test")[4:6] == (1, 2)
    assert dirty.found("a negative was clicked", "negatives given", "R_I", "test")[4:6] == (1, 2)
    with pytest.raises(ValueError, match="1 rows of negatives for 2 test cases"):
        audit(log, split, negatives=np.array([[2, 1]]))


def test_the_table_has_a_row_per_finding_with_its_share():
    log = random_log(0)
    found = audit(log, leave_one_out(log))
    table = found.table()
    assert table.columns.tolist() == ["check", "rule", "task", "scope", "found", "cases", "share", "leak"]
    assert len(table) == len(found.findings)
    assert not table.duplicated(["check", "rule", "task", "scope"]).any()
    pd.testing.assert_series_equal(table["share"], (table["found"] / table["cases"]).fillna(0.0), check_names=False)


@pytest.mark.parametrize(
    "rows",
    [[recommended("ann", 0, 1), recommended("bob", 1, 1)], [*searched("ann", 0, 1, 1), *searched("ann", 1, 1, 2)]],
)
def test_logs_of_one_behaviour_or_without_cases(rows):
    log = make_log("a", items_frame(), events_frame(rows))
    found = audit(log, leave_one_out(log), negatives=np.zeros((len(leave_one_out(log).test), 2), dtype=int))
    assert isinstance(found, Audit) and found.leaks == 0


# Real data, where they are.


@pytest.mark.parametrize(("folder", "twins"), [("amazon_office", 39993), ("amazon_scientific", 43357)])
def test_the_official_form_of_the_amazon_logs_shows_every_twin(folder, twins):
    log = read_log(shared(folder), form="both")
    found = audit(log, leave_one_out(log))
    assert found.found(NOW, NOTHING, "R_I", "every").found == twins
    assert found.found(NOW, NOTHING, "S_I", "every")[4:6] == (twins, twins)
    # Their time stamps count the purchases, so there are no ties and the official fix suffices.
    assert found.found(NOW, OFFICIAL, "S_I", "every").found == 0
    assert found.leaks == 0
    clean = read_log(shared(folder))
    found = audit(clean, leave_one_out(clean))
    assert sum(finding.found for finding in found.findings if finding.check == NOW) == 0


def test_on_gift_cards_with_their_day_time_stamps_much_survives_the_official_fix():
    log = read_log(shared("raw_amazon_gift_cards"), form="both")
    found = audit(log, leave_one_out(log))
    assert found.found(NOW, NOTHING, "S_I", "every").share == 1.0
    assert found.found(NOW, OFFICIAL, "S_I", "every").share == pytest.approx(0.571, abs=0.001)
    assert found.found(NOW, SHUFFLED, "S_I", "test").share == pytest.approx(0.48, abs=0.04)
    assert found.leaks == 0
