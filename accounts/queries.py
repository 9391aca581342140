"""Who acts for whom: every read of memberships and tokens."""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection
from knox.models import AuthToken

from accounts.models import User


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
    """The participants that the user acts for, by code. Bare SQL: every order asks this first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT p.id, p.code, p.name, m.role FROM accounts_membership m"
            " JOIN accounts_participant p ON p.id = m.participant_id WHERE m.user_id = %s ORDER BY p.code",
            (user.pk,),
        )
        return [Seat(*row) for row in cursor.fetchall()]


def tokens(user: User, at: datetime) -> list[TokenView]:
    """The user's tokens that still hold at the moment `at`, the newest first."""
    rows = AuthToken.objects.filter(user=user, expiry__gt=at).order_by("-created")
    return [TokenView(*row) for row in rows.values_list("token_key", "created", "expiry")]
