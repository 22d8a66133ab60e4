"""Codes in words: names of codes, kinds of collisions, agreement with categories."""

import numpy as np
import pytest

from gensar_lite.identify import labels
from gensar_lite.identify.labels import (
    DIFFERENT,
    KINDS,
    NEAR_DUPLICATE,
    SAME_TEXT,
    UNKNOWN,
    agreement,
    category_levels,
    collision_groups,
    count_kinds,
    name_codes,
    prefix_names,
)
from gensar_lite.identify.table import IdentifierError, collisions

# Three groups: 0 and 1 say the same, 2 to 4 nearly so, 5 and 6 are strangers; 7 is alone.
CODES = np.array([[0, 0], [0, 0], [0, 1], [0, 1], [0, 1], [1, 0], [1, 0], [1, 1]])
TEXTS = ["Red tent", " red  TENT", "blue mug", "blue mug XL", "blue mug", "green lamp", "dog lead", "sock"]
ANGLES = np.deg2rad([0, 0, 90, 92, 90, 180, 240, 300])
VECTORS = np.stack([np.cos(ANGLES), np.sin(ANGLES)], axis=1)


def test_categories_become_one_column_per_level():
    frame = category_levels(["Outdoor, Camping, Tent", "Outdoor", ""])
    assert frame.to_numpy().tolist() == [["Outdoor", "Camping", "Tent"], ["Outdoor"] * 3, ["(none)"] * 3]


def test_a_prefix_in_writing_has_its_codes_in_order():
    assert prefix_names(np.array([[12, 3, 4], [1, 23, 4]]), 2).tolist() == ["12-3", "1-23"]


def test_a_code_is_named_by_its_most_frequent_word_and_equals_by_the_alphabet():
    frame = name_codes([5, 5, 5, 2, 2], ["tent", "mug", "tent", "sock", "lamp"])
    assert frame.to_dict("list") == {
        "code": [5, 2],
        "items": [3, 2],
        "name": ["tent", "lamp"],
        "share": [2 / 3, 1 / 2],
    }


def test_groups_have_their_kind_by_text_and_by_likeness():
    frame = collision_groups(CODES, TEXTS, VECTORS)
    found = frame.set_index("code")[["size", "kind"]].apply(tuple, axis=1).to_dict()
    assert found == {"0-1": (3, NEAR_DUPLICATE), "0-0": (2, SAME_TEXT), "1-0": (2, DIFFERENT)}
    assert frame["size"].is_monotonic_decreasing
    assert frame.set_index("code")["items"].to_dict() == {"0-1": (2, 3, 4), "0-0": (0, 1), "1-0": (5, 6)}
    assert frame.set_index("code").loc["1-0", "least_cosine"] == pytest.approx(np.cos(np.deg2rad(60)))


def test_the_worst_pair_decides():
    one = np.zeros((3, 1), dtype=int)
    frame = collision_groups(one, ["a", "a", "b"], np.array([[1.0, 0.0], [1.0, 0.0], [0.0, 1.0]]))
    assert frame["kind"].tolist() == [DIFFERENT]


def test_equal_texts_count_as_the_same_even_where_their_vectors_differ():
    frame = collision_groups(np.zeros((2, 1), dtype=int), ["a", "A "], np.array([[1.0, 0.0], [0.0, 1.0]]))
    assert frame["kind"].tolist() == [SAME_TEXT]


def test_items_without_a_text_are_of_unknown_cause():
    one = np.zeros((3, 1), dtype=int)
    east = np.tile([1.0, 0.0], (3, 1))
    for texts in (["", "", ""], [" ", "", "a"], ["a", "A", ""]):
        frame = collision_groups(one, texts, east)
        assert frame["kind"].tolist() == [UNKNOWN], texts
        counted = count_kinds(frame, 3).set_index("kind")["items"].to_dict()
        assert counted == {SAME_TEXT: 0, NEAR_DUPLICATE: 0, DIFFERENT: 0, UNKNOWN: 3}
    north = np.array([[1.0, 0.0], [0.0, 1.0], [1.0, 0.0]])
    assert collision_groups(one, ["a", "b", ""], north)["kind"].tolist() == [DIFFERENT]  # two of them are known


def test_of_a_huge_group_a_sample_is_compared(monkeypatch):
    """All pairs of 12,000 items would take a gigabyte; the sample is spread over the group and said to be one."""
    monkeypatch.setattr("gensar_lite.identify.labels.COMPARED", 4)
    seen = []
    monkeypatch.setattr(labels, "_kind_of", lambda texts, *rest: seen.append(texts.tolist()) or (SAME_TEXT, 1.0))
    frame = collision_groups(np.zeros((10, 1), dtype=int), [str(item) for item in range(10)], np.ones((10, 2)))
    assert seen == [["0", "3", "6", "9"]]
    assert frame["size"].tolist() == [10] and frame["items"][0] == tuple(range(10)) and frame["compared"][0] == 4


def test_groups_that_are_one_point_in_their_own_view_are_told():
    own = np.arange(16.0).reshape(8, 2)
    own[6] = own[5]
    assert not collision_groups(CODES, TEXTS, VECTORS)["same_vector"].any()
    frame = collision_groups(CODES, TEXTS, VECTORS, own)
    assert frame.loc[frame["same_vector"], "code"].tolist() == ["1-0"]
    assert count_kinds(frame, 8).set_index("kind")["same_vector"].to_dict() == {
        SAME_TEXT: 0,
        NEAR_DUPLICATE: 0,
        DIFFERENT: 2,
    }


def test_a_prefix_has_groups_of_its_own():
    frame = collision_groups(CODES, TEXTS, VECTORS, depth=1)
    assert frame["code"].tolist() == ["0", "1"] and frame["size"].tolist() == [5, 3]


def test_counts_add_up_to_the_items_in_shared_groups():
    random = np.random.default_rng(0)
    codes = random.integers(0, 12, (300, 2))
    texts = [f"text {number}" for number in random.integers(0, 250, 300)]
    frame = collision_groups(codes, texts, random.standard_normal((300, 6)), near=0.5)
    counted = count_kinds(frame, 300)
    assert counted["kind"].tolist() == list(KINDS)
    assert counted["share_of_items"].sum() == pytest.approx(collisions(codes).share_in_group)
    assert counted["groups"].sum() == len(frame)


def test_no_collisions_give_an_empty_table_and_zero_counts():
    frame = collision_groups(np.arange(4)[:, None], ["a"] * 4, np.ones((4, 2)))
    assert len(frame) == 0 and count_kinds(frame, 4)["items"].tolist() == [0, 0, 0]


def test_other_numbers_of_rows_are_refused():
    with pytest.raises(IdentifierError, match="one row per item"):
        collision_groups(CODES, TEXTS[:-1], VECTORS)


def test_agreement_is_one_for_the_same_sorting_and_near_zero_by_chance():
    random = np.random.default_rng(0)
    types = random.integers(0, 20, 800)
    categories = category_levels([f"d{each // 5}, t{each}" for each in types])
    own = np.stack([types // 5, types % 5, random.integers(0, 3, 800)], axis=1)
    codes = {"own": own, "random": random.integers(0, 20, (800, 2))}
    frame = agreement(codes, categories, depths=(1, 2, 3)).set_index(["identifiers", "depth", "category"])
    assert frame.loc[("own", 1, "level_1"), "ami"] == pytest.approx(1)
    assert frame.loc[("own", 2, "level_2"), "ami"] == pytest.approx(1)
    assert frame.loc[("own", 3, "level_2"), "ami"] < 0.95
    assert frame.loc["random"]["ami"].abs().max() < 0.05
    assert ("random", 3, "level_1") not in frame.index, "that identifier has two codes only"
