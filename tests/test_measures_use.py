"""Use of codes, by hand."""

import numpy as np
import pytest
from diagnose_data import one_kind

from gensar_lite.identify.measures import make_subject
from gensar_lite.identify.measures_use import expected_used, gini, measure_use
from gensar_lite.identify.table import level_usage


def measured(codes, sizes):
    table = one_kind(codes, sizes)
    rows = measure_use(make_subject("semantic", table.codes["semantic"], sizes))
    return {(row.measure, row.level): row for row in rows}


def test_gini_counts_codes_without_items():
    assert gini(np.array([1, 1, 1, 1]), 0) == pytest.approx(0.0)
    assert gini(np.array([4]), 3) == pytest.approx(0.75)  # one of four codes has everything
    assert gini(np.array([3, 1]), 0) == pytest.approx(0.25)
    assert gini(np.array([3, 1]), 2) > gini(np.array([3, 1]), 0)
    assert np.isnan(gini(np.zeros(0, dtype=np.int64), 0))


def test_gini_is_the_mean_difference_over_twice_the_mean():
    counts = np.random.default_rng(0).integers(0, 9, 20)
    difference = np.abs(counts[:, None] - counts[None, :]).mean()
    found = gini(counts[counts > 0], int((counts == 0).sum()))
    assert found == pytest.approx(difference / (2 * counts.mean()))


def test_codes_that_lots_would_use():
    assert (
        expected_used(1, 5) == 1
        and expected_used(2, 1) == pytest.approx(1)
        and expected_used(2, 2) == pytest.approx(1.5)
    )


def test_a_level_by_hand():
    found = measured([[0, 0], [0, 1], [0, 2], [3, 3]], (8, 4))
    assert found["codes used", 1].value == 2 and found["codes used", 1].formula == "2 of 8"
    assert found["dead codes", 1].value == pytest.approx(0.75) and "1 - 2/8" in found["dead codes", 1].formula
    assert found["codes used over chance", 1].value == pytest.approx(2 / (8 * (1 - (7 / 8) ** 4)))
    entropy = -(0.75 * np.log(0.75) + 0.25 * np.log(0.25))
    assert found["entropy", 1].value == pytest.approx(entropy) and found["entropy", 1].unit == "nats"
    assert found["evenness", 1].value == pytest.approx(np.exp(entropy) / 4)  # four items cannot use eight codes
    assert found["largest share", 1].value == 0.75 and "3/4" in found["largest share", 1].formula
    assert found["evenness", 2].value == pytest.approx(1) and found["Gini", 2].value == pytest.approx(0)


def test_numbers_are_those_of_level_usage():
    codes, sizes = np.random.default_rng(0).integers(0, (5, 9, 3), (200, 3)), (8, 9, 3)
    found, usage = measured(codes, sizes), level_usage(codes, sizes)
    for row in usage.itertuples():
        assert found["codes used", row.level].value == row.used
        assert found["entropy", row.level].value == pytest.approx(row.entropy)
        assert found["perplexity", row.level].value == pytest.approx(row.perplexity)
        assert found["largest share", row.level].value == pytest.approx(row.largest_share)
        assert found["dead codes", row.level].value == pytest.approx(row.dead / row.size)


def test_an_hourglass_is_how_far_a_middle_level_falls_below_both_neighbours():
    grid = np.array([(a, a % 2, c) for a in range(4) for c in range(4)])
    found = measured(grid, (4, 4, 4))
    assert found["hourglass", 2].value == pytest.approx(0.5)  # ln 2 / ln 4, between two levels at 1
    assert ("hourglass", 1) not in found and ("hourglass", 3) not in found
    rising = measured(np.array([(0, a % 2, a) for a in range(4)]), (4, 4, 4))
    assert rising["hourglass", 2].value < 0


def test_what_a_level_adds_to_its_prefix():
    first = np.repeat(np.arange(4), 4)
    repeats = measured(np.stack([first, first], axis=1), (4, 4))
    adds = measured(np.stack([first, np.tile(np.arange(4), 4)], axis=1), (4, 4))
    assert repeats["entropy given the prefix", 2].value == pytest.approx(0)
    assert adds["entropy given the prefix", 2].value == pytest.approx(np.log(4))
    assert ("entropy given the prefix", 1) not in adds


def test_a_running_number_is_shown_but_not_judged():
    found = measured([[0, 0], [0, 1], [0, 2], [1, 0], [2, 0], [2, 1]], (3, 64))
    assert found["codes used over chance", 2].value < 1 and not found["codes used over chance", 2].judged
    assert found["codes used over chance", 1].judged


def test_words_of_different_lengths():
    # red tent / red tent big / blue: the first is the beginning of the second; 0 = ended
    subject = make_subject("semantic", np.array([[1, 1, 0], [1, 1, 1], [2, 0, 0], [2, 2, 0]]), None)
    found = {(row.measure, row.of, row.level): row.value for row in measure_use(subject)}
    assert found["beginning of another", "", None] == 0.5  # "red tent" and "blue"
    assert found["length", "mean", None] == 2.0 and found["length", "longest", None] == 3
    assert found["words in use", "", 2] == 2 and found["ended before", "", 2] == 0.25
    assert found["largest share", "", 2] == pytest.approx(2 / 3)  # of the items that reach it
    assert not any(measure in {"dead codes", "Gini", "hourglass", "evenness"} for measure, _, _ in found)
