"""Ranks and metrics against values worked out by hand."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gensar_lite.evaluate.metrics import METRICS, NOT_RETURNED, Ranks, ScoreError, measure, rank_lists, rank_scores


def ranks_of(*rank, members=None):
    rank = np.array(rank)
    return Ranks(rank, rank, np.ones_like(rank) if members is None else np.array(members))


def test_metrics_by_hand():
    values = measure(ranks_of(1, 3, 6, 11, NOT_RETURNED))
    by_name = dict(zip(METRICS, values.T, strict=True))
    assert by_name["HR@1"].tolist() == [1, 0, 0, 0, 0]
    assert by_name["HR@5"].tolist() == [1, 1, 0, 0, 0]
    assert by_name["HR@10"].tolist() == [1, 1, 1, 0, 0]
    assert by_name["NDCG@5"] == pytest.approx([1, 0.5, 0, 0, 0])  # 1 / log2(1 + 3) = 0.5
    assert by_name["NDCG@10"] == pytest.approx([1, 0.5, 0.3562071871, 0, 0])  # 1 / log2(7)


def test_a_higher_score_ranks_first_and_ties_go_by_item_index():
    scores = np.array([[0.3, 0.9, 0.9, 0.9, 0.1], [0.0, 0.0, 0.0, 0.0, 0.0]])
    assert rank_scores(scores, None, np.array([2, 4])).item.tolist() == [2, 5]
    assert rank_scores(scores, None, np.array([0, 0])).item.tolist() == [4, 1]


def test_minus_infinity_is_last_and_padding_is_never_ahead():
    scores = np.array([[-np.inf, 1.0, -np.inf, -np.inf]])
    items = np.array([[3, 5, 7, -1]])
    assert rank_scores(scores, items, np.array([2])).item.tolist() == [3]
    groups = np.arange(8)
    assert rank_scores(scores, items, np.array([2]), groups).identifier.tolist() == [3]


def test_three_levels_by_hand():
    # Items 0..5; items 1, 2 and 4 share an identifier; the list of identifiers is {5}, {1, 2, 4}, {0}, {3}.
    scores = np.array([[0.2, 0.5, 0.5, 0.1, 0.5, 0.9]])
    groups = np.array([0, 1, 1, 2, 1, 3])
    ranks = rank_scores(scores, None, np.array([4]), groups)
    assert (ranks.item[0], ranks.identifier[0], ranks.members[0]) == (4, 2, 3)
    at_5 = {level: measure(ranks, level)[0] for level in ("identifier", "expected", "item")}
    ndcg_5, hit_5 = METRICS.index("NDCG@5"), METRICS.index("HR@5")
    assert at_5["identifier"][ndcg_5] == pytest.approx(0.6309297536)  # 1 / log2(3)
    assert at_5["expected"][ndcg_5] == pytest.approx(0.6309297536 / 3)
    assert at_5["item"][ndcg_5] == pytest.approx(0.4306765581)  # 1 / log2(5)
    assert (at_5["identifier"][hit_5], at_5["expected"][hit_5]) == (1, pytest.approx(1 / 3))


def test_the_expected_level_is_the_mean_over_random_members():
    groups = np.array([0, 1, 1, 2, 1, 3])
    scores = np.array([[0.2, 0.5, 0.5, 0.1, 0.5, 0.9]])
    rng = np.random.default_rng(0)
    expected = measure(rank_scores(scores, None, np.array([4]), groups), "expected")[0]
    identifiers = [[5], [1, 2, 4], [0], [3]]
    drawn = []
    for _ in range(3000):
        items = [int(rng.choice(members)) for members in identifiers]
        rank = items.index(4) + 1 if 4 in items else NOT_RETURNED
        drawn.append(measure(ranks_of(rank))[0])
    assert np.mean(drawn, axis=0) == pytest.approx(expected, abs=0.03)


def test_members_are_counted_among_the_candidates_only():
    groups = np.array([0, 1, 1, 2, 1, 3])
    items = np.array([[0, 1, 4, 5]])
    scores = np.array([[0.2, 0.5, 0.5, 0.9]])
    ranks = rank_scores(scores, items, np.array([2]), groups)
    assert (ranks.item[0], ranks.identifier[0], ranks.members[0]) == (3, 2, 2)


@given(st.integers(0, 10**6))
@settings(max_examples=40, deadline=None)
def test_ranks_agree_with_sorting(seed):
    rng = np.random.default_rng(seed)
    n, b = int(rng.integers(1, 12)), 4
    groups = rng.integers(0, 4, n)
    groups = np.unique(groups, return_inverse=True)[1]
    # Scores of few distinct values, the same for the items of a group: many ties, as a generator makes them.
    scores = rng.integers(0, 3, (b, groups.max() + 1)).astype(float)[:, groups]
    target = rng.integers(0, n, b)
    ranks = rank_scores(scores, None, target, groups)
    for row in range(b):
        order = sorted(range(n), key=lambda item, row=row: (-scores[row, item], item))
        assert ranks.item[row] == order.index(target[row]) + 1
        identifiers = list(dict.fromkeys(groups[order].tolist()))
        # Identifiers of equal score may interleave in the item list; by first member they come in the same order.
        assert ranks.identifier[row] == identifiers.index(groups[target[row]]) + 1
        assert ranks.members[row] == (groups == groups[target[row]]).sum()
        assert ranks.identifier[row] <= ranks.item[row]


def test_returned_lists():
    lists = np.array([[4, 2, 0], [1, -1, -1], [-1, -1, -1]])
    assert rank_lists(lists, np.array([0, 3, 1])).item.tolist() == [3, NOT_RETURNED, NOT_RETURNED]
    groups = np.array([0, 1, 2, 1, 2])  # items 1 and 3 share an identifier, and so do 2 and 4
    ranks = rank_lists(lists, np.array([0, 3, 1]), groups)
    assert ranks.identifier.tolist() == [2, 1, NOT_RETURNED]
    assert ranks.members.tolist() == [1, 2, 2]
    assert measure(ranks, "identifier")[:, METRICS.index("HR@10")].tolist() == [1, 1, 0]
    assert measure(ranks, "item")[:, METRICS.index("HR@10")].tolist() == [1, 0, 0]


def test_a_list_with_a_duplicate_is_refused():
    with pytest.raises(ScoreError, match="list 1 holds an item twice"):
        rank_lists(np.array([[1, 2, -1, -1], [3, 0, 3, -1]]), np.array([1, 3]))


def test_an_unknown_level_is_refused():
    with pytest.raises(ValueError, match="identifier"):
        measure(ranks_of(1), "token")
