"""The first steps of a new member: from the link to the switch, and what is reported on the way."""

from datetime import UTC, datetime

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import Membership, Participant, User
from members.models import Claim, FirstSteps
from members.operations import apply_member, refuse_claim
from planning.wishes import wish_of
from tests.members_world import HOME, NOW, Sites, group, make_sites

pytestmark = pytest.mark.django_db


@pytest.fixture
def sites() -> Sites:
    return make_sites()


def invited(sites: Sites, **cells: str) -> tuple[Client, Participant]:
    """The person of a new home, who has just followed the link."""
    made = apply_member(market=sites.east, group=group(**(HOME | cells)), by=sites.lan, at=NOW, wall=datetime.now(UTC))
    client = Client()
    form = {"username": "hoa", "password": "một mật khẩu dài", "again": "một mật khẩu dài"}
    answer = client.post(reverse("accounts:invited", args=(made.secret,)), form)
    assert answer["Location"] == reverse("portal:welcome")
    assert client.get(answer["Location"])["Location"] == at("start")
    return client, made.participant


def at(name: str, who: str = "b1", code: str = "east") -> str:
    return reverse(f"portal:{name}", args=(code, who))


def test_three_confirmations_lead_home(sites: Sites) -> None:
    hoa, home = invited(sites)
    assert hoa.get(at("start"))["Location"] == at("start_meter")
    page = hoa.get(at("start_meter")).content.decode()
    assert "Step 1 of 3" in page and "EM-1001" in page
    assert hoa.post(at("start_meter"), {"right": "yes"})["Location"] == at("start_devices")
    assert "5.5 kWp" in hoa.get(at("start_devices")).content.decode()
    assert hoa.post(at("start_devices"), {"right": "yes"})["Location"] == at("start_sell")
    page = hoa.get(at("start_sell")).content.decode()
    assert "₫740/kWh" in page and "₫2,250/kWh" in page and "₫671/kWh" in page
    assert hoa.post(at("start_sell"), {"on": "yes", "least": "900", "buy": "yes"})["Location"] == at("home")
    wish = wish_of(sites.east.pk, home.pk)
    assert (wish.active, wish.sell, wish.buy) == (True, (2_250, 900), (740, 2_250))
    page = hoa.get(at("home")).content.decode()
    assert (
        page.count("the first offers come within a day of your meter&#x27;s first reading") == 2
    )  # done, and no order yet
    assert "No meter has said anything yet" in page and "<wb-waiting>" in page and "steps are left" not in page
    assert hoa.get(at("start"))["Location"] == at("home")
    assert hoa.get(reverse("portal:welcome"))["Location"] == reverse("accounts:account")


def test_the_steps_can_be_left_and_gone_on_with(sites: Sites) -> None:
    hoa, _home = invited(sites)
    assert "steps are left" not in hoa.get(at("home")).content.decode()  # never begun
    hoa.post(at("start_meter"), {"right": "yes"})
    page = hoa.get(at("home")).content.decode()
    assert "steps are left" in page and at("start") in page
    assert hoa.get(at("start"))["Location"] == at("start_devices")
    before = FirstSteps.objects.get().meter_at
    hoa.post(at("start_meter"), {"right": "yes"})
    assert FirstSteps.objects.get().meter_at == before


def test_another_number_is_asked_for_twice_and_then_reported(sites: Sites) -> None:
    hoa, _home = invited(sites)
    answer = hoa.post(at("start_meter"), {"serial": "em-1001 "})
    assert answer["Location"] == at("start_devices")  # typed, and the registered one
    answer = hoa.post(at("start_meter"), {"serial": "EM-7777"})
    assert answer.status_code == 422 and "not the number that is registered for you" in answer.content.decode()
    assert not Claim.objects.exists()
    hoa.post(at("start_meter"), {"serial": "EM-7777", "report": "yes"})
    claim = Claim.objects.get()
    assert (claim.kind, claim.values, claim.state) == ("meter", {"serial": "EM-7777"}, "waiting")
    assert "waits for the administrator" in hoa.get(at("home")).content.decode()
    refuse_claim(claim=claim, note="A typing mistake", by=sites.lan, at=NOW)
    assert "A typing mistake" in hoa.get(at("home")).content.decode()
    assert "A typing mistake" in hoa.get(at("start_meter")).content.decode()


def test_nobody_learns_whose_another_number_is(sites: Sites) -> None:
    other = HOME | {"code": "b2", "name": "Nhà B2", "point": "B2", "serial": "EM-2", "email": ""}
    apply_member(market=sites.east, group=group(**other), by=sites.lan, at=NOW, wall=datetime.now(UTC))
    hoa, _home = invited(sites)
    known, unknown = (hoa.post(at("start_meter"), {"serial": serial}).content for serial in ("EM-2", "EM-3"))
    same = [page.split(b"<main")[1].replace(b"EM-2", b"").replace(b"EM-3", b"") for page in (known, unknown)]
    tokens = [part.split(b"csrfmiddlewaretoken")[0] for part in same]
    assert tokens[0] == tokens[1]


def test_a_home_without_a_meter_reports_one(sites: Sites) -> None:
    hoa, _home = invited(sites, point="", serial="", start_import_kwh="", multiplier="")
    assert "No meter is registered for you yet" in hoa.get(at("start_meter")).content.decode()
    assert hoa.post(at("start_meter"), {"serial": "x"}).status_code == 422
    assert hoa.post(at("start_meter"), {"serial": "new 123"})["Location"] == at("start_devices")
    assert Claim.objects.get().values == {"serial": "NEW123"}
    assert "You have reported this number" in hoa.get(at("start_meter")).content.decode()


def test_what_one_has_is_reported_and_bad_figures_are_refused(sites: Sites) -> None:
    hoa, _home = invited(sites)
    for wrong in ({"pv_kwp": "many"}, {"pv_kwp": "-1"}, {"battery_kw": "3"}, {"pv_kwp": "99999999"}):
        assert hoa.post(at("start_devices"), wrong).status_code == 422, wrong
    same = {"pv_kwp": "5.5", "battery_kwh": "5", "battery_kw": "2.5"}
    assert hoa.post(at("start_devices"), same).status_code == 302 and not Claim.objects.exists()
    hoa.post(at("start_devices"), same | {"pv_kwp": "7,2"})
    assert Claim.objects.get().values["pv_kwp"] == 7_200


def test_not_now_switches_nothing_on(sites: Sites) -> None:
    hoa, home = invited(sites)
    assert hoa.post(at("start_sell"), {"on": "yes", "least": "99999"}).status_code == 422
    hoa.post(at("start_sell"), {"on": "no"})
    assert not wish_of(sites.east.pk, home.pk).active and FirstSteps.objects.get().sell_at


def test_first_steps_are_the_members_own(sites: Sites) -> None:
    _hoa, home = invited(sites)
    stranger, viewer, lan = Client(), Client(), Client()
    stranger.force_login(sites.stranger)
    watcher = User.objects.create_user("watcher")
    Membership.objects.create(user=watcher, participant=home, role="viewer")
    viewer.force_login(watcher)
    lan.force_login(sites.lan)
    for name in ("start", "start_meter", "start_devices", "start_sell"):
        assert stranger.get(at(name)).status_code == 404 and Client().get(at(name)).status_code == 302
        assert stranger.get(at(name, code="west")).status_code == 404
        assert viewer.post(at(name), {"right": "yes"}).status_code == 403, name
    assert viewer.get(at("start_meter")).status_code == 200
    assert viewer.get(reverse("portal:welcome"))["Location"] == reverse("accounts:account")
    assert not FirstSteps.objects.exists()
