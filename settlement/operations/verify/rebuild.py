"""A past run's input once more, from the meters, the trades and the rulebook as they stood then: what an audit holds
against what the run stored.

| of the input | is read again from |
|---|---|
| import, export, estimated | the readings that had come when the run was made, by the revision it saw |
| trades | the trades of the contract, which the replay of the log has proven |
| retail price, surplus price, fees, dead-band | the dated rulebook, on the local day of delivery |
| force majeure | the contract, and the disputes that stood at the run's moment |
| surplus caps | the month's generation and paid surplus as they stood then |

Who takes part, pool limits, zones and clearing mode have no history in the market: the first run's own are taken, and
every later run must have kept them.
"""

from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np
from django.db import connection
from django.db.backends.utils import CursorWrapper

from meters.columns import IntArray, distinct, read_columns
from meters.queries import ESTIMATE_DAYS, days_before
from settlement.domain.calendar import month_start
from settlement.domain.interval import Interval, aligned
from settlement.models import SettlementRun
from settlement.operations.gather import ContractRow
from settlement.queries.disputes import compensation_frozen
from tariffs.queries import NO_PRICE, Terms, retail_price_array, terms_at, zone_fees

Columns = dict[str, Any]  # int64 arrays (n) by the names of the table; masked where they may be NULL


@dataclass(frozen=True, eq=False, slots=True)
class Rebuilt:
    """The input as its sources give it, and the highest reading version of each participant (n)."""

    interval: Interval
    reading_version: IntArray


def rebuild(contract: ContractRow, run: SettlementRun, people: Columns) -> Rebuilt:
    """The input of a run from its sources; `people` are the columns of its results.

    Raises NoTerms where the rulebook has no terms for the day any more.
    """
    terms = terms_at(contract.site_id, contract.delivery_start, contract.zone)
    ids = people["participant_id"]
    with connection.cursor() as cursor:
        trades = read_columns(cursor, _TRADES, (contract.id,), _TRADE_NAMES)
        metered = _metered(cursor, contract, run, ids)
    export_wh = metered["export_wh"]
    fees = zone_fees(contract.site_id, contract.on)
    return Rebuilt(
        Interval(
            contract_id=contract.id,
            mode=run.mode,
            surplus_price=terms.surplus_price,
            network_fee=terms.network_fee,
            deadband_pct=terms.deadband_pct,
            deadband_wh=terms.deadband_wh,
            force_majeure=contract.force_majeure or compensation_frozen(contract.id, run.at),
            participant_ids=ids,
            import_wh=metered["import_wh"],
            export_wh=export_wh,
            estimated=metered["estimated"] > 0,
            retail_price=_retail(contract, run, people),
            pool_ask=people["pool_ask_price"],
            pool_bid=people["pool_bid_price"],
            surplus_cap_wh=_caps(contract, run, terms, ids, export_wh),
            trade_no=trades["trade_no"],
            seller_id=trades["seller"],
            buyer_id=trades["buyer"],
            traded_wh=trades["wh"],
            price=trades["price"],
            zone_index=people["zone_index"].filled(0) if fees else None,
            zone_fees=_zone_fees(run, fees, terms) if fees else None,
        ),
        metered["version"],
    )


_TRADE_NAMES = ("trade_no", "seller", "buyer", "wh", "price")
_TRADES = (
    "SELECT trade_no, seller_id, buyer_id, quantity_wh, price::bigint FROM trading_trade"
    " WHERE contract_id = %s ORDER BY trade_no"
)


def _retail(contract: ContractRow, run: SettlementRun, people: Columns) -> IntArray:
    """By the rulebook. Where the run said that somebody had no price yet, it settled at 0, and a tariff that was
    assigned later changes nothing about that."""
    found = retail_price_array(contract.site_id, people["participant_id"], contract.delivery_start, contract.zone)
    unknown = found == NO_PRICE
    if any(alarm["code"] == "no_retail_price" for alarm in run.alarms):
        unknown |= people["retail_price"] == 0
    return np.where(unknown, 0, found)


def _zone_fees(run: SettlementRun, by_pair: dict[tuple[str, str], int], terms: Terms) -> IntArray:
    names = run.zone_fees["zones"] if run.zone_fees else []
    fees = [[by_pair.get((seller, buyer), terms.network_fee) for buyer in names] for seller in names]
    return np.array(fees, dtype=np.int64).reshape(len(names), len(names))


def _metered(cursor: CursorWrapper, contract: ContractRow, run: SettlementRun, ids: IntArray) -> dict[str, IntArray]:
    """Import, export, version and 0/1 estimated of each participant (n), as the run saw them."""
    until = _seen_until(cursor, contract, run)
    values = (contract.site_id, contract.delivery_start, contract.minutes, *until, contract.site_id)
    rows = read_columns(cursor, _READINGS, values, _READING_NAMES)
    missing = np.flatnonzero(rows["version"] == 0)
    if len(missing):
        _estimate(cursor, contract, run.at, rows, missing)
    owners, sums = _by_participant(rows)
    found = {name: aligned(ids, owners, values) for name, values in sums.items()}
    return {name: values.filled(1 if name == "estimated" else 0) for name, values in found.items()}


_READING_NAMES = ("participant", "point", "import_wh", "export_wh", "version", "estimated")
_READINGS = """
    SELECT p.participant_id, p.id, coalesce(r.import_wh, 0), coalesce(r.export_wh, 0), coalesce(r.version, 0)::bigint,
           (r.quality IS NULL OR r.quality = 'estimated')::int::bigint
    FROM meters_meteringpoint p LEFT JOIN (
        SELECT DISTINCT ON (metering_point_id) metering_point_id, import_wh, export_wh, version, quality
        FROM meters_reading WHERE site_id = %s AND start = %s AND minutes = %s AND (received_at, version) <= (%s, %s)
        ORDER BY metering_point_id, version DESC
    ) r ON r.metering_point_id = p.id
    WHERE p.site_id = %s AND p.role = 'boundary' ORDER BY p.participant_id, p.id
"""
_NEVER, _ALWAYS = datetime(1, 1, 1, tzinfo=UTC), datetime(9_000, 1, 1, tzinfo=UTC)
_ANY_VERSION = 2**31 - 1
_REVISION = "SELECT revision FROM meters_intervalrevision WHERE site_id = %s AND start = %s"
_ARRIVALS = "SELECT DISTINCT received_at, version FROM meters_reading WHERE site_id = %s AND start = %s ORDER BY 1, 2"


def _seen_until(cursor: CursorWrapper, contract: ContractRow, run: SettlementRun) -> tuple[datetime, int]:
    """Up to which arrival, and which version within it, the run saw readings.

    Each load of readings raises the interval's revision by one, so revision 2 has seen the first two arrivals. Arrivals
    of the same moment are told apart by their versions; where that fails too, what had come by the run's moment counts.
    """
    key = (contract.site_id, contract.delivery_start)
    cursor.execute(_REVISION, key)
    row = cursor.fetchone()
    if row is None or row[0] == run.reading_revision:
        return _ALWAYS, _ANY_VERSION
    if not run.reading_revision:
        return _NEVER, 0
    cursor.execute(_ARRIVALS, key)
    pairs: list[tuple[datetime, int]] = cursor.fetchall()
    moments = sorted({(moment, _ANY_VERSION) for moment, _ in pairs})
    by_load = next((loads for loads in (moments, pairs) if len(loads) == row[0]), None)
    return by_load[run.reading_revision - 1] if by_load else (run.at, _ANY_VERSION)


def _by_participant(rows: dict[str, IntArray]) -> tuple[IntArray, dict[str, IntArray]]:
    owners = distinct(rows["participant"])
    if not len(owners):
        return owners, dict.fromkeys(_READING_NAMES[2:], owners)
    first = np.searchsorted(rows["participant"], owners)
    sums = {name: np.add.reduceat(rows[name], first) for name in ("import_wh", "export_wh")}
    return owners, sums | {name: np.maximum.reduceat(rows[name], first) for name in ("version", "estimated")}


_ESTIMATE = """
    SELECT point, floor(avg(import_wh))::bigint, floor(avg(export_wh))::bigint FROM (
        SELECT DISTINCT ON (r.metering_point_id, r.start) r.metering_point_id AS point, r.import_wh, r.export_wh,
               r.quality
        FROM meters_reading r WHERE r.site_id = %s AND r.start = ANY(%s) AND r.minutes = %s
             AND r.metering_point_id = ANY(%s) AND r.received_at <= %s
        ORDER BY r.metering_point_id, r.start, r.version DESC
    ) before WHERE quality <> 'estimated' GROUP BY point ORDER BY point
"""


def _estimate(
    cursor: CursorWrapper, contract: ContractRow, at: datetime, rows: dict[str, IntArray], missing: IntArray
) -> None:
    """The mean of the seven days before, of what was known of them at the run's moment."""
    days = days_before(contract.delivery_start, contract.zone, ESTIMATE_DAYS)
    points = rows["point"][missing]
    values = (contract.site_id, days, contract.minutes, points.tolist(), at)
    found = read_columns(cursor, _ESTIMATE, values, ("point", "import_wh", "export_wh"))
    order = np.argsort(points)
    where = missing[order[np.searchsorted(points, found["point"], sorter=order)]]
    rows["import_wh"][where], rows["export_wh"][where] = found["import_wh"], found["export_wh"]


_OUTPUT = """
    SELECT p.participant_id, coalesce(sum(r.wh), 0)::bigint FROM meters_meteringpoint p LEFT JOIN LATERAL (
        SELECT sum(export_wh) AS wh FROM (
            SELECT DISTINCT ON (start) export_wh FROM meters_reading
            WHERE metering_point_id = p.id AND site_id = %s AND start >= %s AND start < %s AND received_at <= %s
            ORDER BY start, version DESC
        ) latest
    ) r ON true
    WHERE p.site_id = %s AND p.role = 'generation' AND p.participant_id = ANY(%s::bigint[])
    GROUP BY p.participant_id ORDER BY p.participant_id
"""
_PAID = """
    SELECT r.participant_id, sum(r.grid_export_wh - r.unpaid_spill_wh)::bigint FROM trading_contract c
    CROSS JOIN LATERAL (
        SELECT coalesce(results_of_id, id) AS run FROM settlement_settlementrun
        WHERE contract_id = c.id AND id < %s ORDER BY number DESC LIMIT 1
    ) last JOIN settlement_participantresult r ON r.run_id = last.run
    WHERE c.market_id = %s AND c.delivery_start >= %s AND c.delivery_start < %s AND r.participant_id = ANY(%s)
    GROUP BY r.participant_id ORDER BY r.participant_id
"""


def _caps(contract: ContractRow, run: SettlementRun, terms: Terms, ids: IntArray, export_wh: IntArray) -> Any:
    """What the grid still paid each owner at the run's moment, of the month's output known then."""
    exporters = ids[export_wh > 0]
    if terms.surplus_cap_pct is None or not len(exporters):
        return np.ma.masked_all(len(ids), dtype=np.int64)
    month, end = month_start(contract.on, contract.zone), contract.delivery_end
    with connection.cursor() as cursor:
        values = (contract.site_id, month, end, run.at, contract.site_id, exporters.tolist())
        made = read_columns(cursor, _OUTPUT, values, ("participant", "wh"))
        owners = made["participant"].tolist()
        before = (run.pk, contract.market_id, month, contract.delivery_start, owners)
        paid = read_columns(cursor, _PAID, before, ("participant", "wh")) if owners else made
    allowed = aligned(ids, made["participant"], made["wh"] * terms.surplus_cap_pct // 100)
    return np.ma.maximum(allowed - aligned(ids, paid["participant"], paid["wh"]).filled(0), 0)
