"""Who acts for whom: every read of memberships and tokens."""

from dataclasses import dataclass
from datetime import datetime

from knox.models import AuthToken

from accounts.models import Membership, User


@dataclass(frozen=True, slots=True)
class Seat:
    """A participant that a user acts for, and in what role."""

    participant_id: int
    code: str
    name: str
    role: str


@dataclass(frozen=True, slots=True)
class TokenView:
    """A token as its owner may see it again: the first characters, never the secret."""

    key: str
    created_at: datetime
    expires_at: datetime


def seats(user: User) -> list[Seat]:
    """The participants that the user acts for, by code."""
    rows = Membership.objects.filter(user=user).order_by("participant__code")
    return [Seat(*row) for row in rows.values_list("participant_id", "participant__code", "participant__name", "role")]


def tokens(user: User, at: datetime) -> list[TokenView]:
    """The user's tokens that still hold at the moment `at`, the newest first."""
    rows = AuthToken.objects.filter(user=user, expiry__gt=at).order_by("-created")
    return [TokenView(*row) for row in rows.values_list("token_key", "created", "expiry")]
