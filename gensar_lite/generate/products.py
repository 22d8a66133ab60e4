"""Matrix products for decoding: several layers in one, in the library that is quickest at it on this processor.

It knows nothing about T5: rows in, rows out, every layer linear and without bias.
"""

from __future__ import annotations

import torch
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

FEWEST_ROWS = 64  # of a product that is worth copying into oneDNN's layout and back


class Products:
    """Products of rows with layers' weights, from one reading of the weights.

    Make one per question and let it go afterwards: it remembers each weight in the layout it was used in, so that the
    steps of one search prepare it once, and would not notice a training step.

    torch's x86 builds multiply with MKL, which leaves AVX-512 unused on processors that are not Intel's. oneDNN, in the
    same builds, uses it: measured 1.6 to 2.2 times as quick there, copies included. Elsewhere torch chooses.
    """

    def __init__(self) -> None:
        self._prepared: dict[tuple[bool, tuple[nn.Linear, ...]], Tensor] = {}

    def __call__(
        self, rows: Float[Tensor, "P D"], *layers: nn.Linear, only: Int[Tensor, " N"] | None = None
    ) -> Float[Tensor, "P N"]:
        """The layers' outputs side by side, N together, or ``only`` some of them."""
        packed = prefers_onednn(rows)
        weight = self._weight(packed and only is None, layers)
        if only is not None:
            weight = weight[only].to_mkldnn() if packed else weight[only]
        return functional.linear(rows.to_mkldnn(), weight).to_dense() if packed else functional.linear(rows, weight)

    def feed_forward(self, rows: Float[Tensor, "P D"], module: nn.Module) -> Float[Tensor, "P D"]:
        """T5's feed-forward block; original T5's plain ReLU is applied in place, which saves a pass over memory."""
        if hasattr(module, "wi_0"):  # the gated form of T5 v1.1
            gate, inner = self(rows, module.wi_0, module.wi_1).chunk(2, dim=1)
            return self(module.act(gate) * inner, module.wo)
        if not isinstance(module.act, nn.ReLU):
            return self(module.act(self(rows, module.wi)), module.wo)
        packed = prefers_onednn(rows)
        inner = functional.linear(rows.to_mkldnn() if packed else rows, self._weight(packed, (module.wi,))).relu_()
        outer = functional.linear(inner, self._weight(packed, (module.wo,)))
        return outer.to_dense() if packed else outer

    def _weight(self, packed: bool, layers: tuple[nn.Linear, ...]) -> Tensor:
        if (packed, layers) not in self._prepared:
            weight = layers[0].weight if len(layers) == 1 else torch.cat([layer.weight for layer in layers])
            self._prepared[packed, layers] = weight.to_mkldnn() if packed else weight
        return self._prepared[packed, layers]


def prefers_onednn(rows: Float[Tensor, "P D"]) -> bool:
    """Whether oneDNN multiplies these rows quicker than torch's own choice of library."""
    return (
        len(rows) >= FEWEST_ROWS
        and rows.device.type == "cpu"
        and rows.dtype == torch.float32
        and torch.backends.mkldnn.is_available()
        and torch.backends.cpu.get_cpu_capability().startswith("AVX512")
    )
