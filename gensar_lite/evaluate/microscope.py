"""Where was the target lost? Every test case under the microscope, and the whole test set as a funnel.

A target that is not in the list was lost for one of four reasons, looked for in this order:

- ``pruned``: the exact scores of the whole catalogue list it, but a beam of this width let go of its prefix at some
  step. A wider beam finds it.
- ``collision``: it would be listed if its identifier were its own; the items that share it take its probability, and
  the places before it.
- ``history``: nothing that was read could tell. Either a recommendation was asked for without any history, or the
  target is listed once the events beyond the history's length are read, too. (A T5 reads five recommended clicks and
  five searches, however long the history: of it this is not known.)
- ``model``: the model finds other items likelier, whatever the search. No decoding helps.

It asks the model once per case (twice where more history might help) and replays the beams on what came back.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from gensar_lite.evaluate.baselines.counts import item_counts
from gensar_lite.evaluate.replay import (
    Standing,
    beam_recall,
    constraint_shift,
    forbidden_mass,
    kept_prefixes,
    standing,
)
from gensar_lite.generate.beam import DecodingError, item_scores, prefix_scores
from gensar_lite.generate.decoding import Decoding
from gensar_lite.generate.model import Asked, GenSAR
from gensar_lite.generate.trie import Trie
from gensar_lite.identify.evidence import STRATA, strata
from gensar_lite.log.schema import RECOMMENDATION, JointLog
from gensar_lite.log.split import Histories, Split

LISTED = 10  # items of a list
FOUND, PRUNED, COLLISION, HISTORY, MODEL = "found", "pruned", "collision", "history", "model"
CAUSES = (PRUNED, COLLISION, HISTORY, MODEL)
ALL = "all"
_EVERYTHING = 10**9  # events of a history: all of them


def item_strata(log: JointLog, split: Split) -> np.ndarray:
    """(N,) head, middle, tail or cold, by training clicks: see ``identify.evidence.strata``."""
    return strata(item_counts(log, split).astype(np.int64))


def where_lost(
    model: GenSAR,
    cases: pd.DataFrame,
    log: JointLog,
    histories: Histories,
    item_stratum: np.ndarray,
    decoding: Decoding | None = None,
    k: int = LISTED,
) -> pd.DataFrame:
    """What became of the target of every test case.

    Args:
        cases: rows of ``Split.test`` or ``Split.validation``.
        item_stratum: (N,) see ``item_strata``.
        decoding: None: the model's own. A beam narrower than k lists fewer than k.
        k: length of the list in which a target counts as found.

    Returns:
        one row per case, in order: ``user, task, event, item`` as given; ``stratum``; ``exact_rank`` among the whole
        catalogue, from 1; ``beam_rank`` among what the beam found (<NA>: not found); ``lost``: "found" or why not;
        ``step``, from 1, at which its prefix left the beam (<NA>: it stayed); ``log_prob`` of the target in nats;
        ``levels``, codes of an identifier; ``listed``, the k.

    Raises:
        DecodingError: an unconstrained beam, or a variant the model does not have.
    """
    decoding = decoding or model.decoding
    if not decoding.constrained:
        raise DecodingError("only constrained beams are replayed; look at an unconstrained one with model.trace.")
    found = _standings(model, cases, log, histories, decoding)
    listed = (found.beam_rank > 0) & (found.beam_rank <= k)
    lost = np.where(listed, FOUND, MODEL).astype(object)
    lost[~listed & (found.exact_rank <= k)] = PRUNED
    unlikely = lost == MODEL
    lost[unlikely & (found.alone_rank <= k)] = COLLISION
    empty = np.minimum(cases["n_history"].to_numpy(), decoding.history) == 0
    lost[(lost == MODEL) & empty & (cases["task"] == RECOMMENDATION).to_numpy()] = HISTORY
    cut = np.flatnonzero((lost == MODEL) & (cases["n_history"] > decoding.history).to_numpy())
    if len(cut):
        wider = _standings(model, cases.iloc[cut], log, histories, replace(decoding, history=_EVERYTHING))
        lost[cut[wider.exact_rank <= k]] = HISTORY
    return pd.DataFrame(
        {
            **{name: cases[name].to_numpy() for name in ("user", "task", "event", "item")},
            "stratum": np.asarray(item_stratum, dtype=object)[cases["item"].to_numpy()],
            "exact_rank": found.exact_rank,
            "beam_rank": or_missing(found.beam_rank),
            "lost": lost,
            "step": or_missing(found.left_at),
            "log_prob": found.log_prob,
            "levels": model.vocabulary.shape.levels,
            "listed": k,
        }
    )


def funnel(lost: pd.DataFrame) -> pd.DataFrame:
    """How many targets are still there after each step, and why those that leave are lost.

    Args:
        lost: what ``where_lost`` gave.

    Returns:
        one row per ``task`` x ``stratum`` ("all", then head, middle, tail, cold; empty ones left out) x ``level``: 0
        for all cases, 1 … L for those whose prefix is in the beam after that many codes, L + 1 for those in the list.
        ``stage`` in words, ``cases`` (the same in all rows of a stratum), ``alive``, ``share`` of the cases, and per
        cause (``pruned, collision, history, model``) the number that left at this level. A target that the model finds
        unlikely leaves at some step, too: only ``pruned`` counts those that a wider beam would list.
    """
    rows = []
    for task, of_task in lost.groupby("task", sort=False):
        for stratum in (ALL, *STRATA):
            part = of_task if stratum == ALL else of_task[of_task["stratum"] == stratum]
            if len(part):
                rows += [(task, stratum, *row) for row in _stages(part)]
    return pd.DataFrame(rows, columns=["task", "stratum", "level", "stage", "cases", "alive", "share", *CAUSES])


def _stages(part: pd.DataFrame) -> list[tuple]:
    levels, listed = int(part["levels"].iloc[0]), int(part["listed"].iloc[0])
    end = np.where(part["lost"] == FOUND, levels + 2, levels + 1)  # the level at which a target that stayed leaves
    left = part["step"].fillna(0).to_numpy(dtype=np.int64)
    left = np.where(left > 0, left, end)
    names = ["asked", *(f"after code {level}" for level in range(1, levels + 1)), f"in the first {listed}"]
    rows = []
    for level, name in enumerate(names):
        alive = int((left > level).sum())
        gone = part["lost"][left == level]
        rows.append((level, name, len(part), alive, alive / len(part), *((gone == cause).sum() for cause in CAUSES)))
    return rows


def causes(lost: pd.DataFrame) -> pd.DataFrame:
    """Share of the cases that were found and lost, by cause: indexed by ``task`` and ``stratum`` ("all" first).

    Returns:
        ``cases``, then the shares ``found, pruned, collision, history, model``, which add up to 1.
    """
    rows = {}
    for task, of_task in lost.groupby("task", sort=False):
        for stratum in (ALL, *STRATA):
            part = of_task if stratum == ALL else of_task[of_task["stratum"] == stratum]
            if len(part):
                shares = {cause: float((part["lost"] == cause).mean()) for cause in (FOUND, *CAUSES)}
                rows[task, stratum] = {"cases": len(part), **shares}
    return pd.DataFrame.from_dict(rows, orient="index").rename_axis(["task", "stratum"])


# ---- one case ---------------------------------------------------------------------------------------------------


class CaseView(NamedTuple):
    """One question under a beam of one width.

    Attributes:
        items: the best items by exact score, and the target: ``item`` (index), ``exact_rank``, ``beam_rank`` (<NA>:
            not found), ``log_prob`` (nats), ``left_at`` (step; <NA>: stayed), ``shared`` (items with its identifier,
            itself included), ``target`` (bool); best first.
        steps: one row per step: ``step``, ``token`` (vocabulary id of the target's code), ``log_prob`` of the target's
            prefix, ``cut`` (log-probability of the last prefix kept; NaN where all were), ``place`` of the target's
            prefix among all prefixes of this length (from 1), ``kept`` (bool), ``prefixes`` (that exist), and
            ``forbidden`` (share of the kept probability that the trie takes away).
        beams: the width.
    """

    items: pd.DataFrame
    steps: pd.DataFrame
    beams: int


@dataclass(frozen=True)
class Lens:
    """All prefix scores of one question. Any beam can be looked at through it without asking the model again.

    Attributes:
        scores: (1, nodes) see ``prefix_scores``.
        trie: the identifiers asked for.
        target: item index.
        n_items: N.
    """

    scores: Float[np.ndarray, "1 nodes"]
    trie: Trie
    target: int
    n_items: int

    def at(self, beams: int, listed: int = 30) -> CaseView:
        """The question under a beam of this width; the table of items holds the ``listed`` best and the target."""
        trie, scores = self.trie, self.scores
        kept = kept_prefixes(scores, trie, beams)
        of_item = item_scores(scores[:, trie.bounds[-2] :], trie, self.n_items)[0]
        order = np.lexsort((np.arange(self.n_items), -of_item))
        rank = np.empty(self.n_items, dtype=np.int64)
        rank[order] = np.arange(1, self.n_items + 1)
        shown = order[:listed]
        if self.target not in shown:
            shown = np.append(shown, self.target)
        seen = standing(np.repeat(scores, len(shown), 0), trie, shown, self.n_items, beams)
        leaf_of = np.full(self.n_items, -1, dtype=np.int64)
        leaf_of[trie.items] = trie.leaf_of_entry()
        items = pd.DataFrame(
            {
                "item": shown,
                "exact_rank": rank[shown],
                "beam_rank": or_missing(seen.beam_rank),
                "log_prob": of_item[shown],
                "left_at": or_missing(seen.left_at),
                "shared": trie.group_sizes()[leaf_of[shown]],
                "target": shown == self.target,
            }
        )
        return CaseView(items, self._steps(kept[0], int(trie.bounds[-2] + leaf_of[self.target]), beams), beams)

    def _steps(self, kept: np.ndarray, leaf: int, beams: int) -> pd.DataFrame:
        trie, scores = self.trie, self.scores[0]
        forbidden = forbidden_mass(self.scores, trie, beams)[0]
        rows = []
        for step, node in enumerate(trie.ancestors(np.array(leaf)), start=1):
            level = slice(*trie.bounds[step : step + 2])
            live = scores[level][kept[level]]
            cut = float(live.min()) if len(live) == beams else np.nan
            nodes = np.arange(level.start, level.stop)
            place = 1 + int(((scores[level] > scores[node]) | ((scores[level] == scores[node]) & (nodes < node))).sum())
            told = (int(trie.tokens[node]), float(scores[node]), cut, place, bool(kept[node]), len(nodes))
            rows.append((step, *told, float(forbidden[step - 1])))
        names = ["step", "token", "log_prob", "cut", "place", "kept", "prefixes", "forbidden"]
        return pd.DataFrame(rows, columns=names)


def lens(
    model: GenSAR, case: pd.DataFrame, log: JointLog, histories: Histories, decoding: Decoding | None = None
) -> Lens:
    """One test case under the microscope.

    Args:
        case: one row of ``Split.test`` or ``Split.validation``.
    """
    (asked,) = model.batches(case, log, histories, decoding)
    return Lens(scores_of(asked), asked.trie, int(case["item"].iloc[0]), len(model.items))


# ---- the test set -----------------------------------------------------------------------------------------------


def recall_by_width(
    model: GenSAR,
    cases: pd.DataFrame,
    log: JointLog,
    histories: Histories,
    widths: Sequence[int] = (1, 2, 5, 10, 30, 100),
    k: int = LISTED,
    decoding: Decoding | None = None,
) -> pd.DataFrame:
    """What a beam of each width finds of the identifiers that exact scores put first, and what the trie forbids.

    Args:
        widths: of the beams; the one of ``decoding`` is not used.
        k: how many of the best are looked for.

    Returns:
        one row per ``task`` and ``beams``: ``recall`` of the k best (a beam narrower than k cannot reach 1),
        ``recall of as many`` (of the ``beams`` best), ``first`` (share of cases whose best identifier is found);
        ``forbidden 1`` … ``forbidden L``: share of the kept prefixes' probability that each step gives to tokens
        outside the trie; ``shift``: KL in nats from the model's belief to step-wise renormalised decoding, see
        ``constraint_shift`` (it does not depend on the width). All are means over the cases.
    """
    rows = []
    for asked in model.batches(cases, log, histories, decoding):
        scores, task = scores_of(asked), cases["task"].iloc[asked.rows[0]]
        shift = constraint_shift(scores, asked.trie)
        for width in widths:
            forbidden = forbidden_mass(scores, asked.trie, width)
            found = {
                "recall": beam_recall(scores, asked.trie, width, k),
                "recall of as many": beam_recall(scores, asked.trie, width, width),
                "first": beam_recall(scores, asked.trie, width, 1),
                **{f"forbidden {step}": column for step, column in enumerate(forbidden.T, start=1)},
                "shift": shift,
            }
            rows.append(pd.DataFrame({"task": task, "beams": width, **found}))
    return pd.concat(rows).groupby(["task", "beams"], sort=False).mean().reset_index()


def scores_of(asked: Asked) -> Float[np.ndarray, "B nodes"]:
    """Every prefix's score for a batch of cases."""
    return prefix_scores(asked.decoder, asked.prompts, asked.trie, asked.forced)


def _standings(model: GenSAR, cases: pd.DataFrame, log: JointLog, histories: Histories, decoding: Decoding) -> Standing:
    """``standing`` of every case, in their order."""
    found = Standing(*(np.zeros(len(cases), dtype=kind) for kind in (int, int, int, int, np.float32)))
    for asked in model.batches(cases, log, histories, decoding):
        targets = cases["item"].to_numpy()[asked.rows]
        part = standing(scores_of(asked), asked.trie, targets, len(model.items), decoding.beams)
        for whole, values in zip(found, part, strict=True):
            whole[asked.rows] = values
    return found


def or_missing(numbers: np.ndarray) -> pd.api.extensions.ExtensionArray:
    """Counts from 1, with <NA> for 0."""
    return pd.array(np.where(numbers > 0, numbers.astype(object), pd.NA), dtype="Int64")
