"""The best possible ranking of the corner shop's test cases: exact filtering of what each shopper has in mind.

The oracle knows how the world was made, but not what is hidden in a shopper. It sees exactly what models see (the
events strictly before the target's day, ``split.Histories``, and the query) and computes

    P(item | history, day)         = sum over states of P(state | history) * P(item | state, past, day)
    P(item | history, query, day)  proportional to P(item | history, day) * P(query | item)

where a state is an archetype with the occasion in mind. Ranking by these is Bayes-optimal: no model does better but
by luck, so its HR and NDCG are the ceiling of what is reachable. The test events are appended by the generator in a
fixed place, so nothing about them was chosen by looking back. Validation cases are "the last but one of its task",
which is looking back a little; there the oracle is very good but not exact.

This module knows no metric and no model.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd

from gensar_lite.log.corner_shop import BACKGROUND, World, repeat_weights, shelf_weights
from gensar_lite.log.schema import SEARCH
from gensar_lite.log.split import Histories

MOST_ITEMS = 50_000


class OracleError(ValueError):
    """There is no exact oracle for this world or case; the message says why."""


class _States(NamedTuple):
    """The hidden states (S of them, those of one archetype next to each other) and what each one buys."""

    archetype: np.ndarray  # (S,)
    occasion: np.ndarray  # (S,)
    share: np.ndarray  # (S,) P(occasion | archetype)
    cell: np.ndarray  # (S,) row of ``item``: states that agree in occasion and style buy alike
    first: np.ndarray  # (A,) first state of each archetype
    item: np.ndarray  # (C, N) P(item | state), all items on sale
    on_sale: np.ndarray  # (C, days) share of ``item`` that is on sale on each day


@dataclass(frozen=True)
class Belief:
    """What a history says about a shopper on a later day.

    Attributes:
        states: (S,) probabilities, sum 1.
        repeat: (P,) item indices bought before and ``repeat_share`` (P,) how likely each is to be the one repeated;
            both empty for a shopper without a past.
    """

    states: np.ndarray
    repeat: np.ndarray
    repeat_share: np.ndarray


class Oracle:
    """A ranker (``name``, ``scores``) that cannot be beaten but by luck.

    Args:
        world: made by ``make_corner_shop``.
        history: False forgets the shopper: every case is judged by the average shopper ("history-blind").
        query: False does not read the query ("query-blind").
        true_state: a diagnostic that no model can match: archetype and occasion are given away.

    Raises:
        OracleError: the world breaks the rules (leaky log), or is too large for tables of states by items.
    """

    def __init__(self, world: World, history: bool = True, query: bool = True, true_state: bool = False) -> None:
        if world.settings.leaky:
            raise OracleError(
                "the leaky log repeats every search click as a recommendation click, which breaks the rules the oracle "
                "reckons with; use the world without the switch 'leaky'"
            )
        if world.log.n_items > MOST_ITEMS:
            raise OracleError(f"the oracle keeps tables of states by items, for at most {MOST_ITEMS:,} items")
        self.world = world
        self.history = history
        self.query = query
        self.true_state = true_state
        blind = [word for word, sees in (("history-blind", history), ("query-blind", query)) if not sees]
        self.name = " ".join(["oracle", *(["with the true state"] if true_state else []), *blind])
        self._states = _make_states(world)
        self._histories = Histories(world.log)
        self._item = world.log.events["item"].to_numpy()
        self._day = world.log.events["timestamp"].to_numpy()
        self._asked: dict[bool, dict[str, tuple[np.ndarray, np.ndarray]]] = {}

    def scores(self, cases: pd.DataFrame) -> np.ndarray:
        """(B, N) probabilities of each item being the target; each row sums to 1.

        Args:
            cases: rows of ``Split.test`` (or ``validation``) of this world's log, of either task.

        Raises:
            OracleError: a query that cannot have been typed in this world.
        """
        launch = self.world.catalogue.launch
        states = self._states
        table = np.zeros((len(cases), len(launch)))
        for row, case in enumerate(cases.itertuples()):
            belief = self.belief(case.event)
            by_cell = np.bincount(states.cell, belief.states, len(states.item))
            line = (by_cell / states.on_sale[:, case.timestamp]) @ states.item * (launch <= case.timestamp)
            if len(belief.repeat):
                repeats = self.world.settings.repeat_permille / 1000
                line *= 1 - repeats
                np.add.at(line, belief.repeat, repeats * belief.repeat_share)
            if self.query and case.task == SEARCH:
                items, chances = self._matches(case.query, bool(self.world.appended[case.event]))
                line[items] *= chances
                others = np.ones(len(line), dtype=bool)
                others[items] = False
                line[others] = 0.0
            table[row] = line / line.sum()
        return table

    def belief(self, event: int) -> Belief:
        """What the events strictly before the day of ``event`` say about that day (without the query)."""
        rows = self._histories.before(event) if self.history else np.zeros(0, dtype=int)
        rows = rows[self._item[rows] >= 0]
        days, number = np.unique(self._day[rows], return_inverse=True)
        items = self._item[rows]
        states = self._prior()
        for today, day in enumerate(days):
            if today:
                states = self._one_night(states)
            states = states * self._likelihood(items, number, today, int(day))
            states /= states.sum()
        if len(days):
            states = self._one_night(states)
        if self.true_state:
            user = self.world.log.events["user"].to_numpy()[event]
            states = (self._states.archetype == self.world.archetype[user]).astype(float)
            states *= self._states.occasion == self.world.occasion[event]
        return Belief(states, *_repeats(items, number, len(days)))

    def _prior(self) -> np.ndarray:
        return self._states.share / len(self._states.first)

    def _one_night(self, states: np.ndarray) -> np.ndarray:
        """The occasion stays, or is drawn anew from the archetype's mixture."""
        stay = self.world.stickiness
        archetypes = np.add.reduceat(states, self._states.first)
        return stay * states + (1 - stay) * archetypes[self._states.archetype] * self._states.share

    def _likelihood(self, items: np.ndarray, number: np.ndarray, today: int, day: int) -> np.ndarray:
        """(S,) P(the items of one day | state, all earlier days)."""
        bought = items[number == today]
        chances = self._states.item[:, bought] / self._states.on_sale[:, day, None]
        if today:
            past, share = _repeats(items[number < today], number[number < today], today)
            again = np.bincount(past, share, self._states.item.shape[1])[bought]
            repeats = self.world.settings.repeat_permille / 1000
            chances = (1 - repeats) * chances + repeats * again
        return chances.prod(axis=1)[self._states.cell]

    def _matches(self, query: str, test: bool) -> tuple[np.ndarray, np.ndarray]:
        """Items a query fits and P(query | item) for each."""
        if test not in self._asked:
            self._asked[test] = _inverted(self.world, test)
        if query not in self._asked[test]:
            raise OracleError(f"nobody types {query!r} in this world; take cases of the world's own log")
        return self._asked[test][query]


def _make_states(world: World) -> _States:
    archetype, occasion = np.nonzero(world.mixture)
    share = world.mixture[archetype, occasion] / world.mixture.sum(axis=1)[archetype]
    cells, cell = np.unique(np.stack([occasion, world.style[archetype]]), axis=1, return_inverse=True)
    item = np.stack([_item_chances(world, int(mind), int(style)) for mind, style in cells.T])
    launch = world.catalogue.launch
    opened = np.stack([np.bincount(launch, chances, world.settings.days) for chances in item])
    first = np.searchsorted(archetype, np.arange(len(world.mixture)))
    return _States(archetype, occasion, share, cell.ravel(), first, item, np.cumsum(opened, axis=1))


def _item_chances(world: World, occasion: int, style: int) -> np.ndarray:
    """(N,) P(item | occasion, style) with every item on sale: type by type, mixed with the background."""
    background = world.settings.background_permille / 1000
    chances = np.zeros(world.log.n_items)
    for mind, part in ((occasion, 1 - background), (BACKGROUND, background)):
        types = world.type_weight[mind] / world.type_weight[mind].sum()
        for shelf, members in enumerate(world.catalogue.shelves()):
            weights = shelf_weights(world.catalogue, world.settings, members, mind, style)
            chances[members] += part * types[shelf] * weights / weights.sum()
    return chances


def _repeats(items: np.ndarray, number: np.ndarray, today: int) -> tuple[np.ndarray, np.ndarray]:
    """Items bought on earlier shopping days (with repetitions) and the chance of each purchase to be repeated."""
    weights = repeat_weights(today - number)
    return items, weights / max(weights.sum(), 1)


def _inverted(world: World, test: bool) -> dict[str, tuple[np.ndarray, np.ndarray]]:
    found: dict[str, list[tuple[int, float]]] = {}
    for item in range(world.log.n_items):
        queries = world.queries(item, test)
        for text, chance in zip(queries.texts, queries.weights / queries.weights.sum(), strict=True):
            found.setdefault(text, []).append((item, chance))
    return {
        text: (np.array([item for item, _ in pairs]), np.array([chance for _, chance in pairs]))
        for text, pairs in found.items()
    }
