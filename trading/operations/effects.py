"""What a batch did, message by message: replies for the callers, rows for the tables, events for the stream.

The engine tells what traded and what left; here that becomes absolute order rows (each written once a batch, in its
last state), numbered trades, and the changes of the public book, so that 'old snapshot + events = new snapshot'.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import msgspec

from trading.domain.engine import Answer, Done, Duplicate, Engine
from trading.domain.errors import Rejected
from trading.domain.matching import Trade
from trading.domain.messages import Amend, Cancel, CancelAll, Halt, Message, New, Resume, Time, Uncross
from trading.domain.orders import STATUS_NAMES, Order
from trading.operations.borrow import Borrowed
from trading.operations.replies import Fill, OrderState, Reply
from trading.operations.rows import OPS, encode_message

RESULTS: dict[type, str] = {
    New: "accepted",
    Cancel: "cancelled",
    Amend: "amended",
    CancelAll: "ok",
    Halt: "ok",
    Resume: "ok",
    Uncross: "ok",
    Time: "ok",
}
MOST_NOTE = 200
_encode = msgspec.json.encode
_ARRIVED = b'{"result":"accepted"%s,"order":%d,"orders":[%s],"trades":[],"book":[%s]}'


class LogLine(NamedTuple):
    """One command as the log will hold it."""

    seq: int
    op: str
    participant: int | None
    by: int | None
    message: bytes
    outcome: bytes


@dataclass(slots=True)
class Changed:
    """An order that the batch touched: as it is now, how often it changed, and when it was made."""

    order: Order
    created: bool
    revision: int
    last_seq: int
    created_at: int
    note: str = ""


class _Pending(NamedTuple):
    """What a reply will say; `told` is the order as `_told` has it, as it stood after the message."""

    result: str
    reason: str
    seq: int
    told: tuple[Any, ...] | None = None
    fills: "Sequence[TradeRow]" = ()
    bound: int | None = None
    closed: int | None = None
    price: int | None = None


class TradeRow(NamedTuple):
    """One trade as the table will hold it."""

    trade_no: int
    seq: int
    contract: int
    price: int
    quantity_wh: int
    buyer: int
    seller: int
    buy_seq: int
    sell_seq: int
    taker_side: int


@dataclass
class Effects:
    """Everything a batch will write, in the order in which it happened."""

    borrowed: Borrowed
    trade_no: int
    _pending: list["_Pending"] = field(default_factory=list)
    log: list[LogLine] = field(default_factory=list)
    orders: dict[int, Changed] = field(default_factory=dict)
    trades: list[TradeRow] = field(default_factory=list)
    uncrossed: set[int] = field(default_factory=set)
    closed: set[int] = field(default_factory=set)
    stopped: dict[int, int] = field(default_factory=dict)  # contracts that were halted or go on
    _shown: dict[int, tuple[int, int | None, int]] = field(default_factory=dict)

    def take(self, engine: Engine, message: Message, by: int | None, note: str = "") -> None:
        """Runs one message and collects what it did."""
        before = engine.seq
        answer = engine.apply(message)
        if engine.seq == before:
            self._pending.append(self._unchanged(answer))
            return
        seq = engine.seq
        if isinstance(answer, Order) and answer.seq == seq and not engine.trades and not engine.removed:
            self._note_arrival(message, answer, by, note)
            return
        fills = [self._number(trade, seq) for trade in engine.trades]
        touched = _touched(answer, engine)
        book = self._book_changes(touched)
        for order in touched:
            self._note_change(order, seq, note)
        reply = _reply(message, answer, seq, fills)
        self._pending.append(reply)
        self._mark_contracts(message, engine)
        outcome = _outcome(reply, touched, fills, book)
        party = getattr(message, "participant", None)
        self.log.append(LogLine(seq, OPS[type(message)], party, by, encode_message(message), _encode(outcome)))

    def _note_arrival(self, message: Message, order: Order, by: int | None, note: str) -> None:
        """A new order that met nobody, the commonest thing to happen: as below, without the general case's detours."""
        seq, contract, reason, shown = order.seq, int(order.book.contract), order.reason, order.visible
        self.orders[seq] = Changed(order, True, 1, seq, self.borrowed.at, note[:MOST_NOTE])
        self._shown[seq] = (contract, order.price, shown)
        now = _told(order, order.action, reason)
        self._pending.append(_Pending("accepted", reason, seq, now))
        why = b',"reason":"%s"' % reason.encode() if reason else b""
        book = b"[%d,%d,%d,%d,1]" % (contract, order.side, order.price or 0, shown) if shown else b""
        outcome = _ARRIVED % (why, seq, _encode(now), book)
        self.log.append(LogLine(seq, "new", int(order.key[0]), by, encode_message(message), outcome))

    def _unchanged(self, answer: Answer) -> "_Pending":
        if isinstance(answer, Rejected):
            return _Pending("rejected", answer.code, 0, bound=answer.bound)
        if isinstance(answer, Duplicate):
            order = answer.order
            return _Pending("duplicate", order.reason, order.seq, _told(order, order.action, order.reason))
        return _Pending("ok", "", 0, closed=answer.count if isinstance(answer, Done) else None)

    def replies(self) -> list[Reply]:
        """The answers to all messages so far, in order. Made at the end, while the server is busy with the writing."""
        return [self._reply(*pending) for pending in self._pending]

    def _reply(
        self,
        result: str,
        reason: str,
        seq: int,
        told: tuple[Any, ...] | None,
        fills: Sequence[TradeRow],
        bound: int | None,
        closed: int | None,
        price: int | None,
    ) -> Reply:
        state = None
        if told is not None:
            made = self.orders.get(told[0])
            at = made.created_at if made else self.borrowed.created_ms(told[0])
            state = OrderState(
                self.borrowed.market.id, told[0], at, told[2], told[1], told[11], told[3], told[4], told[5], told[6],
                told[7], STATUS_NAMES[told[8]], told[9], told[10], told[12],
            )  # fmt: skip
        trades = (
            tuple(
                [
                    Fill(t.trade_no, t.contract, t.price, t.quantity_wh, t.taker_side, t.buy_seq, t.sell_seq)
                    for t in fills
                ]
            )
            if fills
            else ()
        )
        return Reply(result, reason, bound, seq, state, trades, closed, price)

    def _number(self, trade: Trade, seq: int) -> TradeRow:
        self.trade_no += 1
        maker, taker, price, wh = trade
        buy, sell = (taker, maker) if taker.side > 0 else (maker, taker)
        row = TradeRow(
            self.trade_no, seq, int(taker.book.contract), price, wh, int(buy.key[0]), int(sell.key[0]), buy.seq,
            sell.seq, taker.side,
        )  # fmt: skip
        self.trades.append(row)
        return row

    def _note_change(self, order: Order, seq: int, note: str) -> None:
        known = self.orders.get(order.seq)
        if known is None:
            stored = self.borrowed.orders.get(order.seq)
            created_at = stored.created_at if stored else self.borrowed.at
            known = Changed(order, stored is None, stored.revision if stored else 0, seq, created_at)
            self.orders[order.seq] = known
        known.order = order
        known.revision += 1
        known.last_seq = seq
        if order.seq == seq:
            known.note = note[:MOST_NOTE]

    def _book_changes(self, touched: Iterable[Order]) -> list[list[int]]:
        """How the visible book changed at each price: [contract, side, price, ΔWh, Δorders]."""
        changes: dict[tuple[int, int, int], list[int]] = {}
        for order in touched:
            contract = int(order.book.contract)
            old_price, old_wh = self._was_shown(order)
            new_wh = order.visible
            _add(changes, contract, order.side, old_price, -old_wh)
            _add(changes, contract, order.side, order.price, new_wh)
            self._shown[order.seq] = (contract, order.price, new_wh)
        return [[*key, *change] for key, change in changes.items() if change != [0, 0]]

    def _was_shown(self, order: Order) -> tuple[int | None, int]:
        seen = self._shown.get(order.seq)
        if seen is not None:
            return seen[1], seen[2]
        row = self.borrowed.orders.get(order.seq)
        if row is None or not row.remaining:
            return None, 0
        return row.price, min(row.shown, row.remaining) if row.display else row.remaining

    def _mark_contracts(self, message: Message, engine: Engine) -> None:
        kind = type(message)
        if isinstance(message, Halt | Resume) and message.contract is not None:
            self.stopped[int(message.contract)] = engine.books[message.contract].stop
        if isinstance(message, Uncross):
            self.uncrossed.add(int(message.contract))
        if kind is Uncross or kind is Time:
            self.closed |= {int(key) for key, book in engine.books.items() if book.closed}


def _reply(message: Message, answer: Answer, seq: int, fills: list[TradeRow]) -> _Pending:
    result = RESULTS[type(message)]
    if isinstance(answer, Order):
        return _Pending(result, answer.reason, seq, _told(answer, answer.action, answer.reason), fills)
    assert isinstance(answer, Done)
    closed = answer.count if isinstance(message, CancelAll) else None
    return _Pending(result, "", seq, None, fills, closed=closed, price=answer.price)


def _touched(answer: Answer, engine: Engine) -> list[Order]:
    """Each order that the message changed, once, in its present state."""
    if not engine.trades and not engine.removed:
        return [answer] if isinstance(answer, Order) else []
    orders: dict[int, Order] = {}
    if isinstance(answer, Order):
        orders[answer.seq] = answer
    for trade in engine.trades:
        orders[trade[0].seq] = trade[0]
        orders[trade[1].seq] = trade[1]
    for order in engine.removed:
        orders[order.seq] = order
    return list(orders.values())


def _add(changes: dict[tuple[int, int, int], list[int]], contract: int, side: int, price: int | None, wh: int) -> None:
    if price is None or not wh:
        return
    change = changes.setdefault((contract, side, price), [0, 0])
    change[0] += wh
    change[1] += 1 if wh > 0 else -1


def _told(order: Order, action: str, reason: str) -> tuple[Any, ...]:
    """An order as an event tells it; `trading.domain.stream.ORDER_FIELDS` names the places."""
    return (
        order.seq, order.key[0], order.book.contract, order.side, order.price, order.quantity, order.filled,
        order.remaining, order.status, action, reason, order.key[1], order.value,
    )  # fmt: skip


def _outcome(reply: _Pending, touched: list[Order], fills: list[TradeRow], book: list[list[int]]) -> dict[str, Any]:
    outcome: dict[str, Any] = {"result": reply.result}
    if reply.reason:
        outcome["reason"] = reply.reason
    if reply.told is not None:
        outcome["order"] = reply.told[0]
    if reply.closed is not None:
        outcome["count"] = reply.closed
    if reply.price is not None:
        outcome["price"] = reply.price
    outcome["orders"] = [_told(order, order.action, order.reason) for order in touched]
    outcome["trades"] = [
        (t.trade_no, t.contract, t.price, t.quantity_wh, t.taker_side, t.buyer, t.seller, t.buy_seq, t.sell_seq)
        for t in fills
    ]
    outcome["book"] = book
    return outcome
