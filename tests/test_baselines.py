"""Each baseline against counts made by hand, and the promise that held-out events never enter a fit."""

import dataclasses

import numpy as np
import pandas as pd
import pytest
from evaluate_data import log_of, small_log

from gensar_lite.evaluate.baselines.counts import Popularity, QueryPopularity, Random
from gensar_lite.evaluate.baselines.product import QueryPopularityTimes, choose_weight
from gensar_lite.evaluate.baselines.sequence import ItemKNN, Markov, RecentItems
from gensar_lite.evaluate.baselines.text import BM25, DenseText
from gensar_lite.log.schema import JointLog
from gensar_lite.log.split import Split, leave_one_out


def search_case(query: str) -> pd.DataFrame:
    return pd.DataFrame({"user": [0], "task": ["S_I"], "event": [0], "item": [0], "query": [query]})


def everything_trains(log: JointLog) -> Split:
    """A split that holds nothing out, so that counts can be read off the rows."""
    nothing = leave_one_out(log).test.iloc[:0]
    return Split(np.ones(len(log.events), dtype=bool), nothing, nothing)


def last_case(log: JointLog) -> pd.DataFrame:
    """The last event of the log as a case."""
    last = log.events.iloc[[-1]]
    return pd.DataFrame({"user": last["user"], "task": last["behaviour"], "event": last.index, "item": last["item"]})


def all_baselines(log: JointLog, split: Split) -> list:
    counts, markov = QueryPopularity(log, split), Markov(log, split)
    return [
        Random(log.n_items),
        Popularity(log, split),
        Popularity(log, split, "R_I"),
        counts,
        ItemKNN(log, split),
        markov,
        BM25(log.items),
        QueryPopularityTimes(counts, markov, 0.5),
    ]


def test_popularity_counts_training_events_of_the_task():
    log = log_of(
        [(0, "R_I", 1, "", -1, 1), (0, "S_Q", -1, "lamp", 0, 2), (0, "S_I", 1, "lamp", 0, 2), (0, "R_I", 2, "", -1, 3)]
    )
    split = everything_trains(log)
    assert Popularity(log, split).scores(last_case(log)).tolist() == [[0, 2, 1, 0, 0, 0]]
    assert Popularity(log, split, "S_I").scores(last_case(log)).tolist() == [[0, 1, 0, 0, 0, 0]]


def test_query_popularity_by_hand():
    log = log_of(
        [
            (0, "S_Q", -1, "Red  lamp!", 0, 1), (0, "S_I", 0, "Red  lamp!", 0, 1),
            (0, "S_Q", -1, "red lamp", 1, 2), (0, "S_I", 0, "red lamp", 1, 2),
            (1, "S_Q", -1, "red lamp", 0, 1), (1, "S_I", 3, "red lamp", 0, 1),
            (1, "S_Q", -1, "blue rug", 1, 2), (1, "S_I", 2, "blue rug", 1, 2),
        ]
    )  # fmt: skip
    ranker = QueryPopularity(log, everything_trains(log))
    share = (np.array([2, 0, 1, 1, 0, 0]) + 1) / 10  # 4 clicks and one pseudo-event for each of 6 items
    seen, overlapping, unknown = ranker.probabilities(["RED lamp", "lamp shade", "piano"])
    assert seen == pytest.approx((np.array([2, 0, 0, 1, 0, 0]) + share) / 4)
    # {lamp, shade} and {red, lamp} share 1 of 3 words, so "red lamp" lends a third of each of its clicks.
    assert overlapping == pytest.approx((np.array([2, 0, 0, 1, 0, 0]) / 3 + share) / 2)
    assert unknown == pytest.approx(share)
    assert ranker.scores(search_case("red lamp"))[0] == pytest.approx(seen)


def test_query_popularity_without_any_search_is_popularity():
    log = log_of([(0, "R_I", 1, "", -1, 1), (0, "R_I", 1, "", -1, 2), (0, "R_I", 2, "", -1, 3)])
    scores = QueryPopularity(log, everything_trains(log)).scores(search_case("lamp"))
    assert scores.argmax() == 1
    assert scores.sum() == pytest.approx(1)


def test_item_knn_by_hand():
    log = log_of(
        [
            (0, "R_I", 0, "", -1, 1), (0, "R_I", 1, "", -1, 2),
            (1, "R_I", 0, "", -1, 1), (1, "R_I", 1, "", -1, 2), (1, "R_I", 2, "", -1, 3),
            (2, "R_I", 1, "", -1, 1), (2, "R_I", 2, "", -1, 2),
        ]
    )  # fmt: skip
    scores = ItemKNN(log, everything_trains(log)).scores(last_case(log))[0]  # user 2's history is item 1
    # Users of item 0: {0, 1}; of item 1: {0, 1, 2}; of item 2: {1, 2}.
    assert scores[:3] == pytest.approx([2 / np.sqrt(6), 0, 2 / np.sqrt(6)], abs=1e-5)


def test_item_knn_looks_at_the_last_items_only():
    rows = [(0, "R_I", 0, "", -1, 1), (0, "R_I", 1, "", -1, 2)]
    rows += [(1, "R_I", item, "", -1, day) for day, item in enumerate([0, 2, 3, 4, 5, 2, 3])]
    log = log_of(rows)
    assert ItemKNN(log, everything_trains(log), last=5).scores(last_case(log))[0, 1] < 1e-5
    assert ItemKNN(log, everything_trains(log), last=6).scores(last_case(log))[0, 1] > 0.1


def test_markov_by_hand():
    log = log_of(
        [
            (0, "R_I", 0, "", -1, 1), (0, "R_I", 1, "", -1, 2), (0, "R_I", 2, "", -1, 3),
            (1, "R_I", 0, "", -1, 1), (1, "R_I", 2, "", -1, 2),
            (2, "R_I", 0, "", -1, 1), (2, "R_I", 3, "", -1, 2),
        ]
    )  # fmt: skip
    scores = Markov(log, everything_trains(log)).scores(last_case(log))[0]
    assert scores == pytest.approx([0, 1 / 3, 1 / 3, 1 / 3, 0, 0], abs=1e-5)


def test_markov_gives_the_items_of_one_instant_equal_parts():
    log = log_of(
        [
            (0, "R_I", 0, "", -1, 1), (0, "R_I", 1, "", -1, 1), (0, "R_I", 2, "", -1, 2),
            (1, "R_I", 0, "", -1, 1), (1, "R_I", 3, "", -1, 2),
            (2, "R_I", 0, "", -1, 5), (2, "R_I", 1, "", -1, 5), (2, "R_I", 4, "", -1, 6),
        ]
    )  # fmt: skip
    # From item 0: half a step to 2, one to 3, half a step to 4. From item 1: half a step to 2, half to 4.
    scores = Markov(log, everything_trains(log)).scores(last_case(log))[0]
    assert scores == pytest.approx([0, 0, (0.25 + 0.5) / 2, 0.25, (0.25 + 0.5) / 2, 0], abs=1e-5)


def test_recent_items_leave_out_the_target_instant():
    log = log_of([(0, "R_I", 0, "", -1, 1), (0, "R_I", 3, "", -1, 2), (0, "R_I", 2, "", -1, 2)])
    recent = RecentItems(log)
    assert recent.last(last_case(log), 5).toarray().tolist() == [[1, 0, 0, 0, 0, 0]]
    assert recent.last_instant(last_case(log)).toarray().tolist() == [[1, 0, 0, 0, 0, 0]]


def test_bm25_finds_the_words_and_knows_nothing_of_others():
    log = small_log()
    scores = BM25(log.items).scores(search_case("Blue  VASE"))[0]
    blue_vases = [row for row, title in enumerate(log.items["title"]) if title == "blue vase"]
    assert set(np.argsort(-scores)[: len(blue_vases)]) == set(blue_vases)
    assert BM25(log.items).scores(search_case("zebra")).tolist() == [[0.0] * log.n_items]


def test_bm25_of_items_without_text():
    items = pd.DataFrame({"title": ["", ""], "description": ["", ""], "categories": ["", ""]})
    assert BM25(items).scores(search_case("lamp")).tolist() == [[0, 0]]


def test_dense_text_is_the_cosine():
    items = np.array([[2.0, 0.0], [0.0, 5.0], [1.0, 1.0], [0.0, 0.0]])
    asked = []

    def encode(queries: list[str]) -> np.ndarray:
        asked.append(queries)
        return np.array([[3.0, 0.0]] * len(queries))

    cases = pd.concat([search_case("lamp")] * 3)
    scores = DenseText("dense", items, encode).scores(cases)
    assert scores == pytest.approx(np.array([[1, 0, np.sqrt(0.5), 0]] * 3))
    assert asked == [["lamp"]]  # a query that several cases share is encoded once


def test_the_random_row_does_not_depend_on_the_batch():
    log = small_log()
    cases = leave_one_out(log).test
    ranker = Random(log.n_items, seed=3)
    assert (ranker.scores(cases)[5:7] == ranker.scores(cases.iloc[5:7])).all()
    assert (ranker.scores(cases) != Random(log.n_items, seed=4).scores(cases)).all()


def test_every_baseline_scores_the_catalogue_without_nan():
    log = small_log()
    split = leave_one_out(log)
    for ranker in all_baselines(log, split):
        for task in getattr(ranker, "tasks", ("R_I", "S_I")):
            cases = split.test[split.test["task"] == task]
            scores = ranker.scores(cases)
            assert scores.shape == (len(cases), log.n_items), ranker.name
            assert np.isfinite(scores).all(), ranker.name
            assert ranker.scores(cases.iloc[:0]).shape == (0, log.n_items), ranker.name
        assert ranker.trained_on


def test_no_baseline_learns_from_held_out_events():
    """Every held-out item and query is replaced; cases whose history holds none of them must score as before."""
    log = small_log()
    split = leave_one_out(log)
    events = log.events.copy()
    held_out = ~split.train
    has_item = held_out & (events["item"] >= 0).to_numpy()
    events.loc[has_item, "item"] = (events.loc[has_item, "item"] + 11) % log.n_items
    events.loc[held_out & (events["query"] != "").to_numpy(), "query"] = "piano"
    changed = dataclasses.replace(log, events=events)

    # The first training event of each user as a case: its history is empty or made of training events.
    first = log.events[split.train & (log.events["item"] >= 0).to_numpy()].groupby("user").nth(3)
    cases = pd.DataFrame({"user": first["user"], "event": first.index, "query": "red lamp", "item": first["item"]})
    histories = RecentItems(log)
    kept = [abs(histories.last(cases.iloc[[row]], 99) - RecentItems(changed).last(cases.iloc[[row]], 99)).nnz == 0
            for row in range(len(cases))]  # fmt: skip
    cases = cases[kept]
    assert len(cases) > 20 and has_item.sum() > 100
    for before, after in zip(all_baselines(log, split), all_baselines(changed, split), strict=True):
        assert (before.scores(cases) == after.scores(cases)).all(), before.name


def test_a_training_event_does_change_the_fits():
    """The test above could pass for rankers that learn nothing: here a training event changes, and scores follow."""
    log = small_log()
    split = leave_one_out(log)
    events = log.events.copy()
    moved = split.train & (events["item"] >= 0).to_numpy()
    events.loc[moved, "item"] = (events.loc[moved, "item"] + 11) % log.n_items
    changed = dataclasses.replace(log, events=events)
    cases = split.test[split.test["task"] == "S_I"]
    for before, after in zip(all_baselines(log, split), all_baselines(changed, split), strict=True):
        learns = before.name not in ("random", "BM25")
        assert (before.scores(cases) != after.scores(cases)).any() == learns, before.name


class Logits:
    """A ranker with fixed logits, the same for every case."""

    name = "fixed"
    trained_on = "nothing"

    def __init__(self, row: np.ndarray) -> None:
        self.row = row

    def scores(self, cases: pd.DataFrame) -> np.ndarray:
        return np.tile(self.row, (len(cases), 1))


def test_the_product_adds_log_probabilities():
    log = small_log()
    split = leave_one_out(log)
    counts = QueryPopularity(log, split)
    logits = np.random.default_rng(0).normal(size=log.n_items) * 5
    cases = split.test[split.test["task"] == "S_I"].iloc[:4]
    product = QueryPopularityTimes(counts, Logits(logits), weight=2.0)
    expected = np.log(np.exp(logits) / np.exp(logits).sum()) + 2 * np.log(counts.scores(cases))
    assert product.scores(cases) == pytest.approx(expected)
    assert product.name == "query popularity x fixed"


def test_the_weight_is_chosen_on_validation_alone():
    log = small_log()
    split = leave_one_out(log)
    counts = QueryPopularity(log, split)
    noise = Logits(np.random.default_rng(1).normal(size=log.n_items) * 3)
    chosen = choose_weight(counts, noise, split)
    assert chosen.weight == 4.0  # noise deserves the least say
    garbage = split.test.assign(item=0, query="")
    assert choose_weight(counts, noise, dataclasses.replace(split, test=garbage)).weight == chosen.weight
    nothing = dataclasses.replace(split, validation=split.validation.iloc[:0])
    assert choose_weight(counts, noise, nothing).weight == 1.0
