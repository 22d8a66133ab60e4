"""Clicks under prefixes against brute force."""

import numpy as np
import pandas as pd
import pytest
from diagnose_data import catalogue, one_kind

from gensar_lite.identify.evidence import Evidence, prepare
from gensar_lite.identify.measures import make_subject
from gensar_lite.identify.measures_behaviour import measure_behaviour, popular_chance

MADE = catalogue(320)


def measured(codes, events, kind="semantic"):
    table = one_kind(codes, kind=kind)
    subject = make_subject(kind, table.codes[kind], table.sizes[kind])
    rows = measure_behaviour(subject, prepare(Evidence(events=events), table.item_ids, 0))
    return {(row.measure, row.of, row.level): row for row in rows}


def test_chance_is_that_of_two_clicks_on_different_items():
    labels, per_item = np.array([0, 0, 1, 1]), np.array([3, 1, 2, 0])
    clicks = np.repeat(np.arange(4), per_item)
    weight = same = 0.0
    for one in clicks:
        for other in clicks:  # drawn with replacement
            weight += one != other
            same += one != other and labels[one] == labels[other]
    assert popular_chance(labels, per_item) == pytest.approx(same / weight)
    assert np.isnan(popular_chance(np.array([0, 0]), np.array([5, 0])))


def test_successive_clicks_by_hand():
    events = pd.DataFrame({"user": [0, 0, 0, 1, 1], "item": [0, 1, 2, 2, 3]})
    found = measured([[0], [0], [1], [1]], events)
    # pairs 0-1 (same), 1-2 (not), 2-3 (same); clicks 1, 1, 2, 1
    weight = np.array([1, 1, 2, 1]) / 5
    by_lot = (0.4**2 + 0.6**2 - (weight**2).sum()) / (1 - (weight**2).sum())
    assert found["co-click lift", "", 1].value == pytest.approx((2 / 3) / by_lot)


def test_shoppers_of_a_cluster_lift_its_prefix_and_random_codes_stay_at_chance():
    own = measured(MADE.cluster[:, None], MADE.events)
    lots = measured(np.random.default_rng(0).integers(0, 16, (320, 1)), MADE.events)
    assert own["co-click lift", "", 1].value > 10 and own["query lift", "", 1].value > 10
    assert own["query concentration", "", 1].value == pytest.approx(1)
    assert lots["co-click lift", "", 1].value == pytest.approx(1, abs=0.3)


def test_queries_by_brute_force():
    codes = np.random.default_rng(0).integers(0, 3, (6, 1))
    query, item = np.array(list("aaabbbcd")), np.array([0, 1, 0, 2, 3, 4, 5, 5])
    found = measured(codes, pd.DataFrame({"user": 0, "item": item, "query": query}))
    pairs = [
        codes[item[i], 0] == codes[item[j], 0]
        for i in range(8)
        for j in range(8)
        if query[i] == query[j] and item[i] != item[j]
    ]
    by_lot = popular_chance(codes[:, 0], np.bincount(item, minlength=6))
    assert found["query lift", "", 1].value == pytest.approx(np.mean(pairs) / by_lot)
    tops = []
    for name in "ab":  # c and d clicked one item only
        counts = np.bincount(codes[item[query == name], 0])
        tops.append(counts.max() / counts.sum())
    assert found["query concentration", "", 1].value == pytest.approx(np.mean(tops))


def test_a_log_without_queries_has_no_query_measures():
    found = measured(MADE.cluster[:, None], MADE.events.assign(query=""))
    assert not any(measure.startswith("query") for measure, _, _ in found)


def test_a_prefix_that_hogs_the_clicks():
    events = pd.DataFrame({"user": 0, "item": [0] * 8 + [1, 2]})
    found = measured([[0], [1], [1], [1]], events)
    assert found["clicks beyond items", "", 1].value == pytest.approx(0.8 - 0.25)
    assert found["clicks beyond items", "", 1].formula == "8/10 clicks - 1/4 items of its prefix"
    entropy = -(0.8 * np.log(0.8) + 0.2 * np.log(0.2))
    assert found["clicks: evenness", "", 1].value == pytest.approx(np.exp(entropy) / 2)


def test_strata_and_cold_items():
    events = pd.DataFrame({"user": 0, "item": [0] * 6 + [1] * 3 + [2]})
    found = measured([[0], [0], [1], [1], [2], [2]], events)
    assert found["prefixes per item", "head", 1].value == 1 and found["prefixes per item", "tail", 1].value == 1
    assert found["prefixes per item", "cold", 1].value == pytest.approx(2 / 3)
    assert found["cold items", "", None].value == pytest.approx(0.5)
    assert found["cold items under a clicked prefix", "", 1].value == pytest.approx(1 / 3)


def test_no_log_and_an_empty_log_measure_nothing():
    table = one_kind([[0], [1]])
    subject = make_subject("semantic", table.codes["semantic"], (2,))
    assert measure_behaviour(subject, prepare(Evidence(), table.item_ids, 0)) == []
    assert measured([[0], [1]], pd.DataFrame({"user": [0], "item": [-1]})) == {}


def test_only_collaborative_identifiers_must_follow_clicks():
    assert measured(MADE.cluster[:, None], MADE.events, "collaborative")["co-click lift", "", 1].judged
    assert not measured(MADE.cluster[:, None], MADE.events)["co-click lift", "", 1].judged
