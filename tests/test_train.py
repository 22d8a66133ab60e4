from dataclasses import replace

import pytest
import torch
from generator_data import packed, parts, text

from gensar_lite import store
from gensar_lite.generate.packing import PackedData
from gensar_lite.generate.tasks import INSTRUCTIONS, TaskMix, training_examples
from gensar_lite.generate.text_model import TextData
from gensar_lite.generate.train import RunningAverage, TrainSettings, train

MIX = TaskMix()
SETTINGS = TrainSettings(epochs=4, rows=4, text_rows=3, validate_every=1, seed=3)
BACKBONES = ["packed", "text"]


class Killed(Exception):
    """Stands for the plug being pulled."""


@pytest.fixture(scope="module")
def world():
    return parts(seed=2, users=6)


def make(backbone, world, seed=0):
    """(model, data), fresh."""
    log, split, table, vocabulary = world
    if backbone == "packed":
        return packed(vocabulary, table, seed=seed), PackedData(log, split, table, vocabulary, MIX)
    model = text(vocabulary, table, seed=seed)
    examples = training_examples(log, split, table, vocabulary, MIX)[::9]
    return model, TextData(examples, model.renderer)


def run(model, data, settings=SETTINGS, folder=None, validate=None, mix=MIX, made_from=""):
    return train(model, data, mix, settings, folder, validate, progress=False, made_from=made_from)


def same(one, other):
    """True if two state dicts are bit-equal."""
    return one.keys() == other.keys() and all(torch.equal(one[name], other[name]) for name in one)


def scripted(scores):
    """A validation that gives these scores in turn; None kills the run."""
    left = list(scores)

    def look():
        score = left.pop(0)
        if score is None:
            raise Killed
        return score

    return look


def without_time(records):
    return [
        {name: value for name, value in record.items() if name not in ("seconds", "cpu_seconds")} for record in records
    ]


@pytest.mark.parametrize("backbone", BACKBONES)
def test_learning_lowers_the_loss_of_every_task(world, backbone):
    model, data = make(backbone, world)
    records = run(model, data, replace(SETTINGS, epochs=6, rows=8, text_rows=20, learning_rate=5e-3))
    assert [record["epoch"] for record in records] == list(range(1, 7))
    assert set(INSTRUCTIONS) <= set(records[0])
    first, last = (sum(record[task] for task in INSTRUCTIONS) for record in (records[0], records[-1]))
    assert last < first - 1
    assert not model.training


@pytest.mark.parametrize("backbone", BACKBONES)
def test_equal_seeds_give_equal_weights_and_other_seeds_do_not(world, backbone):
    weights = []
    for seed in (3, 3, 4):
        model, data = make(backbone, world)
        run(model, data, replace(SETTINGS, epochs=1, seed=seed))
        weights.append(model.state_dict())
    assert same(weights[0], weights[1])
    assert not same(weights[0], weights[2])


@pytest.mark.parametrize("backbone", BACKBONES)
def test_a_killed_run_called_again_ends_as_if_never_interrupted(world, backbone, tmp_path):
    scores = [0.1, 0.4, 0.2, 0.3]
    whole, data = make(backbone, world)
    expected = run(whole, data, validate=scripted(scores))

    model, data = make(backbone, world)
    with pytest.raises(Killed):
        run(model, data, folder=tmp_path, validate=scripted([0.1, 0.4, None]))
    again, data = make(backbone, world, seed=9)  # other weights: all must come from the checkpoint
    records = run(again, data, folder=tmp_path, validate=scripted([0.2, 0.3]))
    assert without_time(records) == without_time(expected)
    assert same(again.state_dict(), whole.state_dict())
    assert records[-1]["seconds"] > records[1]["seconds"] > 0
    assert records[-1]["cpu_seconds"] > records[1]["cpu_seconds"] > 0


def test_a_run_killed_within_an_epoch_repeats_that_epoch_only(world, tmp_path):
    whole, data = make("packed", world)
    run(whole, data)

    class Cut:
        """Batches that end in the middle of the third epoch."""

        n_batches = data.n_batches

        def batches(self, epoch, seed, rows, text_rows):
            for number, batch in enumerate(data.batches(epoch, seed, rows, text_rows)):
                if epoch == 2 and number == 1:
                    raise Killed
                yield batch

    model, _ = make("packed", world)
    with pytest.raises(Killed):
        run(model, Cut(), folder=tmp_path)
    again, data = make("packed", world, seed=9)
    assert len(run(again, data, folder=tmp_path)) == 4
    assert same(again.state_dict(), whole.state_dict())


def test_a_finished_run_called_again_learns_nothing_more(world, tmp_path):
    model, data = make("packed", world)
    records = run(model, data, folder=tmp_path, validate=scripted([0.1, 0.4, 0.2, 0.3]))
    again, data = make("packed", world, seed=9)
    assert run(again, data, folder=tmp_path, validate=scripted([])) == records
    assert same(again.state_dict(), model.state_dict())


@pytest.mark.parametrize("backbone", BACKBONES)
def test_the_best_validated_epoch_is_kept(world, backbone):
    short, data = make(backbone, world)
    states = []

    def look():
        states.append({name: value.clone() for name, value in short.state_dict().items()})
        return [0.1, 0.5, 0.2, 0.5][len(states) - 1]

    records = run(short, data, validate=look)
    assert [record["validation"] for record in records] == [0.1, 0.5, 0.2, 0.5]
    assert same(short.state_dict(), states[1])  # the first of two equally good ones
    assert not same(states[1], states[3])


def test_validation_is_looked_at_now_and_then_and_after_the_last_epoch(world):
    model, data = make("packed", world)
    records = run(model, data, replace(SETTINGS, epochs=5, validate_every=2), validate=lambda: 1.0)
    assert [record["epoch"] for record in records if "validation" in record] == [2, 4, 5]


@pytest.mark.parametrize("backbone", BACKBONES)
def test_without_validation_the_last_average_stays_and_none_means_the_last_weights(world, backbone):
    seen = {}
    for averaging in (0.0, 0.9):
        model, data = make(backbone, world)
        before = {name: value.clone() for name, value in model.state_dict().items()}
        run(model, data, replace(SETTINGS, epochs=1, averaging=averaging))
        looked, data = make(backbone, world)
        run(looked, data, replace(SETTINGS, epochs=1, averaging=averaging), validate=lambda: 1.0)
        assert same(model.state_dict(), looked.state_dict())
        assert not same(model.state_dict(), before)
        seen[averaging] = model.state_dict()
    assert not same(seen[0.0], seen[0.9])


def test_the_running_average_is_the_decayed_mean_of_the_weights_after_each_step():
    layer = torch.nn.Linear(2, 1, bias=False)
    average = RunningAverage(layer, 0.5)
    expected = layer.weight.detach().clone()
    for step in range(20):
        with torch.no_grad():
            layer.weight.copy_(torch.tensor([[float(step), -1.0]]))
        average.update(step)
        kept = min(0.5, (1 + step) / (10 + step))  # 0.1 after the first step: the start is soon forgotten
        expected = kept * expected + (1 - kept) * layer.weight.detach()
    assert torch.allclose(average.tensors[0], expected)
    average.swap()
    assert torch.allclose(layer.weight, expected) and average.tensors[0].tolist() == [[19.0, -1.0]]
    average.swap()
    assert layer.weight.tolist() == [[19.0, -1.0]]


@pytest.mark.parametrize(
    "other",
    [
        {"settings": replace(SETTINGS, epochs=5)},
        {"settings": replace(SETTINGS, seed=4)},
        {"mix": MIX._replace(nsip=0.5)},
        {"made_from": "another log"},
    ],
)
def test_a_checkpoint_of_other_settings_is_refused_and_left_alone(world, tmp_path, other):
    model, data = make("packed", world)
    with pytest.raises(Killed):
        run(model, data, folder=tmp_path, validate=scripted([0.1, None]), made_from="this log")
    file = tmp_path / "checkpoint.safetensors"
    kept = file.read_bytes()
    with pytest.raises(store.StageError, match="other settings or data. Delete it"):
        run(model, data, **{"folder": tmp_path, "made_from": "this log", **other})
    assert file.read_bytes() == kept


@pytest.mark.parametrize("damage", [lambda data: data[:100], lambda data: data[: len(data) // 2], lambda data: b""])
def test_a_damaged_checkpoint_is_refused_with_a_remedy(world, tmp_path, damage):
    model, data = make("packed", world)
    with pytest.raises(Killed):
        run(model, data, folder=tmp_path, validate=scripted([0.1, None]))
    file = tmp_path / "checkpoint.safetensors"
    file.write_bytes(damage(file.read_bytes()))
    with pytest.raises(store.StageError, match="Delete it"):
        run(model, data, folder=tmp_path)


def test_tasks_of_weight_zero_are_not_learned(world):
    log, split, table, vocabulary = world
    mix = TaskMix(nsip=0.0, doc2query=0.0)
    model, _ = make("packed", world)
    records = run(model, PackedData(log, split, table, vocabulary, mix), replace(SETTINGS, epochs=1), mix=mix)
    assert set(records[0]) == {"epoch", "seconds", "cpu_seconds", "NRIP", "NSQP", "Desc2ID", "ID2Desc"}


def test_a_checkpoint_of_a_model_built_otherwise_is_refused_with_a_remedy(world, tmp_path):
    """As one that an earlier version left: the same settings, other weights."""
    model, data = make("packed", world)
    with pytest.raises(Killed):
        run(model, data, folder=tmp_path, validate=scripted([0.1, None]))
    del model.look_back
    with pytest.raises(store.StageError, match="built otherwise.*Delete it"):
        run(model, data, folder=tmp_path)
