"""Replay a recorded stream of orders through the matching core: JSON lines in, what happened out.

A market line `{"market":{…}}` starts a fresh market; each further line is one message, `{"op":"new",…}`, and is
answered by one line; when a market ends, by the next market line or the end of the stream, its book and orders are
printed. The format is described in docs/algorithms/matching.md, section 12.

    {"op":"new","participant":"roof","client_order_id":"1","contract":"K1","side":"sell","quantity_wh":500,"price":900}
    {"result":"accepted","reason":null,"status":"open","order":"roof:1","trades":[]}

A line that is no message is answered `rejected`, `invalid_message`, with a sentence that names the line and the field;
it changes nothing, and the next line goes on. After a market line that is wrong there is no market: what follows was
meant for another one than the last.
"""

import json
from collections.abc import Callable, Iterable, Iterator
from typing import Any, Protocol

from trading.domain import replay_fields as fields
from trading.domain.engine import Answer, Done, Duplicate, Engine
from trading.domain.errors import Rejected
from trading.domain.matching import Trade
from trading.domain.messages import BUY, Amend, Cancel, CancelAll, Message, New, Uncross
from trading.domain.orders import STATUS_NAMES, Order
from trading.domain.replay_fields import FieldError, MarketLine, Record

RESULTS: dict[type, str] = {New: "accepted", Cancel: "cancelled", Amend: "amended"}


class Market(Protocol):
    """What a stream is replayed on: the bare core, or the database."""

    def answer(self, message: Message, at: int | None, seq: int | None) -> Record:
        """Takes a message at a moment (ms), under a sequence number if the stream gives one, and tells the outcome."""

    def summary(self) -> Record:
        """The book and the orders at the end."""


class BareMarket:
    """A market in memory: nothing but the core."""

    def __init__(self, line: MarketLine) -> None:
        self.engine = Engine(line.rules, line.books, owners=line.owners)

    def answer(self, message: Message, at: int | None, seq: int | None) -> Record:
        """See `Market`. Raises `FieldError` for a sequence number that was already reached."""
        engine = self.engine
        if seq is not None:
            if seq <= engine.seq:
                raise FieldError(f"seq must be above {engine.seq}, the last one.")
            engine.seq = seq - 1
        return outcome(message, engine.apply(message, at), engine.trades)

    def summary(self) -> Record:
        """See `Market`. Contracts with an empty book are left out; orders in priority order."""
        books = {book.contract: {"bids": _rows(book.bids.orders()), "asks": _rows(book.asks.orders())}
                 for book in self.engine.books.values() if book.bids.keys or book.asks.keys}  # fmt: skip
        return {"book": books, "orders": {name_of(order): _state(order) for order in self.engine.orders.values()}}


def replay(
    lines: Iterable[bytes | str],
    source: str,
    start: Callable[[MarketLine], Market] = BareMarket,
    decode: Callable[[bytes | str], Any] = json.loads,
) -> Iterator[Record]:
    """Answers each line of `source` (its name, for messages) in turn. `decode` raises ValueError for no JSON."""
    market: Market | None = None
    for number, line in enumerate(lines, start=1):
        record: Any = None
        try:
            record = _decoded(line, decode)
            if record is None:
                continue
            if "market" in record and "op" not in record:
                if market is not None:
                    yield market.summary()
                    market = None
                market = start(_market_line(record))
            else:
                yield _answer(market, record)
        except FieldError as problem:
            yield _refused(record, f"{source} line {number}: {problem}")
    if market is not None:
        yield market.summary()


def _decoded(line: bytes | str, decode: Callable[[bytes | str], Any]) -> Record | None:
    """The object on a line, or None where the line is empty."""
    try:
        record = decode(line)
    except (ValueError, RecursionError) as problem:
        if not line.strip():
            return None
        raise FieldError(f"this is no JSON ({problem}).") from None
    if not isinstance(record, dict):
        raise FieldError("a line must be a JSON object.")
    return record


def _market_line(record: Record) -> MarketLine:
    if not isinstance(record["market"], dict):
        raise FieldError("market must be an object with rules and contracts.")
    return fields.market(record["market"])


def _answer(market: Market | None, record: Record) -> Record:
    message = fields.message(record)
    at = fields.number(record, "at") if "at" in record else None
    seq = fields.number(record, "seq") if "seq" in record else None
    if market is None:
        raise FieldError('there is no market yet; start one with a line {"market": …}.')
    if isinstance(message, Rejected):
        return _rejected(message, _name_in(record))
    return market.answer(message, at, seq)


# What is told


def outcome(message: Message, answer: Answer, trades: list[Trade]) -> Record:
    """What became of a message, as the replay tells it."""
    if isinstance(answer, Order):
        return {
            "result": RESULTS[type(message)],
            "reason": answer.reason or None,
            "status": STATUS_NAMES[answer.status],
            "order": name_of(answer),
            "trades": [_told(trade) for trade in trades],
        }
    if isinstance(answer, Rejected):
        if isinstance(message, New | Cancel | Amend):
            return _rejected(answer, f"{message.participant}:{message.client_order_id}")
        return _rejected(answer, None)
    if isinstance(answer, Duplicate):
        order = answer.order
        told = {"result": "duplicate", "reason": order.reason or None, "status": STATUS_NAMES[order.status]}
        return {**told, "order": name_of(order), "trades": []}
    return _done(message, answer, trades)


def _done(message: Message, answer: Done, trades: list[Trade]) -> Record:
    told: Record = {"result": "ok", "reason": None, "status": None, "order": None}
    told["trades"] = [_told(trade) for trade in trades]
    if isinstance(message, CancelAll):
        told["count"] = answer.count
    elif isinstance(message, Uncross):
        told["price"] = answer.price
    return told


def _rejected(refusal: Rejected, name: str | None) -> Record:
    told: Record = {"result": "rejected", "reason": refusal.code, "status": "rejected", "order": name, "trades": []}
    if refusal.bound is not None:
        told["bound"] = refusal.bound
    return told


def _refused(record: Any, detail: str) -> Record:
    name = _name_in(record) if isinstance(record, dict) else None
    return _rejected(Rejected("invalid_message"), name) | {"detail": detail}


def _name_in(record: Record) -> str | None:
    participant, name = record.get("participant"), record.get("client_order_id")
    return f"{participant}:{name}" if isinstance(participant, str) and isinstance(name, str) else None


def _told(trade: Trade) -> Record:
    maker, taker, price, wh = trade
    return {
        "contract": taker.book.contract,
        "price": price,
        "quantity_wh": wh,
        "maker": name_of(maker),
        "taker": name_of(taker),
        "taker_side": "buy" if taker.side == BUY else "sell",
    }


def _rows(orders: Iterable[Order]) -> list[list[Any]]:
    return [[name_of(order), order.price, order.remaining] for order in orders]


def _state(order: Order) -> Record:
    return {"status": STATUS_NAMES[order.status], "filled_wh": order.filled, "remaining_wh": order.remaining}


def name_of(order: Order) -> str:
    """An order's name in a stream: participant and client order id."""
    return f"{order.key[0]}:{order.key[1]}"
