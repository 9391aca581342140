"""A large market to settle, loaded by COPY: imported by the clearing benchmark once Django is set up.

Half of the participants sell, half buy; meters are up to 20 % off what was traded; everybody offers the pool; three
time-of-use tariffs. Ids begin at 1 in a fresh database, so the arrays can name them.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
from django.db import connection, transaction

from meters.columns import IntArray, read_columns, write_columns
from meters.models import Site
from settlement.domain.totals import totals
from settlement.models import LedgerTransaction
from tariffs.domain.windows import Window
from tariffs.models import Tariff
from tariffs.operations import replace_rows, set_terms
from trading.models import Contract, Market

START = datetime(2026, 6, 2, 3, 0, tzinfo=UTC)
SINCE = date(2026, 1, 1)
SEED = 2_026


@dataclass(frozen=True, slots=True)
class Loaded:
    """The market and its delivered contracts, all of the same size."""

    market: Market
    contracts: list[Contract]


def load(participants: int, trades: int, contracts: int) -> Loaded:
    """A market with so many participants, and so many contracts with so many trades each."""
    site = Site.objects.create(code="bench", name="Bench")
    market = Market.objects.create(site=site, code="bench", name="Bench", limits_enforced=False, ticking=False)
    _rulebook(site)
    with transaction.atomic(), connection.cursor() as cursor:
        _people(cursor, participants)
    made = [_contract(market, number) for number in range(contracts)]
    for number, contract in enumerate(made):
        with transaction.atomic(), connection.cursor() as cursor:
            _interval(cursor, market, contract, participants, trades, number)
    with connection.cursor() as cursor:
        cursor.execute("VACUUM ANALYZE")
    return Loaded(market, made)


def _rulebook(site: Site) -> None:
    for price in (1_900, 2_400, 3_398):
        rows = [Window(127, 0, 570, price - 500, SINCE), Window(127, 570, 1_440, price, SINCE)]
        tariff = Tariff.objects.create(code=f"tariff-{price}", name=f"Tariff {price}")
        replace_rows(tariff=tariff, rows=rows, by=None, at=START)
    set_terms(site=site, valid_from=SINCE, surplus_price=671, network_fee=120, by=None, at=START)


_PEOPLE = (
    "INSERT INTO accounts_participant (code, name, kind, created_at)"
    " SELECT 'p' || n, 'p' || n, 'household', now() FROM generate_series(1, %s) n ORDER BY n",
    "INSERT INTO meters_meteringpoint (site_id, participant_id, code, role)"
    " SELECT 1, id, code, 'boundary' FROM accounts_participant WHERE id <= %s ORDER BY id",
    "INSERT INTO trading_admission (market_id, participant_id, zone, active, credit_limit_millidong,"
    " committed_millidong, pool_ask_price, pool_bid_price)"
    " SELECT 1, id, 'site', true, 1000000000000000, 0, 671 + id %% 800, 900 + id %% 1700"
    " FROM accounts_participant WHERE id <= %s ORDER BY id",
    "INSERT INTO tariffs_tariffassignment (site_id, participant_id, tariff_id, valid_from)"
    " SELECT 1, id, 1 + id %% 3, '2026-01-01' FROM accounts_participant WHERE id <= %s ORDER BY id",
)


def _people(cursor: Any, participants: int) -> None:
    for statement in _PEOPLE:
        cursor.execute(statement, (participants,))


def _contract(market: Market, number: int) -> Contract:
    start = START + number * timedelta(minutes=30)
    return Contract.objects.create(
        market=market,
        delivery_start=start,
        delivery_end=start + timedelta(minutes=30),
        gate_opens_at=start - timedelta(hours=48),
        gate_closes_at=start - timedelta(minutes=5),
        min_price=0,
        max_price=9_999,
        state=Contract.State.DELIVERED,
    )


def _interval(cursor: Any, market: Market, contract: Contract, participants: int, trades: int, number: int) -> None:
    rng = np.random.default_rng(SEED + number)
    half = participants // 2
    seller, buyer = rng.integers(0, half, trades), rng.integers(half, participants, trades)
    traded, price = rng.integers(1, 100, trades) * 100, rng.integers(700, 1_800, trades)
    sold, bought = totals(traded, seller, participants), totals(traded, buyer, participants)
    drift = rng.integers(80, 121, participants)
    held = totals(traded * price, buyer, participants)
    _trades(cursor, contract, number * trades, seller + 1, buyer + 1, traded, price)
    _positions(cursor, contract, sold, bought, held)
    _readings(cursor, contract, bought * drift // 100, sold * drift // 100)


def _trades(
    cursor: Any, contract: Contract, before: int, seller: IntArray, buyer: IntArray, wh: IntArray, price: IntArray
) -> None:
    columns: dict[str, Any] = {
        "seller_id": seller,
        "buyer_id": buyer,
        "quantity_wh": wh,
        "price": price.astype(np.int32),
        "trade_no": before + 1 + np.arange(len(wh)),
    }
    cursor.execute("CREATE TEMP TABLE t (LIKE trading_trade) ON COMMIT DROP")
    for column in ("market_id", "seq", "contract_id", "buy_seq", "sell_seq", "taker_side", "at"):
        cursor.execute(f"ALTER TABLE t ALTER {column} DROP NOT NULL")
    write_columns(cursor, "t", columns, len(wh))
    cursor.execute(
        "INSERT INTO trading_trade (market_id, trade_no, seq, contract_id, price, quantity_wh, buyer_id, seller_id,"
        " buy_seq, sell_seq, taker_side, at) SELECT 1, trade_no, trade_no, %s, price, quantity_wh, buyer_id, seller_id,"
        " trade_no, trade_no, 1, %s FROM t ORDER BY trade_no",
        (contract.pk, contract.gate_closes_at),
    )


def _positions(cursor: Any, contract: Contract, sold: IntArray, bought: IntArray, held: IntArray) -> None:
    zero = np.zeros(1, dtype=np.int64)
    columns = {
        "market_id": zero + 1,
        "contract_id": zero + contract.pk,
        "participant_id": 1 + np.arange(len(sold)),
        "bought_wh": bought,
        "sold_wh": sold,
        "open_buy_wh": zero,
        "open_sell_wh": zero,
        "committed_millidong": held,
    }
    write_columns(cursor, "trading_position", columns, len(sold))
    cursor.execute(
        "UPDATE trading_admission a SET committed_millidong = a.committed_millidong + p.committed_millidong"
        " FROM trading_position p WHERE p.contract_id = %s AND p.participant_id = a.participant_id"
        " AND p.committed_millidong > 0",
        (contract.pk,),
    )


def _readings(cursor: Any, contract: Contract, imported: IntArray, exported: IntArray) -> None:
    cursor.execute("CREATE TEMP TABLE r (point bigint, imported bigint, exported bigint) ON COMMIT DROP")
    points = 1 + np.arange(len(imported))
    write_columns(cursor, "r", {"point": points, "imported": imported, "exported": exported}, len(points))
    cursor.execute(
        "INSERT INTO meters_reading (site_id, start, metering_point_id, version, minutes, import_wh, export_wh,"
        " quality, source, received_at) SELECT 1, %s, point, 1, 30, imported, exported, 'measured', 'bench', %s"
        " FROM r ORDER BY point",
        (contract.delivery_start, contract.delivery_end),
    )
    cursor.execute(
        "INSERT INTO meters_intervalrevision (site_id, start, revision) VALUES (1, %s, 1)", (contract.delivery_start,)
    )


def entries_of(run_id: int) -> dict[str, IntArray]:
    """The ledger entries of a run as columns, in the order of the table."""
    names = ("transaction_id", "account_id", "market_id", "energy_wh", "amount_millidong")
    query = (
        f"SELECT {', '.join('e.' + name for name in names)} FROM settlement_ledgerentry e"
        " JOIN settlement_ledgertransaction t ON t.id = e.transaction_id WHERE t.run_id = %s"
    )
    with connection.cursor() as cursor:
        return read_columns(cursor, query, (run_id,), names)


def bare_copy(entries: dict[str, IntArray]) -> None:
    """The same entries once more, by nothing but COPY and a commit, under transactions of their own."""
    copied, which = np.unique(entries["transaction_id"], return_inverse=True)
    with transaction.atomic(), connection.cursor() as cursor:
        made = LedgerTransaction.objects.bulk_create(
            LedgerTransaction(market_id=1, category="local", at=START) for _ in copied
        )
        columns = {**entries, "transaction_id": np.array([t.pk for t in made])[which]}
        write_columns(cursor, "settlement_ledgerentry", columns, len(which))
