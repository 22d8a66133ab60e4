"""Packs training examples for the packed generator: one row per shopper, all their targets beside their history."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Int

from gensar_lite.generate.packed import (
    ANSWER_WORDS,
    TEXT_WORDS,
    Asked,
    Batch,
    Slots,
    SlotTable,
)
from gensar_lite.generate.tasks import (
    DESC2ID,
    DOC2QUERY,
    ID2DESC,
    NRIP,
    NSIP,
    NSQP,
    Prompt,
    TaskMix,
    actions,
    text_phrases,
    typed_queries,
)
from gensar_lite.generate.vocabulary import END, Vocabulary
from gensar_lite.identify.table import IdentifierTable
from gensar_lite.log.schema import QUERY, RECOMMENDATION, SEARCH, JointLog
from gensar_lite.log.split import Split

POOL = 16  # batches' worth of windows that are sorted by length together


class Augmentation(NamedTuple):
    """What training changes about its examples, by lot and each time they are read, so that little is learned by rote.

    Attributes:
        event_dropout: share of the events that are hidden from all that is asked after them.
        query_dropout: share of the searches asked without any words, so that <S_I> alone is a known question.
        query_redraw: share of the searches asked with another query that led to the item; with extra targets only.
        phrases: share of borrowed queries (these, those of clicks nobody searched for, and doc2query's) that are drawn
            from ``text_phrases`` instead of ``typed_queries``.
    """

    event_dropout: float = 0.15
    query_dropout: float = 0.1
    query_redraw: float = 0.25
    phrases: float = 0.2


class Window(NamedTuple):
    """A stretch of one shopper's events and the targets asked within it (event indices)."""

    events: Int[np.ndarray, " H"]
    targets: Int[np.ndarray, " A"]


class PackedData:
    """All training targets of a log, ready to be batched.

    Args:
        history: events in a window. Longer logs are cut into windows that overlap by half, so that every target has
            at least ``history / 2`` events before it where the shopper has that many.
    """

    def __init__(
        self,
        log: JointLog,
        split: Split,
        table: IdentifierTable,
        vocabulary: Vocabulary,
        mix: TaskMix,
        history: int = 50,
        both_identifiers: bool = True,
        augmentation: Augmentation | None = None,
    ) -> None:
        self.mix = mix
        self.vocabulary = vocabulary
        self.augmentation = augmentation or Augmentation()
        if not mix.extra_targets:
            self.augmentation = self.augmentation._replace(query_redraw=0.0)
        slots = SlotTable(vocabulary, table, both_identifiers)
        self._time = log.events["timestamp"].to_numpy()
        everything = actions(log, range(len(log.events)))
        self._event_slots = _padded([slots.event(action) for action in everything], slots.width)
        self._behaviour = log.events["behaviour"].to_numpy()
        item = log.events["item"].to_numpy()
        typed, phrases = typed_queries(log, split), text_phrases(log)
        distinct = sorted({"", *log.events["query"], *(query for known in typed + phrases for query in known)})
        number = {query: place for place, query in enumerate(distinct)}  # "" sorts first: number 0
        self._item, self._query = item, log.events["query"].map(number).to_numpy()
        self._typed, self._phrases = _Lists.of(typed, number), _Lists.of(phrases, number)
        # Items for doc2query: one as often as it was searched for, and twice more if its text says anything.
        self._sought = np.repeat(np.arange(log.n_items), self._typed.count + 2 * (self._phrases.count > 0))
        self._identifiers = slots.identifiers[SEARCH]
        self._asks = {
            task: _padded([slots.ask(Prompt(task, (), behaviour, query)) for query in queries], slots.width)
            for task, behaviour, queries in (
                (NRIP, RECOMMENDATION, [""]),
                (NSQP, QUERY, [""]),
                (NSIP, SEARCH, distinct),
            )
        }
        self._answers = {
            NRIP: slots.identifiers[RECOMMENDATION][item],
            NSIP: slots.identifiers[SEARCH][item],
            NSQP: _padded(
                [(slots.query_words(action.query)[: ANSWER_WORDS - 1] + [END]) if action.item < 0 else []
                 for action in everything], ANSWER_WORDS),
        }  # fmt: skip
        self.windows = list(_windows(log, split, history))
        self._texts = _text_tasks(log, table, vocabulary, slots, mix)

    def batches(self, epoch: int, seed: int, rows: int, text_rows: int) -> Iterator[Batch]:
        """The batches of one epoch; the same seed and epoch give the same batches.

        Args:
            rows: windows per batch; windows of like length stand together to save padding.
            text_rows: examples of each text task added to a batch.
        """
        rng = np.random.default_rng((seed, epoch))
        order = rng.permutation(len(self.windows))
        length = np.array([len(window.events) + len(window.targets) for window in self.windows])
        pool = rows * POOL
        batches = []
        for start in range(0, len(order), pool):
            part = order[start : start + pool]
            part = part[np.argsort(length[part], kind="stable")]
            batches += [part[first : first + rows] for first in range(0, len(part), rows)]
        for number in rng.permutation(len(batches)):
            yield self._collate(batches[number], text_rows, rng)

    def n_batches(self, rows: int) -> int:
        """Batches in an epoch: every pool but the last is a whole number of them."""
        return -(-len(self.windows) // rows)

    def _collate(self, numbers: np.ndarray, text_rows: int, rng: np.random.Generator) -> Batch:
        rows = [self._row(self.windows[number], text_rows / len(numbers), rng) for number in numbers]
        texts = {
            task: (asks[picked], answers[picked])
            for task, (asks, answers) in self._texts.items()
            for picked in [rng.integers(len(asks), size=min(text_rows, len(asks)))]
        }
        if self.mix.doc2query > 0 and len(self._sought):
            items = self._sought[rng.integers(len(self._sought), size=min(text_rows, len(self._sought)))]
            # With nothing before it, a search asks what doc2query asks.
            texts[DOC2QUERY] = self._asks[NSIP][self._borrowed(items, rng)], self._identifiers[items]
        alone = sum(len(asks) for asks, _ in texts.values())
        longest = max([len(row.tokens) for row in rows])
        extra = -(-alone // longest)  # text asks need no history: they share rows, each seeing only itself
        widest = max([rows[0].tokens.shape[1], *(asks.shape[1] for asks, _ in texts.values())])
        tokens = np.zeros((len(rows) + extra, longest, widest), dtype=np.int64)
        instant = np.zeros(tokens.shape[:2], dtype=np.int64)
        position = np.zeros(tokens.shape[:2], dtype=np.int64)
        is_event = np.zeros(tokens.shape[:2], dtype=bool)
        asked: dict[str, list[tuple[np.ndarray, np.ndarray]]] = {}
        for number, row in enumerate(rows):
            size = len(row.tokens)
            tokens[number, :size, : row.tokens.shape[1]] = row.tokens
            instant[number, :size] = row.instant
            position[number, :size] = row.position
            is_event[number, : row.events] = rng.random(row.events) >= self.augmentation.event_dropout
            for task, place, answers in row.asked:
                asked.setdefault(task, []).append((place + number * longest, answers))
        place = len(rows) * longest
        flat = tokens.reshape(-1, widest)
        for task, (asks, answers) in texts.items():
            flat[place : place + len(asks), : asks.shape[1]] = asks
            asked.setdefault(task, []).append((np.arange(place, place + len(asks)), answers))
            place += len(asks)
        return Batch(
            Slots(*map(torch.from_numpy, (tokens, instant, position, is_event))),
            [
                Asked(task, *(torch.from_numpy(np.concatenate(parts)) for parts in zip(*chunks, strict=True)))
                for task, chunks in asked.items()
            ],
        )

    def _row(self, window: Window, words_asked: float, rng: np.random.Generator) -> _Row:
        """One row of a batch; about ``words_asked`` of its queries are asked for, since answering in words is dear."""
        times = self._time[window.events]
        parts = [(self._event_slots[window.events], times)]
        asked, place = [], len(window.events)
        clicks = (RECOMMENDATION, SEARCH)
        for task, behaviours in (
            (NRIP, clicks if self.mix.extra_targets else (RECOMMENDATION,)),
            (NSIP, clicks if self.mix.extra_targets else (SEARCH,)),
            (NSQP, (QUERY,)),
        ):
            targets = window.targets[np.isin(self._behaviour[window.targets], behaviours)]
            if task == NSQP:
                targets = targets[rng.random(len(targets)) < words_asked / max(len(targets), 1)]
            if not len(targets) or self.mix.weight(task) == 0:
                continue
            queries = self._queries_for(targets, rng) if task == NSIP else np.zeros(len(targets), dtype=np.int64)
            slots = self._asks[task][queries]
            parts.append((slots, self._time[targets]))
            asked.append((task, np.arange(place, place + len(targets)), self._answers[task][targets]))
            place += len(targets)
        tokens = np.concatenate([slots for slots, _ in parts])
        instant = np.concatenate([time for _, time in parts])
        return _Row(tokens, instant, np.searchsorted(times, instant), len(window.events), asked)

    def _queries_for(self, targets: Int[np.ndarray, " A"], rng: np.random.Generator) -> Int[np.ndarray, " A"]:
        """The query asked for each target: its own; for a click nobody searched for, one that could lead to the item;
        now and then none at all, so that <S_I> alone is a known question."""
        chances = self.augmentation
        own = (self._behaviour[targets] == SEARCH) & (rng.random(len(targets)) >= chances.query_redraw)
        queries = np.where(own, self._query[targets], self._borrowed(self._item[targets], rng))
        return np.where(rng.random(len(targets)) < chances.query_dropout, 0, queries)

    def _borrowed(self, items: Int[np.ndarray, " A"], rng: np.random.Generator) -> Int[np.ndarray, " A"]:
        """A query that could lead to each item: one that did, or a phrase of its text; 0 where there is neither."""
        typed, phrases = self._typed.draw(items, rng), self._phrases.draw(items, rng)
        told = (rng.random(len(items)) < self.augmentation.phrases) & (phrases > 0)
        return np.where(told | (typed == 0), phrases, typed)


class _Lists(NamedTuple):
    """A list of query numbers for each item, one behind the other."""

    numbers: np.ndarray
    first: np.ndarray  # (N,) where each list begins
    count: np.ndarray  # (N,)

    @classmethod
    def of(cls, lists: list[tuple[str, ...]], number: dict[str, int]) -> _Lists:
        count = np.array([len(one) for one in lists], dtype=np.int64)
        numbers = np.array([number[query] for one in lists for query in one] + [0], dtype=np.int64)
        return cls(numbers, np.cumsum(count) - count, count)

    def draw(self, items: np.ndarray, rng: np.random.Generator) -> np.ndarray:
        """One of each item's list, 0 where it is empty."""
        place = self.first[items] + rng.integers(0, np.maximum(self.count[items], 1))
        return np.where(self.count[items] > 0, self.numbers[place], 0)


class _Row(NamedTuple):
    tokens: np.ndarray
    instant: np.ndarray
    position: np.ndarray
    events: int
    asked: list[tuple[str, np.ndarray, np.ndarray]]


def _padded(rows: list[list[int]], width: int) -> np.ndarray:
    out = np.zeros((len(rows), width), dtype=np.int64)
    for number, row in enumerate(rows):
        out[number, : len(row)] = row[:width]
    return out


def _windows(log: JointLog, split: Split, history: int) -> Iterator[Window]:
    user = log.events["user"].to_numpy()
    bounds = np.searchsorted(user, np.arange(log.n_users + 1))
    for first, last in zip(bounds[:-1], bounds[1:]):
        start, asked_from = first, first
        while True:
            stop = min(start + history, last)
            if last - stop < history // 4:
                stop = last  # a short tail joins the window instead of making one of its own
            targets = np.arange(asked_from, stop)
            targets = targets[split.train[asked_from:stop]]
            if len(targets):
                yield Window(np.arange(start, stop), targets)
            if stop == last:
                break
            start, asked_from = stop - history // 2, stop


def _text_tasks(
    log: JointLog, table: IdentifierTable, vocabulary: Vocabulary, slots: SlotTable, mix: TaskMix
) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    """task -> (ask slots (n, W), answers (n, L)) of Desc2ID and ID2Desc."""
    texts = (log.items["title"] + " " + log.items["description"]).tolist()
    identifiers = [vocabulary.identifiers(table, kind) for kind in table.kinds]
    described = _padded([slots.ask(Prompt(DESC2ID, text=text)) for text in texts], TEXT_WORDS)
    labels = _padded(
        [[*vocabulary.words_of(title, ANSWER_WORDS - 1), END] for title in log.items["title"]], ANSWER_WORDS
    )
    everything = {
        DESC2ID: (np.concatenate([described] * len(identifiers)), np.concatenate(identifiers)),
        ID2DESC: (np.concatenate(identifiers), np.concatenate([labels] * len(identifiers))),
    }
    return {task: arrays for task, arrays in everything.items() if mix.weight(task) > 0 and len(arrays[0])}
