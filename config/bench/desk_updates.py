"""How busy the trading desk keeps a real browser while its market moves 50 times a second.

One web process serves the page with its files collected as by `./run`; a second process sends 50 messages a second to
the market through `submit`, so that every one of them is written, published and fanned out by the real hub: orders near
the touch of the book on show are placed, amended and cancelled, every fifth one trades, and one in ten is the trader's
own. The page is the one that traders use, at the speed at which it asks for frames.

`value` is the processor time of the page's main thread (CDP `TaskDuration` by the thread's own clock), in per cent of
one core; the baseline is the same page with the same book while nothing moves. `longest_task_ms` is the longest task of
the thread in the last quarter of a minute, traced, by the thread's own clock; `longest_task_wall_ms` is the longest
that the browser reports over the whole time (only those over 50 ms are; 0: there was none), in which counts what else
the machine does, hence `load`. `heap_mb` is the script heap after a garbage collection, at the beginning and then in
equal steps to the end. WATTBOURSE_BENCH_MINUTES says how long it runs (default 1).
"""

import json
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from config.bench import BenchmarkError, scratch_database
from config.bench._browser import PATIENCE_MS
from config.bench.first_content import browser, collected
from config.bench.hub import REPOSITORY, server

TITLE = "How busy the trading desk keeps a browser's main thread at 50 updates a second"
UPDATES_A_SECOND = 50
MINUTES = float(os.environ.get("WATTBOURSE_BENCH_MINUTES", "1"))
IDLE_S = 15.0
TRACED_S = 15.0
AT_ONCE = 25  # messages in one batch, where the machine is too busy for one by one
WARM_UP_S = 5.0
LOOKS = 6  # at the heap, in equal steps
AHEAD = timedelta(hours=3)  # the interval on show stays open, however long it runs
MIDDLE = 1_600
LEVELS = 10
KEPT = 60  # orders that may be amended or cancelled; older ones are likely to be filled
WIDE = {"width": 1440, "height": 1000}
TARGETS = {"busy_pct": 50, "longest_task_ms": 100}
COUNTERS = """
window.longest = 0;
window.frames = 0;
new PerformanceObserver(list => {
  for (const each of list.getEntries()) window.longest = Math.max(window.longest, each.duration);
}).observe({ type: "longtask" });
const Plain = window.WebSocket;
window.WebSocket = class extends Plain {
  constructor(...rest) { super(...rest); this.addEventListener("message", () => { window.frames += 1; }); }
};
"""


def run() -> dict[str, Any]:
    """Per cent of one core, while the market moves and while it stands still."""
    with scratch_database():
        session, contract = prepare()
        os.environ |= collected()
        uvicorn = ["uvicorn", "config.asgi:application", "--host", "127.0.0.1", "--ws", "websockets-sansio"]
        command = [*uvicorn, "--ws-per-message-deflate", "false", "--log-level", "error", "--port"]
        with server(command) as port, browser() as chromium:
            return told(measure(chromium, f"http://localhost:{port}", session, contract))


def prepare() -> tuple[str, int]:
    """A market with a book, a trader who is logged in, and the contract that will move."""
    from django.test import Client

    from accounts.models import Membership, Participant, User
    from meters.models import Site
    from trading.models import Admission
    from trading.operations import create_market, tick

    now = datetime.now(UTC)
    place = Site.objects.create(code="bench", name="bench")
    market = create_market(site=place, code="bench", name="bench", limits_enforced=False)
    tick(market.pk, now)
    for name in ("own", "one", "two"):
        party = Participant.objects.create(code=name, name=name, kind="tenant")
        Admission.objects.create(market=market, participant=party)
    user = User.objects.create_user("bench")
    Membership.objects.create(user=user, participant=Participant.objects.get(code="own"), role="trader")
    client = Client()
    client.force_login(user)
    contract = market.contracts.filter(delivery_start__gt=now + AHEAD).order_by("delivery_start")[0]
    fill_book(market.pk, contract.pk)
    return str(client.session.session_key), contract.pk


def fill_book(market_id: int, contract_id: int) -> None:
    """Some orders on every level that is shown."""
    from trading.domain.messages import BUY, SELL, New
    from trading.operations import submit

    one, two, own = parties()
    orders = [
        New(
            party,
            f"f{side}-{level}-{party}",
            contract_id,
            side,
            100 * (20 + 3 * level),
            MIDDLE - side * (level + 1) * 5,
        )
        for side in (BUY, SELL)
        for level in range(LEVELS)
        for party in (one, two)
    ]
    orders.append(New(own, "mine", contract_id, BUY, 5_000, MIDDLE - 5 * LEVELS))
    replies = submit(market_id, orders, by=None, at=datetime.now(UTC))
    assert not any(reply.rejected for reply in replies)


def parties() -> tuple[int, int, int]:
    """The two others, and the trader's own participant."""
    from accounts.models import Participant

    ids = dict(Participant.objects.values_list("code", "pk"))
    return ids["one"], ids["two"], ids["own"]


def measure(chromium: Any, address: str, session: str, contract: int) -> dict[str, Any]:
    """The page at rest, then while the market moves."""
    context = chromium.new_context(viewport=WIDE, service_workers="block", base_url=address)
    context.add_cookies([{"name": "sessionid", "value": session, "url": address}])
    page = context.new_page()
    page.add_init_script(COUNTERS)
    page.goto(f"{address}/markets/bench/", timeout=PATIENCE_MS)
    page.wait_for_selector("#live[data-state=live]", timeout=PATIENCE_MS)
    page.locator(f"wb-strip button[data-id='{contract}']").click(timeout=PATIENCE_MS)
    page.wait_for_selector(".ladder .level-price:not(:disabled)", timeout=PATIENCE_MS)
    probe = Probe(page)
    wait(page, WARM_UP_S)
    idle = probe.over(lambda: wait(page, IDLE_S))
    with traffic(contract) as process:
        wait(page, WARM_UP_S)
        moving = probe.over(lambda: watched(page, probe, process))
        longest_ms = longest_task_ms(chromium, page)
    context.close()
    return {"idle": idle, "moving": moving, "longest_ms": longest_ms, "heaps": probe.heaps, "nodes": probe.nodes}


def longest_task_ms(chromium: Any, page: Any) -> float:
    """The longest task of the page's main thread, in milliseconds of processor time. Of several renderers the page's is
    the one that works most."""
    chromium.start_tracing(page=page, categories=["disabled-by-default-devtools.timeline", "devtools.timeline"])
    wait(page, TRACED_S)
    events = json.loads(chromium.stop_tracing())["traceEvents"]
    main = {(each["pid"], each["tid"]) for each in events if each.get("args", {}).get("name") == "CrRendererMain"}
    tasks: dict[tuple[int, int], list[int]] = defaultdict(list)
    for each in events:
        if each["name"] == "RunTask" and (each["pid"], each["tid"]) in main:
            tasks[each["pid"], each["tid"]].append(each.get("tdur", 0))
    busiest = max(tasks.values(), key=sum, default=[])
    if not busiest:
        raise BenchmarkError("The browser traced no task of the page.")
    return max(busiest) / 1_000


class Probe:
    """What the browser tells of one page."""

    def __init__(self, page: Any) -> None:
        self.page = page
        self.session = page.context.new_cdp_session(page)
        self.session.send("Performance.enable", {"timeDomain": "threadTicks"})
        self.heaps: list[int] = []
        self.nodes: list[int] = []

    def metrics(self) -> dict[str, float]:
        """The counters of now."""
        return {each["name"]: each["value"] for each in self.session.send("Performance.getMetrics")["metrics"]}

    def look(self) -> None:
        """Note the heap without its garbage, and the nodes of the page."""
        self.session.send("HeapProfiler.collectGarbage")
        found = self.metrics()
        self.heaps.append(int(found["JSHeapUsedSize"]))
        self.nodes.append(int(found["Nodes"]))

    def over(self, work: Any) -> dict[str, float]:
        """What the page did meanwhile: busy share in per cent, scripts' part of it, longest task in ms, frames/s."""
        self.page.evaluate("window.longest = 0; window.frames = 0")
        seq, before, began = self.seq(), self.metrics(), time.perf_counter()
        work()
        seconds, after = time.perf_counter() - began, self.metrics()
        share = {name: 100 * (after[name] - before[name]) / seconds for name in ("TaskDuration", "ScriptDuration")}
        longest, frames = self.page.evaluate("[window.longest, window.frames]")
        return {
            "busy_pct": share["TaskDuration"], "script_pct": share["ScriptDuration"], "longest_task_ms": longest,
            "frames_per_s": frames / seconds, "events_per_s": (self.seq() - seq) / seconds,
        }  # fmt: skip

    def seq(self) -> int:
        """The number of the market's last event."""
        return int(self.page.request.get("/api/v1/markets/bench").json()["seq"])


def watched(page: Any, probe: Probe, process: "subprocess.Popen[bytes]") -> None:
    """The time of the measurement, with a look at the heap at its start and after each step."""
    probe.look()
    for _ in range(LOOKS):
        wait(page, 60 * MINUTES / LOOKS)
        if process.poll() is not None:
            raise BenchmarkError("The traffic ended by itself; see its messages above.")
        probe.look()


def wait(page: Any, seconds: float) -> None:
    """Let the page live; Playwright's own clock, so that its events are taken in meanwhile."""
    page.wait_for_timeout(1_000 * seconds)


@contextmanager
def traffic(contract: int) -> Iterator["subprocess.Popen[bytes]"]:
    """The process that moves the market."""
    command = [sys.executable, "-m", "config.bench.desk_updates", str(contract)]
    process = subprocess.Popen(command, cwd=REPOSITORY, env=os.environ)
    try:
        yield process
    finally:
        process.kill()
        process.wait()


def told(found: dict[str, Any]) -> dict[str, Any]:
    """The result as every benchmark says it."""
    idle, moving = found["idle"], found["moving"]
    busy, rest = moving["busy_pct"], idle["busy_pct"]
    return {
        "name": "desk_updates",
        "value": round(busy, 1),
        "unit": "% of one core",
        "baseline": round(rest, 1),
        "ratio": round(busy / rest, 2),
        "conditions": {
            "baseline_is": "the same page and book while nothing moves, in the same run",
            "targets": TARGETS,
            "updates_per_s": round(moving["events_per_s"], 1),
            "frames_per_s": round(moving["frames_per_s"], 1),
            "minutes": MINUTES,
            "script_pct": round(moving["script_pct"], 1),
            "longest_task_ms": round(found["longest_ms"], 1),
            "longest_task_wall_ms": round(moving["longest_task_ms"]),
            "longest_task_wall_idle_ms": round(idle["longest_task_ms"]),
            "heap_mb": [round(each / 1e6, 2) for each in found["heaps"]],
            "nodes": found["nodes"],
            "cores": os.cpu_count(),
            "load": round(os.getloadavg()[0], 1),
            "screen": "1440 × 1000",
        },
    }


def move(contract: int) -> None:
    """Send messages to the contract's market at the rate, until killed."""
    from trading.models import Contract
    from trading.operations import submit

    market = Contract.objects.get(pk=contract).market_id
    rng, number = random.Random(1), 0
    made: list[tuple[int, str]] = []
    began = time.perf_counter()
    while True:
        due = int((time.perf_counter() - began) * UPDATES_A_SECOND) - number
        for_now = range(number + 1, number + 1 + max(1, min(due, AT_ONCE)))
        submit(market, [next_message(rng, n, contract, made) for n in for_now], by=None, at=datetime.now(UTC))
        number = for_now[-1]
        time.sleep(max(0.0, began + number / UPDATES_A_SECOND - time.perf_counter()))


def next_message(rng: random.Random, number: int, contract: int, made: list[tuple[int, str]]) -> Any:
    """Every fifth trades at the touch; of the others a third each places, amends and cancels. One in ten is own."""
    from trading.domain.messages import BUY, IOC, SELL, Amend, Cancel, New

    one, two, own = parties_once()
    side = rng.choice((BUY, SELL))
    if number % 5 == 0:
        return New(rng.choice((one, two)), f"t{number}", contract, side, 100, MIDDLE + 100 * side, IOC)
    if len(made) > KEPT or (len(made) > KEPT // 2 and number % 3 == 0):
        return Cancel(*made.pop(rng.randrange(len(made))))
    if made and number % 3 == 1:
        return Amend(*rng.choice(made), 100 * rng.randrange(5, 60))
    party = own if number % 10 == 0 or rng.random() < 0.1 else rng.choice((one, two))
    made.append((party, f"n{number}"))
    price = MIDDLE - side * 5 * rng.randrange(1, LEVELS + 1)
    return New(party, f"n{number}", contract, side, 100 * rng.randrange(5, 60), price)


_PARTIES: list[tuple[int, int, int]] = []


def parties_once() -> tuple[int, int, int]:
    """`parties`, asked of the database once."""
    if not _PARTIES:
        _PARTIES.append(parties())
    return _PARTIES[0]


if __name__ == "__main__":
    import django

    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "config.settings")
    django.setup()
    move(int(sys.argv[1]))
