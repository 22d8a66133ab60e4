"""GenSAR against every baseline on a log of your own: several seeds, both protocols, paired intervals.

``python -m gensar_lite.lab.study --log PATH --out DIR`` trains, per seed, one generator in which every click is a
target of both item tasks and one in which each click is a target of its own task only, on the same embeddings and
identifiers. Whatever is finished is kept, so a killed study goes on where it stopped.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import time
from dataclasses import asdict, replace
from pathlib import Path

import pandas as pd

from gensar_lite import store
from gensar_lite.embed.collaborative import SASRecSettings
from gensar_lite.evaluate.protocol import FULL
from gensar_lite.evaluate.report import combine, evaluate, identifier_groups, read_report, write_report
from gensar_lite.evaluate.results import Report
from gensar_lite.generate.packing import Augmentation
from gensar_lite.generate.train import TrainSettings
from gensar_lite.identify.settings import IdentifierSettings
from gensar_lite.lab.pipeline import RunSettings, finished, train_through
from gensar_lite.lab.scoreboard import gensar_row, rankers
from gensar_lite.lab.setup import keep_to_one_thread
from gensar_lite.lab.stages import GeneratorSettings, open_log, open_model
from gensar_lite.log.schema import RECOMMENDATION, SEARCH, JointLog

EXTRA, OWN = "GenSAR (every click)", "GenSAR (own targets)"

# Phrases of item texts stand in for queries that nobody has typed yet. On the Amazon logs each item has one query, and
# at most 0.3 % of the test queries were not typed in training: there is little to win there by hearing others.
TYPED_ONLY = Augmentation(phrases=0.0)
BUDGETS = {
    "lab": RunSettings(
        identifiers=IdentifierSettings(codes=128),
        generator=GeneratorSettings(augmentation=TYPED_ONLY, train=TrainSettings(epochs=24)),
    ),
    "study": RunSettings(
        identifiers=IdentifierSettings(codes=128, epochs=300),
        # On Amazon Scientific 60 epochs gained nothing over 40 on validation. A look at the validation cases takes as
        # long as an epoch; every fourth would be a fifth of the run.
        generator=GeneratorSettings(augmentation=TYPED_ONLY, train=TrainSettings(epochs=40, validate_every=20)),
    ),
}
GATES = (
    (RECOMMENDATION, "SASRec (recommendations)"),
    (RECOMMENDATION, "SASRec (all)"),
    (SEARCH, "all-MiniLM-L6-v2"),
    (SEARCH, "BM25"),
    (SEARCH, "query popularity"),
    (SEARCH, "query popularity x SASRec (all)"),
)


def one_seed(log: JointLog, out: Path, settings: RunSettings, seed: int, progress: bool = True) -> Report:
    """Train and evaluate one seed of both variants; ``out`` keeps every stage that was made with these settings."""
    generator = replace(settings.generator, train=replace(settings.generator.train, seed=seed))
    settings = replace(settings, seed=seed, sasrec=SASRecSettings(seed=seed), generator=generator)
    facts = {"seed": seed, "max_cases": settings.max_cases, "model": settings.model}
    facts |= {"identifiers": asdict(settings.identifiers), "generator": generator.facts()}
    if finished(out, "evaluate", {"log": log.fingerprint()}, facts):
        return read_report(out / "evaluate")
    started = time.perf_counter()
    split = train_through(log, out, settings, progress)
    rows = [gensar_row(open_model(log, out), log, EXTRA, "every click, for both tasks")]
    own = out / "own-targets"
    for stage in ("embed", "identify"):
        shutil.copytree(out / stage, own / stage, dirs_exist_ok=True, ignore=shutil.ignore_patterns("cache"))
    mix = generator.mix._replace(extra_targets=False)
    train_through(log, own, replace(settings, generator=replace(generator, mix=mix)), progress)
    rows.append(gensar_row(open_model(log, own), log, OWN, "both tasks, each its own targets"))
    groups = {row.name: identifier_groups(row.model.table) for row in rows}
    # One evaluation seed for all: the same cases and candidates, so that the reports can be combined.
    report = evaluate(
        [*rows, *rankers(log, split, out, 0, progress)],
        log,
        split,
        groups=groups,
        max_cases=settings.max_cases,
        progress=progress,
    )
    write_report(report, out / "evaluate")
    store.write_manifest(
        out / "evaluate",
        "evaluate",
        facts,
        {"log": log.fingerprint()},
        seconds=time.perf_counter() - started,
    )
    return report


def gates(report: Report, name: str) -> pd.DataFrame:
    """Paired differences in full-catalogue NDCG@10 between a GenSAR row and what it should beat.

    Returns:
        one row per comparison: task, baseline, mean difference, 95 % interval, and whether the interval is above 0.
    """
    found = []
    for task, baseline in GATES:
        known = [other for other in report.entries if other.lower().startswith(baseline.lower())]
        if known:
            difference = report.paired(name, known[0], task, FULL, "NDCG@10")
            found.append((task, known[0], *difference, difference.above_zero))
    return pd.DataFrame(found, columns=["task", "against", "difference", "low", "high", "above 0"])


def main(arguments: list[str] | None = None) -> int:
    """Run a study; returns the exit code."""
    parser = argparse.ArgumentParser(description="GenSAR against every baseline on one log, with several seeds.")
    parser.add_argument("--log", required=True, help="folder of a log, or 'corner_shop'")
    parser.add_argument("--out", required=True, type=Path)
    parser.add_argument("--seeds", type=int, default=3)
    parser.add_argument("--budget", choices=tuple(BUDGETS), default="lab")
    parser.add_argument("--epochs", type=int, help="of the generator, instead of the budget's")
    parser.add_argument("--codes", type=int, help="per level, instead of the budget's")
    parser.add_argument("--cases", type=int, help="test cases per task at most")
    parser.add_argument("--quiet", action="store_true")
    options = parser.parse_args(arguments)
    keep_to_one_thread()
    log = open_log(options.log)
    settings = replace(BUDGETS[options.budget], max_cases=options.cases)
    if options.epochs:
        schedule = replace(settings.generator.train, epochs=options.epochs)
        settings = replace(settings, generator=replace(settings.generator, train=schedule))
    if options.codes:
        settings = replace(settings, identifiers=replace(settings.identifiers, codes=options.codes))
    reports = [
        one_seed(log, options.out / f"seed-{seed}", settings, seed, not options.quiet) for seed in range(options.seeds)
    ]
    report = combine(reports)
    write_report(report, options.out / "report")
    print(report.table().to_string(index=False, float_format=lambda value: f"{value:.4f}"))
    for name in (EXTRA, OWN):
        print(f"\n{name}: paired differences in NDCG@10, full catalogue")
        print(gates(report, name).to_string(index=False, float_format=lambda value: f"{value:+.4f}"))
    return 0


if __name__ == "__main__":
    sys.exit(main())
