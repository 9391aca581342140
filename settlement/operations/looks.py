"""Looks for news that no single action brings: a meter that falls silent, a surplus limit that comes near, readings
that were corrected, the summary of a day.

Each look is made once for a market and its hour or day, by the market's own time: who inserts its row makes it, in the
same transaction as what it tells, so that neither a second worker nor a crash tells anything twice or not at all.
"""

from collections import defaultdict
from datetime import UTC, date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from accounts.models import Membership, NoticeChoice
from accounts.operations.notices import News, forget_looks, look_once, tell
from meters.queries import output_since
from settlement.operations.news import corrected
from settlement.queries import statement
from tariffs.queries import NoTerms, terms_on
from trading.models import Admission, Market
from units.interval import day_bounds

SILENT_HOURS = 6
MORNING_HOUR = 6  # of the local day: by then the day before is settled
KEPT = timedelta(days=7)
CAP_FROM_DAY, CAP_NEAR_TENTHS = 5, 9


def look(market: Market, now: datetime) -> int:
    """Make the looks of a market that are due at the market time `now`; how many notices are new."""
    zone = ZoneInfo(market.site.timezone)
    local = now.astimezone(zone)
    hour = now.astimezone(UTC).strftime("%Y-%m-%d %H")
    with transaction.atomic():
        told = tell(_silent(market, now)) if look_once(f"hour {market.pk} {hour}", now) else 0
    if local.hour < MORNING_HOUR:
        return told
    with transaction.atomic():
        if look_once(f"day {market.pk} {local.date().isoformat()}", now):
            before = local.date() - timedelta(days=1)
            news = _corrected(market, before, zone, now) + _summaries(market, before, zone, now)
            told += tell(news + _near_cap(market, local.date(), zone, now))
            for beginning in ("hour", "day"):
                forget_looks(f"{beginning} {market.pk} ", now - KEPT)
    return told


_SILENT = """
    SELECT p.id, p.code, p.participant_id, last.start FROM meters_meteringpoint p
    JOIN trading_admission a ON a.participant_id = p.participant_id AND a.market_id = %(market)s AND a.active
    CROSS JOIN LATERAL (
        SELECT r.start, r.minutes FROM meters_reading r WHERE r.metering_point_id = p.id ORDER BY r.start DESC LIMIT 1
    ) last
    WHERE p.site_id = %(site)s AND p.role = 'boundary' AND last.start + make_interval(mins => last.minutes) < %(before)s
    ORDER BY p.id
"""


def _silent(market: Market, now: datetime) -> list[News]:
    """Meters that have spoken before and not for hours; one notice for each silence, one a day for administrators."""
    before = now - timedelta(hours=SILENT_HOURS)
    rows = _rows(_SILENT, {"market": market.pk, "site": market.site_id, "before": before})
    news = [
        News(
            "meter_silent", f"silent {point} {last.isoformat()}", now, ("home", ""),
            {"market": market.code, "meter": code, "hours": int((now - last).total_seconds()) // 3600},
            participant=participant,
        )
        for point, code, participant, last in rows
    ]  # fmt: skip
    if rows:
        on = now.astimezone(ZoneInfo(market.site.timezone)).date().isoformat()
        figures = {"market": market.code, "market_name": market.name, "count": len(rows), "hours": SILENT_HOURS}
        key = f"site_silent {market.pk} {on}"
        news.append(News("site_meter_silent", key, now, ("meters", ""), figures, administrators=True))
    return news


_CORRECTED = """
    SELECT n.participant_id, (c.delivery_start AT TIME ZONE %(zone)s)::date,
           sum(n.cash_millidong - o.cash_millidong)::bigint
    FROM settlement_settlementrun r
    JOIN settlement_settlementrun b ON b.contract_id = r.contract_id AND b.number = r.number - 1
    JOIN trading_contract c ON c.id = r.contract_id
    JOIN settlement_participantresult n ON n.run_id = r.id
    JOIN settlement_participantresult o ON o.run_id = coalesce(b.results_of_id, b.id)
         AND o.participant_id = n.participant_id
    WHERE r.market_id = %(market)s AND r.at >= %(start)s AND r.at < %(end)s AND r.results_of_id IS NULL
          AND r.reading_revision > b.reading_revision
    GROUP BY 1, 2 HAVING abs(sum(n.cash_millidong - o.cash_millidong)) >= 500 ORDER BY 1, 2
"""


def _corrected(market: Market, on: date, zone: ZoneInfo, now: datetime) -> list[News]:
    """What the runs of a local day changed because of other readings, by participant and day of delivery, where it
    comes to a đồng."""
    day = day_bounds(on, zone)
    rows = _rows(_CORRECTED, {"market": market.pk, "zone": zone.key, "start": day.start, "end": day.end})
    return [corrected(participant, market, of, change, on, now) for participant, of, change in rows]


def _summaries(market: Market, on: date, zone: ZoneInfo, now: datetime) -> list[News]:
    """The day of each participant for which somebody asked for a summary."""
    day, found = day_bounds(on, zone), []
    for participant in _wanted(market):
        done = statement(market.pk, participant, day.start, day.end)
        if done.intervals:
            figures = {"sold_wh": done.sold_wh, "bought_wh": done.bought_wh, "saved_millidong": done.savings_millidong}
            key = f"day {market.pk} {participant} {on.isoformat()}"
            told = {"market": market.code, **figures}
            found.append(News("day_summary", key, now, ("intervals", on.isoformat()), told, participant=participant))
    return found


def _wanted(market: Market) -> list[int]:
    choices = NoticeChoice.objects.filter(topic="days").exclude(email=False, push=False)
    seats = Membership.objects.filter(user__in=choices.values("user"))
    own = Admission.objects.filter(market=market, active=True, participant__in=seats.values("participant"))
    return list(own.order_by("participant").values_list("participant", flat=True))


_PAID = """
    SELECT r.participant_id, sum(r.grid_export_wh - r.unpaid_spill_wh)::bigint
    FROM trading_contract c CROSS JOIN LATERAL (
        SELECT coalesce(results_of_id, id) AS results FROM settlement_settlementrun
        WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
    ) run JOIN settlement_participantresult r ON r.run_id = run.results
    WHERE c.market_id = %(market)s AND c.delivery_start >= %(start)s AND c.delivery_start < %(now)s
          AND r.participant_id = ANY(%(owners)s)
    GROUP BY 1
"""


def _near_cap(market: Market, today: date, zone: ZoneInfo, now: datetime) -> list[News]:
    """Who has given the grid nine tenths of the share of the month's output that it pays for, once a month."""
    if today.day < CAP_FROM_DAY or (cap := _cap(market, today)) is None:
        return []
    first = today.replace(day=1)
    start = day_bounds(first, zone).start
    owners, output = output_since(market.site_id, start, now)
    made = defaultdict(int, zip(owners.tolist(), output.tolist(), strict=True))
    paid = _rows(_PAID, {"market": market.pk, "start": start, "now": now, "owners": owners.tolist()})
    return [
        News(
            "cap_near", f"cap {market.pk} {participant} {first.isoformat()}", now, ("home", ""),
            {"market": market.code, "used_pct": wh * 100 // made[participant], "cap_pct": cap}, participant=participant,
        )
        for participant, wh in paid
        if made[participant] and wh * 1_000 >= made[participant] * cap * CAP_NEAR_TENTHS
    ]  # fmt: skip


def _cap(market: Market, on: date) -> int | None:
    try:
        return terms_on(market.site_id, on).surplus_cap_pct
    except NoTerms:
        return None


def _rows(query: str, values: dict[str, Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        found: list[tuple[Any, ...]] = cursor.fetchall()
    return found
