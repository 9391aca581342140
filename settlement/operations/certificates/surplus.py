"""Gathering one contract for its certificates: meters behind the boundary, storages, who delivered to whom.

Only what was measured counts. Where a boundary or generation reading is estimated or missing, the interval has no green
surplus; where one of the storage is, what the storage holds is of unknown origin from then on. A reading that comes
later brings both back.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NamedTuple
from zoneinfo import ZoneInfo

from django.db import connection

from meters.domain.storage import Battery
from meters.models import Device
from meters.queries import devices_of
from settlement.domain.certificates import Deliveries, Green, Metered, green_of
from settlement.domain.lineage import Lots, load


class CertifiedRun(NamedTuple):
    """A contract and its last run. `results` is the run that holds its results."""

    contract_id: int
    market_id: int
    site_id: int
    timezone: str
    start: datetime
    minutes: int
    run_id: int
    results: int
    revision: int

    @property
    def hour_start(self) -> datetime:
        """The market's local hour that the contract lies in."""
        local = self.start.astimezone(ZoneInfo(self.timezone))
        return local.replace(minute=0, second=0, microsecond=0).astimezone(UTC)

    @property
    def interval(self) -> str:
        """The contract's start as lineages name it."""
        return self.start.astimezone(UTC).isoformat().replace("+00:00", "Z")


@dataclass(frozen=True, slots=True)
class Result:
    """A participant's row of the run, as far as certificates need it. Wh."""

    export_wh: int
    bought_wh: int
    pool_sold_wh: int
    pool_bought_wh: int
    reading_version: int
    estimated: bool


@dataclass(frozen=True, slots=True)
class SubMeters:
    """What the meters of one role behind a participant's boundary counted, Wh; `measured` only where all were read."""

    import_wh: int
    export_wh: int
    version: int
    measured: bool


@dataclass(frozen=True, slots=True)
class Surplus:
    """A producer's green energy of the contract; `has_storage` where its lots are kept."""

    green: Green
    pv_wh: int
    reading_version: int
    has_storage: bool


_RUN = """
    SELECT c.id, c.market_id, m.site_id, s.timezone, c.delivery_start,
           extract(epoch FROM c.delivery_end - c.delivery_start)::int / 60, r.id, coalesce(r.results_of_id, r.id),
           coalesce(i.revision, 0)
    FROM trading_contract c JOIN trading_market m ON m.id = c.market_id JOIN meters_site s ON s.id = m.site_id
    JOIN settlement_settlementrun r ON r.contract_id = c.id
    LEFT JOIN meters_intervalrevision i ON i.site_id = m.site_id AND i.start = c.delivery_start
    WHERE c.id = %s ORDER BY r.number DESC LIMIT 1
"""


def last_run(contract_id: int) -> CertifiedRun | None:
    """A contract with its last run; None where it has not been settled."""
    rows = _fetch(_RUN, (contract_id,))
    return CertifiedRun(*rows[0]) if rows else None


def results_of(run: CertifiedRun) -> dict[int, Result]:
    """What the run found, by participant."""
    query = (
        "SELECT participant_id, export_wh, bought_wh, pool_sold_wh, pool_bought_wh, reading_version, estimated"
        " FROM settlement_participantresult WHERE run_id = %s"
    )
    return {row[0]: Result(*row[1:]) for row in _fetch(query, (run.results,))}


_SUB_METERS = """
    SELECT p.participant_id, p.role, coalesce(sum(r.import_wh), 0)::bigint, coalesce(sum(r.export_wh), 0)::bigint,
           coalesce(max(r.version), 0), bool_and(coalesce(r.quality <> 'estimated', false))
    FROM meters_meteringpoint p LEFT JOIN LATERAL (
        SELECT import_wh, export_wh, version, quality FROM meters_reading
        WHERE site_id = p.site_id AND start = %s AND metering_point_id = p.id AND minutes = %s
        ORDER BY version DESC LIMIT 1
    ) r ON true WHERE p.site_id = %s AND p.role IN ('generation', 'storage') GROUP BY 1, 2
"""


def surpluses(run: CertifiedRun, results: Mapping[int, Result]) -> dict[int, Surplus]:
    """The green energy of everybody with a generation sub-meter who was settled, by participant."""
    meters: dict[str, dict[int, SubMeters]] = {"generation": {}, "storage": {}}
    for participant, role, *counted in _fetch(_SUB_METERS, (run.start, run.minutes, run.site_id)):
        meters[role][participant] = SubMeters(*counted)
    producers = sorted(results.keys() & meters["generation"].keys())
    storages = {who: meters["storage"][who] for who in producers if who in meters["storage"]}
    batteries, lots = _batteries(run.site_id, list(storages)), _lots_before(run, list(storages))
    return {
        who: _surplus(
            run, results[who], meters["generation"][who], storages.get(who), batteries.get(who), lots.get(who, ())
        )
        for who in producers
    }


def _surplus(
    run: CertifiedRun, result: Result, pv: SubMeters, storage: SubMeters | None, battery: Battery | None, lots: Lots
) -> Surplus:
    measured = pv.measured and not result.estimated
    known = measured and storage is not None and storage.measured
    metered = Metered(
        export_wh=result.export_wh if measured else 0,
        bought_wh=result.bought_wh,
        pv_wh=pv.export_wh if measured else 0,
        charge_wh=storage.import_wh if storage and known else 0,
        discharge_wh=storage.export_wh if storage and known else 0,
    )
    green = green_of(metered, battery, lots if known else (), run.interval)
    return Surplus(green, metered.pv_wh, result.reading_version, storage is not None)


def _batteries(site_id: int, producers: Sequence[int]) -> dict[int, Battery]:
    """Each producer's storages as one: their capacity together, the losses of the worst.

    Who has a storage sub-meter but describes no storage gets the usual losses, and no size.
    """
    batteries = {producer: Battery(0, 0, 0) for producer in producers}
    for producer, devices in devices_of(site_id, producers).items():
        storages = [device for device in devices if device.kind != Device.Kind.PV]
        if storages:
            capacity_wh = sum(device.capacity_wh for device in storages)
            batteries[producer] = Battery(capacity_wh, 0, 0, min(device.round_trip_ppm for device in storages))
    return batteries


_LOTS = """
    SELECT p.id, last.lots FROM unnest(%s::bigint[]) AS p(id) CROSS JOIN LATERAL (
        SELECT s.lots FROM settlement_greensurplus s JOIN trading_contract c ON c.id = s.contract_id
        WHERE s.market_id = %s AND s.producer_id = p.id AND s.origin = 'storage' AND s.hour_start <= %s
        AND c.delivery_start < %s ORDER BY s.hour_start DESC, c.delivery_start DESC LIMIT 1
    ) last
"""


def _lots_before(run: CertifiedRun, producers: Sequence[int]) -> dict[int, Lots]:
    rows = _fetch(_LOTS, (list(producers), run.market_id, run.hour_start, run.start))
    return {producer: load(json.loads(lots)) for producer, lots in rows}


def deliveries(run: CertifiedRun, results: Mapping[int, Result], producers: Sequence[int]) -> Deliveries:
    """What these producers delivered by trade, in execution order, and what moved through the pool."""
    query = (
        "SELECT t.seller_id, t.buyer_id, r.delivered_wh FROM settlement_traderesult r"
        " JOIN trading_trade t ON t.market_id = r.market_id AND t.trade_no = r.trade_no"
        " WHERE r.run_id = %s AND r.delivered_wh > 0 AND t.seller_id = ANY(%s) ORDER BY t.trade_no"
    )
    return Deliveries(
        trades=_fetch(query, (run.results, list(producers))),
        pool_sold={who: row.pool_sold_wh for who, row in results.items() if row.pool_sold_wh},
        pool_bought={who: row.pool_bought_wh for who, row in results.items() if row.pool_bought_wh},
    )


def _fetch(query: str, parameters: Sequence[Any]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
