"""What concerns a contract or the market as a whole: stopping and going on, time, the end of an opening auction.

| | new orders, amendments | cancelling | gates and expiries |
|---|---|---|---|
| running | taken | taken | happen |
| halted | refused (`halted`) | taken | happen |
| frozen | refused (`halted`) | refused (`frozen`) | happen |

The whole market may be stopped, or one contract; of the two the stricter holds. The queue is kept, and an opening
auction waits.
"""

from collections.abc import Iterable

from trading.domain.answers import Answer, Done
from trading.domain.auction import Uncrossing, uncrossing
from trading.domain.book import FROZEN, HALTED, RUNNING, Book, Side
from trading.domain.checks import Rules
from trading.domain.deadlines import Timekeeper
from trading.domain.errors import Rejected
from trading.domain.matching import Limits
from trading.domain.messages import BUY, SELL, ContractKey, Halt, Resume, Time, Uncross


class Phases(Timekeeper):
    """Knows how far trading is stopped, and ends opening auctions."""

    def __init__(self, rules: Rules, books: Iterable[Book], limits: Limits | None) -> None:
        super().__init__(books, limits)
        self.rules = rules
        self.stop = RUNNING

    @property
    def halted(self) -> bool:
        """Whether the whole market is stopped."""
        return self.stop != RUNNING

    def _is_stopped(self, book: Book) -> bool:
        return bool(self.stop or book.stop)

    def _halt(self, message: Halt) -> Answer:
        return self._set_stop(message.contract, FROZEN if message.freeze else HALTED)

    def _resume(self, message: Resume) -> Answer:
        return self._set_stop(message.contract, RUNNING)

    def _set_stop(self, contract: ContractKey | None, stop: int) -> Answer:
        book = None if contract is None else self.books.get(contract)
        if contract is not None and book is None:
            return Rejected("unknown_contract")
        # A pure call auction that was stopped still waits behind its gate: only its going on ends it.
        over = book is not None and self.now >= book.gate_closes_at and not (stop == RUNNING and book.awaits_uncrossing)
        if over:
            return Rejected("gate_closed")
        self.seq += 1
        if book is None:
            self.stop = stop
        else:
            book.stop = stop
        return Done()

    def _time(self, _message: Time) -> Answer:
        self.seq += 1
        return Done(len(self.removed))

    def indicative(self, contract: ContractKey) -> Uncrossing:
        """The price and volume at which a contract would uncross now."""
        book = self.books[contract]
        return uncrossing(_totals(book.bids, BUY), _totals(book.asks, SELL), self.rules.tick)

    def _uncross(self, message: Uncross) -> Answer:
        book = self.books.get(message.contract)
        if book is None:
            return Rejected("unknown_contract")
        pure_call = book.awaits_uncrossing
        if self.now >= book.gate_closes_at and not pure_call:
            return Rejected("gate_closed")
        if self._is_stopped(book):
            return Rejected("halted")
        self.seq += 1
        price = None
        if book.call:
            price, volume = self.indicative(message.contract)
            book.call = False
            book.own = {}
            if price is not None:
                self._fill_at_one_price(book, price, volume)
        if pure_call and self.now >= book.gate_closes_at:
            self._close_gate(book)
        return Done(len(self.trades), price)


def _totals(side: Side, sign: int) -> list[tuple[int, int]]:
    """(price, Wh) of each level, best first, icebergs with all they have."""
    return [(sign * key, sum([o.remaining for o in side.levels[key]])) for key in reversed(side.keys)]
