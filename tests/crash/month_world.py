"""A market with forty-eight members of every kind and a month to close, and all that a close leaves as one text."""

import hashlib
import json
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta

from django.db import connection

from accounts.models import AuditEntry
from meters.models import MeteringPoint
from settlement.models import Invoice, InvoiceSeries, MonthClose, RegisterReading
from tariffs.domain.windows import ALL_WEEK, MINUTES_A_DAY, TIER, Window
from tariffs.models import Tariff
from tariffs.operations import assign_tariff, replace_rows
from tariffs.operations.rules import set_capacity_price
from tests.billing_world import bill, close_month, hang_meter, interval, make_billing_world
from tests.settlement_world import FIRST_DAY, TUESDAY_TEN, World
from trading.models import Admission

MEMBERS = 48
MAY, JUNE = date(2026, 5, 1), date(2026, 6, 1)
MAY_DAY = datetime(2026, 5, 5, 3, 0, tzinfo=UTC)


def build() -> int:
    """The world with May closed and June settled; the market's id."""
    world = make_billing_world("w", platform_fee_price=15, platform_fee_month=150)
    tiers, hours = _tiers(), _hours()
    for number in range(MEMBERS):
        _add(world, number, tiers, hours)
    MeteringPoint.objects.create(site=world.site, participant=world.people["m06"], code="MP-m06b")
    interval(world, MAY_DAY, dict(_readings(0)) | {"m06b": (501, 0)})
    close_month(world, MAY, datetime(2026, 6, 10, 3, 0, tzinfo=UTC), ("no_profile", "before_cutoff", "losses"))
    for day, hour in enumerate((0, 9, 3, 12, 5)):
        start = TUESDAY_TEN + timedelta(days=4 * day, hours=hour)
        interval(world, start, dict(_readings(day + 1)) | {"m06b": (1_003, 0)}, _trades(day))
    return world.market.pk


def _tiers() -> Tariff:
    tariff = Tariff.objects.create(code="home", name="home")
    bounds = ((0, 1_000, 1_984), (1_000, 2_500, 2_050), (2_500, None, 2_380))
    rows = [Window(ALL_WEEK, 0, MINUTES_A_DAY, p, FIRST_DAY, None, TIER, "", low, high) for low, high, p in bounds]
    replace_rows(tariff=tariff, rows=rows, by=None, at=TUESDAY_TEN)
    return tariff


def _hours() -> Tariff:
    tariff = Tariff.objects.create(code="works", name="works")
    hours = ((0, 1_080, 1_833, "normal"), (1_080, 1_440, 3_398, "peak"))
    rows = [Window(ALL_WEEK, low, high, price, FIRST_DAY, None, period) for low, high, price, period in hours]
    replace_rows(tariff=tariff, rows=rows, by=None, at=TUESDAY_TEN)
    set_capacity_price(tariff=tariff, price_per_kw=235_414, valid_from=FIRST_DAY, by=None, at=TUESDAY_TEN)
    return tariff


def _add(world: World, number: int, tiers: Tariff, hours: Tariff) -> None:
    """Sellers, homes on tiers, works on hours, some with a meter, some with an invoice for each, some tiny."""
    code, kind = f"m{number:02}", number % 8
    world.add(code, retail=2_000 + number if kind in (0, 3, 6, 7) else None, ask=900 if kind == 0 else None,
              bid=1_700 if kind == 3 else None)  # fmt: skip
    if kind in (1, 2, 4, 5):
        assign_tariff(
            site=world.site, participant=world.people[code], tariff=tiers if kind < 3 else hours,
            valid_from=FIRST_DAY, expected_month_wh=900, by=None, at=TUESDAY_TEN,
        )  # fmt: skip
    if kind != 5:
        bill(world, code, invoice_per="meter" if kind == 6 else "participant", vat_registered=kind == 0)
    if kind % 2:
        hang_meter(world, code, start_wh=number * 1_000, multiplier=1 + number % 3)


def _readings(seed: int) -> Iterable[tuple[str, tuple[int, int]]]:
    for number in range(MEMBERS):
        some = int.from_bytes(hashlib.sha256(f"{seed} {number}".encode()).digest()[:2]) % 4_000
        sells, tiny = number % 8 in (0, 4), number % 8 == 7
        yield f"m{number:02}", (0, some) if sells and seed else (some // 40 if tiny else some, 0)


def _trades(day: int) -> list[tuple[str, str, int, int]]:
    pairs = zip(range(0, MEMBERS, 8), range(1 + day, MEMBERS, 8), strict=False)
    return [(f"m{seller:02}", f"m{buyer:02}", 700, 1_500 + 7 * day + seller) for seller, buyer in pairs]


def told() -> str:
    """All that closes have left behind, without the ids of rows, which a rolled back transaction uses up."""
    lines = {"series": list(InvoiceSeries.objects.order_by("code").values_list("code", "last_number"))}
    lines["invoices"] = [_invoice(row) for row in Invoice.objects.order_by(*_ORDER).prefetch_related("lines")]
    lines["registers"] = list(RegisterReading.objects.order_by("meter", "on").values_list())
    lines["closes"] = list(MonthClose.objects.order_by("month").values_list(*_CLOSE))
    lines["audit"] = list(AuditEntry.objects.order_by("action", "target").values_list("action", "target"))
    lines["credit"] = list(Admission.objects.order_by("pk").values_list("participant_id", "settled_millidong"))
    lines["figures"], lines["days"], lines["ledger"] = _rows(_FIGURES), _rows(_DAYS), _rows(_LEDGER)
    return json.dumps(lines, default=str, ensure_ascii=False)


_ORDER = ("month", "participant__code", "metering_point__code", "relation")
_CLOSE = ("month", "number", "state", "participants", "drafted", "issued", "issue_on", "checklist")
_LINE = (
    "kind", "period", "since", "until", "tier_from_wh", "tier_to_wh", "quantity", "price", "amount_millidong",
    "amount_dong", "vat_bp", "carried_from__digest",
)  # fmt: skip
_FIGURES = """
    SELECT md5(string_agg(figure, ';' ORDER BY month, figure)) FROM (
        SELECT c.month, concat_ws(' ', participant_id, "on", kind, price, energy_wh, amount_millidong) AS figure
        FROM settlement_monthfigure f JOIN settlement_monthclose c ON c.id = f.close_id
        UNION ALL
        SELECT c.month, concat_ws(' ', metering_point_id, "on", import_wh, export_wh)
        FROM settlement_closereading r JOIN settlement_monthclose c ON c.id = r.close_id
    ) figures
"""
_DAYS = """
    SELECT "on", intervals, losses_wh, cash_millidong, ledger_differences FROM settlement_closeday ORDER BY 1
"""
_LEDGER = """
    SELECT t.category, a.kind, a.participant_id, i.digest, t.contract_id, t.at, count(*), sum(e.amount_millidong),
           sum(e.energy_wh)
    FROM settlement_ledgerentry e JOIN settlement_ledgertransaction t ON t.id = e.transaction_id
    JOIN settlement_ledgeraccount a ON a.id = e.account_id LEFT JOIN settlement_invoice i ON i.id = t.invoice_id
    GROUP BY 1, 2, 3, 4, 5, 6 ORDER BY 1, 2, 3, 4, 5, 6
"""


def _invoice(row: Invoice) -> list[object]:
    lines = [list(line) for line in row.lines.order_by("position").values_list(*_LINE)]
    numbers = (row.series.code if row.series else "", row.number, row.reference, row.issued_on, row.due_on)
    sums = (row.net_dong, row.vat_dong, row.total_dong, sorted(row.postings.items()))
    return [row.state, row.kind, row.relation, *numbers, *sums, row.document, row.digest, lines]


def _rows(query: str) -> list[tuple[object, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query)
        return cursor.fetchall()
