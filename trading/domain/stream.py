"""Follows a market from its event stream: puts events in order, and keeps the visible book that they amount to.

A broker may lose, repeat or reorder what it carries; the sequence number of each event tells. What repeats is dropped,
what comes early waits for what is missing, and whoever follows fetches that from the log. So the law holds that
*old snapshot + events = new snapshot*, whatever happens on the way.

    at 7, book {1,690: 500 Wh}      event 9 arrives: it waits          event 8 arrives: 8 and 9 are applied, in order
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple

# An early event waits for those before it; beyond this many the log is the better source.
MAX_EARLY = 10_000


class StreamError(ValueError):
    """An event does not fit the state that it should change; only a new snapshot helps."""

    code = "stream_broken"


class Event(NamedTuple):
    """One accepted command of a market: what it was and what it did. `at_ms` is market time since 1970."""

    seq: int
    at_ms: int
    op: str
    outcome: dict[str, Any]

    @property
    def book(self) -> Iterable[tuple[int, int, int, int, int]]:
        """Changes of the visible book: (contract, side, price, Δ Wh, Δ orders)."""
        return self.outcome.get("book", ())

    @property
    def trades(self) -> Iterable[list[int]]:
        """Fills: [trade_no, contract, price, Wh, taker side, buyer, seller, buy seq, sell seq]. Parties are private."""
        return self.outcome.get("trades", ())

    @property
    def orders(self) -> Iterable[list[Any]]:
        """Every order touched, as `ORDER_FIELDS`. Private."""
        return self.outcome.get("orders", ())

    @property
    def contracts(self) -> set[int]:
        """The contracts that this event changed."""
        changed = {entry[0] for entry in self.book} | {entry[1] for entry in self.trades}
        return changed | {entry[2] for entry in self.orders}


ORDER_FIELDS = (
    "seq", "participant_id", "contract_id", "side", "price", "quantity_wh", "filled_wh", "remaining_wh", "status",
    "action", "reason", "client_order_id", "value_millidong",
)  # fmt: skip


class Sequencer:
    """Hands events out in order, each once. `seq` is the last one handed out."""

    def __init__(self, seq: int) -> None:
        self.seq = seq
        self._early: dict[int, Event] = {}

    def take(self, events: Iterable[Event]) -> list[Event]:
        """The events that are next in line now, out of these and of those that waited."""
        for event in events:
            if event.seq > self.seq and len(self._early) < MAX_EARLY:
                self._early[event.seq] = event
        return list(self._next_in_line())

    def _next_in_line(self) -> Iterator[Event]:
        while (event := self._early.pop(self.seq + 1, None)) is not None:
            self.seq += 1
            yield event

    @property
    def has_gap(self) -> bool:
        """Whether something waits for an event that has not come."""
        return bool(self._early)

    def restart(self, seq: int) -> list[Event]:
        """Go on after a snapshot taken at `seq`; returns what waited and is next in line now."""
        self.seq = seq
        self._early = {number: event for number, event in self._early.items() if number > seq}
        return list(self._next_in_line())


Level = tuple[int, int]  # visible Wh, number of orders
Book = dict[tuple[int, int], Level]  # (side, price) → level


class Books:
    """The visible book of every contract of a market, by price level."""

    def __init__(self) -> None:
        self._books: dict[int, Book] = {}

    def load(self, rows: Iterable[tuple[int, int, int, int, int]]) -> None:
        """Start afresh from (contract, side, price, Wh, orders)."""
        self._books = {}
        for contract, side, price, wh, orders in rows:
            self._books.setdefault(contract, {})[side, price] = (wh, orders)

    def apply(self, event: Event) -> None:
        """Change the levels that the event changed. Raises StreamError where a level would fall below nothing."""
        for contract, side, price, wh, orders in event.book:
            book = self._books.setdefault(contract, {})
            held_wh, held_orders = book.get((side, price), (0, 0))
            left = (held_wh + wh, held_orders + orders)
            if min(left) < 0:
                raise StreamError(f"Event {event.seq} takes more from {price} VND/kWh than contract {contract} shows.")
            if any(left):
                book[side, price] = left
            else:
                book.pop((side, price), None)

    def of(self, contract: int) -> Book:
        """The levels of one contract; an empty book where nothing rests."""
        return self._books.get(contract, {})

    def side(self, contract: int, side: int) -> list[tuple[int, int, int]]:
        """(price, Wh, orders) of one side, best first: bids (1) falling, asks (−1) rising."""
        rows = [(price, *level) for (s, price), level in self.of(contract).items() if s == side]
        return sorted(rows, reverse=side > 0)
