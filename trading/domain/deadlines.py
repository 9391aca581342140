"""What the passing of time does to a market: gates close, and orders whose time is over expire.

The engine has no clock. Each message brings its moment, and before the message is taken everything that was due by then
happens, in the order of the moments; at one and the same moment a gate comes before the orders, and these in the order
of their placing.
"""

from collections.abc import Iterable
from heapq import heappop, heappush
from typing import Any

from trading.domain.book import Book
from trading.domain.matching import Limits, Matcher
from trading.domain.messages import ContractKey
from trading.domain.orders import EXPIRED, Order

NEVER = 1 << 62


class Timekeeper(Matcher):
    """Knows the moment, and what falls due when."""

    def __init__(self, books: Iterable[Book], limits: Limits | None) -> None:
        super().__init__(limits)
        self.books: dict[ContractKey, Book] = {book.contract: book for book in books}
        self.now = 0
        self._due: list[tuple[int, int, int, Any]] = []  # (moment, seq or 0 for a gate, tie-break, order or book)
        for number, book in enumerate(self.books.values()):
            heappush(self._due, (book.gate_closes_at, 0, number, book))
        self._next_due = self._due[0][0] if self._due else NEVER

    def _watch_expiry(self, order: Order) -> None:
        if order.request.expires_at:
            # The priority tells an amended order from its former self, which is still in the heap, dead.
            heappush(self._due, (order.request.expires_at, order.seq, order.priority, order))
            self._next_due = self._due[0][0]

    def _pass_time(self) -> None:
        """Closes the gates and ends the orders whose time has come, in order of their time."""
        kept = []
        while self._due and self._due[0][0] <= self.now:
            entry = heappop(self._due)
            if isinstance(entry[3], Order):
                self._expire(entry[3])
            elif entry[3].awaits_uncrossing:
                kept.append(entry)
            else:
                self._close_gate(entry[3])
        for entry in kept:
            heappush(self._due, entry)
        self._next_due = self._due[0][0] if self._due else NEVER

    def _expire(self, order: Order) -> None:
        if order.remaining:
            self._withdraw(order, EXPIRED, "expired")

    def _close_gate(self, book: Book) -> None:
        for side in (book.bids, book.asks):
            for order in list(side.orders()):
                self._withdraw(order, EXPIRED, "gate_closed")
        book.closed = True
