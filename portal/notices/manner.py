"""How notices come: the ways of each topic, quiet hours, and the devices that show them."""

from collections import defaultdict
from datetime import UTC, datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_http_methods, require_POST

from accounts.domain.devices import device_of
from accounts.domain.notice_sentences import group_names, topic_names
from accounts.domain.notices import ADMINISTRATOR, SELF, TOPICS, Ways, choices_of, usual_ways
from accounts.models import NoticeChoice, NoticeManner, User
from accounts.operations import AccountError
from accounts.operations.notice_ways import Wish, add_device, remove_device, set_wish
from accounts.queries import seats
from accounts.signin.mails import offset_name
from accounts.signin.pages import json_of, problem
from accounts.webpush.vapid import public_key
from portal.desk import REFUSED
from portal.notices.shown import zone_of

BAD_REQUEST = 400


def roles_of(user: User) -> set[str]:
    """What somebody is here: the roles of the seats, administrator, and oneself."""
    return {seat.role for seat in seats(user)} | ({ADMINISTRATOR} if user.is_staff else set()) | {SELF}


@require_http_methods(["GET", "HEAD", "POST"])
@never_cache
@login_required
def manner(request: HttpRequest) -> HttpResponse:
    """By which ways each topic comes, when not, and where; POST changes it."""
    assert isinstance(request.user, User)
    if request.method != "POST":
        return _page(request, request.user)
    try:
        _keep(request, request.user)
    except AccountError as error:
        return _page(request, request.user, REFUSED, refusals=[str(error)])
    messages.success(request, _("Notices come as you chose from now on."))
    return HttpResponseRedirect(reverse("portal:notices_settings"))


def _keep(request: HttpRequest, user: User) -> None:
    roles, given = roles_of(user), request.POST
    ways = {topic: Ways(f"email-{topic}" in given, f"push-{topic}" in given) for topic in choices_of(roles)}
    ends = _minute(given.get("quiet_from", "")), _minute(given.get("quiet_until", ""))
    quiet = None if ends[0] is None or ends[1] is None else (ends[0], ends[1])
    if "quiet" in given and quiet is None:
        raise AccountError("half_quiet", _("Give both ends of the quiet hours, like 22:00 and 06:00."))
    wish = Wish(ways, quiet if "quiet" in given else None, zone_of(user).key, "push_amounts" in given)
    set_wish(user=user, roles=roles, wish=wish, at=datetime.now(UTC))


def _minute(text: str) -> int | None:
    """22:30 → 1350; None for what is no time of day."""
    hours, colon, minutes = text.strip().partition(":")
    if not colon or not hours.isdecimal() or not minutes.isdecimal() or len(text) > 5:
        return None
    return int(hours) * 60 + int(minutes) if int(hours) < 24 and int(minutes) < 60 else None


def _offset(zone: ZoneInfo) -> str:
    with timezone.override(zone):
        return offset_name(datetime.now(UTC))


def _page(request: HttpRequest, user: User, status: int = 200, **more: Any) -> HttpResponse:
    held = NoticeManner.objects.filter(user=user).first()
    context: dict[str, Any] = {
        "groups": _choices(user),
        "manner": held,
        "quiet_from": _clock(held.quiet_from if held else None, "22:00"),
        "quiet_until": _clock(held.quiet_until if held else None, "06:00"),
        "zone": zone_of(user),
        "offset": _offset(zone_of(user)),
        "devices": user.push_devices.all(),
        "key": public_key(settings.WEB_PUSH_KEY),
    }
    return render(request, "notices/manner.html", context | more, status=status)


def _choices(user: User) -> list[tuple[str, list[dict[str, Any]]]]:
    """(group, its topics with their ways)."""
    roles = roles_of(user)
    rows = NoticeChoice.objects.filter(user=user)
    chosen = {each.topic: Ways(each.email, each.push) for each in rows}
    names, groups = topic_names(_), group_names(_)
    found: dict[str, list[dict[str, Any]]] = defaultdict(list)
    for topic in choices_of(roles):
        ways = chosen.get(topic) or usual_ways(topic, roles)
        found[TOPICS[topic].group].append({"topic": topic, "name": names[topic], "ways": ways})
    return [(groups[group], topics) for group, topics in found.items()]


def _clock(minute: int | None, usual: str) -> str:
    return usual if minute is None else f"{minute // 60:02}:{minute % 60:02}"


@require_POST
@login_required
def device(request: HttpRequest) -> HttpResponse:
    """This browser shows notices from now on; it sends its subscription as JSON."""
    assert isinstance(request.user, User)
    given = json_of(request)
    keys = given.get("keys")
    keys = keys if isinstance(keys, dict) else {}
    try:
        add_device(
            user=request.user, endpoint=str(given.get("endpoint", "")), p256dh=str(keys.get("p256dh", "")),
            auth=str(keys.get("auth", "")), name=device_of(request.headers.get("User-Agent", "")),
            session_key=request.session.session_key or "", services=settings.PUSH_SERVICES, at=datetime.now(UTC),
        )  # fmt: skip
    except AccountError as error:
        return problem(error.code, str(error), BAD_REQUEST)
    messages.success(request, _("This device shows notices now. The first one is on its way."))
    return JsonResponse({"next": reverse("portal:notices_settings")})


@require_POST
@login_required
def device_remove(request: HttpRequest, pk: int) -> HttpResponse:
    """One device less."""
    assert isinstance(request.user, User)
    if remove_device(user=request.user, pk=pk, at=datetime.now(UTC)):
        messages.success(request, _("The device shows no more notices."))
    return HttpResponseRedirect(reverse("portal:notices_settings"))
