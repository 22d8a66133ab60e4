"""Files of identifiers and what belongs to them: texts, vectors and clicks from their own files, joined by item id.

Every file's rows are brought into the identifiers' order, and what does not fit is told or refused. No torch.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd

from gensar_lite.identify.evidence import Evidence
from gensar_lite.identify.formats import BAD, LOOK, Finding, Foreign, FormatError, read_identifiers
from gensar_lite.identify.formats.findings import many, some
from gensar_lite.identify.formats.join import join_ids, read_id_map
from gensar_lite.identify.formats.texts import read_items, read_vectors
from gensar_lite.identify.table import SEMANTIC
from gensar_lite.log.schema import JointLog

CORNER_SHOP = "corner_shop"  # the name under which every command finds the embedded data set
STAND_IN = "TF-IDF of the texts"


class InspectionError(ValueError):
    """What was given to inspect does not fit together. The message says how and what to do."""


@dataclass(frozen=True)
class Request:
    """What to inspect, and what to inspect it with.

    Attributes:
        identifiers: file of identifiers, in any of ``formats.FORMATS``.
        format: its form; recognised by content if None.
        pair: second file of GenSAR's two.
        id_map: joins the file's keys to the catalogue's ids.
        items: texts of the items.
        embeddings: vectors of the items.
        log: folder of a joint log, or "corner_shop".
        against: a second file of identifiers of the same items.
        before: these identifiers before their collisions were repaired.
        other_seed: what the same scheme makes with another seed.
        projection: "pca" or "umap".
    """

    identifiers: Path
    format: str | None = None
    pair: Path | None = None
    id_map: Path | None = None
    items: Path | None = None
    embeddings: Path | None = None
    log: str | None = None
    against: Path | None = None
    before: Path | None = None
    other_seed: Path | None = None
    projection: str = "pca"


class Second(NamedTuple):
    """A further file of identifiers of the same items.

    Attributes:
        role: "against", "before" or "other_seed".
        path: the file.
        foreign: what was read from it, under the same ids as the first one.
    """

    role: str
    path: Path
    foreign: Foreign


class Beside(NamedTuple):
    """What is known about the items, in the identifiers' order.

    Attributes:
        evidence: for ``diagnose``.
        titles: (N,); the item id where there is no title.
        made_of: kinds of embedding that were given; a stand-in is not among them.
        said: what was given, in words, for the report.
        findings: what did not fit.
    """

    evidence: Evidence
    titles: list[str]
    made_of: tuple[str, ...]
    said: tuple[tuple[str, str], ...]
    findings: tuple[Finding, ...]


def read_sets(request: Request) -> tuple[Foreign, tuple[Second, ...]]:
    """All files of identifiers of a request, each joined by --id-map where that brings it nearer to the others.

    Raises:
        FormatError: a file cannot be read, or the map fits none of them.
        InspectionError: a further file has none of the first one's items.
    """
    roles = {"against": request.against, "before": request.before, "other_seed": request.other_seed}
    paths = {role: Path(path) for role, path in roles.items() if path is not None}
    alone = request.id_map if not paths else None
    first = read_identifiers(request.identifiers, request.format, request.pair, alone)
    others = {role: read_identifiers(path) for role, path in paths.items()}
    if paths and request.id_map is not None:
        first, joined = _nearest(first, request.identifiers, request.id_map, _catalogue_ids(request))
        for role, path in paths.items():
            others[role], more = _nearest(others[role], path, request.id_map, set(first.item_ids))
            joined = joined or more
        if not joined:
            join_ids(first, request.id_map, request.identifiers)  # says what does not fit, if so
    for role, other in others.items():
        if not set(other.item_ids) & set(first.item_ids):
            own = f"its {many(len(other.item_ids), 'item')} (like '{other.item_ids[0]}')"
            raise InspectionError(
                f"{paths[role]}: none of {own} is in {request.identifiers} (like '{first.item_ids[0]}'). Join them "
                "with --id-map."
            )
    return first, tuple(Second(role, paths[role], other) for role, other in others.items())


def _catalogue_ids(request: Request) -> set[str]:
    """Ids of the items' file or of the log; none if neither was given."""
    if request.items is not None:
        return set(read_items(request.items).index)
    return set(_open_log(request.log).items["item_id"].astype(str)) if request.log else set()


def _nearest(foreign: Foreign, path: Path, id_map: Path, wanted: set[str]) -> tuple[Foreign, bool]:
    """The identifiers as they are or joined, whichever has more of the wanted ids, and whether they were joined.

    With nothing wanted they are joined if the map knows them at all.
    """
    try:
        joined = join_ids(foreign, id_map, path)
    except FormatError:
        read_id_map(id_map)  # a map that cannot be read is an error for all
        return foreign, False
    if wanted and len(wanted & set(joined.item_ids)) <= len(wanted & set(foreign.item_ids)):
        return foreign, False
    return joined, True


def gather(foreign: Foreign, request: Request) -> Beside:
    """Texts, vectors and clicks from their files, in the identifiers' order of items."""
    ids = foreign.item_ids
    log = _open_log(request.log) if request.log else None
    texts, said, found = _texts(foreign, request, log)
    titles = texts["title"].tolist() if texts is not None else [""] * len(ids)
    titles = [title or str(key) for title, key in zip(titles, ids)]
    words, categories = None, None
    if texts is not None:
        from gensar_lite.embed.semantic import item_texts

        words = item_texts(texts)
        paths = [re.sub(r"\s*[|,]\s*", ", ", path) for path in texts["categories"]]
        categories = paths if any(paths) else None
    vectors = _vectors(request, ids, said)
    made_of = tuple(vectors)
    if SEMANTIC not in vectors and words is not None and any(words):
        from gensar_lite.embed.semantic import EmbeddingError, text_encoder

        try:
            vectors[SEMANTIC] = text_encoder(words, "tfidf").encode(words)
            said.append(("likeness of texts", f"{STAND_IN}, because no text embedding was given"))
        except EmbeddingError as problem:
            said.append(("likeness of texts", f"not measured: {problem}"))
    events, targets = None, None
    if log is not None:
        events, targets, more = _events(log, ids, said)
        found += more
    evidence = Evidence(vectors or None, words, categories, events, targets)
    return Beside(evidence, titles, made_of, tuple(said), tuple(found))


def _open_log(path: str) -> JointLog:
    from gensar_lite.log.corner_shop import load_corner_shop
    from gensar_lite.log.read import read_log

    return load_corner_shop() if path == CORNER_SHOP else read_log(path)


def _texts(
    foreign: Foreign, request: Request, log: JointLog | None
) -> tuple[pd.DataFrame | None, list[tuple[str, str]], list[Finding]]:
    """Texts by item id: from --items, else from the log, else those that came with the identifiers."""
    ids = pd.Index(foreign.item_ids)
    if request.items is not None:
        texts, source = read_items(request.items), request.items.name
    elif log is not None:
        columns = [name for name in ("title", "description", "categories") if name in log.items]
        texts, source = log.items.set_index("item_id")[columns].astype(object), f"the log {log.name}"
    elif foreign.texts is not None:
        texts, source = foreign.texts, "the file itself, or the one beside it"
    else:
        return None, [], []
    known = ids.isin(texts.index)
    if not known.any():
        raise InspectionError(_strangers(ids, texts.index, source))
    said = [("texts", f"{source}, {int(known.sum()):,} of {many(len(ids), 'item')}")]
    found = []
    if not known.all():
        advice = "They count as items without a text. Check that both files are of one catalogue."
        found.append(Finding("items without texts", int((~known).sum()), some(ids[~known]), advice, BAD))
    absent = texts.index[~texts.index.isin(ids)]
    if len(absent):
        advice = "They can never be generated. Give them identifiers, or leave them out of the catalogue."
        found.append(Finding("catalogue items without identifiers", len(absent), some(absent), advice, LOOK))
    full = texts.reindex(ids).fillna("")
    for column in ("title", "description", "categories"):
        if column not in full:
            full[column] = ""
    return full, said, found


def _strangers(ids: pd.Index, others: pd.Index, source: str) -> str:
    shift = ""
    numbers = [key for key in ids if str(key).isdecimal()]
    if len(numbers) == len(ids) and pd.Index([str(int(key) - 1) for key in numbers]).isin(others).all():
        shift = "Minus one they would: the identifiers count from 1, the items from 0. "
    return (
        f"None of the {len(ids):,} item ids of the identifiers (like '{ids[0]}') is in {source} (like '{others[0]}'). "
        f"{shift}Join them with --id-map."
    )


def _vectors(request: Request, ids: np.ndarray, said: list[tuple[str, str]]) -> dict[str, np.ndarray]:
    """Embeddings in the identifiers' order. Rows without ids follow the items' file if there is one that fits."""
    if request.embeddings is None:
        return {}
    order, source = list(ids), "the identifiers"
    if request.items is not None:
        listed = read_items(request.items).index
        if set(ids) <= set(listed):
            order, source = listed.tolist(), request.items.name
    try:
        found = read_vectors(request.embeddings, order)
    except FormatError:
        if source == "the identifiers":
            raise
        order, source = list(ids), "the identifiers"
        found = read_vectors(request.embeddings, order)
    rows = pd.Index(order).get_indexer(pd.Index(ids))
    shapes = ", ".join(f"{name} {matrix.shape[0]:,} × {matrix.shape[1]}" for name, matrix in found.items())
    said.append(("embeddings", f"{request.embeddings.name}: {shapes}; rows in the order of {source}"))
    return {name: matrix[rows] for name, matrix in found.items()}


def _events(
    log: JointLog, ids: np.ndarray, said: list[tuple[str, str]]
) -> tuple[pd.DataFrame, np.ndarray, list[Finding]]:
    """Training clicks and test targets, items counted in the identifiers' order."""
    from gensar_lite.log.split import leave_one_out

    split = leave_one_out(log)
    names = pd.Index(log.items["item_id"].astype(str))
    place = np.append(pd.Index(ids.astype(str)).get_indexer(names), -1)  # the last one stands for "no item"
    if (place < 0).all():
        raise InspectionError(_strangers(pd.Index(ids), names, f"the log {log.name}"))
    events = log.events[split.train]
    item = events["item"].to_numpy()
    events = events.assign(item=place[item])
    unknown = int(((item >= 0) & (events["item"].to_numpy() < 0)).sum())
    targets = place[split.test["item"].to_numpy()]
    said.append(
        (
            "log",
            f"{log.name}: {many(int((events['item'] >= 0).sum()), 'training click')}, {len(targets):,} test targets",
        )
    )
    found = []
    if unknown:
        shown = f"{many(unknown, 'click')} on items of the log that have no identifier"
        advice = "They were left out. Check that log and identifiers are of one catalogue."
        found.append(Finding("clicks without identifiers", unknown, shown, advice, BAD))
    return events, targets[targets >= 0], found
