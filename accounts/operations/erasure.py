"""Erasing a person: what goes, what stays, and under which name it stays.

The login's name, address, password, passkeys, browsers, seats and tokens go. Trades, the ledger, invoices and the audit
trail must stay (accounting law keeps documents ten years); they name the participant or a number, and the trail's
entries about logins get a made-up name in place of the user's name and address. Example: 'lan' with number 41 is
'erased-41' from then on. The user's row stays, empty, because the trail refers to it.
"""

from datetime import datetime
from typing import Any

import pgtrigger
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.translation import gettext as _
from knox.models import AuthToken

from accounts.models import (
    AuditEntry,
    EmailChange,
    Invitation,
    Login,
    Membership,
    Notice,
    NoticeChoice,
    NoticeManner,
    Participant,
    PasswordReset,
    PushDevice,
    User,
)
from accounts.operations.users import AccountError, audit

# Entries of these kinds name people; all others name participants and figures, and stay as they are.
PERSONAL = ("user.", "membership.", "invitation.", "email.", "login.", "passkey.", "second_step.")


def owned_alone(user: User) -> list[Participant]:
    """The participants that nobody else owns."""
    owners = Membership.objects.filter(role=Membership.Role.OWNER, user__is_active=True)
    others = owners.exclude(user=user).values("participant_id")
    mine = owners.filter(user=user).exclude(participant_id__in=others).values("participant_id")
    return list(Participant.objects.filter(pk__in=mine))


@transaction.atomic
def erase_user(*, user: User, open_money: dict[str, str], at: datetime) -> str:
    """Erases what is held about the person behind a login; its name from then on.

    `open_money` names the participants, owned by nobody else, that have some, each with its sentence. Raises
    AccountError `open_money`, or `last_administrator`.
    """
    if open_money:
        raise AccountError("open_money", " ".join(open_money.values()))
    held = User.objects.select_for_update().get(pk=user.pk)
    staff = User.objects.select_for_update().filter(is_staff=True, is_active=True)
    if held.is_staff and not [each for each in staff if each.pk != held.pk]:
        raise AccountError("last_administrator", _("You are the only administrator. Make somebody else one first."))
    known = {text for text in (held.username, held.email, held.get_full_name()) if text}
    pseudonym = _free_name(held)
    Session.objects.filter(session_key__in=held.logins.values("session_key")).delete()
    for rows in (Login, EmailChange, PasswordReset, Membership, Authenticator):
        rows.objects.filter(user=held).delete()
    for told in (Notice, NoticeChoice, NoticeManner, PushDevice):
        told.objects.filter(user=held).delete()
    AuthToken.objects.filter(user=held).delete()
    Invitation.objects.filter(email__in=known).update(email=f"{pseudonym}@invalid")
    _rename_in_trail(held, known, pseudonym)
    _empty(held, pseudonym)
    audit(by=held, action="user.erased", target=pseudonym, at=at)
    return pseudonym


def _free_name(user: User) -> str:
    """A made-up name that nobody has: someone may have called himself `erased-41` before 41 was erased."""
    name = f"erased-{user.pk}"
    while User.objects.filter(username=name).exclude(pk=user.pk).exists():
        name += "x"
    return name


def _empty(user: User, pseudonym: str) -> None:
    user.username, user.email, user.first_name, user.last_name = pseudonym, "", "", ""
    user.is_active = user.is_staff = user.is_superuser = user.is_auditor = False
    user.last_login = None
    user.set_unusable_password()
    user.save()
    user.groups.clear()
    user.user_permissions.clear()


def _rename_in_trail(user: User, known: set[str], pseudonym: str) -> None:
    """The one change that is ever made to the trail: a person's name becomes a made-up one, nothing else."""
    with pgtrigger.ignore("accounts.AuditEntry:audit_is_append_only"):
        for prefix in PERSONAL:
            for entry in AuditEntry.objects.filter(action__startswith=prefix).iterator():
                if entry.target in known or known & {
                    value for value in entry.detail.values() if isinstance(value, str)
                }:
                    _rename(entry, known, pseudonym)


def _rename(entry: AuditEntry, known: set[str], pseudonym: str) -> None:
    def told(value: Any) -> Any:
        return pseudonym if isinstance(value, str) and value in known else value

    detail = {name: told(value) for name, value in entry.detail.items()}
    AuditEntry.objects.filter(pk=entry.pk).update(target=told(entry.target), detail=detail)
