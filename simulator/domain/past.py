"""Which days the demo has behind it, and how each was settled.

A demo that begins on 22 November 2026 at 8:20, its first interval at 8:00, has

| days | settled as | at | and then |
|---|---|---|---|
| 21 to 30 September | R2 | 6 October, when that was due | closed by two people on that day and issued |
| 1 to 31 October | R2 | 5 November | computed on that day, waits for the second person |
| 1 November to the beginning | what was due by then: R1, SF, P | when it is filled in | the month goes on |

The market began with the first of these days. Nothing is settled later than the beginning of the demo: on the first
days of a month the cut-off of the last one is not over yet, and its days are settled then. The days of this month come
in late, and say so: what the grid still pays for surplus hangs on the month so far, and what the live market has
settled meanwhile did not know them.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from zoneinfo import ZoneInfo

from units.interval import Interval, day_bounds

INTERVAL_MINUTES = 30
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
    """A day to settle: its moments [start, end) in UTC, the kind of run, and when that was made (None: it is now)."""

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


def past_of(began_at: datetime, zone: ZoneInfo, due_at: DueAt, extent: Extent) -> Past:
    """The past of a demo that began at this moment; `due_at` is settlement's calendar."""
    today = began_at.astimezone(zone).date()
    this_month = today.replace(day=1)
    last_month = (this_month - timedelta(days=1)).replace(day=1)
    earlier_month = (last_month - timedelta(days=1)).replace(day=1)

    def days(first: date, after: date, most: int) -> tuple[Day, ...]:
        first = max(first, after - timedelta(days=most))
        found = (_day(first + timedelta(days=n), began_at, zone, due_at) for n in range((after - first).days))
        return tuple(day for day in found if day.start < day.end)

    return Past(
        days(earlier_month, last_month, extent.earlier_days),
        days(last_month, this_month, extent.last_days),
        days(this_month, today + timedelta(days=1), extent.this_days),
        earlier_month,
        last_month,
    )


def _day(on: date, began_at: datetime, zone: ZoneInfo, due_at: DueAt) -> Day:
    bounds, own = day_bounds(on, zone), Interval.of(began_at, INTERVAL_MINUTES, zone).start
    start, end = bounds.start.astimezone(UTC), min(bounds.end.astimezone(UTC), own)
    if on < began_at.astimezone(zone).date().replace(day=1):
        return Day(on, start, end, CUT_OFF, min(due_at(CUT_OFF, on, zone), began_at))
    kind = next((kind for kind in ("R1", "SF") if due_at(kind, on, zone) <= began_at), "P")
    return Day(on, start, end, kind, None)
