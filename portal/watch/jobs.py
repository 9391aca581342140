"""The long jobs of a market from the records they keep of themselves: who began what, how far it is, what came of it.

There is no table of jobs. A close, a sheet of members, an issued document, a certificate that is due, an interval that
waits to be settled again: each is a row that whoever works on it carries on, so the rows are the progress too.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import chain
from zoneinfo import ZoneInfo

from django.conf import settings
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.models import AuditEntry, User
from accounts.words import in_words
from members.models import MemberSheet, MemberSheetRow
from portal.templatetags.figures import moment
from portal.templatetags.figures import month as month_text
from settlement.models import BankFile, Invoice, MonthClose, SettlementAlarm
from settlement.operations import touched
from settlement.operations.certificates.issue import due_contracts
from settlement.queries.closes import progress
from trading.models import Contract, Market

RUNNING, WAITING, DONE, FAILED = "running", "waiting", "done", "failed"
MOST_OF_A_KIND = 20
MOST_DUE = 10_000
LATEST_MONTHS = 2
LANGUAGES = ("vi", "en", "both")


@dataclass(frozen=True, slots=True)
class Job:
    """One long job. `total` 0: how much there is to do is not known. `page` names the office page that tells more and
    `pk` its number; `again` is what a form sends to try it once more, empty where that is not needed or not safe."""

    kind: str
    name: str
    state: str
    done: int
    total: int
    sentence: str
    who: User | None = None
    began_at: datetime | None = None
    ended_at: datetime | None = None
    page: str = ""
    pk: int | None = None
    again: str = ""


def jobs(market: Market) -> list[Job]:
    """What runs or waits first, then the newest that are over."""
    made = chain(_closes(market), _papers(market), _sheets(market), _settling(market), _certificates(market),
                 _bank_files(market), _readings(market))  # fmt: skip
    return sorted(made, key=lambda job: (job.state in (DONE,), -(job.ended_at or job.began_at or _NEVER).timestamp()))


_NEVER = datetime(1970, 1, 1, tzinfo=UTC)


def _closes(market: Market) -> Iterator[Job]:
    rows = MonthClose.objects.filter(market=market).select_related("requested_by", "approved_by")
    state = MonthClose.State
    for close in rows[:MOST_OF_A_KIND]:
        how = progress(close)
        phases = {"figures": _("Adding up the days of the month"), "drafts": _("Writing the drafts"),
                  "issue": _("Issuing the documents")}  # fmt: skip
        running = close.state in (state.COMPUTING, state.APPROVED)
        yield Job(
            _("Month close"), _named(close),
            RUNNING if running else WAITING if close.state == state.COMPUTED else DONE, how.done, how.total,
            phases.get(how.phase, "") if running else str(close.get_state_display()),
            close.requested_by, close.requested_at, close.issued_at or close.computed_at,
            "close", close.pk,
        )  # fmt: skip


def _named(close: MonthClose) -> str:
    """`July 2026`; from the second close of a month on with its number."""
    return month_text(close.month) + (f" · {close.number}" if close.number > 1 else "")


def _papers(market: Market) -> Iterator[Job]:
    """PDFs of the newest issued months: a document whose file is there is done."""
    closes = MonthClose.objects.filter(market=market, state=MonthClose.State.ISSUED).select_related("approved_by")
    for close in closes[:LATEST_MONTHS]:
        digests = Invoice.objects.filter(close=close, state=Invoice.State.ISSUED).values_list("digest", flat=True)
        total, made = len(digests), sum(map(_has_file, digests))
        missing = total - made
        said = _("Every document has its PDF.") if not missing else ngettext(
            "%(count)d document has no PDF yet; it is made when somebody opens it.",
            "%(count)d documents have no PDF yet; each is made when somebody opens it.", missing,
        ) % {"count": missing}  # fmt: skip
        yield Job(_("PDFs and e-invoices"), _named(close), WAITING if missing else DONE,
                  made, total, said, close.approved_by, close.issued_at, None, "documents", None,
                  f"papers-{close.month:%Y-%m-%d}" if missing else "")  # fmt: skip


def _has_file(digest: str) -> bool:
    folder = settings.DOCUMENTS_FOLDER / digest[:2]
    return any((folder / f"{digest[2:]}-{language}.pdf").exists() for language in LANGUAGES)


def _sheets(market: Market) -> Iterator[Job]:
    rows = MemberSheet.objects.filter(market=market).select_related("uploaded_by", "applied_by")
    states: dict[str, str] = {MemberSheet.State.CHECKED: WAITING, MemberSheet.State.APPLYING: RUNNING}
    refused = MemberSheetRow.State.REFUSED
    for sheet in rows.exclude(state=MemberSheet.State.DISCARDED)[:MOST_OF_A_KIND]:
        wrong = sheet.rows.filter(state=refused).count()
        said = str(sheet.get_state_display())
        if wrong:
            said += ". " + ngettext("%(count)d row was refused.", "%(count)d rows were refused.", wrong) % {
                "count": wrong
            }
        yield Job(_("Members from a spreadsheet"), sheet.name, states.get(sheet.state, DONE), sheet.done, sheet.total,
                  said, sheet.applied_by or sheet.uploaded_by, sheet.started_at or sheet.uploaded_at,
                  sheet.finished_at, "sheet", sheet.pk)  # fmt: skip


def _settling(market: Market) -> Iterator[Job]:
    """Intervals that wait to be settled again, and those that could not be settled."""
    count = len(touched(market))
    settled = Contract.objects.filter(market=market, state__in=(Contract.State.CLEARED, Contract.State.FINAL)).count()
    if count:
        said = ngettext("%(count)d interval waits to be settled again.",
                        "%(count)d intervals wait to be settled again.", count) % {"count": count}  # fmt: skip
        yield Job(_("Settling again"), _("after corrected readings"), WAITING, settled - count, settled, said,
                  page="readings", again="settle")  # fmt: skip
    alarms = SettlementAlarm.objects.filter(market=market, resolved_at=None).select_related("contract")
    for alarm in alarms.order_by("-raised_at")[:MOST_OF_A_KIND]:
        yield Job(_("Settlement"), moment(alarm.contract.delivery_start, ZoneInfo(market.site.timezone)), FAILED, 0, 0,
                  in_words(alarm.message), None, alarm.raised_at, None, "control", None,
                  f"alarm-{alarm.pk}")  # fmt: skip


def _certificates(market: Market) -> Iterator[Job]:
    due = len(due_contracts(market, limit=MOST_DUE))
    if due:
        said = ngettext("%(count)d interval waits for its certificates.",
                        "%(count)d intervals wait for their certificates.", due) % {"count": due}  # fmt: skip
        yield Job(_("Certificates"), _("by the worker, hour by hour"), RUNNING, 0, due, said, page="control")


def _bank_files(market: Market) -> Iterator[Job]:
    for file in BankFile.objects.filter(site=market.site_id).select_related("by")[:MOST_OF_A_KIND]:
        lines, open_ones = file.lines.count(), file.lines.filter(state="unmatched").count()
        said = _("{n} movements, {open} of them to match.").format(n=lines, open=open_ones)
        yield Job(_("Bank file"), file.name, DONE, lines, lines, said, file.by, file.at, file.at, "bank")


def _readings(market: Market) -> Iterator[Job]:
    rows = AuditEntry.objects.filter(
        action="readings.recorded", target=f"site {market.site.code}", detail__source__startswith="csv"
    ).select_related("by")
    for entry in rows.order_by("-id")[:MOST_OF_A_KIND]:
        figures = {name: entry.detail.get(name, 0) for name in ("new", "corrected", "unchanged")}
        count = sum(figures.values())
        said = _("{new} new, {corrected} corrected, {unchanged} unchanged.").format(**figures)
        yield Job(_("Readings from a file"), str(entry.detail.get("source", ""))[4:], DONE, count, count, said,
                  entry.by, entry.at, entry.at, "readings")  # fmt: skip
