"""A month is approved in a real browser, with its bar; every page fits a phone; the whole works without JavaScript."""

import pytest
from django.urls import reverse
from playwright.sync_api import expect

from settlement.models import Invoice
from settlement.operations.month import advance
from tests.office_world import NOW, PASSWORD, Office, make_office

SOON_MS = 15_000
PAGES = (
    "overview", "closes", "documents", "money", "bank", "payments", "payouts", "reminders", "rulebook", "proposals",
    "disputes", "details", "control", "audit",
)  # fmt: skip


@pytest.fixture(autouse=True)
def password_alone(monkeypatch) -> None:
    """The second step of administrators is tried with the sign-in, not here."""
    monkeypatch.setenv("WATTBOURSE_STAFF_SECOND_STEP", "0")


@pytest.fixture
def office(transactional_db) -> Office:
    made = make_office()
    for user in (made.lan, made.minh):
        user.set_password(PASSWORD)
        user.save()
    return made


def log_in(page, server, name: str, to: str) -> None:
    page.goto(f"{server.address}/login/?next={to}")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def at(name: str, *rest: object) -> str:
    return reverse(f"portal:office_{name}", args=("w", *rest))


def approve(page) -> None:
    for box in page.locator("input[type=checkbox]").all():
        if box.is_visible():
            box.check()
    page.get_by_role("button", name="Approve and issue").click()


def test_a_second_person_approves_and_sees_the_month_being_issued(page, server, office, faults) -> None:
    log_in(page, server, "lan", at("close", office.july.pk))
    expect(page.get_by_text("You computed this close")).to_be_visible()
    page.locator(".menu > summary").click()
    page.get_by_role("button", name="Log out").click()
    log_in(page, server, "minh", at("close", office.july.pk))
    approve(page)
    expect(page.get_by_role("status")).to_contain_text("Approved")
    expect(page.locator("progress")).to_be_visible()
    while advance(office.july.pk, NOW):
        pass
    expect(page.locator(".page-head .badge")).to_contain_text("Issued", timeout=SOON_MS)
    expect(page.locator("progress")).to_have_count(0)
    page.get_by_role("link", name="See each").click()
    expect(page.locator("tbody tr")).to_have_count(4)
    assert faults == []


def test_a_month_is_closed_by_two_people_and_its_invoice_paid_by_a_bank_file(page, server, office, faults) -> None:
    log_in(page, server, "lan", at("close", office.july.pk))
    expect(page.get_by_text("You computed this close")).to_be_visible()
    page.locator(".menu > summary").click()
    page.get_by_role("button", name="Log out").click()
    log_in(page, server, "minh", at("close", office.july.pk))
    approve(page)
    expect(page.get_by_role("status").first).to_contain_text("Approved")
    while advance(office.july.pk, NOW):
        pass
    expect(page.locator(".page-head .badge")).to_contain_text("Issued", timeout=SOON_MS)

    invoice = Invoice.objects.get(participant__code="mill", month=office.july.month, state="issued")
    line = f"2026-08-21,{invoice.reference} tien dien,{invoice.total_dong},B1,DET MAY"
    bank = f"Date,Description,Amount,Reference,Counterparty\n{line}\n".encode()
    page.goto(f"{server.address}{at('bank')}")
    page.locator("#file").set_input_files({"name": "vcb.csv", "mimeType": "text/csv", "buffer": bank})
    page.get_by_role("button", name="Take it in").click()
    expect(page.get_by_role("status").first).to_be_visible()
    page.goto(f"{server.address}{at('document', invoice.pk)}")
    expect(page.locator(".page-head .badge").first).to_contain_text("Paid")
    page.goto(f"{server.address}{at('payments')}")
    expect(page.locator("tbody")).to_contain_text(invoice.participant.name)
    assert faults == []


def test_without_javascript_a_month_is_approved_too(browser, server, office) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, server, "minh", at("close", office.july.pk))
    page.get_by_role("button", name="Approve and issue").click()
    expect(page.get_by_role("alert")).to_contain_text("Tick the box")
    approve(page)
    expect(page.get_by_role("status")).to_contain_text("Approved")
    context.close()


@pytest.mark.parametrize("language", ["en", "vi"])
def test_every_page_fits_a_phone(page, server, office, faults, language) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page, server, "minh", at("overview"))
    page.context.add_cookies([{"name": "django_language", "value": language, "url": server.address}])
    invoice = office.invoice("shop")
    bills = [reverse(f"portal:bills_{name}", args=("w", "roof")) for name in ("documents", "disputes", "green")]
    bills.append(reverse("portal:bills_intervals", args=("w", "roof")) + "?on=2026-06-02")
    own = [at("close", office.july.pk), at("document", invoice.pk), at("why", invoice.pk, 1)]
    own.append(at("proposal", office.proposal.pk))
    for address in (*map(at, PAGES), *own, *bills):
        page.goto(f"{server.address}{address}")
        assert page.evaluate("document.documentElement.scrollWidth") <= 390, address
    assert faults == []
