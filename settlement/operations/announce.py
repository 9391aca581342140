"""Telling the live pages that a contract was settled. Whoever misses it reads the same from the database."""

import json
import logging
from functools import cache

import redis
from django.conf import settings

from trading.operations.publish import channel

log = logging.getLogger(__name__)


@cache
def _client() -> redis.Redis:
    return redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)


def announce(market_id: int, contract_id: int, kind: str) -> None:
    """Publish `[{"settled": {"contract_id": …, "kind": …}}]` on the market's channel; a failure is logged."""
    try:
        _client().publish(channel(market_id), json.dumps([{"settled": {"contract_id": contract_id, "kind": kind}}]))
    except redis.RedisError as error:
        log.warning("market %s: settlement of contract %s not announced: %s", market_id, contract_id, error)
