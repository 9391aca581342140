"""From what a participant wants on offer to the messages that make its standing orders say so.

A standing order is known by its client order id `si-<contract>-<side>-<step>`: it follows from what is wanted and when,
so a second worker that plans the same step sends the same ids and changes nothing. One order a side is kept and amended
as the ramp moves; energy on offer by hand is left alone and taken off what is wanted.

Example: 1,200 Wh wanted to sell at 1,495, an open order of 2,000 Wh at 1,750 of which 500 are filled → amend it to a
total of 1,700 at 1,495. Nothing wanted → cancel it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from trading.domain.messages import BUY, SELL, Amend, Cancel, Message, New

PREFIX = "si-"
_LETTER = {BUY: "b", SELL: "s"}


@dataclass(frozen=True, slots=True)
class OpenOrder:
    """A standing order as it rests in the book."""

    client_order_id: str
    side: int
    price: int
    filled_wh: int
    remaining_wh: int


@dataclass(frozen=True, slots=True)
class Sizes:
    """The market's lot and the smallest and largest order, in Wh."""

    lot_wh: int
    min_wh: int
    max_wh: int


@dataclass(frozen=True, slots=True)
class Wanted:
    """So much on offer on one side, in Wh, and the limit; None: no price makes sense now."""

    side: int
    wh: int
    price: int | None


def client_order_id(contract: int, side: int, step: int) -> str:
    """The id of the standing order that a step may place."""
    return f"{PREFIX}{contract}-{_LETTER[side]}-{step}"


def messages(
    participant: int, contract: int, step: int, wanted: Sequence[Wanted], resting: Sequence[OpenOrder], sizes: Sizes
) -> list[Message]:
    """Cancellations first, so that no order meets its own predecessor on the other side; none where all is right."""
    keep: dict[int, OpenOrder] = {order.side: order for order in resting}
    sized = {want.side: (_whole_lots(want.wh, sizes), want.price) for want in wanted}
    cancels: list[Message] = []
    for order in resting:
        wh, price = sized.get(order.side, (0, None))
        if not wh or price is None or order is not keep[order.side]:
            cancels.append(Cancel(participant, order.client_order_id))
    changes = [
        _place_or_amend(participant, contract, step, side, wh, price, keep.get(side), sizes)
        for side, (wh, price) in sized.items()
        if wh and price is not None
    ]
    return cancels + [change for change in changes if change is not None]


def _whole_lots(wh: int, sizes: Sizes) -> int:
    whole = min(wh, sizes.max_wh) // sizes.lot_wh * sizes.lot_wh
    return whole if whole >= sizes.min_wh else 0


def _place_or_amend(
    participant: int,
    contract: int,
    step: int,
    side: int,
    wh: int,
    price: int,
    order: OpenOrder | None,
    sizes: Sizes,
) -> Message | None:
    if order is None:
        return New(participant, client_order_id(contract, side, step), contract, side, wh, price)
    if (order.price, order.remaining_wh) == (price, wh):
        return None
    total = min(order.filled_wh + wh, sizes.max_wh)
    return Amend(participant, order.client_order_id, total, price)
