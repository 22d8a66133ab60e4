"""A real RQ-VAE that is small enough to watch: points in two dimensions, one epoch per call.

``LiveTraining`` makes the functions that the live view is handed: ``start`` a training by a recipe, ``step`` from a
state to the next. Both leave what they are given as it is, so a state can be kept and continued twice.
"""

from __future__ import annotations

import copy
from dataclasses import dataclass

import numpy as np
import torch

from gensar_lite.identify.residual_kmeans import check_catalogue
from gensar_lite.identify.rqvae import SHARED, JointRQVAE, one_epoch
from gensar_lite.identify.settings import IdentifierSettings
from gensar_lite.identify.views import explained_variance
from gensar_lite.view.figures_live import TERMS, Frame, Recipe

_KIND = "points"


@dataclass(frozen=True)
class LiveState:
    """A training after some epochs.

    Attributes:
        recipe: what it was started with.
        frame: what there is to see.
        weights: the model's state.
        adam: the optimiser's state; empty before the first step.
    """

    recipe: Recipe
    frame: Frame
    weights: dict
    adam: dict


@dataclass(frozen=True)
class LiveTraining:
    """Trainings of one cloud of points.

    Attributes:
        points: (N, 2), centred and of mean squared length 1 (``views.scale_view``), so that α means what it means
            in ``IdentifierSettings``.
        hidden: units of the one hidden layer of encoder and decoder, beside a linear path that starts as identity.
        learning_rate: of Adam, constant.
        batch: points per step.
        seed: of weights, k-means, order and revivals.
    """

    points: np.ndarray
    hidden: int = 16
    learning_rate: float = 0.008
    batch: int = 100
    seed: int = 0

    def start(self, recipe: Recipe) -> LiveState:
        """Epoch 0: encoder and decoder are the identity, the code words stand where the recipe puts them.

        Raises:
            IdentifierError: more codes than points.
            ValueError: points that are not (N, 2), or an unknown initialisation.
        """
        if self.points.ndim != 2 or self.points.shape[1] != 2:
            raise ValueError(f"The live training needs points of shape (N, 2), not {self.points.shape}.")
        if recipe.initialise not in ("k-means", "uniform"):
            raise ValueError(f"Unknown initialisation '{recipe.initialise}'. Choose k-means or uniform.")
        check_catalogue(len(self.points), recipe.codes)
        model = self._model(recipe)
        for mapping in (model.encoders[_KIND], model.decoders[_KIND]):
            mapping.start_linear(torch.eye(2))
        if recipe.initialise == "k-means":
            model.initialise(self._views(), self.seed)
        else:
            _start_uniform(model, self.seed)
        return LiveState(recipe, self._look(model, 0), model.state_dict(), {})

    def step(self, state: LiveState) -> LiveState:
        """One more epoch; some milliseconds for a few hundred points."""
        model = self._model(state.recipe)
        model.load_state_dict(state.weights)
        optimiser = torch.optim.Adam(model.parameters(), lr=self.learning_rate)
        if state.adam:
            optimiser.load_state_dict(copy.deepcopy(state.adam))
        epoch = state.frame.epoch + 1
        one_epoch(model, self._views(), optimiser, torch.Generator().manual_seed(self.seed + epoch))
        if state.recipe.revive:
            model.revive(self._views(), np.random.default_rng(self.seed + epoch))
        return LiveState(state.recipe, self._look(model, epoch), model.state_dict(), optimiser.state_dict())

    def frames(self, recipe: Recipe, epochs: int) -> list[Frame]:
        """A whole training, one frame per epoch from 0 on."""
        state = self.start(recipe)
        seen = [state.frame]
        for _ in range(epochs):
            state = self.step(state)
            seen.append(state.frame)
        return seen

    def _model(self, recipe: Recipe) -> JointRQVAE:
        settings = IdentifierSettings(
            codes=recipe.codes, alpha=recipe.alpha, latent=2, hidden=(self.hidden,), batch=self.batch
        )
        return JointRQVAE({_KIND: 2}, recipe.levels, 0, settings, self.seed)

    def _views(self) -> dict[str, torch.Tensor]:
        return {_KIND: torch.from_numpy(np.asarray(self.points, dtype=np.float32))}

    @torch.no_grad()
    def _look(self, model: JointRQVAE, epoch: int) -> Frame:
        views = self._views()
        done = model.eval()(views)
        _, terms = model.loss(views, done)
        parts = {"reconstruction": _KIND, "codebook": SHARED, "commitment": SHARED}
        return Frame(
            epoch,
            done.latents[_KIND].numpy(),
            tuple(book.detach().numpy().copy() for book in model.shared.codebooks),
            done.shared.codes.numpy(),
            {term: terms[f"{term}_{parts[term]}"] for term in TERMS},
            explained_variance(views[_KIND].numpy(), done.reconstruction[_KIND].numpy()),
        )


@torch.no_grad()
def _start_uniform(model: JointRQVAE, seed: int) -> None:
    """Code words between -1/K and 1/K, the habit of many VQ-VAE programs: far from most points."""
    random = torch.Generator().manual_seed(seed)
    for codebook in model.shared.codebooks:
        codebook.uniform_(-1 / len(codebook), 1 / len(codebook), generator=random)
