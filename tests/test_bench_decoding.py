import json

import numpy as np
import pytest

from gensar_lite.generate.t5 import T5Shape
from gensar_lite.lab import bench_decoding
from gensar_lite.lab.bench_decoding import Case, Lists, main, measure, measure_growth, measure_trie, same_lists

NANO = T5Shape(width=16, head_width=8, inner=16, layers=1, heads=2)
SMALL_CASE = Case(
    "nano", NANO, words=20, beams=6, prompts=2, shortest=3, longest=9, identifiers=60, codes=8, levels=3, candidates=5
)


def ranked(*pairs):
    """Lists of one prompt from (token, score) pairs."""
    tokens, scores = zip(*pairs, strict=True)
    return Lists(np.array(tokens).reshape(1, -1, 1), np.array([scores]))


def test_lists_are_the_same_up_to_swaps_of_near_ties():
    theirs = ranked((1, -1.0), (2, -2.0), (3, -2.000005), (4, -3.0))
    assert same_lists(theirs, theirs)
    assert same_lists(ranked((1, -1.0), (3, -2.0), (2, -2.0), (4, -3.0)), theirs)
    assert same_lists(ranked((1, -1.0), (2, -2.0), (3, -2.0), (9, -3.000004)), theirs)  # swapped across the end
    assert not same_lists(ranked((2, -1.0), (1, -2.0), (3, -2.0), (4, -3.0)), theirs)
    assert not same_lists(ranked((1, -1.0), (9, -2.0), (3, -2.000005), (4, -3.0)), theirs)
    assert not same_lists(ranked((1, -1.0), (2, -2.0), (3, -2.000005)), theirs)


@pytest.mark.parametrize("per_level", [False, True])
def test_a_case_is_measured_and_its_lists_agree(per_level):
    row = measure(Case(**{**SMALL_CASE.__dict__, "per_level": per_level}), rounds=1)
    assert row.identical
    assert row.largest_gap < 1e-4
    assert row.ratio == pytest.approx(row.generate / row.beam)
    assert min(row.generate, row.beam, row.exact, row.encoder) > 0
    assert 0 < row.floor < 1


def test_growth_is_told_relative_to_the_smallest_set():
    rows = measure_growth(SMALL_CASE, sizes=(20, 200), rounds=2)
    assert [row.identifiers for row in rows] == [20, 200]
    assert rows[0].times == 1
    assert min(row.milliseconds for row in rows) > 0


def test_a_wrong_list_fails_the_command_and_is_told_apart_in_the_table(monkeypatch, tmp_path, capsys):
    monkeypatch.setattr(bench_decoding, "CASES", (SMALL_CASE,))
    monkeypatch.setattr(bench_decoding, "measure_trie", lambda: measure_trie(1000))
    monkeypatch.setattr(bench_decoding, "measure_growth", lambda rounds: measure_growth(SMALL_CASE, (20, 60), rounds))
    assert main(["--rounds", "1", "--threads", "1", "--out", str(tmp_path / "rows.json")]) == 0
    assert "yes" in capsys.readouterr().out
    written = json.loads((tmp_path / "rows.json").read_text())
    assert written["threads"] == 1
    assert written["rows"][0]["case"]["beams"] == 6
    assert written["trie"]["identifiers"] == 1000
    assert [row["identifiers"] for row in written["growth"]] == [20, 60]

    search = bench_decoding.beam_search

    def broken(decoder, prompts, trie, beams):
        result = search(decoder, prompts, trie, beams)
        return result._replace(sequences=result.sequences[:, ::-1])

    monkeypatch.setattr(bench_decoding, "beam_search", broken)
    assert main(["--rounds", "1", "--threads", "1"]) == 1
    assert "NO" in capsys.readouterr().out
