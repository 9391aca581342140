"""Settlement's heartbeat: every tick makes the runs that are due in each market, by that market's own time."""

import logging
import time
from datetime import UTC, date, datetime

from celery import shared_task

from settlement.models import MonthClose
from settlement.operations import run_due
from settlement.operations.certificates import issue_due
from settlement.operations.documents import make_pdfs, submit_invoices
from settlement.operations.looks import look
from settlement.operations.month import advance
from settlement.operations.readings import settle_decided
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
    now = market_now(market, datetime.now(UTC))
    try:
        settled = len(run_due(market, now, limit=BATCH)) + settle_decided(market, now, limit=BATCH)
        return len(issue_due(market, now, limit=BATCH)) == BATCH or settled >= BATCH
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
            if MonthClose.objects.filter(pk=close.pk, state=MonthClose.State.ISSUED).exists():
                deliver_month.delay(close.market_id, close.month.isoformat())
        except Exception:
            log.exception("month %s of market %s could not be closed", close.month, close.market.code)


@shared_task(name="settlement.tasks.deliver_month")
def deliver_month(market_id: int, month: str) -> None:
    """Makes the PDFs of an issued month and hands its invoices to the provider. Done twice, it is done once."""
    market = Market.objects.select_related("site").get(pk=market_id)
    made = sum(1 for _ in make_pdfs(market, date.fromisoformat(month)))
    handed = sum(1 for _ in submit_invoices(market, date.fromisoformat(month)))
    log.info("month %s of market %s: %s PDFs made, %s e-invoices handed over", month, market.code, made, handed)


@shared_task(name="settlement.tasks.look_for_news")
def look_for_news() -> None:
    """Looks in every market that runs by itself for what its members should know. One that fails is logged."""
    for market in Market.objects.filter(ticking=True).select_related("site"):
        try:
            look(market, market_now(market, datetime.now(UTC)))
        except Exception:
            log.exception("market %s could not be looked through for news", market.code)
