import numpy as np
import pytest
from generator_data import parts, random_identifiers
from hypothesis import given, settings
from hypothesis import strategies as st
from log_data import events_frame, items_frame, recommended, searched, small_events

from gensar_lite.generate.tasks import (
    DESC2ID,
    DOC2QUERY,
    ID2DESC,
    INSTRUCTIONS,
    NEUTRAL,
    NRIP,
    NSIP,
    NSQP,
    Action,
    Prompt,
    TaskMix,
    TextRenderer,
    actions,
    build_vocabulary,
    latest,
    neutral_prompt,
    prompts_for,
    pseudo_queries,
    training_examples,
)
from gensar_lite.generate.vocabulary import UNKNOWN
from gensar_lite.identify.table import COLLABORATIVE, SEMANTIC
from gensar_lite.log.schema import QUERY, RECOMMENDATION, SEARCH, TEXT_COLUMNS, make_log
from gensar_lite.log.split import Histories, leave_one_out
from gensar_lite.log.text import words

GIVEN = {
    NRIP: {"{history}"},
    NSQP: {"{history}"},
    NSIP: {"{history}", "{query}"},
    DESC2ID: {"{text}"},
    ID2DESC: {"{identifier}"},
    DOC2QUERY: {"{query}"},
}
ALL = TaskMix(1, 1, 1, 1, 1, 1)


def small():
    """Two users, both tasks (see ``small_events``), with identifiers and a vocabulary."""
    log = make_log("small", items_frame(), small_events())
    split = leave_one_out(log)
    table = random_identifiers(log.n_items)
    return log, split, table, build_vocabulary(log, split, table)


# ---- wordings --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("task", INSTRUCTIONS)
def test_a_task_has_at_least_five_wordings_and_each_names_what_is_given(task):
    wordings = INSTRUCTIONS[task]
    assert len(set(wordings)) == len(wordings)
    own = [wording for wording in wordings if wording != NEUTRAL]
    assert len(own) >= 5
    for wording in own:
        assert {word for word in wording.split() if word.startswith("{")} == GIVEN[task]


def test_both_item_tasks_share_one_neutral_wording_without_a_query():
    assert INSTRUCTIONS[NRIP][-1] == INSTRUCTIONS[NSIP][-1] == NEUTRAL
    assert "{query}" not in NEUTRAL
    shared = set(INSTRUCTIONS[NRIP]) & set(INSTRUCTIONS[NSIP])
    assert shared == {NEUTRAL}


def test_the_neutral_question_differs_between_the_behaviours_in_its_last_token_only():
    log, split, table, vocabulary = small()
    renderer = TextRenderer(vocabulary, table)
    history = actions(log, range(4))
    asked = [neutral_prompt(history, behaviour) for behaviour in (RECOMMENDATION, SEARCH)]
    first, second = (renderer.prompt(prompt, prompt.wording) for prompt in asked)
    assert first[:-1] == second[:-1]
    assert [vocabulary.tokens[ids[-1]] for ids in (first, second)] == ["<R_I>", "<S_I>"]
    assert renderer.prompt(neutral_prompt(history, None), -1) == first[:-1]
    # and this very line of text is among those trained, with either token
    examples = training_examples(log, split, table, vocabulary, ALL)
    trained = {
        tuple(renderer.prompt(example.prompt, -1)) for example in examples if example.prompt.task in (NRIP, NSIP)
    }
    assert {ids[-1] for ids in trained} == {first[-1], second[-1]}


def test_every_word_of_the_instructions_is_known():
    log, split, table, vocabulary = small()
    for wordings in INSTRUCTIONS.values():
        for wording in wordings:
            plain = " ".join(word for word in wording.split() if not word.startswith("{"))
            assert UNKNOWN not in vocabulary.words_of(plain)


# ---- prompts as text -------------------------------------------------------------------------------------------------


def test_a_history_reads_as_behaviour_tokens_with_identifiers_or_words():
    log, split, table, vocabulary = small()
    renderer = TextRenderer(vocabulary, table)
    click, query, found = (vocabulary.text(renderer.action(action)) for action in actions(log, [0, 1, 2]))
    assert click == "<R_I> " + " ".join(table.tokens(COLLABORATIVE)[0])
    assert query == "<S_Q> red thing"
    assert found == "<S_I> " + " ".join(table.tokens(SEMANTIC)[1])


def test_a_search_prompt_in_its_first_wording():
    log, split, table, vocabulary = small()
    renderer = TextRenderer(vocabulary, table)
    asked = Prompt(NSIP, actions(log, [0]), SEARCH, "Red THING?!")
    assert vocabulary.text(renderer.prompt(asked)) == (
        f"here is what a shopper did <R_I> {' '.join(table.tokens(COLLABORATIVE)[0])} "
        "now they search for <S_Q> red thing which item will they click <S_I>"
    )


def test_without_a_behaviour_token_the_line_just_ends():
    log, split, table, vocabulary = small()
    renderer = TextRenderer(vocabulary, table)
    told = renderer.prompt(Prompt(NRIP, actions(log, [0]), RECOMMENDATION))
    assert renderer.prompt(Prompt(NRIP, actions(log, [0]))) == told[:-1]


def test_the_short_history_is_the_last_clicks_and_the_last_search_sessions_with_one_click_each():
    def clicked(number):
        return Action(RECOMMENDATION, number, instant=number)

    def session(number, clicks):
        return [
            Action(QUERY, -1, f"q{number}", number),
            *(Action(SEARCH, item, f"q{number}", number) for item in clicks),
        ]

    history = [clicked(0), *session(1, [10, 11, 12]), clicked(2), *session(3, [13]), *session(4, []), clicked(5)]
    assert latest(history, recommended=2, sessions=5) == (
        *session(1, [12]),
        clicked(2),
        *session(3, [13]),
        *session(4, []),
        clicked(5),
    )
    assert latest(history, recommended=1, sessions=2) == (*session(3, [13]), *session(4, []), clicked(5))
    assert latest([], 5, 5) == ()


# ---- what is trained -------------------------------------------------------------------------------------------------


def test_each_task_answers_in_its_own_alphabet():
    log, split, table, vocabulary = small()
    examples = training_examples(log, split, table, vocabulary, ALL)
    shape = {
        NRIP: ["M1", "M2", "R1", "R2"],
        NSIP: ["M1", "M2", "S1", "S2"],
        DOC2QUERY: ["M1", "M2", "S1", "S2"],
    }
    seen = set()
    for prompt, target in examples:
        seen.add(prompt.task)
        told = [vocabulary.tokens[token] for token in target]
        if prompt.task in (NSQP, ID2DESC):
            assert told[-1] == "</s>" and not any(token.startswith("<") for token in told[:-1])
        elif prompt.task == DESC2ID:
            assert prompt.behaviour is None
            assert [token[1:3] for token in told][:2] == ["M1", "M2"]
        else:
            assert [token[1:3] for token in told] == shape[prompt.task]
        if prompt.task in (NRIP, NSIP, NSQP):
            assert prompt.behaviour == {NRIP: RECOMMENDATION, NSIP: SEARCH, NSQP: QUERY}[prompt.task]
    assert seen == set(INSTRUCTIONS)


def test_both_identifiers_of_every_item_are_described_and_named():
    log, split, table, vocabulary = small()
    examples = training_examples(log, split, table, vocabulary, ALL)
    both = {tuple(row) for kind in table.kinds for row in vocabulary.identifiers(table, kind).tolist()}
    assert {target for prompt, target in examples if prompt.task == DESC2ID} == both
    assert {prompt.identifier for prompt, _ in examples if prompt.task == ID2DESC} == both
    labels = {vocabulary.text(target) for prompt, target in examples if prompt.task == ID2DESC}
    assert labels == {f"thing {number} </s>" for number in range(6)}


@settings(deadline=None, max_examples=15)
@given(st.integers(0, 1000), st.booleans())
def test_no_example_sees_its_own_instant_and_nothing_held_out_is_a_target(seed, both):
    log, split, table, vocabulary = parts(seed, both=both)
    events = log.events
    targets = []
    for prompt, _ in training_examples(log, split, table, vocabulary, TaskMix(extra_targets=False)):
        if prompt.task not in (NRIP, NSIP, NSQP):
            continue
        assert [action.instant for action in prompt.history] == sorted(action.instant for action in prompt.history)
        targets.append(prompt)
    rows = np.flatnonzero(split.train)
    assert len(targets) == len(rows)
    for row, prompt in zip(rows, targets, strict=True):
        event = events.iloc[row]
        earlier = events[(events["user"] == event["user"]) & (events["timestamp"] < event["timestamp"])]
        assert prompt.behaviour == event["behaviour"]
        key = ["behaviour", "item", "timestamp"]
        told = sorted((action.behaviour, action.item, action.instant) for action in prompt.history)
        assert told == sorted(earlier[key].itertuples(index=False, name=None))


def test_the_prompts_of_test_cases_hold_the_history_strictly_before_the_target():
    log, split, table, _ = parts(3, both=True)
    histories = Histories(log)
    prompts = prompts_for(split.test, log, histories, limit=4)
    assert {prompt.task for prompt in prompts} == {NRIP, NSIP}
    for (_, case), prompt in zip(split.test.iterrows(), prompts, strict=True):
        assert prompt.behaviour == case["task"] and prompt.query == case["query"]
        assert len(prompt.history) == min(4, case["n_history"])
        assert all(action.instant < case["timestamp"] for action in prompt.history)
        assert prompt.history == actions(log, histories.before(case["event"])[-4:])


def test_a_weight_of_zero_leaves_a_task_out():
    log, split, table, vocabulary = small()
    for task in INSTRUCTIONS:
        mix = ALL._replace(**{task.lower(): 0.0})
        assert mix.weight(task) == 0
        told = {example.prompt.task for example in training_examples(log, split, table, vocabulary, mix)}
        assert told == set(INSTRUCTIONS) - {task}


def test_search_clicks_are_recommendation_targets_only_on_request():
    log, split, table, vocabulary = small()
    clicks = log.events["behaviour"][split.train].value_counts()

    def count(extra):
        mix = ALL._replace(extra_targets=extra)
        return sum(prompt.task == NRIP for prompt, _ in training_examples(log, split, table, vocabulary, mix))

    assert count(False) == clicks[RECOMMENDATION]
    assert count(True) == clicks[RECOMMENDATION] + clicks[SEARCH]


def test_words_and_pseudo_queries_of_held_out_searches_are_not_learned():
    rows = [
        recommended("ann", 0, 1),
        *searched("ann", 1, 2, 1, "early words"),
        *searched("ann", 2, 3, 2, "late secret"),
    ]
    log = make_log("held out", items_frame(), events_frame(rows))
    split = leave_one_out(log)
    assert split.test["query"].tolist() == ["late secret"]
    vocabulary = build_vocabulary(log, split, random_identifiers(log.n_items))
    assert vocabulary.words_of("early secret") == [vocabulary.index["early"], UNKNOWN]
    queries = pseudo_queries(log, split)
    assert queries[1][0] == "early words"
    assert not any("secret" in query for known in queries for query in known)
    texts = [words(" ".join(parts)) for parts in zip(*(log.items[name] for name in TEXT_COLUMNS), strict=True)]
    for item, phrases in enumerate(queries):
        for phrase in phrases[1:] if item == 1 else phrases:  # the rest are words of the item's own text
            assert set(words(phrase)) <= set(texts[item])


def test_a_query_typed_twice_in_training_gets_a_token_and_one_typed_once_does_not():
    log, split, _, vocabulary = parts(seed=5, both=True)
    typed = log.events["query"][split.train & (log.events["behaviour"] == QUERY).to_numpy()].value_counts()
    assert set(vocabulary.query_list) == set(typed.index[typed > 1])
    assert 0 < len(vocabulary.query_list) < len(typed)
    times = typed[list(vocabulary.query_list)].tolist()
    assert times == sorted(times, reverse=True)


def test_an_item_without_queries_and_telling_words_has_no_pseudo_query():
    items = items_frame().assign(title="thing", description="", categories="")  # a word that all items share
    log = make_log("bare", items, small_events())
    assert pseudo_queries(log, leave_one_out(log))[4] == ()
