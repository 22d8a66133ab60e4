"""One evaluation: every ranker on the same cases and candidates; one table, one JSON, and the ranks behind them.

``results.Report`` is what comes out. This module makes reports, combines those of several training seeds, writes them
and reads them back.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
from tqdm.auto import tqdm

from gensar_lite import store
from gensar_lite.evaluate.metrics import Ranks
from gensar_lite.evaluate.protocol import (
    BEAM,
    PAPER,
    PROTOCOLS,
    Candidates,
    Negatives,
    Ranker,
    answers,
    batches,
    beam_ranks,
    exact_ranks,
    paper_candidates,
)
from gensar_lite.evaluate.results import Entry, Report, ReportError
from gensar_lite.identify.table import IdentifierTable, group_labels
from gensar_lite.log.schema import JointLog
from gensar_lite.log.split import TASKS, Split

TABLE, JSON, CASES, RANKS = "table.csv", "report.json", "cases.parquet", "ranks.parquet"


def evaluate(
    rankers: Sequence[Ranker],
    log: JointLog,
    split: Split,
    part: str = "test",
    protocols: Sequence[str] = PROTOCOLS,
    seed: int = 0,
    groups: Mapping[str, Mapping[str, np.ndarray]] | None = None,
    max_cases: int | None = None,
    negatives: Negatives | None = None,
    oracle: str = "oracle",
    progress: bool = True,
) -> Report:
    """Rank every case's target with every ranker.

    Args:
        rankers: with different names; one with ``top`` also gets a row for its beam's lists.
        log: the log that the split was made from.
        split: its cases.
        part: "test" or "validation".
        protocols: "full", "paper" or both.
        seed: of candidates, chosen cases and intervals. Use one seed for all reports that are to be combined.
        groups: ranker's name -> task -> (N,) identifier group of each item (``identifier_groups``).
        max_cases: at most so many cases per task, drawn by the seed; None: all.
        negatives: how the paper protocol's candidates are chosen; None: the defaults.
        oracle: name of the ranker that is the ceiling, if it is among the rankers.
        progress: show a bar (on a terminal only).

    Raises:
        ReportError: no cases, two rankers of one name, an unknown part or protocol.
        ScoreError: a ranker's scores cannot be ranked.
    """
    names = [ranker.name for ranker in rankers]
    _check_request(names, part, protocols, groups)
    negatives = negatives or Negatives()
    cases = _choose_cases(split.test if part == "test" else split.validation, max_cases, seed)
    if len(cases) == 0:
        raise ReportError(
            f"the split has no {part} cases: a user needs {2 if part == 'test' else 3} events of a task to give one"
        )
    candidates = None
    if PAPER in protocols:
        candidates = paper_candidates(log, split, cases, seed, negatives)
        cases = cases.assign(candidates=(candidates.items >= 0).sum(axis=1), filled=candidates.filled)
    ranks: dict[tuple[str, str, str], tuple[Ranks, ...]] = {}
    with tqdm(total=len(cases) * len(rankers), desc="evaluate", unit="case", disable=None if progress else True) as bar:
        for ranker in rankers:
            for task in TASKS:
                rows = np.flatnonzero((cases["task"] == task).to_numpy())
                if answers(ranker, task) and len(rows):
                    of_task = groups[ranker.name][task] if groups and ranker.name in groups else None
                    found = _rank_task(ranker, cases.iloc[rows], log.n_items, _part(candidates, rows), of_task, bar)
                    kept = {name: one for name, one in found.items() if name in protocols or name == BEAM}
                    ranks |= {(ranker.name, task, name): (one,) for name, one in kept.items()}
                else:
                    bar.update(len(rows))
    columns = ["task", "user", "event", "item", "n_history", "cold"]
    columns += ["candidates", "filled"] if candidates is not None else []
    entries = {
        ranker.name: Entry(
            ranker.trained_on,
            bool(groups) and ranker.name in groups,
            {f"{task}/{protocol}": note for (task, protocol), note in getattr(ranker, "notes", {}).items()},
        )
        for ranker in rankers
    }
    ceiling = oracle if oracle in names else None
    return Report(
        log.name, log.fingerprint(), log.n_items, part, seed, negatives, cases[columns], entries, ranks, ceiling
    )


def combine(reports: Sequence[Report]) -> Report:
    """One report over several training seeds: the same cases and candidates, the ranks of each seed side by side.

    Rankers of the same name are the same model trained with other seeds. A ranker may be missing in some reports (a
    deterministic baseline needs evaluating once); its rows then say how many seeds they have.

    Raises:
        ReportError: the reports are of different logs, parts, seeds, candidates or cases, or name different training
            targets for one ranker.
    """
    if not reports:
        raise ReportError("there is no report to combine")
    first = reports[0]
    entries = dict(first.entries)
    ranks = dict(first.ranks)
    for number, other in enumerate(reports[1:], start=2):
        for what in ("fingerprint", "part", "seed", "negatives", "oracle"):
            ours, theirs = getattr(first, what), getattr(other, what)
            if ours != theirs and not (what == "oracle" and None in (ours, theirs)):
                raise ReportError(f"report {number} has another {what} ({theirs}) than the first ({ours})")
        if not first.cases.equals(other.cases):
            raise ReportError(f"report {number} has other cases than the first; evaluate both with the same arguments")
        for name, entry in other.entries.items():
            if entries.setdefault(name, entry) != entry:
                raise ReportError(f"report {number}: {name!r} is described otherwise than before; rename one of them")
        for key, per_seed in other.ranks.items():
            ranks[key] = ranks.get(key, ()) + per_seed
    oracle = next((report.oracle for report in reports if report.oracle), None)
    return replace(first, entries=entries, ranks=ranks, oracle=oracle)


def identifier_groups(table: IdentifierTable) -> dict[str, np.ndarray]:
    """Task -> (N,) identifier group of each item, for the kind of identifier that answers the task."""
    return {task: group_labels(table.codes[table.kind_for(task)[0]])[0] for task in TASKS}


def write_report(report: Report, folder: Path) -> None:
    """Write a report: ``table.csv`` (all subsets and levels), ``report.json`` (the same and all facts), and
    ``cases.parquet`` and ``ranks.parquet``, from which ``read_report`` restores it.

    Each file is whole or absent, and the JSON is written last: a folder without it holds no finished report.
    """
    folder = Path(folder)
    (folder / JSON).unlink(missing_ok=True)
    parts = [
        pd.DataFrame({"ranker": ranker, "task": task, "protocol": protocol, "seed": number, **ranks._asdict()})
        for (ranker, task, protocol), per_seed in report.ranks.items()
        for number, ranks in enumerate(per_seed)
    ]
    ranks = pd.concat(parts, ignore_index=True)
    facts = report.to_json()
    store.write_atomically(folder / CASES, lambda path: report.cases.to_parquet(path, index=False))
    store.write_atomically(folder / RANKS, lambda path: ranks.to_parquet(path, index=False))
    store.write_atomically(folder / TABLE, lambda path: pd.DataFrame(facts["rows"]).to_csv(path, index=False))
    store.write_json(folder / JSON, facts)


def read_report(folder: Path) -> Report:
    """Read what ``write_report`` wrote.

    Raises:
        ReportError: the folder holds no finished report.
    """
    folder = Path(folder)
    missing = [name for name in (JSON, CASES, RANKS) if not (folder / name).exists()]
    if missing:
        raise ReportError(f"{folder} holds no finished report ({missing[0]} is missing). Run the evaluation again.")
    facts = store.read_json(folder / JSON)
    table = pd.read_parquet(folder / RANKS)
    ranks: dict[tuple[str, str, str], tuple[Ranks, ...]] = {}
    for (ranker, task, protocol, _), rows in table.groupby(["ranker", "task", "protocol", "seed"], sort=False):
        one = Ranks(*(rows[column].to_numpy() for column in Ranks._fields))
        ranks[ranker, task, protocol] = ranks.get((ranker, task, protocol), ()) + (one,)
    return Report(
        log=facts["log"],
        fingerprint=facts["fingerprint"],
        n_items=facts["items"],
        part=facts["part"],
        seed=facts["seed"],
        negatives=Negatives(**facts["negatives"]),
        cases=pd.read_parquet(folder / CASES),
        entries={name: Entry(**entry) for name, entry in facts["rankers"].items()},
        ranks=ranks,
        oracle=facts["oracle"],
    )


def _check_request(names: list[str], part: str, protocols: Sequence[str], groups: Mapping | None) -> None:
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise ReportError(f"two rankers are called {twice[0]!r}; give each row of a table its own name")
    if part not in ("test", "validation"):
        raise ReportError(f"part {part!r} is unknown; choose test or validation")
    unknown = [name for name in protocols if name not in PROTOCOLS]
    if unknown or not protocols:
        raise ReportError(f"protocols {list(protocols)}: choose from {', '.join(PROTOCOLS)}")
    strangers = sorted(set(groups or ()) - set(names))
    if strangers:
        raise ReportError(f"identifier groups are given for {strangers[0]!r}, which is none of the rankers")


def _choose_cases(cases: pd.DataFrame, max_cases: int | None, seed: int) -> pd.DataFrame:
    """At most ``max_cases`` of each task, in order, recommendation first."""
    chosen = []
    for number, task in enumerate(TASKS):
        of_task = cases[cases["task"] == task]
        if max_cases is not None and len(of_task) > max_cases:
            rng = np.random.default_rng([seed, number])
            of_task = of_task.iloc[np.sort(rng.choice(len(of_task), max_cases, replace=False))]
        chosen.append(of_task)
    return pd.concat(chosen, ignore_index=True)


def _part(candidates: Candidates | None, rows: np.ndarray) -> Candidates | None:
    return None if candidates is None else Candidates(*(array[rows] for array in candidates))


def _rank_task(
    ranker: Ranker,
    cases: pd.DataFrame,
    n_items: int,
    candidates: Candidates | None,
    groups: np.ndarray | None,
    bar: tqdm,
) -> dict[str, Ranks]:
    """Protocol -> ranks over all cases of one task, batch by batch."""
    found: dict[str, list[Ranks]] = {}
    done = 0
    for batch in batches(cases, n_items):
        place = np.arange(done, done + len(batch))
        of_batch = exact_ranks(ranker, batch, n_items, _part(candidates, place), groups)
        if hasattr(ranker, "top"):
            of_batch[BEAM] = beam_ranks(ranker, batch, n_items, groups)
        for protocol, ranks in of_batch.items():
            found.setdefault(protocol, []).append(ranks)
        done += len(batch)
        bar.update(len(batch))
    return {
        protocol: Ranks(*(np.concatenate(column).astype(np.int32) for column in zip(*parts, strict=True)))
        for protocol, parts in found.items()
    }
