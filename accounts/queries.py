"""Who acts for whom, and what was done: every read of memberships, tokens and the audit trail."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from django.db import connection
from django.db.models import Q, QuerySet
from django.utils.translation import gettext, override
from knox.models import AuthToken

from accounts.domain import billing_csv
from accounts.domain.notices import FOR_ADMINISTRATORS
from accounts.domain.sentences import sentence_of
from accounts.models import AuditEntry, BillingProfile, Notice, Participant, User
from units.numbers import Language


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


@dataclass(frozen=True, slots=True)
class TrailRow:
    """One entry of the audit trail. `by` is a person's name, empty for the installation itself; `sentence` says it all
    in the reader's language, `detail` has the figures as they were noted."""

    id: int
    at: datetime
    by: str
    action: str
    target: str
    sentence: str
    detail: dict[str, Any]


def audit_trail(
    *,
    language: Language = "en",
    start: datetime | None = None,
    end: datetime | None = None,
    by: str = "",
    action: str = "",
    about: str = "",
    before: int | None = None,
    limit: int = 100,
) -> list[TrailRow]:
    """The trail in sentences, the newest first, at most `limit` entries; ask for more with `before`, the last row's id.

    Filters: moments in [start, end); `by` a user name; `action` or the beginning of one (`close.`); `about` a part of
    what it was done to, or of its detail. Who may read it: `policies.may_audit`.
    """
    rows = AuditEntry.objects.select_related("by").order_by("-id")
    rows = rows.filter(at__gte=start) if start else rows
    rows = rows.filter(at__lt=end) if end else rows
    rows = rows.filter(by__username=by) if by else rows
    rows = rows.filter(action__startswith=action) if action else rows
    rows = rows.filter(Q(target__icontains=about) | Q(detail__icontains=about)) if about else rows
    rows = rows.filter(id__lt=before) if before else rows
    page = list(rows[:limit])
    numbers = {number for row in page if isinstance(number := row.detail.get("participant"), int)}
    names: dict[Any, str] = dict(Participant.objects.filter(pk__in=numbers).values_list("pk", "name"))
    with override(language):
        return [_trail_row(row, names, language) for row in page]


def _trail_row(row: AuditEntry, names: Mapping[Any, str], language: Language) -> TrailRow:
    who = (row.by.get_full_name() or row.by.username) if row.by else ""
    party = row.detail.get("participant")
    detail = row.detail | {"participant": names.get(party, party)}
    told = sentence_of(who=who, action=row.action, target=row.target, detail=detail, language=language, _=gettext)
    return TrailRow(row.pk, row.at, who, row.action, row.target, told, row.detail)


def billing_file(participants: Iterable[Participant]) -> bytes:
    """Their billing details as the spreadsheet that can be loaded again; who has none stands there with the code."""
    people = list(participants)
    profiles = BillingProfile.objects.filter(participant__in=people).in_bulk(field_name="participant_id")
    return billing_csv.write(
        {billing_csv.KEY: person.code, billing_csv.NAME: person.name}
        | {name: getattr(profiles[person.pk], name) for name in billing_csv.FIELDS if person.pk in profiles}
        for person in people
    )


def own_notices(user: User) -> QuerySet[Notice]:
    """What a person was told, the newest first; nothing of a participant for which the person acts no more, or of a
    house that it runs no more."""
    rows = Notice.objects.filter(user=user).select_related("participant")
    if user.is_staff:
        return rows
    rows = rows.exclude(kind__in=FOR_ADMINISTRATORS)
    return rows.filter(Q(participant=None) | Q(participant__memberships__user=user))


def unread_notices(user: User) -> int:
    """How many of them have not been read."""
    return own_notices(user).filter(read_at=None).count()
