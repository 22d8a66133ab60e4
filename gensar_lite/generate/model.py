"""The trained generator as a reader uses it: ``recommend``, ``search``, exact scores, one folder on disk.

Joins a backbone (a ``StepDecoder``) with the identifiers and the catalogue. It knows nothing about training.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass, replace
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np
import pandas as pd
import torch
import transformers
from jaxtyping import Float, Int
from safetensors import SafetensorError
from safetensors.torch import load_file, save_file

from gensar_lite import store
from gensar_lite.generate.beam import beam_search, item_scores, rank_items, score_candidates
from gensar_lite.generate.decoder import StepDecoder
from gensar_lite.generate.decoding import Decoding, decoder_for
from gensar_lite.generate.packed import PackedGenerator, PackedSettings
from gensar_lite.generate.tasks import INSTRUCTIONS, NRIP, NSIP, Action, Prompt, prompts_for
from gensar_lite.generate.text_model import TextGenerator
from gensar_lite.generate.trace import BeamStep, trace_beam, traced_answer
from gensar_lite.generate.trie import Trie
from gensar_lite.generate.vocabulary import UNKNOWN, TableShape, Vocabulary
from gensar_lite.identify.table import IdentifierTable, read_table, write_table
from gensar_lite.log.schema import BEHAVIOURS, QUERY, RECOMMENDATION, SEARCH, JointLog
from gensar_lite.log.split import Histories
from gensar_lite.log.text import normalise_query

CASES_AT_ONCE = 64


class QuestionError(ValueError):
    """A question that has no answer as it stands: an empty query, an unknown item. The message says what to change."""


class Asked(NamedTuple):
    """Cases of one task, ready for the decoder.

    Attributes:
        rows: (B,) which rows of the case table.
        prompts: their questions.
        trie: the identifiers that may answer them.
        decoder: the model, with the options asked for.
        forced: (B, 1) tokens the decoder is given first, or None.
    """

    rows: Int[np.ndarray, " B"]
    prompts: list[Prompt]
    trie: Trie
    decoder: StepDecoder
    forced: Int[np.ndarray, "B 1"] | None


class Answer(NamedTuple):
    """One item of an answer.

    Attributes:
        probability: of the item, 0 to 1: the identifier's, divided by the number of items that share it.
        log_prob: its logarithm, in nats.
        identifier: the tokens the model spoke.
    """

    rank: int
    item: int
    item_id: str
    title: str
    probability: float
    log_prob: float
    identifier: str


def _need_words(query: str) -> None:
    if not normalise_query(query):
        raise QuestionError(f"The query {query!r} holds no word. Type at least one letter or digit.")


@dataclass
class GenSAR:
    """A generator with its identifiers and catalogue.

    Attributes:
        generator: the backbone, a packed or a text generator; any decoder that reads ``Prompt`` objects can be asked.
        vocabulary: its tokens.
        table: the identifiers it speaks.
        items: the catalogue, with ``item_id`` and ``title``; row number = item index.
        beams: prefixes kept per step (the paper's 30).
        history: actions of a history that are read.
    """

    generator: StepDecoder
    vocabulary: Vocabulary
    table: IdentifierTable
    items: pd.DataFrame
    beams: int = 30
    history: int = 50

    def trie(self, behaviour: str | None) -> Trie:
        """Identifiers a behaviour may be answered with: collaborative for R_I, semantic for S_I, both for None."""
        return self._tries(behaviour)

    def __post_init__(self) -> None:
        self._tries = lru_cache(maxsize=3)(self._build_trie)

    def _build_trie(self, behaviour: str | None) -> Trie:
        parts = [self.vocabulary.identifiers(self.table, kind) for kind in self.table.kind_for(behaviour)]
        return Trie.build(np.concatenate(parts), np.tile(np.arange(len(self.items)), len(parts)))

    @property
    def decoding(self) -> Decoding:
        """How a question is decoded unless it says otherwise: the method's way, with this model's beams and history."""
        return Decoding(beams=self.beams, history=self.history)

    def recommend(self, history: Sequence[Action], k: int = 10) -> list[Answer]:
        """What next? The k likeliest items after a history, best first; fewer if the beam holds fewer.

        Raises:
            QuestionError: the history names an item that is not in the catalogue, or runs backwards.
        """
        return self.ask(Prompt(NRIP, tuple(history), RECOMMENDATION), k)

    def search(self, history: Sequence[Action], query: str, k: int = 10) -> list[Answer]:
        """Find me …: the k likeliest items after a history and a query. The query is normalised as in training.

        Raises:
            QuestionError: nothing is left of the query after normalisation, or as ``recommend``.
        """
        return self.ask(Prompt(NSIP, tuple(history), SEARCH, query), k)

    def ask(self, prompt: Prompt, k: int = 10, decoding: Decoding | None = None) -> list[Answer]:
        """The k best answers to any prompt, by beam search.

        Args:
            decoding: None: the model's own, with at least k beams. Otherwise as it says; fewer than k answers come back
                from fewer beams, or where an unconstrained beam names no item.

        Raises:
            QuestionError: an empty query where the wording asks for one, a history that names an unknown item or runs
                backwards, or k below 1.
            DecodingError: the model has no such variant.
        """
        if k < 1:
            raise QuestionError(f"k is the number of answers and must be at least 1, not {k}.")
        decoding = decoding or replace(self.decoding, beams=max(self.beams, k))
        if decoding.constrained:
            asked = self._asked(prompt, decoding)
            trie = asked.trie
            result = beam_search(asked.decoder, asked.prompts, trie, decoding.beams, forced=asked.forced)
        else:
            trie = self.trie(prompt.behaviour)
            result = traced_answer(self.trace(prompt, decoding, pruned=0), trie)
        ranked = rank_items(result, trie, k)
        sequences = dict(zip(result.leaves[0].tolist(), result.sequences[0].tolist(), strict=True))
        return [
            Answer(
                rank + 1,
                int(item),
                str(self.items["item_id"].iloc[item]),
                str(self.items["title"].iloc[item]),
                float(np.exp(log_prob)),
                float(log_prob),
                self.vocabulary.text(sequences[int(leaf)]),
            )
            for rank, (item, log_prob, leaf) in enumerate(zip(*(field[0] for field in ranked), strict=True))
            if item >= 0
        ]

    def exact(self, prompt: Prompt, decoding: Decoding | None = None) -> Float[np.ndarray, " N"]:
        """Log-probability (nats) of every item of the catalogue as the answer to any prompt: no beam, nothing lost.

        Raises:
            QuestionError, DecodingError: as ``ask``.
        """
        asked = self._asked(prompt, decoding or self.decoding)
        scores = score_candidates(asked.decoder, asked.prompts, asked.trie, asked.forced)
        return item_scores(scores, asked.trie, len(self.items))[0]

    def trace(self, prompt: Prompt, decoding: Decoding | None = None, pruned: int = 10) -> list[BeamStep]:
        """How a beam came by its answer, step by step.

        Args:
            pruned: how many of the best candidates that were not kept are noted per step.

        Raises:
            QuestionError, DecodingError: as ``ask``.
        """
        decoding = decoding or self.decoding
        asked = self._asked(prompt, decoding)
        first = None if asked.forced is None else asked.forced[0]
        size = len(self.vocabulary)
        return trace_beam(
            asked.decoder, asked.prompts[0], asked.trie, decoding.beams, size, decoding.constrained, pruned, first
        )

    def _asked(self, prompt: Prompt, decoding: Decoding) -> Asked:
        self._check(prompt)
        return self._ready(np.zeros(1, dtype=np.int64), [prompt], prompt.behaviour, decoding)

    def _ready(self, rows: np.ndarray, prompts: list[Prompt], behaviour: str | None, decoding: Decoding) -> Asked:
        return Asked(
            rows=rows,
            prompts=[decoding.prompt(prompt) for prompt in prompts],
            trie=self.trie(behaviour),
            decoder=decoder_for(self.generator, decoding),
            forced=decoding.forced(prompts, self.vocabulary),
        )

    def _check(self, prompt: Prompt) -> None:
        if "{query}" in INSTRUCTIONS[prompt.task][prompt.wording]:
            _need_words(prompt.query)
        before = None
        for action in prompt.history:
            if action.behaviour not in BEHAVIOURS:
                raise QuestionError(f"The history names the behaviour {action.behaviour!r}. Use R_I, S_Q or S_I.")
            if action.behaviour == QUERY:
                _need_words(action.query)
            elif not 0 <= action.item < len(self.items):
                raise QuestionError(
                    f"The history names item {action.item}; the catalogue ends at {len(self.items) - 1}."
                )
            if before is not None and action.instant < before:
                raise QuestionError(
                    f"The history runs backwards: instant {action.instant} follows {before}. Write it oldest first."
                )
            before = action.instant

    def unknown_words(self, query: str) -> list[str]:
        """Words of a query that the model has never seen, each once, for a kind word to the reader."""
        ids = self.vocabulary.words_of(query)
        told = zip(normalise_query(query).split(), ids, strict=True)
        return list(dict.fromkeys(word for word, number in told if number == UNKNOWN))

    # ---- many at once, for evaluation ----------------------------------------------------------------------------

    def scores(self, cases: pd.DataFrame, log: JointLog, histories: Histories) -> Float[np.ndarray, "B N"]:
        """Exact log-probability (nats) of every item of the catalogue, for each case of a ``Split`` table."""
        scores = np.empty((len(cases), len(self.items)), dtype=np.float32)
        for asked in self.batches(cases, log, histories):
            exact = score_candidates(asked.decoder, asked.prompts, asked.trie, asked.forced)
            scores[asked.rows] = item_scores(exact, asked.trie, len(self.items))
        return scores

    def top(
        self, cases: pd.DataFrame, k: int, log: JointLog, histories: Histories, beams: int | None = None
    ) -> Int[np.ndarray, "B k"]:
        """Item indices that beam search finds, best first, -1 where it found fewer than k."""
        found = np.full((len(cases), k), -1, dtype=np.int64)
        width = beams or self.beams
        for asked in self.batches(cases, log, histories):
            result = beam_search(asked.decoder, asked.prompts, asked.trie, width, forced=asked.forced)
            found[asked.rows] = rank_items(result, asked.trie, k).items
        return found

    def batches(
        self, cases: pd.DataFrame, log: JointLog, histories: Histories, decoding: Decoding | None = None
    ) -> Iterator[Asked]:
        """The cases of a ``Split`` table by task and length of history, so that little is padded."""
        decoding = decoding or self.decoding
        prompts = prompts_for(cases, log, histories, max(decoding.history, 1))
        task = cases["task"].to_numpy()
        for behaviour in dict.fromkeys(task):
            rows = np.flatnonzero(task == behaviour)
            rows = rows[np.argsort([len(prompts[row].history) for row in rows], kind="stable")]  # less padding
            for start in range(0, len(rows), CASES_AT_ONCE):
                part = rows[start : start + CASES_AT_ONCE]
                yield self._ready(part, [prompts[row] for row in part], behaviour, decoding)

    # ---- one folder on disk --------------------------------------------------------------------------------------

    def save(self, folder: Path) -> None:
        """Write weights (safetensors), identifiers and titles (parquet), and settings (JSON)."""
        folder = Path(folder)
        generator = self.generator
        packed = isinstance(generator, PackedGenerator)
        settings = {
            "backbone": "packed" if packed else "t5",
            "settings": asdict(generator.settings) if packed else generator.model.config.to_diff_dict(),
            "words": self.vocabulary.word_list,
            "queries": self.vocabulary.query_list,
            "beams": self.beams,
            "history": self.history,
        }
        # T5 holds one embedding under several names; safetensors wants each stored once.
        tensors = {
            name: value.clone(memory_format=torch.contiguous_format) for name, value in generator.state_dict().items()
        }
        store.write_atomically(folder / "weights.safetensors", lambda path: save_file(tensors, path))
        write_table(self.table, folder / "identifiers.parquet")
        titles = self.items[["item_id", "title"]]
        store.write_atomically(folder / "items.parquet", lambda path: titles.to_parquet(path, index=False))
        store.write_json(folder / "model.json", settings)

    @classmethod
    def load(cls, folder: Path, device: str = "cpu") -> GenSAR:
        """Read what ``save`` wrote; answers are bit-equal to those before saving.

        Raises:
            store.StageError: a file is missing, or the weights do not fit the settings.
        """
        folder = Path(folder)
        for name in ("model.json", "weights.safetensors", "identifiers.parquet", "items.parquet"):
            if not (folder / name).exists():
                raise store.StageError(f"{folder}: {name} is missing. Train a model there, or point to another folder.")
        facts = store.read_json(folder / "model.json")
        table = read_table(folder / "identifiers.parquet")
        vocabulary = Vocabulary(facts["words"], TableShape.of(table), facts.get("queries", ()))
        if facts["backbone"] == "packed":
            generator = PackedGenerator(vocabulary, table, PackedSettings(**facts["settings"]))
        else:
            config = transformers.T5Config(**facts["settings"])
            generator = TextGenerator(vocabulary, table, transformers.T5ForConditionalGeneration(config))
        try:
            generator.load_state_dict(load_file(folder / "weights.safetensors"))
        except (SafetensorError, RuntimeError) as error:
            raise store.StageError(
                f"{folder}: weights.safetensors and model.json do not belong together, or the weights are damaged. "
                f"Train the model again. ({str(error).splitlines()[0]})"
            ) from error
        generator.to(torch.device(device)).eval()
        items = pd.read_parquet(folder / "items.parquet")
        return cls(generator, vocabulary, table, items, facts["beams"], facts["history"])


@dataclass(frozen=True)
class GenSARRanker:
    """A ``GenSAR`` as a row of the scoreboard: see ``evaluate.protocol`` for what a ranker is."""

    model: GenSAR
    log: JointLog
    name: str
    trained_on: str
    histories: Histories

    def scores(self, cases: pd.DataFrame) -> Float[np.ndarray, "B N"]:
        """Exact scores of the whole catalogue."""
        return self.model.scores(cases, self.log, self.histories)

    def top(self, cases: pd.DataFrame, k: int) -> Int[np.ndarray, "B k"]:
        """What beam search finds."""
        return self.model.top(cases, k, self.log, self.histories)
