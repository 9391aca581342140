"""What energy cost against the grid alone: hand-computed from trades, pool and tariff, and equal to the statement."""

from datetime import timedelta
from zoneinfo import ZoneInfo

import pytest

from settlement.operations import settle
from settlement.queries.costs import IntervalCost, by_day, costs, total
from settlement.queries.statements import statement
from tests.settlement_world import HALF_HOUR, TUESDAY_TEN, World, make_world

pytestmark = pytest.mark.django_db
DAY = (TUESDAY_TEN - timedelta(hours=10), TUESDAY_TEN + timedelta(hours=14))


@pytest.fixture
def world() -> World:
    """Roof gives 5 kWh, 4 of them sold to shop at 1,650; the fifth finds shop in the pool at ⌊(900 + 2,601) / 2⌋."""
    world = make_world()
    world.add("roof", retail=2_500, ask=900)
    world.add("shop", retail=3_398, bid=2_601)
    contract = world.contract()
    world.trade(contract, "roof", "shop", 4_000, 1_650)
    world.read({"roof": (0, 5_000), "shop": (10_000, 0)})
    settle(contract_id=contract.pk, kind="P", at=TUESDAY_TEN + 2 * HALF_HOUR)
    return world


def of(world: World, code: str) -> list[IntervalCost]:
    return costs(world.market, world.people[code].pk, *DAY)


def test_what_was_bought_from_whom_and_what_the_grid_alone_would_have_cost(world: World) -> None:
    (row,) = of(world, "shop")
    cost = row.cost
    assert (row.label, row.provisional, row.estimated, row.retail_price) == ("10:00–10:30", True, False, 3_398)
    assert (cost.import_wh, cost.local_wh, cost.pool_wh, cost.grid_wh) == (10_000, 4_000, 1_000, 5_000)
    assert cost.local_millidong == 4_000 * 1_650 == 6_600_000
    assert cost.pool_millidong == 1_000 * 1_750
    assert cost.grid_millidong == 5_000 * 3_398 == 16_990_000
    assert cost.fee_millidong == 5_000 * 120
    assert (cost.sold_millidong, cost.compensation_millidong) == (0, 0)
    assert cost.paid_millidong == 6_600_000 + 1_750_000 + 16_990_000 + 600_000 == 25_940_000
    assert cost.evn_millidong == 33_980_000
    assert cost.saved_millidong == 8_040_000


def test_what_was_sold_is_told_apart(world: World) -> None:
    (row,) = of(world, "roof")
    cost = row.cost
    assert (cost.import_wh, cost.sold_wh, cost.bought_millidong) == (0, 5_000, 0)
    assert cost.sold_millidong == 4_000 * 1_650 + 1_000 * 1_750 == 8_350_000
    assert cost.evn_millidong == -5_000 * 671
    assert cost.saved_millidong == 8_350_000 - 3_355_000


def test_who_buys_and_sells_in_one_interval_sees_both_prices(world: World) -> None:
    """Its meters saw both directions: 3 kWh bought at 1,000 and 2 kWh sold at 2,000 are one entry of the ledger."""
    contract = world.contract(TUESDAY_TEN + HALF_HOUR)
    world.add("home", retail=2_500)
    world.trade(contract, "roof", "home", 3_000, 1_000)
    world.trade(contract, "home", "shop", 2_000, 2_000)
    world.read({"roof": (0, 3_000), "home": (3_000, 2_000), "shop": (2_000, 0)}, TUESDAY_TEN + HALF_HOUR)
    settle(contract_id=contract.pk, kind="P", at=TUESDAY_TEN + 3 * HALF_HOUR)
    cost = of(world, "home")[0].cost
    assert (cost.local_millidong, cost.sold_millidong, cost.fee_millidong) == (3_000_000, 4_000_000, 360_000)
    assert cost.paid_millidong == 3_000_000 + 360_000 - 4_000_000


def test_compensation_stands_by_itself(world: World) -> None:
    """Roof promised 4 kWh more and gave none; shop still took them from the grid: 3,398 − 1,000 − 120 on what exceeds
    the dead-band."""
    contract = world.contract(TUESDAY_TEN + HALF_HOUR)
    world.trade(contract, "roof", "shop", 4_000, 1_000)
    world.read({"roof": (0, 0), "shop": (4_000, 0)}, TUESDAY_TEN + HALF_HOUR)
    settle(contract_id=contract.pk, kind="P", at=TUESDAY_TEN + 3 * HALF_HOUR)
    cost = of(world, "shop")[-1].cost
    assert cost.compensation_millidong == (4_000 - 250) * (3_398 - 1_000 - 120) == 8_542_500
    assert cost.paid_millidong == 4_000 * 3_398 - 8_542_500
    assert of(world, "roof")[-1].cost.compensation_millidong == -8_542_500


@pytest.mark.parametrize("code", ["roof", "shop"])
def test_all_together_it_is_what_the_statement_says(world: World, code: str) -> None:
    together = total(row.cost for row in of(world, code))
    told = statement(world.market.pk, world.people[code].pk, *DAY)
    assert together.paid_millidong == -told.cash_millidong
    assert together.evn_millidong == -told.grid_only_millidong
    assert together.saved_millidong == told.savings_millidong
    assert (together.import_wh, together.local_wh + together.pool_wh) == (told.import_wh, told.bought_wh)


def test_a_later_run_is_what_counts_and_is_not_provisional(world: World) -> None:
    contract = world.market.contracts.get()
    world.read({"shop": (9_000, 0)}, quality="corrected")
    settle(contract_id=contract.pk, kind="SF", at=TUESDAY_TEN + timedelta(days=1))
    (row,) = of(world, "shop")
    assert (row.kind, row.provisional, row.cost.grid_wh) == ("SF", False, 4_000)
    assert row.cost.grid_millidong == 4_000 * 3_398
    assert row.cost.fee_millidong == 600_000


def test_days_are_those_of_the_site(world: World) -> None:
    late = TUESDAY_TEN + timedelta(hours=14)  # midnight there
    contract = world.contract(late)
    world.read({"shop": (1_000, 0)}, late)
    settle(contract_id=contract.pk, kind="P", at=late + 2 * HALF_HOUR)
    rows = costs(world.market, world.people["shop"].pk, DAY[0], late + HALF_HOUR)
    found = by_day(rows, ZoneInfo("Asia/Ho_Chi_Minh"))
    assert [(on.day, cost.import_wh) for on, cost in found.items()] == [(2, 10_000), (3, 1_000)]


def test_nothing_settled_costs_nothing(world: World) -> None:
    assert costs(world.market, world.people["shop"].pk, DAY[1], DAY[1] + HALF_HOUR) == []
    assert total([]).saved_millidong == 0
