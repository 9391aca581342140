"""The queue of readings that need a person, worked out from what is stored; nothing is kept that could grow old.

| cause | an interval of a metering point |
|---|---|
| gap | is over, with its grace period, and has no reading |
| estimated | rests on an estimate that came in, and that nobody has approved |
| over_power | has more energy than its connection, or its panels, can carry |
| no_generation | gave energy though nothing there makes or keeps any |
| spike, stuck, shifted | does not look like the point's other days (the last seven days) |
| late | was corrected after it had been settled: what a close counts as not settled |

Intervals that follow one another on one local day are one item. What a person decided is out until the reading changes
again. Looked at are the days since the first of last month.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from itertools import groupby
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from settlement.domain.calendar import month_after
from settlement.models import ReadingDecision
from settlement.queries.readings import sql
from settlement.queries.readings.shapes import odd_shapes
from trading.models import Market
from units.interval import day_bounds, from_ms, interval_ms, to_ms

LATE = "late"
CAUSES = (*ReadingDecision.Cause.values, LATE)
KEPT = 4  # queues remembered in a process
Spot = tuple[int, str, int]  # point, cause, start in ms


@dataclass(frozen=True, slots=True)
class Value:
    """One interval as it stands now; `version` 0 where there is no reading."""

    start_ms: int
    version: int = 0
    import_wh: int = 0
    export_wh: int = 0
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class Finding:
    """One item of the queue: intervals of one point on one local day, and why they need a person.

    `shift` says by how many intervals a clock looks late (+) or early (−), else 0. `proposal` is the decision that
    waits for a second person, if there is one.
    """

    cause: str
    point_id: int
    point_code: str
    role: str
    participant_code: str
    participant_name: str
    start: datetime
    until: datetime
    values: tuple[Value, ...]
    shift: int = 0
    proposal: int | None = None

    @property
    def import_wh(self) -> int:
        """What stands there now, together."""
        return sum(value.import_wh for value in self.values)

    @property
    def export_wh(self) -> int:
        """What stands there now, together."""
        return sum(value.export_wh for value in self.values)

    @property
    def key(self) -> str:
        """What a form names it by."""
        return f"{self.point_id}-{self.cause}-{to_ms(self.start) // 1000}"


def findings(market: Market, now: datetime) -> list[Finding]:
    """Every item of a market's queue, the newest first. `now` is market time."""
    zone = ZoneInfo(market.site.timezone)
    first = month_after(now.astimezone(zone).date(), -1)
    since = day_bounds(first, zone).start
    return list(_remembered(market.pk, since, now, _stamp(market, since, now)))


def finding(market: Market, now: datetime, point_id: int, cause: str, start: datetime) -> Finding | None:
    """One item, or None where it is not in the queue (any more)."""
    wanted = (point_id, cause, start)
    found = (each for each in findings(market, now) if (each.point_id, each.cause, each.start) == wanted)
    return next(found, None)


def _stamp(market: Market, since: datetime, now: datetime) -> tuple[Any, ...]:
    """What the queue rests on: as long as this stays the same, so does the queue."""
    values: dict[str, Any] = {
        "market": market.pk, "site": market.site_id, "since": since, "over": _over(market, now),
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(sql.STAMP, values)
        return tuple(cursor.fetchone())


def _over(market: Market, now: datetime) -> datetime:
    """An interval that ended by this moment should have its reading."""
    return now - timedelta(minutes=market.grace_minutes)


class _Now:
    """A moment that does not count where two calls are compared: the stamp says what matters of it."""

    __slots__ = ("at",)

    def __init__(self, at: datetime) -> None:
        self.at = at

    def __eq__(self, other: object) -> bool:
        return isinstance(other, _Now)

    def __hash__(self) -> int:
        return 0


def _remembered(market_id: int, since: datetime, now: datetime, stamp: tuple[Any, ...]) -> tuple[Finding, ...]:
    return _worked_out(market_id, since, _Now(now), (connection.settings_dict["NAME"], *stamp))


@lru_cache(maxsize=KEPT)
def _worked_out(market_id: int, since: datetime, now: _Now, _stamp: tuple[Any, ...]) -> tuple[Finding, ...]:
    market = Market.objects.select_related("site").get(pk=market_id)
    found = _spots(market, since, now.at)
    decided = _Decided(market_id, since)
    open_ones = [each for each in found if not decided.covers(*each[:2], each[2])]
    made = _stretches(market, open_ones, decided)
    return tuple(sorted(made, key=lambda each: (each.start, each.point_code, each.cause), reverse=True))


Found = tuple[int, str, Value, int]  # point, cause, value, shift


def _spots(market: Market, since: datetime, now: datetime) -> list[Found]:
    values: dict[str, Any] = {
        "market": market.pk, "site": market.site_id, "since": since, "over": _over(market, now),
        "minutes": market.interval_minutes,
    }  # fmt: skip
    with connection.cursor() as cursor:
        cursor.execute(sql.GAPS, values)
        found: list[Found] = [(point, "gap", Value(start), 0) for point, start in cursor.fetchall()]
        cursor.execute(sql.SUSPECT, values)
        for point, start, taken, given, version, estimated, over, bare in cursor.fetchall():
            value = Value(start, version, taken, given, estimated)
            causes = (("over_power", over), ("no_generation", bare), ("estimated", estimated))
            found += [(point, cause, value, 0) for cause, is_so in causes if is_so][:1]
        cursor.execute(sql.LATE, values)
        found += [(point, LATE, Value(start, *rest), 0) for point, start, *rest in cursor.fetchall()]
    known = {(point, value.start_ms) for point, _, value, _ in found}
    odd = odd_shapes(market, now)
    return found + [
        (each.point_id, each.cause, Value(*each.value), each.shift)
        for each in odd
        if (each.point_id, each.value[0]) not in known
    ]


class _Decided:
    """What people decided, by interval: the values that are settled by it, and the proposals that wait."""

    def __init__(self, market_id: int, since: datetime) -> None:
        rows = ReadingDecision.objects.filter(market_id=market_id, start__gte=since - timedelta(days=1))
        self.settled: set[tuple[int, str, int, int]] = set()
        self.waiting: dict[tuple[int, int], int] = {}
        for row in rows.exclude(state=ReadingDecision.State.WITHDRAWN):
            self._note(row)

    def _note(self, row: ReadingDecision) -> None:
        point = row.metering_point_id
        for place, (start, seen, *_) in enumerate(row.values):
            if row.state == ReadingDecision.State.PROPOSED:
                self.waiting[point, start] = row.pk
            elif row.state == ReadingDecision.State.REJECTED:
                self.settled.add((point, row.cause, start, seen))
            else:
                self.settled |= {(point, cause, start, row.versions[place]) for cause in CAUSES if cause != LATE}

    def covers(self, point: int, cause: str, value: Value) -> bool:
        return (point, cause, value.start_ms, value.version) in self.settled


def _stretches(market: Market, found: Iterable[Found], decided: _Decided) -> list[Finding]:
    zone, step = ZoneInfo(market.site.timezone), interval_ms(market.interval_minutes)
    points = _points(market.site_id)
    ordered = sorted(found, key=lambda each: (each[0], each[1], each[2].start_ms))
    made = []
    for (point, cause, day), rows in groupby(ordered, key=lambda each: (*each[:2], _day(each[2].start_ms, zone))):
        del day
        for run in _runs(list(rows), step):
            values = tuple(each[2] for each in run)
            start, until = from_ms(values[0].start_ms), from_ms(values[-1].start_ms + step)
            waits = next((w for v in values if (w := decided.waiting.get((point, v.start_ms)))), None)
            made.append(Finding(cause, point, *points[point], start, until, values, run[0][3], waits))
    return made


def _day(start_ms: int, zone: ZoneInfo) -> Any:
    return from_ms(start_ms).astimezone(zone).date()


def _runs(rows: Sequence[Found], step: int) -> list[list[Found]]:
    """Intervals that follow one another, as lists."""
    runs: list[list[Found]] = []
    for row in rows:
        if runs and row[2].start_ms - runs[-1][-1][2].start_ms == step:
            runs[-1].append(row)
        else:
            runs.append([row])
    return runs


def _points(site_id: int) -> dict[int, tuple[str, str, str, str]]:
    with connection.cursor() as cursor:
        cursor.execute(sql.POINTS, (site_id,))
        return {row[0]: row[1:] for row in cursor.fetchall()}
