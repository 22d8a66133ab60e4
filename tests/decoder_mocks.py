"""Step decoders without weights, and a beam search in plain Python to compare with."""

import numpy as np
import torch


class TableDecoder:
    """Looks every log-probability up: ``table(prompt, prefix) -> (V,)`` nats. Remembers how wide each step was."""

    device = torch.device("cpu")

    def __init__(self, table):
        self.table = table
        self.widths = []

    def read(self, prompts):
        return [[(prompt, ())] for prompt in prompts]

    def step(self, state, tokens, parents, asked):
        self.widths.append(asked.shape[1])
        if tokens is None:
            assert all(len(rows) == 1 for rows in state)
            grown = state
        else:
            assert tokens.shape == parents.shape == asked.shape[:2]
            grown = [
                [(rows[parent][0], rows[parent][1] + (token,)) for token, parent in zip(*pair, strict=True)]
                for rows, pair in zip(state, zip(tokens.tolist(), parents.tolist(), strict=True), strict=True)
            ]
        known = np.stack([np.stack([self.table(*row) for row in rows]) for rows in grown]).astype(np.float32)
        return torch.from_numpy(known).gather(2, asked), grown


def random_table(vocabulary, seed, forbidden=0.0):
    """Log-probabilities that are quarters of a nat, so that sums are exact and ties are many; some are -inf."""

    def table(prompt, prefix):
        rng = np.random.default_rng([seed, prompt, len(prefix), *prefix])
        log_probs = -rng.integers(0, 12, vocabulary) / 4.0
        return np.where(rng.random(vocabulary) < forbidden, -np.inf, log_probs)

    return table


def score_by_hand(table, prompt, sequence):
    """Sum of the log-probabilities of a sequence's tokens."""
    return sum(float(table(prompt, tuple(sequence[:depth]))[token]) for depth, token in enumerate(sequence))


def beam_by_hand(table, prompt, sequences, beams):
    """[(sequence, score)] best first, ties by sequence: the definition of constrained beam search."""
    allowed = {tuple(row) for row in np.asarray(sequences).tolist()}
    length = len(next(iter(allowed)))
    kept = [((), 0.0)]
    for depth in range(length):
        grown = []
        for prefix, score in kept:
            log_probs = table(prompt, prefix)
            for token in sorted({row[depth] for row in allowed if row[:depth] == prefix}):
                if log_probs[token] > -np.inf:
                    grown.append((prefix + (token,), score + float(log_probs[token])))
        kept = sorted(grown, key=lambda pair: (-pair[1], pair[0]))[:beams]
    return kept
