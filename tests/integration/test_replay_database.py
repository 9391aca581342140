"""Replays through the database answer as the bare core does, and an export replays to the stored book."""

import io
import json
import random
import sys
from datetime import timedelta

import pytest
from django.core.management import CommandError, call_command

from tests.factories import NOON, make_market, make_participants, open_contracts, random_messages
from trading.domain.messages import Amend, New
from trading.models import Market, Order
from trading.operations import submit
from units.interval import to_ms

pytestmark = pytest.mark.django_db(transaction=True)

SIDES = {1: "buy", -1: "sell"}
OPS = {"New": "new", "Cancel": "cancel", "Amend": "amend", "CancelAll": "cancel_all", "Halt": "halt"} | {
    "Resume": "resume", "Uncross": "uncross", "Time": "time",
}  # fmt: skip


def stream(seed: int) -> str:
    """A random stream of two markets, with a call phase in the second, over a changing clock."""
    rng = random.Random(seed)
    lines = []
    for call_until in (0, 50_000):
        contracts = [
            {"id": f"K{n}", "gate_opens_at": 0, "gate_closes_at": 300_000 * n, "call_until": call_until} for n in (1, 2)
        ]
        rules = {"tick": 1, "lot_wh": 100, "min_price": 0, "max_price": 500, "min_wh": 100, "max_wh": 10_000}
        lines.append({"market": rules | {"contracts": contracts, "owners": {"p4": "p3"}}})
        at = 0
        names = [f"p{n}" for n in range(5)]
        for message in random_messages(rng, 150, names, ["K1", "K2", "K3"], at_ms=0, call=bool(call_until)):
            at += rng.choice([0, 0, 1_000, 4_000])
            record = {"op": OPS[type(message).__name__], "at": at} | message._asdict()
            if isinstance(message, New):
                record["side"] = SIDES[message.side]
                record["type"] = "limit" if message.price is not None else "market"
            if isinstance(message, Amend):
                record = {k: v for k, v in record.items() if v is not None}
            lines.append(record)
    return "".join(json.dumps(line) + "\n" for line in lines)


def replay(path, *options: str) -> list[dict]:
    out = io.StringIO()
    call_command("replay_orders", str(path), *options, stdout=out)
    return [json.loads(line) for line in out.getvalue().splitlines()]


@pytest.mark.parametrize("seed", range(3))
def test_the_database_path_answers_as_the_core(tmp_path, seed: int) -> None:
    path = tmp_path / "orders.jsonl"
    path.write_text(stream(seed))
    bare, stored = replay(path), replay(path, "--database")
    assert len(bare) == len(stored)
    for line, (one, other) in enumerate(zip(bare, stored, strict=True), start=1):
        assert one == other, line
    assert {row.get("result") for row in bare} >= {"accepted", "rejected", "cancelled", "amended", "ok"}
    assert not Market.objects.exists(), "a scratch market stayed behind"


def test_an_export_replays_to_the_stored_orders(tmp_path) -> None:
    market = make_market(call_ends_minutes=200)
    parties = make_participants(5)
    contracts = open_contracts(market)[:3]
    rng = random.Random(7)
    messages = random_messages(
        rng, 600, [p.pk for p in parties], [c.pk for c in contracts], at_ms=to_ms(NOON), call=True
    )
    at = NOON
    for start in range(0, len(messages), 10):
        submit(market.pk, messages[start : start + 10], by=None, at=at)
        at += timedelta(seconds=30)
    path = tmp_path / "export.jsonl"
    call_command("export_orders", "m", out=str(path))
    *_, summary = replay(path)
    codes = {p.pk: p.code for p in parties}
    names = ["open", "partially_filled", "filled", "cancelled", "expired"]
    live = Order.objects.filter(contract__gate_closes_at__gt=at)
    for row in live:
        told = summary["orders"][f"{codes[row.participant_id]}:{row.client_order_id}"]
        assert told == {"status": names[row.status], "filled_wh": row.filled_wh, "remaining_wh": row.remaining_wh}
    assert live.count() > 10
    call_command("verify_log", stdout=io.StringIO())


def test_an_unknown_market_is_said_with_those_there_are() -> None:
    make_market("campus-a")
    with pytest.raises(CommandError, match="campus-a"):
        call_command("export_orders", "nowhere", stdout=sys.stderr)
