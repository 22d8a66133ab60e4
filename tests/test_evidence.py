"""What a diagnosis is given: checked, and neighbours, strata and co-clicks computed rightly."""

import numpy as np
import pandas as pd
import pytest

from gensar_lite.embed.neighbours import nearest_all
from gensar_lite.identify import evidence as module
from gensar_lite.identify.evidence import Evidence, co_clicked, nearest_neighbours, prepare, sample, strata
from gensar_lite.identify.table import IdentifierError

IDS = np.array(["a", "b", "c", "d"], dtype=object)
CLICKS = pd.DataFrame(
    {"user": [0, 0, 0, 1, 1, 2], "item": [0, 1, 1, 1, 2, -1], "query": ["", "x", "x", None, "y", "z"]}
)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        (Evidence(texts=["a"]), "1 texts for 4 items"),
        (Evidence(categories=["a"] * 5), "5 categories for 4 items"),
        (Evidence(embeddings={"semantic": np.ones((3, 2))}), "semantic embedding has shape"),
        (
            Evidence(embeddings={"semantic": np.array([[1.0], [np.nan], [1.0], [1.0]])}),
            r"not finite in row 1 \(item 'b'\)",
        ),
        (Evidence(targets=np.array([0, 4])), "targets name item index 4"),
        (Evidence(targets=np.array([-1])), "targets name item index -1"),
        (Evidence(targets=np.array([0.5])), "whole numbers"),
        (Evidence(events=pd.DataFrame({"user": [0]})), "events lack the column item"),
        (Evidence(events=pd.DataFrame({"user": [0], "item": [9]})), "events name item index 9"),
        (Evidence(events=pd.DataFrame({"user": [0], "item": ["a"]})), "whole numbers"),
        (Evidence(decoder=pd.DataFrame({"case": [0]})), "decoder frame lack the column step"),
    ],
)
def test_evidence_that_does_not_fit_is_refused_by_name(given, words):
    with pytest.raises(IdentifierError, match=words):
        prepare(given, IDS, 0)


def test_nothing_given_is_nothing_prepared():
    found = prepare(Evidence(), IDS, 0)
    assert found.spaces == {} and found.categories == {} and found.clicks is None
    assert found.text_space is None and found.own_space("semantic") is None


def test_neighbours_are_those_of_the_embed_stage():
    matrix = np.random.default_rng(0).standard_normal((60, 5))
    found = nearest_neighbours(matrix / np.linalg.norm(matrix, axis=1, keepdims=True), 0, 7)
    assert np.array_equal(found.lists, nearest_all(matrix, 7)) and found.items.tolist() == list(range(60))


def test_an_item_is_not_its_own_neighbour_even_where_nothing_is_near():
    found = nearest_neighbours(np.array([[1.0, 0.0], [-1.0, 0.0], [0.0, -1.0], [0.0, 1.0]]), 0, 3)
    assert found.lists.tolist() == [[2, 3, 1], [2, 3, 0], [0, 1, 3], [0, 1, 2]]


def test_equal_cosines_stand_by_item_index():
    found = nearest_neighbours(np.array([[1.0, 0.0]] * 5), 0, 3)
    assert found.lists.tolist() == [[1, 2, 3], [0, 2, 3], [0, 1, 3], [0, 1, 2], [0, 1, 2]]


def test_large_catalogues_are_sampled_and_say_so(monkeypatch):
    monkeypatch.setattr(module, "CANDIDATES", 40)
    monkeypatch.setattr(module, "ASKED", 10)
    found = nearest_neighbours(np.random.default_rng(0).standard_normal((100, 3)), 3, 5)
    pool = set(sample(100, 40, 3).tolist())
    assert found.lists.shape == (10, 5) and "10 items among 40 of 100, drawn with seed 3" in found.said
    assert set(found.lists.ravel().tolist()) | set(found.items.tolist()) <= pool
    assert all(item not in found.lists[place] for place, item in enumerate(found.items))


def test_fewer_items_than_neighbours():
    assert nearest_neighbours(np.eye(3), 0, 10).lists.shape == (3, 2)
    assert nearest_neighbours(np.eye(1), 0, 10).lists.shape == (1, 0)


def test_strata_take_half_the_clicks_then_two_fifths_then_the_rest():
    found = strata(np.array([50, 20, 20, 6, 4, 0]))
    assert found.tolist() == ["head", "middle", "middle", "tail", "tail", "cold"]
    assert strata(np.array([1, 1, 1, 1])).tolist() == ["head"] * 4  # equal items stand together
    assert strata(np.array([0, 0])).tolist() == ["cold", "cold"]


def test_clicks_by_hand():
    found = prepare(Evidence(events=CLICKS), IDS, 0).clicks
    assert found.per_item.tolist() == [1, 3, 1, 0]
    assert found.successive.tolist() == [[0, 1], [1, 2]]  # not the same item twice, not across users
    assert found.asked[:, 1].tolist() == [1, 1, 2] and len(set(found.asked[:2, 0].tolist())) == 1


def test_co_clicked_items_share_the_most_users():
    # users of items: 0 {0, 1}, 1 {0, 1}, 2 {0}, 3 {2}
    user, item = np.array([0, 1, 0, 1, 0, 2, 0]), np.array([0, 0, 1, 1, 2, 3, 0])
    found = co_clicked(user, item, 5, 0, k=2)
    lists = dict(zip(found.items.tolist(), found.lists.tolist()))
    assert lists == {0: [1, 2], 1: [0, 2], 2: [0, 1], 3: [-1, -1]}  # item 4 was never clicked


def test_no_clicks_at_all():
    found = prepare(Evidence(events=CLICKS.iloc[5:]), IDS, 0).clicks
    assert found.per_item.sum() == 0 and found.asked is None and len(found.neighbours.items) == 0


def test_spaces_know_their_role():
    matrix = np.random.default_rng(0).standard_normal((4, 3))
    both = prepare(Evidence(embeddings={"semantic": matrix, "collaborative": matrix[::-1]}), IDS, 0)
    assert both.text_space.name == "semantic" and both.own_space("collaborative").name == "collaborative"
    assert both.own_space("rqvae").name == "semantic"
    texts_only = prepare(Evidence(embeddings={"semantic": matrix}), IDS, 0)
    assert texts_only.own_space("collaborative") is None  # clicks need not follow the texts
    assert texts_only.nearest_space("collaborative").name == "semantic"
    clicks_only = prepare(Evidence(embeddings={"collaborative": matrix}), IDS, 0)
    assert clicks_only.text_space is None and clicks_only.own_space("semantic") is None
    foreign = prepare(Evidence(embeddings={"minilm": matrix}), IDS, 0)
    assert foreign.text_space.name == "minilm" and foreign.own_space("letter").name == "minilm"


def test_category_levels_that_say_nothing_new_are_left_out():
    found = prepare(Evidence(categories=["A, B", "A, C", "A, B, D", "E"]), IDS, 0).categories
    assert list(found) == ["category level_1", "category level_2", "category level_3"]
    same = prepare(Evidence(categories=["A, B, B2", "A, C, C2", "D, E, E2", "D, F, F2"]), IDS, 0).categories
    assert list(same) == ["category level_1", "category level_2"]
    assert same["category level_1"].tolist() == [0, 0, 1, 1]


def test_missing_texts_and_categories_are_empty():
    found = prepare(Evidence(categories=["A", float("nan"), None, ""], texts=["a", None, "b", float("nan")]), IDS, 0)
    assert found.texts == ["a", "", "b", ""]
    assert found.categories["category level_1"].tolist() == [0, 1, 1, 1]
