"""Which items are alike: neighbour lists by cosine, plain click vectors, and the control that shuffles the clicks.

Works on any matrix with one row per item, be it made of text or of clicks. It trains nothing and knows no queries.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from jaxtyping import Float, Int
from scipy import sparse

from gensar_lite.log.schema import JointLog
from gensar_lite.log.split import Split

_ROWS = 1024  # items compared with the whole catalogue at a time


class Neighbours(NamedTuple):
    """The k items nearest to one item, best first; the item itself is never among them.

    Attributes:
        items: (k,) item indices.
        cosines: (k,) -1 to 1.
    """

    items: np.ndarray
    cosines: np.ndarray


def unit_rows(matrix: Float[np.ndarray, "N E"]) -> Float[np.ndarray, "N E"]:
    """Rows of length 1; a zero row stays zero."""
    length = np.linalg.norm(matrix, axis=1, keepdims=True)
    return matrix / np.where(length > 0, length, 1.0)


def centred(matrix: Float[np.ndarray, "N E"]) -> Float[np.ndarray, "N E"]:
    """Unit rows after the mean is taken away: what all items share says nothing about which are alike."""
    return unit_rows(matrix - matrix.mean(axis=0))


def reduced(matrix: Float[np.ndarray, "N E"], dim: int) -> Float[np.ndarray, "N D"]:
    """Centred unit rows in the ``dim`` directions that keep most of the variance (all directions if E is smaller)."""
    middle = np.asarray(matrix, dtype=np.float64) - matrix.mean(axis=0)
    _, directions = np.linalg.eigh(middle.T @ middle)  # ascending
    return unit_rows(middle @ directions[:, ::-1][:, :dim])


def nearest(matrix: Float[np.ndarray, "N E"], item: int, k: int = 10) -> Neighbours:
    """The items with the largest cosine to ``item``; equal cosines stand in the order of item indices.

    Raises:
        ValueError: there is no such item, or k is not within 1 .. N - 1.
    """
    if not 0 <= item < len(matrix):
        raise ValueError(f"There is no item {item}; the catalogue has 0 .. {len(matrix) - 1}.")
    _check_k(k, len(matrix))
    rows = unit_rows(matrix)
    cosines = rows @ rows[item]
    order = np.argsort(-cosines, kind="stable")
    order = order[order != item][:k]
    return Neighbours(order, cosines[order])


def nearest_all(matrix: Float[np.ndarray, "N E"], k: int = 10) -> Int[np.ndarray, "N k"]:
    """The k nearest items of every item, best first, as ``nearest`` gives them.

    Raises:
        ValueError: k is not within 1 .. N - 1.
    """
    _check_k(k, len(matrix))
    rows = unit_rows(matrix)
    return np.concatenate([_best(block, first, k) for first, block in _blocks(rows)])


def overlap(first: Int[np.ndarray, "N k"], second: Int[np.ndarray, "N k"]) -> Float[np.ndarray, " N"]:
    """For each item the share of its first list that also stands in its second, 0 to 1; order does not count."""
    return (first[:, :, None] == second[:, None, :]).any(axis=2).mean(axis=1)


def same_label(lists: Int[np.ndarray, "N k"], labels: np.ndarray) -> Float[np.ndarray, " N"]:
    """For each item the share of its neighbours that carry its own label (its shelf, its brand), 0 to 1."""
    return (labels[lists] == labels[:, None]).mean(axis=1)


def shared_shoppers(lists: Int[np.ndarray, "N k"], log: JointLog, split: Split) -> Float[np.ndarray, " N"]:
    """For each item the mean number of shoppers who clicked both it and a neighbour, in training."""
    bought = _shoppers_by_items(log, split)
    together = (bought.T @ bought).tocsr()
    rows = np.repeat(np.arange(len(lists)), lists.shape[1])
    return np.asarray(together[rows, lists.ravel()]).reshape(lists.shape).mean(axis=1)


def click_vectors(log: JointLog, split: Split, dim: int = 64, seed: int = 0) -> Float[np.ndarray, "N D"]:
    """Item vectors out of nothing but who clicked what in training: a truncated SVD of shoppers by items.

    Rows and columns are divided by the square roots of their sums first, so that busy shoppers and popular items do not
    drown the rest. Items without training clicks get a zero row.

    Args:
        dim: D, at most the smaller of shoppers and items less one.
        seed: of the randomised SVD.
    """
    from sklearn.utils.extmath import randomized_svd

    bought = _shoppers_by_items(log, split)
    of_shopper, of_item = (np.asarray(bought.sum(axis=axis)).ravel() for axis in (1, 0))
    scaled = sparse.diags(1 / np.sqrt(np.maximum(of_shopper, 1))) @ bought
    scaled = (scaled @ sparse.diags(1 / np.sqrt(np.maximum(of_item, 1)))).tocsr()
    _, strength, directions = randomized_svd(scaled, min(dim + 1, *scaled.shape), random_state=seed)
    # The first direction only says how popular an item is.
    return unit_rows((directions.T * strength)[:, 1:])


def shuffle_clicks(log: JointLog, split: Split, seed: int = 0) -> JointLog:
    """The same log with the items of its training clicks dealt out anew, at random.

    Every shopper keeps the number of clicks, every query too, every item its popularity; what is lost is only who
    clicked what, and for which words. Held-out events stay as they are.
    """
    item = log.events["item"].to_numpy().copy()
    rows = _training_clicks(log, split)
    item[rows] = np.random.default_rng(seed).permutation(item[rows])
    return replace(log, name=f"{log.name} (shuffled clicks)", events=log.events.assign(item=item))


def _training_clicks(log: JointLog, split: Split) -> np.ndarray:
    return np.flatnonzero(split.train & (log.events["item"] >= 0).to_numpy())


def _shoppers_by_items(log: JointLog, split: Split) -> sparse.csr_matrix:
    """(U, N) 1 where a shopper clicked an item in training."""
    rows = _training_clicks(log, split)
    user, item = (log.events[name].to_numpy()[rows] for name in ("user", "item"))
    pairs = sparse.coo_matrix((np.ones(len(rows)), (user, item)), shape=(log.n_users, log.n_items)).tocsr()
    pairs.data[:] = 1.0
    return pairs


def _blocks(rows: np.ndarray) -> Iterator[tuple[int, np.ndarray]]:
    """Cosines of the catalogue's items with all items, some rows at a time."""
    for first in range(0, len(rows), _ROWS):
        yield first, rows[first : first + _ROWS] @ rows.T


def _best(cosines: np.ndarray, first: int, k: int) -> np.ndarray:
    own = np.arange(len(cosines))
    cosines[own, first + own] = -np.inf
    return np.argsort(-cosines, axis=1, kind="stable")[:, :k]


def _check_k(k: int, n_items: int) -> None:
    if not 1 <= k < n_items:
        raise ValueError(f"{k} neighbours of one of {n_items} items: ask for 1 to {n_items - 1}.")
