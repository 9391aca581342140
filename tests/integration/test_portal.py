"""The pages without a browser: who gets in, what an empty house shows, what each answer carries."""

from datetime import UTC, datetime

import pytest
from django.contrib import admin
from django.db import OperationalError
from django.test import Client

from accounts.models import Membership, User
from portal import views
from tests.factories import NOON, make_market, make_participants

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def user():
    return User.objects.create_user("an", password="a long password")


@pytest.fixture
def inside(client, user):
    client.force_login(user)
    return client


def test_health_is_told_to_anyone(client) -> None:
    answer = client.get("/healthz")
    assert (answer.status_code, answer.content) == (200, b"ok\n")


def test_health_is_refused_while_the_database_is_away(client, monkeypatch) -> None:
    class Away:
        def cursor(self):
            raise OperationalError("gone")

    monkeypatch.setattr(views, "connection", Away())
    assert client.get("/healthz").status_code == 503


@pytest.mark.parametrize("address", ["/", "/markets/m/", "/markets/m/today.json"])
def test_strangers_are_sent_to_the_login_and_back(client, address) -> None:
    make_market()
    answer = client.get(address)
    assert (answer.status_code, answer.url) == (302, f"/login/?next={address}")


def test_a_login_does_not_send_anyone_to_another_site(client, user) -> None:
    answer = client.post("/login/?next=https://elsewhere.example/", {"username": "an", "password": "a long password"})
    assert answer.url == "/"


def test_without_a_market_the_page_says_so(inside) -> None:
    answer = inside.get("/")
    assert answer.status_code == 200 and b"There is no market yet" in answer.content


def test_every_page_carries_the_policy_and_nothing_inline(inside) -> None:
    make_market()
    answer = inside.get("/")
    assert answer.headers["Content-Security-Policy"].startswith("default-src 'self'")
    page = answer.content.decode()
    assert "style=" not in page and "<style" not in page and "onclick" not in page
    assert page.count("<script") == page.count('<script type="module" src=') + page.count('type="application/json"')


def test_names_cannot_break_out_of_the_page(inside) -> None:
    market = make_market()
    market.name = "</script><script>alert(1)</script>"
    market.save()
    assert b"<script>alert" not in inside.get("/").content


@pytest.mark.parametrize("address", ["/markets/nowhere/", "/markets/nowhere/today.json", "/nothing"])
def test_what_is_not_there_is_404(inside, address) -> None:
    answer = inside.get(address)
    assert answer.status_code == 404 and b"There is nothing at this address" in answer.content


def test_today_is_empty_before_anything_is_settled(inside, user) -> None:
    market = make_market(clock_at=NOON, clock_started_at=datetime.now(UTC))
    (party,) = make_participants(1, market=market)
    Membership.objects.create(user=user, participant=party, role=Membership.Role.VIEWER)
    today = inside.get("/markets/m/today.json").json()
    assert today["on"] == "2026-06-01" and today["starts_at"] == "2026-05-31T17:00:00Z"
    assert today["energy"]["intervals"] == [] and today["energy"]["cash_millidong"] == 0
    assert [row["name"] for row in today["prices"]][:2] == ["12:00–12:30", "12:30–13:00"]


def test_the_language_is_kept_with_the_account(inside, user) -> None:
    answer = inside.post("/language/", {"language": "vi", "next": "/"})
    assert (answer.status_code, answer.url) == (302, "/")
    user.refresh_from_db()
    assert user.language == "vi"
    assert "Chưa có thị trường nào" in inside.get("/").content.decode()
    inside.post("/language/", {"language": "tlh", "next": "/"})
    user.refresh_from_db()
    assert user.language == "vi"


def test_a_form_without_its_token_gets_a_page_that_helps(user) -> None:
    answer = Client(enforce_csrf_checks=True).post("/login/", {"username": "an", "password": "x"})
    assert answer.status_code == 403 and b"The form was too old" in answer.content


def test_demo_accounts_are_told_only_where_the_demo_runs(client, settings) -> None:
    settings.DEMO = False
    assert b"prosumer" not in client.get("/login/").content
    settings.DEMO = True
    assert b"prosumer" in client.get("/login/").content


def test_a_failure_is_a_page_that_needs_nothing(client, monkeypatch) -> None:
    def broken(_user_id):
        raise RuntimeError("broken")

    client.raise_request_exception = False
    user = User.objects.create_user("b")
    client.force_login(user)
    monkeypatch.setattr(views.queries, "default_market", broken)
    answer = client.get("/")
    assert answer.status_code == 500 and b"Something went wrong on our side" in answer.content


def test_the_administration_opens_for_staff_and_shows_what_it_has(client) -> None:
    make_market()
    staff = User.objects.create_superuser("staff", password="a long password")
    client.force_login(staff)
    for model in admin.site._registry:
        name = f"{model._meta.app_label}/{model._meta.model_name}"
        assert client.get(f"/admin/{name}/").status_code == 200, name
