"""One message to one browser: posted, and what the push service answered, as what is to be done next."""

import http.client
import json
import socket
import ssl
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import Enum

from accounts.webpush.encrypt import encrypt
from accounts.webpush.services import HTTPS_PORT, Endpoint, address_of
from accounts.webpush.vapid import authorization

TIMEOUT_S = 5.0
TOPIC_CHARACTERS = 32
LONGEST_PAUSE_S = 86_400


class Outcome(Enum):
    """What became of a message."""

    TAKEN = "taken"
    GONE = "gone"  # the browser does not want any more; its subscription is over
    LATER = "later"
    REFUSED = "refused"  # asking again would not help


@dataclass(frozen=True, slots=True)
class Answer:
    """What a push service said; `pause_s` is how long it asks to be left alone, 0 where it does not say."""

    outcome: Outcome
    pause_s: int = 0
    error: str = ""


@dataclass(frozen=True, slots=True)
class Message:
    """What is shown, for how long it is worth being delivered, and how pressing it is (`low`, `normal`, `high`)."""

    content: Mapping[str, str]
    ttl_s: int
    urgency: str
    topic: str


def post(
    message: Message, *, endpoint: Endpoint, p256dh: str, auth: str, key: str, contact: str, at: datetime
) -> Answer:
    """Send a message. Whatever goes wrong on the way is an answer, never an exception."""
    try:
        body = encrypt(json.dumps(dict(message.content), ensure_ascii=False).encode(), p256dh, auth)
        token = authorization(key, origin=endpoint.origin, contact=contact, at=at)
        return _sent(endpoint, body, _headers(message, token))
    except (OSError, http.client.HTTPException) as error:
        return Answer(Outcome.LATER, error=f"{type(error).__name__}: {error}"[:200])
    except ValueError as error:
        return Answer(Outcome.REFUSED, error=f"{type(error).__name__}: {error}"[:200])


def _headers(message: Message, token: str) -> dict[str, str]:
    return {
        "Authorization": token,
        "Content-Encoding": "aes128gcm",
        "Content-Type": "application/octet-stream",
        "TTL": str(message.ttl_s),
        "Urgency": message.urgency,
        "Topic": message.topic[:TOPIC_CHARACTERS],
    }


def _sent(endpoint: Endpoint, body: bytes, headers: dict[str, str]) -> Answer:
    connection = _connect(endpoint)
    try:
        connection.request("POST", endpoint.path, body, headers)
        return _read(connection.getresponse())
    finally:
        connection.close()


def _connect(endpoint: Endpoint) -> http.client.HTTPConnection:
    """A connection to the very address that was checked; the certificate is that of the host's name."""
    raw = socket.create_connection((address_of(endpoint), endpoint.port), timeout=TIMEOUT_S)
    connection = http.client.HTTPConnection(endpoint.host, endpoint.port, timeout=TIMEOUT_S)
    connection.default_port = HTTPS_PORT if endpoint.secure else http.client.HTTP_PORT  # left out of the Host header
    try:
        connection.sock = _secured(raw, endpoint.host) if endpoint.secure else raw
    except BaseException:
        raw.close()
        raise
    return connection


def _secured(raw: socket.socket, host: str) -> socket.socket:
    return ssl.create_default_context().wrap_socket(raw, server_hostname=host)


def _read(answer: http.client.HTTPResponse) -> Answer:
    """2xx: taken. 404, 410: the subscription is over. 429, 5xx: later. All else: our fault, and no better tomorrow."""
    answer.read(1_000)
    if answer.status // 100 == 2:
        return Answer(Outcome.TAKEN)
    told = f"HTTP {answer.status}"
    if answer.status in (404, 410):
        return Answer(Outcome.GONE, error=told)
    if answer.status == 429 or answer.status >= 500:
        return Answer(Outcome.LATER, _pause(answer.getheader("Retry-After")), told)
    return Answer(Outcome.REFUSED, error=told)


def _pause(text: str | None) -> int:
    return min(LONGEST_PAUSE_S, int(text)) if text and text.isdecimal() else 0
