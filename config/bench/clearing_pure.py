"""Clearing one interval as a pure function, arrays in to arrays out: no database, no reading of meters, no postings.

The baseline is the least any clearing in numpy must do: read every trade once and add its energy and its value to
both parties (`numpy.add.at`, four passes) plus one multiplication per participant for the grid. It decides nothing: no
limits, no order of execution, no pool, no compensation. `ratio` is baseline time ÷ clearing time.
"""

import time
from collections.abc import Callable

import numpy as np

from settlement.domain.clearing import ClearingInput, clear
from settlement.domain.clearing_input import IntArray, Mode
from settlement.domain.invariants import check
from settlement.domain.totals import totals

TITLE = "Clearing one interval, pure function: 100,000 participants, 200,000 trades"
PARTICIPANTS = 100_000
SIZES = (10_000, 50_000, 100_000, 200_000)
ROUNDS = 5


def run() -> dict[str, object]:
    """Seconds for the full size (the best of five), its ratio to the baseline, and what each participant costs by size.

    The small sizes fit the processor's cache; beyond it each step through the meters' lists costs a little more.
    """
    fifo, prorata = campus(PARTICIPANTS, "fifo"), campus(PARTICIPANTS, "prorata")
    seconds, bare = best_of(lambda: clear(fifo)), best_of(lambda: bare_pass(fifo))
    result = clear(fifo)
    return {
        "name": "clearing_pure",
        "value": round(seconds, 4),
        "unit": "s",
        "baseline": round(bare, 4),
        "ratio": round(bare / seconds, 4),
        "conditions": {
            "baseline_is": "numpy.add.at of each trade's energy and value to both parties, no rule applied",
            "participants": PARTICIPANTS,
            "trades": fifo.trades,
            "pool_matches": len(result.pool.wh),
            "compensation_rows": len(result.compensation.missed_wh),
            "seconds_prorata": round(best_of(lambda: clear(prorata)), 4),
            "seconds_check": round(best_of(lambda: check(fifo, result)), 4),
            "violations": len(check(fifo, result)),
            "microseconds_per_participant": {str(size): microseconds_each(size) for size in SIZES},
            "rounds": f"best of {ROUNDS}, processor time of one process on one core",
        },
    }


def microseconds_each(participants: int) -> float:
    """Clearing time per participant for an interval of that size; equal figures mean linear time."""
    inputs = campus(participants, "fifo")
    return round(best_of(lambda: clear(inputs)) / participants * 1e6, 2)


def best_of(work: Callable[[], object]) -> float:
    """The least processor time of some rounds, in seconds: on one idle core the same as the clock's."""
    taken = []
    for _ in range(ROUNDS):
        started = time.process_time()
        work()
        taken.append(time.process_time() - started)
    return min(taken)


def bare_pass(inputs: ClearingInput) -> tuple[IntArray, ...]:
    """Add up the traded energy and value of both sides, and price each meter: what a pass over the arrays costs."""
    n, value = inputs.participants, inputs.traded_wh * inputs.price
    return (
        totals(inputs.traded_wh, inputs.seller_index, n),
        totals(inputs.traded_wh, inputs.buyer_index, n),
        totals(value, inputs.seller_index, n),
        totals(value, inputs.buyer_index, n),
        inputs.import_wh * inputs.retail_price - inputs.export_wh * inputs.surplus_prices,
    )


def campus(participants: int, mode: Mode) -> ClearingInput:
    """A fixed random interval: half sell, half buy, meters about 10 % off what was traded, everybody in the pool."""
    rng = np.random.default_rng(2026)
    half, trades = participants // 2, 2 * participants
    seller, buyer = rng.integers(0, half, trades), rng.integers(half, participants, trades)
    traded = rng.integers(1, 100, trades) * 100
    drift = rng.integers(80, 121, participants)
    return ClearingInput(
        import_wh=totals(traded, buyer, participants) * drift // 100,
        export_wh=totals(traded, seller, participants) * drift // 100,
        retail_price=rng.integers(1_800, 3_600, participants),
        surplus_price=671,
        network_fee=120,
        trade_seq=np.arange(trades),
        seller_index=seller,
        buyer_index=buyer,
        traded_wh=traded,
        price=rng.integers(700, 1_800, trades),
        pool_ask=rng.integers(671, 1_500, participants),
        pool_bid=rng.integers(900, 2_600, participants),
        mode=mode,
    )
