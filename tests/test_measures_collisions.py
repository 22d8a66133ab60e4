"""Collisions, by hand."""

import numpy as np
import pandas as pd
import pytest
from diagnose_data import one_kind

from gensar_lite.identify.evidence import Evidence, prepare
from gensar_lite.identify.measures import make_subject
from gensar_lite.identify.measures_collisions import (
    aligned_codes,
    kinds_of_groups,
    measure_collisions,
    measure_repair,
)

AAABC = [[0], [0], [0], [1], [2]]


def measured(codes, sizes=None, evidence=None):
    table = one_kind(codes, sizes)
    subject = make_subject("semantic", table.codes["semantic"], table.sizes["semantic"])
    rows = measure_collisions(subject, prepare(evidence or Evidence(), table.item_ids, 0))
    return {(row.measure, row.of, row.level): row for row in rows}


def test_rate_and_share_differ_and_both_show_their_numbers():
    found = measured(AAABC)
    rate, share = found["collision rate", "", 1], found["items in a shared group", "", 1]
    assert rate.value == pytest.approx(0.40) and rate.formula == "1 - 3/5 = 0.4000"
    assert share.value == pytest.approx(0.60) and share.formula == "3/5 = 0.6000"
    assert found["largest group", "", 1].value == 3
    assert found["group of an item", "", 1].value == pytest.approx((3 * 3 + 1 + 1) / 5)
    assert found["groups", "3 to 5 items", None].value == 1 and found["groups", "2 items", None].value == 0


def test_only_the_whole_identifier_is_judged():
    found = measured([[0, 0], [0, 1]])
    assert not found["collision rate", "", 1].judged and found["collision rate", "", 2].judged


def test_birthday_expectation_counts_pairs():
    found = measured([[0], [0], [1]], (4,))
    # 1 of 3 pairs; 3/4 of a pair if all codes are alike; 1 pair if 0 is twice as frequent as 1
    assert found["pairs over birthday", "all codes alike", 1].value == pytest.approx(1 / (3 / 4))
    assert found["pairs over birthday", "codes as frequent as here", 1].value == pytest.approx(1)


def test_random_codes_collide_as_often_as_the_birthday_expectation():
    codes = np.random.default_rng(0).integers(0, 32, (20_000, 3))
    found = measured(codes, (32, 32, 32))
    for of in ("all codes alike", "codes as frequent as here"):
        assert found["pairs over birthday", of, 3].value == pytest.approx(1, abs=0.05)


def test_endless_identifiers_have_no_birthday_overflow():
    found = measured(np.random.default_rng(0).integers(0, 256, (5, 200)), (256,) * 200)
    assert np.isnan(found["pairs over birthday", "all codes alike", 200].value)  # 0 pairs / 0 expected


def test_a_running_number_is_told_with_what_it_hides():
    found = measured([[0, 0], [0, 1], [0, 2], [1, 0]])
    assert found["told apart by a running number", "", None].value == 0.75
    assert ("told apart by a running number", "", None) not in measured(AAABC)


def test_targets_whose_identifier_is_shared_and_what_a_string_match_gains():
    evidence = Evidence(targets=np.array([0, 4, 0, 3]))
    found = measured(AAABC, evidence=evidence)
    assert found["test targets with a shared identifier", "", None].value == 0.5
    # fair hits: 1/3 + 1 + 1/3 + 1
    assert found["string match inflation", "test targets", None].value == pytest.approx(4 / (2 + 2 / 3))
    without = measured(AAABC)
    assert without["string match inflation", "all items as targets", None].value == pytest.approx(5 / 3)
    assert ("test targets with a shared identifier", "", None) not in without


def test_popularity_of_collided_items():
    clicks = pd.DataFrame({"user": 0, "item": [0, 0, 0, 1, 3, -1]})
    found = measured(AAABC, evidence=Evidence(events=clicks))
    assert found["popularity of collided items", "", None].value == pytest.approx((4 / 3) / (5 / 5))
    assert found["clicks on collided items", "", None].value == pytest.approx(4 / 5)


CODES = np.array([[0, 0], [0, 0], [0, 1], [0, 1], [1, 0], [1, 0], [1, 1]])
TEXTS = ["Red tent", "red  TENT", "blue mug", "blue mug XL", "green lamp", "dog lead", "sock"]
ANGLES = np.deg2rad([0, 0, 90, 92, 180, 270, 300])
VECTORS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def kinds(evidence):
    found = measured(CODES, (2, 2), evidence)
    return {of: row.value * 7 for (measure, of, _), row in found.items() if measure == "items in groups"}


def test_kinds_of_groups_by_text_and_embedding():
    vectors = VECTORS - VECTORS.mean(axis=0)
    assert kinds(Evidence(texts=TEXTS, embeddings={"semantic": vectors})) == pytest.approx(
        {"same text": 2, "near duplicate": 2, "truly different": 2}
    )
    assert kinds(Evidence(texts=TEXTS)) == pytest.approx({"same text": 2, "near duplicate": 0, "truly different": 4})
    assert kinds(Evidence(embeddings={"semantic": vectors})) == pytest.approx(
        {"same text": 0, "near duplicate": 4, "truly different": 2}
    )
    assert kinds(Evidence()) == {}


def test_only_truly_different_items_are_judged():
    found = measured(CODES, (2, 2), Evidence(texts=TEXTS))
    judged = {of for (measure, of, _), row in found.items() if measure == "items in groups" and row.judged}
    assert judged == {"truly different"}


def test_a_huge_group_is_compared_in_part_and_named_in_full(monkeypatch):
    monkeypatch.setattr("gensar_lite.identify.labels.COMPARED", 3)
    table = one_kind(np.zeros((50, 1), dtype=int), (1,))
    subject = make_subject("semantic", table.codes["semantic"], (1,))
    prepared = prepare(Evidence(texts=["same", "other"] + ["same"] * 48), table.item_ids, 0)
    groups = kinds_of_groups(subject, prepared)
    assert groups["size"].tolist() == [50] and groups["items"][0] == tuple(range(50))
    assert groups["kind"].tolist() == ["same text"]  # the first, the middle one and the last agree
    monkeypatch.setattr("gensar_lite.identify.measures_collisions.COMPARED", 3)
    formula = measured(np.zeros((50, 1), dtype=int), (1,), Evidence(texts=["x"] * 50))
    told = formula["items in groups", "same text", None].formula
    assert "a sample: in groups of more than 3 items (1 of them)" in told


def test_missing_texts_hide_how_many_items_are_truly_different():
    texts = ["", "a", *TEXTS[2:]]
    found = measured(CODES, (2, 2), Evidence(texts=texts))
    rows = {of: row for (measure, of, _), row in found.items() if measure == "items in groups"}
    assert rows["cause unknown"].value == pytest.approx(2 / 7) and rows["same text"].value == 0
    assert "not known of 2 more items" in rows["truly different"].formula
    assert rows["truly different"].value == pytest.approx(4 / 7)  # at least
    blank = measured(CODES, (2, 2), Evidence(texts=[""] * 7))["items in groups", "truly different", None]
    assert np.isnan(blank.value)


def test_members_of_every_group_are_its_own():
    codes = np.random.default_rng(0).integers(0, 6, (100, 2))
    table = one_kind(codes, (6, 6))
    subject = make_subject("semantic", codes, (6, 6))
    groups = kinds_of_groups(subject, prepare(Evidence(texts=["x"] * 100), table.item_ids, 0))
    for row in groups.itertuples():
        same = np.flatnonzero((codes == codes[row.items[0]]).all(axis=1))
        assert row.items == tuple(same.tolist()) and row.size == len(same)
    assert groups["size"].sum() == (subject.counts[-1][subject.labels[-1]] > 1).sum()


def test_what_a_repair_changed():
    before = np.array([[0, 0], [0, 0], [0, 0], [0, 1], [1, 1]])
    after = np.array([[0, 0], [1, 0], [0, 2], [0, 1], [1, 2]])  # the last one had an identifier of its own
    rows = {(row.measure, row.of, row.level): row.value for row in measure_repair(before, after)}
    assert rows["moved by repair", "", None] == 0.6 and rows["moved without need", "", None] == pytest.approx(1 / 3)
    assert rows["collision rate before repair", "", None] == pytest.approx(0.4)
    assert rows["moved by repair", "prefix", 1] == pytest.approx(0.2)
    assert rows["moved by repair", "prefix", 2] == pytest.approx(0.6)
    same = {(row.measure, row.of, row.level): row.value for row in measure_repair(before, before)}
    assert same["moved without need", "", None] == 0


def test_tables_are_joined_by_item_id():
    table = one_kind([[0], [1], [2]])
    other = one_kind([[5], [6]], kind="anything")
    other = type(other)("x", np.array(["i2", "i0"], dtype=object), other.codes, other.sizes, 1)
    rows, codes = aligned_codes(table, other, "semantic")
    assert rows.tolist() == [0, 2] and codes.tolist() == [[6], [5]]
