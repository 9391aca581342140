"""Settlement's heartbeat: every tick makes the runs that are due in each market, by that market's own time."""

import logging
import time
from datetime import UTC, datetime

from celery import shared_task

from settlement.operations import run_due
from settlement.models import MonthClose
from settlement.operations.month import advance
from trading.models import Market
from trading.queries import market_now

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
    try:
        return len(run_due(market, market_now(market, datetime.now(UTC)), limit=BATCH)) == BATCH
    except Exception:
        log.exception("market %s could not be settled", market.code)
        return False


@shared_task(name="settlement.tasks.close_months")
def close_months() -> None:
    """Carries every close that was begun or approved on, step by step. One that fails is logged, and tried again."""
    until = time.monotonic() + MOST_SECONDS
    states = (MonthClose.State.COMPUTING, MonthClose.State.APPROVED)
    for close in MonthClose.objects.filter(state__in=states).select_related("market__site").order_by("pk"):
        now = market_now(close.market, datetime.now(UTC))
        try:
            while time.monotonic() < until and advance(close.pk, now):
                pass
        except Exception:
            log.exception("month %s of market %s could not be closed", close.month, close.market.code)
