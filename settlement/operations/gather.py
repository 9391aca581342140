"""Gathering one interval: meters, trades, who takes part with which pool limits, prices and terms of its own day.

Who takes part: everybody admitted to the market, everybody with a trade, and everybody whom an earlier run settled, so
that leaving the market undoes nothing. Whoever has no reading is estimated and flagged. What a participant changes
after delivery does not reach back: pool limits and clearing mode are those of the first run.
"""

from dataclasses import dataclass
from datetime import date, datetime
from typing import Any
from zoneinfo import ZoneInfo

import numpy as np
from django.db import connection

from meters.columns import IntArray, distinct, read_columns
from meters.queries import current_readings, reading_revision, sub_metered_output
from settlement.domain.interval import Interval, aligned
from settlement.models import SettlementRun
from settlement.operations.errors import SettlementError
from settlement.operations.surplus import output_wh, paid_wh
from settlement.operations.zones import zones_of
from settlement.queries.disputes import compensation_frozen
from tariffs.queries import NO_PRICE, NoTerms, Terms, retail_price_array, terms_at, zone_fees

MOST_NAMED = 100
# A roof's own meter and the boundary meter may differ by so much before the interval is flagged.
TOLERANCE_PCT = 2
TOLERANCE_WH = 100
NO_LIMIT = np.iinfo(np.int64).min


@dataclass(frozen=True, slots=True)
class ContractRow:
    """The contract as it is while its row is held."""

    id: int
    market_id: int
    site_id: int
    mode: str
    delivery_start: datetime
    delivery_end: datetime
    force_majeure: bool
    timezone: str

    @property
    def zone(self) -> ZoneInfo:
        """The site's time zone."""
        return ZoneInfo(self.timezone)

    @property
    def on(self) -> date:
        """The local day of delivery."""
        return self.delivery_start.astimezone(self.zone).date()

    @property
    def minutes(self) -> int:
        """Length of the delivery interval."""
        return int((self.delivery_end - self.delivery_start).total_seconds()) // 60


@dataclass(frozen=True, eq=False, slots=True)
class Gathered:
    """An interval with what is noted beside it: reading versions (n), the revision seen, what is odd, and the names of
    the zones where fees differ by them."""

    interval: Interval
    reading_version: IntArray
    reading_revision: int
    alarms: list[dict[str, Any]]
    zone_names: tuple[str, ...] = ()


def gather(contract: ContractRow, previous: SettlementRun | None, at: datetime) -> Gathered:
    """Everything that clearing this contract at the moment `at` needs. Raises SettlementError (`no_terms`).

    Nobody pays compensation in an interval that is disputed, nor where a dispute was decided that way.
    """
    terms = _terms(contract)
    revision = reading_revision(contract.site_id, contract.delivery_start)
    trades, limits = _trades(contract.id), _pool_limits(contract, previous, terms.renter_cap_price)
    ids = distinct(np.concatenate([limits["participant"], trades["seller"], trades["buyer"]]))
    readings = current_readings(contract.site_id, contract.delivery_start, contract.minutes)
    metered = {
        name: aligned(ids, readings.participant_ids, getattr(readings, name))
        for name in ("import_wh", "export_wh", "version", "estimated")
    }
    import_wh, export_wh = (metered[name].filled(0) for name in ("import_wh", "export_wh"))
    retail = retail_price_array(contract.site_id, ids, contract.delivery_start, contract.zone)
    fees = zone_fees(contract.site_id, contract.on)
    zones = zones_of(contract.market_id, fees, terms.network_fee, ids, previous)
    interval = Interval(
        contract_id=contract.id,
        mode=previous.mode if previous else contract.mode,
        surplus_price=terms.surplus_price,
        network_fee=terms.network_fee,
        deadband_pct=terms.deadband_pct,
        deadband_wh=terms.deadband_wh,
        force_majeure=contract.force_majeure or compensation_frozen(contract.id, at),
        participant_ids=ids,
        import_wh=import_wh,
        export_wh=export_wh,
        estimated=metered["estimated"].filled(True),
        retail_price=np.where(retail == NO_PRICE, 0, retail),
        pool_ask=_limit(ids, limits, "ask"),
        pool_bid=_limit(ids, limits, "bid"),
        surplus_cap_wh=_surplus_caps(contract, terms, ids, export_wh),
        trade_no=trades["trade_no"],
        seller_id=trades["seller"],
        buyer_id=trades["buyer"],
        traded_wh=trades["wh"],
        price=trades["price"],
        zone_index=zones.place if zones else None,
        zone_fees=zones.fees if zones else None,
    )
    alarms = [
        *_alarm("no_retail_price", ids[(retail == NO_PRICE) & (import_wh > 0)]),
        *_alarm("export_above_generation", _above_generation(contract, ids, export_wh)),
    ]
    return Gathered(interval, metered["version"].filled(0), revision, alarms, zones.names if zones else ())


def _terms(contract: ContractRow) -> Terms:
    try:
        return terms_at(contract.site_id, contract.delivery_start, contract.zone)
    except NoTerms as missing:
        raise SettlementError(missing.code, str(missing)) from missing


def _trades(contract_id: int) -> dict[str, IntArray]:
    query = (
        "SELECT trade_no, seller_id, buyer_id, quantity_wh, price::bigint FROM trading_trade"
        " WHERE contract_id = %s ORDER BY trade_no"
    )
    with connection.cursor() as cursor:
        return read_columns(cursor, query, (contract_id,), ("trade_no", "seller", "buyer", "wh", "price"))


_OFFERED = f"coalesce({{}}, {NO_LIMIT})::bigint"
# least() passes over what is NULL: without a cap, or without a bid, nothing is cut.
_CAPPED = "CASE WHEN renter AND pool_bid_price IS NOT NULL THEN least(pool_bid_price, %s) ELSE pool_bid_price END"
_NOW = (
    f"SELECT participant_id, {_OFFERED.format('pool_ask_price')}, {_OFFERED.format(_CAPPED)}"
    " FROM trading_admission WHERE market_id = %s AND (active OR ended_at > %s) ORDER BY participant_id"
)
_THEN = (
    f"SELECT participant_id, {_OFFERED.format('pool_ask_price')}, {_OFFERED.format('pool_bid_price')}"
    " FROM settlement_participantresult WHERE run_id = %s ORDER BY participant_id"
)


def _pool_limits(contract: ContractRow, previous: SettlementRun | None, renter_cap: int | None) -> dict[str, IntArray]:
    """Who takes part, with its limits: of the run before, and of the admissions for whoever that run did not know. Who
    left after the interval began takes part. A residential renter bids no more than the terms' cap."""
    names = ("participant", "ask", "bid")
    with connection.cursor() as cursor:
        now = read_columns(cursor, _NOW, (renter_cap, contract.market_id, contract.delivery_start), names)
        if previous is None:
            return now
        then = read_columns(cursor, _THEN, (previous.results_of_id or previous.pk,), names)
    new = ~np.isin(now["participant"], then["participant"])
    both = {name: np.concatenate([then[name], now[name][new]]) for name in names}
    order = np.argsort(both["participant"])
    return {name: values[order] for name, values in both.items()}


def _limit(ids: IntArray, limits: dict[str, IntArray], side: str) -> IntArray:
    offered = aligned(ids, limits["participant"], limits[side])
    return np.ma.masked_equal(offered, NO_LIMIT)


def _surplus_caps(contract: ContractRow, terms: Terms, ids: IntArray, export_wh: IntArray) -> IntArray:
    """How much surplus the grid still pays each owner: its share of the month's output so far, less what it has paid.

    Output is what the generation sub-meters gave; without one there is nothing to take a share of, and no cap. Nor is
    there one for those who export nothing here, so that at night nobody adds up a month.
    """
    exporters = ids[export_wh > 0]
    if terms.surplus_cap_pct is None or not len(exporters):
        return np.ma.masked_all(len(ids), dtype=np.int64)
    where = (contract.on, contract.zone)
    made = output_wh(contract.site_id, *where, contract.delivery_end, exporters)
    owners = exporters[~np.ma.getmaskarray(made)]
    if not len(owners):
        return np.ma.masked_all(len(ids), dtype=np.int64)
    paid = paid_wh(contract.market_id, *where, contract.delivery_start, owners)
    return aligned(ids, owners, np.maximum(made.compressed() * terms.surplus_cap_pct // 100 - paid, 0))


def _above_generation(contract: ContractRow, ids: IntArray, export_wh: IntArray) -> IntArray:
    """Those that exported more than their own sub-meters gave: one of the meters is wrong."""
    owners, output_wh = sub_metered_output(contract.site_id, contract.delivery_start, contract.minutes)
    most = aligned(ids, owners, output_wh + np.maximum(output_wh * TOLERANCE_PCT // 100, TOLERANCE_WH))
    return ids[np.ma.filled(export_wh > most, False)]


def _alarm(code: str, participants: IntArray) -> list[dict[str, Any]]:
    if not len(participants):
        return []
    return [{"code": code, "count": len(participants), "participants": participants[:MOST_NAMED].tolist()}]
