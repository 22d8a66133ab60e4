"""What would leak, counted: the target in its own history, twins, ties, held-out clicks learned from, false negatives.

Three rules for a history stand side by side:

* ``nothing dropped``: every other click of the user up to and including the target's instant;
* ``official fix``: what the authors' preprocessing does. Per user, events are walked through by time stamp, purchases
  before searches; a search drops the last purchase from its history if that is the item searched for. Which purchase of
  a day is the last is an accident of the file, so the count is repeated with ``ties shuffled`` (seeded);
* ``strictly before``: ours (``split.Histories``), measured on the histories as models get them.

A target found at its *own instant* is a leak: the same purchase, logged twice. Found *earlier*, it is a repeat: no
leak, but worth knowing, because copying the history then answers the case.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
import pandas as pd
from jaxtyping import Int

from gensar_lite.log.schema import QUERY, SEARCH, TEXT_COLUMNS, JointLog
from gensar_lite.log.split import TASKS, Histories, Split, row_codes
from gensar_lite.log.text import words

NOTHING = "nothing dropped"
OFFICIAL = "official fix"
SHUFFLED = "official fix, ties shuffled"
OURS = "strictly before"


class Finding(NamedTuple):
    """One line of the audit: ``found`` of ``cases`` targets of ``task`` in ``scope``.

    ``scope`` is "test", "validation" or "every" (all clicks of the task). ``leak`` says whether it should be 0.
    """

    check: str
    rule: str
    task: str
    scope: str
    found: int
    cases: int
    leak: bool

    @property
    def share(self) -> float:
        """Found / cases; 0 where there is no case."""
        return self.found / self.cases if self.cases else 0.0


@dataclass(frozen=True)
class Audit:
    """The findings of one log under one split."""

    name: str
    findings: tuple[Finding, ...]

    def table(self) -> pd.DataFrame:
        """One row per finding, with its share (0 to 1)."""
        table = pd.DataFrame(self.findings, columns=Finding._fields)
        table.insert(6, "share", [finding.share for finding in self.findings])
        return table

    @property
    def leaks(self) -> int:
        """What leaks under our rule; anything but 0 is a bug, or a history built by hand."""
        return sum(finding.found for finding in self.findings if finding.leak and finding.rule == OURS)

    def found(self, check: str, rule: str, task: str, scope: str) -> Finding:
        """One line.

        Raises:
            KeyError: there is no such line.
        """
        for finding in self.findings:
            if finding[:4] == (check, rule, task, scope):
                return finding
        raise KeyError(f"the audit has no line {(check, rule, task, scope)}")


def audit(
    log: JointLog,
    split: Split,
    codes: Int[np.ndarray, "N L"] | None = None,
    negatives: Int[np.ndarray, "B n"] | None = None,
) -> Audit:
    """Count what leaks in ``log`` and what would leak under other rules.

    Args:
        log: any joint log.
        split: its leave-one-out split.
        codes: one identifier per item; the checks by item are then repeated by identifier.
        negatives: item indices per row of ``split.test`` (-1: none), as sampled for the 1+99 protocol.

    Raises:
        ValueError: ``codes`` or ``negatives`` do not fit the log.
    """
    clicks = _Clicks.of(log)
    names = {"by item": clicks.item}
    if codes is not None:
        if len(codes) != log.n_items:
            raise ValueError(f"{len(codes)} identifiers for {log.n_items} items: give one row of codes per item.")
        names["by identifier"] = row_codes(*np.asarray(codes).T)[clicks.item]
    findings = _twins(clicks, split)
    for how, thing in names.items():
        findings += _in_history(clicks, split, how, thing)
        findings += _in_our_history(log, clicks, split, how, thing)
    findings += _learned_from(log, split) + _ties(clicks, split) + _exposed(log, clicks, split)
    if negatives is not None:
        findings += _false_negatives(clicks, split, np.asarray(negatives))
    return Audit(log.name, tuple(findings))


@dataclass(frozen=True)
class _Clicks:
    """The C item events of a log in event order. ``row`` maps an event index to its place here (-1: a query)."""

    user: np.ndarray
    item: np.ndarray
    time: np.ndarray
    is_search: np.ndarray
    row: np.ndarray

    @classmethod
    def of(cls, log: JointLog) -> _Clicks:
        clicked = (log.events["behaviour"] != QUERY).to_numpy()
        events = log.events[clicked]
        row = np.where(clicked, np.cumsum(clicked) - 1, -1)
        columns = (events[name].to_numpy() for name in ("user", "item", "timestamp"))
        return cls(*columns, (events["behaviour"] == SEARCH).to_numpy(), row)

    def scopes(self, split: Split) -> dict[tuple[str, str], np.ndarray]:
        """(task, scope) -> places of the targets."""
        places = {}
        for task in TASKS:
            places[task, "every"] = np.flatnonzero(self.is_search == (task == SEARCH))
            for scope, cases in (("test", split.test), ("validation", split.validation)):
                places[task, scope] = self.row[cases.loc[cases["task"] == task, "event"].to_numpy()]
        return places


def _rows(
    clicks: _Clicks, split: Split, check: str, rule: str, hit: np.ndarray, leak: bool, tasks: tuple[str, ...] = TASKS
) -> list[Finding]:
    """Findings of one (C,) bool mask for every task and scope."""
    return [
        Finding(check, rule, task, scope, int(hit[places].sum()), len(places), leak)
        for (task, scope), places in clicks.scopes(split).items()
        if task in tasks
    ]


def _twins(clicks: _Clicks, split: Split) -> list[Finding]:
    """Purchases that stand in the log under both behaviours: same user, item and instant."""
    key = row_codes(clicks.user, clicks.item, clicks.time)
    searched, recommended = (
        np.bincount(key, kind, key.max() + 1) > 0 for kind in (clicks.is_search, ~clicks.is_search)
    )
    return _rows(clicks, split, "twin in the log", "-", (searched & recommended)[key], False)


def _in_history(clicks: _Clicks, split: Split, how: str, thing: np.ndarray) -> list[Finding]:
    """Targets whose ``thing`` (item or identifier) stands in the history under the two foreign rules."""
    pair = row_codes(clicks.user, thing)
    instant = row_codes(pair, clicks.time)  # ranks: sorted by pair, then time
    searched, recommended = clicks.is_search, ~clicks.is_search
    same_s, before_s = _tally(pair, instant, searched)
    same_r, before_r = _tally(pair, instant, recommended)
    ahead_s, ahead_r = _ahead(instant, searched), _ahead(instant, recommended)
    # Official: a search sees all purchases up to its instant and the searches ahead of it; a purchase sees the
    # purchases ahead of it and the searches of earlier instants.
    rules = {NOTHING: (same_s + same_r - 1, before_s + before_r)}
    for rule, shuffle in ((OFFICIAL, False), (SHUFFLED, True)):
        dropped_now, dropped_earlier = _last_purchase(clicks, shuffle)
        rules[rule] = (
            np.where(searched, same_r - dropped_now + ahead_s, ahead_r),
            before_s + before_r - np.where(searched, dropped_earlier, 0),
        )
    findings = []
    for rule, (same, before) in rules.items():
        findings += _rows(clicks, split, f"target in history {how}, own instant", rule, same > 0, True)
        if rule != SHUFFLED:
            findings += _rows(clicks, split, f"target in history {how}, earlier", rule, before > 0, False)
    return findings


def _tally(pair: np.ndarray, instant: np.ndarray, kind: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Per click: clicks of a kind with its pair at its instant (itself included), and at earlier instants."""
    count = np.bincount(instant, kind, instant.max() + 1).astype(np.int64)
    until = np.cumsum(count) - count
    first = np.full(pair.max() + 1, len(count))
    np.minimum.at(first, pair, instant)
    return count[instant], until[instant] - until[first[pair]]


def _ahead(instant: np.ndarray, kind: np.ndarray) -> np.ndarray:
    """Per click: clicks of a kind with its pair and instant that stand before it in the log."""
    order = np.argsort(instant, kind="stable")
    running = np.cumsum(kind[order]) - kind[order]
    starts = np.searchsorted(instant[order], instant[order])
    ahead = np.empty(len(instant), dtype=np.int64)
    ahead[order] = running - running[starts]
    return ahead


def _last_purchase(clicks: _Clicks, shuffle: bool) -> tuple[np.ndarray, np.ndarray]:
    """Per click: 1 if the user's last R_I up to its instant is of its item, at that instant and earlier."""
    moment = row_codes(clicks.user, clicks.time)
    purchases = np.flatnonzero(~clicks.is_search)
    if len(purchases) == 0:
        nothing = np.zeros(len(moment), dtype=np.int64)
        return nothing, nothing
    if shuffle:
        purchases = purchases[np.lexsort((np.random.default_rng(0).random(len(purchases)), moment[purchases]))]
    found = np.searchsorted(moment[purchases], moment, side="right") - 1
    last = purchases[np.maximum(found, 0)]
    dropped = (found >= 0) & (clicks.user[last] == clicks.user) & (clicks.item[last] == clicks.item)
    now = moment[last] == moment
    return (dropped & now).astype(np.int64), (dropped & ~now).astype(np.int64)


def _in_our_history(log: JointLog, clicks: _Clicks, split: Split, how: str, thing: np.ndarray) -> list[Finding]:
    """The same for the held-out cases, on the histories that ``Histories`` really gives."""
    histories = Histories(log)
    findings = []
    for (task, scope), places in clicks.scopes(split).items():
        if scope == "every":
            continue
        cases = getattr(split, scope)
        given = [histories.before(event) for event in cases.loc[cases["task"] == task, "event"]]
        case = np.repeat(np.arange(len(given)), [len(history) for history in given])
        place = clicks.row[np.concatenate(given)] if given else np.zeros(0, dtype=np.int64)
        case, place = case[place >= 0], place[place >= 0]  # queries name no item
        hit = thing[place] == thing[places[case]]
        late = clicks.time[place] >= clicks.time[places[case]]
        for when, which, leak in (("own instant", hit & late, True), ("earlier", hit & ~late, False)):
            found = len(np.unique(case[which]))
            findings.append(Finding(f"target in history {how}, {when}", OURS, task, scope, found, len(places), leak))
    return findings


def _learned_from(log: JointLog, split: Split) -> list[Finding]:
    """Held-out clicks that are learned from all the same, through a twin or through their query row."""
    events = log.events
    clicked = (events["item"] >= 0).to_numpy()
    purchase = row_codes(*(events[name].to_numpy() for name in ("user", "item", "timestamp")))
    session = row_codes(*(events[name].to_numpy() for name in ("user", "session")))
    asked = (events["behaviour"] == QUERY).to_numpy()
    held = np.concatenate([split.test["event"].to_numpy(), split.validation["event"].to_numpy()])
    by_hand = np.ones(len(events), dtype=bool)
    by_hand[held] = False
    findings = []
    for rule, train in (("only the case itself held out", by_hand), (OURS, split.train)):
        learned = np.bincount(purchase, train & clicked) > 0
        typed = np.bincount(session, train & asked) > 0
        for scope, cases in (("test", split.test), ("validation", split.validation)):
            for task in TASKS:
                rows = cases.loc[cases["task"] == task, "event"].to_numpy()
                found = int(learned[purchase[rows]].sum())
                findings.append(
                    Finding("held-out click is a training target", rule, task, scope, found, len(rows), True)
                )
            found = int(typed[session[rows]].sum())  # of the last task, which is search
            findings.append(Finding("held-out query is a training target", rule, SEARCH, scope, found, len(rows), True))
    return findings


def _ties(clicks: _Clicks, split: Split) -> list[Finding]:
    """Targets that share their instant with another click of the user, twins apart."""
    moment = row_codes(clicks.user, clicks.time)
    purchase = row_codes(moment, clicks.item)
    items_then = np.bincount(moment[np.unique(purchase, return_index=True)[1]], minlength=moment.max() + 1)
    return _rows(clicks, split, "another item at the same instant", "-", items_then[moment] > 1, False)


def _exposed(log: JointLog, clicks: _Clicks, split: Split) -> list[Finding]:
    """Held-out cases where the official samplers may draw an item the user clicked as a negative.

    Its recommendation sampler excludes what stands in the history so far, its BM25 sampler only the target itself: then
    every other clicked item that shares a word with the query can become a "hard negative".
    """
    texts = [set(words(" ".join(row))) for row in log.items[list(TEXT_COLUMNS)].itertuples(index=False)]
    start = np.searchsorted(clicks.user, np.arange(log.n_users + 1))
    findings = []
    for scope in ("test", "validation"):
        cases = getattr(split, scope)
        found = dict.fromkeys(TASKS, 0)
        for user, task, item, query, time in cases[["user", "task", "item", "query", "timestamp"]].itertuples(
            index=False
        ):
            own = slice(start[user], start[user + 1])
            if task == SEARCH:
                asked = set(words(query))
                found[task] += any(asked & texts[other] for other in set(clicks.item[own].tolist()) - {item})
            else:
                known = clicks.time[own] <= time
                found[task] += bool(set(clicks.item[own][~known].tolist()) - set(clicks.item[own][known].tolist()))
        for task, count in found.items():
            of_task = int((cases["task"] == task).sum())
            findings.append(
                Finding("a clicked item could be a negative", "official sampler", task, scope, count, of_task, False)
            )
    return findings


def _false_negatives(clicks: _Clicks, split: Split, negatives: np.ndarray) -> list[Finding]:
    """Test cases with a negative that is the target, or an item the user has clicked at any time."""
    if len(negatives) != len(split.test):
        raise ValueError(f"{len(negatives)} rows of negatives for {len(split.test)} test cases: give one row per case.")
    n_items = int(max(clicks.item.max(), negatives.max(initial=0))) + 1
    touched = np.unique(clicks.user * n_items + clicks.item)
    case_user, target = split.test["user"].to_numpy()[:, None], split.test["item"].to_numpy()[:, None]
    is_target = (negatives == target).any(axis=1)
    clicked = np.isin(case_user * n_items + negatives, touched) & (negatives >= 0) & (negatives != target)
    findings = []
    for task in TASKS:
        rows = (split.test["task"] == task).to_numpy()
        for check, hit in (("a negative is the target", is_target), ("a negative was clicked", clicked.any(axis=1))):
            findings.append(
                Finding(check, "negatives given", task, "test", int(hit[rows].sum()), int(rows.sum()), True)
            )
    return findings
