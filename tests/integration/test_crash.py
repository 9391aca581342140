"""Killed processes and a database that loses power: nothing acknowledged is lost, nothing is done twice.

Real processes race over one stream of orders with the same client order ids; some are killed with SIGKILL in the
middle, PostgreSQL is killed too, and all go on. At the end every acknowledged order is there once, and the replayed log
gives the stored orders and trades byte for byte. `WB_CRASH_KILLS` and `WB_CRASH_STOPS` ask for more rounds.
"""

import json
import os
import random
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from config.embedded.client import connect_or_start, hard_stop_postgres, wait_for_postgres

pytestmark = pytest.mark.crash
ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("WB_CRASH_KILLS", "8"))
STOPS = int(os.environ.get("WB_CRASH_STOPS", "2"))
WORKERS = 3

PREPARE = """
import django; django.setup()
from tests.factories import *
market = make_market()
keys = lambda rows: ",".join(str(row.pk) for row in rows)
print(market.pk, keys(make_participants(8)), keys(open_contracts(market)[:3]))
"""
CHECK = """
import json, sys, django; django.setup()
from trading.models import Order
from trading.operations import audit
found = audit(int(sys.argv[1]))
orders = list(Order.objects.values_list("participant_id", "client_order_id", "seq"))
print(json.dumps({"differences": found.differences, "trades": found.trades, "orders": orders}))
"""


class Site:
    """A pair of servers of this test's own, and the processes that place orders there."""

    def __init__(self, home: Path, urls: dict[str, str], acks: Path) -> None:
        self.home, self.acks = home, acks
        self.environment = {
            **os.environ, **urls, "WATTBOURSE_HOME": str(home), "DJANGO_SETTINGS_MODULE": "config.settings",
        }  # fmt: skip
        self.python("-m", "django", "migrate", "-v", "0")
        self.market, parties, contracts = self.python("-c", PREPARE).split()
        self.environment |= {"WB_PARTIES": parties, "WB_CONTRACTS": contracts}
        self.workers: list[subprocess.Popen[bytes]] = []
        self.started = 0

    def python(self, *arguments: str) -> str:
        done = subprocess.run(
            [sys.executable, *arguments], cwd=ROOT, env=self.environment, capture_output=True, text=True, timeout=120
        )
        assert done.returncode == 0, done.stderr
        return done.stdout

    def start_worker(self, first: int) -> None:
        self.started += 1
        command = [sys.executable, "-m", "tests.crash.worker", self.market, str(first), str(self.acks)]
        log = (self.home / f"worker-{self.started}.log").open("wb")
        self.workers.append(subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=log, stderr=log))
        log.close()

    def kill_worker(self, which: int) -> None:
        worker = self.workers.pop(which)
        worker.send_signal(signal.SIGKILL)
        worker.wait()

    def acknowledged(self) -> dict[tuple[int, str], set[int]]:
        """Every answer anybody got: the sequence numbers it named, by participant and client order id."""
        found: dict[tuple[int, str], set[int]] = {}
        for line in self.acks.read_text().splitlines():
            party, name, result, seq = line.split()
            assert result in ("accepted", "duplicate"), line
            found.setdefault((int(party), name), set()).add(int(seq))
        return found


@pytest.fixture
def site():
    folder = Path(tempfile.mkdtemp(prefix="wb-crash-"))
    folder.chmod(0o711)  # run by root, the servers are another account's, and must get in
    try:
        with connect_or_start(folder / "home", say=lambda _: None) as servers:
            urls = {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url}
            acks = folder / "acks"
            acks.touch()
            site = Site(folder / "home", urls, acks)
            yield site
            while site.workers:
                site.kill_worker(0)
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def wait_for_growth(path: Path, more: int, seconds: float = 60) -> None:
    """Waits until so many bytes of answers have been added: progress, not time, is what a round waits for."""
    goal, deadline = path.stat().st_size + more, time.monotonic() + seconds
    while path.stat().st_size < goal:
        assert time.monotonic() < deadline, "the workers make no progress"
        time.sleep(0.02)


def test_killed_processes_and_power_cuts_lose_nothing_and_double_nothing(site: Site) -> None:
    rng = random.Random(4)
    first = 0
    for _ in range(WORKERS):
        site.start_worker(first)
    rounds = ["kill"] * KILLS + ["stop"] * STOPS
    rng.shuffle(rounds)
    for kind in rounds:
        wait_for_growth(site.acks, 3_000)
        if kind == "stop":
            killed = hard_stop_postgres(site.home)
            wait_for_postgres(site.home, after=killed)
        else:
            site.kill_worker(rng.randrange(len(site.workers)))
            first += rng.randrange(0, 20)
            site.start_worker(first)
    wait_for_growth(site.acks, 3_000)
    while site.workers:
        site.kill_worker(0)
    found = json.loads(site.python("-c", CHECK, site.market))
    assert found["differences"] == []
    stored = {(party, name): seq for party, name, seq in found["orders"]}
    acknowledged = site.acknowledged()
    assert len(stored) == len(found["orders"]), "an order was placed twice"
    wrong = {key: seqs for key, seqs in acknowledged.items() if seqs != {stored.get(key)}}
    assert not wrong, f"{len(wrong)} of {len(acknowledged)} acknowledged orders are missing or doubled"
    assert len(acknowledged) > 300
    assert found["trades"] > 50
