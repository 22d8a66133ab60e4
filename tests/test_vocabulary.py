import numpy as np
import pytest
from generator_data import K, random_identifiers

from gensar_lite.generate.vocabulary import END, PAD, UNKNOWN, Segment, TableShape, Vocabulary
from gensar_lite.identify.table import COLLABORATIVE, SEMANTIC
from gensar_lite.log.schema import BEHAVIOURS

TEXTS = ["A red tent, with pegs", "A blue tent", "the lamp"]
QUERIES = ["cheap Tent!", "lamp", "lamp"]


@pytest.fixture(scope="module")
def table():
    return random_identifiers(7)


@pytest.fixture(scope="module")
def vocabulary(table):
    return Vocabulary.build(TEXTS, QUERIES, table)


def test_every_code_of_every_level_has_a_token_of_its_own_whether_an_item_uses_it_or_not(vocabulary):
    names = [f"<M{level}_{code}>" for level in (1, 2) for code in range(K)]
    names += [f"<{letter}{level}_{code}>" for letter in "SR" for level in (1, 2) for code in range(K)]
    places = [vocabulary.index[name] for name in names]
    assert len(set(places)) == 6 * K
    assert min(places) == vocabulary.words.stop and max(places) == len(vocabulary) - 1


def test_segments_hold_a_levels_codes_in_order_and_kinds_share_the_shared_ones(vocabulary):
    for kind, letter in ((SEMANTIC, "S"), (COLLABORATIVE, "R")):
        for level, name in enumerate(("M1", "M2", f"{letter}1", f"{letter}2")):
            segment = vocabulary.segment(kind, level)
            assert vocabulary.tokens[segment.start : segment.stop] == tuple(f"<{name}_{code}>" for code in range(K))
    assert vocabulary.segment(SEMANTIC, 1) == vocabulary.segment(COLLABORATIVE, 1)
    assert vocabulary.segment(SEMANTIC, 2) != vocabulary.segment(COLLABORATIVE, 2)


def test_a_levels_softmax_runs_over_the_codes_of_all_kinds(vocabulary):
    assert [len(vocabulary.level_tokens(level)) for level in range(4)] == [K, K, 2 * K, 2 * K]
    third = {vocabulary.tokens[token] for token in vocabulary.level_tokens(2)}
    assert third == {f"<{letter}1_{code}>" for letter in "SR" for code in range(K)}


def test_identifiers_as_ids_are_the_tables_token_strings(vocabulary, table):
    for kind in table.kinds:
        ids = vocabulary.identifiers(table, kind)
        assert [[vocabulary.tokens[token] for token in row] for row in ids] == table.tokens(kind).tolist()


def test_the_tokens_of_a_one_kind_table_are_all_shared():
    table = random_identifiers(4, kinds=(SEMANTIC,))
    vocabulary = Vocabulary.build([], [], table)
    assert vocabulary.text(vocabulary.identifiers(table, SEMANTIC)[0].tolist()) == " ".join(table.tokens(SEMANTIC)[0])
    assert vocabulary.tokens[-1] == f"<M4_{K - 1}>"


def test_words_are_normalised_and_an_unknown_one_is_the_unknown_token(vocabulary):
    ids = vocabulary.words_of("Cheap, UNHEARD-of  tent")
    assert vocabulary.text(ids) == "cheap <unk> <unk> tent"
    assert ids[1] == UNKNOWN
    assert vocabulary.words_of("cheap tent lamp", limit=2) == vocabulary.words_of("cheap tent")
    assert vocabulary.words_of(" ?! ") == []


def test_no_word_can_be_taken_for_a_code_or_a_behaviour(vocabulary):
    assert vocabulary.words_of("<R_I> <M1_0> </s>") == [UNKNOWN] * 5  # r i m1 0 s
    assert [vocabulary.tokens[token] for token in (PAD, UNKNOWN, END)] == ["<pad>", "<unk>", "</s>"]
    for behaviour in BEHAVIOURS:
        assert vocabulary.tokens[vocabulary.behaviour(behaviour)] == f"<{behaviour}>"


def test_query_words_come_first_and_survive_a_small_vocabulary(table):
    small = Vocabulary.build(TEXTS, QUERIES, table, max_words=4)
    assert small.word_list == ("lamp", "cheap", "tent", "a")  # queries by count, then texts by count
    assert small.words == Segment(len(BEHAVIOURS) + 3, len(BEHAVIOURS) + 7)


def test_a_known_query_has_a_token_of_its_own_after_all_others(vocabulary, table):
    richer = Vocabulary.build(TEXTS, QUERIES, table, whole_queries=["Lamp", "cheap tent!", "lamp", "?!"])
    assert richer.query_list == ("lamp", "cheap tent")  # as they are understood, each once
    assert richer.tokens == (*vocabulary.tokens, '"lamp"', '"cheap tent"')
    assert richer.query("LAMP") == [richer.queries.start] == [len(vocabulary)]
    assert richer.words_of("lamp") == vocabulary.words_of("lamp")  # its words stay words
    assert richer.query("tent") == richer.query("") == richer.query('"lamp" tent') == []
    assert vocabulary.query("lamp") == []
    again = Vocabulary(richer.word_list, TableShape.of(table), richer.query_list)
    assert again.tokens == richer.tokens


def test_a_vocabulary_is_remade_from_its_words_and_the_tables_shape(vocabulary, table):
    again = Vocabulary(list(vocabulary.word_list), TableShape.of(table))
    assert again.tokens == vocabulary.tokens
    assert TableShape.of(table).levels == 4
    assert np.array_equal(again.identifiers(table, SEMANTIC), vocabulary.identifiers(table, SEMANTIC))
