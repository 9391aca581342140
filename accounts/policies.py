"""Who may do what. Every page, call and socket asks here, so that the rules stand in one place.

| | trades for it | sees its orders and energy | sees everybody's, loads readings |
|---|---|---|---|
| owner, trader | yes | yes | |
| viewer | | yes | |
| administrator (`is_staff`) | only where a member | yes | yes |

Market data (contracts, books, trades without names) is open to everyone who is signed in.
"""

from accounts.models import Membership, Participant, User
from accounts.queries import Seat, seats

TRADING_ROLES = frozenset((Membership.Role.OWNER.value, Membership.Role.TRADER.value))


def is_administrator(user: User) -> bool:
    """Whether the user runs the installation."""
    return user.is_active and user.is_staff


def may_trade(user: User, participant: Participant) -> bool:
    """Whether the user may place, amend and cancel orders for the participant. Being an administrator is not enough."""
    return user.is_active and any(seat_may_trade(seat) for seat in seats(user) if seat.participant_id == participant.pk)


def may_view(user: User, participant: Participant) -> bool:
    """Whether the user may see the participant's orders, energy and money."""
    if is_administrator(user):
        return True
    return user.is_active and any(seat.participant_id == participant.pk for seat in seats(user))


def may_load_readings(user: User) -> bool:
    """Whether the user may load meter readings. They decide who pays what, so a member never loads its own."""
    return is_administrator(user)


def seat_may_trade(seat: Seat) -> bool:
    """Whether this role lets a user trade: `may_trade` for callers who have read the seats already."""
    return seat.role in TRADING_ROLES
