"""Constrained beam search and exact scoring of candidates, over any ``StepDecoder`` and a ``Trie``.

Score of an identifier: the sum of the model's own log-probabilities (nats) of its tokens, never renormalised over what
the trie allows, so that what the constraint throws away stays visible. Ties are broken by token sequence (node number),
then by item index: the same question always gives the same list.

This module knows nothing about the model behind the decoder or the text behind the items.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Bool, Float, Int
from torch import Tensor

from gensar_lite.generate.decoder import StepDecoder
from gensar_lite.generate.trie import NOWHERE, ROOT, Trie

ROWS_AT_ONCE = 8192  # rows (prompts x prefixes) that exact scoring hands to the decoder in one step


class DecodingError(ValueError):
    """A question that cannot be decoded: no beams, mismatched shapes, or a model that answers NaN."""


class BeamResult(NamedTuple):
    """The best identifiers of each prompt, best first; M is at most the number of beams asked for.

    Attributes:
        sequences: (B, M, L) vocabulary ids; -1 where there is no result.
        log_probs: (B, M) score in nats; -inf where there is no result.
        leaves: (B, M) leaf number in the trie; -1 where there is no result.
    """

    sequences: Int[np.ndarray, "B M L"]
    log_probs: Float[np.ndarray, "B M"]
    leaves: Int[np.ndarray, "B M"]

    @property
    def valid(self) -> Bool[np.ndarray, "B M"]:
        """True where there is a result; a trie with fewer identifiers than beams gives fewer results, no repeats."""
        return self.leaves >= 0


class RankedItems(NamedTuple):
    """The best items of each prompt, best first.

    Attributes:
        items: (B, k) item indices; -1 where there are fewer than k.
        log_probs: (B, k) log-probability of the item in nats: its identifier's score minus the logarithm of the number
            of items that share the identifier; -inf where there are fewer than k.
        leaves: (B, k) leaf number of the identifier that won the item its place; -1 where there are fewer than k.
    """

    items: Int[np.ndarray, "B k"]
    log_probs: Float[np.ndarray, "B k"]
    leaves: Int[np.ndarray, "B k"]


@torch.inference_mode()
def beam_search(
    decoder: StepDecoder,
    prompts: list[Any],
    trie: Trie,
    beams: int,
    roots: Int[np.ndarray, " B"] | None = None,
    forced: Int[np.ndarray, "B F"] | None = None,
) -> BeamResult:
    """Beam search over the identifiers of a trie (paper, 3.4.2): every answer is one of them.

    The encoder runs once per prompt, the first step has one row per prompt, later ones at most ``beams``; there is no
    end-of-sequence step, for all identifiers are equally long. Each of the L steps costs one decoder call on at most
    B * beams rows and one selection of the best among their children.

    Args:
        decoder: the model.
        prompts: what ``decoder.read`` understands, one per question (B).
        trie: the allowed identifiers. One trie serves a whole call; group prompts that need different ones, or give
            each its own list through ``Trie.forest``.
        beams: prefixes kept per prompt and step, and the most results returned per prompt.
        roots: node at which each prompt starts, all of one depth; None: the trie's root. ``Trie.forest`` gives them.
        forced: tokens given to the decoder before the search begins and not scored, such as a behaviour token that
            stands first in the output instead of last in the input.

    Raises:
        DecodingError: ``beams`` below 1, no prompts, roots or forced tokens of the wrong shape, or NaN from the model.
    """
    if beams < 1:
        raise DecodingError(f"beams must be at least 1, not {beams}.")
    nodes, levels = _start(prompts, trie, roots)
    nodes = np.broadcast_to(nodes, (len(prompts), 1))
    state, tokens, parents = read_forced(decoder, prompts, forced)
    scores = torch.zeros(nodes.shape, device=decoder.device)
    for _ in range(levels):
        children = trie.children(nodes)
        log_probs, state = decoder.step(state, tokens, parents, _to(decoder, children.tokens))
        mask = _to(decoder, children.mask)
        candidates = (scores[..., None] + log_probs).masked_fill(~mask, -torch.inf).flatten(1)
        chosen, scores = _best(candidates, children.nodes.reshape(len(nodes), -1), beams)
        parents = _to(decoder, chosen // children.nodes.shape[2])
        tokens = _to(decoder, np.take_along_axis(children.tokens.reshape(len(nodes), -1), chosen, 1))
        nodes = np.take_along_axis(children.nodes.reshape(len(nodes), -1), chosen, 1)
        nodes = np.where(scores.cpu().numpy() > -np.inf, nodes, NOWHERE)
    found = (nodes >= 0).any(0)  # a column without any result: the model forbids every identifier
    nodes, log_probs = nodes[:, found], scores.cpu().numpy()[:, found]
    leaves = np.where(nodes >= 0, trie.leaf_index(nodes), -1)
    return BeamResult(sequences=trie.path(nodes, levels), log_probs=log_probs, leaves=leaves)


@torch.inference_mode()
def score_candidates(
    decoder: StepDecoder,
    prompts: list[Any],
    trie: Trie,
    forced: Int[np.ndarray, "B F"] | None = None,
    rows_at_once: int = ROWS_AT_ONCE,
) -> Float[np.ndarray, "B n_leaves"]:
    """Exact log-probability (nats) of every identifier in a trie, for every prompt: no beam, nothing out of reach.

    Every prefix is decoded once per prompt, however many identifiers share it, so the cost is that of B * (inner nodes)
    decoder rows; at most ``rows_at_once`` of them (at least one per prompt) are in memory per level.

    Raises:
        DecodingError: no prompts, forced tokens of the wrong shape, or NaN from the model.
    """
    scores = np.full((len(prompts), trie.n_leaves), -np.inf, dtype=np.float32)
    nodes, _ = _start(prompts, trie, None)
    for prefixes, log_probs in _all_scores(decoder, prompts, trie, nodes, forced, rows_at_once):
        if prefixes[0, 0] >= trie.bounds[-2]:
            scores[:, trie.leaf_index(prefixes[0])] = log_probs
    return scores


@torch.inference_mode()
def prefix_scores(
    decoder: StepDecoder,
    prompts: list[Any],
    trie: Trie,
    forced: Int[np.ndarray, "B F"] | None = None,
    rows_at_once: int = ROWS_AT_ONCE,
) -> Float[np.ndarray, "B nodes"]:
    """Exact log-probability (nats) of every prefix in a trie, for every prompt: all that a beam of any width weighs.

    The leaves' part is what ``score_candidates`` gives, at the same cost; the root's is 0.

    Raises:
        DecodingError: as ``score_candidates``.
    """
    scores = np.zeros((len(prompts), trie.n_nodes), dtype=np.float32)
    nodes, _ = _start(prompts, trie, None)
    for prefixes, log_probs in _all_scores(decoder, prompts, trie, nodes, forced, rows_at_once):
        scores[:, prefixes[0]] = log_probs
    return scores


@torch.inference_mode()
def score_lists(
    decoder: StepDecoder,
    prompts: list[Any],
    sequences: Int[np.ndarray, "B C L"],
    forced: Int[np.ndarray, "B F"] | None = None,
    rows_at_once: int = ROWS_AT_ONCE,
) -> Float[np.ndarray, "B C"]:
    """Exact log-probability (nats) of each prompt's own list of C candidates (the paper's 1 + 99 protocol).

    Prefixes that candidates of one prompt share are decoded once. A row of -1 pads a shorter list and scores -inf;
    candidates with the same identifier score the same.

    Raises:
        DecodingError: not one list per prompt, an empty list, or as ``score_candidates``.
    """
    sequences = np.asarray(sequences)
    if sequences.ndim != 3 or len(sequences) != len(prompts):
        raise DecodingError(f"{len(prompts)} prompts need candidates of shape (B, C, L), not {sequences.shape}.")
    real = (sequences >= 0).all(-1)
    if not real.any(1).all():
        raise DecodingError(f"prompt {int(np.flatnonzero(~real.any(1))[0])} has no candidate: give at least one.")
    owners, places = np.nonzero(real)
    trie, roots = Trie.forest(owners, sequences[real], owners * sequences.shape[1] + places)
    by_leaf = np.full(trie.n_leaves, -np.inf, dtype=np.float32)
    for prefixes, log_probs in _all_scores(decoder, prompts, trie, roots[:, None], forced, rows_at_once):
        leaves = prefixes >= trie.bounds[-2]
        by_leaf[trie.leaf_index(prefixes[leaves])] = log_probs[leaves]
    scores = np.full(real.shape, -np.inf, dtype=np.float32)
    scores.reshape(-1)[trie.items] = by_leaf[trie.leaf_of_entry()]
    return scores


def rank_items(result: BeamResult, trie: Trie, k: int) -> RankedItems:
    """From identifiers to items (method of the paper's 4.1, with ties and sharing made explicit).

    An item's probability is its identifier's, divided by the number of items in the trie that share the identifier. An
    item found under two identifiers (a trie that unites both kinds) is taken once, with the larger probability. Equal
    probabilities are ordered by item index. k may exceed what was found: the rest is padded.
    """
    prompt, column = np.nonzero(result.valid)
    leaf = result.leaves[prompt, column]
    sizes = trie.group_sizes()[leaf]
    place = np.arange(sizes.sum()) - np.repeat(np.cumsum(sizes) - sizes, sizes)  # 0, 1, ... within each group
    items = trie.items[np.repeat(trie.first_item[leaf], sizes) + place].astype(np.int64)
    prompt, leaf = np.repeat(prompt, sizes), np.repeat(leaf, sizes)
    log_probs = np.repeat(result.log_probs[result.valid] - np.log(sizes).astype(np.float32), sizes)

    best_first = np.lexsort((leaf, -log_probs, items, prompt))
    prompt, items, leaf, log_probs = (array[best_first] for array in (prompt, items, leaf, log_probs))
    fresh = np.ones(len(items), dtype=bool)
    fresh[1:] = (items[1:] != items[:-1]) | (prompt[1:] != prompt[:-1])
    prompt, items, leaf, log_probs = (array[fresh] for array in (prompt, items, leaf, log_probs))

    order = np.lexsort((items, -log_probs, prompt))
    prompt = prompt[order]
    rank = np.arange(len(prompt)) - np.searchsorted(prompt, prompt)
    top = rank < k
    ranked = RankedItems(
        items=np.full((len(result.leaves), k), -1, dtype=np.int64),
        log_probs=np.full((len(result.leaves), k), -np.inf, dtype=np.float32),
        leaves=np.full((len(result.leaves), k), -1, dtype=np.int64),
    )
    for target, values in zip(ranked, (items, log_probs, leaf), strict=True):
        target[prompt[top], rank[top]] = values[order][top]
    return ranked


def item_scores(log_probs: Float[np.ndarray, "B n_leaves"], trie: Trie, n_items: int) -> Float[np.ndarray, "B N"]:
    """Log-probability (nats) of every item of the catalogue from those of the trie's identifiers, as ``rank_items``.

    Items without an identifier in the trie get -inf.
    """
    leaf = trie.leaf_of_entry()
    shared = log_probs - np.log(trie.group_sizes()).astype(np.float32)
    scores = np.full((len(log_probs), n_items), -np.inf, dtype=np.float32)
    if len(np.unique(trie.items)) == len(trie.items):
        scores[:, trie.items] = shared[:, leaf]
    else:  # an item under two identifiers keeps the better one
        np.maximum.at(scores.T, trie.items, shared[:, leaf].T)
    return scores


def _start(prompts: list[Any], trie: Trie, roots: np.ndarray | None) -> tuple[np.ndarray, int]:
    """The (1 or B, 1) nodes at which the prompts start, and the number of levels below them."""
    if len(prompts) == 0:
        raise DecodingError("no prompts: give at least one.")
    if roots is None:
        return np.array([[ROOT]]), trie.levels
    roots = np.asarray(roots)
    depths = np.unique(trie.depth(roots))
    if roots.shape != (len(prompts),) or len(depths) != 1 or depths[0] >= trie.levels:
        raise DecodingError(f"{len(prompts)} prompts need as many roots, all inner nodes of one depth.")
    return roots[:, None], trie.levels - int(depths[0])


def read_forced(
    decoder: StepDecoder, prompts: list[Any], forced: np.ndarray | None
) -> tuple[Any, Tensor | None, Tensor | None]:
    """Read the prompts and feed the forced tokens but the last, which the next step takes: (state, tokens, parents)."""
    state = decoder.read(prompts)
    if forced is None or np.shape(forced)[1:] == (0,):
        return state, None, None
    forced = _to(decoder, np.asarray(forced))
    if forced.ndim != 2 or len(forced) != len(prompts):
        raise DecodingError(f"{len(prompts)} prompts need forced tokens of shape (B, F), not {tuple(forced.shape)}.")
    nothing = torch.empty(len(prompts), 1, 0, dtype=torch.int64, device=decoder.device)
    only = torch.zeros(len(prompts), 1, dtype=torch.int64, device=decoder.device)
    tokens = parents = None
    for place in range(forced.shape[1]):
        _, state = decoder.step(state, tokens, parents, nothing)
        tokens, parents = forced[:, place : place + 1], only
    return state, tokens, parents


def _best(
    candidates: Float[Tensor, "B C"], nodes: Int[np.ndarray, "B C"], beams: int
) -> tuple[Int[np.ndarray, "B W"], Float[Tensor, "B W"]]:
    """Places and scores of the ``beams`` best candidates of each prompt, ties by node; fewer where fewer are possible.

    ``torch.topk`` leaves the order of equal scores open. So what it picked is sorted again, and where the cut runs
    through a group of equal scores (seen by looking one further), the whole row is sorted.
    """
    width = max(1, min(beams, int((candidates > -torch.inf).sum(1).max())))
    values, places = torch.topk(candidates, min(width + 1, candidates.shape[1]), dim=1)
    if torch.isnan(values).any():
        raise DecodingError("the model answered NaN: its weights or its training diverged.")
    values, places = values.cpu().numpy(), places.cpu().numpy()
    cut = (values[:, width:] == values[:, width - 1 : width]) & (values[:, width:] > -np.inf)
    if cut.any():
        chosen = np.lexsort((nodes, -candidates.cpu().numpy()), axis=1)[:, :width]
    else:
        places, values = places[:, :width], values[:, :width]
        order = np.lexsort((np.take_along_axis(nodes, places, 1), -values), axis=1)
        chosen = np.take_along_axis(places, order, 1)
    return chosen, candidates.gather(1, torch.from_numpy(chosen).to(candidates.device))


def _all_scores(
    decoder: StepDecoder,
    prompts: list[Any],
    trie: Trie,
    roots: Int[np.ndarray, "S 1"],
    forced: np.ndarray | None,
    rows_at_once: int,
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Yield nodes below the roots (S, C), S = 1 if all prompts share them and else B, with their scores (B, C).

    All of one yield are of one depth, NOWHERE pads shorter rows. Depth first: the children of a block of nodes are cut
    into blocks again, so that no level ever holds more rows than allowed, and each block continues the state its
    parents left.
    """
    prompt_count = len(prompts)
    block = max(1, rows_at_once // prompt_count)
    last = trie.bounds[-2]

    def below(
        state: Any, tokens: Tensor | None, parents: Tensor | None, nodes: np.ndarray, scores: Tensor
    ) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        children = trie.children(nodes)
        asked = _to(decoder, children.tokens).expand(prompt_count, -1, -1)
        log_probs, state = decoder.step(state, tokens, parents, asked)
        found = (scores[..., None] + log_probs).flatten(1)
        width = max(int(children.mask.sum((1, 2)).max()), 1)
        packed = np.argsort(~children.mask.reshape(len(nodes), -1), axis=1, kind="stable")[:, :width]
        real = np.take_along_axis(children.mask.reshape(len(nodes), -1), packed, 1)
        next_nodes = np.take_along_axis(children.nodes.reshape(len(nodes), -1), packed, 1)
        next_nodes = np.where(real, next_nodes, NOWHERE)
        found = found.gather(1, _to(decoder, packed).expand(prompt_count, -1))
        if next_nodes.max() >= last:
            if torch.isnan(found[_to(decoder, real).expand_as(found)]).any():
                raise DecodingError("the model answered NaN: its weights or its training diverged.")
            yield next_nodes, found.cpu().numpy()
            return
        yield next_nodes, found.cpu().numpy()
        next_tokens = np.take_along_axis(children.tokens.reshape(len(nodes), -1), packed, 1)
        rows = packed // children.nodes.shape[2]
        for start in range(0, width, block):
            part = slice(start, start + block)
            yield from below(
                state,
                _to(decoder, next_tokens[:, part]).expand(prompt_count, -1),
                _to(decoder, rows[:, part]).expand(prompt_count, -1),
                next_nodes[:, part],
                found[:, part],
            )

    state, tokens, parents = read_forced(decoder, prompts, forced)
    yield from below(state, tokens, parents, roots, torch.zeros(prompt_count, 1, device=decoder.device))


def _to(decoder: StepDecoder, array: np.ndarray) -> Tensor:
    return torch.from_numpy(np.ascontiguousarray(array)).to(decoder.device)
