"""How a beam came to its answer, as tables: the beam step by step, what it lost, and the items below a prefix."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
import pandas as pd

from gensar_lite.generate.beam import beam_search, rank_items
from gensar_lite.generate.model import GenSAR
from gensar_lite.generate.tasks import Prompt
from gensar_lite.generate.trace import BeamStep
from gensar_lite.generate.vocabulary import Vocabulary
from gensar_lite.lab.artefacts import Artefacts
from gensar_lite.lab.ask import asked
from gensar_lite.view.figures_flip import Asked

COLUMNS = "step place parent prefix token log_prob probability kept fate items forbidden".split()


class Below(NamedTuple):
    """The items whose identifier begins with a prefix.

    Attributes:
        items: the first of them: ``item_id``, ``title``, ``category``, ``description`` and one column per kind of
            identifier; index ``item``.
        total: how many there are.
    """

    items: pd.DataFrame
    total: int


def found(model: GenSAR, prompt: Prompt, beams: int) -> np.ndarray:
    """Item indices that a beam of this width finds, best first: all items of its identifiers."""
    shortened, trie = model.decoding.prompt(prompt), model.trie(prompt.behaviour)
    items = rank_items(beam_search(model.generator, [shortened], trie, beams), trie, model.table.n_items).items[0]
    return items[items >= 0]


def trace(model: GenSAR, prompt: Prompt, beams: int, constrained: bool = True, others: int = 10) -> pd.DataFrame:
    """One question's beam, step by step.

    Args:
        beams: prefixes kept per step.
        constrained: False lets the model say any token.
        others: how many of the likeliest pruned prefixes, and of the forbidden ones, are noted per step.

    Returns:
        as ``beam_table``, with the column ``title`` besides: in the last step, of the items that bear the identifier.

    Raises:
        QuestionError: an empty query where one is needed, or an impossible history.
    """
    steps = model.trace(prompt, replace(model.decoding, beams=beams, constrained=constrained), others)
    table = beam_table(steps, model.vocabulary)
    names = _names(model, prompt.behaviour)
    last = table["step"] == model.vocabulary.shape.levels
    return table.assign(title=[names.get(prefix, "") if ends else "" for prefix, ends in zip(table["prefix"], last)])


def trace_asked(model: GenSAR, question: Asked, beams: int, constrained: bool) -> pd.DataFrame:
    """``trace`` for a question of the flip, as the live tree wants it."""
    return trace(model, asked(question.history, question.side, question.query), beams, constrained)


def beam_table(steps: Sequence[BeamStep], vocabulary: Vocabulary) -> pd.DataFrame:
    """Beam steps as one table; within a step the kept ones, the pruned ones, the forbidden ones, each best first.

    Returns:
        columns ``step`` (from 1), ``place`` (0 is best), ``parent`` (place in the step before), ``prefix``, ``token``,
        ``log_prob`` (nats), ``probability``, ``kept``, ``fate`` ("kept", "pruned", "forbidden"), ``items`` (that begin
        with the prefix) and ``forbidden`` (probability the constraint took away in this step, the same in all rows).
    """
    rows = []
    for number, step in enumerate(steps, start=1):
        refused = step.refused
        prefixes = [*step.prefixes.tolist(), *refused.prefixes.tolist()]
        parents = [*step.parents.tolist(), *refused.parents.tolist()]
        scores = [*step.log_probs.tolist(), *refused.log_probs.tolist()]
        fates = [*("kept" if kept else "pruned" for kept in step.kept), *["forbidden"] * len(refused.parents)]
        items = [*step.items.tolist(), *[0] * len(refused.parents)]
        for place, (prefix, parent, score, fate, below) in enumerate(zip(prefixes, parents, scores, fates, items)):
            told = (vocabulary.text(prefix), vocabulary.tokens[prefix[-1]], score, float(np.exp(score)))
            rows.append((number, place, parent, *told, fate == "kept", fate, below, step.forbidden))
    return pd.DataFrame(rows, columns=COLUMNS)


def lost_at(beam: pd.DataFrame, identifier: str) -> int | None:
    """Step (from 1) in which a beam let go of an identifier (tokens with spaces between); None if it kept it."""
    kept = {step: set(rows.loc[rows["kept"], "prefix"]) for step, rows in beam.groupby("step")}
    tokens = identifier.split()
    return next((step for step in range(1, len(tokens) + 1) if " ".join(tokens[:step]) not in kept.get(step, ())), None)


def below(made: Artefacts, prefix: str, most: int = 6) -> Below:
    """The items whose identifier of any kind begins with a prefix.

    Args:
        prefix: tokens with spaces between; one that no identifier begins with has no items.
        most: rows of the table.
    """
    tokens, names = prefix.split(), {kind: made.table.tokens(kind) for kind in made.table.kinds}
    fits = np.zeros(made.table.n_items, dtype=bool)
    for identifiers in names.values():
        if 0 < len(tokens) <= identifiers.shape[1]:
            fits |= (identifiers[:, : len(tokens)] == tokens).all(axis=1)
    chosen = np.flatnonzero(fits)
    rows = made.log.items.iloc[chosen[:most]]
    shown = rows[["item_id", "title", "categories", "description"]].rename(columns={"categories": "category"})
    identifiers = {kind: [" ".join(row) for row in names[kind][chosen[:most]]] for kind in names}
    return Below(shown.assign(**identifiers).rename_axis("item"), len(chosen))


def _names(model: GenSAR, behaviour: str | None) -> dict[str, str]:
    """Identifier -> the titles of the items that bear it, among the kinds that may answer a behaviour."""
    titles: dict[str, list[str]] = {}
    for kind in model.table.kind_for(behaviour):
        for tokens, title in zip(model.table.tokens(kind), model.items["title"]):
            titles.setdefault(" ".join(tokens), []).append(str(title))
    return {
        name: all_of[0] + (f" and {len(all_of) - 1} more" if len(all_of) > 1 else "") for name, all_of in titles.items()
    }
