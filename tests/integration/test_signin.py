"""The door: the same answer to strangers and slips, limits, the second step, passkeys, the duty of administrators."""

import json
from datetime import UTC, datetime
from uuid import uuid4

import pytest
from allauth.mfa.models import Authenticator
from allauth.mfa.totp.internal import auth as totp
from django.conf import settings
from django.contrib.auth.hashers import make_password
from django.test import Client

from accounts.models import AuditEntry, Login
from accounts.operations import create_user
from accounts.signin import factors
from tests.factories import NOON

PASSWORD = "correct horse battery"
SECRET = "JBSWY3DPEHPK3PXPJBSWY3DPEHPK3PXP"


@pytest.fixture
def lan(db):
    return create_user(by=None, username=f"lan-{uuid4().hex[:8]}", password=PASSWORD, email="lan@example.vn", at=NOON)


def code_now(later: int = 0) -> str:
    counter = list(totp.yield_hotp_counters_from_time())[1] + later
    return totp.format_hotp_value(totp.hotp_value(SECRET, counter))


def give_totp(user) -> None:
    """An authenticator app whose last code was an old one, so that the next one counts."""
    made = totp.TOTP.activate(user, SECRET).instance
    made.data["counter"] = 0
    made.save()


def log_in(client: Client, user, password: str = PASSWORD, **more):
    return client.post("/login/", {"username": user.username, "password": password, **more})


def test_a_password_opens_and_the_trail_and_the_list_know(client, lan) -> None:
    answer = client.post(
        "/login/?next=/account/", {"username": lan.username, "password": PASSWORD},
        headers={"User-Agent": "Mozilla/5.0 (X11; Linux x86_64; rv:140.0) Gecko/20100101 Firefox/140.0"},
    )  # fmt: skip
    assert (answer.status_code, answer.url) == (302, "/account/")
    page = client.get("/account/").content.decode()
    assert "Firefox, Linux" in page and "this device" in page
    assert AuditEntry.objects.filter(by=lan, action="login.opened", detail__means="password").count() == 1


def test_a_stranger_and_a_slip_get_the_same_page(client, lan) -> None:
    slip = client.post("/login/", {"username": lan.username, "password": "wrong"})
    stranger = client.post("/login/", {"username": "x" * len(lan.username), "password": "wrong"})
    assert slip.status_code == stranger.status_code == 200

    def told(answer, name: str) -> str:
        text = answer.content.decode().replace(name, "NAME")
        return text.replace(answer.context["csrf_token"].__str__(), "TOKEN")

    assert told(slip, lan.username) == told(stranger, "x" * len(lan.username))


def test_a_stranger_costs_the_same_hash(client, lan, monkeypatch) -> None:
    hashed = []
    monkeypatch.setattr(
        "django.contrib.auth.base_user.make_password", lambda raw: hashed.append(raw) or make_password(raw)
    )
    client.post("/login/", {"username": "nobody-of-that-name", "password": "wrong one"})
    assert hashed == ["wrong one"]


@pytest.mark.parametrize("known", [True, False])
def test_guessing_is_stopped_for_known_and_unknown_names(client, lan, settings, known) -> None:
    settings.SIGN_INS_AT_ONCE = 3
    name = lan.username if known else f"ghost-{uuid4().hex}"
    seen = [client.post("/login/", {"username": name, "password": "wrong"}).status_code for _ in range(4)]
    assert seen == [200, 200, 200, 429]
    last = client.post("/login/", {"username": name.upper(), "password": PASSWORD})
    assert last.status_code == 429 and int(last.headers["Retry-After"]) > 0
    assert "_auth_user_id" not in client.session


def test_one_address_cannot_try_many_names(client, db, settings, monkeypatch) -> None:
    monkeypatch.setattr("accounts.signin.limits.ADDRESS_PER_SECOND", 1 / 3_600)
    settings.SIGN_INS_PER_ADDRESS = 3
    address = f"2001:db8::{uuid4().hex[:4]}:{uuid4().hex[:4]}"
    tries = [
        client.post("/login/", {"username": f"u{uuid4().hex}", "password": "x"}, REMOTE_ADDR=address) for _ in range(4)
    ]
    assert [answer.status_code for answer in tries] == [200, 200, 200, 429]


def test_a_login_goes_to_no_other_site(client, lan) -> None:
    assert log_in(client, lan, next="https://elsewhere.example/").url == "/"


def test_odd_names_are_only_wrong(client, db) -> None:
    assert client.post("/login/", {"username": "a\0b", "password": "\0"}).status_code == 200
    assert client.post("/login/", {"username": "ä" * 4000}).status_code == 200


def test_with_an_app_the_password_is_half_the_way(client, lan) -> None:
    give_totp(lan)
    answer = log_in(client, lan, next="/account/")
    assert answer.url.startswith("/login/second-step/") and "_auth_user_id" not in client.session
    wrong = client.post(answer.url, {"code": "000000"})
    assert wrong.status_code == 200 and b"wrong_code" in wrong.content
    right = client.post(answer.url, {"code": code_now()})
    assert (right.status_code, right.url) == (302, "/account/")
    assert client.get("/account/").status_code == 200


def test_a_code_counts_once(lan) -> None:
    give_totp(lan)
    code = code_now()
    assert factors.check_code(user=lan, code=code, at=NOON) == "totp"
    assert factors.check_code(user=lan, code=code, at=NOON) == ""
    assert factors.check_code(user=lan, code=code_now(-1), at=NOON) == ""


def test_codes_cannot_be_guessed_for_long(client, lan) -> None:
    give_totp(lan)
    address = log_in(client, lan).url
    seen = [client.post(address, {"code": "0"}).status_code for _ in range(7)]
    assert seen == [200] * 6 + [429]


def test_the_second_step_without_the_first_goes_back(client, db) -> None:
    assert client.post("/login/second-step/", {"code": "123456"}).url.startswith("/login/")


def test_secrets_are_encrypted_at_rest(lan) -> None:
    give_totp(lan)
    assert SECRET not in json.dumps(Authenticator.objects.get(user=lan).data)


def test_setting_an_app_up_shows_recovery_codes_once(client, lan) -> None:
    log_in(client, lan)
    page = client.get("/account/app/")
    assert b"data:image/svg+xml" in page.content
    secret = client.session["mfa.totp.secret"]
    counter = list(totp.yield_hotp_counters_from_time())[1]
    shown = client.post("/account/app/", {"code": totp.format_hotp_value(totp.hotp_value(secret, counter))})
    codes = shown.context["codes"]
    assert len(set(codes)) == 10 and "no-store" in shown.headers["Cache-Control"]
    assert codes[0] not in client.get("/account/").content.decode()
    assert factors.check_code(user=lan, code=f"{codes[0][:5]} {codes[0][5:]}", at=NOON) == "recovery"
    assert factors.check_code(user=lan, code=codes[0], at=NOON) == ""
    assert factors.codes_left(lan) == 9
    fresh = client.post("/account/codes/").context["codes"]
    assert not set(fresh) & set(codes) and factors.check_code(user=lan, code=codes[1], at=NOON) == ""


def test_administrators_owe_a_second_step(client, db, settings) -> None:
    settings.STAFF_NEED_SECOND_STEP = True
    boss = create_user(by=None, username=f"boss-{uuid4().hex[:8]}", password=PASSWORD, is_staff=True, at=NOON)
    log_in(client, boss)
    assert client.get("/members/").url == "/account/"
    assert b"second_step_needed" in client.get("/api/v1/tokens").content
    assert "second step" in client.get("/account/").content.decode()
    client.get("/account/app/")
    counter = list(totp.yield_hotp_counters_from_time())[1]
    value = totp.format_hotp_value(totp.hotp_value(client.session["mfa.totp.secret"], counter))
    client.post("/account/app/", {"code": value})
    assert client.get("/members/").status_code == 200
    client.post("/account/app/remove/")
    assert client.get("/members/").url == "/account/"


def test_the_demo_asks_no_second_step(client, db, settings) -> None:
    settings.STAFF_NEED_SECOND_STEP = False
    boss = create_user(by=None, username=f"boss-{uuid4().hex[:8]}", password=PASSWORD, is_staff=True, at=NOON)
    log_in(client, boss)
    assert client.get("/members/").status_code == 200


def test_the_stock_admin_has_no_door_of_its_own(client, db) -> None:
    assert client.get("/admin/login/?next=/admin/").url == "/login/?next=%2Fadmin%2F"
    assert client.post("/admin/login/", {"username": "a", "password": "b"}).status_code == 302


def test_an_unknown_passkey_is_told_plainly(client, db) -> None:
    begun = client.post("/login/passkey/begin/", {}, content_type="application/json")
    assert begun.status_code == 200 and begun.json()["publicKey"]["userVerification"] == "required"
    assert "allowCredentials" not in begun.json()["publicKey"] or not begun.json()["publicKey"]["allowCredentials"]
    for credential in (None, {}, {"response": {"userHandle": "MQ"}}, [], "x", {"id": 1, "response": 2}):
        answer = client.post("/login/passkey/finish/", {"credential": credential}, content_type="application/json")
        assert (answer.status_code, answer.json()["code"]) == (400, "passkey_unknown"), credential


def test_signing_out_elsewhere_ends_those_sessions_at_once(client, lan) -> None:
    phone, laptop = Client(), Client()
    for browser in (client, phone, laptop):
        log_in(browser, lan)
    assert Login.objects.filter(user=lan).count() == 3
    one = Login.objects.get(session_key=phone.session.session_key)
    client.post(f"/account/devices/{one.pk}/sign-out/")
    assert phone.get("/account/").status_code == 302 and laptop.get("/account/").status_code == 200
    client.post("/account/devices/sign-out-others/")
    assert laptop.get("/account/").status_code == 302 and client.get("/account/").status_code == 200


def test_nobody_signs_another_user_out(client, lan) -> None:
    other = Client()
    stranger = create_user(by=None, username=f"s-{uuid4().hex[:8]}", password=PASSWORD, at=NOON)
    log_in(other, stranger)
    log_in(client, lan)
    client.post(f"/account/devices/{Login.objects.get(user=stranger).pk}/sign-out/")
    assert other.get("/account/").status_code == 200


def test_changes_ask_again_after_a_while(client, lan) -> None:
    log_in(client, lan)
    session = client.session
    session["signed_in_at"] = datetime.now(UTC).timestamp() - 3600
    session.save()
    answer = client.post("/account/password/", {"password": "another long one 7", "again": "another long one 7"})
    assert answer.url.startswith("/account/confirm/")
    lan.refresh_from_db()
    assert lan.check_password(PASSWORD)
    assert b"wrong_password" in client.post(answer.url, {"password": "no"}).content
    assert client.post(answer.url, {"password": PASSWORD}).url == "/account/"
    client.post("/account/password/", {"password": "another long one 7", "again": "another long one 7"})
    lan.refresh_from_db()
    assert lan.check_password("another long one 7") and client.get("/account/").status_code == 200


def test_the_pages_need_no_inline_script_or_style(client, lan) -> None:
    log_in(client, lan)
    for address in ("/account/", "/account/app/", "/account/confirm/", "/account/erase/", "/login/forgotten/"):
        answer = client.get(address)
        text = answer.content.decode()
        assert answer.status_code == 200 and "unsafe-inline" not in answer.headers["Content-Security-Policy"]
        assert " style=" not in text and " onclick=" not in text and "<script>" not in text, address


def test_an_auditor_looks_after_the_own_login_and_nothing_else(client, db) -> None:
    auditor = create_user(by=None, username=f"aud-{uuid4().hex[:8]}", password=PASSWORD, is_auditor=True, at=NOON)
    log_in(client, auditor)
    client.post("/account/password/", {"password": "another long one 7", "again": "another long one 7"})
    auditor.refresh_from_db()
    assert auditor.check_password("another long one 7")
    assert client.get("/members/").status_code == 200
    assert client.post("/members/invite/", {"email": "a@b.vn", "role": "auditor"}).status_code == 403


def test_argon2_stays() -> None:
    assert make_password("x").startswith("argon2") and "argon2" in settings.PASSWORD_HASHERS[0].lower()
