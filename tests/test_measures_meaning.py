"""Neighbours, categories and cosines against brute force."""

import numpy as np
import pytest
from diagnose_data import catalogue, one_kind

from gensar_lite.identify.evidence import Evidence, Neighbours, prepare
from gensar_lite.identify.measures import MEANING, make_subject
from gensar_lite.identify.measures_meaning import exemplars, measure_meaning, neighbour_lift
from gensar_lite.identify.table import IdentifierError

MADE = catalogue(320)


def measured(codes, evidence, kind="semantic"):
    table = one_kind(codes, kind=kind)
    subject = make_subject(kind, table.codes[kind], table.sizes[kind])
    rows = measure_meaning(subject, prepare(evidence, table.item_ids, 0))
    return {(row.measure, row.of, row.level): row for row in rows}


def test_neighbour_lift_by_hand():
    # two codes of two items each: another item shares the code with chance 1/3
    subject = make_subject("semantic", np.array([[0], [0], [1], [1]]), (2,))
    lists = Neighbours(np.array([0, 2]), np.array([[1, 2], [3, -1]]), "by hand")
    rows = {row.measure: row for row in neighbour_lift(subject, lists, MEANING, "by hand", True)}
    assert rows["neighbours under the prefix"].value == pytest.approx(2 / 3)
    assert rows["neighbour lift"].value == pytest.approx(2.0)
    assert "2/3" in rows["neighbour lift"].formula


def test_random_codes_have_lift_one_and_clusters_a_high_one():
    random = np.random.default_rng(0)
    evidence = Evidence(embeddings={"semantic": MADE.matrix})
    lots = measured(random.integers(0, 16, (320, 1)), evidence)
    own = measured(MADE.cluster[:, None], evidence)
    assert lots["neighbour lift", "semantic", 1].value == pytest.approx(1, abs=0.15)
    assert abs(lots["level above chance", "semantic", 1].value) < 0.02
    assert own["neighbour lift", "semantic", 1].value > 12
    assert own["level above chance", "semantic", 1].value > 0.9


def test_a_level_is_measured_inside_its_prefix():
    """Brute force over all neighbour pairs that share the first code."""
    random = np.random.default_rng(0)
    codes = np.stack([MADE.cluster // 4, random.integers(0, 3, 320)], axis=1)
    evidence = Evidence(embeddings={"semantic": MADE.matrix})
    table = one_kind(codes)
    lists = prepare(evidence, table.item_ids, 0).spaces["semantic"].neighbours.lists
    hits = expected = pairs = 0
    for item in range(320):
        inside = np.flatnonzero((codes[:, 0] == codes[item, 0]) & (np.arange(320) != item))
        group = codes[np.append(inside, item)]
        own = [(group[i] == group[j]).all() for i in range(len(group)) for j in range(len(group)) if i != j]
        for other in lists[item]:
            if codes[other, 0] == codes[item, 0]:
                pairs += 1
                hits += codes[other, 1] == codes[item, 1]
                expected += np.mean(own)
    found = measured(codes, evidence)["level above chance", "semantic", 2]
    assert found.value == pytest.approx((hits - expected) / (pairs - expected))
    assert abs(found.value) < 0.03  # random inside the prefix, although the whole prefix is not


def test_unique_identifiers_leave_nothing_to_judge_on_their_last_level():
    found = measured(np.stack([MADE.cluster, np.arange(320)], axis=1), Evidence(embeddings={"semantic": MADE.matrix}))
    row = found["level above chance", "semantic", 2]
    assert np.isnan(row.value) and not row.judged
    assert np.isnan(found["neighbour lift", "semantic", 2].value)


def test_cosines_are_those_of_all_pairs():
    codes = np.random.default_rng(0).integers(0, 3, (40, 2))
    matrix = np.random.default_rng(1).standard_normal((40, 5))
    evidence = Evidence(embeddings={"semantic": matrix})
    unit = prepare(evidence, one_kind(codes).item_ids, 0).spaces["semantic"].unit
    found = measured(codes, evidence)
    for depth in (0, 1, 2):
        pairs = [unit[i] @ unit[j] for i in range(40) for j in range(i) if (codes[i, :depth] == codes[j, :depth]).all()]
        assert found["cosine", "semantic", depth].value == pytest.approx(np.mean(pairs), abs=1e-6)


def test_agreement_with_categories_is_zero_for_random_codes():
    paths = [f"c{cluster}, s{inner}" for cluster, inner in zip(MADE.cluster, MADE.inner)]
    lots = measured(np.random.default_rng(0).integers(0, 16, (320, 2)), Evidence(categories=paths))
    assert max(abs(row.value) for key, row in lots.items() if key[0] == "AMI") < 0.05
    own = measured(np.stack([MADE.cluster, MADE.inner], axis=1), Evidence(categories=paths))
    assert own["AMI", "category level_1", 1].value == pytest.approx(1)
    assert own["AMI", "category level_2", 2].value == pytest.approx(1)
    assert own["best AMI", "", None].value == pytest.approx(1) and own["best AMI", "", None].judged


def test_behaviour_need_not_follow_the_shelves():
    found = measured(MADE.cluster[:, None], Evidence(categories=["a"] * 160 + ["b"] * 160), kind="collaborative")
    assert not found["best AMI", "", None].judged


def test_only_the_own_space_is_judged():
    evidence = Evidence(embeddings={"semantic": MADE.matrix, "collaborative": MADE.matrix[::-1].copy()})
    found = measured(MADE.cluster[:, None], evidence)
    assert found["neighbour lift", "semantic", 1].judged
    assert not found["neighbour lift", "collaborative", 1].judged


def test_exemplars_and_words_of_a_prefix():
    codes = np.array([[0], [0], [0], [1], [1]])
    matrix = np.array([[0.0, 1.0], [0.1, 1.0], [-0.3, 1.0], [1.0, 0.0], [1.0, -0.1]])
    titles = ["red tent", "blue tent", "green tent", "red mug", "tall mug"]
    found = exemplars(codes, titles, matrix)
    assert found["prefix"].tolist() == ["0", "1"] and found["items"].tolist() == [3, 2]
    assert found["words"][0][0] == "tent" and found["words"][1][0] == "mug"
    assert found["exemplars"].tolist() == [(0, 1, 2), (3, 4)]  # nearest to the mean first
    assert exemplars(codes, titles, items=1, most=1)["exemplars"].tolist() == [(0,)]
    with pytest.raises(IdentifierError, match=r"not \[2, 5\]"):
        exemplars(codes, titles[:2])
    with pytest.raises(IdentifierError, match="not be 2"):
        exemplars(codes, titles, depth=2)
