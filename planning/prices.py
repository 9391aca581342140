"""Retail prices, surplus price and network fee over many intervals at once, as the planner needs them.

Read once a minute at most: a handful of assignments, tariff rows and terms; then everything is looked up in memory.
"""

import time
from bisect import bisect_right
from collections import defaultdict
from dataclasses import dataclass
from datetime import date, datetime
from zoneinfo import ZoneInfo

from planning.domain.battery_rule import dear_and_cheap
from tariffs.domain.windows import HALF_HOUR, MINUTES_A_DAY, NoPrice, Window, price_at
from tariffs.models import SiteTerms, TariffAssignment
from tariffs.queries import windows_of

_MINUTES = range(0, MINUTES_A_DAY, HALF_HOUR)


@dataclass(frozen=True, slots=True)
class DayPrices:
    """A tariff on one local day, by half hour: VND/kWh, and which half hours are dear or cheap."""

    prices: tuple[int, ...]
    dear: tuple[bool, ...]
    cheap: tuple[bool, ...]


_SECONDS_TO_KEEP = 60
_books: dict[tuple[int, str], tuple[float, "PriceBook"]] = {}


def price_book(site_id: int, zone: ZoneInfo) -> "PriceBook":
    """The rulebook of a site, at most a minute old: tariffs change by date, and long before that date."""
    now = time.monotonic()
    read_at, book = _books.get((site_id, zone.key), (-float("inf"), None))
    if book is None or now - read_at > _SECONDS_TO_KEEP:
        book = PriceBook(site_id, zone)
        _books[site_id, zone.key] = now, book
    return book


class PriceBook:
    """The rulebook of one site in memory."""

    def __init__(self, site_id: int, zone: ZoneInfo) -> None:
        self.zone = zone
        self._assigned: dict[int, list[tuple[date, int]]] = defaultdict(list)
        rows = TariffAssignment.objects.filter(site_id=site_id).order_by("valid_from")
        for party, since, tariff in rows.values_list("participant_id", "valid_from", "tariff_id"):
            self._assigned[party].append((since, tariff))
        self._windows = windows_of(sorted({tariff for rows in self._assigned.values() for _, tariff in rows}))
        terms = SiteTerms.objects.filter(site_id=site_id).order_by("valid_from")
        self._terms = list(terms.values_list("valid_from", "surplus_price", "network_fee"))
        self._days: dict[tuple[int, date], DayPrices | None] = {}
        self._local: dict[datetime, tuple[date, int]] = {}
        self._dear: dict[tuple[int, datetime], tuple[bool, bool]] = {}

    def terms(self, start: datetime) -> tuple[int, int] | None:
        """(surplus price, network fee) in the interval from `start`; None before the first terms."""
        on, _ = self.local(start)
        known = [(surplus, fee) for since, surplus, fee in self._terms if since <= on]
        return known[-1] if known else None

    def retail(self, participant: int, start: datetime) -> int | None:
        """What the grid charges in the interval from `start`, VND/kWh; None where no tariff says."""
        on, slot = self.local(start)
        day = self.day(participant, on)
        return day.prices[slot] if day else None

    def dear(self, participant: int, start: datetime) -> tuple[bool, bool]:
        """Whether the interval from `start` is among the dear, and among the cheap ones of its day."""
        found = self._dear.get((participant, start))
        if found is None:
            on, slot = self.local(start)
            day = self.day(participant, on)
            found = self._dear[participant, start] = (day.dear[slot], day.cheap[slot]) if day else (False, False)
        return found

    def dearest(self, start: datetime) -> int | None:
        """The highest retail price that anybody at the site pays in the interval from `start`."""
        prices = [self.retail(participant, start) for participant in self._assigned]
        return max((price for price in prices if price is not None), default=None)

    def day(self, participant: int, on: date) -> DayPrices | None:
        """A participant's prices on a local day; None where it has no tariff, or that has a hole."""
        since = self._assigned.get(participant, [])
        at = bisect_right([valid_from for valid_from, _ in since], on)
        if not at:
            return None
        key = since[at - 1][1], on
        if key not in self._days:
            self._days[key] = _day(self._windows[key[0]], on)
        return self._days[key]

    def local(self, start: datetime) -> tuple[date, int]:
        """The local date of a moment and its half hour."""
        found = self._local.get(start)
        if found is None:
            local = start.astimezone(self.zone)
            found = self._local[start] = local.date(), (local.hour * 60 + local.minute) // HALF_HOUR
        return found


def _day(rows: list[Window], on: date) -> DayPrices | None:
    try:
        prices = tuple(price_at(rows, on, minute) for minute in _MINUTES)
    except NoPrice:
        return None
    dear, cheap = dear_and_cheap(prices, _MINUTES)
    return DayPrices(prices, tuple(dear), tuple(cheap))
