"""The benchmark of the flip runs and tells what it should; how fast is not judged here."""

import json

from generator_data import artefacts_of, model_of, packed

from gensar_lite.lab import bench_flip


def test_every_question_is_timed_once():
    told = bench_flip.measure(artefacts_of(*model_of(packed, seed=1, unique=True)), questions=5)
    assert told.questions == 5
    assert 0 < told.median <= told.slowest and told.processor > 0
    assert told.median < told.with_tree <= told.slowest_with_tree


def test_the_command_prints_and_writes_and_fails_above_a_second(tmp_path, monkeypatch, capsys):
    monkeypatch.setattr(bench_flip, "open_artefacts", lambda: None)
    monkeypatch.setattr(bench_flip.torch, "set_num_threads", lambda threads: None)
    for slowest, code in ((180.0, 0), (1500.0, 1)):
        told = bench_flip.FlipTime(50, 90.0, 100.0, 70.0, 95.0, slowest)
        monkeypatch.setattr(bench_flip, "measure", lambda made, questions, told=told: told)
        assert bench_flip.main(["--out", str(tmp_path / "flip.json")]) == code
        assert f"95th percentile {slowest:.0f} ms" in capsys.readouterr().out
        assert json.loads((tmp_path / "flip.json").read_text())["slowest_with_tree"] == slowest
