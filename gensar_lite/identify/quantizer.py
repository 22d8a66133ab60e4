"""The residual quantiser: vectors become codes, level by level, and every intermediate step stays visible.

It knows nothing about views, encoders or items (``rqvae`` does) and does no training of its own: it returns losses.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor, nn

from gensar_lite.identify.residual_kmeans import check_catalogue, residual_kmeans
from gensar_lite.identify.settings import ResidualRule

SINKHORN_ROUNDS = 100


class Quantised(NamedTuple):
    """One pass through the levels.

    Attributes:
        codes: (N, L) int64.
        residuals: L + 1 tensors (N, E): the input, then what is left after each level, with the gradients the
            quantiser's residual rule gives them.
        quantised: (N, E) sum of the chosen code words; its gradient reaches the code words only.
        codebook_losses: (L,) mean over items of ||sg[r] - e||^2 (eq. 9): moves code words.
        commitment_losses: (L,) mean over items of ||r - sg[e]||^2 (eq. 9, without alpha): moves what made r.
    """

    codes: Int[Tensor, "N L"]
    residuals: tuple[Float[Tensor, "N E"], ...]
    quantised: Float[Tensor, "N E"]
    codebook_losses: Float[Tensor, "L"]
    commitment_losses: Float[Tensor, "L"]


class ResidualQuantizer(nn.Module):
    """L codebooks of K code words each; level l quantises what levels before l left (eq. 3, 4).

    Args:
        width: E, dimensions of a code word.
        sizes: K of each level; may be empty.
        residual: "detached" (r - sg[e]), "equation" (r - e) or "official" (r - straight-through value); the three
            give the same codes and losses but different gradients, see ``IdentifierSettings``.
        sinkhorn: 0, or the temperature (relative to the mean distance) of balanced assignment on the last level.
        seed: of the random code words that stand there before ``initialise``.
    """

    def __init__(
        self,
        width: int,
        sizes: tuple[int, ...],
        residual: ResidualRule = "detached",
        sinkhorn: float = 0.0,
        seed: int = 0,
    ) -> None:
        super().__init__()
        self.sizes = tuple(sizes)
        self.residual = residual
        self.sinkhorn = sinkhorn
        random = torch.Generator().manual_seed(seed)
        self.codebooks = nn.ParameterList(
            nn.Parameter(torch.randn(size, width, generator=random) / width**0.5) for size in sizes
        )
        # Buffers, so that a resumed model neither initialises again nor assigns differently.
        self.register_buffer("initialised", torch.tensor(False))
        for level, size in enumerate(sizes):
            self.register_buffer(f"usage_{level}", torch.zeros(size, dtype=torch.int64))
            self.register_buffer(f"discount_{level}", torch.zeros(size))

    def forward(self, vectors: Float[Tensor, "N E"]) -> Quantised:
        """Quantise; in training mode also count which codes were used."""
        remainder, quantised = vectors, torch.zeros_like(vectors)
        codes, residuals, codebook_losses, commitment_losses = [], [vectors], [], []
        for level, codebook in enumerate(self.codebooks):
            chosen = self.assign(remainder, level)
            word = codebook[chosen]
            codebook_losses.append((remainder.detach() - word).square().sum(dim=1).mean())
            commitment_losses.append((remainder - word.detach()).square().sum(dim=1).mean())
            if self.training:
                self.usage(level).add_(torch.bincount(chosen, minlength=len(codebook)))
            if self.residual == "detached":
                remainder = remainder - word.detach()
            elif self.residual == "equation":
                remainder = remainder - word
            else:  # the straight-through value carries r's own gradient, which the subtraction then cancels
                remainder = remainder - (remainder + (word - remainder).detach())
            quantised = quantised + word
            codes.append(chosen)
            residuals.append(remainder)
        none = vectors.new_zeros(0)
        return Quantised(
            torch.stack(codes, dim=1) if codes else torch.zeros(len(vectors), 0, dtype=torch.int64),
            tuple(residuals),
            quantised,
            torch.stack(codebook_losses) if codes else none,
            torch.stack(commitment_losses) if codes else none,
        )

    def usage(self, level: int) -> Int[Tensor, "K"]:
        """How often training passes chose each code of a level since ``reset_usage``."""
        return getattr(self, f"usage_{level}")

    def reset_usage(self) -> None:
        """Start counting again."""
        for level in range(len(self.sizes)):
            self.usage(level).zero_()

    @torch.no_grad()
    def assign(self, remainder: Float[Tensor, "N E"], level: int) -> Int[Tensor, "N"]:
        """The nearest code word of a level, after the discount that ``balance`` gave it (zero without Sinkhorn)."""
        return (self._distances(remainder, level) - getattr(self, f"discount_{level}")).argmin(dim=1)

    @torch.no_grad()
    def initialise(self, vectors: Float[Tensor, "N E"], seed: int) -> None:
        """Residual k-means on a catalogue (or a large sample of it) gives every level its code words.

        Raises:
            IdentifierError: fewer vectors than codes.
        """
        found = residual_kmeans(vectors.cpu().numpy(), self.sizes, seed)
        for codebook, centres in zip(self.codebooks, found.codebooks, strict=True):
            codebook.copy_(torch.from_numpy(centres))
        self.initialised.fill_(True)

    @torch.no_grad()
    def revive(self, vectors: Float[Tensor, "N E"], random: np.random.Generator) -> list[Int[Tensor, "D"]]:
        """Put each unused code onto an item that is badly quantised.

        Args:
            vectors: the whole catalogue; a code that none of it chooses is dead.
            random: draws the items, with probability in proportion to their squared error.

        Returns:
            per level the codes that were moved.
        """
        remainder, moved = vectors, []
        for level, codebook in enumerate(self.codebooks):
            check_catalogue(len(vectors), len(codebook))
            chosen = self.assign(remainder, level)
            dead = torch.nonzero(torch.bincount(chosen, minlength=len(codebook)) == 0)[:, 0]
            error = (remainder - codebook[chosen]).square().sum(dim=1).double().numpy()
            # Rounding error is no error: a code word on top of another one would only be dead again.
            error[error <= 1e-10 * max(float(remainder.square().sum(dim=1).max()), 1e-30)] = 0.0
            dead = dead[: int((error > 0).sum())]
            if len(dead):
                items = random.choice(len(error), size=len(dead), replace=False, p=error / error.sum())
                codebook[dead] = remainder[torch.from_numpy(items)]
                getattr(self, f"discount_{level}")[dead] = 0.0
                chosen = self.assign(remainder, level)
            remainder = remainder - codebook[chosen]
            moved.append(dead)
        return moved

    @torch.no_grad()
    def balance(self, vectors: Float[Tensor, "N E"]) -> None:
        """Sinkhorn on the last level: find discounts under which a catalogue spreads evenly over the codes.

        The discounts are the dual potentials of the balanced transport plan, so that one item's code depends on its
        vector and on this state alone, not on its batch: training and export assign alike.
        """
        if not self.sinkhorn or not self.sizes:
            return
        remainder = vectors
        for level in range(len(self.sizes) - 1):
            remainder = remainder - self.codebooks[level][self.assign(remainder, level)]
        last = len(self.sizes) - 1
        distances = self._distances(remainder, last).double()
        temperature = self.sinkhorn * float(distances.mean())
        if temperature <= 0:
            return
        plan = -distances / temperature
        column = torch.zeros(self.sizes[-1], dtype=torch.float64)
        for _ in range(SINKHORN_ROUNDS):
            row = -torch.logsumexp(plan + column, dim=1)
            column = np.log(len(vectors) / self.sizes[-1]) - torch.logsumexp(plan + row[:, None], dim=0)
        getattr(self, f"discount_{last}").copy_((temperature * column).float())

    def _distances(self, remainder: Float[Tensor, "N E"], level: int) -> Float[Tensor, "N K"]:
        """Squared distances to a level's code words, up to rounding >= 0."""
        codebook = self.codebooks[level]
        return remainder.square().sum(dim=1, keepdim=True) - 2 * remainder @ codebook.T + codebook.square().sum(dim=1)
