"""Delivery intervals: half-open stretches `[start, end)`, stored in UTC, labelled in the market's own time zone.

A market trades intervals of 30 minutes by default. Any length that divides 30 will do (15 is usual), because every
Vietnamese tariff window starts on a half hour and EVN meters push every 30 minutes. The grid is that of the market's
wall clock, so that in Kathmandu (UTC+5:45) intervals start at :00 and :30 local, which is :15 and :45 in UTC.

Example: 2026-06-01 04:47 UTC in Asia/Ho_Chi_Minh (UTC+7) lies in 04:30–05:00 UTC, whose label is `11:30–12:00`.
A local day has 24 hours, except where clocks change: Berlin's 2026-03-29 has 46 half hours, its 2026-10-25 has 50.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from typing import Self

DEFAULT_MINUTES = 30
MS_PER_MINUTE = 60_000
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MS = timedelta(milliseconds=1)
_ZERO = timedelta(0)


class IntervalError(ValueError):
    """The stretch of time asked for cannot be a delivery interval."""

    code = "invalid_interval"


def to_ms(moment: datetime) -> int:
    """Whole milliseconds since 1970-01-01 UTC, rounded down. Raises IntervalError for a moment without a zone."""
    if moment.tzinfo is None:
        raise IntervalError(f"The moment {moment.isoformat()} has no time zone; say which one it is in.")
    return (moment - _EPOCH) // _MS


def from_ms(at_ms: int) -> datetime:
    """The UTC moment `at_ms` milliseconds after 1970-01-01, exactly (no float in between)."""
    return _EPOCH + at_ms * _MS


def interval_ms(minutes: int) -> int:
    """The length of an interval of `minutes` in ms. Raises IntervalError unless it divides 30 minutes."""
    if minutes < 1 or 30 % minutes:
        raise IntervalError(f"An interval of {minutes} minutes does not divide 30; use 30, 15, 10, 6, 5, 3, 2 or 1.")
    return minutes * MS_PER_MINUTE


@dataclass(frozen=True, slots=True, order=True)
class Interval:
    """One stretch of time `[start, end)`, both in UTC. Raises IntervalError otherwise."""

    start: datetime
    end: datetime

    def __post_init__(self) -> None:
        for moment in (self.start, self.end):
            if moment.utcoffset() != _ZERO:
                raise IntervalError(f"The moment {moment.isoformat()} is not in UTC; convert it first.")
        if self.end <= self.start:
            raise IntervalError(f"The interval would end at {self.end.isoformat()}, not after its start.")

    @classmethod
    def of(cls, at: datetime, minutes: int, tz: tzinfo) -> Self:
        """The interval of the market's grid in `tz` that contains the moment `at`."""
        at_ms, step_ms = to_ms(at), interval_ms(minutes)
        start_ms = at_ms - local_ms(at_ms, tz) % step_ms
        return cls(from_ms(start_ms), from_ms(start_ms + step_ms))

    @property
    def minutes(self) -> int:
        return (self.end - self.start) // timedelta(minutes=1)

    @property
    def start_ms(self) -> int:
        return to_ms(self.start)

    @property
    def end_ms(self) -> int:
        return to_ms(self.end)

    def contains(self, moment: datetime) -> bool:
        return self.start <= moment < self.end

    def label(self, tz: tzinfo) -> str:
        """`11:30–12:00` in `tz`. Both ends are read on the clock that holds at the start, so that a label never runs
        backwards; in the hour that happens twice in autumn the offset is added: `02:30–03:00 UTC+2`."""
        start = self.start.astimezone(tz)
        end = start.replace(tzinfo=None) + (self.end - self.start)
        text = f"{start:%H:%M}–{end:%H:%M}"
        return f"{text} {offset_label(start)}" if _happens_twice(start) else text


def local_ms(at_ms: int, tz: tzinfo) -> int:
    """What the wall clock in `tz` shows at `at_ms`, counted in ms as if it were UTC."""
    offset = from_ms(at_ms).astimezone(tz).utcoffset() or _ZERO
    return at_ms + offset // _MS


def offset_label(local: datetime) -> str:
    """`UTC+7`, `UTC+5:45` or `UTC−3` for a moment that carries its zone."""
    seconds = (local.utcoffset() or _ZERO) // timedelta(seconds=1)
    hours, minutes = divmod(abs(seconds) // 60, 60)
    return f"UTC{'−' if seconds < 0 else '+'}{hours}" + (f":{minutes:02}" if minutes else "")


def _happens_twice(local: datetime) -> bool:
    return local.replace(fold=0).utcoffset() != local.replace(fold=1).utcoffset()


def intervals_between(start: datetime, end: datetime, minutes: int) -> Iterator[Interval]:
    """Consecutive intervals of `minutes` from `start` to `end` (none where they are equal).

    Raises IntervalError where the two moments are not a whole number of intervals apart.
    """
    start_ms, end_ms, step_ms = to_ms(start), to_ms(end), interval_ms(minutes)
    if end_ms < start_ms or (end_ms - start_ms) % step_ms:
        raise IntervalError(
            f"From {start.isoformat()} to {end.isoformat()} is not a whole number of {minutes}-minute intervals."
        )
    return (Interval(from_ms(ms), from_ms(ms + step_ms)) for ms in range(start_ms, end_ms, step_ms))


def day_bounds(on: date, tz: tzinfo) -> Interval:
    """The local day `on` from midnight to midnight in `tz`: 23, 24 or 25 hours."""
    return Interval(_midnight(on, tz), _midnight(on + timedelta(days=1), tz))


def day_intervals(on: date, minutes: int, tz: tzinfo) -> Iterator[Interval]:
    """Every interval of the local day `on`, in order (46, 48 or 50 half hours)."""
    day = day_bounds(on, tz)
    return intervals_between(day.start, day.end, minutes)


def _midnight(on: date, tz: tzinfo) -> datetime:
    # fold=0 is right in both odd cases: the first of two midnights, and the moment of the jump where there is none.
    return datetime.combine(on, time(0), tzinfo=tz).astimezone(UTC)
