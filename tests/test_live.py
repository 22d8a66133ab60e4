"""Short trainings: they learn, each history once, and silence is silence."""

import pytest
import torch
from generator_data import artefacts_of, packed, parts

from gensar_lite.generate.beam import score_lists
from gensar_lite.generate.model import GenSAR
from gensar_lite.generate.packing import PackedData
from gensar_lite.generate.tasks import TaskMix, neutral_prompt
from gensar_lite.lab import live
from gensar_lite.log.schema import QUERY, RECOMMENDATION, SEARCH


@pytest.fixture(scope="module")
def made():
    """Artefacts of a random log."""
    log, split, table, vocabulary = parts(seed=4, users=30)
    model = GenSAR(packed(vocabulary, table), vocabulary, table, log.items)
    return artefacts_of(log, split, model)


@pytest.fixture(scope="module")
def data(made):
    return live.packed_data(made)


def test_every_history_is_read_once_in_equal_portions(made):
    data = live.packed_data(made)
    windows = list(data.windows)[:12]
    portions = live.Portions(data, windows, 3)
    read = []
    for epoch in range(3):
        batches = list(portions.batches(epoch, 0, rows=2, text_rows=1))
        assert len(batches) == portions.n_batches(2) == 2
        read += [id(window) for window in data.windows]
    assert sorted(read) == sorted(map(id, windows))


def test_a_short_training_is_looked_at_after_each_portion_and_learns(made, data):
    run = live.train_live(made, data, histories=20, looks=4, cases=10)
    assert run.curves.index.tolist() == [5, 10, 15, 20] and run.curves.index.name == "histories"
    assert {"NRIP", "NSIP", "Desc2ID"} <= set(run.curves.columns)
    assert run.curves["NSIP"].iloc[-1] < run.curves["NSIP"].iloc[0]
    levels = run.levels
    assert levels.groupby("histories").size().tolist() == [8] * 4  # two tasks, four levels
    assert levels["right"].between(0, 1).all() and (levels["loss"] > 0).all()
    assert run.seconds > 0 and run.whole >= 20
    assert not run.model.generator.training
    assert len(data.windows) == run.whole  # left as it was


def test_a_task_of_weight_zero_is_read_and_not_learned(made, data):
    without = live.train_live(made, data, histories=20, looks=4, cases=0, mix=TaskMix(nsip=0.0, doc2query=0.0))
    usual = live.train_live(made, data, histories=20, looks=4, cases=0)
    assert without.curves["NSIP"].iloc[0] > usual.curves["NSIP"].iloc[0] - 1
    assert without.curves["NSIP"].iloc[-1] > usual.curves["NSIP"].iloc[-1]


def test_equal_seeds_give_equal_models_and_looking_changes_nothing(made, data):
    one, other = (live.train_live(made, data, histories=12, looks=2, cases=cases).model for cases in (5, 0))
    first, second = one.generator.state_dict(), other.generator.state_dict()
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_silenced_tokens_stay_zero_and_make_both_questions_one(made, data):
    run = live.train_live(made, data, histories=12, looks=2, tokens=False, cases=0)
    assert run.levels.empty
    weight = run.model.generator.embedding.weight
    rows = [run.model.vocabulary.behaviour(behaviour) for behaviour in (RECOMMENDATION, QUERY, SEARCH)]
    assert (weight[rows] == 0).all()
    heard = live.train_live(made, data, histories=12, looks=2, cases=0)
    for one, same in ((run.model, True), (heard.model, False)):
        with torch.no_grad():
            asked = [neutral_prompt((), name) for name in (RECOMMENDATION, SEARCH)]
            read = one.generator.read(asked).memory
        assert torch.equal(read[0], read[1]) is same


def test_alphabets_are_probabilities(made):
    (sample, *_) = live.questions(made, 6)
    mass = live.alphabets(made.model, sample.prompts, sample.answers)
    assert set(mass) == {"semantic", "collaborative"}
    assert sum(mass.values()) == pytest.approx(1, abs=1e-5)


def test_levels_are_those_of_the_right_answers(made):
    asked = live.questions(made, 7)
    table = live.levels_of(made.model, asked)
    assert table.groupby("task").size().to_dict() == {"R_I": 4, "S_I": 4}
    for part in asked:
        exact = score_lists(made.model.generator, part.prompts, part.answers[:, None])[:, 0]
        assert table.loc[table["task"] == part.task, "loss"].sum() == pytest.approx(-exact.mean(), rel=1e-4)


def test_examples_of_each_task_are_counted_as_they_are_trained(made):
    for extra in (True, False):
        mix = TaskMix(extra_targets=extra)
        counted = live.task_examples(made, mix)
        data = PackedData(made.log, made.split, made.table, made.model.vocabulary, mix)
        asked = dict.fromkeys(counted.index, 0)
        for batch in data.batches(0, 0, rows=len(data.windows), text_rows=10_000):
            for part in batch.asked:
                asked[part.task] += len(part.place)
        for task in ("NRIP", "NSIP", "NSQP", "Desc2ID", "ID2Desc", "doc2query"):
            assert counted.loc[task, "examples"] == asked[task], task
        assert counted["weight"].to_dict() == {task: mix.weight(task) for task in counted.index}


def test_hits_are_compared_case_by_case(made):
    found = live.hits(made.model, made, 5)
    assert found.groupby("task").size().to_dict() == {"R_I": 5, "S_I": 5}
    all_items = live.hits(made.model, made, 5, k=made.log.n_items, beams=1000)
    assert all_items["hit"].all()
    compared = live.compare_hits({"all": all_items, "none": all_items.assign(hit=False), "some": found})
    none = compared[compared["model"] == "none"]
    assert none["change"].tolist() == [-1, -1] and none["chance"].tolist() == [0, 0]
    assert compared[compared["model"] == "all"]["change"].tolist() == [0, 0]
