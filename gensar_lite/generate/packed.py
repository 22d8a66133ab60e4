"""The packed causal generator: one slot per event, every prefix of a history trained in one pass.

Where T5 re-reads a history for each target, this backbone reads a shopper's whole log once. Each event is one *slot*,
the sum of its token embeddings; beside the events stand *ask* slots, which hold a behaviour token (and the query of a
search) and see only events strictly before their own instant. A small recurrent cell, the *speller*, starts from an
ask slot's output and spells the answer, one code after the other; its memory is one vector per prefix, and before each
code it looks back for events that begin as the answer does (``look_back``). So a beam, or the exact score of every
item, costs little beyond reading the history.
Same vocabulary, tasks, trie and beam as T5; the layers are GPT-NeoX blocks from transformers.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import torch
import transformers
from jaxtyping import Bool, Float, Int
from torch import Tensor, nn
from torch.nn import functional

from gensar_lite.generate.look_back import LookBack, Past
from gensar_lite.generate.tasks import ID2DESC, NRIP, NSIP, NSQP, QUERY_WORDS, Action, Prompt, TaskMix
from gensar_lite.generate.vocabulary import PAD, Vocabulary
from gensar_lite.identify.table import IdentifierTable
from gensar_lite.log.schema import RECOMMENDATION, SEARCH

TEXT_WORDS = 24  # words of an item text that enter a Desc2ID ask
QUERY_FORGOTTEN = 0.2  # share of the query tokens that training hides, so that their words are understood alone
ANSWER_WORDS = 8  # words of an answer in words, the end token included


@dataclass(frozen=True)
class PackedSettings:
    """Size of the packed generator.

    Attributes:
        width: D; must be divisible by ``heads``.
        layers: of the transformer across slots.
        dropout: of slots, layers and the speller.
        history: events in a window of training, and read in answering unless ``Decoding.history`` says otherwise.
        both_identifiers: an event's slot holds all codes of its item. False: only those of its own behaviour, as
            eq. 11 writes a history; then a clicked search result and the same item recommended later share no more
            than their shared codes.
    """

    width: int = 128
    layers: int = 2
    heads: int = 4
    dropout: float = 0.1
    history: int = 50
    both_identifiers: bool = True


class Slots(NamedTuple):
    """A batch of slot sequences. Padding slots see only themselves.

    Attributes:
        tokens: vocabulary ids summed in each slot, 0 where there is none.
        instant: rank of the slot's time stamp; only earlier instants are seen.
        position: number of events before that instant (what the rotary position encoding is given).
        is_event: True for events; asks and padding are False and are seen by nobody else.
    """

    tokens: Int[Tensor, "B T W"]
    instant: Int[Tensor, "B T"]
    position: Int[Tensor, "B T"]
    is_event: Bool[Tensor, "B T"]


class Asked(NamedTuple):
    """Asks of one task in a batch: where they stand, and what they should answer (0-padded)."""

    task: str
    place: Int[Tensor, " A"]  # index into the batch's flattened slots
    target: Int[Tensor, "A L"]


class Batch(NamedTuple):
    """One training step."""

    slots: Slots
    asked: list[Asked]


class Reading(NamedTuple):
    """A batch of slot sequences once read: what the transformer says of each slot, and the events to look back at."""

    output: Float[Tensor, "B T D"]
    past: Past


class ReadState(NamedTuple):
    """Decoding state.

    Attributes:
        memory: the speller's, for each prompt and prefix.
        spelled: sum of the embeddings of the prefix's tokens.
        level: how many tokens those are.
        past: of each prompt, as its question sees it.
    """

    memory: Float[Tensor, "B W D"]
    spelled: Float[Tensor, "B W D"]
    level: int
    past: Past


class PackedGenerator(nn.Module):
    """Packed causal generator; implements ``StepDecoder`` for ``Prompt`` objects."""

    softmax = "level"  # what the log-probabilities of ``step`` are normalised over, see ``Decoding``

    def __init__(self, vocabulary: Vocabulary, table: IdentifierTable, settings: PackedSettings) -> None:
        super().__init__()
        self.vocabulary = vocabulary
        self.settings = settings
        width = settings.width
        self.embedding = nn.Embedding(len(vocabulary), width, padding_idx=PAD)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        with torch.no_grad():  # a query's own token says nothing until it has learned something: its words speak
            self.embedding.weight[vocabulary.queries.start : vocabulary.queries.stop] = 0
        self.across = transformers.GPTNeoXModel(_blocks(settings, settings.layers))
        self.across.embed_in = None  # slots are embedded here, by the shared table
        levels = vocabulary.shape.levels
        self.speller = nn.GRU(width, width, batch_first=True)
        self.look_back = LookBack(width, levels)
        self.spelled_norm = nn.LayerNorm(width)
        self.drop = nn.Dropout(settings.dropout)
        self.level_scale = nn.Parameter(torch.zeros(levels + 1))  # log temperature of each level, and of words
        self._level_tokens = [torch.tensor(vocabulary.level_tokens(level)) for level in range(levels)]
        self._places = [_inverse(tokens, len(vocabulary)) for tokens in self._level_tokens]
        self.table = SlotTable(vocabulary, table, settings.both_identifiers)

    # ---- reading -------------------------------------------------------------------------------------------------

    def across_slots(self, slots: Slots) -> Reading:
        """Run the transformer over a batch of slot sequences."""
        seen = _seen(slots)
        shown = self._shown(slots, seen)
        columns = slots.is_event.any(0).nonzero()
        last = int(columns.max()) + 1 if len(columns) else 0  # asks stand behind the events, so they are left out
        past = Past(shown["inputs_embeds"][:, :last], _age(seen)[..., :last])
        return Reading(self.across(**shown).last_hidden_state, past)

    def attentions(self, slots: Slots) -> list[Float[Tensor, "B heads T T"]]:
        """What each slot (second last axis) attends to (last axis), layer by layer; shares that add up to 1.

        The layers are asked one at a time in the form that writes its weights down, and are left as they were.
        """
        usual = self.across.config._attn_implementation
        self.across.set_attn_implementation("eager")
        try:
            return list(self.across(**self._shown(slots, _seen(slots)), output_attentions=True).attentions)
        finally:
            self.across.set_attn_implementation(usual)

    def _shown(self, slots: Slots, seen: Bool[Tensor, "B T T"]) -> dict[str, Tensor | bool]:
        """The transformer's input: slot vectors, and who sees whom (what ``seen`` says, and each slot itself)."""
        vectors = self.drop(self._slot_vectors(slots.tokens))
        shown = seen | torch.eye(seen.shape[1], dtype=torch.bool, device=seen.device)
        mask = torch.zeros(seen.shape, dtype=vectors.dtype, device=seen.device).masked_fill_(~shown, -1e9)
        return {
            "inputs_embeds": vectors,
            "attention_mask": mask[:, None],
            "position_ids": slots.position,
            "use_cache": False,
        }

    def _slot_vectors(self, tokens: Int[Tensor, "B T W"]) -> Float[Tensor, "B T D"]:
        """Sum codes and behaviour token; words count 1/n each, so that a long query is no louder than a short one.

        A query that has a token of its own is both: its words, and that token.
        """
        flat = tokens.reshape(-1, tokens.shape[-1])
        is_word = (flat >= self.vocabulary.words.start) & (flat < self.vocabulary.words.stop)
        is_word |= flat == 1
        weight = torch.where(is_word, 1.0 / is_word.sum(1, keepdim=True).clamp(min=1), (flat != PAD).float())
        if self.training:
            whole = (flat >= self.vocabulary.queries.start) & (flat < self.vocabulary.queries.stop)
            forgotten = torch.rand(len(flat), 1, device=flat.device) < QUERY_FORGOTTEN
            weight = weight.masked_fill(whole & forgotten, 0.0)
        summed = functional.embedding_bag(flat, self.embedding.weight, mode="sum", per_sample_weights=weight)
        return summed.reshape(*tokens.shape[:-1], -1)

    # ---- spelling ------------------------------------------------------------------------------------------------

    def spell(
        self, memory: Float[Tensor, "A D"], tokens: Int[Tensor, "A l"], back: Float[Tensor, "A l D"] | None = None
    ) -> Float[Tensor, "A n D"]:
        """Feed the tokens of an answer to the speller; row i of the output predicts token i, so n = l + 1.

        Args:
            back: what looking back says after each token; None: nothing.
        """
        first = memory[:, None]
        if tokens.shape[1] == 0:
            return self.spelled_norm(first)
        rest, _ = self.speller(self.drop(self.embedding(tokens)), memory[None])
        if back is not None:
            rest = rest + back
        return self.spelled_norm(self.drop(torch.cat([first, rest], 1)))

    def looked_back(self, past: Past, place: Int[Tensor, " A"], tokens: Int[Tensor, "A l"]) -> Float[Tensor, "A l D"]:
        """What looking back says after each token of the answers to a batch's asks.

        Args:
            past: of the batch, each slot with its own view of the events.
            place: of the asks, in the batch's flattened slots.
        """
        rows, slots, _ = past.age.shape
        spelled = self.embedding(tokens).cumsum(1)
        length, width = spelled.shape[1:]
        # The answers stand where they are asked for, so that one product serves all asks of a row.
        grid = spelled.new_zeros(rows * slots, length, width).index_copy(0, place, spelled)
        depth = torch.arange(1, length + 1, device=grid.device).repeat(slots)
        asked = Past(past.events, past.age.repeat_interleave(length, 1))
        return self.look_back(grid.view(rows, -1, width), depth, asked).view(grid.shape)[place]

    def level_logits(self, hidden: Float[Tensor, "A D"], level: int) -> Float[Tensor, "A K"]:
        """Logits over the codes that may stand at a level, in ``vocabulary.level_tokens`` order."""
        rows = self.embedding(self._level_tokens[level].to(hidden.device))
        return hidden @ rows.T * self.level_scale[level].exp()

    def word_logits(self, hidden: Float[Tensor, "*S D"]) -> Float[Tensor, "*S W"]:
        """Logits over the specials, behaviour tokens and words (ids 0 … words.stop - 1)."""
        rows = self.embedding.weight[: self.vocabulary.words.stop]
        return hidden @ rows.T * self.level_scale[-1].exp()

    def forward(self, batch: Batch, mix: TaskMix) -> tuple[Tensor, dict[str, float]]:
        """Weighted sum over tasks of the mean negative log-likelihood per answer (eq. 12), in nats.

        Returns:
            the loss to minimise, and each task's own mean for the record.
        """
        reading = self.across_slots(batch.slots)
        output = reading.output.flatten(0, 1)
        total = output.new_zeros(())
        means: dict[str, float] = {}
        for asked in batch.asked:
            if not len(asked.place):
                continue
            spelled, back = asked.target[:, :-1], None
            if asked.task in (NRIP, NSIP):  # the others have no history, or answer in words
                back = self.looked_back(reading.past, asked.place, spelled)
            hidden = self.spell(output[asked.place], spelled, back)
            if asked.task in (NSQP, ID2DESC):
                nll = functional.cross_entropy(
                    self.word_logits(hidden).flatten(0, 1), asked.target.flatten(), ignore_index=PAD, reduction="sum"
                )
            else:
                nll = sum(
                    functional.cross_entropy(
                        self.level_logits(hidden[:, level], level),
                        self._places[level].to(hidden.device)[asked.target[:, level]],
                        reduction="sum",
                    )
                    for level in range(asked.target.shape[1])
                )
            mean = nll / len(asked.place)
            means[asked.task] = mean.item()
            total = total + mix.weight(asked.task) * mean
        return total, means

    # ---- StepDecoder ---------------------------------------------------------------------------------------------

    def read(self, prompts: Sequence[Prompt]) -> ReadState:
        """Encode each prompt's history and ask slot once.

        All of a history is read, also beyond the ``settings.history`` events that training saw at once: whoever asks
        decides how much to give (see ``Decoding.history``).
        """
        slots = self.table.slots_of(prompts)
        output, past = self.across_slots(Slots(*(field.to(self.device) for field in slots)))
        memory = output[:, -1:]
        return ReadState(memory, torch.zeros_like(memory), 0, Past(past.events, past.age[:, -1:]))

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self.embedding.weight.device

    def step(
        self,
        state: ReadState,
        tokens: Int[Tensor, "B W"] | None,
        parents: Int[Tensor, "B W"] | None,
        asked: Int[Tensor, "B W C"],
    ) -> tuple[Float[Tensor, "B W C"], ReadState]:
        """See ``StepDecoder.step``; the softmax runs over the codes of the current level."""
        state = self.moved(state, tokens, parents)
        hidden = self.hidden(state)
        logp = self.level_logits(hidden.flatten(0, 1), state.level).log_softmax(-1).reshape(*hidden.shape[:2], -1)
        place = self._places[state.level].to(asked.device)[asked]
        return torch.gather(logp, 2, place.clamp(min=0)).masked_fill(place < 0, -torch.inf), state

    def moved(
        self, state: ReadState, tokens: Int[Tensor, "B W"] | None, parents: Int[Tensor, "B W"] | None
    ) -> ReadState:
        """The speller's memory after one more token of each new row; as it was, in the first step."""
        if tokens is None or parents is None:
            return state
        parents = parents[..., None].expand(-1, -1, state.memory.shape[2])
        memory, spelled = torch.gather(state.memory, 1, parents), torch.gather(state.spelled, 1, parents)
        token = self.embedding(tokens)
        _, moved = self.speller(token.flatten(0, 1)[:, None], memory.flatten(0, 1)[None])
        return ReadState(moved[0].unflatten(0, tokens.shape), spelled + token, state.level + 1, state.past)

    def hidden(self, state: ReadState) -> Float[Tensor, "B W D"]:
        """What the next token of each row is predicted from: the speller's memory, and what looking back says."""
        if state.level == 0:  # the question itself has looked at the whole history
            return self.spelled_norm(state.memory)
        depth = torch.full((state.memory.shape[1],), state.level, device=state.memory.device)
        return self.spelled_norm(state.memory + self.look_back(state.spelled, depth, state.past))


class WholeVocabulary:
    """A packed generator with the softmax over its whole vocabulary: the ``softmax="vocabulary"`` of ``Decoding``.

    The hidden states are the same; all tokens but padding now compete, at the temperature of the current level. It was
    never trained to tell levels (or codes from words) apart, and so gives probability to tokens that cannot stand
    there: that share is what a per-level softmax never has to learn to avoid.
    """

    def __init__(self, generator: PackedGenerator) -> None:
        self.generator, self.device, self.read = generator, generator.device, generator.read

    def step(
        self,
        state: ReadState,
        tokens: Int[Tensor, "B W"] | None,
        parents: Int[Tensor, "B W"] | None,
        asked: Int[Tensor, "B W C"],
    ) -> tuple[Float[Tensor, "B W C"], ReadState]:
        """See ``StepDecoder.step``."""
        state = self.generator.moved(state, tokens, parents)
        hidden = self.generator.hidden(state)
        logits = hidden @ self.generator.embedding.weight.T * self.generator.level_scale[state.level].exp()
        logits[..., PAD] = -torch.inf
        return torch.gather(logits.log_softmax(-1), 2, asked), state


def _seen(slots: Slots) -> Bool[Tensor, "B T T"]:
    """Which events (last axis) each slot sees: those strictly before its own instant."""
    return (slots.instant[:, None, :] < slots.instant[:, :, None]) & slots.is_event[:, None, :]


def _age(seen: Bool[Tensor, "B T T"]) -> Int[Tensor, "B T T"]:
    """For each slot how many events ago each event (last axis) was, in doublings (see ``Past``); -1 if it is unseen."""
    ago = seen.flip(2).cumsum(2).flip(2)  # 1 for the latest event that is seen
    return torch.where(seen, ago.clamp(min=1).log2().long(), -1)


def _inverse(tokens: Int[Tensor, " K"], size: int) -> Int[Tensor, " V"]:
    """Token id -> its place among ``tokens``; -1 for any other token."""
    places = torch.full((size,), -1)
    places[tokens] = torch.arange(len(tokens))
    return places


def _blocks(settings: PackedSettings, layers: int) -> transformers.GPTNeoXConfig:
    return transformers.GPTNeoXConfig(
        vocab_size=1,
        bos_token_id=None,
        eos_token_id=None,
        hidden_size=settings.width,
        num_hidden_layers=layers,
        num_attention_heads=settings.heads,
        intermediate_size=2 * settings.width,
        hidden_dropout=settings.dropout,
        attention_dropout=settings.dropout,
        use_parallel_residual=False,
        max_position_embeddings=4096,
    )


class SlotTable:
    """Turns actions and prompts into slot token ids (width W = 2 + max(L, QUERY_WORDS))."""

    def __init__(self, vocabulary: Vocabulary, table: IdentifierTable, both_identifiers: bool) -> None:
        self.vocabulary = vocabulary
        self.identifiers = {
            behaviour: vocabulary.identifiers(table, table.kind_for(behaviour)[0])
            for behaviour in (RECOMMENDATION, SEARCH)
        }
        own = {kind: vocabulary.identifiers(table, kind)[:, table.shared :] for kind in table.kinds}
        self._events = {
            behaviour: np.concatenate(
                [codes]
                + [own[kind] for kind in table.kinds if both_identifiers and kind != table.kind_for(behaviour)[0]],
                axis=1,
            ).tolist()
            for behaviour, codes in self.identifiers.items()
        }
        self.width = 2 + max(len(self._events[RECOMMENDATION][0]), QUERY_WORDS)
        self._queries: dict[str, list[int]] = {}

    def query_words(self, query: str) -> list[int]:
        """Word ids of a query."""
        return self.vocabulary.words_of(query, QUERY_WORDS)

    def query(self, query: str) -> list[int]:
        """Word ids of a query and its own token, if it has one; remembered: the same queries come again and again."""
        if query not in self._queries:
            self._queries[query] = self.query_words(query) + self.vocabulary.query(query)
        return self._queries[query]

    def event(self, action: Action) -> list[int]:
        """Token ids of an event's slot (eq. 11)."""
        head = [self.vocabulary.behaviour(action.behaviour)]
        if action.item < 0:
            return head + self.query(action.query)
        return head + self._events[action.behaviour][action.item]

    def ask(self, prompt: Prompt) -> list[int]:
        """Token ids of an ask slot: what is given, and the behaviour token."""
        head = [self.vocabulary.behaviour(prompt.behaviour)] if prompt.behaviour else []
        text = self.vocabulary.words_of(prompt.text, TEXT_WORDS) if prompt.text else []
        return head + self.query(prompt.query) + text + list(prompt.identifier)

    def slots_of(self, prompts: Sequence[Prompt]) -> Slots:
        """Slot sequences of prompts, padded on the left; the ask slot is the last one of each row."""
        rows = [
            ([self.event(action) for action in prompt.history] + [self.ask(prompt)],
             [action.instant for action in prompt.history])
            for prompt in prompts
        ]  # fmt: skip
        longest = max(len(slots) for slots, _ in rows)
        widest = max(len(slot) for slots, _ in rows for slot in slots)
        tokens = np.zeros((len(rows), longest, max(widest, 1)), dtype=np.int64)
        instant = np.full((len(rows), longest), -1, dtype=np.int64)
        position = np.zeros((len(rows), longest), dtype=np.int64)
        is_event = np.zeros((len(rows), longest), dtype=bool)
        for row, (slots, times) in enumerate(rows):
            first = longest - len(slots)
            for place, slot in enumerate(slots, first):
                tokens[row, place, : len(slot)] = slot
            ranks = np.unique(np.asarray(times, dtype=np.int64), return_inverse=True)[1] if times else np.zeros(0, int)
            instant[row, first:] = [*ranks, ranks.max(initial=-1) + 1]
            position[row, first:] = [*np.searchsorted(ranks, ranks), len(ranks)]
            is_event[row, first : longest - 1] = True
        return Slots(*map(torch.from_numpy, (tokens, instant, position, is_event)))
