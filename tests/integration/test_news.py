"""What brings a notice: documents, money, decisions, stops, closes and rule changes that wait, regular looks."""

from datetime import UTC, datetime, timedelta

import pytest

from accounts.domain.notices import Ways
from accounts.models import BillingProfile, Membership, Notice, User
from accounts.operations.notice_ways import Wish, set_wish
from members.operations.claims import claim_meter, refuse_claim
from meters.models import MeteringPoint
from planning.domain.forecast import Energy
from planning.news import tell_stopped
from planning.operations import plan, set_instruction
from planning.queries import newly_read
from planning.wishes import switch
from settlement.models import Invoice, Issuer
from settlement.operations import settle
from settlement.operations.disputes import decide_dispute, withdraw_dispute
from settlement.operations.dunning import send_reminders
from settlement.operations.looks import look
from settlement.operations.month import advance
from settlement.operations.month.close import approve_close
from settlement.operations.month.replace import replace_invoice
from settlement.operations.payments import record_payment
from settlement.operations.readings import decide, figures_for
from settlement.operations.refunds import refund, undo_payment
from settlement.queries.readings import findings
from settlement.tasks import look_for_news
from tariffs.operations import approve_change
from tests.billing_world import bill, make_billing_world, person
from tests.certificate_world import add_panels, sub_read
from tests.factories import NOON, make_market, make_participants, open_contracts
from tests.money_world import NOON as BANK_NOON
from tests.money_world import TODAY, issue, money_world
from tests.office_world import NOW, Office, make_office
from tests.settlement_world import HALF_HOUR, TUESDAY_TEN, World, make_world
from trading.domain.messages import SELL, New
from trading.operations import Reply, submit, tick
from trading.operations.markets import halt, resume

pytestmark = pytest.mark.django_db(transaction=True)


def seat(participant, name: str = "an", role: str = "owner") -> User:
    user = User.objects.create_user(name, password="a long password")
    Membership.objects.create(user=user, participant=participant, role=role)
    return user


def told(user: User, *kinds: str) -> list[dict]:
    """The figures of this person's notices of these kinds, the oldest first."""
    return [each.data for each in Notice.objects.filter(user=user, kind__in=kinds).order_by("pk")]


# A month's office


@pytest.fixture
def office() -> Office:
    return make_office()


def test_the_office_is_told_what_waits_for_a_second_person_and_not_who_began_it(office) -> None:
    (waits,) = Notice.objects.filter(kind="close_waits", about_id=str(office.july.pk))
    assert waits.user == office.minh
    assert (waits.data["month_on"], waits.data["market"]) == ("2026-07-01", "w") and waits.data["documents"] > 0
    (change,) = Notice.objects.filter(kind="proposal_waits")
    assert change.user == office.minh and change.data == {
        "what": "terms",
        "from_on": "2027-01-01",
        "person": "Lan Trần",
    }
    assert not Notice.objects.filter(user__in=(office.auditor, office.stranger)).exists()


def test_members_hear_of_an_approved_change_with_its_day(office) -> None:
    approve_change(change=office.proposal, by=office.minh, at=NOW)
    assert told(office.owner, "rules_changed") == [
        {"who": office.world.people["roof"].name, "what": "terms", "from_on": "2027-01-01"}
    ]


def test_a_decision_is_told_with_its_reason_and_a_withdrawal_is_not(office) -> None:
    decide_dispute(dispute=office.dispute, waive=True, decision="The grid operator did it.", by=office.lan, at=NOW)
    (data,) = told(office.owner, "dispute_waived")
    assert (data["on_on"], data["interval"]) == ("2026-06-02", "10:00–10:30")
    assert data["decision"] == "The grid operator did it."


def test_taking_a_dispute_back_is_no_decision(office) -> None:
    withdraw_dispute(dispute=office.dispute, by=office.owner, at=NOW)
    assert not Notice.objects.filter(kind__startswith="dispute_").exists()


def test_a_replaced_document_is_told(office) -> None:
    invoice = office.invoice("roof")
    BillingProfile.objects.filter(participant=office.world.people["roof"]).update(legal_name="Nguyễn Văn Thành")
    made = replace_invoice(invoice=invoice, reason="Name", by=office.lan, at=NOW)
    (notice,) = Notice.objects.filter(kind="bill_replaced")
    assert notice.user == office.owner and notice.about_id == str(made.pk)


def test_documents_of_a_month_are_told_when_they_are_issued(office) -> None:
    """June was issued before its owner had a login; July is issued now."""
    seat(office.world.people["shop"], "shopkeeper")
    checks = ("no_profile", "before_cutoff", "gaps", "open_disputes", "proposals")
    approve_close(close=office.july, by=office.minh, at=NOW, accept=checks)
    while advance(office.july.pk, NOW):
        pass
    for who, kind in ((office.owner, "credit_issued"), (User.objects.get(username="shopkeeper"), "bill_issued")):
        (data,) = told(who, "credit_issued", "bill_issued")
        document = Invoice.objects.get(pk=Notice.objects.get(user=who, kind=kind).about_id)
        assert document.state == "issued" and data["month_on"] == "2026-07-01"
        assert data["total_dong"] == abs(document.total_dong) and data["due_on"] == document.due_on.isoformat()


# Money


def test_money_is_told_as_it_comes_goes_and_is_taken_back() -> None:
    world = money_world("a")
    an = seat(world.people["a"])
    issue(world, "a", 500_000)
    where = {"market_id": world.market.pk, "participant_id": world.people["a"].pk, "by": None, "at": BANK_NOON}
    paid = record_payment(**where, amount_dong=800_000)
    refund(**where, amount_dong=100_000)
    undone = record_payment(**where, amount_dong=50_000)
    undo_payment(payment_id=undone.pk, by=None, at=BANK_NOON, note="wrong member")
    kinds = list(Notice.objects.filter(user=an).order_by("pk").values_list("kind", flat=True))
    assert kinds == ["payment_received", "refund_paid", "payment_received", "payment_undone"]
    assert [row["amount_dong"] for row in told(an, *kinds)] == [800_000, 100_000, 50_000, 50_000]
    assert paid.amount_dong == 800_000


def test_a_reminder_is_told_with_its_letter() -> None:
    world = money_world("a")
    an = seat(world.people["a"])
    Issuer.objects.create(site=world.site, legal_name="EIU Energy")
    bill(world, "a", email="a@example.com")
    invoice = issue(world, "a", 500_000)
    for _ in range(2):
        send_reminders(market_id=world.market.pk, on=TODAY + timedelta(days=3), by=None, at=BANK_NOON)
    (data,) = told(an, "reminder_due")
    assert data["open_dong"] == 500_000 and data["due_on"] == invoice.due_on.isoformat()


# The market


def test_a_stop_is_told_to_all_who_trade_and_to_administrators_but_not_to_who_stopped_it() -> None:
    market = make_market("m")
    home = make_participants(2, market=market)[0]
    an, minh = seat(home), User.objects.create_user("minh", is_staff=True)
    lan = User.objects.create_user("lan", is_staff=True)
    halt(market, by=lan, at=NOON)
    resume(market, by=lan, at=NOON)
    for user in (an, minh):
        kinds = list(Notice.objects.filter(user=user).order_by("pk").values_list("kind", flat=True))
        assert kinds == ["market_halted", "market_resumed"]
    assert not Notice.objects.filter(user=lan).exists()


def test_the_stop_of_one_interval_is_told_to_those_who_have_something_in_it() -> None:
    market = make_market("m")
    home, mill = make_participants(2, market=market)
    an, binh = seat(home), seat(mill, "binh")
    contract = open_contracts(market)[-1]
    submit(market.pk, [New(home.pk, "o", contract.pk, SELL, 1_000, 1_500)], by=None, at=NOON)
    halt(market, by=None, at=NOON, contract_id=contract.pk)
    (data,) = told(an, "interval_halted")
    assert data["interval"].count(":") == 2 and data["on_on"] == "2026-06-01"
    assert not Notice.objects.filter(user=binh).exists()
    halt(market, by=None, at=NOON, contract_id=10**9)  # there is none: nobody is told
    assert Notice.objects.count() == 1


# Standing instructions


def test_the_others_hear_that_selling_was_switched_off() -> None:
    market = make_market("m")
    (home,) = make_participants(1, market=market)
    an, binh = seat(home), seat(home, "binh", "viewer")
    set_instruction(market.pk, home.pk, sell=(2_000, 900))
    switch(market=market, participant=home, on=False, by=an, at=NOON)
    assert told(binh, "switched_off") == [{"who": home.name, "market": "m", "person": "an"}]
    assert not Notice.objects.filter(user=an).exists()


def test_without_a_forecast_and_with_orders_refused_the_owner_hears_it_once_a_day(monkeypatch) -> None:
    monkeypatch.setattr("planning.prices._books", {})
    world = make_world("w")
    blind, poor = world.add("blind", retail=3_398), world.add("poor", retail=3_398)
    world.market.admissions.filter(participant=poor).update(credit_limit_millidong=0)
    world.market.limits_enforced, world.market.open_ahead_minutes = True, 240
    world.market.save()
    tick(world.market.pk, NOON)
    world.read({"blind": (100, 0)}, start=NOON - timedelta(days=3))
    an, binh = seat(blind), seat(poor, "binh")
    set_instruction(world.market.pk, blind.pk, sell=(2_000, 900))
    set_instruction(world.market.pk, poor.pk, buy=(900, 2_500))

    def forecaster(_market, _members, starts, _at):
        return {(poor.pk, start): Energy(load_wh=5_000, generation_wh=0) for start in starts}

    done = plan(world.market.pk, NOON, forecaster=forecaster)
    assert done.refused > 0
    plan(world.market.pk, NOON + timedelta(hours=1), forecaster=forecaster)
    assert len(told(an, "no_forecast")) == 1 and not told(an, "orders_refused")
    assert len(told(binh, "orders_refused")) == 1 and not told(binh, "no_forecast")


@pytest.mark.parametrize(("reason", "times"), [("insufficient_credit", 1), ("insufficient_energy", 0)])
def test_a_refusal_is_told_where_the_owner_can_do_something_about_it(reason, times) -> None:
    world = make_world("w")
    home = world.add("home", retail=3_398)
    an = seat(home)
    refused = (New(home.pk, "c", 1, SELL, 500, 900), Reply("rejected", reason, 200))
    tell_stopped(world.market, {}, [], [refused], NOON)
    assert len(told(an, "orders_refused")) == times


def test_who_has_just_begun_hears_when_the_first_offers_come_and_only_later_that_something_is_wrong(
    monkeypatch,
) -> None:
    monkeypatch.setattr("planning.prices._books", {})
    world = make_world("w")
    fresh = world.add("fresh", retail=3_398)
    world.market.open_ahead_minutes = 24 * 60
    world.market.save()
    an = seat(fresh)
    set_instruction(world.market.pk, fresh.pk, sell=(2_000, 900), active=False)

    def nobody_knows(_market, _members, _starts, _at):
        return {}

    tick(world.market.pk, NOON)
    switch(market=world.market, participant=fresh, on=True, by=an, at=NOON)
    assert [each["who"] for each in told(an, "selling_begins")] == ["fresh"]
    for later in (timedelta(hours=1), timedelta(days=1)):
        tick(world.market.pk, NOON + later)
        plan(world.market.pk, NOON + later, forecaster=nobody_knows)
    assert len(told(an, "selling_begins")) == 1 and told(an, "no_forecast") == []
    tick(world.market.pk, NOON + timedelta(days=3))
    plan(world.market.pk, NOON + timedelta(days=3), forecaster=nobody_knows)
    assert len(told(an, "selling_begins")) == 1 and len(told(an, "no_forecast")) == 1


def test_a_meter_of_yesterday_is_new_until_a_day_is_read() -> None:
    world = make_world("w")
    begun, old = world.add("begun"), world.add("old")
    world.read({"begun": (100, 0)}, start=NOON - timedelta(hours=23))
    world.read({"old": (100, 0)}, start=NOON - timedelta(hours=25))
    assert newly_read([begun.pk, old.pk], NOON) == {begun.pk}


# Reports of members, figures of meters


def test_a_members_report_waits_with_the_administrators_who_tell_what_became_of_it() -> None:
    market = make_market("m")
    (home,) = make_participants(1, market=market)
    an, lan = seat(home), User.objects.create_user("lan", is_staff=True)
    for serial in ("ABC 12", "ABC 123"):  # corrected before anybody looked
        claim = claim_meter(market=market, participant=home, serial=serial, by=an, at=NOON)
    assert told(lan, "claim_waits") == [{"who": home.name, "market": "m"}]
    refuse_claim(claim=claim, note="The plate says ABC 124.", by=lan, at=NOON)
    assert [each["note"] for each in told(an, "claim_refused")] == ["The plate says ABC 124."]


def test_figures_in_place_of_a_meters_wait_for_a_second_person() -> None:
    world = make_billing_world()
    world.add("shop", retail=3_000)
    world.contract(NOW - timedelta(days=1), "DELIVERED")
    world.read({"shop": (40_000, 0)}, NOW - timedelta(days=1))
    MeteringPoint.objects.update(max_import_w=60_000)
    lan, minh = person("lan"), person("minh")
    (found,) = [each for each in findings(world.market, NOW) if each.cause == "over_power"]
    figures = figures_for(world.market, found)
    made = decide(market=world.market, found=found, figures=figures, by=lan, at=NOW, reason="A jump")
    (notice,) = Notice.objects.filter(kind="reading_waits")
    assert notice.user == minh and notice.about_id == str(made.pk) and notice.data["meter"] == "MP-shop"


# Looks


@pytest.fixture
def world() -> World:
    """Roof made 5 kWh and sold 2 of the 3 it gave, on a Tuesday at ten."""
    world = make_world("w", surplus_cap_pct=20)
    world.add("roof", retail=2_500)
    world.add("shop", retail=3_398)
    add_panels(world, "roof")
    contract = world.contract()
    world.trade(contract, "roof", "shop", 2_000, 1_650)
    world.read({"roof": (0, 3_000), "shop": (8_000, 0)})
    sub_read(world, {"PV-roof": (0, 5_000)})
    settle(contract_id=contract.pk, kind="P", at=TUESDAY_TEN + 2 * HALF_HOUR)
    return world


def test_a_meter_that_falls_silent_is_told_once_until_it_speaks_again(world) -> None:
    an, lan = seat(world.people["roof"]), User.objects.create_user("lan", is_staff=True)
    spoke = TUESDAY_TEN + HALF_HOUR
    assert look(world.market, spoke + timedelta(hours=5)) == 0
    assert look(world.market, spoke + timedelta(hours=7)) == 2
    assert look(world.market, spoke + timedelta(hours=8)) == 0
    (data,) = told(an, "meter_silent")
    assert (data["meter"], data["hours"]) == ("MP-roof", 7)
    assert told(lan, "site_meter_silent")[0]["count"] == 2
    later = TUESDAY_TEN + timedelta(hours=9)
    world.read({"roof": (0, 100), "shop": (100, 0)}, later)
    look(world.market, later + timedelta(hours=8))
    assert len(told(an, "meter_silent")) == 2


def test_the_morning_tells_the_day_before_to_who_asked(world) -> None:
    an, binh = seat(world.people["roof"]), seat(world.people["shop"], "binh")
    wish = Wish({"days": Ways(False, True)}, None, "Asia/Ho_Chi_Minh", False)
    set_wish(user=an, roles={"owner"}, wish=wish, at=NOON)
    early, morning = datetime(2026, 6, 2, 22, 30, tzinfo=UTC), datetime(2026, 6, 2, 23, 30, tzinfo=UTC)
    look(world.market, early)
    assert not told(an, "day_summary")
    look(world.market, morning)
    look(world.market, morning + timedelta(hours=1))
    (data,) = told(an, "day_summary")
    assert (data["sold_wh"], data["bought_wh"]) == (2_000, 0) and data["saved_millidong"] > 0
    assert not told(binh, "day_summary")


def test_corrected_readings_are_told_with_what_they_change_by_day(world) -> None:
    an = seat(world.people["roof"])
    before = world.cash()["roof"]
    world.read({"roof": (0, 1_500)})
    settle(contract_id=world.market.contracts.get().pk, kind="SF", at=datetime(2026, 6, 3, 3, 0, tzinfo=UTC))
    look(world.market, datetime(2026, 6, 4, 0, 30, tzinfo=UTC))
    (data,) = told(an, "reading_corrected")
    assert data["on_on"] == "2026-06-02"
    assert data["change_millidong"] == world.cash()["roof"] - before != 0


def test_the_surplus_limit_is_told_once_a_month_from_its_fifth_day_on(world) -> None:
    an = seat(world.people["roof"])
    look(world.market, datetime(2026, 6, 4, 0, 30, tzinfo=UTC))
    assert not told(an, "cap_near")
    for day in (5, 6):
        look(world.market, datetime(2026, 6, day, 0, 30, tzinfo=UTC))
    assert told(an, "cap_near") == [{"who": world.people["roof"].name, "market": "w", "used_pct": 20, "cap_pct": 20}]


def test_the_task_looks_through_ticking_markets_by_their_own_clocks(world) -> None:
    an = seat(world.people["roof"])
    look_for_news()
    assert not Notice.objects.exists()
    market = world.market
    market.ticking, market.clock_at, market.clock_started_at = True, TUESDAY_TEN + timedelta(hours=8), datetime.now(UTC)
    market.save()
    look_for_news()
    assert len(told(an, "meter_silent")) == 1
