"""The rules a month is billed by, read from the rulebook: VAT, platform fees, each participant's tariff day by day."""

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from datetime import date, timedelta
from functools import partial
from itertools import groupby
from zoneinfo import ZoneInfo

from settlement.domain.calendar import month_after
from settlement.domain.month import VAT_CATEGORY, MonthRules, Stretch, TariffStretch
from tariffs.domain.windows import TIER, Window
from tariffs.queries import NoTerms, Terms, capacity_price, tariff_assignments, terms_at, vat_rate, windows_of
from units.interval import day_bounds


def days_of(month: date) -> list[date]:
    """Every day of the month that begins on `month`."""
    return [month + timedelta(days=day) for day in range((month_after(month, 1) - month).days)]


def stretches(days: Sequence[date], value: Callable[[date], int | None]) -> list[Stretch]:
    """The days grouped by a value that holds for some of them in a row."""
    grouped = groupby(((value(on), on) for on in days), key=lambda pair: pair[0])
    runs = [(found, [on for _, on in pairs]) for found, pairs in grouped]
    return [Stretch(held[0], held[-1], found) for found, held in runs]


def month_rules(site_id: int, country: str, month: date, zone: ZoneInfo) -> MonthRules:
    """VAT and platform fees of the month."""
    days = days_of(month)
    terms = {on: _terms(site_id, on, zone) for on in days}
    first = terms[month]
    return MonthRules(
        first=days[0],
        last=days[-1],
        vat={
            category: stretches(days, partial(vat_rate, country, category))
            for category in sorted(set(VAT_CATEGORY.values()))
        },
        platform_price=stretches(days, lambda on: found.platform_fee_price if (found := terms[on]) else 0),
        platform_month=first.platform_fee_month if first else 0,
    )


def _terms(site_id: int, on: date, zone: ZoneInfo) -> Terms | None:
    try:
        return terms_at(site_id, day_bounds(on, zone).start, zone)
    except NoTerms:
        return None


class TariffBook:
    """Who was on which tariff in a month, cut where the tariff's rows change."""

    def __init__(self, site_id: int, month: date) -> None:
        days = days_of(month)
        self.first, self.last = days[0], days[-1]
        self._assigned: dict[int, list[tuple[date, int]]] = defaultdict(list)
        for participant, since, tariff, _ in sorted(tariff_assignments(site_id)):
            if since <= self.last:
                self._assigned[participant].append((since, tariff))
        used = sorted({tariff for rows in self._assigned.values() for _, tariff in rows})
        self._windows = windows_of(used)
        self._capacity = {tariff: capacity_price(tariff, self.last) for tariff in used}
        self._cut: dict[tuple[int, date, date], tuple[TariffStretch, ...]] = {}

    def stretches(self, participant: int) -> tuple[TariffStretch, ...]:
        """The participant's tariffs in the month, in order; empty where it has none."""
        assigned = self._assigned.get(participant, [])
        starts = [max(since, self.first) for since, _ in assigned]
        at = max(bisect_right(starts, self.first) - 1, 0)
        found: list[TariffStretch] = []
        for number in range(at, len(assigned)):
            until = starts[number + 1] - timedelta(days=1) if number + 1 < len(assigned) else self.last
            found += self._stretches(assigned[number][1], starts[number], until)
        return tuple(found)

    def metered_power(self) -> list[int]:
        """Who is on a tariff that charges for the month's highest half hour."""
        return [who for who, rows in self._assigned.items() if self._capacity[rows[-1][1]] is not None]

    def on_tiers(self) -> list[int]:
        """Who is on a tiered tariff on some day of the month."""
        return [who for who in self._assigned if any(stretch.tiered for stretch in self.stretches(who))]

    def _stretches(self, tariff: int, since: date, until: date) -> tuple[TariffStretch, ...]:
        key = tariff, since, until
        if key not in self._cut:
            self._cut[key] = tuple(self._cut_at_changes(tariff, since, until))
        return self._cut[key]

    def _cut_at_changes(self, tariff: int, since: date, until: date) -> Iterable[TariffStretch]:
        rows = self._windows[tariff]
        changes = {row.valid_from for row in rows} | {row.valid_to for row in rows if row.valid_to}
        starts = sorted({since, *(on for on in changes if since < on <= until)})
        for start, end in zip(starts, [*starts[1:], until + timedelta(days=1)], strict=True):
            valid = tuple(row for row in rows if row.is_valid(start))
            last = end - timedelta(days=1)
            yield TariffStretch(start, last, _is_tiered(valid), valid, self._capacity[tariff])


def _is_tiered(rows: Sequence[Window]) -> bool:
    return any(row.period == TIER for row in rows)
