"""The physical side of a site: its members' meters and batteries, and their reports, interval by interval.

Shared by the backtest and the demo: both know load and generation beforehand, and both let the batteries follow what
was traded and report through `record_readings`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from meters.models import Device, MeteringPoint
from meters.operations import NewReading, record_readings, record_state_of_charge
from planning import queries
from planning.domain.battery_rule import Slot, Store, needs_wh
from planning.domain.forecast import Energy
from planning.prices import price_book
from planning.queries import Ahead
from planning.storage import store_of
from simulator.domain.physics import Metered, through_meters, with_storage, without_storage
from trading.models import Market

SUFFIXES = {"boundary": "", "generation": ".pv", "storage": ".store"}


@dataclass
class _Storage:
    device_id: int
    store: Store
    soc_wh: int
    reported_wh: int


class World:
    """The members of one market with their meters and batteries. State of charge is kept here and reported."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.site = market.site
        self.book = price_book(market.site_id, ZoneInfo(market.site.timezone))
        self._points = self._metering_points()
        instructions, minutes = queries.instructions(market.pk), market.interval_minutes
        self._storage = {
            party: _Storage(
                found.device_id, store_of(found, instructions.get(party), minutes), found.soc_wh, found.soc_wh
            )
            for party, found in queries.storage_of(market.site_id).items()
            if party in self._points
        }

    def _metering_points(self) -> dict[int, dict[str, list[str]]]:
        points: dict[int, dict[str, list[str]]] = {}
        for point in MeteringPoint.objects.filter(site_id=self.site.pk).order_by("code"):
            points.setdefault(point.participant_id, {}).setdefault(point.role, []).append(point.code)
        return points

    def deliver(self, start: datetime, energies: Mapping[int, Energy]) -> dict[int, Metered]:
        """Lets the interval from `start` happen with these gross loads and generations; batteries follow their trades.

        To be called once its gate is closed, so that the trades are final.
        """
        ahead = queries.ahead(self.market.pk, list(self._storage), start)
        metered = {}
        for party, energy in energies.items():
            storage = self._storage.get(party)
            if storage is None:
                metered[party] = without_storage(energy.load_wh, energy.generation_wh)
                continue
            slot, need_after = self._before(storage.store, party, start, ahead)
            metered[party] = with_storage(
                storage.store, storage.soc_wh, energy.load_wh, energy.generation_wh, slot, need_after
            )
            storage.soc_wh = metered[party].soc_wh
        return metered

    def _before(self, store: Store, party: int, start: datetime, ahead: Ahead) -> tuple[Slot, int]:
        """The interval as the battery sees it, and what later promises need at its end.

        Own surplus that may come in between is not counted on: energy for a promise stays where it is.
        """
        dear = self.book.dear(party, start)
        if not ahead.starts or ahead.starts[0] != start:
            return Slot(0, 0, 0, 0, 0, *dear), needs_wh(store, [])[0]
        return Slot(*ahead.now(party), *dear), needs_wh(store, [Slot(*figures) for figures in ahead.promised(party)])[0]

    def report(self, start: datetime, metered: Mapping[int, Metered], at: datetime, source: str) -> int:
        """Sends the readings of an interval, and every state of charge that changed; returns how many readings."""
        rows = [row for party, values in metered.items() for row in self._rows(party, start, values)]
        with transaction.atomic():
            record_readings(
                site=self.site, rows=rows, by=None, at=at, source=source, minutes=self.market.interval_minutes
            )
            for party, storage in self._storage.items():
                self._report_charge(storage, metered[party], at)
        return len(rows)

    def _report_charge(self, storage: _Storage, values: Metered, at: datetime) -> None:
        if values.soc_wh != storage.reported_wh:
            device = Device(pk=storage.device_id)
            record_state_of_charge(device=device, soc_wh=values.soc_wh, by=None, at=at)
            storage.reported_wh = values.soc_wh

    def _rows(self, party: int, start: datetime, values: Metered) -> list[NewReading]:
        points = self._points[party]
        boundary = points["boundary"]
        parts = (through_meters(wh, len(boundary)) for wh in (values.import_wh, values.export_wh))
        rows = [NewReading(code, start, *wh) for code, *wh in zip(boundary, *parts, strict=True)]
        if "generation" in points:
            rows.append(NewReading(points["generation"][0], start, 0, values.generation_wh))
        if "storage" in points:
            rows.append(NewReading(points["storage"][0], start, values.charge_wh, values.discharge_wh))
        return rows
