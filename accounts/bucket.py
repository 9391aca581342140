"""How fast one caller may go: a token bucket per key in Valkey, so that it holds over all web processes.

A bucket of `at_once` fills at `per_second`. A call takes what it weighs (a bulk: its number of messages) or is told how
many seconds to wait. Example: 10,000 at once and 1,000 per second let a bot place ten full bulks, then one each second.
Where Valkey cannot be reached the call is let through: the limit protects the market, it must not close it.
"""

import logging
import math
from functools import cache
from typing import Any, NamedTuple

import redis
from django.conf import settings

log = logging.getLogger(__name__)

_TAKE = """
local now = redis.call('TIME')
now = now[1] + now[2] / 1000000
local rate, most, cost = tonumber(ARGV[1]), tonumber(ARGV[2]), tonumber(ARGV[3])
local known = redis.call('HMGET', KEYS[1], 'left', 'at')
local left = math.min(most, (tonumber(known[1]) or most) + math.max(0, now - (tonumber(known[2]) or now)) * rate)
local short = cost - left
if short <= 0 then left = left - cost end
redis.call('HSET', KEYS[1], 'left', left, 'at', now)
redis.call('EXPIRE', KEYS[1], math.ceil(most / rate) + 1)
return {math.floor(left), short > 0 and math.ceil(short / rate) or 0}
"""


class Taken(NamedTuple):
    """What is left in the bucket, and how many seconds to wait where it was too little (0: it was enough)."""

    left: int
    wait: int


@cache
def _script() -> Any:
    client = redis.Redis.from_url(settings.REDIS_URL, socket_timeout=1, socket_connect_timeout=1)
    return client.register_script(_TAKE)


def take(key: str, cost: int, *, per_second: float, at_once: int) -> Taken:
    """Takes `cost` out of the bucket of this key. A cost above `at_once` can never be served: keep it below."""
    try:
        left, wait = _script()(keys=[f"bucket:{key}"], args=[per_second, at_once, cost])
    except redis.RedisError as error:
        log.warning("rate limits are not kept: %s", error)
        return Taken(at_once, 0)
    return Taken(int(left), math.ceil(wait))
