"""Live data over a real broker and a real database: order, gaps, privacy, slow readers."""

import asyncio
import json
import random
from collections import defaultdict
from datetime import UTC, datetime

import pytest
import redis
from asgiref.testing import ApplicationCommunicator
from channels.db import database_sync_to_async
from django.conf import settings
from django.contrib.sessions.models import Session

from accounts.models import Membership, User
from tests.factories import NOON, make_market, make_participants, open_contracts, random_messages
from trading import consumers, feed, queries
from trading.consumers import Outbox
from trading.domain.messages import BUY, SELL, Cancel, New
from trading.feed import Feed, FeedError, Subscription
from trading.hub import hub
from trading.operations import publish, submit
from units.interval import to_ms

pytestmark = pytest.mark.django_db(transaction=True)

PATIENCE_S = 20


def live_market():
    """A market whose clock shows noon of its day now, whatever the wall's clock shows."""
    return make_market(clock_at=NOON, clock_started_at=datetime.now(UTC))


async def run_in_database(function, *arguments, **named):
    return await database_sync_to_async(function, thread_sensitive=False)(*arguments, **named)


async def take(market, *messages):
    return await run_in_database(submit, market.pk, messages, by=None, at=NOON)


async def until(condition):
    async with asyncio.timeout(PATIENCE_S):
        while not condition():
            await asyncio.sleep(0.01)


class Client:
    """A listener that follows the rule of docs/live-data.md, and says when it had to ask again."""

    def __init__(self):
        self.seq, self.books, self.orders, self.trades, self.gaps = {}, defaultdict(dict), {}, {}, 0

    def put(self, text):
        message = json.loads(text)
        channel = message["channel"]
        if channel in ("book", "orders", "trades"):
            self.follow(message, (channel, message.get("contract_id"), message.get("participant_id")))

    def follow(self, message, key):
        if message["type"] == "update":
            if message["seq"] <= self.seq[key]:
                return
            self.gaps += message["prev_seq"] > self.seq[key]
        elif message["channel"] == "book":
            self.books[message["contract_id"]] = {}
        self.seq[key] = message["seq"]
        getattr(self, f"take_{message['channel']}")(message)

    def take_book(self, message):
        book = self.books[message["contract_id"]]
        for side in ("bids", "asks"):
            for price, wh, orders in message["data"][side]:
                book[side, price] = (wh, orders)
                if not wh:
                    del book[side, price]

    def take_trades(self, message):
        self.trades.update((row[0], row) for row in message["data"])

    def take_orders(self, message):
        self.orders.update((row["seq"], row) for row in message["data"])


class BadBroker:
    """Loses, repeats and reorders what is published."""

    def __init__(self, rng):
        self.rng, self.held, self.client = rng, [], redis.Redis.from_url(settings.REDIS_URL)

    def publish(self, channel, message):
        self.held += [message] * self.rng.choice([0, 1, 1, 1, 2])
        if self.rng.random() < 0.5:
            self.rng.shuffle(self.held)
            for each in self.held:
                self.client.publish(channel, each)
            self.held.clear()


async def following(market):
    feed = Feed(market.pk)
    task = asyncio.create_task(feed.run())
    await asyncio.wait_for(feed.ready.wait(), PATIENCE_S)
    return feed, task


@pytest.mark.parametrize("seed", [1, 2, 3])
def test_old_snapshot_and_events_make_the_new_snapshot_over_a_bad_broker(monkeypatch, seed) -> None:
    rng = random.Random(seed)
    monkeypatch.setattr(feed, "HEARTBEAT_S", 0.3)
    broker = BadBroker(rng)
    monkeypatch.setattr(publish, "_client", lambda: broker)
    market = live_market()
    parties, contracts = make_participants(4), open_contracts(market)[:2]
    messages = random_messages(rng, 300, [p.pk for p in parties], [c.pk for c in contracts], at_ms=to_ms(NOON))

    async def play():
        followed, task = await following(market)
        client = Client()
        for contract in contracts:
            await followed.subscribe(client, Subscription("book", contract.pk, conflate_ms=100))
        await followed.subscribe(client, Subscription("trades", conflate_ms=100))
        await followed.subscribe(client, Subscription("orders", participant_id=parties[0].pk))
        for start in range(0, len(messages), 10):
            await take(market, *messages[start : start + 10])
        last = await run_in_database(queries.last_seq, market.pk)
        await until(lambda: followed.state.seq == last)
        await asyncio.sleep(0.2)  # the last conflated frames
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return client, last

    client, last = asyncio.run(play())
    assert last > 80
    assert client.gaps == 0
    for contract in contracts:
        view = queries.book(contract.pk, market.pk, depth=1_000)
        stored = {("bids", p): (wh, n) for p, wh, n in view.bids} | {("asks", p): (wh, n) for p, wh, n in view.asks}
        assert client.books[contract.pk] == stored
    assert sorted(client.trades) == [t.trade_no for t in reversed(queries.last_trades(market.pk, 10_000))]
    own = queries.own_orders(market.pk, [parties[0].pk], open_only=False).orders
    assert {seq: row["remaining_wh"] for seq, row in client.orders.items()} == {o.seq: o.remaining_wh for o in own}


def test_without_a_broker_the_log_alone_carries_the_stream(monkeypatch, settings) -> None:
    market, (party,) = live_market(), make_participants(1)
    contract = open_contracts(market)[0]
    settings.REDIS_URL = "unix:///nowhere/at/all.sock"
    monkeypatch.setattr(feed, "HEARTBEAT_S", 0.2)

    async def play():
        followed, task = await following(market)
        await take(market, New(party.pk, "a", contract.pk, SELL, 1_000, 1_500))
        await until(lambda: followed.state.books.side(contract.pk, -1) == [(1_500, 1_000, 1)])
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(play())


def test_a_database_that_was_put_back_to_an_earlier_day_makes_the_feed_start_over(monkeypatch) -> None:
    market, (party,) = live_market(), make_participants(1)
    contract = open_contracts(market)[0]
    monkeypatch.setattr(feed, "HEARTBEAT_S", 0.2)

    async def play():
        followed, task = await following(market)
        client = Client()
        await followed.subscribe(client, Subscription("book", contract.pk))
        followed._sequencer.seq = followed.state.seq = 50
        await take(market, New(party.pk, "a", contract.pk, SELL, 1_000, 1_500))
        await until(lambda: client.books[contract.pk] == {("asks", 1_500): (1_000, 1)})
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)

    asyncio.run(play())


def test_resuming_gets_what_was_missed_and_a_snapshot_where_it_is_no_longer_kept() -> None:
    market, (party,) = live_market(), make_participants(1)
    contract = open_contracts(market)[0]

    async def play():
        followed, task = await following(market)
        before = followed.state.seq
        await take(market, *[New(party.pk, f"o{n}", contract.pk, SELL, 1_000, 1_500 + n) for n in range(5)])
        await until(lambda: followed.state.seq == before + 5)
        frames = []
        listener = type("Listener", (), {"put": lambda self, text: frames.append(json.loads(text))})()
        for since in (before + 3, before + 5, 77):
            await followed.subscribe(listener, Subscription("book", contract.pk, resume_from_seq=since))
        with pytest.raises(FeedError) as refused:
            await followed.subscribe(listener, Subscription("book", 999_999))
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return frames, refused.value.code, before

    (missed, nothing, afresh), code, before = asyncio.run(play())
    assert (missed["type"], missed["prev_seq"], missed["seq"]) == ("update", before + 3, before + 5)
    assert missed["data"] == {"bids": [], "asks": [[1_503, 1_000, 1], [1_504, 1_000, 1]]}
    assert nothing["data"] == {"bids": [], "asks": []}
    assert (afresh["type"], len(afresh["data"]["asks"])) == ("snapshot", 5)
    assert code == "unknown_contract"


# --- the socket ---


def application():
    from config.asgi import application

    return application


class Socket(ApplicationCommunicator):
    """A WebSocket to the whole application, without a server in between."""

    async def connect(self):
        await self.send_input({"type": "websocket.connect"})
        assert (await self.receive_output(PATIENCE_S))["type"] == "websocket.accept"

    async def send_text(self, text):
        await self.send_input({"type": "websocket.receive", "text": text})

    async def send_json_to(self, message):
        await self.send_text(json.dumps(message))

    async def receive_json_from(self):
        message = await self.receive_output(PATIENCE_S)
        assert message["type"] == "websocket.send", message
        return json.loads(message["text"])

    async def disconnect(self):
        await self.send_input({"type": "websocket.disconnect", "code": 1000})
        await self.wait(PATIENCE_S)


async def connected(market_code, user=None):
    headers = [(b"host", b"localhost"), (b"origin", b"http://localhost")]
    if user is not None:
        headers.append((b"cookie", f"sessionid={await run_in_database(session_of, user)}".encode()))
    scope = {
        "type": "websocket", "path": f"/ws/markets/{market_code}/", "query_string": b"", "headers": headers,
        "subprotocols": [],
    }  # fmt: skip
    socket = Socket(application(), scope)
    await socket.connect()
    return socket


def session_of(user):
    from django.test import Client as Browser

    browser = Browser()
    browser.force_login(user)
    return browser.session.session_key


async def receive(socket, channel, kind=None):
    """The next frame of that channel."""
    async with asyncio.timeout(PATIENCE_S):
        while True:
            message = await socket.receive_json_from()
            if message["channel"] == channel and kind in (None, message.get("type")):
                return message


async def closed_with(socket):
    async with asyncio.timeout(PATIENCE_S):
        while (message := await socket.receive_output(PATIENCE_S))["type"] != "websocket.close":
            pass
    return message["code"]


def in_a_loop(play):
    async def wrapped():
        try:
            return await play()
        finally:
            await hub().close()

    return asyncio.run(wrapped())


def make_user(name, *participants):
    user = User.objects.create_user(name)
    for participant in participants:
        Membership.objects.create(user=user, participant=participant, role=Membership.Role.TRADER)
    return user


def test_strangers_and_unknown_markets_are_refused_with_a_code() -> None:
    live_market()
    user = make_user("u")

    async def play():
        stranger = await connected("m")
        lost = await connected("nowhere", user)
        return await closed_with(stranger), await closed_with(lost)

    assert in_a_loop(play) == (4401, 4404)


def test_a_socket_gets_a_snapshot_then_updates_and_the_trade() -> None:
    market = live_market()
    seller, buyer = make_participants(2, market=market)
    contract = open_contracts(market)[0]
    user = make_user("u")

    async def play():
        await take(market, New(seller.pk, "a", contract.pk, SELL, 20_000, 1_650))
        socket = await connected("m", user)
        hello = await receive(socket, "heartbeat", "snapshot")
        for channel in (
            {"channel": "book", "contract_id": contract.pk},
            {"channel": "trades"},
            {"channel": "contracts"},
        ):
            await socket.send_json_to({"op": "subscribe", "conflate_ms": 100, **channel})
        book = await receive(socket, "book", "snapshot")
        await receive(socket, "contracts", "snapshot")
        await take(market, New(buyer.pk, "b", contract.pk, BUY, 5_000, 1_700))
        frames = {}
        while len(frames) < 3:
            message = await socket.receive_json_from()
            if message["type"] == "update" and message["channel"] != "heartbeat":
                frames[message["channel"]] = message
        await socket.disconnect()
        return hello, book, frames

    hello, book, frames = in_a_loop(play)
    assert hello["seq"] == book["seq"] and hello["data"]["rate"] == 1
    assert book["data"] == {"bids": [], "asks": [[1_650, 20_000, 1]]}
    assert frames["book"]["data"] == {"bids": [], "asks": [[1_650, 15_000, 1]]}
    assert (frames["book"]["prev_seq"], frames["book"]["seq"]) == (book["seq"], book["seq"] + 1)
    assert frames["trades"]["data"][0][:5] == [1, contract.pk, 1_650, 5_000, 1]
    (summary,) = frames["contracts"]["data"]
    assert (summary["last_price"], summary["volume_wh"], summary["best_ask"]) == (1_650, 5_000, 1_650)


def test_own_orders_are_told_and_nobody_elses() -> None:
    market = live_market()
    mine, other, third = make_participants(3, market=market)
    contract = open_contracts(market)[0]
    user = make_user("u", mine)

    async def play():
        await take(market, New(mine.pk, "before", contract.pk, SELL, 1_000, 1_500))
        socket = await connected("m", user)
        await socket.send_json_to({"op": "subscribe", "channel": "orders"})
        await socket.send_json_to({"op": "subscribe", "channel": "trades"})
        first = await receive(socket, "orders", "snapshot")
        await take(market, New(other.pk, "secret", contract.pk, SELL, 1_000, 1_600), Cancel(mine.pk, "before"))
        second = await receive(socket, "orders", "update")
        await take(market, New(third.pk, "taken", contract.pk, BUY, 1_000, 1_600), Cancel(mine.pk, "x"))
        traded = await receive(socket, "trades", "update")
        await socket.disconnect()
        return first, second, traded

    first, second, traded = in_a_loop(play)
    assert [row["client_order_id"] for row in first["data"]] == ["before"]
    assert [(row["client_order_id"], row["status"]) for row in second["data"]] == [("before", "cancelled")]
    assert len(traded["data"][0]) == 7
    assert "secret" not in json.dumps([second, traded])


def changed(how, user, mine) -> None:
    """What takes the right away from a socket that is open."""
    if how == "signed out":
        for session in Session.objects.all():
            if session.get_decoded()["_auth_user_id"] == str(user.pk):
                session.delete()
    elif how == "deactivated":
        User.objects.filter(pk=user.pk).update(is_active=False)
    elif how == "password changed":
        user.set_password("another long one 7")
        user.save()
    elif how == "removed":
        Membership.objects.filter(user=user, participant=mine).delete()


@pytest.mark.parametrize("how", ["signed out", "deactivated", "password changed", "removed"])
def test_a_socket_ends_soon_after_the_right_to_it(monkeypatch, how) -> None:
    monkeypatch.setattr("trading.consumers.CHECK_S", 0.4)
    market = live_market()
    mine, other = make_participants(2, market=market)
    contract = open_contracts(market)[0]
    user, friend = make_user("u", mine), make_user("f", other)

    async def play():
        socket, kept = await connected("m", user), await connected("m", friend)
        for each in (socket, kept):
            await each.send_json_to({"op": "subscribe", "channel": "orders"})
            await receive(each, "orders", "snapshot")
        await asyncio.sleep(1)  # asked more than once meanwhile, and nothing has changed
        await run_in_database(changed, how, user, mine)
        code = await closed_with(socket)
        await take(market, New(other.pk, "still", contract.pk, SELL, 1_000, 1_600))
        told = await receive(kept, "orders", "update")
        await kept.disconnect()
        return code, told["data"][0]["client_order_id"]

    assert in_a_loop(play) == (4403, "still")


NONSENSE = (
    "", "{", "[]", "7", '{"op":"destroy"}', '{"op":"subscribe"}', '{"op":"subscribe","channel":"book"}',
    '{"op":"subscribe","channel":"book","contract_id":999999}',
    '{"op":"subscribe","channel":"book","contract_id":"1; drop"}',
    '{"op":"subscribe","channel":"trades","contract_id":1}', '{"op":"subscribe","channel":"trades","conflate_ms":5}',
    '{"op":"subscribe","channel":"trades","resume_from_seq":-1}', '{"op":"subscribe","channel":"nonsense"}',
    '{"op":"subscribe","channel":"orders","participant_id":1}', '{"op":"subscribe","channel":"\\ud800"}',
    '{"op":"ping","extra":1}', "x" * 5_000,
)  # fmt: skip


def test_what_cannot_be_understood_is_answered_with_a_reason() -> None:
    live_market()
    user = make_user("u")

    async def play():
        socket = await connected("m", user)
        await receive(socket, "heartbeat", "snapshot")
        refused = []
        for text in NONSENSE:
            await socket.send_text(text)
            refused.append(await receive(socket, "error"))
        await socket.send_json_to({"op": "ping"})
        await receive(socket, "heartbeat")
        await socket.disconnect()
        return refused

    for refused in in_a_loop(play):
        assert refused["code"] in ("invalid_message", "unknown_contract") and refused["message"]


def test_a_client_that_asks_without_end_is_closed() -> None:
    live_market()
    user = make_user("u")

    async def play():
        socket = await connected("m", user)
        for _ in range(consumers.REQUESTS + 1):
            await socket.send_json_to({"op": "ping"})
        return await closed_with(socket)

    assert in_a_loop(play) == consumers.TOO_MANY


def test_a_reader_that_lags_is_closed_with_its_own_code(monkeypatch) -> None:
    market, user = live_market(), make_user("u")
    monkeypatch.setattr(consumers.Outbox.__init__, "__defaults__", (4,))

    async def play():
        socket = await connected("m", user)
        await receive(socket, "heartbeat", "snapshot")
        followed = await hub().join(market.pk, Outbox(1))
        for listener in list(followed.listeners):
            for _ in range(6):  # in one turn of the loop: nothing can be sent in between
                listener.put("frame")
        return await closed_with(socket)

    assert in_a_loop(play) == consumers.TOO_SLOW


def test_an_outbox_keeps_order_and_knows_that_it_overflowed() -> None:
    async def play():
        outbox = Outbox(2)
        outbox.put("a")
        outbox.put("b")
        first = await outbox.get()
        outbox.put("c")
        outbox.put("d")
        return first, await outbox.get()

    assert asyncio.run(play()) == ("a", None)


def test_a_contract_that_opens_without_an_event_is_told(monkeypatch) -> None:
    monkeypatch.setattr(feed, "CONTRACTS_S", 0.1)
    monkeypatch.setattr(feed, "HEARTBEAT_S", 0.1)
    market = live_market()
    contract = open_contracts(market)[0]

    async def play():
        followed, task = await following(market)
        frames = []
        listener = type("Listener", (), {"put": lambda self, text: frames.append(json.loads(text))})()
        await followed.subscribe(listener, Subscription("contracts"))
        await run_in_database(market.contracts.filter(pk=contract.pk).update, state="DELIVERED")
        await until(lambda: len(frames) > 1)
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)
        return frames[1]["data"]

    (row,) = asyncio.run(play())
    assert (row["contract_id"], row["state"]) == (contract.pk, "DELIVERED")
