"""How the codes of each level are used: dead codes, evenness, hourglass, what a level adds to its prefix.

Counts over the whole catalogue. numpy only.
"""

from __future__ import annotations

from numbers import Real

import numpy as np
from jaxtyping import Int

from gensar_lite.identify.measures import ENDED, USE, Measure, Subject, level_counts, quotient, short
from gensar_lite.identify.table import entropy_nats


def measure_use(subject: Subject) -> list[Measure]:
    """Use of every level, then the shape over the levels."""
    found = []
    for level in range(1, subject.levels + 1):
        if level in subject.depths:
            found += _level(subject, level)
    found += _hourglass(subject)
    found += _conditional(subject)
    if subject.sizes is None:
        found += _lengths(subject)
    return found


def gini(counts: Int[np.ndarray, " C"], zeros: int) -> float:
    """Gini coefficient of items per code, unused codes included: 0 = all alike, near 1 = one code has everything.

    G = sum_i (2 i - K - 1) x_i / (K sum x) with x ascending; unused codes add nothing to the sum but count in K.
    """
    size = len(counts) + zeros
    if size == 0 or counts.sum() == 0:
        return float("nan")
    place = np.arange(zeros + 1, size + 1, dtype=np.float64)
    return float(((2 * place - size - 1) * np.sort(counts)).sum() / (size * counts.sum()))


def expected_used(size: int, items: int) -> float:
    """Codes in use when ``items`` are dealt to ``size`` codes by lot: K (1 - (1 - 1/K)^N)."""
    return float(-size * np.expm1(items * np.log1p(-1 / size))) if size > 1 else float(size)


def _level(subject: Subject, level: int) -> list[Measure]:
    counts = level_counts(subject, level)
    used, items = len(counts), int(counts.sum())
    entropy = entropy_nats(counts) if used else 0.0
    perplexity = float(np.exp(entropy))
    top = int(counts[0]) if used else 0
    tells = subject.tells(level)

    def row(measure: str, value: Real, unit: str, formula: str, judged: bool = False) -> Measure:
        return Measure(USE, measure, "", level, float(value), unit, formula, judged)

    found = [
        row(
            "entropy", entropy, "nats", f"-sum p ln p over {used} codes; at most ln {used} = {np.log(max(used, 1)):.4g}"
        ),
        row("perplexity", perplexity, "codes", f"exp({entropy:.4g})"),
        row("largest share", quotient(top, items), "share of items", f"{top}/{items} = {short(quotient(top, items))}"),
    ]
    if subject.sizes is None:
        ended = subject.n_items - items
        share = ended / subject.n_items
        found.append(row("words in use", used, "words", f"{used} different words at place {level}"))
        found.append(row("ended before", share, "share of items", f"{ended}/{subject.n_items} = {share:.4g}"))
        return found
    size = subject.sizes[level - 1]
    by_lot, room = expected_used(size, items), min(size, items)
    inequality = gini(counts, size - used)
    return [
        row("codes used", used, "codes", f"{used} of {size}"),
        row("dead codes", 1 - used / size, "share of codes", f"1 - {used}/{size} = {1 - used / size:.4g}"),
        row(
            "codes used over chance",
            quotient(used, by_lot),
            "times",
            f"{used} / {by_lot:.5g}, of {size} codes used when {items} items are dealt out by lot",
            tells,
        ),
        *found,
        row(
            "evenness",
            quotient(perplexity, room),
            "share of codes",
            f"{perplexity:.4g} / min({size} codes, {items} items)",
            tells,
        ),
        row("Gini", inequality, "0 to 1", f"over {size} codes, {size - used} of them with no item"),
    ]


def _hourglass(subject: Subject) -> list[Measure]:
    """How much a middle level concentrates against both its neighbours, in H / ln K."""
    if subject.sizes is None:
        return []
    last = subject.levels - 1 if subject.running else subject.levels
    bent = []
    for level in range(1, last + 1):
        size = subject.sizes[level - 1]
        room = np.log(min(size, subject.n_items))
        bent.append(entropy_nats(level_counts(subject, level)) / room if room > 0 else float("nan"))
    found = []
    for level in range(2, last):
        before, own, after = bent[level - 2 : level + 1]
        dip = min(before, after) - own
        formula = f"min({before:.3f}, {after:.3f}) - {own:.3f}, each H / ln K"
        if level in subject.depths:
            found.append(Measure(USE, "hourglass", "", level, float(dip), "of ln K", formula))
    return found


def _conditional(subject: Subject) -> list[Measure]:
    """H(code | prefix) = H(prefix with the code) - H(prefix)."""
    found, before = [], 0.0
    for level in range(1, subject.levels + 1):
        whole = entropy_nats(subject.counts[level - 1])
        value = max(whole - before, 0.0)
        if level in subject.depths and level > 1:
            formula = f"H(prefix {level}) - H(prefix {level - 1}) = {whole:.4g} - {before:.4g}"
            judged = subject.tells(level)
            found.append(Measure(USE, "entropy given the prefix", "", level, value, "nats", formula, judged))
        before = whole
    return found


def _lengths(subject: Subject) -> list[Measure]:
    """Identifiers of different lengths: how long, and how many are the beginning of a longer one."""
    length = (subject.codes != ENDED).sum(axis=1)
    inside = 0
    for depth in range(1, subject.levels):
        labels = subject.labels[depth - 1]
        longer = np.bincount(labels, weights=length > depth, minlength=len(subject.counts[depth - 1]))
        inside += int(((length == depth) & (longer[labels] > 0)).sum())
    mean, share = float(length.mean()), inside / subject.n_items
    return [
        Measure(USE, "length", "mean", None, mean, "words", f"{int(length.sum())}/{subject.n_items}", False),
        Measure(USE, "length", "longest", None, float(length.max()), "words", f"of {subject.n_items} items", False),
        Measure(
            USE,
            "beginning of another",
            "",
            None,
            share,
            "share of items",
            f"{inside}/{subject.n_items} = {share:.4g}",
        ),
    ]
