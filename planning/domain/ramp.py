"""The limit ramp: what a standing instruction asks or bids at a moment between gate opening and gate closure.

A seller starts at its far price and comes down to its near price, a buyer goes up, both in a straight line. The line is
followed in a few steps of equal length, so that an order is changed a handful of times and not every minute: the first
step stands at the far price, the last at the near price. Every limit is then cut to the band in which it makes sense.

Example: 2,250 → 740 over a window of 48 hours in 6 steps of 8 hours. Step 0 asks 2,250; step 2, from 16 hours after the
opening, asks 2,250 − 1,510 × 2 / 5 = 1,646; the last step asks 740. Where the grid pays 760 for surplus, it asks 760.

Prices are whole VND/kWh; moments whole milliseconds.
"""

from dataclasses import dataclass

from trading.domain.messages import BUY

STEPS = 6


@dataclass(frozen=True, slots=True)
class Band:
    """The prices that make sense for one order, both included. `low` above `high`: none does."""

    low: int
    high: int


def step_at(opens_at: int, closes_at: int, at: int, steps: int = STEPS) -> int | None:
    """The step (0 … steps − 1) that holds at a moment; None before the gate opens and from its closure on."""
    if not opens_at <= at < closes_at:
        return None
    return (at - opens_at) * steps // (closes_at - opens_at)


def line_price(far_price: int, near_price: int, step: int, steps: int = STEPS) -> int:
    """The price on the line at a step, towards the far price where it is not whole, so that no step goes too far."""
    moved = abs(near_price - far_price) * step // (steps - 1)
    return far_price + moved if near_price >= far_price else far_price - moved


def limit_price(side: int, far_price: int, near_price: int, step: int, band: Band, tick: int) -> int | None:
    """The limit of an order at a step: on the line, on the tick, within the band; None where no tick lies in the band.

    Off the tick a seller's limit goes up and a buyer's down, so that nobody trades beyond the line.
    """
    low, high = -(-band.low // tick) * tick, band.high // tick * tick
    if low > high:
        return None
    price = line_price(far_price, near_price, step)
    on_tick = price // tick * tick if side == BUY else -(-price // tick) * tick
    return min(max(on_tick, low), high)


def sell_band(contract: Band, surplus_price: int, buyers_ceiling: int) -> Band:
    """Selling below what the grid pays gives money away; above what the dearest buyer saves, nobody buys."""
    return Band(max(contract.low, surplus_price), min(contract.high, buyers_ceiling))


def buy_band(contract: Band, surplus_price: int, retail_price: int, network_fee: int) -> Band:
    """Bidding above own retail price less the fee costs more than the grid; below what the grid pays, nobody sells."""
    return Band(max(contract.low, surplus_price), min(contract.high, retail_price - network_fee))
