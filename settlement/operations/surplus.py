"""How much surplus the grid still pays each owner: its share of the month's output so far, less what it has paid.

Output is what the generation sub-meters gave; who has none has no cap. Every interval asks for the month up to itself,
so a month in which each added up all before it would take its square. Days that are over are therefore added up once a
process, and again only where something of theirs has changed:

| of a day | is kept as long as |
|---|---|
| output by owner | its intervals have the same revisions, of the same transactions; the sub-meters are the same |
| what the grid paid | each of its contracts has the same last run |

A row's `xmin` names the transaction that wrote it and is never used again, not even after a rollback. Whether a day is
as it was is asked before it is added up, so one that changes in between is added up again next time. The delivery day
itself is always read.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime
from functools import partial
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection

from meters.columns import IntArray, read_columns
from meters.queries import output_since
from settlement.domain.interval import aligned
from units.interval import day_bounds

MOST_DAYS = 1_000


@dataclass(frozen=True, eq=False, slots=True)
class _Kept:
    """Wh by ascending participant, as they were when `stamp` was."""

    stamp: Any
    participants: IntArray
    wh: IntArray


_kept: dict[tuple[Any, ...], _Kept] = {}


def output_wh(site_id: int, on: date, zone: ZoneInfo, until: datetime, owners: IntArray) -> Any:
    """What each of `owners` (n, ascending) has made from the first of the month to `until`, a moment of the local day
    `on`: (n), masked for those without a generation sub-meter."""
    today, made_wh = output_since(site_id, day_bounds(on, zone).start, until, owners.tolist())
    if not len(today):
        return np.ma.masked_all(len(owners), dtype=np.int64)
    stamps = _output_stamps(site_id, on, zone)
    for day in _days_before(on):
        bounds = day_bounds(day, zone)
        read = partial(output_since, site_id, bounds.start, bounds.end)
        kept = _keep(("output", site_id, day), stamps.get(day), read)
        made_wh = made_wh + aligned(today, kept.participants, kept.wh).filled(0)
    return aligned(owners, today, made_wh)


def paid_wh(market_id: int, on: date, zone: ZoneInfo, until: datetime, owners: IntArray) -> IntArray:
    """What the grid has paid each of `owners` (n, ascending) for, by the last runs of the contracts from the first of
    the month until the one that begins at `until`, on the local day `on`: (n)."""
    runs = _last_runs(market_id, on, until, zone)
    paid = aligned(owners, *_paid(runs.pop(on, ()), owners)).filled(0)
    for day, of_day in runs.items():
        kept = _keep(("paid", market_id, day), of_day, partial(_paid, of_day, None))
        paid = paid + aligned(owners, kept.participants, kept.wh).filled(0)
    return paid


def _keep(key: tuple[Any, ...], stamp: Any, read: Callable[[], tuple[IntArray, IntArray]]) -> _Kept:
    key = (connection.settings_dict["NAME"], *key)
    found = _kept.get(key)
    if found is None or found.stamp != stamp:
        if len(_kept) >= MOST_DAYS:
            _kept.clear()
        found = _kept[key] = _Kept(stamp, *read())
    return found


def _days_before(on: date) -> list[date]:
    return [on.replace(day=number) for number in range(1, on.day)]


_STAMPS = """
    SELECT i.start, i.revision, i.xmin::text, p.points FROM meters_intervalrevision i CROSS JOIN (
        SELECT coalesce(sum(hashint8extended(participant_id, id)), 0)::text AS points FROM meters_meteringpoint
        WHERE site_id = %s AND role = 'generation'
    ) p WHERE i.site_id = %s AND i.start >= %s AND i.start < %s ORDER BY i.start
"""


def _output_stamps(site_id: int, on: date, zone: ZoneInfo) -> dict[date, list[tuple[Any, ...]]]:
    """Of each day of the month before `on`: every interval with its revision, its transaction, and the points'."""
    with connection.cursor() as cursor:
        cursor.execute(_STAMPS, (site_id, site_id, *_month_until(on, day_bounds(on, zone).start, zone)))
        return _by_day(cursor.fetchall(), zone)


_LAST_RUNS = """
    SELECT c.delivery_start, (
        SELECT coalesce(results_of_id, id) FROM settlement_settlementrun
        WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
    ) FROM trading_contract c
    WHERE c.market_id = %s AND c.delivery_start >= %s AND c.delivery_start < %s ORDER BY c.delivery_start
"""


def _last_runs(market_id: int, on: date, until: datetime, zone: ZoneInfo) -> dict[date, tuple[int, ...]]:
    """By day, the runs that hold the present results of the month's contracts before `until`."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST_RUNS, (market_id, *_month_until(on, until, zone)))
        days = _by_day(cursor.fetchall(), zone)
    return {day: tuple(run for _, run in rows if run is not None) for day, rows in days.items()}


def _month_until(on: date, until: datetime, zone: ZoneInfo) -> tuple[datetime, datetime]:
    return day_bounds(on.replace(day=1), zone).start, until


def _by_day(rows: list[tuple[Any, ...]], zone: ZoneInfo) -> dict[date, list[tuple[Any, ...]]]:
    """Rows that begin with a moment, in its order, by local day."""
    return {day: list(group) for day, group in groupby(rows, key=lambda row: row[0].astimezone(zone).date())}


_PAID = """
    SELECT participant_id, sum(grid_export_wh - unpaid_spill_wh)::bigint FROM settlement_participantresult
    WHERE run_id = ANY(%s) AND (%s::bigint[] IS NULL OR participant_id = ANY(%s::bigint[]))
    AND grid_export_wh <> unpaid_spill_wh GROUP BY participant_id ORDER BY participant_id
"""


def _paid(runs: tuple[int, ...], owners: IntArray | None) -> tuple[IntArray, IntArray]:
    """What the grid paid for in these runs, Wh by participant; of these owners, or of everybody."""
    chosen = None if owners is None else owners.tolist()
    with connection.cursor() as cursor:
        rows = read_columns(cursor, _PAID, (list(runs), chosen, chosen), ("participant", "wh"))
    return rows["participant"], rows["wh"]
