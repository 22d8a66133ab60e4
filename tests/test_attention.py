import numpy as np
import pytest
import torch
from decoder_mocks import TableDecoder, random_table
from generator_data import model_of, packed, text

from gensar_lite.generate.attention import QUESTION, AttentionError, attended, left_out
from gensar_lite.generate.tasks import NRIP, NSIP, Action, Prompt, latest
from gensar_lite.generate.trace import next_token_log_probs
from gensar_lite.log.schema import QUERY, RECOMMENDATION, SEARCH

HISTORY = (
    Action(RECOMMENDATION, 3, "", 1),
    Action(QUERY, -1, "red lamp", 2),
    Action(SEARCH, 8, "red lamp", 2),
    Action(RECOMMENDATION, 3, "", 4),
    Action(RECOMMENDATION, 1, "", 5),
)
ASK = Prompt(NSIP, HISTORY, SEARCH, "blue vase")


def answer_of(model, item=2):
    return model.vocabulary.identifiers(model.table, model.table.kind_for(SEARCH)[0])[item]


def test_the_packed_question_looks_at_every_action_and_at_itself():
    _, _, model = model_of(packed)
    seen = attended(model.generator, ASK, answer_of(model))
    layers, heads = model.generator.settings.layers, model.generator.settings.heads
    assert seen.weights.shape == (layers, heads, 1, len(HISTORY) + 1)
    assert seen.parts == [0, 1, 2, 3, 4, QUESTION]
    np.testing.assert_allclose(seen.weights.sum(-1), 1, rtol=1e-5)


def test_reading_the_attention_leaves_the_packed_model_as_it_was():
    _, _, model = model_of(packed)
    before, usual = model.exact(ASK), model.generator.across.config._attn_implementation
    attended(model.generator, ASK, answer_of(model))
    assert model.generator.across.config._attn_implementation == usual
    np.testing.assert_array_equal(model.exact(ASK), before)


def test_written_down_the_attention_computes_the_same_answer():
    """The form that keeps its weights gives the outputs of the usual one, up to rounding."""
    _, _, model = model_of(packed)
    slots = model.generator.table.slots_of([ASK])
    with torch.no_grad():
        usual = model.generator.across_slots(slots).output
        model.generator.across.set_attn_implementation("eager")
        torch.testing.assert_close(model.generator.across_slots(slots).output, usual, rtol=1e-4, atol=1e-5)


def test_no_attention_goes_to_what_happens_at_the_questions_own_instant_or_was_not_read():
    _, _, model = model_of(packed)
    model.generator.settings = model.generator.settings.__class__(**{**model.generator.settings.__dict__, "history": 2})
    seen = attended(model.generator, ASK, answer_of(model))
    assert seen.parts == [3, 4, QUESTION]
    alone = attended(model.generator, ASK._replace(history=()), answer_of(model))
    np.testing.assert_allclose(alone.weights, 1)


def test_a_t5_looks_anew_before_each_code_and_at_the_words_around_the_history():
    _, _, model = model_of(text)
    answer = answer_of(model)
    seen = attended(model.generator, ASK, answer)
    config = model.generator.model.config
    assert seen.weights.shape == (config.num_decoder_layers, config.num_heads, 4, len(seen.parts))
    assert seen.parts == ["instruction", 0, 1, 2, 3, 4, "query", "token"]
    np.testing.assert_allclose(seen.weights.sum(-1), 1, rtol=1e-5)


def test_a_t5s_attention_is_transformers_own_summed_over_each_actions_tokens():
    _, _, model = model_of(text)
    answer, generator = answer_of(model), model.generator
    seen = attended(generator, ASK, answer)
    line = generator.renderer.prompt(ASK)
    generator.model.set_attn_implementation("eager")
    with torch.no_grad():
        told = generator.model(
            input_ids=torch.tensor([line]),
            decoder_input_ids=torch.tensor([[0, *answer[:-1].tolist()]]),
            output_attentions=True,
        ).cross_attentions[0][0]
    np.testing.assert_allclose(
        seen.weights[0, :, :, -1], told[:, :, -1], rtol=1e-5
    )  # the behaviour token ends the line
    action = generator.renderer.action(HISTORY[4])
    start = max(place for place in range(len(line)) if line[place : place + len(action)] == action)
    expected = told[:, :, start : start + len(action)].sum(-1)
    np.testing.assert_allclose(seen.weights[0, :, :, seen.parts.index(4)], expected, rtol=1e-4)


def test_a_t5_names_the_actions_it_reads_even_if_some_are_left_out_or_come_twice():
    _, _, model = model_of(text)
    many = (*(Action(RECOMMENDATION, 3, "", day) for day in range(9)), *HISTORY[3:])
    seen = attended(model.generator, ASK._replace(history=many), answer_of(model))
    places = [part for part in seen.parts if isinstance(part, int)]
    assert [many[place] for place in places] == list(latest(many))
    assert places == sorted(set(places))


def test_the_line_in_pieces_is_the_line():
    _, _, model = model_of(text)
    pieces = model.generator.renderer.pieces(ASK)
    assert [token for _, ids in pieces for token in ids] == model.generator.renderer.prompt(ASK)
    assert [what for what, _ in pieces if not isinstance(what, str)] == list(HISTORY)
    assert pieces[-1] == ("token", [model.vocabulary.behaviour(SEARCH)])


@pytest.mark.parametrize("backbone", [packed, text])
def test_leaving_an_action_out_is_told_in_nats_per_code(backbone):
    _, _, model = model_of(backbone)
    answer, size = answer_of(model), len(model.vocabulary)
    effect = left_out(model.generator, ASK, answer, size)
    assert effect.shape == (5, 4)
    without = ASK._replace(history=HISTORY[:2] + HISTORY[3:])
    told, shorter = (next_token_log_probs(model.generator, [ask], answer[None, :-1], size)[0] for ask in (ASK, without))
    expected = [told[level, answer[level]] - shorter[level, answer[level]] for level in range(4)]
    np.testing.assert_allclose(effect[2], expected, atol=1e-4)


def test_an_action_the_model_ignores_is_owed_nothing():
    table = random_table(5, 1)

    def last_only(prompt, prefix):
        return table(prompt.history[-1].item, prefix)

    prompt = Prompt(NRIP, HISTORY, RECOMMENDATION)
    effect = left_out(TableDecoder(last_only), prompt, np.array([1, 2, 3]), 5)
    assert (effect[:4] == 0).all()
    by_hand = [
        table(1, (1, 2, 3)[:place])[code] - table(3, (1, 2, 3)[:place])[code] for place, code in enumerate((1, 2, 3))
    ]
    assert effect[4].tolist() == by_hand


def test_no_history_owes_nothing_to_anybody():
    _, _, model = model_of(packed)
    assert left_out(model.generator, ASK._replace(history=()), answer_of(model), len(model.vocabulary)).shape == (0, 4)


def test_a_decoder_without_attention_says_so():
    with pytest.raises(AttentionError, match="TableDecoder has no attention"):
        attended(TableDecoder(random_table(5, 0)), ASK, np.array([1, 2]))
