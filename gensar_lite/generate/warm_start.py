"""Where the packed generator's embeddings start: where the item embeddings already put them, instead of at random."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch
from jaxtyping import Float, Int

from gensar_lite.generate.packed import PackedGenerator
from gensar_lite.generate.tasks import QUERY_WORDS
from gensar_lite.identify.table import IdentifierTable


def warm_start(
    model: PackedGenerator,
    table: IdentifierTable,
    views: Float[np.ndarray, "N E"],
    texts: Sequence[str],
    typed: Sequence[Sequence[str]] = (),
) -> None:
    """Start codes, words and whole queries near the items they stand for.

    A code starts at the mean of what its items' vectors still lack after the earlier levels, so that an event's slot
    (a sum of codes) starts near its item's vector; a word at the mean of the items whose text holds it; the token of a
    whole query at what its words still lack of the mean of the items it led to.

    Args:
        views: both views side by side, each scaled to mean squared norm 1; projected to D principal components.
        texts: (N,) item texts.
        typed: (N,) the training queries that led to each item, as often as they did; or nothing.
    """
    width = model.settings.width
    centred = views - views.mean(0)
    _, _, axes = np.linalg.svd(centred.T @ centred, hermitian=True)
    vectors = (centred @ axes[:width].T).astype(np.float32)
    vectors = np.pad(vectors, ((0, 0), (0, width - vectors.shape[1])))
    vectors /= np.sqrt((vectors**2).sum(1).mean()) + 1e-12
    start = model.embedding.weight.detach().cpu().numpy().copy()
    for kind in table.kinds:
        rest = vectors.copy()
        for tokens in model.vocabulary.identifiers(table, kind).T:
            means = _means(rest, tokens, len(start))
            used = np.unique(tokens)
            start[used] = means[used]
            rest -= means[tokens]
    spoken = [sorted(set(model.vocabulary.words_of(text))) for text in texts]
    token, item = _pairs(spoken)
    means = _means(vectors[item], token, len(start))
    heard = np.unique(token[token >= model.vocabulary.words.start])
    start[heard] = means[heard]
    whole = {query: model.vocabulary.query(query) for query in {query for queries in typed for query in queries}}
    token, item = _pairs([[number for query in queries for number in whole[query]] for queries in typed])
    means = _means(vectors[item], token, len(start))
    for query, numbers in whole.items():
        for number in numbers:  # one, or none
            start[number] = means[number] - start[model.vocabulary.words_of(query, QUERY_WORDS)].mean(0)
    with torch.no_grad():
        model.embedding.weight.copy_(torch.from_numpy(start))


def _pairs(lists: Sequence[Sequence[int]]) -> tuple[Int[np.ndarray, " P"], Int[np.ndarray, " P"]]:
    """Every token of every list, and the number of the list it stands in."""
    token = np.array([number for numbers in lists for number in numbers], dtype=np.int64)
    return token, np.repeat(np.arange(len(lists)), [len(numbers) for numbers in lists])


def _means(vectors: np.ndarray, groups: np.ndarray, size: int) -> np.ndarray:
    """(size, D): mean vector of each group, zero where a group is empty."""
    sums = np.zeros((size, vectors.shape[1]), dtype=np.float32)
    np.add.at(sums, groups, vectors)
    return sums / np.bincount(groups, minlength=size).clip(min=1)[:, None].astype(np.float32)
