"""Live data over a WebSocket: who may listen, what a client may ask, and what happens to one that lags.

Address: `/ws/markets/<code>/`, with the session cookie of a logged-in user. Own orders are those of the participants
for which the user has a membership when the socket opens; every quarter of a minute it is asked whether that still
holds, and a socket of which it does not is closed: whoever may still listen reconnects. docs/live-data.md tells the
protocol.
"""

import asyncio
import random
from collections import deque
from contextlib import suppress
from typing import Annotated, Any, Literal

import msgspec
from channels.generic.websocket import AsyncWebsocketConsumer
from django.db import DatabaseError, InterfaceError

from accounts.signin.sessions import user_of
from trading import queries
from trading.feed import Feed, FeedError, Subscription, read
from trading.hub import hub

NOT_LOGGED_IN = 4401
RIGHTS_CHANGED = 4403
NO_MARKET = 4404
TOO_SLOW = 4008
TOO_MANY = 4029
UNAVAILABLE = 4503

OUTBOX = 256  # frames; a client that is so far behind sees nothing true any more
MAX_SUBSCRIPTIONS = 64
MAX_REQUEST_CHARACTERS = 2_000
REQUESTS, REQUESTS_S = 100, 10.0
CHECK_S = 15.0  # so long at most does a socket outlive the right to it
CONFLATE_STEP_MS = 100  # a few classes of speed, so that sockets share frames


class Request(msgspec.Struct, forbid_unknown_fields=True):
    """What a client may send."""

    op: Literal["subscribe", "unsubscribe", "ping"]
    channel: Literal["book", "trades", "contracts", "orders", "energy"] | None = None
    contract_id: Annotated[int, msgspec.Meta(ge=1)] | None = None
    conflate_ms: Annotated[int, msgspec.Meta(ge=100, le=10_000)] = 200
    resume_from_seq: Annotated[int, msgspec.Meta(ge=0)] | None = None


class Outbox:
    """Frames on their way to one client, in order and bounded. Once it overflows it holds nothing but that fact."""

    def __init__(self, limit: int = OUTBOX) -> None:
        self.overflowed = False
        self._limit = limit
        self._frames: deque[str] = deque()
        self._waiter: asyncio.Future[None] | None = None

    def put(self, frame: str) -> None:
        """Take a frame, at once."""
        if self.overflowed:
            return
        if len(self._frames) >= self._limit:
            self.overflowed = True
            self._frames.clear()
        else:
            self._frames.append(frame)
        if self._waiter is not None and not self._waiter.done():
            self._waiter.set_result(None)

    async def get(self) -> str | None:
        """The next frame, or None after an overflow."""
        while not self._frames:
            if self.overflowed:
                return None
            self._waiter = asyncio.get_running_loop().create_future()
            await self._waiter
        return self._frames.popleft()


class MarketConsumer(AsyncWebsocketConsumer):
    """One socket of one market."""

    feed: Feed | None = None
    market_id = 0
    writer: asyncio.Task[None] | None = None
    guard: asyncio.Task[None] | None = None

    async def connect(self) -> None:
        """Accept whom we know; the others are told why by a close code, which a refused handshake could not carry."""
        await self.accept()
        self.outbox = Outbox()
        self.subscriptions: set[Subscription] = set()
        self.requests: deque[float] = deque(maxlen=REQUESTS)
        user = self.scope["user"]
        if not user.is_authenticated:
            await self.close(NOT_LOGGED_IN, "Log in to see live data.")
            return
        market = await read(queries.market_by_code)(self.scope["url_route"]["kwargs"]["code"])
        if market is None:
            await self.close(NO_MARKET, "There is no such market.")
            return
        self.market_id = market.id
        self.parties = [party.id for party in await read(queries.own_participants)(market.id, user.pk)]
        await self._join()

    async def _join(self) -> None:
        try:
            self.feed = await hub().join(self.market_id, self.outbox)
        except FeedError as error:
            await self.close(UNAVAILABLE, str(error))
            return
        self.outbox.put(self.feed.heartbeat("snapshot"))
        self.writer = asyncio.create_task(self._write())
        self.guard = asyncio.create_task(self._guard())

    async def disconnect(self, code: int) -> None:
        """Forget the socket."""
        for task in (self.writer, self.guard):
            if task is not None:
                task.cancel()
                with suppress(asyncio.CancelledError):
                    await task
        self._leave()

    def _leave(self) -> None:
        if self.feed is None:
            return
        for subscription in self.subscriptions:
            self.feed.unsubscribe(self.outbox, subscription)
        hub().leave(self.market_id, self.outbox)
        self.feed = None

    async def _write(self) -> None:
        """Send frame after frame. The bare `send` spares a layer that looks for groups we do not use."""
        while (frame := await self.outbox.get()) is not None:
            await self.base_send({"type": "websocket.send", "text": frame})
        self._leave()
        await self.close(TOO_SLOW, "Too slow: frames were waiting. Reconnect and subscribe again.")

    async def _guard(self) -> None:
        """Ends the socket once its session is over or it would listen for others than its user acts for now."""
        while True:
            await asyncio.sleep(CHECK_S * random.uniform(0.5, 1))  # not all sockets at once
            with suppress(DatabaseError, InterfaceError):
                if not await read(self._may_go_on)():
                    break
        self._leave()
        await self.close(RIGHTS_CHANGED, "Your sign-in or your roles have changed. Reconnect.")

    def _may_go_on(self) -> bool:
        user = user_of(self.scope["session"].session_key or "")
        if user is None or user != self.scope["user"].pk:
            return False
        return {party.id for party in queries.own_participants(self.market_id, user)} == set(self.parties)

    async def receive(self, text_data: str | None = None, bytes_data: bytes | None = None) -> None:
        """Do what the client asks, or say what was wrong with it; nothing it sends ends in an exception."""
        if self.feed is None:
            return
        if self._asks_too_much():
            await self.close(TOO_MANY, f"More than {REQUESTS} requests in {REQUESTS_S:g} s.")
            return
        try:
            await self._handle(_request(text_data))
        except FeedError as error:
            self._tell_error(error)

    def _asks_too_much(self) -> bool:
        now = asyncio.get_running_loop().time()
        full = len(self.requests) == REQUESTS and now - self.requests[0] < REQUESTS_S
        self.requests.append(now)
        return full

    async def _handle(self, request: Request) -> None:
        assert self.feed is not None
        if request.op == "ping":
            self.outbox.put(self.feed.heartbeat())
            return
        for wanted in self._subscriptions(request):
            same = {held for held in self.subscriptions if _same_scope(held, wanted)}
            for held in same:
                self.feed.unsubscribe(self.outbox, held)
            self.subscriptions -= same
            if request.op == "subscribe":
                await self._subscribe(wanted)

    async def _subscribe(self, wanted: Subscription) -> None:
        if len(self.subscriptions) >= MAX_SUBSCRIPTIONS:
            raise FeedError("too_many_subscriptions", f"A socket may hold {MAX_SUBSCRIPTIONS} subscriptions.")
        feed = self.feed
        if feed is None:
            return
        await feed.subscribe(self.outbox, wanted)
        self.subscriptions.add(wanted)

    def _subscriptions(self, request: Request) -> list[Subscription]:
        """The subscriptions that a request means: `orders` is one for each own participant."""
        channel, conflate_ms = request.channel, -(-request.conflate_ms // CONFLATE_STEP_MS) * CONFLATE_STEP_MS
        if channel is None:
            raise FeedError("invalid_message", "Say which channel: book, trades, contracts, orders or energy.")
        if (channel == "book") != (request.contract_id is not None):
            raise FeedError("invalid_message", "Give a contract_id for the channel book, and for no other.")
        if channel == "orders":
            return [Subscription("orders", None, p, 0, request.resume_from_seq) for p in self.parties]
        return [Subscription(channel, request.contract_id, None, conflate_ms, request.resume_from_seq)]

    def _tell_error(self, error: FeedError) -> None:
        body: dict[str, Any] = {"channel": "error", "code": error.code, "message": str(error)}
        self.outbox.put(msgspec.json.encode(body).decode())


def _same_scope(held: Subscription, wanted: Subscription) -> bool:
    """Whether one replaces the other: the same thing, perhaps at another speed."""
    return (held.channel, held.contract_id, held.participant_id) == (
        wanted.channel, wanted.contract_id, wanted.participant_id,
    )  # fmt: skip


def _request(text: str | None) -> Request:
    if text is None or len(text) > MAX_REQUEST_CHARACTERS:
        raise FeedError("invalid_message", f"Send text of at most {MAX_REQUEST_CHARACTERS} characters.")
    try:
        return msgspec.json.decode(text, type=Request)
    except msgspec.DecodeError as error:
        raise FeedError("invalid_message", f"Not a request: {error}.") from error
