from dataclasses import replace

import numpy as np
import pytest
import torch
from decoder_mocks import TableDecoder, random_table
from generator_data import model_of, packed, text
from torch.nn import functional

from gensar_lite.generate.beam import DecodingError, beam_search, prefix_scores, score_candidates
from gensar_lite.generate.decoding import Decoding, decoder_for
from gensar_lite.generate.tasks import NRIP, NSIP, Action, Prompt
from gensar_lite.generate.trace import next_token_log_probs, trace_beam, traced_answer
from gensar_lite.generate.trie import Trie
from gensar_lite.log.schema import RECOMMENDATION, SEARCH

HISTORY = tuple(Action(RECOMMENDATION, item, "", item) for item in (1, 3, 8, 9))
ASK = Prompt(NRIP, HISTORY, RECOMMENDATION)


@pytest.mark.parametrize("backbone", [packed, text])
def test_the_defaults_are_what_the_model_does_anyway(backbone):
    _, _, model = model_of(backbone)
    assert model.ask(ASK, 5, model.decoding) == model.ask(ASK, 5)
    np.testing.assert_array_equal(model.exact(ASK, model.decoding), model.exact(ASK))


def test_a_word_that_names_no_option_is_refused():
    with pytest.raises(DecodingError, match="softmax is 'full'; choose one of own, level, vocabulary"):
        Decoding(softmax="full")
    with pytest.raises(DecodingError, match="behaviour"):
        Decoding(behaviour="output")
    with pytest.raises(DecodingError, match="beams"):
        Decoding(beams=0)
    with pytest.raises(DecodingError, match="history"):
        Decoding(history=-1)


@pytest.mark.parametrize("backbone", [packed, text])
def test_the_latest_actions_are_read_and_none_for_a_length_of_zero(backbone):
    _, _, model = model_of(backbone)
    for length in (0, 2):
        short = ASK._replace(history=HISTORY[len(HISTORY) - length :])
        asked = replace(model.decoding, history=length)
        np.testing.assert_array_equal(model.exact(ASK, asked), model.exact(short))
        assert model.ask(ASK, 5, asked) == model.ask(short, 5)


@pytest.mark.parametrize("backbone", [packed, text])
def test_beams_bound_the_identifiers_of_an_answer(backbone):
    _, _, model = model_of(backbone, unique=True)
    assert len(model.ask(ASK, 10, replace(model.decoding, beams=3))) == 3


# ---- constraint ---------------------------------------------------------------------------------------------------


def test_without_the_constraint_what_names_no_item_is_no_answer():
    trie = Trie.build(np.array([[4, 4], [1, 3]]))
    table = random_table(5, 2)
    steps = trace_beam(TableDecoder(table), 0, trie, 25, 5, constrained=False)
    result = traced_answer(steps, trie)
    exact = score_candidates(TableDecoder(table), [0], trie)[0]
    best_first = np.lexsort((np.arange(2), -exact))
    assert result.leaves.tolist() == [best_first.tolist()]
    np.testing.assert_allclose(result.log_probs[0], exact[best_first])
    narrow = traced_answer(trace_beam(TableDecoder(table), 0, trie, 1, 5, constrained=False), trie)
    assert len(narrow.leaves[0]) <= 1


@pytest.mark.parametrize("backbone", [packed, text])
def test_an_unconstrained_beam_of_a_real_model_lists_items_at_their_exact_scores(backbone):
    _, _, model = model_of(backbone)
    exact = model.exact(ASK)
    found = model.ask(ASK, 10, replace(model.decoding, constrained=False, beams=400, softmax="level"))
    scores = model.exact(ASK, replace(model.decoding, softmax="level"))
    assert found
    for answer in found:
        assert answer.log_prob == pytest.approx(float(scores[answer.item]), abs=1e-4)
    assert len(exact) == len(scores)


def test_a_traced_constrained_beam_ends_in_the_answer_of_beam_search():
    trie = Trie.build(np.random.default_rng(0).integers(0, 5, (40, 3)))
    table = random_table(5, 8)
    traced = traced_answer(trace_beam(TableDecoder(table), 0, trie, 6, 5), trie)
    result = beam_search(TableDecoder(table), [0], trie, 6)
    assert traced.leaves.tolist() == result.leaves.tolist()
    assert traced.sequences.tolist() == result.sequences.tolist()


# ---- softmax ------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("backbone", [packed, text])
@pytest.mark.parametrize("softmax", ["level", "vocabulary"])
def test_probabilities_add_up_to_one_over_what_the_option_says(backbone, softmax):
    _, _, model = model_of(backbone)
    decoder, size = decoder_for(model.generator, Decoding(softmax=softmax)), len(model.vocabulary)
    answers = model.vocabulary.identifiers(model.table, model.table.kinds[0])[:1, :3]
    told = next_token_log_probs(decoder, [ASK], answers, size)[0]
    np.testing.assert_allclose(np.exp(told).sum(1), 1, rtol=1e-5)
    for level in range(4):
        inside = np.exp(told[level, model.vocabulary.level_tokens(level)]).sum()
        assert (inside == pytest.approx(1, rel=1e-5)) == (softmax == "level")


@pytest.mark.parametrize("backbone", [packed, text])
def test_both_softmaxes_come_from_the_same_logits(backbone):
    """Within a level the two differ by one constant: what the level holds of the whole vocabulary."""
    _, _, model = model_of(backbone)
    answers = model.vocabulary.identifiers(model.table, model.table.kinds[0])[:1, :3]
    level, whole = (
        next_token_log_probs(
            decoder_for(model.generator, Decoding(softmax=name)), [ASK], answers, len(model.vocabulary)
        )[0]
        for name in ("level", "vocabulary")
    )
    for step in range(4):
        codes = model.vocabulary.level_tokens(step)
        gap = level[step, codes] - whole[step, codes]
        np.testing.assert_allclose(gap, -np.log(np.exp(whole[step, codes]).sum()), atol=1e-4)


@pytest.mark.parametrize(("backbone", "own"), [(packed, "level"), (text, "vocabulary")])
def test_the_models_own_softmax_is_the_model_itself(backbone, own):
    _, _, model = model_of(backbone)
    for name in ("own", own):
        assert decoder_for(model.generator, Decoding(softmax=name)) is model.generator


def test_a_decoder_with_one_softmax_says_so():
    decoder = TableDecoder(random_table(5, 0))
    assert decoder_for(decoder, Decoding()) is decoder
    with pytest.raises(DecodingError, match="TableDecoder has one softmax only"):
        decoder_for(decoder, Decoding(softmax="level"))


# ---- behaviour token ----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("behaviour", [RECOMMENDATION, SEARCH])
@pytest.mark.parametrize("softmax", ["level", "vocabulary"])
def test_a_t5_may_be_given_the_behaviour_token_first_in_its_output(behaviour, softmax):
    """Compared with transformers' own forward pass: the token stands in the decoder's input, not in the encoder's."""
    _, _, model = model_of(text)
    prompt = Prompt(NSIP if behaviour == SEARCH else NRIP, HISTORY, behaviour, "a lamp")
    generator, vocabulary = model.generator, model.vocabulary
    identifiers = model.trie(behaviour).leaf_sequences()[:5]
    told = generator.renderer.prompt(prompt._replace(behaviour=None), prompt.wording)
    assert vocabulary.behaviour(behaviour) == generator.renderer.prompt(prompt, prompt.wording)[-1] != told[-1]
    first = [0, vocabulary.behaviour(behaviour)]
    expected = []
    for row in identifiers.tolist():
        with torch.no_grad():
            logits = generator.model(
                input_ids=torch.tensor([told]), decoder_input_ids=torch.tensor([first + row[:-1]])
            ).logits[0, 1:]
        if softmax == "level":
            for level in range(4):
                others = np.setdiff1d(np.arange(len(vocabulary)), vocabulary.level_tokens(level))
                logits[level, others] = -torch.inf
        expected.append(functional.log_softmax(logits, -1)[range(4), row].sum().item())
    decoding = Decoding(behaviour="decoder", softmax=softmax, beams=400)
    found = {answer.identifier: answer.log_prob for answer in model.ask(prompt, model.table.n_items, decoding)}
    sizes = model.trie(behaviour).group_sizes()
    for row, score, size in zip(identifiers, expected, sizes, strict=False):
        assert found[vocabulary.text(row.tolist())] == pytest.approx(score - np.log(size), abs=2e-4)
    last = model.trace(prompt, decoding)[-1]
    assert last.prefixes.shape[1] == 4  # the forced token is no part of the answer


def test_the_packed_generator_says_that_its_token_ends_the_input():
    _, _, model = model_of(packed)
    with pytest.raises(DecodingError, match="in its input only"):
        model.ask(ASK, 5, Decoding(behaviour="decoder"))


def test_questions_with_and_without_a_token_are_not_mixed():
    _, _, model = model_of(text)
    decoding = Decoding(behaviour="decoder")
    neither = [ASK._replace(behaviour=None)] * 2
    assert decoding.forced(neither, model.vocabulary) is None
    with pytest.raises(DecodingError, match="with and without"):
        decoding.forced([ASK, neither[0]], model.vocabulary)


# ---- every prefix -------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("rows_at_once", [1, 7, 8192])
def test_prefix_scores_add_up_along_every_prefix(rows_at_once):
    sequences = np.random.default_rng(1).integers(0, 5, (50, 3))
    trie, table = Trie.build(sequences), random_table(5, 4)
    scores = prefix_scores(TableDecoder(table), [0, 1], trie, rows_at_once=rows_at_once)
    assert scores.shape == (2, trie.n_nodes)
    assert (scores[:, 0] == 0).all()
    for prompt in range(2):
        for depth in range(1, 4):
            for node in range(trie.bounds[depth], trie.bounds[depth + 1]):
                prefix = trie.path(np.array([node]), depth)[0].tolist()
                by_hand = sum(table(prompt, tuple(prefix[:place]))[prefix[place]] for place in range(depth))
                assert scores[prompt, node] == by_hand
    exact = score_candidates(TableDecoder(table), [0, 1], trie)
    np.testing.assert_array_equal(scores[:, trie.bounds[-2] :], exact)


def test_a_longer_history_than_training_had_is_read_when_asked_for():
    """An event older than the model's own window changes what it says, once ``history`` reaches back to it."""
    _, _, model = model_of(packed)
    assert model.history == 50
    recent = tuple(Action(RECOMMENDATION, 3, "", instant) for instant in range(2, 62))
    one, other = (ASK._replace(history=(Action(RECOMMENDATION, item, "", 1), *recent)) for item in (5, 9))
    np.testing.assert_array_equal(model.exact(one), model.exact(other))
    wide = replace(model.decoding, history=61)
    assert not np.allclose(model.exact(one, wide), model.exact(other, wide))
