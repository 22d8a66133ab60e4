"""Schemes by name: embeddings in, identifier table out. torch is imported only by the schemes that train an RQ-VAE.

======================  =====================================================================  ==================
scheme                  made of                                                                kinds
======================  =====================================================================  ==================
joint                   joint RQ-VAE on both views (paper, section 3.2)                        semantic, collaborative
semantic-only           RQ-VAE on the semantic view, all levels its own                        semantic
collaborative-only      RQ-VAE on the collaborative view                                       collaborative
joint-kmeans            residual k-means with the joint identifier's structure (control)       semantic, collaborative
semantic-kmeans         residual k-means on the semantic view                                  semantic
collaborative-kmeans    residual k-means on the collaborative view                             collaborative
random                  uniform codes: meaning destroyed, sizes kept (control)                 random
category-prefix         category path, then a running number (control)                         category
======================  =====================================================================  ==================
"""

from __future__ import annotations

import time
from dataclasses import asdict
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from gensar_lite.identify.assign import Repair, content_labels, repair
from gensar_lite.identify.residual_kmeans import JointCodes, joint_residual_kmeans
from gensar_lite.identify.settings import SCHEMES, IdentifierSettings
from gensar_lite.identify.table import (
    COLLABORATIVE,
    SEMANTIC,
    IdentifierError,
    IdentifierTable,
    collisions,
    level_usage,
)
from gensar_lite.identify.views import explained_variance, scale_view


class Identified(NamedTuple):
    """A scheme's outcome.

    Attributes:
        table: what later stages read; repaired if the settings ask for unique identifiers.
        raw: the table before repair.
        repair: what the repair did, or None.
        codebooks: kind -> L arrays of code words, to warm-start a generator's code embeddings: shared levels of joint
            schemes span both views' columns, specific ones the kind's own. Empty for the controls without vectors.
        record: numbers for the manifest: seconds, settings, explained variance per kind, collisions, perplexities.
        history: one row per epoch of the RQ-VAE (losses, explained variance, collisions), else empty.
        levels: one row per epoch, kind and level (used, perplexity, dead, ...), else empty.
        model: the trained RQ-VAE (see ``rqvae.save_rqvae``), or None.
    """

    table: IdentifierTable
    raw: IdentifierTable
    repair: Repair | None
    codebooks: dict[str, list[np.ndarray]]
    record: dict[str, Any]
    history: pd.DataFrame
    levels: pd.DataFrame
    model: Any = None


def make_identifiers(
    scheme: str,
    semantic: Float[np.ndarray, "_ Es"] | None,
    collaborative: Float[np.ndarray, "_ Ec"] | None,
    categories: list[str] | None,
    item_ids: np.ndarray,
    settings: IdentifierSettings | None = None,
    seed: int = 0,
    progress: bool = True,
    priority: Float[np.ndarray, "N"] | None = None,
) -> Identified:
    """Make the identifiers of a catalogue.

    Args:
        scheme: one of ``SCHEMES``.
        semantic: item embeddings from text; needed by the schemes that use them (as is ``collaborative``).
        collaborative: item embeddings from behaviour.
        categories: per item the category path, root first, joined by ", "; for category-prefix.
        item_ids: (N,) in catalogue order.
        settings: sizes and training; the lab defaults if None.
        seed: of everything random.
        progress: show a bar over epochs.
        priority: per item; who keeps an identifier that several share (popularity, say).

    Raises:
        IdentifierError: unknown scheme, an input that is missing, has another number of rows or is not finite, more
            codes than items, or more items than identifiers.
    """
    settings = settings or IdentifierSettings()
    if scheme not in SCHEMES:
        raise IdentifierError(f"Unknown scheme '{scheme}'. Choose one of: {', '.join(SCHEMES)}.")
    if settings.levels < 1 or settings.codes < 1:
        raise IdentifierError(f"Needs at least one level and one code, not {settings.levels} and {settings.codes}.")
    started = time.process_time()
    item_ids = np.asarray(item_ids, dtype=object)
    sizes = (settings.codes,) * settings.levels
    if scheme in ("random", "category-prefix"):
        codes, kind = _control(scheme, categories, len(item_ids), sizes, seed)
        raw = IdentifierTable(scheme, item_ids, {kind: codes}, {kind: sizes}, settings.levels)
        return _finish(raw, None, {}, settings, seed, priority, started)
    views = _views(scheme, {SEMANTIC: semantic, COLLABORATIVE: collaborative}, item_ids)
    # One view has nothing to share with: all its levels stand in one family.
    shared, specific = (settings.shared_levels, settings.specific_levels) if len(views) > 1 else (settings.levels, 0)
    kind_sizes = dict.fromkeys(views, sizes)
    if scheme.endswith("kmeans"):
        joint = joint_residual_kmeans(views, shared, specific, settings.codes, seed)
        raw = IdentifierTable(scheme, item_ids, joint.codes, kind_sizes, shared)
        return _finish(raw, joint, views, settings, seed, priority, started)
    from gensar_lite.identify.rqvae import train_rqvae

    trained = train_rqvae(views, shared, specific, settings, seed, progress)
    raw = IdentifierTable(scheme, item_ids, trained.joint.codes, kind_sizes, shared)
    done = _finish(raw, trained.joint, views, settings, seed, priority, started)
    record = {**done.record, "chosen_epoch": trained.chosen_epoch, "rule": trained.rule}
    return done._replace(record=record, history=trained.history, levels=trained.levels, model=trained.model)


def _views(scheme: str, given: dict[str, np.ndarray | None], item_ids: np.ndarray) -> dict[str, np.ndarray]:
    """The scaled embeddings a scheme needs."""
    wanted = [kind for kind in given if scheme.startswith(("joint", kind))]
    views = {}
    for kind in wanted:
        if given[kind] is None:
            raise IdentifierError(f"Scheme '{scheme}' needs {kind} embeddings. Run the embed stage for them first.")
        if len(given[kind]) != len(item_ids):
            raise IdentifierError(
                f"The {kind} embedding has {len(given[kind])} rows for {len(item_ids)} items. "
                "Embed this catalogue again."
            )
        views[kind] = scale_view(given[kind], kind, item_ids).matrix
    return views


def _control(
    scheme: str, categories: list[str] | None, n_items: int, sizes: tuple[int, ...], seed: int
) -> tuple[Int[np.ndarray, "N L"], str]:
    if n_items == 0:
        raise IdentifierError("The catalogue is empty. Give at least one item.")
    if scheme == "random":
        return np.random.default_rng(seed).integers(0, sizes, size=(n_items, len(sizes))), "random"
    if categories is None or len(categories) != n_items:
        raise IdentifierError(f"Scheme 'category-prefix' needs one category path for each of the {n_items} items.")
    return category_codes(categories, sizes), "category"


def category_codes(categories: list[str], sizes: tuple[int, ...]) -> Int[np.ndarray, "N L"]:
    """Codes without any embedding: the category path in the first half of the levels, a running number in the rest.

    Within its parent a category's code is its rank by number of items; the rarest ones share the last code where
    there are more than K. The running number counts the items of one prefix to the base of the level sizes; a prefix
    with more items than that starts again from zero (collisions, which the repair resolves).
    """
    named = max(1, len(sizes) // 2)
    codes = np.zeros((len(categories), len(sizes)), dtype=np.int64)
    paths = [[part.strip() for part in path.split(",")] for path in categories]
    for level in range(named):
        frame = pd.DataFrame(codes[:, :level], columns=[str(place) for place in range(level)])
        frame["name"] = [path[level] if level < len(path) else "" for path in paths]
        parent = list(frame.columns[:-1])
        counts = frame.groupby([*parent, "name"], sort=True).size().rename("count").reset_index()
        counts = counts.sort_values([*parent, "count", "name"], ascending=[True] * level + [False, True])
        counts["rank"] = counts.groupby(parent).cumcount() if parent else np.arange(len(counts))
        codes[:, level] = frame.merge(counts, on=[*parent, "name"], how="left")["rank"].clip(upper=sizes[level] - 1)
    number = pd.DataFrame(codes[:, :named]).groupby(list(range(named))).cumcount().to_numpy()
    for level in range(len(sizes) - 1, named - 1, -1):
        codes[:, level] = number % sizes[level]
        number = number // sizes[level]
    return codes


def _finish(
    raw: IdentifierTable,
    joint: JointCodes | None,
    views: dict[str, np.ndarray],
    settings: IdentifierSettings,
    seed: int,
    priority: np.ndarray | None,
    started: float,
) -> Identified:
    """Repair if asked, and write down what there is to know."""
    repaired = None
    if settings.unique:
        vectors = joint.inputs if joint else None
        slices = {kind: joint.slices(kind) for kind in raw.kinds} if joint else None
        repaired = repair(raw.codes, raw.sizes, raw.shared, vectors, slices, views or None, priority)
    codes = repaired.codes if repaired else raw.codes
    table = IdentifierTable(raw.scheme, raw.item_ids, codes, raw.sizes, raw.shared)
    kinds = {}
    for kind in raw.kinds:
        before, after = collisions(raw.codes[kind]), collisions(codes[kind])
        usage = level_usage(raw.codes[kind], raw.sizes[kind])
        kinds[kind] = {
            "collision_rate_before": before.rate,
            "share_in_group_before": before.share_in_group,
            "collision_rate_after": after.rate,
            "moved": int(repaired.moved[kind].sum()) if repaired else 0,
            "codes_used": usage["used"].tolist(),
            "perplexity": usage["perplexity"].tolist(),
        }
        if joint:
            # Below this rate no identifier made of this view alone can get.
            distinct = int(content_labels(views[kind]).max()) + 1
            kinds[kind]["collision_floor"] = 1 - distinct / raw.n_items
            kinds[kind]["explained_variance"] = explained_variance(views[kind], joint.reconstruction[kind])
    record = {
        "scheme": raw.scheme,
        "seed": seed,
        "settings": asdict(settings),
        "cpu_seconds": time.process_time() - started,
        "kinds": kinds,
    }
    codebooks = {kind: joint.codebooks(kind) for kind in raw.kinds} if joint else {}
    return Identified(table, raw, repaired, codebooks, record, pd.DataFrame(), pd.DataFrame())
