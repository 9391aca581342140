"""What a participant sees of its settlement: energy by interval, statements, balances, an entry's way back.

Figures of an interval are those of its last run. A run that saw nothing new points at the run that holds its results.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from settlement.domain.postings import CATEGORIES
from settlement.models import LedgerAccount, LedgerEntry, SettlementRun
from trading.models import Market
from units.interval import Interval

# $1 market, $2 participant, $3 and $4 the stretch of delivery starts.
_RESULTS = """
    FROM trading_contract c CROSS JOIN LATERAL (
        SELECT id, kind, coalesce(results_of_id, id) AS results, surplus_price FROM settlement_settlementrun
        WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
    ) run JOIN settlement_participantresult r ON r.run_id = run.results AND r.participant_id = %(participant)s
    WHERE c.market_id = %(market)s AND c.delivery_start >= %(start)s AND c.delivery_start < %(end)s
"""


@dataclass(frozen=True, slots=True)
class IntervalEnergy:
    """One interval of one participant. Energies in Wh, cash in milli-đồng (received positive). `label` is in the
    market's own time, `kind` that of the last run."""

    contract_id: int
    label: str
    start: datetime
    end: datetime
    kind: str
    import_wh: int
    export_wh: int
    sold_wh: int
    bought_wh: int
    grid_import_wh: int
    grid_export_wh: int
    cash_millidong: int
    estimated: bool


@dataclass(frozen=True, slots=True)
class Statement:
    """What a participant moved and owes in a stretch of time. Energies in Wh, money in milli-đồng, received positive.

    `by_category` has every ledger category. `grid_only_millidong` is what the same meters would have come to on the
    grid alone (export × surplus price − import × retail price); `savings_millidong` is how much better the market was.
    `payable` is false in a shadow market, which computes everything and invoices nothing.
    """

    intervals: int
    estimated_intervals: int
    import_wh: int
    export_wh: int
    sold_wh: int
    bought_wh: int
    grid_import_wh: int
    grid_export_wh: int
    unpaid_spill_wh: int
    cash_millidong: int
    by_category: dict[str, int]
    grid_only_millidong: int
    savings_millidong: int
    payable: bool


@dataclass(frozen=True, slots=True)
class Balance:
    """What an account of a market stands at, milli-đồng. `participant_id` is None for the market's own accounts."""

    account_id: int
    kind: str
    participant_id: int | None
    amount_millidong: int


@dataclass(frozen=True, slots=True)
class TracedTrade:
    """A trade behind an entry: what was agreed and what was delivered."""

    trade_no: int
    seller_id: int
    buyer_id: int
    price: int
    quantity_wh: int
    delivered_wh: int


@dataclass(frozen=True, slots=True)
class TracedReading:
    """A reading behind an entry: the versions that there are of it, and the one that was current in the run."""

    metering_point: str
    version: int
    import_wh: int
    export_wh: int
    quality: str
    source: str
    received_at: datetime


@dataclass(frozen=True, slots=True)
class Trace:
    """Where a ledger entry comes from."""

    account_id: int
    participant_id: int | None
    category: str
    amount_millidong: int
    energy_wh: int
    run_id: int
    run_kind: str
    run_number: int
    input_hash: str
    contract_id: int
    retail_price: int | None
    surplus_price: int
    network_fee: int
    reading_version: int | None
    trades: tuple[TracedTrade, ...]
    readings: tuple[TracedReading, ...]


def energy_today(market_id: int, participant_id: int, start: datetime, end: datetime) -> list[IntervalEnergy]:
    """A participant's settled intervals that begin in [start, end), in order."""
    market = Market.objects.select_related("site").get(pk=market_id)
    zone = ZoneInfo(market.site.timezone)
    columns = [field.name for field in fields(IntervalEnergy)][5:]
    query = f"SELECT c.id, c.delivery_start, c.delivery_end, run.kind, {_list(columns)} {_RESULTS} ORDER BY 2"
    return [
        IntervalEnergy(pk, Interval(first, last).label(zone), first, last, *rest)
        for pk, first, last, *rest in _rows(query, market_id, participant_id, start, end)
    ]


def statement(market_id: int, participant_id: int, start: datetime, end: datetime) -> Statement:
    """The totals of a participant over the intervals that begin in [start, end)."""
    columns = [field.name for field in fields(Statement)][2:10]
    sums = ", ".join(f"coalesce(sum(r.{name}), 0)::bigint" for name in columns)
    query = (
        f"SELECT count(*), count(*) FILTER (WHERE r.estimated), {sums},"
        " coalesce(sum(r.export_wh * run.surplus_price - r.import_wh * r.retail_price), 0)::bigint" + _RESULTS
    )
    row = _rows(query, market_id, participant_id, start, end)[0]
    intervals, estimated, *figures, cash, grid_only = row
    return Statement(
        intervals=intervals,
        estimated_intervals=estimated,
        **dict(zip(columns[:-1], figures, strict=True)),
        cash_millidong=cash,
        by_category=_by_category(market_id, participant_id, start, end),
        grid_only_millidong=grid_only,
        savings_millidong=cash - grid_only,
        payable=_payable(market_id),
    )


def saved_by_contract(market_id: int, participant_id: int, start: datetime, end: datetime) -> dict[int, int]:
    """How much better the market was than the grid alone in each settled interval, by contract, in milli-đồng."""
    saved = "r.cash_millidong - (r.export_wh * run.surplus_price - r.import_wh * r.retail_price)"
    query = f"SELECT c.id, coalesce({saved}, 0)::bigint {_RESULTS}"
    return dict(_rows(query, market_id, participant_id, start, end))


def own_trades(market_id: int, participant_id: int, contract_id: int) -> tuple[int | None, int | None]:
    """What a participant sold and bought at on average in a contract, đồng/kWh rounded; None where it did not."""
    query = (
        "SELECT (sum(quantity_wh * price) FILTER (WHERE seller_id = %(who)s)"
        " / sum(quantity_wh) FILTER (WHERE seller_id = %(who)s))::bigint,"
        " (sum(quantity_wh * price) FILTER (WHERE buyer_id = %(who)s)"
        " / sum(quantity_wh) FILTER (WHERE buyer_id = %(who)s))::bigint"
        " FROM trading_trade WHERE market_id = %(market)s AND contract_id = %(contract)s"
    )
    sold, bought = _fetch(query, {"market": market_id, "who": participant_id, "contract": contract_id})[0]
    return sold, bought


def balances(market_id: int) -> list[Balance]:
    """Every account of a market with what it stands at; all together 0. A participant has up to three."""
    query = (
        "SELECT a.id, a.kind, a.participant_id, coalesce(sum(e.amount_millidong), 0)::bigint"
        " FROM settlement_ledgeraccount a LEFT JOIN settlement_ledgerentry e ON e.account_id = a.id"
        " WHERE a.market_id = %s GROUP BY a.id ORDER BY a.id"
    )
    with connection.cursor() as cursor:
        cursor.execute(query, (market_id,))
        return [Balance(*row) for row in cursor.fetchall()]


def trace(*, transaction_id: int, account_id: int) -> Trace:
    """Entry → transaction → run → trades and reading versions. Raises LedgerEntry.DoesNotExist."""
    entry = LedgerEntry.objects.select_related("transaction__run", "account").get(
        transaction_id=transaction_id, account_id=account_id
    )
    run, participant = entry.transaction.run, entry.account.participant_id
    if run is None:
        raise LedgerEntry.DoesNotExist("The entry does not come from a settlement run.")
    result = _result(run, participant)
    return Trace(
        account_id=account_id,
        participant_id=participant,
        category=entry.transaction.category,
        amount_millidong=entry.amount_millidong,
        energy_wh=entry.energy_wh,
        run_id=run.pk,
        run_kind=run.kind,
        run_number=run.number,
        input_hash=run.input_hash,
        contract_id=run.contract_id,
        retail_price=result[0] if result else None,
        surplus_price=run.surplus_price,
        network_fee=run.network_fee,
        reading_version=result[1] if result else None,
        trades=_traded(run, participant),
        readings=_readings(run, participant),
    )


def _result(run: SettlementRun, participant_id: int | None) -> tuple[int, int] | None:
    if participant_id is None:
        return None
    found = run.results.filter(participant_id=participant_id)
    return found.values_list("retail_price", "reading_version").first()


def _traded(run: SettlementRun, participant_id: int | None) -> tuple[TracedTrade, ...]:
    query = (
        "SELECT t.trade_no, t.seller_id, t.buyer_id, t.price, t.quantity_wh, r.delivered_wh"
        " FROM settlement_traderesult r JOIN trading_trade t ON t.market_id = r.market_id AND t.trade_no = r.trade_no"
        " WHERE r.run_id = %s AND (%s::bigint IS NULL OR %s::bigint IN (t.seller_id, t.buyer_id)) ORDER BY t.trade_no"
    )
    return tuple(TracedTrade(*row) for row in _fetch(query, (run.pk, participant_id, participant_id)))


def _readings(run: SettlementRun, participant_id: int | None) -> tuple[TracedReading, ...]:
    """All versions of the participant's boundary readings of the run's interval; the run says which was the last."""
    query = (
        "SELECT p.code, r.version, r.import_wh, r.export_wh, r.quality, r.source, r.received_at FROM trading_contract c"
        " JOIN trading_market m ON m.id = c.market_id"
        " JOIN meters_meteringpoint p ON p.site_id = m.site_id AND p.role = 'boundary' AND p.participant_id = %s"
        " JOIN meters_reading r ON r.site_id = m.site_id AND r.start = c.delivery_start AND r.metering_point_id = p.id"
        " WHERE c.id = %s ORDER BY p.code, r.version"
    )
    return tuple(TracedReading(*row) for row in _fetch(query, (participant_id, run.contract_id)))


def _by_category(market_id: int, participant_id: int, start: datetime, end: datetime) -> dict[str, int]:
    account = LedgerAccount.objects.filter(
        market_id=market_id, kind="participant", participant_id=participant_id
    ).first()
    query = (
        "SELECT t.category, sum(e.amount_millidong)::bigint FROM settlement_ledgerentry e"
        " JOIN settlement_ledgertransaction t ON t.id = e.transaction_id"
        " JOIN trading_contract c ON c.id = t.contract_id"
        " WHERE e.account_id = %s AND c.delivery_start >= %s AND c.delivery_start < %s GROUP BY t.category"
    )
    found = dict(_fetch(query, (account.pk, start, end))) if account else {}
    return {category: int(found.get(category, 0)) for category in CATEGORIES}


def _payable(market_id: int) -> bool:
    basis = Market.LegalBasis
    payable = (basis.INTERNAL, basis.PRIVATE_WIRE, basis.RETAIL_UNIT)
    return Market.objects.filter(pk=market_id, legal_basis__in=payable).exists()


def _list(columns: Sequence[str]) -> str:
    return ", ".join(f"r.{name}" for name in columns)


def _rows(query: str, market_id: int, participant_id: int, start: datetime, end: datetime) -> list[tuple[Any, ...]]:
    return _fetch(query, {"market": market_id, "participant": participant_id, "start": start, "end": end})


def _fetch(query: str, parameters: Any) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, parameters)
        return list(cursor.fetchall())
