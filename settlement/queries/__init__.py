"""Every read of settlement."""

from settlement.queries.statements import (
    Balance,
    IntervalEnergy,
    Statement,
    Trace,
    TracedReading,
    TracedTrade,
    balances,
    energy_today,
    statement,
    trace,
)

__all__ = [
    "Balance",
    "IntervalEnergy",
    "Statement",
    "Trace",
    "TracedReading",
    "TracedTrade",
    "balances",
    "energy_today",
    "statement",
    "trace",
]
