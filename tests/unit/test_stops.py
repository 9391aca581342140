"""Stopping the market or one contract: what is refused, what still happens, what a recorded stream says of it."""

import pytest

from trading.domain.book import Book
from trading.domain.engine import Engine, Rules
from trading.domain.errors import Rejected
from trading.domain.messages import BUY, SELL, Amend, Cancel, CancelAll, Halt, Message, New, Resume, Time, Uncross
from trading.domain.replay import replay


@pytest.fixture
def engine() -> Engine:
    books = [Book("K1", 0, 1_000, 0, 9_999), Book("K2", 0, 2_000, 0, 9_999), Book("C", 0, 900, 0, 99, 500)]
    made = Engine(Rules(), books)
    for contract in ("K1", "K2"):
        made.apply(New("ann", f"rests-{contract}", contract, SELL, 500, 90))
    made.apply(New("ann", "rests-C", "C", SELL, 500, 90))
    return made


def refusal(engine: Engine, message: Message, at: int | None = None) -> str | None:
    answer = engine.apply(message, at)
    return answer.code if isinstance(answer, Rejected) else None


def hit(contract: str, name: str) -> New:
    return New("bob", name, contract, BUY, 100, 95)


def test_one_contract_is_halted_and_the_others_trade_on(engine) -> None:
    engine.apply(Halt("K1"))
    assert refusal(engine, hit("K1", "1")) == "halted" and refusal(engine, hit("K2", "2")) is None
    assert refusal(engine, Amend("ann", "rests-K1", 400)) == "halted"
    assert refusal(engine, Cancel("ann", "rests-K1")) is None
    engine.apply(Resume("K1"))
    assert refusal(engine, hit("K1", "1")) is None


def test_the_end_of_the_markets_stop_leaves_single_ones(engine) -> None:
    engine.apply(Halt("K1"))
    engine.apply(Halt())
    assert refusal(engine, hit("K2", "1")) == "halted" and engine.halted
    engine.apply(Resume())
    assert refusal(engine, hit("K2", "1")) is None and refusal(engine, hit("K1", "2")) == "halted"


def test_a_frozen_book_stands_still_and_expires_at_its_gate(engine) -> None:
    engine.apply(Halt("K1", freeze=True))
    assert refusal(engine, Cancel("ann", "rests-K1")) == "frozen"
    assert refusal(engine, CancelAll("ann", "K1")) == "frozen"
    assert engine.apply(CancelAll("ann")).count == 2  # those of the contracts that are not frozen
    engine.apply(Time(), 1_000)
    assert [order.key[1] for order in engine.removed] == ["rests-K1"]


def test_a_frozen_market_takes_no_cancellation_at_all(engine) -> None:
    engine.apply(Halt(None, freeze=True))
    assert refusal(engine, Cancel("ann", "rests-K2")) == "frozen" and refusal(engine, CancelAll("ann")) == "frozen"
    engine.apply(Halt())
    assert refusal(engine, Cancel("ann", "rests-K2")) is None


def test_an_opening_auction_waits_while_its_contract_is_halted(engine) -> None:
    engine.apply(Halt("C"))
    assert refusal(engine, Uncross("C")) == "halted"
    engine.apply(Resume("C"))
    assert refusal(engine, Uncross("C")) is None


def test_what_is_over_or_unknown_cannot_be_stopped_and_changes_nothing(engine) -> None:
    seq = engine.seq
    assert refusal(engine, Halt("K9")) == "unknown_contract" and refusal(engine, Resume("K9")) == "unknown_contract"
    assert refusal(engine, Halt("K1"), 1_500) == "gate_closed" and engine.seq == seq


def test_a_recorded_stream_stops_and_goes_on_at_the_same_places() -> None:
    lines = (
        '{"market":{"lot_wh":100,"contracts":[{"id":"K1"},{"id":"K2"}]}}',
        '{"op":"new","participant":"a","client_order_id":"1","contract":"K1","side":"sell","quantity_wh":100,"price":9}',
        '{"op":"halt","contract":"K1","freeze":true}',
        '{"op":"cancel","participant":"a","client_order_id":"1"}',
        '{"op":"new","participant":"b","client_order_id":"1","contract":"K2","side":"buy","quantity_wh":100,"price":9}',
        '{"op":"resume","contract":"K1"}',
        '{"op":"new","participant":"b","client_order_id":"2","contract":"K1","side":"buy","quantity_wh":100,"price":9}',
        '{"op":"halt","contract":7}',
    )
    told = list(replay(lines, "test"))
    assert [(line["result"], line["reason"]) for line in told[:-1]] == [
        ("accepted", None), ("ok", None), ("rejected", "frozen"), ("accepted", None), ("ok", None), ("accepted", None),
        ("rejected", "invalid_message"),
    ]  # fmt: skip
    assert told[5]["trades"][0]["quantity_wh"] == 100


def test_a_pure_call_auction_that_was_stopped_past_its_gate_goes_on_and_uncrosses() -> None:
    engine = Engine(Rules(), [Book("P", 0, 1_000, 0, 9_999, 1_000)])
    for name, side in (("ann", SELL), ("bob", BUY)):
        engine.apply(New(name, "1", "P", side, 500, 90))
    engine.apply(Halt("P"))
    assert refusal(engine, Uncross("P"), 1_100) == "halted"
    assert refusal(engine, Halt("P")) == "gate_closed"
    assert refusal(engine, Resume("P")) is None and refusal(engine, Uncross("P")) is None
    assert engine.books["P"].closed and refusal(engine, Resume("P")) == "gate_closed"
