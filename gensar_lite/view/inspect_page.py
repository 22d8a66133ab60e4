"""A diagnosis of identifiers as one HTML file: verdict first, figures to play with, nothing loaded from anywhere.

``report_page`` is pure: an ``Inspection`` in, HTML out. Everything that came from a file is escaped; figures get their
data as JSON in which no tag can end the script. plotly's library stands in the page once.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
import pandas as pd

from gensar_lite.identify.diagnose import Diagnosis
from gensar_lite.identify.diff import Difference
from gensar_lite.identify.formats import BAD, FINE, LOOK, Finding, worst
from gensar_lite.identify.measures import BEHAVIOUR, COLLISIONS, DECODER, GROUPS, MEANING, QUANTISATION, TWO, USE
from gensar_lite.view.catalogue import Catalogue
from gensar_lite.view.inspect_figures import (
    Shown,
    collision_figure,
    difference_figure,
    group_figures,
    map_figure,
    use_figures,
)
from gensar_lite.view.inspect_parts import (
    MARK,
    WORD,
    all_measures,
    badge,
    card,
    html_table,
    name_of,
    number,
    troubles,
)
from gensar_lite.view.inspect_style import SCRIPT, STYLE
from gensar_lite.view.inspect_words import HEADLINE, plain_words
from gensar_lite.view.theme import caption, description, safe

LOOKED_UP = 20_000  # items that the page's own look-up holds
_LISTED = 200  # groups of colliding items listed in the page
_MEMBERS = 6  # items shown of each
_CONFIG = {"showSendToCloud": False, "displaylogo": False, "responsive": True}
_HEADINGS = {
    USE: ("Use of codes", "How many codes are spoken, how evenly, and what each level adds."),
    QUANTISATION: ("Quantisation", "How much of the embedding the codes keep, and how firmly."),
    COLLISIONS: ("Collisions", "Items that share an identifier: how many, of what kind, and what it costs."),
    MEANING: ("Meaning", "Whether alike items stand under the same prefix, beside what chance gives."),
    BEHAVIOUR: ("Behaviour", "Whether clicks follow the prefixes, and what popular and cold items get."),
    TWO: ("Two identifiers of one item", "Where the kinds of identifier of one item part, and what each follows."),
    DECODER: ("Decoder", "What a model does with these identifiers."),
}


@dataclass(frozen=True)
class Inspection:
    """Everything a report tells.

    Attributes:
        name: of the identifiers (their file).
        form: of the file, one of ``formats.FORMATS``.
        findings: what is odd about the file and what was joined to it.
        catalogue: items, titles, identifiers.
        diagnosis: of the identifiers.
        evidence: what was given, in words: ("texts", "items.parquet, 4,344 of 4,344 items").
        known_sizes: False where codes are numbered words, whose codebook sizes mean nothing.
        points: name of a map -> coordinates of the items in ``drawn``; empty without vectors.
        drawn: items on the map.
        groups: kind -> groups of colliding items (``labels.collision_groups``); None without texts and vectors.
        exemplars: what stands under the largest prefixes: kind, prefix, items, words, exemplars (titles); or None.
        other: name and diagnosis of a second set of identifiers, or None.
        differences: between the second set and this one.
    """

    name: str
    form: str
    findings: tuple[Finding, ...]
    catalogue: Catalogue
    diagnosis: Diagnosis
    evidence: Sequence[tuple[str, str]] = ()
    known_sizes: bool = True
    points: Mapping[str, np.ndarray] = field(default_factory=dict)
    drawn: np.ndarray = field(default_factory=lambda: np.zeros(0, dtype=np.int64))
    groups: Mapping[str, pd.DataFrame] | None = None
    exemplars: pd.DataFrame | None = None
    other: tuple[str, Diagnosis | None] | None = None
    differences: Sequence[Difference] = ()

    @property
    def verdict(self) -> str:
        """The worst of file and measures: "fine", "look" or "bad"."""
        return worst([self.diagnosis.verdict, *(finding.verdict for finding in self.findings)])


def report_page(inspection: Inspection) -> str:
    """The report as one HTML document."""
    from plotly.offline import get_plotlyjs

    sections = [_file_section(inspection), _map_section(inspection)]
    sections += [_group_section(inspection, group) for group in GROUPS]
    sections += [_difference_section(inspection), _look_up_section(inspection), _notes_section(inspection)]
    kept = [section for section in sections if section is not None]
    links = "".join(f'<li><a href="#{key}">{safe(heading)}</a></li>' for key, heading, _ in kept)
    body = "".join(f'<section id="{key}" aria-labelledby="{key}-h">{html}</section>' for key, _, html in kept)
    title = f"Identifiers: {safe(inspection.name)}"
    return (
        '<!DOCTYPE html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{STYLE}</style><script>{get_plotlyjs()}</script></head>\n<body>"
        f'<a class="skip" href="#file">To the report</a><header><p class="eyebrow">Identifier report</p>'
        f"<h1>{safe(inspection.name)}</h1>{_banner(inspection)}{_facts(inspection)}"
        f'<nav aria-label="Parts of the report"><ul>{links}</ul></nav></header>\n<main>{body}'
        "<footer>Numbers are computed in the original space on the whole catalogue unless a note says otherwise. "
        f"Made by gensar_lite; this page needs no network.</footer></main>\n{_script(inspection)}</body></html>\n"
    )


# ---------------------------------------------------------------- the top


def _banner(inspection: Inspection) -> str:
    verdict, frame = inspection.verdict, inspection.diagnosis.frame
    lines = [
        (finding.verdict, f"{finding.kind}: {finding.examples}", "file")
        for finding in inspection.findings
        if finding.verdict in (LOOK, BAD)
    ]
    for trouble in troubles(frame):
        row = trouble.row
        kind = f" ({row['kind']})" if len(inspection.catalogue.kinds) > 1 and row["kind"] else ""
        where = f", {trouble.where}" if trouble.where else ""
        text = f"{name_of(row)}{kind}{where}: {number(row['value'])}"
        lines.append((trouble.verdict, text, _key(row["group"])))
    lines.sort(key=lambda line: line[0] != BAD)
    items = "".join(
        f'<li><span class="mark {state}" aria-hidden="true">{MARK[state]}</span>'
        f'<a href="#{where}">{safe(text)}</a> <span class="badge {state}">{WORD[state]}</span></li>'
        for state, text, where in lines
    )
    words = plain_words(inspection.catalogue, frame, inspection.known_sizes)
    said = "".join(f"<p>{safe(sentence[0].upper() + sentence[1:])}</p>" for sentence in words)
    judged = int(frame["verdict"].isin([FINE, LOOK, BAD]).sum())
    counted = f"{sum(line[0] == BAD for line in lines)} bad, {sum(line[0] == LOOK for line in lines)} to look at"
    return (
        f'<div class="verdict {verdict}"><strong>{MARK[verdict]} {HEADLINE[verdict]}</strong>{said}'
        f"{f'<ul>{items}</ul>' if items else ''}"
        f'<p class="dim">{counted}; {judged} measures were judged. Thresholds stand beside them below.</p></div>'
    )


def _facts(inspection: Inspection) -> str:
    table = inspection.catalogue.table
    facts = [("items", f"{table.n_items:,}"), ("form of the file", inspection.form)]
    for kind, codes in table.codes.items():
        name = f", {kind}" if len(table.kinds) > 1 else ""
        sizes = table.sizes[kind]
        same = f"{len(sizes)} × {sizes[0]:,}" if len(set(sizes)) == 1 else " · ".join(f"{size:,}" for size in sizes[:8])
        facts.append((f"levels × codes{name}", same if inspection.known_sizes else f"up to {codes.shape[1]} words"))
        unique = int((1 / inspection.catalogue.group_sizes(kind)).sum().round())
        facts.append((f"different identifiers{name}", f"{unique:,}"))
    if len(table.kinds) > 1:
        facts.append(("shared levels", str(table.shared)))
    cells = "".join(f"<div><dt>{safe(name)}</dt><dd>{safe(value)}</dd></div>" for name, value in facts)
    return f'<dl class="facts">{cells}</dl>'


# ---------------------------------------------------------------- sections


def _file_section(inspection: Inspection) -> tuple[str, str, str]:
    rows = [
        (
            badge(finding.verdict),
            safe(finding.kind),
            f"{finding.count:,}",
            safe(finding.examples),
            safe(finding.advice),
        )
        for finding in inspection.findings
    ]
    found = (
        html_table(("", "found", "count", "where", "what was done, what to do"), rows, {2})
        if rows
        else ("<p>Nothing odd: ids, lengths and codes are as this form should have them.</p>")
    )
    given = "".join(f"<li><strong>{safe(name)}</strong>: {safe(what)}</li>" for name, what in inspection.evidence)
    beside = f'<h3>Read beside it</h3><ul class="plain">{given}</ul>' if given else ""
    return _section("file", "The file", "What was found in the file, before any measure.", found + beside)


def _map_section(inspection: Inspection) -> tuple[str, str, str] | None:
    if not inspection.points:
        return None
    shown = map_figure(inspection.points, inspection.drawn, inspection.catalogue)
    drawn, every = len(inspection.drawn), inspection.catalogue.n_items
    lead = "Items near each other are alike; distances and sizes of clusters mean nothing. The menu chooses the colour."
    if drawn < every:
        lead += f" {drawn:,} of {every:,} items are drawn, taken by lot."
    return _section("map", "Map", lead, _figure(shown, "map"))


def _group_section(inspection: Inspection, group: str) -> tuple[str, str, str] | None:
    frame = inspection.diagnosis.frame
    rows = frame[frame["group"] == group]
    if rows.empty or (group == TWO and len(inspection.catalogue.kinds) < 2 and inspection.catalogue.clicks is None):
        return None  # with one kind and no clicks the square has one field, which the meaning tells already
    key, (heading, lead) = _key(group), _HEADINGS[group]
    cards = "".join(card(trouble, len(inspection.catalogue.kinds)) for trouble in troubles(rows))
    if not cards and rows["verdict"].isin([FINE]).any():
        cards = f"<p>{badge(FINE)} All {int((rows['verdict'] == FINE).sum())} judged measures are fine.</p>"
    other_name, other = _other(inspection)
    figures = []
    if group == USE:
        figures += use_figures(inspection.catalogue, frame, inspection.known_sizes)
    if group == COLLISIONS and inspection.groups:
        figures += [shown for shown in [collision_figure(inspection.groups, inspection.catalogue)] if shown is not None]
    figures += group_figures(group, frame, other, other_name)
    drawn = "".join(_figure(shown, f"{key}-{place}") for place, shown in enumerate(figures))
    extra = _exemplars(inspection) if group == USE else _affected(inspection) if group == COLLISIONS else ""
    return _section(key, heading, lead, cards + drawn + extra + all_measures(rows, other, other_name))


def _difference_section(inspection: Inspection) -> tuple[str, str, str] | None:
    if inspection.other is None or not inspection.differences:
        return None
    drawn = "".join(
        _figure(difference_figure(difference), f"difference-{place}")
        for place, difference in enumerate(inspection.differences)
    )
    lead = f"The same items under {inspection.other[0]} (before) and under these identifiers (after)."
    return _section("difference", "Compared", lead, drawn)


def _look_up_section(inspection: Inspection) -> tuple[str, str, str] | None:
    if inspection.catalogue.n_items > LOOKED_UP:
        return None
    heads = "".join(f'<th scope="col">{safe(name)}</th>' for name in _look_up_columns(inspection))
    html = (
        '<p><label for="find">An item id, an identifier or the beginning of one (20-15), or words of a title</label>'
        '<br><input id="find" type="search" autocomplete="off"></p><p id="found-words" class="dim" role="status"></p>'
        f'<div class="scroll tall"><table><thead><tr>{heads}</tr></thead><tbody id="found"></tbody></table></div>'
    )
    return _section("look-up", "Look up", "From item to identifier, and from identifier to items.", html)


def _notes_section(inspection: Inspection) -> tuple[str, str, str] | None:
    notes = inspection.diagnosis.notes
    if not notes:
        return None
    items = "".join(f"<li>{safe(note)}</li>" for note in notes)
    return _section("notes", "Not measured", "What is missing here, and why.", f'<ul class="plain">{items}</ul>')


# ---------------------------------------------------------------- pieces


def _affected(inspection: Inspection) -> str:
    """The largest groups of colliding items, members side by side."""
    if not inspection.groups or not any(len(frame) for frame in inspection.groups.values()):
        return ""
    titles, ids = inspection.catalogue.titles, inspection.catalogue.table.item_ids
    lines, total = [], 0
    for kind, frame in inspection.groups.items():
        total += len(frame)
        for row in frame.head(_LISTED).itertuples():
            members = "<br>".join(safe(f"{ids[item]}: {str(titles[item])[:90]}") for item in row.items[:_MEMBERS])
            more = f"<br>and {len(row.items) - _MEMBERS} more" if len(row.items) > _MEMBERS else ""
            lines.append((safe(kind), f"<code>{safe(row.code)}</code>", str(row.size), safe(row.kind), members + more))
    table = html_table(("kind", "identifier", "items", "what they are", "members"), lines, {2})
    shown = f"the {len(lines)} largest of {total}" if total > len(lines) else f"all {total}"
    return f"<details><summary>Groups of items that share an identifier, {shown}</summary>{table}</details>"


def _exemplars(inspection: Inspection) -> str:
    if inspection.exemplars is None or inspection.exemplars.empty:
        return ""
    lines = [
        (safe(row.kind), f"<code>{safe(row.prefix)}</code>", f"{row.items:,}", safe(row.words), safe(row.exemplars))
        for row in inspection.exemplars.itertuples()
    ]
    heads = ("kind", "prefix", "items", "words that set it apart", "items near its middle")
    return f"<h3>What stands under the largest prefixes</h3>{html_table(heads, lines, {2})}"


def _figure(shown: Shown, key: str) -> str:
    import plotly.io as pio

    # plotly writes <, > and / of the data as escapes, so no text in it can end the script.
    drawn = pio.to_html(shown.figure, _CONFIG, include_plotlyjs=False, full_html=False, div_id=f"figure-{key}")
    return (
        f'<h3>{safe(shown.heading)}</h3><figure aria-label="{safe(description(shown.figure))}">'
        f'<div class="plot">{drawn}</div><figcaption>{caption(shown.figure, shown.table)}</figcaption></figure>'
    )


def _section(key: str, heading: str, lead: str, html: str) -> tuple[str, str, str]:
    return key, heading, f'<h2 id="{key}-h">{safe(heading)}</h2><p class="lead">{safe(lead)}</p>{html}'


def _key(group: str) -> str:
    return group.replace(" ", "-")


def _other(inspection: Inspection) -> tuple[str, pd.DataFrame | None]:
    if inspection.other is None or inspection.other[1] is None:
        return "", None
    name = inspection.other[0]
    return name if len(name) <= 24 else f"{name[:23]}…", inspection.other[1].frame


def _look_up_columns(inspection: Inspection) -> list[str]:
    columns = ["item_id", "title", *(["category"] if inspection.catalogue.categories is not None else [])]
    return columns + [column for kind in inspection.catalogue.kinds for column in (kind, f"{kind} group")]


def _script(inspection: Inspection) -> str:
    """The look-up's data and script; "<" is written as an escape so that no title can end the block."""
    if inspection.catalogue.n_items > LOOKED_UP:
        return ""
    columns = _look_up_columns(inspection)
    frame = inspection.catalogue.frame(range(inspection.catalogue.n_items))[columns]
    rows = frame.astype(str).to_numpy().tolist()
    first = columns.index(inspection.catalogue.kinds[0])
    data = json.dumps({"columns": columns, "firstCode": first, "rows": rows}, ensure_ascii=False)
    for sign in "<>&":
        data = data.replace(sign, f"\\u{ord(sign):04x}")
    return f'<script type="application/json" id="items">{data}</script><script>{SCRIPT}</script>'
