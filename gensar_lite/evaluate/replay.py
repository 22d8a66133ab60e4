"""Beams of any width replayed on exact prefix scores, and what the constraint does to a distribution.

``generate.beam.prefix_scores`` scores every prefix of a trie once. All that a beam search ever weighs is among these
numbers, so a beam of any width can be followed afterwards without asking the model again. Arrays in, arrays out: this
module knows no model, no log and no texts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Float, Int

from gensar_lite.generate.beam import item_scores
from gensar_lite.generate.trie import Trie


class Standing(NamedTuple):
    """Where the targets of B questions stand, and where a beam let go of them.

    Attributes:
        exact_rank: (B,) among all items by exact score, from 1; equal scores in item order.
        alone_rank: (B,) the same, had the target its identifier to itself: without those it shares it with.
        beam_rank: (B,) among the items that the beam found; 0 where the target is not among them.
        left_at: (B,) step (from 1) at which the target's prefix left the beam; 0 where it stayed.
        log_prob: (B,) exact log-probability of the target in nats.
    """

    exact_rank: Int[np.ndarray, " B"]
    alone_rank: Int[np.ndarray, " B"]
    beam_rank: Int[np.ndarray, " B"]
    left_at: Int[np.ndarray, " B"]
    log_prob: Float[np.ndarray, " B"]


def kept_prefixes(scores: Float[np.ndarray, "B nodes"], trie: Trie, beams: int) -> Bool[np.ndarray, "B nodes"]:
    """Which prefixes a beam of this width keeps: at each depth the best children of those kept before.

    Ties are broken by node number, as in ``beam_search``, and impossible prefixes (-inf) are never kept.
    """
    kept = np.zeros(scores.shape, dtype=bool)
    kept[:, 0] = True
    for depth in range(1, trie.levels + 1):
        first, last = int(trie.bounds[depth]), int(trie.bounds[depth + 1])
        nodes = np.arange(first, last)
        parents = trie.ancestors(nodes, 2)[:, 0]
        open_ = np.where(kept[:, parents], scores[:, first:last], -np.inf)
        best = np.argsort(-open_, axis=1, kind="stable")[:, :beams]  # stable: equal scores stay in node order
        chosen = np.take_along_axis(open_, best, 1) > -np.inf
        np.put_along_axis(kept[:, first:last], best, chosen, 1)
    return kept


def standing(
    scores: Float[np.ndarray, "B nodes"], trie: Trie, targets: Int[np.ndarray, " B"], n_items: int, beams: int
) -> Standing:
    """Ranks of the targets, exact and in a beam, and the step at which the beam lost them.

    Args:
        scores: of every prefix, see ``prefix_scores``.
        trie: with one identifier per item.
        targets: item indices.
    """
    rows = np.arange(len(targets))
    kept = kept_prefixes(scores, trie, beams)
    leaf_of = np.full(n_items, -1, dtype=np.int64)
    leaf_of[trie.items] = trie.leaf_of_entry()
    leaves = leaf_of[targets]
    of_item = item_scores(scores[:, trie.bounds[-2] :], trie, n_items)
    in_beam = kept[:, trie.bounds[-2] :][:, leaf_of] & (leaf_of >= 0)
    own = of_item[rows, targets]
    alone = scores[rows, trie.bounds[-2] + leaves]
    others = leaf_of[None] != leaves[:, None]
    found = in_beam[rows, targets]
    way = trie.ancestors(trie.bounds[-2] + leaves)
    lost = ~np.take_along_axis(kept, way, 1)
    return Standing(
        exact_rank=1 + _ahead(of_item, own, targets).sum(1),
        alone_rank=1 + (_ahead(of_item, alone, targets) & others).sum(1),
        beam_rank=np.where(found, 1 + (_ahead(of_item, own, targets) & in_beam).sum(1), 0),
        left_at=np.where(lost.any(1), 1 + lost.argmax(1), 0),
        log_prob=own,
    )


def beam_recall(scores: Float[np.ndarray, "B nodes"], trie: Trie, beams: int, k: int) -> Float[np.ndarray, " B"]:
    """Share of the k identifiers of the best exact scores that a beam of this width finds, 0 to 1.

    A beam narrower than k cannot find them all; fewer identifiers than k in the trie are all looked for.
    """
    leaves = scores[:, trie.bounds[-2] :]
    best = np.argsort(-leaves, axis=1, kind="stable")[:, :k]
    kept = kept_prefixes(scores, trie, beams)[:, trie.bounds[-2] :]
    return np.take_along_axis(kept, best, 1).mean(1)


def forbidden_mass(scores: Float[np.ndarray, "B nodes"], trie: Trie, beams: int) -> Float[np.ndarray, "B L"]:
    """Share of the kept prefixes' probability that the next step gives to tokens the trie forbids, 0 to 1.

    ``BeamStep.forbidden`` is the same in probability instead of shares.
    """
    kept = kept_prefixes(scores, trie, beams)
    found = []
    for depth in range(trie.levels):
        here, below = slice(*trie.bounds[depth : depth + 2]), slice(*trie.bounds[depth + 1 : depth + 3])
        parents = trie.ancestors(np.arange(below.start, below.stop), 2)[:, 0]
        mass = np.where(kept[:, here], np.exp(scores[:, here].astype(np.float64)), 0).sum(1)
        allowed = np.where(kept[:, parents], np.exp(scores[:, below].astype(np.float64)), 0).sum(1)
        found.append(np.where(mass > 0, np.clip(1 - allowed / np.where(mass > 0, mass, 1), 0, 1), 0))
    return np.stack(found, axis=1)


def constraint_shift(scores: Float[np.ndarray, "B nodes"], trie: Trie) -> Float[np.ndarray, " B"]:
    """KL(P || Q) in nats: how far renormalising at every step moves a distribution over the identifiers.

    P is what sampling under the constraint draws: at each step the allowed tokens' probabilities are divided by their
    sum. Q is what the model believes of the identifiers: its scores, renormalised once over all of them. The two agree
    only where every prefix forbids the same share (Wu et al., SIGIR 2025, bound it from below). Ranking by the model's
    own scores, as this package does, ranks by Q.
    """
    log_p = np.zeros(scores.shape)
    exact = scores.astype(np.float64)
    for depth in range(trie.levels):
        below = np.arange(trie.bounds[depth + 1], trie.bounds[depth + 2])
        parents = trie.ancestors(below, 2)[:, 0]
        starts = trie.first_child[trie.bounds[depth] : trie.bounds[depth + 1]].astype(np.int64) - below[0]
        step = exact[:, below] - np.where(np.isfinite(exact[:, parents]), exact[:, parents], 0)
        highest = np.maximum.reduceat(step, starts, axis=1)[:, parents - trie.bounds[depth]]
        highest = np.where(np.isfinite(highest), highest, 0)
        total = np.add.reduceat(np.exp(step - highest), starts, axis=1)[:, parents - trie.bounds[depth]]
        with np.errstate(divide="ignore", invalid="ignore"):  # prefixes without a possible child, sorted out here
            log_p[:, below] = np.where(np.isfinite(step), log_p[:, parents] + step - highest - np.log(total), -np.inf)
    log_p, log_q = log_p[:, trie.bounds[-2] :], exact[:, trie.bounds[-2] :]
    highest = np.maximum(log_q.max(1, keepdims=True), -1e300)  # finite even where nothing is possible
    with np.errstate(divide="ignore", invalid="ignore"):
        log_q = log_q - highest - np.log(np.exp(log_q - highest).sum(1, keepdims=True))
    gap = np.subtract(log_p, log_q, where=np.isfinite(log_p), out=np.zeros_like(log_p))
    return np.maximum((np.exp(log_p) * gap).sum(1), 0)  # rounding may leave -1e-17


def _ahead(
    scores: Float[np.ndarray, "B N"], own: Float[np.ndarray, " B"], targets: Int[np.ndarray, " B"]
) -> Bool[np.ndarray, "B N"]:
    """Items that stand before the target: a better score, or the same and a smaller index."""
    before = np.arange(scores.shape[1])[None] < targets[:, None]
    return (scores > own[:, None]) | ((scores == own[:, None]) & before)
