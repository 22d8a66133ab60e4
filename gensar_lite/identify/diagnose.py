"""A health report of identifiers: every number beside its controls, with formula, verdict and advice. No torch.

``diagnose(table)`` looks at codes alone; embeddings, texts, categories, clicks, test targets and a model's decoding
each switch their measures on (``Evidence``). Every verdict follows from one table (``thresholds``). The measures stand
in ``measures_use``, ``_quantisation``, ``_collisions``, ``_meaning``, ``_behaviour``, ``_pairs`` and ``_decoder``.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from itertools import combinations

import numpy as np
import pandas as pd

from gensar_lite.identify import measures
from gensar_lite.identify.controls import CONTROLS, KMEANS, RANDOM, Controls, make_controls
from gensar_lite.identify.evidence import Evidence, Prepared, prepare
from gensar_lite.identify.formats import RaggedIdentifiers
from gensar_lite.identify.formats.findings import worst
from gensar_lite.identify.measures import Measure, Subject, make_subject
from gensar_lite.identify.measures_behaviour import measure_behaviour
from gensar_lite.identify.measures_collisions import aligned_codes, measure_collisions, measure_repair
from gensar_lite.identify.measures_decoder import measure_decoder
from gensar_lite.identify.measures_meaning import measure_meaning
from gensar_lite.identify.measures_pairs import measure_pair, measure_spaces, measure_square, square_neighbours
from gensar_lite.identify.measures_quantisation import churn, measure_churn, measure_quantisation
from gensar_lite.identify.measures_use import measure_use
from gensar_lite.identify.table import IdentifierError, IdentifierTable
from gensar_lite.identify.thresholds import THRESHOLDS, judge, thresholds_frame

__all__ = ["THRESHOLDS", "Diagnosis", "Evidence", "affected_items", "churn", "diagnose", "thresholds_frame"]

COLUMNS = (
    "group",
    "kind",
    "measure",
    "of",
    "level",
    "value",
    "unit",
    "formula",
    *(f"control_{name}" for name in CONTROLS),
    "verdict",
    "advice",
    "threshold",
)


@dataclass(frozen=True)
class Diagnosis:
    """What was found.

    Attributes:
        frame: one row per measure: group (one of ``measures.GROUPS``), kind (of identifier; "a + b" for two; "" for a
            model), measure, of (what it was taken against; "" if there is only one thing), level (from 1: level or
            prefix depth; missing for the whole identifier), value, unit, formula (with its numbers), control_random,
            control_category, control_kmeans (the same of the control; NaN where there is none), verdict ("fine",
            "look", "bad"; "" where none is passed), advice ("" where fine), threshold (in words).
        verdict: the worst of the rows.
        notes: what could not be measured, and why; what was sampled.
    """

    frame: pd.DataFrame
    verdict: str
    notes: tuple[str, ...]

    def findings(self) -> pd.DataFrame:
        """The rows that are not fine, bad ones first."""
        wrong = self.frame[self.frame["verdict"].isin(["look", "bad"])]
        return wrong.sort_values("verdict", key=lambda column: column != "bad", kind="stable")


def diagnose(
    table: IdentifierTable | RaggedIdentifiers,
    evidence: Evidence | None = None,
    seed: int = 0,
    progress: bool = False,
) -> Diagnosis:
    """Measure identifiers on the whole catalogue.

    Args:
        table: identifiers of one length, or textual ones of different lengths.
        evidence: whatever else is known, in the table's order of items.
        seed: of controls, samples and noise.
        progress: show a bar.

    Raises:
        IdentifierError: an empty table, or evidence that does not fit it.
    """
    evidence = evidence or Evidence()
    open_words = isinstance(table, RaggedIdentifiers)
    table = table.table() if open_words else table
    if table.n_items == 0:
        raise IdentifierError("The identifier table is empty. Give at least one item.")
    if min(codes.shape[1] for codes in table.codes.values()) == 0:
        raise IdentifierError("The identifiers have no level. Give at least one code per item.")
    prepared = prepare(evidence, table.item_ids, seed)
    spaces = {kind: prepared.nearest_space(kind) for kind in table.kinds}
    controls = make_controls(table, open_words, evidence, spaces, seed)
    subjects = {
        kind: make_subject(kind, codes, None if open_words else table.sizes[kind])
        for kind, codes in table.codes.items()
    }
    rows: list[tuple] = []
    for work in _steps(_work(table, subjects, controls, prepared), progress):
        rows += work()
    frame = pd.DataFrame(rows, columns=COLUMNS)
    frame["level"] = frame["level"].astype("Int64")
    frame[[f"control_{name}" for name in CONTROLS]] = frame[[f"control_{name}" for name in CONTROLS]].astype(float)
    order = {group: place for place, group in enumerate(measures.GROUPS)}
    frame = frame.sort_values("group", key=lambda column: column.map(order), kind="stable").reset_index(drop=True)
    return Diagnosis(frame, worst(frame["verdict"]), _notes(subjects, prepared, controls, frame))


def affected_items(table: IdentifierTable | RaggedIdentifiers) -> pd.DataFrame:
    """Items that share their identifier with another one, ready to be written as CSV.

    Returns:
        one row per kind and item, largest group first: kind, identifier ("a-b-c"), size (items in the group), item
        (index), item_id.
    """
    words = table.words if isinstance(table, RaggedIdentifiers) else None
    table = table.table() if words is not None else table
    parts = []
    for kind, codes in table.codes.items():
        labels, counts = measures.prefix_groups(codes)
        items = np.flatnonzero(counts[-1][labels[-1]] > 1)
        own = labels[-1][items]
        items = items[np.lexsort((items, own, -counts[-1][own]))]
        names = [
            " ".join(words[item]) if words is not None else "-".join(map(str, codes[item].tolist())) for item in items
        ]
        columns = {"kind": kind, "identifier": names, "size": counts[-1][labels[-1][items]], "item": items}
        parts.append(pd.DataFrame({**columns, "item_id": table.item_ids[items].astype(str)}))
    return pd.concat(parts, ignore_index=True)


# ---------------------------------------------------------------- what is measured


def _work(
    table: IdentifierTable, subjects: dict[str, Subject], controls: Controls, prepared: Prepared
) -> list[Callable[[], list[tuple]]]:
    """Everything there is to do, in pieces."""
    evidence = prepared.evidence
    work = []
    for kind, subject in subjects.items():
        beside = controls.subjects[kind]
        books = (evidence.codebooks or {}).get(kind)
        work.append(partial(_measured, kind, subject, beside, measure_use))
        if prepared.nearest_space(kind) is not None and subject.sizes is not None:
            estimate = partial(measure_quantisation, prepared=prepared)
            own = partial(measure_quantisation, prepared=prepared, books=books)
            work.append(partial(_measured, kind, subject, beside, estimate, own))
        for measure in (measure_collisions, measure_meaning, measure_behaviour):
            work.append(partial(_measured, kind, subject, beside, partial(measure, prepared=prepared)))
        work.append(partial(_other_tables, table, kind, subject, beside, controls, evidence))
        if square_neighbours(prepared):
            work.append(partial(_measured, kind, subject, beside, partial(measure_square, prepared=prepared)))
    for first, second in combinations(subjects, 2):
        work.append(partial(_pair, subjects, controls, first, second))
    work.append(lambda: _rows("", measure_spaces(prepared), {}))
    if evidence.decoder is not None:
        work.append(partial(_decoder, evidence.decoder, tuple(subjects)))
    return work


def _measured(
    kind: str,
    subject: Subject,
    controls: dict[str, Subject],
    measure: Callable[[Subject], list[Measure]],
    own: Callable[[Subject], list[Measure]] | None = None,
) -> list[tuple]:
    """Rows of one measure, the same measure of every control beside it."""
    found = (own or measure)(subject)
    if not found:
        return []
    beside = {name: {row.key: row.value for row in measure(control)} for name, control in controls.items()}
    return _rows(kind, found, beside)


def _other_tables(
    table: IdentifierTable,
    kind: str,
    subject: Subject,
    beside: dict[str, Subject],
    controls: Controls,
    evidence: Evidence,
) -> list[tuple]:
    """What a repair changed, and what another seed would."""
    found: list[tuple] = []
    if evidence.before is not None:
        rows, before = aligned_codes(table, evidence.before, kind)
        if len(rows):
            found += _rows(kind, measure_repair(before, subject.codes[rows]), {})
    control = {}
    if KMEANS in beside and kind in controls.kmeans_again:
        moved = churn(beside[KMEANS].codes, controls.kmeans_again[kind])["moved"]
        control = dict(enumerate(moved, start=1))
    codes, other = subject.codes, None
    if evidence.other_seed is not None:
        rows, again = aligned_codes(table, evidence.other_seed, kind)
        if len(rows):
            codes, other = subject.codes[rows], again
    if other is None and not control:
        return found
    churned = [row for row in measure_churn(codes, other) if row.level in subject.depths]
    return found + _rows(kind, churned, {KMEANS: {row.key: control.get(row.level, np.nan) for row in churned}})


def _pair(subjects: dict[str, Subject], controls: Controls, first: str, second: str) -> list[tuple]:
    """Two kinds beside the controls that have two kinds: categories make one identifier for both."""
    beside = {}
    for name in (RANDOM, KMEANS):
        if name in controls.subjects[first] and name in controls.subjects[second]:
            pair = measure_pair(controls.subjects[first][name], controls.subjects[second][name])
            beside[name] = {row.key: row.value for row in pair}
    return _rows(f"{first} + {second}", measure_pair(subjects[first], subjects[second]), beside)


def _decoder(frame: pd.DataFrame, kinds: tuple[str, ...]) -> list[tuple]:
    if "kind" not in frame:
        return _rows("", measure_decoder(frame), {})
    found = []
    for kind in kinds:
        part = frame[frame["kind"] == kind]
        found += _rows(kind, measure_decoder(part), {}) if len(part) else []
    return found


def _rows(kind: str, found: Iterable[Measure], beside: dict[str, dict[tuple, float]]) -> list[tuple]:
    """Measures as rows of the frame."""
    rows = []
    for row in found:
        values = [beside.get(name, {}).get(row.key, float("nan")) for name in CONTROLS]
        verdict = judge(row, values[CONTROLS.index(RANDOM)])
        level = pd.NA if row.level is None else row.level
        head = (row.group, kind, row.measure, row.of, level, float(row.value), row.unit, row.formula)
        rows.append((*head, *values, verdict.verdict, verdict.advice, verdict.threshold))
    return rows


def _steps(work: list[Callable[[], list[tuple]]], progress: bool) -> Iterable[Callable[[], list[tuple]]]:
    if not progress:
        return work
    from tqdm.auto import tqdm

    return tqdm(work, desc="diagnose", leave=False)


# ---------------------------------------------------------------- what is not measured


def _notes(
    subjects: dict[str, Subject], prepared: Prepared, controls: Controls, frame: pd.DataFrame
) -> tuple[str, ...]:
    """Groups that do not apply here, and why."""
    evidence, notes = prepared.evidence, []
    for kind, subject in subjects.items():
        if subject.sizes is None:
            notes.append(
                f"{kind}: words of an open vocabulary. Dead codes, Gini, hourglass, birthday expectation and "
                "quantisation need codebooks of known size and are left out; a place counts the items that reach it."
            )
        if subject.running:
            notes.append(
                f"{kind}: level {subject.levels} only counts items that agree before it. Its use is not judged; the "
                f"collisions of what the codes say are those at depth {subject.levels - 1}."
            )
        space = prepared.nearest_space(kind)
        if space is not None and prepared.own_space(kind) is None:
            notes.append(
                f"{kind}: no embedding of that name was given. What is measured in '{space.name}' is shown without a "
                "verdict: identifiers made of clicks need not follow it."
            )
        if len(subject.depths) < subject.levels:
            notes.append(
                f"{kind}: of {subject.levels} levels the first {len(subject.depths) - 1} and the last are shown."
            )
        if subject.sizes is not None and subject.levels < 3:
            notes.append(f"{kind}: an hourglass needs three levels; there are {subject.levels}.")
    absent = (
        (evidence.embeddings, "No embeddings: quantisation, neighbours and near duplicates were not measured."),
        (evidence.texts, "No texts: groups of the same text cannot be told from others."),
        (evidence.categories, "No categories: agreement with them was not measured."),
        (evidence.events, "No log: the behaviour group was not measured."),
        (evidence.targets, "No test targets: string match inflation takes every item as a target once."),
        (evidence.decoder, "No model: the decoder group was not measured."),
        (evidence.before, "No table from before a repair: what it changed was not measured."),
        (evidence.other_seed, "No table of another seed: churn is shown for the k-means control at most."),
    )
    notes += [note for given, note in absent if given is None]
    if evidence.embeddings and prepared.text_space is None:
        notes.append("No embedding named 'semantic': near duplicates by text were not told apart.")
    if len(subjects) < 2:
        notes.append("One kind of identifier: there is no second one to compare it with.")
    elif evidence.categories is not None:
        notes.append("Two identifiers: the category control makes one identifier for all kinds, so it has no pair.")
    if evidence.decoder is not None:
        notes.append("Decoder: a control would need a model trained on the control identifiers; there is none.")
    notes += controls.notes
    notes += [f"{name}: neighbours are the {space.neighbours.said}." for name, space in prepared.spaces.items()]
    if prepared.clicks is not None:
        notes.append(f"Click neighbours: {prepared.clicks.neighbours.said}.")
        if not len(frame[frame["group"] == measures.BEHAVIOUR]):
            notes.append("The log has no click: the behaviour group was not measured.")
    return tuple(notes)
