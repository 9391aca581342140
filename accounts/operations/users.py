"""Users, participants, memberships, tokens, and the audit trail of all apps.

Each action names who did it and when (`by=`, `at=`) and writes its audit row in its own transaction, so that there is
never the one without the other. `by=None` is the installation itself: a set-up, a schedule.
"""

from collections.abc import Mapping
from datetime import datetime, timedelta
from typing import Any

from django.contrib.auth.password_validation import validate_password
from django.core.exceptions import ValidationError
from django.core.validators import validate_email
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _
from knox.models import AuthToken

from accounts.models import AuditEntry, Membership, Participant, User
from accounts.operations.notices import tell_of_login

LONGEST_EMAIL = 254  # RFC 5321's longest path; the validator takes more


class AccountError(ValueError):
    """An account cannot be made like that; the message says why. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def audit(
    *, by: User | None, action: str, target: str, detail: Mapping[str, Any] | None = None, at: datetime
) -> AuditEntry:
    """Notes an action by a person. Call it inside the transaction of the action itself.

    `action` reads like `token.created`, `target` names what it was done to; `detail` is anything JSON can hold.
    """
    entry = AuditEntry.objects.create(by=by, action=action, target=target, detail=dict(detail or {}), at=at)
    tell_of_login(by, action, entry.detail, entry.pk, at)
    return entry


@transaction.atomic
def create_user(
    *,
    by: User | None,
    username: str,
    password: str | None,
    at: datetime,
    email: str = "",
    language: str = "en",
    is_staff: bool = False,
    is_auditor: bool = False,
    pk: int | None = None,
) -> User:
    """A login. Without a password it can only be given one later; `pk` is a number set aside for it.

    An auditor reads everything and changes nothing.

    Raises AccountError `username_taken`, `invalid_username`, `weak_password` or `auditor_is_no_administrator`.
    """
    if is_staff and is_auditor:
        told = "An auditor changes nothing, so he cannot be an administrator as well; make two logins."
        raise AccountError("auditor_is_no_administrator", told)
    user = User(pk=pk, username=username, email=email, language=language, is_staff=is_staff, is_auditor=is_auditor)
    _check_username(user)
    _set_password(user, password)
    try:
        with transaction.atomic():
            user.save(force_insert=True)
    except IntegrityError as error:  # somebody else took the name since it was looked for
        raise AccountError("username_taken", _TAKEN.format(name=username)) from error
    audit(by=by, action="user.created", target=username, detail={"is_staff": is_staff, "is_auditor": is_auditor}, at=at)
    return user


_TAKEN = "There is already a user named {name}; choose another name."


def check_email(email: str) -> None:
    """Raises AccountError `invalid_email` for what is no address, or longer than any is."""
    try:
        validate_email(email)
        wrong = len(email) > LONGEST_EMAIL
    except ValidationError:
        wrong = True
    if wrong:
        raise AccountError("invalid_email", _("This is no e-mail address; look for a typing mistake."))


def _check_username(user: User) -> None:
    try:
        user.clean_fields(exclude={"password"})
    except ValidationError as error:
        raise AccountError("invalid_username", " ".join(error.messages)) from error
    if User.objects.filter(username=user.username).exists():
        raise AccountError("username_taken", _TAKEN.format(name=user.username))


def _set_password(user: User, password: str | None) -> None:
    if password is not None:
        try:
            validate_password(password, user)
        except ValidationError as error:
            raise AccountError("weak_password", " ".join(error.messages)) from error
    user.set_password(password)


@transaction.atomic
def create_participant(
    *, by: User | None, code: str, name: str, kind: str, at: datetime, beneficial_owner: Participant | None = None
) -> Participant:
    """A party that can be admitted to markets. Raises AccountError `invalid_participant`, also for a code in use."""
    participant = Participant(code=code, name=name, kind=kind, beneficial_owner=beneficial_owner)
    try:
        participant.full_clean()
    except ValidationError as error:
        raise AccountError("invalid_participant", " ".join(error.messages)) from error
    participant.save()
    audit(by=by, action="participant.created", target=code, detail={"name": name, "kind": kind}, at=at)
    return participant


@transaction.atomic
def add_membership(*, by: User | None, user: User, participant: Participant, role: str, at: datetime) -> Membership:
    """Lets a user act for a participant as `owner`, `trader` or `viewer`.

    Raises AccountError `unknown_role`, `auditor_reads_only` where an auditor is to be more than a viewer, or
    `already_member` where the user has a role there.
    """
    if role not in Membership.Role.values:
        raise AccountError("unknown_role", f"{role} is no role; use one of {', '.join(Membership.Role.values)}.")
    if User.objects.select_for_update().get(pk=user.pk).is_auditor and role != Membership.Role.VIEWER:
        raise AccountError("auditor_reads_only", f"{user.username} is an auditor, who can only be a viewer.")
    try:
        with transaction.atomic():
            membership = Membership.objects.create(user=user, participant=participant, role=role)
    except IntegrityError as error:
        raise AccountError("already_member", f"{user.username} already acts for {participant.code}.") from error
    detail = {"user": user.username, "role": role}
    audit(by=by, action="membership.added", target=participant.code, detail=detail, at=at)
    return membership


@transaction.atomic
def create_token(*, by: User, expires_in: timedelta, at: datetime) -> tuple[AuthToken, str]:
    """A token for the user's programs, and its secret, which is kept nowhere. Tokens past their time are cleared."""
    AuthToken.objects.filter(user=by, expiry__lte=at).delete()
    token, secret = AuthToken.objects.create(user=by, expiry=expires_in)
    audit(by=by, action="token.created", target=token.token_key, detail={"expires_at": str(token.expiry)}, at=at)
    return token, secret


@transaction.atomic
def revoke_token(*, by: User, key: str, at: datetime) -> bool:
    """Ends a token of the user's own; False where there is no such."""
    deleted = AuthToken.objects.filter(user=by, token_key=key).delete()[0]
    if deleted:
        audit(by=by, action="token.revoked", target=key, at=at)
    return deleted > 0
