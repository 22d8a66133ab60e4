"""Questions to a trained model, as the views want them: two answers to one history, a beam as a table, an example."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import pandas as pd

from gensar_lite.evaluate.agreement import PERSISTENCE, kl_divergence, rank_biased_overlap
from gensar_lite.generate.model import Answer, GenSAR, QuestionError
from gensar_lite.generate.tasks import NRIP, NSIP, QUERY_WORDS, Action, Prompt, actions, neutral_prompt
from gensar_lite.lab.artefacts import Artefacts
from gensar_lite.log.schema import RECOMMENDATION, SEARCH
from gensar_lite.log.split import Histories
from gensar_lite.view.figures_flip import Flipped, Side, own_words, sides

LONGEST_QUERY = 500  # characters


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


def asked(history: Sequence[Action], side: Side, query: str) -> Prompt:
    """One side of a flip as a prompt: which words are read, and which token ends them.

    Raises:
        QuestionError: a query so long that showing it would drown the answer.
    """
    if len(query) > LONGEST_QUERY:
        raise QuestionError(
            f"The query has {len(query):,} characters; only its first {QUERY_WORDS} words are read. Shorten it to "
            f"{LONGEST_QUERY} characters."
        )
    if side.words is None:
        return neutral_prompt(history, side.token)
    if side.words == SEARCH:
        return Prompt(NSIP, tuple(history), side.token, query)
    return Prompt(NRIP, tuple(history), side.token)


def question(history: Sequence[Action], behaviour: str | None, query: str, token_only: bool = False) -> Prompt:
    """What to ask about a history: with its own instruction (and the query, if a search), or by the token alone."""
    return asked(history, Side(behaviour, None if token_only else own_words(behaviour)), query)


def flip(
    model: GenSAR,
    history: Sequence[Action],
    query: str,
    pair: tuple[Side, Side] = sides(RECOMMENDATION, SEARCH),
    k: int = 8,
) -> Flipped:
    """Both answers to one history: what the beam finds, and by exact scores of the whole catalogue how far they differ.

    Args:
        query: the words typed; read only by a side that speaks of them.
        pair: what the two questions say, see ``figures_flip.sides``.
        k: length of the lists.

    Raises:
        QuestionError: an empty query where one is needed, or an impossible history.
    """
    prompts = [asked(history, side, query) for side in pair]
    answers = [model.ask(prompt, k) for prompt in prompts]
    scores = [model.exact(prompt) for prompt in prompts]
    ranks = [exact_ranks(exact) for exact in scores]
    orders = [np.argsort(rank).tolist() for rank in ranks]
    return Flipped(
        before=_answer_table(answers[0], ranks[1]),
        now=_answer_table(answers[1], ranks[0]),
        divergence=kl_divergence(scores[1], scores[0]),
        overlap=rank_biased_overlap(*orders),
        persistence=PERSISTENCE,
        n_items=len(model.items),
    )


def _answer_table(found: Sequence[Answer], elsewhere: np.ndarray) -> pd.DataFrame:
    return pd.DataFrame(
        {
            "item_id": [answer.item_id for answer in found],
            "title": [answer.title for answer in found],
            "probability": [answer.probability for answer in found],
            "identifier": [answer.identifier for answer in found],
            "elsewhere": [int(elsewhere[answer.item]) for answer in found],
        },
        index=pd.RangeIndex(1, len(found) + 1, name="rank"),
    )


def remark(model: GenSAR, query: str) -> str:
    """A kind word on a query's words that the model has never seen; "" if it knows them all."""
    unknown = model.unknown_words(query)
    return f"Never seen in training: {', '.join(unknown)}." if unknown else ""


def exact_ranks(scores: np.ndarray) -> np.ndarray:
    """(N,) rank of every item, from 1; equal scores in item order."""
    ranks = np.empty(len(scores), dtype=np.int64)
    ranks[np.lexsort((np.arange(len(scores)), -scores))] = np.arange(1, len(scores) + 1)
    return ranks


def history_table(made: Artefacts, history: Sequence[Action]) -> pd.DataFrame:
    """A history to read: what was done, and with which item or words; oldest first."""
    titles = made.log.items["title"].tolist()
    what = [titles[action.item] if action.item >= 0 else f'"{action.query}"' for action in history]
    days = [action.instant for action in history]
    return pd.DataFrame({"time": days, "token": [f"<{action.behaviour}>" for action in history], "what": what})


def example(made: Artefacts, tries: int = 120, events: tuple[int, int] = (5, 12)) -> Example:
    """A held-out search that makes the point: found with the query, and far from what is recommended.

    Of the first ``tries`` test searches with a history of medium length whose target stands first or second, the one
    whose ten search answers share the fewest kinds of product (deepest category) with the ten recommended items; of
    equals, the one whose search answers are of the fewest kinds, then the one with the longer history.
    """
    cases = made.split.test
    cases = cases[(cases["task"] == SEARCH) & cases["n_history"].between(*events)].head(tries)
    histories, kind = Histories(made.log), made.log.items["categories"].to_numpy()
    searched = made.model.top(cases, 10, made.log, histories, beams=10)
    recommended = made.model.top(cases.assign(task=RECOMMENDATION), 10, made.log, histories, beams=10)
    late = (searched[:, :2] != cases["item"].to_numpy()[:, None]).all(1)
    alike = [np.isin(kind[one], kind[other]).sum() for one, other in zip(searched, recommended)]
    kinds = [len(set(kind[one])) for one in searched]
    chosen = cases.iloc[int(np.lexsort((-cases["n_history"].to_numpy(), kinds, alike, late))[0])]
    history = actions(made.log, histories.before(int(chosen["event"])))
    return Example(int(chosen["user"]), history, str(chosen["query"]), int(chosen["item"]))
