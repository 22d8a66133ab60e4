"""How fast is the flip? Both answers to one history, numbers and pictures included, as the live views ask for them.

    python -m gensar_lite.lab.bench_flip [--threads 1] [--questions 50] [--out flip.json]

The shipped model answers held-out searches of the embedded data set. Each question is a history, its query, and the
flip of both switches; the time runs from the question to the finished picture: two beam searches, two exact scorings of
the whole catalogue, divergence, overlap, HTML. And once more with what follows a flip in lesson 05 and in the app: the
traced beam of the new question as a tree. What a browser then needs to draw it is not counted.
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np
import torch

from gensar_lite import store
from gensar_lite.generate.tasks import actions
from gensar_lite.lab import ask, ask_beam
from gensar_lite.lab.artefacts import Artefacts, open_artefacts
from gensar_lite.lab.bench_decoding import machine
from gensar_lite.log.schema import SEARCH
from gensar_lite.log.split import Histories
from gensar_lite.view.figures_beam import beam_html
from gensar_lite.view.figures_flip import TOKENS, Asked, flip_html, sides

TREE_BEAMS = 10  # as the tree starts
GOAL, LIMIT = 200.0, 1000.0  # milliseconds: what we want, and what a reader still takes for an answer at once


class FlipTime(NamedTuple):
    """Milliseconds per question, by the clock and of processor time.

    Attributes:
        questions: how many were asked.
        median, slowest: of the clock; ``slowest`` is the 95th percentile.
        processor: median of the processor time, all threads together.
        with_tree, slowest_with_tree: as ``median`` and ``slowest``, the tree that follows included.
    """

    questions: int
    median: float
    slowest: float
    processor: float
    with_tree: float
    slowest_with_tree: float


def measure(made: Artefacts, questions: int = 50, seed: int = 0) -> FlipTime:
    """Time the flip of held-out searches, after three unmeasured ones; the three tokens take turns.

    Args:
        questions: at least 1; as many as there are test searches at most.
    """
    cases = made.split.test[made.split.test["task"] == SEARCH]
    cases = cases.sample(min(questions, len(cases)), random_state=seed)
    histories, pairs = Histories(made.log), [sides(*pair) for pair in zip(TOKENS, TOKENS[1:] + TOKENS[:1])]
    asked = [
        (actions(made.log, histories.before(event)), query, pairs[number % len(pairs)])
        for number, (event, query) in enumerate(zip(cases["event"], cases["query"]))
    ]
    clock, processor, followed = [], [], []
    for number, (history, query, pair) in enumerate([*asked[:3], *asked]):
        wall, own = time.perf_counter(), time.process_time()
        flip_html(ask.flip(made.model, history, query, pair), pair, query)
        if number >= 3:
            clock.append(1000 * (time.perf_counter() - wall))
            processor.append(1000 * (time.process_time() - own))
        now = Asked(history, pair[1], query)
        beam_html(ask_beam.trace_asked(made.model, now, TREE_BEAMS, True), now.side.token)
        if number >= 3:
            followed.append(1000 * (time.perf_counter() - wall))
    middle, last = ([float(np.percentile(times, share)) for times in (clock, followed)] for share in (50, 95))
    return FlipTime(len(clock), middle[0], last[0], float(np.median(processor)), middle[1], last[1])


def main(arguments: list[str] | None = None) -> int:
    """Measure, print, write the JSON if asked. Returns 1 if the 95th percentile, tree included, is over a second."""
    parser = argparse.ArgumentParser(prog="python -m gensar_lite.lab.bench_flip", description=__doc__.split("\n")[0])
    parser.add_argument(
        "--threads", type=int, default=1, help="torch threads (default 1; the model gains little by more)"
    )
    parser.add_argument("--questions", type=int, default=50, help="questions asked (default 50)")
    parser.add_argument("--out", type=Path, help="write the figures and the machine as JSON")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    told = measure(open_artefacts(), chosen.questions)
    print(
        f"{told.questions} questions, {chosen.threads} threads: median {told.median:.0f} ms, 95th percentile "
        f"{told.slowest:.0f} ms (goal {GOAL:.0f} ms, limit {LIMIT:.0f} ms); processor time {told.processor:.0f} ms.\n"
        f"With the tree that follows: median {told.with_tree:.0f} ms, 95th percentile {told.slowest_with_tree:.0f} ms."
    )
    if chosen.out:
        store.write_json(chosen.out, {**machine(), **told._asdict()})
    return int(told.slowest_with_tree > LIMIT)


if __name__ == "__main__":
    raise SystemExit(main())
