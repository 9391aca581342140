"""The rulebook as the planner needs it: besides the prices, which half hours of a day are dear and which are cheap."""

import time
from datetime import date, datetime
from zoneinfo import ZoneInfo

from planning.domain.battery_rule import dear_and_cheap
from tariffs import pricebook

_books: dict[tuple[int, str], tuple[float, "PriceBook"]] = {}


def price_book(site_id: int, zone: ZoneInfo) -> "PriceBook":
    """The rulebook of a site, at most a minute old: tariffs change by date, and long before that date."""
    now = time.monotonic()
    read_at, book = _books.get((site_id, zone.key), (-float("inf"), None))
    if book is None or now - read_at > pricebook.SECONDS_TO_KEEP:
        book = PriceBook(site_id, zone)
        _books[site_id, zone.key] = now, book
    return book


class PriceBook(pricebook.PriceBook):
    """The rulebook of one site in memory, with its dear and cheap half hours."""

    def __init__(self, site_id: int, zone: ZoneInfo) -> None:
        super().__init__(site_id, zone)
        self._marks: dict[tuple[int, ...], tuple[list[bool], list[bool]]] = {}
        self._dear: dict[tuple[int, datetime], tuple[bool, bool]] = {}

    def dear(self, participant: int, start: datetime) -> tuple[bool, bool]:
        """Whether the interval from `start` is among the dear, and among the cheap ones of its day."""
        found = self._dear.get((participant, start))
        if found is None:
            found = self._dear[participant, start] = self._mark(participant, *self.local(start))
        return found

    def _mark(self, participant: int, on: date, slot: int) -> tuple[bool, bool]:
        prices = self.day(participant, on)
        if prices is None:
            return False, False
        if prices not in self._marks:
            self._marks[prices] = dear_and_cheap(prices, pricebook.MINUTES)
        dear, cheap = self._marks[prices]
        return dear[slot], cheap[slot]
