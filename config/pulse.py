"""The pulse of the processes: which work was done when, and what failed, kept beside the queue for the health page.

Workers and beat note it by Celery's own signals; a note is one small write, lives a day, and is lost without harm. Each
message carries the moment at which it was sent, so that the age of the oldest one can be told. Nothing of what a task
was given is kept, and of a failure only its kind and first line.
"""

import json
import logging
import time
from dataclasses import dataclass
from functools import cache
from typing import Any

import redis
from celery import signals
from django.conf import settings

log = logging.getLogger(__name__)

QUEUE = "celery"
SENT_AT = "sent_at"
KEPT_S = 86_400
LONGEST = 200


@dataclass(frozen=True, slots=True)
class Note:
    """When something last happened, in seconds since 1970; `text` says what went wrong, if it did."""

    at: float
    text: str = ""


@dataclass(frozen=True, slots=True)
class Waiting:
    """Messages that wait for a worker, and the age of the oldest in seconds (None where it cannot be told)."""

    count: int
    oldest_s: float | None


@cache
def client() -> "redis.Redis":
    """The broker, asked with little patience."""
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def _key() -> str:
    """Several databases may share one broker."""
    return f"pulse:{settings.DATABASES['default'].get('NAME', '')}"


def note(what: str, text: str = "") -> None:
    """Notes that something happened now. A failure is logged and nothing more."""
    try:
        pipe = client().pipeline(transaction=False)
        pipe.hset(_key(), what, json.dumps([time.time(), text[:LONGEST]]))
        pipe.expire(_key(), KEPT_S)
        pipe.execute()
    except redis.RedisError as error:
        log.warning("the pulse could not be noted: %s", error)


def notes() -> dict[str, Note]:
    """Everything that was noted: `task NAME`, `failed NAME`, `beat`. Raises redis.RedisError."""
    held: dict[bytes, bytes] = client().hgetall(_key())  # type: ignore[assignment]
    return {name.decode(): Note(*json.loads(value)) for name, value in held.items()}


def waiting() -> Waiting:
    """How much waits in the queue. Raises redis.RedisError."""
    count = int(client().llen(QUEUE))
    last: Any = client().lindex(QUEUE, -1)
    return Waiting(count, _age(last) if last else None)


def _age(message: bytes) -> float | None:
    try:
        sent = json.loads(message)["headers"].get(SENT_AT)
    except (ValueError, KeyError, AttributeError):
        return None
    return max(0.0, time.time() - float(sent)) if sent else None


def connect(scheduled: set[str]) -> None:
    """Listens to Celery's signals; `scheduled` are the tasks that beat alone sends."""

    def sent(sender: Any = None, headers: Any = None, **_: Any) -> None:
        if isinstance(headers, dict):
            headers[SENT_AT] = time.time()
        if sender in scheduled:
            note("beat")

    def done(task: Any = None, **_: Any) -> None:
        note(f"task {task.name}")

    def failed(sender: Any = None, exception: Any = None, **_: Any) -> None:
        note(f"failed {sender.name}", f"{type(exception).__name__}: {exception}".splitlines()[0])

    signals.before_task_publish.connect(sent, weak=False)
    signals.task_postrun.connect(done, weak=False)
    signals.task_failure.connect(failed, weak=False)
