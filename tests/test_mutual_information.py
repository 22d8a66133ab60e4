"""Adjusted mutual information against scikit-learn's, and where it must be 0 or 1."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sklearn.metrics import adjusted_mutual_info_score
from sklearn.metrics.cluster import contingency_matrix, expected_mutual_information

from gensar_lite.identify import mutual_information
from gensar_lite.identify.mutual_information import adjusted_mutual_information, expected_information


@settings(deadline=None, max_examples=60)
@given(st.integers(2, 120), st.integers(1, 30), st.integers(1, 30), st.integers(0, 1000))
def test_agrees_with_scikit_learn(n_items, rows, columns, seed):
    random = np.random.default_rng(seed)
    first, second = random.integers(0, rows, n_items), random.integers(0, columns, n_items)
    second = np.where(random.random(n_items) < 0.4, first % columns, second)
    expected = adjusted_mutual_info_score(first, second)
    assert adjusted_mutual_information(first, second) == pytest.approx(expected, abs=1e-7)


def test_large_skewed_groups_agree_too_and_in_pieces(monkeypatch):
    random = np.random.default_rng(0)
    first = np.minimum(random.geometric(0.05, 20_000), 60)
    second = np.where(random.random(20_000) < 0.5, first // 4, random.integers(0, 9, 20_000))
    expected = adjusted_mutual_info_score(first, second)
    assert adjusted_mutual_information(first, second) == pytest.approx(expected, abs=1e-7)
    monkeypatch.setattr(mutual_information, "_CELLS", 50)
    assert adjusted_mutual_information(first, second) == pytest.approx(expected, abs=1e-7)


def test_the_expectation_is_scikit_learns():
    random = np.random.default_rng(3)
    first, second = random.integers(0, 7, 500), random.integers(0, 40, 500)
    table = contingency_matrix(first, second, sparse=True)
    expected = expected_mutual_information(table, 500)
    assert expected_information(np.bincount(first), np.bincount(second)) == pytest.approx(expected, abs=1e-9)


@pytest.mark.parametrize(
    ("first", "second", "value"),
    [
        ([0, 0, 1, 1], [1, 1, 0, 0], 1.0),  # the same, renamed
        ([0, 0, 0], [0, 0, 0], 1.0),
        ([0, 1, 2], [2, 0, 1], 1.0),
        ([0, 0, 0, 0], [0, 1, 0, 1], 0.0),  # one group knows nothing
        ([0, 1, 2, 3], [0, 0, 1, 1], 0.0),  # as chance has it: everyone alone fits any sorting
    ],
)
def test_trivial_partitions(first, second, value):
    assert adjusted_mutual_information(np.array(first), np.array(second)) == pytest.approx(value, abs=1e-9)


def test_random_codes_are_at_chance_where_purity_is_not():
    """Many random groups look pure because they are small; adjusted for chance nothing is left."""
    random = np.random.default_rng(0)
    category, codes = random.choice(12, 3000, p=np.arange(12, 0, -1) / 78), random.integers(0, 1500, 3000)
    table = contingency_matrix(category, codes)
    assert table.max(axis=0).sum() / 3000 > 0.5  # purity
    assert abs(adjusted_mutual_information(category, codes)) < 0.02


def test_gaps_in_the_numbering_do_not_matter():
    first, second = np.array([0, 0, 5, 5, 9]), np.array([3, 3, 3, 8, 8])
    plain = adjusted_mutual_information(np.array([0, 0, 1, 1, 2]), np.array([0, 0, 0, 1, 1]))
    assert adjusted_mutual_information(first, second) == pytest.approx(plain)
