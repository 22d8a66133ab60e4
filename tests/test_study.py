"""The study command at small scale: two seeds of both variants, kept and gone on with, judged by paired intervals."""

import shutil
from dataclasses import replace

import pytest

from gensar_lite.evaluate.metrics import METRICS
from gensar_lite.evaluate.protocol import FULL, PAPER
from gensar_lite.evaluate.report import read_report
from gensar_lite.generate.packed import PackedSettings
from gensar_lite.generate.train import TrainSettings
from gensar_lite.identify.settings import IdentifierSettings
from gensar_lite.lab import study
from gensar_lite.lab.pipeline import RunSettings
from gensar_lite.lab.stages import GeneratorSettings
from gensar_lite.log.corner_shop import CornerShopSettings, make_corner_shop
from gensar_lite.log.joint import write_log
from gensar_lite.log.schema import RECOMMENDATION, SEARCH

TINY = RunSettings(
    model="tfidf",
    identifiers=IdentifierSettings(codes=16, warm_epochs=1, epochs=1),
    generator=GeneratorSettings(packed=PackedSettings(width=16, layers=1, heads=2), train=TrainSettings(epochs=1)),
)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Log folder, and the folder of a study of two seeds with 20 cases a task."""
    folder = tmp_path_factory.mktemp("study")
    write_log(make_corner_shop(CornerShopSettings(items=320, users=60, seed=7)).log, folder / "log")
    with pytest.MonkeyPatch.context() as patch:
        patch.setitem(study.BUDGETS, "lab", TINY)
        assert study.main(arguments(folder)) == 0
    return folder


def arguments(folder):
    return f"--log {folder / 'log'} --out {folder / 'out'} --seeds 2 --cases 20 --quiet".split()


def test_both_variants_stand_in_one_table_with_every_baseline(made):
    report = read_report(made / "out" / "report")
    table = report.table()
    assert {study.EXTRA, study.OWN, "popularity", "ItemKNN", "SASRec (all)", "SASRec (recommendations)"} <= set(
        table.loc[table["task"] == RECOMMENDATION, "ranker"]
    )
    assert {"BM25", "query popularity", "query popularity x SASRec (all)"} <= set(
        table.loc[table["task"] == SEARCH, "ranker"]
    )
    rows = table[(table["ranker"] == study.EXTRA) & (table["level"] == "item") & (table["subset"] == "all")]
    assert {FULL, PAPER} <= set(rows["protocol"])
    assert (rows["seeds"] == 2).all() and (rows["cases"] == 20).all()
    told = table.groupby("ranker")["trained_on"].first()
    assert told[study.EXTRA] != told[study.OWN]


def test_gates_are_paired_differences_of_the_named_row(made):
    report = read_report(made / "out" / "report")
    found = study.gates(report, study.OWN)
    assert (SEARCH, "BM25") in set(zip(found["task"], found["against"]))
    for row in found.itertuples():
        own, other = (report.values(name, row.task, FULL).mean((0, 1)) for name in (study.OWN, row.against))
        assert row.low <= row.difference <= row.high
        assert row.difference == pytest.approx((own - other)[METRICS.index("NDCG@10")], abs=1e-9)
    assert (found["above 0"] == (found["low"] > 0)).all()


def test_a_second_run_trains_nothing_and_says_the_same(made, monkeypatch, capsys):
    monkeypatch.setitem(study.BUDGETS, "lab", TINY)
    monkeypatch.setattr(study, "train_through", lambda *_: pytest.fail("trained again"))
    before = (made / "out" / "report" / "table.csv").read_bytes()
    assert study.main(arguments(made)) == 0
    assert (made / "out" / "report" / "table.csv").read_bytes() == before
    told = capsys.readouterr().out
    assert "paired differences" in told and study.EXTRA in told and study.OWN in told


def test_a_killed_study_goes_on_with_the_seed_that_is_missing(made, monkeypatch):
    monkeypatch.setitem(study.BUDGETS, "lab", TINY)
    shutil.rmtree(made / "out" / "seed-1" / "evaluate")
    went_through, through = [], study.train_through

    def noted(log, out, *rest):
        went_through.append(out.name)
        return through(log, out, *rest)

    monkeypatch.setattr(study, "train_through", noted)
    before = (made / "out" / "report" / "table.csv").read_bytes()
    assert study.main(arguments(made)) == 0
    assert went_through == ["seed-1", "own-targets"]
    assert (made / "out" / "report" / "table.csv").read_bytes() == before


def test_other_settings_are_not_answered_with_what_was_kept(made, tmp_path, monkeypatch):
    shutil.copytree(made / "out", tmp_path / "out")
    log, out = study.open_log(made / "log"), tmp_path / "out" / "seed-0"
    same = replace(TINY, max_cases=20)
    longer = replace(same, generator=replace(TINY.generator, train=TrainSettings(epochs=2)))

    def set_out(*_):
        raise InterruptedError

    monkeypatch.setattr(study, "train_through", set_out)
    assert (study.one_seed(log, out, same, 0, False).cases["task"].value_counts() == 20).all()
    for other in (replace(TINY, max_cases=19), longer):
        with pytest.raises(InterruptedError):
            study.one_seed(log, out, other, 0, False)
