"""Writing what a run found: results and trades, and the ledger entries by which this run differs from the one before.

A transaction of the ledger is one category of one run; it has one entry per account whose state changed, and is not
written where none did. Everything that grows with the market goes in by COPY.
"""

from typing import Any

import numpy as np
from django.db import connection
from django.db.backends.utils import CursorWrapper

from meters.columns import IntArray, read_columns, write_columns
from settlement.domain.clearing import ClearingInput, ClearingResult
from settlement.domain.interval import Interval
from settlement.domain.postings import CATEGORIES, State, nothing, state_of
from settlement.domain.totals import totals
from settlement.models import LedgerTransaction, SettlementRun
from settlement.operations.errors import SettlementError
from settlement.operations.gather import Gathered


def open_accounts(market_id: int, participant_ids: IntArray) -> IntArray:
    """`accounts_of`, before anything refers to them."""
    with connection.cursor() as cursor:
        return accounts_of(cursor, market_id, participant_ids)


def write_results(run: SettlementRun, gathered: Gathered, inputs: ClearingInput, result: ClearingResult) -> None:
    """Store what the run found for every participant, trade and loss."""
    with connection.cursor() as cursor:
        _write_participants(cursor, run, gathered, inputs, result)
        _write_trades(cursor, run, gathered.interval, result)
        _write_compensations(cursor, run, gathered.interval, result)


def post(run: SettlementRun, accounts: IntArray, inputs: ClearingInput, result: ClearingResult) -> int:
    """Post the difference between this result and what stands in the ledger; how many entries that took."""
    with connection.cursor() as cursor:
        posted = _posted(cursor, run.contract_id, accounts) if run.number > 1 else nothing(inputs.participants)
        return _write_entries(cursor, run, accounts, state_of(inputs, result).minus(posted))


def _one(value: int) -> IntArray:
    return np.array([value], dtype=np.int64)


def _write_participants(
    cursor: CursorWrapper, run: SettlementRun, gathered: Gathered, inputs: ClearingInput, result: ClearingResult
) -> None:
    interval, pool, n = gathered.interval, result.pool, inputs.participants
    columns: dict[str, Any] = {
        "run_id": _one(run.pk),
        "market_id": _one(run.market_id),
        "participant_id": interval.participant_ids,
        "import_wh": inputs.import_wh,
        "export_wh": inputs.export_wh,
        "sold_wh": result.sold_wh,
        "bought_wh": result.bought_wh,
        "pool_sold_wh": totals(pool.wh, pool.seller_index, n),
        "pool_bought_wh": totals(pool.wh, pool.buyer_index, n),
        "grid_import_wh": result.grid_import_wh,
        "grid_export_wh": result.grid_export_wh,
        "unpaid_spill_wh": result.unpaid_spill_wh,
        "retail_price": inputs.retail_price,
        "pool_ask_price": interval.pool_ask,
        "pool_bid_price": interval.pool_bid,
        "surplus_cap_wh": interval.surplus_cap_wh,
        "cash_millidong": result.cash_millidong,
        "reading_version": gathered.reading_version.astype(np.int32),
        "estimated": inputs.is_estimated,
    }
    if interval.zone_index is not None:
        columns["zone_index"] = interval.zone_index.astype(np.int16)
    write_columns(cursor, "settlement_participantresult", columns, n)


def _write_trades(cursor: CursorWrapper, run: SettlementRun, interval: Interval, result: ClearingResult) -> None:
    columns = {
        "run_id": _one(run.pk),
        "market_id": _one(run.market_id),
        "trade_no": interval.trade_no,
        "delivered_wh": result.delivered_wh,
    }
    if interval.zone_fees is not None:
        columns["fee_price"] = np.ma.masked_equal(interval.trade_fees(), interval.network_fee)
    write_columns(cursor, "settlement_traderesult", columns, len(interval.trade_no))


def _write_compensations(cursor: CursorWrapper, run: SettlementRun, interval: Interval, result: ClearingResult) -> None:
    owed, ids = result.compensation, interval.participant_ids
    columns = {
        "run_id": _one(run.pk),
        "market_id": _one(run.market_id),
        "trade_no": owed.trade_seq,
        "payer_id": ids[owed.payer_index],
        "payee_id": ids[owed.counterparty_index],
        "missed_wh": owed.missed_wh,
        "charged_wh": owed.charged_wh,
        "amount_millidong": owed.millidong,
    }
    write_columns(cursor, "settlement_compensation", columns, len(owed.trade_seq))


def accounts_of(cursor: CursorWrapper, market_id: int, participant_ids: IntArray) -> IntArray:
    """The ledger accounts of these participants (n, ascending), then the operator's and the network's: (n + 2).

    Those that are missing are opened.
    """
    wanted = np.concatenate([participant_ids, MARKET_OWNERS])
    known = _accounts(cursor, market_id)
    missing = wanted[~np.isin(wanted, known["owner"])]
    if len(missing):
        cursor.execute(_OPEN, {"market": market_id, "owners": missing.tolist()})
        known = _accounts(cursor, market_id)
    return known["account"][np.searchsorted(known["owner"], wanted)]


# An account's owner as one number: the participant, or one of these for the market's own.
OPERATOR, NETWORK, LOSSES = -3, -2, -1
MARKET_OWNERS = np.array([OPERATOR, NETWORK])
_OWNER = (
    f"CASE kind WHEN 'operator' THEN {OPERATOR} WHEN 'network' THEN {NETWORK} WHEN 'losses' THEN {LOSSES}"
    " ELSE participant_id END::bigint"
)
# The other accounts of a market (invoiced, prepaid, bank …) are moved by documents and payments alone.
_OF_CLEARING = "kind IN ('participant', 'operator', 'network', 'losses')"
_OPEN = f"""
    INSERT INTO settlement_ledgeraccount (market_id, kind, participant_id)
    SELECT %(market)s, CASE owner WHEN {OPERATOR} THEN 'operator' WHEN {NETWORK} THEN 'network' ELSE 'participant' END,
           CASE WHEN owner > 0 THEN owner END
    FROM unnest(%(owners)s::bigint[]) AS missing(owner) ON CONFLICT DO NOTHING
"""


def _accounts(cursor: CursorWrapper, market_id: int) -> dict[str, IntArray]:
    query = f"SELECT {_OWNER}, id FROM settlement_ledgeraccount WHERE market_id = %s AND {_OF_CLEARING} ORDER BY 1"
    return read_columns(cursor, query, (market_id,), ("owner", "account"))


def _posted(cursor: CursorWrapper, contract_id: int, accounts: IntArray) -> State:
    """What the ledger says about the contract so far, laid out by `accounts`."""
    state = nothing(len(accounts) - 2)
    order = np.argsort(accounts)
    for number, category in enumerate(CATEGORIES):
        transactions = LedgerTransaction.objects.filter(contract_id=contract_id, category=category)
        rows = read_columns(cursor, _SUMS, (list(transactions.values_list("pk", flat=True)),), _SUM_NAMES)
        where = order[np.searchsorted(accounts, rows["account"], sorter=order).clip(max=len(accounts) - 1)]
        if not np.array_equal(accounts[where], rows["account"]):
            raise SettlementError("ledger_mismatch", "The ledger holds entries of accounts that are not in this run.")
        state.energy_wh[number, where] = rows["energy"]
        state.amount_millidong[number, where] = rows["amount"]
    return state


_SUM_NAMES = ("account", "energy", "amount")
_SUMS = """
    SELECT account_id, sum(energy_wh)::bigint, sum(amount_millidong)::bigint FROM settlement_ledgerentry
    WHERE transaction_id = ANY(%s::bigint[]) GROUP BY account_id
"""


def _write_entries(cursor: CursorWrapper, run: SettlementRun, accounts: IntArray, difference: State) -> int:
    changed = {number: difference.entries(number) for number in range(len(CATEGORIES))}
    changed = {number: where for number, where in changed.items() if len(where)}
    if not changed:
        return 0
    opened = LedgerTransaction.objects.bulk_create(
        LedgerTransaction(
            market_id=run.market_id, run=run, contract_id=run.contract_id, category=CATEGORIES[number], at=run.at
        )
        for number in changed
    )
    columns = {
        "market_id": _one(run.market_id),
        "transaction_id": np.repeat([t.pk for t in opened], [len(where) for where in changed.values()]),
        "account_id": accounts[np.concatenate(list(changed.values()))],
        "energy_wh": np.concatenate([difference.energy_wh[number, where] for number, where in changed.items()]),
        "amount_millidong": np.concatenate(
            [difference.amount_millidong[number, where] for number, where in changed.items()]
        ),
    }
    entries = len(columns["account_id"])
    write_columns(cursor, "settlement_ledgerentry", columns, entries)
    return entries
