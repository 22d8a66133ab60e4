"""The one interface that beam search, exact scoring and the views see: a step-wise decoder.

It knows nothing about tries, beams or items. A backbone (T5, packed causal) implements it; tests implement it with a
table of logits.
"""

from __future__ import annotations

from typing import Any, Protocol

from jaxtyping import Float, Int
from torch import Tensor


class StepDecoder(Protocol):
    """Log-probabilities of the next token, one step at a time, for many prefixes at once."""

    def read(self, prompts: list[Any]) -> Any:
        """Run the encoder once per prompt. Returns a state with one row per prompt (B rows)."""

    def step(
        self, state: Any, tokens: Int[Tensor, "R"] | None, parents: Int[Tensor, "R"] | None
    ) -> tuple[Float[Tensor, "R V"], Any]:
        """Advance by one token.

        Args:
            state: what ``read`` or the last ``step`` returned, with R' rows.
            tokens: vocabulary ids appended to each of the R new rows; None in the first step.
            parents: for each new row, the row of ``state`` it continues (rows may be repeated or dropped); None in
                the first step. Rows of one prompt stay contiguous and in prompt order.

        Returns:
            log-probabilities in nats over the whole vocabulary (-inf where the model's softmax is per level and the
            token is of another level), and the new state with R rows.
        """

