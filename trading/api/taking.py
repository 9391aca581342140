"""Takes order messages to their markets and tells what became of each, single ones and bulks alike.

A message is prepared (whose is it, which market, does the caller trade for it), those of one market are submitted
together in their order, and each gets its own result. What cannot be prepared gets its refusal without the market.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast
from uuid import UUID, uuid4

from msgspec.structs import replace

from accounts.api.problems import Problem, for_reader, unavailable
from accounts.api.reading import check_moment
from accounts.models import User
from accounts.policies import seat_may_trade
from accounts.queries import Seat, seats
from trading.api import present
from trading.api.refusals import fault, fault_of, status_of
from trading.api.shapes import AmendOrder, CancelOrder, NewOrder, Order, Result, Tif
from trading.domain.messages import BUY, SELL, Amend, Cancel, New
from trading.operations import MarketUnavailable, Reply, submit
from trading.queries.order_pages import OrderKey, OrderRow, orders_by_key, trades_of_orders
from trading.queries.routes import MarketRoute, markets_of, routes_of_contracts, routes_of_markets
from units.interval import from_ms, to_ms
from units.uuid7 import IdError, at_ms_of, market_and_seq

Wish = NewOrder | AmendOrder | CancelOrder


@dataclass(slots=True)
class Prepared:
    """A message ready for its market, and what was asked for."""

    route: MarketRoute
    message: New | Amend | Cancel
    wish: Wish
    participant: str
    tif: Tif = "GTC"

    @property
    def note(self) -> str:
        return self.wish.note if isinstance(self.wish, NewOrder) else ""


class Desk:
    """What one caller's messages refer to, read in three queries at most: seats, contracts, own orders."""

    def __init__(self, user: User, wishes: Sequence[Wish | Problem]) -> None:
        self.user = user
        self.seats = seats(user)
        contracts = {w.contract_id for w in wishes if isinstance(w, NewOrder)}
        self._contracts = routes_of_contracts(contracts) if contracts else {}
        keys = {key_of(w.order_id) for w in wishes if isinstance(w, AmendOrder | CancelOrder)}
        self._orders = orders_by_key(key for key in keys if key)
        self._markets = routes_of_markets({row.market_id for row in self._orders.values()}) if self._orders else {}

    def prepare(self, wish: Wish) -> Prepared:
        """The message for the market. Raises Problem where the caller may not, or there is nothing to ask."""
        if isinstance(wish, NewOrder):
            return self._new(wish)
        row = self._own(wish.order_id)
        route = self._markets[row.market_id]
        if isinstance(wish, CancelOrder):
            return Prepared(route, Cancel(row.participant_id, row.client_order_id), wish, row.participant)
        if wish.revision not in (None, row.revision):
            sentence = f"The order has changed since; it is at revision {row.revision}. Look at it again."
            raise Problem(409, "revision_conflict", sentence, field="revision", bound=row.revision)
        message = Amend(row.participant_id, row.client_order_id, wish.quantity_wh, wish.price)
        return Prepared(route, message, wish, row.participant)

    def _new(self, wish: NewOrder) -> Prepared:
        seat = trading_seat(self.seats, wish.participant)
        route = self._contracts.get(wish.contract_id)
        if route is None:
            raise refused("unknown_contract", "contract_id")
        party = seat.participant_id
        # Where limits are enforced, the market itself refuses whoever is not admitted.
        if not route.limits_enforced and (route.market_id, party) not in markets_of([party]):
            raise refused("unknown_participant", "participant")
        if (wish.type == "limit") != (wish.price is not None):
            raise refused("invalid_price", "price")
        message = message_for(wish, party)
        return Prepared(route, message, wish, seat.code, cast(Tif, message.tif))

    def _own(self, order_id: UUID) -> OrderRow:
        key = key_of(order_id)
        row = self._orders.get(key) if key else None
        seat = next((seat for seat in self.seats if row and seat.participant_id == row.participant_id), None)
        if row is None or row.order_id != order_id or seat is None:
            raise refused("unknown_order", "order_id")
        check_trades(seat)
        return row


def take(user: User, wishes: Sequence[Wish | Problem], *, all_or_none: bool = False) -> list[Result]:
    """Submits the messages of a caller; the results are in their order. With `all_or_none` one refusal undoes all."""
    desk = Desk(user, wishes)
    results: dict[int, Result] = {}
    lots: dict[int, list[tuple[int, Prepared]]] = defaultdict(list)
    for index, wish in enumerate(wishes):
        try:
            if isinstance(wish, Problem):
                raise wish
            prepared = desk.prepare(wish)
            lots[prepared.route.market_id].append((index, prepared))
        except Problem as problem:
            results[index] = Result(problem.status, error=for_reader(problem.fault))
    if all_or_none and (results or len(lots) > 1):
        code = "bulk_rejected" if results else "bulk_of_several_markets"
        return [results.get(index) or Result(status_of(code), error=fault(code)) for index in range(len(wishes))]
    for lot in lots.values():
        answers = _submit(user, [each for _, each in lot], all_or_none)
        results.update(zip([index for index, _ in lot], answers, strict=True))
    return [results[index] for index in range(len(wishes))]


def _submit(user: User, lot: list[Prepared], all_or_none: bool) -> list[Result]:
    """One market's share. Where its outcome is not known, each message says so."""
    route = lot[0].route
    messages, notes = [each.message for each in lot], [each.note for each in lot]
    now = route.now(datetime.now(UTC))
    try:
        replies = submit(route.market_id, messages, by=user, at=now, notes=notes, all_or_none=all_or_none)
    except MarketUnavailable:
        problem = unavailable()
        return [Result(problem.status, error=for_reader(problem.fault)) for _ in lot]
    present_states = _present_states(route.market_id, replies)
    return [_result(each, reply, present_states) for each, reply in zip(lot, replies, strict=True)]


def _present_states(market_id: int, replies: Sequence[Reply]) -> dict[int, Order]:
    """seq → the order as it stands, for those that were not placed just now. A duplicate shows all its trades."""
    told = [reply for reply in replies if reply.order and reply.result != "accepted"]
    rows = orders_by_key((market_id, reply.order.seq) for reply in told if reply.order)
    repeated = {reply.order.seq for reply in told if reply.order and reply.result == "duplicate"}
    trades = trades_of_orders(row for row in rows.values() if row.seq in repeated)
    return {row.seq: present.stored_order(row, trades.get(row.key, ())) for row in rows.values()}


def _result(prepared: Prepared, reply: Reply, states: dict[int, Order]) -> Result:
    if reply.rejected:
        return Result(status_of(reply.reason), error=fault_of(reply))
    assert reply.order is not None
    if reply.result == "accepted" and isinstance(prepared.wish, NewOrder):
        placed = present.placed_order(prepared.wish, prepared.participant, prepared.tif, reply.order, reply.trades)
        return Result(201, order=placed)
    order = states[reply.order.seq]
    if reply.result == "duplicate":
        return Result(200, order=replace(order, duplicate=True))
    return Result(200, order=replace(order, trades=present.fills_of(reply.trades, reply.seq, order.updated_at)))


def message_for(wish: NewOrder, party: int) -> New:
    """The order as the market reads it. Raises Problem for a moment that is none."""
    expires = to_ms(check_moment(wish.expires_at, "expires_at")) if wish.expires_at else 0
    tif = wish.tif or ("GTC" if wish.type == "limit" else "IOC")
    return New(
        party, wish.client_order_id or str(uuid4()), wish.contract_id, BUY if wish.side == "buy" else SELL,
        wish.quantity_wh, wish.price, tif, expires, wish.post_only, wish.stp, wish.display_wh, wish.min_quantity_wh,
    )  # fmt: skip


def trading_seat(own: Sequence[Seat], code: str | None) -> Seat:
    """The seat that the caller means to trade from. Raises Problem 404, 403, or 400 where it must be named."""
    if code is not None:
        seat = next((seat for seat in own if seat.code == code), None)
        if seat is None:
            raise Problem(404, "unknown_participant", "You do not act for this participant.", field="participant")
        return check_trades(seat)
    able = [seat for seat in own if seat_may_trade(seat)]
    if len(able) == 1:
        return able[0]
    if able:
        told = "You trade for several participants; name one of " + ", ".join(seat.code for seat in able) + "."
        raise Problem(400, "participant_required", told, field="participant")
    raise Problem(403, "forbidden", "You may not trade for any participant.")


def check_trades(seat: Seat) -> Seat:
    """Raises Problem 403 unless the seat lets its user trade."""
    if not seat_may_trade(seat):
        raise Problem(403, "forbidden", f"You may look at {seat.name}, but not trade for it.", field="participant")
    return seat


def refused(code: str, field: str) -> Problem:
    """A refusal of the market's that was found before the market was asked."""
    told = fault(code)
    return Problem(status_of(code), code, told.message, field=field)


def key_of(order_id: UUID) -> OrderKey | None:
    """(market, seq) inside an id, or None where it is no id of an order."""
    try:
        at = from_ms(at_ms_of(order_id))
        return market_and_seq(order_id) if at else None
    except (IdError, OverflowError):
        return None
