"""Questions to a trained model, as the views want them: two answers to one history, a beam as a table, an example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from gensar_lite.generate.beam import beam_search, rank_items
from gensar_lite.generate.model import GenSAR
from gensar_lite.generate.tasks import NRIP, NSIP, Action, Prompt, actions, neutral_prompt
from gensar_lite.generate.trace import BeamStep, trace_beam
from gensar_lite.generate.vocabulary import Vocabulary
from gensar_lite.lab.artefacts import Artefacts
from gensar_lite.log.schema import RECOMMENDATION, SEARCH
from gensar_lite.log.split import Histories


class Example(NamedTuple):
    """A shopper to ask about.

    Attributes:
        user: user index.
        history: what the shopper did before the held-out search.
        query: what was typed then.
        item: item index of what was clicked.
    """

    user: int
    history: tuple[Action, ...]
    query: str
    item: int


def question(history: Sequence[Action], behaviour: str, query: str, token_only: bool = False) -> Prompt:
    """What to ask about a history: with its own instruction (and the query, if a search), or by the token alone."""
    if token_only:
        return neutral_prompt(history, behaviour)
    if behaviour == SEARCH:
        return Prompt(NSIP, tuple(history), SEARCH, query)
    return Prompt(NRIP, tuple(history), RECOMMENDATION)


def flip(
    model: GenSAR, history: Sequence[Action], query: str, token_only: bool = False, k: int = 8
) -> dict[str, pd.DataFrame]:
    """Both answers to one history: behaviour -> ``item_id, title, probability, identifier, elsewhere``, best first.

    ``elsewhere`` is the item's rank in the whole catalogue under the other question (from 1, by exact score).

    Raises:
        QuestionError: an empty query where one is needed, or an impossible history.
    """
    asked = {behaviour: question(history, behaviour, query, token_only) for behaviour in (RECOMMENDATION, SEARCH)}
    answers = {behaviour: model.ask(prompt, k) for behaviour, prompt in asked.items()}
    ranks = {behaviour: exact_ranks(model.exact(prompt)) for behaviour, prompt in asked.items()}
    other = {RECOMMENDATION: SEARCH, SEARCH: RECOMMENDATION}
    return {
        behaviour: pd.DataFrame(
            {
                "item_id": [answer.item_id for answer in found],
                "title": [answer.title for answer in found],
                "probability": [answer.probability for answer in found],
                "identifier": [answer.identifier for answer in found],
                "elsewhere": [int(ranks[other[behaviour]][answer.item]) for answer in found],
            },
            index=pd.RangeIndex(1, len(found) + 1, name="rank"),
        )
        for behaviour, found in answers.items()
    }


def exact_ranks(scores: np.ndarray) -> np.ndarray:
    """(N,) rank of every item, from 1; equal scores in item order."""
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[np.lexsort((np.arange(len(scores)), -scores))] = np.arange(1, len(scores) + 1)
    return ranks


def found(model: GenSAR, prompt: Prompt, beams: int) -> np.ndarray:
    """Item indices that a beam of this width finds, best first: all items of its identifiers."""
    shortened, trie = prompt._replace(history=prompt.history[-model.history :]), model.trie(prompt.behaviour)
    items = rank_items(beam_search(model.generator, [shortened], trie, beams), trie, model.table.n_items).items[0]
    return items[items >= 0]


def trace(model: GenSAR, prompt: Prompt, beams: int, constrained: bool = True) -> pd.DataFrame:
    """One question's beam, step by step, as ``beam_table`` gives it."""
    shortened = prompt._replace(history=prompt.history[-model.history :])
    trie, size = model.trie(prompt.behaviour), len(model.vocabulary)
    steps = trace_beam(model.generator, shortened, trie, beams, size, constrained)
    return beam_table(steps, model.vocabulary)


def beam_table(steps: Sequence[BeamStep], vocabulary: Vocabulary) -> pd.DataFrame:
    """Beam steps as one table, best first within a step.

    Returns:
        columns ``step`` (from 1), ``place`` (0 is best), ``parent`` (place in the step before), ``prefix``, ``token``,
        ``log_prob`` (nats), ``probability``, ``kept``, ``items`` (that begin with the prefix) and ``forbidden``
        (probability the constraint took away in this step, the same in all its rows).
    """
    columns = ["step", "place", "parent", "prefix", "token", "log_prob", "probability", "kept", "items", "forbidden"]
    rows = []
    for number, step in enumerate(steps, start=1):
        for place, prefix in enumerate(step.prefixes.tolist()):
            score = float(step.log_probs[place])
            told = (vocabulary.text(prefix), vocabulary.tokens[prefix[-1]], score, float(np.exp(score)))
            now = (bool(step.kept[place]), int(step.items[place]), step.forbidden)
            rows.append((number, place, int(step.parents[place]), *told, *now))
    return pd.DataFrame(rows, columns=columns)


def lost_at(beam: pd.DataFrame, identifier: str) -> int | None:
    """Step (from 1) in which a beam let go of an identifier (tokens with spaces between); None if it kept it."""
    kept = {step: set(rows.loc[rows["kept"], "prefix"]) for step, rows in beam.groupby("step")}
    tokens = identifier.split()
    return next((step for step in range(1, len(tokens) + 1) if " ".join(tokens[:step]) not in kept.get(step, ())), None)


def history_table(made: Artefacts, history: Sequence[Action]) -> pd.DataFrame:
    """A history to read: what was done, and with which item or words; oldest first."""
    titles = made.log.items["title"].tolist()
    what = [titles[action.item] if action.item >= 0 else f'"{action.query}"' for action in history]
    days = [action.instant for action in history]
    return pd.DataFrame({"time": days, "token": [f"<{action.behaviour}>" for action in history], "what": what})


def example(made: Artefacts, tries: int = 120, events: tuple[int, int] = (5, 12)) -> Example:
    """A held-out search that makes the point: found with the query, and far from what is recommended.

    Of the first ``tries`` test searches with a history of medium length whose target stands first or second, the one
    whose ten search answers share the fewest kinds of product (deepest category) with the ten recommended items; the
    one with the longer history of equals.
    """
    cases = made.split.test
    cases = cases[(cases["task"] == SEARCH) & cases["n_history"].between(*events)].head(tries)
    histories, kind = Histories(made.log), made.log.items["categories"].to_numpy()
    searched = made.model.top(cases, 10, made.log, histories, beams=10)
    recommended = made.model.top(cases.assign(task=RECOMMENDATION), 10, made.log, histories, beams=10)
    late = (searched[:, :2] != cases["item"].to_numpy()[:, None]).all(1)
    alike = [np.isin(kind[one], kind[other]).sum() for one, other in zip(searched, recommended)]
    chosen = cases.iloc[int(np.lexsort((-cases["n_history"].to_numpy(), alike, late))[0])]
    history = actions(made.log, histories.before(int(chosen["event"])))
    return Example(int(chosen["user"]), history, str(chosen["query"]), int(chosen["item"]))
