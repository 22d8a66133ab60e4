"""What a reader of strangers' files has to say: findings that travel with the table, and errors that end the reading.

It knows neither files nor layouts.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from gensar_lite.identify.table import IdentifierError

FINE, LOOK, BAD = "fine", "look", "bad"
VERDICTS = (FINE, LOOK, BAD)  # from harmless to harmful
_SHOWN = 3  # examples in a sentence


class FormatError(IdentifierError):
    """A file of identifiers cannot be read. The message says where and what to do."""


class Finding(NamedTuple):
    """Something about the file that a reader of the numbers should know.

    Attributes:
        kind: what it is, in two or three words ("1-based keys", "padding row", "gaps", ...).
        count: how many items, levels, keys or rows it concerns.
        examples: some of them, in a sentence.
        advice: what was done about it here, and what to do.
        verdict: "fine" (a property of the form), "look" (handled, but know it) or "bad" (the file contradicts itself,
            or items had to be left out).
    """

    kind: str
    count: int
    examples: str
    advice: str
    verdict: str = LOOK


def some(things: Iterable[object], noun: str = "item") -> str:
    """The first few of many in writing: "items '3', '17', '20' and 5 more"."""
    listed = [str(thing) for thing in things]
    shown = ", ".join(f"'{thing[:40]}'" for thing in listed[:_SHOWN])
    more = f" and {len(listed) - _SHOWN:,} more" if len(listed) > _SHOWN else ""
    return f"{noun}{'s' if len(listed) != 1 else ''} {shown}{more}"


def many(count: int, noun: str) -> str:
    """A count with its noun: "1 item", "4,344 items"."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def worst(verdicts: Iterable[str]) -> str:
    """The most harmful of some verdicts; "fine" of none. Others than the three do not count."""
    return max((verdict for verdict in verdicts if verdict in VERDICTS), key=VERDICTS.index, default=FINE)
