"""SASRec (Kang and McAuley, 2018): the network, and the trained model as a ranker and a source of item embeddings.

A small causal transformer over the items of a history; the score of an item is the dot product of the last state with
the item's embedding. This module knows nothing about training (``collaborative``) and reads no text and no query.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pandas as pd
import torch
import torch.nn.functional as F
from jaxtyping import Float, Float32, Int
from torch import Tensor, nn

from gensar_lite import store
from gensar_lite.embed import cache as drawer
from gensar_lite.log.schema import JointLog
from gensar_lite.log.split import Histories

Targets = Literal["all", "recommendation"]
WEIGHTS, RECORD = "sasrec.safetensors", "sasrec.json"


@dataclass(frozen=True)
class SASRecSettings:
    """Everything that shapes a training.

    Attributes:
        dim: width D of items, positions and layers.
        layers, heads: of the causal transformer.
        max_history: item events read, the newest ones.
        dropout: on embeddings, attention and both halves of a layer.
        learning_rate: of Adam, constant after a warm-up of 100 steps.
        epochs: at most.
        patience: epochs without a better validation NDCG@10 after which training stops.
        batch: training targets per step (about: a user's window is never cut).
        seed: of weights, order and dropout.
    """

    dim: int = 64
    layers: int = 2
    heads: int = 2
    max_history: int = 50
    dropout: float = 0.4
    learning_rate: float = 1e-3
    epochs: int = 60
    patience: int = 6
    batch: int = 512
    seed: int = 0

    def __post_init__(self) -> None:
        positive = ("dim", "layers", "heads", "max_history", "learning_rate", "epochs", "patience", "batch")
        for name in positive:
            if getattr(self, name) <= 0:
                raise ValueError(f"SASRec: {name} is {getattr(self, name)}, it must be above 0")
        if self.dim % self.heads:
            raise ValueError(f"SASRec: dim {self.dim} cannot be divided among {self.heads} heads")
        if not 0 <= self.dropout < 1:
            raise ValueError(f"SASRec: dropout is {self.dropout}, it must be at least 0 and below 1")


class SASRecNetwork(nn.Module):
    """Item and position embeddings, causal transformer layers, a final layer norm; scores are dot products.

    A learned start token stands before every history, so an empty history has a prediction too.
    """

    def __init__(self, n_items: int, settings: SASRecSettings) -> None:
        super().__init__()
        self.n_items = n_items
        self.item = nn.Embedding(n_items + 1, settings.dim)  # the last row is the start token
        self.position = nn.Embedding(settings.max_history + 1, settings.dim)
        self.layers = nn.ModuleList(CausalLayer(settings) for _ in range(settings.layers))
        self.norm = nn.LayerNorm(settings.dim)
        self.dropout = nn.Dropout(settings.dropout)
        nn.init.normal_(self.item.weight, std=0.02)
        nn.init.normal_(self.position.weight, std=0.02)

    def forward(self, items: Int[Tensor, "B T"]) -> Float[Tensor, "B T D"]:
        """The state after each event; items[:, 0] is the start token, what follows a history's end is never read."""
        scale = self.item.embedding_dim**0.5
        state = self.dropout(self.item(items) * scale + self.position.weight[: items.shape[1]])
        for layer in self.layers:
            state = layer(state)
        return self.norm(state)

    def catalogue(self) -> Float[Tensor, "N D"]:
        """The item embeddings, without the start token."""
        return self.item.weight[: self.n_items]


class CausalLayer(nn.Module):
    """Attention to what came before, then a feed-forward layer; both residual, normalised at their input."""

    def __init__(self, settings: SASRecSettings) -> None:
        super().__init__()
        self.heads = settings.heads
        self.dropout = settings.dropout
        self.norm_attention, self.norm_forward = nn.LayerNorm(settings.dim), nn.LayerNorm(settings.dim)
        self.query_key_value = nn.Linear(settings.dim, 3 * settings.dim)
        self.out = nn.Linear(settings.dim, settings.dim)
        self.forward_in, self.forward_out = nn.Linear(settings.dim, settings.dim), nn.Linear(settings.dim, settings.dim)

    def forward(self, state: Float[Tensor, "B T D"]) -> Float[Tensor, "B T D"]:
        """One layer."""
        parts = self.query_key_value(self.norm_attention(state)).chunk(3, dim=-1)
        query, key, value = (part.unflatten(-1, (self.heads, -1)).transpose(1, 2) for part in parts)
        dropout = self.dropout if self.training else 0.0
        mixed = F.scaled_dot_product_attention(query, key, value, dropout_p=dropout, is_causal=True)
        state = state + F.dropout(self.out(mixed.transpose(1, 2).flatten(2)), self.dropout, self.training)
        inner = F.dropout(F.relu(self.forward_in(self.norm_forward(state))), self.dropout, self.training)
        return state + F.dropout(self.forward_out(inner), self.dropout, self.training)


class SASRec:
    """A trained SASRec, bound to the log whose histories it reads.

    Attributes:
        network: the torch module, in evaluation mode.
        settings, targets: what it was trained with.
        seen: (N,) bool, the item occurs in a training event.
        record: one dict per epoch: ``epoch``, ``loss`` (nats per target), ``ndcg`` (validation NDCG@10, None without
            cases), ``kept`` (true for the epoch whose weights these are).
        seconds: wall time of the training (of the last run, if it was resumed).
    """

    def __init__(
        self,
        network: SASRecNetwork,
        log: JointLog,
        settings: SASRecSettings,
        targets: Targets,
        seen: np.ndarray,
        record: list[dict[str, Any]],
        seconds: float = 0.0,
    ) -> None:
        self.network = network.eval()
        self.settings = settings
        self.targets = targets
        self.seen = seen
        self.record = record
        self.seconds = seconds
        self._catalogue = store.fingerprint(log.items["item_id"].tolist())
        self._item = log.events["item"].to_numpy()
        self._histories = Histories(log)

    @property
    def name(self) -> str:
        """How tables call it; names the training targets."""
        return "SASRec (all item events)" if self.targets == "all" else "SASRec (recommendation targets only)"

    def item_embeddings(self) -> Float32[np.ndarray, "N E"]:
        """One vector per item; items without training events stand at the mean of the others."""
        matrix = self.network.catalogue().detach().numpy().copy()
        if self.seen.any():
            matrix[~self.seen] = matrix[self.seen].mean(axis=0)
        return matrix

    def scores(self, cases: pd.DataFrame) -> Float32[np.ndarray, "B N"]:
        """Rank the catalogue for cases of the split (only ``event`` is read): higher is better."""
        before = (self._histories.before(event) for event in cases["event"].to_numpy())
        return self.scores_after([self._item[rows][self._item[rows] >= 0] for rows in before])

    def scores_after(self, histories: Sequence[np.ndarray]) -> Float32[np.ndarray, "B N"]:
        """Scores of the catalogue after histories given as item indices, oldest first; a history may be empty."""
        scores = np.empty((len(histories), self.network.n_items), dtype=np.float32)
        recent = [np.asarray(items, dtype=np.int64)[-self.settings.max_history :] for items in histories]
        lengths = np.array([len(items) for items in recent], dtype=np.int64)
        by_length = np.argsort(lengths, kind="stable")
        with torch.inference_mode():
            for rows in np.array_split(by_length, max(1, -(-len(recent) // 256))):
                inputs = np.full((len(rows), int(lengths[rows].max(initial=0)) + 1), self.network.n_items)
                for line, row in enumerate(rows):
                    inputs[line, 1 : lengths[row] + 1] = recent[row]
                state = self.network(torch.from_numpy(inputs))[torch.arange(len(rows)), torch.from_numpy(lengths[rows])]
                scores[rows] = (state @ self.network.catalogue().T).numpy()
        return scores

    def save(self, folder: Path) -> None:
        """Write weights (safetensors) and record (JSON), the record last: a folder without one is unfinished."""
        arrays = {name: value.numpy() for name, value in self.network.state_dict().items()} | {"seen": self.seen}
        drawer.write_arrays(Path(folder) / WEIGHTS, arrays, {})
        facts = {"settings": asdict(self.settings), "targets": self.targets, "catalogue": self._catalogue}
        facts |= {"weights": store.file_hash(Path(folder) / WEIGHTS), "seconds": self.seconds, "record": self.record}
        store.write_json(Path(folder) / RECORD, facts)

    @classmethod
    def load(cls, folder: Path, log: JointLog) -> SASRec:
        """Read what ``save`` wrote; gives bit-equal embeddings and scores.

        Raises:
            DamagedFileError: the folder is incomplete or altered.
            StageError: it was trained on another catalogue.
        """
        folder = Path(folder)
        try:
            facts = store.read_json(folder / RECORD)
            settings, targets = SASRecSettings(**facts["settings"]), facts["targets"]
            catalogue, weights = facts["catalogue"], facts["weights"]
            record, seconds = facts["record"], facts["seconds"]
        except (FileNotFoundError, NotADirectoryError, KeyError, TypeError, ValueError) as problem:
            raise drawer.DamagedFileError(f"{folder}: no finished SASRec there ({problem!r})") from problem
        if catalogue != store.fingerprint(log.items["item_id"].tolist()):
            raise store.StageError(
                f"{folder}: this SASRec was trained on another catalogue than that of log '{log.name}'. "
                "Train it on this log, or give the folder that belongs to it."
            )
        if not (folder / WEIGHTS).exists() or store.file_hash(folder / WEIGHTS) != weights:
            raise drawer.DamagedFileError(f"{folder}: {WEIGHTS} is missing or does not belong to {RECORD}")
        arrays, _ = drawer.read_arrays(folder / WEIGHTS)
        seen = arrays.pop("seen")
        network = SASRecNetwork(log.n_items, settings)
        network.load_state_dict({name: torch.from_numpy(value) for name, value in arrays.items()})
        return cls(network, log, settings, targets, seen, record, seconds)
