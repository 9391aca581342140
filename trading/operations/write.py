"""Writing a batch: log, orders, trades, positions, credit, contracts, and last the market's row, in one transaction.

New rows go in by COPY, changed ones by one statement over arrays: round trips do not grow with the batch.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager

import psycopg

from trading.domain.limits import PositionKey
from trading.operations.arrays import integers, texts
from trading.operations.borrow import Borrowed
from trading.operations.effects import Changed, Effects, LogLine, TradeRow
from trading.operations.replies import Reply
from trading.operations.rows import ORDER_COLUMNS
from units.interval import from_ms

Cursor = psycopg.Cursor
NULL = "\\N"
_ESCAPES = str.maketrans({"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"})


@contextmanager
def log_written(cursor: Cursor, effects: Effects) -> Iterator[Callable[[], None]]:
    """Writes the log while a batch runs: called now and then, what it gives sends the lines that have come since, and
    the server takes them in meanwhile."""
    sent = 0
    with cursor.copy(f"COPY trading_command ({', '.join(_LOG_COLUMNS)}) FROM STDIN") as copy:

        def send() -> None:
            nonlocal sent
            copy.write(b"".join(_log_lines(effects.borrowed, effects.log[sent:])))
            sent = len(effects.log)

        yield send
        send()


def write(cursor: Cursor, effects: Effects, positions: dict[PositionKey, tuple[int, ...]], *, stop: int) -> list[Reply]:
    """Writes what a batch did, but for its log, and returns the replies. Raises what the database refuses; then nothing
    of it stays.

    The statements that change rows are sent off first, one behind the other; while the server is at them, the new rows
    and the replies are made.
    """
    held = effects.borrowed
    created = [change for change in effects.orders.values() if change.created]
    updated = [change for change in effects.orders.values() if not change.created]
    with cursor.connection.pipeline():
        if updated:
            _update_orders(cursor, held, updated)
        _write_positions(cursor, held.market.id, positions)
        _write_contracts(cursor, held, effects)
        _write_market(cursor, effects, stop=stop)
        orders = b"".join([_order_line(held, change) for change in created])
        trades = b"".join(_trade_lines(held, effects.trades))
        replies = effects.replies()
    _copy(cursor, "trading_order", _ORDER_COLUMNS, orders)
    _copy(cursor, "trading_trade", _TRADE_COLUMNS, trades)
    return replies


def _write_market(cursor: Cursor, effects: Effects, *, stop: int) -> None:
    held = effects.borrowed
    last_seq = effects.log[-1].seq if effects.log else held.market.last_seq
    cursor.execute(
        "UPDATE trading_market SET last_seq = %s, last_trade_no = %s, last_at = %s, halted = %s, stop = %s"
        " WHERE id = %s",
        (last_seq, effects.trade_no, from_ms(held.at), stop > 0, stop, held.market.id),
    )


def _copy(cursor: Cursor, table: str, columns: Sequence[str], lines: bytes) -> None:
    if lines:
        with cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN") as copy:
            copy.write(lines)


def escape(text: str) -> str:
    """A text as COPY wants it."""
    return text if text.isprintable() and "\\" not in text else text.translate(_ESCAPES)


_ORDER_COLUMNS = ("market_id", *ORDER_COLUMNS)
_LOG_COLUMNS = ("market_id", "seq", "at", "op", "participant_id", "by_id", "message", "outcome")


def _log_lines(held: Borrowed, log: list[LogLine]) -> list[bytes]:
    """JSON has no bare control characters, so only its backslashes need care."""
    market, at = held.market.id, from_ms(held.at).isoformat().encode()
    return [
        b"%d\t%d\t%s\t%s\t%s\t%s\t%s\t%s\n" % (
            market, line.seq, at, line.op.encode(), _or_null(line.participant), _or_null(line.by),
            line.message.replace(b"\\", b"\\\\"), line.outcome.replace(b"\\", b"\\\\"),
        )
        for line in log
    ]  # fmt: skip


def _or_null(value: int | None) -> bytes:
    return NULL.encode() if value is None else b"%d" % value


def _order_line(held: Borrowed, change: Changed) -> bytes:
    order, request = change.order, change.order.request
    at = held.at_text
    price = NULL if order.price is None else order.price
    expires = from_ms(request.expires_at).isoformat() if request.expires_at else NULL
    return (
        f"{held.market.id}\t{order.seq}\t{order.book.contract}\t{order.key[0]}\t{escape(order.key[1])}\t{order.side}\t"
        f"{price}\t{request.tif}\t{order.quantity}\t{order.filled}\t{order.remaining}\t{order.display}\t{order.shown}\t"
        f"{expires}\t{request.stp}\t{'t' if request.post_only else 'f'}\t{order.status}\t{order.action}\t"
        f"{order.reason}\t{order.value}\t{order.priority}\t{change.revision}\t{change.last_seq}\t"
        f"{escape(change.note)}\t{at}\t{at}\n"
    ).encode()


_UPDATED = (
    ("price", "int"), ("quantity_wh", "bigint"), ("filled_wh", "bigint"), ("remaining_wh", "bigint"),
    ("shown_wh", "bigint"), ("status", "smallint"), ("action", "text"), ("reason", "text"),
    ("value_millidong", "bigint"), ("priority", "bigint"), ("revision", "int"), ("last_seq", "bigint"),
)  # fmt: skip
_NAMES = ", ".join(name for name, _ in _UPDATED)
_UPDATE_SQL = (
    "UPDATE trading_order o SET updated_at = %s, "
    + ", ".join(f"{name} = n.{name}" for name, _ in _UPDATED)
    + f" FROM (SELECT k.*, r.place FROM unnest(%s::bigint[], {', '.join(f'%s::{kind}[]' for _, kind in _UPDATED)})"
    + f" AS k(seq, {_NAMES}), LATERAL (SELECT ctid AS place FROM trading_order WHERE market_id = %s AND seq = k.seq"
    + " OFFSET 0) r) n WHERE o.ctid = n.place"
)


def _update_orders(cursor: Cursor, held: Borrowed, updated: list[Changed]) -> None:
    orders = [change.order for change in updated]
    columns = (
        integers([o.seq for o in orders]), integers([o.price for o in orders]), integers([o.quantity for o in orders]),
        integers([o.filled for o in orders]), integers([o.remaining for o in orders]),
        integers([o.shown for o in orders]), integers([o.status for o in orders]), texts([o.action for o in orders]),
        texts([o.reason for o in orders]), integers([o.value for o in orders]), integers([o.priority for o in orders]),
        integers([c.revision for c in updated]), integers([c.last_seq for c in updated]),
    )  # fmt: skip
    cursor.execute(_UPDATE_SQL, (from_ms(held.at), *columns, held.market.id))


_TRADE_COLUMNS = (
    "market_id", "trade_no", "seq", "contract_id", "price", "quantity_wh", "buyer_id", "seller_id", "buy_seq",
    "sell_seq", "taker_side", "at",
)  # fmt: skip


def _trade_lines(held: Borrowed, trades: list[TradeRow]) -> list[bytes]:
    market, at = held.market.id, held.at_text.encode()
    return [
        b"%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%d\t%s\n" % (
            market, t.trade_no, t.seq, t.contract, t.price, t.quantity_wh, t.buyer, t.seller, t.buy_seq, t.sell_seq,
            t.taker_side, at,
        )
        for t in trades
    ]  # fmt: skip


def _write_positions(cursor: Cursor, market_id: int, changed: dict[PositionKey, tuple[int, ...]]) -> None:
    """Adds what changed to each position, and to each participant's credit."""
    if not changed:
        return
    columns = map(integers, zip(*((*key, *figures) for key, figures in changed.items()), strict=True))
    cursor.execute(
        # Not an upsert: that would hold the change itself, which may be negative, against the table's checks.
        "WITH n AS MATERIALIZED (SELECT k.*, r.place FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[],"
        " %s::bigint[], %s::bigint[], %s::bigint[], %s::bigint[]) AS k(contract, party, bought, sold,"
        " open_buy, open_sell, committed)"
        " LEFT JOIN LATERAL (SELECT ctid AS place FROM trading_position WHERE market_id = %s"
        " AND contract_id = k.contract AND participant_id = k.party OFFSET 0) r ON true),"
        " known AS (UPDATE trading_position p SET bought_wh = p.bought_wh + n.bought, sold_wh = p.sold_wh + n.sold,"
        " open_buy_wh = p.open_buy_wh + n.open_buy, open_sell_wh = p.open_sell_wh + n.open_sell,"
        " committed_millidong = p.committed_millidong + n.committed FROM n WHERE p.ctid = n.place)"
        " INSERT INTO trading_position (market_id, contract_id, participant_id, bought_wh, sold_wh, open_buy_wh,"
        " open_sell_wh, committed_millidong)"
        " SELECT %s, contract, party, bought, sold, open_buy, open_sell, committed FROM n WHERE place IS NULL",
        (*columns, market_id, market_id),
    )
    _write_credit(cursor, market_id, changed)


def _write_credit(cursor: Cursor, market_id: int, changed: dict[PositionKey, tuple[int, ...]]) -> None:
    held: dict[int, int] = defaultdict(int)
    for (_, party), figures in changed.items():
        held[int(party)] += figures[-1]
    moved = {party: amount for party, amount in held.items() if amount}
    if moved:
        cursor.execute(
            "UPDATE trading_admission a SET committed_millidong = a.committed_millidong + n.amount"
            " FROM (SELECT k.amount, r.id FROM unnest(%s::bigint[], %s::bigint[]) AS k(party, amount), LATERAL ("
            " SELECT id FROM trading_admission WHERE market_id = %s AND participant_id = k.party OFFSET 0) r) n"
            " WHERE a.id = n.id",
            (integers(moved), integers(moved.values()), market_id),
        )


def _write_contracts(cursor: Cursor, held: Borrowed, effects: Effects) -> None:
    """The summary of each contract that traded, and the state of each that was uncrossed or closed."""
    by_contract: dict[int, list[TradeRow]] = defaultdict(list)
    for trade in effects.trades:
        by_contract[trade.contract].append(trade)
    rows = [_summary(contract, trades) for contract, trades in by_contract.items()]
    if rows:
        columns = map(integers, zip(*rows, strict=True))
        cursor.execute(
            "UPDATE trading_contract c SET last_price = n.last, last_at = %s,"
            " high_price = greatest(c.high_price, n.high), low_price = least(c.low_price, n.low),"
            " volume_wh = c.volume_wh + n.wh,"
            " turnover_millidong = c.turnover_millidong + n.value"
            " FROM unnest(%s::bigint[], %s::int[], %s::int[], %s::int[], %s::bigint[], %s::bigint[])"
            " AS n(id, last, high, low, wh, value) WHERE c.id = n.id",
            (from_ms(held.at), *columns),
        )
    _set_state(cursor, effects.uncrossed - effects.closed, "CONTINUOUS")
    _set_state(cursor, effects.closed, "CLOSED")
    if effects.stopped:
        cursor.execute(
            "UPDATE trading_contract c SET stop = n.stop FROM unnest(%s::bigint[], %s::int[]) AS n(id, stop)"
            " WHERE c.id = n.id",
            (integers(effects.stopped), integers(effects.stopped.values())),
        )


def _summary(contract: int, trades: list[TradeRow]) -> tuple[int, int, int, int, int, int]:
    prices = [trade.price for trade in trades]
    energy = sum(trade.quantity_wh for trade in trades)
    return contract, prices[-1], max(prices), min(prices), energy, sum(t.price * t.quantity_wh for t in trades)


def _set_state(cursor: Cursor, contracts: set[int], state: str) -> None:
    if contracts:
        cursor.execute("UPDATE trading_contract SET state = %s WHERE id = ANY(%s)", (state, list(contracts)))
