"""When a household sees the first content of its home, in a real Chromium with nothing kept from before.

The world is the demo's, played for half a minute so that the home has something to say; then the web process alone
serves it, with its files collected as by `./run`. The prosumer is logged in. Each visit is made by a browser context of
its own, so that nothing is cached, and the median counts. The baseline is the barest page of the same server
(`/healthz`, one word), visited in turn with it. Then the scripts that the home ships before anybody touches it are
added up as they came over the wire. `largest_ms` is the largest content; `slow_line_ms` is the first content over an
emulated line of 1.6 Mbit/s that answers after 150 ms.
"""

import os
import signal
import statistics
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from config.bench import BenchmarkError, scratch_database
from config.bench._browser import CHROMIUM, FLAGS, PAINTS, PATIENCE_MS, SETTLED, Scripts
from config.bench.hub import REPOSITORY, server

TITLE = "First content of a household's home in a real browser, cold; and the scripts that it ships"
VISITS = 9
PLAYED_S = 30
FASTEST = 600
TARGET_MS, TARGET_BYTES = 1_500, 250_000
SLOW_LINE = {"offline": False, "latency": 150, "downloadThroughput": 200_000, "uploadThroughput": 94_000}


def run() -> dict[str, Any]:
    """Milliseconds to the first content, next to those of a page with one word."""
    with scratch_database():
        play_demo()
        session = logged_in("prosumer")
        os.environ |= collected()
        uvicorn = ["uvicorn", "config.asgi:application", "--host", "127.0.0.1", "--ws", "websockets-sansio"]
        command = [*uvicorn, "--ws-per-message-deflate", "false", "--log-level", "error", "--port"]
        with server(command) as port, browser() as chromium:
            return told(measure(chromium, f"http://localhost:{port}", session))


def play_demo() -> None:
    """Let the demo run at its fastest for a while."""
    command = [sys.executable, "manage.py", "demo", "--speed", str(FASTEST)]
    process = subprocess.Popen(command, cwd=REPOSITORY, env=os.environ, stdout=sys.stderr)
    try:
        process.wait(PLAYED_S)
    except subprocess.TimeoutExpired:
        process.send_signal(signal.SIGINT)
        process.wait(60)
        return
    raise BenchmarkError("The demo ended by itself; its last words are above.")


def logged_in(name: str) -> str:
    """The session of a demo account."""
    from django.test import Client

    from accounts.models import User

    client = Client()
    client.force_login(User.objects.get(username=name))
    return str(client.session.session_key)


def collected() -> dict[str, str]:
    """Where the collected files are."""
    from config.launcher.statics import collect

    return {"WATTBOURSE_STATIC": collect(dict(os.environ))["WATTBOURSE_STATIC"]}


@contextmanager
def browser() -> Iterator[Any]:
    """A headless Chromium."""
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise BenchmarkError("Playwright is not installed; it comes with ./run test.") from error
    if CHROMIUM is None:
        raise BenchmarkError("There is no Chromium on this machine; install the package 'chromium'.")
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield chromium
        chromium.close()


def measure(chromium: Any, address: str, session: str) -> dict[str, Any]:
    """Both pages in turn; the first visit of each only warms the server up."""
    home, bare = [], []
    for _ in range(VISITS + 1):
        bare.append(visit(chromium, f"{address}/healthz", session))
        home.append(visit(chromium, f"{address}/", session))
    slow = visit(chromium, f"{address}/", session, SLOW_LINE)
    return {"home": home[1:], "bare": bare[1:], "slow": slow}


def visit(chromium: Any, address: str, session: str, line: dict[str, Any] | None = None) -> dict[str, Any]:
    """First and largest content in ms, and the scripts, of one page in a context of its own."""
    context = chromium.new_context(viewport={"width": 390, "height": 844}, service_workers="block")
    context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
    page = context.new_page()
    scripts = Scripts(page)
    if line:
        context.new_cdp_session(page).send("Network.emulateNetworkConditions", line)
    page.goto(address, timeout=PATIENCE_MS)
    if page.locator("#live").count():
        page.wait_for_selector("#live[data-state=live]", timeout=PATIENCE_MS)
    page.evaluate(SETTLED)
    first, largest = page.evaluate(PAINTS)
    found = {"first": first, "largest": largest, "where": page.url, "scripts": scripts.all()}
    context.close()
    return found


def told(found: dict[str, Any]) -> dict[str, Any]:
    """The result as every benchmark says it."""
    if "/home/" not in found["home"][0]["where"]:
        raise BenchmarkError(f"The prosumer came to {found['home'][0]['where']}, which is no home.")
    first = statistics.median(each["first"] for each in found["home"])
    bare = statistics.median(each["first"] for each in found["bare"])
    scripts = found["home"][-1]["scripts"]
    return {
        "name": "first_content",
        "value": round(first),
        "unit": "ms",
        "baseline": round(bare),
        "ratio": round(first / bare, 2),
        "conditions": {
            "baseline_is": "first content of /healthz, one word from the same server, in the same run",
            "visits": VISITS,
            "target_ms": TARGET_MS,
            "largest_ms": round(statistics.median(each["largest"] for each in found["home"])),
            "slow_line_ms": round(found["slow"]["first"]),
            "scripts": len(scripts),
            "script_bytes": sum(script.sent_bytes for script in scripts),
            "script_bytes_target": TARGET_BYTES,
            "cores": os.cpu_count(),
            "screen": "390 × 844",
        },
    }
