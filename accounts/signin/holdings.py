"""All that is held about a person, as one zip of JSON files, and what other apps say about its participants.

Accounts knows no orders, readings or invoices: the class that PERSONAL_DATA names brings those in. Rows are written one
by one, so that years of readings need little memory.
"""

import json
import zipfile
from collections.abc import Iterable, Iterator, Mapping
from io import BytesIO, TextIOWrapper
from typing import Any, Protocol
from zoneinfo import ZoneInfo

from django.conf import settings
from django.core.serializers.json import DjangoJSONEncoder
from django.utils.module_loading import import_string
from django.utils.translation import gettext as _
from django.utils.translation import override
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

    def about(self) -> dict[str, str]:
        """What each of these files holds, in the language of the moment."""
        ...

    def timezone(self, participants: list[Participant]) -> str:
        """The IANA name of the time zone where they are, of the first site where they are nowhere, else UTC."""
        ...

    def open_money(self, participants: list[Participant]) -> dict[str, str]:
        """By code, a sentence for each of them that owes, is owed, or has orders that could still trade."""
        ...


def held_data() -> HeldData:
    """The installation's own."""
    found: HeldData = import_string(settings.PERSONAL_DATA)()
    return found


def zone_of(user: User) -> ZoneInfo:
    """The time zone in which the user reads times: that of the site of whom the user acts for."""
    return ZoneInfo(held_data().timezone(list(Participant.objects.filter(memberships__user=user).order_by("code"))))


def open_money(user: User) -> dict[str, str]:
    """What keeps the user from leaving: the open money of participants that nobody else owns."""
    return held_data().open_money(owned_alone(user))


def export(user: User) -> bytes:
    """The zip: the login itself, what it did, and the orders, readings and invoices of its participants."""
    packed = BytesIO()
    participants = list(Participant.objects.filter(memberships__user=user).order_by("code"))
    with zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as pack:
        pack.writestr("README.txt", _read_me(user))
        for name, rows in (*_own(user), *held_data().files(participants)):
            _write(pack, f"{name}.json", rows)
    return packed.getvalue()


def _read_me(user: User) -> str:
    """What the other files of the zip hold, in the user's language."""
    with override(user.language):
        told = _("What Wattbourse holds about the login {name} and the participants it acts for.")
        units = _("Energy is in Wh, prices in đồng per kWh, times in UTC; 1,000 milli-đồng are one đồng.")
        files = {**_about(), **held_data().about()}
        lines = [f"{name}.json: {about}" for name, about in files.items()]
        return "\n".join((told.format(name=user.username), units, "", *lines, ""))


def _about() -> dict[str, str]:
    return {
        "login": _("your name, address, language, roles, and how you log in"),
        "browsers": _("the devices that are signed in"),
        "passkeys": _("your passkeys, without their secrets"),
        "tokens": _("access tokens of your programs, without their secrets"),
        "invitations": _("invitations that you accepted"),
        "sent_invitations": _("invitations that you sent"),
        "notices": _("what you were told, and when you read it"),
        "notice_choices": _("how you want to be told"),
        "push_devices": _("devices that get messages"),
        "actions": _("what you did, as the audit trail has it"),
    }


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
    sent = Invitation.objects.filter(invited_by=user)
    yield "sent_invitations", sent.values(*columns, "expires_at", "withdrawn_at")
    yield "notices", Notice.objects.filter(user=user).values("at", "kind", "participant__code", "data", "read_at")
    yield "notice_choices", NoticeChoice.objects.filter(user=user).values("topic", "email", "push")
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
