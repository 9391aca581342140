"""All that is held about a person, as one zip of JSON files, and what other apps say about its participants.

Accounts knows no orders, readings or invoices: the class that PERSONAL_DATA names brings those in. Rows are written one
by one, so that years of readings need little memory.
"""

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO, TextIOWrapper
from typing import Any, Protocol

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.module_loading import import_string
from knox.models import AuthToken

from accounts.models import AuditEntry, Invitation, Login, Notice, NoticeChoice, Participant, PushDevice, User
from accounts.operations.erasure import owned_alone
from accounts.signin.factors import has_totp, passkeys

Rows = Iterable[Mapping[str, Any]]


class HeldData(Protocol):
    """What the other apps answer for some participants."""

    def files(self, participants: list[Participant]) -> Iterator[tuple[str, Rows]]:
        """File name without ending, and its rows."""
        ...

    def open_money(self, participants: list[Participant]) -> dict[str, str]:
        """By code, a sentence for each of them that owes, is owed, or has orders that could still trade."""
        ...


def held_data() -> HeldData:
    """The installation's own."""
    found: HeldData = import_string(settings.PERSONAL_DATA)()
    return found


def open_money(user: User) -> dict[str, str]:
    """What keeps the user from leaving: the open money of participants that nobody else owns."""
    return held_data().open_money(owned_alone(user))


def export(user: User) -> bytes:
    """The zip: the login itself, what it did, and the orders, readings and invoices of its participants."""
    packed = BytesIO()
    participants = list(Participant.objects.filter(memberships__user=user).order_by("code"))
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as pack:
        for name, rows in (*_own(user), *held_data().files(participants)):
            _write(pack, f"{name}.json", rows)
    return packed.getvalue()


def _write(pack: zipfile.ZipFile, name: str, rows: Rows) -> None:
    """One JSON array, a row on each line."""
    with pack.open(name, "w", force_zip64=True) as raw, TextIOWrapper(raw, encoding="utf-8") as file:
        between = "[\n"
        for row in rows:
            file.write(between + json.dumps(row, cls=DjangoJSONEncoder, ensure_ascii=False))
            between = ",\n"
        file.write("[]\n" if between == "[\n" else "\n]\n")


def _own(user: User) -> Iterator[tuple[str, Rows]]:
    yield "login", [_person(user)]
    yield "browsers", Login.objects.filter(user=user).values("device", "address", "started_at", "seen_at")
    yield (
        "passkeys",
        ({"name": key.name, "created_at": key.created_at, "used_at": key.used_at} for key in passkeys(user)),
    )
    yield "tokens", AuthToken.objects.filter(user=user).values("token_key", "created", "expiry")
    columns = ("email", "participant__code", "role", "created_at", "accepted_at")
    yield "invitations", Invitation.objects.filter(accepted_by=user).values(*columns)
    yield "notices", Notice.objects.filter(user=user).values("at", "kind", "participant__code", "data", "read_at")
    yield "notice_choices", NoticeChoice.objects.filter(user=user).values("kind", "email", "push")
    yield "push_devices", PushDevice.objects.filter(user=user).values("name", "endpoint", "added_at")
    yield "actions", AuditEntry.objects.filter(by=user).values("at", "action", "target", "detail").iterator()


def _person(user: User) -> dict[str, Any]:
    seats = user.memberships.select_related("participant").order_by("participant__code")
    return {
        "username": user.username,
        "email": user.email,
        "first_name": user.first_name,
        "last_name": user.last_name,
        "language": user.language,
        "date_joined": user.date_joined,
        "last_login": user.last_login,
        "is_administrator": user.is_staff,
        "is_auditor": user.is_auditor,
        "authenticator_app": has_totp(user),
        "participants": [
            {"code": seat.participant.code, "name": seat.participant.name, "role": seat.role} for seat in seats
        ],
    }
