"""The joint RQ-VAE: structure, losses, training, files."""

from dataclasses import replace

import numpy as np
import pytest
import torch

from gensar_lite.identify.residual_kmeans import joint_residual_kmeans
from gensar_lite.identify.rqvae import JointRQVAE, load_rqvae, save_rqvae, train_rqvae
from gensar_lite.identify.settings import IdentifierSettings
from gensar_lite.identify.table import IdentifierError, collisions
from gensar_lite.identify.views import explained_variance, scale_view

SMALL = IdentifierSettings(codes=8, latent=6, hidden=(32,), warm_epochs=3, epochs=12, batch=64)


def catalogue(n_items=300, seed=0):
    """Two views of clustered items on curved surfaces; half of the causes are common to both."""
    random = np.random.default_rng(seed)
    common, left, right = (random.standard_normal((12, 4))[random.integers(0, 12, n_items)] for _ in range(3))
    views = {}
    for kind, own, width in (("semantic", left, 24), ("collaborative", right, 16)):
        causes = np.concatenate([common, own], axis=1) + 0.15 * random.standard_normal((n_items, 8))
        matrix = np.tanh(causes @ random.standard_normal((8, width)) / 2)
        views[kind] = scale_view(matrix, kind).matrix
    return views


@pytest.fixture(scope="module")
def trained():
    return train_rqvae(catalogue(), 2, 2, SMALL, seed=0, progress=False)


def tensors(views):
    return {kind: torch.from_numpy(matrix) for kind, matrix in views.items()}


def test_codes_have_the_joint_structure(trained):
    codes = trained.joint.codes
    assert codes["semantic"].shape == (300, 4) and codes["semantic"].dtype == np.int64
    np.testing.assert_array_equal(codes["semantic"][:, :2], codes["collaborative"][:, :2])
    assert (codes["semantic"][:, 2:] != codes["collaborative"][:, 2:]).any()
    books = trained.joint.codebooks("semantic")
    assert [book.shape for book in books] == [(8, 12), (8, 12), (8, 6), (8, 6)]


def test_quantised_latents_are_sums_of_code_words_and_pass_their_gradient_straight_through():
    views = tensors(catalogue())
    model = JointRQVAE({kind: matrix.shape[1] for kind, matrix in views.items()}, 2, 2, SMALL)
    done = model(views)
    for part, kind in zip(model.parts(), views, strict=True):
        words = sum(model.shared.codebooks[level][done.shared.codes[:, level]][:, part] for level in range(2))
        own = model.specific[kind]
        words = words + sum(own.codebooks[level][done.specific[kind].codes[:, level]] for level in range(2))
        torch.testing.assert_close(done.quantised[kind], words)  # eq. 6
        (gradient,) = torch.autograd.grad(done.quantised[kind].sum(), done.latents[kind], retain_graph=True)
        torch.testing.assert_close(gradient, torch.ones_like(gradient))


def test_the_loss_is_equations_8_to_10():
    views = tensors(catalogue(40))
    model = JointRQVAE({kind: matrix.shape[1] for kind, matrix in views.items()}, 1, 2, SMALL, seed=1)
    done = model(views)
    total, terms = model.loss(views, done)
    expected = 0.0
    for kind in views:
        expected += (views[kind] - done.reconstruction[kind]).square().sum(dim=1).mean()
    families = [(done.shared, model.shared)] + [(done.specific[kind], model.specific[kind]) for kind in views]
    for family, quantizer in families:
        for level, codebook in enumerate(quantizer.codebooks):
            error = (family.residuals[level] - codebook[family.codes[:, level]]).square().sum(dim=1).mean()
            expected += (1 + SMALL.alpha) * error
    assert total.item() == pytest.approx(expected.item(), rel=1e-5)
    assert sum(value for name, value in terms.items() if name != "loss") == pytest.approx(terms["loss"], rel=1e-5)


def test_the_mean_reduction_divides_by_levels_and_dimensions():
    views = tensors(catalogue(40))
    widths = {kind: matrix.shape[1] for kind, matrix in views.items()}
    models = [JointRQVAE(widths, 2, 2, replace(SMALL, reduction=name), seed=1) for name in ("sum", "mean")]
    added, averaged = (model.loss(views, model(views))[1] for model in models)
    assert averaged["reconstruction_semantic"] == pytest.approx(added["reconstruction_semantic"] / 24, rel=1e-5)
    assert averaged["codebook_shared"] == pytest.approx(added["codebook_shared"] / (2 * 12), rel=1e-5)
    assert averaged["commitment_collaborative"] == pytest.approx(added["commitment_collaborative"] / (2 * 6), rel=1e-5)


def test_one_training_step_moves_every_part():
    views = tensors(catalogue(64))
    model = JointRQVAE({kind: matrix.shape[1] for kind, matrix in views.items()}, 2, 2, SMALL)
    model.loss(views, model(views))[0].backward()
    still = [name for name, value in model.named_parameters() if value.grad is None or not value.grad.abs().sum() > 0]
    assert still == []


def test_training_beats_residual_kmeans_in_variance_and_collisions_for_both_views():
    views = catalogue()
    done = train_rqvae(views, 2, 2, replace(SMALL, epochs=60, warm_epochs=20, hidden=(64,)), seed=0, progress=False)
    control = joint_residual_kmeans(views, 2, 2, 8, seed=0)
    for kind, matrix in views.items():
        assert explained_variance(matrix, done.joint.reconstruction[kind]) > explained_variance(
            matrix, control.reconstruction[kind]
        )
        assert collisions(done.joint.codes[kind]).rate <= collisions(control.codes[kind]).rate


def test_records_name_every_epoch_level_and_loss_and_the_chosen_epoch_follows_the_rule(trained):
    history, levels = trained.history, trained.levels
    assert history["epoch"].tolist() == list(range(SMALL.epochs + 1))
    assert trained.chosen_epoch == history["epoch"][history["score"].idxmax()]
    chosen = history.set_index("epoch").loc[trained.chosen_epoch]
    explained = [explained_variance(view, trained.joint.reconstruction[kind]) for kind, view in catalogue().items()]
    assert chosen["explained_semantic"] == pytest.approx(explained[0], abs=1e-6)
    rates = [collisions(codes).rate for codes in trained.joint.codes.values()]
    assert chosen["score"] == pytest.approx(np.mean(explained) - np.mean(rates), abs=1e-6)
    assert history["loss"].iloc[-1] < history["loss"].iloc[0] + 1
    for family in ("shared", "codebook_shared", "commitment_semantic", "reconstruction_collaborative"):
        assert family == "shared" or history[family].notna().all()
    assert set(zip(levels["family"], levels["level"], strict=True)) == {
        (family, level) for family in ("shared", "semantic", "collaborative") for level in (1, 2)
    }
    assert len(levels) == 6 * (SMALL.epochs + 1)
    assert levels["perplexity"].between(1, 8).all() and (levels["commitment_loss"] >= 0).all()


def test_kmeans_start_uses_every_code_where_a_random_start_does_not():
    start = {
        name: train_rqvae(catalogue(), 2, 2, replace(SMALL, initialise=name, revive=False, epochs=0), 0, progress=False)
        for name in ("kmeans", "random")
    }
    used = {name: done.levels["used"].sum() for name, done in start.items()}
    assert used["kmeans"] == 6 * 8 > used["random"]
    explained = {name: done.history["explained_semantic"].iloc[0] for name, done in start.items()}
    assert explained["kmeans"] > explained["random"]
    assert bool(start["kmeans"].model.shared.initialised) and not bool(start["random"].model.shared.initialised)


def test_revival_is_recorded_and_raises_use_after_a_random_start():
    settings = replace(SMALL, codes=64, initialise="random", epochs=3)
    with_revival = train_rqvae(catalogue(), 2, 2, settings, 0, progress=False).levels
    without = train_rqvae(catalogue(), 2, 2, replace(settings, revive=False), 0, progress=False).levels
    assert with_revival["revived"].sum() > 0 == without["revived"].sum()
    used = [levels[levels["epoch"] == 1]["used"].sum() for levels in (with_revival, without)]
    assert used[0] > used[1]


@pytest.mark.parametrize("change", [{}, {"sinkhorn": 0.1}, {"residual": "official", "linear_path": False}])
def test_saved_and_loaded_models_give_bit_equal_identifiers(tmp_path, change):
    views = catalogue()
    done = train_rqvae(views, 2, 2, replace(SMALL, epochs=3, **change), seed=0, progress=False)
    save_rqvae(done.model, tmp_path / "rqvae.safetensors")
    again = load_rqvae(tmp_path / "rqvae.safetensors").export(views)
    for kind in views:
        np.testing.assert_array_equal(again.codes[kind], done.joint.codes[kind])
        np.testing.assert_array_equal(again.reconstruction[kind], done.joint.reconstruction[kind])
    assert load_rqvae(tmp_path / "rqvae.safetensors").settings == done.model.settings


def test_files_that_are_no_rqvae_are_refused(tmp_path):
    path = tmp_path / "rqvae.safetensors"
    with pytest.raises(IdentifierError, match="cannot be read"):
        load_rqvae(path)
    path.write_bytes(b"not safetensors")
    with pytest.raises(IdentifierError, match="cannot be read"):
        load_rqvae(path)


def test_a_seed_gives_the_same_identifiers_and_leaves_the_global_generator_alone():
    torch.manual_seed(11)
    expected = torch.rand(1)
    torch.manual_seed(11)
    first, again, other = (train_rqvae(catalogue(), 1, 1, replace(SMALL, epochs=2), seed, False) for seed in (0, 0, 1))
    assert torch.rand(1) == expected
    np.testing.assert_array_equal(first.joint.codes["semantic"], again.joint.codes["semantic"])
    assert (first.joint.codes["semantic"] != other.joint.codes["semantic"]).any()


def test_sinkhorn_evens_out_the_last_level_of_both_kinds():
    plain = train_rqvae(catalogue(), 1, 2, replace(SMALL, epochs=4), 0, progress=False)
    even = train_rqvae(catalogue(), 1, 2, replace(SMALL, epochs=4, sinkhorn=0.05), 0, progress=False)
    for kind in ("semantic", "collaborative"):
        counts = [np.bincount(done.joint.codes[kind][:, 2], minlength=8).std() for done in (plain, even)]
        assert counts[1] < counts[0]
    reread = [even.model(tensors({k: m[:50] for k, m in catalogue().items()})).specific["semantic"].codes[:, 1].numpy()]
    np.testing.assert_array_equal(reread[0], even.joint.codes["semantic"][:50, 2])


def test_one_view_makes_the_plain_rqvae():
    views = {"semantic": catalogue()["semantic"]}
    done = train_rqvae(views, 4, 0, replace(SMALL, epochs=2), 0, progress=False)
    assert done.joint.codes["semantic"].shape == (300, 4)
    assert [book.shape for book in done.joint.codebooks("semantic")] == [(8, 6)] * 4


def test_more_codes_than_items_one_item_and_constant_embeddings():
    few = catalogue(5)
    with pytest.raises(IdentifierError, match="8 codes is larger than the catalogue of 5 items"):
        train_rqvae(few, 2, 2, SMALL, 0, progress=False)
    one = {"semantic": np.zeros((1, 4), dtype=np.float32), "collaborative": np.zeros((1, 3), dtype=np.float32)}
    assert train_rqvae(one, 1, 1, replace(SMALL, codes=1), 0, progress=False).joint.codes["semantic"].tolist() == [
        [0, 0]
    ]
    constant = {kind: np.zeros((30, 5), dtype=np.float32) for kind in one}
    done = train_rqvae(constant, 2, 2, SMALL, 0, progress=False)
    assert collisions(done.joint.codes["collaborative"]).n_unique == 1
    assert np.isfinite(done.history["loss"]).all()
