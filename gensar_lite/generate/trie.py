"""A prefix trie in a handful of arrays: which token may follow which prefix, and which items an identifier names.

Fixed-length identifiers are sorted once; each depth of the trie is then a run of consecutive node numbers, the children
of a node are consecutive too (compressed sparse rows), and node order within a depth is the lexicographic order of the
prefixes. So "break ties by token sequence" is "break ties by node number", and looking up the children of thousands of
nodes is one gather.

This module knows nothing about models, scores or beams, and needs no torch.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from jaxtyping import Bool, Int, Integer

ROOT = 0
NOWHERE = -1  # stands for "no node" in arrays of nodes; it has no children


class TrieError(ValueError):
    """Identifiers from which no trie can be made. The message says what is wrong with them."""


class Children(NamedTuple):
    """The children of many nodes, padded to the largest number of them, C.

    Attributes:
        tokens: (..., C) vocabulary ids, ascending within a node; 0 where padded.
        nodes: (..., C) node numbers; ROOT where padded (the root is no node's child).
        mask: (..., C) True for real children.
    """

    tokens: Int[np.ndarray, "... C"]
    nodes: Int[np.ndarray, "... C"]
    mask: Bool[np.ndarray, "... C"]


@dataclass(frozen=True)
class Trie:
    """A prefix trie over identifiers of one length; make it with ``Trie.build`` or ``Trie.forest``.

    For n identifiers of length L over a vocabulary below 65,536 it takes at most about (6 L + 8) n bytes, less the more
    prefixes are shared: 1,000,000 random identifiers of 4 levels with 256 codes each fill 17 MB.

    Attributes:
        bounds: (L + 2,) nodes of depth l are bounds[l] <= node < bounds[l + 1]; node 0 is the root, depth L the leaves.
        tokens: (nodes,) the token that leads to each node; 0 for the root.
        first_child: (inner nodes + 1,) children of inner node i are first_child[i] <= node < first_child[i + 1].
        first_item: (leaves + 1,) items of leaf j are ``items[first_item[j]:first_item[j + 1]]``.
        items: item indices, ascending within a leaf, each once per leaf.
    """

    bounds: Int[np.ndarray, " depths"]
    tokens: Integer[np.ndarray, " nodes"]
    first_child: Int[np.ndarray, " inner_and_end"]
    first_item: Int[np.ndarray, " leaves_and_end"]
    items: Int[np.ndarray, " entries"]

    @classmethod
    def build(cls, sequences: Int[np.ndarray, "n L"], items: Int[np.ndarray, " rows"] | None = None) -> Trie:
        """Sort the identifiers once and read the trie off the sorted rows: O(n log n) time, no loop over rows.

        Args:
            sequences: vocabulary ids (>= 0). Equal rows become one leaf that holds several items. Two kinds of
                identifier are united by stacking them, with the items stacked likewise.
            items: the item index each row names; None for 0, 1, ..., n - 1. An item may stand under several
                identifiers; twice under the same one counts once.

        Raises:
            TrieError: no rows, no columns, a negative token, or not one item per row.
        """
        sequences = np.asarray(sequences)
        _check(sequences, items)
        n, length = sequences.shape
        keys = _packed(sequences)
        if items is None:
            items = np.arange(n)
            order = np.lexsort(keys[::-1]) if len(keys) > 1 else np.argsort(keys[0], kind="stable")
        else:
            items = np.asarray(items)
            order = np.lexsort((items, *keys[::-1]))
        ordered = sequences[order]
        starts_anew = np.zeros(n, dtype=bool)  # True where the prefix read so far differs from the row above
        starts_anew[0] = True
        starts = [np.zeros(1, dtype=np.int64)]  # first sorted row of every node, one array per depth
        tokens = [np.zeros(1, dtype=np.int64)]
        for level in range(length):
            starts_anew[1:] |= ordered[1:, level] != ordered[:-1, level]
            starts.append(np.flatnonzero(starts_anew))
            tokens.append(ordered[starts[-1], level])
        bounds = np.concatenate([[0], np.cumsum([len(rows) for rows in starts])])
        first_child = [bounds[depth + 1] + np.searchsorted(starts[depth + 1], starts[depth]) for depth in range(length)]
        fresh = np.ones(n, dtype=bool)  # an item repeated under one identifier is dropped
        fresh[1:] = starts_anew[1:] | (items[order[1:]] != items[order[:-1]])
        kept_before = np.concatenate([[0], np.cumsum(fresh)])
        top = int(sequences.max())
        return cls(
            bounds=bounds,
            tokens=np.concatenate(tokens).astype(np.uint16 if top <= np.iinfo(np.uint16).max else np.int32),
            first_child=np.concatenate([*first_child, bounds[-1:]]).astype(_index_type(int(bounds[-1]))),
            first_item=kept_before[np.append(starts[-1], n)].astype(_index_type(n)),
            items=items[order[fresh]].astype(_index_type(int(items.max()))),
        )

    @classmethod
    def forest(
        cls,
        owners: Int[np.ndarray, " rows"],
        sequences: Int[np.ndarray, "n L"],
        items: Int[np.ndarray, " n"] | None = None,
    ) -> tuple[Trie, Int[np.ndarray, " B"]]:
        """One trie per prompt (its own candidate list), side by side in one set of arrays.

        Args:
            owners: prompt number of each row, 0 <= owner < B; every prompt below the largest owns at least one row.
            sequences: the candidates' identifiers.
            items: as in ``build``.

        Returns:
            a trie of L + 1 levels whose first "token" is the prompt number, and the (B,) nodes at which the prompts
            begin.

        Raises:
            TrieError: as ``build``, or a prompt owns no row.
        """
        owners = np.asarray(owners)
        if len(owners) == 0 or len(owners) != len(sequences):
            raise TrieError(
                f"{len(owners)} owners for {len(sequences)} candidate rows: each row needs one, and one row."
            )
        present = np.unique(owners)
        if not np.array_equal(present, np.arange(len(present))):
            missing = sorted(set(range(int(present.max()) + 1)) - set(present.tolist()))
            raise TrieError(f"prompts without a single candidate: {missing[:5]}. Every prompt needs at least one.")
        trie = cls.build(np.column_stack([owners, sequences]), items)
        return trie, np.arange(trie.bounds[1], trie.bounds[2])

    @property
    def levels(self) -> int:
        """L, the length of the identifiers (one more in a forest)."""
        return len(self.bounds) - 2

    @property
    def n_leaves(self) -> int:
        """Number of distinct identifiers."""
        return len(self.first_item) - 1

    @property
    def n_nodes(self) -> int:
        """Number of nodes, root and leaves included."""
        return len(self.tokens)

    @property
    def nbytes(self) -> int:
        """Memory of all arrays, in bytes."""
        parts = (self.bounds, self.tokens, self.first_child, self.first_item, self.items)
        return sum(part.nbytes for part in parts)

    def depth(self, nodes: Int[np.ndarray, "..."]) -> Int[np.ndarray, "..."]:
        """Number of tokens on the way from the root to each node."""
        return np.searchsorted(self.bounds, nodes, side="right") - 1

    def leaf_index(self, nodes: Int[np.ndarray, "..."]) -> Int[np.ndarray, "..."]:
        """Leaf number (0 <= leaf < n_leaves, lexicographic order) of leaf nodes; negative for other nodes."""
        return nodes - self.bounds[-2]

    def children(self, nodes: Int[np.ndarray, "*shape"]) -> Children:
        """Children of many inner nodes at once; NOWHERE has none. O(number of nodes * C) time.

        Raises:
            IndexError: a leaf, or a number that is no node.
        """
        nodes = np.asarray(nodes)
        first = self.first_child[nodes].astype(np.int64)
        count = np.where(nodes >= 0, self.first_child[nodes + 1] - first, 0)
        slots = np.arange(max(int(count.max(initial=0)), 1))
        mask = slots < count[..., None]
        child = np.where(mask, first[..., None] + slots, ROOT)
        return Children(tokens=self.tokens[child].astype(np.int64), nodes=child, mask=mask)

    def path(self, nodes: Int[np.ndarray, "*shape"], length: int | None = None) -> Int[np.ndarray, "*shape L"]:
        """The last ``length`` tokens on the way to each node (all L of a leaf by default), found by walking up.

        O(length * log(nodes)) per node. NOWHERE gives a row of -1. Nodes must be at least ``length`` deep.
        """
        way = self.ancestors(nodes, length)
        return np.where(way >= 0, self.tokens[way].astype(np.int64), -1)

    def ancestors(self, nodes: Int[np.ndarray, "*shape"], length: int | None = None) -> Int[np.ndarray, "*shape L"]:
        """The last ``length`` nodes on the way to each node, itself the last of them; as ``path`` otherwise."""
        here = np.asarray(nodes)
        columns = []
        for _ in range(self.levels if length is None else length):
            columns.append(here)
            here = np.where(here >= 0, np.searchsorted(self.first_child, here, side="right") - 1, NOWHERE)
        return np.stack(columns[::-1], axis=-1)

    def leaf_sequences(self) -> Int[np.ndarray, "n_leaves L"]:
        """Every distinct identifier, in lexicographic order."""
        return self.path(np.arange(self.bounds[-2], self.bounds[-1]))

    def leaf_of_entry(self) -> Int[np.ndarray, " entries"]:
        """Leaf number of each entry of ``items``."""
        return np.repeat(np.arange(self.n_leaves), self.group_sizes())

    def group_sizes(self) -> Int[np.ndarray, " n_leaves"]:
        """How many items share each identifier (at least 1)."""
        return np.diff(self.first_item)

    def restricted_to(self, items: Int[np.ndarray, " m"]) -> Trie:
        """The trie of some of the items. O(entries + m log m). Group sizes count the items that stay.

        Raises:
            TrieError: none of the items stands in this trie.
        """
        keep = np.isin(self.items, items)
        if not keep.any():
            raise TrieError("none of the wanted items has an identifier in this trie.")
        leaves = self.leaf_of_entry()[keep]
        return Trie.build(self.path(leaves + self.bounds[-2]), self.items[keep])


def _check(sequences: np.ndarray, items: np.ndarray | None) -> None:
    if sequences.ndim != 2 or 0 in sequences.shape:
        raise TrieError(
            f"identifiers must be a table of at least one row and one level, not of shape {sequences.shape}."
        )
    if sequences.min() < 0:
        row = int(np.flatnonzero((sequences < 0).any(axis=1))[0])
        raise TrieError(f"row {row} has a negative token {sequences[row].tolist()}: every level needs a vocabulary id.")
    if items is not None and len(items) != len(sequences):
        raise TrieError(f"{len(items)} items for {len(sequences)} identifiers: there must be one per row.")


def _packed(sequences: np.ndarray) -> list[np.ndarray]:
    """Integer keys, most significant first, that order rows as their columns do: as many columns per key as fit."""
    low = sequences.min(axis=0).astype(np.int64)
    span = sequences.max(axis=0).astype(np.int64) - low + 1
    keys: list[np.ndarray] = []
    room = 0
    for level in range(sequences.shape[1]):
        column = sequences[:, level].astype(np.int64) - low[level]
        if keys and room // int(span[level]) > 0:
            keys[-1] = keys[-1] * span[level] + column
        else:
            keys.append(column)
            room = np.iinfo(np.int64).max
        room //= int(span[level])
    return keys


def _index_type(largest: int) -> type[np.signedinteger]:
    return np.int32 if largest <= np.iinfo(np.int32).max else np.int64
