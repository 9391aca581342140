"""Months closed again: small amounts, moved meters, replaced documents; and what a renter may be charged."""

from datetime import UTC, date, datetime, timedelta

import pytest
from django.db.models import Sum

from settlement.models import Invoice, LedgerEntry
from settlement.operations import resettle
from settlement.operations.month import CloseError, replace_invoice
from tests.billing_world import JULY_TENTH, bill, close_month, interval, make_billing_world, person
from tests.settlement_world import TUESDAY_TEN, World
from trading.models import Admission

pytestmark = pytest.mark.django_db
DAY = timedelta(days=1)


def left_on(world: World, code: str) -> int:
    """What the participant's account still holds, milli-đồng."""
    entries = LedgerEntry.objects.filter(account__kind="participant", account__participant=world.people[code])
    return entries.aggregate(s=Sum("amount_millidong"))["s"] or 0


def one_member(wh: int, **profile: object) -> tuple[World, int]:
    world = make_billing_world()
    world.add("shop", retail=2_000)
    bill(world, "shop", **profile)
    return world, interval(world, TUESDAY_TEN, {"shop": (wh, 0)})


def test_a_small_amount_waits_in_peace_while_nothing_is_new() -> None:
    world, _ = one_member(400)
    close_month(world)
    close_month(world, at=JULY_TENTH + DAY)
    assert [(i.state, i.total_dong) for i in Invoice.objects.all()] == [("carried", 864)]


def test_a_correction_takes_up_what_was_too_small_in_the_same_month() -> None:
    world, contract = one_member(400)
    close_month(world)
    world.read({"shop": (1_400, 0)})
    resettle(contract_id=contract, at=JULY_TENTH)
    close_month(world, at=JULY_TENTH + DAY)
    second = Invoice.objects.get(state="issued")
    assert (second.relation, second.total_dong) == ("original", 2_160 + 864)
    assert left_on(world, "shop") == 0


def test_a_market_that_has_become_a_shadow_takes_up_nothing() -> None:
    world, _ = one_member(400)
    close_month(world)
    world.market.legal_basis = "shadow"
    world.market.save()
    interval(world, datetime(2026, 7, 7, 3, 0, tzinfo=UTC), {"shop": (1_000, 0)})
    close_month(world, date(2026, 7, 1), datetime(2026, 8, 10, 3, 0, tzinfo=UTC))
    statement = Invoice.objects.get(kind="statement")
    assert statement.total_dong == 2_160
    assert not statement.lines.filter(kind="carried").exists()


def test_a_meter_that_is_no_longer_the_member_s_is_billed_back() -> None:
    """One invoice for each of two meters; then one turns out to be somebody else's."""
    world, _ = one_member(0, invoice_per="meter")
    other = world.site.metering_points.create(participant=world.people["shop"], code="MP-annex")
    contract = interval(world, TUESDAY_TEN + DAY, {"shop": (3_000, 0), "annex": (5_000, 0)})
    close_month(world, accept=("no_profile", "gaps"))
    other.participant = world.add("tenant", retail=3_000)
    other.save()
    world.read({"shop": (3_000, 0), "tenant": (0, 0)}, TUESDAY_TEN + DAY)
    resettle(contract_id=contract, at=JULY_TENTH, force=True)
    close_month(world, at=JULY_TENTH + DAY, accept=("no_profile", "gaps"))
    billed = Invoice.objects.filter(participant=world.people["shop"])
    assert left_on(world, "shop") == 0
    by_point = {code: sum(i.total_dong for i in billed.filter(metering_point__code=code)) for code in
                ("MP-shop", "MP-annex")}  # fmt: skip
    assert by_point == {"MP-shop": 6_480, "MP-annex": 0}


def test_an_adjustment_refers_to_what_stands_in_the_original_s_place() -> None:
    world, contract = one_member(10_000)
    close_month(world)
    for wh, day in ((12_000, 1), (15_000, 3)):
        world.read({"shop": (wh, 0)})
        resettle(contract_id=contract, at=JULY_TENTH)
        close_month(world, at=JULY_TENTH + day * DAY)
        if day == 1:
            world.people["shop"].billing.delete()
            bill(world, "shop", legal_name="Its new name")
            original = Invoice.objects.get(relation="original")
            replacement = replace_invoice(
                invoice=original, reason="Name.", by=person("minh"), at=JULY_TENTH + 2 * DAY
            )  # fmt: skip
    last = Invoice.objects.filter(relation="adjustment").order_by("pk").last()
    assert last.refers_to == replacement
    assert (last.total_dong, left_on(world, "shop")) == (6_480, 0)


def test_dates_go_up_with_numbers() -> None:
    world, _ = one_member(10_000)
    interval(world, datetime(2026, 7, 7, 3, 0, tzinfo=UTC), {"shop": (4_000, 0)})
    accept = ("no_profile", "before_cutoff", "month_before")
    close_month(world, date(2026, 7, 1), datetime(2026, 8, 10, 3, 0, tzinfo=UTC), accept)
    with pytest.raises(CloseError, match="2026-08-10 or later"):
        close_month(world, at=JULY_TENTH)


def test_a_renter_is_never_charged_more_than_the_cap_for_local_energy() -> None:
    """By trade at the cap, from the pool at less, and the rest from the grid, where the cap is none of ours."""
    world = make_billing_world(renter_cap_price=1_500)
    world.add("roof", retail=2_000, ask=700)
    renter = world.add("renter", retail=3_000, bid=2_900)
    Admission.objects.filter(participant=renter).update(renter=True)
    bill(world, "renter")
    interval(world, TUESDAY_TEN, {"roof": (0, 8_000), "renter": (10_000, 0)}, [("roof", "renter", 3_000, 1_500)])
    close_month(world)
    lines = {line.kind: line for line in Invoice.objects.get(participant=renter).lines.all()}
    assert (lines["local_bought"].quantity, lines["local_bought"].amount_dong) == (3_000, 4_500)
    assert (lines["pool_bought"].quantity, lines["pool_bought"].amount_dong) == (5_000, 5_500)  # (700 + 1,500) ÷ 2
    assert lines["grid_import"].quantity == 2_000
    for kind in ("local_bought", "pool_bought"):
        assert lines[kind].amount_millidong <= lines[kind].quantity * 1_500
