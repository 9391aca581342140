"""One interval of a large market settled in the database, from the readings to the ledger's postings.

Timed is `settle` alone: claim, reading meters, trades, prices and limits, clearing, every invariant, results, postings,
credit given back, commit. The market, its trades and its readings are loaded beforehand. The value is counted in
postings, though a run also writes a result for every participant and every trade.

The baseline is a bare COPY of the very same ledger entries into the same table, with its keys, index and triggers, and
a commit: what PostgreSQL needs for nothing but storing them. Both are the best of some rounds on fresh contracts.
"""

import os
import platform
import time
from collections.abc import Callable
from functools import partial
from typing import Any

from config.bench import scratch_database

TITLE = "Clearing one interval in the database: 100,000 participants, 200,000 trades"

PARTICIPANTS = int(os.environ.get("WATTBOURSE_BENCH_PARTICIPANTS", "100000"))
TRADES = 2 * PARTICIPANTS
ROUNDS = 3


def run() -> dict[str, Any]:
    """Postings a second of `settle`, next to the bare COPY of the same postings."""
    with scratch_database():
        return _measure()


def _measure() -> dict[str, Any]:
    from config.bench._clearing_market import bare_copy, entries_of, load
    from settlement.operations import recompute, settle

    loaded = load(PARTICIPANTS, TRADES, ROUNDS + 1)
    settled, copied, postings, run_id = [], [], 0, 0
    for contract in loaded.contracts:
        started = time.perf_counter()
        run_id = settle(contract_id=contract.pk, kind="P", at=contract.delivery_end).run_id
        settled.append(time.perf_counter() - started)
        entries = entries_of(run_id)
        postings = len(entries["account_id"])
        copied.append(_seconds(partial(bare_copy, entries)))
    again = recompute(run_id)
    return _told(settled, copied, postings, loaded.contracts[-1].pk, again.same_inputs and again.same_results)


def _seconds(work: Callable[[], object]) -> float:
    started = time.perf_counter()
    work()
    return time.perf_counter() - started


def _told(settled: list[float], copied: list[float], postings: int, contract_id: int, same: bool) -> dict[str, Any]:
    # The first interval opens 100,000 ledger accounts, which happens once in the life of a market.
    taken, bare = min(settled[1:]), min(copied[1:])
    return {
        "name": "clearing",
        "value": round(postings / taken),
        "unit": "postings/s",
        "baseline": round(postings / bare),
        "ratio": round(bare / taken, 3),
        "conditions": {
            "participants": PARTICIPANTS,
            "trades": TRADES,
            "postings": postings,
            "rows_written": postings + PARTICIPANTS + TRADES,
            "settle_seconds": round(taken, 3),
            "first_interval_seconds": round(settled[0], 3),
            "bare_copy_seconds": round(bare, 3),
            "recomputed_byte_for_byte": same,
            **_pure_seconds(contract_id),
            "rounds": f"best of {ROUNDS}, each on a fresh contract, after a first interval that opens the accounts",
            "baseline_is": "COPY of the same ledger entries into the same table and a commit",
            "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}",
        },
    }


def _pure_seconds(contract_id: int) -> dict[str, float]:
    """What the pure function alone takes on this interval, arrays in to arrays out."""
    from settlement.domain.clearing import clear
    from settlement.models import SettlementRun
    from settlement.operations.recompute import interval_of

    run = SettlementRun.objects.get(contract_id=contract_id)
    inputs = interval_of(run).clearing_input()
    return {"pure_clear_seconds": round(min(_seconds(lambda: clear(inputs)) for _ in range(ROUNDS)), 3)}
