"""How many frames a second one web process delivers to its local sockets, next to a bare WebSocket server.

Both are one process, fed through the same Valkey with the same small hints (an interval was settled), and hand each
one to every socket: the site under uvicorn with its login, consumer, outbox and hub, which makes the frame and
serialises it once; the baseline is `websockets` broadcasting the message as it came, deciding nothing. These hints are
the one public channel without conflation, so that the figure is what the hub can deliver, not what it holds back. The
client, a third process, reads raw bytes and counts; it runs at most a few frames ahead of the slowest socket, so
nothing is dropped.

`ratio` is site ÷ bare server. All share the machine's cores, in both.
"""

import asyncio
import base64
import os
import resource
import secrets
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import asynccontextmanager, contextmanager
from pathlib import Path
from typing import Any

from config.bench import scratch_database

TITLE = "Frames delivered to local WebSockets by one process, against a bare WebSocket server"
SOCKETS = 1_000
SECONDS = 5.0
WARM_UP_S = 1.0
OPENING_AT_ONCE = 20
FRAMES_AHEAD = 24  # well inside an outbox
CHANNEL_OF_BARE = "bench:bare"
SUBSCRIBE = b'{"op":"subscribe","channel":"energy"}'
HINT = '[{"settled":{"contract_id":123456,"kind":"P"}}]'
REPOSITORY = Path(__file__).resolve().parents[2]


def run() -> dict[str, Any]:
    """Deliveries a second of both, over the same number of sockets and frames of the same size."""
    allow_files(4 * SOCKETS)
    with scratch_database():
        from trading.operations.publish import channel

        market, session = prepare()
        uvicorn = ["uvicorn", "config.asgi:application", "--host", "127.0.0.1", "--ws", "websockets-sansio"]
        with server([*uvicorn, "--ws-per-message-deflate", "false", "--log-level", "error", "--port"]) as port:
            cookie = f"Origin: http://localhost\r\nCookie: sessionid={session}\r\n"
            path = f"/ws/markets/{market.code}/"
            found, size = asyncio.run(measure(port, path, cookie, channel(market.pk), HINT))
        with server(["config.bench.hub"]) as port:
            frame = "x" * (size - header_of(size))
            bare, _ = asyncio.run(measure(port, "/", "", CHANNEL_OF_BARE, frame))
    return {
        "name": "hub",
        "value": round(found),
        "unit": "frames/s",
        "baseline": round(bare),
        "ratio": round(found / bare, 3),
        "conditions": {
            "baseline_is": "the package websockets broadcasting, fed through the same Valkey, same sockets, same run",
            "sockets": SOCKETS,
            "bytes_per_frame": size,
            "seconds": SECONDS,
            "cores": os.cpu_count(),
            "client": "one process that counts bytes, on the same cores",
        },
    }


def allow_files(wanted: int) -> None:
    """Let this process and its children open that many files, as far as the machine lets us."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, min(wanted, hard)), hard))


def prepare() -> tuple[Any, str]:
    """A market, and the session of a user who is logged in."""
    from django.test import Client

    from accounts.models import User
    from meters.models import Site
    from trading.operations import create_market

    place = Site.objects.create(code="bench", name="bench")
    market = create_market(site=place, code="bench", name="bench")
    browser = Client()
    browser.force_login(User.objects.create_user("bench"))
    return market, str(browser.session.session_key)


@contextmanager
def server(module: list[str]) -> Iterator[int]:
    """A Python module that serves on the port given as its last argument."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    process = subprocess.Popen([sys.executable, "-m", *module, str(port)], cwd=REPOSITORY, env=os.environ)
    try:
        wait_for(port, process)
        yield port
    finally:
        process.kill()
        process.wait()


def wait_for(port: int, process: "subprocess.Popen[bytes]") -> None:
    """Until the port answers."""
    deadline = time.monotonic() + 30
    while process.poll() is None and time.monotonic() < deadline:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise RuntimeError("The server did not start; see its messages above.")


def header_of(size: int) -> int:
    """Bytes of a WebSocket frame's header where the whole frame has `size` bytes."""
    return 2 if size <= 127 else 4


class Link(asyncio.Protocol):
    """One client: shakes hands, subscribes, counts bytes from when it is told to."""

    def __init__(self, path: str, headers: str) -> None:
        self.request = f"GET {path} HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
        self.request += f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {secret_key()}\r\n{headers}\r\n"
        self.greeting = b""
        self.ready = False
        self.gone = False
        self.received = 0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        transport.write(self.request.encode())

    def data_received(self, data: bytes) -> None:
        if self.ready:
            self.received += len(data)
            return
        self.greeting += data
        if b"\r\n\r\n" in self.greeting:
            self.ready = b" 101 " in self.greeting.split(b"\r\n", 1)[0]
            self.transport.write(bytes([0x81, 0x80 | len(SUBSCRIBE), 0, 0, 0, 0]) + SUBSCRIBE)

    def connection_lost(self, error: Exception | None) -> None:
        self.gone = True


def secret_key() -> str:
    """The key of a handshake."""
    return base64.b64encode(secrets.token_bytes(16)).decode()


@asynccontextmanager
async def links_to(port: int, path: str, headers: str) -> Any:
    """All clients, connected and quiet."""
    loop = asyncio.get_running_loop()
    links = []
    for number in range(SOCKETS):
        links.append((await loop.create_connection(lambda: Link(path, headers), "127.0.0.1", port))[1])
        if number % OPENING_AT_ONCE == 0:
            await asyncio.sleep(0.05)
    async with asyncio.timeout(60):
        while not all(link.ready for link in links):
            await asyncio.sleep(0.05)
    await asyncio.sleep(1.0)
    yield links
    gone = sum(link.gone for link in links)
    for link in links:
        link.transport.abort()
    if gone:
        raise RuntimeError(f"{gone} of {SOCKETS} sockets were closed during the measurement.")


async def measure(port: int, path: str, headers: str, channel: str, message: str) -> tuple[float, int]:
    """Frames a second over all sockets, and the bytes of one frame."""
    import redis.asyncio

    async with redis.asyncio.from_url(os.environ["REDIS_URL"]) as client, links_to(port, path, headers) as links:
        size = await size_of_one(client, links, channel, message)
        feeder = asyncio.create_task(feed(client, links, channel, message, size))
        try:
            await asyncio.sleep(WARM_UP_S)
            before, started = sum(link.received for link in links), time.perf_counter()
            await asyncio.sleep(SECONDS)
            received = sum(link.received for link in links) - before
            return received / size / (time.perf_counter() - started), size
        finally:
            feeder.cancel()


async def size_of_one(client: Any, links: list[Link], channel: str, message: str) -> int:
    """The bytes that one message makes on a socket; heartbeats that come between are tried again."""
    while True:
        before = links[0].received
        await client.publish(channel, message)
        await asyncio.sleep(1.0)
        once = links[0].received - before
        await client.publish(channel, message)
        await asyncio.sleep(1.0)
        if once and links[0].received - before == 2 * once:
            return once


async def feed(client: Any, links: list[Link], channel: str, message: str, size: int) -> None:
    """Messages as fast as the slowest socket takes their frames."""
    base, sent = [link.received for link in links], 0
    while True:
        while sent - min(link.received - was for link, was in zip(links, base, strict=True)) // size > FRAMES_AHEAD:
            await asyncio.sleep(0.002)
        for _ in range(FRAMES_AHEAD // 3):
            sent += 1
            await client.publish(channel, message)


async def serve_bare(port: int) -> None:
    """The baseline: whatever comes on its channel goes to every socket."""
    import redis.asyncio
    from websockets.asyncio.server import broadcast, serve

    links = set()

    async def keep(link: Any) -> None:
        links.add(link)
        await link.wait_closed()

    async with redis.asyncio.from_url(os.environ["REDIS_URL"]) as client, client.pubsub() as pubsub:
        await pubsub.subscribe(CHANNEL_OF_BARE)
        async with serve(keep, "127.0.0.1", port, compression=None, ping_interval=None):
            async for message in pubsub.listen():
                if message["type"] == "message":
                    broadcast(links, message["data"].decode())


if __name__ == "__main__":
    import uvloop

    uvloop.run(serve_bare(int(sys.argv[1])))
