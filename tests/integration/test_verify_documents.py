"""Issued documents hold as they are; a line, a byte, a number or a posting that was altered is found and named."""

from datetime import timedelta

import pytest

from settlement.models import Invoice, MonthClose
from settlement.operations import resettle
from settlement.operations.verify import verify_month
from tests.billing_world import JULY_TENTH, JUNE, bill, close_month, interval, make_billing_world
from tests.integration.test_verify import tamper
from tests.settlement_world import HALF_HOUR, TUESDAY_TEN, World

pytestmark = pytest.mark.django_db
SALE = ("roof", "shop", 8_000, 1_701)


@pytest.fixture
def world() -> World:
    world = make_billing_world(platform_fee_price=10, platform_fee_month=5_000)
    world.add("roof", retail=2_000, ask=900)
    world.add("shop", retail=3_398, bid=2_600)
    world.add("lamp", retail=2_204)
    for code in ("roof", "shop"):
        bill(world, code, vat_registered=code == "roof")
    interval(world, TUESDAY_TEN, {"roof": (0, 6_001), "shop": (10_003, 0), "lamp": (0, 0)}, [SALE])
    interval(world, TUESDAY_TEN + HALF_HOUR, {"roof": (0, 2_000), "shop": (5_000, 0), "lamp": (300, 0)})
    interval(world, TUESDAY_TEN + timedelta(days=3), {"roof": (1_000, 0), "shop": (2_007, 0), "lamp": (0, 0)})
    close_month(world)
    return world


def found(world: World) -> list[str]:
    """But for the log: these trades were not made through it."""
    verified = verify_month(world.market, JUNE)
    return [each.sentence() for each in verified.differences if each.code != "log_differs"]


def test_documents_as_they_should_be(world: World) -> None:
    verified = verify_month(world.market, JUNE)
    assert found(world) == []
    assert verified.counts["documents"] == 3
    assert verified.counts["lines"] == sum(invoice.lines.count() for invoice in Invoice.objects.all())


def test_adjustments_hold_beside_the_originals(world: World) -> None:
    world.read({"shop": (12_003, 0)})
    resettle(contract_id=world.market.contracts.earliest("delivery_start").pk, at=JULY_TENTH)
    close_month(world, at=JULY_TENTH + timedelta(days=1))
    assert Invoice.objects.filter(relation="adjustment").exists()
    assert found(world) == []


def test_one_document_for_each_meter(db: None) -> None:
    from meters.models import MeteringPoint

    world = make_billing_world()
    shop = world.add("shop", retail=3_398)
    MeteringPoint.objects.create(site=world.site, participant=shop, code="MP-shop2")
    bill(world, "shop", invoice_per="meter")
    interval(world, TUESDAY_TEN, {"shop": (10_003, 0), "shop2": (5_001, 0)})
    close_month(world)
    assert Invoice.objects.filter(metering_point__isnull=False).count() == 2
    assert found(world) == []


def test_statements_of_a_shadow_market_hold(db: None) -> None:
    world = make_billing_world(basis="shadow")
    world.add("shop", retail=3_398)
    bill(world, "shop")
    interval(world, TUESDAY_TEN, {"shop": (10_003, 0)})
    close_month(world)
    assert Invoice.objects.filter(kind="statement").exists() and found(world) == []


def shop(world: World) -> Invoice:
    return Invoice.objects.get(participant=world.people["shop"])


@pytest.mark.parametrize(
    ("column", "told"),
    [("amount_millidong", "amount_millidong comes to"), ("amount_dong", "amount_dong comes to"),
     ("quantity", "quantity comes to"), ("vat_bp", "vat_bp comes to")],
)  # fmt: skip
def test_a_changed_line(world: World, column: str, told: str) -> None:
    tamper(
        f"UPDATE settlement_invoiceline SET {column} = {column} + 1 WHERE invoice_id = %s AND position = 1",
        shop(world).pk,
    )
    assert any(each.startswith("C26TWX-") and f"Line 1: {told}" in each for each in found(world))


def test_a_removed_line(world: World) -> None:
    tamper("DELETE FROM settlement_invoiceline WHERE invoice_id = %s AND position = 1", shop(world).pk)
    assert any("the document has" in each for each in found(world))


def test_a_changed_byte_of_the_document(world: World) -> None:
    tamper(
        "UPDATE settlement_invoice SET document = replace(document, 'Legal shop', 'Legal shup') WHERE id = %s",
        shop(world).pk,
    )
    (sentence,) = found(world)
    assert sentence.endswith("The document's bytes do not fit its digest; they were changed after it was issued.")


def test_a_document_altered_with_its_digest(world: World) -> None:
    """Whoever alters an amount and makes the digest fit is found by the figures."""
    from dataclasses import replace

    invoice = shop(world)
    forged = replace(invoice.frozen(), total_dong=invoice.total_dong - 1)
    tamper(
        "UPDATE settlement_invoice SET document = %s, digest = %s WHERE id = %s",
        forged.canonical().decode(), forged.digest(), invoice.pk,
    )  # fmt: skip
    assert any("total_dong in the document is" in each for each in found(world))


def test_bytes_that_are_no_document(world: World) -> None:
    tamper("UPDATE settlement_invoice SET document = 'x' WHERE id = %s", shop(world).pk)
    assert any("are not those of a document" in each for each in found(world))


def test_a_changed_number(world: World) -> None:
    invoice = shop(world)
    tamper("UPDATE settlement_invoice SET number = 7 WHERE id = %s", invoice.pk)
    sentences = found(world)
    assert f"{invoice.series.code}: Number {invoice.number} is missing; the series has 1 numbers." in sentences or any(
        f"Number {invoice.number} is missing" in each for each in sentences
    )
    assert any("its documents go to 7" in each for each in sentences)


def test_changed_totals(world: World) -> None:
    tamper(
        "UPDATE settlement_invoice SET net_dong = net_dong + 1, total_dong = total_dong + 1 WHERE id = %s",
        shop(world).pk,
    )
    assert any("net in the document is" in each for each in found(world))


def test_a_changed_posting_of_a_document(world: World) -> None:
    tamper(
        "UPDATE settlement_ledgerentry SET amount_millidong = amount_millidong + 1"
        " WHERE (transaction_id, account_id) IN (SELECT t.id, a.id FROM settlement_ledgertransaction t,"
        " settlement_ledgeraccount a WHERE t.invoice_id = %s AND t.category = 'vat' AND a.kind = 'participant'"
        " AND a.participant_id = %s)",
        shop(world).pk, world.people["shop"].pk,
    )  # fmt: skip
    (sentence,) = found(world)
    assert "Its vat must post" in sentence


def test_a_changed_figure_of_the_close(world: World) -> None:
    close = MonthClose.objects.get()
    tamper(
        "UPDATE settlement_monthfigure SET amount_millidong = amount_millidong + 1 WHERE close_id = %s"
        " AND participant_id = %s AND kind = 'local_bought'",
        close.pk, world.people["shop"].pk,
    )  # fmt: skip
    assert any("close 1: The close took local_bought @ 0 of shop as" in each for each in found(world))
