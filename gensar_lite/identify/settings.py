"""The settings of the identifier stage in one place. No torch here, so that ``--help`` stays fast."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

SCHEMES = (
    "joint",
    "semantic-only",
    "collaborative-only",
    "joint-kmeans",
    "semantic-kmeans",
    "collaborative-kmeans",
    "random",
    "category-prefix",
)

ResidualRule = Literal["detached", "equation", "official"]


@dataclass(frozen=True)
class IdentifierSettings:
    """How identifiers are made. The defaults are the lab size; the paper uses K = 256 and 500 epochs.

    Attributes:
        shared_levels: L_m, levels on which both identifiers of an item agree.
        specific_levels: L_n, levels of each kind's own. Single-source schemes have L_m + L_n levels of one kind.
        codes: K, codes per level.
        unique: repair collisions until every identifier of a kind is unique (see ``assign``).
        latent: d, dimensions of each view's latent vector.
        hidden: widths of the hidden layers of each encoder; decoders mirror them.
        linear_path: add a linear map, which starts as the view's principal components, beside each encoder and
            decoder. Off: plain MLPs, as in eq. 2 and 7.
        warm_epochs: passes that train encoders and decoders on reconstruction alone, before any quantisation.
        epochs: passes that train everything together; the best one is kept (see ``rqvae.RULE``).
        batch: items per step.
        learning_rate: of Adam; falls to zero along a cosine.
        alpha: weight of the commitment loss (eq. 9).
        residual: what the next level sees. "detached": r - sg[e], every level's commitment moves the encoder and no
            earlier code word. "equation": r - e as eq. 3 is written, so later commitments move earlier code words
            too. "official": r minus the straight-through value, whose gradient is zero after the first level.
        reduction: "sum" over levels and dimensions (eq. 8, 9), or "mean" over both (official code).
        initialise: "kmeans" residual k-means on the latent vectors of the whole catalogue, or "random".
        revive: move unused codes onto badly quantised items at the end of an epoch.
        sinkhorn: 0, or the temperature of balanced assignment on the last level, in training and export alike.
    """

    shared_levels: int = 2
    specific_levels: int = 2
    codes: int = 64
    unique: bool = True
    latent: int = 32
    hidden: tuple[int, ...] = (256, 128)
    linear_path: bool = True
    warm_epochs: int = 20
    epochs: int = 100
    batch: int = 256
    learning_rate: float = 1e-3
    alpha: float = 0.25
    residual: ResidualRule = "detached"
    reduction: Literal["sum", "mean"] = "sum"
    initialise: Literal["kmeans", "random"] = "kmeans"
    revive: bool = True
    sinkhorn: float = 0.0

    @property
    def levels(self) -> int:
        """L, levels of every identifier."""
        return self.shared_levels + self.specific_levels
