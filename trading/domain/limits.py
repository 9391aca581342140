"""What a participant may still buy and deliver, and what its orders and trades hold of that.

Credit: an order to buy holds `quantity × limit`, a trade `quantity × price`, until the interval is cleared; a sale at a
negative price holds what it would pay. Energy: open sells count as filled, buys only once filled, so in one interval

    still to offer = max(0, expected surplus + bought) + storage − sold − on offer

where `storage` is what a battery can give in this interval without breaking any later one (settlement rules, 'who may
offer what'). Amounts are integer milli-VND (Wh × VND/kWh) and Wh.
"""

from collections.abc import Callable, Mapping, Sequence
from operator import sub
from typing import NamedTuple

from trading.domain.book import Book
from trading.domain.errors import Rejected
from trading.domain.messages import BUY, ContractKey, Party
from trading.domain.orders import Order

PositionKey = tuple[ContractKey, Party]
PER_DONG = 1_000


class Holding:
    """One participant's state in one contract, Wh and milli-VND."""

    __slots__ = ("bought", "committed", "open_buy", "open_sell", "sold")

    def __init__(
        self, bought: int = 0, sold: int = 0, open_buy: int = 0, open_sell: int = 0, committed: int = 0
    ) -> None:
        self.bought = bought
        self.sold = sold
        self.open_buy = open_buy
        self.open_sell = open_sell
        self.committed = committed

    def figures(self) -> tuple[int, int, int, int, int]:
        """(bought, sold, on offer to buy, on offer to sell) in Wh and the credit held in milli-VND."""
        return self.bought, self.sold, self.open_buy, self.open_sell, self.committed


class Store(NamedTuple):
    """A participant's battery as the limits see it: `feasible(base, sells)` over its coming intervals, in order."""

    intervals: Sequence[ContractKey]
    feasible: Callable[[Sequence[int], Sequence[int]], bool]


class ParticipantLimits:
    """The limits of the participants in one batch. What is not in `credit` may not trade at all."""

    def __init__(
        self,
        *,
        enforced: bool,
        credit: Mapping[Party, int],
        holdings: Mapping[PositionKey, Holding],
        net_wh: Mapping[PositionKey, int],
        stores: Mapping[Party, Store],
        bands: Mapping[PositionKey, tuple[int, int]] | None = None,
        capped: frozenset[PositionKey] = frozenset(),
    ) -> None:
        self.enforced = enforced
        self._credit = dict(credit)
        self._holdings = dict(holdings)
        self._net_wh = net_wh
        self._stores = stores
        self._bands = bands or {}  # (lowest price, highest bid) in VND/kWh
        self._capped = capped  # who must never pay more than that, so may not buy at the market either
        self._before: dict[PositionKey, tuple[int, ...]] = {}

    def refusal(self, party: Party, book: Book, side: int, wh: int, price: int | None) -> Rejected | None:
        """Why so much more at this limit is not allowed, or None. A market order is weighed at the worst price."""
        if not self.enforced:
            return None
        left = self._credit.get(party)
        if left is None:
            return Rejected("unknown_participant")
        if self._bands:
            refused = self._refuse_price(party, book.contract, side, price)
            if refused is not None:
                return refused
        if wh * _rate(side, price, book) > left:
            return Rejected("insufficient_credit", max(left, 0) // PER_DONG)
        return self._refuse_sale(party, book.contract, wh) if side != BUY else None

    def _refuse_price(self, party: Party, contract: ContractKey, side: int, price: int | None) -> Rejected | None:
        """Nobody is served by a price below what the grid pays for surplus, or by a bid above one's own retail price
        less the network fee."""
        band = self._bands.get((contract, party))
        if band is None:
            return None
        lowest, highest_bid = band
        if price is None:
            capped = side == BUY and (contract, party) in self._capped
            return Rejected("price_out_of_band", highest_bid) if capped else None
        if price < lowest:
            return Rejected("price_out_of_band", lowest)
        return Rejected("price_out_of_band", highest_bid) if side == BUY and price > highest_bid else None

    def _refuse_sale(self, party: Party, contract: ContractKey, wh: int) -> Rejected | None:
        free = self._free_surplus(party, contract)
        store = self._stores.get(party)
        if store is None or contract not in store.intervals:
            return Rejected("insufficient_energy", max(free, 0)) if wh > free else None
        if self._store_allows(party, store, contract, wh):
            return None
        return Rejected("insufficient_energy", self._most(party, store, contract, wh))

    def _free_surplus(self, party: Party, contract: ContractKey) -> int:
        base, sells = self._base_and_sells(party, contract)
        return base - sells

    def _base_and_sells(self, party: Party, contract: ContractKey) -> tuple[int, int]:
        key = (contract, party)
        held = self._holdings.get(key)
        net = self._net_wh.get(key, 0)
        if held is None:
            return max(0, net), 0
        return max(0, net + held.bought), held.sold + held.open_sell

    def _store_allows(self, party: Party, store: Store, contract: ContractKey, wh: int) -> bool:
        pairs = [self._base_and_sells(party, interval) for interval in store.intervals]
        sells = [
            sold + (wh if interval == contract else 0)
            for interval, (_, sold) in zip(store.intervals, pairs, strict=True)
        ]
        return store.feasible([base for base, _ in pairs], sells)

    def _most(self, party: Party, store: Store, contract: ContractKey, refused: int) -> int:
        """The largest quantity that would have been allowed: feasibility only falls as quantity grows."""
        low, high = 0, refused
        while high - low > 1:
            middle = (low + high) // 2
            if self._store_allows(party, store, contract, middle):
                low = middle
            else:
                high = middle
        return low

    def credit_left(self, party: Party) -> int | None:
        """The credit in milli-VND that is left to a participant; None where nothing bounds it."""
        return self._credit.get(party) if self.enforced else None

    def left_to_sell(self, party: Party, contract: ContractKey, at_most: int) -> int | None:
        """How many Wh more may be offered in an interval, up to `at_most`; None where nothing bounds it."""
        if not self.enforced:
            return None
        refused = self._refuse_sale(party, contract, at_most)
        return at_most if refused is None else refused.bound

    def enter(self, order: Order) -> None:
        """The remaining quantity of this order is now on offer."""
        self._move(order, order.remaining)

    def leave(self, order: Order, wh: int) -> None:
        """So much is no longer on offer, untraded."""
        self._move(order, -wh)

    def fill(self, order: Order, wh: int, price: int) -> None:
        """So much of what was on offer has traded at this price: the hold moves from the limit to the price."""
        held = wh * _rate(order.side, price, order.book) - wh * _rate(order.side, order.price, order.book)
        bought = wh if order.side == BUY else 0
        sold = wh - bought
        self._change(order, bought, sold, -bought, -sold, held)

    def _move(self, order: Order, wh: int) -> None:
        held = wh * _rate(order.side, order.price, order.book)
        buy = wh if order.side == BUY else 0
        self._change(order, 0, 0, buy, wh - buy, held)

    def _change(self, order: Order, bought: int, sold: int, open_buy: int, open_sell: int, held: int) -> None:
        party = order.key[0]
        key = (order.book.contract, party)
        row = self._holdings.get(key)
        if row is None:
            row = self._holdings[key] = Holding()
        if key not in self._before:
            self._before[key] = row.figures()
        row.bought += bought
        row.sold += sold
        row.open_buy += open_buy
        row.open_sell += open_sell
        row.committed += held
        if party in self._credit:
            self._credit[party] -= held

    def changes(self) -> dict[PositionKey, tuple[int, ...]]:
        """How the figures of each position that was touched have changed, where they have."""
        changed = {}
        for key, before in self._before.items():
            change = tuple(map(sub, self._holdings[key].figures(), before))
            if any(change):
                changed[key] = change
        return changed


def _rate(side: int, price: int | None, book: Book) -> int:
    """What one kWh of an order can cost its owner, in VND: the limit of a buyer, the negative limit of a seller."""
    if side == BUY:
        return max(0, book.max_price if price is None else price)
    return max(0, -(book.min_price if price is None else price))
