"""The market's heartbeat: every tick brings each market up to its own time."""

import logging
from datetime import UTC, datetime

from celery import shared_task

from trading.domain.clock import market_time
from trading.models import Market
from trading.operations import tick
from trading.operations.stops import keep_planned_stops

log = logging.getLogger(__name__)


@shared_task(name="trading.tasks.tick_markets")
def tick_markets() -> None:
    """Ticks every market that runs by itself. A market that fails is logged and does not hold up the others."""
    for market in Market.objects.filter(ticking=True):
        now = market_time(
            datetime.now(UTC), rate=market.clock_rate, clock_at=market.clock_at, started_at=market.clock_started_at
        )
        try:
            keep_planned_stops(market, now)
            tick(market.pk, now)
        except Exception:
            log.exception("market %s could not be ticked", market.code)
