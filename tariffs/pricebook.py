"""The rulebook of a site in memory: retail price, surplus price and network fee of many intervals at once.

Read once a minute at most (tariffs change by date, and long before that date), and at once where this process changes a
rule itself: a handful of assignments, rows and terms; then everything is looked up, since the order path asks for each
order. What settles an interval is never this copy but `tariffs.queries`.
"""

import time
from bisect import bisect_right
from collections import defaultdict
from datetime import date, datetime
from zoneinfo import ZoneInfo

from tariffs.domain.windows import HALF_HOUR, MINUTES_A_DAY, TIER, NoPrice, Window, price_at
from tariffs.models import NetworkFee, SiteTerms
from tariffs.queries import tariff_assignments, windows_of

MINUTES = range(0, MINUTES_A_DAY, HALF_HOUR)
SECONDS_TO_KEEP = 60
_books: dict[tuple[int, str], tuple[float, "PriceBook"]] = {}


def price_book(site_id: int, zone: ZoneInfo) -> "PriceBook":
    """The rulebook of a site, at most a minute old."""
    now = time.monotonic()
    read_at, book = _books.get((site_id, zone.key), (-float("inf"), None))
    if book is None or now - read_at > SECONDS_TO_KEEP:
        book = PriceBook(site_id, zone)
        _books[site_id, zone.key] = now, book
    return book


def forget() -> None:
    """Reads every rulebook again when it is next asked for."""
    _books.clear()


class PriceBook:
    """The rulebook of one site; prices in VND/kWh."""

    def __init__(self, site_id: int, zone: ZoneInfo) -> None:
        self.zone = zone
        self._assigned: dict[int, list[tuple[date, int, int]]] = defaultdict(list)
        for party, since, tariff, month_wh in tariff_assignments(site_id):
            self._assigned[party].append((since, tariff, month_wh))
        self._windows = windows_of(sorted({tariff for rows in self._assigned.values() for _, tariff, _ in rows}))
        self._tiered = {tariff for tariff, rows in self._windows.items() if any(row.period == TIER for row in rows)}
        terms = SiteTerms.objects.filter(site_id=site_id).order_by("valid_from")
        self._terms = list(terms.values_list("valid_from", "surplus_price", "network_fee", "renter_cap_price"))
        fees = NetworkFee.objects.filter(site_id=site_id).order_by("valid_from")
        self._fees = list(fees.values_list("valid_from", "seller_zone", "buyer_zone", "price"))
        self._least_fees: dict[tuple[date, str], int | None] = {}
        self._days: dict[tuple[int, date, int], tuple[int, ...] | None] = {}
        self._local: dict[datetime, tuple[date, int]] = {}

    def terms(self, start: datetime) -> tuple[int, int] | None:
        """(surplus price, network fee) in the interval from `start`; None before the first terms."""
        on, _ = self.local(start)
        known = [(surplus, fee) for since, surplus, fee, _ in self._terms if since <= on]
        return known[-1] if known else None

    def renter_cap(self, start: datetime) -> int | None:
        """The most that a residential renter may bid in the interval from `start`; None without a cap."""
        on, _ = self.local(start)
        known = [cap for since, _, _, cap in self._terms if since <= on]
        return known[-1] if known else None

    def least_fee(self, start: datetime, buyer_zone: str) -> int | None:
        """The lowest network fee at which energy can reach a zone in the interval from `start`; None without terms."""
        on, _ = self.local(start)
        if (on, buyer_zone) not in self._least_fees:
            self._least_fees[on, buyer_zone] = self._cheapest_way(start, on, buyer_zone)
        return self._least_fees[on, buyer_zone]

    def _cheapest_way(self, start: datetime, on: date, buyer_zone: str) -> int | None:
        terms = self.terms(start)
        if terms is None:
            return None
        by_seller = {seller: price for since, seller, buyer, price in self._fees if since <= on and buyer == buyer_zone}
        return min([terms[1], *by_seller.values()])

    def retail(self, participant: int, start: datetime) -> int | None:
        """What the grid charges in the interval from `start`; None where no tariff says."""
        on, slot = self.local(start)
        prices = self.day(participant, on)
        return prices[slot] if prices else None

    def dearest(self, start: datetime) -> int | None:
        """The highest retail price that anybody at the site pays in the interval from `start`."""
        prices = [self.retail(participant, start) for participant in self._assigned]
        return max((price for price in prices if price is not None), default=None)

    def day(self, participant: int, on: date) -> tuple[int, ...] | None:
        """A participant's prices on a local day, by half hour; None where it has no tariff, or that has a hole."""
        since = self._assigned.get(participant, [])
        at = bisect_right([valid_from for valid_from, _, _ in since], on)
        if not at:
            return None
        _, tariff, month_wh = since[at - 1]
        key = tariff, on, month_wh if tariff in self._tiered else 0
        if key not in self._days:
            self._days[key] = _day(self._windows[tariff], on, month_wh)
        return self._days[key]

    def local(self, start: datetime) -> tuple[date, int]:
        """The local date of a moment and its half hour."""
        found = self._local.get(start)
        if found is None:
            local = start.astimezone(self.zone)
            found = self._local[start] = local.date(), (local.hour * 60 + local.minute) // HALF_HOUR
        return found


def _day(rows: list[Window], on: date, month_wh: int) -> tuple[int, ...] | None:
    try:
        return tuple(price_at(rows, on, minute, month_wh) for minute in MINUTES)
    except NoPrice:
        return None
