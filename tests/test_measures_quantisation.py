"""Explained variance, flips, code words and churn, by hand and by brute force."""

import numpy as np
import pytest
from diagnose_data import SIZES, catalogue, kmeans_table, one_kind

from gensar_lite.identify.evidence import Evidence, prepare
from gensar_lite.identify.measures import make_subject
from gensar_lite.identify.measures_quantisation import churn, code_words, measure_churn, measure_quantisation
from gensar_lite.identify.residual_kmeans import residual_kmeans
from gensar_lite.identify.table import IdentifierError
from gensar_lite.identify.views import explained_variance, scale_view

LINE = np.array([[0.0], [2.0], [10.0], [12.0]])


def measured(codes, matrix, sizes=None, books=None, seed=0):
    table = one_kind(codes, sizes)
    prepared = prepare(Evidence(embeddings={"semantic": matrix}), table.item_ids, seed)
    subject = make_subject("semantic", table.codes["semantic"], table.sizes["semantic"])
    return {(row.measure, row.level): row for row in measure_quantisation(subject, prepared, books)}


def test_unexplained_variance_by_hand():
    found = measured([[0, 0], [0, 1], [1, 0], [1, 1]], LINE)
    # variance 4 * 26; within the two groups 4 * 1; the second level then explains the rest
    assert found["unexplained variance", 1].value == pytest.approx(4 / 104, rel=1e-5)
    assert found["unexplained variance", 2].value == pytest.approx(0, abs=1e-9)
    assert found["variance the level takes", 1].value == pytest.approx(1 - 4 / 104, rel=1e-5)
    assert found["variance the level takes", 2].value == pytest.approx(1)
    assert found["residual norm", 1].value == pytest.approx(1 / 5, rel=1e-5)


def test_codes_across_the_clusters_explain_nothing():
    found = measured([[0], [1], [0], [1]], LINE)
    assert found["unexplained variance", 1].value == pytest.approx(100 / 104, rel=1e-5)


def test_estimated_words_of_kmeans_are_its_centres():
    view = scale_view(catalogue(320).matrix, "semantic").matrix
    fitted = residual_kmeans(view, (8, 8), 0)
    words = code_words(view, fitted.codes)
    for level in range(2):
        np.testing.assert_allclose(words.books[level], fitted.codebooks[level], atol=1e-4)
    expected = 1 - explained_variance(view, view - fitted.residual)
    found = measured(fitted.codes, view, (8, 8))
    assert found["unexplained variance", 2].value == pytest.approx(expected, rel=1e-3)
    assert found["at the nearest word", 1].value > 0.99


def test_given_codebooks_are_used_as_they_are():
    books = [np.array([[1.0], [11.0], [99.0]]), np.array([[-1.0], [1.0]])]
    found = measured([[0, 0], [0, 1], [1, 0], [1, 1]], LINE, (3, 2), books)
    assert found["unexplained variance", 2].value == pytest.approx(0, abs=1e-9)
    assert found["at the nearest word", 1].value == 1
    wrong = [books[0] + 3.0, books[1]]
    assert measured([[0, 0], [0, 1], [1, 0], [1, 1]], LINE, (3, 2), wrong)["unexplained variance", 2].value > 0.3


@pytest.mark.parametrize(
    ("books", "words"),
    [
        ([np.ones((2, 1))], "1 codebooks for 2 levels"),
        ([np.ones((2, 3)), np.ones((2, 1))], "level 1, has shape"),
        ([np.ones((2, 1)), np.ones((1, 1))], "level 2, has shape"),
    ],
)
def test_codebooks_that_do_not_fit_are_refused(books, words):
    with pytest.raises(IdentifierError, match=words):
        measured([[0, 0], [0, 1], [1, 0], [1, 1]], LINE, (2, 2), books)


def test_firm_clusters_do_not_flip_and_borders_do():
    random = np.random.default_rng(0)
    side = np.arange(400) % 2
    firm = np.where(side == 0, -1.0, 1.0)[:, None] + 0.01 * random.standard_normal((400, 1))
    soft = random.standard_normal((400, 1))
    assert measured(side[:, None], firm)["flips under noise", 1].value == 0
    flips = measured((soft[:, 0] > 0).astype(int)[:, None], soft)["flips under noise", 1].value
    # P(sign changes) under noise of a tenth of the spread is arctan(0.1) / pi = 0.032
    assert 0.01 < flips < 0.06
    two = np.stack([(soft[:, 0] > 0).astype(int), np.zeros(400, dtype=int)], axis=1)
    assert measured(two, soft)["flips under noise", 2].value == flips  # a prefix once left stays left


def test_codes_of_another_space_are_not_at_their_nearest_word():
    random = np.random.default_rng(0)
    codes = random.integers(0, 8, (500, 1))
    found = measured(codes, random.standard_normal((500, 6)))
    assert found["at the nearest word", 1].value < 0.5
    assert found["flips under noise", 1].value < 0.5  # no flips for that reason alone


def test_code_word_distance_by_hand():
    found = measured([[0], [0], [1], [1]], LINE)
    # words 1 and 11, ten apart, over the root mean square of -6, -4, 4, 6
    assert found["code word distance", 1].value == pytest.approx(10 / np.sqrt(26), rel=1e-5)


def test_a_constant_embedding_has_nothing_to_explain():
    found = measured([[0], [1]], np.ones((2, 3)))
    assert ("unexplained variance", 1) not in found


def test_churn_is_zero_for_renamed_codes_and_counts_movers():
    codes = np.random.default_rng(0).integers(0, 6, (200, 2))
    renamed = np.stack([np.random.default_rng(1).permutation(6)[codes[:, 0]], (codes[:, 1] + 1) % 6], axis=1)
    assert churn(codes, renamed)[["moved", "prefix_moved"]].to_numpy().max() == 0
    moved = churn(np.array([[0, 0], [0, 0], [1, 0], [1, 1]]), np.array([[5, 2], [5, 2], [3, 2], [5, 2]]))
    assert moved["level"].tolist() == [1, 2]
    assert moved["moved"].tolist() == [0.25, 0.25] and moved["prefix_moved"].tolist() == [0.25, 0.25]


def test_churn_of_unrelated_codes_is_high():
    random = np.random.default_rng(0)
    found = churn(random.integers(0, 16, (2000, 1)), random.integers(0, 16, (2000, 1)))
    assert found["moved"].iloc[0] > 0.8


def test_churn_compares_the_levels_both_have_and_refuses_other_items():
    assert len(churn(np.zeros((3, 2), dtype=int), np.zeros((3, 4), dtype=int))) == 2
    with pytest.raises(IdentifierError, match="same items"):
        churn(np.zeros((3, 2), dtype=int), np.zeros((4, 2), dtype=int))


def test_too_many_codes_to_match_are_left_open():
    many = np.arange(3000)[:, None]
    codes = np.concatenate([many * 0, many, many * 0], axis=1)
    found = churn(codes, codes)
    assert found["moved"].iloc[0] == 0 and found["moved"].iloc[1:].isna().all() and len(found) == 3


def test_churn_as_a_measure_says_what_is_missing():
    rows = measure_churn(np.zeros((3, 2), dtype=int), None)
    assert [row.level for row in rows] == [1, 2] and all(np.isnan(row.value) for row in rows)
    assert "other_seed" in rows[0].formula
    rows = measure_churn(np.array([[0], [0], [0], [1]]), np.array([[2], [2], [3], [3]]))
    assert rows[0].value == 0.25 and rows[0].formula.startswith("1/4 items")


def test_good_identifiers_sit_firmly():
    made = catalogue()
    found = measured(kmeans_table(made).codes["semantic"], made.matrix, SIZES)
    assert found["unexplained variance", 1].value < 0.15 and found["flips under noise", 1].value < 0.05
    values = [found["unexplained variance", level].value for level in range(1, 5)]
    assert values == sorted(values, reverse=True)
