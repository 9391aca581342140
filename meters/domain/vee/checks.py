"""Which values of a meter cannot be right, or look as if they were not. A person decides; nothing is changed here.

| check | says |
|---|---|
| over_power | more energy than the connection can carry in the interval |
| spike | the highest of a day is more than 2.8 times the third highest |
| stuck | the same value for six hours, or a whole day of 0 at a point that was never still for a day |
| shifted | the day fits the usual one much better when it is moved by some intervals: the meter's clock is wrong |

Example: a day whose highest half hours are 9,000, 2,000 and 2,000 Wh has a spike: 9,000 − 2,000 is 3.5 times 2,000. The
1.8 of the difference is that of the spike check of California's VEE standard; the rest are this product's own.
"""

from collections.abc import Sequence

MINUTES_PER_HOUR = 60
SPIKE_TENTHS = 18
SPIKE_FROM_WH = 2_000
STUCK_MINUTES = 360
STUCK_FROM_WH = 200
MOST_SHIFT = 4
SHIFT_GAIN = 3  # the moved day must fit three times better
SHIFT_FROM_WH = 2_000

Known = Sequence[int | None]


def over_power(wh: int, limit_w: int | None, minutes: int) -> bool:
    """Whether `wh` in `minutes` is more than a connection of `limit_w` carries; never where no limit is known."""
    return limit_w is not None and wh * MINUTES_PER_HOUR > limit_w * minutes


def spikes(day_wh: Known) -> list[int]:
    """The place of the day's highest value, where it stands out; else none."""
    found = sorted(((wh, place) for place, wh in enumerate(day_wh) if wh is not None), reverse=True)
    if len(found) < 3:
        return []
    (highest, place), third = found[0], found[2][0]
    if highest < SPIKE_FROM_WH or not third:
        return []
    return [place] if (highest - third) * 10 > third * SPIKE_TENTHS else []


def stuck(day_wh: Known, minutes: int) -> list[int]:
    """The places of values above 0 that stay the same for six hours or more."""
    least = STUCK_MINUTES // minutes
    places: list[int] = []
    start = 0
    for place in range(1, len(day_wh) + 1):
        if place < len(day_wh) and day_wh[place] == day_wh[start]:
            continue
        value = day_wh[start]
        if value is not None and value >= STUCK_FROM_WH and place - start >= least:
            places.extend(range(start, place))
        start = place
    return places


def silent(day_wh: Known, days_before_wh: Sequence[Known]) -> bool:
    """Whether a whole known day is 0 although every one of at least three days before had energy."""
    whole = bool(day_wh) and all(wh == 0 for wh in day_wh)
    moved = [any(day) for day in days_before_wh if any(wh is not None for wh in day)]
    return whole and len(moved) >= 3 and all(moved)


def shifted(day_wh: Known, usual_wh: Known) -> int:
    """By how many intervals the day comes too late (+) or too early (−) against the usual one; 0 where it does not."""
    if len(day_wh) != len(usual_wh) or None in day_wh or None in usual_wh:
        return 0
    apart = {lag: _apart(day_wh, usual_wh, lag) for lag in range(-MOST_SHIFT, MOST_SHIFT + 1)}
    best = min(apart, key=lambda lag: (apart[lag], abs(lag)))
    if apart[0] < SHIFT_FROM_WH * len(day_wh) // 48 or apart[best] * SHIFT_GAIN > apart[0]:
        return 0
    return best


def _apart(day_wh: Known, usual_wh: Known, lag: int) -> int:
    """Σ |day − usual moved by `lag`| over the middle of the day, which every lag has."""
    middle = range(MOST_SHIFT, len(day_wh) - MOST_SHIFT)
    return sum(abs((day_wh[place] or 0) - (usual_wh[place - lag] or 0)) for place in middle)
