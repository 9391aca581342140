"""A market to try things on: a recorded stream through the whole persistent path, thrown away afterwards.

`replay_orders --database` runs on it. Participants and contracts are made as the stream names them, nothing is limited,
and every message is one call of `submit`; the answers are those of the bare core.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime
from uuid import uuid4

import pgtrigger
from django.db import transaction

from accounts.models import Participant
from meters.models import Site
from trading.domain.book import Book
from trading.domain.messages import Amend, Cancel, CancelAll, Halt, Message, New, Party, Resume, Time, Uncross
from trading.domain.orders import STATUS_NAMES
from trading.domain.replay import RESULTS
from trading.domain.replay_fields import FieldError, MarketLine, Record
from trading.models import Command, Contract, Market, Order, Position, Trade
from trading.operations.replies import Fill, Reply
from trading.operations.submitting import submit
from units.interval import from_ms

MOST_INT4 = 2**31 - 1
LAST_MS = 253_000_000_000_000  # in the year 9987: as late as a calendar goes
NO_CONTRACT = 0


class ScratchMarket:
    """A replay's market in the database. `remove()` leaves nothing of it."""

    def __init__(self, line: MarketLine) -> None:
        self.tag = f"scratch-{uuid4().hex[:12]}"
        self.now_ms = 0
        self.names: dict[int, str] = {}  # order seq → its name in the stream
        self.parties: dict[Party, int] = {}
        self.owners = line.owners
        with transaction.atomic():
            self.market = self._make_market(line)
            self.contracts = {book.contract: self._make_contract(book, n) for n, book in enumerate(line.books)}
        self.gates_ms = sorted({min(book.gate_closes_at, LAST_MS) for book in line.books}, reverse=True)

    def _make_market(self, line: MarketLine) -> Market:
        site = Site.objects.create(code=self.tag, name=self.tag)
        rules = line.rules
        return Market.objects.create(
            site=site, code=self.tag, name=self.tag, ticking=False, limits_enforced=False, tick=rules.tick,
            lot_wh=rules.lot_wh, min_wh=rules.min_wh, max_wh=rules.max_wh,
        )  # fmt: skip

    def _make_contract(self, book: Book, number: int) -> int:
        opens, closes, call = map(_moment, (book.gate_opens_at, book.gate_closes_at, book.call_until))
        start = from_ms(number)  # only to be another one each time: a replay delivers nothing
        contract = Contract.objects.create(
            market=self.market, delivery_start=start, delivery_end=from_ms(number + 1), gate_opens_at=opens,
            gate_closes_at=closes, call_until=min(call, closes) if book.call_until > 0 else None,
            min_price=_int4(book.min_price), max_price=_int4(book.max_price),
        )  # fmt: skip
        return contract.pk

    def answer(self, message: Message, at: int | None, seq: int | None) -> Record:
        """Takes a message at a moment (ms) and tells the outcome as the bare replay does."""
        if at is not None:
            self.now_ms = max(self.now_ms, min(at, LAST_MS))
        self._close_gates()
        if seq is not None:
            self._number_next(seq)
        reply = submit(self.market.pk, [self._translated(message)], by=None, at=from_ms(self.now_ms))[0]
        return self._told(message, reply)

    def _close_gates(self) -> None:
        """Writes down the gate closures that have passed, as the tick of a live market does."""
        due = False
        while self.gates_ms and self.gates_ms[-1] <= self.now_ms:
            self.gates_ms.pop()
            due = True
        if due:
            submit(self.market.pk, [Time()], by=None, at=from_ms(self.now_ms))

    def _number_next(self, seq: int) -> None:
        last = Market.objects.values_list("last_seq", flat=True).get(pk=self.market.pk)
        if seq <= last:
            raise FieldError(f"seq must be above {last}, the last one.")
        Market.objects.filter(pk=self.market.pk).update(last_seq=seq - 1)

    def _translated(self, message: Message) -> Message:
        """The message with the database's numbers for the stream's names."""
        if isinstance(message, New):
            contract = self.contracts.get(message.contract, NO_CONTRACT)
            return message._replace(participant=self._party(message.participant), contract=contract)
        if isinstance(message, Cancel | Amend):
            return message._replace(participant=self._party(message.participant))
        if isinstance(message, CancelAll):
            wanted = None if message.contract is None else self.contracts.get(message.contract, NO_CONTRACT)
            return CancelAll(self._party(message.participant), wanted)
        if isinstance(message, Halt | Resume) and message.contract is not None:
            return message._replace(contract=self.contracts.get(message.contract, NO_CONTRACT))
        if isinstance(message, Uncross):
            return Uncross(self.contracts.get(message.contract, NO_CONTRACT))
        return message

    def _party(self, name: Party) -> int:
        if name not in self.parties:
            owner = self.owners.get(name)
            owner_id = self._party(owner) if owner is not None and owner != name else None
            made = Participant.objects.create(
                code=f"{self.tag}-{len(self.parties)}", name=str(name)[:120], kind=Participant.Kind.HOUSEHOLD,
                beneficial_owner_id=owner_id,
            )  # fmt: skip
            self.parties[name] = made.pk
        return self.parties[name]

    def _told(self, message: Message, reply: Reply) -> Record:
        name = None
        if isinstance(message, New | Cancel | Amend):
            name = f"{message.participant}:{message.client_order_id}"
        if reply.rejected:
            told: Record = {
                "result": "rejected",
                "reason": reply.reason,
                "status": "rejected",
                "order": name,
                "trades": [],
            }
            return told if reply.bound is None else told | {"bound": reply.bound}
        if reply.order is not None and name is not None:
            self.names[reply.order.seq] = name
            result = "duplicate" if reply.result == "duplicate" else RESULTS[type(message)]
            told = {"result": result, "reason": reply.reason or None, "status": reply.order.status, "order": name}
            return told | {"trades": [self._fill(fill) for fill in reply.trades]}
        told = {"result": "ok", "reason": None, "status": None, "order": None}
        told["trades"] = [self._fill(fill) for fill in reply.trades]
        if isinstance(message, CancelAll):
            told["count"] = reply.closed
        elif isinstance(message, Uncross):
            told["price"] = reply.price
        return told

    def _fill(self, fill: Fill) -> Record:
        buy, sell = self.names[fill.buy_seq], self.names[fill.sell_seq]
        maker, taker = (sell, buy) if fill.taker_side > 0 else (buy, sell)
        contract = next(name for name, pk in self.contracts.items() if pk == fill.contract_id)
        side = "buy" if fill.taker_side > 0 else "sell"
        return {
            "contract": contract, "price": fill.price, "quantity_wh": fill.quantity_wh, "maker": maker, "taker": taker,
            "taker_side": side,
        }  # fmt: skip

    def summary(self) -> Record:
        """The stored book and orders at the end."""
        orders = list(Order.objects.filter(market=self.market).order_by("seq"))
        states = {
            self.names[o.seq]: {
                "status": STATUS_NAMES[o.status], "filled_wh": o.filled_wh, "remaining_wh": o.remaining_wh,
            }
            for o in orders
        }  # fmt: skip
        books: Record = {}
        for name, pk in self.contracts.items():
            mine = [o for o in orders if o.contract_id == pk and o.remaining_wh]
            sides = {key: self._rows(mine, side) for key, side in (("bids", 1), ("asks", -1))}
            if any(sides.values()):
                books[str(name)] = sides
        return {"book": books, "orders": states}

    def _rows(self, orders: list[Order], side: int) -> list[list[object]]:
        queue = sorted((o for o in orders if o.side == side), key=lambda o: (-side * (o.price or 0), o.priority))
        return [[self.names[o.seq], o.price, o.remaining_wh] for o in queue]

    def remove(self) -> None:
        """Takes the scratch market out again: the one place where log and trades may be deleted."""
        with transaction.atomic(), pgtrigger.ignore():
            for model in (Command, Trade, Order, Position, Contract):
                model.objects.filter(market=self.market).delete()
            Market.objects.filter(pk=self.market.pk).delete()
            Participant.objects.filter(pk__in=self.parties.values()).update(beneficial_owner=None)
            Participant.objects.filter(pk__in=self.parties.values()).delete()
            Site.objects.filter(code=self.tag).delete()


class ScratchMarkets:
    """Starts scratch markets for a replay, one after the other, and removes them all at the end."""

    def __init__(self) -> None:
        self._started: list[ScratchMarket] = []

    def start(self, line: MarketLine) -> ScratchMarket:
        """A fresh market by a market line."""
        market = ScratchMarket(line)
        self._started.append(market)
        return market

    def remove(self) -> None:
        """Removes what was started."""
        while self._started:
            self._started.pop().remove()


@contextmanager
def scratch_markets() -> Iterator[ScratchMarkets]:
    """Scratch markets that are gone when the block ends, however it ends."""
    markets = ScratchMarkets()
    try:
        yield markets
    finally:
        markets.remove()


def _moment(ms: int) -> datetime:
    return from_ms(max(0, min(ms, LAST_MS)))


def _int4(price: int) -> int:
    return max(-MOST_INT4, min(price, MOST_INT4))
