"""The joint RQ-VAE: two views, shared code words first, then each view's own (paper, section 3.2).

With one view it is the plain RQ-VAE of the single-source schemes. It knows scaled embeddings (``views``) and codes; it
does not know items, texts or collisions' repair.
"""

from __future__ import annotations

import copy
import json
import math
from dataclasses import asdict
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
from jaxtyping import Float
from safetensors import safe_open
from safetensors.torch import load_file, save_file
from torch import Tensor, nn
from tqdm.auto import tqdm

from gensar_lite.identify.quantizer import Quantised, ResidualQuantizer
from gensar_lite.identify.residual_kmeans import JointCodes, check_catalogue
from gensar_lite.identify.settings import IdentifierSettings
from gensar_lite.identify.table import IdentifierError, collisions, level_usage
from gensar_lite.identify.views import explained_variance
from gensar_lite.store import write_atomically

RULE = (
    "the epoch with the largest (mean explained variance - mean collision rate) over the kinds; the earliest of equals"
)
INITIALISE_ON = 50_000  # items drawn for the k-means initialisation where the catalogue is larger
REVIVE_UNTIL = 0.9  # share of the epochs after which codes are left to settle
SHARED = "shared"


class Pass(NamedTuple):
    """One pass through the model.

    Attributes:
        latents: kind -> (B, d), z of eq. 2.
        shared: what the shared levels did, on the views' latents side by side.
        specific: kind -> what its own levels did.
        quantised: kind -> (B, d), z hat of eq. 6, straight-through: its gradient goes to the latents.
        reconstruction: kind -> (B, E), eq. 7.
    """

    latents: dict[str, Tensor]
    shared: Quantised
    specific: dict[str, Quantised]
    quantised: dict[str, Tensor]
    reconstruction: dict[str, Tensor]


class Trained(NamedTuple):
    """What training leaves.

    Attributes:
        model: at the chosen epoch.
        joint: its codes, code words, latents and reconstructions of the catalogue.
        history: one row per epoch (0 = after initialisation): every term of the loss, explained variance and
            collision rate per kind, and the score that chose the epoch.
        levels: one row per epoch, family ("shared" or a kind) and level: use, perplexity, both losses, codes revived.
        chosen_epoch: see ``rule``.
        rule: how it was chosen, in words.
    """

    model: JointRQVAE
    joint: JointCodes
    history: pd.DataFrame
    levels: pd.DataFrame
    chosen_epoch: int
    rule: str


class Mapping(nn.Module):
    """An MLP, by default with a linear path beside it."""

    def __init__(self, widths: tuple[int, ...], linear_path: bool) -> None:
        super().__init__()
        layers: list[nn.Module] = []
        for before, after in zip(widths[:-1], widths[1:], strict=True):
            layers += [nn.Linear(before, after), nn.ReLU()]
        self.mlp = nn.Sequential(*layers[:-1])
        self.linear = nn.Linear(widths[0], widths[-1]) if linear_path else None

    def forward(self, vectors: Float[Tensor, "B I"]) -> Float[Tensor, "B O"]:
        """Map vectors."""
        through = self.mlp(vectors)
        return through if self.linear is None else through + self.linear(vectors)

    @torch.no_grad()
    def start_linear(self, weight: Float[Tensor, "O I"]) -> None:
        """Make the whole mapping this linear one; the MLP starts at zero and learns what is missing."""
        if self.linear is not None:
            for layer in (self.linear, self.mlp[-1]):
                layer.weight.zero_()
                layer.bias.zero_()
            self.linear.weight.copy_(weight)


class JointRQVAE(nn.Module):
    """Encoders, shared and specific code words, decoders.

    Args:
        widths: kind -> E, the width of its embedding; the order of kinds is the order in the shared code words.
        shared_levels: L_m.
        specific_levels: L_n.
        settings: everything else.
        seed: of the initial weights.
    """

    def __init__(
        self,
        widths: dict[str, int],
        shared_levels: int,
        specific_levels: int,
        settings: IdentifierSettings,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.widths, self.settings = dict(widths), settings
        self.shared_levels, self.specific_levels = shared_levels, specific_levels
        latent, hidden = settings.latent, tuple(settings.hidden)
        sizes = (settings.codes,)
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            self.encoders = nn.ModuleDict(
                {kind: Mapping((width, *hidden, latent), settings.linear_path) for kind, width in widths.items()}
            )
            self.decoders = nn.ModuleDict(
                {kind: Mapping((latent, *hidden[::-1], width), settings.linear_path) for kind, width in widths.items()}
            )
        # Balanced assignment belongs to the last level of an identifier, wherever that stands.
        on_shared = settings.sinkhorn if specific_levels == 0 else 0.0
        self.shared = ResidualQuantizer(
            latent * len(widths), sizes * shared_levels, settings.residual, on_shared, seed + 1
        )
        self.specific = nn.ModuleDict(
            {
                kind: ResidualQuantizer(
                    latent, sizes * specific_levels, settings.residual, settings.sinkhorn, seed + 2 + n
                )
                for n, kind in enumerate(widths)
            }
        )

    def forward(self, views: dict[str, Tensor]) -> Pass:
        """Encode, quantise, decode (eq. 2-7)."""
        latents = {kind: self.encoders[kind](views[kind]) for kind in self.widths}
        shared, specific = self.quantise(latents)
        quantised, reconstruction = {}, {}
        for part, kind in zip(self.parts(), self.widths, strict=True):
            exact = shared.quantised[:, part] + specific[kind].quantised
            quantised[kind] = latents[kind] + (exact - latents[kind]).detach()
            reconstruction[kind] = self.decoders[kind](quantised[kind])
        return Pass(latents, shared, specific, quantised, reconstruction)

    def quantise(self, latents: dict[str, Tensor]) -> tuple[Quantised, dict[str, Quantised]]:
        """The shared levels on the latents side by side, then each kind's own levels on its part of the remainder."""
        shared = self.shared(torch.cat([latents[kind] for kind in self.widths], dim=1))
        rest = shared.residuals[-1]
        parts = zip(self.parts(), self.widths, strict=True)
        return shared, {kind: self.specific[kind](rest[:, part]) for part, kind in parts}

    def parts(self) -> list[slice]:
        """Where each kind's columns stand in the shared code words."""
        latent = self.settings.latent
        return [slice(place * latent, (place + 1) * latent) for place in range(len(self.widths))]

    def loss(self, views: dict[str, Tensor], done: Pass) -> tuple[Tensor, dict[str, float]]:
        """Eq. 8-10 as a mean over items, and its terms by name."""
        mean = self.settings.reduction == "mean"
        terms = {}
        for kind in self.widths:
            squared = (views[kind] - done.reconstruction[kind]).square()
            terms[f"reconstruction_{kind}"] = squared.mean() if mean else squared.sum(dim=1).mean()
        for name, family in {SHARED: done.shared, **done.specific}.items():
            # "mean" is over levels and dimensions, as the authors' code has it; the paper sums over both.
            unit = family.quantised.shape[1] * max(len(family.codebook_losses), 1) if mean else 1
            terms[f"codebook_{name}"] = family.codebook_losses.sum() / unit
            terms[f"commitment_{name}"] = self.settings.alpha * family.commitment_losses.sum() / unit
        total = torch.stack(list(terms.values())).sum()
        return total, {"loss": total.item(), **{name: value.item() for name, value in terms.items()}}

    @torch.no_grad()
    def start_from_principal_components(self, views: dict[str, Tensor]) -> None:
        """Let every linear path start as its view's leading principal components."""
        for kind, matrix in views.items():
            _, _, axes = torch.linalg.svd(matrix, full_matrices=False)
            weight = torch.zeros(self.settings.latent, matrix.shape[1])
            axes = axes[: self.settings.latent]
            weight[: len(axes)] = axes
            self.encoders[kind].start_linear(weight)
            self.decoders[kind].start_linear(weight.T)

    @torch.no_grad()
    def initialise(self, views: dict[str, Tensor], seed: int) -> None:
        """Residual k-means on the latents of the catalogue (a large sample of a very large one)."""
        n_items = len(next(iter(views.values())))
        drawn = torch.randperm(n_items, generator=torch.Generator().manual_seed(seed))[:INITIALISE_ON].sort().values
        latents = {kind: self.encoders[kind](views[kind][drawn]) for kind in self.widths}
        together = torch.cat(list(latents.values()), dim=1)
        self.shared.initialise(together, seed)
        rest = self.shared.eval()(together).residuals[-1]
        for place, (part, kind) in enumerate(zip(self.parts(), self.widths, strict=True)):
            self.specific[kind].initialise(rest[:, part], seed + self.shared_levels + place * self.specific_levels)

    @torch.no_grad()
    def revive(self, views: dict[str, Tensor], random: np.random.Generator) -> dict[str, list[int]]:
        """Put dead codes to use, family by family; returns how many were moved per level."""
        self.eval()
        together = torch.cat([self.encoders[kind](views[kind]) for kind in self.widths], dim=1)
        moved = {SHARED: [len(codes) for codes in self.shared.revive(together, random)]}
        rest = self.shared(together).residuals[-1]
        for part, kind in zip(self.parts(), self.widths, strict=True):
            moved[kind] = [len(codes) for codes in self.specific[kind].revive(rest[:, part], random)]
        return moved

    @torch.no_grad()
    def balance(self, views: dict[str, Tensor]) -> None:
        """Refresh the Sinkhorn discounts on the whole catalogue; nothing happens where the option is off."""
        if not self.settings.sinkhorn:
            return
        self.eval()
        together = torch.cat([self.encoders[kind](views[kind]) for kind in self.widths], dim=1)
        self.shared.balance(together)
        rest = self.shared(together).residuals[-1]
        for part, kind in zip(self.parts(), self.widths, strict=True):
            self.specific[kind].balance(rest[:, part])

    @torch.no_grad()
    def export(self, views: dict[str, np.ndarray]) -> JointCodes:
        """Codes, code words, latents and reconstructions of a catalogue, by the assignment training used."""
        done = self.eval()({kind: torch.from_numpy(matrix) for kind, matrix in views.items()})
        return JointCodes(
            {kind: torch.cat([done.shared.codes, done.specific[kind].codes], dim=1).numpy() for kind in self.widths},
            [book.detach().numpy().copy() for book in self.shared.codebooks],
            {kind: [book.detach().numpy().copy() for book in self.specific[kind].codebooks] for kind in self.widths},
            {kind: latent.numpy() for kind, latent in done.latents.items()},
            {kind: matrix.numpy() for kind, matrix in done.reconstruction.items()},
        )


def train_rqvae(
    views: dict[str, np.ndarray],
    shared_levels: int,
    specific_levels: int,
    settings: IdentifierSettings,
    seed: int = 0,
    progress: bool = True,
) -> Trained:
    """Train on a whole catalogue.

    Args:
        views: kind -> (N, E) scaled embedding (``views.scale_view``).
        shared_levels: L_m; all levels where there is one view.
        specific_levels: L_n.
        settings: see ``IdentifierSettings``.
        seed: of weights, order and revivals.
        progress: show a bar over epochs.

    Raises:
        IdentifierError: more codes than items.
    """
    n_items = len(next(iter(views.values())))
    check_catalogue(n_items, settings.codes)
    tensors = {kind: torch.from_numpy(matrix) for kind, matrix in views.items()}
    model = JointRQVAE(
        {kind: matrix.shape[1] for kind, matrix in views.items()}, shared_levels, specific_levels, settings, seed
    )
    shuffle = torch.Generator().manual_seed(seed)
    random = np.random.default_rng(seed)
    model.start_from_principal_components(tensors)
    _warm_up(model, tensors, shuffle)
    if settings.initialise == "kmeans":
        model.initialise(tensors, seed)
    optimiser = torch.optim.Adam(model.parameters(), lr=settings.learning_rate)
    steps = max(1, settings.epochs * math.ceil(n_items / settings.batch))
    schedule = torch.optim.lr_scheduler.LambdaLR(optimiser, lambda step: 0.5 * (1 + math.cos(math.pi * step / steps)))
    history, levels, best = [], [], (-math.inf, 0, {})
    for epoch in tqdm(range(settings.epochs + 1), desc="RQ-VAE", unit="epoch", disable=not progress):
        if epoch:
            one_epoch(model, tensors, optimiser, shuffle, schedule)
        model.balance(tensors)
        row, own = _measure(model, tensors, epoch)
        if row["score"] > best[0]:
            best = (row["score"], epoch, copy.deepcopy(model.state_dict()))
        reviving = settings.revive and epoch < REVIVE_UNTIL * settings.epochs
        revived = model.revive(tensors, random) if reviving else {}
        history.append(row)
        for line in own:
            of_family = revived.get(line["family"])
            levels.append({**line, "revived": of_family[line["level"] - 1] if of_family else 0})
    model.load_state_dict(best[2])
    return Trained(model, model.export(views), pd.DataFrame(history), pd.DataFrame(levels), best[1], RULE)


def _warm_up(model: JointRQVAE, views: dict[str, Tensor], shuffle: torch.Generator) -> None:
    """Encoders and decoders learn to reconstruct without codes, so that k-means starts in a space worth clustering."""
    weights = [*model.encoders.parameters(), *model.decoders.parameters()]
    optimiser = torch.optim.Adam(weights, lr=model.settings.learning_rate)
    n_items = len(next(iter(views.values())))
    for _ in range(model.settings.warm_epochs):
        for batch in torch.randperm(n_items, generator=shuffle).split(model.settings.batch):
            errors = [
                (views[kind][batch] - model.decoders[kind](model.encoders[kind](views[kind][batch]))).square()
                for kind in model.widths
            ]
            loss = torch.stack([error.sum(dim=1).mean() for error in errors]).sum()
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()


def one_epoch(
    model: JointRQVAE,
    views: dict[str, Tensor],
    optimiser: torch.optim.Optimizer,
    shuffle: torch.Generator,
    schedule: torch.optim.lr_scheduler.LRScheduler | None = None,
) -> None:
    """Every item once: per batch the loss (eq. 8-10), a step of the optimiser, and one of the schedule if there is one.

    Args:
        views: kind -> (N, E) scaled embedding.
        shuffle: gives the order of the items.
    """
    model.train()
    for family in (model.shared, *model.specific.values()):
        family.reset_usage()
    n_items = len(next(iter(views.values())))
    for batch in torch.randperm(n_items, generator=shuffle).split(model.settings.batch):
        some = {kind: matrix[batch] for kind, matrix in views.items()}
        loss, _ = model.loss(some, model(some))
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        if schedule is not None:
            schedule.step()


@torch.no_grad()
def _measure(model: JointRQVAE, views: dict[str, Tensor], epoch: int) -> tuple[dict, list[dict]]:
    """One epoch's numbers on the whole catalogue: a row of history, and a row per family and level."""
    done = model.eval()(views)
    _, terms = model.loss(views, done)
    row = {"epoch": epoch, **terms}
    explained, collided = [], []
    for kind in model.widths:
        codes = torch.cat([done.shared.codes, done.specific[kind].codes], dim=1).numpy()
        explained.append(explained_variance(views[kind].numpy(), done.reconstruction[kind].numpy()))
        collided.append(collisions(codes).rate)
        row |= {f"explained_{kind}": explained[-1], f"collision_rate_{kind}": collided[-1]}
    row["score"] = float(np.mean(explained) - np.mean(collided))
    lines = []
    for name, family in {SHARED: done.shared, **done.specific}.items():
        usage = level_usage(family.codes.numpy(), (model.settings.codes,) * family.codes.shape[1])
        for place, line in enumerate(usage.to_dict("records")):
            losses = {"codebook_loss": family.codebook_losses[place].item()}
            losses["commitment_loss"] = family.commitment_losses[place].item()
            lines.append({"epoch": epoch, "family": name, **line, **losses})
    return row, lines


def save_rqvae(model: JointRQVAE, path: Path) -> None:
    """Write weights, buffers and settings as one safetensors file, atomically."""
    facts = {
        "widths": model.widths,
        "shared_levels": model.shared_levels,
        "specific_levels": model.specific_levels,
        "settings": asdict(model.settings),
    }
    tensors = {name: value.contiguous() for name, value in model.state_dict().items()}
    write_atomically(Path(path), lambda file: save_file(tensors, file, metadata={"rqvae": json.dumps(facts)}))


def load_rqvae(path: Path) -> JointRQVAE:
    """Read what ``save_rqvae`` wrote; it gives the same identifiers bit for bit.

    Raises:
        IdentifierError: not a safetensors file, or not of an RQ-VAE.
    """
    try:
        with safe_open(path, framework="pt") as file:
            stored = (file.metadata() or {}).get("rqvae")
    except Exception as error:  # safetensors raises its own type for damage, OSError for absence
        raise IdentifierError(
            f"{path}: cannot be read as safetensors ({error}). Run the identify stage again."
        ) from error
    if stored is None:
        raise IdentifierError(f"{path}: a safetensors file, but not of an RQ-VAE. Check the path.")
    facts = json.loads(stored)
    facts["settings"]["hidden"] = tuple(facts["settings"]["hidden"])
    settings = IdentifierSettings(**facts["settings"])
    model = JointRQVAE(facts["widths"], facts["shared_levels"], facts["specific_levels"], settings)
    model.load_state_dict(load_file(path))
    return model.eval()
