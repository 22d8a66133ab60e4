"""Foreign identifiers, inspected: read them and what belongs to them, join by item id, diagnose.

No torch. The reading is in ``identify.formats``, the numbers in ``identify.diagnose``, the files that are written in
``inspect_outputs``; this module brings them together, and every file's rows into the identifiers' order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, replace
from threading import Event, Thread
from typing import NamedTuple

import numpy as np
import pandas as pd

from gensar_lite import store
from gensar_lite.identify.diagnose import Diagnosis, diagnose
from gensar_lite.identify.diff import Difference, difference
from gensar_lite.identify.evidence import prepare
from gensar_lite.identify.formats import (
    FINE,
    Finding,
    Foreign,
    RaggedIdentifiers,
    worst,
)
from gensar_lite.identify.formats.findings import many
from gensar_lite.identify.measures import QUANTISATION, make_subject
from gensar_lite.identify.measures_collisions import kinds_of_groups
from gensar_lite.identify.measures_meaning import exemplars
from gensar_lite.identify.table import COLLABORATIVE, SEMANTIC, IdentifierTable
from gensar_lite.lab.inspect_inputs import STAND_IN, Beside, InspectionError, Request, Second, gather, read_sets
from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.inspect_figures import MAPPED
from gensar_lite.view.inspect_page import Inspection

_MADE_OF_VECTORS = ("code word distance",)  # measures of other groups that need the embedding codes were made of
_NEED_VECTORS = ("level above chance",)  # deeper levels hold what words alone do not tell
_EXEMPLARS = 12  # prefixes that are described
_ROLES = {"against": "compared with", "before": "before the repair", "other_seed": "from another seed"}
_SAME_BOOKS = 0.5  # share of items that keep their first code, from which on two sets use the same codebooks


class Further(NamedTuple):
    """What is told of a further file of identifiers.

    Attributes:
        role: "against", "before" or "other_seed".
        name: of the file.
        findings: what is odd about it.
        why: why it has no verdict of its own; "" if it has one.
    """

    role: str
    name: str
    findings: tuple[Finding, ...]
    why: str


@dataclass(frozen=True)
class Inspected(Inspection):
    """An inspection, and what was odd about the further files of identifiers.

    Attributes:
        further: one per file.
    """

    further: tuple[Further, ...] = ()


def inspect(request: Request, told: Callable[[str], None] | None = None) -> Inspected:
    """Read, join, measure.

    Args:
        request: see ``Request``.
        told: is called with a line before each step; UMAP then shows a clock, too.

    Raises:
        FormatError: a file cannot be read.
        InspectionError: the files do not fit together.
    """
    say = told or (lambda line: None)
    say(f"reading {request.identifiers}")
    foreign, seconds = read_sets(request)
    table = foreign.as_table()
    say("reading what belongs to it")
    beside = gather(foreign, request)
    say(f"measuring {table.n_items:,} items")
    others = {second.role: second.foreign.as_table() for second in seconds}
    evidence = replace(beside.evidence, before=others.get("before"), other_seed=others.get("other_seed"))
    diagnosis = _judged(foreign, beside._replace(evidence=evidence))
    clicks = None if beside.evidence.events is None else _clicks(beside.evidence.events, table.n_items)
    catalogue = Catalogue(table, beside.titles, beside.evidence.categories, clicks)
    other, differences, further = None, (), []
    for second in seconds:
        why = "it is compared with, not judged"
        if second.role == "against":
            say(f"comparing with {second.path}")
            other, differences, why = _against(request, foreign, second, beside)
        further.append(Further(second.role, second.path.name, second.foreign.findings, why))
    points, drawn = _map(beside, table, request.projection, told)
    groups, described = _looked_into(foreign, table, beside)
    return Inspected(
        request.identifiers.name,
        foreign.format,
        (*foreign.findings, *beside.findings),
        catalogue,
        diagnosis,
        (*beside.said, *_said_of(seconds, table)),
        foreign.ragged is None,
        points,
        drawn,
        groups,
        described,
        other,
        differences,
        tuple(further),
    )


def _said_of(seconds: tuple[Second, ...], table: IdentifierTable) -> list[tuple[str, str]]:
    """Each further file in words: how many of the items it has, and what is odd about it."""
    said = []
    for second in seconds:
        common = len(set(second.foreign.item_ids) & set(table.item_ids))
        odd = [f"{finding.kind} ({finding.examples})" for finding in second.foreign.findings if finding.verdict != FINE]
        words = f"{second.path.name}: {common:,} of {many(table.n_items, 'item')}"
        said.append((_ROLES[second.role], "; ".join([words, *odd])))
    return said


def _clicks(events: pd.DataFrame, n_items: int) -> np.ndarray:
    item = events["item"].to_numpy()
    return np.bincount(item[item >= 0], minlength=n_items)


# ---------------------------------------------------------------- measuring


def _judged(foreign: Foreign, beside: Beside) -> Diagnosis:
    """The diagnosis without what a stand-in embedding cannot tell."""
    found = diagnose(foreign.ragged or foreign.table, beside.evidence)
    given = beside.evidence.embeddings or {}
    if set(given) == set(beside.made_of):
        return found
    frame = found.frame
    kinds = [kind for kind in frame["kind"].unique() if kind not in beside.made_of]
    blind = (frame["group"] == QUANTISATION) | frame["measure"].isin(_MADE_OF_VECTORS)
    frame = frame[~(blind & frame["kind"].isin(kinds))].reset_index(drop=True)
    coarse = frame["measure"].isin(_NEED_VECTORS) & (frame["of"] == SEMANTIC) & (frame["verdict"] != "")
    frame.loc[coarse, "formula"] += f"; not judged: neighbours are those by {STAND_IN}"
    frame.loc[coarse, ["verdict", "advice", "threshold"]] = ""
    note = (
        f"No text embedding was given: likeness of texts, and the k-means control, rest on {STAND_IN}. What codes "
        "keep of the embedding they were made of (quantisation) was not measured, what single levels add to it was not "
        "judged; give it with --embeddings."
    )
    return Diagnosis(frame, worst(frame["verdict"]), (note, *found.notes))


def _against(
    request: Request, foreign: Foreign, second: Second, beside: Beside
) -> tuple[tuple[str, Diagnosis | None], tuple[Difference, ...], str]:
    """The second set of identifiers: its diagnosis with the same evidence, what moved, why there is no diagnosis."""
    table, other = foreign.as_table(), second.foreign.as_table()
    kinds = [kind for kind in table.kinds if kind in other.codes or len(other.kinds) == 1]
    if not kinds:
        raise InspectionError(
            f"{second.path} has {', '.join(other.kinds)} identifiers, {request.identifiers} has "
            f"{', '.join(table.kinds)}: nothing to compare."
        )
    differences = []
    for kind in kinds:
        plain = difference(other, table, kind)
        same = float((plain.before[:, 0] == plain.after[:, 0]).mean())
        differences.append(plain if same >= _SAME_BOOKS else difference(other, table, kind, match=True))
    rows = pd.Index(other.item_ids.astype(str)).get_indexer(pd.Index(table.item_ids.astype(str)))
    lacks, extra = int((rows < 0).sum()), other.n_items - int((rows >= 0).sum())
    if lacks or extra:
        why = (
            f"its catalogue is another one: {lacks:,} of {many(table.n_items, 'item')} have no identifier in it, "
            f"{extra:,} of its own stand only there"
        )
        return (second.path.name, None), tuple(differences), why
    measured = _judged(_reordered(second.foreign, rows, table.item_ids), beside)
    return (second.path.name, measured), tuple(differences), ""


def _reordered(foreign: Foreign, rows: np.ndarray, ids: np.ndarray) -> Foreign:
    """The same identifiers with items in another order."""
    if foreign.ragged is not None:
        words = tuple(foreign.ragged.words[row] for row in rows)
        return replace(foreign, ragged=RaggedIdentifiers(ids, words), texts=None)
    codes = {kind: values[rows] for kind, values in foreign.table.codes.items()}
    return replace(foreign, table=replace(foreign.table, item_ids=ids, codes=codes), texts=None)


def _looked_into(
    foreign: Foreign, table: IdentifierTable, beside: Beside
) -> tuple[Mapping[str, pd.DataFrame] | None, pd.DataFrame]:
    """Groups of colliding items with their kind, and what stands under the largest prefixes."""
    prepared = prepare(beside.evidence, table.item_ids, seed=0)
    groups, described = {}, []
    for kind, codes in table.codes.items():
        subject = make_subject(kind, codes, table.sizes[kind] if foreign.ragged is None else None)
        own = kinds_of_groups(subject, prepared)
        if own is not None:
            groups[kind] = own
        if beside.evidence.texts is not None:
            space = prepared.text_space
            named = exemplars(codes, beside.titles, None if space is None else space.unit, most=_EXEMPLARS)
            told = [" · ".join(beside.titles[item][:60] for item in items) for items in named["exemplars"]]
            words = [", ".join(row) for row in named["words"]]
            described.append(named.assign(kind=kind, exemplars=told, words=words))
    columns = ["kind", "prefix", "items", "words", "exemplars"]
    frame = pd.concat(described, ignore_index=True)[columns] if described else pd.DataFrame(columns=columns)
    return groups or None, frame


def _map(
    beside: Beside, table: IdentifierTable, method: str, told: Callable[[str], None] | None
) -> tuple[dict[str, np.ndarray], np.ndarray]:
    """Coordinates of the drawn items; UMAP's are kept for the next time."""
    vectors = beside.evidence.embeddings or {}
    drawn = np.arange(table.n_items)
    if table.n_items > MAPPED:
        drawn = np.sort(np.random.default_rng(0).choice(table.n_items, MAPPED, replace=False))
    names = {SEMANTIC: "by text" if SEMANTIC in beside.made_of else "by words", COLLABORATIVE: "by clicks"}
    points = {}
    for kind in sorted(vectors, key=lambda name: name != SEMANTIC)[:2]:
        points[names.get(kind, kind)] = _projected(vectors[kind][drawn], method, told)
    return points, drawn


def _projected(matrix: np.ndarray, method: str, told: Callable[[str], None] | None) -> np.ndarray:
    from gensar_lite.embed import cache
    from gensar_lite.view import projection

    if method == "pca":
        return projection.project(matrix, "pca")

    def draw() -> np.ndarray:
        if told is not None:
            told(f"drawing a UMAP of {len(matrix):,} items: a minute or so, kept for the next time")
        with _clock("UMAP", told is not None):
            return projection.project(matrix, method)

    key = store.fingerprint("map", method, np.asarray(matrix, dtype=np.float32))
    return cache.recall(
        cache.default_folder() / f"map-{key}.safetensors",
        load=lambda file: cache.read_arrays(file)[0]["points"],
        make=draw,
        save=lambda points, file: cache.write_arrays(file, {"points": points}, {"method": method}),
    )


@contextmanager
def _clock(name: str, shown: bool) -> Iterator[None]:
    """Show the seconds that go by while something works that tells nothing itself."""
    from tqdm import tqdm

    done = Event()
    with tqdm(desc=name, bar_format="{desc}: {elapsed}", leave=False, disable=not shown) as bar:

        def tick() -> None:
            while not done.wait(1.0):
                bar.refresh()

        clock = Thread(target=tick, daemon=True)
        clock.start()
        try:
            yield
        finally:
            done.set()
            clock.join()
