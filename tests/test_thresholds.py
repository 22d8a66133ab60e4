"""Verdicts follow the table, and the table alone."""

import numpy as np
import pytest

from gensar_lite.identify.measures import COLLISIONS, MEANING, QUANTISATION, USE, Measure
from gensar_lite.identify.thresholds import ABOVE, BELOW, THRESHOLDS, judge, thresholds_frame


def row(measure, value, group=COLLISIONS, unit="share", judged=True):
    return Measure(group, measure, "", 1, value, unit, "", judged)


@pytest.mark.parametrize("threshold", THRESHOLDS, ids=lambda threshold: threshold.measure)
def test_limits_are_in_order_and_explained(threshold):
    assert threshold.side in (ABOVE, BELOW)
    assert threshold.look < threshold.bad if threshold.side == ABOVE else threshold.look > threshold.bad
    assert len(threshold.why) > 20 and len(threshold.advice) > 20
    assert threshold.said.startswith(f"look {threshold.side}")


def test_every_measure_has_one_threshold():
    names = thresholds_frame()["measure"]
    assert names.is_unique and len(names) == len(THRESHOLDS)


@pytest.mark.parametrize(
    ("measure", "value", "verdict"),
    [
        ("collision rate", 0.0, "fine"),
        ("collision rate", 0.01, "fine"),  # on the limit, not beyond it
        ("collision rate", 0.02, "look"),
        ("collision rate", 0.05, "look"),
        ("collision rate", 0.06, "bad"),
        ("codes used over chance", 1.0, "fine"),
        ("codes used over chance", 0.3, "look"),
        ("codes used over chance", 0.05, "bad"),
    ],
)
def test_the_verdict_of_a_value(measure, value, verdict):
    found = judge(row(measure, value), float("nan"))
    assert found.verdict == verdict and found.threshold
    assert (found.advice == "") == (verdict == "fine")


def test_what_is_missing_or_not_judged_gets_no_verdict():
    assert judge(row("collision rate", float("nan")), 0.0).verdict == ""
    assert judge(row("collision rate", 0.5, judged=False), 0.0) == ("", "", "")
    assert judge(row("largest group", 4344.0), 0.0) == ("", "", "")


def test_some_values_are_held_against_the_random_control():
    level = row("variance the level takes", 0.06, QUANTISATION, "share of what was left")
    assert judge(level, 0.0599).verdict == "bad" and judge(level, 0.05).verdict == "look"
    assert judge(level, 0.01).verdict == "fine" and judge(level, np.nan).verdict == ""
    entropy = row("entropy given the prefix", 0.2, USE, "nats")
    assert judge(entropy, 2.0).verdict == "bad" and judge(entropy, 0.3).verdict == "fine"
    assert judge(entropy, 0.01).verdict == ""  # nothing left to divide by


def test_infinite_trouble_is_bad():
    assert judge(row("neighbour lift", 0.0, MEANING), 1.0).verdict == "bad"
