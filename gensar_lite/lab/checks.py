"""Exercise checks: called on the reader's own answer, they say what is right or what to look at next.

A check looks at structure, then shape, then the likeliest mistakes, then the value, and stops at the first trouble.
It never raises for a wrong or missing answer, so an unsolved exercise breaks no later cell.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np


class Mistake(NamedTuple):
    """A likely wrong answer and what to tell someone who gives it.

    Attributes:
        answer: the value that the mistake leads to.
        hint: one sentence on what happened; it does not give the answer away.
    """

    answer: Any
    hint: str


@dataclass(frozen=True, repr=False)
class Verdict:
    """What a check found; a cell that ends in a check shows the message."""

    passed: bool
    message: str

    def __repr__(self) -> str:
        return f"{'✓' if self.passed else '…'} {self.message}"


def check(name: str, answer: Any, expected: Any, mistakes: Sequence[Mistake] = (), tolerance: float = 1e-6) -> Verdict:
    """Compare an answer with the expected one.

    Args:
        name: what was asked for, as the reader knows it ("the collision rate").
        answer: the reader's object: number, text, list, array or tensor; ``...`` or None counts as not answered.
        expected: the right answer, of the same kind.
        mistakes: likely wrong answers with a hint each.
        tolerance: how far each number may be off, in absolute terms and relative to the expected size.
    """
    if answer is None or answer is Ellipsis:
        return Verdict(False, f"{name}: not answered yet. Replace the dots and run the cell again.")
    if isinstance(expected, str):
        return _check_text(name, answer, expected, mistakes)
    right = _as_array(expected)
    if right is None:
        raise TypeError(f"{name}: the expected answer must be a text, a number or an array of numbers.")
    given = _as_array(answer)
    trouble = _structure(given, answer, right) or _shape(given, right)
    if trouble:
        return Verdict(False, f"{name}: {trouble}")
    if _same(given, right, tolerance):
        return Verdict(True, f"{name}: right.")
    for mistake in mistakes:
        wrong = _as_array(mistake.answer)
        if wrong is not None and wrong.shape == given.shape and _same(given, wrong, tolerance):
            return Verdict(False, f"{name}: {mistake.hint}")
    return Verdict(False, f"{name}: {_value(given, right, tolerance)}")


def check_function(name: str, function: Any, examples: Sequence[tuple[tuple, Any]], tolerance: float = 1e-6) -> Verdict:
    """Try a function that the reader wrote on examples, each a tuple of arguments and the expected result."""
    if not isinstance(function, Callable):
        return Verdict(False, f"{name}: expected a function to call, found {_kind(function)}.")
    for arguments, expected in examples:
        call = f"{name}({', '.join(map(repr, arguments))})"
        try:
            answer = function(*arguments)
        except NotImplementedError:
            return Verdict(False, f"{name}: not written yet. Fill in its body and run the cell again.")
        except Exception as error:  # the reader's code may fail in any way; that is what the check reports
            return Verdict(False, f"{call} raised {type(error).__name__}: {error}")
        if answer is None and expected is not None:
            return Verdict(False, f"{call}: gives nothing back. Does the function end in a return?")
        verdict = check(call, answer, expected, tolerance=tolerance)
        if not verdict.passed:
            return verdict
    return Verdict(True, f"{name}: right on {len(examples)} example{'s' if len(examples) != 1 else ''}.")


def _check_text(name: str, answer: Any, expected: str, mistakes: Sequence[Mistake]) -> Verdict:
    if not isinstance(answer, str):
        return Verdict(False, f"{name}: expected a text in quotes, found {_kind(answer)}.")
    given = " ".join(answer.split())
    if given == " ".join(expected.split()):
        return Verdict(True, f"{name}: right.")
    for mistake in mistakes:
        if given == mistake.answer:
            return Verdict(False, f"{name}: {mistake.hint}")
    if given.casefold() == " ".join(expected.split()).casefold():
        return Verdict(False, f"{name}: right but for capital letters.")
    return Verdict(False, f"{name}: '{given}' is not it yet.")


def _as_array(value: Any) -> np.ndarray | None:
    """Numbers as an array, anything else as None."""
    if hasattr(value, "detach"):  # a tensor that may carry a gradient
        value = value.detach()
    try:
        array = np.asarray(value)
    except (TypeError, ValueError, RuntimeError):  # ragged lists, objects with a mind of their own
        return None
    return array if array.dtype.kind in "biuf" else None


def _structure(given: np.ndarray | None, answer: Any, right: np.ndarray) -> str:
    wanted = "one number" if right.ndim == 0 else f"an array of numbers with {right.ndim} axes"
    if given is None:
        return f"expected {wanted}, found {_kind(answer)}."
    if given.ndim != right.ndim and 0 in (given.ndim, right.ndim):
        found = "one number" if given.ndim == 0 else f"an array of shape {given.shape}"
        return f"expected {wanted}, found {found}."
    if right.dtype.kind in "iu" and given.dtype.kind == "f" and not np.array_equal(given, np.round(given)):
        return "expected whole numbers (codes, counts, indices), found fractions."
    return ""


def _shape(given: np.ndarray, right: np.ndarray) -> str:
    if given.shape == right.shape:
        return ""
    if given.shape == right.shape[::-1]:
        return f"the axes are swapped: expected shape {right.shape}, found {given.shape}."
    return f"expected shape {right.shape}, found {given.shape}."


def _same(given: np.ndarray, right: np.ndarray, tolerance: float) -> bool:
    return bool(np.allclose(given, right, rtol=tolerance, atol=tolerance, equal_nan=True))


def _value(given: np.ndarray, right: np.ndarray, tolerance: float) -> str:
    if not np.isfinite(given).all():
        return "not finite. Is something divided by zero, or the logarithm of zero taken?"
    if right.ndim == 0:
        side = "high" if given > right else "low"
        return f"{given.item():.6g} is too {side}."
    off = ~np.isclose(given, right, rtol=tolerance, atol=tolerance, equal_nan=True)
    where = tuple(int(place) for place in np.argwhere(off)[0])
    return f"{off.sum()} of {off.size} values are off; the first stands at {where if len(where) > 1 else where[0]}."


def _kind(value: Any) -> str:
    return "a text" if isinstance(value, str) else f"an object of type {type(value).__name__}"
