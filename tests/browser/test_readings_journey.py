"""An estimated reading in a real browser: seen with its curve, approved, settled again, gone; other figures by two."""

import pytest
from django.urls import reverse
from playwright.sync_api import Page, expect

from meters.models import Reading
from settlement.models import SettlementRun
from settlement.queries.readings import findings
from tests.office_world import JULY_NINTH, NOW, PASSWORD, Office, make_office


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


def enter(page: Page, server, name: str, to: str) -> None:
    page.context.clear_cookies()
    page.goto(f"{server.address}/login/?next={to}")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def test_an_estimate_is_seen_approved_settled_again_and_gone(page, server, office, faults) -> None:
    market, queue = office.world.market, reverse("portal:office_readings", args=("w",))
    (gap,) = [each for each in findings(market, NOW) if each.point_code == "MP-shop" and each.start == JULY_NINTH]
    settled = SettlementRun.objects.filter(contract__delivery_start=gap.start).latest("number")
    enter(page, server, "lan", f"{queue}?q=MP-shop&cause=gap")
    rows = page.locator("form.queue tbody tr")
    before = rows.count()
    page.locator(f'a[href$="/readings/{gap.key}/"]').click()
    expect(page.locator("wb-day-curve canvas")).to_be_visible()
    page.locator("wb-day-curve .curve").focus()
    expect(page.locator("#curve-readout")).to_contain_text("10:00–10:30: no reading")
    page.keyboard.press("ArrowRight")
    expect(page.locator("#curve-readout")).to_contain_text("10:30–11:00")
    page.get_by_role("button", name="Approve the estimate").click()
    expect(page.get_by_role("status")).to_contain_text("Approved")
    page.goto(f"{server.address}{queue}?q=MP-shop&cause=gap")
    expect(rows).to_have_count(before - 1)
    reading = Reading.objects.get(metering_point__code="MP-shop", start=gap.start)
    assert (reading.quality, reading.version) == ("estimated", 1)
    again = SettlementRun.objects.filter(contract__delivery_start=gap.start).latest("number")
    assert again.number == settled.number + 1 and again.reading_revision > settled.reading_revision
    assert faults == []


def test_other_figures_wait_for_a_second_person(page, server, office, faults) -> None:
    address = reverse("portal:office_reading_proposal", args=("w", office.reading.pk))
    enter(page, server, "lan", address)
    expect(page.get_by_text("You proposed this")).to_be_visible()
    enter(page, server, "minh", reverse("portal:office_readings", args=("w",)))
    page.locator(f'section a[href="{address}"]').first.click()
    page.get_by_role("button", name="Confirm the figures").click()
    expect(page.get_by_role("status")).to_contain_text("Confirmed")
    written = Reading.objects.get(metering_point=office.reading.metering_point, start=office.reading.start)
    assert (written.import_wh, written.quality) == (90_000, "estimated")
    assert faults == []
