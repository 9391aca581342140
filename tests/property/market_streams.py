"""Random markets and streams of messages for the property tests of the matching core."""

from collections.abc import Callable
from random import Random
from typing import Any, NamedTuple

from hypothesis import strategies as st

from tests.property.naive_book import NaiveContract, NaiveMarket
from trading.domain.book import Book
from trading.domain.checks import Rules
from trading.domain.engine import Engine
from trading.domain.messages import Amend, Cancel, CancelAll, Halt, Message, New, Resume, Time, Uncross
from trading.domain.orders import STATUS_NAMES, Order

OWNERS = {"ann": "family", "bob": "family"}
PARTICIPANTS = ("ann", "bob", "cam", "dan", "eve")
LOWEST, HIGHEST = -6, 8
CONTRACTS = {  # name: opens, closes, call until
    "continuous": (0, 90, 0),
    "opening": (0, 100, 40),
    "call": (10, 60, 60),
    "late": (30, 90, 0),
}


class Timed(NamedTuple):
    message: Message
    at: int | None


def engine_of(tick: int) -> Engine:
    books = [Book(name, opens, closes, LOWEST, HIGHEST, until) for name, (opens, closes, until) in CONTRACTS.items()]
    return Engine(Rules(tick, 100, 100, 1_500), books, owners=dict(OWNERS))


def naive_of(tick: int) -> NaiveMarket:
    contracts = [
        NaiveContract(name, opens, closes, LOWEST, HIGHEST, until) for name, (opens, closes, until) in CONTRACTS.items()
    ]
    return NaiveMarket(Rules(tick, 100, 100, 1_500), contracts, dict(OWNERS))


# Streams. Hypothesis draws a seed for each message: the mix stays as meant, and shrinking drops messages.


def random_message(chance: Random) -> Message:
    """Any message; one order in eight has something to refuse."""
    kind = chance.random()
    if kind < 0.66:
        order = random_order(chance, chance.choice(("continuous", "continuous", "opening", "call", "late")))
        return spoilt(order, chance) if chance.random() < 0.12 else order
    if kind < 0.76:
        return Cancel(*random_key(chance))
    if kind < 0.9:
        return random_amend(chance)
    return chance.choice(
        (
            CancelAll(chance.choice(PARTICIPANTS), chance.choice((None, None, "continuous", "opening", "unknown"))),
            Halt(chance.choice((None, "continuous", "opening", "unknown")), chance.random() < 0.4),
            *[Resume()] * 4,
            *[Resume("continuous"), Resume("opening")] * 2,
            *[Time()] * 2,
            *[Uncross("opening")] * 2,
            Uncross("call"),
            Uncross(chance.choice(("call", "continuous", "unknown"))),
        )
    )


def random_key(chance: Random) -> tuple[str, str]:
    return chance.choice(PARTICIPANTS), f"o{chance.randrange(30)}"


def random_order(chance: Random, contract: str) -> New:
    """An order that nothing is wrong with, but perhaps for the phase its contract is in."""
    quantity = chance.randint(1, 12) * 100
    order = New(*random_key(chance), contract, chance.choice((1, -1)), quantity, chance.randint(-3, 4) * 2)
    order = order._replace(stp=chance.choice(("cancel_taker", "cancel_maker", "cancel_both")))
    if chance.random() < 0.3:
        order = order._replace(display_wh=min(chance.randint(1, 3) * 100, quantity))
    if contract == "continuous" and chance.random() < 0.4:
        order = order._replace(tif=chance.choice(("IOC", "FOK")))
        if chance.random() < 0.3:
            order = order._replace(price=None, display_wh=0)
    if contract == "continuous" and chance.random() < 0.15:
        order = order._replace(min_quantity_wh=chance.randint(1, quantity // 100) * 100)
    if order.tif == "GTC" and chance.random() < 0.2:
        order = order._replace(tif="GTD", expires_at=chance.randint(10, 120))
    return order._replace(post_only=order.tif == "GTC" and chance.random() < 0.1)


def spoilt(order: New, chance: Random) -> New:
    """An order with one or two rules broken, perhaps."""
    faults: list[dict[str, Any]] = [
        {"contract": "unknown"}, {"side": 0}, {"side": 2}, {"quantity_wh": 0}, {"quantity_wh": -100},
        {"quantity_wh": 150}, {"quantity_wh": 1_600}, {"price": -3}, {"price": -8}, {"price": 10}, {"price": None},
        {"tif": "DAY"}, {"tif": "GTD"}, {"tif": "IOC"}, {"tif": "FOK"}, {"expires_at": 5}, {"expires_at": 500},
        {"stp": "none"}, {"display_wh": -100}, {"display_wh": 50}, {"display_wh": 1_400}, {"min_quantity_wh": -100},
        {"min_quantity_wh": 50}, {"min_quantity_wh": 1_400}, {"min_quantity_wh": 100}, {"post_only": True},
    ]  # fmt: skip
    return order._replace(**{**chance.choice(faults), **chance.choice(faults)})


def random_amend(chance: Random) -> Amend:
    """Mostly fine; now and then nothing, off the tick, off the lot or out of range."""
    quantity = chance.choice((None, *(lots * 100 for lots in range(1, 13)), 0, 150, 1_600))
    price = chance.choice((None, None, None, *(step * 2 for step in range(-3, 5)), 1, 10))
    return Amend(*random_key(chance), quantity, price)


def random_crowd_message(chance: Random) -> Message:
    """One continuous contract, few prices, many icebergs, fill-or-kills and own orders, nothing to refuse."""
    kind = chance.random()
    if kind < 0.1:
        return Cancel(*random_key(chance))
    if kind < 0.25:
        return Amend(*random_key(chance), chance.randint(1, 12) * 100, chance.choice((None, 0, 2)))
    order = random_order(chance, "continuous")._replace(post_only=False)
    return order if order.price is None else order._replace(price=chance.choice((0, 2)) - order.side)


def random_call_order(chance: Random) -> Message:
    return random_order(chance, "opening")._replace(tif="GTC", expires_at=0)


def seeded(make: Callable[[Random], Message], least: int, most: int) -> st.SearchStrategy[list[Timed]]:
    """Streams of such messages, without moments."""
    worlds = st.integers(0, 2**32 - 1)
    seeds = st.lists(st.integers(0, 10**6), min_size=least, max_size=most, unique=True)
    return st.builds(
        lambda world, drawn: [Timed(make(Random(f"{world}/{seed}")), None) for seed in drawn], worlds, seeds
    ).map(aimed)


def aimed(stream: list[Timed]) -> list[Timed]:
    """Lets most cancellations and amendments name an order that came before."""
    placed: list[New] = []
    result: list[Timed] = []
    for message, at in stream:
        chance = Random(f"{message}{len(placed)}")
        if isinstance(message, New):
            placed.append(message)
        elif isinstance(message, Cancel | Amend) and placed and chance.random() < 0.9:
            target = chance.choice(placed[-12:])
            message = message._replace(participant=target.participant, client_order_id=target.client_order_id)
        result.append(Timed(message, at))
    return result


def timed(stream: list[Timed]) -> list[Timed]:
    """The same with moments that mostly go forward; now and then an earlier message is sent again as it was."""
    chance, now, result = Random(str(stream)), 0, []
    for message, _ in stream:
        now += chance.choice((0, 1, 2, 5))
        result.append(Timed(message, chance.choice((now, now, None, max(0, now - 3)))))
        if chance.random() < 0.06:
            result.append(Timed(chance.choice(result).message, now))
    return result


streams = seeded(random_message, 15, 60).map(timed)
crowded = seeded(random_crowd_message, 15, 60)
calls = st.tuples(seeded(random_call_order, 2, 30), seeded(random_call_order, 0, 8)).map(
    lambda parts: [*parts[0], Timed(Uncross("opening"), None), *parts[1]]
)


# What can be seen of a market


def seen(engine: Engine) -> dict[str, Any]:
    """Books in priority order and all orders."""
    books = {}
    for name, book in engine.books.items():
        for word, side in (("bids", book.bids), ("asks", book.asks)):
            books[name, word] = [(o.key, o.price, o.remaining, o.visible) for o in side.orders()]
    return {"books": books, "orders": {key: state(order) for key, order in engine.orders.items()}}


def state(order: Order) -> tuple[Any, ...]:
    return (
        STATUS_NAMES[order.status], order.reason, order.price, order.quantity, order.filled, order.remaining,
        order.value,
    )  # fmt: skip


def seen_naively(market: NaiveMarket) -> dict[str, Any]:
    books = {}
    for name, contract in market.contracts.items():
        for word, buys in (("bids", True), ("asks", False)):
            books[name, word] = [(o.key, o.price, o.left, o.clip) for o in market.queue(contract, buys)]
    orders = {o.key: (o.status, o.reason, o.price, o.quantity, o.filled, o.left, o.value) for o in market.orders}
    return {"books": books, "orders": orders}
