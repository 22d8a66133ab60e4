"""What an evaluation found: the rank of every case's target for every ranker, read as a table with intervals.

Only ranks are kept (never scores), so that any two rows can be compared case by case, and reports of several training
seeds can be laid side by side. ``report`` makes, combines, writes and reads these. This module knows no ranker and no
log.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict, dataclass
from typing import Any, NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Float

from gensar_lite.evaluate.metrics import LEVELS, METRICS, Ranks, measure
from gensar_lite.evaluate.protocol import BEAM, FULL, PROTOCOLS, Negatives
from gensar_lite.evaluate.significance import Interval, case_weights, resampled_means, summarise, user_weights
from gensar_lite.log.split import TASKS

SUBSETS = ("all", "warm", "cold", "empty history")
REMARKS = (
    "BM25 as a ranker of its own hard negatives (search, paper protocol) is handicapped: they are the items it likes "
    "best. Compare it on the full catalogue.",
    "Item level: equal scores stand in the order of item_id. Identifier level counts any item that shares the target's "
    "identifier as a hit; expected divides that by the number of such items among the candidates.",
    "Intervals are 95 % percentile bootstrap intervals over cases (one per user and task) and, where there are several "
    "training seeds, over those too.",
)


class ReportError(ValueError):
    """A report cannot be made, read or combined. The message says why and what to do."""


class Entry(NamedTuple):
    """What a table says about a ranker besides its numbers.

    Attributes:
        trained_on: training targets in words.
        identifiers: it ranks identifiers, so the three levels differ.
        notes: "task/protocol" -> remark.
    """

    trained_on: str
    identifiers: bool
    notes: dict[str, str]


@dataclass(frozen=True)
class Report:
    """Ranks of every ranker on the same cases.

    Attributes:
        log, fingerprint, n_items: which log.
        part: "test" or "validation".
        seed: of the candidates, of the choice of cases, and of the intervals.
        negatives: how the paper protocol's candidates were chosen.
        cases: one row per case, recommendation first: ``task, user, event, item, n_history, cold`` and, under the
            paper protocol, ``candidates`` (their number) and ``filled`` (how many of them were random fill-ins).
        entries: ranker -> what the table says about it, in the order of the rows.
        ranks: (ranker, task, protocol) -> one ``Ranks`` per training seed, over the task's cases in order.
        oracle: the ranker whose values are the ceiling, if there is one.
    """

    log: str
    fingerprint: str
    n_items: int
    part: str
    seed: int
    negatives: Negatives
    cases: pd.DataFrame
    entries: dict[str, Entry]
    ranks: dict[tuple[str, str, str], tuple[Ranks, ...]]
    oracle: str | None = None

    def values(
        self, ranker: str, task: str, protocol: str, level: str = "item", subset: str = "all"
    ) -> Float[np.ndarray, "K B 5"]:
        """Per-case values of METRICS, for each training seed.

        Raises:
            ReportError: there is no such row, level or subset.
        """
        key = (ranker, task, protocol)
        if key not in self.ranks:
            known = sorted({" / ".join(key) for key in self.ranks})
            raise ReportError(f"no row {' / '.join(key)}; there are: {'; '.join(known)}")
        if level not in LEVELS:
            raise ReportError(f"level {level!r} is unknown; choose one of {', '.join(LEVELS)}")
        chosen = self._mask(task, subset)
        return np.stack([measure(ranks, level)[chosen] for ranks in self.ranks[key]])

    def table(
        self, subset: str | None = "all", level: str | None = "item", metrics: Sequence[str] = METRICS
    ) -> pd.DataFrame:
        """One row per ranker, task and protocol, with 95 % intervals.

        Args:
            subset: "all" cases, "warm" (the target occurs in training), "cold", or "empty history"; None: all four.
            level: "item", "expected" or "identifier"; None: all three for rankers with identifiers.
            metrics: which of METRICS.

        Returns:
            columns ``ranker, trained_on, task, protocol, level, subset, cases, cold`` (share of cases with a cold
            target), ``empty histories`` (cases), ``seeds`` (training seeds); for each metric ``M, M low, M high``,
            ``M seed sd`` (standard deviation over training seeds) and, with an oracle and at item level,
            ``M of oracle, M of oracle low, M of oracle high`` (shares of 1); last ``note``. Missing values are NaN.
        """
        rows: list[dict[str, Any]] = []
        for task in TASKS:
            for name in SUBSETS if subset is None else [subset]:
                count = int(self._mask(task, name).sum())
                if count:
                    rows += self._rows(task, name, level, metrics, case_weights(count, self.seed))
        order = {name: place for place, name in enumerate(self.entries)}
        rows.sort(key=lambda row: (TASKS.index(row["task"]), row["protocol"] != FULL, row["protocol"]))
        rows.sort(key=lambda row: (TASKS.index(row["task"]), order[row["ranker"]]))
        return pd.DataFrame(rows)

    def paired(
        self,
        first: str,
        second: str,
        task: str | None,
        protocol: str | tuple[str, str] = FULL,
        metric: str = "NDCG@10",
        level: str = "item",
        subset: str = "all",
    ) -> Interval:
        """The mean of ``first - second`` over the same cases, with its 95 % interval.

        Args:
            task: R_I or S_I; None: the plain mean of both tasks, users resampled with all their cases.
            protocol: one for both, or one for each side (e.g. "full, beam" against "full").
            metric, level, subset: as in ``table``.

        Raises:
            ReportError: a row is missing, the metric is unknown, or no case is left.
        """
        if metric not in METRICS:
            raise ReportError(f"metric {metric!r} is unknown; choose one of {', '.join(METRICS)}")
        column = METRICS.index(metric)
        both = (protocol, protocol) if isinstance(protocol, str) else protocol
        means, resampled = [], []
        tasks = TASKS if task is None else (task,)
        for one, weights in zip(tasks, self._weights(tasks, subset), strict=True):
            sides = [
                self.values(ranker, one, of_side, level, subset)[:, :, [column]]
                for ranker, of_side in zip((first, second), both, strict=True)
            ]
            means.append(sides[0].mean() - sides[1].mean())
            # Seeds are drawn independently for the two sides, but a row against itself differs by nothing.
            other = self.seed if (first, both[0]) == (second, both[1]) else self.seed + 1
            resampled.append(resampled_means(sides[0], weights, self.seed) - resampled_means(sides[1], weights, other))
        return summarise(float(np.mean(means)), np.mean(resampled, axis=0)[:, 0])

    def counts(self) -> pd.DataFrame:
        """Per task: cases, warm and cold ones, cold share, empty histories, and how candidates were found."""
        rows = []
        for task, cases in self.cases.groupby("task", sort=False):
            row: dict[str, Any] = {
                "task": task,
                "cases": len(cases),
                "warm": int((~cases["cold"]).sum()),
                "cold": int(cases["cold"].sum()),
                "cold share": float(cases["cold"].mean()),
                "empty histories": int((cases["n_history"] == 0).sum()),
            }
            if "candidates" in cases:
                row["mean candidates"] = float(cases["candidates"].mean())
                row["cases with random fill-ins"] = int((cases["filled"] > 0).sum())
                row["random fill-ins"] = int(cases["filled"].sum())
            rows.append(row)
        return pd.DataFrame(rows)

    def to_json(self) -> dict[str, Any]:
        """Everything but the ranks, in plain JSON types: facts, counts, and the rows of all subsets and levels."""
        return {
            "log": self.log,
            "fingerprint": self.fingerprint,
            "items": self.n_items,
            "part": self.part,
            "seed": self.seed,
            "negatives": asdict(self.negatives),
            "oracle": self.oracle,
            "counts": as_records(self.counts()),
            "remarks": list(REMARKS),
            "rankers": {name: entry._asdict() for name, entry in self.entries.items()},
            "rows": as_records(self.table(None, None)),
        }

    def _mask(self, task: str, subset: str) -> np.ndarray:
        cases = self.cases[self.cases["task"] == task]
        if subset not in SUBSETS:
            raise ReportError(f"subset {subset!r} is unknown; choose one of {', '.join(SUBSETS)}")
        cold, empty = cases["cold"].to_numpy(dtype=bool), (cases["n_history"] == 0).to_numpy()
        return {"all": np.ones(len(cases), dtype=bool), "warm": ~cold, "cold": cold, "empty history": empty}[subset]

    def _weights(self, tasks: Sequence[str], subset: str) -> Sequence[np.ndarray]:
        users = [
            self.cases.loc[self.cases["task"] == task, "user"].to_numpy()[self._mask(task, subset)] for task in tasks
        ]
        for task, of_task in zip(tasks, users, strict=True):
            if len(of_task) == 0:
                raise ReportError(f"no case of task {task} in subset {subset!r} to compare on")
        if len(tasks) == 1:
            return [case_weights(len(users[0]), self.seed)]
        return user_weights((users[0], users[1]), self.seed)

    def _rows(
        self, task: str, subset: str, level: str | None, metrics: Sequence[str], weights: np.ndarray
    ) -> list[dict[str, Any]]:
        """The rows of one task and subset; ``weights`` are shared, so that shares of the oracle are paired."""
        cases = self.cases[self.cases["task"] == task][self._mask(task, subset)]
        facts = {
            "subset": subset,
            "cases": len(cases),
            "cold": float(cases["cold"].mean()),
            "empty histories": int((cases["n_history"] == 0).sum()),
        }
        ceilings: dict[str, tuple[np.ndarray, np.ndarray]] = {}
        for protocol in PROTOCOLS:
            if self.oracle and (self.oracle, task, protocol) in self.ranks:
                values = self.values(self.oracle, task, protocol, subset=subset)
                ceilings[protocol] = values.mean(axis=(0, 1)), resampled_means(values, weights, self.seed)
        rows = []
        for (ranker, of_task, protocol), per_seed in self.ranks.items():
            if of_task != task:
                continue
            entry = self.entries[ranker]
            for one in [level] if level else (LEVELS if entry.identifiers else LEVELS[:1]):
                values = self.values(ranker, task, protocol, one, subset)
                numbers = _numbers(
                    values,
                    resampled_means(values, weights, self.seed),
                    ceilings.get(FULL if protocol == BEAM else protocol) if one == "item" else None,
                    metrics,
                )
                named = {"ranker": ranker, "trained_on": entry.trained_on, "task": task, "protocol": protocol}
                note = {"note": entry.notes.get(f"{task}/{protocol}", "")}
                rows.append(named | {"level": one} | facts | {"seeds": len(per_seed)} | numbers | note)
        return rows


def _numbers(
    values: np.ndarray, resampled: np.ndarray, ceiling: tuple[np.ndarray, np.ndarray] | None, metrics: Sequence[str]
) -> dict[str, float]:
    """The columns of one row: mean, interval, spread over seeds, and share of the oracle."""
    row: dict[str, float] = {}
    for metric in metrics:
        column = METRICS.index(metric)
        found = summarise(values[:, :, column].mean(), resampled[:, column])
        row |= {metric: found.mean, f"{metric} low": found.low, f"{metric} high": found.high}
        per_seed = values[:, :, column].mean(axis=1)
        row[f"{metric} seed sd"] = float(per_seed.std(ddof=1)) if len(per_seed) > 1 else np.nan
        if ceiling is not None:
            mean, means = ceiling[0][column], ceiling[1][:, column]
            usable = bool(mean > 0 and (means > 0).all())
            share = summarise(found.mean / mean, resampled[:, column] / means) if usable else Interval(*[np.nan] * 3)
            name = f"{metric} of oracle"
            row |= {name: share.mean, f"{name} low": share.low, f"{name} high": share.high}
    return row


def as_records(table: pd.DataFrame) -> list[dict[str, Any]]:
    """Rows as plain dicts, NaN as None."""
    return table.astype(object).where(table.notna(), None).to_dict(orient="records")
