"""Who is told about a change of rules: administrators while it waits for a second person, then whom it touches."""

from datetime import datetime

from accounts.operations.notices import News, tell, tell_administrators
from tariffs.models import RuleChange


def tell_proposed(change: RuleChange, at: datetime) -> None:
    """A proposal waits for somebody else than who made it."""
    by = change.proposed_by
    told = {"what": change.kind, "from_on": _on(change), "person": by.get_full_name() or by.username}
    about = ("proposal", change.pk)
    tell_administrators("proposal_waits", f"proposal {change.pk}", at, about=about, data=told, but=by.pk)


def tell_approved(change: RuleChange, at: datetime) -> None:
    """Those whose prices or terms change hear it once it is certain, with the day from which it holds."""
    sites = change.impact.get("sites", [])
    touched = sorted({person["id"] for site in sites for person in site["participants"]})
    told = {"what": change.kind, "from_on": _on(change)}
    key = f"rules {change.pk}"
    tell(News("rules_changed", key, at, ("rules", ""), told, participant=participant) for participant in touched)


def _on(change: RuleChange) -> str:
    return change.effective_on.isoformat()
