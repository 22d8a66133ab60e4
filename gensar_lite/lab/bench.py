"""The benchmark commands behind the README's figures.

``python -m gensar_lite.lab.bench [decoding|flip|diagnose|identifiers|backbones|answers] [--log PATH]``; without a name,
all of them, on the corner shop. Every figure is printed and written to ``build/bench/NAME.json`` with its machine.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pandas as pd

from gensar_lite import store
from gensar_lite.identify.settings import IdentifierSettings
from gensar_lite.lab import bench_decoding, bench_diagnose, bench_flip
from gensar_lite.lab.artefacts import SETTINGS, artefacts_folder, open_artefacts
from gensar_lite.lab.stages import (
    CORNER_SHOP,
    GeneratorSettings,
    Views,
    fit,
    open_identifiers,
    open_log,
    open_views,
    validator,
)
from gensar_lite.log.schema import RECOMMENDATION, SEARCH, JointLog
from gensar_lite.log.split import Split, leave_one_out


def identifiers(log: JointLog, views: Views, seeds: int = 3) -> pd.DataFrame:
    """Collisions before repair of every scheme at equal length, and the RQ-VAE beside residual k-means."""
    from gensar_lite.identify.compare import compare_collisions, compare_with_kmeans, paper_order

    ids, settings = log.items["item_id"].to_numpy(), IdentifierSettings()
    arguments = (log.name, views.semantic, views.collaborative, ids, settings, tuple(range(seeds)))
    collisions = compare_collisions(*arguments)
    print(collisions.to_string(index=False))
    print("\nDo joint identifiers collide less (paper, Fig. 5)?")
    print(paper_order(collisions).to_string(index=False))
    kmeans = compare_with_kmeans(*arguments)
    print("\nRQ-VAE beside residual k-means of the same structure")
    print(kmeans.to_string(index=False))
    return pd.concat([collisions.assign(table="collisions"), kmeans.assign(table="k-means")])


def backbones(log: JointLog, views: Views, split: Split, out: Path, seconds: float) -> pd.DataFrame:
    """Both backbones, each trained for about as many CPU seconds: full-catalogue NDCG@10 on validation cases.

    Each is trained for as many whole epochs as fit; where not even one does (T5), on as many users' events as fit. A
    first look at 200 users tells what an epoch costs; what was really spent stands in the table.
    """
    table = open_identifiers(log, out)
    rows = []
    for backbone in ("packed", "t5"):
        settings = GeneratorSettings(backbone=backbone, train=replace(SETTINGS.generator.train, epochs=1))
        users = min(200, log.n_users)
        trial = first_users(log, users)
        _, records = fit(trial, leave_one_out(trial), table, views, settings, None, False)
        affordable = seconds / (records[-1]["cpu_seconds"] / users)  # users' epochs
        epochs = max(1, round(affordable / log.n_users))
        users = log.n_users if affordable >= log.n_users else max(users, int(affordable))
        part = log if users == log.n_users else first_users(log, users)
        schedule = replace(settings.train, epochs=epochs, validate_every=epochs)
        model, records = fit(part, leave_one_out(part), table, views, replace(settings, train=schedule), None, True)
        row = {"backbone": backbone, "users": users, "epochs": epochs, "CPU seconds": records[-1]["cpu_seconds"]}
        for task, name in ((RECOMMENDATION, "recommendation"), (SEARCH, "search")):
            row[f"{name} NDCG@10"] = validator(model, log, split, task=task)()
        rows.append(row)
        print(pd.DataFrame(rows).to_string(index=False), flush=True)
    return pd.DataFrame(rows)


def first_users(log: JointLog, count: int) -> JointLog:
    """The log of the first ``count`` users over the same catalogue."""
    events = log.events[log.events["user"] < count].reset_index(drop=True)
    return replace(log, users=log.users[:count], events=events)


def answers(rounds: int = 50) -> pd.DataFrame:
    """Seconds from a question to ten answers, with the shipped model, one at a time."""
    from gensar_lite.generate.tasks import actions
    from gensar_lite.log.split import Histories

    made = open_artefacts()
    histories = Histories(made.log)
    rows = []
    for case in made.split.test.sample(rounds, random_state=0).itertuples():
        history = actions(made.log, histories.before(case.event))
        started = time.perf_counter()
        made.model.search(history, case.query) if case.query else made.model.recommend(history)
        rows.append({"task": case.task, "milliseconds": 1000 * (time.perf_counter() - started)})
    frame = pd.DataFrame(rows).groupby("task")["milliseconds"].describe(percentiles=[0.5, 0.95])
    print(frame.to_string())
    return frame.reset_index()


# Benchmarks of their own, with their own options, and those that give rows.
WHOLE = {"decoding": bench_decoding.main, "flip": bench_flip.main, "diagnose": bench_diagnose.main}
ROWS = ("identifiers", "backbones", "answers")


def main(arguments: list[str] | None = None) -> int:
    """Run the benchmarks asked for; returns the exit code."""
    parser = argparse.ArgumentParser(description="Measure the figures that the README quotes.")
    parser.add_argument("names", nargs="*", choices=[[], *WHOLE, *ROWS])
    parser.add_argument("--log", default=CORNER_SHOP, help="folder of a log, or 'corner_shop'")
    parser.add_argument("--run", type=Path, default=artefacts_folder(), help="folder in which the log's stages stand")
    parser.add_argument("--seconds", type=float, default=300, help="of CPU time to train each backbone")
    parser.add_argument("--out", type=Path, default=Path("build/bench"))
    options = parser.parse_args(arguments)
    names = options.names or [*WHOLE, *ROWS]

    def embedded() -> tuple[JointLog, Views]:
        log = open_log(options.log)
        return log, open_views(log, options.run)

    def both() -> pd.DataFrame:
        log, views = embedded()
        return backbones(log, views, leave_one_out(log), options.run, options.seconds)

    work: dict[str, Callable[[], pd.DataFrame]] = {
        "identifiers": lambda: identifiers(*embedded()),
        "backbones": both,
        "answers": answers,
    }
    for name in names:
        print(f"== {name}", flush=True)
        if name in WHOLE:
            WHOLE[name](["--out", str(options.out / f"{name}.json")])
        else:
            frame = work[name]()
            frame = frame.astype(object).where(frame.notna(), None)
            machine = bench_decoding.machine()
            store.write_json(options.out / f"{name}.json", {"machine": machine, "rows": frame.to_dict("records")})
    return 0


if __name__ == "__main__":
    sys.exit(main())
