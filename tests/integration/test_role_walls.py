"""Who may open, and who may send, at every address of a participant: each role against each page, new ones included.

The addresses are read from the site itself. A role that may look gets anything but a refusal; one that may not is told
that there is nothing. Forms are sent empty: who may send is told what is missing, who may not is refused before that.
"""

import io
import json
import zipfile

import pytest
from django.test import Client
from django.urls import get_resolver, reverse

from accounts.models import Membership, User
from accounts.operations import add_membership
from tests.office_world import NOW, Office
from tests.settlement_world import HALF_HOUR
from trading.models import Contract, Order

pytestmark = pytest.mark.django_db

OUT, HIDDEN, REFUSED = 302, 404, 403
# role: what looking is answered with, and what sending; None: anything but a refusal.
LOOKING = {
    "owner": None, "trader": None, "viewer": None, "administrator": None, "auditor": None,
    "neighbour": HIDDEN, "stranger": HIDDEN,
}  # fmt: skip
SENDING = {
    "owner": None, "trader": None, "viewer": REFUSED, "administrator": REFUSED, "auditor": REFUSED,
    "neighbour": HIDDEN, "stranger": HIDDEN,
}  # fmt: skip
# How a participant stands on documents is for its owners; administrators say it in the office.
OTHERWISE = {("portal:bills_details", "trader"): REFUSED}


def test_who_acts_for_several_is_told_that_there_is_nothing(office) -> None:
    mill = office.world.people["mill"]
    add_membership(by=None, user=office.owner, participant=mill, role="owner", at=NOW)
    client = Client()
    client.force_login(office.owner)
    for address in ("/bills/w/roof/documents/0/", "/home/w/roof/nothing/", "/office/w/members/of/roof/"):
        assert client.get(address).status_code in (HIDDEN, REFUSED), address


def test_a_search_for_what_no_text_holds_breaks_nothing(office) -> None:
    client = Client()
    client.force_login(office.minh)
    assert client.get("/members/", {"q": "ro\0of"}).status_code == 200


@pytest.fixture
def people(office) -> dict[str, Client]:
    """A signed-in browser for each role; the neighbour owns another participant of the same market."""
    users = {
        "owner": office.owner,
        "administrator": office.minh,
        "auditor": office.auditor,
        "stranger": office.stranger,
    }
    for role in ("trader", "viewer"):
        users[role] = User.objects.create_user(f"a-{role}")
        add_membership(by=None, user=users[role], participant=office.world.people["roof"], role=role, at=NOW)
    users["neighbour"] = User.objects.create_user("neighbour")
    shop = office.world.people["shop"]
    add_membership(by=None, user=users["neighbour"], participant=shop, role="owner", at=NOW)
    clients = {who: Client() for who in users}
    for who, client in clients.items():
        client.force_login(users[who])
    return clients


def seats(office: Office) -> dict[str, str]:
    """Every address that stands below a participant's name."""
    invoice = office.invoice("roof").pk
    known = {
        "code": "w", "who": "roof", "pk": invoice, "position": 1, "form": "xml", "name": "x", "key": "x", "device": 1,
    }  # fmt: skip
    special = {"bills_withdraw": {"pk": office.dispute.pk}}
    found = {}
    (portal,) = [each for each in get_resolver().url_patterns if getattr(each, "namespace", "") == "portal"]
    for pattern in portal.url_patterns:
        keys = pattern.pattern.converters
        if {"code", "who"} <= set(keys) and not str(pattern.pattern).startswith("office/"):
            values = known | special.get(pattern.name, {})
            name = f"portal:{pattern.name}"
            found[name] = reverse(name, kwargs={key: values[key] for key in keys})
    return found


def test_every_page_of_a_participant_opens_for_whom_it_should(office, people) -> None:
    addresses = seats(office)
    assert {"portal:home", "portal:bills_documents", "portal:bills_green"} <= set(addresses)
    wrong = []
    for name, address in addresses.items():
        assert Client().get(address).status_code == OUT, name
        for who, expected in LOOKING.items():
            status = people[who].get(address).status_code
            if status != expected if expected else status in (REFUSED, 500):
                wrong.append((name, who, status))
    assert wrong == []


def test_every_form_of_a_participant_is_taken_from_whom_it_should(office, people) -> None:
    wrong, before = [], (Order.objects.count(), Membership.objects.count())
    for name, address in seats(office).items():
        assert Client().post(address).status_code == OUT, name
        for who, usual in SENDING.items():
            expected = OTHERWISE.get((name, who), usual)
            status = people[who].post(address).status_code
            if status != expected if expected else status in (REFUSED, HIDDEN, 500):
                wrong.append((name, who, status))
    assert wrong == []
    assert (Order.objects.count(), Membership.objects.count()) == before


@pytest.mark.parametrize(
    ("who", "looking", "inviting"),
    [
        ("owner", 200, OUT), ("administrator", 200, OUT), ("auditor", 200, REFUSED), ("trader", REFUSED, REFUSED),
        ("viewer", REFUSED, REFUSED), ("neighbour", REFUSED, REFUSED), ("stranger", REFUSED, REFUSED),
    ],
)  # fmt: skip
def test_members_are_looked_after_by_owners_and_administrators(office, people, who, looking, inviting) -> None:
    form = {"email": f"{who}@example.vn", "role": "viewer"}
    assert people[who].get("/members/roof/").status_code == looking
    assert people[who].post("/members/roof/invite/", form).status_code == inviting
    for seat in Membership.objects.filter(participant__code="roof", role="viewer"):
        done = people[who].post(f"/seats/{seat.pk}/role/", {"role": "viewer"}).status_code
        assert done == (OUT if who in ("owner", "administrator") else REFUSED)
    menu = people[who].get("/account/").content.decode()
    assert ('href="/members/"' in menu) == (who in ("owner", "administrator", "auditor", "neighbour"))


def test_an_order_of_the_api_is_taken_from_those_who_trade_alone(office, people) -> None:
    contract = office.world.contract(NOW + 4 * HALF_HOUR)
    Contract.objects.filter(pk=contract.pk).update(state="CONTINUOUS", gate_closes_at=NOW + 3 * HALF_HOUR)
    answers = {}
    for who, client in people.items():
        order = {
            "participant": "roof", "contract_id": contract.pk, "client_order_id": f"of-{who}", "side": "sell",
            "type": "limit", "price": 1_600, "quantity_wh": 100,
        }  # fmt: skip
        sent = client.post("/api/v1/orders", json.dumps(order), content_type="application/json")
        listed = client.get("/api/v1/orders", {"participant": "roof"})
        answers[who] = (sent.status_code in (REFUSED, HIDDEN), listed.status_code)
    assert answers == {
        "owner": (False, 200), "trader": (False, 200), "viewer": (True, 200), "administrator": (True, 200),
        "auditor": (True, 200), "neighbour": (True, 404), "stranger": (True, 404),
    }  # fmt: skip
    assert not Order.objects.filter(client_order_id__in=("of-viewer", "of-neighbour", "of-auditor")).exists()


def test_an_export_holds_ones_own_and_nobody_elses(office, people) -> None:
    held = {}
    for who in ("viewer", "stranger"):
        User.objects.filter(username__in=("a-viewer", "stranger")).update(language="vi")
        session = people[who].session
        session["signed_in_at"] = 10**11
        session.save()
        pack = zipfile.ZipFile(io.BytesIO(people[who].post("/account/data/").content))
        held[who] = {name: pack.read(name).decode() for name in pack.namelist()}
    for about in held.values():
        told = about.pop("README.txt")
        assert "Điện năng tính bằng Wh" in told
        assert {line.split(":")[0] for line in told.splitlines() if ".json:" in line} == set(about)
    mine = {name: json.loads(text) for name, text in held["viewer"].items()}
    assert len(mine["intervals.json"]) == 7 and mine["disputes.json"][0]["state"] == "open"
    assert {row["participant__code"] for row in mine["invoices.json"]} == {"roof"} == {
        row["participant"] for row in mine["intervals.json"]
    }  # fmt: skip
    own = {"login.json", "actions.json", "browsers.json", "notices.json"}
    others = {name: text for name, text in held["stranger"].items() if name not in own}
    assert set(others.values()) == {"[]\n"}
