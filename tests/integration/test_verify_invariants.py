"""Every interval settled has every law checked: the rate is 1.0, and falls with anything that is not."""

from datetime import timedelta

import pytest
from django.db import connection

from settlement.operations import settle
from settlement.queries.invariants import LAWS, InvariantsPanel, invariants_panel
from tests.settlement_world import HALF_HOUR, TUESDAY_TEN, World, make_world

pytestmark = pytest.mark.django_db


def panel(world: World) -> InvariantsPanel:
    return invariants_panel(world.market.pk, TUESDAY_TEN, TUESDAY_TEN + timedelta(days=1))


@pytest.fixture
def world() -> World:
    world = make_world()
    world.add("a", retail=1_900, ask=900)
    world.add("b", retail=3_398, bid=2_600)
    for number in range(3):
        start = TUESDAY_TEN + number * HALF_HOUR
        contract = world.contract(start)
        world.trade(contract, "a", "b", 5_000, 1_500)
        world.read({"a": (0, 4_000 + number * 1_000), "b": (9_000, 0)}, start)
        settle(contract_id=contract.pk, kind="P", at=start + HALF_HOUR)
    return world


def test_all_laws_hold_everywhere(world: World) -> None:
    found = panel(world)
    assert (found.settled, found.checked, found.rate, found.broken) == (3, 3, 1.0, ())
    assert [(law.code, law.holds, law.broken) for law in found.laws] == [(code, 3, 0) for code in LAWS]


def test_a_later_run_that_saw_nothing_new_counts_as_well(world: World) -> None:
    settle(
        contract_id=world.market.contracts.earliest("delivery_start").pk, kind="SF", at=TUESDAY_TEN + timedelta(days=1)
    )
    assert panel(world).rate == 1.0


def test_nothing_settled_has_no_rate(db: None) -> None:
    assert panel(make_world()).rate is None


@pytest.mark.parametrize(
    "change", ["invariants - 'sold_wh'", "'{}'::jsonb", "invariants || '{\"cash_sum_millidong\": 1}'"]
)
def test_a_law_that_is_missing_or_broken_lowers_the_rate(world: World, change: str) -> None:
    first = world.market.contracts.earliest("delivery_start")
    with connection.cursor() as cursor:
        cursor.execute("SET session_replication_role = replica")
        cursor.execute(f"UPDATE settlement_settlementrun SET invariants = {change} WHERE contract_id = %s", [first.pk])
        cursor.execute("SET session_replication_role = DEFAULT")
    found = panel(world)
    assert (found.settled, found.checked, found.broken) == (3, 2, (first.pk,))
    assert sum(law.broken for law in found.laws) >= 1


def test_a_cleared_interval_without_a_run_is_not_checked(world: World) -> None:
    world.contract(TUESDAY_TEN + 5 * HALF_HOUR, state="CLEARED")
    assert (panel(world).settled, panel(world).checked) == (4, 3)
