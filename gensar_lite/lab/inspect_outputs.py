"""The files of a report: the page, its facts for scripts, and two lists for spreadsheets, each whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import pandas as pd

from gensar_lite import store
from gensar_lite.identify.diagnose import affected_items
from gensar_lite.identify.formats import BAD, FINE, LOOK, lookup_frame
from gensar_lite.lab.inspect_inputs import InspectionError
from gensar_lite.lab.inspection import Inspected
from gensar_lite.view.inspect_page import report_page

REPORT_VERSION = 1  # raised when fields of report.json change their meaning
_FORMULA_SIGNS = ("=", "+", "-", "@", "\t", "\r")
_NUMBER = re.compile(r"[+-]?\d+(\.\d+)?")


class Written(NamedTuple):
    """The files of one report: the page, the facts for scripts, the items that share an identifier, all items."""

    html: Path
    json: Path
    affected: Path
    lookup: Path


def check_out(out: Path, inputs: Sequence[Path | None] = ()) -> Written:
    """The files that a report of this name will have: NAME.html, .json, -affected.csv and -lookup.csv.

    Args:
        out: the page's file, ending in .html.
        inputs: files that must not be overwritten.

    Raises:
        InspectionError: another ending, or an input would be overwritten.
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
    return written


def write_report(inspection: Inspected, out: Path, inputs: Sequence[Path | None] = ()) -> Written:
    """Write the page and beside it ``NAME.json``, ``NAME-affected.csv``, ``NAME-lookup.csv``, each whole or not at all.

    Args:
        inspection: see ``inspect``.
        out: the page's file, ending in .html.
        inputs: files that must not be overwritten.

    Raises:
        InspectionError: another ending, or an input would be overwritten.
        OSError: the folder cannot be written.
    """
    written = check_out(out, inputs)
    page, facts = report_page(inspection), report_facts(inspection)
    frames = {
        written.affected: affected_frame(inspection),
        written.lookup: for_spreadsheets(lookup_frame(inspection.catalogue.table)),
    }
    store.write_atomically(written.html, lambda file: file.write_text(page, encoding="utf-8"))
    store.write_json(written.json, facts)
    for path, frame in frames.items():
        store.write_atomically(path, lambda file, frame=frame: frame.to_csv(file, index=False, encoding="utf-8"))
    return written


def report_facts(inspection: Inspected) -> dict[str, Any]:
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
    for each in inspection.further:
        own = facts.setdefault(each.role, {"identifiers": each.name, "verdict": None})
        own |= {"why_no_verdict": each.why or None, "findings": [finding._asdict() for finding in each.findings]}
    return facts


def _records(frame: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as dicts, with null where a number is missing or not finite."""
    plain = frame.astype(object).where(frame.notna(), None)
    return [
        {name: None if isinstance(value, float) and not np.isfinite(value) else value for name, value in row.items()}
        for row in plain.to_dict("records")
    ]


def affected_frame(inspection: Inspected) -> pd.DataFrame:
    """Items that share their identifier: kind, identifier, size, item_id, title, group (what kind of trouble it is)."""
    found = affected_items(inspection.catalogue.table).copy()
    found["title"] = [str(inspection.catalogue.titles[item]) for item in found["item"]]
    named = {
        (kind, item): row.kind
        for kind, frame in (inspection.groups or {}).items()
        for row in frame.itertuples()
        for item in row.items
    }
    found["group"] = [named.get(key, "") for key in zip(found["kind"], found["item"])]
    return for_spreadsheets(found[["kind", "identifier", "size", "item_id", "title", "group"]])


def for_spreadsheets(frame: pd.DataFrame) -> pd.DataFrame:
    """The same with an apostrophe before every text that a spreadsheet would take for a formula. Numbers stay."""

    def plain(cell: Any) -> Any:
        risky = isinstance(cell, str) and cell.startswith(_FORMULA_SIGNS) and not _NUMBER.fullmatch(cell)
        return f"'{cell}" if risky else cell

    texts = [name for name in frame if not pd.api.types.is_numeric_dtype(frame[name])]
    return frame.assign(**{name: frame[name].map(plain) for name in texts})


def failed(verdict: str, limit: str | None) -> bool:
    """Whether a verdict is as bad as the limit of ``--fail-on`` ("look" or "bad"; None never fails)."""
    order = (FINE, LOOK, BAD)
    return limit is not None and order.index(verdict) >= order.index(limit)
