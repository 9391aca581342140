"""The demo while it runs: it turns the market's clock, and plays what people and things outside the software do.

Meters report every interval that is over, batteries follow what was traded, a few members trade by hand. Opening and
closing, standing instructions and settlement are the business of the workers, as in a real market.
"""

import logging
import time
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import psycopg
from django.db import InterfaceError, OperationalError, connection
from django.db.models import Max

from accounts.models import Participant
from meters.models import Reading
from planning.domain.forecast import Energy
from simulator.demo_history import MODEL, SEED
from simulator.domain.demo import demo_members, is_reached
from simulator.domain.physics import Metered
from simulator.hands import Hands
from simulator.world import World
from trading.domain.clock import market_time
from trading.models import Contract, Market
from trading.operations import MarketUnavailable, set_clock
from units.energy import format_energy
from units.interval import Interval
from units.money import format_price
from units.numbers import rounded_half_up

log = logging.getLogger(__name__)
SECONDS_BETWEEN_LOOKS = 0.25
SECONDS_BETWEEN_HANDS = 1.3
SECONDS_BETWEEN_ANCHORS = 5.0
MOST_CATCH_UP = timedelta(days=14)
TROUBLE = (OperationalError, InterfaceError, MarketUnavailable, psycopg.OperationalError)
Say = Callable[[str], None]


class Clock:
    """The market's clock as the demo turns it: it goes on where it stopped, and stands while the demo does not run."""

    def __init__(self, market: Market, rate: int) -> None:
        self.market = market
        self.rate = rate

    def start(self, wall: datetime) -> datetime:
        """Goes on from the last moment of the market; at rate 1 from now, if that is later."""
        at = self._last(wall)
        self._anchor(max(at, wall) if self.rate == 1 else at, wall, self.rate)
        return self.now(wall)

    def now(self, wall: datetime) -> datetime:
        """The market's time."""
        market = self.market
        return market_time(wall, rate=market.clock_rate, clock_at=market.clock_at, started_at=market.clock_started_at)

    def note(self, wall: datetime) -> None:
        """Notes how far the clock has come, so that a start after a power cut goes on from here."""
        self._anchor(self.now(wall), wall, self.rate)

    def stop(self, wall: datetime) -> None:
        """Lets the clock stand."""
        self._anchor(self.now(wall), wall, 0)

    def _last(self, wall: datetime) -> datetime:
        """Where the market stands: where its clock was noted last, and no earlier than its last command."""
        market = Market.objects.get(pk=self.market.pk)
        known = [moment for moment in (market.clock_at, market.last_at) if moment is not None]
        return max(known, default=wall)

    def _anchor(self, at: datetime, wall: datetime, rate: int) -> None:
        set_clock(self.market, rate=rate, clock_at=at, started_at=wall)


class Players:
    """Meters, batteries and hand-traders of the demo's market."""

    def __init__(self, market: Market, say: Say) -> None:
        self.market = market
        self.say = say
        self.step = timedelta(minutes=market.interval_minutes)
        self.zone = ZoneInfo(market.site.timezone)
        self.world = World(market)
        self.hands = Hands(market, SEED)
        ids = dict(Participant.objects.filter(admissions__market=market).values_list("code", "pk"))
        self._members = [(ids[member.participant.key], member) for member in demo_members()]
        self._next = self._first_unread()

    def _first_unread(self) -> datetime:
        last = Reading.objects.filter(site_id=self.market.site_id).aggregate(last=Max("start"))["last"]
        assert last is not None, "the demo is seeded with readings"
        moment: datetime = last + self.step
        return moment

    def report(self, now: datetime) -> int:
        """Lets every interval that is over at `now` happen and reports it; returns how many there were."""
        self._next = max(self._next, Interval.of(now - MOST_CATCH_UP, self.market.interval_minutes, self.zone).start)
        done = 0
        while self._next + self.step <= now and self._gate_is_closed(now):
            metered = self.world.deliver(self._next, self._energies(self._next))
            self.world.report(self._next, self._reached(metered, self._next), now, "demo")
            self._tell(self._next)
            self._next += self.step
            done += 1
        return done

    def _gate_is_closed(self, now: datetime) -> bool:
        """Whether the interval's trades are final: its batteries follow them. The worker closes it within seconds."""
        waiting = (Contract.State.SCHEDULED, Contract.State.CALL, Contract.State.CONTINUOUS)
        still = Contract.objects.filter(market=self.market, delivery_start=self._next, state__in=waiting)
        return not still.exists()

    def _reached(self, metered: dict[int, Metered], start: datetime) -> dict[int, Metered]:
        """What is reported: some meters cannot be reached for a while."""
        local = start.astimezone(self.zone)
        lost = {
            party for party, member in self._members
            if not is_reached(member.participant.key, local.hour * 60 + local.minute)
        }  # fmt: skip
        return {party: values for party, values in metered.items() if party not in lost}

    def _energies(self, start: datetime) -> dict[int, Energy]:
        return {
            party: Energy(
                *MODEL.interval(
                    member.participant.key, member.shape, member.params, start, self.market.interval_minutes
                )
            )
            for party, member in self._members
        }

    def _tell(self, start: datetime) -> None:
        row = Contract.objects.filter(market=self.market, delivery_start=start).first()
        label = Interval(start, start + self.step).label(self.zone)
        if row is None or not row.volume_wh:
            self.say(f"{label} delivered and metered; nothing had been traded.")
            return
        mean = format_price(rounded_half_up(row.turnover_millidong, row.volume_wh))
        self.say(f"{label} delivered and metered; {format_energy(row.volume_wh)} traded at {mean} on average.")


def play(market: Market, rate: int, stopping: Callable[[], bool], say: Say) -> None:
    """Runs until `stopping()`; a database that goes away is waited for."""
    clock = Clock(market, rate)
    players: Players | None = None
    hands_at = anchored_at = 0.0
    lost = False
    while not stopping():
        try:
            wall = datetime.now(UTC)
            if players is None:
                clock.start(wall)
                players = Players(market, say)
            now = clock.now(wall)
            players.report(now)
            if time.monotonic() - hands_at >= SECONDS_BETWEEN_HANDS:
                hands_at = time.monotonic()
                players.hands.move(now)
            if time.monotonic() - anchored_at >= SECONDS_BETWEEN_ANCHORS:
                anchored_at = time.monotonic()
                clock.note(datetime.now(UTC))
            if lost:
                lost = False
                say("The database is back; the demo goes on.")
        except TROUBLE as error:
            if not lost:
                say(f"The database cannot be reached ({_first_line(error)}); waiting for it.")
                log.warning("database lost: %s", error)
            lost, players = True, None
            connection.close()
            time.sleep(1)
        time.sleep(SECONDS_BETWEEN_LOOKS)
    _stop(clock, lost=lost)


def _stop(clock: Clock, *, lost: bool) -> None:
    if lost:
        return
    try:
        clock.stop(datetime.now(UTC))
    except TROUBLE as error:
        log.warning("the clock could not be stopped: %s", error)


def _first_line(error: BaseException) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0]
