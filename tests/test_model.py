import numpy as np
import pytest
import torch
from generator_data import model_of, packed, text

from gensar_lite import store
from gensar_lite.generate.model import GenSAR, GenSARRanker, QuestionError
from gensar_lite.generate.tasks import DOC2QUERY, NRIP, NSIP, Action, Prompt, actions, neutral_prompt
from gensar_lite.identify.table import COLLABORATIVE, SEMANTIC
from gensar_lite.log.schema import QUERY, RECOMMENDATION, SEARCH
from gensar_lite.log.split import Histories

each_backbone = pytest.mark.parametrize("backbone", [packed, text])
HISTORY = (
    Action(RECOMMENDATION, 3, "", 1),
    Action(QUERY, -1, "thing 4", 2),
    Action(SEARCH, 4, "thing 4", 2),
)


def spelled(model, prompt, kind):
    """(N,) log-probability of every item: each identifier fed token by token, shared by the items that carry it."""
    ids = model.vocabulary.identifiers(model.table, kind)
    scores = np.zeros(len(ids))
    with torch.no_grad():
        for item, row in enumerate(ids.tolist()):
            state, tokens, parents = model.generator.read([prompt]), None, None
            for token in row:
                logp, state = model.generator.step(state, tokens, parents, torch.tensor([[[token]]]))
                scores[item] += logp.item()
                tokens, parents = torch.tensor([[token]]), torch.tensor([[0]])
    group = [(ids == row).all(1).sum() for row in ids]
    return scores - np.log(group)


@each_backbone
def test_recommend_and_search_list_items_by_their_identifiers_probability_shared_by_its_items(backbone):
    _, _, model = model_of(backbone, beams=1000)
    for answers, prompt, kind in (
        (model.recommend(HISTORY, 30), Prompt(NRIP, HISTORY, RECOMMENDATION), COLLABORATIVE),
        (model.search(HISTORY, "Thing, 7!", 30), Prompt(NSIP, HISTORY, SEARCH, "thing 7"), SEMANTIC),
    ):
        expected = spelled(model, prompt, kind)
        assert sorted(answer.item for answer in answers) == list(range(30))
        for answer in answers:
            assert answer.log_prob == pytest.approx(expected[answer.item], abs=1e-4)
            assert answer.probability == pytest.approx(np.exp(expected[answer.item]), rel=1e-3)
            assert answer.identifier == " ".join(model.table.tokens(kind)[answer.item])
            assert answer.item_id == str(answer.item) and answer.title == f"thing {answer.item}"
        assert [answer.rank for answer in answers] == list(range(1, 31))
        order = [(-answer.log_prob, answer.item) for answer in answers]
        assert order == sorted(order)


@each_backbone
def test_probabilities_are_not_renormalised_over_the_catalogue(backbone):
    _, _, model = model_of(backbone, beams=1000)
    total = sum(answer.probability for answer in model.recommend(HISTORY, 30))
    assert 0 < total < 0.5  # a model with random weights spreads over all 5 ** 4 identifiers and more


@each_backbone
def test_items_that_share_an_identifier_have_equal_probability_and_stand_in_item_order(backbone):
    log, _, model = model_of(backbone, beams=1000)
    model.table.codes[COLLABORATIVE][[11, 2, 20]] = model.table.codes[COLLABORATIVE][5]
    fresh = GenSAR(model.generator, model.vocabulary, model.table, model.items, 1000)
    answers = {answer.item: answer for answer in fresh.recommend(HISTORY, 30)}
    assert len({answers[item].log_prob for item in (2, 5, 11, 20)}) == 1
    ranks = [answers[item].rank for item in (2, 5, 11, 20)]
    assert ranks == list(range(ranks[0], ranks[0] + 4))


@each_backbone
def test_the_beams_list_is_the_top_of_the_exact_scores_when_the_beam_is_wide(backbone):
    log, split, model = model_of(backbone, seed=1, unique=True, beams=1000)
    histories = Histories(log)
    exact = model.scores(split.test, log, histories)
    top = model.top(split.test, 5, log, histories)
    assert exact.shape == (len(split.test), log.n_items)
    assert np.array_equal(top, np.argsort(-exact, axis=1, kind="stable")[:, :5])
    ranker = GenSARRanker(model, log, "GenSAR", "both tasks", histories)
    assert np.array_equal(ranker.scores(split.test), exact)
    assert np.array_equal(ranker.top(split.test, 5), top)


@each_backbone
def test_cases_are_answered_as_recommend_and_search_answer_them(backbone):
    log, split, model = model_of(backbone, seed=1, unique=True)
    histories = Histories(log)
    top = model.top(split.test, 6, log, histories)
    for number, (_, case) in enumerate(split.test.iterrows()):
        history = actions(log, histories.before(case["event"]))
        if case["task"] == SEARCH:
            answers = model.search(history, case["query"], 6)
        else:
            answers = model.recommend(history, 6)
        assert [answer.item for answer in answers] == top[number].tolist()


@each_backbone
def test_exact_scores_of_one_prompt_are_those_its_answers_carry(backbone):
    _, _, model = model_of(backbone, beams=1000)
    for prompt in (Prompt(NSIP, HISTORY, SEARCH, "thing 7"), neutral_prompt(HISTORY, None)):
        exact = model.exact(prompt)
        assert exact.shape == (30,)
        answers = model.ask(prompt, 30)
        assert [answer.log_prob for answer in answers] == pytest.approx(exact[[a.item for a in answers]], abs=1e-4)
    with pytest.raises(QuestionError, match="holds no word"):
        model.exact(Prompt(NSIP, HISTORY, SEARCH, "?"))


@each_backbone
def test_the_query_is_normalised_and_unknown_words_are_told(backbone):
    _, _, model = model_of(backbone)
    assert model.search(HISTORY, "  THING-7? ") == model.search(HISTORY, "thing 7")
    assert model.unknown_words("Thing Zebra, thing! zebra") == ["zebra"]
    assert model.search(HISTORY, "zebra", 3) != model.search(HISTORY, "thing 7", 3)


@each_backbone
@pytest.mark.parametrize("query", ["", "   ", "?!", "<>"])
def test_an_empty_query_is_a_clear_error(backbone, query):
    _, _, model = model_of(backbone)
    with pytest.raises(QuestionError, match="holds no word"):
        model.search(HISTORY, query)
    with pytest.raises(QuestionError, match="holds no word"):
        model.ask(Prompt(DOC2QUERY, behaviour=SEARCH, query=query))


@each_backbone
def test_the_token_alone_may_be_flipped_without_a_query(backbone):
    _, _, model = model_of(backbone, beams=1000)
    recommended, searched = (model.ask(neutral_prompt(HISTORY, name), 30) for name in (RECOMMENDATION, SEARCH))
    assert all("<R1_" in answer.identifier for answer in recommended)
    assert all("<S1_" in answer.identifier for answer in searched)
    both = model.ask(neutral_prompt(HISTORY, None), 30)
    assert {answer.identifier.split()[2][1] for answer in both} == {"R", "S"}
    assert sorted(answer.item for answer in both) == list(range(30))  # each once, under its better identifier


@each_backbone
@pytest.mark.parametrize(
    ("action", "message"),
    [
        (Action(RECOMMENDATION, 30), "names item 30; the catalogue ends at 29"),
        (Action(SEARCH, -1, "thing 3"), "names item -1"),
        (Action(QUERY, -1, "?"), "holds no word"),
        (Action("R_X", 3), "behaviour 'R_X'"),
        (Action(RECOMMENDATION, 3, "", 0), "oldest first"),
    ],
)
def test_a_history_that_cannot_be_is_a_clear_error(backbone, action, message):
    _, _, model = model_of(backbone)
    with pytest.raises(QuestionError, match=message):
        model.recommend((*HISTORY, action))


@each_backbone
def test_how_many_answers(backbone):
    _, _, model = model_of(backbone, beams=3)
    assert len(model.recommend(HISTORY, 1)) == 1
    assert len(model.recommend(HISTORY, 12)) == 12  # the beam widens with the list
    assert len(model.recommend((), 100)) == 30  # no more than there are items, and no repeats
    for k in (0, -1):
        with pytest.raises(QuestionError, match="at least 1"):
            model.recommend(HISTORY, k)


@each_backbone
def test_a_saved_model_answers_bit_by_bit_as_before(backbone, tmp_path):
    log, split, model = model_of(backbone)
    histories = Histories(log)
    model.save(tmp_path)
    again = GenSAR.load(tmp_path)
    assert again.vocabulary.tokens == model.vocabulary.tokens
    assert (again.beams, again.history) == (model.beams, model.history)
    state, saved = model.generator.state_dict(), again.generator.state_dict()
    assert state.keys() == saved.keys() and all(torch.equal(state[name], saved[name]) for name in state)
    assert np.array_equal(again.scores(split.test, log, histories), model.scores(split.test, log, histories))
    assert again.recommend(HISTORY) == model.recommend(HISTORY)
    assert again.search(HISTORY, "thing 7") == model.search(HISTORY, "thing 7")


def test_saving_leaves_the_model_as_it_was_and_can_be_done_twice(tmp_path):
    _, _, model = model_of(text)
    before = model.recommend(HISTORY)
    model.save(tmp_path)
    first = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    model.save(tmp_path)
    assert model.recommend(HISTORY) == before
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == first


@pytest.mark.parametrize("name", ["model.json", "weights.safetensors", "identifiers.parquet", "items.parquet"])
def test_a_folder_that_lacks_a_file_is_refused(tmp_path, name):
    _, _, model = model_of(packed)
    model.save(tmp_path)
    (tmp_path / name).unlink()
    with pytest.raises(store.StageError, match=f"{name} is missing"):
        GenSAR.load(tmp_path)


def test_weights_of_another_model_are_refused(tmp_path):
    log, split, model = model_of(packed)
    model.save(tmp_path)
    facts = store.read_json(tmp_path / "model.json")
    store.write_json(tmp_path / "model.json", facts | {"words": facts["words"][:-1]})
    with pytest.raises(store.StageError, match="do not belong together"):
        GenSAR.load(tmp_path)


def test_the_history_that_is_read_ends_at_the_models_limit():
    _, _, model = model_of(packed)
    model.history = 2
    long = tuple(Action(RECOMMENDATION, item, "", item) for item in range(9))
    assert model.recommend(long) == model.recommend(long[-2:])
    assert model.recommend(long) != model.recommend(long[-3:-1])
