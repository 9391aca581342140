"""Exact sums by participant. `numpy.bincount` adds in floating point, so money and energy must not go through it."""

import numpy as np

from settlement.domain.clearing_input import IntArray


def totals(values: IntArray, owner: IntArray, owners: int) -> IntArray:
    """Sum `values` (k) by `owner` index (k) into an int64 array (owners)."""
    sums = np.zeros(owners, dtype=np.int64)
    np.add.at(sums, owner, values)
    return sums
