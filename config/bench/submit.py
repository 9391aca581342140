"""How many orders a second become durable in bulk, next to a bare COPY of the same rows into the orders table.

Orders come in calls of 5,000, as many as one batch carries, buy and sell, over the contracts of a day, limits enforced;
about a third trades. Each call is one transaction with everything in it: log, orders, trades, positions, credit,
contract summaries. The baseline copies the very rows that came out of it into the same table once more, as it stands,
with the same indexes and constraints, and nothing else.
"""

import random
from collections.abc import Callable
from functools import partial
from time import perf_counter
from typing import Any

from config.bench import scratch_database
from config.collector import settle_down

TITLE = "Durable orders a second in bulk, next to a bare COPY into the orders table"

ORDERS = 20_000
IN_A_CALL = 5_000  # as many as one batch carries, be it from one caller or from several combined
FEWER = 1_000  # as many as one call of the API carries
PARTICIPANTS = 200
ROUNDS = 3
SEED = 7


def run() -> dict[str, Any]:
    """Runs submit and baseline in turns, each round on fresh orders, and reports the best of each."""
    with scratch_database():
        settle_down()
        market, parties, contracts, at = _market()
        rates: list[float] = []
        copies: list[float] = []
        fewer: list[float] = []
        small: list[float] = []
        for number in range(ROUNDS):
            calls = _calls(parties, contracts, number, IN_A_CALL)
            rates.append(ORDERS / _seconds(partial(_submit, market, calls, at)))
            calls = _calls(parties, contracts, ROUNDS + number, FEWER)
            fewer.append(ORDERS / _seconds(partial(_submit, market, calls, at)))
            copies.append(_copy_rate(market))
            small.append(200 / _seconds(partial(_submit_singly, market, parties, contracts, at, number)))
        trades = _count("trading_trade")
    return {
        "name": "submit",
        "value": round(max(rates)),
        "unit": "orders/s",
        "baseline": round(max(copies)),
        "ratio": round(max(rates) / max(copies), 3),
        "conditions": {
            "orders": ORDERS,
            "orders_a_call": IN_A_CALL,
            "participants": PARTICIPANTS,
            "contracts": len(contracts),
            "trades_in_all_rounds": trades,
            "limits": "enforced",
            "rounds": ROUNDS,
            "in_calls_of_1000_per_s": round(max(fewer)),
            "one_order_a_call_per_s": round(max(small)),
            "baseline": "one COPY of the newest rows once more into the same table, as another market's",
        },
    }


def _seconds(work: Callable[[], None]) -> float:
    start = perf_counter()
    work()
    return perf_counter() - start


def _market() -> tuple[Any, list[int], list[int], Any]:
    from datetime import UTC, datetime

    from accounts.models import Participant
    from meters.models import Device, Site
    from trading.models import Admission
    from trading.operations import create_market, tick

    at = datetime(2026, 6, 1, tzinfo=UTC)
    site = Site.objects.create(code="bench", name="bench")
    market = create_market(site=site, code="bench", name="bench", open_ahead_minutes=1440)
    tick(market.pk, at)
    members = Participant.objects.bulk_create(
        Participant(code=f"p{n}", name=f"p{n}", kind="household") for n in range(PARTICIPANTS)
    )
    Admission.objects.bulk_create(
        Admission(market=market, participant=member, credit_limit_millidong=10**15) for member in members
    )
    Device.objects.bulk_create(
        Device(site=site, participant=member, name="roof", kind="pv", peak_w=10**9) for member in members
    )
    open_now = market.contracts.filter(gate_closes_at__gt=at).order_by("delivery_start")
    return market, [m.pk for m in members], list(open_now.values_list("pk", flat=True)[:48]), at


def _order(rng: random.Random, name: str, parties: list[int], contracts: list[int]) -> Any:
    from trading.domain.messages import BUY, SELL, New

    side = rng.choice([BUY, SELL])
    price = 1_650 - side * rng.randrange(-20, 80)
    return New(rng.choice(parties), name, rng.choice(contracts), side, 100 * rng.randrange(1, 50), price)


def _calls(parties: list[int], contracts: list[int], number: int, in_a_call: int) -> list[list[Any]]:
    rng = random.Random(SEED + number)
    return [
        [_order(rng, f"{number}-{call}-{n}", parties, contracts) for n in range(in_a_call)]
        for call in range(ORDERS // in_a_call)
    ]


def _submit(market: Any, calls: list[list[Any]], at: Any) -> None:
    from trading.operations import submit

    for orders in calls:
        replies = submit(market.pk, orders, by=None, at=at)
        if any(reply.result != "accepted" for reply in replies):
            raise RuntimeError(f"not accepted: {next(r for r in replies if r.result != 'accepted')}")


def _submit_singly(market: Any, parties: list[int], contracts: list[int], at: Any, number: int) -> None:
    from trading.operations import submit

    rng = random.Random(1_000 + number)
    for n in range(200):
        submit(market.pk, [_order(rng, f"single-{number}-{n}", parties, contracts)], by=None, at=at)


def _copy_rate(market: Any) -> float:
    """Rows a second of a bare COPY of orders into the table as it stands, in one transaction, as another market's."""
    from django.db import connection, transaction

    from trading.operations import create_market
    from trading.operations.rows import ORDER_COLUMNS

    other = create_market(site=market.site, code="copy", name="copy", ticking=False)
    columns = ", ".join(ORDER_COLUMNS)
    newest = f"SELECT {other.pk}, {columns} FROM trading_order WHERE market_id = {market.pk} ORDER BY seq DESC"
    with connection.cursor() as cursor:
        with cursor.copy(f"COPY ({newest} LIMIT {ORDERS}) TO STDOUT") as copy:
            rows = b"".join(bytes(block) for block in copy)
        start = perf_counter()
        with transaction.atomic(), cursor.copy(f"COPY trading_order (market_id, {columns}) FROM STDIN") as copy:
            copy.write(rows)
        seconds = perf_counter() - start
        cursor.execute("DELETE FROM trading_order WHERE market_id = %s", [other.pk])
    other.delete()
    return ORDERS / seconds


def _count(table: str) -> int:
    from django.db import connection

    with connection.cursor() as cursor:
        cursor.execute(f"SELECT count(*) FROM {table}")
        return int(cursor.fetchone()[0])
