"""Randomness that has no history: every value is a pure function of (seed, stream, counter).

A usual generator must be run from its start to know its thousandth number. A simulator that restarts, catches up after
a night switched off, or is asked for one interval of last month, cannot do that and stay the same. So each number is
hashed from its own place (SplitMix64: Steele, Lea and Flood, 2014, 'Fast splittable pseudorandom number generators').

`wandering` makes a smooth random course out of such numbers: a standard normal value at every multiple of the period,
and between two of them a blend whose weights a, b are divided by √(a² + b²), so that it is standard normal everywhere
and not calmer in between.
"""

import hashlib

import numpy as np
import numpy.typing as npt

FloatArray = npt.NDArray[np.float64]
Int64Array = npt.NDArray[np.int64]

_GOLDEN = np.uint64(0x9E3779B97F4A7C15)
_FIRST = np.uint64(0xBF58476D1CE4E5B9)
_SECOND = np.uint64(0x94D049BB133111EB)
_TO_UNIT = 1.0 / (1 << 53)


def stream(seed: int, *names: str) -> int:
    """A stream of numbers of its own for a seed and some names (a member's key and what the numbers are for)."""
    text = "\x1f".join((str(seed), *names)).encode()
    return int.from_bytes(hashlib.blake2b(text, digest_size=8).digest(), "big")


def uniform(of: int, counters: Int64Array) -> FloatArray:
    """One number in (0, 1) for each counter of a stream."""
    mixed = counters.astype(np.uint64) * _GOLDEN + np.uint64(of)
    mixed = (mixed ^ (mixed >> np.uint64(30))) * _FIRST
    mixed = (mixed ^ (mixed >> np.uint64(27))) * _SECOND
    mixed = mixed ^ (mixed >> np.uint64(31))
    return ((mixed >> np.uint64(11)).astype(np.float64) + 0.5) * _TO_UNIT


def normal(of: int, counters: Int64Array) -> FloatArray:
    """One standard normal number for each counter of a stream (Box and Muller, 1958)."""
    radius = np.sqrt(-2.0 * np.log(uniform(of, counters * 2)))
    return radius * np.cos(2.0 * np.pi * uniform(of, counters * 2 + 1))


def wandering(of: int, minutes: FloatArray, period: float) -> FloatArray:
    """A smooth standard normal course over time; values further apart than `period` minutes know nothing of each other.

    `minutes` are minutes since 1970, any shape.
    """
    position = minutes / period
    left = np.floor(position)
    share = position - left
    counters = left.astype(np.int64)
    blend = (1.0 - share) * normal(of, counters) + share * normal(of, counters + 1)
    return blend / np.sqrt((1.0 - share) ** 2 + share**2)
