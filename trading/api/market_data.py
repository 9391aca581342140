"""Market data over HTTP: markets, contracts, books, trades, candles, the snapshot and the events after it.

No names."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, Literal

import msgspec
from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from msgspec import Meta
from rest_framework.request import Request

from accounts.api.openapi import operation
from accounts.api.problems import Problem, answer
from accounts.api.reading import Moment, check_moment, read_query
from accounts.api.views import ApiView, missing
from trading import queries
from trading.api import present, shapes
from trading.queries import ContractView, MarketView
from trading.queries.routes import routes_of_contracts

MOST_DAYS = 31
CODE = {"code": {"type": "string", "pattern": "^[-a-zA-Z0-9_]+$"}}
CONTRACT = {"contract_id": {"type": "integer", "minimum": 1, "maximum": 10**15}}
State = Literal["SCHEDULED", "CALL", "CONTINUOUS", "HALTED", "FROZEN", "CLOSED", "DELIVERED", "CLEARED", "FINAL"]
Depth = Annotated[int, Meta(ge=1, le=1_000)]
Limit = Annotated[int, Meta(ge=1, le=1_000)]


class Nothing(msgspec.Struct, forbid_unknown_fields=True):
    """No parameters."""


class ContractsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Delivery from … until before …, at most 31 days; from now on for 48 hours where not said."""

    from_: Moment | None = msgspec.field(name="from", default=None)
    to: Moment | None = None
    state: State | None = None


class BookQuery(msgspec.Struct, forbid_unknown_fields=True):
    """How many price levels of each side."""

    depth: Depth = 20


class TradesQuery(msgspec.Struct, forbid_unknown_fields=True):
    """How many of the last trades."""

    limit: Limit = 50


class CandlesQuery(msgspec.Struct, forbid_unknown_fields=True):
    """How long a bucket is, in minutes, and how many of the last buckets."""

    minutes: Literal["1", "5", "15", "30", "60"] = "15"
    limit: Annotated[int, Meta(ge=1, le=queries.MOST_CANDLES)] = 500


class EventsQuery(msgspec.Struct, forbid_unknown_fields=True):
    """The events after `after`, at most `limit`."""

    after: Annotated[int, Meta(ge=0, le=2**53 - 1)]
    limit: Limit = 1_000


def _told(name: str, summary: str, shape: Any, *, path: Any = None, query: Any = None) -> Any:
    errors = (400, 401, 404) if path else (400, 401)
    return extend_schema(
        operation=operation(
            name, summary, tag="Market data", path=path, query=query, answers={200: shape}, errors=errors
        )
    )


def _market(code: str) -> MarketView:
    return queries.market_by_code(code) or missing("unknown_market", "There is no such market.")


def _market_of(contract_id: int) -> MarketView:
    route = routes_of_contracts([contract_id]).get(contract_id)
    market = queries.market_by_id(route.market_id) if route else None
    return market or missing("unknown_contract", "There is no such contract.")


class Markets(ApiView):
    """`GET markets`."""

    @_told("listMarkets", "Every market", shapes.Markets)
    def get(self, request: Request) -> HttpResponse:
        read_query(request._request, Nothing)
        wall = datetime.now(UTC)
        told = [present.market(market, queries.market_now(market, wall)) for market in queries.markets()]
        return answer(shapes.Markets(told))


class OneMarket(ApiView):
    """`GET markets/{code}`."""

    @_told("getMarket", "A market, its rules and its clock", shapes.Market, path=CODE)
    def get(self, request: Request, code: str) -> HttpResponse:
        market = _market(code)
        return answer(present.market(market, queries.market_now(market, datetime.now(UTC))))


class Contracts(ApiView):
    """`GET markets/{code}/contracts`."""

    @_told("listContracts", "Contracts by delivery", shapes.Contracts, path=CODE, query=ContractsQuery)
    def get(self, request: Request, code: str) -> HttpResponse:
        query = read_query(request._request, ContractsQuery)
        market = _market(code)
        start, end = _window(query, queries.market_now(market, datetime.now(UTC)))
        views = queries.contracts(market.id, start, end)
        chosen = [view for view in views if query.state in (None, view.state)]
        return answer(shapes.Contracts([present.contract(view, market) for view in chosen]))


def _window(query: ContractsQuery, now: datetime) -> tuple[datetime, datetime]:
    start = check_moment(query.from_, "from") if query.from_ else now
    end = check_moment(query.to, "to") if query.to else start + timedelta(hours=48)
    if not timedelta(0) <= end - start <= timedelta(days=MOST_DAYS):
        raise Problem(400, "invalid_parameter", f"Ask for at most {MOST_DAYS} days, forward in time.", field="to")
    return start, end


class OneContract(ApiView):
    """`GET contracts/{contract_id}`."""

    @_told("getContract", "A contract", shapes.Contract, path=CONTRACT)
    def get(self, request: Request, contract_id: int) -> HttpResponse:
        market = _market_of(contract_id)
        view: ContractView | None = queries.contract(market.id, contract_id)
        assert view is not None
        return answer(present.contract(view, market))


class Book(ApiView):
    """`GET contracts/{contract_id}/book`."""

    @_told("getBook", "The book of a contract by price level", shapes.Book, path=CONTRACT, query=BookQuery)
    def get(self, request: Request, contract_id: int) -> HttpResponse:
        query = read_query(request._request, BookQuery)
        market = _market_of(contract_id)
        return answer(present.book(queries.book(contract_id, market.id, query.depth)))


class ContractTrades(ApiView):
    """`GET contracts/{contract_id}/trades`."""

    @_told("listTrades", "The last trades of a contract", shapes.Trades, path=CONTRACT, query=TradesQuery)
    def get(self, request: Request, contract_id: int) -> HttpResponse:
        query = read_query(request._request, TradesQuery)
        market = _market_of(contract_id)
        trades = queries.last_trades(market.id, query.limit, contract_id)
        return answer(shapes.Trades([present.trade(trade) for trade in trades]))


class ContractCandles(ApiView):
    """`GET contracts/{contract_id}/candles`."""

    @_told("getCandles", "What a contract was traded at, by buckets", shapes.Candles, path=CONTRACT, query=CandlesQuery)
    def get(self, request: Request, contract_id: int) -> HttpResponse:
        query = read_query(request._request, CandlesQuery)
        _market_of(contract_id)
        return answer(present.candles(queries.candles(contract_id, int(query.minutes), query.limit)))


class MarketSnapshot(ApiView):
    """`GET markets/{code}/snapshot`."""

    @_told("getSnapshot", "A whole market at one event", shapes.Snapshot, path=CODE, query=BookQuery)
    def get(self, request: Request, code: str) -> HttpResponse:
        query = read_query(request._request, BookQuery)
        market = _market(code)
        taken = queries.snapshot(market.id, query.depth)
        contracts = [present.contract(view, market) for view in taken.contracts]
        books = [present.book(book) for book in taken.books.values()]
        trades = [present.trade(trade) for trade in taken.trades]
        return answer(shapes.Snapshot(taken.seq, taken.at, contracts, books, trades))


class MarketEvents(ApiView):
    """`GET markets/{code}/events`."""

    @_told("listEvents", "The events after one", shapes.Events, path=CODE, query=EventsQuery)
    def get(self, request: Request, code: str) -> HttpResponse:
        query = read_query(request._request, EventsQuery)
        market = _market(code)
        events = queries.public_events(market.id, query.after, query.limit)
        return answer(shapes.Events(market.last_seq, [present.event(event) for event in events]))
