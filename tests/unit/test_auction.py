"""The call phase and its uncrossing, beyond the examples of docs/algorithms/matching.md."""

from typing import Any

import pytest

from trading.domain.auction import Uncrossing, uncrossing
from trading.domain.book import Book
from trading.domain.checks import Rules
from trading.domain.engine import Done, Engine
from trading.domain.errors import Rejected
from trading.domain.messages import BUY, SELL, Amend, Cancel, New, Time, Uncross
from trading.domain.orders import STATUS_NAMES, Order

CLOSES = 1_000


def market(call_until: int = 500, tick: int = 1) -> Engine:
    book = Book("K1", 0, CLOSES, -500, 9_999, call_until)
    return Engine(Rules(tick), [book], owners={"ann": "us", "bob": "us"})


def order(who: str, name: str, side: int, quantity: int = 1_000, price: int | None = 900, **terms: Any) -> New:
    return New(who, name, "K1", side, quantity, price, **terms)


def taken(answer: Any) -> Order:
    assert isinstance(answer, Order), answer
    return answer


# The price


@pytest.mark.parametrize(
    ("bids", "asks", "tick", "expected"),
    [
        ([], [], 1, (None, 0)),
        ([(10, 5)], [], 1, (None, 0)),
        ([], [(10, 5)], 1, (None, 0)),
        ([(9, 5)], [(10, 5)], 1, (None, 0)),
        ([(10, 5)], [(10, 5)], 1, (10, 5)),
        ([(40, 14)], [(30, 16)], 1, (30, 14)),
        ([(40, 16)], [(30, 14)], 1, (40, 14)),
        ([(22, 10)], [(20, 10)], 1, (21, 10)),
        ([(23, 10)], [(20, 10)], 1, (21, 10)),
        ([(-20, 10)], [(-23, 10)], 1, (-22, 10)),
        ([(25, 10)], [(20, 10)], 5, (20, 10)),
        ([(30, 10)], [(20, 10)], 5, (25, 10)),
        ([(30, 4), (20, 6)], [(10, 5), (25, 5)], 1, (20, 5)),
        ([(30, 4), (20, 6)], [(10, 10)], 1, (15, 10)),
    ],
)
def test_the_uncrossing_price(bids: Any, asks: Any, tick: int, expected: tuple[int | None, int]) -> None:
    assert uncrossing(bids, asks, tick) == Uncrossing(*expected)


# The call


@pytest.mark.parametrize(
    ("terms", "code"),
    [
        ({"tif": "IOC"}, "invalid_tif"),
        ({"tif": "FOK"}, "invalid_tif"),
        ({"tif": "IOC", "price": None}, "invalid_tif"),
        ({"min_quantity_wh": 100}, "invalid_min_quantity"),
    ],
)
def test_the_call_takes_only_orders_that_can_wait(terms: dict[str, Any], code: str) -> None:
    answer = market().apply(order("ann", "1", BUY)._replace(**terms))
    assert isinstance(answer, Rejected)
    assert answer.code == code


def test_orders_are_collected_amended_and_cancelled_but_not_matched() -> None:
    engine = market()
    engine.apply(order("ann", "1", SELL, price=800))
    crossing = taken(engine.apply(order("cam", "1", BUY, post_only=True)))
    assert (crossing.remaining, engine.trades) == (1_000, [])
    assert engine.indicative("K1") == (850, 1_000)
    taken(engine.apply(Amend("cam", "1", price=820)))
    assert engine.indicative("K1") == (810, 1_000)
    taken(engine.apply(Cancel("ann", "1")))
    assert engine.indicative("K1") == (None, 0)


@pytest.mark.parametrize(
    ("stp", "new", "old"),
    [
        ("cancel_taker", "cancelled", "open"),
        ("cancel_maker", "open", "cancelled"),
        ("cancel_both", "cancelled", "cancelled"),
    ],
)
def test_own_crossing_orders_are_prevented_at_entry(stp: str, new: str, old: str) -> None:
    engine = market()
    mine = taken(engine.apply(order("ann", "1", SELL, price=800)))
    theirs = taken(engine.apply(order("bob", "1", BUY, stp=stp)))
    assert (STATUS_NAMES[theirs.status], STATUS_NAMES[mine.status]) == (new, old)
    assert {o.reason for o in (mine, theirs) if not o.remaining} == {"self_trade"}


def test_an_amendment_that_would_cross_an_own_order_is_prevented_too() -> None:
    engine = market()
    engine.apply(order("ann", "1", SELL, price=900))
    engine.apply(order("bob", "1", BUY, price=800))
    moved = taken(engine.apply(Amend("bob", "1", price=900)))
    assert (STATUS_NAMES[moved.status], moved.reason) == ("cancelled", "self_trade")


# The uncrossing


def test_both_sides_fill_by_price_then_time_at_one_price() -> None:
    engine = market()
    for who, name, side, quantity, price in (
        ("cam", "b1", BUY, 1_000, 950),
        ("cam", "b2", BUY, 1_000, 900),
        ("dan", "b3", BUY, 1_000, 900),
        ("eve", "s1", SELL, 500, 900),
        ("eve", "s2", SELL, 2_000, 850),
    ):
        engine.apply(order(who, name, side, quantity, price))
    assert engine.apply(Uncross("K1")) == Done(3, 900)
    told = [(t.maker.key[1], t.taker.key[1], t.quantity_wh) for t in engine.trades]
    assert told == [("b1", "s2", 1_000), ("b2", "s2", 1_000), ("b3", "s1", 500)]


def test_what_is_left_keeps_its_place_and_trades_on() -> None:
    engine = market()
    engine.apply(order("cam", "1", BUY, 1_000, 900))
    engine.apply(order("dan", "1", BUY, 1_000, 900))
    engine.apply(order("eve", "1", SELL, 1_500, 900))
    engine.apply(Uncross("K1"))
    assert [o.key for o in engine.books["K1"].bids.orders()] == [("dan", "1")]
    engine.apply(order("cam", "2", BUY, 1_000, 900))
    taker = taken(engine.apply(order("eve", "2", SELL, 1_000, 900)))
    assert [(t.maker.key, t.taker, t.quantity_wh) for t in engine.trades] == [
        (("dan", "1"), taker, 500),
        (("cam", "2"), taker, 500),
    ]


def test_an_iceberg_counts_whole_and_shows_a_fresh_clip_afterwards() -> None:
    engine = market()
    iceberg = taken(engine.apply(order("cam", "1", SELL, 1_000, 900, display_wh=300)))
    engine.apply(order("dan", "1", BUY, 500, 900))
    engine.apply(Uncross("K1"))
    assert (iceberg.filled, iceberg.remaining, iceberg.visible) == (500, 500, 300)


def test_uncrossing_again_or_without_a_call_does_nothing() -> None:
    engine = market()
    engine.apply(Uncross("K1"))
    engine.apply(order("cam", "1", BUY))
    assert engine.apply(Uncross("K1")) == Done(0, None)
    assert engine.apply(order("dan", "1", SELL)) is engine.orders["dan", "1"]
    assert len(engine.trades) == 1


def test_unknown_contracts_are_refused() -> None:
    answer = market().apply(Uncross("K9"))
    assert isinstance(answer, Rejected)
    assert answer.code == "unknown_contract"


def test_a_call_that_was_never_uncrossed_ends_with_the_gate() -> None:
    engine = market(call_until=500)
    placed = taken(engine.apply(order("cam", "1", BUY)))
    engine.apply(Time(), CLOSES)
    assert (STATUS_NAMES[placed.status], placed.reason) == ("expired", "gate_closed")


def test_a_pure_call_auction_uncrosses_after_its_gate_and_then_expires_the_rest() -> None:
    engine = market(call_until=CLOSES)
    buyer = taken(engine.apply(order("cam", "1", BUY, 1_000)))
    seller = taken(engine.apply(order("dan", "1", SELL, 400)))
    for refused in (order("eve", "1", BUY), Cancel("cam", "1"), Amend("cam", "1", 500)):
        answer = engine.apply(refused, CLOSES + 1)
        assert isinstance(answer, Rejected)
        assert answer.code == "gate_closed"
    assert engine.apply(Uncross("K1")) == Done(1, 900)
    assert STATUS_NAMES[seller.status] == "filled"
    assert (buyer.filled, STATUS_NAMES[buyer.status], buyer.reason) == (400, "expired", "gate_closed")
    answer = engine.apply(Uncross("K1"))
    assert isinstance(answer, Rejected)
