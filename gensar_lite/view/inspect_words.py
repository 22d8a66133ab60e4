"""The identifier report in plain words: a few sentences with the numbers that matter most, for who reads no tables."""

from __future__ import annotations

import pandas as pd

from gensar_lite.identify.formats import BAD, FINE, LOOK
from gensar_lite.identify.labels import DIFFERENT
from gensar_lite.identify.measures import MEANING
from gensar_lite.view.catalogue import Catalogue

HEADLINE = {
    FINE: "Nothing to mend in what could be measured.",
    LOOK: "Usable, with something to look at first.",
    BAD: "Mend these identifiers before you train on them.",
}
_SAME = 0.9  # neighbour lift over the random control from which on a level is said to follow the texts


def plain_words(catalogue: Catalogue, frame: pd.DataFrame, known_sizes: bool) -> list[str]:
    """Sentences on collisions, use and meaning of every kind of identifier.

    Args:
        catalogue: items and identifiers.
        frame: of their diagnosis.
        known_sizes: whether codebook sizes mean anything.
    """
    said = []
    for kind in catalogue.kinds:
        rows = frame[frame["kind"] == kind]
        which = f"{kind.capitalize()} identifiers: " if len(catalogue.kinds) > 1 else ""
        said.append(which + _collisions(catalogue, rows, kind))
        said += [which + sentence for sentence in (_use(rows, known_sizes), _meaning(rows)) if sentence]
    return said


def _collisions(catalogue: Catalogue, rows: pd.DataFrame, kind: str) -> str:
    sizes = catalogue.group_sizes(kind)
    items, shared = len(sizes), int((sizes > 1).sum())
    if shared == 0:
        return f"every one of the {items:,} items has an identifier of its own."
    kmeans = _value(rows, "collision rate", column="control_kmeans")
    beside = f" (residual k-means on the same vectors: {kmeans:.1%} of names lost)" if kmeans is not None else ""
    truly = _value(rows, "items in groups", DIFFERENT)
    kinds = ""
    if truly is not None:
        number = round(truly * items)
        kinds = (
            f" Of these, {number:,} share it with an item whose text is truly different."
            if number
            else (" All of them have the same or nearly the same text as the others of their group.")
        )
    unique = int((1 / sizes).sum().round())
    return (
        f"{shared:,} of {items:,} items ({shared / items:.1%}) share their identifier with another item; there are "
        f"{unique:,} different identifiers, {1 - unique / items:.1%} fewer than items{beside}.{kinds}"
    )


def _use(rows: pd.DataFrame, known_sizes: bool) -> str:
    """The level that uses the smallest part of the codes that lots would use."""
    used = rows[(rows["measure"] == "codes used over chance") & rows["level"].notna()]
    if used.empty or not known_sizes:
        return ""
    worst = used.loc[used["value"].idxmin()]
    level = int(worst["level"])
    formula = rows[(rows["measure"] == "codes used") & (rows["level"] == level)]
    if worst["value"] >= _SAME or formula.empty:
        return "every level uses nearly all of its codes."
    return f"level {level} uses {formula['formula'].iloc[0]} codes, the smallest part of all levels."


def _meaning(rows: pd.DataFrame) -> str:
    lift = _value(rows[rows["group"] == MEANING], "neighbour lift", level=1)
    if lift is None:
        return ""
    return f"an item's nearest neighbours have the same first code {lift:.3g} times as often as any other item."


def _value(
    rows: pd.DataFrame, measure: str, of: str | None = None, level: int | None = None, column: str = "value"
) -> float | None:
    """One number of a diagnosis, of the deepest level if none is named; None where it was not measured."""
    own = rows[rows["measure"] == measure]
    if of is not None:
        own = own[own["of"] == of]
    if level is not None:
        own = own[own["level"] == level]
    own = own[own[column].notna()]
    return None if own.empty else float(own[column].iloc[-1])
