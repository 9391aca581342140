"""Control: are all laws of the settlement checked and kept, what could not be settled, and who did what."""

from datetime import date, datetime, timedelta
from typing import Any

from django.http import HttpResponse
from django.utils.translation import gettext as _

from accounts.models import User
from accounts.queries import audit_trail
from portal.desk import Desk, office
from portal.templatetags.figures import reader
from settlement.models import SettlementAlarm
from settlement.queries.certificates import certificate_invariants, open_debts
from settlement.queries.invariants import invariants_panel
from units.interval import day_bounds

ROWS = 100


@office("control")
def control(desk: Desk) -> HttpResponse:
    """The laws that every run is checked against, with how many intervals kept them; open alarms."""
    since, until = _stretch(desk)
    start, end = day_bounds(since, desk.zone).start, day_bounds(until, desk.zone).end
    alarms = SettlementAlarm.objects.filter(market=desk.market).select_related("contract")
    context: dict[str, Any] = {
        "since": since,
        "until": until,
        "panel": invariants_panel(desk.market.pk, start, end),
        "laws": law_sentences(),
        "certificates": certificate_invariants(desk.market.pk, start, end),
        "debts": open_debts(desk.market.pk)[:ROWS],
        "open_alarms": alarms.filter(resolved_at=None).order_by("raised_at")[:ROWS],
        "resolved": desk.page_of(alarms.exclude(resolved_at=None).order_by("-resolved_at")),
    }
    return desk.show("office/control.html", **context)


def law_sentences() -> dict[str, str]:
    """What each law of an interval says."""
    return {
        "export_split": _("What was exported went to neighbours or to the grid."),
        "import_split": _("What was imported came from neighbours or from the grid."),
        "sold_is_bought": _("What was sold was bought."),
        "delivered_within_traded": _("No more was delivered than was traded."),
        "local_is_trades_and_pool": _("Local energy is trades and pool, and nothing else."),
        "spill_within_surplus": _("Unpaid surplus is part of what went to the grid."),
        "compensation_within_missed": _("Nobody pays for more than was missed."),
        "cash_sums_to_zero": _("All accounts together moved 0 đồng."),
    }


def _stretch(desk: Desk) -> tuple[date, date]:
    """The days the page looks at: those asked for, else this month so far."""
    first = desk.asked_day("since") or desk.today.replace(day=1)
    last = desk.asked_day("until") or desk.today
    return (first, last) if first <= last else (last, first)


@office("audit")
def audit(desk: Desk) -> HttpResponse:
    """The audit trail in sentences, the newest first."""
    query = desk.request.GET
    before = int(desk.asked("before", 15)) if desk.asked("before").isdecimal() else None
    since, until = desk.asked_day("since"), desk.asked_day("until")
    rows = audit_trail(
        language=reader(),
        start=day_bounds(since, desk.zone).start if since else None,
        end=_day_end(until, desk),
        by=desk.asked("by", 150),
        action=desk.asked("action"),
        about=desk.asked("about"),
        before=before,
        limit=ROWS + 1,
    )
    more = query.copy()
    if len(rows) > ROWS:
        more["before"] = str(rows[ROWS - 1].id)
    people = User.objects.filter(auditentry__isnull=False).distinct().order_by("username")
    context: dict[str, Any] = {
        "rows": rows[:ROWS],
        "older": more.urlencode() if len(rows) > ROWS else "",
        "areas": areas(),
    }
    return desk.show("office/audit.html", query=query, people=people, **context)


def _day_end(until: date | None, desk: Desk) -> datetime | None:
    return day_bounds(until + timedelta(days=1), desk.zone).start if until else None


def areas() -> dict[str, str]:
    """What the trail can be narrowed to, by the beginning of its actions."""
    return {
        "close.": _("Month closes"),
        "invoice.": _("Documents"),
        "payment.": _("Payments"),
        "bank_": _("Bank files"),
        "dispute.": _("Disputes"),
        "rules.": _("Rule changes"),
        "reading": _("Readings"),
        "market.": _("Market control"),
        "user.": _("Users"),
        "membership.": _("Memberships"),
        "certificate": _("Certificates"),
    }
