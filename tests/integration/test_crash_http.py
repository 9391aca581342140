"""The crash test once more, from outside: orders over HTTP to several web processes, on servers named by setting.

Whoever runs this starts two web processes and two workers, and starts again what is killed; `WATTBOURSE_WEB_URLS` and
`WATTBOURSE_PIDS` say where they are. Web processes, workers and PostgreSQL are killed in the middle; at the end every
order that was answered is there once, and the log gives all of it again.
"""

import http.client
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.crash.orders import order

pytestmark = pytest.mark.crash
ROOT = Path(__file__).resolve().parents[2]
URLS = os.environ.get("WATTBOURSE_WEB_URLS", "").split()
PIDS = Path(os.environ.get("WATTBOURSE_PIDS", "/nowhere"))
ROUNDS = ["web1", "worker1", "web2", "postgres", "web1", "web2", "worker2", "postgres"]
THREADS = 6
SAME_ID = 2  # so many threads send the very same orders

PREPARE = """
import json, secrets, django; django.setup()
from datetime import UTC, datetime
from knox.models import AuthToken
from accounts.models import Membership, User
from tests.factories import make_market, make_participants, open_contracts
now = datetime.now(UTC)
market = make_market("crash-" + secrets.token_hex(4), at=now)
bots = []
for party in make_participants(3, market=market, prefix="bot-" + secrets.token_hex(4)):
    user = User.objects.create(username=party.code)
    Membership.objects.create(user=user, participant=party, role="trader")
    bots.append({"code": party.code, "id": party.pk, "token": AuthToken.objects.create(user)[1]})
contracts = [c.pk for c in open_contracts(market, now)[2:5]]
print(json.dumps({"market": market.pk, "bots": bots, "contracts": contracts}))
"""
CHECK = """
import json, sys, django; django.setup()
from trading.models import Order
from trading.operations import audit
found = audit(int(sys.argv[1]))
rows = Order.objects.filter(market_id=int(sys.argv[1])).values_list("participant_id", "client_order_id", "seq")
print(json.dumps({"differences": found.differences, "trades": found.trades, "orders": list(rows)}))
"""


def python(*arguments: str) -> dict:
    environment = {**os.environ, "DJANGO_SETTINGS_MODULE": "config.settings"}
    command = [sys.executable, *arguments]
    for _ in range(20):
        done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=120)
        if done.returncode == 0:
            return json.loads(done.stdout)
        time.sleep(1)  # the database is only just coming back
    raise AssertionError(done.stderr)


class Bot(threading.Thread):
    """Places the same stream as its twin over HTTP, and again whatever was not answered."""

    def __init__(self, bot: dict, contracts: list[int], seed: int, stop: threading.Event) -> None:
        super().__init__(daemon=True)
        self.bot, self.contracts, self.stop = bot, contracts, stop
        self.rng = random.Random(seed)
        self.acknowledged: dict[str, int] = {}
        self.faults: list[str] = []

    def run(self) -> None:
        number = 0
        while not self.stop.is_set():
            new = order(number, [self.bot["id"]], self.contracts)
            body = {
                "contract_id": new.contract, "side": "buy" if new.side > 0 else "sell", "price": new.price,
                "quantity_wh": new.quantity_wh, "tif": new.tif, "client_order_id": new.client_order_id,
            }  # fmt: skip
            answer = self.post(body)
            if answer is None:
                time.sleep(0.05)
                continue
            status, told = answer
            if status in (200, 201):
                self.acknowledged[told["client_order_id"]] = int(told["order_id"].replace("-", ""), 16) & (2**40 - 1)
            elif status < 500:
                self.faults.append(f"{status} {told}")
            else:
                time.sleep(0.05)
                continue
            number += 1

    def post(self, body: dict) -> tuple[int, dict] | None:
        url = urlsplit(self.rng.choice(URLS))
        connection = http.client.HTTPConnection(url.hostname or "", url.port, timeout=30)
        headers = {"Authorization": f"Token {self.bot['token']}", "Content-Type": "application/json"}
        try:
            connection.request("POST", "/api/v1/orders", json.dumps(body), headers)
            response = connection.getresponse()
            return response.status, json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError):
            return None
        finally:
            connection.close()


def kill(name: str) -> None:
    """Kills a process at once and waits until another one runs under its name."""
    file = PIDS / f"{name}.pid"
    pid = int(file.read_text())
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 60
    while int(file.read_text() or pid) == pid:
        assert time.monotonic() < deadline, f"{name} was not started again"
        time.sleep(0.05)


def wait_for_answers(bots: list[Bot], more: int) -> None:
    goal, deadline = sum(len(bot.acknowledged) for bot in bots) + more, time.monotonic() + 90
    while sum(len(bot.acknowledged) for bot in bots) < goal:
        assert time.monotonic() < deadline, "the bots get no answers"
        time.sleep(0.05)


@pytest.mark.skipif(len(URLS) < 2, reason="set WATTBOURSE_WEB_URLS and WATTBOURSE_PIDS: it needs two web processes")
def test_killed_servers_lose_no_answered_order_and_double_none() -> None:
    site = python("-c", PREPARE)
    stop = threading.Event()
    bots = [Bot(site["bots"][n // SAME_ID], site["contracts"], n, stop) for n in range(THREADS)]
    for bot in bots:
        bot.start()
    for name in ROUNDS:
        wait_for_answers(bots, 60)
        kill(name)
    wait_for_answers(bots, 60)
    stop.set()
    for bot in bots:
        bot.join(timeout=60)
    found = python("-c", CHECK, str(site["market"]))
    assert found["differences"] == []
    stored = {(party, name): seq for party, name, seq in found["orders"]}
    assert len(stored) == len(found["orders"]), "an order was placed twice"
    for bot in bots:
        assert bot.faults == []
        for name, seq in bot.acknowledged.items():
            assert stored.get((bot.bot["id"], name)) == seq, name
    assert found["trades"] > 20
