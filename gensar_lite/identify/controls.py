"""What identifiers would look like without meaning, without learning, and without tricks: the controls of a diagnosis.

*random*: every level's codes are dealt out anew, so that each code keeps its number of items and nothing else is left.
*category*: the category path, then a running number (``schemes.category_codes``). *kmeans*: residual k-means on the
same embeddings with the same sizes and shared levels. Each only where its evidence is there.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int

from gensar_lite.identify.evidence import Evidence, Space, sample
from gensar_lite.identify.measures import ENDED, Subject, make_subject
from gensar_lite.identify.table import IdentifierTable
from gensar_lite.log.checks import text_of

RANDOM, CATEGORY, KMEANS = "random", "category", "kmeans"
CONTROLS = (RANDOM, CATEGORY, KMEANS)
FITTED = 20_000  # items that k-means is fitted on
MOST_CODES = 1_024  # per level, beyond which k-means would take minutes


class Controls(NamedTuple):
    """Control identifiers of a table.

    Attributes:
        subjects: kind -> name of the control -> its identifiers.
        kmeans_again: kind -> residual k-means with the next seed.
        notes: which controls are missing, and why.
    """

    subjects: dict[str, dict[str, Subject]]
    kmeans_again: dict[str, np.ndarray]
    notes: tuple[str, ...]


def make_controls(
    table: IdentifierTable, open_words: bool, evidence: Evidence, spaces: dict[str, Space | None], seed: int
) -> Controls:
    """All controls that the evidence allows.

    Args:
        table: the identifiers to be controlled.
        open_words: the codes number words of an open vocabulary, whose sizes mean nothing.
        evidence: categories, if any, in the table's order.
        spaces: kind -> the embedding it was made of, or None.
        seed: of everything drawn; k-means is made a second time with ``seed + 1000``.
    """
    notes = []
    subjects: dict[str, dict[str, Subject]] = {kind: {} for kind in table.kinds}
    for kind, codes in shuffled(table, open_words, seed).items():
        subjects[kind][RANDOM] = _subject(table, kind, codes, open_words)
    if evidence.categories is not None:
        from gensar_lite.identify.schemes import category_codes

        paths = [text_of(path) for path in evidence.categories]
        for sizes in set(table.sizes.values()):
            codes = category_codes(paths, sizes)
            for kind in (kind for kind in table.kinds if table.sizes[kind] == sizes):
                subjects[kind][CATEGORY] = _subject(table, kind, codes, open_words=False)
    else:
        notes.append("No category control: no categories were given.")
    why_not = _no_kmeans(table, open_words, spaces)
    if why_not:
        return Controls(subjects, {}, (*notes, f"No k-means control: {why_not}"))
    found = kmeans_codes(table, spaces, seed)
    for kind, codes in found.items():
        subjects[kind][KMEANS] = _subject(table, kind, codes, open_words=False)
    if table.n_items > FITTED:
        notes.append(
            f"The k-means control is fitted on {FITTED} of {table.n_items} items (seed {seed}), then applied to all."
        )
    return Controls(subjects, kmeans_codes(table, spaces, seed + 1000), tuple(notes))


def shuffled(table: IdentifierTable, open_words: bool, seed: int) -> dict[str, np.ndarray]:
    """Codes of every kind dealt out anew level by level; kinds keep agreeing on their shared levels.

    Words are dealt out among the items that have one at that place, so that lengths stay.
    """
    found = {}
    for number, (kind, codes) in enumerate(table.codes.items()):
        dealt = codes.copy()
        for level in range(codes.shape[1]):
            family = 0 if level < table.shared else number + 1
            random = np.random.default_rng([seed, family, level])
            if open_words:
                rows = np.flatnonzero(codes[:, level] != ENDED)
                dealt[rows, level] = codes[random.permutation(rows), level]
            else:
                dealt[:, level] = random.permutation(codes[:, level])
        found[kind] = dealt
    return found


def kmeans_codes(table: IdentifierTable, spaces: dict[str, Space | None], seed: int) -> dict[str, np.ndarray]:
    """Residual k-means with the table's sizes; its shared levels cluster all kinds' embeddings side by side.

    Fitted on up to ``FITTED`` items, drawn with the seed; the others take their nearest code words.
    """
    known = {kind: spaces[kind].matrix for kind in table.kinds if spaces[kind] is not None}
    joint = len(table.kinds) > 1 and table.shared > 0 and len(known) == len(table.kinds)
    if not joint:
        return {kind: _residual(matrix, table.sizes[kind], seed)[0] for kind, matrix in known.items()}
    together = np.concatenate(list(known.values()), axis=1)
    first = next(iter(table.sizes.values()))
    shared, residual = _residual(together, first[: table.shared], seed)
    found, start = {}, 0
    for place, (kind, matrix) in enumerate(known.items()):
        own = residual[:, start : start + matrix.shape[1]]
        start += matrix.shape[1]
        rest, _ = _residual(own, table.sizes[kind][table.shared :], seed + 100 * (place + 1))
        found[kind] = np.concatenate([shared, rest], axis=1)
    return found


def nearest_word(rows: Float[np.ndarray, "N E"], book: Float[np.ndarray, "K E"]) -> Int[np.ndarray, " N"]:
    """The nearest code word of each row; of equally near ones the first."""
    lengths = np.square(book, dtype=np.float64).sum(axis=1)
    found = np.empty(len(rows), dtype=np.int64)
    step = max(1, 20_000_000 // max(len(book), 1))
    for begin in range(0, len(rows), step):
        block = rows[begin : begin + step]
        found[begin : begin + step] = (lengths - 2.0 * (block @ book.T)).argmin(axis=1)
    return found


def _residual(matrix: np.ndarray, sizes: tuple[int, ...], seed: int) -> tuple[np.ndarray, np.ndarray]:
    """Codes (N, L) of the whole matrix, and what the levels leave of it."""
    from gensar_lite.identify.residual_kmeans import residual_kmeans

    rows = sample(len(matrix), FITTED, seed)
    sizes = tuple(min(size, len(rows)) for size in sizes)
    fitted = residual_kmeans(matrix[rows], sizes, seed)
    if len(rows) == len(matrix):
        return fitted.codes, fitted.residual
    residual, codes = np.array(matrix, dtype=np.float32), np.empty((len(matrix), len(sizes)), dtype=np.int64)
    for level, book in enumerate(fitted.codebooks):
        codes[:, level] = nearest_word(residual, book)
        residual -= book[codes[:, level]]
    return codes, residual


def _no_kmeans(table: IdentifierTable, open_words: bool, spaces: dict[str, Space | None]) -> str | None:
    """Why k-means cannot stand beside these identifiers."""
    if all(space is None for space in spaces.values()):
        return "no embeddings were given."
    if open_words:
        return "identifiers of different lengths have no codebooks."
    most = max(max(sizes) for sizes in table.sizes.values())
    if most > MOST_CODES:
        return f"a level has {most} codes, more than {MOST_CODES}."
    return None


def _subject(table: IdentifierTable, kind: str, codes: np.ndarray, open_words: bool) -> Subject:
    return make_subject(kind, codes, None if open_words else table.sizes[kind])
