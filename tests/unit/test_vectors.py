"""The core on the clearing cases that other systems publish: orders in, volume, pairs and price out.

Each source has its own rule for the price inside the range that supports the volume; there our price must lie in that
range, and where the range is one price it must be that one. An answer that its note calls WRONG is the opposite test:
we must trade more. Prices and quantities are scaled to integers. The cases are not part of the repository.
"""

import json
from fractions import Fraction
from itertools import pairwise
from math import lcm
from typing import Any

import pytest

from tests.shared import shared_path
from trading.domain.book import Book
from trading.domain.checks import Rules
from trading.domain.engine import Engine
from trading.domain.messages import BUY, SELL, New, Uncross
from trading.domain.orders import Order

Case = dict[str, Any]

OUT_OF_SCOPE = {  # kind: why the core does not answer it
    "cda_zones": "fees between zones are charged at clearing, not matched on",
    "zones": "fees between zones are charged at clearing, not matched on",
    "uniform_fee": "a fee per kWh between any two is charged at clearing",
    "pay_as_bid_gsy": "one book in rounds, each pair at its bid, newest first among equals",
    "block": "block orders over several intervals",
    "block3h": "block orders over several intervals",
    "direct": "a buyer picks one ask by id, past a better one",
    "trade_reduction": "two prices and the price setters left out",
}
FAILED = 5.0  # GridLAB-D's clearing type of an auction that it gives up: the unresponsive load exceeds all supply


def cases(name: str) -> list[Case]:
    found: list[Case] = json.loads(shared_path(f"vectors/{name}.json").read_text(encoding="utf-8"))
    return found


def exact(value: Any) -> Fraction:
    return Fraction(str(value))


class Scale:
    """Integers for a case: everything times the common denominator of its prices, and of its quantities."""

    def __init__(self, case: Case) -> None:
        expected = case["expected"]
        numbers = [expected.get("price"), expected.get("clearing_price"), *(o["price"] for o in case["orders"])]
        self.price_by = 2 * lcm(*(exact(n).denominator for n in numbers if n is not None))
        quantities = [expected.get("volume", 0), *(o["qty"] for o in case["orders"])]
        quantities += [row["qty"] for row in (*expected.get("trades", ()), *expected.get("left", ()))]
        self.quantity_by = lcm(*(exact(n).denominator for n in quantities))

    def price(self, value: Any) -> int:
        return int(exact(value) * self.price_by)

    def wh(self, value: Any) -> int:
        return int(exact(value) * self.quantity_by)


def played(case: Case, *, call: bool) -> tuple[Engine, list[Any], Scale, int | None]:
    """Sends a case's orders in their order. A market order in the call is a limit order at the highest price."""
    scale = Scale(case)
    limit = 10**9 * scale.price_by
    book = Book("K1", 0, 1_000, -limit, limit, call_until=1 if call else 0)
    engine = Engine(Rules(1, 1, 1, 10**30), [book])
    trades: list[Any] = []
    for order in case["orders"]:
        side = BUY if order["side"] == "bid" else SELL
        price = side * limit if order["price"] is None else scale.price(order["price"])
        # In the auctions every order is of another owner: they know no self-trade prevention.
        who = order["id"] if call else order.get("user", order["id"])
        answer = engine.apply(New(who, order["id"], "K1", side, scale.wh(order["qty"]), price))
        assert isinstance(answer, Order), (order, answer)
        trades += engine.trades
    if not call:
        return engine, trades, scale, None
    price = engine.apply(Uncross("K1")).price  # type: ignore[union-attr]
    return engine, engine.trades, scale, price


def pairs(trades: list[Any]) -> list[tuple[str, str, int]]:
    """(bid, ask, quantity) of each trade, in order."""
    sorted_sides = [sorted(trade[:2], key=lambda order: -order.side) for trade in trades]
    return [(bid.key[1], ask.key[1], trade.quantity_wh) for (bid, ask), trade in zip(sorted_sides, trades, strict=True)]


def supporting(case: Case, scale: Scale, volume: int) -> tuple[int, int]:
    """The lowest and the highest price at which that volume can trade, by trying each price and each gap."""
    prices = sorted({scale.price(order["price"]) for order in case["orders"] if order["price"] is not None})
    tries = sorted({*prices, *(price + 1 for price in prices), *(price - 1 for price in prices)})
    found = [price for price in tries if tradable(case, scale, price) == volume]
    assert all(tradable(case, scale, (a + b) // 2) == volume for a, b in pairwise(found)), "the range has no holes"
    return found[0], found[-1]


def tradable(case: Case, scale: Scale, price: int) -> int:
    sides = {"bid": 0, "ask": 0}
    for order in case["orders"]:
        if order["price"] is None or (scale.price(order["price"]) - price) * (1 if order["side"] == "bid" else -1) >= 0:
            sides[order["side"]] += scale.wh(order["qty"])
    return min(sides.values())


def require_left(engine: Engine, expected: Case, scale: Scale) -> None:
    remaining = {key[1]: order.remaining for key, order in engine.orders.items()}
    for left in expected.get("left", ()):
        assert remaining[left["id"]] == scale.wh(left["qty"])


VECTORS = cases("vectors")


def of_kind(kind: str, *, wrong: bool = False) -> list[Any]:
    return [
        pytest.param(case, id=case["id"])
        for case in VECTORS
        if case["kind"] == kind and case["note"].startswith("WRONG") == wrong
    ]


@pytest.mark.parametrize("case", of_kind("uniform"))
def test_one_price(case: Case) -> None:
    expected = case["expected"]
    engine, trades, scale, price = played(case, call=True)
    assert sum(trade.quantity_wh for trade in trades) == scale.wh(expected["volume"])
    require_left(engine, expected, scale)
    if "trades" in expected:
        assert sorted(pairs(trades)) == sorted((t["bid"], t["ask"], scale.wh(t["qty"])) for t in expected["trades"])
    if expected["price"] is None:
        assert price is None
        return
    low, high = supporting(case, scale, scale.wh(expected["volume"]))
    assert price is not None
    assert low <= price <= high
    assert low <= scale.price(expected["price"]) <= high, "the published price supports the published volume"
    if case["id"].startswith("gridlabd-tie"):
        assert price == scale.price(expected["price"])


@pytest.mark.parametrize("case", of_kind("uniform", wrong=True))
def test_a_refuted_answer_trades_less_than_we_do(case: Case) -> None:
    _, trades, scale, _ = played(case, call=True)
    assert sum(trade.quantity_wh for trade in trades) > scale.wh(case["expected"]["volume"])


@pytest.mark.parametrize("case", of_kind("cda"))
def test_continuous(case: Case) -> None:
    expected = case["expected"]
    engine, trades, scale, _ = played(case, call=False)
    told = [(*pair, trade.price) for pair, trade in zip(pairs(trades), trades, strict=True)]
    wanted = [(t["bid"], t["ask"], scale.wh(t["qty"]), scale.price(t["price"])) for t in expected["trades"]]
    assert told == wanted
    require_left(engine, expected, scale)


def gridlabd() -> list[Any]:
    usable = [case for case in cases("gridlabd_auctions") if all(order["qty"] > 0 for order in case["orders"])]
    return [pytest.param(case, id=case["source"].rsplit("/", 1)[-1]) for case in usable]


@pytest.mark.parametrize("case", gridlabd())
def test_gridlabd_auctions(case: Case) -> None:
    expected = case["expected"]
    _, trades, scale, price = played(case, call=True)
    volume = sum(trade.quantity_wh for trade in trades)
    assert volume == scale.wh(expected["clearing_quantity"])
    if not volume:
        assert price is None
        return
    low, high = supporting(case, scale, volume)
    assert price is not None
    assert low <= price <= high
    if expected["clearing_type"] != FAILED:
        assert low <= scale.price(expected["clearing_price"]) <= high


def test_three_auctions_with_negative_quantities_are_left_out() -> None:
    assert len(cases("gridlabd_auctions")) - len(gridlabd()) == 3


def test_every_case_is_run_or_out_of_scope_for_a_reason() -> None:
    assert {case["kind"] for case in VECTORS} == {"uniform", "cda", *OUT_OF_SCOPE}
    run = [*of_kind("uniform"), *of_kind("uniform", wrong=True), *of_kind("cda")]
    assert len(run) + sum(case["kind"] in OUT_OF_SCOPE for case in VECTORS) == len(VECTORS) == 63
