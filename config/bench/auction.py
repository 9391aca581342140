"""How long the opening auction takes: one price and all fills of one contract with 100,000 orders in the call.

The baseline is what every uncrossing has to do before it can begin if it keeps no book: sort the same orders by price
and arrival (both sides, plain tuples, Python's own sort). `ratio` is baseline time ÷ auction time. The core keeps its
levels sorted as orders come, so it does not sort here, but makes some 100,000 fills.
"""

import gc
import random
from typing import Any

from trading.domain.book import Book
from trading.domain.checks import Rules
from trading.domain.engine import Engine
from trading.domain.messages import BUY, SELL, New, Uncross

from .core import timed

TITLE = "Opening auction: uncrossing 100,000 orders of one contract"

ORDERS = 100_000
SIZES = (10_000, 100_000, 300_000)
ROUNDS = 5
SEED = 20_261_121


def run() -> dict[str, Any]:
    """Seconds for the full size, the best of some rounds, in turns with the baseline."""
    stream = orders(ORDERS)
    seconds, bare, fills = best_of(stream, ROUNDS)
    growth = {size: best_of(orders(size), 3)[0] / size * 1e6 for size in SIZES}
    return {
        "name": "auction",
        "value": round(seconds, 4),
        "unit": "s",
        "baseline": round(bare, 4),
        "ratio": round(bare / seconds, 3),
        "conditions": {
            "baseline_is": "a bare sort of the same orders as (price, arrival) tuples, both sides",
            "orders": ORDERS,
            "fills": fills,
            "rounds": f"best of {ROUNDS}, in turns, one process",
            "microseconds_per_order_by_size": {str(size): round(value, 3) for size, value in growth.items()},
            "garbage_collector": "off in both while timed: neither makes cycles",
        },
    }


def orders(count: int) -> list[New]:
    """Seeded orders of which about half can trade: bids and asks of one spread, prices on 400 ticks."""
    chance = random.Random(SEED)
    result = []
    for number in range(count):
        side, quantity = chance.choice((BUY, SELL)), chance.randint(1, 50) * 100
        result.append(New(f"p{number}", "1", "K1", side, quantity, chance.randint(1_400, 1_800)))
    return result


def best_of(stream: list[New], rounds: int) -> tuple[float, float, int]:
    """The least seconds of auction and baseline, and how many fills there were."""
    seconds, bare, fills = float("inf"), float("inf"), 0
    for _ in range(rounds):
        market = in_the_call(stream)
        seconds = min(seconds, timed(market.apply, [Uncross("K1")]))
        fills = len(market.trades)
        sides = [[(-m.side * (m.price or 0), arrival) for arrival, m in enumerate(stream) if m.side == side]
                 for side in (BUY, SELL)]  # fmt: skip
        bare = min(bare, timed(list.sort, sides))
    return seconds, bare, fills


def in_the_call(stream: list[New]) -> Engine:
    """A market with all orders collected."""
    market = Engine(Rules(), [Book("K1", 0, 10**12, -500, 9_999, call_until=1)])
    gc.disable()
    for message in stream:
        market.apply(message)
    gc.enable()
    return market
