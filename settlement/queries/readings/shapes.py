"""Days that do not look like the point's other days: spikes, values that stay the same, clocks that are wrong.

Looked at are the last seven whole days, each beside the days before it. Storage stands still for hours by itself, so
only boundaries and generation are judged by their shape; a wrong clock shows at generation alone, whose day the sun
makes.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from meters.domain.vee.checks import shifted, silent, spikes, stuck
from meters.models import MeteringPoint
from settlement.queries.readings import sql
from trading.models import Market
from units.interval import day_bounds, day_intervals

DAYS_JUDGED = 7
DAYS_BESIDE = 7
LEAST_DAYS = 3
Row = tuple[int, int, int, int, bool]  # start in ms, version, import, export, estimated


class Odd(NamedTuple):
    """An interval that looks wrong, and why."""

    point_id: int
    cause: str
    value: Row
    shift: int = 0


class _Day(NamedTuple):
    """A whole local day of one point: the rows in order, None where there is no reading."""

    rows: Sequence[Row | None]

    def wh(self, generation: bool) -> list[int | None]:
        """The register that matters: export at generation, import elsewhere."""
        place = 3 if generation else 2
        return [None if row is None else row[place] for row in self.rows]


def odd_shapes(market: Market, now: datetime) -> list[Odd]:
    """What looks wrong in the whole local days before `now`."""
    zone = ZoneInfo(market.site.timezone)
    today = now.astimezone(zone).date()
    days = [today - timedelta(days=back) for back in range(DAYS_JUDGED + DAYS_BESIDE, 0, -1)]
    starts = [[each.start_ms for each in day_intervals(on, market.interval_minutes, zone)] for on in days]
    since, until = day_bounds(days[0], zone).start, day_bounds(today, zone).start
    values: dict[str, Any] = {
        "site": market.site_id,
        "since": since,
        "until": until,
        "minutes": market.interval_minutes,
    }
    rows: dict[int, dict[int, Row]] = defaultdict(dict)
    with connection.cursor() as cursor:
        cursor.execute(sql.SHAPES, values)
        for point, *row in cursor.fetchall():
            rows[point][row[0]] = (row[0], row[1], row[2], row[3], row[4])
    generation = _judged(market.site_id)
    return [
        odd
        for point, known in rows.items()
        if point in generation
        for odd in _of_point(point, generation[point], [_Day([known.get(at) for at in day]) for day in starts], market)
    ]


def _judged(site_id: int) -> dict[int, bool]:
    """Points whose shape tells something, and whether it is the sun's."""
    role = MeteringPoint.Role
    found = MeteringPoint.objects.filter(site_id=site_id, role__in=(role.BOUNDARY, role.GENERATION))
    return {pk: kind == role.GENERATION for pk, kind in found.values_list("pk", "role")}


def _of_point(point: int, generation: bool, days: Sequence[_Day], market: Market) -> Iterator[Odd]:
    figures = [day.wh(generation) for day in days]
    for place in range(DAYS_BESIDE, len(days)):
        beside = figures[place - DAYS_BESIDE : place]
        yield from _of_day(point, generation, days[place], beside, market.interval_minutes)


def _of_day(
    point: int, generation: bool, day: _Day, beside: Sequence[Sequence[int | None]], minutes: int
) -> Iterator[Odd]:
    wh = day.wh(generation)
    still = list(range(len(wh))) if silent(wh, beside) else stuck(wh, minutes)
    yield from _told(point, "stuck", day, still)
    yield from _told(point, "spike", day, spikes(wh))
    lag = shifted(wh, _usual(beside, len(wh))) if generation else 0
    yield from _told(point, "shifted", day, range(len(wh)) if lag else (), lag)


def _told(point: int, cause: str, day: _Day, places: Sequence[int], lag: int = 0) -> Iterator[Odd]:
    for place in places:
        row = day.rows[place]
        if row is not None:
            yield Odd(point, cause, row, lag)


def _usual(beside: Sequence[Sequence[int | None]], length: int) -> list[int | None]:
    """The mean of the whole days beside it; all unknown where there are too few."""
    whole = [[wh or 0 for wh in day] for day in beside if len(day) == length and None not in day]
    if len(whole) < LEAST_DAYS:
        return [None] * length
    return [sum(values) // len(whole) for values in zip(*whole, strict=True)]
