"""Energy in whole watt-hours: shares that keep the sum, and how a person reads it.

Nothing here is a float. A total that must be shared out is shared so that the parts add up to it exactly:
`split_evenly(1_001, 2)` is `[501, 500]`; `largest_remainder(100, [1, 1, 1])` is `[34, 33, 33]`.
"""

from collections.abc import Sequence

from units.numbers import Language, grouped, rounded_half_up


class SharesError(ValueError):
    """A total cannot be shared out in the way asked for."""

    code = "invalid_shares"


def energy_wh(power_w: int, minutes: int) -> int:
    """The energy that `power_w` delivers in `minutes`, in Wh, rounded down for positive power."""
    return power_w * minutes // 60


def split_evenly(total_wh: int, parts: int) -> list[int]:
    """`total_wh` in `parts` shares that differ by at most 1 Wh; the earlier shares are the larger. Any sign."""
    if parts < 1:
        raise SharesError(f"Energy cannot be split into {parts} parts; give at least one.")
    share, left = divmod(total_wh, parts)
    return [share + 1] * left + [share] * (parts - left)


def largest_remainder(total: int, weights: Sequence[int]) -> list[int]:
    """`total` (≥ 0) shared in proportion to `weights` (≥ 0, not all zero unless the total is 0), keeping the sum.

    Each gets the floor of its exact share; what is left goes 1 by 1 to the largest remainders, ties to the earlier
    (Hamilton's method). So every share is the floor or the ceiling of the exact one.
    """
    whole = sum(weights)
    if total < 0 or any(weight < 0 for weight in weights) or (total and not whole):
        raise SharesError(f"{total} cannot be shared out by the weights given; they must be ≥ 0 and not all zero.")
    if not total:
        return [0] * len(weights)
    shares = [total * weight // whole for weight in weights]
    by_remainder = sorted(range(len(weights)), key=lambda i: -(total * weights[i] % whole))
    for i in by_remainder[: total - sum(shares)]:
        shares[i] += 1
    return shares


def format_energy(wh: int, language: Language = "en") -> str:
    """`12.3 kWh` · `1,234 kWh` (vi `12,3 kWh` · `1.234 kWh`): one decimal below 100 kWh, none from there on.

    Rounded half away from zero, so 99,950 Wh reads `100 kWh`.
    """
    tenths = rounded_half_up(wh, 100)
    if abs(tenths) < 1_000:
        return f"{grouped(tenths, language, decimals=1)} kWh"
    return f"{grouped(rounded_half_up(wh, 1_000), language)} kWh"
