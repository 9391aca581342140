"""Which intervals are disputed: what the administrator decides, the month close waits for, and a run takes heed of.

A dispute stands from the moment it is opened until it is decided. While it stands, and for good where it is waived,
the interval pays no compensation. Runs ask for the state at their own moment, so an audit can ask the same years later.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db.models import Q, QuerySet

from settlement.models import Dispute


@dataclass(frozen=True, slots=True)
class DisputeRow:
    """A dispute with its interval. Nobody has decided yet where `decided_at` is None."""

    id: int
    contract_id: int
    delivery_start: datetime
    delivery_end: datetime
    participant_id: int
    participant: str
    state: str
    reason: str
    opened_at: datetime
    opened_by: str | None
    decided_at: datetime | None
    decided_by: str | None
    decision: str


_FIELDS = (
    "id", "contract_id", "contract__delivery_start", "contract__delivery_end", "participant_id", "participant__name",
    "state", "reason", "opened_at", "opened_by__username", "decided_at", "decided_by__username", "decision",
)  # fmt: skip


def open_disputes(market_id: int, start: datetime, end: datetime) -> list[DisputeRow]:
    """The undecided disputes over intervals that begin in [start, end), by interval, then by age."""
    return _rows(
        Dispute.objects.filter(
            market_id=market_id, state=Dispute.State.OPEN, contract__delivery_start__gte=start,
            contract__delivery_start__lt=end,
        )
    )  # fmt: skip


def disputes_of(market_id: int, participant_id: int | None = None) -> list[DisputeRow]:
    """Every dispute of a market, or those of one participant, by interval, then by age."""
    found = Dispute.objects.filter(market_id=market_id)
    return _rows(found if participant_id is None else found.filter(participant_id=participant_id))


def compensation_frozen(contract_id: int, at: datetime) -> bool:
    """Whether a dispute kept the contract from paying compensation at a moment: it stood then, or had been waived."""
    standing = Q(decided_at=None) | Q(decided_at__gt=at)
    waived = Q(state=Dispute.State.WAIVED)
    return Dispute.objects.filter(standing | waived, contract_id=contract_id, opened_at__lte=at).exists()


def _rows(found: QuerySet[Dispute]) -> list[DisputeRow]:
    ordered = found.order_by("contract__delivery_start", "opened_at", "id")
    return [DisputeRow(*row) for row in ordered.values_list(*_FIELDS)]
