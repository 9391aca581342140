"""A month close killed at random points leaves what an undisturbed one leaves: the same documents to the byte, the
same numbers without a gap, the same ledger, registers and figures. `WB_MONTH_KILLS` asks for more deaths."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest

from config.embedded.client import connect_or_start

pytestmark = pytest.mark.crash
ROOT = Path(__file__).resolve().parents[2]
KILLS = int(os.environ.get("WB_MONTH_KILLS", "60"))
SEED = int(os.environ.get("WB_MONTH_SEED", "5"))


@pytest.fixture
def environment():
    folder = Path(tempfile.mkdtemp(prefix="wb-month-"))
    folder.chmod(0o711)  # run by root, the servers are another account's, and must get in
    try:
        with connect_or_start(folder / "home", say=lambda _: None) as servers:
            urls = {"DATABASE_URL": servers.database_url, "REDIS_URL": servers.redis_url}
            settings = {"WATTBOURSE_HOME": str(folder / "home"), "DJANGO_SETTINGS_MODULE": "config.settings"}
            yield {**os.environ, **urls, **settings}
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run(environment: dict[str, str], *arguments: str) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(
        [sys.executable, *arguments], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=1_200
    )
    assert done.returncode == 0, done.stderr[-4_000:]
    return done


def test_a_close_killed_anywhere_leaves_what_an_undisturbed_one_leaves(environment: dict[str, str]) -> None:
    run(environment, "-m", "django", "migrate", "-v", "0")
    done = run(environment, "-m", "tests.crash.month", str(KILLS), str(SEED))
    calm, found = (json.loads(line) for line in done.stdout.splitlines()[-2:])
    print(found)
    assert found["different"] == []
    assert found["killed"] >= KILLS and found["in_transaction"] > KILLS // 4
    check_the_undisturbed_close(calm)


def check_the_undisturbed_close(calm: dict[str, list]) -> None:
    """What the others were compared with: documents of every kind, numbered 1, 2, 3 …, a ledger that adds up."""
    numbers: dict[str, list[int]] = {}
    for _, _, _, series, number, *_ in calm["invoices"]:
        if series:
            numbers.setdefault(series, []).append(number)
    assert {series: len(found) for series, found in numbers.items()} == dict(calm["series"])
    assert all(sorted(found) == list(range(1, len(found) + 1)) for found in numbers.values())
    states = {(invoice[0], invoice[1]) for invoice in calm["invoices"]}
    assert states >= {("issued", "invoice"), ("issued", "self_bill"), ("carried", "invoice")}
    kinds = {line[0] for invoice in calm["invoices"] for line in invoice[-1]}
    assert kinds >= {"tier_import", "grid_import", "capacity", "local_bought", "local_sold", "platform_fee", "carried"}
    assert sum(int(row[7]) for row in calm["ledger"]) == 0
    assert [close[2] for close in calm["closes"]] == ["issued", "issued"]
