"""One member, written whole or not at all: participant, admission, tariff, points with meters, devices, invitation.

What a form or the rows of a sheet say is compared with what is there under a lock, and only what differs is written,
each part by the operation of its own app. Said twice, the second time changes nothing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.conf import settings
from django.db import IntegrityError, transaction
from django.utils.translation import gettext as _

from accounts.models import Invitation, Participant, User
from accounts.operations import AccountError, audit, create_participant
from accounts.operations.invitations import invite
from members.domain import defaults
from members.domain.comparing import NEW, UNCHANGED, Before, Verdict, compare
from members.domain.sheet import Group, Mistake
from members.queries.standing import DEVICE_COLUMNS, Standing, standing_of
from members.words import told
from meters.models import Device, MeteringPoint
from meters.operations import (
    NewMeter,
    add_point,
    change_point,
    install_meter,
    remove_device,
    remove_meter,
    set_device,
)
from planning.wishes import switch
from tariffs.models import Tariff, TariffAssignment
from tariffs.operations import assign_tariff
from trading.models import Admission, Market
from trading.operations.admissions import Terms, admit, end_admission, terms_of

DEVICE_NAMES = {Device.Kind.PV: "PV", Device.Kind.BATTERY: "Battery", Device.Kind.EV: "EV"}


class MemberRefused(ValueError):
    """A member that cannot be so; `problems` says all that is wrong, `code` is that of the first."""

    def __init__(self, problems: Sequence[Mistake]) -> None:
        super().__init__(told(problems[0]))
        self.code = problems[0].code
        self.problems = [Told(told(problem)) for problem in problems]
        self.mistakes_kept = list(problems)


@dataclass(frozen=True, slots=True)
class Told:
    """A sentence about what is wrong."""

    message: str


@dataclass(frozen=True, slots=True)
class Applied:
    """What became of a member: `new`, `changed` or `unchanged`; an invitation that was made, with its secret."""

    participant: Participant
    state: str
    invitation: Invitation | None = None
    secret: str = ""


def verdict_on(group: Group, standing: Standing) -> Verdict:
    """What would become of a member's rows."""
    return compare(group, _before(group.code, standing))


def _before(code: str, standing: Standing) -> Before:
    there = standing.members.get(code)
    points = {key: (point.participant_id, point.values) for key, point in standing.points.items()}
    tariffs = frozenset(standing.tariffs)
    if there is None:
        return Before(None, False, False, {}, frozenset(), points, standing.serials, tariffs)
    return Before(
        there.participant.pk, there.admitted, there.active, there.values, frozenset(there.emails), points,
        standing.serials, tariffs,
    )  # fmt: skip


def apply_member(
    *, market: Market, group: Group, by: User, at: datetime, wall: datetime, adding: bool = False
) -> Applied:
    """Write what the rows of one member say. `at` is now in the market's time, `wall` by the wall clock, by which
    invitations expire. With `adding` a member that is in the market already is refused.

    Raises MemberRefused, and what the operations of meters, trading and tariffs refuse; then nothing is written.
    """
    serials = [str(point["serial"]) for _, point in group.points if "serial" in point]
    codes = [str(point["point"]) for _, point in group.points if "point" in point]
    with transaction.atomic():
        Participant.objects.select_for_update(no_key=True).filter(code=group.code).first()
        standing = standing_of(market, [group.code], codes, serials)
        there = standing.members.get(group.code)
        if adding and there is not None and there.active:
            raise MemberRefused([Mistake("already_member", "code")])
        verdict = verdict_on(group, standing)
        if verdict.refused:
            raise MemberRefused([each for line in group.lines for each in verdict.mistakes[line]])
        states = set(verdict.states.values())
        if states == {UNCHANGED}:
            assert there is not None
            return Applied(there.participant, UNCHANGED)
        return _write(market, group, there.values if there else {}, verdict, by, at, wall)


def _write(
    market: Market, group: Group, before: Mapping[str, Any], verdict: Verdict, by: User, at: datetime, wall: datetime
) -> Applied:
    first = group.lines[0]
    changes = verdict.changes[first]
    fresh = verdict.states[first] == NEW and "zone" not in before
    participant = _participant(group, bool(before), by, at)
    # The rules lock before the admission's row, which the order path locks behind the market's, and that settlement
    # locks behind the rules: the other way round the three could wait for one another.
    _assign(market, participant, group.member, before, by, at)
    _admit(market, participant, group.member, by, at)
    for line, point in group.points:
        if verdict.changes[line]:
            _point(market, participant, point, by, at)
    _devices(market, participant, group.member, before, by, at)
    invitation, secret = None, ""
    if "email" in changes:
        invitation, secret = invite(
            by=by, email=group.member["email"], role="owner", participant=participant, days=settings.INVITATION_DAYS,
            at=wall,
        )  # fmt: skip
    return Applied(participant, "new" if fresh else "changed", invitation, secret)


def _participant(group: Group, known: bool, by: User, at: datetime) -> Participant:
    given = group.member
    if known:
        return _changed(Participant.objects.get(code=group.code), given, by, at)
    try:
        with transaction.atomic():
            return create_participant(by=by, code=group.code, name=given["name"], kind=given["kind"], at=at)
    except (IntegrityError, AccountError) as error:
        # Somebody else has added the same code in between.
        if isinstance(error, AccountError) and not Participant.objects.filter(code=group.code).exists():
            raise
        raise MemberRefused([Mistake("already_member", "code")]) from error


def _changed(participant: Participant, given: Mapping[str, Any], by: User, at: datetime) -> Participant:
    name, kind = given.get("name", participant.name), given.get("kind", participant.kind)
    if (name, kind) != (participant.name, participant.kind):
        was = participant.name
        participant.name, participant.kind = name, kind
        participant.save(update_fields=["name", "kind"])
        detail = {"name_was": was, "name_now": name, "kind": kind}
        audit(by=by, action="participant.changed", target=participant.code, detail=detail, at=at)
    return participant


def _admit(market: Market, participant: Participant, given: Mapping[str, Any], by: User, at: datetime) -> None:
    there = Admission.objects.filter(market=market, participant=participant).first()
    usual = terms_of(there) if there else Terms(defaults.ZONE, defaults.CREDIT_DONG[participant.kind])
    terms = Terms(
        given.get("zone", usual.zone), given.get("credit_limit_dong", usual.credit_limit_dong),
        given.get("renter", usual.renter), usual.pool_ask_price, usual.pool_bid_price,
    )  # fmt: skip
    admit(market=market, participant=participant, terms=terms, by=by, at=at)


def _assign(
    market: Market,
    participant: Participant,
    given: Mapping[str, Any],
    before: Mapping[str, Any],
    by: User,
    at: datetime,
) -> None:
    """A first tariff holds from the day on, another one from tomorrow: today's intervals may be settled already."""
    code = given.get("tariff", before.get("tariff"))
    month = given.get("expected_month_kwh", before.get("expected_month_kwh", 0))
    if code is None or (code, month) == (before.get("tariff"), before.get("expected_month_kwh")):
        return
    today = at.astimezone(ZoneInfo(market.site.timezone)).date()
    held = TariffAssignment.objects.filter(site=market.site_id, participant=participant).order_by("-valid_from").first()
    valid_from = today if held is None else max(held.valid_from, today + timedelta(days=1))
    assign_tariff(
        site=market.site, participant=participant, tariff=Tariff.objects.get(code=code), valid_from=valid_from,
        expected_month_wh=month, by=by, at=at,
    )  # fmt: skip


def _point(market: Market, participant: Participant, given: Mapping[str, Any], by: User, at: datetime) -> None:
    site, code = market.site, given["point"]
    limits = {"max_import_w": given.get("max_import_kw"), "max_export_w": given.get("max_export_kw")}
    point = MeteringPoint.objects.filter(site=site, participant=participant, code__iexact=code).first()
    if point is None:
        role = given.get("role", defaults.ROLE)
        point = add_point(site=site, participant=participant, code=code, role=role, by=by, at=at, **limits)
    else:
        for name in limits:
            limits[name] = getattr(point, name) if limits[name] is None else limits[name]
        change_point(point=point, by=by, at=at, **limits)
    if "serial" in given and not point.meters.filter(removed_on=None).exists():
        install_meter(point=point, meter=new_meter(given, market, at), by=by, at=at)


def new_meter(given: Mapping[str, Any], market: Market, at: datetime) -> NewMeter:
    """The meter that a row or form describes; registers as the display shows them, Wh."""
    multiplier = given.get("multiplier", defaults.MULTIPLIER)
    today = at.astimezone(ZoneInfo(market.site.timezone)).date()
    return NewMeter(
        serial=given["serial"],
        installed_on=date.fromisoformat(given["installed_on"]) if "installed_on" in given else today,
        multiplier=multiplier,
        register_digits=given.get("digits", defaults.DIGITS),
        start_import_wh=given.get("start_import_kwh", 0) * multiplier,
        start_export_wh=given.get("start_export_kwh", 0) * multiplier,
    )


def _devices(
    market: Market,
    participant: Participant,
    given: Mapping[str, Any],
    before: Mapping[str, Any],
    by: User,
    at: datetime,
) -> None:
    for kind, columns in DEVICE_COLUMNS.items():
        if any(column in given and given[column] != before.get(column, 0) for column in columns):
            figures = {column: given.get(column, before.get(column, 0)) for column in columns}
            set_equipment(market, participant, kind, figures, by, at)


def set_equipment(
    market: Market,
    participant: Participant,
    kind: Device.Kind,
    figures: Mapping[str, int],
    by: User | None,
    at: datetime,
) -> None:
    """The first device of a kind as the sheet's columns say; with 0 in the first of them it is there no more."""
    rows = Device.objects.filter(site=market.site_id, participant=participant, kind=kind).order_by("pk")
    device = rows.first()
    columns = DEVICE_COLUMNS[kind]
    if not figures[next(iter(columns))]:
        if device is not None:
            remove_device(device=device, by=by, at=at)
        return
    values = {field: figures[column] for column, fields in columns.items() for field in fields}
    name = device.name if device else DEVICE_NAMES[kind]
    set_device(site=market.site, participant=participant, kind=kind, name=name, by=by, at=at, **values)


def retire_member(
    *, market: Market, participant: Participant, shown_wh: Mapping[int, tuple[int, int]], by: User, at: datetime
) -> None:
    """Let a member leave: its meters are taken down with what they show (import and export by metering point, Wh as
    displayed × multiplier), its orders taken back. Its documents, readings and trades stay.

    Raises MemberRefused and EquipmentRefused; then nothing has changed. Where the member stays in another market of the
    site its meters stay too.
    """
    with transaction.atomic():
        Participant.objects.select_for_update(no_key=True).get(pk=participant.pk)
        if not Admission.objects.filter(market=market, participant=participant, active=True).exists():
            raise MemberRefused([_said(_("The member is not in this market."))])
        stays = Admission.objects.filter(market__site=market.site_id, participant=participant, active=True)
        if not stays.exclude(market=market).exists():
            _take_down(market, participant, shown_wh, by, at)
    switch(market=market, participant=participant, on=False, by=by, at=at)
    end_admission(market=market, participant=participant, by=by, at=at)


def _take_down(
    market: Market, participant: Participant, shown_wh: Mapping[int, tuple[int, int]], by: User, at: datetime
) -> None:
    today = at.astimezone(ZoneInfo(market.site.timezone)).date()
    points = MeteringPoint.objects.filter(site=market.site_id, participant=participant, meters__removed_on=None)
    for point in points.exclude(meters=None).distinct():
        if point.pk not in shown_wh:
            raise MemberRefused([_said(_("Say what the registers of every meter show."))])
        taken, given = shown_wh[point.pk]
        remove_meter(point=point, removed_on=today, end_import_wh=taken, end_export_wh=given, by=by, at=at)


def _said(sentence: str) -> Mistake:
    return Mistake("said", values={"message": sentence})
