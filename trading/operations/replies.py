"""What a caller is told about each message, once it is durable."""

from typing import NamedTuple
from uuid import UUID

from trading.domain.errors import SENTENCES
from units.uuid7 import uuid7_for


class OrderState(NamedTuple):
    """An order as it stands after a message. Energy in Wh, price in VND/kWh, value in milli-VND."""

    market_id: int
    seq: int
    created_ms: int
    contract_id: int
    participant_id: int
    client_order_id: str
    side: int
    price: int | None
    quantity_wh: int
    filled_wh: int
    remaining_wh: int
    status: str
    action: str
    reason: str
    value_millidong: int

    @property
    def order_id(self) -> UUID:
        """The id by which the world knows the order."""
        return uuid7_for(self.market_id, self.seq, self.created_ms)

    @property
    def average_price(self) -> int | None:
        """The mean price of the fills, rounded to the nearest VND/kWh for display, or None."""
        return (2 * self.value_millidong + self.filled_wh) // (2 * self.filled_wh) if self.filled_wh else None


class Fill(NamedTuple):
    """One trade as a reply tells it; `buy_seq` and `sell_seq` name the orders."""

    trade_no: int
    contract_id: int
    price: int
    quantity_wh: int
    taker_side: int
    buy_seq: int
    sell_seq: int


class Reply(NamedTuple):
    """The answer to one message. `result` is accepted, rejected, cancelled, amended, duplicate or ok."""

    result: str
    reason: str = ""
    bound: int | None = None
    seq: int = 0
    order: OrderState | None = None
    trades: tuple[Fill, ...] = ()
    closed: int | None = None  # how many orders a cancel-all ended
    price: int | None = None

    @property
    def rejected(self) -> bool:
        """Whether nothing was done."""
        return self.result == "rejected"

    @property
    def sentence(self) -> str:
        """What to tell the trader about a refusal."""
        return SENTENCES[self.reason].format(bound=self.bound) if self.rejected else ""
