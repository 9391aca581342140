"""What a live socket may subscribe to, and when a frame goes out.

A stream is one channel of one market at one conflation. It gathers what changed, and at most every `conflate_ms` makes
one frame of it, serialised once and handed to every socket that listens. Each frame says `prev_seq` → `seq`; quantities
are absolute and 0 deletes the level, so that a frame may be applied to any state between the two.

    event 8: +500 Wh at 1,690      event 9: +200 Wh at 1,690      one frame: prev_seq 7, seq 9, asks [[1690, 700, 2]]
"""

import asyncio
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol

import msgspec

from trading.domain.stream import Books, Event
from trading.queries.events import own_orders_in, public_view
from units.interval import from_ms

_encode = msgspec.json.encode
TRADE_FIELDS = ("trade_no", "contract_id", "price", "wh", "taker_side", "at", "seq")


class Listener(Protocol):
    """A socket's outbox."""

    def put(self, frame: str) -> None:
        """Takes a frame, at once and without waiting."""


@dataclass
class State:
    """Where the market stands for those who follow it."""

    seq: int
    at_ms: int
    books: Books


def frame(
    channel: str, kind: str, seq: int, at_ms: int, data: Any, *, prev_seq: int | None = None, **scope: Any
) -> str:
    """One message of the protocol as text. `scope` says what it is about: the contract, the participant."""
    body = {"channel": channel, "type": kind, **scope, "seq": seq, "prev_seq": prev_seq, "at": from_ms(at_ms)}
    return _encode(body | {"data": data}).decode()


class Stream:
    """One channel at one conflation: who listens, what changed since the last frame, when the next one may go."""

    channel = ""

    def __init__(self, state: State, conflate_ms: int, **scope: Any) -> None:
        self.state = state
        self.scope = scope
        self.listeners: set[Listener] = set()
        self.seq = state.seq
        self._gap_s = conflate_ms / 1_000
        self._sent_at = 0.0
        self._timer: asyncio.TimerHandle | None = None

    def note(self, event: Event) -> None:
        """Remember what the event changed, and see to it that a frame goes out."""
        if self._gather(event):
            self._schedule()

    def _schedule(self) -> None:
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_at(max(loop.time(), self._sent_at + self._gap_s), self.flush)

    def flush(self) -> None:
        """Send what was gathered to all who listen."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        data = self._drain()
        if data is None:
            return
        self._sent_at = asyncio.get_running_loop().time()
        text = frame(
            self.channel, "update", self.state.seq, self.state.at_ms, data, prev_seq=self.seq, **self.scope
        )  # fmt: skip
        self.seq = self.state.seq
        self._hand_out(text)

    def reset(self) -> None:
        """After a break in the stream: forget what was gathered and give everyone a new snapshot."""
        self._drain()
        self.seq = self.state.seq
        self._hand_out(self.snapshot())

    def close(self) -> None:
        """Send nothing any more."""
        if self._timer is not None:
            self._timer.cancel()

    def _hand_out(self, text: str) -> None:
        for listener in tuple(self.listeners):
            listener.put(text)

    def snapshot(self) -> str:
        """The present state as a frame."""
        return frame(self.channel, "snapshot", self.state.seq, self.state.at_ms, self.present(), **self.scope)

    def catch_up(self, events: Iterable[Event], since: int) -> str:
        """One frame that brings a listener from `since` to now, given every event in between."""
        data = self.merged(events)
        return frame(
            self.channel, "update", self.state.seq, self.state.at_ms, data, prev_seq=since, **self.scope
        )  # fmt: skip

    def present(self) -> Any:
        """The data of a snapshot."""
        raise NotImplementedError

    def merged(self, events: Iterable[Event]) -> Any:
        """The data of an update that stands for these events."""
        raise NotImplementedError

    def _gather(self, event: Event) -> bool:
        raise NotImplementedError

    def _drain(self) -> Any:
        raise NotImplementedError


class BookStream(Stream):
    """The visible book of one contract: `bids` and `asks` as [price, Wh, orders]."""

    channel = "book"

    def __init__(self, state: State, conflate_ms: int, contract_id: int) -> None:
        super().__init__(state, conflate_ms, contract_id=contract_id)
        self._contract = contract_id
        self._changed: set[tuple[int, int]] = set()

    def _gather(self, event: Event) -> bool:
        self._changed |= _levels(event, self._contract)
        return bool(self._changed)

    def _drain(self) -> Any:
        changed, self._changed = self._changed, set()
        return self._data(changed) if changed else None

    def _data(self, keys: Iterable[tuple[int, int]]) -> dict[str, list[tuple[int, int, int]]]:
        book = self.state.books.of(self._contract)
        rows = {side: [(price, *book.get((side, price), (0, 0))) for s, price in keys if s == side] for side in (1, -1)}
        return {"bids": sorted(rows[1], reverse=True), "asks": sorted(rows[-1])}

    def present(self) -> dict[str, list[tuple[int, int, int]]]:
        return self._data(self.state.books.of(self._contract))

    def merged(self, events: Iterable[Event]) -> dict[str, list[tuple[int, int, int]]]:
        return self._data({key for event in events for key in _levels(event, self._contract)})


def _levels(event: Event, contract: int) -> set[tuple[int, int]]:
    return {(side, price) for key, side, price, *_ in event.book if key == contract}


class TradesStream(Stream):
    """Every trade of the market, none left out, as `TRADE_FIELDS`; no names."""

    channel = "trades"

    def __init__(self, state: State, conflate_ms: int, last: Callable[[], list[tuple[Any, ...]]]) -> None:
        super().__init__(state, conflate_ms)
        self._last = last
        self._new: list[tuple[Any, ...]] = []

    def _gather(self, event: Event) -> bool:
        self._new += trade_rows(event)
        return bool(self._new)

    def _drain(self) -> Any:
        new, self._new = self._new, []
        return new or None

    def present(self) -> list[tuple[Any, ...]]:
        return self._last()

    def merged(self, events: Iterable[Event]) -> list[tuple[Any, ...]]:
        return [row for event in events for row in trade_rows(event)]


def trade_rows(event: Event) -> list[tuple[Any, ...]]:
    """The public trades of an event as `TRADE_FIELDS`."""
    trades = public_view(event).trades
    return [(t.trade_no, t.contract_id, t.price, t.quantity_wh, t.taker_side, t.at, t.seq) for t in trades]


class OrdersStream(Stream):
    """The orders of one participant, as they stand after the event. Private: the consumer decides who may listen."""

    channel = "orders"

    def __init__(self, state: State, participant_id: int) -> None:
        super().__init__(state, 0, participant_id=participant_id)
        self._party = frozenset((participant_id,))
        self._new: dict[int, dict[str, Any]] = {}

    def _gather(self, event: Event) -> bool:
        self._new.update((order["seq"], order) for order in own_orders_in(event, self._party))
        return bool(self._new)

    def _drain(self) -> Any:
        new, self._new = self._new, {}
        return list(new.values()) or None

    def merged(self, events: Iterable[Event]) -> list[dict[str, Any]]:
        orders = {row["seq"]: row for event in events for row in own_orders_in(event, self._party)}
        return list(orders.values())


class Notices(Stream):
    """A stream of its own making: whole rows or hints, outside the chain of `prev_seq`, to be taken as they come."""

    def __init__(self, state: State) -> None:
        super().__init__(state, 0)

    def _gather(self, event: Event) -> bool:
        return False

    def _drain(self) -> Any:
        return None

    def catch_up(self, events: Iterable[Event], since: int) -> str:
        """The present state: these streams keep no past."""
        return self.snapshot()

    def tell(self, seq: int, data: Any) -> None:
        """Send this to all who listen."""
        self.seq = seq
        self._hand_out(frame(self.channel, "update", seq, self.state.at_ms, data))


class ContractsStream(Notices):
    """Contract summaries, read from the database about once a second, and sent where they changed."""

    channel = "contracts"

    def __init__(self, state: State) -> None:
        super().__init__(state)
        self.rows: dict[int, Any] = {}

    def load(self, rows: dict[int, Any], seq: int) -> None:
        """These are all contracts now; what is not among them is forgotten."""
        changed = self._changed(rows)
        self.rows = rows
        if changed:
            self.tell(seq, changed)

    def refresh(self, rows: dict[int, Any], seq: int) -> None:
        """These changed perhaps; the others stay."""
        self.load(self.rows | rows, seq)

    def _changed(self, rows: dict[int, Any]) -> list[Any]:
        return [row for key, row in rows.items() if self.rows.get(key) != row]

    def present(self) -> list[Any]:
        return list(self.rows.values())


class EnergyStream(Notices):
    """A hint that an interval was settled: own energy and money are worth fetching again."""

    channel = "energy"

    def present(self) -> None:
        return None
