"""Onboarding in a real browser: added and invited by an administrator, through the first steps on a phone, home.

The first reading comes over the API and shows by itself.
"""

import json
import re
import time
import urllib.request
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from django.conf import settings
from playwright.sync_api import expect

from accounts.operations import create_token
from members.models import MemberSheet
from meters.models import Meter
from planning.wishes import wish_of
from tests.members_world import NOW, PASSWORD, Sites, make_sites, sheet

SOON_MS = 15_000
PATIENCE_S = 10
PHONE = {"width": 390, "height": 844}


@pytest.fixture(autouse=True)
def password_alone(monkeypatch) -> None:
    """The second step of administrators is tried with the sign-in, not here."""
    monkeypatch.setenv("WATTBOURSE_STAFF_SECOND_STEP", "0")


@pytest.fixture
def sites(transactional_db) -> Sites:
    return make_sites()


def log_in(page, server, name: str, to: str) -> None:
    page.goto(f"{server.address}/login/?next={to}")
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def invitation_link(since: float) -> str:
    """The link of the letter that was written after this moment."""
    until = time.monotonic() + PATIENCE_S
    while time.monotonic() < until:
        for letter in Path(settings.EMAIL_FILE_PATH).glob("*"):
            if letter.stat().st_mtime >= since and (found := re.search(r"http\S+/invited/\S+", letter.read_text())):
                return found[0]
        time.sleep(0.1)
    raise AssertionError("no invitation was written")


def send_reading(server, secret: str) -> None:
    start = (NOW - timedelta(minutes=30)).isoformat()
    rows = [{"metering_point": "B1", "start": start, "import_wh": 0, "export_wh": 1_800}]
    request = urllib.request.Request(
        f"{server.address}/api/v1/readings", data=json.dumps({"site": "east-site", "rows": rows}).encode(),
        headers={"Authorization": f"Token {secret}", "Content-Type": "application/json"},
    )  # fmt: skip
    with urllib.request.urlopen(request, timeout=PATIENCE_S) as answer:
        assert json.load(answer)["new"] == 1


def test_from_the_office_to_the_first_reading(browser, page, server, sites, faults) -> None:
    began = time.time()
    log_in(page, server, "lan", "/office/east/members/add/")
    for label, text in (
        ("Code", "b1"), ("Name", "Nhà bà Hoa"), ("Metering point", "B1"), ("Serial number of the meter", "EM-1001"),
        ("Solar panels, kWp", "5.5"), ("E-mail address of the person", "hoa@example.vn"),
    ):  # fmt: skip
        page.get_by_label(label, exact=True).first.fill(text)
    page.get_by_label("Tariff of the grid").select_option("home")
    page.get_by_role("button", name="Add this member").click()
    expect(page.get_by_role("status")).to_contain_text("on its way to hoa@example.vn")
    expect(page.get_by_role("cell", name="EM-1001")).to_be_visible()

    phone = browser.new_context(viewport=PHONE, locale="en")
    hoa = phone.new_page()
    hoa.goto(invitation_link(began))
    hoa.get_by_label("Choose a user name").fill("hoa")
    hoa.get_by_label("Choose a password").fill("một mật khẩu dài")
    hoa.get_by_label("The same again").fill("một mật khẩu dài")
    hoa.get_by_role("button", name="Join with a password").click()
    expect(hoa.get_by_text("Step 1 of 3")).to_be_visible()
    expect(hoa.get_by_text("EM-1001")).to_be_visible()
    hoa.get_by_role("button", name="Yes, this number").click()
    expect(hoa.get_by_text("5.5 kWp")).to_be_visible()
    hoa.get_by_role("button", name="Yes, this is right").click()
    hoa.get_by_role("button", name="Sell my surplus").click()
    expect(hoa.get_by_text("No meter has said anything yet")).to_be_visible()
    assert hoa.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]

    hoa.evaluate("window.sameDocument = true")
    _token, secret = create_token(by=sites.lan, expires_in=timedelta(hours=1), at=datetime.now(UTC))
    send_reading(server, secret)
    expect(hoa.locator("#now")).to_contain_text("3.6 kW", timeout=SOON_MS)
    assert hoa.evaluate("window.sameDocument") is True
    home = Meter.objects.get().metering_point.participant_id
    assert wish_of(sites.east.pk, home).active
    assert faults == []
    phone.close()


def test_a_spreadsheet_is_checked_and_applied_without_javascript(browser, server, sites) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    log_in(page, server, "lan", "/office/east/members/sheets/")
    rows = ({"code": "b1", "name": "Nhà B1", "kind": "household", "tariff": "home", "point": "B1", "serial": "EM-1"},
            {"code": "b2", "name": "Nhà B2", "kind": "household", "tariff": "moon"})  # fmt: skip
    page.get_by_label("XLSX, or CSV").set_input_files(
        {"name": "members.csv", "mimeType": "text/csv", "buffer": sheet(*rows)}
    )
    page.get_by_role("button", name="Check it").click()
    expect(page.get_by_text("no tariff “moon”")).to_be_visible()
    page.get_by_role("button", name="Apply").click()
    expect(page.get_by_role("link", name="Nhà B1")).to_be_visible()
    assert MemberSheet.objects.get().state == "applied"
    context.close()
