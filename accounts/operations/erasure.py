"""Erasing a person: what goes, what stays, and under which name it stays.

The login's name, address, password, passkeys, browsers, seats and tokens go. Trades, the ledger, invoices and the audit
trail must stay (accounting law keeps documents ten years); they name the participant or a number, and the trail's
entries about logins get a made-up name in place of the user's name and address. Example: 'lan' with number 41 is
'erased-41' from then on. The user's row stays, empty, because the trail refers to it.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

import pgtrigger
from allauth.mfa.models import Authenticator
from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q
from django.db.models.functions import Lower
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
    # In one order, so that two administrators who leave at once wait for each other and not for ever.
    concerned = User.objects.select_for_update().filter(Q(pk=user.pk) | Q(is_staff=True, is_active=True))
    people = {each.pk: each for each in concerned.order_by("pk")}
    held = people.pop(user.pk)
    if held.is_staff and not any(each.is_staff for each in people.values()):
        raise AccountError("last_administrator", _("You are the only administrator. Make somebody else one first."))
    known, pseudonym = _known_by(held), _free_name(held)
    Session.objects.filter(session_key__in=held.logins.values("session_key")).delete()
    for rows in (Login, EmailChange, PasswordReset, Membership, Authenticator):
        rows.objects.filter(user=held).delete()
    for told in (Notice, NoticeChoice, NoticeManner, PushDevice):
        told.objects.filter(user=held).delete()
    AuthToken.objects.filter(user=held).delete()
    letters = Invitation.objects.annotate(address=Lower("email")).filter(address__in=known.addresses)
    letters.update(email=f"{pseudonym}@invalid")
    _rename_in_trail(known, pseudonym)
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


@dataclass(frozen=True, slots=True)
class Known:
    """Under what a person is known: names to the letter, e-mail addresses in small letters."""

    user_id: int
    names: frozenset[str]
    addresses: frozenset[str]

    def has(self, value: object) -> bool:
        """Whether this is one of them."""
        return isinstance(value, str) and (value in self.names or value.casefold() in self.addresses)


def _known_by(user: User) -> Known:
    """Also the addresses of before: those that were changed, and those to which the invitations went."""
    changes = AuditEntry.objects.filter(by=user, action="email.changed").values_list("detail", flat=True)
    changed = {str(text) for detail in changes for text in (detail.get("was"), detail.get("email")) if text}
    invited = Invitation.objects.filter(accepted_by=user).values_list("email", flat=True)
    addresses = {text.casefold() for text in (user.email, *changed, *invited) if text}
    others = User.objects.exclude(pk=user.pk).annotate(address=Lower("email")).filter(address__in=addresses)
    addresses -= {text.casefold() for text in others.values_list("email", flat=True)}
    names = {text for text in (user.username, user.get_full_name()) if text}
    return Known(user.pk, frozenset(names), frozenset(addresses))


def _rename_in_trail(known: Known, pseudonym: str) -> None:
    """The one change that is ever made to the trail: a person's name becomes a made-up one, nothing else.

    An address that was asked for and never confirmed goes out of that entry alone: anybody may type anybody's.
    """
    with pgtrigger.ignore("accounts.AuditEntry:audit_is_append_only"):
        for prefix in PERSONAL:
            for entry in AuditEntry.objects.filter(action__startswith=prefix).iterator():
                asked = entry.by_id == known.user_id and entry.action == "email.change_asked"
                if asked or any(known.has(value) for value in (entry.target, *entry.detail.values())):
                    _rename(entry, known, pseudonym, asked)


def _rename(entry: AuditEntry, known: Known, pseudonym: str, asked: bool) -> None:
    def told(value: Any) -> Any:
        return pseudonym if known.has(value) else value

    detail = {name: told(value) for name, value in entry.detail.items()} | ({"email": pseudonym} if asked else {})
    AuditEntry.objects.filter(pk=entry.pk).update(target=told(entry.target), detail=detail)
