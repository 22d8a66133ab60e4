"""Which items a target competes with, and the rank it reaches (paper, section 4.1).

- *full*: the whole catalogue.
- *paper*: the target and 99 others. For a recommendation, items the user has not touched, drawn uniformly; for a
  search, the best BM25 matches of the query, without the items the user has touched.
- *full, beam*: the list that a generative ranker's beam returns from the whole catalogue, shown beside its exact
  scores.

All candidates are scored exactly: with 100 candidates and a beam of 30, 70 could never be reached. BM25 as a *ranker*
of its own hard negatives is handicapped, because they are chosen to be the items it likes best; tables say so.

This module knows cases, scores and candidates. It does not know metrics' values or intervals.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol, runtime_checkable

import numpy as np
import pandas as pd
from jaxtyping import Float

from gensar_lite.evaluate.baselines.counts import item_counts
from gensar_lite.evaluate.baselines.text import BM25
from gensar_lite.evaluate.metrics import CUTOFF, Ranks, ScoreError, rank_lists, rank_scores
from gensar_lite.log.schema import SEARCH, JointLog
from gensar_lite.log.split import TASKS, Split

FULL, PAPER, BEAM = "full", "paper", "full, beam"
PROTOCOLS = (FULL, PAPER)
BATCH = 512  # cases scored at a time
BATCH_CELLS = 2**25  # cases times items of one score matrix, at most (256 MiB of float64)


@runtime_checkable
class Scorer(Protocol):
    """The part of a ranker that works."""

    def scores(self, cases: pd.DataFrame) -> Float[np.ndarray, "B N"]:
        """Score every item for B cases; higher is better."""


@runtime_checkable
class Ranker(Protocol):
    """Anything that scores the catalogue for a case.

    Attributes:
        name: the row's name in tables; unique among the rankers of one table.
        trained_on: what it learned from, in words ("all item events", "recommendation targets only").

    A ranker may also have
        ``tasks``: the tasks it answers, a tuple of R_I and S_I; both if it does not say;
        ``notes``: (task, protocol) -> a remark for that row of a table;
        ``top(cases, k) -> (B, k) int``: item indices its beam returns, best first, no item twice, -1 padding.
    """

    name: str
    trained_on: str

    def scores(self, cases: pd.DataFrame) -> Float[np.ndarray, "B N"]:
        """Score every item for B cases (rows of ``Split.test``, all of one task); higher is better, no NaN."""


@dataclass(frozen=True)
class Row:
    """A ranker's scores under the name and facts of a table row (an oracle, SASRec, a variant of one model).

    Attributes:
        scorer: anything with ``scores(cases)``.
        name, trained_on, tasks, notes: as in ``Ranker``.
    """

    scorer: Scorer
    name: str
    trained_on: str
    tasks: tuple[str, ...] = TASKS
    notes: Mapping[tuple[str, str], str] = field(default_factory=dict)

    def scores(self, cases: pd.DataFrame) -> Float[np.ndarray, "B N"]:
        """The scorer's scores."""
        return self.scorer.scores(cases)


@dataclass(frozen=True)
class Negatives:
    """How the paper protocol's other candidates are chosen.

    Attributes:
        recommendation: "uniform" over the items the user has not touched, or "popularity" (the official code's way):
            proportional to training events.
        search_excludes: "touched" keeps every item the user has clicked, ever, out of the hard negatives; "target"
            (the official code's way) keeps only the case's own target out.
        count: negatives per case.
    """

    recommendation: str = "uniform"
    search_excludes: str = "touched"
    count: int = 99

    def __post_init__(self) -> None:
        """Refuse unknown words."""
        if self.recommendation not in ("uniform", "popularity"):
            raise ValueError(f"recommendation negatives {self.recommendation!r}: choose uniform or popularity")
        if self.search_excludes not in ("touched", "target"):
            raise ValueError(f"search_excludes {self.search_excludes!r}: choose touched or target")
        if self.count < 1:
            raise ValueError(f"{self.count} negatives per case: give at least 1")


class Candidates(NamedTuple):
    """The paper protocol's candidates of B cases.

    Attributes:
        items: (B, C) item indices in ascending order, none twice; -1 pads rows of a catalogue with too few items.
        target: (B,) column of the target.
        filled: (B,) candidates drawn at random because the proper source (BM25, popularity) had too few.
    """

    items: np.ndarray
    target: np.ndarray
    filled: np.ndarray


def paper_candidates(
    log: JointLog,
    split: Split,
    cases: pd.DataFrame,
    seed: int,
    negatives: Negatives | None = None,
    bm25: BM25 | None = None,
) -> Candidates:
    """Choose each case's candidates once.

    A case's candidates depend on the log, the seed and the case alone, not on the other cases.

    Args:
        cases: rows of ``split.test`` or ``split.validation``.
        seed: of the random draws.
        negatives: None takes the defaults.
        bm25: an index over the log's items to reuse; None builds one if a search asks for it.
    """
    negatives = negatives or Negatives()
    touched = _touched_items(log)
    weights = item_counts(log, split) if negatives.recommendation == "popularity" else None
    is_search = (cases["task"] == SEARCH).to_numpy()
    bm25 = bm25 or (BM25(log.items) if is_search.any() else None)
    items = np.full((len(cases), negatives.count + 1), -1, dtype=np.int64)
    filled = np.zeros(len(cases), dtype=np.int64)
    queries = cases["query"].to_numpy(dtype=object)
    preferred: dict[str, np.ndarray] = {}  # the matches of each query, best first
    for row, case in enumerate(cases.itertuples()):
        rng = np.random.default_rng([seed, case.event])
        own_only = is_search[row] and negatives.search_excludes == "target"
        free = np.ones(log.n_items, dtype=bool)
        free[[case.item] if own_only else touched[case.user]] = False
        free[case.item] = False
        if is_search[row]:
            query = queries[row]
            if query not in preferred:
                preferred[query] = _matches(bm25.query_scores([query])[0])
            proper = preferred[query]
            chosen = proper[free[proper]][: negatives.count]
        elif weights is not None:
            chosen = _draw_by_weight(np.where(free, weights, 0.0), negatives.count, rng)
        else:
            chosen = _draw(free, negatives.count, rng)
        free[chosen] = False
        rest = _draw(free, negatives.count - len(chosen), rng)
        filled[row] = len(rest)
        every = np.sort(np.concatenate([chosen, rest, [case.item]]))
        items[row, : len(every)] = every
    target = (items == cases["item"].to_numpy()[:, None]).argmax(axis=1)
    return Candidates(items, target, filled)


def batches(cases: pd.DataFrame, n_items: int) -> Iterator[pd.DataFrame]:
    """Cut cases of one task into batches whose score matrix fits in memory."""
    size = max(1, min(BATCH, BATCH_CELLS // max(1, n_items)))
    for start in range(0, len(cases), size):
        yield cases.iloc[start : start + size]


def checked_scores(name: str, scores: np.ndarray, cases: pd.DataFrame, n_items: int) -> np.ndarray:
    """The scores as a float array, once they can be ranked.

    Raises:
        ScoreError: not (B, N), or NaN somewhere; the message names the ranker and the first bad case.
    """
    scores = np.asarray(scores)
    if scores.shape != (len(cases), n_items):
        raise ScoreError(
            f"{name}: scores of shape {scores.shape} for {len(cases)} cases and {n_items} items. "
            "Give one row per case and one column per item of the catalogue."
        )
    if scores.dtype.kind != "f":
        scores = scores.astype(np.float64)
    bad = np.isnan(scores)
    if bad.any():
        row, column = (int(place[0]) for place in np.nonzero(bad))
        case = cases.iloc[row]
        raise ScoreError(
            f"{name}: the score of item {column} is NaN for user {case['user']}, event {case['event']} "
            f"({int(bad.any(axis=1).sum())} of {len(cases)} cases). NaN cannot be ranked; -inf puts an item last."
        )
    return scores


def exact_ranks(
    ranker: Ranker,
    cases: pd.DataFrame,
    n_items: int,
    candidates: Candidates | None,
    groups: np.ndarray | None = None,
) -> dict[str, Ranks]:
    """Ranks under *full* and, with candidates, under *paper*, from one score matrix of a batch.

    Args:
        ranker: scored once.
        cases: one batch.
        n_items: N.
        candidates: of the same cases; None leaves *paper* out.
        groups: (N,) identifier group of each item, for a ranker with identifiers.
    """
    scores = checked_scores(ranker.name, ranker.scores(cases), cases, n_items)
    ranks = {FULL: rank_scores(scores, None, cases["item"].to_numpy(dtype=np.int64), groups)}
    if candidates is not None:
        among = np.take_along_axis(scores, np.maximum(candidates.items, 0), axis=1)
        among = np.where(candidates.items >= 0, among, -np.inf)
        ranks[PAPER] = rank_scores(among, candidates.items, candidates.target, groups)
    return ranks


def beam_ranks(ranker: Ranker, cases: pd.DataFrame, n_items: int, groups: np.ndarray | None = None) -> Ranks:
    """Ranks in the lists of CUTOFF items that the ranker's beam returns.

    Raises:
        ScoreError: not (B, CUTOFF) item indices, or a list that holds an item twice.
    """
    lists = np.asarray(ranker.top(cases, CUTOFF))
    if lists.shape != (len(cases), CUTOFF) or lists.dtype.kind not in "iu":
        raise ScoreError(
            f"{ranker.name}: top() gave {lists.dtype} of shape {lists.shape} for {len(cases)} cases. "
            f"Give {CUTOFF} item indices per case, -1 padding short lists."
        )
    if lists.size and (lists.max() >= n_items or lists.min() < -1):
        raise ScoreError(f"{ranker.name}: top() gave item indices outside 0..{n_items - 1} (-1 is padding).")
    try:
        return rank_lists(lists.astype(np.int64), cases["item"].to_numpy(dtype=np.int64), groups)
    except ScoreError as error:
        raise ScoreError(f"{ranker.name}: {error}") from None


def answers(ranker: Ranker, task: str) -> bool:
    """True if the ranker can be asked this task."""
    return task in getattr(ranker, "tasks", TASKS)


def _touched_items(log: JointLog) -> list[np.ndarray]:
    """The items each user has an event with, held-out ones included: none of them is a fair negative."""
    events = log.events[log.events["item"] >= 0]
    by_user = events.groupby("user")["item"].unique()
    return [by_user.get(user, np.zeros(0, dtype=np.int64)) for user in range(log.n_users)]


def _matches(scores: np.ndarray) -> np.ndarray:
    """Items with a positive score, best first, ties by item index."""
    order = np.argsort(-scores, kind="stable")
    return order[scores[order] > 0]


def _draw(free: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Up to ``count`` different free items, uniformly."""
    pool = np.flatnonzero(free)
    return rng.choice(pool, size=min(count, len(pool)), replace=False)


def _draw_by_weight(weights: np.ndarray, count: int, rng: np.random.Generator) -> np.ndarray:
    """Up to ``count`` different items of positive weight, one after the other with chances by weight (Gumbel top-k)."""
    pool = np.flatnonzero(weights > 0)
    keys = np.log(weights[pool]) + rng.gumbel(size=len(pool))
    return pool[np.argsort(-keys, kind="stable")[:count]]
