"""Notices as a page shows them: words in the reader's language, moments on the clock of the site they came from."""

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.utils.translation import gettext

from accounts.domain.notice_sentences import Said, group_names, said
from accounts.domain.notices import GROUPS, KINDS
from accounts.models import Notice, User
from portal.templatetags.figures import reader
from trading.models import Admission, Market


@dataclass(frozen=True, slots=True)
class Shown:
    """One notice on a page."""

    id: int
    words: Said
    group: str
    level: str
    who: str
    at: datetime
    zone: ZoneInfo
    unread: bool


def shown(notices: Iterable[Notice], user: User) -> list[Shown]:
    """These notices in words."""
    zones, own = _zones(), zone_of(user)
    names = group_names(gettext)
    return [_shown(each, zones.get(str(each.data.get("market", "")), own), names) for each in notices]


def _shown(notice: Notice, zone: ZoneInfo, groups: dict[str, str]) -> Shown:
    kind = KINDS.get(notice.kind)
    return Shown(
        notice.pk, said(notice.kind, notice.data, reader(), gettext), groups[kind.group] if kind else "", notice.level,
        notice.participant.name if notice.participant else "", notice.at, zone, notice.read_at is None,
    )  # fmt: skip


def _zones() -> dict[str, ZoneInfo]:
    return {code: ZoneInfo(zone) for code, zone in Market.objects.values_list("code", "site__timezone")}


def zone_of(user: User) -> ZoneInfo:
    """The clock by which a person lives: that of the first site where the person trades, else of the first site."""
    own = Admission.objects.filter(participant__memberships__user=user).order_by("pk")
    name = own.values_list("market__site__timezone", flat=True).first()
    name = name or Market.objects.order_by("pk").values_list("site__timezone", flat=True).first()
    return ZoneInfo(name or "UTC")


def groups_of(kinds: Iterable[str]) -> list[tuple[str, str]]:
    """(group, its name) of the groups to which these kinds belong, in order."""
    there = {KINDS[kind].group for kind in kinds if kind in KINDS}
    names = group_names(gettext)
    return [(group, names[group]) for group in GROUPS if group in there]
