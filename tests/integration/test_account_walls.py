"""Walls around logins: what a stranger, a thief of a session or a careless form must not get through."""

import json
import os
import re
import subprocess
import sys
from base64 import b64encode
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from threading import Barrier, BrokenBarrierError
from types import SimpleNamespace
from uuid import uuid4

import pytest
from allauth.mfa.totp.internal import auth as totp
from cryptography.hazmat.primitives.asymmetric.ec import SECP256R1, generate_private_key
from django.core import mail
from django.core.management import CommandError, call_command
from django.db import connection
from django.test import Client
from knox.models import AuthToken

from accounts.models import AuditEntry, Invitation, Login, NoticeDelivery, PasswordReset, User
from accounts.operations import AccountError, add_membership, create_participant, create_user, invitations, logins
from accounts.operations.deliveries import deliver_due
from accounts.operations.erasure import erase_user
from accounts.operations.notices import tell_administrators
from accounts.operations.resets import find_reset, open_reset
from accounts.queries import own_notices
from accounts.signin import factors, limits
from accounts.webpush.encrypt import as_text, public_point
from tests.factories import NOON

PASSWORD = "correct horse battery"
TOKENS = "/api/v1/tokens"
# 290 characters: longer than a column for addresses, shorter than what the address checker takes.
LONG_ADDRESS = "a" * 60 + "@" + ".".join(["b" * 60] * 3) + "." + "c" * 40 + ".vn"


def make(name: str, **more) -> User:
    return create_user(by=None, username=f"{name}-{uuid4().hex[:6]}", password=PASSWORD, at=NOON, **more)


def browser(user: User) -> Client:
    client = Client()
    client.post("/login/", {"username": user.username, "password": PASSWORD})
    return client


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + b64encode(f"{name}:{password}".encode()).decode()}


@pytest.fixture
def house(db):
    return create_participant(by=None, code=f"h-{uuid4().hex[:6]}", name="Nhà B2", kind="household", at=NOON)


@pytest.fixture
def owner(house):
    user = make("owner", email="owner@example.vn")
    add_membership(by=None, user=user, participant=house, role="owner", at=NOON)
    return user


def test_an_address_that_is_too_long_is_refused_in_words(owner, house) -> None:
    inside = browser(owner)
    page = inside.post(f"/members/{house.code}/invite/", {"email": LONG_ADDRESS, "role": "viewer"}, follow=True)
    assert "This is no e-mail address" in page.content.decode() and not Invitation.objects.exists()
    page = inside.post("/account/email/", {"email": LONG_ADDRESS}, follow=True)
    assert "This is no e-mail address" in page.content.decode() and not mail.outbox


def test_a_name_taken_meanwhile_is_told(owner, house, monkeypatch) -> None:
    _, secret = invitations.invite(
        by=owner, email="moi@example.vn", role="viewer", participant=house, days=7, at=datetime.now(UTC)
    )
    monkeypatch.setattr("accounts.operations.users._check_username", lambda user: None)
    form = {"username": owner.username, "password": "another long one 7", "again": "another long one 7"}
    page = Client().post(f"/invited/{secret}/", form)
    assert page.status_code == 200 and "There is already a user named" in page.content.decode()


def test_open_letters_end_with_a_change_of_password_or_address(owner) -> None:
    first = open_reset(user=owner, at=datetime.now(UTC))
    logins.change_password(user=owner, password="another long one 7", at=datetime.now(UTC))
    with pytest.raises(AccountError, match="used or is too old"):
        find_reset(first, datetime.now(UTC))
    second = open_reset(user=owner, at=datetime.now(UTC))
    _, old, new = logins.ask_email_change(user=owner, email="new@example.vn", at=datetime.now(UTC))
    logins.confirm_email(user=owner, secret=old, at=datetime.now(UTC))
    assert find_reset(second, datetime.now(UTC))
    logins.confirm_email(user=owner, secret=new, at=datetime.now(UTC))
    assert not PasswordReset.objects.filter(user=owner).exists()


def test_nobody_can_hold_up_an_erasure_by_a_name(owner, db) -> None:
    taken = User.objects.create_user(f"erased-{owner.pk}")
    name = erase_user(user=owner, open_money={}, at=datetime.now(UTC))
    owner.refresh_from_db()
    assert owner.username == name != taken.username and name.startswith(f"erased-{owner.pk}")


def test_tokens_are_no_way_round_the_limits_of_the_door(db, settings) -> None:
    settings.SIGN_INS_PER_ADDRESS = 3
    client, tries = Client(REMOTE_ADDR="192.0.2.77"), []
    limits_before = uuid4().hex
    for number in range(5):
        tries.append(client.post(TOKENS, headers=basic(f"{limits_before}-{number}", "wrong")).status_code)
    assert tries == [401, 401, 401, 429, 429]


def test_a_name_is_guessed_no_faster_by_two_doors(db, settings, owner) -> None:
    settings.SIGN_INS_AT_ONCE = 3
    for _ in range(3):
        Client(REMOTE_ADDR="192.0.2.78").post("/login/", {"username": owner.username, "password": "wrong"})
    answer = Client(REMOTE_ADDR="192.0.2.79").post(TOKENS, headers=basic(owner.username.upper(), "wrong"))
    assert answer.status_code == 429 and int(answer.headers["Retry-After"]) > 0


def test_an_administrator_without_the_second_step_gets_no_token(db, settings) -> None:
    settings.STAFF_NEED_SECOND_STEP = True
    admin = make("admin", is_staff=True)
    answer = Client().post(TOKENS, headers=basic(admin.username, PASSWORD))
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "second_step_needed")
    settings.STAFF_NEED_SECOND_STEP = False
    assert Client().post(TOKENS, {}, "application/json", headers=basic(admin.username, PASSWORD)).status_code == 201


def test_the_operator_makes_a_token_for_a_metering_system(db, capsys) -> None:
    system = make("meters", is_staff=True)
    call_command("make_token", "--user", system.username, "--days", "7")
    secret, told = capsys.readouterr().out.splitlines()
    answer = Client().get("/api/v1/tokens", headers={"Authorization": f"Token {secret}"})
    (token,) = answer.json()["tokens"]
    assert token["key"] in told and AuditEntry.objects.filter(by=system, action="token.created").count() == 1
    with pytest.raises(CommandError, match="1 to 366 days"):
        call_command("make_token", "--user", system.username, "--days", "400")
    User.objects.filter(pk=system.pk).update(is_active=False)
    for name in (system.username, "nobody"):
        with pytest.raises(CommandError, match="no open login"):
            call_command("make_token", "--user", name)


def test_a_thief_of_a_session_makes_no_token_that_outlives_it(owner) -> None:
    inside = browser(owner)
    assert inside.post(TOKENS, {}, "application/json").status_code == 201
    session = inside.session
    session["signed_in_at"] = (datetime.now(UTC) - timedelta(minutes=16)).timestamp()
    session.save()
    answer = inside.post(TOKENS, {}, "application/json")
    assert (answer.status_code, answer.json()["error"]["code"]) == (403, "confirm_first")
    assert AuthToken.objects.filter(user=owner).count() == 1


@pytest.mark.parametrize("address", ["unknown", "192.0.2.7:5123", "[2001:db8::7]:443", "", "x" * 300])
def test_an_address_that_is_none_keeps_nobody_out(owner, address) -> None:
    client = Client(REMOTE_ADDR=address)
    assert client.post("/login/", {"username": owner.username, "password": PASSWORD}).status_code == 302
    assert Login.objects.get(user=owner).address in (None, "192.0.2.7", "2001:db8::7")


def test_a_house_of_ipv6_addresses_is_one_address(db, settings, rf) -> None:
    settings.SIGN_INS_PER_ADDRESS = 2
    prefix = f"2001:db8:{uuid4().hex[:4]}:{uuid4().hex[:4]}"
    asked = [rf.get("/", REMOTE_ADDR=f"{prefix}::{number:x}") for number in range(1, 4)]
    assert [limits.wait_for_address(request) > 0 for request in asked] == [False, False, True]


@pytest.mark.parametrize("where", ["/login/", "/members/invite/"])
def test_early_refusals_carry_the_policy_too(db, where) -> None:
    auditor = make("auditor", is_auditor=True)
    inside = browser(auditor)
    refused = inside.post(where) if where != "/login/" else Client(enforce_csrf_checks=True).post(where)
    assert refused.status_code == 403
    assert "default-src 'self'" in refused.headers["Content-Security-Policy"]
    assert refused.headers["X-Frame-Options"] == "DENY"


def test_a_stranger_is_not_read_to_the_end(db) -> None:
    answer = Client().post("/login/", {"username": "x" * 9_000_000, "password": "x"})
    assert answer.status_code == 400 and len(answer.content) < 100_000


def test_a_host_that_is_not_ours_gets_the_policy_too(db) -> None:
    refused = Client(raise_request_exception=False).get("/login/", headers={"Host": "evil.example"})
    assert refused.status_code == 400
    assert "default-src 'self'" in refused.headers["Content-Security-Policy"]


def signed(**response: str) -> dict:
    return {"id": "AA", "rawId": "AA", "type": "public-key", "response": {"clientDataJSON": "e30", **response}}


CREDENTIALS = [
    None,
    7,
    "x",
    [],
    {},
    signed(),
    signed(authenticatorData="AA", signature="AA", userHandle="MQ"),
    signed(clientDataJSON="////", authenticatorData="A" * 60, signature="AA", userHandle="OTk5OTk5OTk5OTk5OTk5OTk5"),
    signed(attestationObject="oA"),
    signed(attestationObject="v" * 40),
    signed(attestationObject="n4Gf" * 4_000),
    {"response": "x"},
    {"response": {"userHandle": 7}},
    {"id": 1, "rawId": 2, "type": 3, "response": 4},
]


@pytest.mark.parametrize("credential", CREDENTIALS)
def test_nonsense_for_a_passkey_is_refused_in_words(owner, credential) -> None:
    stranger, inside = Client(), browser(owner)
    stranger.post("/login/passkey/begin/")
    body = json.dumps({"credential": credential})
    answer = stranger.post("/login/passkey/finish/", body, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "passkey_unknown")
    inside.post("/account/passkeys/begin/")
    answer = inside.post("/account/passkeys/finish/", body, "application/json")
    assert (answer.status_code, answer.json()["code"]) == (400, "passkey_failed")


def test_who_becomes_an_administrator_while_signed_in_owes_a_second_step(db, settings) -> None:
    settings.STAFF_NEED_SECOND_STEP = True
    user = make("user")
    inside = browser(user)
    assert inside.get("/members/").status_code == 403
    User.objects.filter(pk=user.pk).update(is_staff=True)
    assert inside.get("/members/").url == inside.get("/healthz/detail").url == "/account/"
    assert inside.get("/healthz").status_code == inside.get("/account/").status_code == 200


def test_letters_lead_to_the_sites_own_address_whatever_the_host_says(owner, house, settings, monkeypatch) -> None:
    settings.SITE_ADDRESS, settings.ALLOWED_HOSTS = "https://energy.example.vn", ["testserver", "localhost"]
    queued = []
    task = SimpleNamespace(delay=lambda *given: queued.append(given))
    monkeypatch.setattr("accounts.signin.forgotten.send_reset_letters", task)
    Client().post("/login/forgotten/", {"named": owner.username}, headers={"Host": "localhost"})
    assert queued == [(owner.username, "https://energy.example.vn/login/forgotten/")]
    inside = browser(owner)
    form = {"email": "moi@example.vn", "role": "viewer"}
    inside.post(f"/members/{house.code}/invite/", form, headers={"Host": "localhost"})
    inside.post("/account/email/", {"email": "new@example.vn"}, headers={"Host": "localhost"})
    links = [re.search(r"^http\S+", letter.body, re.MULTILINE).group() for letter in mail.outbox]
    assert len(links) == 3 and all(link.startswith("https://energy.example.vn/") for link in links)


def test_an_endless_password_opens_wherever_it_was_set(owner, house) -> None:
    endless = "correct horse battery " * 300
    form = {"password": endless, "again": endless}
    inside = browser(owner)
    inside.post("/account/password/", form)
    answer = Client().post("/login/", {"username": owner.username, "password": endless})
    assert answer.status_code == 302
    _, secret = invitations.invite(
        by=owner, email="moi@example.vn", role="viewer", participant=house, days=7, at=datetime.now(UTC)
    )
    name = f"moi-{uuid4().hex[:6]}"
    assert Client().post(f"/invited/{secret}/", {"username": name, **form}).url == "/start/"
    assert Client().post("/login/", {"username": name, "password": endless}).status_code == 302


def test_who_runs_the_house_no_more_reads_no_more_of_it(db) -> None:
    admin = make("admin", is_staff=True, email="admin@example.vn")
    at = datetime.now(UTC)
    tell_administrators("proposal_waits", "proposal 1", at, about=("proposal", 1), data={"who": "Lan"})
    assert [told.kind for told in own_notices(admin)] == ["proposal_waits"]
    NoticeDelivery.objects.create(notice=own_notices(admin).get(), due_at=at)
    admin.is_staff = False
    admin.save()
    assert not own_notices(admin).exists()
    assert deliver_due(at + timedelta(seconds=1), lambda row: pytest.fail("sent")).dropped >= 1


def test_a_change_of_the_key_is_an_answer_in_words_and_can_be_bridged(owner, settings) -> None:
    before = settings.SECRET_KEY
    totp.TOTP.activate(owner, "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP")
    (code, *_) = factors.make_codes(user=owner, at=NOON)
    settings.SECRET_KEY = "another key " * 5
    assert factors.check_code(user=owner, code=code, at=NOON) == ""
    settings.SECRET_KEY_FALLBACKS = [before]
    assert factors.check_code(user=owner, code=code, at=NOON) == "recovery"


def test_earlier_keys_are_a_setting() -> None:
    told = "import django; from django.conf import settings; print(settings.SECRET_KEY_FALLBACKS)"
    given = os.environ | {"SECRET_KEY_FALLBACKS": "one,two", "DJANGO_SETTINGS_MODULE": "config.settings"}
    done = subprocess.run([sys.executable, "-c", told], env=given, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['one', 'two']"


@pytest.mark.parametrize("junk", ["\0", "!" * 200, " ", "\n", "é", "\ud800", "=" * 4])
def test_keys_of_a_browser_with_anything_else_in_them_are_refused(owner, settings, junk) -> None:
    settings.PUSH_SERVICES = ["fcm.googleapis.com"]
    point = as_text(public_point(generate_private_key(SECP256R1())))
    inside = browser(owner)

    def add(p256dh: str, auth: str):
        given = {"endpoint": f"https://fcm.googleapis.com/{uuid4().hex}", "keys": {"p256dh": p256dh, "auth": auth}}
        return inside.post("/notices/devices/", json.dumps(given), "application/json")

    assert add(point, "A" * 22).status_code == 200
    for keys in ((point + junk, "A" * 22), (point, junk + "A" * 22)):
        answer = add(*keys)
        assert (answer.status_code, answer.json()["code"]) == (400, "bad_keys")


def test_an_erasure_reaches_the_addresses_of_before_and_nobody_elses(owner, house) -> None:
    at = datetime.now(UTC)
    invited = {"by": owner, "role": "viewer", "participant": house, "days": 7, "at": at}
    _, secret = invitations.invite(email="Lan.First@example.vn", **invited)
    lan = invitations.accept_as_new(
        secret=secret, username=f"lan-{uuid4().hex[:6]}", password=PASSWORD, language="en", at=at
    )
    _, old, new = logins.ask_email_change(user=lan, email="lan.second@example.vn", at=at)
    for link in (old, new):
        logins.confirm_email(user=lan, secret=link, at=at)
    logins.ask_email_change(user=lan, email="LAN.THIRD@example.vn", at=at)
    logins.ask_email_change(user=lan, email="chef@example.vn", at=at)
    invitations.invite(email="chef@example.vn", **invited)
    invitations.invite(email="lan.second@Example.vn", **invited)
    erase_user(user=lan, open_money={}, at=at)
    held = str(list(AuditEntry.objects.values())) + str(list(Invitation.objects.values()))
    assert "lan.first" not in held.lower() and "lan.second" not in held.lower() and "lan.third" not in held.lower()
    chef = AuditEntry.objects.filter(detail__email="chef@example.vn")
    assert chef.get().action == "invitation.sent"  # somebody else's, whatever Lan typed
    assert Invitation.objects.filter(email="chef@example.vn").exists()


@pytest.mark.django_db(transaction=True)
def test_two_administrators_who_leave_at_once_leave_one() -> None:
    """Whoever has locked a row waits a moment for the other to lock one too."""
    people, held = [make(name, is_staff=True) for name in ("first", "second")], Barrier(2, timeout=1)

    def together(execute, sql, params, many, context):
        answer = execute(sql, params, many, context)
        if "FOR UPDATE" in sql:
            with suppress(BrokenBarrierError):
                held.wait()
        return answer

    def leave(user: User) -> str:
        try:
            with connection.execute_wrapper(together):
                return erase_user(user=user, open_money={}, at=datetime.now(UTC))
        except AccountError as error:
            return error.code
        finally:
            connection.close()

    with ThreadPoolExecutor(2) as pool:
        told = sorted(pool.map(leave, people))
    assert told[0].startswith("erased-") and told[1] == "last_administrator"
    assert User.objects.filter(is_staff=True).count() == 1
