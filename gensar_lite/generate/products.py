"""Matrix products for decoding: several layers in one, in the library that is quickest at it on this processor.

It knows nothing about T5: rows in, rows out, every layer linear and without bias.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

FEWEST_MULTIPLICATIONS = 1 << 20  # in a product that is worth handing to another library: some 20 microseconds


class Products:
    """Products of rows with layers' weights, from one reading of the weights.

    Make one per question and let it go afterwards: it remembers the weights of layers that it puts side by side, so
    that the steps of one search do so once, and would not notice a training step.

    torch's x86 builds multiply with MKL, which leaves AVX-512 unused on processors that are not Intel's. oneDNN, in the
    same builds, uses it: measured 1.7 to 2.2 times as quick there. torch calls it only from compiled graphs, through an
    operator of its own, which is called here directly; a graph compiled for these few layers would take longer to make
    than the searches that a reader runs. Elsewhere torch chooses.
    """

    def __init__(self) -> None:
        self._side_by_side: dict[tuple[nn.Linear, ...], Tensor] = {}

    def __call__(
        self, rows: Float[Tensor, "P D"], *layers: nn.Linear, only: Int[Tensor, " N"] | None = None
    ) -> Float[Tensor, "P N"]:
        """The layers' outputs side by side, N together, or ``only`` some of them."""
        weight = self._weight(layers)
        return _product(rows, weight if only is None else weight[only])

    def feed_forward(self, rows: Float[Tensor, "P D"], module: nn.Module) -> Float[Tensor, "P D"]:
        """T5's feed-forward block; original T5's plain ReLU is applied while the product is written."""
        if hasattr(module, "wi_0"):  # the gated form of T5 v1.1
            gate, inner = self(rows, module.wi_0, module.wi_1).chunk(2, dim=1)
            return self(module.act(gate) * inner, module.wo)
        if not isinstance(module.act, nn.ReLU):
            return self(module.act(self(rows, module.wi)), module.wo)
        return self(_product(rows, module.wi.weight, relu=True), module.wo)

    def _weight(self, layers: tuple[nn.Linear, ...]) -> Tensor:
        if len(layers) == 1:
            return layers[0].weight
        if layers not in self._side_by_side:
            self._side_by_side[layers] = torch.cat([layer.weight for layer in layers])
        return self._side_by_side[layers]


def _product(rows: Float[Tensor, "P D"], weight: Float[Tensor, "N D"], relu: bool = False) -> Float[Tensor, "P N"]:
    if len(rows) * weight.numel() >= FEWEST_MULTIPLICATIONS and prefers_onednn(rows):
        return torch.ops.mkldnn._linear_pointwise(rows, weight, None, "relu" if relu else "none", [], "")
    made = functional.linear(rows, weight)
    return made.relu_() if relu else made


def prefers_onednn(rows: Float[Tensor, "P D"]) -> bool:
    """Whether oneDNN multiplies these rows quicker than torch's own choice of library."""
    return (
        rows.device.type == "cpu"
        and rows.dtype == torch.float32
        and torch.backends.mkldnn.is_available()
        and torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    )
