"""Time-of-use windows: which retail price holds at a local moment, and whether a set of rows is a tariff at all.

A row holds on some weekdays between two minutes of the local day, from one date to another (exclusive). The rows of a
tariff must cover every minute of every day exactly once from their first date on: a hole would make energy free, an
overlap would make two bills right. Windows begin and end on half hours, so that no delivery interval has two prices.

A tiered tariff has rows for parts of a month's use instead: each holds all week and all day, and together they cover
every use from 0 on exactly once (`tariffs.domain.tiers` splits a month over them). Within an interval the tier of the
last Wh that the customer is expected to use in the month decides.

Example: rows 00:00–09:30 at 1,833 and 09:30–24:00 at 3,398, every day. Tuesday 09:29 costs 1,833, 09:30 costs 3,398.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise

MINUTES_A_DAY = 1_440
HALF_HOUR = 30
WEEK = 7
ALL_WEEK = (1 << WEEK) - 1
TIER = "tier"
WEEKDAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")


@dataclass(frozen=True, slots=True)
class Window:
    """`price` in đồng/kWh on `weekdays` (bit 0 Monday … bit 6 Sunday), minutes [from, to) of the local day, on dates
    [valid_from, valid_to); `valid_to` None: until further notice. `valid_from` is the day from which it is billed,
    `legal_from` the day from which the law has it, where known. A row of the period `tier` is for the Wh
    [tier_from_wh, tier_to_wh) of a month; `tier_to_wh` None: for all above."""

    weekdays: int
    from_minute: int
    to_minute: int
    price: int
    valid_from: date
    valid_to: date | None = None
    period: str = "flat"
    source: str = ""
    tier_from_wh: int = 0
    tier_to_wh: int | None = None
    legal_from: date | None = None
    doubt: str = ""

    def holds_on(self, on: date) -> bool:
        """Whether the row counts on this local date."""
        return bool(self.weekdays >> on.weekday() & 1) and self.is_valid(on)

    def is_valid(self, on: date) -> bool:
        """Whether the date is one of the row's, whatever the weekday."""
        return self.valid_from <= on and (self.valid_to is None or on < self.valid_to)

    def has_tier_of(self, month_wh: int) -> bool:
        """Whether the last Wh of a month of so many falls into the row's tier; every month's does without tiers."""
        last = max(month_wh - 1, 0)
        return self.tier_from_wh <= last and (self.tier_to_wh is None or last < self.tier_to_wh)


@dataclass(frozen=True, slots=True)
class Problem:
    """Why some rows are no tariff: a stable `code` and a sentence that says where."""

    code: str
    sentence: str


class NoPrice(LookupError):
    """The tariff has no price at that moment."""

    code = "no_retail_price"


def price_at(rows: Iterable[Window], on: date, minute: int, month_wh: int = 0) -> int:
    """The price in đồng/kWh at a minute (0–1439) of a local date, for who is expected to use `month_wh` in the month
    (it decides the tier). Raises NoPrice."""
    for row in rows:
        if row.from_minute <= minute < row.to_minute and row.holds_on(on) and row.has_tier_of(month_wh):
            return row.price
    raise NoPrice(f"The tariff has no price on {on.isoformat()} at {_clock(minute)}.")


def check_rows(rows: Sequence[Window]) -> list[Problem]:
    """Everything that keeps these rows from being a tariff; empty when each day is covered exactly once."""
    if not rows:
        return [Problem("tariff_empty", "A tariff needs at least one row.")]
    problems = [problem for row in rows for problem in _check_row(row)]
    return problems or [problem for start, end in spans_of(rows) for problem in _check_span(rows, start, end)]


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
    yield from _check_tier(row, name)


def _check_tier(row: Window, name: str) -> Iterable[Problem]:
    if row.period != TIER:
        if row.tier_from_wh or row.tier_to_wh is not None:
            yield Problem("tier_of_no_tier", f"{name} has the bounds of a tier; its period must be tier then.")
        return
    if (row.weekdays, row.from_minute, row.to_minute) != (ALL_WEEK, 0, MINUTES_A_DAY):
        yield Problem("tier_not_all_week", f"{name} is a tier; it must hold all day on all seven days of the week.")
    if row.tier_from_wh < 0 or (row.tier_to_wh is not None and row.tier_to_wh <= row.tier_from_wh):
        yield Problem("tier_backwards", f"{name} is a tier that ends before it begins; give its Wh from low to high.")


def spans_of(rows: Sequence[Window]) -> list[tuple[date, date | None]]:
    """The stretches of dates between which the set of valid rows does not change."""
    ends = [row.valid_to for row in rows]
    dates = sorted({row.valid_from for row in rows} | {end for end in ends if end is not None})
    spans: list[tuple[date, date | None]] = list(pairwise(dates))
    if None in ends:
        spans.append((dates[-1], None))
    return spans


def _check_span(rows: Sequence[Window], start: date, end: date | None) -> Iterable[Problem]:
    valid = [row for row in rows if row.is_valid(start)]
    tiers = [row for row in valid if row.period == TIER]
    if tiers:
        yield from _check_tiers(tiers, mixed=len(tiers) < len(valid), day=start.isoformat())
        return
    days = WEEK if end is None else min(WEEK, (end - start).days)
    for weekday in sorted((start + timedelta(days=day)).weekday() for day in range(days)):
        windows = sorted((r.from_minute, r.to_minute) for r in valid if r.weekdays >> weekday & 1)
        yield from _check_day(windows, f"{WEEKDAYS[weekday]} in the dates from {start.isoformat()}")


def _check_tiers(tiers: Sequence[Window], mixed: bool, day: str) -> Iterable[Problem]:
    if mixed:
        told = f"From {day} there are tiers and prices by time together; a tariff is by one or by the other."
        yield Problem("tiers_and_windows", told)
        return
    covered: int | None = 0
    for row in sorted(tiers, key=lambda row: row.tier_from_wh):
        if covered is None or row.tier_from_wh < covered:
            told = f"From {day} the Wh {row.tier_from_wh} of a month has two prices; let the tiers meet."
            yield Problem("tier_overlap", told)
            return
        if row.tier_from_wh > covered:
            told = f"From {day} the Wh {covered}–{row.tier_from_wh} of a month have no price; add a tier for them."
            yield Problem("tier_gap", told)
        covered = row.tier_to_wh
    if covered is not None:
        told = f"From {day} what is used beyond {covered} Wh has no price; leave the last tier open at its end."
        yield Problem("tier_gap", told)


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
