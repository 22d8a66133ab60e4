"""Measurements of the identifier stage: schemes against each other, the RQ-VAE against residual k-means, repair's cost.

Each function returns one tidy frame for one log; a benchmark command runs it on several and stacks the frames.
"""

from __future__ import annotations

import time
from dataclasses import replace

import numpy as np
import pandas as pd
from jaxtyping import Float

from gensar_lite.identify.assign import repair
from gensar_lite.identify.residual_kmeans import joint_residual_kmeans
from gensar_lite.identify.schemes import Identified, make_identifiers
from gensar_lite.identify.settings import IdentifierSettings
from gensar_lite.identify.table import COLLABORATIVE, SEMANTIC, collisions
from gensar_lite.identify.views import scale_view

LEARNED = ("joint", "semantic-only", "collaborative-only")
KMEANS = ("joint-kmeans", "semantic-kmeans", "collaborative-kmeans")


def compare_collisions(
    name: str,
    semantic: Float[np.ndarray, "N Es"],
    collaborative: Float[np.ndarray, "N Ec"],
    item_ids: np.ndarray,
    settings: IdentifierSettings | None = None,
    seeds: tuple[int, ...] = (0,),
    schemes: tuple[str, ...] = LEARNED + KMEANS,
    categories: list[str] | None = None,
    progress: bool = False,
) -> pd.DataFrame:
    """Collisions before repair of identifiers of equal length (paper, Fig. 5).

    Returns:
        one row per scheme, kind and seed: log, scheme, kind, seed, items, levels, codes, rate (1 - unique / N),
        share_in_group (share of items), floor (rate that items of equal embedding force on a single view),
        explained_variance, least_perplexity (over the levels), cpu_seconds.
    """
    settings = replace(settings or IdentifierSettings(), unique=False)
    rows = []
    for scheme in schemes:
        for seed in seeds:
            made = make_identifiers(scheme, semantic, collaborative, categories, item_ids, settings, seed, progress)
            rows += _rows(name, made, settings)
    return pd.DataFrame(rows)


def paper_order(frame: pd.DataFrame) -> pd.DataFrame:
    """Does the paper's order hold: do joint identifiers collide less than single-source ones of the same kind?

    Args:
        frame: from ``compare_collisions``, with the schemes joint, semantic-only and collaborative-only.

    Returns:
        one row per log and kind: mean rate of both schemes over the seeds, the share of seeds in which joint collides
        less, and ``holds`` (it does so in all of them).
    """
    rows = []
    for (log, kind), part in frame[frame["scheme"].isin(LEARNED)].groupby(["log", "kind"], sort=False):
        table = part.assign(joint=part["scheme"] == "joint").pivot_table(index="seed", columns="joint", values="rate")
        less = table[True] < table[False]
        line = {"joint_rate": table[True].mean(), "single_rate": table[False].mean(), "joint_less": less.mean()}
        rows.append({"log": log, "kind": kind, **line, "holds": bool(less.all())})
    return pd.DataFrame(rows)


def compare_with_kmeans(
    name: str,
    semantic: Float[np.ndarray, "N Es"],
    collaborative: Float[np.ndarray, "N Ec"],
    item_ids: np.ndarray,
    settings: IdentifierSettings | None = None,
    seeds: tuple[int, ...] = (0,),
    progress: bool = False,
) -> pd.DataFrame:
    """The joint RQ-VAE against residual k-means of the same structure, per kind.

    Explained variance is that of the scaled embeddings themselves, not of latents: of the decoder's output for the
    RQ-VAE, of the sum of code words for k-means.

    Returns:
        one row per kind and seed with both sides (columns ``*_rqvae`` and ``*_kmeans``) and ``at_least_equal``: the
        RQ-VAE explains no less and collides no more.
    """
    frame = compare_collisions(
        name, semantic, collaborative, item_ids, settings, seeds, ("joint", "joint-kmeans"), progress=progress
    )
    frame["side"] = frame["scheme"].map({"joint": "rqvae", "joint-kmeans": "kmeans"})
    values = ["explained_variance", "rate", "share_in_group", "least_perplexity", "cpu_seconds"]
    wide = frame.pivot(index=["log", "kind", "seed"], columns="side", values=values)
    wide.columns = [f"{value}_{side}" for value, side in wide.columns]
    wide["at_least_equal"] = (wide["explained_variance_rqvae"] >= wide["explained_variance_kmeans"]) & (
        wide["rate_rqvae"] <= wide["rate_kmeans"]
    )
    return wide.reset_index()


def time_repair(n_items: int = 10_000, codes: int = 64, seed: int = 0) -> pd.DataFrame:
    """Seconds until ``n_items`` have unique identifiers of both kinds: clustered items, and all of them colliding.

    Returns:
        one row per case: case, items, seconds, rate_before, rate_after (largest over the kinds), moved (sum).
    """
    random = np.random.default_rng(seed)
    views = {}
    for kind, width in ((SEMANTIC, 64), (COLLABORATIVE, 32)):
        centres = random.standard_normal((max(2, n_items // 20), width))
        matrix = centres[random.integers(0, len(centres), n_items)] + 0.1 * random.standard_normal((n_items, width))
        views[kind] = scale_view(matrix, kind).matrix
    found = joint_residual_kmeans(views, 2, 2, codes, seed)
    slices = {kind: found.slices(kind) for kind in views}
    sizes = dict.fromkeys(views, (codes,) * 4)
    same = {kind: np.zeros_like(own) for kind, own in found.codes.items()}
    rows = []
    for case, before in (("clustered", found.codes), ("all equal", same)):
        started = time.perf_counter()
        done = repair(before, sizes, 2, found.inputs, slices, views)
        row = {"case": case, "items": n_items, "seconds": time.perf_counter() - started}
        row["rate_before"] = max(collisions(own).rate for own in before.values())
        row["rate_after"] = max(after.rate for after in done.after.values())
        rows.append({**row, "moved": sum(int(moved.sum()) for moved in done.moved.values())})
    return pd.DataFrame(rows)


def _rows(name: str, made: Identified, settings: IdentifierSettings) -> list[dict]:
    rows = []
    for kind, numbers in made.record["kinds"].items():
        row = {"log": name, "scheme": made.table.scheme, "kind": kind, "seed": made.record["seed"]}
        row |= {"items": made.table.n_items, "levels": settings.levels, "codes": settings.codes}
        row |= {"rate": numbers["collision_rate_before"], "share_in_group": numbers["share_in_group_before"]}
        row |= {"floor": numbers.get("collision_floor"), "explained_variance": numbers.get("explained_variance")}
        row |= {"least_perplexity": min(numbers["perplexity"]), "cpu_seconds": made.record["cpu_seconds"]}
        rows.append(row)
    return rows
