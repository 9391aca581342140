"""Trades as the public sees them: what, how much, at what price; never who."""

from dataclasses import dataclass
from datetime import datetime

from trading.models import Trade


@dataclass(frozen=True, slots=True)
class TradeView:
    """One trade. Price in VND/kWh, quantity in Wh; `taker_side` 1 where a buyer struck it, −1 where a seller did."""

    trade_no: int
    contract_id: int
    price: int
    quantity_wh: int
    taker_side: int
    at: datetime
    seq: int


def last_trades(market_id: int, limit: int = 50, contract_id: int | None = None) -> list[TradeView]:
    """The last trades of a market, or of one of its contracts, the latest first."""
    rows = Trade.objects.filter(market=market_id)
    if contract_id is not None:
        rows = rows.filter(contract=contract_id)
    fields = rows.order_by("-trade_no").values_list(
        "trade_no", "contract_id", "price", "quantity_wh", "taker_side", "at", "seq"
    )
    return [TradeView(*row) for row in fields[:limit]]
