"""The hours of a set of time-of-use windows, as a file writes them.

Example: `{ days = "mon-sat", peak = ["09:30-11:30", "17:00-20:00"], normal = [...], offpeak = ["22:00-24:00", ...] }`.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from tariffs.domain.fields import Section
from tariffs.domain.windows import HALF_HOUR, MINUTES_A_DAY

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PERIODS = ("normal", "peak", "offpeak")
_SPAN = re.compile(r"([0-9]{2}):([0-9]{2})-([0-9]{2}):([0-9]{2})")


@dataclass(frozen=True, slots=True)
class Hours:
    """One stretch of one period: minutes [from_minute, to_minute) of the local day on `weekdays` (bit 0 Monday)."""

    weekdays: int
    from_minute: int
    to_minute: int
    period: str


def read_hours(row: Section) -> tuple[Hours, ...]:
    """The hours of a set of windows; each mistake is noted."""
    found = tuple(hours for part in row.sections("hours") for hours in _of_days(part))
    if not found:
        row.note("hours", "field_missing", "Windows need hours.")
    return found


def _of_days(part: Section) -> Iterator[Hours]:
    weekdays = _weekdays(part)
    for period in PERIODS:
        spans = part.raw(period)
        if spans is not None and not isinstance(spans, list):
            part.note(period, "not_a_list", 'Give a list of times, such as ["09:30-11:30"].')
            continue
        for span in spans or []:
            minutes = _minutes(span)
            if minutes is None:
                part.note(period, "bad_hours", 'Give times on half hours, such as "09:30-11:30"; a day ends at 24:00.')
            else:
                yield Hours(weekdays, *minutes, period)
    part.done()


def _minutes(span: object) -> tuple[int, int] | None:
    match = _SPAN.fullmatch(span) if isinstance(span, str) else None
    if match is None:
        return None
    hours, minutes, to_hours, to_minutes = (int(part) for part in match.groups())
    first, last = hours * 60 + minutes, to_hours * 60 + to_minutes
    whole = minutes < 60 and to_minutes < 60 and not first % HALF_HOUR and not last % HALF_HOUR
    return (first, last) if whole and 0 <= first < last <= MINUTES_A_DAY else None


def _weekdays(part: Section) -> int:
    text = part.text("days", required=True)
    mask = 0
    for piece in text.split(","):
        first, _, last = piece.strip().partition("-")
        if first not in DAYS or (last or first) not in DAYS or DAYS.index(last or first) < DAYS.index(first):
            part.note("days", "bad_weekdays", "Give days such as mon-sat, or mon,wed,sun.")
            return 1
        for day in range(DAYS.index(first), DAYS.index(last or first) + 1):
            mask |= 1 << day
    return mask
