"""The commands on a small corner shop: every stage, its refusals, and bad input of every kind."""

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from gensar_lite import store
from gensar_lite.cli import main
from gensar_lite.log.corner_shop import CornerShopSettings, make_corner_shop
from gensar_lite.log.joint import write_log

QUICK = ["--quiet"]


@pytest.fixture(scope="module")
def small_log(tmp_path_factory) -> Path:
    """A corner shop of 320 items and 60 users in the kit's own form."""
    folder = tmp_path_factory.mktemp("log")
    write_log(make_corner_shop(CornerShopSettings(items=320, users=60, seed=7)).log, folder)
    return folder


@pytest.fixture(scope="module")
def finished(small_log, tmp_path_factory) -> Path:
    """A folder in which every stage has run, by ``run``."""
    out = tmp_path_factory.mktemp("run")
    code = main(
        [
            "run",
            "--log",
            str(small_log),
            "--out",
            str(out),
            "--model",
            "tfidf",
            "--codes",
            "16",
            "--epochs",
            "1",
            *QUICK,
        ]
    )
    assert code == 0
    return out


def test_run_leaves_every_stage_with_a_manifest(finished):
    for stage in ("log", "embed", "identify", "train", "evaluate"):
        manifest = store.read_json(finished / stage / "manifest.json")
        assert manifest["stage"] == stage and manifest["fingerprint"]
    table = pd.read_csv(finished / "evaluate" / "table.csv")
    assert {"GenSAR", "random", "popularity"} <= {name.split(" ")[0] for name in table["ranker"]} | set(table["ranker"])
    assert not list(finished.rglob(".*.tmp")) and not (finished / "train" / "checkpoint.safetensors").exists()


def test_run_again_keeps_what_stands(finished, small_log, capsys):
    before = (finished / "train" / "weights.safetensors").stat().st_mtime_ns
    arguments = ["run", "--log", str(small_log), "--out", str(finished), "--model", "tfidf", "--codes", "16"]
    assert main([*arguments, "--epochs", "1", *QUICK]) == 0
    assert "train: finished, kept" in capsys.readouterr().out
    assert (finished / "train" / "weights.safetensors").stat().st_mtime_ns == before


def test_recommend_and_search_answer_with_probabilities(finished, small_log, capsys):
    users = pd.read_parquet(small_log / "events.parquet")["user_id"]
    ask = ["--log", str(small_log), "--out", str(finished), "-k", "3"]
    assert main(["recommend", *ask, "--user", str(users.iloc[0])]) == 0
    lines = capsys.readouterr().out.strip().splitlines()
    assert len(lines) == 3
    chances = [float(line.split()[1]) for line in lines]
    assert chances == sorted(chances, reverse=True)
    item = pd.read_parquet(small_log / "items.parquet")["item_id"].iloc[3]
    assert main(["search", *ask, "--history", f"R_I:{item}, S_Q:lamp", "--query", "Tent, please! zzyzx"]) == 0
    assert "zzyzx" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("arguments", "word"),
    [
        (["search", "--query", " ?! "], "no word"),
        (["recommend", "--user", "nobody"], "not in the log"),
        (["recommend", "--history", "R_I:no-such-item"], "not in the catalogue"),
        (["recommend", "--history", "buy:1"], "not of the form"),
    ],
)
def test_questions_without_an_answer(finished, small_log, capsys, arguments, word):
    assert main([*arguments, "--log", str(small_log), "--out", str(finished)]) == 2
    assert word in capsys.readouterr().err


def test_a_stage_refuses_what_another_log_made(finished, tmp_path, capsys):
    other = tmp_path / "other"
    write_log(make_corner_shop(CornerShopSettings(items=320, users=60, seed=8)).log, other)
    for command in ("identify", "train", "evaluate", "recommend"):
        assert main([command, "--log", str(other), "--out", str(finished)]) == 2
        assert "another log" in capsys.readouterr().err


def test_a_stage_refuses_what_another_scheme_or_version_made(finished, small_log, tmp_path, capsys):
    copy = tmp_path / "copy"
    shutil.copytree(finished, copy)
    identify = ["identify", "--log", str(small_log), "--out", str(copy), "--codes", "16", *QUICK]
    assert main([*identify, "--scheme", "joint-kmeans"]) == 0
    capsys.readouterr()
    assert main(["evaluate", "--log", str(small_log), "--out", str(copy)]) == 2
    assert "another identify" in capsys.readouterr().err
    manifest = store.read_json(copy / "embed" / "manifest.json")
    store.write_json(copy / "embed" / "manifest.json", manifest | {"format": 0})
    assert main(identify) == 2
    assert "format 0" in capsys.readouterr().err


def test_stages_want_the_ones_before_them(small_log, tmp_path, capsys):
    for command, missing in (("identify", "embed"), ("train", "embed"), ("evaluate", "identify")):
        assert main([command, "--log", str(small_log), "--out", str(tmp_path / "empty")]) == 2
        assert f"'{missing}'" in capsys.readouterr().err


def _damage(name: str, folder: Path) -> None:
    events, items = (pd.read_parquet(folder / f"{part}.parquet") for part in ("events", "items"))
    if name == "missing column":
        events.drop(columns="behaviour").to_parquet(folder / "events.parquet")
    elif name == "empty log":
        events.iloc[:0].to_parquet(folder / "events.parquet")
    elif name == "unknown behaviour":
        events.assign(behaviour=["BUY", *events["behaviour"].astype(str)[1:]]).to_parquet(folder / "events.parquet")
    elif name == "unsorted time stamps":
        events.iloc[::-1].to_parquet(folder / "events.parquet")
    elif name == "non-numeric time stamps":
        events.assign(timestamp="yesterday").to_parquet(folder / "events.parquet")
    elif name == "items without text":
        items.assign(title="", description="", categories="").to_parquet(folder / "items.parquet")
    elif name == "one item":
        items.iloc[:1].to_parquet(folder / "items.parquet")
    elif name == "not UTF-8":
        (folder / "items.parquet").unlink()
        (folder / "items.csv").write_bytes("item_id,title\n1,Käse\n".encode("latin-1"))
    elif name == "truncated parquet":
        whole = (folder / "events.parquet").read_bytes()
        (folder / "events.parquet").write_bytes(whole[: len(whole) // 2])


DAMAGES = (
    "missing column",
    "empty log",
    "unknown behaviour",
    "unsorted time stamps",
    "non-numeric time stamps",
    "items without text",
    "one item",
    "not UTF-8",
    "truncated parquet",
)


@pytest.mark.parametrize("damage", DAMAGES)
def test_bad_input_is_one_clear_line_and_nothing_written(small_log, tmp_path, capsys, damage):
    folder, out = tmp_path / "log", tmp_path / "out"
    shutil.copytree(small_log, folder)
    _damage(damage, folder)
    assert main(["embed", "--log", str(folder), "--out", str(out), "--model", "tfidf", *QUICK]) == 2
    message = capsys.readouterr().err
    assert message.startswith("gensar-lite: ") and len(message.strip().splitlines()) <= 6 and "Traceback" not in message
    assert not out.exists()


def test_users_with_one_event_are_no_error(small_log, tmp_path, capsys):
    events = pd.read_parquet(small_log / "events.parquet")
    lonely = events[events["behaviour"] == "R_I"].head(1).assign(user_id="lonely")
    folder = tmp_path / "log"
    shutil.copytree(small_log, folder)
    pd.concat([events, lonely]).to_parquet(folder / "events.parquet")
    assert main(["log", "--log", str(folder), "--out", str(tmp_path / "out")]) == 0
    assert json.loads((tmp_path / "out" / "log" / "manifest.json").read_text())["counts"]["users"] == 61


def test_output_that_cannot_be_written(small_log, tmp_path, capsys):
    blocked = tmp_path / "file"
    blocked.write_text("in the way")
    assert main(["log", "--log", str(small_log), "--out", str(blocked)]) == 2
    assert str(blocked) in capsys.readouterr().err


def test_an_interrupted_training_goes_on(finished, small_log, tmp_path, monkeypatch, capsys):
    from gensar_lite.generate.train import Checkpoint

    out = tmp_path / "out"
    shutil.copytree(finished, out)
    train = ["train", "--log", str(small_log), "--out", str(out), "--epochs", "2", *QUICK]
    save = Checkpoint.save

    def save_and_stop(self, *arguments):
        save(self, *arguments)
        raise KeyboardInterrupt

    monkeypatch.setattr(Checkpoint, "save", save_and_stop)
    assert main(train) == 130
    assert not (out / "train" / "manifest.json").exists() and (out / "train" / "checkpoint.safetensors").exists()
    assert main(["evaluate", "--log", str(small_log), "--out", str(out)]) == 2
    assert "has not finished" in capsys.readouterr().err
    monkeypatch.setattr(Checkpoint, "save", save)
    assert main(train) == 0
    uninterrupted = tmp_path / "whole"
    shutil.copytree(finished, uninterrupted)
    assert main(["train", "--log", str(small_log), "--out", str(uninterrupted), "--epochs", "2", *QUICK]) == 0
    files = [(folder / "train" / "weights.safetensors").read_bytes() for folder in (out, uninterrupted)]
    assert np.array_equal(*(np.frombuffer(file, dtype=np.uint8) for file in files))
