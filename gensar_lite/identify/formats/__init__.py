"""Reading anyone's identifiers: every published form, recognised by its content, with what was odd about the file.

``read_identifiers`` is the door. The forms stand in ``layouts``, safe opening of files in ``files`` and ``pickles``,
what is detected and put right in ``checks``. No torch here, and nothing in a file is ever executed.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import pandas as pd

from gensar_lite.identify.formats import files, layouts
from gensar_lite.identify.formats.checks import to_table
from gensar_lite.identify.formats.findings import BAD, FINE, LOOK, Finding, FormatError, many, some, worst
from gensar_lite.identify.formats.join import join_ids
from gensar_lite.identify.formats.rows import MOST_LEVELS, Raw, rectangular
from gensar_lite.identify.formats.texts import sibling_texts
from gensar_lite.identify.table import COLLABORATIVE, SEMANTIC, IdentifierError, IdentifierTable, read_table

__all__ = [
    "BAD",
    "FINE",
    "FORMATS",
    "LOOK",
    "Finding",
    "Foreign",
    "FormatError",
    "RaggedIdentifiers",
    "lookup_frame",
    "read_identifiers",
    "sniff",
    "worst",
]

FORMATS: tuple[str, ...] = tuple(layouts.READERS)
_CELLS = 50_000_000  # of a padded table
_END = 0  # code of the places behind the end of a shorter identifier


@dataclass(frozen=True)
class RaggedIdentifiers:
    """Identifiers of different lengths: the words of a textual identifier, or lists of codes.

    Attributes:
        item_ids: (N,) item ids (str).
        words: (N,) each item's words or codes, as text.
    """

    item_ids: np.ndarray
    words: tuple[tuple[str, ...], ...]

    @property
    def n_items(self) -> int:
        """N, the size of the catalogue."""
        return len(self.item_ids)

    def check(self) -> None:
        """Refuse identifiers that make no table.

        Raises:
            IdentifierError: one is so much longer than the others that the table would not fit.
        """
        longest = max(len(words) for words in self.words)
        total = sum(len(words) for words in self.words)
        if longest * self.n_items > max(_CELLS // 10, min(_CELLS, 50 * total)):
            key = self.item_ids[[len(words) for words in self.words].index(longest)]
            raise IdentifierError(
                f"the identifier of item '{key[:40]}' has {longest:,} words, the mean is {total / self.n_items:.1f}: "
                "that makes no table. Cut or delete the long ones."
            )

    def table(self) -> IdentifierTable:
        """The same as a table: on each level, words are numbered from 1 by frequency; 0 means "ended before".

        Two items have equal codes exactly if they have equal words, so collisions at every depth stay what they are.

        Raises:
            IdentifierError: as ``check``.
        """
        self.check()
        longest = max(len(words) for words in self.words)
        codes = np.zeros((self.n_items, longest), dtype=np.int64)
        for level in range(longest):
            column = pd.Series([words[level] if level < len(words) else None for words in self.words], dtype=object)
            ranks = {word: rank for rank, word in enumerate(column.dropna().value_counts(sort=True).index, start=1)}
            codes[:, level] = [_END if word is None else ranks[word] for word in column.tolist()]
        sizes = tuple(int(top) + 1 for top in codes.max(axis=0))
        return IdentifierTable("textual", self.item_ids, {SEMANTIC: codes}, {SEMANTIC: sizes}, longest)


@dataclass(frozen=True)
class Foreign:
    """What was read from somebody's file.

    Attributes:
        table: the identifiers; None if their lengths differ.
        ragged: the identifiers if their lengths differ; else None.
        format: name of the form, one of FORMATS.
        findings: what is odd about the file, what was done about it, what to do.
        texts: item texts that the file or the ``*.item.json`` beside it brings, one row per item in the table's
            order ("" where an item has none); None without.
    """

    table: IdentifierTable | None
    format: str
    findings: tuple[Finding, ...] = ()
    ragged: RaggedIdentifiers | None = None
    texts: pd.DataFrame | None = None

    @property
    def item_ids(self) -> np.ndarray:
        """(N,) item ids (str)."""
        return self.table.item_ids if self.table is not None else self.ragged.item_ids

    @property
    def verdict(self) -> str:
        """The worst of the findings' verdicts: "fine", "look" or "bad"."""
        return worst(finding.verdict for finding in self.findings)

    def as_table(self) -> IdentifierTable:
        """The table, made of the words if lengths differ (``RaggedIdentifiers.table``)."""
        return self.table if self.table is not None else self.ragged.table()


def sniff(path: Path) -> str:
    """The form of a file, one of FORMATS, told by its content.

    Raises:
        FormatError: unreadable, or no form known here.
    """
    try:
        return layouts.recognise(files.load(path), Path(path))
    except RecursionError:
        raise FormatError(f"{path}: nested hundreds of levels deep, so no identifiers. Get it again.") from None


def read_identifiers(
    path: Path, format: str | None = None, pair: Path | None = None, id_map: Path | None = None
) -> Foreign:
    """Read identifiers in any form of FORMATS.

    Args:
        path: the file.
        format: its form, if recognising it by content goes wrong.
        pair: GenSAR only: the other of the two files. Without it the file beside it is taken whose name has
            "collaborate" where this one has "semantic", or the other way round.
        id_map: file that joins this file's keys to the catalogue's ids: a JSON object, or a table or text of two
            columns, in either direction.

    Raises:
        FormatError: with file, place and remedy.
    """
    path = Path(path)
    if format is not None and format not in FORMATS:
        raise FormatError(f"Unknown form '{format}'. Choose one of {', '.join(FORMATS)}.")
    try:
        return _read(path, format, pair, id_map)
    except RecursionError:
        raise FormatError(f"{path}: nested hundreds of levels deep, so no identifiers. Get it again.") from None
    except IdentifierError as error:
        if isinstance(error, FormatError):
            raise
        raise FormatError(f"{path}: {str(error).removeprefix(f'{path}: ')}") from error


def _read(path: Path, layout: str | None, pair: Path | None, id_map: Path | None) -> Foreign:
    content = files.load(path, as_text=layout in ("textual", "minionerec-tsv"))
    layout = layout or layouts.recognise(content, path)
    if pair is not None and layout != "gensar":
        raise FormatError(f"{path}: the form '{layout}' has no second file. Leave --pair out.")
    raw = layouts.parse(content, layout, path)
    if layout == "gensar":
        raw = _with_pair(raw, path, pair)
    texts = raw.texts if raw.texts is not None and "description" in raw.texts else None
    found: tuple[Finding, ...] = ()
    if texts is None:
        texts, found = sibling_texts(path)
        texts = raw.texts if texts is None else texts
    raw = rectangular(raw._replace(findings=(*raw.findings, *found)))
    if raw.tokens or any(not isinstance(rows.codes, np.ndarray) for rows in raw.kinds.values()):
        foreign = _ragged(raw, layout, path)
    else:
        foreign = _whole(raw, layout, path)
    if texts is not None:
        foreign = _with_texts(foreign, texts)
    return foreign if id_map is None else join_ids(foreign, Path(id_map), path)


def _whole(raw: Raw, layout: str, path: Path) -> Foreign:
    table, found = to_table(raw, layout, path)
    if layout == "kit":
        table, found = _as_written(path, table, found)
    return Foreign(table, layout, found)


def _as_written(
    path: Path, table: IdentifierTable, found: tuple[Finding, ...]
) -> tuple[IdentifierTable, tuple[Finding, ...]]:
    """Scheme, level sizes and shared levels of one of the kit's own tables, if they still stand in the file."""
    try:
        own = read_table(path)
    except (IdentifierError, KeyError, TypeError, ValueError, AttributeError):
        advice = "Codebook sizes and shared levels were taken from the codes. Read the file that identify wrote."
        return table, (*found, Finding("own table without its facts", 1, "the file's metadata is missing", advice))
    most = max(max(sizes) for sizes in own.sizes.values())
    if most > 2 * max(2**20, own.n_items):
        raise FormatError(f"{path}: claims {most:,} codes on a level. Make the table again.")
    return own, tuple(finding for finding in found if finding.kind != "codebook sizes assumed")


def _with_pair(raw: Raw, path: Path, pair: Path | None) -> Raw:
    """Both files of GenSAR as one."""
    (kind,) = raw.kinds
    other, named = (COLLABORATIVE, "collaborate") if kind == SEMANTIC else (SEMANTIC, "semantic")
    given = pair is not None
    if pair is None:
        own = "semantic" if kind == SEMANTIC else "collaborate"
        beside = path.with_name(path.name.replace(own, named)) if own in path.name else None
        pair = beside if beside is not None and beside.is_file() else None
    if pair is None:
        advice = f"Only the {kind} identifiers were read. Give the file of the {other} ones with --pair."
        return raw._replace(findings=(*raw.findings, Finding("half of a pair", 1, path.name, advice)))
    second = layouts.parse(files.load(pair), "gensar", Path(pair))
    if list(second.kinds) != [other]:
        raise FormatError(f"{pair}: holds {kind} identifiers too. Give the file of the {other} ones with --pair.")
    if second.shared != raw.shared:
        raise FormatError(f"{pair}: {second.shared} shared levels, {path.name} has {raw.shared}. They are no pair.")
    both = {**raw.kinds, **second.kinds}
    found = [finding._replace(examples=f"{other}: {finding.examples}") for finding in second.findings]
    if not given:
        found.append(Finding("second file of a pair", 1, Path(pair).name, "Found beside the first and read.", FINE))
    return raw._replace(kinds={key: both[key] for key in (SEMANTIC, COLLABORATIVE)}, findings=(*raw.findings, *found))


def _ragged(raw: Raw, layout: str, path: Path) -> Foreign:
    """Identifiers of different lengths, as words."""
    kind, rows = next(iter(raw.kinds.items()))
    found = list(raw.findings)
    first: dict[str, tuple[str, ...]] = {}
    again = []
    for key, words in zip(rows.keys, rows.codes):
        own = tuple(
            word if isinstance(word, str) else f"{word:g}" if isinstance(word, float) else str(word) for word in words
        )
        if first.setdefault(key, own) is not own:
            again.append(key)
    if again:
        advice = "The first was kept. Write one per item."
        found.append(Finding("duplicate items", len(again), some(again), advice, BAD))
    if raw.padding in first:
        del first[raw.padding]
    lengths = pd.Series([len(words) for words in first.values()])
    if lengths.max() > MOST_LEVELS:
        key = list(first)[int(lengths.argmax())]
        raise FormatError(f"{path}, item '{key[:40]}': {lengths.max():,} words; at most {MOST_LEVELS} are read.")
    if lengths.nunique() > 1:
        usual = int(lengths.mode().iloc[0])
        other = [key for key, length in zip(first, lengths) if length != usual]
        if raw.tokens:
            shown = f"{lengths.min()} to {lengths.max()} words, mostly {usual}"
            found.append(Finding("unequal lengths", len(other), shown, "Usual for textual identifiers.", FINE))
        else:
            shown = f"{some(other)}; the others have {many(usual, 'code')}"
            advice = "Read as words. If all should have one length, find out what wrote these items."
            found.append(Finding("unequal lengths", len(other), shown, advice, BAD))
    if len(raw.kinds) > 1:
        advice = f"Only the {kind} identifiers were read, because lengths differ."
        found.append(Finding("second kind left out", len(raw.kinds) - 1, ", ".join(list(raw.kinds)[1:]), advice, BAD))
    ragged = RaggedIdentifiers(np.array(list(first), dtype=object), tuple(first.values()))
    ragged.check()  # here, where the file's name is known
    return Foreign(None, layout, tuple(found), ragged)


def _with_texts(foreign: Foreign, texts: pd.DataFrame) -> Foreign:
    texts = texts[~texts.index.duplicated()]
    known = [key in texts.index for key in foreign.item_ids]
    if not any(known):
        return foreign
    return replace(foreign, texts=texts.reindex(foreign.item_ids).fillna("").rename_axis("item_id"))


def lookup_frame(foreign: Foreign | IdentifierTable) -> pd.DataFrame:
    """Identifier -> items and item -> identifier in one table, for a CSV file: sort or filter by either column.

    Returns:
        one row per kind and item, by identifier: kind, identifier ("a-b-c"), size (items that carry it), item_id.
    """
    table = foreign.as_table() if isinstance(foreign, Foreign) else foreign
    words: Sequence[str]
    parts = []
    for kind, codes in table.codes.items():
        order = np.lexsort(codes.T[::-1])
        if isinstance(foreign, Foreign) and foreign.ragged is not None:
            words = [" ".join(foreign.ragged.words[place]) for place in order]
        else:
            words = ["-".join(map(str, row)) for row in codes[order].tolist()]
        part = pd.DataFrame({"kind": kind, "identifier": words, "item_id": table.item_ids[order]})
        part.insert(2, "size", part.groupby("identifier")["item_id"].transform("size"))
        parts.append(part)
    return pd.concat(parts, ignore_index=True)
