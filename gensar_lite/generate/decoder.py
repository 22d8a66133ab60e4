"""The one interface that beam search, exact scoring and the views see: a step-wise decoder.

It knows nothing about tries, beams or items. A backbone (T5, packed causal) implements it; tests implement it with a
table of logits.

B prompts are decoded side by side, W prefixes ("rows") of each at a time. W may differ from step to step but is the
same for every prompt of one step: a caller with fewer rows for some prompt repeats any of its rows and ignores what
comes back for them. So nothing is ever ragged, and what belongs to a prompt (the keys and values of its encoded
tokens) is held once per prompt and shared by its rows.
"""

from __future__ import annotations

from typing import Any, Protocol, runtime_checkable

import torch
from jaxtyping import Float, Int
from torch import Tensor


@runtime_checkable
class StepDecoder(Protocol):
    """Log-probabilities of next tokens, one step at a time, for many prefixes at once.

    Attributes:
        device: where ``step`` wants its tensors and where its answer lies.
    """

    device: torch.device

    def read(self, prompts: list[Any]) -> Any:
        """Run the encoder once per prompt. Returns a state of B prompts with one empty prefix each (W = 1)."""

    def step(
        self,
        state: Any,
        tokens: Int[Tensor, "B W"] | None,
        parents: Int[Tensor, "B W"] | None,
        asked: Int[Tensor, "B W C"],
    ) -> tuple[Float[Tensor, "B W C"], Any]:
        """Advance by one token and say how likely some next tokens are.

        Args:
            state: what ``read`` or an earlier ``step`` returned, with W' rows per prompt. It is not changed: the same
                state can be continued twice (exact scoring does so, in chunks).
            tokens: vocabulary ids appended to the W new rows of each prompt; None in the first step (W = 1).
            parents: for each new row, the row of ``state`` it continues, 0 <= parents < W', counted within its own
                prompt (rows may be repeated or dropped); None in the first step.
            asked: vocabulary ids whose log-probability as the next token is wanted, C per row (C may be 0). A backbone
                whose softmax is per level then computes that level only, and no (rows, vocabulary) array is passed on.

        Returns:
            log-probabilities in nats, normalised over everything the model may say at this step (its whole vocabulary
            or, where the model's softmax is per level, the codes of the level), never over ``asked``; -inf for a token
            the model cannot say at this step. And the new state with W rows per prompt.
        """
