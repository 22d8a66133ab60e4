"""Clicks to vectors: SASRec (Kang and McAuley, 2018), the collaborative view v_c of an item (paper, section 3.2.1).

The same model is a baseline: it ranks the catalogue from a history and reads no text and no query.

What it learns from. Only events of ``split.train`` enter training, as inputs and as targets alike, so that no held-out
event shapes a weight; validation cases only choose the epoch. When it answers a case it reads the case's full history
(``Histories``: strictly before the target, held-out events of the other task included, as the split allows).

Same instant. A target is predicted from the events strictly before its time stamp. Events are sorted by time, so under
a causal mask those are a *prefix*, and one pass over a user's sequence trains every prefix: a target is read off the
position where its prefix ends, which is the same for all targets of one instant.

Items without training events. They are negatives in every softmax, which pushes them all away from the users in one
direction: good for ranking (they come last), misleading as an embedding (on a log of 4,344 items, 55 such rows had a
mean cosine of .999 among themselves and were five times as long as the others). ``item_embeddings`` therefore gives
them the mean of the trained items: "nothing known" is the centre, not a far corner shared by all new items.
"""

from __future__ import annotations

import time
import warnings
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor
from tqdm.auto import tqdm

from gensar_lite import store
from gensar_lite.embed import cache as drawer
from gensar_lite.embed.sasrec import RECORD, SASRec, SASRecNetwork, SASRecSettings, Targets
from gensar_lite.log.schema import RECOMMENDATION, JointLog
from gensar_lite.log.split import Split

DEFAULTS = SASRecSettings()
FULL_SOFTMAX = 20_000  # items; above, the softmax runs over sampled negatives
NEGATIVES = 2_048  # drawn per step, shared by its targets
WARM_UP = 100  # steps until the learning rate is reached
VALIDATION_CASES = 2_000  # enough for the epoch's choice (standard error of NDCG@10 about .004)


class Windows(NamedTuple):
    """Training sequences: pieces of users' histories, each with the targets that are read off it.

    Attributes:
        items: (I,) items of all training events, by user and time.
        first: (W,) place in ``items`` where a window begins.
        length: (W,) events it reads, at most ``max_history``.
        targets: (W + 1,) window w has the targets ``targets[w]:targets[w + 1]`` of the next two arrays.
        slot: (P,) how many of the window's events stand strictly before the target.
        item: (P,) the target.
    """

    items: np.ndarray
    first: np.ndarray
    length: np.ndarray
    targets: np.ndarray
    slot: np.ndarray
    item: np.ndarray


def cut_windows(log: JointLog, split: Split, targets: Targets, max_history: int) -> Windows:
    """Lay out every training target once, with the training events strictly before it as its prefix.

    A history longer than ``max_history`` is cut into windows that overlap by half: a target then sees between half of
    ``max_history`` and all of it.
    """
    rows = np.flatnonzero(split.train & (log.events["item"] >= 0).to_numpy())
    events = log.events.iloc[rows]
    user, instant, item, session = (events[name].to_numpy() for name in ("user", "timestamp", "item", "session"))
    order = np.lexsort((session, item, instant, user))  # ties in item order, as in Histories
    user, instant, item = user[order], instant[order], item[order]
    place = np.arange(len(order))
    begins = np.ones(len(order), dtype=bool)
    begins[1:] = (user[1:] != user[:-1]) | (instant[1:] != instant[:-1])
    first_of_user = np.searchsorted(user, user)
    before = np.maximum.accumulate(np.where(begins, place, 0)) - first_of_user

    wanted = np.ones(len(order), dtype=bool)
    if targets == "recommendation":
        wanted = (events["behaviour"] == RECOMMENDATION).to_numpy()[order]
    stride = max(1, max_history // 2)
    shift = -(-np.maximum(before - max_history, 0) // stride) * stride
    first, window = np.unique((first_of_user + shift)[wanted], return_inverse=True)
    slot = (before - shift)[wanted]
    by_window = np.argsort(window, kind="stable")
    length = np.zeros(len(first), dtype=np.int64)
    np.maximum.at(length, window, slot)
    ends = np.searchsorted(window[by_window], np.arange(len(first) + 1))
    return Windows(item, first, length, ends, slot[by_window], item[wanted][by_window])


def recall_sasrec(
    log: JointLog,
    split: Split,
    settings: SASRecSettings = DEFAULTS,
    targets: Targets = "all",
    *,
    progress: bool = True,
    cache: Path | None = None,
) -> SASRec:
    """``train_sasrec``, kept in ``cache`` (None: ``build/cache``) under a key of the log, split, settings and targets.

    A training that was killed goes on from its last epoch; a damaged folder is announced and trained again.
    """
    folder = (cache or drawer.default_folder()) / f"sasrec-{_key(log, split, settings, targets)}"
    checkpoint = folder / "checkpoint.safetensors"

    def keep(model: SASRec, path: Path) -> None:
        model.save(path)
        checkpoint.unlink(missing_ok=True)

    return drawer.recall(
        folder / RECORD,
        load=lambda path: SASRec.load(path.parent, log),
        make=lambda: train_sasrec(log, split, settings, targets, progress=progress, checkpoint=checkpoint),
        save=lambda model, path: keep(model, path.parent),
    )


def train_sasrec(
    log: JointLog,
    split: Split,
    settings: SASRecSettings = DEFAULTS,
    targets: Targets = "all",
    *,
    progress: bool = True,
    checkpoint: Path | None = None,
) -> SASRec:
    """Train on ``split.train`` and keep the epoch with the best validation NDCG@10 over the full catalogue.

    Args:
        log, split: the histories and what may be learned from.
        settings: see ``SASRecSettings``.
        targets: "all" predicts every item event; "recommendation" predicts R_I events only, and still reads all item
            events as input. Validation cases are those of the same behaviours; without any, the last epoch is kept.
        progress: show a bar over epochs (on a terminal only).
        checkpoint: file written after every epoch; if it is there from a killed run of the same inputs, training goes
            on from it to the same weights.

    Raises:
        ValueError: no training target, or a loss that is no number.
    """
    windows = cut_windows(log, split, targets, settings.max_history)
    if len(windows.item) == 0:
        raise ValueError(f"log '{log.name}' has no training event for targets '{targets}': SASRec cannot be trained")
    begun = time.perf_counter()
    with torch.random.fork_rng(devices=[]):
        run = _Training(log, split, settings, targets, windows)
        if checkpoint is not None:
            run.resume(checkpoint)
        bar = tqdm(total=settings.epochs, initial=len(run.record), desc="SASRec", disable=None if progress else True)
        while not run.finished:
            line = run.epoch()
            if checkpoint is not None and not run.write(checkpoint):
                checkpoint = None
            bar.update()
            bar.set_postfix({name: round(line[name], 4) for name in ("loss", "ndcg") if line[name] is not None})
        bar.close()
    run.model.seconds = time.perf_counter() - begun
    return run.best()


class _Training:
    """The loop's state between epochs: all of it goes into a checkpoint; every epoch draws from its own seed."""

    def __init__(
        self, log: JointLog, split: Split, settings: SASRecSettings, targets: Targets, windows: Windows
    ) -> None:
        self.settings = settings
        self.windows = windows
        self.key = _key(log, split, settings, targets)
        torch.manual_seed(settings.seed)
        network = SASRecNetwork(log.n_items, settings)
        self.optimizer = torch.optim.Adam(network.parameters(), lr=settings.learning_rate, betas=(0.9, 0.98))
        self.steps = 0
        seen = np.bincount(windows.items, minlength=log.n_items) > 0
        self.record: list[dict[str, Any]] = []
        self.model = SASRec(network, log, settings, targets, seen, self.record)
        self.kept: dict[str, Tensor] = {}
        cases = split.validation
        if targets == "recommendation":
            cases = cases[cases["task"] == RECOMMENDATION]
        self.validation = cases.sample(min(len(cases), VALIDATION_CASES), random_state=settings.seed)

    @property
    def kept_epoch(self) -> int:
        """Place in ``record`` of the highest NDCG, the first of equals; without validation cases, of the last epoch."""
        ndcg = [line["ndcg"] for line in self.record]
        return int(np.argmax(ndcg)) if len(self.validation) else len(ndcg) - 1

    @property
    def finished(self) -> bool:
        """All epochs done, or none better for ``patience`` epochs."""
        done = len(self.record)
        return done >= self.settings.epochs or (done > 0 and done - 1 - self.kept_epoch >= self.settings.patience)

    def epoch(self) -> dict[str, Any]:
        """One pass over all training targets, then the validation cases; returns the epoch's line of the record."""
        number = len(self.record)
        seeds = np.random.SeedSequence([self.settings.seed, number])
        torch.manual_seed(int(seeds.generate_state(1)[0]))  # dropout and negatives
        network = self.model.network.train()
        total = 0.0
        for rows in _batches(self.windows, self.settings.batch, np.random.default_rng(seeds)):
            inputs, line, slot, item = _collate(self.windows, rows, start=network.n_items)
            loss = _loss(network(inputs)[line, slot], network.catalogue(), item)
            for group in self.optimizer.param_groups:
                group["lr"] = self.settings.learning_rate * min(1.0, (self.steps + 1) / WARM_UP)
            self.optimizer.zero_grad(set_to_none=True)
            loss.backward()
            self.optimizer.step()
            self.steps += 1
            total += loss.item() * len(item)
        if not np.isfinite(total):
            raise ValueError(f"SASRec's loss is {total} in epoch {number}: lower learning_rate in its settings")
        network.eval()
        self.record.append({"epoch": number, "loss": total / len(self.windows.item), "ndcg": self._ndcg()})
        if self.kept_epoch == number:
            self.kept = {name: value.clone() for name, value in network.state_dict().items()}
        return self.record[-1]

    def _ndcg(self) -> float | None:
        """NDCG@10 of the validation cases, the whole catalogue ranked."""
        if len(self.validation) == 0:
            return None
        gains = []
        for first in range(0, len(self.validation), 256):
            cases = self.validation.iloc[first : first + 256]
            scores, target = self.model.scores(cases), cases["item"].to_numpy()
            own = scores[np.arange(len(target)), target][:, None]
            earlier = np.arange(scores.shape[1]) < target[:, None]
            rank = ((scores > own) | ((scores == own) & earlier)).sum(axis=1)
            gains.append(np.where(rank < 10, 1 / np.log2(rank + 2), 0))
        return float(np.concatenate(gains).mean())

    def best(self) -> SASRec:
        """The model with the kept weights."""
        self.model.network.load_state_dict(self.kept)
        for line in self.record:
            line["kept"] = line["epoch"] == self.kept_epoch
        return self.model

    def write(self, path: Path) -> bool:
        """Write everything the next epoch starts from, atomically; False, and a warning, where that is impossible."""
        arrays = {f"now {name}": value.numpy() for name, value in self.model.network.state_dict().items()}
        arrays |= {f"kept {name}": value.numpy() for name, value in self.kept.items()}
        for number, moments in self.optimizer.state_dict()["state"].items():
            arrays |= {f"adam {number} {name}": value.numpy() for name, value in moments.items()}
        try:
            drawer.write_arrays(path, arrays, {"key": self.key, "record": self.record, "steps": self.steps})
        except OSError as problem:
            warnings.warn(f"no checkpoint at {path} ({problem}): a killed training would start anew", stacklevel=3)
            return False
        return True

    def resume(self, path: Path) -> None:
        """Go on from ``path`` if it holds a state of this training; say so if it holds anything else."""
        if not path.exists():
            return
        try:
            arrays, facts = drawer.read_arrays(path)
        except drawer.DamagedFileError as problem:
            warnings.warn(f"{problem}: the training starts anew", stacklevel=3)
            return
        if facts.get("key") != self.key:
            warnings.warn(f"{path} belongs to another training: this one starts anew", stacklevel=3)
            return
        parts: dict[str, dict[str, Tensor]] = {"now": {}, "kept": {}, "adam": {}}
        for name, value in arrays.items():
            part, rest = name.split(" ", 1)
            parts[part][rest] = torch.from_numpy(value)
        moments: dict[int, dict[str, Tensor]] = {}
        for name, value in parts["adam"].items():
            number, kind = name.split(" ")
            moments.setdefault(int(number), {})[kind] = value
        self.model.network.load_state_dict(parts["now"])
        self.kept = parts["kept"]
        self.optimizer.load_state_dict(self.optimizer.state_dict() | {"state": moments})
        self.record.extend(facts["record"])
        self.steps = facts["steps"]


def _batches(windows: Windows, size: int, rng: np.random.Generator) -> Iterator[np.ndarray]:
    """Window numbers, about ``size`` targets a batch, windows of like length together, in random order."""
    order = rng.permutation(len(windows.first))
    n_targets = np.diff(windows.targets)
    pool = np.cumsum(n_targets[order]) // (16 * size)
    order = order[np.lexsort((windows.length[order], pool))]
    batch = np.cumsum(n_targets[order]) // size
    batches = np.split(order, np.flatnonzero(np.diff(batch)) + 1)
    for number in rng.permutation(len(batches)):
        yield batches[number]


def _collate(
    windows: Windows, rows: np.ndarray, start: int
) -> tuple[Int[Tensor, "B T"], Int[Tensor, "R"], Int[Tensor, "R"], Int[Tensor, "R"]]:
    """Inputs (start token, then events; the tail is filled with anything), and line, slot and item of each target."""
    length, n_targets = windows.length[rows], np.diff(windows.targets)[rows]
    step = np.arange(length.max())
    read = step < length[:, None]
    inputs = np.full((len(rows), len(step) + 1), start)
    inputs[:, 1:][read] = windows.items[(windows.first[rows][:, None] + step)[read]]
    line = np.repeat(np.arange(len(rows)), n_targets)
    within = np.arange(len(line)) - np.repeat(np.cumsum(n_targets) - n_targets, n_targets)
    picked = windows.targets[rows][line] + within
    return tuple(torch.from_numpy(part) for part in (inputs, line, windows.slot[picked], windows.item[picked]))


def _loss(state: Float[Tensor, "R D"], catalogue: Float[Tensor, "N D"], item: Int[Tensor, "R"]) -> Float[Tensor, ""]:
    """Cross-entropy of the targets over the catalogue, in nats; over sampled negatives if the catalogue is large."""
    n_items = len(catalogue)
    if n_items <= FULL_SOFTMAX:
        return F.cross_entropy(state @ catalogue.T, item)
    negative = torch.randint(n_items, (NEGATIVES,))
    own = (state * catalogue[item]).sum(dim=1, keepdim=True)
    others = state @ catalogue[negative].T + np.log((n_items - 1) / NEGATIVES)  # they stand for all other items
    others = others.masked_fill(negative == item[:, None], -torch.inf)
    return (torch.logsumexp(torch.cat([own, others], dim=1), dim=1) - own[:, 0]).mean()


def _key(log: JointLog, split: Split, settings: SASRecSettings, targets: Targets) -> str:
    """Fingerprint of everything that shapes a training."""
    limits = (FULL_SOFTMAX, NEGATIVES, VALIDATION_CASES, WARM_UP)
    validation = split.validation["event"].to_numpy()
    return store.fingerprint("sasrec", log.fingerprint(), split.train, validation, asdict(settings), targets, limits)
