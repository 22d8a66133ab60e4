"""Questions as the views ask them, held against the model's own answers."""

import numpy as np
import pytest
from generator_data import artefacts_of, model_of, packed

from gensar_lite.generate.model import QuestionError
from gensar_lite.generate.tasks import NRIP, NSIP, Action, actions
from gensar_lite.lab import ask
from gensar_lite.log.schema import QUERY, RECOMMENDATION, SEARCH
from gensar_lite.log.split import Histories

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


def test_a_flip_holds_both_answers_and_where_each_item_went(world):
    _, _, model = world
    answers = ask.flip(model, HISTORY, "thing 7", k=5)
    assert answers[RECOMMENDATION]["item_id"].tolist() == [one.item_id for one in model.recommend(HISTORY, 5)]
    assert answers[SEARCH]["item_id"].tolist() == [one.item_id for one in model.search(HISTORY, "thing 7", 5)]
    ranks = ask.exact_ranks(model.exact(ask.question(HISTORY, SEARCH, "thing 7")))
    ids = model.items["item_id"].tolist()
    for item, elsewhere in answers[RECOMMENDATION][["item_id", "elsewhere"]].itertuples(index=False):
        assert elsewhere == ranks[ids.index(item)]
    with pytest.raises(QuestionError):
        ask.flip(model, HISTORY, "?!")
    assert len(ask.flip(model, HISTORY, "?!", token_only=True, k=3)[SEARCH]) == 3


def test_ranks_count_from_one_and_ties_stand_in_item_order():
    assert ask.exact_ranks(np.array([0.1, 0.5, 0.5, -np.inf])).tolist() == [3, 1, 2, 4]


def test_a_trace_ends_in_the_beams_answer_and_tells_where_an_identifier_was_lost(world):
    _, _, model = world
    prompt = ask.question(HISTORY, SEARCH, "thing 7")
    beam = ask.trace(model, prompt, beams=3)
    last = beam[(beam["step"] == 4) & beam["kept"]]
    found = ask.found(model, prompt, 3)
    names = [" ".join(row) for row in model.table.tokens("semantic")]
    assert last["prefix"].tolist() == [names[item] for item in found]
    assert last["probability"].tolist() == pytest.approx(np.exp(last["log_prob"]).tolist())
    kept = {step: set(rows["prefix"]) for step, rows in beam[beam["kept"]].groupby("step")}
    for item, name in enumerate(names):
        lost = ask.lost_at(beam, name)
        assert (lost is None) == (item in found)
        if lost:
            tokens = name.split()
            assert " ".join(tokens[:lost]) not in kept[lost]
            assert lost == 1 or " ".join(tokens[: lost - 1]) in kept[lost - 1]
    free = ask.trace(model, prompt, beams=3, constrained=False)
    assert (free.loc[free["step"] == 4, "items"] == 0).any()


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
