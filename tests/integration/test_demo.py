"""The demo: set up once, its clock goes on where it stopped, its meters and members act through the live operations."""

from datetime import UTC, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import OperationalError

from accounts.models import Membership, User
from meters.models import Reading
from planning.operations import plan
from settlement.operations import run_due
from settlement.queries.readings import findings
from simulator import demo_play
from simulator.demo_play import Clock, Players, play
from simulator.demo_seed import PASSWORD, first_moment, seed
from trading.models import Contract, Market, Order, Trade
from trading.operations import audit, tick

pytestmark = pytest.mark.django_db(transaction=True)
WALL = datetime(2026, 6, 3, 2, 0, tzinfo=UTC)


@pytest.fixture(autouse=True)
def no_stale_prices(monkeypatch):
    monkeypatch.setattr("planning.prices._books", {})


@pytest.fixture
def market():
    return seed(WALL)


def workers(market, at):
    """What the Celery workers do at a moment."""
    tick(market.pk, at)
    run_due(market, at)
    plan(market.pk, at)


def test_it_is_set_up_once(market) -> None:
    readings, market_count = Reading.objects.count(), Market.objects.count()
    assert seed(WALL + timedelta(days=3)) == market
    assert (Reading.objects.count(), Market.objects.count()) == (readings, market_count)
    assert market.admissions.count() == market.instructions.count() == 24


def test_the_logins_work_and_act_for_their_members(market) -> None:
    users = {user.username: user for user in User.objects.all()}
    assert set(users) == {"prosumer", "tenant", "administrator", "second", "auditor"}
    assert all(user.check_password(PASSWORD) for user in users.values())
    assert {name for name, user in users.items() if user.is_staff} == {"administrator", "second"}
    assert {name for name, user in users.items() if user.is_auditor} == {"auditor"}
    acts_for = Membership.objects.filter(user=users["tenant"]).values_list("participant__code", flat=True)
    assert set(acts_for) == {"co-khi-an-phat", "det-binh-minh"}


def test_a_set_up_that_broke_off_is_completed(market) -> None:
    User.objects.filter(username="tenant").delete()
    seed(WALL)
    assert User.objects.filter(username="tenant").exists()


def test_an_hour_of_it_clears_intervals_and_moves_money(market) -> None:
    at = first_moment(WALL)
    said = []
    players = Players(market, said.append)
    for _ in range(7):
        workers(market, at)
        players.report(at)
        players.hands.move(at)
        at += timedelta(minutes=10)
    run_due(market, at)
    assert Contract.objects.filter(market=market, state="CLEARED").count() == 2
    assert Trade.objects.count() > 20
    assert "traded at" in said[-1]
    out = StringIO()
    call_command("demo", "--summary", stdout=out)
    assert "sum of all accounts                  0 milli-đồng" in out.getvalue()
    assert audit(market.pk).differences == ()


def test_no_interval_is_reported_before_its_gate_was_closed(market) -> None:
    at = first_moment(WALL)
    tick(market.pk, at)
    players = Players(market, lambda _: None)
    assert players.report(at + timedelta(minutes=10)) == 1
    assert players.report(at + timedelta(minutes=45)) == 0
    tick(market.pk, at + timedelta(minutes=45))
    assert players.report(at + timedelta(minutes=45)) == 1


def test_a_meter_that_is_not_reached_waits_for_a_person(market) -> None:
    ten = datetime(2026, 6, 3, 3, 0, tzinfo=UTC)  # local
    players = Players(market, lambda _: None)
    for number in range(9):
        at = first_moment(WALL) + number * timedelta(minutes=30)
        workers(market, at)
        players.report(at)
    read = Reading.objects.filter(start__gte=ten, start__lt=ten + timedelta(hours=2)).order_by("start")
    silent = read.filter(metering_point__participant__code="nha-b4").values_list("start", flat=True)
    assert set(silent) == {ten + timedelta(minutes=90)}
    assert read.filter(metering_point__code="nha-b3").count() == 4
    waiting = {each.point_code: (each.start, each.until) for each in findings(market, at) if each.cause == "gap"}
    assert set(waiting) == {"nha-b4", "nha-b4.pv"}
    assert waiting["nha-b4"] == (ten, ten + timedelta(minutes=90))
    run_due(market, at)
    assert Contract.objects.filter(market=market, delivery_start=ten, state="CLEARED").exists()


def test_members_trade_by_hand(market) -> None:
    at = first_moment(WALL)
    workers(market, at)
    hands = Players(market, lambda _: None).hands
    moves = [hands.move(at + timedelta(seconds=40 * number)) for number in range(40)]
    taken = [move for move in moves if move is not None and not move.reply.rejected]
    assert len(taken) > 10
    assert Order.objects.filter(client_order_id__startswith="hand-").count() == len(taken)


def test_the_clock_goes_on_where_it_stopped(market) -> None:
    clock = Clock(market, rate=30)
    started = clock.start(WALL)
    assert clock.now(WALL + timedelta(seconds=60)) == started + timedelta(minutes=30)
    clock.stop(WALL + timedelta(seconds=60))
    assert clock.now(WALL + timedelta(hours=9)) == started + timedelta(minutes=30)
    later = Clock(Market.objects.get(pk=market.pk), rate=30)
    assert later.start(WALL + timedelta(hours=9)) == started + timedelta(minutes=30)


def test_in_real_time_the_clock_catches_up_with_the_wall(market) -> None:
    wall = WALL + timedelta(days=1)
    assert Clock(market, rate=1).start(wall) == wall


def test_a_lost_database_is_waited_for(market, monkeypatch) -> None:
    calls = []

    def report(self, now):
        calls.append(now)
        if len(calls) == 1:
            raise OperationalError("the server is gone\nmore")
        return 0

    monkeypatch.setattr(Players, "report", report)
    monkeypatch.setattr(demo_play.time, "sleep", lambda _: None)
    said = []
    play(market, 30, lambda: len(calls) >= 3, said.append)
    assert said == [
        "The database cannot be reached (the server is gone); waiting for it.",
        "The database is back; the demo goes on.",
    ]
    market.refresh_from_db()
    assert market.clock_rate == 0


def test_a_summary_without_a_demo_and_a_wrong_speed_are_said_so() -> None:
    with pytest.raises(CommandError, match="no demo yet"):
        call_command("demo", "--summary")
    with pytest.raises(CommandError, match="1 \\(real time\\) to 600"):
        call_command("demo", "--speed", "0")
