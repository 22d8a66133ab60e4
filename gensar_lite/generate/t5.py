"""T5 as a step-wise decoder, and how to make one from scratch or load a pretrained one.

The weights and the training forward pass are those of transformers' ``T5ForConditionalGeneration``; ``T5Decoder`` reads
the same weights and computes the same numbers, laid out for beam search:

- the encoder works on the real tokens of a batch only, padding exists nowhere but inside attention;
- keys and values of the encoded prompt are computed once per prompt and shared by all its beams;
- a beam's own past is a few tokens long: it stays where it was made, each row knows its places in it, and
  self-attention is a handful of elementwise products;
- projections of the same rows are one matrix product, in the library that is quickest at it (see ``products``);
- the softmax runs over rows in blocks that stay in the processor's cache, and only the log-probabilities asked for
  leave it.

This module knows nothing about tasks, tries or items: prompts are lists of vocabulary ids.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any, NamedTuple

import torch
import transformers  # its models take seconds to import: by name, when one is made
from jaxtyping import Bool, Float, Int
from torch import Tensor
from torch.nn import functional

from gensar_lite.generate.products import Products
from gensar_lite.generate.vocabulary import END, PAD, UNKNOWN, Vocabulary

LOGITS_AT_ONCE = 1 << 18  # numbers in a block of logits: one megabyte
FEWEST_ROWS = 64  # in such a block, however large the vocabulary: fewer would read its weights too often


class BackboneError(ValueError):
    """A backbone that cannot be loaded or a prompt it cannot read. The message says what to do."""


@dataclass(frozen=True)
class T5Shape:
    """Size of a T5; the default is one that a laptop trains.

    Attributes:
        width: D, size of the embeddings and of the residual stream.
        head_width: size of one attention head (T5 does not tie it to width / heads).
        inner: hidden size of the feed-forward blocks.
        layers: encoder blocks.
        decoder_layers: decoder blocks; None for as many as the encoder has.
        heads: attention heads.
        dropout: share of activations dropped in training.
    """

    width: int = 128
    head_width: int = 32
    inner: int = 512
    layers: int = 3
    decoder_layers: int | None = None
    heads: int = 4
    dropout: float = 0.1


TINY = T5Shape()
SMALL = T5Shape(width=512, head_width=64, inner=2048, layers=6, heads=8)  # the shape of google-t5/t5-small


def make_t5(vocabulary_size: int, shape: T5Shape = TINY, seed: int = 0) -> transformers.T5ForConditionalGeneration:
    """A T5 with random weights (transformers' own initialisation), in evaluation mode.

    Padding is token PAD, which also starts every output; the end of a text is token END. The seed decides the weights;
    the global random state is left as it was.
    """
    config = transformers.T5Config(
        vocab_size=vocabulary_size,
        d_model=shape.width,
        d_kv=shape.head_width,
        d_ff=shape.inner,
        num_layers=shape.layers,
        num_decoder_layers=shape.decoder_layers,
        num_heads=shape.heads,
        dropout_rate=shape.dropout,
        pad_token_id=PAD,
        decoder_start_token_id=PAD,
        eos_token_id=END,
    )
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return transformers.T5ForConditionalGeneration(config).eval()


def load_t5(
    name_or_folder: str | Path, vocabulary: Vocabulary | None = None, seed: int = 0
) -> transformers.T5ForConditionalGeneration:
    """A pretrained T5 by hub name or folder, in evaluation mode; with a vocabulary, taught to read its ids.

    Args:
        name_or_folder: "google-t5/t5-small" where the hub can be reached or is cached, or a folder with its files:
            ``config.json``, the weights and, if a vocabulary is given, the tokenizer.
        vocabulary: replaces the model's embeddings by one per token of this vocabulary (see ``respell``). None: the
            model as it is, with its own tokenizer's ids.
        seed: decides the embeddings of tokens that the pretrained model has no words for.

    Raises:
        BackboneError: no complete T5 there, no such name within reach, or no tokenizer beside it.
    """
    try:
        model, found = transformers.T5ForConditionalGeneration.from_pretrained(
            str(name_or_folder), output_loading_info=True, dtype=torch.float32
        )
        tokenizer = None if vocabulary is None else transformers.AutoTokenizer.from_pretrained(str(name_or_folder))
    except (OSError, ValueError, RuntimeError) as error:
        first_line = str(error).strip().split("\n")[0]
        raise BackboneError(
            f"cannot load a T5 from '{name_or_folder}': {first_line} Give a folder that holds config.json, the weights "
            "and the tokenizer (downloaded once where there is a network), or train a small T5 from scratch."
        ) from error
    if found["missing_keys"]:
        raise BackboneError(
            f"'{name_or_folder}' holds no complete T5: {len(found['missing_keys'])} weights are missing, the first is "
            f"'{sorted(found['missing_keys'])[0]}'."
        )
    if vocabulary is not None:
        respell(model, tokenizer, vocabulary, seed)
    return model.eval()


@torch.no_grad()
def respell(
    model: transformers.T5ForConditionalGeneration,
    tokenizer: transformers.PreTrainedTokenizerBase,
    vocabulary: Vocabulary,
    seed: int = 0,
) -> None:
    """Give a pretrained T5 one embedding per token of our vocabulary, in place.

    A word starts as the mean of the embeddings of the pieces the pretrained tokenizer cuts it into; padding, end and
    unknown keep theirs; behaviour and code tokens, which the model has never seen, are drawn from a normal distribution
    with the mean and standard deviation of the old embeddings.

    Raises:
        BackboneError: the tokenizer knows no word of the vocabulary (transformers makes an empty one where its files
            are missing), or is not the model's.
    """
    old = model.shared.weight.detach().clone()
    pieces = tokenizer(list(vocabulary.word_list), add_special_tokens=False)["input_ids"]
    spelt = any(tokenizer.unk_token_id not in ids for ids in pieces)
    if (pieces and not spelt) or max((number for ids in pieces for number in ids), default=0) >= len(old):
        raise BackboneError(
            f"the tokenizer beside '{model.name_or_path}' does not fit: it knows none of the words, or has more tokens "
            "than the model. Put the model's own tokenizer files into its folder."
        )
    noise = torch.randn(len(vocabulary), old.shape[1], generator=torch.Generator().manual_seed(seed))
    new = old.mean(0) + noise.to(old) * old.std(0)
    for place, ids in enumerate(pieces, start=vocabulary.words.start):
        if ids:
            new[place] = old[ids].mean(0)
    own = ((PAD, tokenizer.pad_token_id), (UNKNOWN, tokenizer.unk_token_id), (END, tokenizer.eos_token_id))
    for place, number in own:
        if number is not None:
            new[place] = old[number]
    model.resize_token_embeddings(len(vocabulary))
    model.shared.weight.copy_(new)
    for config in (model.config, model.generation_config):
        config.pad_token_id, config.eos_token_id, config.decoder_start_token_id = PAD, END, PAD


class T5State(NamedTuple):
    """What ``T5Decoder`` remembers of B prompts and W prefixes of each.

    Attributes:
        cross_keys: per layer (B, heads, T, head width), of the encoded prompt; shared by all its rows.
        cross_values: likewise.
        padding: (B, 1, 1, T) 0 for real tokens and -inf for padding; None if all prompts are equally long.
        past: for each of the t tokens decoded so far (2 * layers, rows, heads * head width), keys and values in turn of
            the rows that were decoded then.
        places: (t, B * W) which of those rows each prefix goes back to.
        products: the decoder's weights as this question uses them.
    """

    cross_keys: tuple[Tensor, ...]
    cross_values: tuple[Tensor, ...]
    padding: Tensor | None
    past: tuple[Tensor, ...]
    places: Tensor
    products: Products


class T5Decoder:
    """A ``StepDecoder`` around a T5; it reads the model's weights at every call, so it may be made before training.

    Log-probabilities come from the softmax over the whole vocabulary or, with ``allowed``, over the tokens allowed at
    each step, which is then part of the model. Dropout is never applied, whatever mode the model is in.

    Args:
        model: the T5.
        allowed: for a softmax per level: row s says which tokens the model may say at step s (forced tokens, if any,
            count as steps). None: the whole vocabulary at every step.
    """

    def __init__(
        self, model: transformers.T5ForConditionalGeneration, allowed: Bool[Tensor, "S V"] | None = None
    ) -> None:
        self.model = model
        self._heads = (model.config.num_heads, model.config.d_kv)
        self.scale = model.model_dim**-0.5 if model.config.scale_decoder_outputs else 1.0
        self._levels = None if allowed is None else [torch.nonzero(row).flatten() for row in allowed]

    @property
    def device(self) -> torch.device:
        """Where the weights lie."""
        return self.model.shared.weight.device

    @torch.no_grad()
    def read(self, prompts: list[list[int]]) -> T5State:
        """Encode prompts given as lists of vocabulary ids, of any lengths, and prepare cross-attention.

        Raises:
            BackboneError: an empty prompt.
        """
        lengths = torch.tensor([len(prompt) for prompt in prompts])
        if not lengths.all():
            raise BackboneError(f"prompt {int((lengths == 0).nonzero()[0])} is empty: there is nothing to read.")
        tokens = torch.tensor([token for prompt in prompts for token in prompt], device=self.device)
        layout = _Layout.of(lengths, self.device)
        products = Products()
        encoded = self._encode(tokens, layout, products)
        crossed = []
        for block in self.model.decoder.block:
            attention = block.layer[1].EncDecAttention
            crossed += layout.padded(products(encoded, attention.k, attention.v), self._heads)
        nothing = torch.empty(0, len(prompts), dtype=torch.int64, device=self.device)
        return T5State(tuple(crossed[::2]), tuple(crossed[1::2]), layout.padding, (), nothing, products)

    @torch.no_grad()
    def step(
        self,
        state: T5State,
        tokens: Int[Tensor, "B W"] | None,
        parents: Int[Tensor, "B W"] | None,
        asked: Int[Tensor, "B W C"],
    ) -> tuple[Float[Tensor, "B W C"], T5State]:
        """See ``StepDecoder.step``. The first step feeds the decoder's start token."""
        prompts, time = len(state.cross_keys[0]), len(state.past)
        if tokens is None or parents is None:
            tokens = torch.full((prompts, 1), self.model.config.decoder_start_token_id, device=self.device)
            parents = torch.zeros_like(tokens)
        hidden, products = self.model.shared(tokens.flatten()), state.products
        places = self._followed(state.places, parents)
        made_now = hidden.new_empty(2 * len(state.cross_keys), len(hidden), self._heads[0] * self._heads[1])
        bias = self._bias(self.model.decoder, 1, time + 1, time)[:, 0].T  # (t + 1, heads)
        for layer, block in enumerate(self.model.decoder.block):
            own, cross, forward = block.layer
            attention = own.SelfAttention
            made = products(_norm(hidden, own.layer_norm), attention.q, attention.k, attention.v)
            query, made_now[2 * layer], made_now[2 * layer + 1] = made.chunk(3, dim=1)
            keys, values = (
                [past[part].index_select(0, rows) for past, rows in zip(state.past, places, strict=True)]
                + [made_now[part]]
                for part in (2 * layer, 2 * layer + 1)
            )
            mixed = _attend_own(query, keys, values, bias)
            hidden = hidden + products(mixed, attention.o)

            attention = cross.EncDecAttention
            query = products(_norm(hidden, cross.layer_norm), attention.q).view(prompts, -1, *self._heads)
            mixed = _attend(query.transpose(1, 2), state.cross_keys[layer], state.cross_values[layer], state.padding)
            hidden += products(mixed.transpose(1, 2).reshape(len(hidden), -1), attention.o)

            hidden += products.feed_forward(_norm(hidden, forward.layer_norm), forward.DenseReluDense)
        hidden = _norm(hidden, self.model.decoder.final_layer_norm) * self.scale
        log_probs = self._log_probs(products, hidden, time, asked.flatten(0, 1)).view(asked.shape)
        itself = torch.arange(len(hidden), device=self.device)[None]
        return log_probs, state._replace(past=(*state.past, made_now), places=torch.cat([places, itself]))

    def _followed(self, places: Int[Tensor, "t R"], parents: Int[Tensor, "B W"]) -> Int[Tensor, "t rows"]:
        """Where the past of new rows stands: where that of their parents does."""
        first = torch.arange(len(parents), device=self.device)[:, None] * (places.shape[1] // len(parents))
        return places[:, (first + parents).flatten()]

    def _encode(self, tokens: Int[Tensor, " P"], layout: _Layout, products: Products) -> Float[Tensor, "P D"]:
        """T5's encoder over the P real tokens of a batch."""
        encoder = self.model.encoder
        hidden = self.model.shared(tokens)
        bias = self._bias(encoder, layout.longest, layout.longest, 0)
        if layout.padding is not None:
            bias = bias + layout.padding
        for block in encoder.block:
            attention = block.layer[0].SelfAttention
            made = products(_norm(hidden, block.layer[0].layer_norm), attention.q, attention.k, attention.v)
            query, keys, values = layout.padded(made, self._heads)
            mixed = _attend(query, keys, values, bias)
            hidden = hidden + products(layout.packed(mixed), attention.o)
            hidden += products.feed_forward(_norm(hidden, block.layer[1].layer_norm), block.layer[1].DenseReluDense)
        return _norm(hidden, encoder.final_layer_norm)

    def _log_probs(
        self, products: Products, hidden: Float[Tensor, "R D"], step: int, asked: Int[Tensor, "R C"]
    ) -> Float[Tensor, "R C"]:
        """Softmax over the vocabulary or the level, block by block; only what is asked for is kept."""
        if asked.shape[1] == 0:
            return hidden.new_zeros(asked.shape)
        ids = possible = None
        if self._levels is not None:
            ids = self._levels[step].to(self.device)
            place = torch.full((self.model.lm_head.out_features,), -1, device=self.device)
            place[ids] = torch.arange(len(ids), device=self.device)
            asked = place[asked]
            possible = asked >= 0
            asked = asked.clamp(min=0)
        block = max(FEWEST_ROWS, LOGITS_AT_ONCE // (self.model.lm_head.out_features if ids is None else len(ids)))
        parts = [
            products(some, self.model.lm_head, only=ids).log_softmax(1).gather(1, wanted)
            for some, wanted in zip(hidden.split(block), asked.split(block), strict=True)
        ]
        log_probs = torch.cat(parts)
        return log_probs if possible is None else log_probs.masked_fill_(~possible, -torch.inf)

    def _bias(self, stack: Any, queries: int, keys: int, time: int) -> Float[Tensor, "heads queries keys"]:
        """Relative position bias of a stack, held by its first block; the first query stands at position ``time``."""
        attention = stack.block[0].layer[0].SelfAttention
        return attention.compute_bias(queries, keys, device=self.device, past_seen_tokens=time)[0]


@dataclass(frozen=True)
class _Layout:
    """Where the P real tokens of B prompts stand in a (B, T) grid that pads each prompt on the right."""

    prompts: int
    longest: int
    source: Tensor | None  # (B * T,) which token stands at each place (any, where padded); None if the grid is full
    places: Tensor | None  # (P,) place of each token in the flattened grid
    padding: Tensor | None  # (B, 1, 1, T), 0 for real tokens and -inf for padding

    @classmethod
    def of(cls, lengths: Int[Tensor, " B"], device: torch.device) -> _Layout:
        longest = int(lengths.max())
        real = torch.arange(longest) < lengths[:, None]
        if real.all():
            return cls(len(lengths), longest, None, None, None)
        padding = torch.zeros(real.shape).masked_fill_(~real, -torch.inf)[:, None, None]
        places = real.flatten().nonzero().flatten()
        source = torch.zeros(real.numel(), dtype=torch.int64)
        source[places] = torch.arange(len(places))
        return cls(len(lengths), longest, source.to(device), places.to(device), padding.to(device))

    def padded(
        self, packed: Float[Tensor, "P all"], heads: tuple[int, int]
    ) -> tuple[Float[Tensor, "B heads T width"], ...]:
        """Token rows of several projections side by side into as many grids, heads apart.

        A padded place repeats some token, which attention then masks.
        """
        rows = packed if self.source is None else packed.index_select(0, self.source)
        return rows.view(self.prompts, self.longest, -1, *heads).permute(2, 0, 3, 1, 4).contiguous().unbind()

    def packed(self, padded: Float[Tensor, "B heads T width"]) -> Float[Tensor, "P inner"]:
        """The reverse."""
        rows = padded.transpose(1, 2).flatten(2).flatten(0, 1)
        return rows if self.places is None else rows.index_select(0, self.places)


def _norm(hidden: Float[Tensor, "P D"], layer: Any) -> Float[Tensor, "P D"]:
    """T5's layer norm: divided by the root of the mean square, no mean taken away, no bias."""
    return functional.rms_norm(hidden, (hidden.shape[1],), layer.weight, layer.variance_epsilon)


def _attend(
    query: Float[Tensor, "B heads W width"],
    keys: Float[Tensor, "B heads T width"],
    values: Float[Tensor, "B heads T width"],
    bias: Float[Tensor, "..."] | None,
) -> Float[Tensor, "B heads W width"]:
    """Attention to a prompt; ``bias`` is added to the scores and broadcasts to (B, heads, W, T).

    T5 does not scale the scores, here and elsewhere: the scale is in its weights.
    """
    scores = query @ keys.transpose(2, 3)
    return (scores if bias is None else scores.add_(bias)).softmax(3) @ values


def _attend_own(
    query: Float[Tensor, "R inner"],
    keys: list[Float[Tensor, "R inner"]],
    values: list[Float[Tensor, "R inner"]],
    bias: Float[Tensor, "t heads"],
) -> Float[Tensor, "R inner"]:
    """Attention of each row to its few tokens, as sums of products: a matrix product per row would be all overhead."""
    heads = (bias.shape[1], query.shape[1] // bias.shape[1])
    scores = torch.stack([(query * key).unflatten(1, heads).sum(2) for key in keys])
    mixed = torch.zeros_like(query).unflatten(1, heads)
    for weight, value in zip((scores + bias[:, None]).softmax(0), values, strict=True):
        mixed.addcmul_(weight[:, :, None], value.unflatten(1, heads))
    return mixed.flatten(1)
