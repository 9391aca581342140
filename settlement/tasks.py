"""Settlement's heartbeat: every tick makes the runs that are due in each market, by that market's own time."""

import logging
import time
from datetime import UTC, datetime

from celery import shared_task

from settlement.operations import run_due
from trading.domain.clock import market_time
from trading.models import Market

log = logging.getLogger(__name__)

BATCH = 8
# A tick that catches up stops in time for the next one; the rest is still due then.
MOST_SECONDS = 60


@shared_task(name="settlement.tasks.settle_markets")
def settle_markets() -> None:
    """Settles what is due in every market that runs by itself. A market that fails is logged and holds up no other."""
    until = time.monotonic() + MOST_SECONDS
    markets = list(Market.objects.filter(ticking=True).select_related("site"))
    while markets and time.monotonic() < until:
        markets = [market for market in markets if _settle_some(market)]


def _settle_some(market: Market) -> bool:
    """Whether there may be more to do."""
    now = market_time(
        datetime.now(UTC), rate=market.clock_rate, clock_at=market.clock_at, started_at=market.clock_started_at
    )
    try:
        return len(run_due(market, now, limit=BATCH)) == BATCH
    except Exception:
        log.exception("market %s could not be settled", market.code)
        return False
