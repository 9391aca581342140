"""One's own login: its password, its browsers, its e-mail address.

A new e-mail address counts only once a link was opened that went to it and one that went to the old address, so that
neither a slip nor a stolen session can take a login away.
"""

import secrets
from datetime import datetime, timedelta

from django.contrib.sessions.models import Session
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.domain.secrets import digest_of
from accounts.models import AuditEntry, EmailChange, Login, User
from accounts.operations.notice_ways import forget_devices_of
from accounts.operations.notices import News, tell
from accounts.operations.users import AccountError, _set_password, audit, check_email

CHANGE_HOLDS = timedelta(hours=24)


@transaction.atomic
def note_login(*, user: User, session_key: str, device: str, address: str | None, means: str, at: datetime) -> Login:
    """A browser is in, by `means` (`password`, `passkey`, `totp`, `recovery`, `invitation`). Ended ones are cleared."""
    living = Session.objects.filter(expire_date__gt=at).values("session_key")
    Login.objects.filter(user=user).exclude(session_key__in=living).delete()
    made = Login.objects.create(
        user=user, session_key=session_key, device=device[:60], address=address, started_at=at, seen_at=at
    )
    before = AuditEntry.objects.filter(by=user, action="login.opened")
    if before.exists() and not before.filter(detail__device=device).exists():
        told = {"device": device or address or "–"}
        tell([News("new_device", f"new_device {made.pk}", at, ("login", ""), told, user=user.pk)])
    audit(by=user, action="login.opened", target="login", detail={"means": means, "device": device}, at=at)
    return made


@transaction.atomic
def end_logins(*, by: User, logins: list[Login], at: datetime) -> int:
    """Signs the user's browsers out at once: their sessions are deleted. How many there were."""
    own = Login.objects.filter(user=by, pk__in=[login.pk for login in logins])
    rows = list(own.select_for_update())
    Session.objects.filter(session_key__in=[row.session_key for row in rows]).delete()
    forget_devices_of([row.session_key for row in rows])
    for row in rows:
        audit(by=by, action="login.closed", target="login", detail={"device": row.device}, at=at)
    own.delete()
    return len(rows)


@transaction.atomic
def change_password(*, user: User, password: str, at: datetime) -> None:
    """Another password; open letters that would set yet another one end.

    Raises AccountError `weak_password`. The caller keeps its own session alive.
    """
    _set_password(user, password)
    user.save(update_fields=["password"])
    user.resets.all().delete()
    audit(by=user, action="password.changed", target="login", at=at)


@transaction.atomic
def ask_email_change(*, user: User, email: str, at: datetime) -> tuple[EmailChange, str, str]:
    """A change that waits for both addresses, and the secrets for the old (empty where there is none) and the new one.

    An earlier change that waits is dropped. Raises AccountError `invalid_email` or `same_email`.
    """
    check_email(email)
    if email.casefold() == user.email.casefold():
        raise AccountError("same_email", _("This is your address already."))
    EmailChange.objects.filter(user=user).delete()
    old, new = secrets.token_urlsafe(32) if user.email else "", secrets.token_urlsafe(32)
    made = EmailChange.objects.create(
        user=user, email=email, old_digest=digest_of(old) if old else "", new_digest=digest_of(new),
        expires_at=at + CHANGE_HOLDS,
    )  # fmt: skip
    audit(by=user, action="email.change_asked", target="login", detail={"email": email}, at=at)
    return made, old, new


@transaction.atomic
def confirm_email(*, user: User, secret: str, at: datetime) -> bool:
    """One of the two addresses says yes. Whether the change is complete and made; then what the old mailbox still holds
    about a forgotten password opens nothing any more.

    Raises AccountError `change_over` for a secret that is unknown or too old.
    """
    change = EmailChange.objects.select_for_update().filter(user=user, expires_at__gt=at).first()
    digest = digest_of(secret)
    if change is None or digest not in (change.old_digest, change.new_digest):
        raise AccountError("change_over", _("This link has been used or is too old. Enter the new address again."))
    if digest == change.old_digest:
        change.old_confirmed_at = at
    else:
        change.new_confirmed_at = at
    change.save()
    if change.new_confirmed_at is None or (change.old_digest and change.old_confirmed_at is None):
        return False
    before, user.email = user.email, change.email
    user.save(update_fields=["email"])
    change.delete()
    user.resets.all().delete()
    audit(by=user, action="email.changed", target="login", detail={"was": before, "email": user.email}, at=at)
    return True
