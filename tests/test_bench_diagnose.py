"""The benchmark of the diagnosis runs at any size and tells what it measured."""

import json

import pytest

from gensar_lite.lab.bench_diagnose import diagnose_cost, made_up_table, main


def test_the_made_up_table_has_unequal_codes():
    table = made_up_table(2000, 3, 16, 0)
    assert table.n_items == 2000 and table.sizes["semantic"] == (16, 16, 16)
    codes = table.codes["semantic"]
    assert (codes == made_up_table(2000, 3, 16, 0).codes["semantic"]).all()
    counts = sorted((codes[:, 0] == code).sum() for code in range(16))
    assert counts[-1] > 3 * counts[0] > 0


def test_costs_are_measured_in_other_processes(tmp_path, capsys):
    main(["--items", "500", "--levels", "3", "--codes", "8", "--reported", "300", "--out", str(tmp_path / "cost.json")])
    shown = capsys.readouterr().out
    assert "500 identifiers x 3 levels of 8 codes" in shown and "peak memory" in shown
    assert "report on 300 items" in shown
    written = json.loads((tmp_path / "cost.json").read_text())
    cost, report = written["diagnose"], written["report"]
    assert report["items"] == 300 and report["page_mb"] > 1 and report["wall_seconds"] > 0
    assert cost["items"] == 500 and cost["measures"] > 30
    assert cost["wall_seconds"] > 0 and cost["import_cpu_seconds"] > 0 and cost["peak_mb"] > 50


def test_a_process_that_fails_says_why():
    with pytest.raises(RuntimeError, match="benchmark process failed"):
        diagnose_cost(items=10, levels=1, codes=-1)
