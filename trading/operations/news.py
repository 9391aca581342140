"""What members and administrators are told about a market: that trading was stopped, and that it goes on.

The market's stop is told to all who trade there, that of one interval to those who bought, sold or have orders in it.
It is told after the command is durable, since a command has a transaction of its own; the command's number makes sure
that it is told once.
"""

from datetime import datetime
from zoneinfo import ZoneInfo

from django.db.models import Q

from accounts.models import User
from accounts.operations.notices import News, tell
from trading.models import Admission, Contract, Market, Position
from units.interval import Interval


def tell_halt(market: Market, stopped: bool, seq: int, by: User | None, at: datetime, contract: int | None) -> None:
    """Trading was `stopped`, or goes on, by the command `seq`: in one contract, or in the whole market."""
    kind = f"{'market' if contract is None else 'interval'}_{'halted' if stopped else 'resumed'}"
    told = {"market": market.code, "market_name": market.name}
    if contract is not None:
        told |= _interval(market, contract)
    key, but, about = f"{kind} {market.pk} {seq}", by.pk if by else None, ("market", "")
    members = [
        News(kind, key, at, about, told, participant=participant, but=but) for participant in _touched(market, contract)
    ]
    tell([News(kind, key, at, about, told, administrators=True, but=but), *members])


def _touched(market: Market, contract: int | None) -> list[int]:
    """Who trades in the market; in a contract, who bought, sold or has something on offer there."""
    if contract is None:
        members = Admission.objects.filter(market=market, active=True)
        return list(members.order_by("participant").values_list("participant", flat=True))
    held = Q(bought_wh__gt=0) | Q(sold_wh__gt=0) | Q(open_buy_wh__gt=0) | Q(open_sell_wh__gt=0)
    positions = Position.objects.filter(held, market=market, contract=contract)
    return list(positions.order_by("participant").values_list("participant", flat=True))


def _interval(market: Market, contract: int) -> dict[str, str]:
    """The day and the label of a contract, on the site's clock."""
    zone = ZoneInfo(market.site.timezone)
    start, end = Contract.objects.values_list("delivery_start", "delivery_end").get(pk=contract)
    return {"on_on": start.astimezone(zone).date().isoformat(), "interval": Interval(start, end).label(zone)}
