"""Borrowing the slice: of a market's book, only what a batch of messages could touch.

For each contract and side that the batch may hit, the resting orders within its best limit, in priority order, at most
`depth` of them; the orders it names; and, where a message concerns a whole book (uncrossing, gate closure, cancel-all),
all of that. The engine says when a slice was too short, and the batch is run again with a deeper one.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property

import msgspec
import psycopg

from trading.domain.book import Book
from trading.domain.engine import Engine, Rules
from trading.domain.matching import Limits
from trading.domain.messages import Amend, Cancel, CancelAll, Halt, Message, New, Party, Resume, Time, Uncross
from trading.operations.arrays import integers, texts
from trading.operations.rows import STORED_SQL, StoredOrder, decode_message, stored
from units.interval import from_ms, to_ms

Cursor = psycopg.Cursor
# A taker hits one or two resting orders as a rule; measured, more than this only costs the time to read them.
INITIAL_DEPTH = 16
FOR_EACH_TAKER = 4
DEEPER = 8
_ANY = 1 << 40
Depths = dict[tuple[int, int], int]  # orders to borrow, by (contract, resting side)
_FROM_ORDERS = f"SELECT {STORED_SQL} FROM trading_order o JOIN accounts_participant p ON p.id = o.participant_id"


@dataclass(frozen=True, slots=True)
class MarketRow:
    """The market as it is while its lock is held."""

    id: int
    tick: int
    lot_wh: int
    min_wh: int
    max_wh: int
    stop: int
    last_seq: int
    last_trade_no: int
    last_at_ms: int
    limits_enforced: bool
    site_id: int
    interval_minutes: int
    timezone: str

    @property
    def rules(self) -> Rules:
        """What the engine checks each order against."""
        return Rules(self.tick, self.lot_wh, self.min_wh, self.max_wh)


@dataclass(frozen=True, slots=True)
class ContractRow:
    """One contract as the engine needs it; `call` while its opening auction has not been uncrossed."""

    id: int
    gate_opens_at: int
    gate_closes_at: int
    call_until: int
    min_price: int
    max_price: int
    state: str
    delivery_start: datetime
    stop: int = 0

    @property
    def call(self) -> bool:
        """Whether orders are still collected and not matched."""
        return self.call_until > 0 and self.state in ("SCHEDULED", "CALL")

    @property
    def trading(self) -> bool:
        """Whether its gate closure has not been written down yet."""
        return self.state in ("SCHEDULED", "CALL", "CONTINUOUS")

    def book(self) -> Book:
        """An empty book of this contract."""
        book = Book(
            self.id, self.gate_opens_at, self.gate_closes_at, self.min_price, self.max_price, self.call_until, self.call
        )
        book.stop = self.stop
        return book


@dataclass
class Borrowed:
    """What was read for a batch; `engine` makes a fresh engine of it each time."""

    market: MarketRow
    at: int
    contracts: dict[int, ContractRow] = field(default_factory=dict)
    owners: dict[Party, Party] = field(default_factory=dict)
    orders: dict[int, StoredOrder] = field(default_factory=dict)
    requests: dict[int, New] = field(default_factory=dict)
    horizons: dict[tuple[int, int], tuple[int, int]] = field(default_factory=dict)
    whole: set[int] = field(default_factory=set)  # contracts of which every open order was read

    def add(self, rows: Iterable[StoredOrder]) -> None:
        """Keeps these orders, once each."""
        for row in rows:
            self.orders[row.seq] = row

    @cached_property
    def at_text(self) -> str:
        """The batch's moment as the database reads it."""
        return from_ms(self.at).isoformat()

    def created_ms(self, seq: int) -> int:
        """When an order was placed; one of this batch, now."""
        row = self.orders.get(seq)
        return row.created_at if row else self.at

    def engine(self, limits: Limits | None) -> Engine:
        """The borrowed part of the market as the engine runs it."""
        books = {row.id: row.book() for row in self.contracts.values()}
        engine = Engine(self.market.rules, books.values(), owners=self.owners, limits=limits)
        engine.now = self.at
        engine.seq = self.market.last_seq
        engine.stop = self.market.stop
        for (contract, side), horizon in self.horizons.items():
            books[contract].side(side).horizon = horizon
        for row in sorted(self.orders.values(), key=_queue_order):
            book = books[row.contract]
            resting = row.remaining > 0 and not self._written_off(row)
            engine.restore(row.to_engine(book, self.requests.get(row.seq)), resting=resting)
        return engine

    def _written_off(self, row: StoredOrder) -> bool:
        """Past the gate an order is dead even where its closing has not been written down, unless that is happening."""
        contract = self.contracts[row.contract]
        return self.at >= contract.gate_closes_at and contract.id not in self.whole


def _queue_order(row: StoredOrder) -> tuple[int, int]:
    return -row.side * (row.price or 0), row.priority


_BY_INDEX = "SELECT " + ", ".join(
    f"set_config('enable_{way}', 'off', true)" for way in ("hashjoin", "mergejoin", "seqscan", "bitmapscan", "material")
)


def lock_market(cursor: Cursor, market_id: int) -> MarketRow | None:
    """Takes the market's one lock, until the transaction ends.

    What follows looks up a few rows of large tables by their keys. The planner does not know how few, and would rather
    read all of a market's orders and hash them: measured, one look-up took 42 ms in place of 2 at 20,000 orders. So in
    this transaction it may only walk along indexes, and each look-up is a lateral subquery that cannot be flattened
    (OFFSET 0).
    """
    return _market_row(cursor, market_id, " FOR NO KEY UPDATE OF m")


def read_market(cursor: Cursor, market_id: int) -> MarketRow | None:
    """The market's row without its lock: for who looks and changes nothing."""
    return _market_row(cursor, market_id, "")


def _market_row(cursor: Cursor, market_id: int, lock: str) -> MarketRow | None:
    cursor.execute(_BY_INDEX)
    cursor.execute(
        "SELECT m.id, m.tick, m.lot_wh, m.min_wh, m.max_wh, greatest(m.stop, m.halted::int), m.last_seq,"
        " m.last_trade_no, coalesce(round(date_part('epoch', m.last_at) * 1000)::bigint, 0), m.limits_enforced,"
        " m.site_id, m.interval_minutes, s.timezone FROM trading_market m JOIN meters_site s ON s.id = m.site_id"
        f" WHERE m.id = %s{lock}",
        (market_id,),
    )
    row = cursor.fetchone()
    return MarketRow(*row) if row else None


def borrow(cursor: Cursor, market: MarketRow, at: int, messages: Sequence[Message], depths: Depths) -> Borrowed:
    """Reads all that these messages could touch at the moment `at` (ms). `depths` grows where it was too little."""
    held = Borrowed(market, at)
    _named_orders(cursor, held, messages)
    _whole_books(cursor, held, messages)
    _contracts(cursor, held, messages)
    _owners(cursor, held, messages)
    _slices(cursor, held, messages, depths)
    _own_orders_in_calls(cursor, held, messages)
    return held


def deepen(depths: Depths, contract: int, side: int) -> None:
    """More of this side next time."""
    depths[contract, side] *= DEEPER


def _named_orders(cursor: Cursor, held: Borrowed, messages: Sequence[Message]) -> None:
    """Orders with a client order id that the batch names, be it to change one or to place one again."""
    keys = {(m.participant, m.client_order_id) for m in messages if isinstance(m, New | Cancel | Amend)}
    if not keys:
        return
    parties, ids = zip(*keys, strict=True)
    cursor.execute(
        f"SELECT {STORED_SQL} FROM unnest(%s::bigint[], %s::text[]) AS k(party, name), LATERAL ("
        " SELECT * FROM trading_order WHERE market_id = %s AND participant_id = k.party AND client_order_id = k.name"
        " OFFSET 0) o JOIN accounts_participant p ON p.id = o.participant_id",
        (integers(parties), texts(ids), held.market.id),
    )
    held.add(map(stored, cursor.fetchall()))
    if held.orders:
        _requests(cursor, held)


def _requests(cursor: Cursor, held: Borrowed) -> None:
    """The messages that placed the named orders, to tell an exact repeat from other contents."""
    cursor.execute(
        "SELECT seq, op, message::text FROM trading_command WHERE market_id = %s AND seq = ANY(%s::bigint[])",
        (held.market.id, integers(held.orders)),
    )
    for seq, op, fields in cursor.fetchall():
        request = decode_message(op, msgspec.json.decode(fields))
        assert isinstance(request, New)
        held.requests[seq] = request


def _whole_books(cursor: Cursor, held: Borrowed, messages: Sequence[Message]) -> None:
    for message in messages:
        if isinstance(message, Uncross):
            held.whole.add(int(message.contract))
        elif isinstance(message, CancelAll):
            cursor.execute(
                f"{_FROM_ORDERS} WHERE o.market_id = %s AND o.participant_id = %s AND o.status <= 1",
                (held.market.id, message.participant),
            )
            held.add(map(stored, cursor.fetchall()))
        elif isinstance(message, Time):
            _what_is_due(cursor, held)
    if held.whole:
        cursor.execute(f"{_FROM_ORDERS} WHERE o.contract_id = ANY(%s) AND o.status <= 1", (list(held.whole),))
        held.add(map(stored, cursor.fetchall()))


def _what_is_due(cursor: Cursor, held: Borrowed) -> None:
    now = from_ms(held.at)
    cursor.execute(
        "SELECT id FROM trading_contract WHERE market_id = %s AND gate_closes_at <= %s"
        " AND state IN ('SCHEDULED', 'CALL', 'CONTINUOUS')",
        (held.market.id, now),
    )
    held.whole.update(row[0] for row in cursor.fetchall())
    cursor.execute(
        f"{_FROM_ORDERS} WHERE o.market_id = %s AND o.status <= 1 AND o.expires_at <= %s", (held.market.id, now)
    )
    held.add(map(stored, cursor.fetchall()))


def expiry_is_due(cursor: Cursor, market: MarketRow, at: int) -> bool:
    """Whether an order's own expiry has passed and must be written down before anything else trades."""
    cursor.execute(
        "SELECT EXISTS (SELECT 1 FROM trading_order WHERE market_id = %s AND status <= 1 AND expires_at <= %s)",
        (market.id, from_ms(at)),
    )
    row = cursor.fetchone()
    return bool(row and row[0])


def _contracts(cursor: Cursor, held: Borrowed, messages: Sequence[Message]) -> None:
    wanted = {m.contract for m in messages if isinstance(m, New | Uncross)}
    wanted |= {m.contract for m in messages if isinstance(m, CancelAll | Halt | Resume) and m.contract is not None}
    wanted |= held.whole | {row.contract for row in held.orders.values()}
    cursor.execute(
        "SELECT id, gate_opens_at, gate_closes_at, call_until, min_price, max_price, state, delivery_start, stop"
        " FROM trading_contract"
        " WHERE market_id = %s AND id = ANY(%s::bigint[])",
        (held.market.id, integers(map(int, wanted))),
    )
    for key, opens, closes, call, low, high, state, start, stop in cursor.fetchall():
        held.contracts[key] = ContractRow(
            key, to_ms(opens), to_ms(closes), _ms_or_0(call), low, high, state, start, stop
        )


def _ms_or_0(moment: datetime | None) -> int:
    return to_ms(moment) if moment else 0


def _owners(cursor: Cursor, held: Borrowed, messages: Sequence[Message]) -> None:
    parties = {m.participant for m in messages if isinstance(m, New)}
    if not parties:
        return
    cursor.execute(
        "SELECT id, beneficial_owner_id FROM accounts_participant"
        " WHERE id = ANY(%s) AND beneficial_owner_id IS NOT NULL",
        (list(parties),),
    )
    held.owners.update(cursor.fetchall())


def _slices(cursor: Cursor, held: Borrowed, messages: Sequence[Message], depths: Depths) -> None:
    reach = _reach(held, messages)
    if not reach:
        return
    keys = list(reach)
    limits = [depths.setdefault(key, INITIAL_DEPTH + FOR_EACH_TAKER * reach[key][1]) for key in keys]
    cursor.execute(
        f"""
        SELECT {STORED_SQL}
        FROM unnest(%s::bigint[], %s::int[], %s::bigint[], %s::int[]) AS q(contract, side, worst, depth), LATERAL (
            SELECT * FROM trading_order r WHERE r.contract_id = q.contract AND r.side = q.side AND r.status <= 1
            AND r.side * r.price * -1 <= q.worst ORDER BY r.side * r.price * -1, r.priority LIMIT q.depth
        ) o JOIN accounts_participant p ON p.id = o.participant_id
        """,
        tuple(map(integers, ([k[0] for k in keys], [k[1] for k in keys], [reach[k][0] for k in keys], limits))),
    )
    rows = [stored(row) for row in cursor.fetchall()]
    held.add(rows)
    _mark_horizons(held, rows, dict(zip(keys, limits, strict=True)))


def _mark_horizons(held: Borrowed, rows: list[StoredOrder], limits: dict[tuple[int, int], int]) -> None:
    """A side that came back full may go on: its last order is as far as can be seen."""
    sides: dict[tuple[int, int], list[StoredOrder]] = defaultdict(list)
    for row in rows:
        sides[row.contract, row.side].append(row)
    for key, queue in sides.items():
        if len(queue) >= limits[key]:
            last = max(queue, key=_queue_order)
            held.horizons[key] = (last.side * (last.price or 0), last.priority)


def _reach(held: Borrowed, messages: Sequence[Message]) -> dict[tuple[int, int], list[int]]:
    """How far a batch may go into each (contract, resting side): the worst price, as −side × price, and how many may
    go there."""
    reach: dict[tuple[int, int], list[int]] = {}
    tradable = {
        key for key, row in held.contracts.items()
        if not row.call and key not in held.whole and held.at < row.gate_closes_at
    }  # fmt: skip
    for contract, side, price in _takers(held, messages):
        if contract not in tradable:
            continue
        worst = _ANY if price is None else side * price
        before = reach.get((contract, -side))
        if before is None:
            reach[contract, -side] = [worst, 1]
            continue
        if worst > before[0]:
            before[0] = worst
        before[1] += 1
    return reach


def _takers(held: Borrowed, messages: Sequence[Message]) -> Iterable[tuple[int, int, int | None]]:
    """(contract, side, limit) of every message that may trade; an amended order may trade at its new price."""
    amended = {(m.participant, m.client_order_id): m.price for m in messages if isinstance(m, Amend)}
    for message in messages:
        if isinstance(message, New):
            yield int(message.contract), message.side, message.price
            changed = amended.get((message.participant, message.client_order_id))
            if changed is not None:
                yield int(message.contract), message.side, changed
    for row in held.orders.values():
        price = amended.get((row.participant, row.client_order_id))
        if price is not None:
            yield row.contract, row.side, price


def _own_orders_in_calls(cursor: Cursor, held: Borrowed, messages: Sequence[Message]) -> None:
    """During an opening auction a new order meets only its owner's other orders."""
    calls = {key for key, row in held.contracts.items() if row.call and key not in held.whole}
    parties = {held.owners.get(m.participant, m.participant) for m in messages if isinstance(m, New)}
    parties |= {row.owner for row in held.orders.values()}
    if not calls or not parties:
        return
    cursor.execute(
        f"{_FROM_ORDERS} WHERE o.contract_id = ANY(%s) AND o.status <= 1"
        " AND coalesce(p.beneficial_owner_id, p.id) = ANY(%s)",
        (list(calls), list(parties)),
    )
    held.add(map(stored, cursor.fetchall()))
