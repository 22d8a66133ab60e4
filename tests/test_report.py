"""Reports: rows, subsets, levels, shares of the oracle, pairs, seeds, files."""

import json
from dataclasses import replace

import numpy as np
import pandas as pd
import pytest
from evaluate_data import small_log
from log_data import shared

from gensar_lite.evaluate.baselines.counts import Popularity, QueryPopularity, Random
from gensar_lite.evaluate.baselines.sequence import ItemKNN, Markov
from gensar_lite.evaluate.baselines.text import BM25
from gensar_lite.evaluate.metrics import METRICS
from gensar_lite.evaluate.protocol import Negatives, Row
from gensar_lite.evaluate.report import combine, evaluate, identifier_groups, read_report, write_report
from gensar_lite.evaluate.results import ReportError
from gensar_lite.identify.table import IdentifierTable
from gensar_lite.log.read import read_log
from gensar_lite.log.split import leave_one_out

LOG = small_log(n_users=60, n_items=150)
SPLIT = leave_one_out(LOG)
PER_TASK = SPLIT.test.groupby("task").size()


class Noisy:
    """Scores that favour the target by a set amount over noise of standard deviation 1."""

    def __init__(self, name: str, favour: float, seed: int = 0) -> None:
        self.name, self.trained_on = name, "nothing"
        self.favour, self.seed = favour, seed

    def scores(self, cases: pd.DataFrame) -> np.ndarray:
        rows = [np.random.default_rng([self.seed, event]).normal(size=LOG.n_items) for event in cases["event"]]
        scores = np.stack(rows)
        scores[np.arange(len(cases)), cases["item"]] += self.favour
        return scores


class Beamed(Noisy):
    """The same with a beam of width ``reach`` that loses everything behind it."""

    def __init__(self, name: str, favour: float, reach: int) -> None:
        super().__init__(name, favour)
        self.reach = reach

    def top(self, cases: pd.DataFrame, k: int) -> np.ndarray:
        lists = np.argsort(-self.scores(cases), axis=1, kind="stable")[:, :k]
        lists[:, self.reach :] = -1
        return lists


@pytest.fixture(scope="module")
def report():
    rankers = [
        Row(Noisy("inner", 4.0), "oracle", "the truth"),
        Noisy("good", 2.5, seed=1),
        Popularity(LOG, SPLIT),
        BM25(LOG.items),
        QueryPopularity(LOG, SPLIT),
        Random(LOG.n_items),
    ]
    return evaluate(rankers, LOG, SPLIT, seed=3)


def test_one_row_per_ranker_task_and_protocol(report):
    table = report.table()
    assert len(table) == 6 * 4 - 2 * 2  # two rankers answer searches only
    assert not table.duplicated(["ranker", "task", "protocol"]).any()
    assert (table["cases"] == table["task"].map(PER_TASK)).all()
    assert table["ranker"].tolist()[:4] == ["oracle", "oracle", "good", "good"]
    assert (
        table["trained_on"]
        .isin(["the truth", "nothing", "all item events", "search clicks", "nothing (item text)"])
        .all()
    )
    for metric in METRICS:
        assert ((table[f"{metric} low"] <= table[metric]) & (table[metric] <= table[f"{metric} high"])).all()


def test_the_numbers_are_means_over_cases(report):
    row = report.table().query("ranker == 'good' and task == 'R_I' and protocol == 'full'").iloc[0]
    cases = SPLIT.test[SPLIT.test["task"] == "R_I"]
    scores = Noisy("good", 2.5, seed=1).scores(cases)
    rank = 1 + (scores > scores[np.arange(len(cases)), cases["item"]][:, None]).sum(axis=1)
    assert row["HR@10"] == pytest.approx((rank <= 10).mean())
    assert row["NDCG@5"] == pytest.approx(np.where(rank <= 5, 1 / np.log2(1 + rank), 0).mean())


def test_bm25_is_marked_as_handicapped_and_blind_rankers_as_blind(report):
    notes = report.table().set_index(["ranker", "task", "protocol"])["note"]
    assert "handicapped" in notes["BM25", "S_I", "paper"]
    assert notes["BM25", "S_I", "full"] == ""
    assert notes["popularity", "S_I", "full"] == "query ignored"
    assert notes["popularity", "R_I", "full"] == ""


def test_shares_of_the_oracle(report):
    table = report.table().set_index(["ranker", "task", "protocol"])
    for task in ("R_I", "S_I"):
        oracle, good = table.loc[("oracle", task, "full")], table.loc[("good", task, "full")]
        assert oracle["NDCG@10 of oracle"] == pytest.approx(1)
        assert oracle["NDCG@10 of oracle low"] == pytest.approx(1)
        assert good["NDCG@10 of oracle"] == pytest.approx(good["NDCG@10"] / oracle["NDCG@10"])
        assert good["NDCG@10 of oracle low"] < good["NDCG@10 of oracle"] < good["NDCG@10 of oracle high"] < 1
    assert not any("oracle" in column for column in evaluate([Random(150)], LOG, SPLIT).table().columns)


def test_cold_warm_and_empty_histories_are_counted_apart():
    cases = SPLIT.test.assign(cold=np.arange(len(SPLIT.test)) % 4 == 0)
    cases["n_history"] = np.where(np.arange(len(cases)) % 10 == 0, 0, cases["n_history"])
    report = evaluate([Random(LOG.n_items)], LOG, replace(SPLIT, test=cases), protocols=["full"])
    counts = report.counts().set_index("task")
    assert counts["cold"].sum() == cases["cold"].sum()
    assert counts["empty histories"].sum() == (cases["n_history"] == 0).sum()
    assert (counts["warm"] + counts["cold"] == counts["cases"]).all()
    by_subset = report.table(subset=None).set_index(["task", "subset"])
    parts = by_subset.loc["R_I"]
    whole = (
        parts.loc["warm", "HR@10"] * parts.loc["warm", "cases"]
        + parts.loc["cold", "HR@10"] * parts.loc["cold", "cases"]
    )
    assert whole == pytest.approx(parts.loc["all", "HR@10"] * parts.loc["all", "cases"])
    assert parts.loc["empty history", "cases"] == counts.loc["R_I", "empty histories"]


def test_three_levels_for_a_ranker_with_identifiers():
    codes = np.stack([np.arange(LOG.n_items) // 3, np.zeros(LOG.n_items, dtype=int)], axis=1)
    one = IdentifierTable("by hand", LOG.items["item_id"].to_numpy(), {"semantic": codes}, {"semantic": (50, 1)}, 2)
    groups = identifier_groups(one)
    assert (np.bincount(groups["R_I"]) == 3).all() and (groups["R_I"] == groups["S_I"]).all()

    class OfIdentifiers(Noisy):
        def scores(self, cases):
            return super().scores(cases)[:, ::3][:, np.arange(LOG.n_items) // 3]

    ranker = OfIdentifiers("generator", 0.0)
    report = evaluate([ranker, Random(LOG.n_items)], LOG, SPLIT, groups={"generator": groups})
    table = report.table(level=None).query("task == 'R_I' and protocol == 'full'").set_index(["ranker", "level"])
    assert set(table.loc["generator"].index) == {"item", "expected", "identifier"}
    assert set(table.loc["random"].index) == {"item"}
    hits = table.loc["generator"]["HR@10"]
    assert hits["expected"] == pytest.approx(hits["identifier"] / 3)
    assert hits["identifier"] > hits["item"] > 0


def test_beam_rows_stand_beside_exact_ones():
    report = evaluate([Beamed("generator", 3.0, reach=10), Noisy("other", 3.0)], LOG, SPLIT)
    table = report.table().set_index(["ranker", "task", "protocol"])
    assert ("other", "R_I", "full, beam") not in table.index
    for task in ("R_I", "S_I"):
        exact, beam = table.loc[("generator", task, "full")], table.loc[("generator", task, "full, beam")]
        assert (exact[list(METRICS)] == beam[list(METRICS)]).all()
    narrow = evaluate([Beamed("generator", 3.0, reach=2)], LOG, SPLIT, protocols=["full"])
    lost = narrow.paired("generator", "generator", "R_I", protocol=("full, beam", "full"), metric="HR@10")
    assert lost.high < 0
    same = narrow.paired("generator", "generator", "R_I", protocol=("full, beam", "full"), metric="HR@1")
    assert same == (0, 0, 0)


def test_paired_intervals(report):
    better = report.paired("oracle", "good", "R_I")
    worse = report.paired("good", "oracle", "R_I")
    assert better.above_zero and not worse.above_zero
    assert better.mean == pytest.approx(-worse.mean)
    table = report.table().set_index(["ranker", "task", "protocol"])["NDCG@10"]
    assert better.mean == pytest.approx(table["oracle", "R_I", "full"] - table["good", "R_I", "full"])
    both = report.paired("oracle", "good", None)
    tasks = [report.paired("oracle", "good", task).mean for task in ("R_I", "S_I")]
    assert both.mean == pytest.approx(np.mean(tasks))
    assert both.low < both.mean < both.high
    assert report.paired("good", "good", "S_I", protocol="paper") == (0, 0, 0)


def test_combining_training_seeds():
    reports = [evaluate([Noisy("model", 2.0, seed), Popularity(LOG, SPLIT)], LOG, SPLIT) for seed in (1, 2, 3)]
    alone = evaluate([Random(LOG.n_items)], LOG, SPLIT)
    whole = combine([*reports, alone])
    table = whole.table().set_index(["ranker", "task", "protocol"])
    row = table.loc[("model", "R_I", "full")]
    each = [
        one.table().set_index(["ranker", "task", "protocol"]).loc[("model", "R_I", "full"), "HR@10"] for one in reports
    ]
    assert row["seeds"] == 3 and table.loc[("random", "R_I", "full"), "seeds"] == 1
    assert row["HR@10"] == pytest.approx(np.mean(each))
    assert row["HR@10 seed sd"] == pytest.approx(np.std(each, ddof=1))
    assert table.loc[("popularity", "R_I", "full"), "HR@10 seed sd"] == pytest.approx(0)
    assert np.isnan(table.loc[("random", "R_I", "full"), "HR@10 seed sd"])
    difference = whole.paired("model", "random", "R_I", metric="HR@10")
    assert difference.above_zero
    assert difference.mean == pytest.approx(row["HR@10"] - table.loc[("random", "R_I", "full"), "HR@10"])


def test_reports_that_do_not_belong_together():
    one = evaluate([Random(LOG.n_items)], LOG, SPLIT)
    with pytest.raises(ReportError, match="another seed"):
        combine([one, evaluate([Random(LOG.n_items)], LOG, SPLIT, seed=1)])
    with pytest.raises(ReportError, match="other cases"):
        combine([one, evaluate([Random(LOG.n_items)], LOG, SPLIT, max_cases=5)])
    with pytest.raises(ReportError, match="another negatives"):
        combine([one, evaluate([Random(LOG.n_items)], LOG, SPLIT, negatives=Negatives(count=9))])
    other = small_log(n_users=60, n_items=150, seed=5)
    with pytest.raises(ReportError, match="another fingerprint"):
        combine([one, evaluate([Random(LOG.n_items)], other, leave_one_out(other))])
    with pytest.raises(ReportError, match="no report"):
        combine([])


def test_a_report_comes_back_from_its_files(report, tmp_path):
    write_report(report, tmp_path / "out")
    assert {path.name for path in (tmp_path / "out").iterdir()} == {
        "table.csv", "report.json", "cases.parquet", "ranks.parquet"
    }  # fmt: skip
    back = read_report(tmp_path / "out")
    pd.testing.assert_frame_equal(back.table(None, None), report.table(None, None))
    assert back.paired("oracle", "good", None) == report.paired("oracle", "good", None)
    combine([report, back])
    facts = json.loads((tmp_path / "out" / "report.json").read_text())
    json.dumps(facts, allow_nan=False)
    assert facts["counts"][0]["cases"] == PER_TASK["R_I"]
    assert facts["counts"][1]["random fill-ins"] > 0
    assert len(facts["rows"]) == len(pd.read_csv(tmp_path / "out" / "table.csv"))
    (tmp_path / "out" / "report.json").unlink()
    with pytest.raises(ReportError, match="report.json is missing"):
        read_report(tmp_path / "out")


def test_a_report_that_fails_to_be_written_leaves_no_finished_folder(report, tmp_path, monkeypatch):
    write_report(report, tmp_path)
    monkeypatch.setattr(pd.DataFrame, "to_csv", lambda *_, **__: (_ for _ in ()).throw(OSError("disk full")))
    with pytest.raises(OSError, match="disk full"):
        write_report(report, tmp_path)
    with pytest.raises(ReportError):
        read_report(tmp_path)
    assert not [path for path in tmp_path.iterdir() if path.name.startswith(".")]


def test_fewer_cases_are_the_same_for_every_ranker_and_keep_their_candidates():
    few = evaluate([Random(LOG.n_items), Popularity(LOG, SPLIT)], LOG, SPLIT, max_cases=7)
    assert few.cases.groupby("task").size().tolist() == [7, 7]
    whole = evaluate([Random(LOG.n_items)], LOG, SPLIT)
    place = {event: row for row, event in enumerate(whole.cases.query("task == 'S_I'")["event"])}
    chosen = [place[event] for event in few.cases.query("task == 'S_I'")["event"]]
    assert (few.ranks["random", "S_I", "paper"][0].item == whole.ranks["random", "S_I", "paper"][0].item[chosen]).all()


def test_results_do_not_depend_on_the_batch_size(report, monkeypatch):
    monkeypatch.setattr("gensar_lite.evaluate.protocol.BATCH", 7)
    small = evaluate([Noisy("good", 2.5, seed=1), QueryPopularity(LOG, SPLIT)], LOG, SPLIT, seed=3)
    for key, ranks in small.ranks.items():
        assert (ranks[0].item == report.ranks[key][0].item).all()


def test_validation_cases_and_requests_that_make_no_sense(report):
    validation = evaluate([Random(LOG.n_items)], LOG, SPLIT, part="validation", protocols=["full"])
    assert (
        validation.cases["event"].tolist()
        == pd.concat([SPLIT.validation[SPLIT.validation["task"] == task] for task in ("R_I", "S_I")])["event"].tolist()
    )
    assert "candidates" not in validation.cases
    with pytest.raises(ReportError, match="two rankers are called 'random'"):
        evaluate([Random(150), Random(150, seed=1)], LOG, SPLIT)
    with pytest.raises(ReportError, match="choose test or validation"):
        evaluate([Random(150)], LOG, SPLIT, part="train")
    with pytest.raises(ReportError, match="full, paper"):
        evaluate([Random(150)], LOG, SPLIT, protocols=["all"])
    with pytest.raises(ReportError, match="none of the rankers"):
        evaluate([Random(150)], LOG, SPLIT, groups={"other": {}})
    with pytest.raises(ReportError, match="no test cases"):
        evaluate([Random(150)], LOG, replace(SPLIT, test=SPLIT.test.iloc[:0]))
    with pytest.raises(ReportError, match="no row good / R_I / beam"):
        report.values("good", "R_I", "beam")
    with pytest.raises(ReportError, match="metric"):
        report.paired("good", "oracle", "R_I", metric="MRR")
    with pytest.raises(ReportError, match="subset"):
        report.table(subset="tepid")
    with pytest.raises(ReportError, match="no case"):
        report.paired("good", "oracle", "R_I", subset="empty history")


def test_baselines_on_a_real_log_stand_where_they_were_recorded():
    """HR@10 on all test users of Amazon Office; the band is four standard errors of a share at that many cases."""
    log = read_log(shared("amazon_office"))
    split = leave_one_out(log)
    rankers = [ItemKNN(log, split), Markov(log, split), BM25(log.items), QueryPopularity(log, split)]
    table = evaluate(rankers, log, split).table().set_index(["ranker", "task", "protocol"])
    recorded = {
        ("ItemKNN", "R_I"): (0.069, 0.386),
        ("Markov", "R_I"): (0.110, 0.293),
        ("BM25", "S_I"): (0.494, 0.498),
        ("query popularity", "S_I"): (0.593, 0.614),
    }
    for (ranker, task), values in recorded.items():
        for protocol, value in zip(("full", "paper"), values, strict=True):
            row = table.loc[(ranker, task, protocol)]
            band = 4 * np.sqrt(value * (1 - value) / row["cases"])
            assert row["HR@10"] == pytest.approx(value, abs=band), (ranker, protocol)
