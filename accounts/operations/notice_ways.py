"""By which ways a person wants to be told, and on which devices.

Choices about one's own inbox are not noted in the audit trail, which tells what was done to others or to the market;
adding and removing a device is, since whoever holds the device reads the notices.
"""

import hashlib
from collections.abc import Mapping, Sequence
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.domain.notices import KINDS, Ways
from accounts.models import NoticeChoice, NoticeManner, PushDevice, User
from accounts.operations.users import AccountError, audit
from accounts.webpush.encrypt import BadKeys, check_keys
from accounts.webpush.services import NotAService, endpoint_of

MOST_DEVICES = 10


@transaction.atomic
def choose_ways(*, user: User, ways: Mapping[str, Ways]) -> None:
    """How each of these kinds comes to the person from now on. Raises AccountError `unknown_kind`, `always_told`."""
    for kind in ways:
        if kind not in KINDS:
            raise AccountError("unknown_kind", _("There is no such kind of notice; reload the page."))
        if KINDS[kind].always:
            raise AccountError("always_told", _("Notices about the safety of your login always come."))
    NoticeChoice.objects.bulk_create(
        [NoticeChoice(user=user, kind=kind, email=way.email, push=way.push) for kind, way in ways.items()],
        update_conflicts=True, unique_fields=("user", "kind"), update_fields=("email", "push"),
    )  # fmt: skip


def set_manner(*, user: User, quiet: tuple[int, int] | None, timezone: str, push_amounts: bool) -> None:
    """Quiet hours (from, until: minutes of the day in this zone; None: none), and whether devices name amounts."""
    ZoneInfo(timezone)
    quiet_from, quiet_until = quiet or (None, None)
    values = {"quiet_from": quiet_from, "quiet_until": quiet_until, "timezone": timezone, "push_amounts": push_amounts}
    NoticeManner.objects.update_or_create(user=user, defaults=values)


@transaction.atomic
def add_device(
    *,
    user: User,
    endpoint: str,
    p256dh: str,
    auth: str,
    name: str,
    session_key: str,
    services: Sequence[str],
    at: datetime,
) -> PushDevice:
    """A browser shows notices from now on. One that was another person's before belongs to this one alone.

    Raises AccountError `not_a_push_service`, `bad_keys`, `too_many_devices`.
    """
    try:
        endpoint_of(endpoint, services)
        check_keys(p256dh, auth)
    except NotAService as error:
        told = _("This browser's push service is not one that the house sends to; ask the administrator.")
        raise AccountError(error.code, told) from error
    except BadKeys as error:
        raise AccountError(error.code, _("The browser sent no proper keys. Please try again.")) from error
    User.objects.select_for_update().get(pk=user.pk)
    digest = hashlib.sha256(endpoint.encode()).hexdigest()
    PushDevice.objects.filter(digest=digest).exclude(user=user).delete()
    own = PushDevice.objects.filter(user=user)
    if not own.filter(digest=digest).exists() and own.count() >= MOST_DEVICES:
        raise AccountError("too_many_devices", _("You have ten devices already. Remove one that you no longer use."))
    values = {"endpoint": endpoint, "p256dh": p256dh, "auth": auth, "name": name[:60], "session_key": session_key}
    made, is_new = PushDevice.objects.update_or_create(
        user=user, digest=digest, defaults=values, create_defaults=values | {"added_at": at}
    )
    if is_new:
        audit(by=user, action="push_device.added", target="login", detail={"device": made.name}, at=at)
    return made


@transaction.atomic
def remove_device(*, user: User, pk: int, at: datetime) -> bool:
    """One device less; False where it is not there, or not this person's."""
    device = PushDevice.objects.select_for_update().filter(user=user, pk=pk).first()
    if device is None:
        return False
    audit(by=user, action="push_device.removed", target="login", detail={"device": device.name}, at=at)
    device.delete()
    return True


def forget_devices_of(session_keys: Sequence[str]) -> None:
    """Browsers that were signed out show no more notices."""
    PushDevice.objects.filter(session_key__in=session_keys).delete()
