"""Foreign identifiers, inspected: read them and what belongs to them, join by item id, diagnose, write the report.

No torch. The reading is in ``identify.formats``, the numbers in ``identify.diagnose``, the page in
``view.inspect_page``; this module brings them together, and every file's rows into the identifiers' order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from threading import Event, Thread
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gensar_lite import store
from gensar_lite.identify.diagnose import Diagnosis, affected_items, diagnose
from gensar_lite.identify.diff import Difference, difference
from gensar_lite.identify.evidence import prepare
from gensar_lite.identify.formats import (
    BAD,
    FINE,
    LOOK,
    Foreign,
    RaggedIdentifiers,
    lookup_frame,
    read_identifiers,
    worst,
)
from gensar_lite.identify.measures import QUANTISATION, make_subject
from gensar_lite.identify.measures_collisions import kinds_of_groups
from gensar_lite.identify.measures_meaning import exemplars
from gensar_lite.identify.table import COLLABORATIVE, SEMANTIC, IdentifierTable
from gensar_lite.lab.inspect_inputs import STAND_IN, Beside, InspectionError, Request, gather
from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.inspect_figures import MAPPED
from gensar_lite.view.inspect_page import Inspection, report_page

REPORT_VERSION = 1  # raised when fields of report.json change their meaning
_MADE_OF_VECTORS = ("code word distance",)  # measures of other groups that need the embedding codes were made of
_NEED_VECTORS = ("level above chance",)  # deeper levels hold what words alone do not tell
_EXEMPLARS = 12  # prefixes that are described
_SAME_BOOKS = 0.5  # share of items that keep their first code, from which on two sets use the same codebooks
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")


class Written(NamedTuple):
    """The files of one report: the page, the facts for scripts, the items that share an identifier, all items."""

    html: Path
    json: Path
    affected: Path
    lookup: Path


def inspect(request: Request, told: Callable[[str], None] | None = None) -> Inspection:
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
    foreign = read_identifiers(request.identifiers, request.format, request.pair, request.id_map)
    table = foreign.as_table()
    say("reading what belongs to it")
    beside = gather(foreign, request)
    say(f"measuring {table.n_items:,} items")
    diagnosis = _judged(foreign, beside)
    clicks = None if beside.evidence.events is None else _clicks(beside.evidence.events, table.n_items)
    catalogue = Catalogue(table, beside.titles, beside.evidence.categories, clicks)
    other, differences = _against(request, foreign, beside, say)
    points, drawn = _map(beside, table, request.projection, told)
    groups, described = _looked_into(foreign, table, beside)
    return Inspection(
        request.identifiers.name,
        foreign.format,
        (*foreign.findings, *beside.findings),
        catalogue,
        diagnosis,
        beside.said,
        foreign.ragged is None,
        points,
        drawn,
        groups,
        described,
        other,
        differences,
    )


def write_report(inspection: Inspection, out: Path, inputs: Sequence[Path | None] = ()) -> Written:
    """Write the page and beside it ``NAME.json``, ``NAME-affected.csv``, ``NAME-lookup.csv``, each whole or not at all.

    Args:
        inspection: see ``inspect``.
        out: the page's file, ending in .html.
        inputs: files that must not be overwritten.

    Raises:
        InspectionError: another ending, or an input would be overwritten.
        OSError: the folder cannot be written.
    """
    out = Path(out)
    if out.suffix.lower() not in (".html", ".htm"):
        raise InspectionError(f"--out {out}: give a name that ends in .html; report and lists are named after it.")
    lists = [out.with_name(f"{out.stem}-{name}.csv") for name in ("affected", "lookup")]
    written = Written(out, out.with_suffix(".json"), *lists)
    taken = {Path(path).resolve() for path in inputs if path is not None}
    for path in written:
        if path.resolve() in taken:
            raise InspectionError(f"--out {out}: would overwrite the input {path}. Choose another name.")
    page, facts = report_page(inspection), report_facts(inspection)
    frames = {written.affected: affected_frame(inspection), written.lookup: lookup_frame(inspection.catalogue.table)}
    store.write_atomically(written.html, lambda file: file.write_text(page, encoding="utf-8"))
    store.write_json(written.json, facts)
    for path, frame in frames.items():
        store.write_atomically(path, lambda file, frame=frame: frame.to_csv(file, index=False, encoding="utf-8"))
    return written


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
    request: Request, foreign: Foreign, beside: Beside, told: Callable[[str], None]
) -> tuple[tuple[str, Diagnosis | None] | None, tuple[Difference, ...]]:
    """The second set of identifiers: its diagnosis with the same evidence, and what moved from it to the first."""
    if request.against is None:
        return None, ()
    told(f"comparing with {request.against}")
    second = read_identifiers(request.against, id_map=request.id_map)
    table, other = foreign.as_table(), second.as_table()
    kinds = [kind for kind in table.kinds if kind in other.codes or len(other.kinds) == 1]
    if not kinds:
        raise InspectionError(
            f"{request.against} has {', '.join(other.kinds)} identifiers, {request.identifiers} has "
            f"{', '.join(table.kinds)}: nothing to compare."
        )
    differences = []
    for kind in kinds:
        plain = difference(other, table, kind)
        same = float((plain.before[:, 0] == plain.after[:, 0]).mean())
        differences.append(plain if same >= _SAME_BOOKS else difference(other, table, kind, match=True))
    rows = pd.Index(other.item_ids.astype(str)).get_indexer(pd.Index(table.item_ids.astype(str)))
    measured = None
    if (rows >= 0).all() and other.n_items == table.n_items:
        measured = _judged(_reordered(second, rows, table.item_ids), beside)
    return (request.against.name, measured), tuple(differences)


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


# ---------------------------------------------------------------- for scripts


def report_facts(inspection: Inspection) -> dict[str, Any]:
    """The report as plain data: what ``report.json`` holds."""
    table, diagnosis = inspection.catalogue.table, inspection.diagnosis
    facts = {
        "version": REPORT_VERSION,
        "identifiers": inspection.name,
        "format": inspection.form,
        "verdict": inspection.verdict,
        "items": table.n_items,
        "kinds": list(table.kinds),
        "codes_per_level": {kind: list(sizes) for kind, sizes in table.sizes.items()},
        "shared_levels": table.shared,
        "findings": [finding._asdict() for finding in inspection.findings],
        "evidence": dict(inspection.evidence),
        "measures": _records(diagnosis.frame),
        "notes": list(diagnosis.notes),
    }
    if inspection.other is not None:
        name, second = inspection.other
        facts["against"] = {
            "identifiers": name,
            "verdict": second.verdict if second is not None else None,
            "measures": _records(second.frame) if second is not None else [],
            "moved": {each.kind: len(each.moved) for each in inspection.differences},
        }
    return facts


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dicts, with null where a number is missing or not finite."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [
        {name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in row.items()}
        for row in plain.to_dict("records")
    ]


def affected_frame(inspection: Inspection) -> pd.DataFrame:
    """Items that share their identifier, with title and kind of group: kind, identifier, size, item_id, title, group.

    A title that a spreadsheet would take for a formula gets an apostrophe before it.
    """
    found = affected_items(inspection.catalogue.table).copy()
    titles = [str(inspection.catalogue.titles[item]) for item in found["item"]]
    found["title"] = [f"'{title}" if title.startswith(_FORMULA_SIGNS) else title for title in titles]
    named = {
        (kind, item): row.kind
        for kind, frame in (inspection.groups or {}).items()
        for row in frame.itertuples()
        for item in row.items
    }
    found["group"] = [named.get(key, "") for key in zip(found["kind"], found["item"])]
    return found[["kind", "identifier", "size", "item_id", "title", "group"]]


def failed(verdict: str, limit: str | None) -> bool:
    """Whether a verdict is as bad as the limit of ``--fail-on`` ("look" or "bad"; None never fails)."""
    order = (FINE, LOOK, BAD)
    return limit is not None and order.index(verdict) >= order.index(limit)
