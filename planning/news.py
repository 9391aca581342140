"""What members are told about their standing instructions: switched off by somebody else, nothing to go by, refused.

Who has just begun has nothing to go by either, and nothing is wrong: it hears once that the first offers come with the
first readings. Only where none came within two days is a missing forecast something to look into.
"""

from collections.abc import Iterable, Mapping
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from accounts.models import Notice, Participant, User
from accounts.operations.notices import News, tell
from planning.queries import Instruction, newly_read
from trading.domain.messages import Message, New
from trading.models import Market
from trading.operations import Reply

# What somebody can do something about. Energy that sank between a plan and the market is the next plan's business.
LIMITS = frozenset(("insufficient_credit",))
TIME_TO_BEGIN = timedelta(days=2)


def tell_switched_off(market: Market, participant: Participant, by: User, at: datetime) -> None:
    """The others who act for the participant hear that selling was switched off."""
    told = {"market": market.code, "person": by.get_full_name() or by.username}
    key = f"switched_off {market.pk} {participant.pk} {at.isoformat()}"
    tell([News("switched_off", key, at, ("home", ""), told, participant=participant.pk, but=by.pk)])


def tell_stopped(
    market: Market,
    members: Mapping[int, Instruction],
    forecasts: Iterable[tuple[int, datetime]],
    answers: Iterable[tuple[Message, Reply]],
    at: datetime,
) -> None:
    """Once a day: those for whom nothing can be offered, since no forecast covers any of the contracts that were due,
    and those of whom orders were refused for want of credit. Once for good: those who have just begun."""
    on = at.astimezone(ZoneInfo(market.site.timezone)).date().isoformat()
    known = {participant for participant, _ in forecasts}
    blind = [who for who, wish in members.items() if who not in known and wish.sell_far_price is not None]
    refused = {message.participant for message, reply in answers if isinstance(message, New) and reply.reason in LIMITS}
    begun = _begun(market, newly_read(blind, at), at) if blind else set()
    tell(
        News("selling_begins", _key(market, who), at, ("home", ""), {"market": market.code}, participant=who)
        for who in begun
    )
    stopped = [("no_forecast", who) for who in blind if who not in begun]
    stopped += [("orders_refused", int(str(who))) for who in refused]
    tell(
        News(kind, f"{kind} {market.pk} {who} {on}", at, ("home", ""), {"market": market.code}, participant=who)
        for kind, who in stopped
    )


def _begun(market: Market, new: set[int], at: datetime) -> set[int]:
    """Those of the new ones who have not waited too long for their first offers."""
    keys = {_key(market, who): who for who in new}
    late = Notice.objects.filter(key__in=keys, at__lt=at - TIME_TO_BEGIN).values_list("key", flat=True)
    return new - {keys[key] for key in late}


def _key(market: Market, participant: int) -> str:
    return f"selling_begins {market.pk} {participant}"
