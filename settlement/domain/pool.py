"""Step 2 of clearing: unsold export and unmet import of those who opted in meet once more, at one price.

Bids from the highest, each against the asks from the lowest; equal limits by participant, ascending. The price is
⌊(ask + bid) / 2⌋ of the last pair matched (⌊⌋ also below zero: ask −4, bid −1 gives −3).

Nobody trades with itself. A participant with both directions in one interval can be the highest bid and the lowest
ask; its bid then goes on to the next ask, and its own ask waits, still first in line, for the next bid. That is the
only way in which the last pair need not hold the highest ask matched, so two guards keep everybody within its limit:
a bid below an ask that has already been matched gets nothing, and the price is never below the highest ask matched.

Example: asks x 1, z 8; bids x 10, y 9, 1,000 Wh each. x buys from z, y buys from x. The last pair's middle would be
5, below z's limit, so the price is 8.
"""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from settlement.domain.clearing_input import BoolArray, ClearingInput, IntArray
from settlement.domain.clearing_result import Pool


@dataclass(slots=True)
class _Offer:
    participant: int
    limit_price: int
    wh: int


@dataclass(slots=True)
class _Matching:
    sellers: list[int] = field(default_factory=list)
    buyers: list[int] = field(default_factory=list)
    wh: list[int] = field(default_factory=list)
    highest_ask: int | None = None
    price: int | None = None

    def add(self, ask: _Offer, bid: _Offer) -> None:
        wh = min(ask.wh, bid.wh)
        ask.wh -= wh
        bid.wh -= wh
        self.sellers.append(ask.participant)
        self.buyers.append(bid.participant)
        self.wh.append(wh)
        self.highest_ask = ask.limit_price if self.highest_ask is None else max(self.highest_ask, ask.limit_price)
        self.price = max(self.highest_ask, (ask.limit_price + bid.limit_price) // 2)


def run_pool(inputs: ClearingInput, unsold_wh: IntArray, unmet_wh: IntArray) -> Pool:
    """Match what delivery left: `unsold_wh` and `unmet_wh` (n). The fee of each match is that of its pair."""
    asks = _offers(inputs.offers_ask, inputs.pool_ask, unsold_wh, sign=1)
    bids = _offers(inputs.offers_bid, inputs.pool_bid, unmet_wh, sign=-1)
    matching = _match(deque(asks), bids)
    sellers, buyers = np.array(matching.sellers, dtype=np.int64), np.array(matching.buyers, dtype=np.int64)
    fees = inputs.pool_fees(sellers, buyers) if len(sellers) else sellers.copy()
    return Pool(sellers, buyers, np.array(matching.wh, dtype=np.int64), fees, matching.price)


def _offers(opted_in: BoolArray, limits: IntArray | None, wh: IntArray, sign: int) -> list[_Offer]:
    """The offers in priority: sign 1 lowest limit first, −1 highest first; the sort is stable, so ties go by index."""
    if limits is None:
        return []
    who = np.flatnonzero(opted_in & (wh > 0))
    who = who[np.argsort(sign * limits[who], kind="stable")]
    return [_Offer(*row) for row in zip(who.tolist(), limits[who].tolist(), wh[who].tolist(), strict=True)]


def _match(asks: deque[_Offer], bids: list[_Offer]) -> _Matching:
    matching = _Matching()
    for bid in bids:
        if not asks or (matching.highest_ask is not None and bid.limit_price < matching.highest_ask):
            break
        own_ask = None
        while bid.wh and asks and asks[0].limit_price <= bid.limit_price:
            if asks[0].participant == bid.participant:
                own_ask = asks.popleft()
                continue
            matching.add(asks[0], bid)
            if not asks[0].wh:
                asks.popleft()
        if own_ask is not None:
            asks.appendleft(own_ask)
    return matching
