"""A month's days by what holds on them: a rate, a fee, a tariff. The close of a month and what-if read it alike.

Example: VAT of 8 % until 31 December and 10 % from 1 January: in December one stretch, over both months two.
"""

from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import date, timedelta
from itertools import groupby
from typing import TypeVar

from settlement.domain.calendar import month_after
from settlement.domain.month import Stretch, TariffStretch
from tariffs.domain.windows import TIER, Window

Tariff = TypeVar("Tariff", int, str)
ONE_DAY = timedelta(days=1)


def days_of(month: date) -> list[date]:
    """Every day of the month that begins on `month`."""
    return [month + timedelta(days=day) for day in range((month_after(month, 1) - month).days)]


def stretches(days: Sequence[date], value: Callable[[date], int | None]) -> list[Stretch]:
    """The days grouped by a value that holds for some of them in a row."""
    grouped = groupby(((value(on), on) for on in days), key=lambda pair: pair[0])
    runs = [(found, [on for _, on in pairs]) for found, pairs in grouped]
    return [Stretch(held[0], held[-1], found) for found, held in runs]


def tariff_days(
    assigned: Sequence[tuple[date, Tariff]],
    first: date,
    last: date,
    cut: Callable[[Tariff, date, date], Iterable[TariffStretch]],
) -> tuple[TariffStretch, ...]:
    """The tariffs of the days [first, last], in order; empty where there is none. `assigned`: from when on which one,
    by date; `cut` cuts the days [since, until] of one tariff where its rows change."""
    starts = [max(since, first) for since, _ in assigned]
    at = max(bisect_right(starts, first) - 1, 0)
    found: list[TariffStretch] = []
    for number in range(at, len(assigned)):
        until = starts[number + 1] - ONE_DAY if number + 1 < len(assigned) else last
        found += cut(assigned[number][1], starts[number], until)
    return tuple(found)


def cut_at_changes(
    rows: Sequence[Window], since: date, until: date, capacity_price: int | None
) -> Iterator[TariffStretch]:
    """The days [since, until] of one tariff in stretches on which its rows do not change."""
    changes = {row.valid_from for row in rows} | {row.valid_to for row in rows if row.valid_to}
    starts = sorted({since, *(on for on in changes if since < on <= until)})
    for start, end in zip(starts, [*starts[1:], until + ONE_DAY], strict=True):
        valid = tuple(row for row in rows if row.is_valid(start))
        yield TariffStretch(start, end - ONE_DAY, is_tiered(valid), valid, capacity_price)


def is_tiered(rows: Sequence[Window]) -> bool:
    """Whether these rows are tiers of a month's use."""
    return any(row.period == TIER for row in rows)
