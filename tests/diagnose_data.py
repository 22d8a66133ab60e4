"""Catalogues for the tests of the diagnosis: items in clusters inside clusters, with shoppers who keep to a cluster."""

from typing import NamedTuple

import numpy as np
import pandas as pd

from gensar_lite.identify.assign import repair
from gensar_lite.identify.evidence import Evidence
from gensar_lite.identify.residual_kmeans import residual_kmeans
from gensar_lite.identify.table import IdentifierTable
from gensar_lite.identify.views import scale_view

SIZES = (16, 32, 32, 64)


class Catalogue(NamedTuple):
    matrix: np.ndarray  # (N, 12)
    cluster: np.ndarray  # (N,) 0 .. 15
    inner: np.ndarray  # (N,) 0 .. 63, four to a cluster
    events: pd.DataFrame


def catalogue(n_items: int = 1280, seed: int = 0) -> Catalogue:
    """16 clusters of 4 inner clusters each; a shopper clicks items of one cluster, popular items more often."""
    random = np.random.default_rng(seed)
    inner = random.permutation(np.arange(n_items) % 64)
    cluster = inner // 4
    middle = 6 * random.standard_normal((16, 12))
    spread = 1.5 * random.standard_normal((64, 12))
    matrix = middle[cluster] + spread[inner] + 0.8 * random.standard_normal((n_items, 12))
    rows = []
    for user in range(300):
        mine = np.flatnonzero(cluster == user % 16)[:-4]  # the last four items of a cluster stay cold
        weight = 1 / (10 + np.arange(len(mine)))
        for item in random.choice(mine, 12, p=weight / weight.sum()):
            rows.append((user, item, f"query {user % 16}" if item % 2 else ""))
    return Catalogue(matrix, cluster, inner, pd.DataFrame(rows, columns=["user", "item", "query"]))


def one_kind(codes: np.ndarray, sizes: tuple[int, ...] | None = None, kind: str = "semantic") -> IdentifierTable:
    """A table of one kind; item ids are "i0", "i1", ..."""
    codes = np.asarray(codes, dtype=np.int64)
    ids = np.array([f"i{row}" for row in range(len(codes))], dtype=object)
    sizes = sizes or tuple(int(top) + 1 for top in codes.max(axis=0))
    return IdentifierTable("made up", ids, {kind: codes}, {kind: sizes}, codes.shape[1])


def kmeans_table(made: Catalogue, sizes: tuple[int, ...] = SIZES, seed: int = 0) -> IdentifierTable:
    """Residual k-means on the catalogue, collisions repaired."""
    found = residual_kmeans(scale_view(made.matrix, "semantic").matrix, sizes, seed)
    codes = {"semantic": found.codes}
    return one_kind(repair(codes, {"semantic": sizes}, len(sizes)).codes["semantic"], sizes)


def full_evidence(made: Catalogue) -> Evidence:
    """Everything but a model and other tables."""
    return Evidence(
        embeddings={"semantic": made.matrix},
        texts=[f"item {row} of cluster {cluster}" for row, cluster in enumerate(made.cluster)],
        categories=[f"c{cluster}, s{inner}" for cluster, inner in zip(made.cluster, made.inner)],
        events=made.events,
        targets=made.events["item"].to_numpy()[::7],
    )


def value(frame: pd.DataFrame, measure: str, level: int | None = None, of: str = "", column: str = "value"):
    """One number of a diagnosis; fails if the row is not there or not alone."""
    rows = frame[(frame["measure"] == measure) & (frame["of"] == of)]
    rows = rows[rows["level"].isna()] if level is None else rows[(rows["level"] == level).fillna(False)]
    assert len(rows) == 1, (measure, level, of, len(rows))
    return rows[column].iloc[0]
