"""The decoder's frame, summed up by hand."""

import numpy as np
import pandas as pd
import pytest

from gensar_lite.identify.measures_decoder import measure_decoder


def frame():
    return pd.DataFrame(
        {
            "case": [0, 0, 1, 1],
            "step": [1, 2, 1, 2],
            "forbidden": [0.0, 0.2, 0.1, 0.4],
            "log_prob": [-1.0, -2.0, -3.0, -4.0],
            "likeliest": [True, False, True, True],
            "pruned_at": pd.array([2, 2, pd.NA, pd.NA], dtype="Int64"),
            "kl": [0.1, np.nan, 0.3, 0.5],
            "rbo": [0.4, 0.4, 0.8, 0.8],
        }
    )


def measured(rows):
    return {(row.measure, row.level): row for row in measure_decoder(rows)}


def test_means_per_step_and_per_case():
    found = measured(frame())
    assert found["mass outside the trie", 1].value == pytest.approx(0.05)
    assert found["mass outside the trie", 2].value == pytest.approx(0.3)
    assert found["log-probability of the right code", 2].value == pytest.approx(-3)
    assert found["accuracy", 1].value == 1 and found["accuracy", 2].value == 0.5
    assert found["pruned at this step", 1].value == 0 and found["pruned at this step", 2].value == 0.5
    assert found["pruned", None].value == 0.5 and "1/2 cases" in found["pruned", None].formula
    assert found["effect of the behaviour token", 2].value == pytest.approx(0.5)  # the missing one is left out
    assert found["largest effect on a case", None].value == pytest.approx((0.1 + 0.5) / 2)
    assert found["overlap of both behaviours", None].value == pytest.approx(0.6)  # once per case


def test_what_is_not_there_is_left_out():
    found = measured(frame()[["case", "step", "likeliest"]])
    assert {measure for measure, _ in found} == {"accuracy"}
    assert measure_decoder(frame()[["case", "step"]]) == []
    assert ("effect of the behaviour token", 1) not in measured(frame().assign(kl=np.nan))


def test_step_zero_is_the_behaviour_token():
    rows = pd.concat([frame(), pd.DataFrame({"case": [0, 1], "step": 0, "likeliest": [True, False]})])
    assert measured(rows)["accuracy", 0].value == 0.5


def test_nobody_pruned():
    found = measured(frame().assign(pruned_at=np.nan))
    assert found["pruned", None].value == 0
