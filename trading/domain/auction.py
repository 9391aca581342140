"""The opening auction: one price for all that can trade at once.

The price maximises the volume; among those prices, minimises the imbalance |demand − supply|; among those, the highest
if demand is in excess at all of them, the lowest if supply is, else the middle, rounded down to a tick.

    bids 40 × 6, 40 × 8    asks 30 × 7, 30 × 9     any price 30…40 trades 14; supply exceeds by 2 → 30
    bid  22 × 10           ask  20 × 10            any price 20…22 trades 10; balanced → the middle, 21
"""

from collections.abc import Iterable, Sequence
from itertools import accumulate
from typing import NamedTuple

Levels = Sequence[tuple[int, int]]  # (price, Wh), best first


class Uncrossing(NamedTuple):
    """The uncrossing price in VND/kWh and the volume in Wh; price None where nothing can trade."""

    price: int | None
    volume_wh: int


class _Stretch(NamedTuple):
    """A run of prices (low … high, both included) with the same demand and supply."""

    low: int
    high: int
    volume: int
    imbalance: int


def uncrossing(bids: Levels, asks: Levels, tick: int) -> Uncrossing:
    """Finds the uncrossing price of two sides given as price levels, bids falling, asks rising. Linear in levels."""
    if not bids or not asks or bids[0][0] < asks[0][0]:
        return Uncrossing(None, 0)
    stretches = _stretches(bids, asks, tick)
    volume = max(stretch.volume for stretch in stretches)
    best = [stretch for stretch in stretches if stretch.volume == volume]
    least = min(abs(stretch.imbalance) for stretch in best)
    best = [stretch for stretch in best if abs(stretch.imbalance) == least]
    return Uncrossing(_choose(best, tick), volume)


def _choose(best: list[_Stretch], tick: int) -> int:
    low, high = best[0].low, best[-1].high
    if all(stretch.imbalance > 0 for stretch in best):
        return high
    if all(stretch.imbalance < 0 for stretch in best):
        return low
    return (low + high) // 2 // tick * tick


def _stretches(bids: Levels, asks: Levels, tick: int) -> list[_Stretch]:
    """Demand and supply are constant on an order's price and between two neighbouring ones: one stretch for each."""
    floor, ceiling = asks[0][0], bids[0][0]
    prices = sorted({p for p, _ in bids if p >= floor} | {p for p, _ in asks if p <= ceiling})
    demand = _cumulated(bids, reversed(prices), falling=True)
    supply = _cumulated(asks, prices, falling=False)
    stretches = []
    for here, after in zip(prices, [*prices[1:], None], strict=True):
        stretches.append(_stretch(here, here, demand[here], supply[here]))
        if after is not None and after - here > tick:
            stretches.append(_stretch(here + tick, after - tick, demand[after], supply[here]))
    return stretches


def _stretch(low: int, high: int, demand: int, supply: int) -> _Stretch:
    return _Stretch(low, high, min(demand, supply), demand - supply)


def _cumulated(levels: Levels, prices: Iterable[int], *, falling: bool) -> dict[int, int]:
    """Wh that would trade on this side at each of the prices (given from the side's best to its worst)."""
    sums = list(accumulate(wh for _, wh in levels))
    result, reached = {}, 0
    for price in prices:
        while reached < len(levels) and (levels[reached][0] >= price if falling else levels[reached][0] <= price):
            reached += 1
        result[price] = sums[reached - 1] if reached else 0
    return result
