"""The tables of an evidence pack as CSV: UTF-8, comma, a header, moments in UTC. Their columns are the format.

docs/formats/evidence-pack.md names each column; `verify_pack.py` reads them again.
"""

import csv
import io
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from settlement.domain.carbon import HourEnergy
from settlement.queries.carbon import CarbonReport, UsedFactor
from settlement.queries.certificates import CertificateRow

HOURLY = (
    "own_pv_wh", "own_storage_wh", "local_pv_wh", "local_storage_wh", "local_other_wh", "grid_wh", "import_wh",
    "consumption_wh", "certificate_wh", "retired_wh", "green_wh", "matched_wh", "uncovered_wh",
)  # fmt: skip
FACTORS = ("country", "first_on", "last_on", "year", "mg_per_kwh", "official", "valid_from", "source", "doubt")


def utc(moment: datetime) -> str:
    """`2026-06-02T03:00:00Z`."""
    return moment.astimezone(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def hourly_csv(report: CarbonReport, pool_wh: dict[datetime, int], zone: ZoneInfo) -> bytes:
    """An hour a row: energy by source, what certificates cover of it, and the emission factor."""
    header = ("hour_start", "hour_local", *HOURLY, "pool_wh", "factor_mg_per_kwh", "unsettled")
    return _csv(header, (_hour(hour, report, pool_wh.get(hour.start, 0), zone) for hour in report.hours))


def _hour(hour: HourEnergy, report: CarbonReport, pool_wh: int, zone: ZoneInfo) -> list[Any]:
    energies = [getattr(hour, name) for name in HOURLY]
    unsettled = int(hour.start in report.unsettled_hours)
    local = hour.start.astimezone(zone).isoformat(timespec="minutes")
    return [utc(hour.start), local, *energies, pool_wh, hour.factor_mg_per_kwh, unsettled]


CERTIFICATES = (
    "certificate", "producer", "holder", "interval_start", "hour_start", "origin", "first_wh", "last_wh", "quantity_wh",
    "state", "counts", "purpose", "period_start", "period_end", "registry", "reference", "run", "reading_version",
    "charged_from",
)  # fmt: skip


def certificates_csv(certificates: Iterable[CertificateRow], *, draft: bool) -> bytes:
    """A certificate a row, void ones left out. `counts`: whether this pack counts it."""
    return _csv(CERTIFICATES, (_certificate(row, draft) for row in certificates if row.state != "void"))


def _certificate(row: CertificateRow, draft: bool) -> list[Any]:
    counts = row.state == "retired" or (draft and row.state in ("issued", "transferred"))
    period = [utc(moment) if moment else "" for moment in (row.period_start, row.period_end)]
    charged = "; ".join(
        f"{s['charged_at']}: {s['charged_wh']} Wh charged, {s['delivered_wh']} delivered, {s['lost_wh']} lost"
        for s in row.lineage
    )
    return [
        f"{row.producer}:{row.first_wh}-{row.last_wh}", row.producer, row.holder, utc(row.start), utc(row.hour_start),
        row.origin, row.first_wh, row.last_wh, row.quantity_wh, row.state, int(counts), row.purpose, *period,
        row.registry, row.reference, row.run_id, row.reading_version, charged if row.origin == "storage" else "",
    ]  # fmt: skip


def factors_csv(country: str, factors: Iterable[UsedFactor]) -> bytes:
    """The emission factors, each with the local days it was used for, where it is from, and what is doubtful."""
    return _csv(
        FACTORS,
        (
            [
                country,
                used.first_on,
                used.last_on,
                f.year,
                f.mg_per_kwh,
                int(f.official),
                f.valid_from,
                f.source,
                f.doubt,
            ]
            for used in factors
            for f in (used.factor,)
        ),
    )


# The last run of each contract, as `run`, with the contract's local hour.
_RUNS = """
    FROM trading_contract c JOIN trading_market m ON m.id = c.market_id JOIN meters_site s ON s.id = m.site_id
    CROSS JOIN LATERAL (
        SELECT coalesce(results_of_id, id) AS results FROM settlement_settlementrun
        WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
    ) run
"""
_WHERE = " WHERE c.market_id = %(market)s AND c.delivery_start >= %(start)s AND c.delivery_start < %(end)s"
_HOUR = "date_trunc('hour', c.delivery_start, s.timezone)"
TRADES = ("trade_no", "interval_start", "hour_start", "seller", "buyer", "traded_wh", "delivered_wh")
_TRADES = f"""
    SELECT t.trade_no, c.delivery_start, {_HOUR}, seller.code, buyer.code, t.quantity_wh, r.delivered_wh {_RUNS}
    JOIN settlement_traderesult r ON r.run_id = run.results
    JOIN trading_trade t ON t.market_id = r.market_id AND t.trade_no = r.trade_no
    JOIN accounts_participant seller ON seller.id = t.seller_id
    JOIN accounts_participant buyer ON buyer.id = t.buyer_id
    {_WHERE} AND %(participant)s IN (t.seller_id, t.buyer_id) ORDER BY t.trade_no
"""


def trades_csv(report: CarbonReport) -> bytes:
    """A trade of the participant a row, with what was delivered of it."""
    rows = _fetch(_TRADES, report)
    return _csv(TRADES, ([no, utc(start), utc(hour), *rest] for no, start, hour, *rest in rows))


_POOL = f"""
    SELECT {_HOUR}, sum(r.pool_bought_wh)::bigint {_RUNS}
    JOIN settlement_participantresult r ON r.run_id = run.results AND r.participant_id = %(participant)s
    {_WHERE} GROUP BY 1
"""


def pool_of(report: CarbonReport) -> dict[datetime, int]:
    """What the participant bought in the pool, by hour, Wh."""
    return dict(_fetch(_POOL, report))


READINGS = (
    "interval_start", "hour_start", "metering_point", "role", "version", "quality", "import_wh", "export_wh", "source",
    "received_at",
)  # fmt: skip
_READINGS = f"""
    SELECT c.delivery_start, {_HOUR}, p.code, p.role, r.version, r.quality, r.import_wh, r.export_wh, r.source,
           r.received_at
    FROM trading_contract c JOIN trading_market m ON m.id = c.market_id JOIN meters_site s ON s.id = m.site_id
    JOIN meters_meteringpoint p ON p.site_id = m.site_id AND p.participant_id = %(participant)s
    CROSS JOIN LATERAL (
        SELECT version, quality, import_wh, export_wh, source, received_at FROM meters_reading
        WHERE site_id = m.site_id AND start = c.delivery_start AND metering_point_id = p.id
        AND minutes * 60 = extract(epoch FROM c.delivery_end - c.delivery_start) ORDER BY version DESC LIMIT 1
    ) r
    {_WHERE} ORDER BY c.delivery_start, p.role, p.code
"""


def readings_csv(report: CarbonReport) -> bytes:
    """The present version of each of the participant's readings a row."""
    rows = _fetch(_READINGS, report)
    return _csv(READINGS, ([utc(start), utc(hour), *rest, utc(at)] for start, hour, *rest, at in rows))


def _fetch(query: str, report: CarbonReport) -> list[tuple[Any, ...]]:
    values: dict[str, Any] = {"market": report.market_id, "participant": report.participant_id}
    with connection.cursor() as cursor:
        cursor.execute(query, {**values, "start": report.start, "end": report.end})
        return list(cursor.fetchall())


def _csv(header: Sequence[str], rows: Iterable[Sequence[Any]]) -> bytes:
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_safe(cell) for cell in row] for row in rows)
    return text.getvalue().encode()


def _safe(cell: Any) -> Any:
    """A text that a spreadsheet would take for a formula gets an apostrophe before it."""
    return f"'{cell}" if isinstance(cell, str) and cell.startswith(("=", "+", "-", "@")) else cell
