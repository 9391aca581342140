"""What the engine answers to a message: an order, a refusal, a repeat, or that it is done."""

from typing import NamedTuple, TypeAlias

from trading.domain.errors import Rejected
from trading.domain.orders import Order


class Duplicate(NamedTuple):
    """An exact repeat of a message that was taken before: the order as it is now."""

    order: Order


class Done(NamedTuple):
    """A message about more than one order was carried out: how many it closed, and the price of an uncrossing."""

    count: int = 0  # type: ignore[assignment]  # tuple.count is not missed here
    price: int | None = None


Answer: TypeAlias = Order | Rejected | Duplicate | Done
