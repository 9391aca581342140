"""A real server, a real database, a real Chromium. Skipped where the machine has no Chromium."""

import contextlib
import os
import shutil
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from datetime import UTC, datetime
from urllib.parse import urlsplit, urlunsplit

import pytest
from django.db import connection

from accounts.models import Membership, User
from tests.factories import NOON, make_market, make_participants

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-background-networking"]
PATIENCE_S = 90


def pytest_collection_modifyitems(items) -> None:
    skipped = pytest.mark.skip(reason="There is no Chromium on this machine; install the package 'chromium'.")
    for item in items:
        if "tests/browser/" in item.nodeid:
            item.add_marker(pytest.mark.browser)
            if CHROMIUM is None:
                item.add_marker(skipped)


@pytest.fixture(scope="session", autouse=True)
def database_beside_playwright():
    """Playwright keeps an event loop in the test's thread, in which Django would refuse to ask the database."""
    before = os.environ.get("DJANGO_ALLOW_ASYNC_UNSAFE")
    os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"] = "true"
    yield
    if before is None:
        del os.environ["DJANGO_ALLOW_ASYNC_UNSAFE"]


@pytest.fixture(scope="session")
def browser_type_launch_args():
    return {"executable_path": CHROMIUM, "args": FLAGS}


@pytest.fixture(scope="session")
def browser_context_args(browser_context_args):
    """No service worker: it would stand between the page and what a test lets fail. Its own test allows it."""
    return browser_context_args | {"service_workers": "block"}


@pytest.fixture(scope="session")
def base_url():
    """None: each test has a server of its own. (The plugin's fixture of this name warns under pytest 9.)"""
    return


class Server:
    """The site under uvicorn on a port of its own, on the test database; may be stopped and started again."""

    def __init__(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self.port = probe.getsockname()[1]
        self.address = f"http://localhost:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        name = connection.settings_dict["NAME"]
        database = urlunsplit(urlsplit(os.environ["DATABASE_URL"])._replace(path=f"/{name}"))
        self.process = subprocess.Popen(
            [sys.executable, "-m", "uvicorn", "config.asgi:application", "--host", "127.0.0.1", "--port",
             str(self.port), "--ws", "websockets-sansio", "--log-level", "warning"],
            env=os.environ | {"DATABASE_URL": database},
        )  # fmt: skip
        deadline = time.monotonic() + PATIENCE_S
        while not self.answers():
            assert self.process.poll() is None and time.monotonic() < deadline, "the server did not start"
            time.sleep(0.1)

    def answers(self) -> bool:
        with contextlib.suppress(urllib.error.URLError, OSError):
            return urllib.request.urlopen(f"{self.address}/healthz", timeout=2).status == 200
        return False

    def stop(self) -> None:
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None


@pytest.fixture
def server(transactional_db):
    server = Server()
    server.start()
    yield server
    server.stop()


@pytest.fixture
def market(transactional_db):
    """A market at noon of its day, with two members; the user `an` acts for the first."""
    market = make_market(clock_at=NOON, clock_started_at=datetime.now(UTC))
    home, _ = make_participants(2, market=market)
    user = User.objects.create_user("an", password="a long password")
    Membership.objects.create(user=user, participant=home, role=Membership.Role.OWNER)
    return market


@pytest.fixture
def faults(page):
    """What the browser complained about; a test that uses it must end without any."""
    found: list[str] = []
    page.on("pageerror", lambda error: found.append(str(error)))
    page.on("console", lambda message: found.append(message.text) if message.type == "error" else None)
    return found


@pytest.fixture
def enter(page, server, market):
    """Logs `an` in through the form, on the way to the market page."""

    def enter() -> None:
        page.goto(f"{server.address}/markets/m/")
        page.get_by_label("User name").fill("an")
        page.get_by_label("Password").fill("a long password")
        page.get_by_role("button", name="Log in").click()
        page.wait_for_selector("#live[data-state=live]")

    return enter
