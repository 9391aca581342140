"""A member's home and the market's wall: who gets in, which figures stand there, what the forms do."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Membership, User
from meters.models import Device
from planning.models import StandingInstruction
from planning.wishes import set_limits, switch
from portal.home.reasons import reason
from settlement.operations import settle
from settlement.queries.site_day import site_day
from tariffs.models import EmissionFactor
from tests.certificate_world import add_panels, add_storage, sub_read
from tests.factories import NOON, make_market, make_participants, open_contracts
from tests.settlement_world import HALF_HOUR, TUESDAY_TEN, make_world
from trading.domain.messages import BUY, SELL, New
from trading.models import Order
from trading.operations import submit

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def world():
    """Roof made 5 kWh, used 1, stored 1 and sold 2 of the 3 kWh it gave, to shop, at 1,650."""
    world = make_world("w", surplus_cap_pct=20)
    world.add("roof", retail=2_500)
    world.add("shop", retail=3_398)
    add_panels(world, "roof")
    add_storage(world, "roof", 10_000)
    Device.objects.update(soc_wh=6_400)
    contract = world.contract()
    world.trade(contract, "roof", "shop", 2_000, 1_650)
    world.read({"roof": (0, 3_000), "shop": (8_000, 0)})
    sub_read(world, {"PV-roof": (0, 5_000), "ST-roof": (1_000, 0)})
    settle(contract_id=contract.pk, kind="P", at=TUESDAY_TEN + 2 * HALF_HOUR)
    world.market.clock_at, world.market.clock_started_at = TUESDAY_TEN + 2 * HALF_HOUR, datetime.now(UTC)
    world.market.save()
    cache.clear()
    return world


def member(world, role="owner", name="an") -> Client:
    user = User.objects.create_user(name, password="a long password")
    Membership.objects.create(user=user, participant=world.people["roof"], role=role)
    client = Client()
    client.force_login(user)
    return client


def at_home(world, name="home") -> str:
    return reverse(f"portal:{name}", args=(world.market.code, "roof"))


def test_the_home_shows_what_was_measured_settled_and_paid(world) -> None:
    page = member(world).get(at_home(world)).content.decode()
    assert "Selling to neighbours <b>4.0 kW</b>" in page
    assert "at ₫1,650/kWh (the grid pays ₫671/kWh)" in page
    for figure in ("10.0 kW", "2.0 kW", "64 %", "+2.0 kW"):
        assert figure in page
    assert "+₫1,958" in page  # 2 kWh × (1,650 − 671)
    assert "sold 2.0 kWh, bought 0.0 kWh" in page
    assert "20 % / 20 %" in page  # 1 of 5 kWh was paid by the grid, which is all that it pays for
    assert "style=" not in page


def test_whose_only_seat_is_a_home_comes_there_first_and_others_to_the_market(world) -> None:
    client = member(world)
    assert client.get("/").url == at_home(world)
    assert client.get("/home/").url == at_home(world)
    assert client.get("/markets/").status_code == 200
    world.people["roof"].kind = "tenant"
    world.people["roof"].save()
    assert client.get("/").status_code == 200


@pytest.mark.parametrize("name", ["home_switch", "home_limits", "home_reserve"])
def test_who_may_not_change_cannot(world, name) -> None:
    stranger = User.objects.create_user("stranger", password="a long password")
    administrator = User.objects.create_user("admin", password="a long password", is_staff=True)
    auditor = User.objects.create_user("auditor", password="a long password", is_auditor=True)
    for user, reads, sends in ((stranger, 404, 404), (administrator, 200, 403), (auditor, 200, 403)):
        client = Client()
        client.force_login(user)
        assert client.get(at_home(world)).status_code == reads
        assert client.post(at_home(world, name), {"on": "yes"}).status_code == sends
    viewer = member(world, "viewer", "viewer")
    assert b"disabled" in viewer.get(at_home(world)).content
    assert viewer.post(at_home(world, name), {"on": "yes"}).status_code == 403
    assert Client().get(at_home(world)).status_code == 302
    assert member(world).get(at_home(world, name)).status_code == 405
    assert not StandingInstruction.objects.exists()


def test_the_switch_needs_limits_and_then_goes_on_and_off(world) -> None:
    client = member(world)
    refused = client.post(at_home(world, "home_switch"), {"on": "yes"})
    assert refused.status_code == 422 and b"from which price you sell" in refused.content
    prices = {"sell_far": "2.250", "sell_near": "740", "buy_far": "", "buy_near": ""}
    assert client.post(at_home(world, "home_limits"), prices).url == at_home(world)
    row = StandingInstruction.objects.get()
    assert (row.sell_far_price, row.sell_near_price, row.buy_far_price, row.active) == (2_250, 740, None, False)
    assert client.post(at_home(world, "home_switch"), {"on": "yes"}).status_code == 302
    assert 'aria-checked="true"' in client.get(at_home(world)).content.decode()
    assert client.post(at_home(world, "home_switch"), {"on": "no"}).status_code == 302
    row.refresh_from_db()
    assert not row.active
    noted = AuditEntry.objects.filter(action__startswith="instruction.").order_by("pk").values_list("action", flat=True)
    assert list(noted) == ["instruction.limits_set", "instruction.switched_on", "instruction.switched_off"]


@pytest.mark.parametrize(
    ("prices", "told"),
    [
        (("700", "900", "", ""), "Sell at a high price at first"),
        (("", "", "900", "700"), "Buy at a low price at first"),
        (("900", "", "", ""), "Give both prices"),
        (("99999", "900", "", ""), "Prices here are from 0 to"),
        (("many", "900", "", ""), "Write the amount as a whole number"),
    ],
)
def test_limits_that_make_no_sense_are_refused_and_stay_in_the_form(world, prices, told) -> None:
    given = dict(zip(("sell_far", "sell_near", "buy_far", "buy_near"), prices, strict=True))
    answer = member(world).post(at_home(world, "home_limits"), given)
    page = answer.content.decode()
    assert answer.status_code == 422 and told in page
    assert all(f'value="{price}"' in page for price in prices if price)
    assert not StandingInstruction.objects.exists()


def test_the_reserve_is_kept_and_noted_and_never_below_the_floor(world) -> None:
    client = member(world)
    assert client.post(at_home(world, "home_reserve"), {"reserve": "45"}).status_code == 302
    assert Device.objects.get().reserve_pct == 45
    assert AuditEntry.objects.get(action="device.reserve_set").detail["to_pct"] == 45
    refused = client.post(at_home(world, "home_reserve"), {"reserve": "5"})
    assert refused.status_code == 422 and b"Choose from 10 to 100" in refused.content
    assert Device.objects.get().reserve_pct == 45


def test_switching_off_takes_back_what_was_placed_and_leaves_what_was_placed_by_hand() -> None:
    market = make_market()
    home, _ = make_participants(2, market=market)
    by = User.objects.create_user("an", password="a long password")
    set_limits(market=market, participant=home, sell=(2_000, 800), buy=None, by=by, at=NOON)
    switch(market=market, participant=home, on=True, by=by, at=NOON)
    contract = open_contracts(market)[0]
    placed = [
        New(home.pk, f"si-{contract.pk}-s-0", contract.pk, SELL, 1_000, 2_000),
        New(home.pk, "by-hand", contract.pk, SELL, 1_000, 2_000),
    ]
    submit(market.pk, placed, by=None, at=NOON)
    assert switch(market=market, participant=home, on=False, by=by, at=NOON)
    assert not switch(market=market, participant=home, on=False, by=by, at=NOON)
    assert list(Order.objects.filter(remaining_wh__gt=0).values_list("client_order_id", flat=True)) == ["by-hand"]


def test_reasons_are_told_in_plain_words_and_numbers() -> None:
    told = reason("forecast surplus 1.2 kWh at 12:00 and energy in storage, limit 1,500 falling to 1,100")
    assert told == (
        "At 12:00 you will probably have 1.2 kWh more than you need. The battery can give some too."
        " The limit moves to ₫1,100 until trading ends."
    )
    assert reason("forecast need 3.0 kWh at 18:30, limit 900").startswith("At 18:30 you will probably need 3.0 kWh")
    at_the_end = reason("forecast surplus 1.2 kWh at 12:00, limit 1,500 falling to 1,100", 1_100)
    assert at_the_end == "At 12:00 you will probably have 1.2 kWh more than you need."
    assert reason("by hand") == "by hand"


def test_the_wall_is_public_where_it_is_asked_for_and_names_nobody(world, client, settings) -> None:
    address = reverse("portal:wall", args=(world.market.code,))
    settings.WALLS = []
    assert client.get(address).status_code == 404
    settings.WALLS = [world.market.code]
    EmissionFactor.objects.create(
        country="VN", year=2024, official=True, valid_from=TUESDAY_TEN.date(), mg_per_kwh=659_200, source="Notice 1726"
    )
    page = client.get(address).content.decode()
    assert "25.0 %" in page and "2.0 kWh of 8.0 kWh came from neighbours" in page
    assert "2.6 kg" in page and "Notice 1726" in page  # (5 kWh − 1 to the grid) × 659.2 g
    assert "roof" not in page and "shop" not in page


def test_the_wall_asks_the_database_once_in_a_while(world, client, settings, django_assert_max_num_queries) -> None:
    settings.WALLS = [world.market.code]
    address = reverse("portal:wall", args=(world.market.code,))
    client.get(address)
    with django_assert_max_num_queries(1):
        client.get(address)


def test_a_site_without_anything_settled_has_an_empty_day(world) -> None:
    day = site_day(world.market, TUESDAY_TEN + timedelta(days=1), TUESDAY_TEN + timedelta(days=2))
    assert (day.intervals, day.local_ppm, day.spared_grams(659_200)) == (0, None, 0)


def test_live_prices_stand_on_the_home_before_any_script_runs() -> None:
    market = make_market()
    home, other = make_participants(2, market=market)
    contract = open_contracts(market)[0]
    trade = [New(home.pk, "a", contract.pk, SELL, 1_000, 1_640), New(other.pk, "b", contract.pk, BUY, 1_000, 1_640)]
    submit(market.pk, trade, by=None, at=NOON)
    market.clock_at, market.clock_started_at = NOON, datetime.now(UTC)
    market.save()
    user = User.objects.create_user("an", password="a long password")
    Membership.objects.create(user=user, participant=home, role="owner")
    client = Client()
    client.force_login(user)
    page = client.get(f"/home/{market.code}/{home.code}/").content.decode()
    assert "Market price 12:30–13:00: ₫1,640/kWh" in page
    assert "No meter has said anything yet" in page


def test_what_others_wrote_as_a_reason_is_told_in_the_readers_words() -> None:
    assert reason("placed by hand") == "Placed by hand, not by the switch above."
