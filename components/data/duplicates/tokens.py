"""Texts as arrays of token hashes, and hashes of all runs of n tokens, without a Python loop over the runs."""

import hashlib
from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

_FACTOR = 0x9E3779B97F4A7C15
"""Odd, with bits all over: 2^64 divided by the golden ratio."""


class Tokens(dict[str, int]):
    """Token → 64-bit hash, the same in every process and order; each token is hashed once."""

    def __missing__(self, token: str) -> int:
        value = int.from_bytes(hashlib.blake2b(token.encode(), digest_size=8).digest(), "little")
        self[token] = value
        return value

    def array(self, tokens: Sequence[str]) -> "np.ndarray":
        """The tokens' hashes as unsigned 64-bit integers."""
        import numpy as np

        return np.fromiter(map(self.__getitem__, tokens), dtype=np.uint64, count=len(tokens))


def run_hashes(tokens: "np.ndarray", size: int) -> "np.ndarray":
    """The hash of every run of `size` tokens: element i is that of tokens[i : i + size]; empty for a shorter array.

    A polynomial modulo 2^64, built by doubling: the hash of a run of a + b follows from those of a and b.
    """
    import numpy as np

    if len(tokens) < size:
        return np.zeros(0, np.uint64)
    done, length = tokens[:0], 0
    power, span = tokens, 1
    bits = size
    while True:
        if bits & 1:
            if not length:
                done, length = power, span
            else:
                count = len(tokens) - length - span + 1
                done = done[:count] * np.uint64(pow(_FACTOR, span, 1 << 64)) + power[length : length + count]
                length += span
        bits >>= 1
        if not bits:
            return done
        power = power[:-span] * np.uint64(pow(_FACTOR, span, 1 << 64)) + power[span:]
        span *= 2
