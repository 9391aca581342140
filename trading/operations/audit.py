"""Replaying a market's log through the bare core, and holding the result against what is stored.

The log alone is the market, so the replay must give every stored order and trade again, byte for byte. What differs is
told line by line; nothing is ever repaired here.
"""

import gc
import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Max, Min, QuerySet

from trading.domain.book import Book
from trading.domain.engine import Engine, Rules
from trading.domain.messages import Message
from trading.models import Command, Contract, Market, Order, Trade
from trading.operations.rows import decode_message
from units.interval import to_ms

CHUNK = 20_000


@dataclass(frozen=True, slots=True)
class Logged:
    """One line of the log: its number, its moment in ms, and the message."""

    seq: int
    at_ms: int
    message: Message


@dataclass(frozen=True, slots=True)
class Audit:
    """What a replay found: how much was compared, and every line that differs."""

    commands: int
    orders: int
    trades: int
    differences: tuple[str, ...]


def logged(market_id: int, *, after: int = 0) -> Iterator[Logged]:
    """The log of a market after a sequence number, in order, read in chunks."""
    while True:
        rows = Command.objects.filter(market_id=market_id, seq__gt=after).order_by("seq")
        chunk = list(rows.values_list("seq", "at", "op", "message")[:CHUNK])
        for seq, at, op, fields in chunk:
            yield Logged(seq, to_ms(at), decode_message(op, fields))
        if len(chunk) < CHUNK:
            return
        after = chunk[-1][0]


def bare_engine(market: Market, contracts: QuerySet[Contract] | None = None) -> Engine:
    """An empty engine with the market's rules and contracts (or these), as it was before its first command."""
    contracts = (Contract.objects.filter(market=market) if contracts is None else contracts).order_by("pk")
    return Engine(
        Rules(market.tick, market.lot_wh, market.min_wh, market.max_wh),
        [_book(contract) for contract in contracts],
        owners=_owners(market.pk),
    )


def _book(contract: Contract) -> Book:
    call_until = to_ms(contract.call_until) if contract.call_until else 0
    opens, closes = to_ms(contract.gate_opens_at), to_ms(contract.gate_closes_at)
    return Book(contract.pk, opens, closes, contract.min_price, contract.max_price, call_until)


def _owners(market_id: int) -> dict[Any, Any]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, beneficial_owner_id FROM accounts_participant WHERE beneficial_owner_id IS NOT NULL AND id IN"
            " (SELECT participant_id FROM trading_order WHERE market_id = %s)",
            [market_id],
        )
        return dict(cursor.fetchall())


def audit(market_id: int) -> Audit:
    """Replays a market's whole log and compares every order and trade with what is stored."""
    market = Market.objects.get(pk=market_id)
    with without_collector():
        engine, trades, commands = _replay(market)
    expected = [_order_line(order) for order in sorted(engine.orders.values(), key=lambda order: order.seq)]
    found = [_stored_order_line(row) for row in Order.objects.filter(market=market).order_by("seq").iterator(CHUNK)]
    rows = Trade.objects.filter(market=market).order_by("trade_no").iterator(CHUNK)
    stored_trades = [_stored_trade_line(row) for row in rows]
    differences = [*_compare("order", expected, found), *_compare("trade", trades, stored_trades)]
    if engine.seq != market.last_seq:
        differences.append(f"log: ends at {engine.seq}, the market at {market.last_seq}")
    return Audit(commands, len(found), len(stored_trades), tuple(differences))


def audit_deliveries(market_id: int, start: datetime, end: datetime) -> Audit:
    """`audit` for the contracts whose delivery begins in [start, end) alone, by the stretch of the log in which they
    could be traded. The parties of each trade are compared too."""
    market = Market.objects.get(pk=market_id)
    contracts = Contract.objects.filter(market=market, delivery_start__gte=start, delivery_start__lt=end)
    gates = contracts.aggregate(opens=Min("gate_opens_at"), closes=Max("gate_closes_at"))
    if gates["opens"] is None:
        return Audit(0, 0, 0, ())
    with without_collector():
        engine, trades, commands = _replay_between(market, contracts, gates["opens"], gates["closes"])
    expected = [_order_line(order) for order in sorted(engine.orders.values(), key=lambda order: order.seq)]
    rows = Order.objects.filter(market=market, contract__in=contracts).order_by("seq")
    found = [_stored_order_line(row) for row in rows.iterator(CHUNK)]
    kept = Trade.objects.filter(market=market, contract__in=contracts).order_by("trade_no")
    stored_trades = [_stored_trade_with_parties(row) for row in kept.iterator(CHUNK)]
    differences = [*_compare("order", expected, found), *_compare("trade", trades, stored_trades)]
    return Audit(commands, len(found), len(stored_trades), tuple(differences))


def _replay_between(
    market: Market, contracts: QuerySet[Contract], opens: datetime, closes: datetime
) -> tuple[Engine, list[str], int]:
    """The log from the first gate's opening to the first command after the last gate's closing, on these books."""
    engine = bare_engine(market, contracts)
    first = _first_seq(market, opens)
    _restore_stops(engine, market, first)
    trades: list[str] = []
    commands = 0
    for entry in logged(market.pk, after=first - 1):
        commands += 1
        engine.seq = entry.seq - 1
        engine.apply(entry.message, entry.at_ms)
        for maker, taker, price, wh in engine.trades:
            buy, sell = (taker, maker) if taker.side > 0 else (maker, taker)
            parties = (buy.key[0], sell.key[0])
            trades.append(_line(entry.seq, taker.book.contract, price, wh, buy.seq, sell.seq, taker.side, *parties))
        if entry.at_ms >= to_ms(closes):
            break
    return engine, trades, commands


def _first_seq(market: Market, moment: datetime) -> int:
    """The first command at or after a moment. Moments never fall along the log, so halving finds it by its key."""
    low, high = 1, market.last_seq + 1
    while low < high:
        middle = (low + high) // 2
        rows = Command.objects.filter(market=market, seq__gte=middle).order_by("seq")
        at = rows.values_list("at", flat=True).first()
        if at is not None and at < moment:
            low = middle + 1
        else:
            high = middle
    return low


def _restore_stops(engine: Engine, market: Market, before: int) -> None:
    """What had been halted, the market and single contracts, when the stretch of the log begins."""
    rows = Command.objects.filter(market=market, seq__lt=before, op__in=("halt", "resume")).order_by("seq")
    for op, fields in rows.values_list("op", "message"):
        engine.apply(decode_message(op, fields))


def _replay(market: Market) -> tuple[Engine, list[str], int]:
    engine = bare_engine(market)
    trades: list[str] = []
    commands = 0
    for entry in logged(market.pk):
        commands += 1
        engine.seq = entry.seq - 1
        engine.apply(entry.message, entry.at_ms)
        for maker, taker, price, wh in engine.trades:
            buy, sell = (taker, maker) if taker.side > 0 else (maker, taker)
            trades.append(
                _line(len(trades) + 1, entry.seq, taker.book.contract, price, wh, buy.seq, sell.seq, taker.side)
            )
    return engine, trades, commands


def _order_line(order: Any) -> str:
    return _line(
        order.seq, order.key[0], order.key[1], order.book.contract, order.side, order.price, order.quantity,
        order.filled, order.remaining, order.status, order.action, order.reason, order.value, order.priority,
    )  # fmt: skip


def _stored_order_line(row: Order) -> str:
    return _line(
        row.seq, row.participant_id, row.client_order_id, row.contract_id, row.side, row.price, row.quantity_wh,
        row.filled_wh, row.remaining_wh, row.status, row.action, row.reason, row.value_millidong, row.priority,
    )  # fmt: skip


def _stored_trade_line(row: Trade) -> str:
    return _line(
        row.trade_no, row.seq, row.contract_id, row.price, row.quantity_wh, row.buy_seq, row.sell_seq, row.taker_side
    )


def _stored_trade_with_parties(row: Trade) -> str:
    return _line(
        row.seq, row.contract_id, row.price, row.quantity_wh, row.buy_seq, row.sell_seq, row.taker_side, row.buyer_id,
        row.seller_id,
    )  # fmt: skip


def _line(*values: Any) -> str:
    return json.dumps(values, ensure_ascii=False, separators=(",", ":"))


def _compare(what: str, expected: list[str], found: list[str]) -> Iterator[str]:
    if len(expected) != len(found):
        yield f"{what}: {len(expected)} in the replay, {len(found)} stored"
    for replayed, stored in zip(expected, found, strict=False):
        if replayed != stored:
            yield f"{what}: replay says {replayed}, stored is {stored}"


@contextmanager
def without_collector() -> Iterator[None]:
    """A replay makes millions of objects that all stay: looking for cycles among them again and again only costs."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()
