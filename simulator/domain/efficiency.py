"""How much of the possible gains from trade a market realised, interval by interval.

Every order counts with its last limit and its last quantity (a cancelled one with what it had filled). The optimum
sets the highest bids against the lowest asks as long as a bid is not below an ask: the most that these limits allow.
Realised is what was actually filled, each fill at its order's limit: Σ filled bids × limit − Σ filled asks × limit.
What was filled is itself one way of matching these orders, so realised ÷ optimum is at most 1.

Example: bids 10 kWh at 2,000 and 10 at 1,500; asks 10 at 900 and 10 at 1,600. Optimum: 10 × (2,000 − 900) = 11,000 VND.
If instead the second bid took the first ask and the first bid the second ask, realised is 10 × (1,500 − 900) + 10 ×
(2,000 − 1,600) = 10,000: an efficiency of 91 %.

Energies in Wh, limits in VND/kWh, gains in milli-VND.
"""

from collections.abc import Iterable, Sequence
from typing import NamedTuple


class Limit(NamedTuple):
    """One order: 1 buy or −1 sell, its last limit, its last quantity, and what was filled."""

    side: int
    price: int
    wh: int
    filled_wh: int


class Gains(NamedTuple):
    """Gains from trade in milli-VND."""

    realised_millidong: int
    optimum_millidong: int


def gains(orders: Iterable[Limit]) -> Gains:
    """What one interval's orders realised, and what they could have."""
    orders = list(orders)
    bids = sorted(((o.price, o.wh) for o in orders if o.side > 0), reverse=True)
    asks = sorted((o.price, o.wh) for o in orders if o.side < 0)
    return Gains(sum(o.side * o.price * o.filled_wh for o in orders), _cross(bids, asks))


def _cross(bids: Sequence[tuple[int, int]], asks: Sequence[tuple[int, int]]) -> int:
    """Σ wh × (bid − ask) of the best against the best, as long as that is not below 0."""
    total, at_bid, at_ask = 0, 0, 0
    bid_left, ask_left = (bids[0][1] if bids else 0), (asks[0][1] if asks else 0)
    while at_bid < len(bids) and at_ask < len(asks) and bids[at_bid][0] >= asks[at_ask][0]:
        wh = min(bid_left, ask_left)
        total += wh * (bids[at_bid][0] - asks[at_ask][0])
        bid_left, ask_left = bid_left - wh, ask_left - wh
        if not bid_left:
            at_bid += 1
            bid_left = bids[at_bid][1] if at_bid < len(bids) else 0
        if not ask_left:
            at_ask += 1
            ask_left = asks[at_ask][1] if at_ask < len(asks) else 0
    return total
