"""What is due in a market now: delivered intervals to clear, and past ones to settle again.

Asked of the database by the market's own time, so a tick may come late, twice, or from several workers at once. After
days of being switched off each contract goes straight to the latest run that is due, in batches.
"""

import logging
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Exists, OuterRef

from meters.queries import all_boundary_readings_in
from settlement.domain.calendar import KINDS, RECONCILIATIONS, due_before
from settlement.models import SettlementAlarm
from settlement.operations.errors import SettlementError
from settlement.operations.runs import RunSummary, settle_unless_busy
from trading.models import Contract, Market

log = logging.getLogger(__name__)

BATCH = 50


def run_due(market: Market, now: datetime, *, limit: int = BATCH) -> list[RunSummary]:
    """Make the runs of a market that are due at the market time `now`, at most `limit` of them, oldest first.

    A contract that cannot be settled raises its alarm and does not hold up the others.
    """
    mark_delivered(market, now)
    due = [(contract_id, "P") for contract_id in _to_clear(market, now, limit)]
    due += _to_reconcile(market, now, limit - len(due))
    return [run for contract_id, kind in due if (run := _attempt(contract_id, kind, now)) is not None]


def mark_delivered(market: Market, now: datetime) -> int:
    """CLOSED → DELIVERED for every contract whose delivery is over."""
    over = Contract.objects.filter(market=market, state=Contract.State.CLOSED, delivery_end__lte=now)
    return over.update(state=Contract.State.DELIVERED)


def _attempt(contract_id: int, kind: str, now: datetime) -> RunSummary | None:
    try:
        return settle_unless_busy(contract_id=contract_id, kind=kind, at=now)
    except SettlementError:
        return None


def _to_clear(market: Market, now: datetime, limit: int) -> list[int]:
    """Delivered contracts with all readings in, or beyond the grace period; those due for SF go there directly."""
    waiting = SettlementAlarm.objects.filter(contract=OuterRef("pk"), resolved_at=None, retry_at__gt=now)
    delivered = Contract.objects.filter(market=market, state=Contract.State.DELIVERED)
    recent = delivered.filter(~Exists(waiting), delivery_start__gte=due_before("SF", now, _zone(market)))
    found = recent.order_by("delivery_start").values_list("pk", "delivery_start", "delivery_end")
    return [pk for pk, start, end in found.iterator() if _is_ripe(market, start, end, now)][:limit]


def _is_ripe(market: Market, start: datetime, end: datetime, now: datetime) -> bool:
    if (now - end).total_seconds() >= market.grace_minutes * 60:
        return True
    return all_boundary_readings_in(market.site_id, start, int((end - start).total_seconds()) // 60)


_RECONCILE = """
    SELECT id, due FROM (
        SELECT c.id, c.delivery_start, (
            SELECT array_position(%(kinds)s, r.kind::text) FROM settlement_settlementrun r
            WHERE r.contract_id = c.id ORDER BY r.number DESC LIMIT 1
        ) AS last, CASE WHEN c.delivery_start < %(RF)s THEN 5 WHEN c.delivery_start < %(R2)s THEN 4
                        WHEN c.delivery_start < %(R1)s THEN 3 ELSE 2 END AS due
        FROM trading_contract c WHERE c.market_id = %(market)s AND c.state IN ('DELIVERED', 'CLEARED')
        AND c.delivery_start < %(SF)s AND NOT EXISTS (
            SELECT FROM settlement_settlementalarm a
            WHERE a.contract_id = c.id AND a.resolved_at IS NULL AND a.retry_at > %(now)s
        )
    ) past WHERE coalesce(last, 0) < due ORDER BY delivery_start LIMIT %(limit)s
"""


def _to_reconcile(market: Market, now: datetime, limit: int) -> list[tuple[int, str]]:
    """Contracts with a later run due than their last one, each with the latest that is due."""
    cutoffs = {kind: due_before(kind, now, _zone(market)) for kind in RECONCILIATIONS}
    values: dict[str, Any] = {**cutoffs, "market": market.pk, "kinds": list(KINDS), "now": now, "limit": max(limit, 0)}
    with connection.cursor() as cursor:
        cursor.execute(_RECONCILE, values)
        return [(contract_id, KINDS[due - 1]) for contract_id, due in cursor.fetchall()]


def touched(market: Market) -> list[int]:
    """Contracts with readings that their last run has not seen: the next due run will, or `resettle` at once."""
    with connection.cursor() as cursor:
        cursor.execute(_TOUCHED, (market.pk,))
        return [row[0] for row in cursor.fetchall()]


_TOUCHED = """
    SELECT c.id FROM trading_contract c JOIN trading_market m ON m.id = c.market_id
    JOIN meters_intervalrevision i ON i.site_id = m.site_id AND i.start = c.delivery_start
    CROSS JOIN LATERAL (
        SELECT reading_revision FROM settlement_settlementrun r
        WHERE r.contract_id = c.id ORDER BY r.number DESC LIMIT 1
    ) last WHERE c.market_id = %s AND c.state IN ('CLEARED', 'FINAL') AND i.revision > last.reading_revision
    ORDER BY c.delivery_start
"""


def _zone(market: Market) -> ZoneInfo:
    return ZoneInfo(market.site.timezone)
