"""The tokens a generator reads and speaks: words, behaviour tokens, one token per code, and whole queries.

Words are whole words taken from the item texts and the training queries, so that a reader can follow every token; a
word outside the vocabulary becomes ``<unk>``. Every code of every level has a token, used by an item or not. A query
that came up again and again in training may have a token of its own beside its words, as an item has codes: words tell
what a new query means, the token remembers what people who typed this very query went on to click.
This module knows nothing about tasks or models.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from functools import cached_property
from typing import NamedTuple

import numpy as np
from jaxtyping import Int

from gensar_lite.identify.table import COLLABORATIVE, SEMANTIC, IdentifierTable
from gensar_lite.log.schema import BEHAVIOURS
from gensar_lite.log.text import words

PAD, UNKNOWN, END = 0, 1, 2
SPECIAL = ("<pad>", "<unk>", "</s>")
LETTERS = {SEMANTIC: "S", COLLABORATIVE: "R"}


class Segment(NamedTuple):
    """A contiguous range of token ids: start <= id < stop."""

    start: int
    stop: int


class Vocabulary:
    """Token strings and their ids.

    Ids run: specials, behaviour tokens, words, then the code tokens segment by segment: the shared levels (M1, M2, …),
    then each kind's specific levels (S1, S2, …, R1, R2, …), then the whole queries, each in quotation marks. A
    segment's ids are contiguous and in code order.
    """

    def __init__(self, word_list: Iterable[str], table_shape: TableShape, queries: Iterable[str] = ()) -> None:
        self.word_list = tuple(word_list)
        self.query_list = tuple(queries)
        self.shape = table_shape
        names = [*SPECIAL, *(f"<{behaviour}>" for behaviour in BEHAVIOURS)]
        self.words = Segment(len(names), len(names) + len(self.word_list))
        names += self.word_list
        self._segments: dict[tuple[str, int], Segment] = {}
        for kind in table_shape.kinds:
            for level, size in enumerate(table_shape.sizes[kind]):
                shared = level < table_shape.shared
                key = ("shared" if shared else kind, level)
                if key in self._segments:
                    continue
                letter = "M" if shared else LETTERS.get(kind, kind[:1].upper())
                place = level + 1 if shared else level - table_shape.shared + 1
                self._segments[key] = Segment(len(names), len(names) + size)
                names += [f"<{letter}{place}_{code}>" for code in range(size)]
        self.queries = Segment(len(names), len(names) + len(self.query_list))
        self.tokens = (*names, *(f'"{query}"' for query in self.query_list))

    @classmethod
    def build(
        cls,
        texts: Iterable[str],
        queries: Iterable[str],
        table: IdentifierTable,
        max_words: int = 4000,
        whole_queries: Iterable[str] = (),
    ) -> Vocabulary:
        """Words of the training queries first (all of them), then the commonest words of the item texts.

        Args:
            texts: item titles and descriptions.
            queries: training queries only; test queries would leak their words.
            whole_queries: those that get a token of their own, from training as well.
            table: identifiers, for the number of codes per level.
            max_words: upper bound on the number of words, those of the queries included.
        """
        asked = Counter(word for query in queries for word in words(query))
        written = Counter(word for text in texts for word in words(text) if word not in asked)
        ranked = [sorted(counts, key=lambda word: (-counts[word], word)) for counts in (asked, written)]
        spelt = dict.fromkeys(" ".join(words(query)) for query in whole_queries)
        return cls([*ranked[0], *ranked[1]][:max_words], TableShape.of(table), [query for query in spelt if query])

    @cached_property
    def index(self) -> dict[str, int]:
        """Token string -> id."""
        return {token: number for number, token in enumerate(self.tokens)}

    def __len__(self) -> int:
        return len(self.tokens)

    def behaviour(self, behaviour: str) -> int:
        """Id of ``<R_I>``, ``<S_Q>`` or ``<S_I>``, given without the brackets."""
        return self.index[f"<{behaviour}>"]

    def words_of(self, text: str, limit: int | None = None) -> list[int]:
        """Ids of a text's words, unknown ones as ``<unk>``, at most ``limit``."""
        return [self.index.get(word, UNKNOWN) for word in words(text)[:limit]]

    def query(self, query: str) -> list[int]:
        """The query's own token, or nothing if it has none; capitals and punctuation do not matter."""
        token = self.index.get(f'"{" ".join(words(query))}"')
        return [] if token is None else [token]

    def segment(self, kind: str, level: int) -> Segment:
        """Ids of the codes of one level (0-based) of a kind's identifier; shared levels are the same for all kinds."""
        return self._segments["shared" if level < self.shape.shared else kind, level]

    def level_tokens(self, level: int) -> list[int]:
        """Ids that may stand at a level (0-based) of any kind's identifier: what a per-level softmax runs over."""
        segments = dict.fromkeys(self.segment(kind, level) for kind in self.shape.kinds)
        return [token for segment in segments for token in range(segment.start, segment.stop)]

    def identifiers(self, table: IdentifierTable, kind: str) -> Int[np.ndarray, "N L"]:
        """Token ids of every item's identifier of a kind."""
        codes = table.codes[kind]
        starts = [self.segment(kind, level).start for level in range(codes.shape[1])]
        return codes.astype(np.int64) + np.array(starts, dtype=np.int64)

    def text(self, ids: Iterable[int]) -> str:
        """Token ids as a readable line."""
        return " ".join(self.tokens[number] for number in ids)


class TableShape(NamedTuple):
    """What a vocabulary must know of an identifier table: its kinds, codes per level, and shared levels."""

    kinds: tuple[str, ...]
    sizes: dict[str, tuple[int, ...]]
    shared: int

    @classmethod
    def of(cls, table: IdentifierTable) -> TableShape:
        """The shape of a table."""
        return cls(table.kinds, {kind: tuple(map(int, sizes)) for kind, sizes in table.sizes.items()}, table.shared)

    @property
    def levels(self) -> int:
        """L, codes per identifier (the same for all kinds)."""
        return len(next(iter(self.sizes.values())))
