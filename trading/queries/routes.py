"""Where a contract or an order belongs: what the API needs before it can hand a message to a market."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime

from django.db import connection

from trading.domain.clock import market_time
from trading.models import Admission, Market


@dataclass(frozen=True, slots=True)
class MarketRoute:
    """A market and its clock."""

    market_id: int
    limits_enforced: bool
    clock_rate: int
    clock_at: datetime | None
    clock_started_at: datetime | None

    def now(self, wall: datetime) -> datetime:
        """What the market's clock shows when the wall's shows `wall`."""
        return market_time(wall, rate=self.clock_rate, clock_at=self.clock_at, started_at=self.clock_started_at)


_FIELDS = ("id", "limits_enforced", "clock_rate", "clock_at", "clock_started_at")


def routes_of_contracts(contract_ids: Iterable[int]) -> dict[int, MarketRoute]:
    """contract → its market, for those that there are. Bare SQL: every order asks this."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, m.id, m.limits_enforced, m.clock_rate, m.clock_at, m.clock_started_at"
            " FROM trading_contract c JOIN trading_market m ON m.id = c.market_id WHERE c.id = ANY(%s)",
            (list(set(contract_ids)),),
        )
        return {row[0]: MarketRoute(*row[1:]) for row in cursor.fetchall()}


def routes_of_markets(market_ids: Iterable[int]) -> dict[int, MarketRoute]:
    """market → its route, for those that there are."""
    rows = Market.objects.filter(pk__in=set(market_ids)).order_by()
    return {row[0]: MarketRoute(*row) for row in rows.values_list(*_FIELDS)}


def markets_of(participant_ids: Iterable[int]) -> list[tuple[int, int]]:
    """(market, participant) for every market that these participants are admitted to."""
    rows = Admission.objects.filter(participant__in=list(participant_ids), active=True).order_by("market_id")
    return [(row[0], row[1]) for row in rows.values_list("market_id", "participant_id")]
