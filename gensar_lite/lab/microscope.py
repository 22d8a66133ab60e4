"""Test cases under the microscope, as the views want them: titles for items, words for codes, a choice of cases.

And two experiments on what the model believes, after Wu et al. (SIGIR 2025): how a beam fares when belief is spread
more thinly (``flattened``), and what the constraint does to it when the catalogue shrinks (``narrowed``).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from gensar_lite.evaluate.microscope import CAUSES, FOUND, Lens, lens, scores_of
from gensar_lite.evaluate.replay import beam_recall, constraint_shift
from gensar_lite.generate.model import GenSAR
from gensar_lite.generate.trie import Trie
from gensar_lite.lab.artefacts import FUNNEL_BEAMS
from gensar_lite.log.schema import SEARCH, JointLog
from gensar_lite.log.split import Histories

_FATES = {
    "pruned": "pruned by {} beams",
    "collision": "shares its identifier",
    "history": "beyond the history read",
    "model": "never likely",
    "found": "found by {} beams",
}


class Look(NamedTuple):
    """One case under a beam, as ``figures_microscope.case_figure`` takes it.

    Attributes:
        items: see there.
        steps: see there.
        behaviour: "R_I" or "S_I".
    """

    items: pd.DataFrame
    steps: pd.DataFrame
    behaviour: str


class Cases:
    """Some test cases, ready to be looked at under any beam; the model is asked once per case.

    Args:
        model: the trained generator.
        log: the log it was trained on.
        cases: rows of ``Split.test`` or ``Split.validation``.
        lost: of these cases, what ``where_lost`` said; their fate then leads the names.
        beams: width of the beam under which it said so.
    """

    def __init__(
        self,
        model: GenSAR,
        log: JointLog,
        cases: pd.DataFrame,
        lost: pd.DataFrame | None = None,
        beams: int = FUNNEL_BEAMS,
    ) -> None:
        self._model, self._log, self.cases = model, log, cases.reset_index(drop=True)
        self._fates = None if lost is None else [f"{_FATES[fate].format(beams)}: " for fate in lost["lost"]]
        self._histories = Histories(log)
        self._lens = lru_cache(maxsize=64)(self._make)

    def look(self, place: int, beams: int) -> Look:
        """The ``place``-th case (from 0) under a beam of this width."""
        seen = self._lens(place).at(beams)
        titles, tokens = self._log.items["title"].to_numpy(), self._model.vocabulary.tokens
        items = seen.items.assign(title=titles[seen.items["item"]])
        steps = seen.steps.assign(token=[tokens[token] for token in seen.steps["token"]])
        return Look(items, steps, str(self.cases["task"].iloc[place]))

    def _make(self, place: int) -> Lens:
        return lens(self._model, self.cases.iloc[[place]], self._log, self._histories)

    def name(self, place: int) -> str:
        """What happened to it, who asked, and what was clicked."""
        row = self.cases.iloc[place]
        asked = f"search “{row['query']}”" if row["task"] == SEARCH else "recommendation"
        fate = self._fates[place] if self._fates else ""
        return f"{fate}shopper {row['user']}, {asked} → {self._log.items['title'].iloc[row['item']]}"


def telling_cases(lost: pd.DataFrame, each: int = 3) -> list[int]:
    """A few test cases of every fate, of both tasks: what a reader should look at first.

    Args:
        lost: what ``where_lost`` said.
        each: cases kept per task and fate, those whose targets stand highest.

    Returns:
        rows of ``lost``, those pruned by the beam first, the found ones last.
    """
    tasks = dict.fromkeys(lost["task"])
    order = [_first(lost, fate, task, each) for fate in (*CAUSES, FOUND) for task in tasks]
    return np.concatenate(order).tolist()


def _first(lost: pd.DataFrame, fate: str, task: str, each: int) -> Int[np.ndarray, " C"]:
    """Rows of the cases of one fate and task whose targets stand highest."""
    rows = np.flatnonzero(((lost["lost"] == fate) & (lost["task"] == task)).to_numpy())
    return rows[np.argsort(lost["exact_rank"].to_numpy()[rows], kind="stable")][:each]


# ---- two experiments on what the model believes --------------------------------------------------------------------


class Belief(NamedTuple):
    """What the model believes of some questions of one task.

    Attributes:
        task: "R_I" or "S_I".
        scores: (B, nodes) log-probability (nats) of every prefix.
        trie: the identifiers asked for.
    """

    task: str
    scores: Float[np.ndarray, "B nodes"]
    trie: Trie


def beliefs(model: GenSAR, log: JointLog, cases: pd.DataFrame) -> list[Belief]:
    """The model's exact scores of every prefix, for rows of ``Split.test`` or ``Split.validation``."""
    asked = model.batches(cases, log, Histories(log))
    return [Belief(str(cases["task"].iloc[one.rows[0]]), scores_of(one), one.trie) for one in asked]


def flattened(
    believed: Sequence[Belief],
    temperatures: Sequence[float] = (1.0, 1.5, 2.0, 3.0, 5.0, 8.0),
    beams: int = 10,
    k: int = 10,
    seed: int = 0,
) -> pd.DataFrame:
    """What a beam finds of the best identifiers when belief is spread more thinly over the same order.

    Each identifier's probability is raised to 1/T and renormalised over all of them: the tail gets thicker, the order
    stays. A prefix weighs the sum of all below it, which is what a step of the beam sees (its "marginal"). So whatever
    is lost is lost to those sums. The same with the identifiers dealt out at random, so that a prefix says nothing.

    Returns:
        one row per ``task``, ``names`` ("learned" or "dealt at random") and ``temperature``: ``held``, share of the
        probability that the k best hold, and ``recall``, share of them that the beam finds; means over the questions.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for task, scores, trie in believed:
        leaves = scores[:, trie.bounds[-2] :].astype(np.float64)
        dealt = rng.permutation(trie.n_leaves)
        for temperature in temperatures:
            weights = np.exp((leaves - leaves.max(axis=1, keepdims=True)) / temperature)
            weights /= weights.sum(axis=1, keepdims=True)
            held = np.sort(weights, axis=1)[:, -k:].sum(axis=1)
            for names, ordered in (("learned", weights), ("dealt at random", weights[:, dealt])):
                recall = beam_recall(_sums(ordered, trie), trie, beams, k)
                told = {"task": task, "names": names, "temperature": temperature, "held": held, "recall": recall}
                rows.append(pd.DataFrame(told))
    return pd.concat(rows).groupby(["task", "names", "temperature"], sort=False).mean().reset_index()


def _sums(leaves: Float[np.ndarray, "B leaves"], trie: Trie) -> Float[np.ndarray, "B nodes"]:
    """Logarithm of what lies below every prefix, from the identifiers' probabilities."""
    weights = np.zeros((len(leaves), trie.n_nodes))
    weights[:, trie.bounds[-2] :] = leaves
    for depth in reversed(range(trie.levels)):
        here, below = slice(*trie.bounds[depth : depth + 2]), slice(*trie.bounds[depth + 1 : depth + 3])
        weights[:, here] = np.add.reduceat(weights[:, below], trie.first_child[here] - below.start, axis=1)
    with np.errstate(divide="ignore"):  # what is too unlikely to be told from 0 is never kept
        return np.log(weights)


def narrowed(
    believed: Sequence[Belief], shares: Sequence[float] = (1.0, 0.5, 0.2, 0.1, 0.05), seed: int = 0
) -> pd.DataFrame:
    """How far the constraint bends what the model believes when only some of its items are on offer.

    Args:
        shares: of the catalogue: each drawn at random, and each as one stretch of neighbours in the trie, from a random
            place on (of two identifiers of an item, as no behaviour token allows, the first counts).

    Returns:
        one row per ``task``, ``lying`` ("at random" or "side by side") and ``share``: ``inside``, probability of the
        items on offer, and ``shift``, KL(P || Q) in nats of renormalising at every step, P, from the belief among these
        items renormalised once, Q (see ``evaluate.replay.constraint_shift``); medians over the questions, for a few
        stretches hold next to nothing that a question is about, and stray by many nats.
    """
    rng = np.random.default_rng(seed)
    rows = []
    for task, scores, trie in believed:
        neighbours = np.array(list(dict.fromkeys(trie.items.tolist())))
        orders = {"at random": rng.permutation(np.unique(trie.items))}
        orders["side by side"] = np.roll(neighbours, rng.integers(len(neighbours)))
        for lying, order in orders.items():
            for share in shares:
                part = trie.restricted_to(order[: max(round(share * len(order)), 1)])
                here = scores[:, _same_prefixes(part, trie)]
                inside = np.exp(here[:, part.bounds[-2] :].astype(np.float64)).sum(axis=1)
                told = {"task": task, "lying": lying, "share": share, "inside": inside}
                rows.append(pd.DataFrame({**told, "shift": constraint_shift(here, part)}))
    return pd.concat(rows).groupby(["task", "lying", "share"], sort=False).median().reset_index()


def _same_prefixes(part: Trie, whole: Trie) -> Int[np.ndarray, " nodes"]:
    """For every node of a trie of some identifiers, the node of the same prefix in the trie of all."""
    leaves = np.unique(whole.leaf_of_entry()[np.isin(whole.items, part.items)])
    way = whole.ancestors(leaves + whole.bounds[-2])
    return np.concatenate([[0], *map(np.unique, way.T)])  # both number the prefixes of a length in the same order
