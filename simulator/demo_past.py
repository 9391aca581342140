"""Filling in the demo's past beside its running market: days metered and settled, months closed, invoices paid.

By the operations of a real site, in an order of its own: while the live market goes on, the days before it are
recorded, a write for all meters of a day, and every interval is settled in a transaction of its own that holds the
market for some milliseconds. Nobody traded by hand in the past: what the roofs had over went to the neighbours through
the pool, at everybody's standing limits.

Nothing but what is there says how far it is. A filling that was killed goes on with the first interval that is missing,
and done twice is done once.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial

from django.db import transaction

from accounts.models import AuditEntry
from meters.operations import record_readings
from settlement.domain.calendar import due_at
from settlement.models import MonthClose
from settlement.operations import settle
from settlement.operations.certificates import issue
from settlement.operations.certificates.issue import due_contracts
from settlement.operations.month.drafts import PAYABLE
from simulator.demo_history import INTERVAL_MINUTES, MODEL_ZONE, STEP, readings_at, starts_between
from simulator.demo_month import close_and_issue, compute
from simulator.domain.past import Day, Extent, Past, past_of
from trading.models import Contract, Market
from trading.queries import market_now

WHOLE = Extent()
# An interval of the past waits as long as it took, times this: the live market comes first.
BREATH = 0.3
SECONDS_BETWEEN_LINES = 30.0
# How long a transaction of the past may take, on the wall's clock, and how long it waits for the live market's.
AHEAD = timedelta(seconds=2)
MOST_SECONDS_TO_WAIT = 10.0
SECONDS_BETWEEN_LOOKS = 0.2
SETTLED = (Contract.State.CLEARED, Contract.State.FINAL)
Say = Callable[[str], None]
Stopping = Callable[[], bool]


@dataclass
class Filling:
    """One process that fills in the past of one market."""

    market: Market
    past: Past
    say: Say
    stopping: Stopping
    settled: int = 0
    told_at: float = 0.0

    def run(self) -> bool:
        """Fill in what is missing; whether all of it is there now."""
        started = self.told_at = time.monotonic()
        if _is_there(self.market, self.past):
            return True
        self.say(f"The past is being filled in meanwhile, from {self.past.days[0].on}; the market goes on.")
        began = began_at(self.market)
        steps = (
            partial(self._settle, self.past.earlier),
            partial(close_and_issue, self.market, self.past.earlier_month, began, self.say),
            partial(self._settle, self.past.last),
            partial(compute, self.market, self.past.last_month, began, self.say),
            partial(self._settle, self.past.this),
        )
        for step in steps:
            if self.stopping():
                return False
            step()
        if not self.stopping():
            took = time.monotonic() - started
            self.say(f"The past is complete: {self.settled} intervals were settled in {took:.0f} s.")
        return not self.stopping()

    def _settle(self, days: tuple[Day, ...]) -> None:
        for day in days:
            if self.stopping():
                return
            self._settle_day(day)
            self._tell(day)

    def _settle_day(self, day: Day) -> None:
        starts = starts_between(day.start, day.end)
        there = Contract.objects.filter(market=self.market, delivery_start__gte=day.start, delivery_start__lt=day.end)
        known = set(there.values_list("delivery_start", flat=True))
        missing = [start for start in starts if start not in known]
        if missing:
            at = day.end if day.at else self._quiet_moment()
            record_readings(
                site=self.market.site, rows=readings_at(starts), by=None, at=at, source="demo",
                minutes=INTERVAL_MINUTES,
            )  # fmt: skip
        for start in missing:
            if self.stopping():
                return
            self._breathing(partial(settle_past, self.market, start, day.kind, day.at or self._quiet_moment()))
            self.settled += 1
        for contract_id in due_contracts(self.market, start=day.start, end=day.end):
            if self.stopping():
                return
            self._breathing(partial(issue, contract_id=contract_id, at=day.at or self._now()))

    def _now(self) -> datetime:
        return market_now(Market.objects.get(pk=self.market.pk), datetime.now(UTC))

    def _quiet_moment(self) -> datetime:
        """Now, once no live interval is to be settled at this moment: what such a run sees of this month must be what
        was there at its moment, and not depend on which of two transactions ends first."""
        until = time.monotonic() + MOST_SECONDS_TO_WAIT
        live = Contract.objects.filter(market=self.market, delivery_start__gte=self.past.days[-1].end)
        while True:
            market = Market.objects.get(pk=self.market.pk)
            now, soon = (market_now(market, datetime.now(UTC) + ahead) for ahead in (timedelta(), AHEAD))
            settling = live.filter(delivery_end__lte=soon).exclude(state__in=SETTLED)
            if self.stopping() or time.monotonic() > until or not settling.exists():
                return now
            time.sleep(SECONDS_BETWEEN_LOOKS)

    def _breathing(self, work: Callable[[], object]) -> None:
        started = time.monotonic()
        work()
        time.sleep((time.monotonic() - started) * BREATH)

    def _tell(self, day: Day) -> None:
        if time.monotonic() - self.told_at >= SECONDS_BETWEEN_LINES:
            self.told_at = time.monotonic()
            self.say(f"The past is filled in up to {day.on} ({self.settled} intervals).")


def fill(market: Market, *, say: Say, stopping: Stopping = lambda: False, extent: Extent = WHOLE) -> bool:
    """Fill in what is missing of a market's past; whether all of it is there now. A market that bills nothing has
    none."""
    if market.legal_basis not in PAYABLE:
        return True
    return Filling(market, past(market, extent), say, stopping).run()


def is_filled(market: Market, extent: Extent = WHOLE) -> bool:
    """Whether there is nothing left to fill in: two counts."""
    if market.legal_basis not in PAYABLE:
        return True
    return _is_there(market, past(market, extent))


def past(market: Market, extent: Extent = WHOLE) -> Past:
    """The days behind a market of the demo."""
    return past_of(began_at(market), MODEL_ZONE, due_at, extent)


def began_at(market: Market) -> datetime:
    """When the demo began, market time: its first readings were recorded then, and the trail of that is never cut."""
    entries = AuditEntry.objects.filter(action="readings.recorded", target=f"site {market.site.code}")
    moment: datetime = entries.order_by("pk").values_list("at", flat=True)[0]
    return moment


def settle_past(market: Market, start: datetime, kind: str, at: datetime) -> None:
    """An interval that is over and metered: its contract and its run, both or neither."""
    with transaction.atomic():
        contract = Contract.objects.create(
            market=market,
            delivery_start=start,
            delivery_end=start + STEP,
            gate_opens_at=start - timedelta(minutes=market.open_ahead_minutes),
            gate_closes_at=start - timedelta(minutes=market.gate_minutes),
            min_price=market.min_price,
            max_price=market.max_price,
            state=Contract.State.DELIVERED,
        )
        settle(contract_id=contract.pk, kind=kind, at=at)


def _is_there(market: Market, found: Past) -> bool:
    days = found.days
    there = Contract.objects.filter(
        market=market, delivery_start__gte=days[0].start, delivery_start__lt=days[-1].end
    ).count()
    wanted = sum((day.end - day.start) // STEP for day in days)
    return there >= wanted and MonthClose.objects.filter(market=market, month=found.last_month).exists()
