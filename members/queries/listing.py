"""The members of a market as a list that can be searched and filtered."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

from django.db.models import Exists, OuterRef, Q, QuerySet

from accounts.models import Invitation, Membership
from members.models import Claim
from meters.models import Device, Meter, Reading
from tariffs.models import TariffAssignment
from trading.models import Admission, Market

READING, WAITING, NO_METER, LEFT = "reading", "waiting", "no_meter", "left"
STATES = (READING, WAITING, NO_METER, LEFT)


@dataclass(frozen=True, slots=True)
class MemberFilter:
    """What the list shows: a part of name, code or serial number; a kind; a state (`STATES`). Empty: all."""

    text: str = ""
    kind: str = ""
    state: str = ""


@dataclass(frozen=True, slots=True)
class MemberRow:
    """One member in the list. `state`: readings come, or are waited for; no meter hangs; it left."""

    participant_id: int
    code: str
    name: str
    kind: str
    tariff: str
    meters: tuple[str, ...]
    devices: tuple[str, ...]
    people: tuple[str, ...]
    invited: tuple[str, ...]
    state: str


def member_rows(market: Market, wanted: MemberFilter) -> QuerySet[Any]:
    """The admissions that fit, by name; `described` makes rows of a page of them."""
    rows: QuerySet[Any] = Admission.objects.filter(market=market).select_related("participant")
    of_point = {"metering_point__site": market.site_id, "metering_point__participant": OuterRef("participant")}
    hanging = Meter.objects.filter(removed_on=None, **of_point)
    read = Reading.objects.filter(**of_point)
    rows = rows.annotate(has_meter=Exists(hanging), has_reading=Exists(read))
    if wanted.text:
        serial = Meter.objects.filter(serial__icontains=wanted.text, **of_point)
        rows = rows.filter(
            Q(participant__name__icontains=wanted.text) | Q(participant__code__icontains=wanted.text) | Exists(serial)
        )
    if wanted.kind:
        rows = rows.filter(participant__kind=wanted.kind)
    return _in_state(rows, wanted.state).order_by("-active", "participant__name", "participant_id")


def _in_state(rows: QuerySet[Any], state: str) -> QuerySet[Any]:
    if state == LEFT:
        return rows.filter(active=False)
    if state == READING:
        return rows.filter(active=True, has_reading=True)
    if state == WAITING:
        return rows.filter(active=True, has_reading=False, has_meter=True)
    if state == NO_METER:
        return rows.filter(active=True, has_reading=False, has_meter=False)
    return rows


def described(market: Market, page: Sequence[Admission]) -> list[MemberRow]:
    """A page of the list with what stands beside each name; six queries, however long the page is."""
    people = [row.participant_id for row in page]
    tariffs, meters, devices = _tariffs(market, people), _meters(market, people), _devices(market, people)
    seats, invited = _seats(people), _invited(people)
    return [
        MemberRow(
            key, row.participant.code, row.participant.name, row.participant.get_kind_display(), tariffs.get(key, ""),
            tuple(meters[key]), tuple(devices[key]), tuple(seats[key]), tuple(invited[key]), _state(row),
        )
        for row in page
        for key in (row.participant_id,)
    ]  # fmt: skip


def _state(row: Admission) -> str:
    if not row.active:
        return LEFT
    if getattr(row, "has_reading", False):
        return READING
    return WAITING if getattr(row, "has_meter", False) else NO_METER


def _tariffs(market: Market, people: list[int]) -> dict[int, str]:
    rows = TariffAssignment.objects.filter(site=market.site_id, participant__in=people).order_by("valid_from")
    return dict(rows.values_list("participant_id", "tariff__name"))


def _meters(market: Market, people: list[int]) -> dict[int, list[str]]:
    rows = Meter.objects.filter(
        metering_point__site=market.site_id, metering_point__participant__in=people, removed_on=None
    )
    return _lists(rows.order_by("metering_point__code").values_list("metering_point__participant_id", "serial"))


def _devices(market: Market, people: list[int]) -> dict[int, list[str]]:
    rows = Device.objects.filter(site=market.site_id, participant__in=people).order_by("pk")
    return _lists((row.participant_id, row.get_kind_display()) for row in rows)


def _seats(people: list[int]) -> dict[int, list[str]]:
    rows = Membership.objects.filter(participant__in=people).order_by("user__username")
    return _lists(rows.values_list("participant_id", "user__username"))


def _invited(people: list[int]) -> dict[int, list[str]]:
    rows = Invitation.objects.filter(participant__in=people, accepted_at=None, withdrawn_at=None)
    return _lists(rows.values_list("participant_id", "email"))


def _lists(pairs: Iterable[tuple[Any, str]]) -> dict[int, list[str]]:
    found: dict[int, list[str]] = defaultdict(list)
    for key, text in pairs:
        found[key].append(text)
    return found


def member_count(market: Market) -> dict[str, int]:
    """How many are in the market, wait for their first reading, and have reported equipment that waits."""
    rows = member_rows(market, MemberFilter())
    return {
        "members": rows.filter(active=True).count(),
        "waiting": _in_state(rows, WAITING).count() + _in_state(rows, NO_METER).count(),
        "claims": Claim.objects.filter(market=market, state=Claim.State.WAITING).count(),
    }
