"""Whole-number draws that come out the same on every platform and with every numpy release.

numpy promises that the *raw* 64-bit stream of ``PCG64`` and the mixing of ``SeedSequence`` never change; it does not
promise it for ``Generator.choice`` and its kin, and a sum of float weights may differ in its last bit. So draws are
made here from the raw stream, and all weights are whole numbers.
"""

from __future__ import annotations

import numpy as np

LIMIT = 1 << 32  # outcomes of one draw; sums of weights stay below it
_BUFFER = 128


class Dice:
    """A stream of whole numbers named by whole numbers (seed, purpose, ...): equal names, equal streams."""

    def __init__(self, *name: int) -> None:
        self._bits = np.random.PCG64(np.random.SeedSequence(list(name)))
        self._buffer: list[int] = []

    def below(self, n: int) -> int:
        """One of 0..n-1, equally likely up to n / 2**32. Raises ValueError unless 1 <= n <= 2**32."""
        if not 1 <= n <= LIMIT:
            raise ValueError(f"a draw needs between 1 and 2**32 outcomes, not {n}")
        if not self._buffer:
            self._buffer = self._bits.random_raw(_BUFFER).tolist()
        return (self._buffer.pop() >> 32) * n >> 32

    def many(self, n: int, size: int) -> np.ndarray:
        """(size,) int64, each one of 0..n-1."""
        if not 1 <= n < LIMIT:
            raise ValueError(f"a draw needs between 1 and 2**32 - 1 outcomes, not {n}")
        high = self._bits.random_raw(size) >> np.uint64(32)
        return (high * np.uint64(n) >> np.uint64(32)).astype(np.int64)

    def weighted(self, cumulative: np.ndarray) -> int:
        """The index k drawn with weight ``cumulative[k] - cumulative[k - 1]`` (int64, increasing)."""
        return int(np.searchsorted(cumulative, self.below(int(cumulative[-1])), side="right"))

    def shuffled(self, n: int) -> np.ndarray:
        """A permutation of 0..n-1 (by sorting random keys; the stable sort settles ties)."""
        return np.argsort(self._bits.random_raw(n), kind="stable")

    def bits(self, size: int) -> np.ndarray:
        """(size,) uint64 of 64 fair coins each."""
        return self._bits.random_raw(size)
