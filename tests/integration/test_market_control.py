"""Market control: one contract or all is stopped through the log, with a reason; planned stops keep themselves."""

import io
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import pytest
from django.core.management import call_command
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from portal.templatetags.figures import span
from tests.factories import NOON, make_market, make_participants, minutes, open_contracts
from trading.domain.messages import BUY, SELL, Cancel, New
from trading.models import Command, Market, PlannedStop
from trading.operations import halt, resume, stops, submit, tick
from trading.operations.audit import audit, audit_deliveries
from trading.operations.stops import StopRefused, cancel_stop, keep_planned_stops, let_go_on, plan_stop, stop_trading
from trading.queries import contracts_by_id, public_events
from units.interval import day_bounds

pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def market() -> Market:
    made = make_market(clock_at=NOON, clock_started_at=datetime.now(UTC))
    for number, participant in enumerate(make_participants(2, market=made)):
        submit(made.pk, [new(participant.pk, f"o{number}", made, price=90 + number)], by=None, at=NOON)
    return made


@pytest.fixture
def lan() -> User:
    return User.objects.create_user("lan", is_staff=True)


def new(participant: int, name: str, market: Market, side: int = SELL, price: int = 90, place: int = 0) -> New:
    return New(participant, name, open_contracts(market)[place].pk, side, 500, price)


def sent(market: Market, message) -> str:
    return submit(market.pk, [message], by=None, at=NOON)[0].reason


def state_of(market: Market, place: int) -> str:
    contract = open_contracts(market)[place]
    return contracts_by_id(market.pk, [contract.pk])[0].state


def test_one_contract_is_stopped_for_everybody_to_see_and_a_replay_agrees(market, lan) -> None:
    first, buyer = open_contracts(market)[0], make_participants(2)[1].pk
    stop_trading(market, by=lan, at=NOON, reason="A wrong price band", contract=first, freeze=True)
    assert (state_of(market, 0), state_of(market, 1)) == ("FROZEN", "CONTINUOUS")
    assert sent(market, new(buyer, "b1", market, BUY, 95)) == "halted"
    assert sent(market, Cancel(make_participants(1)[0].pk, "o0")) == "frozen"
    assert sent(market, new(buyer, "b2", market, BUY, 95, place=1)) == ""
    let_go_on(market, by=lan, at=NOON, reason="Mended", contract=first)
    assert sent(market, new(buyer, "b3", market, BUY, 95)) == "" and state_of(market, 0) == "CONTINUOUS"
    assert [event.op for event in public_events(market.pk, 0) if event.op in ("halt", "resume")] == ["halt", "resume"]
    assert Command.objects.filter(market=market, op="halt", by=lan).count() == 1
    assert audit(market.pk).differences == ()
    call_command("verify_log", stdout=io.StringIO())
    actions = AuditEntry.objects.filter(by=lan).order_by("pk").values_list("action", flat=True)
    assert list(actions) == ["interval.frozen", "interval.resumed"]


def test_a_stretch_of_the_log_knows_what_was_stopped_before_it(market, lan) -> None:
    late = open_contracts(market)[-1]
    halt(market, by=lan, at=NOON, contract_id=late.pk)
    for contract in open_contracts(market):
        if contract.pk != late.pk:
            tick(market.pk, contract.gate_closes_at)
    assert sent_at(market, late, "x") == "halted"
    resume(market, by=lan, at=late.gate_closes_at - minutes(2), contract_id=late.pk)
    found = audit_deliveries(market.pk, late.delivery_start, late.delivery_end)
    assert found.differences == () and found.orders == 0


def sent_at(market: Market, contract, name: str) -> str:
    message = New(make_participants(1)[0].pk, name, contract.pk, SELL, 500, 90)
    return submit(market.pk, [message], by=None, at=contract.gate_closes_at - minutes(3))[0].reason


def test_an_auction_waits_while_its_contract_is_halted(lan) -> None:
    market = make_market("call", call_ends_minutes=30)
    first = open_contracts(market)[1]
    halt(market, by=lan, at=NOON, contract_id=first.pk)
    tick(market.pk, first.call_until)
    first.refresh_from_db()
    assert (first.state, first.stop) == ("CALL", 1)
    resume(market, by=lan, at=first.call_until, contract_id=first.pk)
    tick(market.pk, first.call_until)
    first.refresh_from_db()
    assert first.state == "CONTINUOUS"


def test_who_may_not_or_gives_no_reason_stops_nothing(market, lan) -> None:
    member = User.objects.create_user("member")
    with pytest.raises(StopRefused, match="administrator"):
        stop_trading(market, by=member, at=NOON, reason="x")
    with pytest.raises(StopRefused, match="reason"):
        stop_trading(market, by=lan, at=NOON, reason=" ")
    closed = open_contracts(market)[0]
    with pytest.raises(StopRefused, match="ended"):
        stop_trading(market, by=lan, at=closed.gate_closes_at, reason="x", contract=closed)
    assert not Command.objects.filter(op="halt").exists() and not AuditEntry.objects.filter(by=lan).exists()


def planned(market: Market, lan: User, **more) -> PlannedStop:
    values = {"starts_at": NOON + minutes(10), "ends_at": NOON + minutes(20), "freeze": False, "reason": "New meters"}
    return plan_stop(market, **values | more, by=lan, at=NOON)


def halted(market: Market) -> bool:
    market.refresh_from_db()
    return market.halted


def test_a_planned_stop_begins_and_ends_by_itself(market, lan) -> None:
    stop = planned(market, lan)
    for at, expected in ((9, False), (10, True), (11, True), (20, False), (21, False)):
        keep_planned_stops(market, NOON + minutes(at))
        assert halted(market) is expected, at
    stop.refresh_from_db()
    assert stop.state == "over" and audit(market.pk).differences == ()
    assert Command.objects.filter(op="halt").count() == Command.objects.filter(op="resume").count() == 1


def test_a_tick_that_died_is_repeated_and_a_stop_that_was_missed_is_over(market, lan) -> None:
    stop = planned(market, lan)
    PlannedStop.objects.filter(pk=stop.pk).update(applied=True)
    halt(market, by=None, at=NOON + minutes(10))
    keep_planned_stops(market, NOON + minutes(10))
    keep_planned_stops(market, NOON + minutes(20))
    assert not halted(market)
    late = planned(market, lan, starts_at=NOON + minutes(30), ends_at=NOON + minutes(40))
    keep_planned_stops(market, NOON + minutes(50))
    late.refresh_from_db()
    assert late.state == "over" and not halted(market)


def test_a_stop_taken_back_while_the_tick_looks_at_it_does_not_begin(market, lan) -> None:
    seen_by_the_tick = planned(market, lan)
    cancel_stop(seen_by_the_tick, by=lan, at=NOON)
    stops._begin(market, seen_by_the_tick, NOON + minutes(10))
    assert not halted(market)
    begun = planned(market, lan)
    PlannedStop.objects.filter(pk=begun.pk).update(applied=True)  # the tick is about to halt
    with pytest.raises(StopRefused, match="begun or is over"):
        cancel_stop(begun, by=lan, at=NOON)


def test_what_a_person_stopped_before_stays_stopped(market, lan) -> None:
    planned(market, lan)
    stop_trading(market, by=lan, at=NOON, reason="A fault")
    keep_planned_stops(market, NOON + minutes(10))
    keep_planned_stops(market, NOON + minutes(20))
    assert halted(market)


def test_stops_do_not_overlap_and_are_taken_back_before_they_begin(market, lan) -> None:
    stop = planned(market, lan)
    for wrong in ({"ends_at": NOON + minutes(5)}, {"ends_at": NOON + minutes(60 * 24 * 15)}, {"reason": ""}, {}):
        with pytest.raises(StopRefused):
            planned(market, lan, **wrong)
    cancel_stop(stop, by=lan, at=NOON)
    keep_planned_stops(market, NOON + minutes(15))
    assert not halted(market)
    with pytest.raises(StopRefused, match="begun or is over"):
        cancel_stop(stop, by=lan, at=NOON)


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


ADDRESS = reverse("portal:office_market_control", args=("m",))


def test_the_page_names_the_consequence_stops_and_lets_go_on(market, lan) -> None:
    client, first = signed_in(lan), open_contracts(market)[0].pk
    page = client.get(ADDRESS)
    assert b"2 orders of 2 members stay in the book but do not trade" in page.content
    form = {"act": "halt", "contract": "", "reason": "A test of the alarm", "confirm": "yes"}
    assert client.post(ADDRESS, form | {"confirm": ""}).status_code == 422 and not halted(market)
    assert client.post(ADDRESS, form | {"contract": "999"}).status_code == 422
    assert "stopped" in " ".join(map(str, client.post(ADDRESS, form, follow=True).context["messages"]))
    assert halted(market) and b"Let trading go on" in client.get(ADDRESS).content
    client.post(ADDRESS, form | {"act": "resume"})
    client.post(ADDRESS, form | {"act": "freeze", "contract": first})
    assert not halted(market) and state_of(market, 0) == "FROZEN"
    assert client.get(f"{ADDRESS}?contract={first}").context["chosen"].contract.pk == first


def test_a_number_that_no_stop_has_is_refused_in_words(market, lan) -> None:
    page, client = reverse("portal:office_market_control", args=(market.code,)), signed_in(lan)
    for number in ("9" * 5_000, "9" * 19, "-1", "x", ""):
        answer = client.post(page, {"act": "cancel", "stop": number})
        assert answer.status_code == 422 and b"no such stop" in answer.content, number


def test_the_calendar_shows_gates_stops_and_holidays(market, lan) -> None:
    client = signed_in(lan)
    form = {"act": "plan", "starts_at": "2026-06-01T22:00", "ends_at": "2026-06-02T02:00", "reason": "New meters"}
    assert client.post(ADDRESS, form | {"starts_at": "soon"}).status_code == 422
    client.post(ADDRESS, form)
    stop = PlannedStop.objects.get()
    assert stop.starts_at == datetime(2026, 6, 1, 15, 0, tzinfo=UTC)
    answer = client.get(ADDRESS)
    days, page = answer.context["days"], answer.content.decode()
    assert [len(day.stops) for day, _, _ in days][:3] == [1, 1, 0] and days[0][0].intervals > 0
    last, opens_at, _ = days[-1]
    ahead = timedelta(minutes=market.open_ahead_minutes)
    assert last.intervals == 0 and opens_at == day_bounds(last.on, ZoneInfo("Asia/Ho_Chi_Minh")).start - ahead
    assert "not open yet" in page and f"<dd>{span(market.open_ahead_minutes)}</dd>" in page
    client.post(ADDRESS, {"act": "cancel", "stop": stop.pk})
    assert not client.get(ADDRESS).context["planned"]


def test_an_auditor_looks_and_others_do_not(market) -> None:
    auditor = User.objects.create_user("auditor", is_auditor=True)
    page = signed_in(auditor).get(ADDRESS)
    assert page.status_code == 200 and b'<form method="post" class' not in page.content
    assert signed_in(auditor).post(ADDRESS, {"act": "halt"}).status_code == 403
    member = signed_in(User.objects.create_user("member"))
    assert member.get(ADDRESS).status_code == member.post(ADDRESS).status_code == 403
