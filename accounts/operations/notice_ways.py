"""By which ways a person wants to be told, and on which devices.

Whoever holds a device reads the notices, so a new one is told to all the others.
"""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction
from django.utils.translation import gettext as _

from accounts.domain.notices import SECURITY, TOPICS, Ways, usual_ways
from accounts.models import NoticeChoice, NoticeManner, PushDevice, User
from accounts.operations.users import AccountError, audit
from accounts.webpush.encrypt import BadKeys, check_keys
from accounts.webpush.services import NotAService, endpoint_of

MOST_DEVICES = 10


@dataclass(frozen=True, slots=True)
class Wish:
    """How somebody wants to be told: the ways of each topic, quiet hours (from, until: minutes of the day in this zone;
    None: none), and whether messages on devices may name amounts."""

    ways: Mapping[str, Ways]
    quiet: tuple[int, int] | None
    timezone: str
    push_amounts: bool


@transaction.atomic
def set_wish(*, user: User, roles: set[str], wish: Wish, at: datetime) -> None:
    """How notices come to this person from now on; what is usual for these roles is not kept, so that it may change.

    Raises AccountError `unknown_topic`, `always_told`.
    """
    for topic in wish.ways:
        if topic not in TOPICS:
            raise AccountError("unknown_topic", _("There is no such kind of notice; reload the page."))
        if TOPICS[topic].group == SECURITY:
            raise AccountError("always_told", _("Notices about the safety of your login always come."))
    own = {topic: ways for topic, ways in wish.ways.items() if ways != usual_ways(topic, roles)}
    NoticeChoice.objects.filter(user=user, topic__in=wish.ways).delete()
    NoticeChoice.objects.bulk_create(
        NoticeChoice(user=user, topic=topic, email=ways.email, push=ways.push) for topic, ways in own.items()
    )
    quiet_from, quiet_until = wish.quiet or (None, None)
    values = {"quiet_from": quiet_from, "quiet_until": quiet_until, "timezone": ZoneInfo(wish.timezone).key}
    NoticeManner.objects.update_or_create(user=user, defaults=values | {"push_amounts": wish.push_amounts})
    audit(by=user, action="notices.chosen", target="login", at=at)


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
