"""How well the codes quantise an embedding: what each level explains, how firmly items sit in their codes, churn.

Code words are those given, or are estimated from the items: the word of a code is the mean of what the levels before
it left over of the items that carry it (residual quantisation, eq. 3, 4, with the codes held fixed). For codes that
mean something else under each prefix (category paths) this is a lower bound of what they explain. numpy and scipy.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from gensar_lite.identify.controls import nearest_word
from gensar_lite.identify.diff import match_codes
from gensar_lite.identify.evidence import Prepared, sample
from gensar_lite.identify.measures import QUANTISATION, USE, Measure, Subject, not_its_own, quotient, unjudged
from gensar_lite.identify.table import IdentifierError

NOISE = 0.1  # root mean square length of the noise, in that of the centred embedding
MEASURED = 20_000  # items that take part
SHAKEN = 5_000  # items to which noise is added
_MOST_MATCHED = 2_048  # codes of a level that are matched to those of another seed
_MOST_WORDS = 4_096  # code words whose distances are taken
_FEW = 0.25  # random codes that explain more than this of the rest leave nothing to compare with


class Words(NamedTuple):
    """An embedding as a sum of code words.

    Attributes:
        books: L arrays (C, E): a word for each code in use.
        codes: (N, L) rows of ``books`` that each item carries.
        starts: L + 1 arrays (N, E): the centred embedding, then what is left after each level.
    """

    books: list[np.ndarray]
    codes: np.ndarray
    starts: list[np.ndarray]


def measure_quantisation(subject: Subject, prepared: Prepared, books: list[np.ndarray] | None = None) -> list[Measure]:
    """Unexplained variance, residual norms, firmness and code words of one kind, in the embedding it was made of.

    Where only that of texts is there for identifiers made of clicks, the numbers get no verdict.

    Args:
        subject: the identifiers, or a control of them.
        prepared: with the embedding; without it there is nothing to measure.
        books: L arrays (K, E) of the code words these codes number; estimated if None.

    Raises:
        IdentifierError: codebooks that do not fit.
    """
    space = prepared.nearest_space(subject.kind)
    if space is None or subject.sizes is None:
        return []
    rows = sample(subject.n_items, MEASURED, prepared.seed)
    matrix = space.matrix[rows]
    if books is not None:
        check_books(books, subject, space.raw)
        matrix = space.raw[rows]
    words = code_words(matrix, subject.codes[rows], books)
    found = [*_explained(subject, words), *_words(subject, words), *_firmness(subject, words, prepared.seed)]
    if prepared.own_space(subject.kind) is None:
        return unjudged(found, not_its_own(subject.kind, space.name))
    return found


def code_words(
    matrix: Float[np.ndarray, "N E"], codes: Int[np.ndarray, "N L"], books: list[np.ndarray] | None = None
) -> Words:
    """Take the code words off, level by level.

    Args:
        matrix: one row per item.
        codes: of the same items.
        books: L arrays (K, E); without them each word is the mean of what is left of its items.
    """
    from scipy import sparse

    left = np.array(matrix, dtype=np.float32)
    rows = np.arange(len(left))
    found, compact, starts = [], np.empty(codes.shape, dtype=np.int64), [left]
    for level in range(codes.shape[1]):
        values, own = np.unique(codes[:, level], return_inverse=True)
        if books is not None:
            book = np.asarray(books[level], dtype=np.float32)[values]
        else:
            carries = sparse.csr_matrix((np.ones(len(rows), np.float32), (own, rows)), shape=(len(values), len(rows)))
            book = np.asarray(carries @ left) / np.bincount(own)[:, None].astype(np.float32)
        left = left - book[own]
        found.append(book)
        compact[:, level] = own
        starts.append(left)
    return Words(found, compact, starts)


def churn(codes_a: Int[np.ndarray, "N L"], codes_b: Int[np.ndarray, "M l"]) -> pd.DataFrame:
    """How many items change their code from one training to another, after the codes of each level were matched.

    The second table's codes are renamed level by level so that as many items as possible keep theirs (Hungarian
    algorithm), because two trainings number the same clusters differently. Tables of different lengths are compared
    on the levels both have.

    Args:
        codes_a, codes_b: the same items in the same order.

    Returns:
        one row per level: level, moved (share of items whose code differs), prefix_moved (share whose code differs at
        this level or an earlier one). NaN from a level on that has more than 2,048 codes: too many to match.

    Raises:
        IdentifierError: different numbers of items.
    """
    if len(codes_a) != len(codes_b):
        raise IdentifierError(
            f"Churn of {len(codes_a)} and {len(codes_b)} items: give the same items in the same order."
        )
    rows, stays = [], np.ones(len(codes_a), dtype=bool)
    for level in range(min(codes_a.shape[1], codes_b.shape[1])):
        old, new = codes_a[:, level], codes_b[:, level]
        if max(len(np.unique(old)), len(np.unique(new))) > _MOST_MATCHED:
            rows += [(later + 1, np.nan, np.nan) for later in range(level, codes_a.shape[1])]
            break
        kept = match_codes(old, new) == old
        stays &= kept
        rows.append((level + 1, 1 - kept.mean(), 1 - stays.mean()))
    return pd.DataFrame(rows, columns=["level", "moved", "prefix_moved"])


def measure_churn(codes: Int[np.ndarray, "M L"], other: Int[np.ndarray, "M l"] | None) -> list[Measure]:
    """``churn`` against the same scheme with another seed; values are NaN if there is none."""
    moved = churn(codes, other)["moved"].tolist() if other is not None else [float("nan")] * codes.shape[1]
    found = []
    for level, value in enumerate(moved, start=1):
        formula = "give the table of another seed (other_seed) to measure it"
        if np.isfinite(value):
            formula = f"{round(value * len(codes))}/{len(codes)} items, after matching the codes of each level"
        unit = "share of items"
        found.append(Measure(QUANTISATION, "churn across seeds", "", level, value, unit, formula, level == 1))
    return found


def _explained(subject: Subject, words: Words) -> list[Measure]:
    """1 - R squared after each level, and the share of the rest that each level takes away."""
    start = words.starts[0] - words.starts[0].mean(axis=0)
    total = float(np.square(start, dtype=np.float64).sum())
    if total == 0:
        return []
    first_norm = float(np.linalg.norm(start, axis=1).mean())
    found, before = [], total
    for level in range(1, subject.levels + 1):
        left = words.starts[level]
        rest = float(np.square(left, dtype=np.float64).sum())
        if level in subject.depths:
            norm = float(np.linalg.norm(left, axis=1).mean())
            gone = quotient(before - rest, before) if before > 1e-9 * total else float("nan")
            chance = (len(words.books[level - 1]) - 1) / max(len(left) - 1, 1)
            found += [
                Measure(
                    QUANTISATION,
                    "unexplained variance",
                    "",
                    level,
                    rest / total,
                    "1 - R squared",
                    f"{rest:.5g}/{total:.5g} = {rest / total:.4g}",
                    False,
                ),
                Measure(
                    QUANTISATION,
                    "variance the level takes",
                    "",
                    level,
                    gone,
                    "share of what was left",
                    f"1 - {rest:.5g}/{before:.5g}; {chance:.3g} expected of random codes",
                    subject.tells(level) and chance < _FEW,
                ),
                Measure(
                    QUANTISATION,
                    "residual norm",
                    "",
                    level,
                    norm / first_norm,
                    "of the mean norm",
                    f"{norm:.4g}/{first_norm:.4g}",
                    False,
                ),
            ]
        before = rest
    return found


def _words(subject: Subject, words: Words) -> list[Measure]:
    """How far code words lie apart, against the length of what they quantise."""
    found = []
    for level in subject.depths:
        book = words.books[level - 1]
        if not 2 <= len(book) <= _MOST_WORDS:
            continue
        length = np.square(book, dtype=np.float64).sum(axis=1)
        squares = length[:, None] + length[None, :] - 2 * (book @ book.T).astype(np.float64)
        np.fill_diagonal(squares, np.inf)
        near = float(np.median(np.sqrt(np.maximum(squares.min(axis=1), 0))))
        norm = float(np.sqrt(np.square(words.starts[level - 1], dtype=np.float64).sum(axis=1).mean()))
        formula = f"median over {len(book)} words of the distance to the nearest other, {near:.4g}, over {norm:.4g}"
        value = quotient(near, norm)
        found.append(Measure(USE, "code word distance", "", level, value, "of what is quantised", formula, False))
    return found


def _firmness(subject: Subject, words: Words, seed: int) -> list[Measure]:
    """Share of items that leave their prefix when noise is added, and of items that sit at the nearest word at all.

    Both assignments, with and without noise, are by nearest word, so that codes made in another space do not count as
    flips; how many of them are not at the nearest word is the second number.
    """
    rows = sample(len(words.codes), SHAKEN, seed + 2)
    clean = words.starts[0][rows].astype(np.float64)
    spread = words.starts[0] - words.starts[0].mean(axis=0)
    size = NOISE * float(np.sqrt(np.square(spread, dtype=np.float64).sum(axis=1).mean()))
    noise = np.random.default_rng(seed).standard_normal(clean.shape) / np.sqrt(clean.shape[1])
    calm, shaken = clean.copy(), clean + size * noise
    stays, nearest = np.ones(len(rows), dtype=bool), np.ones(len(rows), dtype=bool)
    found = []
    for level in range(1, subject.levels + 1):
        book = words.books[level - 1].astype(np.float64)
        own, moved = nearest_word(calm, book), nearest_word(shaken, book)
        stays &= own == moved
        nearest = words.codes[rows, level - 1] == nearest_word(words.starts[level - 1][rows].astype(np.float64), book)
        calm, shaken = calm - book[own], shaken - book[moved]
        if level in subject.depths and subject.tells(level):
            flips, away = 1 - float(stays.mean()), float(nearest.mean())
            formula = f"{len(rows) - int(stays.sum())}/{len(rows)} items leave prefix {level} at {NOISE:.0%} noise"
            found += [
                Measure(QUANTISATION, "flips under noise", "", level, flips, "share of items", formula, level == 1),
                Measure(
                    QUANTISATION,
                    "at the nearest word",
                    "",
                    level,
                    away,
                    "share of items",
                    f"{int(nearest.sum())}/{len(rows)} items carry the code of their nearest word",
                    False,
                ),
            ]
    return found


def check_books(books: list[np.ndarray], subject: Subject, raw: np.ndarray) -> None:
    """Refuse codebooks that do not fit the identifiers or the embedding.

    Raises:
        IdentifierError: another number of levels, too few words, or words of another width.
    """
    if len(books) != subject.levels:
        raise IdentifierError(f"{len(books)} codebooks for {subject.levels} levels of '{subject.kind}'. Give one each.")
    for level, book in enumerate(books, start=1):
        shape = np.shape(book)
        if len(shape) != 2 or shape[1] != raw.shape[1] or shape[0] <= int(subject.codes[:, level - 1].max()):
            raise IdentifierError(
                f"The codebook of '{subject.kind}', level {level}, has shape {shape}. It needs a word for every code "
                f"in use (up to {int(subject.codes[:, level - 1].max())}), as wide as the embedding ({raw.shape[1]})."
            )
