"""Rules are proposed by forms: what holds is there, what is wrong stands beside its field, looking keeps nothing."""

from datetime import date

import pytest
from django.test import Client
from django.urls import reverse

from tariffs.domain.windows import MINUTES_A_DAY
from tariffs.models import EmissionFactor, NetworkFee, RuleChange, SiteTerms, Tariff, TariffRow, VatRate
from trading.models import Admission

pytestmark = pytest.mark.django_db
COMMON = {"effective_on": "2027-03-01", "source": "Board decision 3/2027", "note": "As agreed", "legal_from": ""}
SURPLUS = {"surplus_price": "710", "surplus_cap_pct": "40"}
NAMES = ("surplus", "prices", "hours", "network", "fees", "compensation", "vat", "emission")


@pytest.fixture
def lan(office) -> Client:
    client = Client()
    client.force_login(office.lan)
    return client


@pytest.fixture
def minh(office) -> Client:
    client = Client()
    client.force_login(office.minh)
    return client


def at(name: str, **query: str) -> str:
    address = reverse("portal:office_propose", args=("w", name))
    return f"{address}?{'&'.join(f'{key}={value}' for key, value in query.items())}" if query else address


def propose(lan: Client, name: str, values: dict[str, str], **query: str) -> RuleChange:
    before = RuleChange.objects.count()
    answer = lan.post(at(name, **query), COMMON | values)
    assert answer.status_code == 302, answer.content.decode()
    assert RuleChange.objects.count() == before + 1
    return RuleChange.objects.latest("pk")


def approve(minh: Client, change: RuleChange) -> None:
    form = {"verdict": "approve", "confirm": "yes", "note": ""}
    assert minh.post(reverse("portal:office_proposal", args=("w", change.pk)), form).status_code == 302
    change.refresh_from_db()
    assert change.state == "approved"


def test_the_changes_offer_every_form_and_each_opens(lan) -> None:
    page = lan.get(reverse("portal:office_proposals", args=("w",))).content.decode()
    for name in NAMES:
        assert at(name) in page
        assert lan.get(at(name)).status_code == 200
    assert lan.get(at("nothing")).status_code == 404


def test_a_form_shows_what_holds_and_carries_the_rest_of_the_terms_along(lan, minh, office) -> None:
    held = SiteTerms.objects.filter(site=office.world.site).latest("valid_from")
    assert f'value="{held.surplus_price}"' in lan.get(at("surplus")).content.decode()
    approve(minh, propose(lan, "surplus", SURPLUS))
    made = SiteTerms.objects.get(site=office.world.site, valid_from=date(2027, 3, 1))
    assert (made.surplus_price, made.surplus_cap_pct, made.source) == (710, 40, "Board decision 3/2027")
    for name in ("network_fee", "platform_fee_price", "deadband_pct", "deadband_wh", "loss_max_pct"):
        assert getattr(made, name) == getattr(held, name), name
    free = {"deadband_pct": "7", "deadband_wh": "0,5", "loss_min_pct": "0", "loss_max_pct": "6"}
    approve(minh, propose(lan, "compensation", free | {"effective_on": "2027-04-01"}))
    later = SiteTerms.objects.get(site=office.world.site, valid_from=date(2027, 4, 1))
    assert (later.deadband_pct, later.deadband_wh, later.surplus_price) == (7, 500, 710)


def test_looking_shows_whom_it_touches_and_keeps_nothing(lan) -> None:
    before = RuleChange.objects.count()
    page = lan.post(at("surplus"), COMMON | SURPLUS | {"look": "yes"})
    assert page.status_code == 200 and page.context["impact"]["participants"] > 0
    assert b'value="710"' in page.content and b"Board decision 3/2027" in page.content
    assert RuleChange.objects.count() == before and not SiteTerms.objects.filter(valid_from="2027-03-01").exists()


@pytest.mark.parametrize(
    ("name", "values", "field", "told"),
    [
        ("surplus", SURPLUS | {"surplus_price": ""}, "surplus_price", "Fill this in."),
        ("surplus", SURPLUS | {"surplus_cap_pct": "140"}, "surplus_cap_pct", "from 0 to 100"),
        ("surplus", SURPLUS | {"effective_on": "2026-08-20"}, "effective_on", "begins after today"),
        ("surplus", SURPLUS | {"source": ""}, "source", "Fill this in."),
        ("compensation", {"deadband_pct": "5", "deadband_wh": "x", "loss_min_pct": "0", "loss_max_pct": "5"},
         "deadband_wh", "Write a number"),
        ("compensation", {"deadband_pct": "5", "deadband_wh": "0.25", "loss_min_pct": "9", "loss_max_pct": "5"},
         "loss_min_pct", "must begin below"),
        ("network", {"seller_zone": "moon", "buyer_zone": "site", "price": "1"}, "seller_zone", "Choose one"),
        ("hours", {"peak_work": "09:30-11:30", "offpeak_work": "11:00-12:00", "peak_sun": "", "offpeak_sun": ""},
         "offpeak_work", "in common"),
    ],
)  # fmt: skip
def test_what_is_wrong_stands_beside_its_field(lan, name, values, field, told) -> None:
    before = RuleChange.objects.count()
    answer = lan.post(at(name), COMMON | values)
    wrong = {each["field"].name: each["error"] for each in (
        *answer.context["own_fields"], *answer.context["common_fields"]) if each["error"]}  # fmt: skip
    assert answer.status_code == 422 and list(wrong) == [field] and told in wrong[field]
    assert f'aria-describedby="error-{field}' in answer.content.decode()
    assert RuleChange.objects.count() == before


def test_what_holds_already_is_not_proposed(lan, office) -> None:
    held = SiteTerms.objects.filter(site=office.world.site).latest("valid_from")
    VatRate.objects.update_or_create(
        country="VN", category="service", valid_from="2027-03-01", defaults={"rate_bp": 1_000, "source": "Law"}
    )
    answer = lan.post(at("vat"), COMMON | {"category": "service", "rate_bp": "10", "source": "Law", "note": ""})
    assert answer.status_code == 422 and b"hold already" in answer.content
    assert SiteTerms.objects.filter(site=office.world.site).latest("valid_from") == held


def test_taxes_factors_and_fees_between_zones(lan, minh, office) -> None:
    Admission.objects.filter(participant=office.world.people["mill"]).update(zone="park")
    approve(minh, propose(lan, "vat", {"category": "electricity", "rate_bp": "9.5"}))
    assert VatRate.objects.get(category="electricity", valid_from="2027-03-01").rate_bp == 950
    approve(minh, propose(lan, "emission", {"year": "2025", "mg_per_kwh": "640.5", "official": "yes"}))
    factor = EmissionFactor.objects.get(valid_from="2027-03-01")
    assert (factor.mg_per_kwh, factor.official, factor.year) == (640_500, True, 2025)
    approve(minh, propose(lan, "network", {"seller_zone": "park", "buyer_zone": "park", "price": "80"}))
    fee = NetworkFee.objects.get(site=office.world.site)
    assert (fee.seller_zone, fee.buyer_zone, fee.price) == ("park", "park", 80)


def test_prices_of_one_tariff_of_each_kind(lan, minh, office) -> None:
    Tariff.objects.filter(code="flat-3398").update(kind="flat")
    flat = Tariff.objects.get(code="flat-3398")
    page = lan.get(at("prices"))
    assert page.status_code == 200 and f'value="{flat.code}"' in page.content.decode()
    approve(minh, propose(lan, "prices", {"flat": "3.500"}, tariff=flat.code))
    assert flat.rows.get(valid_from="2027-03-01").price == 3_500
    steps = Tariff.objects.create(code="steps", name="Steps", kind="tiered")
    for first, last, price in ((0, 50_000, 1_984), (50_000, None, 2_050)):
        TariffRow.objects.create(
            tariff=steps, period="tier", weekdays=127, from_minute=0, to_minute=MINUTES_A_DAY, tier_from_wh=first,
            tier_to_wh=last, price=price, valid_from="2026-01-01", source="Law",
        )  # fmt: skip
    approve(minh, propose(lan, "prices", {"tier_0": "2000", "tier_1": "2100"}, tariff="steps"))
    rows = steps.rows.filter(valid_from="2027-03-01").order_by("tier_from_wh")
    assert [(row.tier_from_wh, row.tier_to_wh, row.price) for row in rows] == [
        (0, 50_000, 2_000),
        (50_000, None, 2_100),
    ]


def test_other_hours_move_the_prices_of_every_tariff_by_time_of_use(lan, minh, office) -> None:
    tou = Tariff.objects.create(code="by-time", name="By time", kind="tou")
    day = [("offpeak", 0, 240, 1_000), ("normal", 240, 1_020, 2_000), ("peak", 1_020, 1_200, 3_000),
           ("normal", 1_200, 1_440, 2_000)]  # fmt: skip
    for period, first, last, price in day:
        TariffRow.objects.create(
            tariff=tou, period=period, weekdays=127, from_minute=first, to_minute=last, price=price,
            valid_from="2026-01-01", source="Law",
        )  # fmt: skip
    assert b'value="17:00-20:00"' in lan.get(at("hours")).content
    hours = {"peak_work": "17:30-22:30", "offpeak_work": "00:00-06:00", "peak_sun": "", "offpeak_sun": "0:00-6:00"}
    approve(minh, propose(lan, "hours", hours))
    rows = tou.rows.filter(valid_from="2027-03-01", weekdays=0b0111111).order_by("from_minute")
    assert [(row.period, row.from_minute, row.price) for row in rows] == [
        ("offpeak", 0, 1_000), ("normal", 360, 2_000), ("peak", 1_050, 3_000), ("normal", 1_350, 2_000),
    ]  # fmt: skip
    assert not tou.rows.filter(valid_from="2027-03-01", weekdays=64, period="peak").exists()


def test_an_auditor_reads_the_form_and_cannot_send_it(office) -> None:
    auditor = Client()
    auditor.force_login(office.auditor)
    page = auditor.get(at("surplus"))
    assert page.status_code == 200 and b'name="look"' not in page.content
    assert auditor.post(at("surplus"), COMMON | SURPLUS).status_code == 403
