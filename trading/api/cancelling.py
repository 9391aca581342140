"""Out at once: every open order of the caller's, in one contract or in all. Never held up by the rate of messages."""

from datetime import UTC, datetime

import msgspec
from django.http import HttpRequest, HttpResponse

from accounts.api.problems import answer, unavailable
from accounts.api.reading import BigInt, Code, read_query
from accounts.api.views import missing, plain
from accounts.models import User
from accounts.policies import seat_may_trade
from accounts.queries import Seat, seats
from trading.api import shapes
from trading.api.taking import trading_seat
from trading.domain.errors import SENTENCES
from trading.domain.messages import CancelAll
from trading.operations import MarketUnavailable, submit
from trading.queries.routes import MarketRoute, markets_of, routes_of_contracts, routes_of_markets


class CancelAllQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Without `contract`: in every market. Without `participant`: of all that the caller trades for."""

    contract: BigInt | None = None
    participant: Code | None = None


@plain
def cancel_all(request: HttpRequest, user: User) -> HttpResponse:
    """`POST orders/cancel-all`."""
    query = read_query(request, CancelAllQuery)
    parties = {seat.participant_id for seat in _seats(user, query.participant)}
    places = _places(parties, query.contract)
    try:
        counts = [_cancel(user, route, party, query.contract) for route, party in places]
    except MarketUnavailable as error:
        raise unavailable() from error
    return answer(shapes.Cancelled(sum(counts)))


def _seats(user: User, code: str | None) -> list[Seat]:
    mine = seats(user)
    if code is not None:
        return [trading_seat(mine, code)]
    return [seat for seat in mine if seat_may_trade(seat)] or [trading_seat(mine, None)]


def _places(parties: set[int], contract: int | None) -> list[tuple[MarketRoute, int]]:
    """Where the orders may be: (market, participant)."""
    pairs = markets_of(parties)
    if contract is None:
        routes = routes_of_markets({market for market, _ in pairs})
        return [(routes[market], party) for market, party in pairs]
    route = routes_of_contracts([contract]).get(contract)
    if route is None:
        missing("unknown_contract", SENTENCES["unknown_contract"])
    return [(route, party) for market, party in pairs if market == route.market_id]


def _cancel(user: User, route: MarketRoute, party: int, contract: int | None) -> int:
    reply = submit(route.market_id, [CancelAll(party, contract)], by=user, at=route.now(datetime.now(UTC)))[0]
    return reply.closed or 0
