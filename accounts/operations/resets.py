"""A forgotten password: a link by mail, and what it may do.

The link proves the mailbox and nothing more. It sets a password, once and within the hour; it ends every session, signs
nobody in, and leaves the second step as it is: who has one is asked for it at the door. Example: two letters that Lan
asked for in a row both work until one of them was used; then both are over.
"""

import secrets
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db import transaction
from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.domain.secrets import digest_of
from accounts.models import PasswordReset, PushDevice, User
from accounts.operations.users import AccountError, _set_password, audit

RESET_HOLDS = timedelta(hours=1)
MOST_LOGINS = 5  # that one mailbox gets letters about at once


def users_named(text: str) -> list[User]:
    """The logins that a letter could go to: with this name, or with this address; none for an empty text."""
    if not text:
        return []
    rows = User.objects.filter(Q(username=text) | Q(email__iexact=text), is_active=True).exclude(email="")
    return list(rows.order_by("pk")[:MOST_LOGINS])


@transaction.atomic
def open_reset(*, user: User, at: datetime) -> str:
    """A secret that sets the user's password until an hour from now; only its digest is kept."""
    PasswordReset.objects.filter(user=user, expires_at__lte=at).delete()
    secret = secrets.token_urlsafe(32)
    PasswordReset.objects.create(user=user, digest=digest_of(secret), expires_at=at + RESET_HOLDS)
    return secret


def find_reset(secret: str, at: datetime, *, lock: bool = False) -> PasswordReset:
    """The open reset with this secret. Raises AccountError `reset_over` for one that is unknown, used or late."""
    rows = PasswordReset.objects.select_related("user").filter(expires_at__gt=at, user__is_active=True)
    rows = rows.select_for_update(of=("self",)) if lock else rows
    found = rows.filter(digest=digest_of(secret)).first()
    if found is None:
        raise AccountError("reset_over", _("This link has been used or is too old. Ask for a new one."))
    return found


@transaction.atomic
def reset_password(*, secret: str, password: str, at: datetime) -> User:
    """Sets the password and ends every session of the login; no device shows its notices any more.

    Raises AccountError `reset_over`, `weak_password`.
    """
    user = User.objects.select_for_update().get(pk=find_reset(secret, at).user_id)
    find_reset(secret, at, lock=True)
    _set_password(user, password)
    user.save(update_fields=["password"])
    Session.objects.filter(session_key__in=user.logins.values("session_key")).delete()
    user.logins.all().delete()
    PushDevice.objects.filter(user=user).delete()
    user.resets.all().delete()
    audit(by=user, action="password.reset", target="login", at=at)
    return user
