"""Second steps and passkeys of a user: set up, checked, removed; django-allauth does the arithmetic and the protocol.

A one-time code counts once: the counter of the last one is kept under a row lock, so that a code that was seen
over a shoulder is worth nothing, on whichever process it comes in. A passkey proves possession and person at once (user
verification is demanded), so signing in with one needs no second step.
"""

import logging
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from allauth.core.internal.cryptokit import compare_user_code
from allauth.mfa.adapter import get_adapter
from allauth.mfa.models import Authenticator
from allauth.mfa.recovery_codes.internal.auth import RecoveryCodes
from allauth.mfa.totp.internal import auth as totp
from allauth.mfa.utils import decrypt
from allauth.mfa.webauthn.internal import auth as webauthn
from cryptography.fernet import InvalidToken
from django.core.exceptions import ValidationError
from django.db import transaction
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.operations import AccountError, audit

log = logging.getLogger(__name__)

Kind = Authenticator.Type
SECONDS = (Kind.TOTP, Kind.WEBAUTHN)


@dataclass(frozen=True, slots=True)
class Passkey:
    """A passkey as its owner knows it."""

    id: int
    name: str
    created_at: datetime
    used_at: datetime | None


def has_second_step(user: User) -> bool:
    """Whether a password alone is not enough for this user."""
    return Authenticator.objects.filter(user=user, type__in=SECONDS).exists()


def has_totp(user: User) -> bool:
    """Whether an authenticator app is set up."""
    return Authenticator.objects.filter(user=user, type=Kind.TOTP).exists()


def passkeys(user: User) -> list[Passkey]:
    """The user's passkeys, the oldest first."""
    rows = Authenticator.objects.filter(user=user, type=Kind.WEBAUTHN).order_by("pk")
    return [Passkey(row.pk, row.wrap().name, row.created_at, row.last_used_at) for row in rows]


def codes_left(user: User) -> int:
    """How many recovery codes are unused."""
    row = Authenticator.objects.filter(user=user, type=Kind.RECOVERY_CODES).first()
    return len(row.wrap().get_unused_codes()) if row else 0


def totp_address(user: User, secret: str) -> str:
    """What the QR code says to an authenticator app."""
    return get_adapter().build_totp_url(user, secret)


@transaction.atomic
def add_totp(*, user: User, secret: str, code: str, at: datetime) -> None:
    """Sets an app up that has proved to know the secret. Raises AccountError `wrong_code` or `has_totp`."""
    User.objects.select_for_update().get(pk=user.pk)
    if has_totp(user):
        raise AccountError("has_totp", _("An authenticator app is set up already. Remove it first."))
    counter = _counter_of(secret, code, after=0)
    if counter is None:
        raise AccountError("wrong_code", _("The code is not right. Wait for the next one and try again."))
    made = totp.TOTP.activate(user, secret).instance
    made.data["counter"] = counter
    made.save(update_fields=["data"])
    audit(by=user, action="second_step.added", target="login", at=at)


@transaction.atomic
def remove_totp(*, user: User, at: datetime) -> None:
    """Takes the authenticator app away; without any second step left the recovery codes go as well."""
    if Authenticator.objects.filter(user=user, type=Kind.TOTP).delete()[0]:
        audit(by=user, action="second_step.removed", target="login", at=at)
    _drop_lonely_codes(user)


@transaction.atomic
def make_codes(*, user: User, at: datetime) -> list[str]:
    """Ten new recovery codes, to be shown this once; earlier ones end. Raises AccountError `no_second_step`."""
    User.objects.select_for_update().get(pk=user.pk)
    if not has_second_step(user):
        told = _("Recovery codes stand in for a lost device. Add a passkey or an authenticator app first.")
        raise AccountError("no_second_step", told)
    Authenticator.objects.filter(user=user, type=Kind.RECOVERY_CODES).delete()
    audit(by=user, action="second_step.codes_made", target="login", at=at)
    return RecoveryCodes.activate(user).generate_codes()


@transaction.atomic
def check_code(*, user: User, code: str, at: datetime) -> str:
    """Takes a one-time or recovery code: 'totp', 'recovery', or '' where it is neither. Each counts once."""
    try:
        return _taken(user, code, at)
    except InvalidToken:
        log.error("second steps were encrypted with another SECRET_KEY: put the earlier one into SECRET_KEY_FALLBACKS")
        return ""


def _taken(user: User, code: str, at: datetime) -> str:
    code = code.replace(" ", "").replace("-", "")
    rows = Authenticator.objects.select_for_update().filter(user=user)
    held = {row.type: row for row in rows.filter(type__in=(Kind.TOTP, Kind.RECOVERY_CODES))}
    app, spare = held.get(Kind.TOTP), held.get(Kind.RECOVERY_CODES)
    if app is not None:
        counter = _counter_of(decrypt(app.data["secret"]), code, after=app.data.get("counter", 0))
        if counter is not None:
            app.data["counter"] = counter
            app.save(update_fields=["data"])
            app.record_usage()
            return "totp"
    if spare is not None and spare.wrap().validate_code(code):
        audit(by=user, action="second_step.code_used", target="login", detail={"left": codes_left(user)}, at=at)
        return "recovery"
    return ""


def _counter_of(secret: str, code: str, *, after: int) -> int | None:
    """The 30-second step whose code this is, if it is later than the last one used."""
    for counter in totp.yield_hotp_counters_from_time():
        expected = totp.format_hotp_value(totp.hotp_value(secret, counter))
        if counter > after and compare_user_code(actual=code, expected=expected):
            return counter
    return None


def begin_passkey(user: User) -> dict[str, Any]:
    """What a browser needs to make a passkey for this user; the challenge waits in the session."""
    return webauthn.begin_registration(user, passwordless=True)


@transaction.atomic
def add_passkey(*, user: User, name: str, credential: Any, at: datetime) -> None:
    """Keeps the passkey that the browser made. Raises AccountError `passkey_failed`."""
    try:
        webauthn.parse_registration_response(credential)
        webauthn.complete_registration(credential)
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise AccountError("passkey_failed", _("The passkey could not be made. Please try again.")) from error
    webauthn.WebAuthn.add(user, name[:60] or _("Passkey"), credential)
    audit(by=user, action="passkey.added", target="login", detail={"passkey": name[:60]}, at=at)


@transaction.atomic
def remove_passkey(*, user: User, pk: int, at: datetime) -> None:
    """Takes a passkey away. Raises AccountError `last_way_in` where nothing else would open the login."""
    User.objects.select_for_update().get(pk=user.pk)
    rows = Authenticator.objects.filter(user=user, type=Kind.WEBAUTHN)
    row = rows.filter(pk=pk).first()
    if row is None:
        return
    if not user.has_usable_password() and not rows.exclude(pk=pk).exists():
        told = _("This passkey is your only way in. Set a password or add another passkey first.")
        raise AccountError("last_way_in", told)
    audit(by=user, action="passkey.removed", target="login", detail={"passkey": row.wrap().name}, at=at)
    row.delete()
    _drop_lonely_codes(user)


def begin_sign_in() -> dict[str, Any]:
    """What a browser needs to sign in with whichever passkey it has for this site; it says nothing about any user."""
    return webauthn.begin_authentication()


def user_of_passkey(response: Any) -> User:
    """The user whose passkey signed the challenge. Raises AccountError `passkey_unknown`, in the same words always."""
    try:
        webauthn.parse_authentication_response(response)
        user = webauthn.extract_user_from_response(response)
        found = webauthn.complete_authentication(user, response)
    except (ValidationError, ValueError, KeyError, TypeError, AttributeError) as error:
        webauthn.clear_state()
        raise AccountError(
            "passkey_unknown", _("This passkey is not known here. Try another way to log in.")
        ) from error
    if not isinstance(user, User) or not user.is_active:
        raise AccountError("passkey_unknown", _("This passkey is not known here. Try another way to log in."))
    found.record_usage()
    return user


def _drop_lonely_codes(user: User) -> None:
    if not has_second_step(user):
        Authenticator.objects.filter(user=user, type=Kind.RECOVERY_CODES).delete()
