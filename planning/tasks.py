"""Planning's heartbeat: the standing instructions of every market that runs by itself, by its own time."""

import logging
from datetime import UTC, datetime

from celery import shared_task

from planning.operations import plan
from trading.domain.clock import market_time
from trading.models import Market

log = logging.getLogger(__name__)


@shared_task(name="planning.tasks.plan_markets")
def plan_markets() -> None:
    """Carries out the standing instructions of every ticking market. One that fails does not hold up the others."""
    for market in Market.objects.filter(ticking=True, halted=False):
        now = market_time(
            datetime.now(UTC), rate=market.clock_rate, clock_at=market.clock_at, started_at=market.clock_started_at
        )
        try:
            plan(market.pk, now)
        except Exception:
            log.exception("standing instructions of market %s could not be carried out", market.code)
