"""The event stream of a market, read from its log: in full for those who route it, and the two views they may show."""

from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from trading.domain.orders import STATUS_NAMES
from trading.domain.stream import ORDER_FIELDS, Event
from trading.models import Command
from trading.queries.trades import TradeView
from units.interval import from_ms, to_ms

MAX_EVENTS = 1_000


@dataclass(frozen=True, slots=True)
class PublicEvent:
    """What anyone may see of an event: `book` is [contract, side, price, Δ Wh, Δ orders]; trades carry no names."""

    seq: int
    at: datetime
    op: str
    book: list[list[int]]
    trades: list[TradeView]


@dataclass(frozen=True, slots=True)
class OwnEvent:
    """What an event did to own orders, each as it stood afterwards (the fields of `order_view`)."""

    seq: int
    at: datetime
    op: str
    orders: list[dict[str, Any]]


def events(market_id: int, after: int, limit: int = MAX_EVENTS) -> list[Event]:
    """The events with `seq` > `after`, in order, at most `limit`. Private: they name who did what."""
    rows = Command.objects.filter(market=market_id, seq__gt=after).order_by("seq")
    fields = rows.values_list("seq", "at", "op", "outcome")[: min(limit, MAX_EVENTS)]
    return [Event(seq, to_ms(at), op, outcome) for seq, at, op, outcome in fields]


def public_events(market_id: int, after: int, limit: int = MAX_EVENTS) -> list[PublicEvent]:
    """The events after `after` as anyone may see them; every sequence number is there, so that a gap shows."""
    return [public_view(event) for event in events(market_id, after, limit)]


def own_events(
    market_id: int, participant_ids: Collection[int], after: int, limit: int = MAX_EVENTS
) -> list[OwnEvent]:  # fmt: skip
    """The events after `after` with what they did to the orders of these participants, and nothing of anyone else's."""
    return [
        OwnEvent(event.seq, from_ms(event.at_ms), event.op, own_orders_in(event, participant_ids))
        for event in events(market_id, after, limit)
    ]


def public_view(event: Event) -> PublicEvent:
    """The event without names and orders."""
    at = from_ms(event.at_ms)
    trades = [TradeView(no, key, price, wh, side, at, event.seq) for no, key, price, wh, side, *_ in event.trades]
    return PublicEvent(event.seq, at, event.op, [list(entry) for entry in event.book], trades)


def own_orders_in(event: Event, participant_ids: Collection[int]) -> list[dict[str, Any]]:
    """The touched orders of these participants."""
    return [order_view(row) for row in event.orders if row[1] in participant_ids]


def order_view(row: list[Any]) -> dict[str, Any]:
    """An order of an event by field name, its status in words."""
    fields = dict(zip(ORDER_FIELDS, row, strict=True))
    return fields | {"status": STATUS_NAMES[fields["status"]]}
