"""Test cases under the microscope, as the views want them: titles for items, words for codes, a choice of cases."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int

from gensar_lite.evaluate.microscope import CAUSES, FOUND, Lens, item_strata, lens, where_lost
from gensar_lite.generate.decoding import Decoding
from gensar_lite.generate.model import GenSAR
from gensar_lite.lab.artefacts import Artefacts
from gensar_lite.log.schema import SEARCH, JointLog
from gensar_lite.log.split import Histories


class Look(NamedTuple):
    """One case under a beam, as ``figures_microscope.case_figure`` takes it.

    Attributes:
        items: see there.
        steps: see there.
        behaviour: "R_I" or "S_I".
    """

    items: pd.DataFrame
    steps: pd.DataFrame
    behaviour: str


class Cases:
    """Some test cases, ready to be looked at under any beam; the model is asked once per case.

    Args:
        model: the trained generator.
        log: the log it was trained on.
        cases: rows of ``Split.test`` or ``Split.validation``.
    """

    def __init__(self, model: GenSAR, log: JointLog, cases: pd.DataFrame) -> None:
        self._model, self._log, self.cases = model, log, cases.reset_index(drop=True)
        self._histories = Histories(log)
        self._lens = lru_cache(maxsize=64)(self._make)
        self.names = [self._name(row) for row in self.cases.itertuples()]

    def look(self, place: int, beams: int) -> Look:
        """The ``place``-th case (from 0) under a beam of this width."""
        seen = self._lens(place).at(beams)
        titles, tokens = self._log.items["title"].to_numpy(), self._model.vocabulary.tokens
        items = seen.items.assign(title=titles[seen.items["item"]])
        steps = seen.steps.assign(token=[tokens[token] for token in seen.steps["token"]])
        return Look(items, steps, str(self.cases["task"].iloc[place]))

    def _make(self, place: int) -> Lens:
        return lens(self._model, self.cases.iloc[[place]], self._log, self._histories)

    def _name(self, row: object) -> str:
        asked = f"search “{row.query}”" if row.task == SEARCH else "recommendation"
        return f"shopper {row.user}, {asked} → {self._log.items['title'].iloc[row.item]}"


def telling_cases(
    made: Artefacts, beams: int = 10, sample: int = 400, each: int = 3, seed: int = 0
) -> tuple[pd.DataFrame, pd.DataFrame]:
    """A few test cases of every fate, of both tasks: what a reader should look at first.

    Args:
        beams: width of the beam under which fates are told.
        sample: test cases looked through, half of either task, drawn with the seed.
        each: cases kept per task and fate.

    Returns:
        the cases (rows of ``made.split.test``), those pruned by the beam first, and what ``where_lost`` says of all
        that were looked through.
    """
    rng = np.random.default_rng(seed)
    test = made.split.test
    rows = [np.flatnonzero((test["task"] == task).to_numpy()) for task in dict.fromkeys(test["task"])]
    drawn = np.sort(np.concatenate([rng.permutation(part)[: sample // len(rows)] for part in rows]))
    looked = test.iloc[drawn]
    decoding = Decoding(beams=beams, history=made.model.history)
    stratum = item_strata(made.log, made.split)
    lost = where_lost(made.model, looked, made.log, Histories(made.log), stratum, decoding)
    order = [_first(lost, fate, task, each) for fate in (*CAUSES, FOUND) for task in dict.fromkeys(test["task"])]
    return looked.iloc[np.concatenate(order)], lost


def _first(lost: pd.DataFrame, fate: str, task: str, each: int) -> Int[np.ndarray, " C"]:
    """Rows of the cases of one fate and task whose targets stand highest."""
    rows = np.flatnonzero(((lost["lost"] == fate) & (lost["task"] == task)).to_numpy())
    return rows[np.argsort(lost["exact_rank"].to_numpy()[rows], kind="stable")][:each]
