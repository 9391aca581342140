"""Which days the demo has behind it, and how each was settled.

A demo that begins on 22 November 2026 at 8:00 has

| days | settled as | and then |
|---|---|---|
| 21 to 30 September | R2 | closed by two people on 6 October and issued |
| 1 to 31 October | R2 | computed on 5 November, waits for the second person |
| 1 November to the beginning | the run that was due by then: R1, SF, P | the month goes on |

The market began with the first of these days. A day is settled at the moment its run was due, and never later than the
beginning of the demo: on the first days of a month the cut-off of the last one is not over yet.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from units.interval import day_bounds

RUN_P = "P"
CUT_OFF = "R2"
DueAt = Callable[[str, date, ZoneInfo], datetime]


@dataclass(frozen=True, slots=True)
class Extent:
    """How many days, at most, of the month before last, of the last one, and of the one that the demo begins in."""

    earlier_days: int = 10
    last_days: int = 31
    this_days: int = 31


@dataclass(frozen=True, slots=True)
class Day:
    """A day to settle: its moments [start, end) in UTC, the kind of run, and when that run was made (None: as soon as
    each interval was over)."""

    on: date
    start: datetime
    end: datetime
    kind: str
    at: datetime | None


@dataclass(frozen=True, slots=True)
class Past:
    """The days behind a demo, by month, and the first days of the months that are closed."""

    earlier: tuple[Day, ...]
    last: tuple[Day, ...]
    this: tuple[Day, ...]
    earlier_month: date
    last_month: date

    @property
    def days(self) -> tuple[Day, ...]:
        """All of them, in order."""
        return (*self.earlier, *self.last, *self.this)


def past_of(begins_at: datetime, zone: ZoneInfo, due_at: DueAt, extent: Extent) -> Past:
    """The past of a demo whose first own interval begins at `begins_at`; `due_at` is settlement's calendar."""
    today = begins_at.astimezone(zone).date()
    this_month = today.replace(day=1)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    earlier_month = (last_month - timedelta(days=1)).replace(day=1)

    def days(first: date, after: date, most: int, kinds: tuple[str, ...]) -> tuple[Day, ...]:
        first = max(first, after - timedelta(days=most))
        found = (first + timedelta(days=number) for number in range((after - first).days))
        return tuple(_day(on, begins_at, zone, due_at, kinds) for on in found)

    this = days(this_month, today + timedelta(days=1), extent.this_days, ("R1", "SF")) if extent.this_days else ()
    return Past(
        days(earlier_month, last_month, extent.earlier_days, (CUT_OFF,)),
        days(last_month, this_month, extent.last_days, (CUT_OFF,)),
        tuple(day for day in this if day.start < day.end),
        earlier_month,
        last_month,
    )


def _day(on: date, begins_at: datetime, zone: ZoneInfo, due_at: DueAt, kinds: tuple[str, ...]) -> Day:
    bounds = day_bounds(on, zone)
    start, end = bounds.start.astimezone(UTC), min(bounds.end.astimezone(UTC), begins_at)
    for kind in kinds:
        due = due_at(kind, on, zone)
        if kind == CUT_OFF or due <= begins_at:
            return Day(on, start, end, kind, min(due, begins_at))
    return Day(on, start, end, RUN_P, None)
