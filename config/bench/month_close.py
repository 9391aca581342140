"""A month closed: 10,000 participants × 1,440 intervals, from settled to approved invoices.

The world is a whole month that was traded and settled (`_month_world`), here a copy of it with an issuer, VAT rates and
billing details. Timed is the close as workers do it, step by step in one process: the figures of thirty days with their
comparison to the ledger, 10,000 drafts, the checklist, the approval by a second person, numbers, postings, registers.

The baseline reads the same results, trades and ledger entries once, added up by participant, and copies the rows of
invoices, lines and entries that came out into empty tables of the same shape: what PostgreSQL needs for the bare data.
"""

import os
import platform
import resource
import time
from datetime import UTC, date, datetime
from typing import Any

from config.bench import BenchmarkError
from config.bench._month_world import month_world

TITLE = "Closing a month: 10,000 participants × 1,440 intervals to issued invoices"

PARTICIPANTS = int(os.environ.get("WATTBOURSE_BENCH_PARTICIPANTS", "10000"))
DAYS = int(os.environ.get("WATTBOURSE_BENCH_DAYS", "30"))
MONTH = date(2026, 6, 1)
AT = datetime(2026, 7, 20, 3, 0, tzinfo=UTC)
TARGET_SECONDS = 300


def run() -> dict[str, Any]:
    """Seconds from settled intervals to issued invoices, next to bare reads and writes of the same rows."""
    with month_world(PARTICIPANTS, DAYS, copy=True):
        from config.collector import settle_down

        settle_down()
        prepare()
        return _told(*_closed())


def prepare() -> None:
    """Make the world's market payable: an issuer, VAT, billing details for everybody."""
    from accounts.models import BillingProfile, Participant
    from settlement.models import Issuer
    from tariffs.models import VatRate
    from trading.models import Contract, Market

    market = _market()
    Contract.objects.filter(market=market, runs=None).delete()  # opened ahead, beyond the world's last day
    Market.objects.filter(pk=market.pk).update(legal_basis=Market.LegalBasis.RETAIL_UNIT)
    Issuer.objects.create(site=market.site, legal_name="Công ty Điện Khu Công nghiệp", tax_code="3700000000")
    since = date(2025, 7, 1)
    VatRate.objects.bulk_create(
        [VatRate(country="VN", category=name, rate_bp=800, valid_from=since) for name in ("electricity", "service")],
        ignore_conflicts=True,
    )
    BillingProfile.objects.bulk_create(
        BillingProfile(participant=person, legal_name=person.name, address="Bình Dương")
        for person in Participant.objects.filter(admissions__market=market)
    )


def _market() -> Any:
    from config.bench._month_people import CODE
    from trading.models import Market

    return Market.objects.select_related("site").get(code=CODE)


def _closed() -> tuple[Any, dict[str, float]]:
    from accounts.operations import create_user
    from settlement.operations.month import approve_close, run_close, start_close
    from settlement.queries.closes import Progress, checklist

    people = [
        create_user(by=None, username=name, password=None, at=AT, is_staff=True) for name in ("computes", "approves")
    ]
    begun = time.perf_counter()
    ends: dict[str, float] = {}

    def told(progress: Progress) -> None:
        ends[progress.phase] = time.perf_counter() - begun

    close = run_close(start_close(market=_market(), month=MONTH, by=people[0], at=AT).pk, AT, told)
    computed = time.perf_counter() - begun
    warnings = [check.code for check in checklist(close) if check.state == "warning"]
    blocking = [check.sentence for check in checklist(close) if check.state == "blocking"]
    if blocking:
        raise BenchmarkError(f"The checklist blocks: {' '.join(blocking)}")
    approve_close(close=close, by=people[1], at=AT, accept=warnings)
    approved = time.perf_counter() - begun
    close = run_close(close.pk, AT, told)
    return close, {
        "figures_seconds": round(ends["figures"], 1),
        "drafts_seconds": round(computed - ends["figures"], 1),
        "checklist_and_approval_seconds": round(approved - computed, 1),
        "issue_seconds": round(time.perf_counter() - begun - approved, 1),
        "seconds": round(time.perf_counter() - begun, 1),
    }


_READ = (
    "SELECT r.participant_id, count(*), sum(r.import_wh), sum(r.export_wh), sum(r.grid_import_wh * r.retail_price)"
    " FROM settlement_participantresult r WHERE r.market_id = %s GROUP BY r.participant_id",
    "SELECT t.buyer_id, sum(d.delivered_wh * t.price) FROM settlement_traderesult d"
    " JOIN trading_trade t ON t.market_id = d.market_id AND t.trade_no = d.trade_no WHERE d.market_id = %s GROUP BY 1",
    "SELECT account_id, sum(amount_millidong), sum(energy_wh) FROM settlement_ledgerentry WHERE market_id = %s"
    " GROUP BY account_id",
)
_WRITTEN = ("settlement_invoice", "settlement_invoiceline", "settlement_monthfigure", "settlement_closereading")


def _bare(market_id: int) -> float:
    """Seconds for reading the month's rows once and writing what came out."""
    from django.db import connection, transaction

    begun = time.perf_counter()
    with connection.cursor() as cursor, transaction.atomic():
        for query in _READ:
            cursor.execute(query, (market_id,))
            cursor.fetchall()
        for table in _WRITTEN:
            cursor.execute(f"CREATE TABLE bare_{table} (LIKE {table} INCLUDING INDEXES)")
            cursor.execute(f"INSERT INTO bare_{table} SELECT * FROM {table}")
    return time.perf_counter() - begun


def _told(close: Any, took: dict[str, float]) -> dict[str, Any]:
    from settlement.models import Invoice, InvoiceLine, LedgerEntry

    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1_024
    bare = _bare(close.market_id)
    return {
        "name": "month_close",
        "value": took["seconds"],
        "unit": "s",
        "baseline": round(bare, 1),
        "ratio": round(bare / took["seconds"], 3),
        "conditions": {
            "participants": PARTICIPANTS,
            "intervals": DAYS * 48,
            "target_seconds": TARGET_SECONDS,
            **took,
            "memory_mib": round(memory),
            "invoices": Invoice.objects.filter(close=close).count(),
            "lines": InvoiceLine.objects.filter(invoice__close=close).count(),
            "entries_posted": LedgerEntry.objects.filter(transaction__invoice__close=close).count(),
            "state": close.state,
            "baseline_is": "results, trades and entries read once by participant, and the written rows written bare",
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        },
    }
