"""What a person names on the command line: a market, one of its participants, a month of its local time."""

from datetime import UTC, date, datetime, time
from zoneinfo import ZoneInfo

from accounts.models import Participant
from trading.domain.clock import market_time
from trading.models import Market


class MonthError(ValueError):
    """The market, participant or month that was named is not there. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def market_of(code: str) -> Market:
    """The market with this code. Raises MonthError (`unknown_market`)."""
    found = Market.objects.select_related("site").filter(code=code).first()
    if found is None:
        known = ", ".join(Market.objects.order_by("code").values_list("code", flat=True)[:20]) or "none yet"
        raise MonthError("unknown_market", f"There is no market {code!r}; the markets are: {known}.")
    return found


def participant_of(market_code: str, code: str) -> Participant:
    """A participant that was ever admitted to the market. Raises MonthError (`unknown_participant`)."""
    found = Participant.objects.filter(code=code, admissions__market__code=market_code).first()
    if found is None:
        raise MonthError(
            "unknown_participant", f"The market {market_code} has no participant {code!r}; check its code."
        )
    return found


def month_of(market: Market, text: str) -> tuple[datetime, datetime]:
    """The local month `2026-10` of a market as [start, end) in UTC. Raises MonthError (`invalid_month`)."""
    try:
        first = date.fromisoformat(f"{text}-01")
    except ValueError:
        raise MonthError("invalid_month", f"{text!r} is not a month; write it like 2026-10.") from None
    following = date(first.year + first.month // 12, first.month % 12 + 1, 1)
    zone = ZoneInfo(market.site.timezone)
    start, end = (datetime.combine(on, time(), tzinfo=zone).astimezone(UTC) for on in (first, following))
    return start, end


def now_of(market: Market) -> datetime:
    """Now, in the market's own time."""
    return market_time(
        datetime.now(UTC), rate=market.clock_rate, clock_at=market.clock_at, started_at=market.clock_started_at
    )
