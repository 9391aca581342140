"""Follows one market for all sockets of this process: one subscriber, one mirror of its books.

A feed subscribes to its market's channel, starts from a snapshot and follows the events. The broker is only a hint:
what it loses, repeats or reorders shows in the sequence numbers and is fetched from the log, and the market's row is
looked at with every heartbeat. While the broker is away the look at the log alone carries the stream, a second late.
"""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Hashable, Iterable
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, ParamSpec, TypeVar

import msgspec
import redis.asyncio
from channels.db import database_sync_to_async
from django.conf import settings
from django.db import DatabaseError
from redis.exceptions import RedisError

from trading import queries
from trading.domain.stream import Books, Event, Sequencer, StreamError
from trading.operations.publish import channel
from trading.streams import (
    BookStream,
    ContractsStream,
    EnergyStream,
    Listener,
    OrdersStream,
    State,
    Stream,
    TradesStream,
    frame,
    trade_rows,
)
from units.interval import to_ms

log = logging.getLogger(__name__)

HEARTBEAT_S = 5.0
POLL_WITHOUT_BROKER_S = 1.0
CONTRACTS_S = 1.0
GAP_PATIENCE_S = 0.05  # what is only out of order arrives within this; what is lost does not
RETRY_S = 1.0
RECENT_EVENTS = 4_096
TRADES_KEPT = 50
STOPS = ("halt", "resume")
PAST_CONTRACTS = timedelta(hours=2)
AHEAD_CONTRACTS = timedelta(hours=49)

P = ParamSpec("P")
T = TypeVar("T")


def read(function: Callable[P, T]) -> Callable[P, Awaitable[T]]:
    """A database read for the event loop: on a thread of its own, its connection returned afterwards."""
    return database_sync_to_async(function, thread_sensitive=False)


class FeedError(Exception):
    """The market's live data cannot be had now, or not as asked for. `code` says why."""

    def __init__(self, code: str, sentence: str) -> None:
        super().__init__(sentence)
        self.code = code


@dataclass(frozen=True, slots=True)
class Subscription:
    """What a socket asks for."""

    channel: str
    contract_id: int | None = None
    participant_id: int | None = None
    conflate_ms: int = 200
    resume_from_seq: int | None = None

    @property
    def key(self) -> Hashable:
        """Sockets with the same key share one stream."""
        if self.channel in ("book", "trades"):
            return self.channel, self.contract_id, self.conflate_ms
        return self.channel, self.participant_id


class Feed:
    """One market followed by this process."""

    def __init__(self, market_id: int) -> None:
        self.market_id = market_id
        self.ready = asyncio.Event()
        self.listeners: set[Listener] = set()
        self.state = State(0, 0, Books())
        self.contracts = ContractsStream(self.state)
        self.energy = EnergyStream(self.state)
        self._sequencer = Sequencer(0)
        self._recent: deque[Event] = deque(maxlen=RECENT_EVENTS)
        self._trades: deque[tuple[Any, ...]] = deque(maxlen=TRADES_KEPT)
        self._streams: dict[Hashable, Stream] = {
            Subscription("contracts").key: self.contracts, Subscription("energy").key: self.energy,
        }  # fmt: skip
        self._market: queries.MarketView | None = None
        self._inbox: asyncio.Queue[bytes | None] = asyncio.Queue()
        self._broker_is_up = False
        self._touched: set[int] = set()
        self._all_contracts_at = 0.0
        self._due = dict.fromkeys(("poll", "heartbeat", "contracts", "gap"), 0.0)

    # --- for sockets ---

    async def subscribe(self, listener: Listener, wanted: Subscription) -> None:
        """Give the listener the present state, or what it missed since `resume_from_seq`, and every change from now on.

        Raises FeedError for a contract that is not traded here.
        """
        if wanted.channel == "book" and wanted.contract_id not in self.contracts.rows:
            raise FeedError("unknown_contract", f"There is no contract {wanted.contract_id} in this market now.")
        stream = self._streams.get(wanted.key) or self._open(wanted)
        missed = None if wanted.resume_from_seq is None else self.since(wanted.resume_from_seq)
        if missed is not None and wanted.resume_from_seq is not None:
            listener.put(stream.catch_up(missed, wanted.resume_from_seq))
        elif isinstance(stream, OrdersStream):
            await self._send_open_orders(listener, stream, wanted)
        else:
            listener.put(stream.snapshot())
        self._streams[wanted.key] = stream
        stream.listeners.add(listener)

    def _open(self, wanted: Subscription) -> Stream:
        if wanted.channel == "book":
            assert wanted.contract_id is not None
            return BookStream(self.state, wanted.conflate_ms, wanted.contract_id)
        if wanted.channel == "trades":
            return TradesStream(self.state, wanted.conflate_ms, lambda: list(self._trades))
        assert wanted.participant_id is not None
        return OrdersStream(self.state, wanted.participant_id)

    async def _send_open_orders(self, listener: Listener, stream: OrdersStream, wanted: Subscription) -> None:
        """Own open orders from the database, and what this process has seen since then."""
        missed = None
        while missed is None:
            own = await read(queries.own_orders)(self.market_id, [wanted.participant_id or 0])
            missed = [] if own.seq >= self.state.seq else self.since(own.seq)
        listener.put(frame("orders", "snapshot", own.seq, self.state.at_ms, own.orders, **stream.scope))
        if missed:
            listener.put(stream.catch_up(missed, own.seq))

    def unsubscribe(self, listener: Listener, wanted: Subscription) -> None:
        """Stop a subscription; a stream that nobody listens to ends."""
        stream = self._streams.get(wanted.key)
        if stream is None:
            return
        stream.listeners.discard(listener)
        if not stream.listeners and stream not in (self.contracts, self.energy):
            stream.close()
            del self._streams[wanted.key]

    def since(self, seq: int) -> list[Event] | None:
        """The events after `seq`; None where they are no longer kept, or `seq` is not from here."""
        if seq == self.state.seq:
            return []
        if not self._recent or not self._recent[0].seq - 1 <= seq < self.state.seq:
            return None
        return [event for event in self._recent if event.seq > seq]

    def heartbeat(self, kind: str = "update") -> str:
        """A frame that says: still here, at this event, and it is this late in the market."""
        rate = self._market.clock_rate if self._market and self._market.clock_at else 1
        halted = bool(self._market and self._market.halted)
        data = {"rate": rate, "halted": halted, "every_s": HEARTBEAT_S}
        return frame("heartbeat", kind, self.state.seq, to_ms(self._now()), data)

    def _now(self) -> datetime:
        wall = datetime.now(UTC)
        return queries.market_now(self._market, wall) if self._market else wall

    # --- following the market ---

    async def run(self) -> None:
        """Follow the market until cancelled."""
        reader = asyncio.create_task(self._listen())
        try:
            while True:
                try:
                    await self._follow()
                except (StreamError, DatabaseError, OSError, FeedError) as error:
                    log.warning("market %s: live data start over: %s", self.market_id, error)
                    await asyncio.sleep(RETRY_S)
        finally:
            reader.cancel()
            for stream in self._streams.values():
                stream.close()

    async def _listen(self) -> None:
        """Hand on what the broker brings; after each (re)connection, ask for a look at the log."""
        while True:
            try:
                async with redis.asyncio.from_url(settings.REDIS_URL) as client, client.pubsub() as pubsub:
                    await pubsub.subscribe(channel(self.market_id))
                    async for message in pubsub.listen():
                        self._broker_is_up = True
                        self._inbox.put_nowait(message["data"] if message["type"] == "message" else None)
            except (RedisError, OSError) as error:
                log.warning("market %s: broker lost: %s", self.market_id, error)
            self._broker_is_up = False
            await asyncio.sleep(RETRY_S)

    async def _follow(self) -> None:
        await self._start_over()
        while True:
            self._take_in(await self._next_messages())
            await self._do_what_is_due()

    async def _next_messages(self) -> list[bytes | None]:
        """What has arrived; waits for it no longer than until something is due."""
        patience = max(0.0, min(due for due in self._due.values() if due) - self._time())
        messages: list[bytes | None] = []
        with suppress(TimeoutError):
            messages.append(await asyncio.wait_for(self._inbox.get(), patience))
        while not self._inbox.empty():
            messages.append(self._inbox.get_nowait())
        return messages

    def _take_in(self, messages: Iterable[bytes | None]) -> None:
        for message in messages:
            if message is None:
                self._due["poll"] = self._time()
            else:
                self._take_batch(message)
        if not self._sequencer.has_gap:
            self._due["gap"] = 0.0
        elif not self._due["gap"]:
            self._due["gap"] = self._time() + GAP_PATIENCE_S

    def _take_batch(self, message: bytes) -> None:
        try:
            items = msgspec.json.decode(message)
            items = items if isinstance(items, list) else [items]
            events = [Event(i["seq"], i["at"], i["op"], i["outcome"]) for i in items if "seq" in i]
        except (msgspec.DecodeError, KeyError, TypeError) as error:
            log.warning("market %s: a message that is none: %s", self.market_id, error)
            return
        self._apply(self._sequencer.take(events))
        for item in items:
            if "settled" in item:
                self.energy.tell(self.state.seq, item["settled"])

    def _apply(self, events: Iterable[Event]) -> None:
        """Change the mirror, event by event, and let the streams know."""
        for event in events:
            self.state.books.apply(event)
            self.state.seq, self.state.at_ms = event.seq, event.at_ms
            self._recent.append(event)
            self._trades.extendleft(trade_rows(event))
            self._touched |= event.contracts
            if event.op in STOPS:  # it changes the state of contracts that no order was touched in
                self._all_contracts_at, self._due["poll"] = 0.0, self._time()
            for stream in self._streams.values():
                stream.note(event)

    def _time(self) -> float:
        return asyncio.get_running_loop().time()

    async def _do_what_is_due(self) -> None:
        now = self._time()
        if now >= self._due["poll"] or (self._due["gap"] and now >= self._due["gap"]):
            await self._look_at_the_log()
        if now >= self._due["contracts"]:
            await self._refresh_contracts()
        if now >= self._due["heartbeat"]:
            self._due["heartbeat"] = now + HEARTBEAT_S
            text = self.heartbeat()
            for listener in tuple(self.listeners):
                listener.put(text)

    async def _look_at_the_log(self) -> None:
        """Compare with the market's row and fetch what is missing."""
        self._market = await read(queries.market_by_id)(self.market_id)
        if self._market is None:
            raise FeedError("unknown_market", "This market is gone.")
        if 0 <= self._market.last_seq - self._sequencer.seq <= RECENT_EVENTS:
            await self._fetch_until(self._market.last_seq)
        else:
            await self._start_over()
        self._due["gap"] = 0.0
        self._due["poll"] = self._time() + (HEARTBEAT_S if self._broker_is_up else POLL_WITHOUT_BROKER_S)

    async def _fetch_until(self, seq: int) -> None:
        """Take the events up to `seq` from the log."""
        while self._sequencer.seq < seq:
            found = self._sequencer.take(await read(queries.events)(self.market_id, self._sequencer.seq))
            if not found:
                raise StreamError(f"The log of market {self.market_id} has no event {self._sequencer.seq + 1}.")
            self._apply(found)

    async def _start_over(self) -> None:
        """Take a new snapshot, and give it to everyone who listens."""
        self._market = await read(queries.market_by_id)(self.market_id)
        mirror = await read(queries.mirror)(self.market_id, TRADES_KEPT)
        self.state.books.load(mirror.levels)
        self.state.seq, self.state.at_ms = mirror.seq, to_ms(mirror.at) if mirror.at else to_ms(self._now())
        self._recent.clear()
        self._trades = deque(map(_trade_row, mirror.trades), maxlen=TRADES_KEPT)
        waited = self._sequencer.restart(mirror.seq)
        self._due |= {"poll": self._time() + HEARTBEAT_S, "gap": 0.0}
        await self._load_contracts()
        for stream in self._streams.values():
            if not isinstance(stream, ContractsStream | EnergyStream):
                stream.reset()
        self._apply(waited)
        self.ready.set()

    async def _load_contracts(self) -> None:
        """All contracts around now: what opened, closed or was cleared without an event shows here."""
        now = self._now()
        rows = await read(queries.contracts)(self.market_id, now - PAST_CONTRACTS, now + AHEAD_CONTRACTS)
        self.contracts.load({row.contract_id: row for row in rows}, self.state.seq)
        self._touched.clear()
        self._due["contracts"] = self._time() + CONTRACTS_S
        self._all_contracts_at = self._time() + (HEARTBEAT_S if self._runs_with_the_wall() else CONTRACTS_S)

    def _runs_with_the_wall(self) -> bool:
        return self._market is None or self._market.clock_at is None or self._market.clock_rate == 1

    async def _refresh_contracts(self) -> None:
        if self._time() >= self._all_contracts_at:
            await self._load_contracts()
        elif self._touched:
            touched, self._touched = list(self._touched), set()
            rows = await read(queries.contracts_by_id)(self.market_id, touched)
            self.contracts.refresh({row.contract_id: row for row in rows}, self.state.seq)
        self._due["contracts"] = self._time() + CONTRACTS_S


def _trade_row(trade: queries.TradeView) -> tuple[Any, ...]:
    return (trade.trade_no, trade.contract_id, trade.price, trade.quantity_wh, trade.taker_side, trade.at, trade.seq)
