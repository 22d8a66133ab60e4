"""The paper's backbone: T5 reads a history as one line of text and spells the answer token by token.

Joins ``t5`` (weights, step decoder) with ``tasks`` (prompts, wordings). Each target re-reads its own short history:
that is what makes this backbone dear to train, and easy to read.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import numpy as np
import torch
import transformers
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn import functional

from gensar_lite.generate.t5 import T5Decoder, T5State
from gensar_lite.generate.tasks import INSTRUCTIONS, Example, Prompt, TaskMix, TextRenderer
from gensar_lite.generate.vocabulary import PAD, Vocabulary
from gensar_lite.identify.table import IdentifierTable

POOL = 16  # batches' worth of examples that are sorted by length together
IGNORED = -100  # label of padding, as in transformers


class TextBatch(NamedTuple):
    """Rows of text and their answers, both padded on the right.

    Attributes:
        tokens: input ids, PAD where there is none.
        labels: target ids, IGNORED where there is none.
        task: index into ``tasks`` for each row.
        tasks: names of the tasks in the batch.
    """

    tokens: Int[Tensor, "B T"]
    labels: Int[Tensor, "B L"]
    task: Int[Tensor, " B"]
    tasks: list[str]


class TextGenerator(nn.Module):
    """T5 over prompts in words and codes; implements ``StepDecoder`` for ``Prompt`` objects."""

    softmax = "vocabulary"  # what the log-probabilities of ``step`` are normalised over, see ``Decoding``

    def __init__(
        self, vocabulary: Vocabulary, table: IdentifierTable, model: transformers.T5ForConditionalGeneration
    ) -> None:
        super().__init__()
        self.model = model
        self.vocabulary = vocabulary
        self.renderer = TextRenderer(vocabulary, table)
        self._decoder = T5Decoder(model)

    def forward(self, batch: TextBatch, mix: TaskMix) -> tuple[Tensor, dict[str, float]]:
        """Weighted mean over rows of the negative log-likelihood of the answer (eq. 12), in nats per answer."""
        logits = self.model(
            input_ids=batch.tokens, attention_mask=(batch.tokens != PAD).long(), labels=batch.labels
        ).logits
        nll = functional.cross_entropy(
            logits.flatten(0, 1), batch.labels.flatten(), ignore_index=IGNORED, reduction="none"
        ).view(batch.labels.shape)
        per_row = nll.sum(1)
        weight = torch.tensor([mix.weight(task) for task in batch.tasks], device=per_row.device)[batch.task]
        means = {
            task: per_row[batch.task == number].mean().item()
            for number, task in enumerate(batch.tasks)
            if (batch.task == number).any()
        }
        return (weight * per_row).sum() / weight.sum(), means

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self._decoder.device

    def read(self, prompts: Sequence[Prompt]) -> T5State:
        """Render each prompt in its wording and encode it."""
        return self._decoder.read([self.renderer.prompt(prompt, prompt.wording) for prompt in prompts])

    def step(
        self,
        state: T5State,
        tokens: Int[Tensor, "B W"] | None,
        parents: Int[Tensor, "B W"] | None,
        asked: Int[Tensor, "B W C"],
    ) -> tuple[Float[Tensor, "B W C"], T5State]:
        """See ``StepDecoder.step``; the softmax runs over the whole vocabulary."""
        return self._decoder.step(state, tokens, parents, asked)


class PerLevel:
    """A text generator with the softmax over the codes of each level: the ``softmax="level"`` of ``Decoding``.

    The logits are the same; only the tokens that can stand at the current level (of either kind's identifier) compete.

    Args:
        generator: the T5.
        forced: tokens that are given to the decoder before the first code; they count as steps.
    """

    def __init__(self, generator: TextGenerator, forced: int = 0) -> None:
        vocabulary = generator.vocabulary
        allowed = torch.zeros(forced + vocabulary.shape.levels, len(vocabulary), dtype=torch.bool)
        allowed[:forced] = True
        for level in range(vocabulary.shape.levels):
            allowed[forced + level, vocabulary.level_tokens(level)] = True
        self.renderer, self._decoder = generator.renderer, T5Decoder(generator.model, allowed)
        self.device, self.step = generator.device, self._decoder.step

    def read(self, prompts: Sequence[Prompt]) -> T5State:
        """As the generator's."""
        return self._decoder.read([self.renderer.prompt(prompt, prompt.wording) for prompt in prompts])


class TextData:
    """Training examples as rows of text; each epoch draws a wording for every example."""

    def __init__(self, examples: Sequence[Example], renderer: TextRenderer) -> None:
        self.examples = list(examples)
        self.renderer = renderer

    def batches(self, epoch: int, seed: int, rows: int, text_rows: int) -> Iterator[TextBatch]:
        """The batches of one epoch, rows of like length together; ``text_rows`` has no meaning here.

        The same seed and epoch give the same batches.
        """
        rng = np.random.default_rng((seed, epoch))
        order = rng.permutation(len(self.examples))
        pool = rows * POOL
        for start in range(0, len(order), pool):
            rendered = []
            for number in order[start : start + pool]:
                prompt, target = self.examples[number]
                wording = int(rng.integers(len(INSTRUCTIONS[prompt.task])))
                rendered.append((self.renderer.prompt(prompt, wording), target, prompt.task))
            rendered.sort(key=lambda row: len(row[0]))
            cuts = [rendered[first : first + rows] for first in range(0, len(rendered), rows)]
            for number in rng.permutation(len(cuts)):
                yield _collate(cuts[number])

    def n_batches(self, rows: int) -> int:
        """Batches in an epoch."""
        return -(-len(self.examples) // rows)


def _collate(rows: list[tuple[list[int], tuple[int, ...], str]]) -> TextBatch:
    tasks = sorted({task for _, _, task in rows})
    tokens = np.full((len(rows), max(len(ids) for ids, _, _ in rows)), PAD, dtype=np.int64)
    labels = np.full((len(rows), max(len(target) for _, target, _ in rows)), IGNORED, dtype=np.int64)
    for number, (ids, target, _) in enumerate(rows):
        tokens[number, : len(ids)] = ids
        labels[number, : len(target)] = target
    task = np.array([tasks.index(name) for _, _, name in rows])
    return TextBatch(torch.from_numpy(tokens), torch.from_numpy(labels), torch.from_numpy(task), tasks)
