"""The rules a month is billed by, read from the rulebook: VAT, platform fees, each participant's tariff day by day."""

from collections import defaultdict
from datetime import date
from functools import partial
from zoneinfo import ZoneInfo

from settlement.domain.month import VAT_CATEGORY, MonthRules, TariffStretch
from settlement.domain.tariff_days import cut_at_changes, days_of, stretches, tariff_days
from tariffs.queries import NoTerms, Terms, capacity_price, tariff_assignments, terms_at, vat_rate, windows_of
from units.interval import day_bounds

__all__ = ["TariffBook", "days_of", "month_rules"]


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
        return tariff_days(assigned, self.first, self.last, self._stretches)

    def metered_power(self) -> list[int]:
        """Who is on a tariff that charges for the month's highest half hour."""
        return [who for who, rows in self._assigned.items() if self._capacity[rows[-1][1]] is not None]

    def on_tiers(self) -> list[int]:
        """Who is on a tiered tariff on some day of the month."""
        return [who for who in self._assigned if any(stretch.tiered for stretch in self.stretches(who))]

    def _stretches(self, tariff: int, since: date, until: date) -> tuple[TariffStretch, ...]:
        key = tariff, since, until
        if key not in self._cut:
            rows, price = self._windows[tariff], self._capacity[tariff]
            self._cut[key] = tuple(cut_at_changes(rows, since, until, price))
        return self._cut[key]
