"""A push service on this machine: keeps what is posted to it, and answers as it is told."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key

from accounts.webpush.encrypt import as_text, decrypt, public_point


@dataclass
class Posted:
    """One request: its path, headers and body."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class PushService:
    """`answers` are the statuses to come, then 201; `pause_s` is said with each that is no success."""

    address: str
    posted: list[Posted] = field(default_factory=list)
    answers: list[int] = field(default_factory=list)
    pause_s: int = 0


class Browser:
    """The side of a browser: its keys, its address at the service, and what it reads out of a message."""

    def __init__(self, service: PushService, name: str = "a") -> None:
        self._key, self._auth = generate_private_key(SECP256R1()), b"0123456789abcdef"
        self.path = f"/push/{name}"
        self.endpoint = f"{service.address}{self.path}"

    @property
    def subscription(self) -> dict[str, Any]:
        """What a page sends after the browser has subscribed."""
        keys = {"p256dh": as_text(public_point(self._key)), "auth": as_text(self._auth)}
        return {"endpoint": self.endpoint, "expirationTime": None, "keys": keys}

    def read(self, posted: Posted) -> bytes:
        """The message in clear."""
        return decrypt(posted.body, self._key, self._auth)


@contextmanager
def push_service() -> Iterator[PushService]:
    """The service on a port of its own, until the block ends."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Handler)
    service = PushService(f"http://127.0.0.1:{server.server_address[1]}")
    server.service = service  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02})
    thread.start()
    try:
        yield service
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


class _Handler(BaseHTTPRequestHandler):
    def do_POST(self) -> None:
        service: PushService = self.server.service  # type: ignore[attr-defined]
        body = self.rfile.read(int(self.headers["Content-Length"]))
        service.posted.append(Posted(self.path, dict(self.headers), body))
        status = service.answers.pop(0) if service.answers else 201
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        if status >= 400 and service.pause_s:
            self.send_header("Retry-After", str(service.pause_s))
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_: Any) -> None:
        """Tests are told by asserts."""
