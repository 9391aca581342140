"""A spreadsheet of members: checked first, then applied member by member.

Checking writes nothing but what the check found. Applying is a job: the sheet's row is the truth, whoever locks it
carries it on, and each member is one transaction together with what is noted of it. A worker that dies leaves the
members it has written and goes on with the next; a member that cannot be written is refused and holds up no other,
also where nobody foresaw why: only a database that is away or busy is waited for.
"""

import logging
from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from django.db import InterfaceError, OperationalError, transaction
from django.urls import reverse
from django.utils import timezone
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import User
from accounts.operations import AccountError, audit
from accounts.signin.mails import send_invitation
from members.domain.sheet import Group, Mistake, Row, group_rows, read_sheet
from members.models import MemberSheet, MemberSheetRow
from members.operations.adding import Applied, MemberRefused, apply_member, verdict_on
from members.queries.standing import standing_of
from members.words import kept
from meters.operations import EquipmentRefused
from tariffs.operations import RulesSettled, TariffRejected, TermsRejected
from trading.models import Market
from trading.operations.admissions import AdmissionRefused
from trading.queries import market_now

REFUSALS = (AccountError, AdmissionRefused, EquipmentRefused, RulesSettled, TariffRejected, TermsRejected)
State = MemberSheet.State

log = logging.getLogger(__name__)


class SheetError(ValueError):
    """The sheet cannot be applied now; the message says why. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def check_sheet(
    *, market: Market, data: bytes, name: str, by: User, at: datetime, address: str = "", language: str = "en"
) -> MemberSheet:
    """Read a file and say what would become of each row; nothing else is written. Raises SheetRefused.

    `address` is where this installation is reached; invitations lead there, written in `language`.
    """
    groups = group_rows(read_sheet(data))
    with transaction.atomic():
        sheet = MemberSheet.objects.create(
            market=market, name=name[:120] or "members", uploaded_by=by, uploaded_at=at, address=address[:200],
            language=language, total=len(groups),
        )  # fmt: skip
        MemberSheetRow.objects.bulk_create(_checked(sheet, market, groups), batch_size=1_000)
    return sheet


def _checked(sheet: MemberSheet, market: Market, groups: Sequence[Group]) -> Iterator[MemberSheetRow]:
    points = [str(point["point"]) for group in groups for _, point in group.points if "point" in point]
    serials = [str(point["serial"]) for group in groups for _, point in group.points if "serial" in point]
    standing = standing_of(market, [group.code for group in groups], points, serials)
    for number, group in enumerate(groups):
        verdict = verdict_on(group, standing)
        own = dict(group.points)
        for line in group.lines:
            values = (group.member if line == group.lines[0] else {}) | own.get(line, {})
            yield MemberSheetRow(
                sheet=sheet, line=line, member=number, code=group.code, name=str(group.member.get("name", "")),
                state=verdict.states[line], values=values, changes=verdict.changes[line],
                mistakes=[kept(mistake) for mistake in verdict.mistakes[line]],
            )  # fmt: skip


def begin_sheet(*, sheet: MemberSheet, by: User, at: datetime) -> None:
    """Let it be applied; a worker carries it on. Raises SheetError `not_checked`, `nothing_to_do`."""
    todo = sheet.rows.filter(state__in=(MemberSheetRow.State.NEW, MemberSheetRow.State.CHANGED))
    if not todo.exists():
        raise SheetError("nothing_to_do", _("Nothing in the file is new or changed."))
    rows = MemberSheet.objects.filter(pk=sheet.pk, state=State.CHECKED)
    if not rows.update(state=State.APPLYING, applied_by=by, started_at=at):
        raise SheetError("not_checked", _("The file has been applied or thrown away already."))


def discard_sheet(*, sheet: MemberSheet) -> None:
    """Throw a checked file away. Raises SheetError `not_checked`."""
    rows = MemberSheet.objects.filter(pk=sheet.pk, state=State.CHECKED)
    if not rows.update(state=State.DISCARDED):
        raise SheetError("not_checked", _("The file has been applied or thrown away already."))


def load_some(sheet_id: int, wall: datetime, *, most: int = 10) -> bool:
    """Write the next members of a sheet that is being applied, at most so many. True while there are more.

    A sheet that another worker holds is left to it: False.
    """
    for _step in range(most):
        mail: Applied | None = None
        with transaction.atomic():
            sheet = _held(sheet_id)
            if sheet is None:
                return False
            rows = _next(sheet)
            if not rows:
                _finish(sheet, wall)
                return False
            mail = _load(sheet, rows, wall)
            sheet.done = min(sheet.total, sheet.done + 1)
            sheet.save(update_fields=["done"])
        if mail is not None and mail.invitation is not None:
            _send(sheet, rows[0], mail)
    return True


def _held(sheet_id: int) -> MemberSheet | None:
    rows = MemberSheet.objects.select_for_update(of=("self",), skip_locked=True)
    rows = rows.select_related("market__site", "applied_by")
    return rows.filter(pk=sheet_id, state=State.APPLYING).first()


def _next(sheet: MemberSheet) -> list[MemberSheetRow]:
    """The rows of the next member that is not written yet."""
    first = sheet.rows.filter(applied=False).order_by("member").first()
    return list(sheet.rows.filter(member=first.member)) if first else []


def _load(sheet: MemberSheet, rows: list[MemberSheetRow], wall: datetime) -> Applied | None:
    for row in rows:
        row.applied = True
    todo = {row.state for row in rows} & {MemberSheetRow.State.NEW, MemberSheetRow.State.CHANGED}
    applied = None
    if todo:
        try:
            with override(sheet.language), transaction.atomic():
                applied = _write(sheet, rows, wall)
        except MemberRefused as error:
            _refuse(rows, error.mistakes_kept)
        except REFUSALS as error:
            _refuse(rows, [Mistake("said", values={"message": str(error)})])
        except (OperationalError, InterfaceError):
            raise
        except Exception:
            log.exception("member %s of sheet %s could not be written", rows[0].code, sheet.pk)
            _refuse(rows, [Mistake("said", values={"message": _unforeseen(sheet)})])
    MemberSheetRow.objects.bulk_update(rows, ["applied", "state", "mistakes"])
    return applied


def _write(sheet: MemberSheet, rows: list[MemberSheetRow], wall: datetime) -> Applied:
    assert sheet.applied_by is not None
    again = [Row(row.line, {"code": row.code, **row.values}) for row in rows]
    group = group_rows(again)[0]
    at = market_now(sheet.market, wall)
    return apply_member(market=sheet.market, group=group, by=sheet.applied_by, at=at, wall=wall)


def _unforeseen(sheet: MemberSheet) -> str:
    with override(sheet.language):
        return _("The member could not be written, for a reason nobody foresaw; the worker's log tells it.")


def _refuse(rows: list[MemberSheetRow], mistakes: Sequence[Mistake]) -> None:
    for row in rows:
        row.state = MemberSheetRow.State.REFUSED
        row.mistakes = [kept(mistake) for mistake in mistakes]


def _send(sheet: MemberSheet, row: MemberSheetRow, mail: Applied) -> None:
    """The invitation by mail, once the member is written for good; where the mail server does not take it, the row
    says so."""
    assert mail.invitation is not None
    link = sheet.address + reverse("accounts:invited", args=(mail.secret,))
    with timezone.override(sheet.market.site.timezone):
        sent = send_invitation(mail.invitation, link, sheet.language)
    if not sent:
        with override(sheet.language):
            told = _("The member is written, but the mail could not be sent; invite again on the member's page.")
        row.mistakes = [kept(Mistake("said", values={"message": told}))]
        row.save(update_fields=["mistakes"])


def _finish(sheet: MemberSheet, wall: datetime) -> None:
    at = market_now(sheet.market, wall)
    sheet.state, sheet.done, sheet.finished_at = State.APPLIED, sheet.total, at
    sheet.save(update_fields=["state", "done", "finished_at"])
    members = sheet.rows.exclude(state=MemberSheetRow.State.REFUSED).values("member").distinct().count()
    refused = sheet.rows.filter(state=MemberSheetRow.State.REFUSED).values("member").distinct().count()
    detail = {"members": members, "refused": refused, "file": sheet.name}
    audit(by=sheet.applied_by, action="members.loaded", target=f"market {sheet.market.code}", detail=detail, at=at)


def load_now(sheet_id: int, *, most: int) -> None:
    """Carry a short sheet on at once, so that nobody waits for a worker."""
    load_some(sheet_id, datetime.now(UTC), most=most)
