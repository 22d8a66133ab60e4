"""What a model does with the identifiers: mass outside the trie, accuracy per step, pruning, the behaviour token.

Reads the frame that ``Evidence.decoder`` describes. It holds no model; a control would need one trained on the control
identifiers, so there is none here.
"""

from __future__ import annotations

from numbers import Real

import numpy as np
import pandas as pd

from gensar_lite.identify.measures import DECODER, Measure

# column: measure, unit, what its mean says, judged
_MEANS = (
    ("forbidden", "mass outside the trie", "probability", "mean probability that the trie takes away", True),
    ("log_prob", "log-probability of the right code", "nats", "mean", False),
    ("likeliest", "accuracy", "share of cases", "no other code was likelier, after the right codes before it", False),
    (
        "kl",
        "effect of the behaviour token",
        "nats",
        "mean KL divergence from the other behaviour's distribution",
        False,
    ),
)


def measure_decoder(frame: pd.DataFrame) -> list[Measure]:
    """Means per step over all test cases, the step at which targets are pruned, and the overlap of the answers.

    Args:
        frame: see ``Evidence.decoder``; columns that are missing are left out.
    """
    found = []
    steps = sorted(int(step) for step in frame["step"].unique())
    cases = frame.drop_duplicates("case")
    for step in steps:
        rows = frame[frame["step"] == step]
        for column, measure, unit, said, judged in _MEANS:
            if column in frame:
                found += _mean(rows[column], measure, unit, said, step, judged)
    if "pruned_at" in frame:
        found += _pruned(cases["pruned_at"], steps)
    if "kl" in frame:
        found += _mean(
            frame.groupby("case")["kl"].max(), "largest effect on a case", "nats", "max per case", None, True
        )
    if "rbo" in frame:
        found += _mean(cases["rbo"], "overlap of both behaviours", "0 to 1", "rank-biased overlap", None, True)
    return found


def _pruned(pruned_at: pd.Series, steps: list[int]) -> list[Measure]:
    total = len(pruned_at)
    at = pruned_at.to_numpy(dtype=float, na_value=np.nan)
    lost = int(np.isfinite(at).sum())
    found = []
    for step in steps:
        here = int((at == step).sum())
        said = f"{here}/{total} cases lose their target's prefix at step {step}"
        found.append(_row("pruned at this step", step, here / total, "share of cases", said))
    said = f"{lost}/{total} cases lose their target at some step"
    return [*found, _row("pruned", None, lost / total, "share of cases", said, True)]


def _mean(values: pd.Series, measure: str, unit: str, said: str, step: int | None, judged: bool) -> list[Measure]:
    numbers = values.to_numpy(dtype=float, na_value=np.nan)
    numbers = numbers[~np.isnan(numbers)]
    if len(numbers) == 0:
        return []
    formula = f"{said}, over {len(numbers)} cases"
    return [_row(measure, step, float(numbers.mean()), unit, formula, judged)]


def _row(measure: str, step: int | None, value: Real, unit: str, formula: str, judged: bool = False) -> Measure:
    return Measure(DECODER, measure, "", step, float(value), unit, formula, judged)
