"""What would become of these messages now: the engine run on what the public sees of the book, and nothing written.

A trader looks before an order is sent. The engine, the rules and the participant's own limits are those of `submit`,
but others' icebergs count with their clip alone: a rehearsal must not tell what a book hides. No lock is taken, so the
market may move between the look and the order.

Example: asks 20 kWh at 1,650 (clip of a larger iceberg) and 12 kWh at 1,700; a rehearsed buy of 25 kWh at 1,700 takes
20 at 1,650 and 5 at 1,700.
"""

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

import psycopg
from django.db import connection, transaction

from trading.domain.engine import Answer, Duplicate, Engine
from trading.domain.errors import Rejected, SliceTooShort
from trading.domain.limits import ParticipantLimits
from trading.domain.messages import SELL, Amend, Message, New
from trading.domain.orders import STATUS_NAMES, Order
from trading.operations.borrow import Borrowed, Depths, MarketRow, borrow, deepen, read_market
from trading.operations.limits import read_limits
from trading.operations.submitting import UnknownMarket
from units.interval import to_ms


class Room(NamedTuple):
    """What a participant may still commit: credit in milli-VND, Wh to sell in the order's interval; None: unbounded."""

    credit_millidong: int | None = None
    sell_wh: int | None = None


class Rehearsed(NamedTuple):
    """What one message would come to. `fills` are (price in VND/kWh, Wh) in the order in which they would happen;
    `before` and `after` are the room its participant has without it and with it."""

    result: str
    reason: str = ""
    bound: int | None = None
    status: str = ""
    remaining_wh: int = 0
    fills: tuple[tuple[int, int], ...] = ()
    before: Room = Room()
    after: Room = Room()

    @property
    def rejected(self) -> bool:
        """Whether it would be refused."""
        return self.result == "rejected"

    @property
    def filled_wh(self) -> int:
        """What would trade at once."""
        return sum(wh for _, wh in self.fills)

    @property
    def value_millidong(self) -> int:
        """What that would cost or bring, fees apart."""
        return sum(price * wh for price, wh in self.fills)


def rehearse(market_id: int, messages: Sequence[Message], *, at: datetime, rooms: bool = False) -> list[Rehearsed]:
    """What these messages would come to, one after the other; with `rooms` also what is left to their participants.

    Raises UnknownMarket.
    """
    if not messages:
        return []
    depths: Depths = {}
    with transaction.atomic():
        connection.ensure_connection()
        cursor = psycopg.Cursor(connection.connection)
        market = read_market(cursor, market_id)
        if market is None:
            raise UnknownMarket(f"There is no market with the number {market_id}.")
        while True:
            try:
                return _run(cursor, market, messages, to_ms(at), depths, rooms)
            except SliceTooShort as short:
                deepen(depths, int(str(short.contract)), short.side)


def _run(
    cursor: psycopg.Cursor, market: MarketRow, messages: Sequence[Message], at_ms: int, depths: Depths, rooms: bool
) -> list[Rehearsed]:
    held = borrow(cursor, market, max(market.last_at_ms, at_ms), messages, depths)
    _hide(held, {message.participant for message in messages if isinstance(message, New | Amend)})
    limits = read_limits(cursor, held, messages)
    engine = held.engine(limits)
    if not rooms:
        return [_told(engine.apply(message), engine) for message in messages]
    return [_with_rooms(engine, limits, message, market.max_wh) for message in messages]


def _hide(held: Borrowed, own: set[object]) -> None:
    """Others' icebergs shrink to what is shown of them."""
    for seq, row in held.orders.items():
        if row.display and row.participant not in own:
            held.orders[seq] = row._replace(remaining=min(row.shown, row.remaining), display=0, shown=0)


def _with_rooms(engine: Engine, limits: ParticipantLimits, message: Message, most_wh: int) -> Rehearsed:
    before = _room(limits, message, most_wh)
    told = _told(engine.apply(message), engine)
    return told._replace(before=before, after=_room(limits, message, most_wh))


def _room(limits: ParticipantLimits, message: Message, most_wh: int) -> Room:
    if not isinstance(message, New):
        return Room()
    sell = limits.left_to_sell(message.participant, message.contract, most_wh) if message.side == SELL else None
    return Room(limits.credit_left(message.participant), sell)


def _told(answer: Answer, engine: Engine) -> Rehearsed:
    if isinstance(answer, Rejected):
        return Rehearsed("rejected", answer.code, answer.bound)
    if isinstance(answer, Duplicate):
        return Rehearsed("duplicate", status=STATUS_NAMES[answer.order.status])
    if not isinstance(answer, Order):
        return Rehearsed("ok")
    fills = tuple((price, wh) for _, _, price, wh in engine.trades)
    return Rehearsed("accepted", answer.reason, None, STATUS_NAMES[answer.status], answer.remaining, fills)
