"""Every write of settlement: the runs of a contract, what is due in a market, and the check of a past run."""

from settlement.operations.due import mark_delivered, run_due, touched
from settlement.operations.errors import SettlementError
from settlement.operations.recompute import Recomputed, recompute
from settlement.operations.runs import RunSummary, resettle, settle

__all__ = [
    "Recomputed",
    "RunSummary",
    "SettlementError",
    "mark_delivered",
    "recompute",
    "resettle",
    "run_due",
    "settle",
    "touched",
]
