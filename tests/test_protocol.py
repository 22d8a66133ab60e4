"""Candidates and ranks: who competes with a target, and what a perfect, a random and a broken ranker get."""

import numpy as np
import pandas as pd
import pytest
from evaluate_data import log_of, small_log

from gensar_lite.evaluate import protocol
from gensar_lite.evaluate.baselines.counts import Random, item_counts
from gensar_lite.evaluate.baselines.text import BM25
from gensar_lite.evaluate.metrics import METRICS, NOT_RETURNED, ScoreError, measure
from gensar_lite.evaluate.protocol import Candidates, Negatives, beam_ranks, exact_ranks, paper_candidates
from gensar_lite.log.split import leave_one_out

HIT_10 = METRICS.index("HR@10")


class Fixed:
    """A ranker made of a function cases -> scores."""

    name = "fixed"
    trained_on = "nothing"

    def __init__(self, scores) -> None:
        self.scores = scores


def of_target(log, value: float):
    def scores(cases: pd.DataFrame) -> np.ndarray:
        matrix = np.zeros((len(cases), log.n_items))
        matrix[np.arange(len(cases)), cases["item"]] = value
        return matrix

    return Fixed(scores)


@pytest.fixture(scope="module")
def big():
    """A log with more items than candidates, so that nothing has to be filled or padded."""
    log = small_log(n_users=80, n_items=400)
    return log, leave_one_out(log)


def touched(log, user: int) -> set[int]:
    events = log.events[(log.events["user"] == user) & (log.events["item"] >= 0)]
    return set(events["item"])


def test_recommendation_candidates_are_untouched_items_and_the_target(big):
    log, split = big
    cases = split.test[split.test["task"] == "R_I"]
    candidates = paper_candidates(log, split, cases, seed=0)
    assert candidates.items.shape == (len(cases), 100)
    assert (np.diff(candidates.items, axis=1) > 0).all()  # ascending: no item twice
    assert (candidates.filled == 0).all()
    assert (candidates.items[np.arange(len(cases)), candidates.target] == cases["item"]).all()
    for row, case in enumerate(cases.itertuples()):
        assert set(candidates.items[row]) & touched(log, case.user) == {case.item}


def test_uniform_negatives_are_uniform(big):
    log, split = big
    cases = split.test[split.test["task"] == "R_I"].iloc[:1]
    counts = np.zeros(log.n_items)
    for seed in range(300):
        counts[paper_candidates(log, split, cases, seed).items[0]] += 1
    free = np.setdiff1d(np.arange(log.n_items), sorted(touched(log, cases["user"].iloc[0])))
    # Each free item is drawn with probability 99 / free; 5 standard deviations of a binomial around it.
    share = 99 / len(free)
    assert np.abs(counts[free] - 300 * share).max() < 5 * np.sqrt(300 * share * (1 - share))


def test_popular_negatives_are_popular(big):
    log, split = big
    cases = split.test[split.test["task"] == "R_I"]
    counts = item_counts(log, split)
    by_rule = {
        rule: counts[paper_candidates(log, split, cases, 0, Negatives(recommendation=rule)).items].mean()
        for rule in ("uniform", "popularity")
    }
    assert by_rule["popularity"] > 1.2 * by_rule["uniform"]


def test_search_candidates_are_the_best_bm25_matches_the_user_has_not_touched(big):
    log, split = big
    cases = split.test[split.test["task"] == "S_I"]
    candidates = paper_candidates(log, split, cases, seed=0)
    scores = BM25(log.items).scores(cases)
    for row, case in enumerate(cases.itertuples()):
        own = touched(log, case.user)
        ranked = [item for item in np.argsort(-scores[row], kind="stable") if scores[row, item] > 0 and item not in own]
        matches = ranked[:99]
        assert set(matches) <= set(candidates.items[row])
        assert candidates.filled[row] == 99 - len(matches)
        assert set(candidates.items[row]) & own == {case.item}
    assert (candidates.filled > 0).any()


def test_the_official_search_negatives_may_hold_the_users_other_items():
    rows = [(0, "S_Q", -1, "lamp", s, s) for s in range(3)]
    rows += [(0, "S_I", item, "lamp", s, s) for s, item in enumerate([0, 5, 10])]
    log = log_of(sorted(rows, key=lambda row: row[5]), n_items=30)
    split = leave_one_out(log)
    assert split.test["item"].tolist() == [10]
    ours = paper_candidates(log, split, split.test, 0)
    official = paper_candidates(log, split, split.test, 0, Negatives(search_excludes="target"))
    assert not {0, 5} & set(ours.items[0])
    assert {0, 5} <= set(official.items[0])
    assert (ours.items[0] >= 0).sum() == 28 and (official.items[0] >= 0).sum() == 30


def test_a_small_catalogue_gives_what_it_has():
    log = small_log(n_items=30)
    split = leave_one_out(log)
    candidates = paper_candidates(log, split, split.test, seed=0)
    for row, case in enumerate(split.test.itertuples()):
        real = candidates.items[row][candidates.items[row] >= 0]
        assert len(real) == 30 - len(touched(log, case.user) - {case.item})
        assert (candidates.items[row][len(real) :] == -1).all()
    perfect = exact_ranks(of_target(log, 1.0), split.test, log.n_items, candidates)["paper"]
    assert (perfect.item == 1).all()
    worst = exact_ranks(of_target(log, -1.0), split.test, log.n_items, candidates)["paper"]
    assert (worst.item == (candidates.items >= 0).sum(axis=1)).all()


def test_candidates_depend_on_the_seed_and_the_case_alone(big):
    log, split = big
    whole = paper_candidates(log, split, split.test, seed=1)
    part = paper_candidates(log, split, split.test.iloc[10:20], seed=1)
    assert (whole.items[10:20] == part.items).all()
    other = paper_candidates(log, split, split.test, seed=2)
    assert (whole.items != other.items).any()


def test_a_perfect_and_a_worst_ranker(big):
    log, split = big
    cases = split.test[split.test["task"] == "R_I"]
    candidates = paper_candidates(log, split, cases, seed=0)
    best = exact_ranks(of_target(log, 1.0), cases, log.n_items, candidates)
    assert all((ranks.item == 1).all() for ranks in best.values())
    assert measure(best["full"]).min() == 1
    worst = exact_ranks(of_target(log, -1.0), cases, log.n_items, candidates)
    assert (worst["full"].item == log.n_items).all() and (worst["paper"].item == 100).all()


def test_a_random_ranker_hits_one_in_ten(big):
    log, split = big
    hits = []
    for seed in range(20):
        for _, cases in split.test.groupby("task"):
            candidates = paper_candidates(log, split, cases, seed)
            ranks = exact_ranks(Random(log.n_items, seed), cases, log.n_items, candidates)["paper"]
            hits += measure(ranks)[:, HIT_10].tolist()
    assert len(hits) > 2000
    assert np.mean(hits) == pytest.approx(0.10, abs=4 * np.sqrt(0.09 / len(hits)))


def test_a_constant_ranker_ranks_by_item_index(big):
    log, split = big
    cases = split.test[split.test["task"] == "R_I"]
    candidates = paper_candidates(log, split, cases, seed=0)
    ranks = exact_ranks(of_target(log, 0.0), cases, log.n_items, candidates)
    assert (ranks["full"].item == cases["item"] + 1).all()
    assert (ranks["paper"].item == candidates.target + 1).all()


def test_paper_ranks_with_identifiers():
    cases = pd.DataFrame({"user": [0], "event": [7], "item": [4]})
    scores = Fixed(lambda cases: np.array([[0.2, 0.5, 0.5, 0.1, 0.5, 0.9]]))
    groups = np.array([0, 1, 1, 2, 1, 3])
    among = Candidates(np.array([[0, 1, 4, -1]]), np.array([2]), np.array([0]))
    ranks = exact_ranks(scores, cases, 6, among, groups)
    assert [array.tolist() for array in ranks["full"]] == [[4], [2], [3]]
    assert [array.tolist() for array in ranks["paper"]] == [[2], [1], [2]]


def test_nan_names_ranker_user_and_event():
    log = small_log()
    cases = leave_one_out(log).test.iloc[:5]
    scores = np.zeros((5, log.n_items))
    scores[3, 8] = np.nan
    with pytest.raises(ScoreError, match=rf"fixed: .*item 8 is NaN .*event {cases['event'].iloc[3]} \(1 of 5 cases\)"):
        exact_ranks(Fixed(lambda cases: scores), cases, log.n_items, None)


def test_scores_of_another_shape_are_refused():
    log = small_log()
    cases = leave_one_out(log).test.iloc[:5]
    with pytest.raises(ScoreError, match=r"shape \(5, 3\) for 5 cases and 30 items"):
        exact_ranks(Fixed(lambda cases: np.zeros((5, 3))), cases, log.n_items, None)


def test_whole_numbers_are_scores_too():
    log = small_log()
    cases = leave_one_out(log).test.iloc[:5]
    counts = exact_ranks(Fixed(lambda cases: np.ones((5, log.n_items), dtype=int)), cases, log.n_items, None)
    assert (counts["full"].item == cases["item"] + 1).all()


def test_beam_lists(big):
    log, split = big
    cases = split.test.iloc[:2]
    lists = np.full((2, 10), -1)
    lists[0, :3] = np.setdiff1d([1, 2, 3, 4], [cases["item"].iloc[0]])[:3]
    lists[1, 0] = cases["item"].iloc[1]
    ranker = of_target(log, 1.0)
    ranker.top = lambda cases, k: lists
    assert beam_ranks(ranker, cases, log.n_items).item.tolist() == [NOT_RETURNED, 1]
    ranker.top = lambda cases, k: np.ones((2, 10), dtype=int)
    with pytest.raises(ScoreError, match="fixed: list 0 holds an item twice"):
        beam_ranks(ranker, cases, log.n_items)
    ranker.top = lambda cases, k: np.full((2, 10), log.n_items)
    with pytest.raises(ScoreError, match="outside"):
        beam_ranks(ranker, cases, log.n_items)
    ranker.top = lambda cases, k: lists[:, :4]
    with pytest.raises(ScoreError, match=r"shape \(2, 4\)"):
        beam_ranks(ranker, cases, log.n_items)


def test_batches_cover_all_cases_once_and_shrink_for_large_catalogues():
    cases = leave_one_out(small_log()).test
    sizes = [len(batch) for batch in protocol.batches(cases, n_items=protocol.BATCH_CELLS // 20)]
    assert sum(sizes) == len(cases) and max(sizes) == 20
    assert len(list(protocol.batches(cases.iloc[:0], 30))) == 0


def test_unknown_negatives_are_refused():
    with pytest.raises(ValueError, match="uniform or popularity"):
        Negatives(recommendation="hard")
    with pytest.raises(ValueError, match="touched or target"):
        Negatives(search_excludes="clicked")
    with pytest.raises(ValueError, match="at least 1"):
        Negatives(count=0)
