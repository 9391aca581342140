"""What every page stands on: installed, without a connection, without scripts, brought back, light, and not jumping."""

import os
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import expect

from accounts.operations import audit
from config.bench._browser import SETTLED, SHIFTS, Scripts
from config.launcher import assets
from tests.browser.conftest import CHROMIUM, FLAGS
from tests.factories import NOON, make_participants, open_contracts
from tests.office_world import NOW, PASSWORD, make_office
from trading.domain.messages import BUY, SELL, New
from trading.operations import submit

SOON_MS = 15_000
PHONE = {"width": 390, "height": 844}
MOST_SCRIPT_BYTES = 250_000
MOST_SHIFT = 0.02
SLOW_FONTS = {"offline": False, "latency": 60, "downloadThroughput": 400_000, "uploadThroughput": 400_000}
KEPT = """async () => {
  const names = await caches.keys();
  const kept = await Promise.all(names.map(async name => (await caches.open(name)).keys()));
  return [names, kept.flat().map(each => each.url)];
}"""

FORGOTTEN = """async before => {
  for (let tries = 0; tries < 150; tries++) {
    const names = await caches.keys();
    if (names.length === 1 && !names.includes(before)) return true;
    await new Promise(done => setTimeout(done, 100));
  }
  return false;
}"""


@pytest.fixture(scope="session")
def collected(tmp_path_factory) -> Path:
    """The static files as `./run` serves them."""
    folder = tmp_path_factory.mktemp("static")
    environment = os.environ | {"WATTBOURSE_STATIC": str(folder)}
    command = [sys.executable, "manage.py", "collectstatic", "--no-input", "--verbosity", "0"]
    assets.draw_icons()
    subprocess.run(command, cwd=assets.REPOSITORY, env=environment, check=True)
    return folder


@pytest.fixture
def from_collected(collected, monkeypatch) -> None:
    """To be asked for before `server`, which takes the environment as it is when it starts."""
    monkeypatch.setenv("WATTBOURSE_STATIC", str(collected))
    monkeypatch.setenv("WATTBOURSE_STAFF_SECOND_STEP", "0")


@pytest.fixture
def busy(market):
    """The market with orders on both sides and a trade."""
    home, other = make_participants(2)
    for number, contract in enumerate(open_contracts(market)):
        orders = [
            New(home.pk, f"a{number}", contract.pk, SELL, 20_000, 1_650),
            New(home.pk, f"b{number}", contract.pk, SELL, 8_000, 1_700),
            New(other.pk, f"c{number}", contract.pk, BUY, 5_000, 1_650),
            New(other.pk, f"d{number}", contract.pk, BUY, 9_000, 1_600),
        ]
        submit(market.pk, orders, by=None, at=NOON)
    return market


def log_in(page, address: str, name: str = "an") -> None:
    page.goto(address)
    page.get_by_label("User name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Log in").click()


def live(page) -> None:
    page.wait_for_selector("#live[data-state=live]", timeout=SOON_MS)
    page.evaluate(SETTLED)


def test_the_site_is_installed_says_when_it_has_no_connection_and_takes_the_next_deployment(
    from_collected, server, market, browser_type, tmp_path, monkeypatch
) -> None:
    context = browser_type.launch_persistent_context(tmp_path, executable_path=CHROMIUM, args=FLAGS, viewport=PHONE)
    page = context.pages[0]
    log_in(page, f"{server.address}/")
    live(page)
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    session = context.new_cdp_session(page)
    assert session.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
    assert session.send("Page.getAppManifest")["errors"] == []

    page.reload()
    live(page)
    assert page.evaluate("navigator.serviceWorker.controller !== null")
    names, kept = page.evaluate(KEPT)
    paths = {address.removeprefix(server.address) for address in kept}
    assert len(names) == 1 and "/offline/" in paths
    assert [path for path in paths if not path.startswith("/static/")] == ["/offline/"], "a page with figures is kept"

    server.stop()
    page.goto(f"{server.address}/bills/m/p0/")
    expect(page.get_by_role("heading", name="There is no connection")).to_be_visible()
    assert page.locator(".card, table").count() == 0
    monkeypatch.delenv("WATTBOURSE_STATIC")  # other names of files: another deployment
    server.start()
    expect(page.get_by_role("heading", name="p0")).to_be_visible(timeout=2 * SOON_MS)
    assert page.evaluate(FORGOTTEN, names[0]), "what the deployment before kept is still there"
    context.close()


def test_pages_ship_few_scripts_compressed_and_kept_for_good_and_nothing_jumps(
    from_collected, server, busy, browser
) -> None:
    for size in (PHONE, {"width": 1440, "height": 900}):
        context = browser.new_context(viewport=size, service_workers="block")
        log_in(context.new_page(), f"{server.address}/")
        for address, part in (("/", "wb-home"), ("/markets/m/", "wb-market")):
            page = context.new_page()
            scripts = Scripts(page)
            context.new_cdp_session(page).send("Network.emulateNetworkConditions", SLOW_FONTS)
            page.goto(f"{server.address}{address}")
            assert page.locator(part).count() == 1
            live(page)
            shifts = page.evaluate(SHIFTS)
            assert sum(value for value, _ in shifts) < MOST_SHIFT, (address, size, shifts)
            came = scripts.all()
            assert came and sum(script.sent_bytes for script in came) < MOST_SCRIPT_BYTES
            assert {(script.encoding, "immutable" in script.caching) for script in came} == {("gzip", True)}
            page.close()
        context.close()


def test_a_live_page_brought_back_by_the_button_connects_again(server, busy, browser_type) -> None:
    chromium = browser_type.launch(
        executable_path=CHROMIUM, args=FLAGS, ignore_default_args=["--disable-back-forward-cache"]
    )
    page = chromium.new_context(service_workers="block").new_page()
    log_in(page, f"{server.address}/markets/m/")
    live(page)
    page.evaluate("window.addEventListener('pageshow', event => { window.broughtBack = event.persisted; })")
    page.goto(f"{server.address}/account/")
    page.go_back(wait_until="commit")
    assert page.evaluate("window.broughtBack") is True
    live(page)
    home, _ = make_participants(2)
    submit(busy.pk, [New(home.pk, "later", open_contracts(busy)[0].pk, SELL, 1_000, 1_641)], by=None, at=NOON)
    expect(page.locator("wb-ladder")).to_contain_text("1,641", timeout=SOON_MS)
    chromium.close()


def test_without_scripts_lists_are_filtered_and_turned_and_forms_refuse_and_do(
    from_collected, server, transactional_db, browser
) -> None:
    office = make_office()
    office.minh.set_password(PASSWORD)
    office.minh.save()
    for number in range(120):
        audit(by=office.lan, action="user.created", target=f"guest{number}", at=NOW)
    page = browser.new_context(java_script_enabled=False).new_page()
    log_in(page, f"{server.address}/office/w/audit/", "minh")
    page.get_by_label("What").select_option("user.")
    page.get_by_role("button", name="Show").click()
    expect(page).to_have_url(f"{server.address}/office/w/audit/?since=&until=&by=&action=user.&about=")
    expect(page.get_by_label("What")).to_have_value("user.")
    newest = page.locator("tbody tr").first.inner_text()
    page.get_by_role("link", name="Older entries").click()
    assert page.locator("tbody tr").first.inner_text() != newest
    expect(page.get_by_label("What")).to_have_value("user.")
    page.go_back(wait_until="commit")
    assert page.locator("tbody tr").first.inner_text() == newest

    page.goto(f"{server.address}/office/w/details/members/roof/")
    page.get_by_label("Tax code").fill("12")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("alert")).to_be_visible()
    expect(page.get_by_label("Tax code")).to_have_value("12")
    page.get_by_label("Tax code").fill("0100109106")
    page.get_by_role("button", name="Save").click()
    expect(page.get_by_role("status")).to_be_visible()
    page.context.close()
