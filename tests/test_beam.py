import numpy as np
import pytest
from decoder_mocks import TableDecoder, beam_by_hand, random_table, score_by_hand
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from gensar_lite.generate.beam import (
    BeamResult,
    DecodingError,
    beam_search,
    item_scores,
    rank_items,
    score_candidates,
    score_lists,
)
from gensar_lite.generate.trie import Trie

V = 5
tables = st.builds(random_table, st.just(V), st.integers(0, 10_000), st.sampled_from([0.0, 0.3]))
identifiers = hnp.arrays(np.int64, st.tuples(st.integers(1, 30), st.integers(1, 4)), elements=st.integers(0, V - 1))


def uniform(prompt, prefix):
    return np.full(V, -np.log(V))


def listed(result, prompt):
    """[(sequence, score)] of one prompt."""
    real = result.valid[prompt]
    return list(
        zip(map(tuple, result.sequences[prompt][real].tolist()), result.log_probs[prompt][real].tolist(), strict=True)
    )


@settings(deadline=None)
@given(tables, identifiers, st.integers(1, 12), st.integers(1, 3))
def test_beam_search_gives_the_list_of_a_beam_written_out_in_python(table, sequences, beams, prompts):
    result = beam_search(TableDecoder(table), list(range(prompts)), Trie.build(sequences), beams)
    for prompt in range(prompts):
        assert listed(result, prompt) == beam_by_hand(table, prompt, sequences, beams)
        real = result.valid[prompt]
        assert real[: real.sum()].all()  # what there is stands first
        assert (result.log_probs[prompt][~real] == -np.inf).all()
        assert (result.sequences[prompt][~real] == -1).all()


@settings(deadline=None)
@given(tables, identifiers)
def test_with_a_beam_for_every_prefix_the_list_is_the_exact_one(table, sequences):
    trie = Trie.build(sequences)
    result = beam_search(TableDecoder(table), [0], trie, beams=trie.n_nodes)
    exact = [(tuple(row), score_by_hand(table, 0, row)) for row in trie.leaf_sequences().tolist()]
    possible = [pair for pair in exact if pair[1] > -np.inf]
    assert listed(result, 0) == sorted(possible, key=lambda pair: (-pair[1], pair[0]))


@settings(deadline=None)
@given(tables, identifiers, st.integers(1, 8))
def test_every_answer_is_an_identifier_of_the_set_and_none_comes_twice(table, sequences, beams):
    result = beam_search(TableDecoder(table), [0, 1], Trie.build(sequences), beams)
    known = {tuple(row) for row in sequences.tolist()}
    for prompt in range(2):
        answers = [sequence for sequence, _ in listed(result, prompt)]
        assert set(answers) <= known
        assert len(set(answers)) == len(answers)


def test_a_uniform_model_lists_identifiers_in_token_order_at_equal_score():
    sequences = np.array([[3, 1, 2], [0, 4, 4], [3, 1, 0], [0, 0, 0], [2, 2, 2]])
    result = beam_search(TableDecoder(uniform), ["any"], Trie.build(sequences), beams=4)
    assert result.sequences[0].tolist() == [[0, 0, 0], [0, 4, 4], [2, 2, 2], [3, 1, 0]]
    np.testing.assert_allclose(result.log_probs, -3 * np.log(V), rtol=1e-6)


def test_more_beams_than_identifiers_give_fewer_results():
    sequences = np.array([[0, 1], [0, 1], [4, 2]])
    result = beam_search(TableDecoder(uniform), [0, 1], Trie.build(sequences), beams=30)
    assert result.leaves.tolist() == [[0, 1], [0, 1]]
    assert np.isfinite(result.log_probs).all()


def test_the_first_step_has_one_row_and_no_step_more_than_the_beams():
    rng = np.random.default_rng(0)
    decoder = TableDecoder(random_table(V, 0))
    beam_search(decoder, [0, 1], Trie.build(rng.integers(0, V, (200, 4))), beams=7)
    assert decoder.widths == [1, 5, 7, 7]


def test_a_model_that_forbids_every_identifier_gives_an_empty_list():
    result = beam_search(
        TableDecoder(lambda prompt, prefix: np.full(V, -np.inf)), [0], Trie.build(np.array([[1, 2]])), beams=3
    )
    assert result.leaves.shape == (1, 0)
    assert rank_items(result, Trie.build(np.array([[1, 2]])), 2).items.tolist() == [[-1, -1]]


def test_forced_tokens_are_fed_and_not_scored():
    table = random_table(V, 3)
    sequences = np.array([[0, 1], [2, 3], [4, 4]])
    trie = Trie.build(sequences)
    forced = np.array([[4, 1], [3, 3]])
    result = beam_search(TableDecoder(table), [7, 8], trie, beams=3, forced=forced)
    exact = score_candidates(TableDecoder(table), [7, 8], trie, forced=forced)
    for place, (prompt, given_first) in enumerate(zip([7, 8], forced.tolist(), strict=True)):
        scores = {
            tuple(row): score_by_hand(table, prompt, given_first + row) - score_by_hand(table, prompt, given_first)
            for row in sequences.tolist()
        }
        assert dict(listed(result, place)) == scores
        assert exact[place].tolist() == [scores[tuple(row)] for row in trie.leaf_sequences().tolist()]


@settings(deadline=None)
@given(tables, identifiers, st.integers(1, 20))
def test_exact_scores_are_those_of_every_identifier_spelled_out_in_any_block_size(table, sequences, rows_at_once):
    trie = Trie.build(sequences)
    scores = score_candidates(TableDecoder(table), [0, 1], trie, rows_at_once=rows_at_once)
    expected = [[score_by_hand(table, prompt, row) for row in trie.leaf_sequences().tolist()] for prompt in (0, 1)]
    assert scores.tolist() == expected


def test_exact_scoring_decodes_every_prefix_once():
    rng = np.random.default_rng(1)
    trie = Trie.build(rng.integers(0, V, (60, 3)))
    decoder = TableDecoder(random_table(V, 0))
    score_candidates(decoder, [0], trie)
    assert decoder.widths == [1, *np.diff(trie.bounds[1:4]).tolist()]


@settings(deadline=None)
@given(tables, st.integers(0, 10_000), st.integers(1, 4), st.integers(1, 9), st.integers(1, 40))
def test_lists_of_candidates_score_as_if_spelled_out(table, seed, prompts, count, rows_at_once):
    rng = np.random.default_rng(seed)
    candidates = rng.integers(0, V, (prompts, count, 3))
    candidates[rng.random((prompts, count)) < 0.2] = -1
    candidates[:, 0] = rng.integers(0, V, (prompts, 3))
    scores = score_lists(TableDecoder(table), list(range(prompts)), candidates, rows_at_once=rows_at_once)
    expected = [
        [score_by_hand(table, prompt, row) if row[0] >= 0 else -np.inf for row in rows]
        for prompt, rows in enumerate(candidates.tolist())
    ]
    assert scores.tolist() == expected


def test_in_a_forest_each_prompt_answers_from_its_own_list():
    rng = np.random.default_rng(2)
    table = random_table(V, 5)
    lists = [rng.integers(0, V, (count, 3)) for count in (1, 9, 4)]
    forest, roots = Trie.forest(np.repeat(np.arange(3), [1, 9, 4]), np.vstack(lists))
    result = beam_search(TableDecoder(table), [0, 1, 2], forest, beams=5, roots=roots)
    assert result.sequences.shape[2] == 3
    for prompt, sequences in enumerate(lists):
        assert listed(result, prompt) == beam_by_hand(table, prompt, sequences, 5)


def test_items_that_share_an_identifier_share_its_probability_and_stand_in_item_order():
    trie = Trie.build(np.array([[1, 1], [2, 2], [1, 1], [3, 3]]))
    result = BeamResult(
        sequences=np.array([[[1, 1], [3, 3], [2, 2]]]),
        log_probs=np.log(np.array([[0.5, 0.25, 0.1]], dtype=np.float32)),
        leaves=np.array([[0, 2, 1]]),
    )
    ranked = rank_items(result, trie, k=6)
    assert ranked.items.tolist() == [[0, 2, 3, 1, -1, -1]]
    np.testing.assert_allclose(np.exp(ranked.log_probs), [[0.25, 0.25, 0.25, 0.1, 0, 0]], rtol=1e-6)
    assert ranked.leaves.tolist() == [[0, 0, 2, 1, -1, -1]]
    assert rank_items(result, trie, k=2).items.tolist() == [[0, 2]]


def test_an_item_with_two_identifiers_counts_once_with_the_better_one():
    trie = Trie.build(np.array([[1], [2], [3], [2]]), np.array([0, 0, 1, 2]))
    scores = np.log(np.array([[0.1, 0.6, 0.2], [0.4, 0.1, 0.3]], dtype=np.float32))
    result = BeamResult(
        sequences=np.array([[[2], [3], [1]], [[1], [3], [2]]]),
        log_probs=np.take_along_axis(scores, np.array([[1, 2, 0], [0, 2, 1]]), 1),
        leaves=np.array([[1, 2, 0], [0, 2, 1]]),
    )
    ranked = rank_items(result, trie, k=4)
    assert ranked.items.tolist() == [[0, 2, 1, -1], [0, 1, 2, -1]]
    np.testing.assert_allclose(np.exp(ranked.log_probs), [[0.3, 0.3, 0.2, 0], [0.4, 0.3, 0.05, 0]], rtol=1e-5)
    whole = item_scores(scores, trie, n_items=4)
    np.testing.assert_allclose(np.exp(whole), [[0.3, 0.2, 0.3, 0], [0.4, 0.3, 0.05, 0]], rtol=1e-5)


@settings(deadline=None)
@given(tables, identifiers)
def test_ranking_all_identifiers_agrees_with_scores_over_the_catalogue(table, sequences):
    trie = Trie.build(sequences)
    result = beam_search(TableDecoder(table), [0, 1], trie, beams=trie.n_nodes)
    ranked = rank_items(result, trie, k=len(sequences))
    scores = item_scores(score_candidates(TableDecoder(table), [0, 1], trie), trie, len(sequences))
    for prompt in range(2):
        order = np.lexsort((np.arange(len(sequences)), -scores[prompt]))
        order = order[scores[prompt][order] > -np.inf]
        assert ranked.items[prompt][: len(order)].tolist() == order.tolist()
        assert ranked.log_probs[prompt][: len(order)].tolist() == scores[prompt][order].tolist()


def test_the_paper_reachability_trap_thirty_beams_miss_candidates_that_exact_scoring_ranks():
    """Of 100 candidates a beam of 30 answers for 30; scored exactly, all 100 get their score."""
    rng = np.random.default_rng(4)
    candidates = rng.integers(0, 40, (1, 100, 3))
    table = random_table(40, 9)
    forest, roots = Trie.forest(np.zeros(100, dtype=np.int64), candidates[0])
    found = beam_search(TableDecoder(table), [0], forest, beams=30, roots=roots)
    assert found.valid.sum() == 30
    assert np.isfinite(score_lists(TableDecoder(table), [0], candidates)).sum() == 100


def test_bad_questions_are_refused_in_words():
    trie = Trie.build(np.array([[1, 2]]))
    decoder = TableDecoder(uniform)
    with pytest.raises(DecodingError, match="beams must be at least 1"):
        beam_search(decoder, [0], trie, beams=0)
    with pytest.raises(DecodingError, match="no prompts"):
        beam_search(decoder, [], trie, beams=2)
    with pytest.raises(DecodingError, match="roots"):
        beam_search(decoder, [0], trie, beams=2, roots=np.array([2]))
    with pytest.raises(DecodingError, match="forced"):
        beam_search(decoder, [0, 1], trie, beams=2, forced=np.array([[1]]))
    with pytest.raises(DecodingError, match="2 prompts need candidates"):
        score_lists(decoder, [0, 1], np.ones((1, 3, 2), dtype=np.int64))
    with pytest.raises(DecodingError, match="prompt 1 has no candidate"):
        score_lists(decoder, [0, 1], np.array([[[1, 2]], [[-1, -1]]]))


def test_a_model_that_answers_nan_is_reported():
    decoder = TableDecoder(lambda prompt, prefix: np.full(V, np.nan))
    trie = Trie.build(np.array([[1, 2], [3, 4]]))
    with pytest.raises(DecodingError, match="NaN"):
        beam_search(decoder, [0], trie, beams=2)
    with pytest.raises(DecodingError, match="NaN"):
        score_candidates(decoder, [0], trie)
