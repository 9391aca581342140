"""Telling the live screens, once a batch is durable. A lost message costs nothing: whoever sees a gap asks the log."""

import logging
from functools import cache

import redis
from django.conf import settings
from django.db import connection

from trading.operations.effects import Effects

log = logging.getLogger(__name__)


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def channel(market_id: int) -> str:
    """The name under which a market's events are published. Several databases may share one broker, and their markets
    have the same numbers, so the database's name is part of it."""
    return f"market:{connection.settings_dict['NAME']}:{market_id}"


def publish(market_id: int, effects: Effects) -> None:
    """Publishes a batch as a JSON array of {seq, at (ms), op, outcome}."""
    if not effects.log:
        return
    at = effects.borrowed.at
    events = [b'{"seq":%d,"at":%d,"op":"%s","outcome":%s}' % (x.seq, at, x.op.encode(), x.outcome) for x in effects.log]
    send(market_id, b"[" + b",".join(events) + b"]")


def send(market_id: int, told: bytes) -> None:
    """Puts a JSON array on a market's channel; a failure is logged and nothing more."""
    try:
        _client().publish(channel(market_id), told)
    except redis.RedisError as error:
        log.warning("market %s: events not published: %s", market_id, error)
