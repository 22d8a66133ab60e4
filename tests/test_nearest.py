"""The ranker that only looks at item vectors."""

import numpy as np
import pandas as pd
import pytest
from evaluate_data import log_of, small_log

from gensar_lite.evaluate.baselines.counts import QueryPopularity
from gensar_lite.evaluate.baselines.nearest import Added, NearestMean, repeats
from gensar_lite.evaluate.protocol import Ranker
from gensar_lite.log.split import Histories, leave_one_out


def question(log, event, task, item, query=""):
    return pd.DataFrame({"event": [event], "task": [task], "item": [item], "query": [query]})


def hand_made():
    """Ann clicks 0, 1 and 2, then 3; "red" led to item 5 in training (twice) and to item 4 (once)."""
    rows = [("ann", "R_I", item, "", -1, day) for day, item in enumerate((0, 1, 2, 3))]
    for number, item in enumerate((5, 5, 4)):
        rows += [("bob", "S_Q", -1, "red", number, number), ("bob", "S_I", item, "red", number, number)]
    rows += [("bob", "R_I", 0, "", -1, 8)]
    for number, item in enumerate((1, 2), start=3):
        rows += [("bob", "S_Q", -1, "blue", number, 6 + number), ("bob", "S_I", item, "blue", number, 6 + number)]
    return log_of(rows)


def test_a_recommendation_is_the_mean_of_the_last_clicks():
    log, split = hand_made(), leave_one_out(hand_made())
    vectors = np.eye(6) + 0.1
    ranker = NearestMean("one", vectors, QueryPopularity(log, split), log, last=2)
    found = ranker.scores(question(log, 3, "R_I", 3))[0]
    unit = vectors / np.linalg.norm(vectors, axis=1, keepdims=True)
    mean = unit[1] + unit[2]
    assert found == pytest.approx(unit @ mean / np.linalg.norm(mean))
    assert set(np.argsort(-found)[:2].tolist()) == {1, 2}


def test_a_search_points_to_what_was_clicked_for_its_words():
    log = hand_made()
    split = leave_one_out(log)
    ranker = NearestMean("one", np.eye(6), QueryPopularity(log, split), log)
    event = int(np.flatnonzero(log.events["behaviour"] == "S_I")[-1])
    found = ranker.scores(question(log, event, "S_I", 2, "red"))[0]
    assert np.argsort(-found)[:2].tolist() == [5, 4]


def test_it_is_a_ranker_for_both_tasks_in_one_batch_and_reads_strictly_before_the_target():
    log = small_log()
    split = leave_one_out(log)
    vectors = np.random.default_rng(0).normal(size=(log.n_items, 8))
    ranker = NearestMean("one", vectors, QueryPopularity(log, split), log)
    assert isinstance(ranker, Ranker)
    together = ranker.scores(split.test)
    apart = np.concatenate([ranker.scores(split.test.iloc[[row]]) for row in range(len(split.test))])
    assert together == pytest.approx(apart)
    assert np.isfinite(together).all() and np.abs(together).max() <= 1 + 1e-9
    item = log.events["item"].to_numpy()
    case = split.test[split.test["task"] == "R_I"].iloc[-1]
    later = np.ones(len(item), dtype=bool)
    later[Histories(log).before(case["event"])] = False
    log.events.loc[later & (item >= 0), "item"] = 0
    blind = NearestMean("one", vectors, QueryPopularity(small_log(), split), log)
    row = int(np.flatnonzero(split.test["event"] == case["event"])[0])
    assert blind.scores(split.test.iloc[[row]])[0] == pytest.approx(together[row])


def test_added_is_the_sum():
    log = small_log()
    split = leave_one_out(log)
    counts = QueryPopularity(log, split)
    rng = np.random.default_rng(0)
    parts = [NearestMean(name, rng.normal(size=(log.n_items, 4)), counts, log) for name in ("a", "b")]
    cases = split.test.head(7)
    both = Added("both", parts)
    assert both.scores(cases) == pytest.approx(parts[0].scores(cases) + parts[1].scores(cases))
    assert isinstance(both, Ranker)


def test_repeats_are_targets_among_the_last_clicks():
    log = log_of([("ann", "R_I", item, "", -1, day) for day, item in enumerate((4, 1, 2, 1, 4))])
    asked = pd.concat([question(log, 3, "R_I", 1), question(log, 4, "R_I", 4), question(log, 2, "R_I", 2)])
    assert repeats(log, asked, last=3).tolist() == [True, False, False]
    assert repeats(log, asked, last=4).tolist() == [True, True, False]
