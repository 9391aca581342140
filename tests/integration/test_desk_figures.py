"""Own figures on the desk: what stands there, whose they are, who may see them and who may set a limit."""

from datetime import UTC, datetime, timedelta

import pytest
from django.core.cache import cache
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, Membership, User
from planning.models import PeakLimit
from settlement.models import Issuer
from settlement.operations import settle
from tariffs.models import EmissionFactor
from tariffs.operations import set_capacity_price
from tests.certificate_world import add_panels, settle_and_issue, sub_read
from tests.settlement_world import FIRST_DAY, HALF_HOUR, TUESDAY_TEN, World, flat_tariff, make_world

pytestmark = pytest.mark.django_db(transaction=True)
NOW = TUESDAY_TEN + 2 * HALF_HOUR


@pytest.fixture
def world() -> World:
    """Mill took 156 kWh in the half hour from 10:00, 40 of them roof's sun at 1,650; the day before 100 kWh."""
    world = make_world()
    world.add("roof", retail=2_500)
    world.add("mill", retail=3_398)
    add_panels(world, "roof")
    EmissionFactor.objects.create(country="VN", year=2024, mg_per_kwh=659_200, valid_from=FIRST_DAY, source="test")
    set_capacity_price(tariff=flat_tariff("flat-3398", 3_398), price_per_kw=209_459, valid_from=FIRST_DAY, by=None,
                       at=TUESDAY_TEN)  # fmt: skip
    before = world.contract(TUESDAY_TEN - timedelta(days=1))
    world.read({"roof": (0, 0), "mill": (100_000, 0)}, before.delivery_start)
    settle(contract_id=before.pk, kind="P", at=before.delivery_end)
    contract = world.contract()
    world.trade(contract, "roof", "mill", 40_000, 1_650)
    world.read({"roof": (0, 40_000), "mill": (156_000, 0)})
    sub_read(world, {"PV-roof": (0, 40_000)})
    settle_and_issue(contract)
    world.market.clock_at, world.market.clock_started_at = NOW, datetime.now(UTC)
    world.market.save()
    cache.clear()
    return world


def user(name: str, **more: bool) -> User:
    return User.objects.create_user(name, password="a long password", **more)


def member(world: World, code: str = "mill", role: str = "owner", name: str = "an") -> Client:
    client = Client()
    who = User.objects.filter(username=name).first() or user(name)
    Membership.objects.create(user=who, participant=world.people[code], role=role)
    client.force_login(who)
    return client


def text(answer) -> str:
    return " ".join(answer.content.decode().split())


SEAT = ("w", "mill")
PAGE = "/bills/w/mill/energy/"


def test_the_card_tells_cost_power_and_green_share(world: World) -> None:
    page = text(member(world).get("/markets/w/"))
    assert "You bought 40.0 kWh from neighbours" in page
    assert "₫66,000" in page  # 40 kWh at 1,650
    assert "₫394,168" in page  # 116 kWh from the grid at 3,398
    assert "₫4,800" in page  # the fee of 120 on 40 kWh
    assert "₫530,088" in page  # all of it from EVN
    assert "+₫65,120" in page
    assert "312 kW" in page and "No limit set" in page
    assert "₫65,351,208" in page  # 312 kW at 209,459 a kW
    assert "25.6 %" in page  # 40 of 156 kWh
    assert "Provisional" in page


def test_the_card_is_fetched_alone_and_drawn_without_scripts_or_styles(world: World) -> None:
    answer = member(world).get(reverse("portal:market_energy", args=("w",)))
    body = answer.content.decode()
    assert answer.status_code == 200 and "<html" not in body and "style=" not in body
    assert 'class="value provisional"' in body and 'class="mark"' in body
    assert answer.headers["Cache-Control"].startswith("max-age=0")


def test_who_acts_for_several_chooses_whose_figures(world: World) -> None:
    client = member(world)
    member(world, "roof")
    assert "You bought 40.0 kWh" in text(client.get("/markets/w/?who=mill"))
    roof = text(client.get("/markets/w/?who=roof"))
    assert "You sold 40.0 kWh to neighbours" in roof and 'aria-current="true"' in roof


def test_nobody_sees_figures_that_are_not_his(world: World) -> None:
    outside = Client()
    assert outside.get(PAGE).status_code == 302
    assert outside.get("/markets/w/energy/").status_code == 302
    stranger = Client()
    stranger.force_login(user("stranger"))
    assert stranger.get(PAGE).status_code == 404
    assert stranger.get("/markets/w/energy/").status_code == 404
    assert "You act for no one" in text(stranger.get("/markets/w/"))
    roof = member(world, "roof", name="binh")
    assert roof.get(PAGE).status_code == 404
    assert "156" not in text(roof.get("/markets/w/energy/?who=mill"))


def test_prices_are_compared_with_ones_own_tariff(world: World) -> None:
    client = member(world)
    ahead = world.contract(TUESDAY_TEN + timedelta(days=1))
    told = client.get("/markets/w/references.json").json()["contracts"]
    assert told[str(ahead.pk)] == {"retail": 3_398, "surplus": 671, "pool": None}
    assert len(told) == 2  # yesterday is not among them
    stranger = Client()
    stranger.force_login(user("stranger"))
    assert stranger.get("/markets/w/references.json").json()["contracts"][str(ahead.pk)]["retail"] is None


def test_an_owner_sets_a_limit_and_takes_it_away(world: World) -> None:
    client = member(world)
    answer = client.post(PAGE, {"limit": "300", "warn": "90"})
    assert (answer.status_code, answer.url) == (302, PAGE)
    page = text(client.get(PAGE))
    assert "Over your limit" in page
    assert "12.0 kW over your limit: that costs ₫2,513,508" in page
    assert 'class="limit"' in page and 'value="300"' in page
    client.post(PAGE, {"limit": "", "warn": "90"})
    assert not PeakLimit.objects.exists()
    noted = AuditEntry.objects.filter(action__startswith="peak_limit").order_by("pk")
    assert list(noted.values_list("action", "by__username")) == [("peak_limit.set", "an"), ("peak_limit.removed", "an")]


def test_a_limit_with_a_decimal_comma_is_kept_exactly(world: World) -> None:
    client = member(world)
    client.cookies["django_language"] = "vi"
    client.post(PAGE, {"limit": "312,5", "warn": "100"})
    assert PeakLimit.objects.get().limit_w == 312_500
    page = text(client.get(PAGE))
    assert 'value="312,5"' in page and "Dưới giới hạn" in page


@pytest.mark.parametrize(
    ("limit", "warn", "told"),
    [("much", "90", "Write the power in kW"), ("-3", "90", "Give a power above 0"), ("0", "90", "Give a power above 0"),
     ("300", "20", "Warn from 50 %"), ("300", "x", "Warn from 50 %"), ("9" * 12, "90", "Give a power above 0")],
)  # fmt: skip
def test_a_limit_that_makes_no_sense_is_refused_and_stays_in_the_form(world: World, limit, warn, told) -> None:
    answer = member(world).post(PAGE, {"limit": limit, "warn": warn})
    assert answer.status_code == 422
    assert told in text(answer) and f'value="{limit}"' in text(answer)
    assert not PeakLimit.objects.exists()


def test_who_only_looks_sets_no_limit(world: World) -> None:
    viewer = member(world, role="viewer", name="chi")
    assert "Keep the limit" not in text(viewer.get(PAGE))
    assert viewer.post(PAGE, {"limit": "300", "warn": "90"}).status_code == 403
    auditor = Client()
    auditor.force_login(user("auditor", is_auditor=True))
    assert auditor.get(PAGE).status_code == 200
    assert auditor.post(PAGE, {"limit": "300", "warn": "90"}).status_code == 403
    assert not PeakLimit.objects.exists()


def test_the_page_lists_the_days_before(world: World) -> None:
    page = text(member(world).get(PAGE))
    assert "1 Jun 2026" in page and "₫339,800" in page  # 100 kWh, all from the grid


def test_without_anything_measured_the_page_says_so(world: World) -> None:
    world.add("lamp", retail=2_500)
    page = text(member(world, "lamp").get("/bills/w/lamp/energy/"))
    assert "Nothing is settled yet today" in page and "No meter has told anything yet today" in page


def test_a_day_without_energy_over_the_wires_is_not_said_to_be_all_from_the_grid(world: World) -> None:
    world.add("lamp", retail=2_500)
    contract = world.contract(NOW)
    world.read({"lamp": (0, 0)}, contract.delivery_start)
    settle(contract_id=contract.pk, kind="P", at=contract.delivery_end)
    page = text(member(world, "lamp").get("/bills/w/lamp/energy/"))
    assert "nothing was taken from the wires" in page and "everything went through the grid" not in page


def test_without_an_emission_factor_the_green_share_says_what_is_missing(world: World) -> None:
    Issuer.objects.create(site=world.site, legal_name="Site", country="LA")
    assert "has no emission factor" in text(member(world).get(PAGE))
