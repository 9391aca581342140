"""Every read of settlement."""

from settlement.queries.disputes import DisputeRow, compensation_frozen, disputes_of, open_disputes
from settlement.queries.statements import (
    Balance,
    IntervalEnergy,
    Statement,
    Trace,
    TracedReading,
    TracedTrade,
    balances,
    energy_today,
    own_trades,
    saved_by_contract,
    statement,
    trace,
)

__all__ = [
    "Balance",
    "DisputeRow",
    "IntervalEnergy",
    "Statement",
    "Trace",
    "TracedReading",
    "TracedTrade",
    "balances",
    "compensation_frozen",
    "disputes_of",
    "energy_today",
    "open_disputes",
    "own_trades",
    "saved_by_contract",
    "statement",
    "trace",
]
