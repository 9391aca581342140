"""Notices in a real browser: a device is switched on by a click, hears of a new bill through a push service, shows it,
and the bell counts it without a reload. Only the push service of the browser's maker is played by the test."""

import json
from datetime import UTC, datetime

import pytest

from accounts.models import Participant, PushDevice, User
from accounts.operations.deliveries import deliver_due
from accounts.operations.notices import News, tell
from accounts.signin.notice_letters import send
from tests.factories import NOON
from tests.push_service import Browser, push_service

# The browser's own service cannot be reached here; what it would hand out is kept as the browser keeps it.
PLAYED = """subscription => {
  const made = () => ({ endpoint: subscription.endpoint, toJSON: () => subscription, unsubscribe: async () => true });
  const held = async () => (localStorage.getItem("subscribed") ? made() : null);
  PushManager.prototype.getSubscription = held;
  PushManager.prototype.subscribe = async () => (localStorage.setItem("subscribed", "yes"), made());
}"""
SHOWN = """async () => {
  const worker = await navigator.serviceWorker.ready;
  const seconds = 15;
  for (const end = Date.now() + seconds * 1000; Date.now() < end; await new Promise(next => setTimeout(next, 50))) {
    const found = (await worker.getNotifications()).map(each => [each.title, each.body, each.data.address]);
    if (found.length) return found;
  }
  return [];
}"""


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    """Here the service worker is what is tried."""
    return browser_context_args | {"service_workers": "allow"}


@pytest.fixture
def service(monkeypatch, settings):
    with push_service() as service:
        settings.PUSH_SERVICES = [service.address]
        monkeypatch.setenv("WATTBOURSE_PUSH_SERVICES", service.address)
        yield service


@pytest.fixture
def played(page, service) -> Browser:
    browser = Browser(service)
    page.add_init_script(f"({PLAYED})({json.dumps(browser.subscription)})")
    return browser


def worker_of(page, address: str) -> tuple[object, str]:
    """A way to hand messages to the page's service worker, and the number of its registration."""
    devtools, found = page.context.new_cdp_session(page), []
    devtools.on("ServiceWorker.workerRegistrationUpdated", lambda told: found.extend(told["registrations"]))
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    devtools.send("ServiceWorker.enable")
    page.wait_for_function("() => true")
    numbers = [each["registrationId"] for each in found if each["scopeURL"].startswith(address)]
    return devtools, numbers[-1]


def test_a_device_is_switched_on_shows_a_bill_and_the_bell_counts_it(
    service, played, page, server, market, enter
) -> None:
    enter()
    page.context.grant_permissions(["notifications"], origin=server.address)
    page.goto(f"{server.address}/notices/settings/")
    page.get_by_role("button", name="Show notices on this device").click()
    page.wait_for_selector("wb-push[data-state=on]")
    page.get_by_text("this device", exact=True).wait_for()
    device = PushDevice.objects.get()
    assert device.user.username == "an" and device.endpoint == played.endpoint

    page.goto(f"{server.address}/notices/")
    before = page.locator("#bell b").inner_text()
    house = Participant.objects.get(memberships__user=User.objects.get(username="an"))
    figures = {"market": "m", "total_dong": 412_000, "month_on": "2026-10-01", "due_on": "2026-11-15"}
    tell([News("bill_issued", "b", NOON, ("bills", ""), figures, participant=house.pk)])
    deliver_due(datetime.now(UTC), send)
    message = played.read(service.posted[-1]).decode()
    devtools, number = worker_of(page, server.address)
    told = {"origin": server.address, "registrationId": number, "data": message}
    devtools.send("ServiceWorker.deliverPushMessage", told)
    shown = page.evaluate(SHOWN)
    assert [title for title, _, _ in shown] == ["p0 has a new bill"]
    page.wait_for_function("before => document.querySelector('#bell b').textContent !== before", arg=before)
    assert int(page.locator("#bell b").inner_text()) == int(before or 0) + 1

    page.goto(server.address + shown[0][2])
    assert page.url.endswith("/bills/m/p0/")
    page.goto(f"{server.address}/notices/settings/")
    page.get_by_role("button", name="Remove").click()
    page.wait_for_url("**/notices/settings/")
    assert not PushDevice.objects.exists()
