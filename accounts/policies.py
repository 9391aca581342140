"""Who may do what. Every page, call and socket asks here, so that the rules stand in one place.

| | trades for it | sees its orders, energy, money | sees everybody's and the audit trail | changes rules, readings |
|---|---|---|---|---|
| owner, trader | yes | yes | | |
| viewer | | yes | | |
| auditor (`is_auditor`) | never | yes | yes | never |
| administrator (`is_staff`) | only where a member | yes | yes | yes |

Market data (contracts, books, trades without names) is open to everyone who is signed in. An auditor may read all and
change nothing: every request of his that is not a safe method is refused (`accounts.middleware`, `accounts.api.views`).
"""

from accounts.models import Membership, Participant, User
from accounts.queries import Seat, seats

TRADING_ROLES = frozenset((Membership.Role.OWNER.value, Membership.Role.TRADER.value))
SAFE_METHODS = frozenset(("GET", "HEAD", "OPTIONS"))
READS_ONLY = "auditor_reads_only"
READS_ONLY_SENTENCE = "You are signed in as an auditor: you may read everything and change nothing."


def is_administrator(user: User) -> bool:
    """Whether the user runs the installation."""
    return user.is_active and user.is_staff


def is_auditor(user: User) -> bool:
    """Whether the user reads everything and changes nothing."""
    return user.is_active and user.is_auditor


def may_administer(user: User) -> bool:
    """Whether the user may run markets: rules, closes, decisions. Pages for administrators that an auditor may look at
    ask `may_audit` instead."""
    return is_administrator(user)


def may_audit(user: User) -> bool:
    """Whether the user may see every participant, market, close, document and the audit trail, with names."""
    return is_administrator(user) or is_auditor(user)


def may_call(user: User, method: str) -> bool:
    """Whether the user may send a request of this HTTP method at all: an auditor only safe ones."""
    return method in SAFE_METHODS or not user.is_auditor


def may_trade(user: User, participant: Participant) -> bool:
    """Whether the user may place, amend and cancel orders for the participant. Being an administrator is not enough."""
    return user.is_active and any(seat_may_trade(seat) for seat in seats(user) if seat.participant_id == participant.pk)


def may_set_billing(user: User, participant: Participant) -> bool:
    """Whether the user may say how the participant stands on documents: its owners, and administrators."""
    if is_administrator(user):
        return True
    owns = any(seat.role == Membership.Role.OWNER for seat in seats(user) if seat.participant_id == participant.pk)
    return user.is_active and not user.is_auditor and owns


def may_view(user: User, participant: Participant) -> bool:
    """Whether the user may see the participant's orders, energy and money."""
    if may_audit(user):
        return True
    return user.is_active and any(seat.participant_id == participant.pk for seat in seats(user))


def may_look_after_members(user: User) -> bool:
    """Whether the user may see who acts for some participant, and who is invited: owners, administrators, auditors."""
    return may_audit(user) or (user.is_active and any(seat.role == Membership.Role.OWNER for seat in seats(user)))


def may_load_readings(user: User) -> bool:
    """Whether the user may load meter readings. They decide who pays what, so a member never loads its own."""
    return is_administrator(user)


def seat_may_trade(seat: Seat) -> bool:
    """Whether this role lets a user trade: `may_trade` for callers who have read the seats already."""
    return seat.role in TRADING_ROLES
