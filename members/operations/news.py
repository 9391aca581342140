"""Who is told about a member's report: administrators while it waits, then the member what became of it."""

from datetime import datetime

from accounts.operations.notices import News, tell
from members.models import Claim


def tell_claimed(claim: Claim, at: datetime) -> None:
    """A report waits. Changed before somebody decides, it is the same report."""
    told = {"market": claim.market.code, "who": claim.participant.name}
    tell([News("claim_waits", f"claim {claim.pk}", at, ("claim", claim.pk), told, administrators=True,
               but=claim.made_by_id)])  # fmt: skip


def tell_decided(claim: Claim, at: datetime) -> None:
    """The members hear yes, or no and why."""
    kind = "claim_accepted" if claim.state == Claim.State.ACCEPTED else "claim_refused"
    told = {"market": claim.market.code, "note": claim.note}
    tell([News(kind, f"claim {claim.pk} {claim.state}", at, ("home", ""), told, participant=claim.participant_id)])
