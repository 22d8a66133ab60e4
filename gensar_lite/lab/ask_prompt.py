"""Any training example of any task, as the model sees it."""

from __future__ import annotations

from gensar_lite.generate.packed import PackedGenerator
from gensar_lite.generate.tasks import (
    DESC2ID,
    DOC2QUERY,
    ID2DESC,
    INSTRUCTIONS,
    NRIP,
    NSIP,
    NSQP,
    Example,
    Prompt,
    TaskMix,
    TextRenderer,
    training_examples,
)
from gensar_lite.lab.artefacts import Artefacts
from gensar_lite.view.figures_generation import Slot
from gensar_lite.view.figures_prompt import Reading

MEANING = {
    NRIP: "next recommended item: a history, and what was clicked next",
    NSQP: "next search query: a history, and what was typed next",
    NSIP: "next search item: a history and a query, and what was clicked",
    DESC2ID: "from an item's text to its identifier",
    ID2DESC: "from an item's identifier to its title",
    DOC2QUERY: "from a query that could lead to an item to its identifier, without a history",
}


class PromptBook:
    """All training examples of a log, by task; making it takes seconds, for every history is laid out.

    Attributes:
        counts: task -> number of examples.
    """

    def __init__(self, made: Artefacts, mix: TaskMix | None = None) -> None:
        """Args:
        made: data, identifiers and model.
        mix: task weights; a task of weight 0 has no examples. None: the usual ones.
        """
        self._made = made
        self._vocabulary, table = made.model.vocabulary, made.table
        self._renderer = TextRenderer(self._vocabulary, table)
        self._examples: dict[str, list[Example]] = {}
        for example in training_examples(made.log, made.split, table, self._vocabulary, mix or TaskMix()):
            self._examples.setdefault(example.prompt.task, []).append(example)
        self.counts = {task: len(examples) for task, examples in self._examples.items()}
        identifiers = [self._vocabulary.identifiers(table, kind).tolist() for kind in table.kinds]
        titles = made.log.items["title"].tolist()
        self._titles = {tuple(ids): titles[item] for rows in identifiers for item, ids in enumerate(rows)}

    def read(self, task: str, number: int, wording: int) -> Reading:
        """One example.

        Args:
            number: from 1.
            wording: which paraphrase, from 1.

        Raises:
            ValueError: no such task, example or paraphrase.
        """
        if task not in self._examples:
            raise ValueError(f"There is no task {task!r} with examples; there are {', '.join(self._examples)}.")
        examples, wordings = self._examples[task], INSTRUCTIONS[task]
        if not 1 <= number <= len(examples):
            raise ValueError(f"{task} has the examples 1 to {len(examples):,}, not {number:,}.")
        if not 1 <= wording <= len(wordings):
            raise ValueError(f"{task} has the paraphrases 1 to {len(wordings)}, not {wording}.")
        prompt, target = examples[number - 1]
        return Reading(
            task=task,
            meaning=MEANING[task],
            number=number,
            count=len(examples),
            wording=wording,
            wordings=wordings,
            reads=self._words(self._renderer.prompt(prompt, wording - 1)),
            answers=self._words(target),
            says=self._titles.get(target, ""),
            slots=self._slots(prompt),
        )

    def _slots(self, prompt: Prompt) -> list[Slot]:
        generator = self._made.model.generator
        if not isinstance(generator, PackedGenerator):
            return []
        history = prompt.history[-generator.settings.history :]
        slots = [
            Slot(self._words(generator.table.event(action)), f"{action.behaviour}, time {action.instant}")
            for action in history
        ]
        return [*slots, Slot(self._words(generator.table.ask(prompt)), "question", is_ask=True)]

    def _words(self, ids) -> list[str]:
        return [self._vocabulary.tokens[number] for number in ids]
