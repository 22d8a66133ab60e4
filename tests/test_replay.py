import numpy as np
import pytest
from decoder_mocks import TableDecoder, random_table, score_by_hand
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gensar_lite.evaluate.replay import beam_recall, constraint_shift, forbidden_mass, kept_prefixes, standing
from gensar_lite.generate.beam import beam_search, prefix_scores, rank_items
from gensar_lite.generate.trace import trace_beam
from gensar_lite.generate.trie import Trie

V = 5
tables = st.builds(random_table, st.just(V), st.integers(0, 10_000), st.sampled_from([0.0, 0.3]))
identifiers = hnp.arrays(np.int64, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.integers(0, V - 1))


def scored(table, sequences, prompts=(0, 1)):
    trie = Trie.build(sequences)
    return trie, prefix_scores(TableDecoder(table), list(prompts), trie)


@settings(deadline=None)
@given(tables, identifiers, st.integers(1, 12))
def test_a_replayed_beam_keeps_what_a_searched_one_keeps(table, sequences, beams):
    trie, scores = scored(table, sequences)
    kept = kept_prefixes(scores, trie, beams)
    result = beam_search(TableDecoder(table), [0, 1], trie, beams)
    for prompt in range(2):
        leaves = np.flatnonzero(kept[prompt, trie.bounds[-2] :])
        assert sorted(leaves.tolist()) == sorted(result.leaves[prompt][result.valid[prompt]].tolist())
        for step in trace_beam(TableDecoder(table), prompt, trie, beams, V):
            depth = step.prefixes.shape[1]
            of_depth = kept[prompt, trie.bounds[depth] : trie.bounds[depth + 1]].nonzero()[0] + trie.bounds[depth]
            assert sorted(step.nodes[step.kept].tolist()) == of_depth.tolist()


@settings(deadline=None)
@given(tables, identifiers, st.integers(1, 6), st.data())
def test_targets_stand_where_a_sorted_catalogue_and_a_searched_beam_put_them(table, sequences, beams, data):
    trie, scores = scored(table, sequences)
    n_items = len(sequences)
    targets = np.array([data.draw(st.integers(0, n_items - 1)) for _ in range(2)])
    seen = standing(scores, trie, targets, n_items, beams)
    found = rank_items(beam_search(TableDecoder(table), [0, 1], trie, beams), trie, n_items).items
    for prompt, target in enumerate(targets.tolist()):
        rows = [tuple(row) for row in sequences.tolist()]
        exact = [
            np.float32(score_by_hand(table, prompt, row)) - np.log(rows.count(row)).astype(np.float32) for row in rows
        ]
        order = sorted(range(n_items), key=lambda item: (-exact[item], item))
        assert seen.exact_rank[prompt] == order.index(target) + 1
        assert seen.log_prob[prompt] == pytest.approx(exact[target])
        alone = score_by_hand(table, prompt, rows[target])
        others = [item for item in range(n_items) if rows[item] != rows[target]]
        ahead = [item for item in others if exact[item] > alone or (exact[item] == alone and item < target)]
        assert seen.alone_rank[prompt] == 1 + len(ahead)
        listed = found[prompt].tolist()
        assert seen.beam_rank[prompt] == (listed.index(target) + 1 if target in listed else 0)
        kept = [{tuple(row) for row in step.prefixes[step.kept].tolist()} for step in trace(table, prompt, trie, beams)]
        left = [
            step for step in range(1, trie.levels + 1) if step > len(kept) or rows[target][:step] not in kept[step - 1]
        ]
        assert seen.left_at[prompt] == (left[0] if left else 0)


def trace(table, prompt, trie, beams):
    return trace_beam(TableDecoder(table), prompt, trie, beams, V)


@settings(deadline=None)
@given(tables, identifiers, st.integers(1, 6))
def test_forbidden_mass_is_that_of_the_trace_as_a_share(table, sequences, beams):
    trie, scores = scored(normalised(table), sequences, prompts=(3,))
    shares = forbidden_mass(scores, trie, beams)[0]
    mass = 1.0
    for step, share in zip(trace(normalised(table), 3, trie, beams), shares, strict=False):
        assert share == pytest.approx(step.forbidden / mass if mass else 0, abs=1e-5)
        mass = float(np.exp(step.log_probs[step.kept]).sum())


def normalised(table):
    """The same preferences as probabilities that add up to 1 (all -inf stays so)."""

    def told(prompt, prefix):
        log_probs = table(prompt, prefix)
        total = np.exp(log_probs).sum()
        return log_probs - np.log(total) if total > 0 else log_probs

    return told


def shift_by_hand(table, prompt, trie):
    """KL of step-wise from global renormalisation, spelt out."""
    rows = [tuple(row) for row in trie.leaf_sequences().tolist()]
    q = np.array([np.exp(score_by_hand(table, prompt, row)) for row in rows])
    p = np.ones(len(rows))
    for place, row in enumerate(rows):
        for depth in range(trie.levels):
            tokens = {other[depth] for other in rows if other[:depth] == row[:depth]}
            chances = {token: np.exp(table(prompt, row[:depth])[token]) for token in tokens}
            p[place] *= chances[row[depth]] / sum(chances.values())
    q /= q.sum()
    return float((p * np.log(p / q)).sum())


@settings(deadline=None)
@given(st.integers(0, 10_000), identifiers)
def test_the_shift_is_the_divergence_spelt_out(seed, sequences):
    table = normalised(random_table(V, seed))
    trie, scores = scored(table, sequences)
    by_hand = [shift_by_hand(table, prompt, trie) for prompt in (0, 1)]
    np.testing.assert_allclose(constraint_shift(scores, trie), by_hand, atol=1e-4)


def test_a_prefix_that_forbids_more_is_flattered_by_stepwise_renormalising():
    """A: 0.5, of which half falls on no item; B: 0.5, all on one item. Step by step both are as likely: KL by hand."""
    sequences = np.array([[0, 0], [1, 1]])

    def table(prompt, prefix):
        chances = {(): [0.5, 0.5, 0], (0,): [0.5, 0.25, 0.25], (1,): [0, 1, 0]}[tuple(prefix)]
        with np.errstate(divide="ignore"):
            return np.log(np.array(chances))

    trie, scores = scored(table, sequences, prompts=(0,))
    expected = 0.5 * np.log(0.5 / (1 / 3)) + 0.5 * np.log(0.5 / (2 / 3))
    assert constraint_shift(scores, trie)[0] == pytest.approx(expected, abs=1e-6)


def test_where_no_prefix_forbids_anything_nothing_shifts_and_nothing_is_forbidden():
    sequences = np.stack(np.meshgrid(*[np.arange(V)] * 2), -1).reshape(-1, 2)
    trie, scores = scored(normalised(random_table(V, 1)), sequences)
    np.testing.assert_allclose(constraint_shift(scores, trie), 0, atol=1e-6)
    np.testing.assert_allclose(forbidden_mass(scores, trie, 3), 0, atol=1e-6)


def test_recall_counts_the_best_identifiers_a_beam_finds():
    """A .6 over four codes of .25; B .4, of which one code has .9: a beam of 1 misses the best, one of 2 finds it."""

    def table(prompt, prefix):
        chances = {(): [0.6, 0.4, 0, 0, 0], (0,): [0.25] * 4 + [0], (1,): [0.9, 0.1, 0, 0, 0]}[tuple(prefix)]
        with np.errstate(divide="ignore"):
            return np.log(np.array(chances))

    sequences = np.array([[0, 0], [0, 1], [0, 2], [0, 3], [1, 0], [1, 1]])
    trie, scores = scored(table, sequences, prompts=(0,))
    assert beam_recall(scores, trie, 1, 1)[0] == 0
    assert beam_recall(scores, trie, 2, 1)[0] == 1
    assert beam_recall(scores, trie, 2, 2)[0] == 1
    assert beam_recall(scores, trie, 2, 3)[0] == pytest.approx(2 / 3)
    assert beam_recall(scores, trie, 6, 100)[0] == 1  # more than there are: all six are found


def test_a_model_that_forbids_everything_keeps_and_forbids_nothing():
    trie, scores = scored(lambda *_: np.full(V, -np.inf), np.array([[1, 2], [1, 3]]))
    assert not kept_prefixes(scores, trie, 4)[:, 1:].any()
    assert forbidden_mass(scores, trie, 4)[0].tolist() == [1, 0]
    assert standing(scores, trie, np.array([0, 1]), 2, 4).left_at.tolist() == [1, 1]
    assert constraint_shift(scores, trie).tolist() == [0, 0]
