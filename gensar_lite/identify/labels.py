"""Codes in words: what the items of a code have in common, why items collide, how far codes follow the categories.

It reads finished codes beside texts, categories and embeddings, and changes none of them. numpy, pandas and, for the
agreement with categories, scikit-learn; no torch.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pandas as pd
from jaxtyping import Float, Int

from gensar_lite.identify.assign import content_labels
from gensar_lite.identify.table import IdentifierError, group_labels

SAME_TEXT = "same text"
NEAR_DUPLICATE = "near duplicate"
DIFFERENT = "truly different"
KINDS = (SAME_TEXT, NEAR_DUPLICATE, DIFFERENT)
UNKNOWN = "cause unknown"  # some of the items say nothing about themselves
NEAR = 0.9  # cosine of two texts from which on they count as nearly the same
COMPARED = 500  # members of one group that are compared with each other: pairs grow with the square


def category_levels(categories: Sequence[str]) -> pd.DataFrame:
    """Category paths ("root, branch, leaf") as columns ``level_1`` (root) ... ; shorter paths repeat their leaf.

    An item without a category is "(none)" on every level.
    """
    paths = [[part.strip() for part in str(path).split(",") if part.strip()] or ["(none)"] for path in categories]
    depth = max((len(path) for path in paths), default=1)
    return pd.DataFrame(
        [path + path[-1:] * (depth - len(path)) for path in paths],
        columns=[f"level_{place}" for place in range(1, depth + 1)],
    )


def prefix_names(codes: Int[np.ndarray, "N L"], depth: int) -> np.ndarray:
    """(N,) each item's first ``depth`` codes in writing: "20-15"."""
    return np.array(["-".join(map(str, row)) for row in codes[:, :depth].tolist()], dtype=object)


def name_codes(codes: Sequence | np.ndarray, words: Sequence[str] | np.ndarray) -> pd.DataFrame:
    """What the items of each code have in common.

    Args:
        codes: (N,) a code, or a prefix in writing, per item.
        words: (N,) a word per item, its product type for example.

    Returns:
        one row per code, most used first: code, items, name (the most frequent word; the first in the alphabet of
        equals), share (of the code's items that this word fits).
    """
    frame = pd.DataFrame({"code": np.asarray(codes), "name": np.asarray(words, dtype=object)})
    counts = frame.groupby(["code", "name"], sort=True).size().rename("hits").reset_index()
    counts["items"] = counts.groupby("code")["hits"].transform("sum")
    best = counts.sort_values(["items", "code", "hits", "name"], ascending=[False, True, False, True])
    best = best.drop_duplicates("code").reset_index(drop=True)
    best["share"] = best["hits"] / best["items"]
    return best[["code", "items", "name", "share"]]


def collision_groups(
    codes: Int[np.ndarray, "N L"],
    texts: Sequence[str],
    semantic: Float[np.ndarray, "N E"],
    own: Float[np.ndarray, "N F"] | None = None,
    depth: int | None = None,
    near: float = NEAR,
) -> pd.DataFrame:
    """Groups of items that share an identifier, and what kind of trouble each is.

    A group is "same text" if all its texts are equal (case and spaces aside), "near duplicate" if every pair's texts
    are equal or have a cosine of at least ``near``, and "truly different" otherwise: the worst pair decides. Items
    without a text are not alike for that: if no two of the others are truly different, the cause is unknown.

    Of a group of more than ``COMPARED`` items that many are compared, spread evenly over its members.

    Args:
        codes: identifiers of the whole catalogue.
        texts: (N,) what an item says about itself, title and description; "" if nothing.
        semantic: text embedding, by which likeness is measured, whatever the codes were made of.
        own: the embedding that the codes were made of; says which items no quantiser could have told apart.
        depth: look at the first ``depth`` levels only.
        near: cosine, in (0, 1].

    Returns:
        one row per group of two or more items, largest first: group (from 0), code ("a-b-c"), size, kind (one of
        ``KINDS``, or UNKNOWN), least_cosine (of the worst pair), same_vector (all members are one point in ``own``;
        False without it), items (tuple of item indices), compared (how many of them; less than size in a sample).

    Raises:
        IdentifierError: arguments of different lengths.
    """
    lengths = {len(codes), len(texts), len(semantic), len(codes if own is None else own)}
    if len(lengths) > 1:
        raise IdentifierError(f"Codes, texts and embeddings must have one row per item each, not {sorted(lengths)}.")
    labels, sizes = group_labels(codes[:, :depth])
    plain = np.array([" ".join(str(text).split()).casefold() for text in texts], dtype=object)
    points = content_labels(own) if own is not None and len(own) else np.arange(len(codes))
    order = np.argsort(labels, kind="stable")
    ends = np.cumsum(sizes)
    rows = []
    for label in np.flatnonzero(sizes > 1):
        members = order[ends[label] - sizes[label] : ends[label]]
        shown = members[np.linspace(0, len(members) - 1, min(len(members), COMPARED)).astype(np.int64)]
        kind, cosine = _kind_of(plain[shown], semantic[shown], near)
        code = "-".join(map(str, codes[members[0], :depth].tolist()))
        same = len(set(points[members].tolist())) == 1
        rows.append((code, len(members), kind, cosine, same, tuple(members.tolist()), len(shown)))
    frame = pd.DataFrame(rows, columns=["code", "size", "kind", "least_cosine", "same_vector", "items", "compared"])
    frame = frame.sort_values("size", ascending=False, kind="stable").reset_index(drop=True)
    frame.insert(0, "group", np.arange(len(frame)))
    return frame


def count_kinds(groups: pd.DataFrame, n_items: int) -> pd.DataFrame:
    """One row per kind of collision: kind, groups, items, share_of_items, same_vector (items that are one point).

    Groups of unknown cause have a row only if there are any.
    """
    rows = []
    for kind in (*KINDS, *([UNKNOWN] if (groups["kind"] == UNKNOWN).any() else [])):
        part = groups[groups["kind"] == kind]
        items = int(part["size"].sum())
        rows.append((kind, len(part), items, items / n_items, int(part.loc[part["same_vector"], "size"].sum())))
    return pd.DataFrame(rows, columns=["kind", "groups", "items", "share_of_items", "same_vector"])


def agreement(
    codes: Mapping[str, Int[np.ndarray, "N L"]], categories: pd.DataFrame, depths: Sequence[int] = (1, 2)
) -> pd.DataFrame:
    """How far prefixes follow the categories: adjusted mutual information, 0 = chance, 1 = the same partition.

    Purity and plain mutual information grow with the number of groups, so that random codes look good by them; the
    adjusted one takes the chance agreement off.

    Args:
        codes: name -> identifiers of the same catalogue.
        categories: one column per category level (``category_levels``).
        depths: prefix lengths to look at; those longer than an identifier are left out.

    Returns:
        one row per name, depth and category level: identifiers, depth, prefixes (how many), category, ami.
    """
    from sklearn.metrics import adjusted_mutual_info_score

    rows = []
    for name, own in codes.items():
        for depth in depths:
            if depth > own.shape[1]:
                continue
            labels, sizes = group_labels(own[:, :depth])
            for category in categories:
                ami = float(adjusted_mutual_info_score(categories[category], labels))
                rows.append((name, depth, len(sizes), category, ami))
    return pd.DataFrame(rows, columns=["identifiers", "depth", "prefixes", "category", "ami"])


def _kind_of(texts: np.ndarray, vectors: np.ndarray, near: float) -> tuple[str, float]:
    unit = vectors / np.maximum(np.linalg.norm(vectors, axis=1, keepdims=True), np.finfo(np.float32).tiny)
    cosines = np.clip(unit @ unit.T, -1, 1)
    least = float(cosines.min())
    if len(set(texts)) == 1:
        return (SAME_TEXT if texts[0] else UNKNOWN), least
    speaks = texts != ""
    different = (texts[:, None] != texts[None, :]) & speaks[:, None] & speaks[None, :]
    if different.any() and cosines[different].min() < near:
        return DIFFERENT, least
    return (NEAR_DUPLICATE if speaks.all() else UNKNOWN), least
