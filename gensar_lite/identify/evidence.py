"""What a diagnosis can be given beside the identifiers, checked and prepared once: spaces, neighbours, clicks.

Everything is optional; each part switches its measures on. It knows nothing about codes. numpy and pandas, scipy for
co-clicks; no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from gensar_lite.identify.labels import category_levels
from gensar_lite.identify.table import COLLABORATIVE, SEMANTIC, IdentifierError, IdentifierTable
from gensar_lite.identify.views import scale_view
from gensar_lite.log.checks import text_of

NEIGHBOURS = 10  # of each item that is asked
ASKED = 5_000  # items asked for their neighbours
CANDIDATES = 50_000  # items among which neighbours are looked for
HEAD, MIDDLE, TAIL, COLD = "head", "middle", "tail", "cold"
STRATA = (HEAD, MIDDLE, TAIL, COLD)

_EVENT_COLUMNS = ("user", "item")
_DECODER_COLUMNS = ("case", "step")


@dataclass(frozen=True)
class Evidence:
    """What is known about the items of a catalogue; every part may be missing.

    Attributes:
        embeddings: kind -> (N, E). One named like a kind of the table counts as what that kind was made of;
            "semantic" is the one that says which texts are alike, "collaborative" which clicks are.
        texts: (N,) what each item says about itself; a missing value counts as "".
        categories: (N,) category paths, root first, joined by ", "; "" or missing if unknown.
        events: clicks, one row each, in the form of ``JointLog.events``: ``user`` (int), ``item`` (item index; -1 is
            no click); ``query`` ("" without one) and ``behaviour`` where there are any. Give the training part alone,
            or held-out clicks take part in what is measured.
        targets: item indices of the test targets, one per test case.
        decoder: what a model did, one row per test case and step, written by the generate or evaluate stage:

            ``case``       int, number of the test case.
            ``step``       int, 1 = first code; 0 = the behaviour token, where the model says it itself.
            ``forbidden``  probability of tokens that the trie does not allow after the right prefix, 0 to 1.
            ``log_prob``   log-probability in nats of the right token, given the right ones before it.
            ``likeliest``  bool, whether no other token was likelier.
            ``pruned_at``  int, the step at which the target's prefix left the beam, the same in all rows of a case;
                           missing where it stayed.
            ``kl``         KL divergence in nats of the next token's distribution under the case's behaviour token
                           from that under the other one.
            ``rbo``        rank-biased overlap of the two answers, 0 to 1, the same in all rows of a case.
            ``kind``       kind of identifier that was spelt; without it the rows count for the whole table.

            ``case`` and ``step`` must be there; of the others those that are there are used, NaN is left out.
        codebooks: kind -> L arrays (K, E) of code words that sum up to the embedding of that kind (a model's latent
            vectors, if that is what was quantised). Without them, code words are estimated from the items.
        before: the table before its collisions were repaired.
        other_seed: the table that the same scheme makes with another seed.
    """

    embeddings: Mapping[str, np.ndarray] | None = None
    texts: Sequence | np.ndarray | pd.Series | None = None
    categories: Sequence | np.ndarray | pd.Series | None = None
    events: pd.DataFrame | None = None
    targets: np.ndarray | None = None
    decoder: pd.DataFrame | None = None
    codebooks: Mapping[str, Sequence[np.ndarray]] | None = None
    before: IdentifierTable | None = None
    other_seed: IdentifierTable | None = None


class Neighbours(NamedTuple):
    """Whom each of some items is near to.

    Attributes:
        items: (Q,) item indices that were asked.
        lists: (Q, k) item indices, nearest first; -1 where an item has fewer neighbours.
        said: how they were found, for notes and formulas.
    """

    items: np.ndarray
    lists: np.ndarray
    said: str


@dataclass(frozen=True)
class Space:
    """One embedding of the catalogue.

    Attributes:
        name: its kind.
        raw: (N, E) as given.
        matrix: (N, E) centred, mean squared norm 1 (``views.scale_view``).
        unit: (N, E) centred rows of length 1.
        neighbours: by cosine of ``unit``.
    """

    name: str
    raw: np.ndarray
    matrix: np.ndarray
    unit: np.ndarray
    neighbours: Neighbours


@dataclass(frozen=True)
class Clicks:
    """Who clicked what.

    Attributes:
        per_item: (N,) clicks.
        strata: (N,) one of ``STRATA``: the items that take the first 50 % of clicks, the next 40 %, the last 10 %,
            and those without any.
        successive: (P, 2) items clicked one after the other by the same user, two different ones.
        asked: (C, 2) query number and item of every click that followed a query, or None without queries.
        neighbours: the items with the most users in common (cosine of their sets of users).
    """

    per_item: np.ndarray
    strata: np.ndarray
    successive: np.ndarray
    asked: np.ndarray | None
    neighbours: Neighbours


@dataclass(frozen=True)
class Prepared:
    """Evidence, checked and ready to be measured.

    Attributes:
        evidence: as given.
        spaces: name -> embedding.
        texts: (N,) or None.
        categories: name of a category level -> (N,) which category, numbered from 0.
        clicks: or None.
        seed: of everything drawn.
    """

    evidence: Evidence
    spaces: dict[str, Space]
    texts: list[str] | None
    categories: dict[str, np.ndarray]
    clicks: Clicks | None
    seed: int

    @property
    def text_space(self) -> Space | None:
        """The embedding by which texts are alike: "semantic", or the only one if it is not made of clicks."""
        if SEMANTIC in self.spaces:
            return self.spaces[SEMANTIC]
        others = [space for name, space in self.spaces.items() if name != COLLABORATIVE]
        return others[0] if len(others) == 1 else None

    def own_space(self, kind: str) -> Space | None:
        """The embedding that a kind was made of: the one of its name, else the one of texts if clicks did not make it.

        Only this one can convict a kind: identifiers made of clicks need not follow the texts.
        """
        return self.spaces.get(kind) or (None if kind == COLLABORATIVE else self.text_space)

    def nearest_space(self, kind: str) -> Space | None:
        """The embedding in which a kind is measured: its own, else the one of texts, which passes no verdict on it."""
        return self.own_space(kind) or self.text_space


def prepare(evidence: Evidence, item_ids: np.ndarray, seed: int) -> Prepared:
    """Check evidence against a catalogue and compute once what several measures need.

    Raises:
        IdentifierError: evidence of another number of items, of items that are not there, not finite, or without the
            columns it needs.
    """
    n_items = len(item_ids)
    for name in ("texts", "categories"):
        given = getattr(evidence, name)
        if given is not None and len(given) != n_items:
            raise IdentifierError(
                f"{len(given)} {name} for {n_items} items. Give one per row of the table, in its order."
            )
    spaces = {name: _space(name, matrix, item_ids, seed) for name, matrix in (evidence.embeddings or {}).items()}
    categories = {}
    if evidence.categories is not None:
        categories = _category_numbers(evidence.categories)
    if evidence.targets is not None:
        _check_items(np.asarray(evidence.targets), n_items, "targets", lowest=0)
    if evidence.decoder is not None:
        _need(evidence.decoder, _DECODER_COLUMNS, "decoder frame")
    clicks = None if evidence.events is None else _clicks(evidence.events, n_items, seed)
    texts = None if evidence.texts is None else [text_of(text) for text in evidence.texts]
    return Prepared(evidence, spaces, texts, categories, clicks, seed)


def _category_numbers(paths: Sequence | np.ndarray | pd.Series) -> dict[str, np.ndarray]:
    """Category levels as numbers; a level that sorts the items as the one before it does is left out."""
    found: dict[str, np.ndarray] = {}
    last = np.zeros(0, dtype=np.int64)
    path, different = pd.factorize(np.asarray(paths, dtype=object), use_na_sentinel=False)  # few paths, many items
    for name, column in category_levels([text_of(value) for value in different]).items():
        own = pd.factorize(column)[0].astype(np.int64)[path]
        if not np.array_equal(own, last):
            found[f"category {name}"] = own
        last = own
    return found


def sample(n_items: int, size: int, seed: int) -> Int[np.ndarray, " S"]:
    """Ascending item indices: all of them, or ``size`` drawn without replacement."""
    if n_items <= size:
        return np.arange(n_items)
    return np.sort(np.random.default_rng(seed).choice(n_items, size=size, replace=False))


def nearest_neighbours(unit: Float[np.ndarray, "N E"], seed: int, k: int = NEIGHBOURS) -> Neighbours:
    """The k nearest items by cosine, of up to ``ASKED`` items among up to ``CANDIDATES``; equal cosines by item index.

    Both samples are seeded; a catalogue below these sizes is taken whole.
    """
    n_items = len(unit)
    pool = sample(n_items, CANDIDATES, seed)
    places = sample(len(pool), ASKED, seed + 1)
    k = min(k, len(pool) - 1)
    rows = unit[pool]
    lists = np.empty((len(places), max(k, 0)), dtype=np.int64)
    step = max(1, 20_000_000 // max(len(pool), 1))
    for begin in range(0, len(places) if k > 0 else 0, step):
        block = places[begin : begin + step]
        cosines = rows[block] @ rows.T
        cosines[np.arange(len(block)), block] = -np.inf
        lists[begin : begin + step] = pool[_largest(cosines, k)]
    said = f"{k} nearest of {len(places)} items"
    if len(pool) < n_items or len(places) < n_items:
        said += f" among {len(pool)} of {n_items}, drawn with seed {seed}"
    return Neighbours(pool[places], lists, said)


def _largest(values: Float[np.ndarray, "Q C"], k: int) -> Int[np.ndarray, "Q k"]:
    """Columns of the k largest values of each row, largest first."""
    found = np.argpartition(-values, k - 1, axis=1)[:, :k]
    found.sort(axis=1)  # so that equal values stand by column
    order = np.argsort(-np.take_along_axis(values, found, axis=1), axis=1, kind="stable")
    return np.take_along_axis(found, order, axis=1)


def _space(name: str, matrix: np.ndarray, item_ids: np.ndarray, seed: int) -> Space:
    from gensar_lite.embed.neighbours import unit_rows

    raw = np.asarray(matrix)
    if raw.ndim != 2 or len(raw) != len(item_ids):
        raise IdentifierError(
            f"The {name} embedding has shape {raw.shape} for {len(item_ids)} items. "
            "Give one row per row of the table, in its order."
        )
    view = scale_view(raw, name, item_ids)
    unit = unit_rows(view.matrix)
    return Space(name, raw, view.matrix, unit, nearest_neighbours(unit, seed))


# ---------------------------------------------------------------- clicks


def _clicks(events: pd.DataFrame, n_items: int, seed: int) -> Clicks:
    _need(events, _EVENT_COLUMNS, "events")
    item = events["item"].to_numpy()
    _check_items(item, n_items, "events", lowest=-1)
    rows = np.flatnonzero(item >= 0)
    item, user = item[rows].astype(np.int64), pd.factorize(events["user"].to_numpy()[rows])[0]
    per_item = np.bincount(item, minlength=n_items)
    order = np.argsort(user, kind="stable")  # rows of one user stay in the order of time
    left, right = item[order][:-1], item[order][1:]
    follows = (user[order][:-1] == user[order][1:]) & (left != right)
    asked = None
    if "query" in events:
        query = events["query"].fillna("").astype(str).to_numpy(dtype=object)[rows]
        typed = np.flatnonzero(query != "")
        if len(typed):
            asked = np.stack([pd.factorize(query[typed])[0], item[typed]], axis=1)
    neighbours = co_clicked(user, item, n_items, seed)
    return Clicks(per_item, strata(per_item), np.stack([left[follows], right[follows]], axis=1), asked, neighbours)


def strata(per_item: Int[np.ndarray, " N"]) -> np.ndarray:
    """(N,) head, middle, tail or cold: what takes the first 50 % of clicks, the next 40 %, the last 10 %, none.

    Items with equally many clicks stand in the same stratum, the busier one.
    """
    found = np.full(len(per_item), COLD, dtype=object)
    values, inverse = np.unique(-per_item, return_inverse=True)
    clicks = np.bincount(inverse, weights=per_item)
    before = np.cumsum(clicks) - clicks  # clicks of all busier items
    share = (before / max(clicks.sum(), 1))[inverse]
    for name, limit in ((TAIL, np.inf), (MIDDLE, 0.9), (HEAD, 0.5)):
        found[(per_item > 0) & (share < limit)] = name
    return found


def co_clicked(
    user: Int[np.ndarray, " C"], item: Int[np.ndarray, " C"], n_items: int, seed: int, k: int = NEIGHBOURS
) -> Neighbours:
    """The k items with the most users in common, by the cosine of their sets of users; equal ones by item index.

    Up to ``ASKED`` of the clicked items are asked, drawn with the seed.
    """
    from scipy import sparse

    users = int(user.max(initial=-1)) + 1
    pairs = sparse.coo_matrix((np.ones(len(user)), (user, item)), shape=(users, n_items)).tocsr()
    pairs.data[:] = 1.0
    sets = pairs.T.tocsr()
    length = np.sqrt(np.maximum(np.diff(sets.indptr), 1))
    clicked = np.flatnonzero(np.diff(sets.indptr) > 0)
    asked = clicked[sample(len(clicked), ASKED, seed + 1)]
    lists = np.full((len(asked), k), -1, dtype=np.int64)
    for begin in range(0, len(asked), 500):
        common = (sets[asked[begin : begin + 500]] @ pairs).tocsr()
        for place in range(common.shape[0]):
            others = common.indices[common.indptr[place] : common.indptr[place + 1]]
            likeness = common.data[common.indptr[place] : common.indptr[place + 1]] / length[others]
            keep = others != asked[begin + place]
            others, likeness = others[keep], likeness[keep]
            best = others[np.lexsort((others, -likeness))[:k]]
            lists[begin + place, : len(best)] = best
    said = f"up to {k} most co-clicked items of {len(asked)} clicked ones"
    if len(asked) < len(clicked):
        said += f" of {len(clicked)}, drawn with seed {seed + 1}"
    return Neighbours(asked, lists, said)


def _need(frame: pd.DataFrame, columns: tuple[str, ...], name: str) -> None:
    missing = [column for column in columns if column not in frame]
    if missing:
        raise IdentifierError(f"The {name} lack the column {', '.join(missing)}; there are {list(frame.columns)}.")


def _check_items(items: np.ndarray, n_items: int, name: str, lowest: int) -> None:
    if len(items) and not np.issubdtype(items.dtype, np.integer):
        raise IdentifierError(f"The {name} must name items by their index (whole numbers), not as {items.dtype}.")
    wrong = np.flatnonzero((items < lowest) | (items >= n_items))
    if len(wrong):
        raise IdentifierError(
            f"The {name} name item index {items[wrong[0]]} (row {wrong[0] + 1}), outside {lowest} .. {n_items - 1}. "
            "Count items by their row in the table."
        )
