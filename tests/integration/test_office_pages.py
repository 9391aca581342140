"""Every page of the office and of the bills: it opens with work in it, it is empty when there is none, and who may not
see it does not."""

import pytest
from django.test import Client
from django.urls import URLPattern, reverse

from accounts.models import Membership, User
from members.models import Claim
from portal import urls
from portal.office.rulebook import voltage_text
from portal.sections import SECTIONS
from settlement.models import BankLine, Payment
from settlement.queries.money import Payout
from settlement.queries.readings import findings
from tariffs.models import Tariff
from tests.office_world import JULY, NOW, Office

pytestmark = pytest.mark.django_db


# Members, sites and rules by forms have tests of their own.
ELSEWHERE = (
    "office_member", "office_sheet", "office_claim", "office_template", "office_site", "office_first_site",
    "office_propose",
)  # fmt: skip


def addresses(office: Office, who: str = "roof") -> dict[str, str]:
    """Every address of the office and the bills, by name, with things that are there."""
    invoice = office.invoice(who)
    keys = {
        "office_close": office.july.pk, "office_close_progress": office.july.pk, "office_close_approve": office.july.pk,
        "office_close_discard": office.july.pk, "office_document": invoice.pk, "office_proposal": office.proposal.pk,
        "office_dispute": office.dispute.pk, "office_match": BankLine.objects.earliest("pk").pk,
        "office_undo": Payment.objects.earliest("pk").pk, "bills_document": invoice.pk,
        "office_reading": findings(office.world.market, NOW)[-1].key,
        "office_reading_proposal": office.reading.pk, "bills_withdraw": office.dispute.pk, "office_details_of": who,
    }  # fmt: skip
    more = {
        "office_download": ("csv",), "office_why": (invoice.pk, 1), "office_file": (invoice.pk, "pdf"),
        "office_tariff": ("flat-3398",), "bills_why": (invoice.pk, 1), "bills_file": (invoice.pk, "pdf"),
    }  # fmt: skip
    found = {}
    for pattern in urls.urlpatterns:
        name = pattern.name if isinstance(pattern, URLPattern) else None
        if not name or not name.startswith(("office", "bills")) or name.startswith(ELSEWHERE):
            continue
        doors = ("office", "bills")
        seat = () if name in doors else ("w",) if name.startswith("office") else ("w", who)
        rest = (keys[name],) if name in keys else more.get(name, ())
        found[name] = reverse(f"portal:{name}", args=(*seat, *rest))
    return found


POSTED_ONLY = {
    "office_close_approve", "office_close_discard", "office_match", "office_undo", "office_details_import",
    "bills_withdraw",
}  # fmt: skip


def signed_in(user: User) -> Client:
    client = Client()
    client.force_login(user)
    return client


def read(answer) -> bytes:
    return b"".join(answer.streaming_content) if answer.streaming else answer.content


def test_a_stranger_is_sent_to_the_login(office, client) -> None:
    for name, address in addresses(office).items():
        for answer in (client.get(address), client.post(address)):
            assert answer.status_code == 302 and answer.url.startswith("/login/?next="), name


def test_who_has_no_right_sees_nothing_of_the_office(office) -> None:
    for user in (office.stranger, office.owner):
        client = signed_in(user)
        for name, address in addresses(office).items():
            if name.startswith("office"):
                assert client.get(address).status_code == client.post(address).status_code == 403, name


def test_others_bills_are_not_there(office) -> None:
    for user in (office.stranger, office.owner):
        client = signed_in(user)
        for name, address in addresses(office, "shop").items():
            if name.startswith("bills_"):
                assert client.get(address).status_code == client.post(address).status_code == 404, name


def test_ones_own_address_does_not_open_others_documents(office) -> None:
    other = office.invoice("shop")
    client = signed_in(office.owner)
    for name, rest in (("document", ()), ("why", (1,)), ("file", ("pdf",)), ("file", ("xml",))):
        assert client.get(reverse(f"portal:bills_{name}", args=("w", "roof", other.pk, *rest))).status_code == 404


def test_a_member_does_not_see_its_draft(office) -> None:
    draft = office.invoice("roof", JULY)
    assert draft.state == "draft"
    client = signed_in(office.owner)
    assert client.get(reverse("portal:bills_document", args=("w", "roof", draft.pk))).status_code == 404


@pytest.mark.parametrize("who", ["lan", "auditor"])
def test_every_page_opens_for_who_may_see_it(office, who) -> None:
    client = signed_in(getattr(office, who))
    for name, address in addresses(office).items():
        expected = 405 if name in POSTED_ONLY else 302 if name == "office" else 200
        answer = client.get(address)
        assert answer.status_code == expected, (name, answer.status_code)
        if expected == 200:
            assert read(answer)


@pytest.mark.parametrize("name", ["office_details_import", "notices_read"])
def test_who_comes_by_himself_to_an_address_of_a_form_is_told_so(office, name) -> None:
    client = signed_in(office.lan)
    address = reverse(f"portal:{name}", args=("w",) if name.startswith("office") else ())
    answer = client.get(address, headers={"Accept": "text/html,*/*"})
    assert (answer.status_code, answer["Allow"]) == (405, "POST")
    assert "only takes a form" in answer.content.decode()
    assert client.get(address, headers={"Accept": "application/json"}).content == b""


def test_an_auditor_sends_nothing(office) -> None:
    client = signed_in(office.auditor)
    for name, address in addresses(office).items():
        assert client.post(address, {"confirm": "yes"}).status_code == 403, name


def test_an_administrator_changes_nothing_at_a_members_seat(office) -> None:
    client = signed_in(office.lan)
    for name, address in addresses(office).items():
        if name.startswith("bills_"):
            assert client.post(address).status_code == 403, name


def test_a_viewer_looks_and_does_not_dispute(office) -> None:
    viewer = User.objects.create_user("viewer")
    Membership.objects.create(user=viewer, participant=office.world.people["roof"], role="viewer")
    client = signed_in(viewer)
    for name, address in addresses(office).items():
        if name.startswith("bills_"):
            assert client.get(address).status_code in (200, 405) and client.post(address).status_code == 403, name


@pytest.mark.parametrize("language", ["en", "vi"])
def test_no_page_has_anything_inline_or_untranslated(office, language) -> None:
    for user in (office.lan, office.owner):
        client = signed_in(user)
        client.cookies["django_language"] = language
        for name, address in addresses(office).items():
            answer = client.get(address)
            content = read(answer)
            if answer.status_code != 200 or not answer.headers["Content-Type"].startswith("text/html"):
                continue
            page = content.decode()
            assert "style=" not in page and "<style" not in page and "onclick" not in page and "{%" not in page, name
            assert f'lang="{language}"' in page or "<html" not in page
            sources = page.count('<script type="module" src=') + page.count("<script src=")
            sources += page.count('type="application/json">')  # figures for a chart, which nothing runs
            assert page.count("<script") == sources, name


@pytest.mark.parametrize("page", ["overview", "closes", "documents", "money", "rulebook", "control", "audit"])
def test_a_market_that_is_not_there_is_404(office, page) -> None:
    assert signed_in(office.lan).get(reverse(f"portal:office_{page}", args=("nowhere",))).status_code == 404


NONSENSE = (
    "?page=x&month=9999-99&kind=x&state=y&on=1&since=x&until=2026-13-40&before=-1",
    "?page=99999&month=abcd-ef&close=99999999999999999999&q=%00&about=%00&by=%00&action=%00&before=99999999999999999999",
    "?on=9999-12-31&month=9999-12&since=0001-01-01&until=9999-12-31&q=C26W-1",
    "?on=0001-01-01&month=0001-01&until=0001-01-01",
)


def test_nonsense_in_the_address_breaks_nothing(office) -> None:
    admin, member = signed_in(office.lan), signed_in(office.owner)
    for name, address in addresses(office).items():
        for query in NONSENSE:
            client = member if name.startswith("bills") else admin
            answer = client.get(address + query)
            assert answer.status_code < 500, (name, query)
            read(answer)


def test_names_are_escaped(office) -> None:
    roof = office.world.people["roof"]
    roof.name = "</td><script>alert(1)</script>"
    roof.save()
    client = signed_in(office.lan)
    for name, address in addresses(office).items():
        answer = client.get(address)
        content = read(answer)
        if answer.headers.get("Content-Type", "").startswith("text/html"):
            assert b"<script>alert" not in content, name


def test_the_lists_ask_for_few_queries_however_long_they_are(office, django_assert_max_num_queries) -> None:
    client = signed_in(office.lan)
    for name in ("documents", "payments", "money", "bank", "closes", "details"):
        with django_assert_max_num_queries(40):
            assert client.get(reverse(f"portal:office_{name}", args=("w",))).status_code == 200


def test_the_morning_page_leads_to_what_waits_and_counts_reported_equipment(office) -> None:
    world = office.world
    Claim.objects.create(
        market=world.market, participant=world.people["roof"], kind="meter", values={"serial": "X-1"}, made_at=NOW,
        made_by=office.owner,
    )  # fmt: skip
    client = signed_in(office.lan)
    shown = client.get(reverse("portal:office_overview", args=("w",)))
    waiting = {need.address: need for need in shown.context["waiting"]}
    assert waiting[reverse("portal:office_members", args=("w",))].word == "meter or device to confirm"
    assert all(need.count for need in waiting.values()) and not any(need.count for need in shown.context["quiet"])
    for need in shown.context["needs"]:
        assert client.get(need.address).status_code == 200


def test_every_section_is_in_one_group_of_the_navigation(office) -> None:
    client = signed_in(office.lan)
    for _, parts in SECTIONS:
        for name, address, _ in parts:
            page = client.get(reverse(f"portal:office_{address}", args=("w",)))
            assert page.context["section"] == name and page.content.count(b'aria-current="page"') >= 1


def test_classes_and_voltages_of_tariffs_are_said_in_words(office) -> None:
    Tariff.objects.create(code="x", name="X", customer_class="production", voltage="22_110kv")
    page = signed_in(office.lan).get(reverse("portal:office_tariff", args=("w", "x"))).content.decode()
    assert "Production · 22–110 kV" in page
    told = [voltage_text(code) for code in ("lt_6kv", "ge_110kv", "", "0.4 kV")]
    assert told == ["< 6 kV", "≥ 110 kV", "", "0.4 kV"]


def test_a_payout_without_an_account_leads_to_where_it_is_entered(office, monkeypatch) -> None:
    due = Payout(office.invoice("roof").pk, "WB1", "roof", "Roof", "", "", "", 50_000, JULY, missing=True)
    monkeypatch.setattr("portal.office.money.payouts", lambda market_id, on: (due,))
    shown = signed_in(office.lan).get(reverse("portal:office_payouts", args=("w",)))
    assert shown.context["missing"] == 1
    assert reverse("portal:office_details_of", args=("w", "roof")) in shown.content.decode()
