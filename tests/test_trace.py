import numpy as np
import pytest
from decoder_mocks import TableDecoder, random_table, score_by_hand
from generator_data import model_of, packed, text
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gensar_lite.generate.beam import beam_search
from gensar_lite.generate.tasks import NRIP, Action, Prompt
from gensar_lite.generate.trace import next_token_log_probs, spelling, trace_beam
from gensar_lite.generate.trie import Trie
from gensar_lite.log.schema import RECOMMENDATION

V = 5
tables = st.builds(random_table, st.just(V), st.integers(0, 10_000), st.sampled_from([0.0, 0.3]))
identifiers = hnp.arrays(np.int64, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.integers(0, V - 1))


@settings(deadline=None)
@given(tables, identifiers, st.integers(1, 12), st.integers(0, 5))
def test_the_last_steps_kept_prefixes_are_the_answer_of_beam_search(table, sequences, beams, pruned):
    trie = Trie.build(sequences)
    steps = trace_beam(TableDecoder(table), 0, trie, beams, V, pruned=pruned)
    result = beam_search(TableDecoder(table), [0], trie, beams)
    last = steps[-1]
    assert len(steps) == trie.levels or not last.kept.any()
    if len(steps) < trie.levels:
        assert not result.valid.any()
        return
    assert last.prefixes[last.kept].tolist() == result.sequences[0][result.valid[0]].tolist()
    np.testing.assert_allclose(last.log_probs[last.kept], result.log_probs[0][result.valid[0]], rtol=1e-6)


@settings(deadline=None)
@given(tables, identifiers, st.integers(1, 6))
def test_every_step_weighs_continuations_of_kept_prefixes_best_first(table, sequences, beams):
    steps = trace_beam(TableDecoder(table), 0, Trie.build(sequences), beams, V, pruned=1000)
    before = np.zeros((1, 0), dtype=np.int64)
    for depth, step in enumerate(steps, start=1):
        assert (np.diff(step.log_probs) <= 0).all()
        assert step.kept.tolist() == [place < beams for place in range(len(step.kept))]
        for prefix, parent, score, items in zip(*step[:3], step.items, strict=True):
            assert prefix[:-1].tolist() == before[parent].tolist()
            assert score == score_by_hand(table, 0, prefix.tolist())
            assert items == sum(row[:depth] == prefix.tolist() for row in sequences.tolist()) >= 1
        before = step.prefixes[step.kept]


@settings(deadline=None)
@given(tables, identifiers, st.integers(1, 6))
def test_what_is_refused_is_likely_and_names_nothing(table, sequences, beams):
    before = np.zeros((1, 0), dtype=np.int64)
    for depth, step in enumerate(trace_beam(TableDecoder(table), 0, Trie.build(sequences), beams, V, pruned=3), 1):
        real = {tuple(row[:depth]) for row in sequences.tolist()}
        grown = [(*prefix.tolist(), token) for prefix in before for token in range(V)]
        outside = [score_by_hand(table, 0, list(prefix)) for prefix in grown if prefix not in real]
        wanted = sorted((score for score in outside if score > -np.inf), reverse=True)[:3]
        assert step.refused.log_probs.tolist() == pytest.approx(wanted)
        for prefix, parent, score in zip(*step.refused, strict=True):
            assert tuple(prefix.tolist()) not in real
            assert prefix[:-1].tolist() == before[parent].tolist()
            assert score == score_by_hand(table, 0, prefix.tolist())
        before = step.prefixes[step.kept]


def uniform(prompt, prefix):
    return np.full(V, -np.log(V))


def test_forbidden_is_the_probability_of_the_kept_prefixes_that_the_trie_takes_away():
    trie = Trie.build(np.array([[0, 1], [0, 2], [3, 3]]))
    steps = trace_beam(TableDecoder(uniform), 0, trie, 10, V)
    assert steps[0].forbidden == pytest.approx(3 / 5)  # two of five tokens begin an identifier
    assert steps[1].forbidden == pytest.approx((3 / 5 + 4 / 5) / 5)


def test_without_the_constraint_the_model_says_identifiers_of_nothing():
    trie = Trie.build(np.array([[4, 4], [4, 4], [4, 3]]))
    steps = trace_beam(TableDecoder(uniform), 0, trie, 30, V, constrained=False)
    last = steps[-1]
    told = {tuple(prefix): int(items) for prefix, items in zip(last.prefixes.tolist(), last.items, strict=True)}
    assert len(told) == V**2
    assert told[4, 4] == 2 and told[4, 3] == 1
    assert all(len(step.refused.parents) == 0 for step in steps)  # nothing is
    assert sum(told.values()) == 3
    assert steps[0].items.tolist() == [0, 0, 0, 0, 3]


def test_a_model_that_forbids_everything_leaves_an_empty_trace():
    steps = trace_beam(TableDecoder(lambda *_: np.full(V, -np.inf)), 0, Trie.build(np.array([[1, 2]])), 3, V)
    assert [len(step.prefixes) for step in steps] == [0]
    assert steps[0].forbidden == 0


HISTORY = tuple(Action(RECOMMENDATION, item, "", item) for item in (3, 8, 9))


@pytest.mark.parametrize("backbone", [packed, text])
def test_of_a_real_model_the_trace_is_the_beam_and_probabilities_add_up(backbone):
    _, _, model = model_of(backbone)
    trie, prompt, size = model.trie(RECOMMENDATION), Prompt(NRIP, HISTORY, RECOMMENDATION), len(model.vocabulary)
    last = trace_beam(model.generator, prompt, trie, 8, size)[-1]
    result = beam_search(model.generator, [prompt], trie, 8)
    assert last.prefixes[last.kept].tolist() == result.sequences[0].tolist()
    np.testing.assert_allclose(last.log_probs[last.kept], result.log_probs[0], atol=1e-4)

    answers = result.sequences[0][:3]
    log_probs = next_token_log_probs(model.generator, [prompt] * 3, answers[:, :-1], size)
    assert log_probs.shape == (3, 4, size)
    np.testing.assert_allclose(np.exp(log_probs).sum(2), 1, rtol=1e-5)
    right, first = spelling(model.generator, [prompt] * 3, answers, size)
    np.testing.assert_allclose(right.sum(1), result.log_probs[0][:3], atol=1e-4)
    for place in range(3):
        for level in range(4):
            assert first[place, level] == (log_probs[place, level].argmax() == answers[place, level])
