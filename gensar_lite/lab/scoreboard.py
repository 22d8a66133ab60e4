"""The scoreboard of a run: GenSAR beside every baseline, and beside the oracle where the causes are known."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

from gensar_lite import store
from gensar_lite.embed.collaborative import SASRecSettings, recall_sasrec
from gensar_lite.embed.semantic import item_texts, text_encoder
from gensar_lite.evaluate.baselines.counts import Popularity, QueryPopularity, Random
from gensar_lite.evaluate.baselines.product import choose_weight
from gensar_lite.evaluate.baselines.sequence import ItemKNN, Markov
from gensar_lite.evaluate.baselines.text import BM25, DenseText
from gensar_lite.evaluate.protocol import Ranker, Row
from gensar_lite.evaluate.report import evaluate, identifier_groups, write_report
from gensar_lite.evaluate.results import Report
from gensar_lite.generate.model import GenSAR, GenSARRanker
from gensar_lite.lab.stages import open_model, open_sasrec, open_views
from gensar_lite.log.corner_shop import corner_shop_world
from gensar_lite.log.oracle import Oracle
from gensar_lite.log.schema import JointLog
from gensar_lite.log.split import Histories, Split


def rankers(log: JointLog, split: Split, out: Path, seed: int = 0, progress: bool = True) -> list[Ranker]:
    """Every baseline of the scoreboard, trivial ones first; the oracle last where the log is the corner shop."""
    views = open_views(log, out)
    manifest = store.read_manifest(Path(out) / "embed", "embed", {"log": log.fingerprint()})
    everything = Row(open_sasrec(log, out), "SASRec (all)", "all item events")
    settings = SASRecSettings(**manifest["settings"]["sasrec"])
    only = recall_sasrec(log, split, settings, "recommendation", progress=progress, cache=Path(out) / "embed" / "cache")
    counts = QueryPopularity(log, split)
    encoder = text_encoder(item_texts(log.items), manifest["settings"]["model"], progress=False)
    found: list[Ranker] = [
        Random(log.n_items, seed),
        Popularity(log, split),
        ItemKNN(log, split),
        Markov(log, split),
        Row(only, "SASRec (recommendations)", "recommendation targets only"),
        everything,
        BM25(log.items),
        DenseText(views.source, views.semantic, lambda queries: encoder.encode(queries, queries=True)),
        counts,
        choose_weight(counts, everything, split),
    ]
    return found + (oracles() if is_corner_shop(log) else [])


def is_corner_shop(log: JointLog) -> bool:
    """True for the embedded data set itself, whose causes are known, and for no other log."""
    return log.name == corner_shop_world().log.name and log.fingerprint() == corner_shop_world().log.fingerprint()


def oracles(blind: bool = True) -> list[Ranker]:
    """The best possible ranking of the embedded data set, and what is left of it without history or query."""
    world = corner_shop_world()
    found = [Oracle(world)] + ([Oracle(world, history=False), Oracle(world, query=False)] if blind else [])
    return [Row(oracle, oracle.name, "nothing: it knows how the log was made") for oracle in found]


def gensar_row(model: GenSAR, log: JointLog, name: str = "GenSAR", trained_on: str = "") -> GenSARRanker:
    """A trained model as a row of the scoreboard."""
    return GenSARRanker(model, log, name, trained_on or "recommendation and search targets", Histories(log))


def evaluate_stage(
    log: JointLog, split: Split, out: Path, seed: int = 0, max_cases: int | None = None, progress: bool = True
) -> Report:
    """Rank the test cases with the trained model and every baseline; write one table and one JSON."""
    model = open_model(log, out)
    train = store.read_manifest(Path(out) / "train", "train")
    extra = train["settings"]["mix"]["extra_targets"]
    told = "every click, for both tasks" if extra else "both tasks, each its own targets"
    row = gensar_row(model, log, "GenSAR", told)
    report = evaluate(
        [row, *rankers(log, split, out, seed, progress)],
        log,
        split,
        seed=seed,
        groups={row.name: identifier_groups(model.table)},
        max_cases=max_cases,
        progress=progress,
    )
    folder = Path(out) / "evaluate"
    write_report(report, folder)
    settings = {"seed": seed, "max_cases": max_cases, "negatives": asdict(report.negatives)}
    store.write_manifest(
        folder,
        "evaluate",
        settings,
        {"log": log.fingerprint(), "train": train["fingerprint"]},
        counts=len(report.cases),
    )
    return report
