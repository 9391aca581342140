"""Invitations, members, a change of address, export and erasure."""

import io
import json
import re
import zipfile
from datetime import UTC, datetime, timedelta
from uuid import uuid4

import pytest
from django.core import mail
from django.db import DatabaseError, transaction
from django.test import Client

from accounts.models import AuditEntry, EmailChange, Invitation, Membership, Participant, User
from accounts.operations import AccountError, add_membership, create_participant, create_user
from accounts.operations import invitations as operations
from accounts.queries import audit_trail
from tests.factories import NOON, make_market
from trading.models import Admission

PASSWORD = "correct horse battery"
LINK = re.compile(r"http://testserver(/\S+)")


def make(name: str, **more) -> User:
    return create_user(by=None, username=f"{name}-{uuid4().hex[:6]}", password=PASSWORD, at=NOON, **more)


def browser(user: User) -> Client:
    client = Client()
    client.post("/login/", {"username": user.username, "password": PASSWORD})
    return client


@pytest.fixture
def house(db) -> Participant:
    return create_participant(by=None, code=f"h-{uuid4().hex[:6]}", name="Nhà B2", kind="household", at=NOON)


@pytest.fixture
def owner(house) -> User:
    user = make("owner", email="owner@example.vn")
    add_membership(by=None, user=user, participant=house, role="owner", at=NOON)
    return user


def invite(owner: User, house: Participant, role: str = "trader", email: str = "moi@example.vn") -> str:
    _, secret = operations.invite(by=owner, email=email, role=role, participant=house, days=7, at=datetime.now(UTC))
    return secret


def test_an_owner_invites_and_the_invited_joins_with_a_password(owner, house) -> None:
    browser(owner).post(f"/members/{house.code}/invite/", {"email": "moi@example.vn", "role": "trader"})
    (letter,) = mail.outbox
    address = LINK.search(letter.body).group(1)
    assert letter.to == ["moi@example.vn"] and address.split("/")[2] not in str(list(Invitation.objects.values()))
    guest = Client()
    assert "Nhà B2" in guest.get(address).content.decode()
    name = f"moi-{uuid4().hex[:6]}"
    form = {"username": name, "password": "another long one 7", "again": "another long one 7"}
    assert guest.post(address, form).url == "/start/"
    assert Membership.objects.get(user__username=name).role == "trader"
    assert "Nhà B2" in guest.get("/account/").content.decode()
    assert Client().post(address, form | {"username": "x"}).status_code == 410
    told = [row.sentence for row in audit_trail(action="invitation.")]
    assert any("moi@example.vn" in sentence for sentence in told)


def test_a_bad_choice_spends_nothing(owner, house) -> None:
    address = f"/invited/{invite(owner, house)}/"
    taken = {"username": owner.username, "password": "another long one 7", "again": "another long one 7"}
    for form in (taken, taken | {"username": "n1", "password": "short", "again": "short"}, taken | {"again": "other"}):
        answer = Client().post(address, form)
        assert answer.status_code == 200 and b'role="alert"' in answer.content
    assert Invitation.objects.get(accepted_at=None).accepted_by is None


def test_one_who_has_a_login_gets_one_more_seat(owner, house) -> None:
    guest = make("guest")
    assert browser(guest).post(f"/invited/{invite(owner, house, 'viewer')}/").url == "/start/"
    assert Membership.objects.get(user=guest).role == "viewer"


def test_late_withdrawn_and_replaced_invitations_are_over(owner, house) -> None:
    late = invite(owner, house)
    Invitation.objects.update(expires_at=datetime.now(UTC) - timedelta(seconds=1))
    first = invite(owner, house, email="a@example.vn")
    second = invite(owner, house, email="A@example.vn")
    assert [Client().get(f"/invited/{one}/").status_code for one in (late, first, second)] == [410, 410, 200]
    row = Invitation.objects.get(withdrawn_at=None, email="A@example.vn")
    browser(owner).post(f"/invitations/{row.pk}/withdraw/")
    assert Client().get(f"/invited/{second}/").status_code == 410


def test_an_invitation_ends_with_the_right_of_who_sent_it(owner, house) -> None:
    address = f"/invited/{invite(owner, house)}/"
    Membership.objects.filter(user=owner).update(role="viewer")
    form = {"username": f"n-{uuid4().hex[:6]}", "password": "another long one 7", "again": "another long one 7"}
    assert Client().post(address, form).status_code == 200
    assert not User.objects.filter(username=form["username"]).exists()


@pytest.mark.parametrize("role", ["trader", "viewer"])
def test_only_owners_and_administrators_invite(owner, house, role) -> None:
    member = make("member")
    add_membership(by=None, user=member, participant=house, role=role, at=NOON)
    client = browser(member)
    assert client.get(f"/members/{house.code}/").status_code == 403
    assert client.post(f"/members/{house.code}/invite/", {"email": "x@y.vn", "role": "owner"}).status_code == 403
    assert browser(owner).post("/members/invite/", {"email": "x@y.vn", "role": "administrator"}).status_code == 403
    assert not Invitation.objects.exists()


def test_an_administrator_invites_an_administrator(db) -> None:
    boss = make("boss", is_staff=True)
    _, secret = operations.invite(
        by=boss, email="b@example.vn", role="administrator", participant=None, days=7, at=datetime.now(UTC)
    )
    made = operations.accept_as_new(
        secret=secret, username="b2", password=PASSWORD, language="vi", at=datetime.now(UTC)
    )  # fmt: skip
    assert made.is_staff and made.language == "vi"


def test_the_link_is_shown_where_no_mail_goes_out(owner, house, monkeypatch) -> None:
    def refuse(self) -> None:
        raise OSError("no mail server")

    monkeypatch.setattr("django.core.mail.EmailMessage.send", refuse)
    page = browser(owner).post(f"/members/{house.code}/invite/", {"email": "moi@example.vn", "role": "viewer"})
    assert Client().get(LINK.search(page.content.decode()).group(1).split("<")[0]).status_code == 200


def test_a_participant_keeps_an_owner(owner, house) -> None:
    seat = Membership.objects.get(user=owner)
    client = browser(owner)
    client.post(f"/seats/{seat.pk}/role/", {"role": "viewer"})
    client.post(f"/seats/{seat.pk}/remove/")
    seat.refresh_from_db()
    assert seat.role == "owner"
    second = make("second")
    other = add_membership(by=None, user=second, participant=house, role="trader", at=NOON)
    client.post(f"/seats/{other.pk}/role/", {"role": "owner"})
    client.post(f"/seats/{seat.pk}/remove/")
    assert [row.user for row in house.memberships.all()] == [second]
    assert browser(owner).post(f"/seats/{other.pk}/remove/").status_code == 403


def test_an_address_changes_when_both_have_agreed(owner) -> None:
    client = browser(owner)
    client.post("/account/email/", {"email": "new@example.vn"})
    letters = {letter.to[0]: LINK.search(letter.body).group(1) for letter in mail.outbox}
    assert set(letters) == {"owner@example.vn", "new@example.vn"}
    client.get(letters["new@example.vn"])
    client.post(letters["new@example.vn"])
    owner.refresh_from_db()
    assert owner.email == "owner@example.vn"
    stranger = browser(make("stranger"))
    stranger.post(letters["owner@example.vn"])
    owner.refresh_from_db()
    assert owner.email == "owner@example.vn"
    client.post(letters["owner@example.vn"])
    owner.refresh_from_db()
    assert owner.email == "new@example.vn" and not EmailChange.objects.exists()


def test_the_export_holds_the_login_and_its_participants(owner, house) -> None:
    answer = browser(owner).post("/account/data/")
    pack = zipfile.ZipFile(io.BytesIO(answer.content))
    held = {name: json.loads(pack.read(name)) for name in pack.namelist() if name.endswith(".json")}
    assert held["login.json"][0]["email"] == "owner@example.vn"
    assert held["login.json"][0]["participants"][0]["code"] == house.code
    assert {"orders.json", "readings.json", "invoices.json", "bought.json", "sold.json"} <= set(held)
    assert "password" not in held["login.json"][0] and any(
        row["action"] == "login.opened" for row in held["actions.json"]
    )


def test_erasing_leaves_a_pseudonym_and_no_name(owner, house) -> None:
    name, client = owner.username, browser(owner)
    assert client.post("/account/erase/", {"username": "somebody"}).url == "/account/"
    assert client.post("/account/erase/", {"username": name}).status_code == 200
    owner.refresh_from_db()
    assert (owner.username, owner.email, owner.is_active) == (f"erased-{owner.pk}", "", False)
    trail = json.dumps(list(AuditEntry.objects.values("target", "detail")))
    assert name not in trail and "owner@example.vn" not in trail and owner.username in trail
    assert not owner.memberships.exists() and client.get("/account/").status_code == 302
    assert b"wrong_login" in Client().post("/login/", {"username": name, "password": PASSWORD}).content


def test_the_trail_stays_append_only_after_an_erasure(owner) -> None:
    browser(owner).post("/account/erase/", {"username": owner.username})
    with pytest.raises(DatabaseError), transaction.atomic():
        AuditEntry.objects.update(target="x")


def test_open_money_holds_a_person_back(owner, house) -> None:
    market = make_market(code=f"m-{uuid4().hex[:6]}")
    row = Admission.objects.create(market=market, participant=house)
    Admission.objects.filter(pk=row.pk).update(committed_millidong=1)
    client = browser(owner)
    assert "open money" in client.get("/account/erase/").content.decode()
    client.post("/account/erase/", {"username": owner.username})
    owner.refresh_from_db()
    assert owner.is_active
    second = make("second")
    add_membership(by=None, user=second, participant=house, role="owner", at=NOON)
    assert client.post("/account/erase/", {"username": owner.username}).status_code == 200


def test_the_last_administrator_stays(db) -> None:
    User.objects.filter(is_staff=True).update(is_active=False)
    boss = make("boss", is_staff=True)
    from accounts.operations.erasure import erase_user

    with pytest.raises(AccountError, match="only administrator"):
        erase_user(user=boss, open_money={}, at=NOON)
