"""Questions as the views ask them, held against the model's own answers."""

import numpy as np
import pytest
from generator_data import artefacts_of, model_of, packed

from gensar_lite.generate.model import QuestionError
from gensar_lite.generate.tasks import NRIP, NSIP, Action, actions
from gensar_lite.lab import ask
from gensar_lite.log.schema import QUERY, RECOMMENDATION, SEARCH
from gensar_lite.log.split import Histories
from gensar_lite.view.figures_flip import TOKENS, Side, sides

HISTORY = (
    Action(RECOMMENDATION, 3, "", 1),
    Action(QUERY, -1, "thing 4", 2),
    Action(SEARCH, 4, "thing 4", 2),
)


@pytest.fixture(scope="module")
def world():
    return model_of(packed, seed=1, unique=True)


@pytest.fixture(scope="module")
def made(world):
    log, split, model = world
    return artefacts_of(log, split, model)


def test_each_question_has_its_own_instruction_or_the_token_alone():
    recommend, search = (ask.question(HISTORY, name, "thing 7") for name in (RECOMMENDATION, SEARCH))
    assert (recommend.task, recommend.behaviour, recommend.query) == (NRIP, RECOMMENDATION, "")
    assert (search.task, search.behaviour, search.query) == (NSIP, SEARCH, "thing 7")
    alone = [ask.question(HISTORY, name, "thing 7", token_only=True) for name in (RECOMMENDATION, SEARCH)]
    assert [(prompt.query, prompt.wording) for prompt in alone] == [("", -1)] * 2


def test_a_query_too_long_to_be_shown_is_refused_with_the_number_of_words_that_are_read():
    assert ask.question(HISTORY, SEARCH, "x" * 500).query == "x" * 500
    with pytest.raises(QuestionError, match="100,000 characters; only its first 16 words"):
        ask.question(HISTORY, SEARCH, "x" * 100_000)
    assert ask.question(HISTORY, RECOMMENDATION, "") is not None


def test_a_side_of_a_flip_chooses_words_and_token_on_their_own():
    recommend, search, neutral = (ask.asked(HISTORY, Side(None, words), "thing 7") for words in ("R_I", "S_I", None))
    assert (recommend.task, recommend.behaviour, recommend.query) == (NRIP, None, "")
    assert (search.task, search.behaviour, search.query) == (NSIP, None, "thing 7")
    assert (neutral.wording, neutral.behaviour, neutral.query) == (-1, None, "")
    crossed = ask.asked(HISTORY, Side(RECOMMENDATION, "S_I"), "thing 7")
    assert (crossed.task, crossed.behaviour, crossed.query) == (NSIP, RECOMMENDATION, "thing 7")


def test_a_flip_holds_both_answers_and_where_each_item_went(world):
    _, _, model = world
    flipped = ask.flip(model, HISTORY, "thing 7", k=5)
    assert flipped.before["item_id"].tolist() == [one.item_id for one in model.recommend(HISTORY, 5)]
    assert flipped.now["item_id"].tolist() == [one.item_id for one in model.search(HISTORY, "thing 7", 5)]
    recommend, search = (ask.question(HISTORY, name, "thing 7") for name in (RECOMMENDATION, SEARCH))
    ids = model.items["item_id"].tolist()
    for shown, other in ((flipped.before, search), (flipped.now, recommend)):
        ranks = ask.exact_ranks(model.exact(other))
        for item, elsewhere in shown[["item_id", "elsewhere"]].itertuples(index=False):
            assert elsewhere == ranks[ids.index(item)]
    with pytest.raises(QuestionError):
        ask.flip(model, HISTORY, "?!")
    neutral = ask.flip(model, HISTORY, "?!", sides(RECOMMENDATION, SEARCH, words=False), k=3)
    assert len(neutral.now) == 3 and neutral.now.index.tolist() == [1, 2, 3]


def test_the_two_numbers_are_those_of_the_exact_scores(world):
    _, _, model = world
    flipped = ask.flip(model, HISTORY, "thing 7")
    before, now = (model.exact(ask.question(HISTORY, name, "thing 7")) for name in (RECOMMENDATION, SEARCH))
    p, q = (np.exp(scores) / np.exp(scores).sum() for scores in (now.astype(float), before.astype(float)))
    assert flipped.divergence == pytest.approx((p * np.log(p / q)).sum(), rel=1e-5)
    orders = [np.argsort(ask.exact_ranks(scores)) for scores in (before, now)]
    shared = [len(set(orders[0][:d]) & set(orders[1][:d])) / d for d in range(1, len(before) + 1)]
    weights = 0.1 * 0.9 ** np.arange(len(before))
    assert flipped.overlap == pytest.approx((weights * shared).sum() + 0.9 ** len(before))
    assert (flipped.persistence, flipped.n_items) == (0.9, len(model.items))


def test_the_same_question_twice_has_no_distance(world):
    _, _, model = world
    same = ask.flip(model, HISTORY, "thing 7", sides(RECOMMENDATION, SEARCH, token=False, words=False))
    assert same.divergence == 0 and same.overlap == pytest.approx(1)
    assert same.before.equals(same.now)


@pytest.mark.parametrize("before", TOKENS)
@pytest.mark.parametrize("now", TOKENS)
def test_every_flip_of_every_token_is_answered_in_its_alphabet(world, before, now):
    _, _, model = world
    flipped = ask.flip(model, HISTORY, "thing 7", sides(before, now), k=6)
    letters = {RECOMMENDATION: {"R"}, SEARCH: {"S"}, None: {"R", "S"}}
    for token, shown in ((before, flipped.before), (now, flipped.now)):
        assert {name.split()[-1][1] for name in shown["identifier"]} <= letters[token]
        assert shown["item_id"].is_unique and shown["probability"].is_monotonic_decreasing


def test_unknown_words_are_told(world):
    _, _, model = world
    assert ask.remark(model, "thing 7") == ""
    assert ask.remark(model, "thing <zebra>") == "Never seen in training: zebra."


def test_ranks_count_from_one_and_ties_stand_in_item_order():
    assert ask.exact_ranks(np.array([0.1, 0.5, 0.5, -np.inf])).tolist() == [3, 1, 2, 4]


def test_a_history_is_told_with_titles_and_words(made):
    told = ask.history_table(made, HISTORY)
    assert told["token"].tolist() == ["<R_I>", "<S_Q>", "<S_I>"]
    assert told["what"].tolist() == ["thing 3", '"thing 4"', "thing 4"]


def test_the_example_is_a_held_out_search_with_its_own_history(made):
    shopper = ask.example(made, events=(0, 100))
    cases = made.split.test[made.split.test["task"] == SEARCH]
    (case,) = cases[cases["user"] == shopper.user].itertuples()
    assert (shopper.query, shopper.item) == (case.query, case.item)
    assert shopper.history == actions(made.log, Histories(made.log).before(case.event))
    assert ask.example(made, events=(0, 100)) == shopper
