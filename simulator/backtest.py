"""Playing a scene through the market: weeks of market time, with the very operations of the live product.

For every interval, at its start: contracts open, uncross and close (`tick`), standing instructions act (`plan`, which
hands its orders to `submit`). Then the interval happens, with batteries that follow what was traded; its readings come
in (`record_readings`), and it is cleared (`settle`). Nothing here writes to a table of another app behind its back.
"""

import time
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import datetime, timedelta

import numpy as np
from django.db import connection

from planning.domain.forecast import PERSISTENCE, Energy
from planning.operations import Key, persist, plan
from simulator.clearing import Clearing
from simulator.domain.charging import charging_wh
from simulator.domain.scene import Scene
from simulator.domain.under_rulebook import UnderRulebook
from simulator.loading import Loaded
from simulator.world import World
from trading.models import Market
from trading.operations import tick
from units.interval import Interval

PERFECT = "perfect"
FORECASTS = (PERSISTENCE, PERFECT)
ONE_DAY = timedelta(days=1)
# A market that is minutes old by the wall and weeks by its own clock outruns the database's own housekeeping: without
# fresh statistics it believes that the market has no orders yet, and looks each one up by reading all.
ANALYZED = (
    "trading_contract", "trading_order", "trading_position", "trading_trade", "trading_energylimit",
    "planning_forecast", "planning_contractplan", "meters_reading", "meters_intervalrevision", "meters_meteringpoint",
    "settlement_settlementrun", "settlement_participantresult", "settlement_ledgertransaction",
    "settlement_ledgerentry",
)  # fmt: skip
ANALYZED_AFTER = frozenset((1, 4, 16, 48, 96, 192, 384, 768))


@dataclass
class Timings:
    """Wall seconds by part of the loop."""

    seconds: defaultdict[str, float] = field(default_factory=lambda: defaultdict(float))

    @contextmanager
    def of(self, part: str) -> Iterator[None]:
        """Adds the time of the block to a part."""
        started = time.perf_counter()
        try:
            yield
        finally:
            self.seconds[part] += time.perf_counter() - started


@dataclass
class Run:
    """A backtest under way, and what it counted."""

    scene: Scene
    loaded: Loaded
    forecast: str = PERSISTENCE
    rulebook: UnderRulebook | None = None  # None: the scene's own tariffs and rules
    counts: Counter[str] = field(default_factory=Counter)
    timings: Timings = field(default_factory=Timings)

    def __post_init__(self) -> None:
        self.market: Market = self.loaded.market
        self.world = World(self.market)
        self.load_wh = self.scene.load_wh + charging_wh(self.scene)
        self.generation_wh = np.asarray(self.scene.generation_wh)
        self._row = {party: row for row, party in enumerate(self.loaded.ids)}
        self._forecaster = self._perfect if self.forecast == PERFECT else self._from_readings

    def play(self, advance: Callable[[], None]) -> None:
        """Plays the whole scene; `advance` is called after each interval.

        Standing instructions act once an hour, which is often for limits that move five times in two days. Intervals
        are cleared by a second worker while the next ones happen, as in a live market, but always between the same
        two plans, so that a scene gives the same result every time.
        """
        with Clearing(self.market.pk) as clearing:
            for index, interval in enumerate(self.scene.calendar.intervals):
                if index in ANALYZED_AFTER:
                    self._analyze()
                with self.timings.of("tick"):
                    tick(self.market.pk, interval.start)
                if interval.start.minute == 0:
                    clearing.wait()
                    self._plan(interval.start)
                if index:
                    # Only now: its contract has been marked as delivered, so that clearing and `tick` never meet in it.
                    clearing.add(self.scene.calendar.intervals[index - 1])
                self._deliver(index, interval)
                advance()
            clearing.add(self.scene.calendar.intervals[-1])
        self.counts["runs"], self.counts["ledger_entries"] = clearing.cleared, clearing.entries
        self.timings.seconds["settle"] = clearing.seconds

    def _deliver(self, index: int, interval: Interval) -> None:
        with self.timings.of("world"):
            metered = self.world.deliver(interval.start, self._energies(index))
        for values in metered.values():
            self.counts["charged_wh"] += values.charge_wh
            self.counts["discharged_wh"] += values.discharge_wh
        with self.timings.of("readings"):
            self.counts["readings"] += self.world.report(interval.start, metered, interval.end, "backtest")

    def _analyze(self) -> None:
        with self.timings.of("statistics"), connection.cursor() as cursor:
            cursor.execute(f"ANALYZE {', '.join(ANALYZED)}")

    def _plan(self, at: datetime) -> None:
        with self.timings.of("plan"):
            planned = plan(self.market.pk, at, forecaster=self._forecaster, method=self.forecast)
        self.counts["orders_placed"] += planned.placed
        self.counts["orders_amended"] += planned.amended
        self.counts["orders_cancelled"] += planned.cancelled
        self.counts["orders_refused"] += planned.refused

    def _energies(self, index: int) -> dict[int, Energy]:
        load, generation = self.load_wh[:, index].tolist(), self.generation_wh[:, index].tolist()
        return {party: Energy(load[row], generation[row]) for party, row in self._row.items()}

    def _perfect(
        self, _market: Market, participants: Sequence[int], starts: Sequence[datetime], _at: datetime
    ) -> Mapping[Key, Energy]:
        """What will really happen; nothing beyond the scene's end."""
        found: dict[Key, Energy] = {}
        for start in self._inside(starts):
            index = self.scene.calendar.index_of(start)
            assert index is not None
            energies = self._energies(index)
            found.update({(party, start): energies[party] for party in participants})
        return found

    def _from_readings(
        self, market: Market, participants: Sequence[int], starts: Sequence[datetime], at: datetime
    ) -> Mapping[Key, Energy]:
        """Persistence; the first day, before which nothing was read, is given as it will be, so that it can trade."""
        inside = self._inside(starts)
        found = persist(market, participants, inside, at) if inside else {}
        first = [start for start in inside if start < self.scene.calendar.starts_at + ONE_DAY]
        return {**self._perfect(market, participants, first, at), **found}

    def _inside(self, starts: Sequence[datetime]) -> list[datetime]:
        return [start for start in starts if start < self.scene.calendar.ends_at]
