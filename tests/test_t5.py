import numpy as np
import pytest
import torch
from tokenizers import Tokenizer
from tokenizers.models import WordPiece
from tokenizers.pre_tokenizers import Whitespace
from torch.nn import functional
from transformers import PreTrainedTokenizerFast, T5Config, T5ForConditionalGeneration

from gensar_lite.generate.beam import beam_search, score_candidates, score_lists
from gensar_lite.generate.t5 import (
    SMALL,
    BackboneError,
    T5Decoder,
    T5Shape,
    load_t5,
    make_t5,
)
from gensar_lite.generate.trie import Trie
from gensar_lite.generate.vocabulary import END, PAD, UNKNOWN, TableShape, Vocabulary

WORDS, CODES, LEVELS = 40, 12, 4  # vocabulary: words first, then CODES tokens for each of LEVELS levels
V = WORDS + CODES * LEVELS
NANO = T5Shape(width=32, head_width=8, inner=48, layers=3, decoder_layers=2, heads=3)


def identifiers(n, seed=0):
    rng = np.random.default_rng(seed)
    return rng.integers(0, CODES, (n, LEVELS)) + np.arange(LEVELS) * CODES + WORDS


def some_prompts(lengths, seed=0):
    rng = np.random.default_rng(seed)
    return [rng.integers(3, V, length).tolist() for length in lengths]


def padded(prompts):
    """(ids, mask), padded on the right as transformers wants them."""
    longest = max(map(len, prompts))
    ids = torch.tensor([prompt + [0] * (longest - len(prompt)) for prompt in prompts])
    mask = torch.tensor([[1] * len(prompt) + [0] * (longest - len(prompt)) for prompt in prompts])
    return ids, mask


def teacher_forced(model, prompts, sequences, first=()):
    """(B, n) log-probabilities of sequences by transformers' own forward pass; ``first`` are given, not scored."""
    ids, mask = padded(prompts)
    scores = torch.empty(len(prompts), len(sequences))
    for column, row in enumerate(np.asarray(sequences).tolist()):
        targets = torch.tensor([list(first) + row] * len(prompts))
        inputs = torch.cat([torch.full((len(prompts), 1), model.config.decoder_start_token_id), targets[:, :-1]], 1)
        with torch.no_grad():
            logits = model(input_ids=ids, attention_mask=mask, decoder_input_ids=inputs).logits
        picked = logits.log_softmax(-1).gather(2, targets[..., None])[..., 0]
        scores[:, column] = picked[:, len(first) :].sum(1)
    return scores.numpy()


def generated(model, prompts, sequences, beams):
    """transformers' constrained beam search without an end step: (B, M, L) sequences and (B, M) scores."""
    following = {}
    for row in sequences.tolist():
        for depth in range(LEVELS):
            following.setdefault(tuple(row[:depth]), set()).add(row[depth])
    ids, mask = padded(prompts)
    answer = model.generate(
        input_ids=ids,
        attention_mask=mask,
        prefix_allowed_tokens_fn=lambda _, prefix: sorted(following.get(tuple(prefix[1:].tolist()), {0})),
        num_beams=beams,
        num_return_sequences=beams,
        do_sample=False,
        length_penalty=0.0,
        max_new_tokens=LEVELS,
        eos_token_id=None,
        return_dict_in_generate=True,
        output_scores=True,
    )
    shape = (len(prompts), beams)
    return answer.sequences[:, 1:].view(*shape, LEVELS).numpy(), answer.sequences_scores.view(shape).numpy()


def same_list(ours, our_scores, theirs, their_scores, tolerance=1e-5):
    """True if two ranked lists agree up to swaps of entries whose scores lie within the tolerance."""
    scores = dict(zip(map(tuple, theirs.tolist()), their_scores.tolist(), strict=True))
    return all(
        abs(scores.get(tuple(row), np.inf) - score) < tolerance and abs(their_scores[place] - score) < tolerance
        for place, (row, score) in enumerate(zip(ours.tolist(), our_scores.tolist(), strict=True))
    )


@pytest.mark.parametrize("lengths", [(9,), (7, 7, 7), (5, 14, 1, 9)])
@pytest.mark.parametrize("beams", [2, 10, 30])
def test_the_list_is_that_of_transformers_generate(lengths, beams):
    model = make_t5(V, NANO, seed=3)
    prompts, sequences = some_prompts(lengths), identifiers(300)
    ours = beam_search(T5Decoder(model), prompts, Trie.build(sequences), beams)
    theirs, their_scores = generated(model, prompts, sequences, beams)
    assert ours.valid.all()
    for prompt in range(len(prompts)):
        assert same_list(ours.sequences[prompt], ours.log_probs[prompt], theirs[prompt], their_scores[prompt])


@pytest.mark.parametrize(
    "config",
    [
        {},
        {"feed_forward_proj": "gated-gelu", "tie_word_embeddings": False},  # T5 v1.1: gated, output not scaled
        {"feed_forward_proj": "gelu"},
        {"relative_attention_num_buckets": 4, "relative_attention_max_distance": 8},
        {"num_decoder_layers": 1, "decoder_start_token_id": 5},
    ],
)
def test_candidate_scores_are_teacher_forced_log_probabilities(config):
    torch.manual_seed(1)
    settings = {"num_layers": 2, "decoder_start_token_id": 0, **config}
    model = T5ForConditionalGeneration(
        T5Config(vocab_size=V, d_model=32, d_kv=8, d_ff=48, num_heads=3, **settings)
    ).eval()
    prompts, sequences = some_prompts((6, 11, 3)), identifiers(20)
    trie = Trie.build(sequences)
    ours = score_candidates(T5Decoder(model), prompts, trie, rows_at_once=17)
    theirs = teacher_forced(model, prompts, trie.leaf_sequences())
    assert np.ptp(theirs) > 1  # the model does prefer some
    np.testing.assert_allclose(ours, theirs, atol=2e-5)


def test_lists_of_candidates_score_as_teacher_forced():
    model = make_t5(V, NANO)
    prompts = some_prompts((4, 8))
    candidates = np.stack([identifiers(9, seed=1), identifiers(9, seed=2)])
    scores = score_lists(T5Decoder(model), prompts, candidates)
    for prompt in range(2):
        expected = teacher_forced(model, prompts[prompt : prompt + 1], candidates[prompt])[0]
        np.testing.assert_allclose(scores[prompt], expected, atol=2e-5)


def test_long_outputs_keep_their_relative_positions():
    """Beyond half the buckets, positions share a bucket: 40 steps walk through all of them."""
    model = make_t5(V, NANO)
    sequence = np.random.default_rng(0).integers(3, V, (1, 40))
    ours = score_candidates(T5Decoder(model), some_prompts((5,)), Trie.build(sequence))
    np.testing.assert_allclose(ours, teacher_forced(model, some_prompts((5,)), sequence), rtol=1e-5)


def test_a_prompt_scores_the_same_alone_and_beside_longer_ones():
    decoder = T5Decoder(make_t5(V, NANO))
    prompts, trie = some_prompts((2, 30, 9)), Trie.build(identifiers(25))
    together = score_candidates(decoder, prompts, trie)
    alone = np.vstack([score_candidates(decoder, [prompt], trie) for prompt in prompts])
    np.testing.assert_allclose(together, alone, atol=1e-5)


def test_a_behaviour_token_may_be_the_first_token_of_the_output():
    model = make_t5(V, NANO)
    prompts, trie = some_prompts((6, 4)), Trie.build(identifiers(15))
    scores = score_candidates(T5Decoder(model), prompts, trie, forced=np.array([[7], [7]]))
    np.testing.assert_allclose(scores, teacher_forced(model, prompts, trie.leaf_sequences(), first=(7,)), atol=2e-5)


def test_a_softmax_per_level_is_normalised_over_the_level_and_forbids_all_else():
    model = make_t5(V, NANO)
    allowed = torch.zeros(LEVELS, V, dtype=torch.bool)
    for level in range(LEVELS):
        allowed[level, WORDS + level * CODES : WORDS + (level + 1) * CODES] = True
    prompts, sequences = some_prompts((6, 9)), identifiers(10)
    sequences[0, 2] = 5  # a word where only a code may stand
    trie = Trie.build(sequences)
    ours = score_candidates(T5Decoder(model, allowed), prompts, trie)

    ids, mask = padded(prompts)
    for leaf, row in enumerate(trie.leaf_sequences().tolist()):
        targets = torch.tensor([row, row])
        inputs = torch.cat([torch.zeros(2, 1, dtype=torch.int64), targets[:, :-1]], 1)
        with torch.no_grad():
            logits = model(input_ids=ids, attention_mask=mask, decoder_input_ids=inputs).logits
        log_probs = functional.log_softmax(logits.masked_fill(~allowed, -torch.inf), -1)
        expected = log_probs.gather(2, targets[..., None])[..., 0].sum(1)
        np.testing.assert_allclose(ours[:, leaf], expected, atol=2e-5)
    assert np.isneginf(ours).sum() == 2


def test_a_state_can_be_continued_twice():
    decoder = T5Decoder(make_t5(V, NANO))
    asked = torch.arange(V).expand(1, 2, V)
    tokens, parents = torch.tensor([[4, 9]]), torch.zeros(1, 2, dtype=torch.int64)
    _, state = decoder.step(decoder.read(some_prompts((5,))), None, None, asked[:, :1])
    first, _ = decoder.step(state, tokens, parents, asked)
    decoder.step(state, tokens.flip(1), parents, asked)
    again, _ = decoder.step(state, tokens, parents, asked)
    assert torch.equal(first, again)
    np.testing.assert_allclose(first.exp().sum(-1), 1, rtol=1e-5)


def test_the_decoder_sees_weights_that_change_after_it_was_made():
    model = make_t5(V, NANO)
    decoder, trie, prompts = T5Decoder(model), Trie.build(identifiers(5)), some_prompts((5,))
    before = score_candidates(decoder, prompts, trie)
    model.load_state_dict(make_t5(V, NANO, seed=1).state_dict())
    assert np.abs(score_candidates(decoder, prompts, trie) - before).max() > 0.1


@pytest.mark.parametrize("kind", ["relu", "gated-gelu"])
def test_scores_are_the_same_in_training_mode(kind):
    torch.manual_seed(0)
    config = T5Config(
        vocab_size=V, d_model=32, d_kv=8, d_ff=48, num_heads=3, num_layers=2, dropout_rate=0.5, feed_forward_proj=kind
    )
    config.decoder_start_token_id = 0
    model, trie = T5ForConditionalGeneration(config), Trie.build(identifiers(5))
    calm = score_candidates(T5Decoder(model.eval()), some_prompts((5,)), trie)
    assert (score_candidates(T5Decoder(model.train()), some_prompts((5,)), trie) == calm).all()


def test_an_empty_prompt_is_refused():
    with pytest.raises(BackboneError, match="prompt 1 is empty"):
        T5Decoder(make_t5(V, NANO)).read([[3, 4], []])


def test_the_seed_decides_the_weights_and_leaves_the_global_state_alone():
    torch.manual_seed(0)
    expected = torch.rand(1)
    torch.manual_seed(0)
    one, other, third = make_t5(V, NANO, seed=5), make_t5(V, NANO, seed=5), make_t5(V, NANO, seed=6)
    assert torch.equal(torch.rand(1), expected)
    assert torch.equal(one.shared.weight, other.shared.weight)
    assert not torch.equal(one.shared.weight, third.shared.weight)


def test_the_small_shape_is_that_of_t5_small():
    with torch.device("meta"):
        published = T5ForConditionalGeneration(T5Config())
    expected = published.config.to_dict()
    with torch.device("meta"):
        ours = make_t5(expected["vocab_size"], SMALL)
    assert sum(part.numel() for part in ours.parameters()) == sum(part.numel() for part in published.parameters())
    for name in ("d_model", "d_kv", "d_ff", "num_layers", "num_decoder_layers", "num_heads"):
        assert getattr(ours.config, name) == expected[name]


@pytest.fixture
def published(tmp_path):
    """A folder as a hub would give it: a tiny T5 and its tokenizer, which knows some words in pieces only."""
    pieces = {"<pad>": 0, "</s>": 1, "<unk>": 2, "tent": 3, "fire": 4, "##place": 5}
    model = make_t5(len(pieces), NANO)
    model.save_pretrained(tmp_path)
    tokenizer = Tokenizer(WordPiece(pieces, unk_token="<unk>"))
    tokenizer.pre_tokenizer = Whitespace()
    PreTrainedTokenizerFast(
        tokenizer_object=tokenizer, pad_token="<pad>", eos_token="</s>", unk_token="<unk>"
    ).save_pretrained(tmp_path)
    return tmp_path, model.shared.weight.detach()


def test_a_pretrained_folder_loads_as_it_is(published):
    folder, weight = published
    assert torch.equal(load_t5(folder).shared.weight, weight)


def test_a_pretrained_t5_is_respelt_in_our_vocabulary(published):
    folder, old = published
    vocabulary = Vocabulary(["tent", "fireplace"], TableShape(("semantic",), {"semantic": (6, 6)}, 2))
    model = load_t5(folder, vocabulary)
    new = model.shared.weight
    assert new.shape == (len(vocabulary), NANO.width)
    assert model.lm_head.weight.data_ptr() == new.data_ptr()
    assert model.config.decoder_start_token_id == PAD
    assert torch.equal(new[[PAD, END, UNKNOWN]], old[[0, 1, 2]])
    tent, fireplace = vocabulary.words_of("tent fireplace")
    assert torch.equal(new[tent], old[3])
    torch.testing.assert_close(new[fireplace], (old[4] + old[5]) / 2)
    codes = new[vocabulary.segment("semantic", 0).start :]
    assert len(codes.unique(dim=0)) == 12
    assert torch.equal(new, load_t5(folder, vocabulary).shared.weight)
    assert not torch.equal(new, load_t5(folder, vocabulary, seed=1).shared.weight)
    trie = Trie.build(np.array([[vocabulary.segment("semantic", level).start for level in range(2)]]))
    assert np.isfinite(score_candidates(T5Decoder(model), [[tent, fireplace]], trie)).all()


def test_a_folder_without_tokenizer_cannot_be_respelt(tmp_path):
    make_t5(V, NANO).save_pretrained(tmp_path)
    vocabulary = Vocabulary(["tent"], TableShape(("semantic",), {"semantic": (6,)}, 1))
    with pytest.raises(BackboneError, match="tokenizer"):
        load_t5(tmp_path, vocabulary)


def test_a_backbone_that_is_not_there_is_answered_in_words(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_OFFLINE", "1")
    with pytest.raises(BackboneError, match="cannot load a T5 from .*Give a folder"):
        load_t5(tmp_path / "nothing-here")
    with pytest.raises(BackboneError, match="google-t5/no-such-model"):
        load_t5("google-t5/no-such-model")


def test_a_folder_with_another_kind_of_model_is_refused(tmp_path):
    make_t5(V, NANO).encoder.save_pretrained(tmp_path)
    with pytest.raises(BackboneError, match="weights are missing"):
        load_t5(tmp_path)
