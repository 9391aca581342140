"""The rules of matching one at a time, as far as the tables of docs/algorithms/matching.md do not show them already."""

from typing import Any

import pytest

from trading.domain.book import COMPACT_FROM, Book
from trading.domain.checks import Rules
from trading.domain.engine import Answer, Done, Duplicate, Engine
from trading.domain.errors import SENTENCES, Rejected, SliceTooShort
from trading.domain.messages import (
    BUY,
    SELL,
    Amend,
    Cancel,
    CancelAll,
    Halt,
    New,
    Resume,
    Time,
    Uncross,
)
from trading.domain.orders import STATUS_NAMES, Order

OPENS, CLOSES = 100, 1_000


def market(**changes: Any) -> Engine:
    book = Book("K1", OPENS, CLOSES, -500, 9_999, **changes)
    engine = Engine(Rules(tick=5, lot_wh=100, min_wh=200, max_wh=10_000), [book], owners={"ann": "us", "bob": "us"})
    engine.apply(Time(), OPENS)
    return engine


def order(who: str, name: str, side: int, quantity: int = 1_000, price: int | None = 900, **terms: Any) -> New:
    return New(who, name, "K1", side, quantity, price, **terms)


def refusal(engine: Engine, message: Any, at: int | None = None) -> tuple[str, int | None]:
    answer = engine.apply(message, at)
    assert isinstance(answer, Rejected), answer
    assert engine.trades == []
    return answer.code, answer.bound


def taken(answer: Answer) -> Order:
    assert isinstance(answer, Order), answer
    return answer


def status(order: Order) -> tuple[str, str]:
    return STATUS_NAMES[order.status], order.reason


# Refusals


@pytest.mark.parametrize(
    ("change", "code", "bound"),
    [
        ({"contract": "K2"}, "unknown_contract", None),
        ({"side": 0}, "invalid_side", None),
        ({"side": 2}, "invalid_side", None),
        ({"tif": "DAY"}, "invalid_tif", None),
        ({"price": None}, "invalid_tif", None),
        ({"stp": "no"}, "invalid_stp", None),
        ({"expires_at": 500}, "invalid_expires_at", None),
        ({"tif": "GTD"}, "invalid_expires_at", None),
        ({"tif": "GTD", "expires_at": OPENS}, "invalid_expires_at", None),
        ({"price": 901}, "invalid_price_tick", 5),
        ({"price": -505}, "price_out_of_band", -500),
        ({"price": 10_000}, "price_out_of_band", 9_999),
        ({"quantity_wh": 250}, "invalid_quantity_lot", 100),
        ({"quantity_wh": 100}, "quantity_out_of_range", 200),
        ({"quantity_wh": 0}, "quantity_out_of_range", 200),
        ({"quantity_wh": -1_000}, "quantity_out_of_range", 200),
        ({"quantity_wh": 10_100}, "quantity_out_of_range", 10_000),
        ({"display_wh": 150}, "invalid_display_quantity", 100),
        ({"display_wh": -100}, "invalid_display_quantity", 100),
        ({"display_wh": 1_100}, "invalid_display_quantity", 100),
        ({"display_wh": 100, "price": None, "tif": "IOC"}, "invalid_display_quantity", 100),
        ({"min_quantity_wh": 150}, "invalid_min_quantity", 100),
        ({"min_quantity_wh": -100}, "invalid_min_quantity", 100),
        ({"min_quantity_wh": 1_100}, "invalid_min_quantity", 100),
    ],
)
def test_a_broken_rule_is_named_with_its_bound_and_uses_nothing_up(
    change: dict[str, Any], code: str, bound: int | None
) -> None:
    engine = market()
    seq = engine.seq
    assert refusal(engine, order("ann", "1", BUY)._replace(**change)) == (code, bound)
    assert (engine.seq, engine.orders) == (seq, {})
    taken(engine.apply(order("ann", "1", BUY)))


def test_prices_at_the_bounds_zero_and_below_are_ordinary() -> None:
    engine = market()
    for number, price in enumerate((-500, -5, 0, 9_995)):
        assert taken(engine.apply(order("ann", str(number), BUY, price=price))).price == price
    assert [o.price for o in engine.books["K1"].bids.orders()] == [9_995, 0, -5, -500]


def test_trades_below_zero_happen_at_the_makers_price() -> None:
    engine = market()
    engine.apply(order("ann", "1", SELL, price=-100))
    buyer = taken(engine.apply(order("cam", "1", BUY, price=-50)))
    assert [(trade.price, trade.quantity_wh) for trade in engine.trades] == [(-100, 1_000)]
    assert buyer.value == -100_000


def test_every_refusal_has_a_sentence_without_gaps() -> None:
    for code, sentence in SENTENCES.items():
        told = Rejected(code, 42 if "{bound}" in sentence else None).sentence
        assert told.endswith(".")
        assert "{" not in told


# Time in force


def test_a_gtd_order_is_dead_from_its_moment_on() -> None:
    engine = market()
    placed = taken(engine.apply(order("ann", "1", SELL, tif="GTD", expires_at=500)))
    engine.apply(Time(), 499)
    assert status(placed) == ("open", "")
    buyer = taken(engine.apply(order("cam", "1", BUY), 500))
    assert status(placed) == ("expired", "expired")
    assert engine.removed == [placed]
    assert (buyer.filled, engine.trades) == (0, [])


def test_an_amended_gtd_order_expires_once() -> None:
    engine = market()
    engine.apply(order("ann", "1", SELL, tif="GTD", expires_at=500))
    moved = taken(engine.apply(Amend("ann", "1", price=905)))
    again = taken(engine.apply(Amend("ann", "1", price=910)))
    engine.apply(Time(), 500)
    assert engine.removed == [again]
    assert moved.remaining == 0


def test_expiries_come_in_the_order_of_their_moments_and_the_gate_before_what_is_due_with_it() -> None:
    engine = market()
    late = taken(engine.apply(order("ann", "1", SELL, tif="GTD", expires_at=CLOSES)))
    soon = taken(engine.apply(order("ann", "2", SELL, tif="GTD", expires_at=400)))
    rest = taken(engine.apply(order("ann", "3", SELL)))
    engine.apply(Time(), CLOSES)
    assert engine.removed == [soon, late, rest]
    assert [order.reason for order in engine.removed] == ["expired", "gate_closed", "gate_closed"]


def test_a_killed_fok_leaves_everything_as_it_was() -> None:
    engine = market()
    maker = taken(engine.apply(order("ann", "1", SELL, 900)))
    killed = taken(engine.apply(order("cam", "1", BUY, 1_000, tif="FOK")))
    assert status(killed) == ("cancelled", "fok_killed")
    assert (maker.remaining, maker.filled, engine.trades, engine.removed) == (900, 0, [], [])


def test_hidden_quantity_counts_for_fok_but_not_past_an_own_order() -> None:
    engine = market()
    engine.apply(order("cam", "1", SELL, 1_000, display_wh=200))
    engine.apply(order("ann", "1", SELL, 1_000))
    assert status(taken(engine.apply(order("bob", "1", BUY, 300, tif="FOK")))) == ("cancelled", "self_trade")
    assert taken(engine.apply(order("bob", "2", BUY, 200, tif="FOK"))).filled == 200
    assert taken(engine.apply(order("dan", "1", BUY, 1_800, tif="FOK"))).filled == 1_800


# Self-trade prevention


def test_orders_of_one_beneficial_owner_never_trade() -> None:
    engine = market()
    engine.apply(order("ann", "1", SELL))
    assert status(taken(engine.apply(order("bob", "1", BUY)))) == ("cancelled", "self_trade")


def test_cancel_both_ends_both_and_keeps_earlier_fills() -> None:
    engine = market()
    engine.apply(order("cam", "1", SELL, 400, 895))
    own = taken(engine.apply(order("ann", "1", SELL)))
    taker = taken(engine.apply(order("bob", "1", BUY, stp="cancel_both")))
    assert (taker.filled, status(taker)) == (400, ("cancelled", "self_trade"))
    assert status(own) == ("cancelled", "self_trade")
    assert engine.removed == [own]


# Amending


def test_refused_amendments() -> None:
    engine = market()
    engine.apply(order("ann", "1", SELL, post_only=True))
    engine.apply(order("cam", "1", BUY, price=800))
    assert refusal(engine, Amend("ann", "2", 500)) == ("unknown_order", None)
    assert refusal(engine, Amend("bob", "1", 500)) == ("unknown_order", None)
    assert refusal(engine, Amend("ann", "1")) == ("nothing_to_amend", None)
    assert refusal(engine, Amend("ann", "1", 550)) == ("invalid_quantity_lot", 100)
    assert refusal(engine, Amend("ann", "1", 10_100)) == ("quantity_out_of_range", 10_000)
    assert refusal(engine, Amend("ann", "1", price=901)) == ("invalid_price_tick", 5)
    assert refusal(engine, Amend("ann", "1", price=10_000)) == ("price_out_of_band", 9_999)
    assert refusal(engine, Amend("ann", "1", price=800)) == ("post_only_would_cross", 800)
    engine.apply(Cancel("ann", "1"))
    assert refusal(engine, Amend("ann", "1", 500)) == ("order_not_open", None)


def test_an_amendment_that_crosses_trades_like_a_new_order() -> None:
    engine = market()
    engine.apply(order("cam", "1", BUY, 600, 850))
    engine.apply(order("ann", "1", SELL))
    moved = taken(engine.apply(Amend("ann", "1", price=850)))
    assert [(t.maker.key, t.price, t.quantity_wh) for t in engine.trades] == [(("cam", "1"), 850, 600)]
    assert (moved.filled, moved.remaining, status(moved)[0]) == (600, 400, "partially_filled")


# Cancelling, gates, halts


def test_cancelling_and_cancelling_again() -> None:
    engine = market()
    engine.apply(order("ann", "1", SELL))
    assert refusal(engine, Cancel("bob", "1")) == ("unknown_order", None)
    assert status(taken(engine.apply(Cancel("ann", "1")))) == ("cancelled", "")
    assert refusal(engine, Cancel("ann", "1")) == ("order_not_open", None)


def test_cancel_all_counts_what_it_ends_and_leaves_others() -> None:
    engine = Engine(Rules(), [Book("K1", 0, CLOSES, 0, 99), Book("K2", 0, CLOSES, 0, 99)])
    for name, contract in (("1", "K1"), ("2", "K2"), ("3", "K1")):
        engine.apply(New("ann", name, contract, SELL, 100, 50))
    engine.apply(New("cam", "1", "K1", SELL, 100, 50))
    assert engine.apply(CancelAll("ann", "K1")) == Done(2)
    engine.apply(New("ann", "4", "K2", SELL, 100, 50))
    assert engine.apply(CancelAll("ann")) == Done(2)
    assert engine.apply(CancelAll("ann")) == Done(0)
    assert refusal(engine, CancelAll("ann", "K3")) == ("unknown_contract", None)
    assert [o.key for book in engine.books.values() for o in book.asks.orders()] == [("cam", "1")]


def test_before_and_after_the_gate() -> None:
    engine = Engine(Rules(), [Book("K1", OPENS, CLOSES, 0, 9_999)])
    assert refusal(engine, order("ann", "1", BUY), OPENS - 1) == ("gate_not_open", None)
    placed = taken(engine.apply(order("ann", "1", BUY), OPENS))
    assert refusal(engine, order("ann", "2", BUY), CLOSES) == ("gate_closed", None)
    assert status(placed) == ("expired", "gate_closed")
    assert refusal(engine, Cancel("ann", "1")) == ("order_not_open", None)
    assert engine.apply(CancelAll("ann")) == Done(0)
    assert refusal(engine, Uncross("K1")) == ("gate_closed", None)
    assert isinstance(engine.apply(order("ann", "1", BUY)), Duplicate)


def test_time_never_runs_backwards() -> None:
    engine = market()
    engine.apply(Time(), CLOSES)
    assert refusal(engine, order("ann", "1", BUY), OPENS) == ("gate_closed", None)


def test_a_halt_keeps_the_queue_and_lets_cancel() -> None:
    engine = market()
    engine.apply(order("ann", "1", SELL))
    engine.apply(order("ann", "2", SELL, 500))
    engine.apply(Halt())
    assert refusal(engine, order("cam", "1", BUY)) == ("halted", None)
    assert refusal(engine, Amend("ann", "1", 500)) == ("halted", None)
    assert refusal(engine, Uncross("K1")) == ("halted", None)
    taken(engine.apply(Cancel("ann", "1")))
    engine.apply(Resume())
    assert taken(engine.apply(order("cam", "1", BUY))).filled == 500


# The book


def test_a_queue_of_many_cancelled_orders_is_compacted_and_keeps_its_order() -> None:
    engine = market()
    for number in range(10 * COMPACT_FROM):
        engine.apply(order("ann", str(number), SELL, 200))
    for number in range(10 * COMPACT_FROM):
        if number % 10:
            engine.apply(Cancel("ann", str(number)))
    book = engine.books["K1"]
    (level,) = book.asks.levels.values()
    assert len(level) < 4 * COMPACT_FROM
    assert [o.key[1] for o in book.asks.orders()] == [str(number) for number in range(0, 10 * COMPACT_FROM, 10)]
    assert book.depth(SELL, 5) == [(900, 200 * COMPACT_FROM, COMPACT_FROM)]


def test_depth_shows_clips_and_the_best_levels_only() -> None:
    engine = market()
    engine.apply(order("ann", "1", BUY, 1_000, 900, display_wh=300))
    engine.apply(order("ann", "2", BUY, 400, 895))
    engine.apply(order("ann", "3", BUY, 400, 890))
    book = engine.books["K1"]
    assert book.depth(BUY, 2) == [(900, 300, 1), (895, 400, 1)]
    assert (book.best(BUY), book.best(SELL), book.crossed) == (900, None, False)


def test_a_taker_after_another_that_used_the_slice_up_asks_for_more() -> None:
    engine = market()
    lent = Order(("cam", "1"), "cam", engine.books["K1"], SELL, 900, 500, 0, 1, order("cam", "1", SELL, 500))
    engine.restore(lent, resting=True)
    engine.books["K1"].asks.horizon = (-900, lent.priority)
    engine.seq = 1
    assert taken(engine.apply(order("ann", "1", BUY, 500))).filled == 500
    with pytest.raises(SliceTooShort) as told:
        engine.apply(order("ann", "2", BUY, 500))
    assert (told.value.contract, told.value.side) == ("K1", SELL)
    assert taken(engine.apply(order("ann", "3", BUY, 500, 895))).remaining == 500


# Limits


class Allowance:
    """At most so much on offer at once, whoever asks."""

    def __init__(self, wh: int) -> None:
        self.left_wh = wh

    def refusal(self, party: Any, book: Book, side: int, wh: int, price: int | None) -> Rejected | None:
        return Rejected("insufficient_energy", self.left_wh) if wh > self.left_wh else None

    def enter(self, order: Order) -> None:
        self.left_wh -= order.remaining

    def fill(self, order: Order, wh: int, price: int) -> None:
        pass

    def leave(self, order: Order, wh: int) -> None:
        self.left_wh += wh


def test_limits_are_asked_before_and_told_after() -> None:
    allowance = Allowance(1_500)
    engine = Engine(Rules(), [Book("K1", 0, CLOSES, 0, 9_999)], limits=allowance)
    engine.apply(order("ann", "1", SELL))
    assert refusal(engine, order("ann", "2", SELL)) == ("insufficient_energy", 500)
    taken(engine.apply(Amend("ann", "1", 600)))
    assert allowance.left_wh == 900
    assert refusal(engine, Amend("ann", "1", 1_600)) == ("insufficient_energy", 1_500)
    assert allowance.left_wh == 900, "a refused amendment gives back nothing"
    taken(engine.apply(Amend("ann", "1", 1_500)))
    assert allowance.left_wh == 0
    taken(engine.apply(Cancel("ann", "1")))
    assert allowance.left_wh == 1_500
    taken(engine.apply(order("ann", "3", SELL, tif="IOC")))
    assert allowance.left_wh == 1_500
