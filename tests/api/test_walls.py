"""Who may see and do what: every call, without a login and with the wrong one."""

import base64
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from allauth.mfa.models import Authenticator
from django.test import Client
from knox.models import AuthToken

from accounts.models import AuditEntry, Participant
from accounts.operations import AccountError, add_membership, create_participant, create_token, create_user
from accounts.policies import is_administrator, may_trade, may_view
from tests.api.conftest import BASE, PASSWORD, Api, World
from tests.api.test_orders import error_of
from tests.factories import NOON

CALLS = [
    ("GET", "markets"),
    ("GET", "markets/m"),
    ("GET", "markets/m/contracts"),
    ("GET", "markets/m/snapshot"),
    ("GET", "markets/m/events?after=0"),
    ("GET", "contracts/1"),
    ("GET", "contracts/1/book"),
    ("GET", "contracts/1/trades"),
    ("GET", "contracts/1/candles"),
    ("GET", "orders"),
    ("POST", "orders"),
    ("POST", "orders/bulk"),
    ("POST", "orders/cancel-all"),
    ("GET", "orders/019e7044-8800-7000-8000-0300000003e8"),
    ("PATCH", "orders/019e7044-8800-7000-8000-0300000003e8"),
    ("DELETE", "orders/019e7044-8800-7000-8000-0300000003e8"),
    ("GET", "readings?metering_point=MP-1"),
    ("POST", "readings"),
    ("POST", "readings/csv"),
    ("GET", "tokens"),
    ("POST", "tokens"),
    ("DELETE", "tokens/abc"),
]


def test_nothing_without_a_login(world: World) -> None:
    for method, path in CALLS:
        answer = world.anonymous.raw(path, b"{}", method=method)
        assert error_of(answer) == (401, "not_authenticated"), f"{method} {path}"
        assert answer.headers["WWW-Authenticate"] == "Token"


@pytest.mark.parametrize(
    "header", ["Token", "Token x y", "Token nope", "Token \xff\xfe", "Bearer x", "Basic !!", "Token a\x00"]
)
def test_a_strange_token_is_401(world: World, header: str) -> None:
    answer = Client(raise_request_exception=False).get(BASE + "orders", headers={"Authorization": header})
    assert error_of(answer) == (401, "not_authenticated")


def test_a_token_ends_with_its_time_its_revocation_and_its_user(world: World) -> None:
    assert world.anna.get("orders").status_code == 200
    AuthToken.objects.filter(user=world.anna.user).update(expiry=datetime.now(UTC) - timedelta(seconds=1))
    assert world.anna.get("orders").status_code == 401
    assert world.binh.get("orders").status_code == 200
    world.binh.user.is_active = False
    world.binh.user.save()
    assert world.binh.get("orders").status_code == 401
    AuthToken.objects.filter(user=world.chi.user).update(expiry=None)
    assert world.chi.get("orders").status_code == 401


def test_nobody_reads_or_changes_somebody_elses_orders(world: World) -> None:
    order_id = world.anna.post("orders", world.order()).json()["order_id"]
    for stranger in (world.binh, world.dung):
        assert error_of(stranger.get(f"orders/{order_id}")) == (404, "unknown_order")
        assert error_of(stranger.delete(f"orders/{order_id}")) == (404, "unknown_order")
        assert error_of(stranger.patch(f"orders/{order_id}", {"price": 1_600})) == (404, "unknown_order")
        assert stranger.get("orders").json()["orders"] == []
        assert error_of(stranger.get("orders", participant="p0")) == (404, "unknown_participant")


def test_a_viewer_looks_and_does_not_touch(world: World) -> None:
    order_id = world.anna.post("orders", world.order()).json()["order_id"]
    assert world.chi.get(f"orders/{order_id}").status_code == 200
    assert [order["order_id"] for order in world.chi.get("orders").json()["orders"]] == [order_id]
    assert error_of(world.chi.post("orders", world.order())) == (403, "forbidden")
    assert error_of(world.chi.delete(f"orders/{order_id}")) == (403, "forbidden")
    assert error_of(world.chi.patch(f"orders/{order_id}", {"price": 1_600})) == (403, "forbidden")
    assert error_of(world.chi.post("orders/cancel-all")) == (403, "forbidden")


def test_an_administrator_sees_everything_and_trades_for_nobody(world: World) -> None:
    order_id = world.anna.post("orders", world.order()).json()["order_id"]
    world.binh.post("orders", world.order(side="buy", price=1_000))
    assert world.admin.get(f"orders/{order_id}").status_code == 200
    assert len(world.admin.get("orders").json()["orders"]) == 2
    assert len(world.admin.get("orders", participant="p1").json()["orders"]) == 1
    assert error_of(world.admin.delete(f"orders/{order_id}")) == (404, "unknown_order")
    assert error_of(world.admin.post("orders", world.order())) == (403, "forbidden")


def test_public_data_names_nobody(world: World) -> None:
    world.anna.post("orders", world.order(client_order_id="anna-secret", note="secret note"))
    world.binh.post("orders", world.order(side="buy", client_order_id="binh-secret"))
    contract = world.contracts[0].pk
    for path in ("markets/m/snapshot", "markets/m/events?after=0", f"contracts/{contract}/trades"):
        text = world.dung.get(path).content.decode()
        assert "secret" not in text
        assert "p0" not in text and "participant" not in text


def test_a_session_needs_the_csrf_token_and_a_token_does_not(world: World) -> None:
    browser = Client(enforce_csrf_checks=True, raise_request_exception=False)
    browser.force_login(world.anna.user)
    assert browser.get(BASE + "orders").status_code == 200
    for path, body in (("orders", world.order()), ("tokens", {}), ("orders/cancel-all", {})):
        refused = browser.post(BASE + path, body, content_type="application/json")
        assert error_of(refused) == (403, "csrf_failed")
    browser.cookies["csrftoken"] = "a" * 32
    taken = browser.post(
        BASE + "orders", world.order(), content_type="application/json", headers={"X-CSRFToken": "a" * 32}
    )
    assert taken.status_code == 201


def basic(name: str, password: str) -> dict[str, str]:
    return {"Authorization": "Basic " + base64.b64encode(f"{name}:{password}".encode()).decode()}


def test_a_token_is_made_with_a_password_shown_once_listed_and_revoked(db: None, fresh_name: str) -> None:
    create_user(by=None, username=fresh_name, password=PASSWORD, at=NOON)
    client = Client(raise_request_exception=False)
    made = client.post(BASE + "tokens", {"expires_in_days": 7}, "application/json", headers=basic(fresh_name, PASSWORD))
    assert made.status_code == 201
    headers = {"Authorization": f"Token {made.json()['token']}"}
    listed = client.get(BASE + "tokens", headers=headers)
    assert [token["key"] for token in listed.json()["tokens"]] == [made.json()["key"]]
    assert made.json()["token"] not in listed.content.decode()
    assert error_of(client.post(BASE + "tokens", {}, "application/json", headers=headers)) == (401, "not_authenticated")
    assert client.delete(BASE + f"tokens/{made.json()['key']}", headers=headers).status_code == 204
    assert client.get(BASE + "tokens", headers=headers).status_code == 401
    assert list(AuditEntry.objects.values_list("action", flat=True).order_by("id")) == [
        "user.created",
        "token.created",
        "token.revoked",
    ]


def test_a_token_without_a_body_and_with_a_bad_one(db: None, fresh_name: str) -> None:
    create_user(by=None, username=fresh_name, password=PASSWORD, at=NOON)
    headers = basic(fresh_name, PASSWORD)
    client = Client(raise_request_exception=False)
    assert client.generic("POST", BASE + "tokens", b"", "", headers=headers).status_code == 201
    for days in (0, 367, True, "7"):
        refused = client.post(BASE + "tokens", {"expires_in_days": days}, "application/json", headers=headers)
        assert error_of(refused) == (400, "invalid_message")


def test_guessing_passwords_is_slowed_down(
    db: None, fresh_name: str, settings: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    settings.SIGN_INS_AT_ONCE = 2
    monkeypatch.setattr("accounts.signin.limits.NAME_PER_SECOND", 0.001)
    client = Client(raise_request_exception=False)
    answers = [
        client.post(BASE + "tokens", {}, "application/json", headers=basic(fresh_name, "wrong")) for _ in range(3)
    ]
    assert [answer.status_code for answer in answers] == [401, 401, 429]
    assert int(answers[2].headers["Retry-After"]) > 100


def test_somebody_elses_token_is_not_there(world: World) -> None:
    token, _ = create_token(by=world.anna.user, expires_in=timedelta(days=1), at=datetime.now(UTC))
    assert error_of(world.binh.delete(f"tokens/{token.token_key}")) == (404, "unknown_token")
    assert AuthToken.objects.filter(pk=token.pk).exists()


def test_policies(world: World) -> None:
    may = [(may_trade(api.user, world.p0), may_view(api.user, world.p0)) for api in (world.anna, world.chi, world.binh)]
    assert may == [(True, True), (False, True), (False, False)]
    assert (may_trade(world.admin.user, world.p0), may_view(world.admin.user, world.p0)) == (False, True)
    assert is_administrator(world.admin.user) and not is_administrator(world.anna.user)
    world.anna.user.is_active = False
    assert not may_trade(world.anna.user, world.p0) and not may_view(world.anna.user, world.p0)


REFUSED_USERS: list[tuple[dict[str, Any], str]] = [
    ({"password": "short"}, "weak_password"),
    ({"username": "anna"}, "username_taken"),
    ({"username": "a b\x00"}, "invalid_username"),
]


@pytest.mark.parametrize(("changes", "code"), REFUSED_USERS)
def test_a_user_that_cannot_be(world: World, changes: dict[str, Any], code: str) -> None:
    with pytest.raises(AccountError) as refused:
        create_user(**{"by": None, "username": "new", "password": PASSWORD, "at": NOON} | changes)
    assert refused.value.code == code


def test_memberships_and_participants_are_audited_and_checked(world: World) -> None:
    made = create_participant(by=world.admin.user, code="dorm", name="Dorm", kind="dorm", at=NOON)
    add_membership(by=world.admin.user, user=world.dung.user, participant=made, role="viewer", at=NOON)
    entry = AuditEntry.objects.get(action="membership.added", target="dorm")
    assert (entry.by, entry.detail) == (world.admin.user, {"user": "dung", "role": "viewer"})
    for role, code in (("owner", "already_member"), ("king", "unknown_role")):
        with pytest.raises(AccountError) as refused:
            add_membership(by=world.admin.user, user=world.dung.user, participant=made, role=role, at=NOON)
        assert refused.value.code == code
    with pytest.raises(AccountError) as refused:
        create_participant(by=None, code="dorm", name="Dorm", kind="castle", at=NOON)
    assert refused.value.code == "invalid_participant"
    assert Participant.objects.filter(code="dorm").count() == 1


def test_a_user_acting_for_nobody_has_no_orders(world: World) -> None:
    assert Api(world.dung.user).get("orders").json() == {"orders": [], "next": None}


def test_a_password_alone_makes_no_token_for_who_has_a_second_step(db: None, fresh_name: str) -> None:
    user = create_user(by=None, username=fresh_name, password=PASSWORD, at=NOON)
    Authenticator.objects.create(user=user, type=Authenticator.Type.TOTP, data={})
    answer = Client().post(BASE + "tokens", {}, "application/json", headers=basic(fresh_name, PASSWORD))
    assert error_of(answer) == (403, "second_step_needed")
    guessed = Client().post(BASE + "tokens", {}, "application/json", headers=basic(fresh_name, "wrong"))
    assert guessed.status_code == 401
