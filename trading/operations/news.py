"""What members and administrators are told about a market: that trading was stopped, and that it goes on.

It is told after the command is durable, since a command has a transaction of its own; the command's number makes sure
that it is told once.
"""

from datetime import datetime

from accounts.models import User
from accounts.operations.notices import News, tell
from trading.models import Admission, Market


def tell_halt(market: Market, kind: str, seq: int, by: User | None, at: datetime) -> None:
    """`market_halted` or `market_resumed`, to all who trade here and to the administrators."""
    told = {"market": market.code, "market_name": market.name}
    key, but = f"{kind} {market.pk} {seq}", by.pk if by else None
    members = Admission.objects.filter(market=market, active=True).order_by("participant")
    news = [News(kind, key, at, ("market", ""), told, administrators=True, but=but)]
    tell(
        news
        + [
            News(kind, key, at, ("market", ""), told, participant=participant, but=but)
            for participant in members.values_list("participant", flat=True)
        ]
    )
