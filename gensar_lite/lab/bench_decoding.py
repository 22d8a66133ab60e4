"""How fast is the constrained beam search? One interleaved run against transformers' ``generate``.

    python -m gensar_lite.lab.bench_decoding [--threads 2] [--rounds 5] [--out decoding.json]

Both decoders get the same random weights, prompts and 10,000 random identifiers of 4 codes out of 256. transformers is
given the identifiers as a dictionary from prefix to next tokens (its ``prefix_allowed_tokens_fn``), the same length for
all (so no end-of-sequence step) and, where the softmax is per level, the same masked logits. The ranked lists must
be identical up to swaps of scores within 1e-5; a case that fails this makes the command fail.
Within a round the contenders take turns, so that a busy machine is busy for all of them; in a turn a contender answers
a few times and the median counts, because the first answer pays for memory that the one before gave back.
Two more questions are asked in the same way: whether an answer costs more when there are 1,000,000 identifiers instead
of 10,000, and what a trie of that size takes.
"""

from __future__ import annotations

import argparse
import os
import platform
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import torch
from jaxtyping import Float, Int
from torch import Tensor
from transformers import T5ForConditionalGeneration
from transformers.utils import logging

from gensar_lite import store
from gensar_lite.generate.beam import BeamResult, beam_search, score_lists
from gensar_lite.generate.t5 import SMALL, TINY, T5Decoder, T5Shape, make_t5
from gensar_lite.generate.trie import Trie

SWAP = 1e-5  # nats; neighbours in a list may change places if their scores are this close
ANSWERS_A_TURN = 3
SPECIALS = 6  # padding, unknown, end, three behaviour tokens


@dataclass(frozen=True)
class Case:
    """One comparison.

    Attributes:
        name: what the table calls it.
        shape: size of the T5.
        words: words in the vocabulary, beside the codes and six special tokens.
        beams: M.
        prompts: B, questions answered in one call.
        per_level: True for a softmax over the codes of the level instead of the whole vocabulary.
        shortest, longest: bounds of the prompts' lengths in tokens (drawn uniformly). A history of five recommended
            clicks and five searches in an instruction has about 60 to 100.
        identifiers: size of the set to decode from.
        codes, levels: K and L.
        candidates: length of the list that exact scoring gets.
    """

    name: str
    shape: T5Shape
    words: int
    beams: int
    prompts: int = 16
    per_level: bool = False
    shortest: int = 60
    longest: int = 100
    identifiers: int = 10_000
    codes: int = 256
    levels: int = 4
    candidates: int = 100

    @property
    def vocabulary(self) -> int:
        """V, number of tokens."""
        return SPECIALS + self.words + self.codes * self.levels

    @property
    def level_starts(self) -> Int[np.ndarray, " L"]:
        """First token of each level's codes."""
        return SPECIALS + self.words + np.arange(self.levels) * self.codes


OWN, T5_SMALL = 2_000, 32_122  # words of a vocabulary built from a log; T5-small's own 32,128 tokens
CASES = (
    Case("tiny", TINY, OWN, beams=30),
    Case("tiny", TINY, OWN, beams=100),
    Case("tiny, softmax per level", TINY, OWN, beams=30, per_level=True),
    Case("tiny, softmax per level", TINY, OWN, beams=100, per_level=True),
    Case("tiny", TINY, OWN, beams=30, prompts=1),
    Case("T5-small shape", SMALL, OWN, beams=30),
    Case("T5-small shape and vocabulary", SMALL, T5_SMALL, beams=30),
    Case("T5-small shape", SMALL, OWN, beams=30, prompts=1),
)


class Row(NamedTuple):
    """Medians over the rounds, in milliseconds per call (a call answers all prompts of the case).

    Attributes:
        generate: transformers' constrained ``generate``.
        beam: this package's ``beam_search``.
        ratio: generate / beam.
        lowest, highest: smallest and largest of that ratio in any round.
        exact: scoring a list of candidates per prompt exactly.
        encoder: transformers' encoder alone, the least any decoder can take.
        floor: share of ``beam`` that is the encoder and the L decoder steps, which no search can do without; the rest
            is trie and selection.
        identical: True if all ranked lists agree.
        largest_gap: largest difference of a score between the two, in nats.
    """

    case: dict[str, Any]
    generate: float
    beam: float
    ratio: float
    lowest: float
    highest: float
    exact: float
    encoder: float
    floor: float
    identical: bool
    largest_gap: float


class Lists(NamedTuple):
    """Ranked lists of B prompts, best first."""

    sequences: Int[np.ndarray, "B M L"]
    log_probs: Float[np.ndarray, "B M"]


def measure(case: Case, rounds: int, seed: int = 0) -> Row:
    """Time all contenders of a case in turns, after one unmeasured round that also compares the lists."""
    rng = np.random.default_rng(seed)
    sequences, prompts = _identifiers(case, rng), _prompts(case, rng)
    candidates = sequences[rng.integers(0, len(sequences), (case.prompts, case.candidates))]
    allowed = None
    if case.per_level:
        allowed = torch.zeros(case.levels, case.vocabulary, dtype=torch.bool)
        for level, start in enumerate(case.level_starts):
            allowed[level, start : start + case.codes] = True

    model = make_t5(case.vocabulary, case.shape, seed)
    decoder, trie = _Timed(T5Decoder(model, allowed)), Trie.build(sequences)
    generate = Generate(model, sequences, allowed)
    ids, mask = _padded(prompts)
    contenders: dict[str, Callable[[], Any]] = {
        "generate": lambda: generate(ids, mask, case.beams),
        "beam": lambda: beam_search(decoder, prompts, trie, case.beams),
        "exact": lambda: score_lists(decoder, prompts, candidates),
        "encoder": lambda: _encode(model, ids, mask),
    }
    answers = {name: contender() for name, contender in contenders.items()}
    theirs, ours = answers["generate"], answers["beam"]
    seconds: dict[str, list[float]] = {name: [] for name in contenders}
    floors = []
    for _ in range(rounds):
        for name, contender in contenders.items():
            decoder.seconds = 0.0
            turn = [_seconds(contender) for _ in range(ANSWERS_A_TURN)]
            seconds[name].append(float(np.median(turn)))
            if name == "beam":
                floors.append(decoder.seconds / sum(turn))
    medians = {name: 1000 * float(np.median(values)) for name, values in seconds.items()}
    ratios = np.array(seconds["generate"]) / np.array(seconds["beam"])
    return Row(
        case={**asdict(case), "vocabulary": case.vocabulary},
        ratio=medians["generate"] / medians["beam"],
        lowest=float(ratios.min()),
        highest=float(ratios.max()),
        floor=float(np.median(floors)),
        identical=same_lists(ours, theirs),
        largest_gap=float(np.abs(ours.log_probs - theirs.log_probs).max()),
        **medians,
    )


def _seconds(contender: Callable[[], Any]) -> float:
    start = time.perf_counter()
    contender()
    return time.perf_counter() - start


def _identifiers(case: Case, rng: np.random.Generator) -> Int[np.ndarray, "n L"]:
    return rng.integers(0, case.codes, (case.identifiers, case.levels)) + case.level_starts


def _prompts(case: Case, rng: np.random.Generator) -> list[list[int]]:
    lengths = rng.integers(case.shortest, case.longest + 1, case.prompts)
    return [rng.integers(SPECIALS, SPECIALS + case.words, length).tolist() for length in lengths]


class Generate:
    """transformers' beam search, constrained to identifiers by a dictionary of prefixes."""

    def __init__(
        self, model: T5ForConditionalGeneration, sequences: Int[np.ndarray, "n L"], allowed: Tensor | None = None
    ) -> None:
        self.model, self.allowed = model, allowed
        self.length = sequences.shape[1]
        following: dict[tuple[int, ...], set[int]] = {}
        for row in sequences.tolist():
            for depth in range(self.length):
                following.setdefault(tuple(row[:depth]), set()).add(row[depth])
        self.following = {prefix: sorted(tokens) for prefix, tokens in following.items()}

    def __call__(self, ids: Int[Tensor, "B T"], mask: Int[Tensor, "B T"], beams: int) -> Lists:
        """The ``beams`` best identifiers of each prompt; there must be that many."""
        hook = self.model.register_forward_hook(self._mask_levels) if self.allowed is not None else None
        try:
            answer = self.model.generate(
                input_ids=ids,
                attention_mask=mask,
                prefix_allowed_tokens_fn=lambda _, prefix: self.following.get(tuple(prefix[1:].tolist()), [0]),
                num_beams=beams,
                num_return_sequences=beams,
                do_sample=False,
                length_penalty=0.0,
                max_new_tokens=self.length,
                return_dict_in_generate=True,
                output_scores=True,
            )
        finally:
            if hook is not None:
                hook.remove()
        shape = (len(ids), beams)
        sequences = answer.sequences[:, 1:].view(*shape, self.length)
        return Lists(sequences.numpy(), answer.sequences_scores.view(shape).numpy())

    def _mask_levels(self, _module: Any, _inputs: Any, output: Any) -> None:
        step = output.past_key_values.get_seq_length() - 1
        output.logits.masked_fill_(~self.allowed[step], -torch.inf)


def same_lists(ours: Lists | BeamResult, theirs: Lists, tolerance: float = SWAP) -> bool:
    """True if the lists agree up to swaps: where they differ, theirs scores the two identifiers within the tolerance.

    An identifier that only we list must score like the last of theirs: it was swapped with one below the end.
    """
    for our_rows, our_scores, their_rows, their_scores in zip(
        ours.sequences.tolist(),
        ours.log_probs.tolist(),
        theirs.sequences.tolist(),
        theirs.log_probs.tolist(),
        strict=True,
    ):
        if len(our_rows) != len(their_rows):
            return False
        scores = dict(zip(map(tuple, their_rows), their_scores, strict=True))
        for place, row in enumerate(our_rows):
            score = scores.get(tuple(row), our_scores[place])
            if row != their_rows[place] and abs(score - their_scores[place]) > tolerance:
                return False
        if any(abs(our_scores[place] - their_scores[-1]) > tolerance for place in _strangers(our_rows, scores)):
            return False
    return True


def _strangers(rows: list[list[int]], known: dict[tuple[int, ...], float]) -> list[int]:
    return [place for place, row in enumerate(rows) if tuple(row) not in known]


class _Timed:
    """A step decoder that adds up the seconds spent inside."""

    def __init__(self, decoder: T5Decoder) -> None:
        self.decoder, self.device, self.seconds = decoder, decoder.device, 0.0

    def read(self, prompts: list[list[int]]) -> Any:
        start = time.perf_counter()
        state = self.decoder.read(prompts)
        self.seconds += time.perf_counter() - start
        return state

    def step(self, state: Any, tokens: Tensor | None, parents: Tensor | None, asked: Tensor) -> tuple[Tensor, Any]:
        start = time.perf_counter()
        answer = self.decoder.step(state, tokens, parents, asked)
        self.seconds += time.perf_counter() - start
        return answer


def _padded(prompts: list[list[int]]) -> tuple[Int[Tensor, "B T"], Int[Tensor, "B T"]]:
    longest = max(map(len, prompts))
    ids = torch.tensor([prompt + [0] * (longest - len(prompt)) for prompt in prompts])
    return ids, (ids != 0).long()


@torch.no_grad()
def _encode(model: T5ForConditionalGeneration, ids: Tensor, mask: Tensor) -> Tensor:
    return model.encoder(input_ids=ids, attention_mask=mask).last_hidden_state


class TrieCost(NamedTuple):
    """What a trie of n random identifiers costs: seconds to build, megabytes to hold."""

    identifiers: int
    seconds: float
    megabytes: float


def measure_trie(n: int = 1_000_000, levels: int = 4, codes: int = 256) -> TrieCost:
    """Build one large trie, once."""
    sequences = np.random.default_rng(0).integers(0, codes, (n, levels)) + np.arange(levels) * codes
    start = time.perf_counter()
    trie = Trie.build(sequences)
    return TrieCost(n, time.perf_counter() - start, trie.nbytes / 1e6)


class GrowthRow(NamedTuple):
    """What an answer costs when there are this many identifiers.

    Attributes:
        milliseconds: per prompt, median over the rounds.
        times: median over the rounds of the ratio to the smallest set.
    """

    identifiers: int
    milliseconds: float
    times: float


def measure_growth(
    case: Case = CASES[0], sizes: tuple[int, ...] = (10_000, 100_000, 1_000_000), rounds: int = 5, seed: int = 0
) -> list[GrowthRow]:
    """The same model and prompts with growing sets of random identifiers, in turns, after one unmeasured round."""
    rng = np.random.default_rng(seed)
    decoder, prompts = T5Decoder(make_t5(case.vocabulary, case.shape, seed)), _prompts(case, rng)
    tries = [Trie.build(_identifiers(replace(case, identifiers=size), rng)) for size in sizes]
    seconds = np.empty((rounds + 1, len(sizes)))
    for round_ in range(rounds + 1):
        for place, trie in enumerate(tries):
            start = time.perf_counter()
            beam_search(decoder, prompts, trie, case.beams)
            seconds[round_, place] = time.perf_counter() - start
    each = 1000 * np.median(seconds[1:], axis=0) / case.prompts
    times = np.median(seconds[1:] / seconds[1:, :1], axis=0)
    return [GrowthRow(*row) for row in zip(sizes, each.tolist(), times.tolist(), strict=True)]


def table(rows: list[Row]) -> str:
    """The rows as text."""
    head = (
        f"{'model':<31}{'V':>7}{'B':>4}{'M':>5} |{'generate':>10}{'beam':>9}{'ratio':>7}{'(range)':>15}"
        f"{'same':>6} |{'exact':>9}{'encoder':>9}{'floor':>7}"
    )
    lines = [head, "-" * len(head)]
    for row in rows:
        case = row.case
        lines.append(
            f"{case['name']:<31}{case['vocabulary']:>7}{case['prompts']:>4}{case['beams']:>5} |"
            f"{row.generate:>10.1f}{row.beam:>9.1f}{row.ratio:>6.1f}x{f'({row.lowest:.1f} to {row.highest:.1f})':>15}"
            f"{'yes' if row.identical else 'NO':>6} |{row.exact:>9.1f}{row.encoder:>9.1f}{row.floor:>7.0%}"
        )
    lines += [
        "",
        "Milliseconds per call of B prompts, medians. generate: transformers' constrained beam search; beam: ours;",
        "exact: ours, every one of 100 candidates per prompt; encoder: transformers' encoder alone; floor: share of",
        "our beam that is the encoder and the decoder steps: a better search over the same model could save the rest.",
    ]
    return "\n".join(lines)


def main(arguments: list[str] | None = None) -> int:
    """Run the cases, print the table, write the JSON if asked. Returns 1 if any list differs."""
    parser = argparse.ArgumentParser(
        prog="python -m gensar_lite.lab.bench_decoding", description=__doc__.split("\n")[0]
    )
    parser.add_argument("--threads", type=int, default=2, help="torch threads (default 2)")
    parser.add_argument("--rounds", type=int, default=5, help="measured rounds per case (default 5)")
    parser.add_argument("--out", type=Path, help="write the rows and the machine as JSON")
    chosen = parser.parse_args(arguments)
    torch.set_num_threads(chosen.threads)
    logging.set_verbosity_error()
    rows = []
    for case in CASES:
        rows.append(measure(case, chosen.rounds))
        print(f"{case.name}, {case.prompts} prompts, {case.beams} beams: {rows[-1].ratio:.1f} times", flush=True)
    growth, trie = measure_growth(rounds=chosen.rounds), measure_trie()
    print("\n" + table(rows))
    print("An answer (tiny, beam 30) from n identifiers:")
    for row in growth:
        print(f"{row.identifiers:>12,}: {row.milliseconds:.2f} ms, {row.times:.2f} times the first")
    print(f"A trie of {trie.identifiers:,} identifiers: {trie.seconds:.2f} s to build, {trie.megabytes:.1f} MB.")
    if chosen.out:
        told = {"rows": rows, "growth": growth}
        facts = {name: [row._asdict() for row in some] for name, some in told.items()}
        facts |= {"rounds": chosen.rounds, "trie": trie._asdict()}
        store.write_json(chosen.out, {**machine(), **facts})
    return 0 if all(row.identical for row in rows) else 1


def machine() -> dict[str, Any]:
    """The machine that figures come from."""
    return {
        "load": _load(),
        "instructions": torch.backends.cpu.get_cpu_capability(),
        "machine": platform.machine(),
        "processor": _processor(),
        "cores": os.cpu_count(),
        "threads": torch.get_num_threads(),
        "torch": torch.__version__,
    }


def _load() -> float | None:
    """Processes that wanted a core in the last minute, on average; None where the system does not say (Windows)."""
    return os.getloadavg()[0] if hasattr(os, "getloadavg") else None


def _processor() -> str:
    """The processor's name; Linux keeps it in /proc."""
    file = Path("/proc/cpuinfo")
    lines = file.read_text().splitlines() if file.exists() else []
    names = [line.split(":", 1)[1].strip() for line in lines if line.startswith("model name")]
    return names[0] if names else platform.processor()


if __name__ == "__main__":
    raise SystemExit(main())
