"""From raw rows to an identifier table: what is odd about strangers' rows is found, put right where that is safe, told.

Each check takes rows and gives rows and what it found. Nothing is put right silently, and an item is left out only if
it has no codes that could be kept.

It does not know files or layouts.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from gensar_lite.identify.formats.findings import BAD, FINE, LOOK, Finding, FormatError, many, some
from gensar_lite.identify.formats.rows import MOST_LEVELS, Raw, Rows
from gensar_lite.identify.table import IdentifierTable, group_labels

MOST_CODES = 2**20  # per level, or twice the items if that is more: no codebook is larger
_NEARLY = 0.98  # share of items that must follow the rule of a de-duplication level
_ENOUGH = 16  # items; fewer lie apart level by level by chance
_FULL = 0.9  # a codebook whose largest code comes this near to a round size is taken to have that size
_DENSE = 0.5  # share of numbers in use from which on missing ids are gaps, and not just ids that are not consecutive
_PADDING_NAMES = {"pad", "padding"}


class Checked(NamedTuple):
    """Rows of one kind after all checks.

    Attributes:
        keys: (N,) item ids.
        codes: (N, L) int64, each level from 0.
        sizes: (L,) codes per level.
        findings: in the order in which they were made.
    """

    keys: list[str]
    codes: np.ndarray
    sizes: tuple[int, ...]
    findings: tuple[Finding, ...]


def to_table(raw: Raw, scheme: str, path: Path) -> tuple[IdentifierTable, tuple[Finding, ...]]:
    """The identifier table of raw rows with one length, and everything that was found on the way.

    Raises:
        FormatError: no item is left, too many levels, or codes that no codebook can have.
    """
    found = list(raw.findings)
    checked = {}
    for kind, rows in raw.kinds.items():
        own = check(rows, raw, path)
        label = f"{kind}: " if len(raw.kinds) > 1 else ""
        found += [finding._replace(examples=label + finding.examples) for finding in own.findings]
        checked[kind] = own
    keys, codes, one_sided = _common_items({kind: (own.keys, own.codes) for kind, own in checked.items()})
    if not keys:
        raise FormatError(f"{path}: the kinds {', '.join(checked)} have no item in common. Give files that match.")
    found += one_sided
    shared, parted = _shared_levels(codes, raw.shared, keys)
    found += parted
    sizes = _sizes_of_kinds({kind: own.sizes for kind, own in checked.items()}, shared)
    ids = np.array(keys, dtype=object)
    return IdentifierTable(scheme, ids, codes, sizes, shared), tuple(dict.fromkeys(found))


def check(rows: Rows, raw: Raw, path: Path) -> Checked:
    """All checks on the rows of one kind."""
    keys, codes, found = rows.keys, rows.codes, []
    if not isinstance(codes, np.ndarray) or codes.ndim != 2 or codes.shape[1] == 0:
        raise FormatError(f"{path}: items without codes. Write the file again.")
    if codes.shape[1] > MOST_LEVELS:
        raise FormatError(
            f"{path}: {codes.shape[1]:,} codes per item; at most {MOST_LEVELS} are read. Is it transposed?"
        )
    for step in (_without_repeats, _without_padding, _without_fractions, _without_negatives):
        keys, codes, more = step(keys, codes, raw)
        found += more
        if not keys:
            raise FormatError(f"{path}: no item is left ({'; '.join(each.kind for each in found)}). Write it again.")
    offset_sizes = None
    if raw.bare:
        codes, offset_sizes, more = without_offsets(codes)
        found += more
    _within_limits(keys, codes, path)
    if raw.keyed:
        keys, codes, more = _in_order(keys, codes, by_form=bool(raw.padding))
        found += more
    else:
        advice = "Ids are row numbers from 0. If the catalogue's ids are others, join them with --id-map."
        found.append(Finding("no item ids", len(keys), "the file names no items", advice, FINE))
    numbered, more = duplicate_numbers(codes)
    found += more
    sizes, more = level_sizes(codes, rows.declared or offset_sizes, numbered)
    return Checked(keys, codes, sizes, (*found, *more))


# ---------------------------------------------------------------- rows that cannot stay


def _kept(keys: list[str], codes: np.ndarray, keep: np.ndarray) -> tuple[list[str], np.ndarray]:
    return [keys[place] for place in np.flatnonzero(keep)], codes[keep]


def _without_repeats(keys: list[str], codes: np.ndarray, raw: Raw) -> tuple[list[str], np.ndarray, list[Finding]]:
    """Keep the first of several rows of one item."""
    first: dict[str, int] = {}
    again: list[tuple[int, int]] = []
    for place, key in enumerate(keys):
        if first.setdefault(key, place) != place:
            again.append((place, first[key]))
    if not again:
        return keys, codes, []
    keep = np.ones(len(keys), dtype=bool)
    keep[[place for place, _ in again]] = False
    found = []
    for same, verdict in ((True, LOOK), (False, BAD)):
        named = [keys[place] for place, own in again if np.array_equal(codes[place], codes[own]) == same]
        if named:
            what = "the same codes again" if same else "other codes the second time"
            advice = "The first row was kept. Write one row per item."
            found.append(Finding("duplicate items", len(named), f"{some(named)} with {what}", advice, verdict))
    return *_kept(keys, codes, keep), found


def _without_padding(keys: list[str], codes: np.ndarray, raw: Raw) -> tuple[list[str], np.ndarray, list[Finding]]:
    """Leave out the row that stands for "no item"."""
    by_name = [key.strip("<>[]").casefold() in _PADDING_NAMES for key in keys]
    keep = ~np.array(by_name, dtype=bool)
    if raw.padding:
        keep &= np.array([key != raw.padding for key in keys], dtype=bool)
    else:
        place = keys.index("0") if "0" in keys else -1
        if place >= 0 and len(keys) > 1:
            row, others = codes[place], np.delete(codes[:, 0], place)
            blank = bool((row == row[0]).all()) and (row[0] < 0 or (row[0] == 0 and bool((others != 0).all())))
            keep[place] &= not blank
    left = [key for key, stays in zip(keys, keep) if not stays]
    if not left:
        return keys, codes, []
    own = left == [raw.padding]
    why = "by this form's definition" if own else "its codes stand for no item"
    advice = "Left out: it stands for 'no item' in batches. Do not count it as part of the catalogue."
    shown, verdict = f"{some(left, 'key')}, {why}", FINE if own else LOOK
    return *_kept(keys, codes, keep), [Finding("padding row", len(left), shown, advice, verdict)]


def _without_fractions(keys: list[str], codes: np.ndarray, raw: Raw) -> tuple[list[str], np.ndarray, list[Finding]]:
    """Whole numbers as int64; rows with a missing or a broken code go."""
    if codes.dtype == np.int64:
        return keys, codes, []
    missing = ~np.isfinite(codes).all(axis=1)
    broken = ~missing & (np.where(np.isfinite(codes), codes, 0) % 1 != 0).any(axis=1)
    found = []
    for kind, rows in (("missing codes", missing), ("fractional codes", broken)):
        if rows.any():
            shown = some(f"{keys[place]}: {_written(codes[place])}" for place in np.flatnonzero(rows))
            advice = "These items were left out. Codes are whole numbers: find out what wrote others."
            found.append(Finding(kind, int(rows.sum()), shown, advice, BAD))
    keys, codes = _kept(keys, codes, ~missing & ~broken)
    if not found:
        advice = "Every one is whole, so nothing is lost."
        found.append(Finding("codes with a decimal point", len(keys), "codes are stored as 3.0, not 3", advice, FINE))
    return keys, codes.astype(np.int64), found


def _without_negatives(keys: list[str], codes: np.ndarray, raw: Raw) -> tuple[list[str], np.ndarray, list[Finding]]:
    rows = (codes < 0).any(axis=1)
    if not rows.any():
        return keys, codes, []
    shown = some(f"{keys[place]}: {_written(codes[place])}" for place in np.flatnonzero(rows))
    advice = "These items were left out: a negative code often means 'not assigned'. Give them identifiers."
    return *_kept(keys, codes, ~rows), [Finding("negative codes", int(rows.sum()), shown, advice, BAD)]


def _written(row: np.ndarray) -> str:
    return " ".join(f"{code:g}" for code in row[:6])


def _within_limits(keys: list[str], codes: Int[np.ndarray, "N L"], path: Path) -> None:
    limit = max(MOST_CODES, 2 * len(keys))
    over = codes >= limit
    if over.any():
        row, level = np.argwhere(over)[0]
        raise FormatError(
            f"{path}, item '{keys[row][:40]}', level {level + 1}: code {codes[row, level]:,} is too large (so are "
            f"{int(over.sum()) - 1:,} others). At most {limit:,} codes per level are read. Check what wrote the file."
        )


# ---------------------------------------------------------------- keys


def _in_order(keys: list[str], codes: np.ndarray, by_form: bool) -> tuple[list[str], np.ndarray, list[Finding]]:
    """Items by number if every key is one; what the numbers say about how they were counted.

    Args:
        by_form: the form counts from 1 by definition, because 0 is padding.
    """
    if not all(key.isascii() and key.isdecimal() and len(key) < 19 and str(int(key)) == key for key in keys):
        return keys, codes, []
    numbers = np.array([int(key) for key in keys], dtype=np.int64)
    found = []
    steps_back = int((np.diff(numbers) < 0).sum())
    if steps_back:
        place = int(np.argmax(np.diff(numbers) < 0))
        shown = f"'{keys[place + 1]}' comes after '{keys[place]}'"
        found.append(
            Finding("unordered keys", steps_back, shown, "Items were put in the order of their numbers.", FINE)
        )
    order = np.argsort(numbers, kind="stable")
    numbers = numbers[order]
    if numbers[0] == 1:
        advice = "Kept as they are. If the catalogue counts from 0, item '1' here is '0' there: join with --id-map."
        shown = f"the first key is '1', the last '{numbers[-1]}', there is no '0'"
        found.append(Finding("1-based keys", len(keys), shown, advice, FINE if by_form else LOOK))
    found += _gaps(numbers)
    return [keys[place] for place in order], codes[order], found


def _gaps(numbers: Int[np.ndarray, " N"]) -> list[Finding]:
    span = int(numbers[-1]) - int(numbers[0]) + 1
    missing = span - len(numbers)
    if missing <= 0:
        return []
    if len(numbers) < _DENSE * span:
        shown = f"{many(len(numbers), 'item')} between '{numbers[0]}' and '{numbers[-1]}'"
        return [Finding("ids not consecutive", missing, shown, "Nothing to do if they are the catalogue's ids.", FINE)]
    before = np.flatnonzero(np.diff(numbers) > 1)
    absent = [number + 1 for number in numbers[before[:4]].tolist()]
    advice = "Items without an identifier can never be generated. Give them one, or take them out of the catalogue."
    return [Finding("gaps", missing, f"no {some(absent)}", advice)]


# ---------------------------------------------------------------- levels


def without_offsets(
    codes: Int[np.ndarray, "N L"],
) -> tuple[Int[np.ndarray, "N L"], tuple[int, ...] | None, list[Finding]]:
    """Undo codes that are numbered on through the levels (level 2 from 256 on, level 3 from 512 on, ...).

    Returns:
        codes that count from 0 on every level, the codes per level that the offsets give (None without offsets), and
        what was found.
    """
    levels = codes.shape[1]
    for used in (levels, levels - 1):
        if used < 2 or len(codes) < _ENOUGH or (used < levels and not duplicate_numbers(codes)[0]):
            continue  # only a last level that numbers duplicates may stand outside the offsets
        offsets = _offsets(codes[:, :used])
        if offsets is None:
            continue
        plain = codes.copy()
        plain[:, :used] -= np.array(offsets.starts, dtype=np.int64)
        sizes = (*offsets.sizes, *(int(top) + 1 for top in plain[:, used:].max(axis=0)))
        starts = ", ".join(f"{start:,}" for start in offsets.starts)
        advice = f"Subtracted, so that every level counts from 0; codes per level taken as {_listed(offsets.sizes)}."
        return plain, sizes, [Finding("level offsets", used, f"levels begin at {starts}", advice)]
    return codes, None, []


class Offsets(NamedTuple):
    """Where each level's codes begin, and how many codes each has."""

    starts: tuple[int, ...]
    sizes: tuple[int, ...]


def _offsets(codes: Int[np.ndarray, "N L"]) -> Offsets | None:
    low, high = codes.min(axis=0), codes.max(axis=0)
    if not (low[1:] > high[:-1]).all():
        return None
    places = np.arange(codes.shape[1])
    best = None
    for start in dict.fromkeys((0, 1, int(low[0]))):
        if start > low[0]:
            continue
        least = int(((high - start) // (places + 1)).max()) + 1
        most = int(((low - start)[1:] // places[1:]).min())
        if least > most:
            continue
        size = _roundest(least, most)
        if size is not None:
            return Offsets(tuple((start + places * size).tolist()), (size,) * len(places))
        best = best or Offsets(tuple((start + places * most).tolist()), (most,) * len(places))
    if best is not None:
        return best
    starts = [0, *(_roundest(int(end) + 1, int(begin)) or int(begin) for end, begin in zip(high[:-1], low[1:]))]
    sizes = [*np.diff(starts).tolist(), int(high[-1]) - starts[-1] + 1]
    return Offsets(tuple(starts), tuple(int(size) for size in sizes))


def _roundest(least: int, most: int) -> int | None:
    """A size that people choose: a power of two, or a multiple of 50, between two bounds; None if there is none."""
    power = 1 << max(least - 1, 0).bit_length()
    if power <= most:
        return power
    fifty = -(-least // 50) * 50
    return fifty if fifty <= most else None


def duplicate_numbers(codes: Int[np.ndarray, "N L"]) -> tuple[bool, list[Finding]]:
    """Whether the last level only numbers the items that agree on all levels before it.

    In such a level the items of every group carry 0, 1, 2, ...; or 0 where an item is alone and 1, 2, ... where not.
    """
    if codes.shape[1] < 2:
        return False, []
    labels, sizes = group_labels(codes[:, :-1])
    last = codes[:, -1]
    if sizes.max() < 2:
        return False, []
    order = np.lexsort((last, labels))
    begin = np.concatenate([[0], np.cumsum(sizes)[:-1]])
    place = np.empty(len(last), dtype=np.int64)
    place[order] = np.arange(len(last)) - begin[labels[order]]
    alone = sizes[labels] == 1
    fit = max((last == place).mean(), (last == np.where(alone, 0, place + 1)).mean())
    in_groups = ~alone
    fit_in_groups = max((last == place)[in_groups].mean(), (last == place + 1)[in_groups].mean())
    if min(fit, fit_in_groups) < _NEARLY:
        return False, []
    shown = f"level {codes.shape[1]}: {many(int(in_groups.sum()), 'item')} in {many(int((sizes > 1).sum()), 'group')}"
    shown += " agree on all levels before it" + ("" if fit == 1 else f"; {1 - fit:.1%} of items do not follow the rule")
    advice = (
        "It makes identifiers unique and says nothing about an item. Collisions of the codes proper are those at "
        f"depth {codes.shape[1] - 1}."
    )
    return True, [Finding("de-duplication level", 1, shown, advice, FINE if fit == 1 else LOOK)]


def level_sizes(
    codes: Int[np.ndarray, "N L"], declared: Sequence[int] | None, numbered: bool
) -> tuple[tuple[int, ...], list[Finding]]:
    """Codes per level: as declared, else by rule.

    A level in which every code up to its largest is used has exactly those. The other levels are taken to share one
    codebook size: the largest code of all + 1, or the next power of two or multiple of 50 if that is within 10 %.
    """
    tops = [int(top) + 1 for top in codes.max(axis=0)]
    used = [len(np.unique(column)) for column in codes.T]
    if declared is not None:
        return tuple(max(size, top) for size, top in zip(declared, tops)), []
    books = tops[:-1] if numbered else tops
    most = max(books)
    candidate = min(1 << (most - 1).bit_length(), -(-most // 50) * 50)
    common = candidate if most >= _FULL * candidate else most
    sizes = [top if count == top else common for top, count in zip(books, used)] + tops[len(books) :]
    levels = "; ".join(
        f"level {place + 1}: {count:,} of {size:,}" for place, (count, size) in enumerate(zip(used, sizes))
    )
    advice = "The file does not say how many codes a level has; taken from the largest code. Dead codes rest on this."
    return tuple(sizes), [Finding("codebook sizes assumed", len(sizes), f"codes in use, {levels}", advice, FINE)]


def _listed(sizes: Sequence[int]) -> str:
    return f"{sizes[0]:,}" if len(set(sizes)) == 1 else ", ".join(f"{size:,}" for size in sizes)


# ---------------------------------------------------------------- several kinds


def _common_items(
    kinds: dict[str, tuple[list[str], np.ndarray]],
) -> tuple[list[str], dict[str, np.ndarray], list[Finding]]:
    """The items that every kind has, in the first kind's order."""
    sets = {kind: set(keys) for kind, (keys, _) in kinds.items()}
    everywhere = set.intersection(*sets.values())
    first = next(iter(kinds))
    keys = [key for key in kinds[first][0] if key in everywhere]
    codes, found = {}, []
    for kind, (own, values) in kinds.items():
        row = {key: place for place, key in enumerate(own)}
        codes[kind] = values[[row[key] for key in keys]]
        extra = [key for key in own if key not in everywhere]
        if extra:
            advice = "Left out: the other kinds have no identifier for them. Make both files from one catalogue."
            found.append(Finding("items of one kind only", len(extra), f"{kind}: {some(extra)}", advice, BAD))
    return keys, codes, found


def _shared_levels(codes: dict[str, np.ndarray], declared: int | None, keys: list[str]) -> tuple[int, list[Finding]]:
    """On how many leading levels all kinds agree, and for whom they do not though the form says so."""
    first, *others = codes.values()
    depth = min(each.shape[1] for each in codes.values())
    if not others:
        return first.shape[1], []
    agree = np.all([(other[:, :depth] == first[:, :depth]) for other in others], axis=0)
    levels = agree.all(axis=0)
    common = depth if levels.all() else int(np.argmin(levels))
    if declared is None or common >= declared:
        return (common if declared is None else declared), []
    parted = np.flatnonzero(~agree[:, :declared].all(axis=1))
    advice = (
        f"The files are no pair, or one of them was made again. Only {many(common, 'level')} counted as shared here."
    )
    shown = some(keys[place] for place in parted)
    return common, [Finding("shared levels disagree", len(parted), shown, advice, BAD)]


def _sizes_of_kinds(sizes: dict[str, tuple[int, ...]], shared: int) -> dict[str, tuple[int, ...]]:
    """Shared levels have one codebook, so one size."""
    tops = [max(own[level] for own in sizes.values()) for level in range(shared)] if len(sizes) > 1 else []
    return {kind: (*tops, *own[len(tops) :]) for kind, own in sizes.items()}
