"""Loading a rulebook, and changing rules with a second person: previewed, approved once, from its day on."""

import threading
from datetime import UTC, date, datetime, timedelta
from io import StringIO

import pytest
from django.core.management import CommandError, call_command
from django.db import IntegrityError, connections, transaction
from django.utils import timezone

from accounts.models import AuditEntry, Participant, User
from meters.models import MeteringPoint, Site
from meters.operations import NewReading, record_readings
from tariffs.domain.fields import RulebookRejected
from tariffs.domain.rulebook_file import parse
from tariffs.models import EmissionFactor, RuleChange, SiteTerms, Tariff, TariffRow, VatRate
from tariffs.operations import (
    ChangeRefused,
    apply_rulebook,
    approve_change,
    assign_tariff,
    impact,
    lock_rules,
    propose_change,
    reject_change,
    set_terms,
    withdraw_change,
)
from tariffs.queries import capacity_price, emission_factor, retail_prices, vat_rate, zone_fees
from tariffs.shipped import load

NOW = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)
TODAY, TOMORROW = date(2026, 6, 10), date(2026, 6, 11)
FIRST = date(2026, 1, 1)
HEAD = {"rulebook": {"name": "Change", "country": "VN"}}
CODE = "vn-production-22kv"
pytestmark = pytest.mark.django_db(transaction=True)


@pytest.fixture
def people() -> tuple[User, User]:
    return User.objects.create(username="an"), User.objects.create(username="binh")


@pytest.fixture
def site() -> Site:
    """One factory at the shipped prices that took 1 kWh at a peak and gave 2 kWh at another hour."""
    site = Site.objects.create(code="s", name="s")
    apply_rulebook(rulebook=parse(load("vn")), by=None, at=NOW)
    mill = Participant.objects.create(code="mill", name="Mill", kind="tenant")
    MeteringPoint.objects.create(site=site, participant=mill, code="M")
    tariff = Tariff.objects.get(code=CODE)
    assign_tariff(site=site, participant=mill, tariff=tariff, valid_from=FIRST, by=None, at=NOW)
    set_terms(site=site, valid_from=FIRST, surplus_price=671, network_fee=120, by=None, at=NOW)
    rows = [
        NewReading("M", datetime(2026, 6, 9, 3, 0, tzinfo=UTC), 1_000, 0),
        NewReading("M", datetime(2026, 6, 9, 5, 0, tzinfo=UTC), 0, 2_000),
    ]
    record_readings(site=site, rows=rows, by=None, at=NOW, source="test")
    return site


def dearer(on: date = TOMORROW, peak: int = 3_500) -> dict:
    row = {"tariff": CODE, "normal": 1_833, "peak": peak, "offpeak": 1_190, "billed_from": on, "source": "test"}
    return HEAD | {"prices": [row]}


def propose(by: User, payload: dict | None = None, kind: str = "tariff", on: date = TOMORROW) -> RuleChange:
    return propose_change(by=by, kind=kind, payload=payload or dearer(), effective_on=on, at=NOW)


def terms(on: date = TOMORROW, **values: int) -> dict:
    row = {"site": "s", "surplus_price": 671, "network_fee": 120, "billed_from": on, "source": "test", **values}
    return HEAD | {"terms": [row]}


def test_the_shipped_rulebook_loads_once_and_answers() -> None:
    first, again = StringIO(), StringIO()
    call_command("load_rulebook", "vn", "--dry-run", stdout=StringIO())
    assert not TariffRow.objects.exists() and not AuditEntry.objects.exists()
    call_command("load_rulebook", "vn", stdout=first)
    count = TariffRow.objects.count()
    call_command("load_rulebook", "vn", stdout=again)
    assert "Loaded." in first.getvalue() and "pending: windows decision-963-2026" in first.getvalue()
    assert "0 changes" in again.getvalue() and TariffRow.objects.count() == count
    assert [vat_rate("VN", "electricity", day) for day in (date(2026, 12, 31), date(2027, 1, 1))] == [800, 1_000]
    assert vat_rate("VN", "electricity", date(2024, 6, 30)) is None
    assert emission_factor("VN", TODAY).mg_per_kwh == 659_200
    assert emission_factor("VN", TODAY, official_only=False).year == 2025
    assert emission_factor("XX", TODAY) is None
    pilot = Tariff.objects.get(code="vn-two-part-22kv")
    assert (capacity_price(pilot.pk, TODAY), capacity_price(pilot.pk, FIRST - timedelta(days=99))) == (235_414, None)


def test_a_tiered_tariff_prices_an_interval_by_the_expected_month(site: Site) -> None:
    tariff, prices = Tariff.objects.get(code="vn-residential"), {}
    for expected in (0, 100_000, 100_001, 500_000):
        home = Participant.objects.create(code=f"home-{expected}", name="Home", kind="household")
        assign_tariff(
            site=site, participant=home, tariff=tariff, valid_from=FIRST, expected_month_wh=expected, by=None, at=NOW
        )
        prices[home.pk] = expected
    found = retail_prices(site.pk, list(prices), NOW)
    assert {prices[party]: price for party, price in found.items()} == {
        0: 1_984, 100_000: 2_050, 100_001: 2_380, 500_000: 3_460,
    }  # fmt: skip


def test_who_is_touched_is_told_before_it_is_approved(site: Site, people) -> None:
    change = propose(people[0])
    assert change.impact["participants"] == 1 and change.impact["changes"][0]["from"] == "2026-06-11"
    (mill,) = change.impact["sites"][0]["participants"]
    assert (mill["name"], mill["tariff"], mill["import_wh"]) == ("Mill", [CODE, CODE], 1_000)
    assert mill["prices"]["peak"] == [3_398, 3_500] and mill["prices"]["normal"] == [1_833, 1_833]
    assert mill["effect_dong"] == change.impact["effect_dong"] == 102
    assert Tariff.objects.get(code=CODE).rows.filter(price=3_500).count() == 0
    assert impact(change, NOW) == change.impact


def test_the_effect_of_terms_is_that_of_surplus_and_the_monthly_fee(site: Site, people) -> None:
    change = propose(people[0], terms(surplus_price=771, platform_fee_month=5_000), "terms")
    (told,) = change.impact["sites"]
    assert told["terms"] == {"surplus_price": [671, 771], "platform_fee_month": [0, 5_000]}
    assert told["participants"][0]["effect_dong"] == 5_000 - 200


def test_a_second_person_puts_it_into_force_from_its_day(site: Site, people) -> None:
    change = propose(people[0])
    approve_change(change=change, by=people[1], at=NOW, note="as decreed")
    mill = Participant.objects.get(code="mill").pk
    peak = datetime(2026, 6, 10, 3, 0, tzinfo=UTC)
    prices = [retail_prices(site.pk, [mill], peak + timedelta(days=day))[mill] for day in (0, 1)]
    assert prices == [3_398, 3_500]
    held = RuleChange.objects.get()
    assert (held.state, held.decided_by, held.decision_note) == ("approved", people[1], "as decreed")
    actions = set(AuditEntry.objects.values_list("action", flat=True))
    assert {"rules.proposed", "tariff.rows_replaced", "rules.approved"} <= actions


def test_nobody_approves_their_own_change(site: Site, people) -> None:
    change = propose(people[0])
    with pytest.raises(ChangeRefused) as refused:
        approve_change(change=change, by=people[0], at=NOW)
    assert refused.value.code == "own_change"
    with pytest.raises(IntegrityError, match="second_person"), transaction.atomic():
        RuleChange.objects.update(state="approved", decided_by=people[0], decided_at=NOW)
    assert RuleChange.objects.get().state == "proposed"


def test_two_who_approve_at_once_approve_once(site: Site, people) -> None:
    change, codes = propose(people[0]), []
    third = User.objects.create(username="chi")
    start = threading.Barrier(2)

    def approve(by: User) -> None:
        start.wait()
        try:
            approve_change(change=change, by=by, at=NOW)
            codes.append("approved")
        except ChangeRefused as refused:
            codes.append(refused.code)
        finally:
            connections.close_all()

    threads = [threading.Thread(target=approve, args=(by,)) for by in (people[1], third)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(codes) == ["already_decided", "approved"]
    assert AuditEntry.objects.filter(action="rules.approved").count() == 1


def test_a_decided_change_stays_as_it_is(site: Site, people) -> None:
    change = propose(people[0])
    with pytest.raises(ChangeRefused) as refused:
        withdraw_change(change=change, by=people[1], at=NOW)
    assert refused.value.code == "not_own_change"
    reject_change(change=change, by=people[1], at=NOW, note="no")
    for decide in (approve_change, reject_change):
        with pytest.raises(ChangeRefused) as refused:
            decide(change=change, by=people[1], at=NOW)
        assert refused.value.code == "already_decided"
    for alter in (
        lambda: RuleChange.objects.update(state="proposed", decided_by=None, decided_at=None),
        lambda: RuleChange.objects.update(decision_note="yes"),
        lambda: RuleChange.objects.all().delete(),
    ):
        with pytest.raises(IntegrityError), transaction.atomic():
            alter()
    withdraw_change(change=propose(people[0]), by=people[0], at=NOW)


def test_what_was_proposed_cannot_be_swapped_before_it_is_approved(site: Site, people) -> None:
    propose(people[0])
    with pytest.raises(IntegrityError), transaction.atomic():
        RuleChange.objects.update(payload={})


@pytest.mark.parametrize(
    ("kind", "payload", "on", "code"),
    [
        ("tariff", dearer(TODAY), TODAY, "change_too_early"),
        ("tariff", dearer(TODAY), TOMORROW, "not_the_day"),
        ("tariff", terms(), TOMORROW, "wrong_section"),
        ("weather", dearer(), TOMORROW, "unknown_kind"),
        ("rulebook", load("vn"), TOMORROW, "nothing_changes"),
        ("tariff", HEAD | {"prices": [{"tariff": CODE}]}, TOMORROW, "field_missing"),
        ("terms", terms(site="nowhere"), TOMORROW, "unknown_site"),
        ("tariff", {"rulebook": {1, 2}}, TOMORROW, "not_json"),
    ],
)
def test_a_proposal_that_makes_no_sense_is_refused(site: Site, people, kind, payload, on, code) -> None:
    with pytest.raises((ChangeRefused, RulebookRejected)) as refused:
        propose(people[0], payload, kind, on)
    assert refused.value.code == code
    assert not RuleChange.objects.exists()


def test_a_change_that_waited_too_long_is_not_approved(site: Site, people) -> None:
    change = propose(people[0])
    with pytest.raises(ChangeRefused) as refused:
        approve_change(change=change, by=people[1], at=NOW + timedelta(days=1))
    assert refused.value.code == "change_too_early"
    assert RuleChange.objects.get().state == "proposed"


def test_each_kind_of_rule_can_be_changed(site: Site, people) -> None:
    dated = {"billed_from": TOMORROW, "source": "test"}
    payloads = {
        "terms": terms(renter_cap_price=1_984),
        "network_fee": HEAD | {"network_fees": [
            {"site": "s", "seller_zone": "a", "buyer_zone": "b", "price": 60, **dated}]},
        "vat": HEAD | {"vat": [{"category": "service", "rate_bp": 500, **dated}]},
        "emission_factor": HEAD | {"emission_factors": [{"year": 2025, "mg_per_kwh": 640_000, **dated}]},
        "assignment": HEAD | {"assignments": [
            {"site": "s", "participant": "mill", "tariff": "vn-production-6kv", **dated}]},
    }  # fmt: skip
    for kind, payload in payloads.items():
        approve_change(change=propose(people[0], payload, kind), by=people[1], at=NOW)
    assert SiteTerms.objects.get(valid_from=TOMORROW).renter_cap_price == 1_984
    assert zone_fees(site.pk, TOMORROW) == {("a", "b"): 60} and zone_fees(site.pk, TODAY) == {}
    assert [vat_rate("VN", "service", day) for day in (TODAY, TOMORROW)] == [800, 500]
    assert emission_factor("VN", TOMORROW).year == 2025 and EmissionFactor.objects.count() == 8
    mill = Participant.objects.get(code="mill").pk
    assert retail_prices(site.pk, [mill], NOW + timedelta(days=1)) == {mill: 3_508}


def test_once_settled_a_rulebook_that_alters_is_proposed_not_loaded(site: Site, people, tmp_path) -> None:
    lock_rules(site.pk, TODAY)
    on = timezone.now().date() + timedelta(days=400)  # the command goes by the clock
    file = tmp_path / "next.toml"
    file.write_text(
        f'[rulebook]\nname = "Next"\ncountry = "VN"\n[[vat]]\ncategory = "electricity"\nrate_bp = 900\n'
        f'billed_from = {on.isoformat()}\nsource = "test"\n',
        encoding="utf-8",
    )
    with pytest.raises(CommandError, match="needs_a_second_person"):
        call_command("load_rulebook", str(file))
    out = StringIO()
    call_command("load_rulebook", str(file), "--propose-by", "an", stdout=out)
    change = RuleChange.objects.get()
    assert f"change {change.pk}" in out.getvalue() and change.effective_on == on
    approve_change(change=change, by=people[1], at=NOW)
    assert VatRate.objects.filter(rate_bp=900, valid_from=on).exists()


def test_the_command_names_every_mistake(tmp_path) -> None:
    file = tmp_path / "wrong.toml"
    file.write_text('[rulebook]\nname = "W"\ncountry = "vn"\n[[vat]]\nrate_bp = 8.0\n', encoding="utf-8")
    with pytest.raises(CommandError) as refused:
        call_command("load_rulebook", str(file))
    assert all(code in str(refused.value) for code in ("bad_country", "not_whole", "field_missing"))
    with pytest.raises(CommandError, match="no_such_rulebook"):
        call_command("load_rulebook", "atlantis")


def test_the_new_hours_are_billed_from_the_day_that_two_people_agree_on(site: Site, people) -> None:
    pending = next(row for row in load("vn")["windows"] if row["code"] == "decision-963-2026")
    change = propose(people[0], HEAD | {"windows": [{**pending, "billed_from": TOMORROW}]})
    (mill,) = change.impact["sites"][0]["participants"]
    assert mill["effect_dong"] == 1_833 - 3_398  # 10:00 is no peak any more
    approve_change(change=change, by=people[1], at=NOW)
    party = Participant.objects.get(code="mill").pk
    evening = datetime(2026, 6, 10, 14, 0, tzinfo=UTC)  # 21:00
    prices = [retail_prices(site.pk, [party], evening + timedelta(days=day))[party] for day in (0, 1)]
    assert prices == [1_833, 3_398]
