"""One plain training loop for either backbone: seed, progress, validation, checkpoint, resume to the same result.

Run as it is on one machine, or under ``accelerate launch`` on several. The loop knows a model (``model(batch, mix)``
gives a loss), a source of batches and a validation function; it knows nothing about items or beams.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file
from torch import nn
from tqdm.auto import tqdm

from gensar_lite import store
from gensar_lite.generate.tasks import TaskMix


@runtime_checkable
class BatchSource(Protocol):
    """Gives the batches of an epoch; equal seed and epoch, equal batches."""

    def batches(self, epoch: int, seed: int, rows: int, text_rows: int) -> Iterator[Any]:
        """The batches of one epoch."""

    def n_batches(self, rows: int) -> int:
        """How many there are."""


@dataclass(frozen=True)
class TrainSettings:
    """How long and how fast to learn.

    Attributes:
        epochs: passes over the training targets.
        rows: windows (packed) or examples (T5) per batch.
        text_rows: examples of each task without a history added to a packed batch.
        learning_rate: peak of a cosine schedule after a linear warm-up.
        warm_up: share of all steps spent warming up.
        validate_every: epochs between two looks at the validation cases; the best look is kept.
        averaging: share of the running average of the weights that each step keeps (less in the first steps). The
            average is what is validated and kept: single steps are noisy, above all where data is scarce.
    """

    epochs: int = 28
    rows: int = 16
    text_rows: int = 24
    learning_rate: float = 2e-3
    weight_decay: float = 0.05
    warm_up: float = 0.02
    clip: float = 1.0
    validate_every: int = 4
    averaging: float = 0.998
    seed: int = 0


def train(
    model: nn.Module,
    data: BatchSource,
    mix: TaskMix,
    settings: TrainSettings,
    folder: Path | None = None,
    validate: Callable[[], float] | None = None,
    progress: bool = True,
    made_from: str = "",
) -> list[dict[str, float | int]]:
    """Train in place; leaves the averaged weights of the best validated epoch in ``model`` (without validation, of the
    last one).

    Args:
        folder: where checkpoints go, after every epoch; an interrupted run called again with the same arguments goes
            on from there and ends with the same weights. None keeps nothing.
        validate: score of the current weights, higher is better; looks at validation cases only.
        made_from: a fingerprint of model and data; a checkpoint of another one is refused.

    Returns:
        one record per epoch: mean loss per task (nats per answer), the validation score if taken, seconds so far, and
        ``cpu_seconds`` so far: what the steps alone cost this process, whatever else the machine does.
    """
    from accelerate import Accelerator  # slow to import, and lessons with a trained model do without

    accelerator = Accelerator()
    optimiser = torch.optim.AdamW(
        _groups(model, settings.weight_decay), lr=settings.learning_rate, betas=(0.9, 0.98), fused=True
    )
    wrapped, optimiser = accelerator.prepare(model, optimiser)
    per_epoch = data.n_batches(settings.rows)
    total = per_epoch * settings.epochs
    identity = {**asdict(settings), "mix": mix._asdict(), "made_from": made_from}
    checkpoint = Checkpoint(folder, identity) if folder else None
    average = RunningAverage(model, settings.averaging)
    records, best = checkpoint.load(model, optimiser, average) if checkpoint else ([], None)
    used, cpu = (records[-1]["seconds"], records[-1]["cpu_seconds"]) if records else (0.0, 0.0)
    bar = tqdm(total=total, initial=len(records) * per_epoch, disable=not progress, desc="train", unit="step")
    for epoch in range(len(records), settings.epochs):
        started, cpu_started = time.perf_counter(), time.process_time()
        torch.manual_seed(settings.seed * 100_003 + epoch)  # so that resuming needs no generator state
        wrapped.train()
        sums: dict[str, float] = {}
        for number, batch in enumerate(data.batches(epoch, settings.seed, settings.rows, settings.text_rows)):
            if number % accelerator.num_processes != accelerator.process_index:
                continue
            rate = settings.learning_rate * _schedule(epoch * per_epoch + number, total, settings.warm_up)
            for group in optimiser.param_groups:
                group["lr"] = rate
            loss, means = wrapped(_to(batch, accelerator.device), mix)
            optimiser.zero_grad()
            accelerator.backward(loss)
            accelerator.clip_grad_norm_(wrapped.parameters(), settings.clip)
            optimiser.step()
            average.update(epoch * per_epoch + number)
            for task, mean in means.items():
                sums[task] = sums.get(task, 0.0) + mean / per_epoch * accelerator.num_processes
            bar.update(accelerator.num_processes)
        cpu += time.process_time() - cpu_started
        record: dict[str, float | int] = {"epoch": epoch + 1, **sums, "cpu_seconds": cpu}
        last = epoch + 1 == settings.epochs
        if validate and (last or (epoch + 1) % settings.validate_every == 0):
            wrapped.eval()
            average.swap()
            record["validation"] = validate()
            if best is None or record["validation"] > best[0]:
                best = (record["validation"], {name: value.clone() for name, value in model.state_dict().items()})
            average.swap()
        used += time.perf_counter() - started
        record["seconds"] = used
        records.append(record)
        told = {name: value for name, value in record.items() if name not in ("epoch", "seconds", "cpu_seconds")}
        bar.set_postfix({name: f"{value:.3f}" for name, value in told.items()})
        if checkpoint and accelerator.is_main_process:
            checkpoint.save(model, optimiser, average, records, best)
    bar.close()
    if best is not None:
        model.load_state_dict(best[1])
    else:
        average.swap()
    model.eval()
    return records


class RunningAverage:
    """The weights of a model, averaged over its latest training steps (Polyak and Juditsky 1992, with a decay).

    Attributes:
        tensors: one per parameter, in the order of ``model.parameters()``.
    """

    def __init__(self, model: nn.Module, decay: float) -> None:
        self.parameters = list(model.parameters())
        self.decay = decay
        self.tensors = [parameter.detach().clone() for parameter in self.parameters]

    @torch.no_grad()
    def update(self, step: int) -> None:
        """Take in the weights after a step, counted from 0; at first the last tenth of the steps counts."""
        kept = min(self.decay, (1 + step) / (10 + step))
        torch._foreach_lerp_(self.tensors, self.parameters, 1 - kept)

    @torch.no_grad()
    def swap(self) -> None:
        """Exchange the model's weights and their average."""
        for parameter, tensor in zip(self.parameters, self.tensors, strict=True):
            current = parameter.clone()
            parameter.copy_(tensor)
            tensor.copy_(current)


class Checkpoint:
    """The state of a training run on disk: safetensors for tensors, JSON for the rest, written atomically."""

    def __init__(self, folder: Path, settings: dict[str, Any]) -> None:
        self.file = Path(folder) / "checkpoint.safetensors"
        self.settings = settings

    def save(
        self,
        model: nn.Module,
        optimiser: Any,
        average: RunningAverage,
        records: list[dict[str, float | int]],
        best: Any,
    ) -> None:
        """Write everything a later ``load`` needs into one file, so that no part of it can be missing."""
        tensors = _copies("model.", model.state_dict())
        tensors |= {f"average.{number}": tensor for number, tensor in enumerate(average.tensors)}
        for number, state in optimiser.state_dict()["state"].items():
            tensors |= {f"optimiser.{number}.{name}": torch.as_tensor(value) for name, value in state.items()}
        if best is not None:
            tensors |= _copies("best.", best[1])
        facts = {"settings": self.settings, "records": records, "best": best[0] if best else None}
        metadata = {"facts": store.json_text(facts)}
        store.write_atomically(self.file, lambda path: save_file(tensors, path, metadata=metadata))

    def load(
        self, model: nn.Module, optimiser: Any, average: RunningAverage
    ) -> tuple[list[dict[str, float | int]], Any]:
        """Restore a run; ([], None) where there is nothing to restore.

        Raises:
            store.StageError: the checkpoint belongs to other settings or data, or is damaged.
        """
        if not self.file.exists():
            return [], None
        try:
            facts = store.safetensors_facts(self.file)
            tensors = load_file(self.file)
        except (SafetensorError, ValueError, KeyError) as error:
            raise store.StageError(f"{self.file} is damaged ({error}). Delete it to start afresh.") from error
        if facts["settings"] != store.plain(self.settings):
            raise store.StageError(
                f"{self.file} was left by a run with other settings or data. Delete it to start afresh, or go back to "
                "them."
            )
        try:
            model.load_state_dict(_under(tensors, "model."))
        except RuntimeError as error:  # weights are missing, left over, or of another shape
            raise store.StageError(
                f"{self.file} holds a model built otherwise, perhaps by another version. Delete it to start afresh."
            ) from error
        for number, tensor in enumerate(average.tensors):
            tensor.copy_(tensors[f"average.{number}"])
        saved = optimiser.state_dict()
        saved["state"] = {}
        for name, value in _under(tensors, "optimiser.").items():
            number, field = name.split(".", 1)
            saved["state"].setdefault(int(number), {})[field] = value
        optimiser.load_state_dict(saved)
        best = (facts["best"], _under(tensors, "best.")) if facts["best"] is not None else None
        return facts["records"], best


def _copies(prefix: str, state: dict[str, torch.Tensor]) -> dict[str, torch.Tensor]:
    """Tensors under a prefix, none of them sharing memory: T5 holds one embedding under several names."""
    return {f"{prefix}{name}": value.clone(memory_format=torch.contiguous_format) for name, value in state.items()}


def _under(tensors: dict[str, torch.Tensor], prefix: str) -> dict[str, torch.Tensor]:
    return {name.removeprefix(prefix): value for name, value in tensors.items() if name.startswith(prefix)}


def _groups(model: nn.Module, decay: float) -> list[dict[str, Any]]:
    """Weight decay for matrices only: biases, norms and scales are left alone."""
    matrices = [parameter for parameter in model.parameters() if parameter.ndim >= 2]
    others = [parameter for parameter in model.parameters() if parameter.ndim < 2]
    return [{"params": matrices, "weight_decay": decay}, {"params": others, "weight_decay": 0.0}]


def _schedule(step: int, total: int, warm_up: float) -> float:
    """Linear warm-up, then half a cosine down to 2 % of the peak."""
    start = max(1, math.ceil(warm_up * total))
    if step < start:
        return (step + 1) / start
    return 0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * (step - start) / max(1, total - start)))


def _to(value: Any, device: torch.device) -> Any:
    """Move every tensor of a nested batch (NamedTuples, lists) to a device."""
    if isinstance(value, torch.Tensor):
        return value.to(device)
    if isinstance(value, list):
        return [_to(part, device) for part in value]
    if isinstance(value, tuple):
        return type(value)(*(_to(part, device) for part in value))
    return value
