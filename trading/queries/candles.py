"""What a contract was traded at, bucket by bucket: open, high, low, close, energy, number of trades.

Buckets count from the local midnight before the delivery, so that a half hour begins on :00 or :30 of the site's clock
where the zone is off by a quarter of an hour, too. A bucket without a trade is left out. Open and close are the first
and the last trade in order of execution (`trade_no`), which two trades of the same millisecond have as well. A trade is
final once it is struck: nothing in the market takes one back, and what settlement later finds undelivered was traded
all the same; so each counts, exactly once.

Example: trades of 1,000 Wh at 1,650 (12:01), 500 at 1,700 (12:04) and 2,000 at 1,620 (12:09) are with 5-minute buckets
(12:00, 1650, 1700, 1650, 1700, 1500 Wh, 2) and (12:05, 1620, 1620, 1620, 1620, 2000 Wh, 1); all together at 1,640.
"""

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from trading.models import Contract, Trade
from trading.queries.contracts import vwap
from units.interval import day_bounds

BUCKET_MINUTES = (1, 5, 15, 30, 60)
MOST_CANDLES = 3_000  # two days of minutes and some
KEPT_IN_MEMORY = 512


class Candle(NamedTuple):
    """One bucket. Prices in VND/kWh, `volume_wh` and the number of trades in it."""

    opened_at: datetime
    open_price: int
    high_price: int
    low_price: int
    close_price: int
    volume_wh: int
    trades: int


@dataclass(frozen=True, slots=True)
class Candles:
    """The last buckets of a contract, in order. `counted_from` is a moment at which a bucket begins; trades after
    `last_trade_no` (None: none yet) are not in here. `vwap_price` and `volume_wh` are of all trades of the contract."""

    contract_id: int
    minutes: int
    counted_from: datetime
    last_trade_no: int | None
    vwap_price: int | None
    volume_wh: int
    candles: tuple[Candle, ...]


def candles(contract_id: int, minutes: int, limit: int = MOST_CANDLES) -> Candles:
    """The last `limit` buckets of `minutes` (one of BUCKET_MINUTES). Raises Contract.DoesNotExist.

    What was computed is kept for as long as nothing else is traded: asking again costs two looks into indexes.
    """
    if minutes not in BUCKET_MINUTES:
        raise ValueError(f"Buckets have {BUCKET_MINUTES} minutes, not {minutes}.")
    contract = Contract.objects.select_related("market__site").get(pk=contract_id)
    zone = ZoneInfo(contract.market.site.timezone)
    origin = day_bounds(contract.delivery_start.astimezone(zone).date(), zone).start
    newest = Trade.objects.filter(contract=contract_id).order_by("-trade_no").values_list("trade_no", "at").first()
    if newest is None:
        return Candles(contract_id, minutes, origin, None, None, 0, ())
    found = _computed(contract_id, minutes, origin, *newest)
    volume = sum(candle.volume_wh for candle, _ in found)
    price = vwap(sum(turnover for _, turnover in found), volume)
    rows = tuple(candle for candle, _ in found[-limit:])
    return Candles(contract_id, minutes, origin, newest[0], price, volume, rows)


_BUCKETS = """
    SELECT date_bin(make_interval(mins => %(minutes)s), at, %(origin)s) AS opened,
           (array_agg(price ORDER BY trade_no))[1], max(price), min(price),
           (array_agg(price ORDER BY trade_no DESC))[1], sum(quantity_wh)::bigint, count(*)::int,
           sum(quantity_wh * price)::bigint
    FROM trading_trade WHERE contract_id = %(contract)s AND trade_no <= %(last)s GROUP BY opened ORDER BY opened
"""


@lru_cache(maxsize=KEPT_IN_MEMORY)
def _computed(
    contract_id: int, minutes: int, origin: datetime, last_no: int, last_at: datetime
) -> tuple[tuple[Candle, int], ...]:
    """Every bucket with its turnover in milli-đồng. `last_at` tells a market from one that was made anew with the
    same numbers."""
    values: dict[str, Any] = {"contract": contract_id, "minutes": minutes, "origin": origin, "last": last_no}
    with connection.cursor() as cursor:
        cursor.execute(_BUCKETS, values)
        return tuple((Candle(*row[:-1]), row[-1]) for row in cursor.fetchall())
