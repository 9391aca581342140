"""What is known around an item of the queue: its day and the days beside it, the usual day, and what an estimate needs.

An estimate rests on measured and corrected readings alone, never on other estimates.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection

from meters.domain.vee.estimates import DAYS_BACK, WEEKS_BACK, Day, Pair, Roofs, Surroundings
from meters.models import MeteringPoint
from settlement.queries.readings.findings import Finding, Value
from trading.models import Market
from units.interval import from_ms, interval_ms, to_ms

DAYS_BESIDE = 3
DAYS_TYPICAL = 7


@dataclass(frozen=True, slots=True)
class DayAround:
    """A local day of one point. `starts_ms` are its intervals; `days` the readings of that day and those beside it, by
    day, None where there is none; `typical` the mean of each interval over the seven days before."""

    on: date
    starts_ms: list[int]
    days: dict[date, list[Value | None]]
    typical: list[Pair | None]
    known: Surroundings


_READINGS = """
    SELECT DISTINCT ON (start) (extract(epoch FROM start) * 1000)::bigint, version, import_wh, export_wh,
           quality = 'estimated'
    FROM meters_reading WHERE metering_point_id = %s AND start >= %s AND start < %s AND minutes = %s
    ORDER BY start, version DESC
"""


def around(market: Market, found: Finding) -> DayAround:
    """Everything that is shown and reckoned with beside one item."""
    zone = ZoneInfo(market.site.timezone)
    on = found.start.astimezone(zone).date()
    rows = _readings(found.point_id, on, zone, market.interval_minutes)
    starts = _starts(on, zone, market.interval_minutes)
    shown = [on + timedelta(days=ahead) for ahead in range(-DAYS_BESIDE, DAYS_BESIDE + 1)]
    days = {day: [rows.get(at) for at in _moved(starts, (day - on).days, zone)] for day in shown}
    sound = {at: value for at, value in rows.items() if not value.estimated}
    for value in found.values:
        sound.pop(value.start_ms, None)
    typical = _typical([_day_of(sound, _moved(starts, -back, zone)) for back in range(1, DAYS_TYPICAL + 1)])
    return DayAround(on, starts, days, typical, _surroundings(market, found, sound, zone))


def _readings(point_id: int, on: date, zone: ZoneInfo, minutes: int) -> dict[int, Value]:
    midnight = datetime.combine(on, datetime.min.time(), tzinfo=zone).astimezone(UTC)
    since = midnight - timedelta(days=7 * WEEKS_BACK + 1)
    until = midnight + timedelta(days=DAYS_BESIDE + 2)
    with connection.cursor() as cursor:
        cursor.execute(_READINGS, (point_id, since, until, minutes))
        return {row[0]: Value(*row) for row in cursor.fetchall()}


def _starts(on: date, zone: ZoneInfo, minutes: int) -> list[int]:
    midnight = to_ms(datetime.combine(on, datetime.min.time(), tzinfo=zone))
    after = to_ms(datetime.combine(on + timedelta(days=1), datetime.min.time(), tzinfo=zone))
    return list(range(midnight, after, interval_ms(minutes)))


def _moved(starts_ms: Iterable[int], days: int, zone: ZoneInfo) -> list[int]:
    """The same local times on another day."""
    return [to_ms(from_ms(at).astimezone(zone) + timedelta(days=days)) for at in starts_ms]


def _day_of(sound: dict[int, Value], starts_ms: Sequence[int]) -> Day:
    return [(v.import_wh, v.export_wh) if (v := sound.get(at)) else None for at in starts_ms]


def _typical(days: Sequence[Day]) -> list[Pair | None]:
    made: list[Pair | None] = []
    for places in zip(*days, strict=True):
        known = [pair for pair in places if pair is not None]
        made.append((sum(p[0] for p in known) // len(known), sum(p[1] for p in known) // len(known)) if known else None)
    return made


def _surroundings(market: Market, found: Finding, sound: dict[int, Value], zone: ZoneInfo) -> Surroundings:
    starts, step = [value.start_ms for value in found.values], interval_ms(market.interval_minutes)
    before, after = _day_of(sound, [starts[0] - step, starts[-1] + step])
    weeks = [_day_of(sound, _moved(starts, -7 * back, zone)) for back in range(1, WEEKS_BACK + 1)]
    days = [_day_of(sound, _moved(starts, -back, zone)) for back in range(1, DAYS_BACK + 1)]
    roofs = _roofs(market, found, sound, zone) if found.role == MeteringPoint.Role.GENERATION else None
    return Surroundings(len(starts), market.interval_minutes, before, after, weeks, days, roofs)


_OTHERS = """
    SELECT r.metering_point_id, (extract(epoch FROM r.start) * 1000)::bigint, r.export_wh FROM (
        SELECT DISTINCT ON (start, metering_point_id) * FROM meters_reading
        WHERE site_id = %s AND start = ANY(%s) AND minutes = %s ORDER BY start, metering_point_id, version DESC
    ) r JOIN meters_meteringpoint p ON p.id = r.metering_point_id
    WHERE p.role = 'generation' AND p.id <> %s AND r.quality <> 'estimated'
"""


def _roofs(market: Market, found: Finding, sound: dict[int, Value], zone: ZoneInfo) -> Roofs | None:
    """The other roofs that were read in all of these intervals, and at the same times of the days before."""
    wanted = [value.start_ms for value in found.values]
    past = [at for back in range(1, DAYS_BACK + 1) for at in _moved(wanted, -back, zone) if at in sound]
    times = [from_ms(at) for at in {*wanted, *past}]
    given: dict[int, dict[int, int]] = {}
    with connection.cursor() as cursor:
        cursor.execute(_OTHERS, (market.site_id, times, market.interval_minutes, found.point_id))
        for point, at, wh in cursor.fetchall():
            given.setdefault(point, {})[at] = wh
    whole = [known for known in given.values() if all(at in known for at in (*wanted, *past))]
    if not whole or not past:
        return None
    now_wh = [sum(known[at] for known in whole) for at in wanted]
    before_wh = sum(known[at] for known in whole for at in past)
    return Roofs(now_wh, before_wh, sum(sound[at].export_wh for at in past))
