"""The peak guard on a real database: curve, month's peak and its price, where the half hour is heading, crossings."""

from datetime import timedelta

import pytest

from accounts.models import AuditEntry, User
from meters.operations import NewReading, record_readings
from planning.models import Forecast, PeakLimit
from planning.peak import PeakRefused, crossings, peak_view, remove_peak_limit, set_peak_limit
from tariffs.operations import set_capacity_price
from tests.settlement_world import FIRST_DAY, HALF_HOUR, TUESDAY_TEN, World, flat_tariff, make_world

pytestmark = pytest.mark.django_db


@pytest.fixture
def world() -> World:
    world = make_world()
    world.add("mill", retail=1_253)
    world.add("shop", retail=3_398)
    set_capacity_price(tariff=flat_tariff("flat-1253", 1_253), price_per_kw=209_459, valid_from=FIRST_DAY, by=None,
                       at=TUESDAY_TEN)  # fmt: skip
    return world


@pytest.fixture
def an() -> User:
    return User.objects.create_user("an")


def limit(world: World, an: User, code: str = "mill", limit_w: int = 300_000, warn_pct: int = 90) -> bool:
    return set_peak_limit(
        market=world.market, participant=world.people[code], limit_w=limit_w, warn_pct=warn_pct, by=an, at=TUESDAY_TEN
    )


def view(world: World, code: str = "mill", at=TUESDAY_TEN + HALF_HOUR):
    return peak_view(world.market, world.people[code].pk, at)


def test_the_day_the_month_and_what_its_peak_costs(world: World, an: User) -> None:
    world.read({"mill": (140_000, 0)}, TUESDAY_TEN - timedelta(days=1))
    world.read({"mill": (120_000, 0)}, TUESDAY_TEN - HALF_HOUR)
    world.read({"mill": (156_000, 500)})
    limit(world, an)
    found = view(world)
    assert [(each.start, each.power_w) for each in found.today] == [
        (TUESDAY_TEN - HALF_HOUR, 240_000),
        (TUESDAY_TEN, 312_000),
    ]
    assert found.month_peak is not None and found.month_peak.start == TUESDAY_TEN
    assert (found.price_per_kw, found.charge_millidong) == (209_459, 65_351_208_000)
    assert (found.over_w, found.over_millidong) == (12_000, 2_513_508_000)
    assert found.level == "over"


def test_the_months_peak_may_lie_before_today_and_last_month_does_not_count(world: World) -> None:
    world.read({"mill": (500_000, 0)}, TUESDAY_TEN - timedelta(days=3))  # 30 May
    world.read({"mill": (140_000, 0)}, TUESDAY_TEN - timedelta(days=1))
    world.read({"mill": (100_000, 0)})
    found = view(world)
    assert found.month_peak is not None and found.month_peak.power_w == 280_000
    assert found.day_peak is not None and found.day_peak.power_w == 200_000
    assert (found.guard, found.level, found.over_w) == (None, None, 0)


def test_a_corrected_reading_counts_in_its_last_version(world: World) -> None:
    world.read({"mill": (156_000, 0)})
    world.read({"mill": (100_000, 0)}, quality="corrected")
    found = view(world)
    assert found.month_peak is not None and found.month_peak.power_w == 200_000


def test_a_tariff_by_energy_alone_has_no_price_for_power(world: World, an: User) -> None:
    world.read({"shop": (10_000, 0)})
    limit(world, an, "shop", 15_000)
    found = view(world, "shop")
    assert (found.price_per_kw, found.charge_millidong, found.over_millidong, found.over_w) == (None, None, None, 5_000)


def test_with_no_readings_there_is_nothing_and_no_heading(world: World) -> None:
    found = view(world)
    assert found.today == ()
    assert (found.last, found.heading, found.month_peak, found.charge_millidong) == (None, None, None, None)


def test_the_present_half_hour_heads_where_its_first_quarter_points(world: World) -> None:
    world.market.interval_minutes = 15
    world.market.save()
    now = TUESDAY_TEN + timedelta(minutes=20)
    rows = [NewReading("MP-mill", TUESDAY_TEN, 60_000, 0)]
    record_readings(site=world.site, rows=rows, by=None, at=now, source="test", minutes=15)
    heading = view(world, at=now).heading
    assert heading is not None
    assert (heading.start, heading.power_w, heading.basis) == (TUESDAY_TEN, 240_000, "metered")


def test_else_it_heads_where_the_planner_expects_it(world: World, an: User) -> None:
    now = TUESDAY_TEN + timedelta(minutes=40)
    mill = world.people["mill"]
    values = {"market": world.market, "participant": mill, "method": "persistence", "made_at": TUESDAY_TEN}
    Forecast.objects.create(start=TUESDAY_TEN + HALF_HOUR, load_wh=160_000, generation_wh=20_000, **values)
    limit(world, an)
    found = view(world, at=now)
    assert found.heading is not None
    assert (found.heading.start, found.heading.power_w, found.heading.basis) == (
        TUESDAY_TEN + HALF_HOUR,
        280_000,
        "forecast",
    )
    assert found.level == "near"


def test_crossings_are_the_half_hours_near_and_over_the_limits(world: World, an: User) -> None:
    for back, mill, shop in ((2, 100_000, 9_000), (1, 140_000, 5_000), (0, 156_000, 9_000)):
        world.read({"mill": (mill, 0), "shop": (shop, 0)}, TUESDAY_TEN - back * HALF_HOUR)
    limit(world, an)
    limit(world, an, "shop", 18_000, 100)
    found = crossings(world.market, TUESDAY_TEN - HALF_HOUR, TUESDAY_TEN + HALF_HOUR)
    mill, shop = world.people["mill"].pk, world.people["shop"].pk
    assert [(each.participant_id, each.start, each.power_w, each.level) for each in found] == [
        (mill, TUESDAY_TEN - HALF_HOUR, 280_000, "near"),
        (mill, TUESDAY_TEN, 312_000, "over"),
        (shop, TUESDAY_TEN, 18_000, "near"),
    ]
    assert crossings(world.market, TUESDAY_TEN + HALF_HOUR, TUESDAY_TEN + 2 * HALF_HOUR) == []


def test_without_limits_nobody_crosses_one(world: World) -> None:
    world.read({"mill": (156_000, 0)})
    assert crossings(world.market, TUESDAY_TEN, TUESDAY_TEN + HALF_HOUR) == []


def test_a_limit_is_noted_once_and_may_be_removed(world: World, an: User) -> None:
    assert limit(world, an)
    assert not limit(world, an)
    assert limit(world, an, limit_w=250_000)
    row = PeakLimit.objects.get()
    assert (row.limit_w, row.warn_pct) == (250_000, 90)
    keys = {"market": world.market, "participant": world.people["mill"], "by": an, "at": TUESDAY_TEN}
    assert remove_peak_limit(**keys)
    assert not remove_peak_limit(**keys)
    noted = AuditEntry.objects.filter(action__startswith="peak_limit").order_by("pk")
    assert list(noted.values_list("action", "detail__limit_w")) == [
        ("peak_limit.set", 300_000),
        ("peak_limit.set", 250_000),
        ("peak_limit.removed", 250_000),
    ]


@pytest.mark.parametrize(
    ("limit_w", "warn_pct", "code"),
    [(0, 90, "bad_power"), (10**9 + 1, 90, "bad_power"), (1_000, 49, "bad_warning"), (1_000, 101, "bad_warning")],
)
def test_a_limit_that_makes_no_sense_is_refused(world: World, an: User, limit_w: int, warn_pct: int, code: str) -> None:
    with pytest.raises(PeakRefused) as refused:
        limit(world, an, limit_w=limit_w, warn_pct=warn_pct)
    assert refused.value.code == code
    assert not PeakLimit.objects.exists()
