"""A month under two rulebooks: the one in force gives the invoice itself, another one what it would have been."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta

import pytest

from settlement.domain.what_if import Comparison
from settlement.models import Invoice, LedgerEntry
from settlement.queries.what_if import WhatIfError, compare_rulebooks
from tariffs.domain.compose import compose
from tariffs.domain.fields import RulebookRejected
from tariffs.domain.rulebook import Assignment, Dated, Rulebook
from tariffs.domain.rulebook_file import parse
from tariffs.domain.variants import pending_alone
from tariffs.domain.windows import Window
from tariffs.models import RulesLock, Tariff
from tariffs.operations import assign_tariff, replace_rows, set_capacity_price, set_network_fee, set_terms
from tariffs.shipped import reference
from tests.billing_world import JUNE, bill, close_month, interval, make_billing_world
from tests.certificate_world import add_panels, sub_read
from tests.settlement_world import FIRST_DAY, HALF_HOUR, TUESDAY_TEN, World
from trading.models import Admission

pytestmark = pytest.mark.django_db
AT = datetime(2026, 5, 1, tzinfo=UTC)
EVENING = datetime(2026, 6, 3, 12, 0, tzinfo=UTC)  # Wednesday 19:00 in Hồ Chí Minh City
SUNDAY = datetime(2026, 6, 7, 3, 0, tzinfo=UTC)
DAY = timedelta(days=1)


def shipped_tariff(world: World, code: str, tariff_code: str, expected_wh: int = 0) -> Tariff:
    """The participant on a tariff of the shipped rulebook, of the same code."""
    head = next(head for head in reference("vn").tariffs if head.code == tariff_code)
    tariff = Tariff.objects.create(
        code=tariff_code, name=head.name, kind=head.kind, customer_class=head.customer_class, voltage=head.voltage
    )
    replace_rows(tariff=tariff, rows=compose(reference("vn"), {}, {})[tariff_code], by=None, at=AT)
    assign_tariff(
        site=world.site, participant=world.people[code], tariff=tariff, valid_from=FIRST_DAY,
        expected_month_wh=expected_wh, by=None, at=AT,
    )  # fmt: skip
    return tariff


def a_month(**terms: int) -> World:
    """Roof (tiers, panels) sells to mill (time of use); home is on tiers; the pool takes what is left; one trade falls
    short, so that compensation is paid."""
    world = make_billing_world(platform_fee_price=20, platform_fee_month=11_000, surplus_cap_pct=50, **terms)
    world.add("roof", ask=900)
    world.add("mill", bid=1_500)
    world.add("home", bid=1_200)
    shipped_tariff(world, "mill", "vn-production-22kv")
    home = shipped_tariff(world, "home", "vn-residential", 120_000)
    assign_tariff(site=world.site, participant=world.people["roof"], tariff=home, valid_from=FIRST_DAY, by=None, at=AT)
    bill(world, "roof", vat_registered=True)
    bill(world, "mill")
    bill(world, "home")
    add_panels(world, "roof")
    use = {"mill": (200_000, 0), "home": (60_000, 0)}
    settled(world, TUESDAY_TEN, {"roof": (0, 60_000), **use}, [("roof", "mill", 30_000, 1_600)], 90_000)
    settled(world, TUESDAY_TEN + DAY, {"roof": (0, 10_000), **use}, [("roof", "mill", 30_000, 1_500)], 12_000)
    settled(world, EVENING, {"roof": (70_000, 0), "mill": (310_000, 0), "home": (30_500, 0)}, [], 0)
    settled(world, SUNDAY, {"roof": (0, 150_000), "mill": (5_000, 0), "home": (1_000, 0)}, [], 170_000)
    return world


def settled(world, start, readings, trades, made_wh) -> None:
    sub_read(world, {"PV-roof": (0, made_wh)}, start)
    interval(world, start, readings, trades)


def asked(world: World, code: str, left: Rulebook | None = None, right: Rulebook | None = None) -> Comparison:
    return compare_rulebooks(world.market.pk, world.people[code].pk, JUNE, left, right)


def lines_of(invoice: Invoice) -> list[tuple]:
    names = ("kind", "period", "tier_from_wh", "tier_to_wh", "since", "until", "price", "vat_bp", "quantity")
    return list(invoice.lines.order_by("position").values_list(*names, "amount_millidong", "amount_dong"))


def lines_in(found: Comparison) -> list[tuple]:
    return [
        (
            line.key.kind, line.key.period, line.key.tier_from_wh, line.key.tier_to_wh, line.key.since, line.key.until,
            line.key.price, line.key.vat_bp, line.quantity, line.millidong, line.dong,
        )
        for line in found.left.draft.lines
    ]  # fmt: skip


@pytest.mark.parametrize("code", ["roof", "mill", "home"])
@pytest.mark.parametrize("zoned", [False, True])
def test_the_rulebook_in_force_gives_the_invoice_itself(code: str, zoned: bool) -> None:
    world = zoned_month() if zoned else a_month()
    close_month(world, accept=("no_profile", "before_cutoff", "gaps"))
    invoice = Invoice.objects.get(participant=world.people[code])
    found = asked(world, code)
    assert lines_in(found) == lines_of(invoice)
    assert found.left.draft.total_dong == invoice.total_dong
    assert found.left.draft == found.right.draft and found.difference_dong == 0 and found.reasons == ()


def zoned_month() -> World:
    """Zones with fees of their own, a price change on the 3rd, and a charge for power."""
    world = make_billing_world("z")
    set_network_fee(site=world.site, seller_zone="a", buyer_zone="b", price=300, valid_from=FIRST_DAY, by=None, at=AT)
    for code, ask, bid in (("roof", 900, None), ("mill", None, 1_500), ("home", None, 1_200)):
        world.add(code, ask=ask, bid=bid)
        bill(world, code)
    Admission.objects.filter(participant=world.people["roof"]).update(zone="a")
    Admission.objects.filter(participant=world.people["mill"]).update(zone="b")
    change = date(2026, 6, 3)
    for code, price in (("roof", 1_900), ("mill", 3_000), ("home", 2_400)):
        tariff = Tariff.objects.create(code=f"z-{code}", name=code, kind="flat")
        rows = [Window(127, 0, 1_440, price, FIRST_DAY, change), Window(127, 0, 1_440, price + 100, change)]
        replace_rows(tariff=tariff, rows=rows, by=None, at=AT)
        set_capacity_price(tariff=tariff, price_per_kw=50_000, valid_from=FIRST_DAY, by=None, at=AT)
        assign_tariff(
            site=world.site, participant=world.people[code], tariff=tariff, valid_from=FIRST_DAY, by=None, at=AT
        )
    use = {"mill": (80_000, 0), "home": (20_000, 0)}
    interval(world, TUESDAY_TEN, {"roof": (0, 60_000), **use}, [("roof", "mill", 20_000, 1_600)])
    interval(world, TUESDAY_TEN + DAY, {"roof": (0, 90_000), **use}, [("roof", "home", 10_000, 1_600)])
    interval(world, TUESDAY_TEN + DAY + HALF_HOUR, {"roof": (9_000, 0), **use})
    return world


def test_asking_writes_and_locks_nothing() -> None:
    world = a_month()
    before = LedgerEntry.objects.count(), list(RulesLock.objects.values_list("site", "settled_until"))
    asked(world, "mill", None, reference("vn"))
    assert (LedgerEntry.objects.count(), list(RulesLock.objects.values_list("site", "settled_until"))) == before


def test_new_hours_move_the_morning_peak_to_the_evening() -> None:
    world = a_month()
    found = asked(world, "mill", None, pending_alone(reference("vn"), "decision-963-2026", JUNE))
    grid = {row.period: row for row in found.rows if row.kind == "grid_import"}
    sides = {
        period: tuple(part.quantity if part else 0 for part in (row.left, row.right)) for period, row in grid.items()
    }
    # Two weekdays at 10:00 were peak and are normal hours, 19:00 stays peak, the Sunday stays normal hours.
    morning = sides["peak"][0] - 310_000
    assert sides == {"peak": (310_000 + morning, 310_000), "normal": (sides["normal"][0], sides["normal"][0] + morning)}
    assert found.difference_dong < 0 and found.reasons[0].period == "peak"
    assert {row.kind for row in found.reasons} == {"grid_import"}
    assert found.left.by_half_hour[20] > found.right.by_half_hour[20]  # 10:00
    assert found.left.by_half_hour[38] == found.right.by_half_hour[38] > 0  # 19:00
    assert found.grid_wh_by_half_hour[38] == 310_000


def test_the_two_part_pilot_charges_for_power_and_less_for_energy() -> None:
    world = a_month()
    pilot = two_part(world, "mill", "vn-two-part-22kv")
    found = asked(world, "mill", None, pilot)
    power = next(row for row in found.rows if row.kind == "capacity")
    assert power.left is None and power.right is not None
    assert (power.right.quantity, power.right.price) == (620_000, 235_414)  # 310 kWh in a half hour
    assert power.right.dong == 620 * 235_414
    peak = next(row for row in found.rows if row.period == "peak")
    assert (peak.left.price, peak.right.price) == (3_398, 2_182)
    assert found.right.tariffs == ("vn-two-part-22kv",)


def two_part(world: World, code: str, tariff: str) -> Rulebook:
    shipped = reference("vn")
    row = Assignment(world.site.code, world.people[code].code, tariff, 0, Dated(JUNE, None, None, "asked", ""))
    return replace(shipped, assignments=(row,))


def test_tiers_fees_surplus_and_vat_of_a_file() -> None:
    world = a_month()
    file = parse(
        {
            "rulebook": {"name": "Other", "country": "VN"},
            "vat": [{"category": "electricity", "rate_bp": 1_000, "billed_from": "2026-06-01", "source": "s"}],
            "terms": [
                {
                    "site": world.site.code, "surplus_price": 1_000, "network_fee": 200, "surplus_cap_pct": 20,
                    "billed_from": "2026-06-01", "source": "s",
                }
            ],
        }
    )  # fmt: skip
    roof = asked(world, "roof", None, file)
    rows = {row.kind: row for row in roof.rows}
    before, after = rows["grid_export"].left, rows["grid_export"].right
    assert (before.price, after.price) == (671, 1_000)
    # A fifth of the output is paid for in place of a half: what is over goes unpaid.
    assert after.quantity < before.quantity and after.quantity <= (90_000 + 12_000 + 170_000) // 5
    spilled = [part.quantity if part else 0 for part in (rows["grid_spill"].left, rows["grid_spill"].right)]
    assert sum(spilled[1:]) + after.quantity == spilled[0] + before.quantity
    assert {row.vat_bp for row in roof.vat} == {800, 1_000}
    mill = asked(world, "mill", None, file)
    fees = next(row for row in mill.rows if row.kind == "network_fee")
    assert fees.left.quantity == fees.right.quantity and fees.left.dong * 200 == fees.right.dong * 120
    assert all(row.kind != "platform_fee" or row.right is None for row in mill.rows)


def test_fees_by_zone_are_priced_anew_by_the_zones_of_each_trade() -> None:
    world = zoned_month()
    set_terms(site=world.site, valid_from=date(2027, 1, 1), surplus_price=671, network_fee=120, by=None, at=AT)
    file = parse(
        {
            "rulebook": {"name": "Wires", "country": "VN"},
            "network_fees": [
                {"site": "z", "seller_zone": "a", "buyer_zone": "b", "price": 500, "billed_from": "2027-01-01",
                 "source": "s"}
            ],
        }
    )  # fmt: skip
    found = asked(world, "mill", None, file)
    (row,) = (row for row in found.reasons)
    # 20 kWh from zone a to zone b at 500 in place of 300; begins in 2027, so it is taken as if it held in June.
    assert (row.kind, row.difference_dong) == ("network_fee", 4_000)


def test_a_tariff_that_the_rulebook_lacks_is_said_and_stays() -> None:
    world = zoned_month()
    found = asked(world, "mill", None, reference("vn"))
    assert found.right.unmatched == ("z-mill",) and found.right.tariffs == ("z-mill",)
    Tariff.objects.filter(code="z-mill").update(customer_class="production", voltage="6_22kv")
    found = asked(world, "mill", None, reference("vn"))
    assert found.right.unmatched == () and found.right.tariffs == ("vn-production-6kv",)


def test_a_month_without_settled_intervals_is_refused_in_words() -> None:
    world = a_month()
    with pytest.raises(WhatIfError, match="Nothing of yours was settled"):
        compare_rulebooks(world.market.pk, world.people["mill"].pk, date(2026, 9, 1), None, None)


def test_prices_without_hours_for_a_tariff_nobody_knows_are_refused() -> None:
    world = a_month()
    prices = [{"tariff": "nobody", "flat": 1, "billed_from": "2026-06-01", "source": "s"}]
    file = parse({"rulebook": {"name": "x", "country": "VN"}, "prices": prices})
    with pytest.raises(RulebookRejected, match="There is no tariff nobody"):
        asked(world, "mill", None, file)
