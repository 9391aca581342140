"""What a price of the market is compared with: what the grid charges and pays in the interval, and what the pool cost.

The retail price is that of the participant's own tariff; the pool has a price once the interval was settled and
anything moved there.
"""

from datetime import datetime, timedelta
from typing import TypedDict
from zoneinfo import ZoneInfo

from settlement.queries.pool import pool_prices
from tariffs.pricebook import price_book
from trading.models import Contract, Market
from units.interval import day_bounds

AHEAD = timedelta(hours=49)  # as far as the market page lists contracts


class Reference(TypedDict):
    """Prices of one interval in đồng/kWh; None where there is none."""

    retail: int | None
    surplus: int | None
    pool: int | None


def references(market: Market, participant_id: int | None, now: datetime) -> dict[int, Reference]:
    """By contract, from the beginning of the local day to the last one on the page."""
    zone = ZoneInfo(market.site.timezone)
    start, end = day_bounds(now.astimezone(zone).date(), zone).start, now + AHEAD
    book = price_book(market.site_id, zone)
    pool = pool_prices(market.pk, start, end)
    rows = Contract.objects.filter(market=market, delivery_start__gte=start, delivery_start__lt=end)
    return {
        contract: {
            "retail": None if participant_id is None else book.retail(participant_id, at),
            "surplus": terms[0] if (terms := book.terms(at)) else None,
            "pool": pool.get(contract),
        }
        for contract, at in rows.order_by("delivery_start").values_list("pk", "delivery_start")
    }
