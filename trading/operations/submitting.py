"""The one way into a market: `submit`.

Everything that changes a market, from whatever door, is handed over here as messages and answered only once it is
durable. Callers of one process that come at the same time are combined: whoever holds the market's turn takes along all
that wait (a waiting window of some ms was measured to hurt). One transaction locks the market's row, borrows what the
batch can touch, runs the pure engine over it and writes the log with all its consequences. A death before the commit
leaves nothing; a retry with the same client order id after it gets the first answer.
"""

import logging
import threading
from collections import deque
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime

import psycopg
from django.db import OperationalError, connection, transaction

from accounts.models import User
from trading.domain.engine import Engine
from trading.domain.errors import SliceTooShort
from trading.domain.messages import Message, Time
from trading.operations.borrow import Cursor, Depths, MarketRow, borrow, deepen, expiry_is_due, lock_market
from trading.operations.effects import Effects
from trading.operations.limits import read_limits
from trading.operations.publish import publish
from trading.operations.replies import Reply
from trading.operations.write import log_written, write
from units.interval import to_ms

log = logging.getLogger(__name__)
MOST_IN_A_BATCH = 5_000
LINES_AT_ONCE = 100
NONE_OF_THEM = Reply("rejected", "bulk_rejected")


class MarketUnavailable(Exception):
    """The market could not be reached, and nothing says whether the messages were taken.

    Retry with the same client order ids: what was taken is answered as a duplicate, the rest is taken now.
    """

    code = "market_unavailable"


class UnknownMarket(LookupError):
    """There is no such market."""

    code = "unknown_market"


@dataclass
class _Ticket:
    """One caller's messages, waiting for their answers."""

    messages: Sequence[Message]
    notes: Sequence[str]
    by: int | None
    at_ms: int
    all_or_none: bool = False
    replies: list[Reply] | None = None
    error: BaseException | None = None

    @property
    def done(self) -> bool:
        return self.replies is not None or self.error is not None


@dataclass
class _Turn:
    """The turn of one market in this process, and who waits for it."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    waiting: deque[_Ticket] = field(default_factory=deque)


_turns: dict[int, _Turn] = {}


def submit(
    market_id: int, messages: Sequence[Message], *, by: User | None, at: datetime, notes: Sequence[str] = (),
    all_or_none: bool = False,
) -> list[Reply]:  # fmt: skip
    """Takes messages to a market, in order, each answered on its own; returns when all of it is durable.

    `at` is the market's time; one that lies before the market's last is taken as that. `notes` says, message by
    message, why an order is placed. With `all_or_none` one refusal undoes all of them: the others are then refused as
    `bulk_rejected`. Raises UnknownMarket, or MarketUnavailable where the outcome is not known.
    """
    ticket = _Ticket(messages, notes, by.pk if by else None, to_ms(at), all_or_none)
    if not messages:
        return []
    turn = _turns.setdefault(market_id, _Turn())
    turn.waiting.append(ticket)
    with _turn_of(turn):
        while not ticket.done:  # where many wait, the first batch may be full before it comes to this one
            _serve(market_id, _draw(turn))
    if ticket.error is not None:
        raise ticket.error
    assert ticket.replies is not None
    return ticket.replies


@contextmanager
def _turn_of(turn: _Turn) -> Iterator[None]:
    """Waits for the market's turn, and meanwhile gives the thread's connection back to the pool: were all of them held
    by those who wait, whoever has the turn would find none."""
    if not turn.lock.acquire(blocking=False):
        if not connection.in_atomic_block:
            connection.close()
        turn.lock.acquire()
    try:
        yield
    finally:
        turn.lock.release()


def _draw(turn: _Turn) -> list[_Ticket]:
    """Takes the waiting callers, oldest first, as many as one batch should carry. Who wants all or none goes alone:
    what is undone for one must not be undone for others."""
    tickets: list[_Ticket] = []
    size = 0
    while turn.waiting and size < MOST_IN_A_BATCH and not (tickets and turn.waiting[0].all_or_none):
        ticket = turn.waiting.popleft()
        tickets.append(ticket)
        if ticket.all_or_none:
            break
        size += len(ticket.messages)
    return tickets


def _serve(market_id: int, tickets: list[_Ticket]) -> None:
    """Answers these callers; where a batch of several fails, each is served alone, so that one cannot harm another."""
    try:
        _execute(market_id, tickets)
    except (OperationalError, psycopg.OperationalError) as error:
        log.warning("market %s unavailable: %s", market_id, error)
        for ticket in tickets:
            ticket.error = MarketUnavailable("The market could not be reached. Retry with the same client order ids.")
    except BaseException as error:
        if len(tickets) == 1:
            tickets[0].error = error
            return
        for ticket in tickets:
            _serve(market_id, [ticket])


def _execute(market_id: int, tickets: list[_Ticket]) -> None:
    with transaction.atomic(durable=True):
        connection.ensure_connection()
        cursor = psycopg.Cursor(connection.connection)
        market = lock_market(cursor, market_id)
        if market is None:
            raise UnknownMarket(f"There is no market with the number {market_id}.")
        effects, replies = _run(cursor, market, tickets)
    _hand_out(tickets, replies)
    publish(market_id, effects)


def _hand_out(tickets: list[_Ticket], replies: list[Reply]) -> None:
    start = 0
    for ticket in tickets:
        end = start + len(ticket.messages)
        ticket.replies = replies[start:end]
        start = end


Work = Sequence[tuple[Message, int | None, str]]


def _run(cursor: Cursor, market: MarketRow, tickets: list[_Ticket]) -> tuple[Effects, list[Reply]]:
    """Runs the batch over the borrowed slice, deeper where it was too short, and writes what it did."""
    at = max(market.last_at_ms, *(ticket.at_ms for ticket in tickets))
    work = [
        (message, ticket.by, ticket.notes[i] if i < len(ticket.notes) else "")
        for ticket in tickets
        for i, message in enumerate(ticket.messages)
    ]
    late = expiry_is_due(cursor, market, at)
    if late:
        work.insert(0, (Time(), None, ""))
    messages = [message for message, _, _ in work]
    depths: Depths = {}
    cursor.execute("SAVEPOINT borrowed")
    while True:
        held = borrow(cursor, market, at, messages, depths)
        limits = read_limits(cursor, held, messages)
        engine = held.engine(limits)
        effects = Effects(held, market.last_trade_no)
        try:
            _take_all(cursor, effects, engine, work)
        except SliceTooShort as short:
            cursor.execute("ROLLBACK TO SAVEPOINT borrowed")
            deepen(depths, int(str(short.contract)), short.side)
            continue
        break
    if tickets[0].all_or_none and any(reply.rejected for reply in effects.replies()):
        cursor.execute("ROLLBACK TO SAVEPOINT borrowed")
        undone = [reply if reply.rejected else NONE_OF_THEM for reply in effects.replies()]
        return Effects(held, market.last_trade_no), undone[1:] if late else undone
    replies = write(cursor, effects, limits.changes(), stop=engine.stop) if effects.log else effects.replies()
    return effects, replies[1:] if late else replies


def _take_all(cursor: Cursor, effects: Effects, engine: Engine, work: Work) -> None:
    with log_written(cursor, effects) as send:
        for number, (message, by, note) in enumerate(work, start=1):
            effects.take(engine, message, by, note)
            if number % LINES_AT_ONCE == 0:
                send()
