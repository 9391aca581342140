"""An auditor reads everything and changes nothing: every address there is, those of tomorrow included, is tried."""

from collections.abc import Iterator

import pytest
from django.apps import apps
from django.conf import settings
from django.db import IntegrityError, connection, transaction
from django.test import Client
from django.urls import URLPattern, URLResolver, get_resolver
from django.urls.resolvers import RegexPattern, RoutePattern

from accounts.models import AuditEntry, Membership, User
from accounts.operations import AccountError, add_membership, create_user
from accounts.policies import is_auditor, may_administer, may_audit, may_load_readings, may_trade, may_view
from tests.api.conftest import Api, World, make_user
from tests.factories import NOON

UNSAFE = ("POST", "PUT", "PATCH", "DELETE")
SAMPLES = {"uuid": "01890a5d-ac96-774b-bcce-b302099a8057", "slug": "m", "str": "m", "path": "m"}


@pytest.fixture
def auditor(db: None) -> User:
    return create_user(by=None, username="auditor", password=None, is_auditor=True, at=NOON)


def addresses(patterns: list[URLPattern | URLResolver], before: str = "", space: str = "") -> Iterator[tuple[str, str]]:
    """(path, name) of every address of the site, with something plausible in each place."""
    for pattern in patterns:
        path = before + sample(pattern.pattern)
        if isinstance(pattern, URLResolver):
            inner = f"{space}{pattern.namespace}:" if pattern.namespace else space
            yield from addresses(pattern.url_patterns, path, inner)
        else:
            yield path, f"{space}{pattern.name}"


def sample(pattern: RoutePattern | RegexPattern) -> str:
    if isinstance(pattern, RegexPattern):
        return "anything" if pattern.regex.pattern == "" or "(?P<url>" in pattern.regex.pattern else "1/"
    route = str(pattern)
    for name, converter in pattern.converters.items():
        kind = type(converter).__name__.removesuffix("Converter").lower()
        for written in (f"<{kind}:{name}>", f"<{name}>"):
            route = route.replace(written, SAMPLES.get(kind, "1"))
    return route


def all_addresses() -> list[tuple[str, str]]:
    return sorted(set(addresses(get_resolver().url_patterns)))


def rows() -> dict[str, int]:
    """How many rows each table has, sessions aside."""
    tables = [model._meta.db_table for model in apps.get_models() if model._meta.app_label != "sessions"]
    with connection.cursor() as cursor:
        cursor.execute(" UNION ALL ".join(f"SELECT '{table}', count(*) FROM {table}" for table in tables))
        return dict(cursor.fetchall())


def test_no_address_lets_a_signed_in_auditor_change_anything(world: World, auditor: User) -> None:
    client = Client(raise_request_exception=False)
    before, found = rows(), all_addresses()
    assert {"/api/v1/orders", "/login/", "/api/v1/readings/csv"} <= {"/" + path for path, _ in found}
    succeeded = []
    for path, name in found:
        if name in settings.AUDITORS_MAY_SEND:
            continue
        for method in UNSAFE:
            client.force_login(auditor)
            answer = client.generic(method, "/" + path, b"{}", "application/json")
            if answer.status_code != 403:
                succeeded.append((method, path, answer.status_code))
    assert succeeded == []
    assert rows() == before


def test_no_call_lets_an_auditors_token_change_anything(world: World, auditor: User) -> None:
    """A token made before its user became an auditor."""
    User.objects.filter(pk=auditor.pk).update(is_auditor=False)
    api = Api(auditor)
    User.objects.filter(pk=auditor.pk).update(is_auditor=True)
    before = rows()
    answers = {}
    for path, _ in all_addresses():
        if path.startswith("api/v1/"):
            for method in UNSAFE:
                answers[method, path] = api.raw(path.removeprefix("api/v1/"), b"{}", method=method)
    done = {call for call, answer in answers.items() if answer.status_code not in (401, 403, 404, 405)}
    assert {path for _, path in done} <= {"api/v1/schema"}  # which tells the same whatever the method
    for call in (("POST", "api/v1/orders"), ("POST", "api/v1/readings"), ("POST", "api/v1/orders/cancel-all")):
        assert (answers[call].status_code, answers[call].json()["error"]["code"]) == (403, "auditor_reads_only")
    assert rows() == before


def test_what_an_auditor_may_send_is_its_own_session_alone(auditor: User) -> None:
    client = Client()
    client.force_login(auditor)
    assert client.post("/language/", {"language": "vi"}).status_code == 302
    assert client.post("/logout/").status_code == 302
    assert "sessionid" not in client.cookies or not client.cookies["sessionid"].value


def test_an_auditor_reads_everybodys(world: World, auditor: User) -> None:
    order = world.anna.post("orders", world.order()).json()
    client = Client()
    client.force_login(auditor)
    assert [row["order_id"] for row in client.get("/api/v1/orders").json()["orders"]] == [order["order_id"]]
    assert client.get(f"/api/v1/orders/{order['order_id']}").status_code == 200
    assert may_view(auditor, world.p0) and may_audit(auditor) and is_auditor(auditor)
    assert not (may_trade(auditor, world.p0) or may_administer(auditor) or may_load_readings(auditor))


def test_switched_off_an_auditor_reads_nothing(world: World, auditor: User) -> None:
    auditor.is_active = False
    assert not may_view(auditor, world.p0) and not may_audit(auditor)


def test_an_auditor_is_nobody_who_acts(world: World, auditor: User) -> None:
    with pytest.raises(AccountError, match="cannot be an administrator") as refused:
        create_user(by=None, username="both", password=None, is_auditor=True, is_staff=True, at=NOON)
    assert refused.value.code == "auditor_is_no_administrator"
    for role in ("owner", "trader"):
        with pytest.raises(AccountError) as refused:
            add_membership(by=None, user=auditor, participant=world.p0, role=role, at=NOON)
        assert refused.value.code == "auditor_reads_only"
    add_membership(by=None, user=auditor, participant=world.p0, role="viewer", at=NOON)
    assert AuditEntry.objects.filter(action="membership.added", detail__user="auditor").count() == 1


@pytest.mark.parametrize("flag", ["is_staff", "is_superuser"])
def test_the_database_keeps_it_for_users(auditor: User, flag: str) -> None:
    with pytest.raises(IntegrityError, match="auditor_is_no_administrator"), transaction.atomic():
        User.objects.filter(pk=auditor.pk).update(**{flag: True})


def test_the_database_keeps_it_for_memberships(world: World, auditor: User) -> None:
    with pytest.raises(IntegrityError, match="auditor cannot be"), transaction.atomic():
        Membership.objects.create(user=auditor, participant=world.p0, role="trader")
    Membership.objects.create(user=auditor, participant=world.p0, role="viewer")
    with pytest.raises(IntegrityError, match="auditor cannot be"), transaction.atomic():
        Membership.objects.filter(user=auditor).update(role="owner")
    trader = make_user("trader", (world.p1, "trader"))
    with pytest.raises(IntegrityError, match="auditor cannot be"), transaction.atomic():
        User.objects.filter(pk=trader.pk).update(is_auditor=True)
