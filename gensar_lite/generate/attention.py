"""What a model looks at when it answers: attention over the history, and what changes when an action is left out.

Attention says where the model looked, not what it made of it; leaving an action out says what the answer owed to it.
Both are given, so that they can be compared. Arrays out; this module knows nothing about figures or titles.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int

from gensar_lite.generate.decoder import StepDecoder
from gensar_lite.generate.packed import PackedGenerator
from gensar_lite.generate.tasks import Prompt
from gensar_lite.generate.text_model import TextGenerator
from gensar_lite.generate.trace import spelling

QUESTION = "question"  # the slot that asks


class AttentionError(ValueError):
    """A model whose attention cannot be read. The message says which can."""


class Attended(NamedTuple):
    """Where a model looked for one answer.

    Attributes:
        weights: (layers, heads, S, P) share of attention, 0 to 1; the P parts add up to 1. S is the number of times
            the model looks at its input for an answer: once per code for T5, whose decoder attends before each of
            them; once in all for the packed generator, whose question attends before anything is spelt (its speller's
            looking back, see ``look_back``, is not among these).
        parts: what was looked at, oldest first: a place in ``prompt.history``, or a name ("question", or for T5
            "instruction", "query" and "token").
    """

    weights: Float[np.ndarray, "layers heads S P"]
    parts: list[int | str]


def attended(generator: Any, prompt: Prompt, answer: Int[np.ndarray, " L"]) -> Attended:
    """Attention to each action of the history, while an answer is given.

    Args:
        generator: a packed or a text generator.
        prompt: as the model reads it; a T5 reads the latest few of the actions.
        answer: vocabulary ids of an identifier; read by T5 only.

    Raises:
        AttentionError: another kind of generator.
    """
    if isinstance(generator, PackedGenerator):
        return _of_packed(generator, prompt)
    if isinstance(generator, TextGenerator):
        return _of_text(generator, prompt, answer)
    raise AttentionError(f"a {type(generator).__name__} has no attention to show; a packed or a text generator has.")


@torch.inference_mode()
def _of_packed(generator: PackedGenerator, prompt: Prompt) -> Attended:
    history = prompt.history[-generator.settings.history :]
    slots = generator.table.slots_of([prompt._replace(history=history)])
    layers = generator.attentions(type(slots)(*(field.to(generator.device) for field in slots)))
    first = len(prompt.history) - len(history)
    weights = torch.stack([layer[0, :, -1:] for layer in layers])
    return Attended(weights.cpu().numpy(), [*range(first, len(prompt.history)), QUESTION])


@torch.inference_mode()
def _of_text(generator: TextGenerator, prompt: Prompt, answer: np.ndarray) -> Attended:
    pieces = [piece for piece in generator.renderer.pieces(prompt, prompt.wording) if piece[1]]
    ids = [token for _, tokens in pieces for token in tokens]
    start = generator.model.config.decoder_start_token_id
    usual = generator.model.config._attn_implementation
    generator.model.set_attn_implementation("eager")
    try:
        output = generator.model(
            input_ids=torch.tensor([ids], device=generator.device),
            decoder_input_ids=torch.tensor([[start, *answer[:-1].tolist()]], device=generator.device),
            output_attentions=True,
        )
    finally:
        generator.model.set_attn_implementation(usual)
    by_token = torch.stack(output.cross_attentions)[:, 0].cpu().numpy()  # (layers, heads, L, T)
    names = _names(pieces, prompt)
    parts = list(dict.fromkeys(names))
    owner = np.repeat([parts.index(name) for name in names], [len(tokens) for _, tokens in pieces])
    weights = np.zeros((*by_token.shape[:3], len(parts)), dtype=by_token.dtype)
    np.add.at(weights.transpose(3, 0, 1, 2), owner, by_token.transpose(3, 0, 1, 2))
    return Attended(weights, parts)


def _names(pieces: list[tuple], prompt: Prompt) -> list[int | str]:
    """Places in the history for its actions (which come in order, some left out), names for the rest."""
    found: list[int | str] = []
    after = 0
    for what, _ in pieces:
        if isinstance(what, str):
            found.append(what)
            continue
        after = prompt.history.index(what, after) + 1
        found.append(after - 1)
    return found


def left_out(
    decoder: StepDecoder, prompt: Prompt, answer: Int[np.ndarray, " L"], vocabulary_size: int
) -> Float[np.ndarray, "H L"]:
    """What each code of an answer owes to each action of the history, in nats.

    Row i, column l: log-probability of code l (given the right ones before it) with the whole history, minus the same
    without action i. Positive: the action spoke for the code. Actions that say the same hide each other: leaving out
    one of two changes little.

    Args:
        prompt: with H actions, as the model reads it.
        answer: vocabulary ids of an identifier.
    """
    history = prompt.history
    shorter = [prompt._replace(history=history[:place] + history[place + 1 :]) for place in range(len(history))]
    right, _ = spelling(decoder, [prompt, *shorter], np.repeat(answer[None], 1 + len(shorter), 0), vocabulary_size)
    return right[:1] - right[1:]
