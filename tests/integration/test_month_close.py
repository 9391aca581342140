"""Closing a month: from settled intervals to issued documents and back, to the đồng."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db import DatabaseError, transaction
from django.db.models import Sum

from settlement.models import Invoice, InvoiceSeries, LedgerAccount, LedgerEntry
from settlement.operations import resettle
from settlement.operations.month import CloseError, advance, approve_close, discard_close, start_close
from settlement.queries.closes import checklist
from tests.billing_world import (
    JULY_TENTH,
    JUNE,
    bill,
    close_month,
    compute,
    hang_meter,
    interval,
    make_billing_world,
    person,
)  # fmt: skip
from tests.settlement_world import TUESDAY_TEN, World

pytestmark = pytest.mark.django_db


def small_month(world: World) -> list[int]:
    """Roof sells, shop buys, both in two intervals of June."""
    world.add("roof", retail=2_000)
    world.add("shop", retail=3_398)
    bill(world, "roof")
    bill(world, "shop")
    first = interval(world, TUESDAY_TEN, {"roof": (0, 6_000), "shop": (10_000, 0)}, [("roof", "shop", 5_000, 1_700)])
    second = interval(world, TUESDAY_TEN + timedelta(days=3), {"roof": (1_000, 0), "shop": (2_000, 0)})
    return [first, second]


def account(world: World, code: str, kind: str) -> int:
    entries = LedgerEntry.objects.filter(account__kind=kind, account__participant=world.people[code])
    return entries.aggregate(sum=Sum("amount_millidong"))["sum"] or 0


def test_a_month_becomes_an_invoice_and_a_self_billing_invoice():
    world = make_billing_world()
    small_month(world)
    close_month(world)
    shop = Invoice.objects.get(participant=world.people["shop"])
    lines = {line.kind: (line.quantity, line.amount_dong, line.vat_bp) for line in shop.lines.all()}
    assert lines == {
        "local_bought": (5_000, 8_500, 800),
        "grid_import": (7_000, 23_786, 800),  # (10,000 − 5,000 + 2,000) × 3,398
        "network_fee": (5_000, 600, 800),
    }
    assert (shop.net_dong, shop.vat_dong, shop.total_dong) == (32_886, 2_631, 35_517)
    assert (shop.kind, shop.series.code, shop.number, shop.issued_on) == ("invoice", "C26TWX", 1, date(2026, 7, 10))
    roof = Invoice.objects.get(participant=world.people["roof"])
    # Sold 8,500, grid paid 671 for 1 kWh, bought 1 kWh at 2,000 with VAT; a home adds none to what it sells.
    assert (roof.kind, roof.total_dong, roof.series.code, roof.number) == (
        "self_bill",
        -8_500 - 671 + 2_160,
        "C26TWY",
        1,
    )
    assert roof.frozen().seller.name == "Legal roof"


def test_the_ledger_moves_the_month_to_what_is_invoiced():
    world = make_billing_world()
    small_month(world)
    close_month(world)
    for code in ("roof", "shop"):
        invoice = Invoice.objects.get(participant=world.people[code])
        assert account(world, code, "participant") == 0
        assert account(world, code, "receivable") == -invoice.total_dong * 1_000
    assert LedgerEntry.objects.filter(market=world.market).aggregate(s=Sum("amount_millidong"))["s"] == 0


def test_lines_and_total_of_the_document_are_those_of_the_rows():
    world = make_billing_world()
    small_month(world)
    close_month(world)
    for invoice in Invoice.objects.all():
        document = invoice.frozen()
        assert document.digest() == invoice.digest
        assert [line.amount_dong for line in document.lines] == [
            line.amount_dong for line in invoice.lines.order_by("position")
        ]
        assert document.total_dong == invoice.total_dong == sum(rate.net_dong + rate.vat_dong for rate in document.vat)
        assert document.payment_reference == invoice.reference != ""


def test_a_corrected_reading_becomes_an_adjustment_that_refers_to_the_original():
    world = make_billing_world()
    first, _ = small_month(world)
    close_month(world)
    original = Invoice.objects.get(participant=world.people["shop"])
    world.read({"shop": (12_000, 0)})
    resettle(contract_id=first, at=JULY_TENTH)
    close_month(world, at=JULY_TENTH + timedelta(days=1))
    adjustment = Invoice.objects.get(participant=world.people["shop"], relation="adjustment")
    assert adjustment.refers_to == original and adjustment.frozen().refers_to.number == 1
    assert [(line.kind, line.quantity, line.amount_dong) for line in adjustment.lines.all()] == [
        ("grid_import", 2_000, 6_796)
    ]
    assert adjustment.total_dong == 6_796 + 544 and (adjustment.series.code, adjustment.number) == ("C26TWX", 2)
    assert account(world, "shop", "participant") == 0
    assert not Invoice.objects.filter(participant=world.people["roof"], relation="adjustment").exists()


def test_closing_again_without_changes_issues_nothing():
    world = make_billing_world()
    small_month(world)
    close_month(world)
    close_month(world, at=JULY_TENTH + timedelta(days=1))
    assert Invoice.objects.count() == 2


def test_less_than_a_thousand_dong_is_carried_and_taken_up_later():
    world = make_billing_world()
    world.add("lamp", retail=2_000)
    bill(world, "lamp")
    interval(world, TUESDAY_TEN, {"lamp": (400, 0)})
    close_month(world)
    small = Invoice.objects.get()
    assert (small.state, small.number, small.total_dong) == ("carried", None, 864)
    assert account(world, "lamp", "participant") == -864_000
    interval(world, datetime(2026, 7, 7, 3, 0, tzinfo=UTC), {"lamp": (1_000, 0)})
    close_month(world, date(2026, 7, 1), datetime(2026, 8, 10, 3, 0, tzinfo=UTC))
    july = Invoice.objects.get(month=date(2026, 7, 1))
    assert july.total_dong == 2_160 + 864
    assert july.lines.get(kind="carried").carried_from == small
    assert account(world, "lamp", "participant") == 0


def test_vat_follows_the_day_of_delivery():
    world = make_billing_world()
    world.add("shop", retail=2_000)
    bill(world, "shop")
    interval(world, datetime(2026, 12, 31, 16, 30, tzinfo=UTC), {"shop": (10_000, 0)})  # 23:30 local
    interval(world, datetime(2026, 12, 31, 17, 0, tzinfo=UTC), {"shop": (10_000, 0)})  # 00:00 of January
    close_month(world, date(2026, 12, 1), datetime(2027, 1, 8, tzinfo=UTC))
    close_month(world, date(2027, 1, 1), datetime(2027, 2, 8, tzinfo=UTC))
    assert [(i.vat_dong, i.series.code, i.number) for i in Invoice.objects.order_by("month")] == [
        (1_600, "C27TWX", 1),
        (2_000, "C27TWX", 2),
    ]


def test_a_shadow_market_gets_statements_that_are_not_payable():
    world = make_billing_world(basis="shadow")
    small_month(world)
    before = account(world, "shop", "participant")
    close_month(world)
    shop = Invoice.objects.get(participant=world.people["shop"])
    assert (shop.kind, shop.number, shop.reference, shop.state) == ("statement", None, "", "issued")
    assert not shop.frozen().payable and shop.frozen().saved_dong > 0
    assert account(world, "shop", "participant") == before
    assert not InvoiceSeries.objects.exists()


def test_registers_go_on_from_month_to_month():
    world = make_billing_world()
    world.add("shop", retail=2_000)
    bill(world, "shop")
    hang_meter(world, "shop", start_wh=7_000_000, multiplier=10)
    interval(world, TUESDAY_TEN, {"shop": (10_000, 0)})
    interval(world, datetime(2026, 7, 7, 3, 0, tzinfo=UTC), {"shop": (4_000, 0)})
    close_month(world)
    close_month(world, date(2026, 7, 1), datetime(2026, 8, 10, 3, 0, tzinfo=UTC))
    shown = [invoice.frozen().registers[0] for invoice in Invoice.objects.order_by("month")]
    assert [(r.old_wh, r.new_wh, r.energy_wh, r.multiplier) for r in shown] == [
        (7_000_000, 7_010_000, 10_000, 10),
        (7_010_000, 7_014_000, 4_000, 10),
    ]


def test_one_invoice_for_each_meter_adds_up_to_one_for_all():
    world = make_billing_world()
    shop = world.add("shop", retail=3_001)
    bill(world, "shop", invoice_per="meter")
    world.site.metering_points.create(participant=shop, code="MP-shop2")
    interval(world, TUESDAY_TEN, {"shop": (3_000, 0), "shop2": (1_001, 0)})
    close_month(world)
    invoices = Invoice.objects.order_by("metering_point__code")
    assert [i.metering_point.code for i in invoices] == ["MP-shop", "MP-shop2"]
    assert [i.lines.get().quantity for i in invoices] == [3_000, 1_001]
    assert sum(line.amount_millidong for i in invoices for line in i.lines.all()) == 4_001 * 3_001
    assert account(world, "shop", "participant") == 0


def test_whoever_computed_a_close_cannot_approve_it():
    world = make_billing_world()
    small_month(world)
    close = compute(world)
    with pytest.raises(CloseError, match="cannot approve"):
        approve_close(close=close, by=person("lan"), at=JULY_TENTH)
    with pytest.raises(DatabaseError, match="close_by_two_people"), transaction.atomic():
        close.approved_by = close.requested_by
        close.save()


def test_figures_that_are_old_block_the_approval():
    world = make_billing_world()
    first, _ = small_month(world)
    close = compute(world)
    world.read({"shop": (12_000, 0)})
    assert {check.code for check in checklist(close) if check.state == "blocking"} == {"unapproved_edits"}
    resettle(contract_id=first, at=JULY_TENTH)
    assert {check.code for check in checklist(close) if check.state == "blocking"} == {"figures_old"}
    with pytest.raises(CloseError, match="compute the close again") as refused:
        approve_close(close=close, by=person("minh"), at=JULY_TENTH)
    assert refused.value.code == "checklist_blocks"
    discard_close(close=close, by=person("lan"), at=JULY_TENTH)
    assert close_month(world).state == "issued"


def test_an_interval_that_is_not_settled_blocks_the_approval():
    world = make_billing_world()
    small_month(world)
    world.contract(TUESDAY_TEN + timedelta(days=5))
    close = compute(world)
    assert {check.code for check in checklist(close) if check.state == "blocking"} == {"unbilled"}


def test_issued_documents_cannot_be_changed_or_deleted():
    world = make_billing_world()
    small_month(world)
    close_month(world)
    invoice = Invoice.objects.first()
    for change in (
        lambda: Invoice.objects.filter(pk=invoice.pk).update(total_dong=1),
        lambda: invoice.delete(),
        lambda: invoice.lines.all().delete(),
        lambda: invoice.lines.update(amount_dong=1),
    ):
        with pytest.raises(DatabaseError), transaction.atomic():
            change()


def test_numbers_cannot_jump():
    world = make_billing_world()
    small_month(world)
    close = compute(world)
    series = InvoiceSeries.objects.create(site=world.site, kind="invoice", year=2026, code="C26TWX")
    with pytest.raises(DatabaseError, match="follow on"), transaction.atomic():
        Invoice.objects.filter(close=close, kind="invoice").update(
            series=series, number=2, state="issued", issued_on=date(2026, 7, 10)
        )


def test_a_month_is_closed_once_at_a_time_and_after_it_is_over():
    world = make_billing_world()
    small_month(world)
    with pytest.raises(CloseError) as early:
        start_close(market=world.market, month=JUNE, by=None, at=datetime(2026, 6, 30, 16, 59, tzinfo=UTC))
    assert early.value.code == "month_not_over"
    start_close(market=world.market, month=JUNE, by=None, at=JULY_TENTH)
    with pytest.raises(CloseError) as twice:
        start_close(market=world.market, month=JUNE, by=None, at=JULY_TENTH)
    assert twice.value.code == "close_is_open"


def test_an_empty_month_closes_with_nothing():
    world = make_billing_world()
    assert close_month(world).state == "issued"
    assert not Invoice.objects.exists()


def test_an_unknown_close_is_an_error_and_a_finished_one_has_nothing_to_do():
    world = make_billing_world()
    close = close_month(world)
    assert not advance(close.pk, JULY_TENTH)
    with pytest.raises(CloseError):
        advance(close.pk + 1, JULY_TENTH)


def test_no_account_is_forgotten():
    world = make_billing_world(platform_fee_price=15, platform_fee_month=20_000)
    small_month(world)
    close_month(world)
    shop = Invoice.objects.get(participant=world.people["shop"])
    assert {line.kind: line.amount_dong for line in shop.lines.filter(kind__startswith="platform")} == {
        "platform_fee": 75,
        "platform_month": 20_000,
    }
    kinds = LedgerAccount.objects.filter(market=world.market).values_list("kind")
    sums = dict(kinds.annotate(s=Sum("entries__amount_millidong")).values_list("kind", "s"))
    assert sums["platform"] == 75_000 + 2 * 20_000_000
    assert sum(amount or 0 for amount in sums.values()) == 0
