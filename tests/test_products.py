import pytest
import torch
from torch import nn
from torch.nn import functional
from transformers import T5Config
from transformers.models.t5.modeling_t5 import T5LayerFF

from gensar_lite.generate import products as module
from gensar_lite.generate.products import FEWEST_MULTIPLICATIONS, Products


@pytest.fixture(params=["torch", "onednn"])
def library(request, monkeypatch):
    """Either way of multiplying, whatever this processor prefers."""
    monkeypatch.setattr(module, "FEWEST_MULTIPLICATIONS", 0)
    if request.param == "onednn" and not torch.backends.mkldnn.is_available():
        pytest.skip("this build of torch has no oneDNN")
    monkeypatch.setattr(module, "prefers_onednn", lambda rows: request.param == "onednn")
    return request.param


def layers(*sizes):
    torch.manual_seed(0)
    return [nn.Linear(12, size, bias=False) for size in sizes]


@pytest.mark.parametrize("rows", [1, 7, 200])
@torch.no_grad()
def test_several_layers_at_once_give_what_each_gives_alone(library, rows):
    one, other, third = layers(8, 5, 3)
    hidden = torch.randn(rows, 12)
    made = Products()(hidden, one, other, third)
    torch.testing.assert_close(made, torch.cat([one(hidden), other(hidden), third(hidden)], 1), rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_only_some_outputs_are_those_of_all(library):
    (layer,) = layers(30)
    hidden, products = torch.randn(70, 12), Products()
    for some in (torch.tensor([3, 29, 4]), torch.tensor([0, 1, 2])):  # not remembered from one to the next
        torch.testing.assert_close(products(hidden, layer, only=some), layer(hidden)[:, some], rtol=1e-5, atol=1e-6)
    torch.testing.assert_close(products(hidden, layer), layer(hidden), rtol=1e-5, atol=1e-6)


@pytest.mark.parametrize("kind", ["relu", "gelu", "gated-gelu"])
@torch.no_grad()
def test_the_feed_forward_block_is_that_of_transformers(library, kind):
    block = T5LayerFF(T5Config(d_model=12, d_ff=20, feed_forward_proj=kind, dropout_rate=0.0)).eval()
    hidden = torch.randn(90, 12)
    expected = block.DenseReluDense(hidden.clone())
    torch.testing.assert_close(Products().feed_forward(hidden, block.DenseReluDense), expected, rtol=1e-5, atol=1e-6)


@torch.no_grad()
def test_a_new_question_reads_the_weights_anew(library):
    (layer,) = layers(4)
    hidden = torch.randn(100, 12)
    before = Products()(hidden, layer)
    layer.weight.mul_(2)
    torch.testing.assert_close(Products()(hidden, layer), 2 * before)


@torch.no_grad()
def test_one_answer_may_mix_few_rows_and_many():
    """A block too small for oneDNN comes out of the same weights."""
    (layer,) = layers(9)
    products, rows = Products(), FEWEST_MULTIPLICATIONS // layer.weight.numel() + 1
    hidden = torch.randn(rows + 3, 12)
    joined = torch.cat([products(hidden[:rows], layer), products(hidden[rows:], layer)])
    torch.testing.assert_close(joined, functional.linear(hidden, layer.weight), rtol=1e-5, atol=1e-6)
