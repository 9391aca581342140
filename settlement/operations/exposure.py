"""What a participant's credit is used up by, kept beside the order path.

    exposure = open orders + trades not settled yet     (trading: Admission.committed_millidong)
             + cleared and not paid, invoiced or not    (here: Admission.owed_millidong)
    it may buy while exposure + order ≤ credit limit + prepaid

The order path cannot add up a ledger, so two running figures stand on the admission: `settled` (the participant's and
the receivable account together, signed, because a debt may turn into a credit and back; `owed` is its negative part,
which PostgreSQL works out) and `prepaid`. Whoever posts to these accounts moves the figures in the same transaction
with `move_exposure`, which adds what the named ledger transactions moved, so the work is what was posted and not the
history. An invoice moves nothing: what it takes from one account it gives to the other.

Locks: the market's row, as the order path takes it before it touches admissions. It is taken last, after contracts,
bank lines, payments, invoices and prepaid accounts, and held until the transaction ends: keep what follows short.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from meters.columns import read_columns
from settlement.models import LedgerTransaction

_SETTLED = "a.kind IN ('participant', 'receivable')"


@dataclass(frozen=True, slots=True)
class Drift:
    """An admission whose running figures are not what the ledger says, milli-đồng."""

    participant_id: int
    settled_millidong: int
    settled_in_ledger: int
    prepaid_millidong: int
    prepaid_in_ledger: int


def move_exposure(*, market_id: int, transaction_ids: Sequence[int]) -> None:
    """Add what these ledger transactions moved. Call it once for each, last in the transaction that posts them."""
    if not transaction_ids:
        return
    with connection.cursor() as cursor:
        moved = _moved(cursor, market_id, transaction_ids)
        if moved["participants"]:
            _lock_market(cursor, market_id)
            cursor.execute(_MOVE, moved)


def settle_exposure(*, market_id: int, contract_id: int, run_id: int) -> None:
    """A contract's run is posted: give back what its trades held, and add what the run moved, in one UPDATE.

    What moved is added up before the market is locked, because trading waits from then on.
    """
    made = list(LedgerTransaction.objects.filter(run_id=run_id).values_list("pk", flat=True))
    with connection.cursor() as cursor:
        moved = _moved(cursor, market_id, made)
        _lock_market(cursor, market_id)
        cursor.execute(_SETTLE, moved | {"contract": contract_id})


def refresh_exposure(market_id: int, participant_ids: Sequence[int] | None = None) -> int:
    """Set the figures (of everybody where nobody is named) to what the ledger says: how many were wrong.

    It reads all entries of these accounts: a repair, not a way to keep the figures.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        _lock_market(cursor, market_id)
        drifts = _drifts(cursor, market_id, participant_ids)
        values: dict[str, Any] = {
            "market": market_id,
            "participants": [drift.participant_id for drift in drifts],
            "settled": [drift.settled_in_ledger for drift in drifts],
            "prepaid": [drift.prepaid_in_ledger for drift in drifts],
        }
        cursor.execute(_SET, values)
    return len(drifts)


def check_exposure(market_id: int) -> tuple[Drift, ...]:
    """Whose figures are not what the ledger says. One statement, one moment: it may run beside trading."""
    with connection.cursor() as cursor:
        return _drifts(cursor, market_id, None)


def _drifts(cursor: CursorWrapper, market_id: int, participant_ids: Sequence[int] | None) -> tuple[Drift, ...]:
    named = None if participant_ids is None else list(participant_ids)
    values: dict[str, Any] = {"market": market_id, "participants": named}
    cursor.execute(_COMPARE, values)
    return tuple(Drift(*row) for row in cursor.fetchall())


def _moved(cursor: CursorWrapper, market_id: int, transaction_ids: Sequence[int]) -> dict[str, Any]:
    """What transactions moved, by participant, as arrays for an UPDATE."""
    columns = read_columns(cursor, _MOVED, (list(transaction_ids), market_id), ("participants", "settled", "prepaid"))
    return {"market": market_id} | {name: column.tolist() for name, column in columns.items()}


def _lock_market(cursor: CursorWrapper, market_id: int) -> None:
    cursor.execute("SELECT id FROM trading_market WHERE id = %s FOR NO KEY UPDATE", (market_id,))


_SUMS = f"""
    coalesce(sum(e.amount_millidong) FILTER (WHERE {_SETTLED}), 0)::bigint AS settled,
    coalesce(sum(e.amount_millidong) FILTER (WHERE a.kind = 'prepaid'), 0)::bigint AS prepaid
"""
_MOVED = f"""
    SELECT participant_id, settled, prepaid FROM (
        SELECT a.participant_id, {_SUMS} FROM settlement_ledgerentry e
        JOIN settlement_ledgeraccount a ON a.id = e.account_id
        WHERE e.transaction_id = ANY(%s::bigint[]) AND a.participant_id IS NOT NULL
            AND a.market_id = %s
        GROUP BY a.participant_id
    ) moved WHERE settled <> 0 OR prepaid <> 0 ORDER BY participant_id
"""
_NEW = """
    FROM unnest(%(participants)s::bigint[], %(settled)s::bigint[], %(prepaid)s::bigint[])
        AS n(participant, settled, prepaid)
    WHERE d.market_id = %(market)s AND d.participant_id = n.participant
"""
_MOVE = f"""
    UPDATE trading_admission d SET settled_millidong = d.settled_millidong + n.settled,
        prepaid_millidong = d.prepaid_millidong + n.prepaid {_NEW}
"""
# greatest(): whatever the bookkeeping of credit says, it must not keep an interval from being settled.
_SETTLE = """
    WITH held AS (
        SELECT participant_id, committed_millidong AS amount FROM trading_position
        WHERE market_id = %(market)s AND contract_id = %(contract)s AND committed_millidong > 0
    ), freed AS (
        UPDATE trading_position p SET committed_millidong = 0 FROM held
        WHERE p.market_id = %(market)s AND p.contract_id = %(contract)s AND p.participant_id = held.participant_id
    ), moved AS (
        SELECT * FROM unnest(%(participants)s::bigint[], %(settled)s::bigint[], %(prepaid)s::bigint[])
            AS n(participant_id, settled, prepaid)
    )
    UPDATE trading_admission d SET
        committed_millidong = greatest(0, d.committed_millidong - coalesce(held.amount, 0)),
        settled_millidong = d.settled_millidong + coalesce(moved.settled, 0)
    FROM held FULL JOIN moved ON moved.participant_id = held.participant_id
    WHERE d.market_id = %(market)s AND d.participant_id = coalesce(held.participant_id, moved.participant_id)
"""
_SET = f"UPDATE trading_admission d SET settled_millidong = n.settled, prepaid_millidong = n.prepaid {_NEW}"
_COMPARE = f"""
    SELECT d.participant_id, d.settled_millidong, l.settled, d.prepaid_millidong, l.prepaid
    FROM trading_admission d CROSS JOIN LATERAL (
        SELECT {_SUMS} FROM settlement_ledgeraccount a JOIN settlement_ledgerentry e ON e.account_id = a.id
        WHERE a.market_id = d.market_id AND a.participant_id = d.participant_id
    ) l
    WHERE d.market_id = %(market)s
        AND (%(participants)s::bigint[] IS NULL OR d.participant_id = ANY(%(participants)s::bigint[]))
        AND (d.settled_millidong <> l.settled OR d.prepaid_millidong <> l.prepaid)
    ORDER BY d.participant_id
"""
