"""SASRec: what a target may see, what shapes a weight, that it learns, and that long work survives a kill."""

from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
import torch
from log_data import events_frame, items_frame, random_log, recommended, searched

from gensar_lite import store
from gensar_lite.embed import collaborative
from gensar_lite.embed.cache import DamagedFileError
from gensar_lite.embed.collaborative import cut_windows, recall_sasrec, train_sasrec
from gensar_lite.embed.sasrec import RECORD, WEIGHTS, SASRec, SASRecNetwork, SASRecSettings
from gensar_lite.log.schema import JointLog, make_log
from gensar_lite.log.split import Histories, Split, leave_one_out

TINY = SASRecSettings(dim=16, max_history=8, epochs=4, batch=64, dropout=0.2, learning_rate=3e-3)


@pytest.fixture(scope="module")
def tied() -> tuple[JointLog, Split]:
    """Random clicks on six days: most events share their instant with others."""
    log = random_log(3, users=40, items=30)
    return log, leave_one_out(log)


@pytest.fixture(scope="module")
def cycles() -> tuple[JointLog, Split]:
    """Forty items in eight rings of five; who clicks an item clicks the next one of its ring. One item is never met."""
    rng = np.random.default_rng(0)
    rows: list[tuple] = []
    for user in range(150):
        ring, place = rng.integers(8), rng.integers(5)
        for time in range(8):
            item = int(5 * ring + (place + time) % 5)
            rows += (
                [recommended(f"u{user}", item, time)] if rng.random() < 0.5 else searched(f"u{user}", item, time, time)
            )
    log = make_log("cycles", items_frame(41), events_frame(rows))
    return log, leave_one_out(log)


@pytest.fixture(scope="module")
def trained(cycles) -> SASRec:
    settings = replace(TINY, epochs=40, dropout=0.1, learning_rate=1e-2)
    return train_sasrec(*cycles, settings, progress=False)


def _weights(model: SASRec) -> dict[str, torch.Tensor]:
    return model.network.state_dict()


def _equal(one: SASRec, other: SASRec) -> bool:
    left, right = _weights(one), _weights(other)
    return left.keys() == right.keys() and all(torch.equal(left[name], right[name]) for name in left)


def _with_item(log: JointLog, event: int, item: int) -> JointLog:
    events = log.events.copy()
    events.loc[event, "item"] = item
    return replace(log, events=events)


def _without_validation(split: Split) -> Split:
    return replace(split, validation=split.validation[:0])


@pytest.mark.parametrize("targets", ["all", "recommendation"])
@pytest.mark.parametrize("max_history", [1, 3, 4, 50])
def test_every_target_stands_once_behind_the_training_events_before_its_instant(tied, targets, max_history):
    log, split = tied
    windows = cut_windows(log, split, targets, max_history)
    found = []
    for window in range(len(windows.first)):
        assert windows.length[window] <= max_history
        for target in range(windows.targets[window], windows.targets[window + 1]):
            first, slot = windows.first[window], windows.slot[target]
            assert slot <= windows.length[window]
            found.append((int(windows.item[target]), *windows.items[first : first + slot].tolist()))
    histories, item = Histories(log), log.events["item"].to_numpy()
    is_target = split.train & (item >= 0)
    if targets == "recommendation":
        is_target &= (log.events["behaviour"] == "R_I").to_numpy()
    expected = []
    for event in np.flatnonzero(is_target):
        before = histories.before(event)
        before = item[before[split.train[before] & (item[before] >= 0)]].tolist()
        shift = -(-max(len(before) - max_history, 0) // max(1, max_history // 2)) * max(1, max_history // 2)
        expected.append((int(item[event]), *before[shift:]))
    assert sorted(found) == sorted(expected)
    assert len(found) > 30


def test_a_state_sees_nothing_to_its_right():
    torch.manual_seed(0)
    network = SASRecNetwork(20, TINY).eval()
    items = torch.randint(20, (3, 9))
    changed = items.clone()
    changed[:, 5:] = (items[:, 5:] + 7) % 20
    with torch.no_grad():
        before, after = network(items), network(changed)
    assert torch.equal(before[:, :5], after[:, :5])
    assert (before[:, 5:] - after[:, 5:]).abs().max() > 1e-3


def test_events_of_the_target_s_instant_or_later_change_no_score(tied, tmp_path):
    log, split = tied
    model = train_sasrec(log, split, replace(TINY, epochs=1), progress=False)
    model.save(tmp_path)
    events, tried = log.events, {"earlier": 0, "same": 0, "later": 0}
    for place in range(len(split.test)):
        case = split.test.iloc[[place]]
        scores = model.scores(case)
        user, time, target = (case[name].iloc[0] for name in ("user", "timestamp", "event"))
        for event in np.flatnonzero((events["user"] == user) & (events["item"] >= 0)):
            moment = events["timestamp"].iloc[event]
            when = "earlier" if moment < time else "same" if moment == time else "later"
            if event == target or tried[when] >= 5 or case["n_history"].iloc[0] > TINY.max_history:
                continue
            other = SASRec.load(tmp_path, _with_item(log, event, (events["item"].iloc[event] + 1) % 30))
            assert np.array_equal(other.scores(case), scores) == (when != "earlier")
            tried[when] += 1
    assert min(tried.values()) == 5


def test_no_held_out_event_shapes_a_weight(tied):
    log, split = tied
    split = _without_validation(split)
    settings = replace(TINY, epochs=1)
    plain = train_sasrec(log, split, settings, progress=False)
    held_out = log
    for event in np.flatnonzero(~split.train & (log.events["item"] >= 0)):
        held_out = _with_item(held_out, event, 29)
    assert not held_out.events["item"].equals(log.events["item"])
    assert _equal(plain, train_sasrec(held_out, split, settings, progress=False))
    learned = _with_item(log, int(np.flatnonzero(split.train & (log.events["item"] >= 0))[0]), 29)
    assert not _equal(plain, train_sasrec(learned, split, settings, progress=False))


def test_it_learns_a_planted_order_that_popularity_cannot_know(cycles, trained):
    log, split = cycles
    target = split.test["item"].to_numpy()
    hits = (trained.scores(split.test).argmax(axis=1) == target).mean()
    train_items = log.events["item"][split.train & (log.events["item"] >= 0)]
    popular = (target == train_items.value_counts().index[0]).mean()
    assert hits > 0.9
    assert popular < 0.2
    losses = [line["loss"] for line in trained.record]
    assert losses[-1] < 0.5 * losses[0]
    kept = [line for line in trained.record if line["kept"]]
    assert kept[0]["ndcg"] == max(line["ndcg"] for line in trained.record)
    assert len(kept) == 1


def test_items_without_training_events_get_the_mean_and_rank_low(cycles, trained):
    assert np.flatnonzero(~trained.seen).tolist() == [40]
    matrix = trained.item_embeddings()
    assert matrix.shape == (41, 16)
    assert matrix.dtype == np.float32
    np.testing.assert_allclose(matrix[40], matrix[:40].mean(axis=0), rtol=1e-5, atol=1e-7)
    scores = trained.scores(cycles[1].test)
    above = (scores > scores[:, 40:]).sum(axis=1)
    assert (above >= 5).mean() > 0.9, "the ring of five stands above it"


def test_histories_may_be_empty_or_long(trained):
    long = np.arange(40)
    scores = trained.scores_after([np.array([], dtype=int), long, long[-TINY.max_history :], long[-3:]])
    assert np.isfinite(scores).all()
    np.testing.assert_allclose(scores[1], scores[2], atol=1e-5)
    assert np.abs(scores[1] - scores[3]).max() > 1e-2
    assert trained.scores_after([]).shape == (0, 41)


def test_saved_and_loaded_it_is_the_same_to_the_last_bit(cycles, trained, tmp_path):
    log, split = cycles
    trained.save(tmp_path)
    again = SASRec.load(tmp_path, log)
    assert _equal(trained, again)
    assert np.array_equal(trained.item_embeddings(), again.item_embeddings())
    assert np.array_equal(trained.scores(split.test), again.scores(split.test))
    assert (again.name, again.settings, again.record) == (trained.name, trained.settings, trained.record)


def test_another_catalogue_or_a_damaged_folder_is_refused(cycles, trained, tied, tmp_path):
    log, _ = cycles
    trained.save(tmp_path)
    with pytest.raises(store.StageError, match="another catalogue"):
        SASRec.load(tmp_path, tied[0])
    content = bytearray((tmp_path / WEIGHTS).read_bytes())
    content[-1] ^= 1
    (tmp_path / WEIGHTS).write_bytes(content)
    with pytest.raises(DamagedFileError, match="does not belong"):
        SASRec.load(tmp_path, log)
    (tmp_path / RECORD).write_text("{}")
    with pytest.raises(DamagedFileError, match="no finished SASRec"):
        SASRec.load(tmp_path, log)


@pytest.mark.parametrize("killed_in", [1, 3])
def test_a_killed_training_goes_on_to_the_same_weights(killed_in, tied, tmp_path, monkeypatch):
    log, split = tied
    whole = train_sasrec(log, split, TINY, progress=False)
    path = tmp_path / "checkpoint.safetensors"
    epoch = collaborative._Training.epoch
    ran = []

    def epoch_or_kill(run):
        if len(run.record) == killed_in and not ran.count("killed"):
            ran.append("killed")
            raise KeyboardInterrupt
        ran.append(len(run.record))
        return epoch(run)

    monkeypatch.setattr(collaborative._Training, "epoch", epoch_or_kill)
    with pytest.raises(KeyboardInterrupt):
        train_sasrec(log, split, TINY, progress=False, checkpoint=path)
    torch.rand(5)  # a resumed run starts from any state of the global generator
    resumed = train_sasrec(log, split, TINY, progress=False, checkpoint=path)
    assert [number for number in ran if number != "killed"] == list(range(TINY.epochs)), "no epoch ran twice"
    assert _equal(whole, resumed)
    assert whole.record == resumed.record


@pytest.mark.parametrize("case", ["damaged", "other"])
def test_a_checkpoint_that_does_not_fit_is_announced(case, tied, tmp_path):
    log, split = tied
    path = tmp_path / "checkpoint.safetensors"
    short = replace(TINY, epochs=1)
    if case == "other":
        train_sasrec(log, split, replace(short, seed=5), progress=False, checkpoint=path)
    else:
        path.write_bytes(b"cut short")
    with pytest.warns(UserWarning, match="anew"):
        model = train_sasrec(log, split, short, progress=False, checkpoint=path)
    assert _equal(model, train_sasrec(log, split, short, progress=False))


def test_a_checkpoint_that_cannot_be_written_is_announced_and_the_training_goes_on(tied, tmp_path):
    (tmp_path / "file").write_text("in the way")
    with pytest.warns(UserWarning, match="no checkpoint"):
        model = train_sasrec(*tied, replace(TINY, epochs=2), progress=False, checkpoint=tmp_path / "file" / "c")
    assert len(model.record) == 2


def test_what_is_kept_is_found_again_and_belongs_to_its_inputs(tied, tmp_path, monkeypatch):
    log, split = tied
    short = replace(TINY, epochs=1)
    first = recall_sasrec(log, split, short, progress=False, cache=tmp_path)
    recall_sasrec(log, split, replace(short, seed=1), progress=False, cache=tmp_path)
    recall_sasrec(log, split, short, "recommendation", progress=False, cache=tmp_path)
    fewer = replace(split, train=split.train & (np.arange(len(split.train)) > 3))
    recall_sasrec(log, fewer, short, progress=False, cache=tmp_path)
    folders = sorted(tmp_path.iterdir())
    assert len(folders) == 4
    assert all(sorted(file.name for file in folder.iterdir()) == [RECORD, WEIGHTS] for folder in folders)
    with monkeypatch.context() as patch:
        patch.setattr(collaborative._Training, "epoch", lambda run: pytest.fail("trained though it was kept"))
        assert _equal(first, recall_sasrec(log, split, short, progress=False, cache=tmp_path))
    for folder in folders:
        (folder / WEIGHTS).write_bytes((folder / WEIGHTS).read_bytes()[:-3])
    with pytest.warns(UserWarning, match="computing it again"):
        assert _equal(first, recall_sasrec(log, split, short, progress=False, cache=tmp_path))


def test_training_repeats_and_leaves_the_global_generator_alone(tied):
    log, split = tied
    torch.manual_seed(11)
    expected = torch.rand(3)
    torch.manual_seed(11)
    one = train_sasrec(log, split, replace(TINY, epochs=1), progress=False)
    assert torch.equal(torch.rand(3), expected)
    assert _equal(one, train_sasrec(log, split, replace(TINY, epochs=1), progress=False))
    assert not _equal(one, train_sasrec(log, split, replace(TINY, epochs=1, seed=1), progress=False))


def test_it_stops_when_validation_no_longer_improves(cycles):
    log, split = cycles
    settings = replace(TINY, epochs=60, patience=2, learning_rate=2e-2)
    model = train_sasrec(log, split, settings, progress=False)
    best = [line["epoch"] for line in model.record if line["kept"]]
    assert len(model.record) < 60
    assert len(model.record) == best[0] + 3
    assert np.allclose(collaborative._Training._ndcg(_Replay(model, split)), model.record[best[0]]["ndcg"])


class _Replay:
    """What ``_ndcg`` reads of a training: the kept model, asked again."""

    def __init__(self, model: SASRec, split: Split) -> None:
        self.model = model
        self.validation = split.validation


def test_without_validation_cases_the_last_epoch_is_kept(tied):
    log, split = tied
    model = train_sasrec(log, _without_validation(split), replace(TINY, epochs=2), progress=True)
    assert [(line["ndcg"], line["kept"]) for line in model.record] == [(None, False), (None, True)]


def test_validation_ndcg_matches_a_slow_count(tied):
    log, split = tied
    model = train_sasrec(log, split, replace(TINY, epochs=1), progress=False)
    gains = []
    for row, item in zip(model.scores(split.validation), split.validation["item"]):
        ranking = sorted(range(log.n_items), key=lambda other: (-row[other], other))
        rank = ranking.index(item)
        gains.append(1 / np.log2(rank + 2) if rank < 10 else 0)
    assert model.record[0]["ndcg"] == pytest.approx(np.mean(gains))


def test_the_sampled_softmax_estimates_the_full_one(monkeypatch):
    generator = torch.Generator().manual_seed(0)
    state, catalogue = torch.randn(40, 8, generator=generator), torch.randn(300, 8, generator=generator)
    item = torch.randint(300, (40,), generator=generator)
    full = collaborative._loss(state, catalogue, item)
    monkeypatch.setattr(collaborative, "FULL_SOFTMAX", 10)
    monkeypatch.setattr(collaborative, "NEGATIVES", 50_000)
    torch.manual_seed(0)
    assert collaborative._loss(state, catalogue, item).item() == pytest.approx(full.item(), abs=0.02)


def test_a_large_catalogue_trains_on_sampled_negatives(cycles, monkeypatch):
    monkeypatch.setattr(collaborative, "FULL_SOFTMAX", 10)
    monkeypatch.setattr(collaborative, "NEGATIVES", 20)
    log, split = cycles
    settings = replace(TINY, epochs=30, dropout=0.1, learning_rate=1e-2)
    model = train_sasrec(log, split, settings, progress=False)
    assert (model.scores(split.test).argmax(axis=1) == split.test["item"]).mean() > 0.8


def test_recommendation_targets_need_recommendations():
    rows = [row for time in range(4) for row in searched("ann", time, time, time)]
    log = make_log("searches", items_frame(4), events_frame(rows))
    with pytest.raises(ValueError, match="'searches' has no training event for targets 'recommendation'"):
        train_sasrec(log, leave_one_out(log), TINY, "recommendation", progress=False)


def test_one_user_and_two_items_are_enough():
    rows = [recommended("ann", 0, time) for time in range(4)]
    log = make_log("least", items_frame(2), events_frame(rows))
    model = train_sasrec(log, leave_one_out(log), replace(TINY, epochs=1), progress=False)
    assert model.scores(leave_one_out(log).test).shape == (1, 2)
    assert np.array_equal(model.item_embeddings()[0], model.item_embeddings()[1]), "the mean of the only trained item"


@pytest.mark.parametrize(
    ("change", "word"),
    [({"epochs": 0}, "epochs is 0"), ({"dim": 15}, "divided among 2 heads"), ({"dropout": 1.0}, "below 1")],
)
def test_impossible_settings_are_refused(change, word):
    with pytest.raises(ValueError, match=word):
        replace(TINY, **change)


def test_a_diverging_training_is_an_error_not_a_result(tied):
    log, split = tied
    with pytest.raises(ValueError, match="lower learning_rate"):
        train_sasrec(log, split, replace(TINY, learning_rate=1e30, epochs=3), progress=False)


def test_cases_need_only_their_event(cycles, trained):
    _, split = cycles
    only = pd.DataFrame({"event": split.test["event"]})
    assert np.array_equal(trained.scores(only), trained.scores(split.test))
