"""The rules of docs/algorithms/matching.md a second time, as slowly and plainly as they are told.

One flat list of orders; every question sorts or scans all of it. Fill-or-kill is decided by trying on a copy, the
auction price by trying every tick, its fills lot by lot. Nothing is shared with the core but the messages themselves.
"""

import copy
from dataclasses import dataclass, field
from itertools import groupby
from typing import Any

from trading.domain.messages import Amend, Cancel, CancelAll, Halt, Message, New, Resume, Time, Uncross

Key = tuple[Any, str]
Fill = tuple[Key, Key, int, int]  # maker, taker, price, Wh


@dataclass
class NaiveContract:
    name: str
    opens_at: int
    closes_at: int
    lowest: int
    highest: int
    call_until: int = 0
    calling: bool = False

    def __post_init__(self) -> None:
        self.calling = self.call_until > 0

    @property
    def waits_for_uncross(self) -> bool:
        return self.calling and self.call_until >= self.closes_at


@dataclass
class NaiveOrder:
    key: Key
    owner: Any
    contract: NaiveContract
    message: New
    price: int | None
    quantity: int
    left: int
    rank: int
    shown: int
    filled: int = 0
    value: int = 0
    status: str = "open"
    reason: str = ""

    @property
    def buys(self) -> bool:
        return self.message.side > 0

    def accepts(self, price: int) -> bool:
        return self.price is None or (price <= self.price if self.buys else price >= self.price)

    @property
    def clip(self) -> int:
        return min(self.shown, self.left) if self.message.display_wh else self.left

    def end(self, status: str, reason: str = "") -> None:
        self.left, self.status, self.reason = 0, status, reason


@dataclass
class NaiveAnswer:
    """`codes`: every rule the message breaks; the core may name any one of them."""

    result: str
    order: NaiveOrder | None = None
    codes: set[str] = field(default_factory=set)
    trades: list[Fill] = field(default_factory=list)
    count: int = 0
    price: int | None = None


class NaiveMarket:
    def __init__(self, rules: Any, contracts: list[NaiveContract], owners: dict[Any, Any]) -> None:
        self.rules = rules
        self.contracts = {contract.name: contract for contract in contracts}
        self.owners = owners
        self.orders: list[NaiveOrder] = []
        self.now = 0
        self.rank = 0
        self.stopped: dict[str | None, str] = {}  # by contract; None is the market

    def take(self, message: Message, at: int | None) -> NaiveAnswer:
        self.now = max(self.now, at or 0)
        self._let_time_pass()
        handlers: dict[type, Any] = {
            New: self._new,
            Cancel: self._cancel,
            Amend: self._amend,
            CancelAll: self._cancel_all,
            Halt: self._stop,
            Resume: self._stop,
            Uncross: self._uncross,
            Time: lambda _message: NaiveAnswer("ok"),
        }
        return handlers[type(message)](message)

    # Looking

    def find(self, key: Key) -> NaiveOrder | None:
        return next((order for order in self.orders if order.key == key), None)

    def queue(self, contract: NaiveContract, buys: bool) -> list[NaiveOrder]:
        open_ones = [o for o in self.orders if o.contract is contract and o.buys == buys and o.left and o.rank]
        return sorted(open_ones, key=lambda o: (-o.price if buys else o.price, o.rank))

    def hittable(self, taker: NaiveOrder) -> list[NaiveOrder]:
        return [o for o in self.queue(taker.contract, not taker.buys) if taker.accepts(o.price)]

    # Time

    def _let_time_pass(self) -> None:
        for order in self.orders:
            if not order.left:
                continue
            ends_at, waits = order.message.expires_at, order.contract.waits_for_uncross
            if order.message.tif == "GTD" and self.now >= ends_at and (ends_at < order.contract.closes_at or waits):
                order.end("expired", "expired")
            elif self.now >= order.contract.closes_at and not waits:
                order.end("expired", "gate_closed")

    # Placing

    def _new(self, message: New) -> NaiveAnswer:
        key = (message.participant, message.client_order_id)
        known = self.find(key)
        if known:
            if known.message == message:
                return NaiveAnswer("duplicate", known)
            return NaiveAnswer("rejected", codes={"client_order_id_reused"})
        contract = self.contracts.get(message.contract)
        if contract is None:
            return NaiveAnswer("rejected", codes={"unknown_contract"})
        order = NaiveOrder(
            key, self.owners.get(message.participant, message.participant), contract, message, message.price,
            message.quantity_wh, message.quantity_wh, 0, message.display_wh,
        )  # fmt: skip
        codes = self._broken(message, contract) or self._post_only(order)
        if codes:
            return NaiveAnswer("rejected", codes=codes)
        self.orders.append(order)
        return NaiveAnswer("accepted", order, trades=self._enter(order))

    def _broken(self, m: New, contract: NaiveContract) -> set[str]:
        broken = self._broken_phase(contract) | self._broken_numbers(contract, m.price, m.quantity_wh)
        lot = self.rules.lot_wh
        checks = {
            "invalid_side": m.side not in (1, -1),
            "invalid_tif": m.tif not in ("GTC", "GTD", "IOC", "FOK")
            or (m.price is None and m.tif in ("GTC", "GTD"))
            or (contract.calling and (m.price is None or m.tif in ("IOC", "FOK"))),
            "invalid_stp": m.stp not in ("cancel_taker", "cancel_maker", "cancel_both"),
            "invalid_expires_at": (m.tif == "GTD" and m.expires_at <= self.now)
            or (m.tif != "GTD" and m.expires_at != 0),
            "invalid_display_quantity": m.display_wh != 0
            and (m.display_wh < 0 or m.display_wh % lot != 0 or m.display_wh > m.quantity_wh or m.price is None),
            "invalid_min_quantity": m.min_quantity_wh != 0
            and (
                m.min_quantity_wh < 0
                or m.min_quantity_wh % lot != 0
                or m.min_quantity_wh > m.quantity_wh
                or contract.calling
            ),
        }
        return broken | {code for code, holds in checks.items() if holds}

    def _broken_phase(self, contract: NaiveContract) -> set[str]:
        broken = {"halted"} if self._stops(contract) else set()
        if self.now >= contract.closes_at:
            broken.add("gate_closed")
        if self.now < contract.opens_at:
            broken.add("gate_not_open")
        return broken

    def _broken_numbers(self, contract: NaiveContract, price: int | None, quantity: int) -> set[str]:
        broken = set()
        if price is not None and price % self.rules.tick:
            broken.add("invalid_price_tick")
        if price is not None and not contract.lowest <= price <= contract.highest:
            broken.add("price_out_of_band")
        if quantity % self.rules.lot_wh:
            broken.add("invalid_quantity_lot")
        if not self.rules.min_wh <= quantity <= self.rules.max_wh:
            broken.add("quantity_out_of_range")
        return broken

    def _post_only(self, order: NaiveOrder) -> set[str]:
        if order.message.post_only and not order.contract.calling and self.hittable(order):
            return {"post_only_would_cross"}
        return set()

    def _enter(self, order: NaiveOrder) -> list[Fill]:
        message = order.message
        need = order.quantity if message.tif == "FOK" else message.min_quantity_wh
        if need:
            trial = copy.deepcopy(self)
            would_be = trial.find(order.key)
            assert would_be is not None
            trial._match(would_be)
            if would_be.filled < need:
                stopped = would_be.reason == "self_trade"
                plain = "fok_killed" if message.tif == "FOK" else "min_quantity"
                order.end("cancelled", "self_trade" if stopped else plain)
                return []
        trades = self._meet(order)
        if order.left and order.price is None:
            order.end("cancelled", "no_liquidity")
        elif order.left and message.tif in ("IOC", "FOK"):
            order.end("cancelled", "ioc_remainder")
        return trades

    def _meet(self, order: NaiveOrder) -> list[Fill]:
        """Matched, or in the call only held against own orders; then what is left gets its place in the queue."""
        trades: list[Fill] = []
        if order.contract.calling:
            for own in [o for o in self.hittable(order) if o.owner == order.owner]:
                if not self._prevent(order, own):
                    break
        else:
            trades = self._match(order)
        if order.left:
            order.rank = self._next_rank()
            if order.message.display_wh:
                order.shown = min(order.message.display_wh, order.left)
        return trades

    def _next_rank(self) -> int:
        self.rank += 1
        return self.rank

    def _match(self, taker: NaiveOrder) -> list[Fill]:
        trades: list[Fill] = []
        while taker.left:
            makers = self.hittable(taker)
            if not makers:
                break
            maker = makers[0]
            if maker.owner == taker.owner:
                if not self._prevent(taker, maker):
                    break
                continue
            wh = min(maker.clip, taker.left)
            self._fill(maker, wh, maker.price)
            self._fill(taker, wh, maker.price)
            trades.append((maker.key, taker.key, maker.price, wh))
            if maker.message.display_wh:
                maker.shown -= wh
                if maker.shown == 0 and maker.left:
                    maker.shown = min(maker.message.display_wh, maker.left)
                    maker.rank = self._next_rank()
        return trades

    @staticmethod
    def _fill(order: NaiveOrder, wh: int, price: int) -> None:
        order.left -= wh
        order.filled += wh
        order.value += wh * price
        order.status = "partially_filled" if order.left else "filled"

    @staticmethod
    def _prevent(taker: NaiveOrder, maker: NaiveOrder) -> bool:
        """An own order was reached. Whether the taker goes on."""
        if taker.message.stp in ("cancel_maker", "cancel_both"):
            maker.end("cancelled", "self_trade")
        if taker.message.stp in ("cancel_taker", "cancel_both"):
            taker.end("cancelled", "self_trade")
        return taker.left > 0

    # Changing

    def _refused_change(self, order: NaiveOrder | None) -> set[str]:
        if order is None:
            return {"unknown_order"}
        if not order.left:
            return {"order_not_open"}
        return {"gate_closed"} if self.now >= order.contract.closes_at else set()

    def _cancel(self, message: Cancel) -> NaiveAnswer:
        order = self.find((message.participant, message.client_order_id))
        codes = self._refused_change(order)
        if not codes and order is not None and "frozen" in self._stops(order.contract):
            codes = {"frozen"}
        if codes or order is None:
            return NaiveAnswer("rejected", codes=codes)
        order.end("cancelled")
        return NaiveAnswer("cancelled", order)

    def _amend(self, message: Amend) -> NaiveAnswer:
        order = self.find((message.participant, message.client_order_id))
        codes = self._refused_change(order)
        if order is None:
            return NaiveAnswer("rejected", codes=codes)
        if message.quantity_wh is None and message.price is None:
            codes.add("nothing_to_amend")
        quantity = order.quantity if message.quantity_wh is None else message.quantity_wh
        price = order.price if message.price is None else message.price
        codes |= self._broken_numbers(order.contract, price, quantity)
        codes |= {"halted"} if self._stops(order.contract) else set()
        if codes:
            return NaiveAnswer("rejected", codes=codes)
        if quantity <= order.filled:
            order.quantity = order.filled
            order.end("filled")
            return NaiveAnswer("amended", order)
        if price == order.price and quantity <= order.quantity:
            order.left -= order.quantity - quantity
            order.quantity = quantity
            if order.message.display_wh:
                order.shown = min(order.shown, order.left)
            return NaiveAnswer("amended", order)
        moved = copy.copy(order)
        moved.price = price
        codes = self._post_only(moved)
        if codes:
            return NaiveAnswer("rejected", codes=codes)
        order.price, order.quantity, order.left, order.rank = price, quantity, quantity - order.filled, 0
        return NaiveAnswer("amended", order, trades=self._meet(order))

    def _cancel_all(self, message: CancelAll) -> NaiveAnswer:
        if message.contract is not None and message.contract not in self.contracts:
            return NaiveAnswer("rejected", codes={"unknown_contract"})
        mine = [
            o
            for o in self.orders
            if o.left
            and o.key[0] == message.participant
            and message.contract in (None, o.contract.name)
            and self.now < o.contract.closes_at
        ]
        free = [o for o in mine if "frozen" not in self._stops(o.contract)]
        if mine and not free:
            return NaiveAnswer("rejected", codes={"frozen"})
        for order in free:
            order.end("cancelled")
        return NaiveAnswer("ok", count=len(free))

    def _stops(self, contract: NaiveContract) -> set[str]:
        """How the contract is stopped: by itself, with the market."""
        return {self.stopped[name] for name in (None, contract.name) if name in self.stopped}

    def _stop(self, message: Halt | Resume) -> NaiveAnswer:
        contract = self.contracts.get(message.contract)
        if message.contract is not None and contract is None:
            return NaiveAnswer("rejected", codes={"unknown_contract"})
        goes_on_to_uncross = isinstance(message, Resume) and contract is not None and contract.waits_for_uncross
        if contract is not None and self.now >= contract.closes_at and not goes_on_to_uncross:
            return NaiveAnswer("rejected", codes={"gate_closed"})
        self.stopped.pop(message.contract, None)
        if isinstance(message, Halt):
            self.stopped[message.contract] = "frozen" if message.freeze else "halted"
        return NaiveAnswer("ok")

    # The auction

    def _uncross(self, message: Uncross) -> NaiveAnswer:
        contract = self.contracts.get(message.contract)
        if contract is None:
            return NaiveAnswer("rejected", codes={"unknown_contract"})
        codes = {"halted"} if self._stops(contract) else set()
        if self.now >= contract.closes_at and not contract.waits_for_uncross:
            codes.add("gate_closed")
        if codes:
            return NaiveAnswer("rejected", codes=codes)
        if not contract.calling:
            return NaiveAnswer("ok")
        answer = NaiveAnswer("ok")
        answer.price, volume = self.auction(contract)
        if answer.price is not None:
            answer.trades = self._fill_at(contract, answer.price, volume)
        contract.calling = False
        self._let_time_pass()
        return answer

    def auction(self, contract: NaiveContract) -> tuple[int | None, int]:
        """The definition, tick by tick over the whole band."""
        rows = []
        for price in range(contract.lowest, contract.highest + 1):
            if price % self.rules.tick == 0:
                demand = sum(o.left for o in self.queue(contract, True) if o.price >= price)
                supply = sum(o.left for o in self.queue(contract, False) if o.price <= price)
                rows.append((price, min(demand, supply), demand - supply))
        most = max(volume for _, volume, _ in rows)
        if most == 0:
            return None, 0
        rows = [row for row in rows if row[1] == most]
        least = min(abs(imbalance) for _, _, imbalance in rows)
        rows = [row for row in rows if abs(row[2]) == least]
        prices = [price for price, _, _ in rows]
        if all(imbalance > 0 for _, _, imbalance in rows):
            return max(prices), most
        if all(imbalance < 0 for _, _, imbalance in rows):
            return min(prices), most
        middle = (min(prices) + max(prices)) // 2
        return middle - middle % self.rules.tick, most

    def _fill_at(self, contract: NaiveContract, price: int, volume: int) -> list[Fill]:
        lot = self.rules.lot_wh
        sides = [
            [order for order in self.queue(contract, buys) for _ in range(order.left // lot)] for buys in (True, False)
        ]
        pairs = list(zip(*sides, strict=False))[: volume // lot]
        trades = []
        for _, lots in groupby(pairs, key=lambda pair: (pair[0].key, pair[1].key)):
            same = list(lots)
            earlier, later = sorted(same[0], key=lambda order: order.rank)
            trades.append((earlier.key, later.key, price, len(same) * lot))
            for order in same[0]:
                self._fill(order, len(same) * lot, price)
                if order.message.display_wh:
                    order.shown = min(order.message.display_wh, order.left)
        return trades
