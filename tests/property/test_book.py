"""The matching core against a naive book, message by message, and the laws that hold whatever is sent."""

import random
from collections import Counter
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.property.market_streams import (
    Timed,
    calls,
    crowded,
    engine_of,
    naive_of,
    random_crowd_message,
    seeded,
    seen,
    seen_naively,
    streams,
)
from tests.property.naive_book import NaiveAnswer
from trading.domain.book import Book
from trading.domain.engine import Answer, Done, Duplicate, Engine
from trading.domain.errors import Rejected, SliceTooShort
from trading.domain.messages import BUY, SELL, Cancel, CancelAll, New
from trading.domain.orders import Order

THOROUGH = settings(max_examples=250, deadline=None, suppress_health_check=[HealthCheck.too_slow])


def fills(engine: Engine) -> list[tuple[Any, Any, int, int]]:
    return [(trade.maker.key, trade.taker.key, trade.price, trade.quantity_wh) for trade in engine.trades]


def require_same_answer(timed: Timed, answer: Answer, engine: Engine, expected: NaiveAnswer) -> None:
    if isinstance(answer, Rejected):
        assert expected.result == "rejected", (timed, answer, expected)
        assert answer.code in expected.codes, (timed, answer, expected)
        return
    assert expected.result != "rejected", (timed, answer, expected)
    if isinstance(answer, Done):
        assert expected.result == "ok"
        assert answer.price == expected.price
        if isinstance(timed.message, CancelAll):
            assert answer.count == expected.count
    elif isinstance(answer, Duplicate):
        assert expected.result == "duplicate"
    else:
        assert expected.order is not None
        assert answer.key == expected.order.key
    assert fills(engine) == expected.trades, timed


def play(stream: list[Timed], tick: int) -> Engine:
    engine, naive = engine_of(tick), naive_of(tick)
    for timed in stream:
        answer = engine.apply(timed.message, timed.at)
        expected = naive.take(timed.message, timed.at)
        require_same_answer(timed, answer, engine, expected)
        assert seen(engine) == seen_naively(naive), timed
    return engine


@THOROUGH
@given(streams, st.sampled_from((1, 2)))
def test_the_core_does_what_the_naive_book_does(stream: list[Timed], tick: int) -> None:
    play(stream, tick)


@THOROUGH
@given(crowded)
def test_a_crowded_book_does_what_the_naive_book_does(stream: list[Timed]) -> None:
    play(stream, 1)


@THOROUGH
@given(calls, st.sampled_from((1, 2)))
def test_a_call_uncrosses_as_its_definition_says(stream: list[Timed], tick: int) -> None:
    play(stream, tick)


@pytest.mark.parametrize("seed", range(6))
def test_long_streams_do_what_the_naive_book_does(seed: int) -> None:
    """Longer than Hypothesis likes to draw: enough cancellations for queues to be compacted."""
    chance = random.Random(seed)
    stream: list[Timed] = []
    for number in range(500):
        if chance.random() < 0.4:
            stream.append(Timed(Cancel("cam", f"o{chance.randrange(number + 1)}"), None))
        else:
            order = random_crowd_message(chance)
            key = (chance.choice(("cam", "dan")), f"o{number}")
            stream.append(Timed(order._replace(participant=key[0], client_order_id=key[1]), None))
    engine = play(stream, 1)
    assert engine.seq > 100


# Laws


@THOROUGH
@given(streams, st.sampled_from((1, 2)))
def test_energy_and_money_are_conserved_and_books_end_uncrossed(stream: list[Timed], tick: int) -> None:
    engine = engine_of(tick)
    traded: Counter[Any] = Counter()
    value: Counter[Any] = Counter()
    for timed in stream:
        engine.apply(timed.message, timed.at)
        for maker, taker, price, wh in engine.trades:
            assert wh > 0
            assert maker.side == -taker.side
            assert maker.owner != taker.owner
            for order in (maker, taker):
                assert order.side * price <= order.side * order.price if order.price is not None else True
                traded[order.key] += wh
                value[order.key] += wh * price
        for book in engine.books.values():
            assert book.call or not book.crossed
    orders = engine.orders.values()
    assert {order.key: order.filled for order in orders if order.filled} == dict(traded)
    assert {order.key: order.value for order in orders if order.filled} == {key: value[key] for key in traded}
    assert sum(order.side * order.filled for order in orders) == 0
    assert sum(order.side * order.value for order in orders) == 0
    for order in orders:
        assert 0 <= order.filled <= order.quantity
        assert order.remaining in (0, order.quantity - order.filled)


@THOROUGH
@given(streams)
def test_what_is_refused_or_repeated_changes_nothing(stream: list[Timed]) -> None:
    engine = engine_of(1)
    for timed in stream:
        before, seq, stops = seen(engine), engine.seq, stopped(engine)
        answer = engine.apply(timed.message, timed.at)
        if isinstance(answer, Rejected | Duplicate):
            assert not engine.trades
            assert (engine.seq, stopped(engine)) == (seq, stops)
            if not engine.removed:  # an expiry that was due meanwhile is time's doing, not the message's
                assert seen(engine) == before


@THOROUGH
@given(crowded)
def test_a_killed_order_leaves_nothing_but_its_id(stream: list[Timed]) -> None:
    engine = engine_of(1)
    for timed in stream:
        before = seen(engine)
        answer = engine.apply(timed.message, timed.at)
        if isinstance(answer, Order) and answer.request.tif == "FOK" and not answer.filled:
            after = seen(engine)
            assert after["orders"].pop(answer.key)[0] == "cancelled"
            assert after == before


@THOROUGH
@given(streams)
def test_the_same_stream_gives_the_same_market(stream: list[Timed]) -> None:
    first, second = engine_of(1), engine_of(1)
    for timed in stream:
        first.apply(timed.message, timed.at)
        second.apply(timed.message, timed.at)
        assert fills(first) == fills(second)
        assert [order.key for order in first.removed] == [order.key for order in second.removed]
    assert seen(first) == seen(second)
    assert first.seq == second.seq


def stopped(engine: Engine) -> list[int]:
    """How far the market and each contract are stopped."""
    return [engine.stop, *(book.stop for book in engine.books.values())]


# Borrowed slices


def borrowed(engine: Engine, counts: dict[tuple[str, int], int]) -> Engine:
    """An engine that knows every order but has only so many of each side in its books, as the database path lends."""
    books = [
        Book(b.contract, b.gate_opens_at, b.gate_closes_at, b.min_price, b.max_price, b.call_until, b.call)
        for b in engine.books.values()
    ]
    part = Engine(engine.rules, books, owners=engine.owners)
    part.seq, part.now, part.stop = engine.seq, engine.now, engine.stop
    for book in books:
        book.stop = engine.books[book.contract].stop
    for book in engine.books.values():
        for side in (BUY, SELL):
            queue = list(book.side(side).orders())
            lent = queue[: counts.get((book.contract, side))]
            for order in lent:
                part.restore(copied(order, part), resting=True)
            if len(lent) < len(queue) and lent:
                last = lent[-1]
                part.books[book.contract].side(side).horizon = (last.side * last.price, last.priority)
            elif queue and not lent:
                first = queue[0]
                part.books[book.contract].side(side).horizon = (first.side * first.price + 1, 0)
    for order in engine.orders.values():
        if not order.remaining:
            part.restore(copied(order, part), resting=False)
    return part


def copied(order: Order, engine: Engine) -> Order:
    twin = Order(
        order.key, order.owner, engine.books[order.book.contract], order.side, order.price, order.quantity,
        order.display, order.seq, order.request,
    )  # fmt: skip
    for name in ("remaining", "filled", "value", "shown", "queued", "status", "cause"):
        setattr(twin, name, getattr(order, name))
    return twin


@THOROUGH
@given(crowded, seeded(random_crowd_message, 1, 5), st.integers(0, 5), st.integers(0, 5))
def test_a_slice_is_too_short_or_gives_the_same(stream: list[Timed], batch: list[Timed], bids: int, asks: int) -> None:
    counts = {("continuous", BUY): bids, ("continuous", SELL): asks}
    engine = engine_of(1)
    for timed in stream:
        engine.apply(timed.message)
    part = borrowed(engine, counts)
    for message, _ in batch:
        if not isinstance(message, New):
            continue  # who cancels or amends borrows those very orders besides, which is tested with the database
        known = (message.participant, message.client_order_id)
        if known in engine.orders and known not in part.orders:
            continue
        try:
            answer = part.apply(message)
        except SliceTooShort as problem:
            side = engine.books[problem.contract].side(problem.side)
            assert len(list(side.orders())) > counts[problem.contract, problem.side]
            return
        expected = engine.apply(message)
        assert type(answer) is type(expected)
        assert getattr(answer, "code", None) == getattr(expected, "code", None)
        assert getattr(answer, "bound", None) == getattr(expected, "bound", None)
        assert fills(part) == fills(engine)
        assert [order.key for order in part.removed] == [order.key for order in engine.removed]
        assert part.seq == engine.seq
    whole = seen(engine)["orders"]
    assert {key: whole[key] for key in part.orders} == seen(part)["orders"]
