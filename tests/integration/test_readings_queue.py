"""Readings that need a person: found for the right reason, decided by one or two people, settled again, then gone."""

from datetime import UTC, datetime, timedelta

import pytest
from django.test import Client
from django.urls import reverse

from accounts.models import AuditEntry, User
from meters.models import Device, MeteringPoint, Reading
from meters.operations import NewReading, record_readings
from settlement.models import MonthClose, ReadingDecision, SettlementRun
from settlement.operations import settle, touched
from settlement.operations.readings import (
    ReadingDecisionError,
    confirm,
    decide,
    drop,
    figures_for,
    leave,
    needs_two,
)
from settlement.queries.closes import _waiting_readings
from settlement.queries.readings import Finding, findings
from tests.billing_world import make_billing_world, person
from tests.certificate_world import add_panels
from tests.settlement_world import HALF_HOUR, World
from trading.operations import create_market

pytestmark = pytest.mark.django_db

TEN = datetime(2026, 8, 18, 3, 0, tzinfo=UTC)  # Tuesday 10:00 in Hồ Chí Minh City
NOW = TEN + timedelta(days=1)


@pytest.fixture
def world() -> World:
    made = make_billing_world()
    for code in ("roof", "shop"):
        made.add(code, retail=3_000)
    add_panels(made, "roof")
    made.market.clock_at, made.market.clock_started_at = NOW, datetime.now(UTC)
    made.market.save()
    return made


def half_hours(world: World, count: int, readings: dict[str, tuple[int, int]], start: datetime = TEN) -> None:
    for place in range(count):
        at = start + place * HALF_HOUR
        world.contract(at, "DELIVERED")
        if readings:
            world.read(readings, at)


def causes(world: World) -> list[tuple[str, str, int]]:
    return sorted((each.point_code, each.cause, len(each.values)) for each in findings(world.market, NOW))


def only(world: World, cause: str) -> Finding:
    (found,) = [each for each in findings(world.market, NOW) if each.cause == cause]
    return found


def test_a_gap_is_one_item_a_day_and_begins_with_the_first_reading(world) -> None:
    half_hours(world, 1, {"shop": (1_000, 0)})
    half_hours(world, 2, {}, TEN + HALF_HOUR)
    half_hours(world, 1, {"shop": (1_400, 0), "roof": (100, 0)}, TEN + 3 * HALF_HOUR)
    assert causes(world) == [("MP-shop", "gap", 2)]  # the roof had never reported before, its panels' meter never did


def test_an_interval_within_its_grace_period_is_no_gap(world) -> None:
    half_hours(world, 1, {"shop": (1_000, 0)}, NOW - 2 * HALF_HOUR)
    half_hours(world, 1, {}, NOW - HALF_HOUR)
    assert causes(world) == []


def test_what_a_connection_cannot_carry_and_what_nothing_made(world) -> None:
    half_hours(world, 1, {"shop": (40_000, 200), "roof": (0, 30_000)})
    assert causes(world) == [("MP-shop", "no_generation", 1)]
    MeteringPoint.objects.filter(code="MP-shop").update(max_import_w=60_000)
    assert causes(world) == [("MP-shop", "over_power", 1)]
    Device.objects.create(site=world.site, participant=world.people["roof"], name="pv", kind="pv", peak_w=10_000)
    panels = [NewReading("PV-roof", TEN, 0, 5_501)]
    record_readings(site=world.site, rows=panels, by=None, at=NOW, source="test")
    assert causes(world) == [("MP-shop", "over_power", 1), ("PV-roof", "over_power", 1)]


def test_days_that_look_odd_are_found_by_their_shape(world) -> None:
    midnight = datetime(2026, 8, 8, 17, 0, tzinfo=UTC)
    rows = []
    for place in range(48 * 10):
        at, day = midnight + place * HALF_HOUR, place // 48
        flat = day == 9 and place % 48 >= 30
        taken = 3_000 if flat else 9_000 if (day, place % 48) == (8, 20) else 800 + place * 37 % 900
        sun = max(0, 4_000 - 40 * (place % 48 - 24 - (3 if day == 9 else 0)) ** 2)
        rows += [NewReading("MP-shop", at, taken, 0), NewReading("PV-roof", at, 0, sun)]
    record_readings(site=world.site, rows=rows, by=None, at=NOW, source="test")
    assert causes(world) == [("MP-shop", "spike", 1), ("MP-shop", "stuck", 18), ("PV-roof", "shifted", 48)]
    assert only(world, "shifted").shift == 3


def test_an_estimate_is_approved_by_one_person_settled_again_and_gone(world) -> None:
    half_hours(world, 1, {"shop": (1_000, 0)})
    half_hours(world, 1, {}, TEN + HALF_HOUR)
    half_hours(world, 1, {"shop": (1_400, 0)}, TEN + 2 * HALF_HOUR)
    gap = world.market.contracts.get(delivery_start=TEN + HALF_HOUR)
    settle(contract_id=gap.pk, kind="P", at=NOW)
    found = only(world, "gap")
    figures = figures_for(world.market, found)
    assert (figures.method, list(figures.pairs)) == ("linear", [(1_200, 0)])
    made = decide(market=world.market, found=found, figures=figures, by=person("lan"), at=NOW)
    assert (made.state, made.versions, made.two_people) == ("approved", [1], False)
    reading = Reading.objects.get(metering_point__code="MP-shop", start=gap.delivery_start)
    assert (reading.import_wh, reading.quality, reading.version) == (1_200, "estimated", 1)
    last = SettlementRun.objects.filter(contract=gap).latest("number")
    assert last.number == 2 and last.results.get(participant=world.people["shop"]).import_wh == 1_200
    assert touched(world.market) == [] and causes(world) == []
    assert AuditEntry.objects.filter(action="reading.approved", by=person("lan")).count() == 1


def test_an_estimate_that_came_in_waits_until_it_is_approved_or_measured(world) -> None:
    half_hours(world, 1, {"shop": (1_000, 0)})
    world.contract(TEN + HALF_HOUR, "DELIVERED")
    world.read({"shop": (900, 0)}, TEN + HALF_HOUR, "estimated")
    assert causes(world) == [("MP-shop", "estimated", 1)]
    found = only(world, "estimated")
    decide(market=world.market, found=found, figures=figures_for(world.market, found), by=person("lan"), at=NOW)
    assert causes(world) == [] and Reading.objects.filter(metering_point__code="MP-shop").count() == 2
    world.read({"shop": (700, 0)}, TEN + HALF_HOUR, "estimated")
    assert causes(world) == [("MP-shop", "estimated", 1)]  # another estimate than the one that was approved
    world.read({"shop": (800, 0)}, TEN + HALF_HOUR)
    assert causes(world) == []


def test_a_register_total_is_kept_to_the_wh(world) -> None:
    half_hours(world, 1, {"shop": (1_000, 0)})
    half_hours(world, 3, {}, TEN + HALF_HOUR)
    half_hours(world, 1, {"shop": (2_000, 0)}, TEN + 4 * HALF_HOUR)
    found = only(world, "gap")
    figures = figures_for(world.market, found, import_total_wh=10_000, export_total_wh=0)
    assert sum(pair[0] for pair in figures.pairs) == 10_000 and sum(pair[1] for pair in figures.pairs) == 0


def proposed(world: World) -> ReadingDecision:
    """A meter's figure that somebody would replace."""
    half_hours(world, 1, {"shop": (40_000, 0)})
    MeteringPoint.objects.filter(code="MP-shop").update(max_import_w=60_000)
    found = only(world, "over_power")
    figures = figures_for(world.market, found)
    with pytest.raises(ReadingDecisionError, match="reason"):
        decide(market=world.market, found=found, figures=figures, by=person("lan"), at=NOW)
    return decide(market=world.market, found=found, figures=figures, by=person("lan"), at=NOW, reason="A jump")


def test_a_meters_figure_is_replaced_by_two_people(world) -> None:
    held = proposed(world)
    assert held.state == "proposed" and Reading.objects.count() == 1
    assert [each.proposal for each in findings(world.market, NOW)] == [held.pk]
    with pytest.raises(ReadingDecisionError, match="second person"):
        confirm(decision=held, by=person("lan"), at=NOW)
    confirm(decision=held, by=person("minh"), at=NOW)
    assert Reading.objects.latest("version").quality == "estimated" and causes(world) == []
    with pytest.raises(ReadingDecisionError, match="already"):
        confirm(decision=held, by=person("minh"), at=NOW)


def test_a_month_billed_in_another_market_of_the_site_needs_two_people(world) -> None:
    half_hours(world, 1, {"shop": (1_000, 0)})
    half_hours(world, 1, {}, TEN + HALF_HOUR)
    half_hours(world, 1, {"shop": (1_400, 0)}, TEN + 2 * HALF_HOUR)
    found = only(world, "gap")
    figures = figures_for(world.market, found)
    assert not needs_two(world.market, found, figures)
    beside = create_market(site=world.market.site, code="beside", name="Beside")
    MonthClose.objects.create(
        market=beside, month=TEN.date().replace(day=1), number=1, state="issued", requested_by=person("lan"),
        requested_at=NOW, computed_at=NOW, approved_by=person("minh"), approved_at=NOW, issued_at=NOW,
        issue_on=NOW.date(),
    )  # fmt: skip
    assert needs_two(world.market, found, figures)


def test_a_proposal_blocks_its_month_until_it_is_decided(world) -> None:
    held = proposed(world)
    close = MonthClose(market=world.market, month=TEN.date().replace(day=1), number=1, requested_at=NOW)
    bounds = (TEN - timedelta(days=20), TEN + timedelta(days=20))
    assert _waiting_readings(close, *bounds) == 1
    drop(decision=held, by=person("lan"), at=NOW)
    assert _waiting_readings(close, *bounds) == 0 and causes(world) == [("MP-shop", "over_power", 1)]


def test_a_reading_that_came_meanwhile_ends_the_proposal(world) -> None:
    held = proposed(world)
    world.read({"shop": (20_000, 0)}, TEN)
    with pytest.raises(ReadingDecisionError, match="come in since"):
        confirm(decision=held, by=person("minh"), at=NOW)
    assert Reading.objects.latest("version").import_wh == 20_000


def test_what_is_left_as_it_is_comes_back_when_the_reading_changes(world) -> None:
    half_hours(world, 1, {"shop": (500, 200)})
    found = only(world, "no_generation")
    leave(market=world.market, found=found, by=person("lan"), at=NOW, reason="Portable panels")
    assert causes(world) == []
    world.read({"shop": (500, 300)}, TEN)
    assert causes(world) == [("MP-shop", "no_generation", 1)]


def test_nobody_but_an_administrator_decides(world) -> None:
    half_hours(world, 1, {"shop": (500, 200)})
    found, member = only(world, "no_generation"), User.objects.create_user("member")
    with pytest.raises(ReadingDecisionError, match="administrator"):
        leave(market=world.market, found=found, by=member, at=NOW, reason="x")
    with pytest.raises(ReadingDecisionError, match="administrator"):
        decide(
            market=world.market, found=found, figures=figures_for(world.market, found), by=member, at=NOW, reason="x"
        )


def test_a_late_correction_is_what_a_close_counts_and_is_settled_again(world) -> None:
    half_hours(world, 1, {"shop": (1_000, 0), "roof": (100, 0)})
    contract = world.market.contracts.get()
    settle(contract_id=contract.pk, kind="P", at=NOW)
    assert causes(world) == []
    rows = [NewReading("MP-shop", TEN, 1_300, 0)]
    record_readings(site=world.site, rows=rows, by=None, at=NOW, source="test")
    assert causes(world) == [("MP-shop", "late", 1)] and touched(world.market) == [contract.pk]
    client = signed_in(person("lan"))
    page = client.post(at("reading", only(world, "late").key), {"verdict": "approve"}, follow=True)
    assert "settled again" in told(page) and touched(world.market) == [] and causes(world) == []


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def at(name: str, *rest: object) -> str:
    return reverse(f"portal:office_{name}", args=("w", *rest))


def told(answer) -> str:
    return " ".join(str(message) for message in answer.context["messages"])


def test_many_are_approved_at_once_and_each_counts_on_the_morning_page(world) -> None:
    half_hours(world, 1, {"shop": (1_000, 0), "roof": (100, 0)})
    for place in (1, 3, 5):
        half_hours(world, 1, {}, TEN + place * HALF_HOUR)
        half_hours(world, 1, {"shop": (1_400, 0), "roof": (100, 0)}, TEN + (place + 1) * HALF_HOUR)
    client = signed_in(person("lan"))
    needs = {each.address: each.count for each in client.get(at("overview")).context["needs"]}
    assert needs[at("readings")] == 6
    keys = [each.key for each in findings(world.market, NOW) if each.point_code == "MP-shop"]
    refused = client.post(at("readings"), {"item": keys})
    assert refused.status_code == 422 and b"Tick the box" in refused.content
    assert client.post(at("readings"), {"confirm": "yes"}).status_code == 422
    answer = client.post(at("readings"), {"item": keys, "confirm": "yes"}, follow=True)
    assert "3 items are dealt with" in told(answer)
    assert causes(world) == [("MP-roof", "gap", 1)] * 3
    shown = client.get(at("readings") + "?cause=gap&q=ROOF&since=2026-08-18&until=2026-08-18").context["rows"]
    assert len(shown) == 3 and not client.get(at("readings") + "?cause=spike").context["rows"]


def test_one_item_shows_curve_methods_and_figures_and_takes_own_ones_by_two(world) -> None:
    half_hours(world, 1, {"shop": (1_000, 0)})
    half_hours(world, 1, {}, TEN + HALF_HOUR)
    half_hours(world, 1, {"shop": (1_400, 0)}, TEN + 2 * HALF_HOUR)
    lan, minh, key = signed_in(person("lan")), signed_in(person("minh")), only(world, "gap").key
    page = lan.get(at("reading", key))
    assert page.context["figures"].method == "linear" and b"wb-day-curve" in page.content
    assert [row.proposed for row in page.context["table"] if row.proposed] == [(1_200, 0)]
    total = lan.get(at("reading", key) + "?import_total=1.500").context
    assert total["sums"] == (1_500, 0) and not total["trouble"]
    assert lan.get(at("reading", key) + "?method=similar_sun&import_total=x").context["trouble"]
    own = {"verdict": "own", "import-0": "1 350", "export-0": "", "read_off": "yes"}
    assert lan.post(at("reading", key), own).status_code == 422
    assert lan.post(at("reading", key), own | {"import-0": "many", "reason": "x"}).status_code == 422
    assert "second person" in told(lan.post(at("reading", key), own | {"reason": "Read on site"}, follow=True))
    held = ReadingDecision.objects.get()
    assert minh.get(at("reading_proposal", held.pk)).status_code == 200
    assert lan.post(at("reading_proposal", held.pk), {"verdict": "confirm"}).status_code == 422
    assert "Confirmed" in told(minh.post(at("reading_proposal", held.pk), {"verdict": "confirm"}, follow=True))
    reading = Reading.objects.get(metering_point__code="MP-shop", start=TEN + HALF_HOUR)
    assert (reading.import_wh, reading.quality) == (1_350, "measured")
    assert lan.get(at("reading", key)).status_code == 404
    for wrong in ("x", "1-gap", "1-gap-99999999999999", "1-gap-999999999999", "1-gap-99999999999", "9-late-1"):
        assert lan.get(at("reading", wrong)).status_code == 404


def test_figures_for_what_is_no_longer_as_it_was_looked_at_are_refused(world) -> None:
    half_hours(world, 1, {"shop": (1_000, 0)})
    half_hours(world, 2, {}, TEN + HALF_HOUR)
    lan, key = signed_in(person("lan")), only(world, "gap").key
    seen = lan.get(at("reading", key)).context["seen"]
    half_hours(world, 1, {}, TEN + 3 * HALF_HOUR)  # the stretch has grown under the same address
    own = {"verdict": "own", "import-0": "10", "import-1": "20", "reason": "Read on site", "seen": seen}
    for form in (own, {"verdict": "approve", "seen": seen}):
        answer = lan.post(at("reading", key), form)
        assert answer.status_code == 422 and b"A reading has come in since" in answer.content
    assert not ReadingDecision.objects.exists()
    fresh = lan.get(at("reading", key)).context["seen"]
    assert lan.post(at("reading", key), {"verdict": "approve", "seen": fresh}).status_code == 302
