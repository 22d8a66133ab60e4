"""Two identifiers of one item, by hand."""

import numpy as np
import pandas as pd
import pytest
from diagnose_data import catalogue, one_kind
from sklearn.metrics import adjusted_mutual_info_score

from gensar_lite.identify.evidence import Evidence, prepare
from gensar_lite.identify.measures import make_subject
from gensar_lite.identify.measures_pairs import measure_pair, measure_spaces, measure_square, square_neighbours

FIRST = np.array([[0, 0], [0, 0], [0, 1], [1, 0], [1, 1]])
SECOND = np.array([[0, 0], [0, 1], [0, 1], [1, 1], [1, 1]])


def pair(first, second):
    rows = measure_pair(make_subject("semantic", first, None), make_subject("collaborative", second, None))
    return {(row.measure, row.of, row.level): row for row in rows}


def test_where_two_identifiers_part():
    found = pair(FIRST, SECOND)
    assert found["part at this level", "", 1].value == 0
    assert found["part at this level", "", 2].value == pytest.approx(2 / 5)
    assert found["same code", "", 1].value == 1 and found["same code", "", 2].value == pytest.approx(3 / 5)
    assert found["never part", "", None].value == pytest.approx(3 / 5) and found["never part", "", None].judged


def test_pairs_close_in_one_and_far_in_the_other():
    found = pair(FIRST, SECOND)
    # semantic groups {0, 1}, {2}, {3}, {4}; collaborative {0}, {1, 2}, {3, 4}
    one, other = "close in semantic, far in collaborative", "close in collaborative, far in semantic"
    assert found["parted pairs", one, 2].value == 1 and "1 of 1 pairs" in found["parted pairs", one, 2].formula
    assert found["parted pairs", other, 2].value == 1 and "2 of 2 pairs" in found["parted pairs", other, 2].formula
    assert found["parted pairs", one, 1].value == 0


def test_agreement_is_adjusted_for_chance():
    found = pair(FIRST, SECOND)
    assert found["agreement", "", 1].value == pytest.approx(1)
    expected = adjusted_mutual_info_score([0, 0, 1, 2, 3], [0, 1, 1, 2, 2])
    assert found["agreement", "", 2].value == pytest.approx(expected, abs=1e-9)
    apart = pair(np.arange(4)[:, None], np.arange(4)[::-1, None])
    assert np.isnan(apart["agreement", "", 1].value)  # everyone alone in both says nothing


def test_identifiers_of_different_length_are_compared_where_both_have_codes():
    found = pair(np.array([[0, 1, 2], [1, 1, 1]]), np.array([[0, 1], [0, 1]]))
    assert max(level for _, _, level in found if level) == 2
    assert found["never part", "", None].value == 0.5


def test_the_square_tells_which_identifier_follows_which_neighbours():
    made = catalogue(320)
    shuffled = np.random.default_rng(0).permutation(made.cluster)  # behaviour that has nothing to do with text
    rows = [(user, item) for user in range(200) for item in np.flatnonzero(shuffled == user % 16)[user % 5 :: 2]]
    events = pd.DataFrame(rows, columns=["user", "item"])
    prepared = prepare(Evidence({"semantic": made.matrix}, events=events), one_kind(made.cluster[:, None]).item_ids, 0)
    square = {}
    for kind, codes in (("semantic", made.cluster), ("collaborative", shuffled)):
        for row in measure_square(make_subject(kind, codes[:, None], (16,)), prepared):
            square[row.of] = row.value
    assert set(square) == {f"{k} x {n} neighbours" for k in ("semantic", "collaborative") for n in ("text", "click")}
    assert square["semantic x text neighbours"] > 10 and square["collaborative x click neighbours"] > 10
    assert square["semantic x click neighbours"] < 2 and square["collaborative x text neighbours"] < 2


def test_click_neighbours_may_come_from_the_collaborative_embedding():
    matrix = np.random.default_rng(0).standard_normal((6, 2))
    ids = one_kind(np.zeros((6, 1), dtype=int)).item_ids
    assert set(square_neighbours(prepare(Evidence({"collaborative": matrix}), ids, 0))) == {"click neighbours"}
    assert square_neighbours(prepare(Evidence(), ids, 0)) == {}


def test_neighbours_in_common_of_both_spaces():
    ids = one_kind(np.zeros((40, 1), dtype=int)).item_ids
    matrix = np.random.default_rng(0).standard_normal((40, 3))
    same = measure_spaces(prepare(Evidence({"semantic": matrix, "collaborative": 2 * matrix}), ids, 0))
    assert [row.value for row in same] == [1.0, 0.0]
    other = np.random.default_rng(1).standard_normal((40, 3))
    prepared = prepare(Evidence({"semantic": matrix, "collaborative": other}), ids, 0)
    left, right = (prepared.spaces[name].neighbours.lists.tolist() for name in ("semantic", "collaborative"))
    common = [len(set(one) & set(two)) for one, two in zip(left, right)]
    found = measure_spaces(prepared)
    assert found[0].value == pytest.approx(sum(common) / 400) and found[1].value == common.count(0) / 40
    assert measure_spaces(prepare(Evidence({"semantic": matrix}), ids, 0)) == []
