"""A beam search that keeps notes, and next-token probabilities along a given answer: for looking, not for speed.

``beam.beam_search`` answers; this module shows how an answer came about, for one prompt at a time. It asks the decoder
for every token of the vocabulary at every step, so that what the trie forbids is seen too. The kept prefixes and their
scores are those of ``beam_search``. It knows nothing about texts or figures.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gensar_lite.generate.beam import BeamResult, read_forced
from gensar_lite.generate.decoder import StepDecoder
from gensar_lite.generate.trie import NOWHERE, ROOT, Trie


class Refused(NamedTuple):
    """The likeliest prefixes that a step's constraint did not let the model say: F of them, best first.

    Attributes:
        prefixes: (F, t) vocabulary ids after t steps.
        parents: (F,) which kept prefix of the step before each would continue.
        log_probs: (F,) sum over the prefix, in nats.
    """

    prefixes: Int[np.ndarray, "F t"]
    parents: Int[np.ndarray, " F"]
    log_probs: Float[np.ndarray, " F"]


class BeamStep(NamedTuple):
    """What one step weighed, best first: C candidates, the kept ones among them.

    Attributes:
        prefixes: (C, t) vocabulary ids after t steps.
        parents: (C,) which kept prefix of the step before each continues (0 in the first step).
        log_probs: (C,) sum over the prefix, in nats.
        kept: (C,) True for the prefixes the beam goes on with.
        items: (C,) items whose identifier begins with the prefix; 0 for an identifier of nothing.
        forbidden: probability that the step before gave to its kept prefixes and the trie takes away here, 0 to 1.
        nodes: (C,) the trie's node of each prefix; NOWHERE for an identifier of nothing.
        refused: the likeliest of what was forbidden; nothing where the model may say any token.
    """

    prefixes: Int[np.ndarray, "C t"]
    parents: Int[np.ndarray, " C"]
    log_probs: Float[np.ndarray, " C"]
    kept: Bool[np.ndarray, " C"]
    items: Int[np.ndarray, " C"]
    forbidden: float
    nodes: Int[np.ndarray, " C"]
    refused: Refused


@torch.inference_mode()
def trace_beam(
    decoder: StepDecoder,
    prompt: Any,
    trie: Trie,
    beams: int,
    vocabulary_size: int,
    constrained: bool = True,
    pruned: int = 10,
    forced: Int[np.ndarray, " F"] | None = None,
) -> list[BeamStep]:
    """Beam search for one prompt, step by step.

    Args:
        beams: prefixes kept per step.
        vocabulary_size: V, to ask for every token.
        constrained: False lets the model say any token at any step; the trie then only tells what exists.
        pruned: how many of the best candidates that were not kept are noted per step, and how many of the likeliest
            forbidden ones.
        forced: tokens given to the decoder first and not scored, as in ``beam_search``.

    Returns:
        one record per level of the trie (fewer where the model allows no way on); the last one's kept prefixes are
        the answer.
    """
    everything = torch.arange(vocabulary_size, device=decoder.device)
    state, tokens, parents = read_forced(decoder, [prompt], None if forced is None else np.asarray(forced)[None])
    prefixes, nodes, scores = np.zeros((1, 0), dtype=np.int64), np.array([ROOT]), np.zeros(1)
    steps = []
    for _ in range(trie.levels):
        log_probs, state = decoder.step(state, tokens, parents, everything.expand(1, len(nodes), -1))
        child = _children(trie, nodes, vocabulary_size)
        total = scores[:, None] + log_probs[0].double().cpu().numpy()
        allowed = (child >= 0) if constrained else np.isfinite(total)
        forbidden = float(np.exp(total[~(child >= 0)]).sum())
        row, token = _best(~allowed, total, prefixes, pruned)
        refused = Refused(np.column_stack([prefixes[row], token]), row, total[row, token])
        row, token = _best(allowed, total, prefixes, beams + pruned)
        grown = np.column_stack([prefixes[row], token])
        kept = np.arange(len(row)) < beams
        reached = child[row, token]
        below = np.zeros(len(row), dtype=np.int64)
        below[reached >= 0] = _items_below(trie, reached[reached >= 0])
        steps.append(BeamStep(grown, row, total[row, token], kept, below, forbidden, reached, refused))
        if not kept.any():  # the model forbids every way on
            break
        prefixes, nodes, scores = grown[kept], reached[kept], total[row, token][kept]
        tokens, parents = _row(decoder, token[kept]), _row(decoder, row[kept])
    return steps


def traced_answer(steps: list[BeamStep], trie: Trie) -> BeamResult:
    """The identifiers a traced beam ends in, as ``beam_search`` gives them; what names nothing is no answer."""
    last = steps[-1]
    found = last.kept & (last.nodes >= trie.bounds[-2])
    return BeamResult(
        sequences=last.prefixes[found][None],
        log_probs=last.log_probs[found][None].astype(np.float32),
        leaves=trie.leaf_index(last.nodes[found])[None],
    )


@torch.inference_mode()
def next_token_log_probs(
    decoder: StepDecoder,
    prompts: list[Any],
    answers: Int[np.ndarray, "B l"],
    vocabulary_size: int,
    forced: Int[np.ndarray, "B F"] | None = None,
) -> Float[np.ndarray, "B n V"]:
    """What the model would say next after each prefix of a given answer (teacher forcing), n = l + 1 times.

    Args:
        answers: one per prompt; l may be 0.
        forced: tokens given to the decoder first, as in ``beam_search``.

    Returns:
        log-probabilities in nats of every token; -inf for one the model cannot say at that step. Row t follows the
        first t tokens of the answer.
    """
    everything = torch.arange(vocabulary_size, device=decoder.device).expand(len(prompts), 1, -1)
    only = torch.zeros(len(prompts), 1, dtype=torch.int64, device=decoder.device)
    state, tokens, _ = read_forced(decoder, prompts, forced)
    told = []
    for place in range(answers.shape[1] + 1):
        log_probs, state = decoder.step(state, tokens, None if tokens is None else only, everything)
        told.append(log_probs[:, 0].cpu().numpy())
        if place < answers.shape[1]:
            tokens = torch.from_numpy(np.ascontiguousarray(answers[:, place : place + 1])).to(decoder.device)
    return np.stack(told, axis=1)


def spelling(
    decoder: StepDecoder,
    prompts: list[Any],
    answers: Int[np.ndarray, "B L"],
    vocabulary_size: int,
    forced: Int[np.ndarray, "B F"] | None = None,
) -> tuple[Float[np.ndarray, "B L"], Bool[np.ndarray, "B L"]]:
    """How well the model spells the right answers, level by level.

    Returns:
        log-probability (nats) of each token given the right ones before it, and whether it was the likeliest.
    """
    log_probs = next_token_log_probs(decoder, prompts, answers[:, :-1], vocabulary_size, forced)
    right = np.take_along_axis(log_probs, answers[..., None], 2)[..., 0]
    return right, right >= log_probs.max(2)


def _best(
    among: Bool[np.ndarray, "W V"], total: Float[np.ndarray, "W V"], prefixes: Int[np.ndarray, "W t"], most: int
) -> tuple[Int[np.ndarray, " C"], Int[np.ndarray, " C"]]:
    """Rows and tokens of the likeliest possible continuations, ties by the order of the tokens."""
    row, token = np.nonzero(among & np.isfinite(total))
    order = np.lexsort((token, *prefixes[row].T[::-1], -total[row, token].astype(np.float32)))[:most]
    return row[order], token[order]


def _children(trie: Trie, nodes: Int[np.ndarray, " W"], vocabulary_size: int) -> Int[np.ndarray, "W V"]:
    """Node that each token leads to; NOWHERE where the trie has none."""
    children = trie.children(nodes)
    table = np.full((len(nodes), vocabulary_size), NOWHERE, dtype=np.int64)
    row, place = np.nonzero(children.mask)
    table[row, children.tokens[row, place]] = children.nodes[row, place]
    return table


def _items_below(trie: Trie, nodes: Int[np.ndarray, " C"]) -> Int[np.ndarray, " C"]:
    """Different items below each node (a depth's nodes are consecutive, and so are their leaves).

    Where two kinds of identifier stand in one trie, an item may be below a node twice.
    """
    first, last = nodes.astype(np.int64), nodes.astype(np.int64) + 1
    while len(first) and first[0] < trie.bounds[-2]:
        first, last = trie.first_child[first].astype(np.int64), trie.first_child[last].astype(np.int64)
    first, last = (trie.leaf_index(edge).clip(0, trie.n_leaves) for edge in (first, last))
    spans = zip(trie.first_item[first], trie.first_item[last])
    return np.array([len(np.unique(trie.items[start:stop])) for start, stop in spans], dtype=np.int64)


def _row(decoder: StepDecoder, values: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(values))[None].to(decoder.device)
