"""Time-of-use windows: which retail price holds at a local moment, and whether a set of rows is a tariff at all.

A row holds on some weekdays between two minutes of the local day, from one date to another (exclusive). The rows of a
tariff must cover every minute of every day exactly once from their first date on: a hole would make energy free, an
overlap would make two bills right. Windows begin and end on half hours, so that no delivery interval has two prices.

Example: rows 00:00–09:30 at 1,833 and 09:30–24:00 at 3,398, every day. Tuesday 09:29 costs 1,833, 09:30 costs 3,398.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

MINUTES_A_DAY = 1_440
HALF_HOUR = 30
WEEK = 7
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Window:
    """`price` in đồng/kWh on `weekdays` (bit 0 Monday … bit 6 Sunday), minutes [from, to) of the local day, on dates
    [valid_from, valid_to); `valid_to` None: until further notice."""

    weekdays: int
    from_minute: int
    to_minute: int
    price: int
    valid_from: date
    valid_to: date | None = None
    period: str = "flat"
    source: str = ""

    def holds_on(self, on: date) -> bool:
        """Whether the row counts on this local date."""
        return bool(self.weekdays >> on.weekday() & 1) and self.is_valid(on)

    def is_valid(self, on: date) -> bool:
        """Whether the date is one of the row's, whatever the weekday."""
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why some rows are no tariff: a stable `code` and a sentence that says where."""

    code: str
    sentence: str


class NoPrice(LookupError):
    """The tariff has no price at that moment."""

    code = "no_retail_price"


def price_at(rows: Iterable[Window], on: date, minute: int) -> int:
    """The price in đồng/kWh at a minute (0–1439) of a local date. Raises NoPrice."""
    for row in rows:
        if row.from_minute <= minute < row.to_minute and row.holds_on(on):
            return row.price
    raise NoPrice(f"The tariff has no price on {on.isoformat()} at {_clock(minute)}.")


def check_rows(rows: Sequence[Window]) -> list[Problem]:
    """Everything that keeps these rows from being a tariff; empty when each day is covered exactly once."""
    if not rows:
        return [Problem("tariff_empty", "A tariff needs at least one row.")]
    problems = [problem for row in rows for problem in _check_row(row)]
    return problems or [problem for start, end in _spans(rows) for problem in _check_span(rows, start, end)]


def _check_row(row: Window) -> Iterable[Problem]:
    name = f"The row {_clock(row.from_minute)}–{_clock(row.to_minute)} from {row.valid_from.isoformat()}"
    if not 0 <= row.from_minute < row.to_minute <= MINUTES_A_DAY:
        yield Problem("window_backwards", f"{name} must end after it begins, within one day; split it at midnight.")
    elif row.from_minute % HALF_HOUR or row.to_minute % HALF_HOUR:
        yield Problem("window_off_half_hour", f"{name} must begin and end on a half hour.")
    if not 1 <= row.weekdays < 1 << WEEK:
        yield Problem("bad_weekdays", f"{name} holds on no day of the week; name at least one.")
    if row.valid_to is not None and row.valid_to <= row.valid_from:
        yield Problem("validity_backwards", f"{name} ends on {row.valid_to.isoformat()}, before it has begun.")


def _spans(rows: Sequence[Window]) -> list[tuple[date, date | None]]:
    """The stretches of dates between which the set of valid rows does not change."""
    ends = [row.valid_to for row in rows]
    dates = sorted({row.valid_from for row in rows} | {end for end in ends if end is not None})
    spans: list[tuple[date, date | None]] = list(pairwise(dates))
    if None in ends:
        spans.append((dates[-1], None))
    return spans


def _check_span(rows: Sequence[Window], start: date, end: date | None) -> Iterable[Problem]:
    valid = [row for row in rows if row.is_valid(start)]
    days = WEEK if end is None else min(WEEK, (end - start).days)
    for weekday in sorted((start + timedelta(days=day)).weekday() for day in range(days)):
        windows = sorted((r.from_minute, r.to_minute) for r in valid if r.weekdays >> weekday & 1)
        yield from _check_day(windows, f"{WEEKDAYS[weekday]} in the dates from {start.isoformat()}")


def _check_day(windows: Sequence[tuple[int, int]], day: str) -> Iterable[Problem]:
    covered = 0
    for first, last in windows:
        if first > covered:
            yield _hole(covered, first, day)
        if first < covered:
            until = min(last, covered)
            told = f"{_clock(first)}–{_clock(until)} has two prices on a {day}; let the rows meet without overlapping."
            yield Problem("tariff_overlap", told)
        covered = max(covered, last)
    if covered < MINUTES_A_DAY:
        yield _hole(covered, MINUTES_A_DAY, day)


def _hole(first: int, last: int, day: str) -> Problem:
    return Problem("tariff_gap", f"{_clock(first)}–{_clock(last)} has no price on a {day}; add a row that covers it.")


def _clock(minute: int) -> str:
    return f"{minute // 60:02}:{minute % 60:02}"
