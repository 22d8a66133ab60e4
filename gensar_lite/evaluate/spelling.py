"""What a model did with its identifiers, case by case and step by step, for the identifier report.

Writes the frame that ``identify.evidence`` documents (``Evidence.decoder``), so that a report on identifiers can say
how they are spelt without knowing any model.
"""

from __future__ import annotations

import numpy as np
import pandas as pd

from gensar_lite.evaluate.agreement import kl_divergence, rank_biased_overlap
from gensar_lite.evaluate.microscope import or_missing, scores_of
from gensar_lite.evaluate.replay import standing
from gensar_lite.generate.beam import item_scores, score_candidates
from gensar_lite.generate.decoding import Decoding
from gensar_lite.generate.model import Asked, GenSAR
from gensar_lite.generate.trace import next_token_log_probs
from gensar_lite.generate.trie import Trie
from gensar_lite.log.schema import RECOMMENDATION, SEARCH, JointLog
from gensar_lite.log.split import Histories


def decoder_frame(
    model: GenSAR,
    cases: pd.DataFrame,
    log: JointLog,
    histories: Histories,
    decoding: Decoding | None = None,
) -> pd.DataFrame:
    """What the model did with the identifiers, case by case and step by step, as ``identify.evidence`` documents it.

    ``kl`` compares the next code after the right prefix under the case's behaviour token with the same question ending
    in the other token, everything else unchanged; ``rbo`` compares the two rankings of the whole catalogue.
    """
    decoding = decoding or model.decoding
    parts = [
        _frame_of(model, cases, asked, other, decoding)
        for asked, other in zip(
            model.batches(cases, log, histories, decoding),
            _with_other_token(model, cases, log, histories, decoding),
            strict=True,
        )
    ]
    return pd.concat(parts).sort_values(["case", "step"], ignore_index=True)


def _frame_of(model: GenSAR, cases: pd.DataFrame, asked: Asked, other: Asked, decoding: Decoding) -> pd.DataFrame:
    """Rows of ``decoder_frame`` for one batch: B cases times L steps."""
    targets = cases["item"].to_numpy()[asked.rows]
    kind = model.table.kind_for(cases["task"].iloc[asked.rows[0]])[0]
    answers = model.vocabulary.identifiers(model.table, kind)[targets]
    told, told_other = (
        next_token_log_probs(side.decoder, side.prompts, answers[:, :-1], len(model.vocabulary), side.forced)
        for side in (asked, other)
    )
    allowed = _allowed(asked.trie, answers, told.shape)
    right = np.take_along_axis(told, answers[..., None], 2)[..., 0]
    seen = standing(scores_of(asked), asked.trie, targets, len(model.items), decoding.beams)
    rankings = (_ranking(side, len(model.items)) for side in (asked, other))
    rbo = [rank_biased_overlap(*pair) for pair in zip(*rankings, strict=True)]
    levels = answers.shape[1]
    kl = [[kl_divergence(*pair) for pair in zip(*rows, strict=True)] for rows in zip(told, told_other, strict=True)]
    return pd.DataFrame(
        {
            "case": np.repeat(asked.rows, levels),
            "step": np.tile(np.arange(1, levels + 1), len(targets)),
            "forbidden": np.where(allowed, 0, np.exp(told)).sum(2).clip(0, 1).ravel(),
            "log_prob": right.ravel(),
            "likeliest": (right >= told.max(2)).ravel(),
            "pruned_at": np.repeat(or_missing(seen.left_at), levels),
            "kl": np.array(kl, dtype=np.float64).ravel(),
            "rbo": np.repeat(np.array(rbo), levels),
            "kind": kind,
        }
    )


def _allowed(trie: Trie, answers: np.ndarray, shape: tuple[int, ...]) -> np.ndarray:
    """(B, L, V) True for tokens that go on from the right prefix to an identifier of the trie."""
    leaves = {tuple(row): leaf for leaf, row in enumerate(trie.leaf_sequences().tolist())}
    ends = trie.bounds[-2] + np.array([leaves[tuple(row)] for row in answers.tolist()])
    before = np.column_stack([np.zeros(len(ends), dtype=np.int64), trie.ancestors(ends)[:, :-1]])
    children = trie.children(before)
    allowed = np.zeros(shape, dtype=bool)
    case, level, place = np.nonzero(children.mask)
    allowed[case, level, children.tokens[case, level, place]] = True
    return allowed


def _with_other_token(
    model: GenSAR, cases: pd.DataFrame, log: JointLog, histories: Histories, decoding: Decoding
) -> list[Asked]:
    """The same batches, asked with the other behaviour token and answered by its identifiers."""
    other = {RECOMMENDATION: SEARCH, SEARCH: RECOMMENDATION}
    found = []
    for asked in model.batches(cases, log, histories, decoding):
        token = other[cases["task"].iloc[asked.rows[0]]]
        prompts = [prompt._replace(behaviour=token) for prompt in asked.prompts]
        forced = decoding.forced(prompts, model.vocabulary)
        prompts = [decoding.prompt(prompt) for prompt in prompts]
        found.append(asked._replace(prompts=prompts, trie=model.trie(token), forced=forced))
    return found


def _ranking(asked: Asked, n_items: int) -> list[list[int]]:
    """Item indices of the whole catalogue, best first, for each prompt."""
    exact = score_candidates(asked.decoder, asked.prompts, asked.trie, asked.forced)
    scores = item_scores(exact, asked.trie, n_items)
    return np.argsort(-scores, axis=1, kind="stable").tolist()
