"""Trainings short enough to watch: a packed generator from scratch on some of the histories, looked at as it learns."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Int

from gensar_lite.generate.model import GenSAR
from gensar_lite.generate.packed import Batch, PackedGenerator
from gensar_lite.generate.packing import PackedData, Window
from gensar_lite.generate.tasks import (
    DESC2ID,
    DOC2QUERY,
    ID2DESC,
    NRIP,
    NSIP,
    NSQP,
    Prompt,
    TaskMix,
    prompts_for,
    pseudo_queries,
)
from gensar_lite.generate.trace import next_token_log_probs, spelling
from gensar_lite.generate.train import TrainSettings, train
from gensar_lite.lab.artefacts import Artefacts
from gensar_lite.lab.stages import fresh_packed
from gensar_lite.log.schema import BEHAVIOURS, QUERY, RECOMMENDATION, SEARCH
from gensar_lite.log.split import TASKS, Histories

ROWS, TEXT_ROWS = 16, 24  # smaller batches than the long training: few steps must do


class LiveRun(NamedTuple):
    """A short training.

    Attributes:
        model: the trained generator.
        curves: one row per look, indexed by ``histories`` read so far: loss per task (nats per answer).
        levels: one row per look, task and level (from 1): ``histories, task, level, loss`` (nats per code) and
            ``right`` (share of validation cases whose code the model thought likeliest, given the right ones before);
            empty without looks.
        seconds: wall-clock time of the training.
        whole: histories in the whole training set, which an epoch of the long training reads.
    """

    model: GenSAR
    curves: pd.DataFrame
    levels: pd.DataFrame
    seconds: float
    whole: int


@dataclass
class Portions:
    """Deals out a training set in equal portions, one per epoch, so that every history is read once."""

    data: PackedData
    windows: list[Window]
    count: int

    def batches(self, epoch: int, seed: int, rows: int, text_rows: int) -> Iterator[Batch]:
        """The batches of one portion."""
        self.data.windows = self.windows[epoch % self.count :: self.count]
        return self.data.batches(epoch, seed, rows, text_rows)

    def n_batches(self, rows: int) -> int:
        """How many there are."""
        return -(-(len(self.windows) // self.count) // rows)


def packed_data(made: Artefacts) -> PackedData:
    """All training targets of all tasks, as the shipped generator reads them; a few short trainings can share it."""
    settings = made.model.generator.settings
    return PackedData(
        made.log,
        made.split,
        made.table,
        made.model.vocabulary,
        TaskMix(),
        settings.history,
        settings.both_identifiers,
    )


def train_live(
    made: Artefacts,
    data: PackedData,
    histories: int,
    looks: int = 6,
    mix: TaskMix | None = None,
    tokens: bool = True,
    cases: int = 60,
    seed: int = 0,
) -> LiveRun:
    """Train a generator of the shipped one's size and identifiers from scratch, each history read once.

    Args:
        data: see ``packed_data``.
        histories: how many shoppers' histories are read (a long one counts as several); fewer where there are fewer.
        looks: into how many portions they are dealt; after each the model is looked at.
        mix: task weights; None: the usual ones. A task of weight 0 is read, and nothing is learned from it, so that
            trainings with different mixes see the same batches.
        tokens: False silences the behaviour tokens (see ``silence``).
        cases: validation cases per task of each look; 0 for no looks.
    """
    mix = mix or TaskMix()
    shipped = made.model
    torch.manual_seed(seed)
    size = shipped.generator.settings
    generator = fresh_packed(made.log, made.split, made.table, made.views, shipped.vocabulary, size)
    if not tokens:
        silence(generator)
    windows = data.windows
    order = np.random.default_rng(seed).permutation(len(windows))
    read = min(histories, len(order)) // looks * looks
    portions = Portions(data, [windows[place] for place in order[:read]], looks)
    model = GenSAR(generator, shipped.vocabulary, made.table, made.log.items, shipped.beams, shipped.history)
    asked = questions(made, cases) if cases else []
    seen: list[pd.DataFrame] = []

    def look() -> float:
        seen.append(levels_of(model, asked).assign(histories=(len(seen) + 1) * read // looks))
        return float(len(seen))  # the latest look counts as the best: nothing is chosen here

    schedule = TrainSettings(epochs=looks, rows=ROWS, text_rows=TEXT_ROWS, validate_every=1, seed=seed)
    started = time.perf_counter()
    records = train(generator, portions, mix, schedule, validate=look if cases else None, progress=False)
    seconds = time.perf_counter() - started
    data.windows = windows
    curves = pd.DataFrame(records).drop(columns=["validation", "seconds", "cpu_seconds"], errors="ignore")
    curves["histories"] = curves.pop("epoch") * read // looks
    levels = pd.concat(seen, ignore_index=True) if seen else pd.DataFrame()
    return LiveRun(model, curves.set_index("histories"), levels, seconds, len(order))


def silence(generator: PackedGenerator) -> None:
    """Take the behaviour tokens' voice: their embeddings become zero and stay so, in histories and questions alike."""
    weight = generator.embedding.weight
    rows = torch.tensor([generator.vocabulary.behaviour(behaviour) for behaviour in BEHAVIOURS])
    with torch.no_grad():
        weight[rows] = 0
    weight.register_hook(lambda gradient: gradient.index_fill(0, rows.to(gradient.device), 0))


class Questions(NamedTuple):
    """Prompts of one task and the token ids of their right answers."""

    task: str
    prompts: list[Prompt]
    answers: Int[np.ndarray, "B L"]


def questions(made: Artefacts, cases: int, seed: int = 0) -> list[Questions]:
    """A fixed sample of the validation cases, with the identifiers that should be spelled; one entry per task."""
    histories, vocabulary, table = Histories(made.log), made.model.vocabulary, made.table
    return [
        Questions(
            task,
            prompts_for(part, made.log, histories, made.model.history),
            vocabulary.identifiers(table, table.kind_for(task)[0])[part["item"].to_numpy()],
        )
        for task, part in _samples(made.split.validation, cases, seed)
    ]


def levels_of(model: GenSAR, asked: list[Questions]) -> pd.DataFrame:
    """How well each level is spelled: ``task, level`` (from 1), ``loss`` (nats per code) and ``right`` (share)."""
    rows = []
    for task, prompts, answers in asked:
        log_probs, right = spelling(model.generator, prompts, answers, len(model.vocabulary))
        rows += [
            {
                "task": task,
                "level": level + 1,
                "loss": -float(log_probs[:, level].mean()),
                "right": right[:, level].mean(),
            }
            for level in range(answers.shape[1])
        ]
    return pd.DataFrame(rows)


def alphabets(model: GenSAR, prompts: list[Prompt], answers: Int[np.ndarray, "B L"]) -> dict[str, float]:
    """Probability that the first specific code is of each kind, given the right shared codes; mean over prompts."""
    shape = model.vocabulary.shape
    log_probs = next_token_log_probs(model.generator, prompts, answers[:, : shape.shared], len(model.vocabulary))
    chances = np.exp(log_probs[:, -1])
    segments = {kind: model.vocabulary.segment(kind, shape.shared) for kind in shape.kinds}
    return {kind: float(chances[:, start:stop].sum(1).mean()) for kind, (start, stop) in segments.items()}


def task_examples(made: Artefacts, mix: TaskMix) -> pd.DataFrame:
    """Training examples of each task and its weight in the loss, indexed by task: ``examples, weight``."""
    behaviour = made.log.events["behaviour"][made.split.train].value_counts()
    both = int(behaviour[[RECOMMENDATION, SEARCH]].sum())
    described = made.log.n_items * len(made.table.kinds)
    counts = {
        NRIP: both if mix.extra_targets else int(behaviour[RECOMMENDATION]),
        NSQP: int(behaviour[QUERY]),
        NSIP: both if mix.extra_targets else int(behaviour[SEARCH]),
        DESC2ID: described,
        ID2DESC: described,
        DOC2QUERY: sum(map(len, pseudo_queries(made.log, made.split))),
    }
    return pd.DataFrame({"examples": counts, "weight": {task: mix.weight(task) for task in counts}})


def hits(model: GenSAR, made: Artefacts, cases: int, k: int = 10, beams: int = 20, seed: int = 0) -> pd.DataFrame:
    """Whether beam search puts the target among the first k, for a fixed sample of the test cases of each task.

    Returns:
        one row per case, ``task`` and ``hit``; the same cases in the same order for every model, so that models can be
        compared case by case.
    """
    parts = []
    for task, part in _samples(made.split.test, cases, seed):
        top = model.top(part, k, made.log, Histories(made.log), beams)
        parts.append(pd.DataFrame({"task": task, "hit": (top == part["item"].to_numpy()[:, None]).any(1)}))
    return pd.concat(parts, ignore_index=True)


def compare_hits(found: Mapping[str, pd.DataFrame]) -> pd.DataFrame:
    """Hit rates of several models, each compared with the first one case by case.

    Args:
        found: name -> what ``hits`` gave.

    Returns:
        one row per model and task: ``model, task, hit rate, change`` and ``chance`` (two standard errors of the
        change; smaller changes mean little).
    """
    first = next(iter(found.values()))
    rows = []
    for name, one in found.items():
        for task, part in one.groupby("task"):
            change = part["hit"].astype(float) - first.loc[part.index, "hit"]
            chance = 2 * change.std(ddof=0) / len(change) ** 0.5
            rows.append((name, task, part["hit"].mean(), change.mean(), chance))
    return pd.DataFrame(rows, columns=["model", "task", "hit rate", "change", "chance"])


def _samples(cases: pd.DataFrame, count: int, seed: int) -> Iterator[tuple[str, pd.DataFrame]]:
    for task in TASKS:
        part = cases[cases["task"] == task]
        if len(part):
            yield task, part.sample(min(count, len(part)), random_state=seed)
