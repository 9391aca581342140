"""The month close: begun here, carried on by the worker, approved by a second person."""

from datetime import date
from typing import Any

from django.db.models import Count, Sum
from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from portal.desk import REFUSED, Desk, office
from portal.refusals import REFUSALS, sentences
from settlement.domain.calendar import month_after
from settlement.models import Invoice, MonthClose
from settlement.operations.month import approve_close, discard_close, start_close
from settlement.queries.closes import BLOCKING, WARNING, Check, approved_checklist, checklist, differences, progress

MONTHS_OFFERED = 14
State = MonthClose.State
WORKING = (State.COMPUTING, State.APPROVED)


@office("closes")
def closes(desk: Desk) -> HttpResponse:
    """All closes of the market, the newest first; POST begins one."""
    if desk.request.method == "POST":
        return _start(desk)
    return _list(desk)


def _list(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    rows = MonthClose.objects.filter(market=desk.market).select_related("requested_by", "approved_by")
    return desk.show("office/closes.html", status, closes=desk.page_of(rows), months=_months(desk.today), **more)


def _months(today: date) -> list[date]:
    """The months that are over, the last one first."""
    return [month_after(today.replace(day=1), -back) for back in range(1, MONTHS_OFFERED + 1)]


def _start(desk: Desk) -> HttpResponse:
    try:
        month = desk.on("month")
        close = start_close(market=desk.market, month=month, by=desk.user, at=desk.now)
    except REFUSALS as error:
        unsold = getattr(error, "code", "") == "no_issuer"
        remedy = desk.address("details") + "#seller" if unsold else ""
        return _list(desk, REFUSED, refusals=sentences(error), remedy=remedy)
    return desk.done(_("The close has begun. This page tells how far it is."), "close", close.pk)


@office("closes")
def close(desk: Desk, pk: int) -> HttpResponse:
    """One close: how far it is, what the checks say, what changed, and what to do next."""
    return _page(desk, _close(desk, pk))


def _close(desk: Desk, pk: int) -> MonthClose:
    rows = MonthClose.objects.select_related("market__site", "requested_by", "approved_by")
    found = rows.filter(market=desk.market, pk=pk).first()
    if found is None:
        raise Http404
    return found


def _page(desk: Desk, held: MonthClose, status: int = 200, **more: Any) -> HttpResponse:
    checks = _checks(held)
    context = {
        "close": held,
        "progress": progress(held),
        "working": held.state in WORKING,
        "checks": checks,
        "check_names": check_names(),
        "warnings": [check for check in checks if check.state == WARNING],
        "blocked": any(check.state == BLOCKING for check in checks),
        "own": held.requested_by_id == desk.user.pk,
        "sums": _sums(held),
        "differences": differences(held) if held.state != State.COMPUTING else [],
        "month_before": month_after(held.month, -1),
        "accepted": desk.request.POST.getlist("accept"),
        "issue_on": max(desk.today, month_after(held.month, 1)),
    }
    return desk.show("office/close.html", status, **context | more)


def _checks(held: MonthClose) -> list[Check]:
    """Computed while the close waits; as it was approved afterwards."""
    if held.state == State.COMPUTED:
        return checklist(held)
    return approved_checklist(held)


def _sums(held: MonthClose) -> list[Any]:
    kinds = Invoice.objects.filter(close=held).order_by("kind", "relation").values("kind", "relation")
    return list(kinds.annotate(
        count=Count("pk"), net=Sum("net_dong"), vat=Sum("vat_dong"), total=Sum("total_dong"),
    ))  # fmt: skip


def check_names() -> dict[str, str]:
    """What each check of the checklist is called."""
    return {
        "unbilled": _("Every interval is billed"),
        "figures_old": _("The figures are of now"),
        "unapproved_edits": _("Corrections are settled and approved"),
        "open_disputes": _("Disputes are decided"),
        "energy_balance": _("Energy balances"),
        "cash_zero": _("Money sums to zero"),
        "month_before": _("The month before is issued"),
        "gaps": _("Readings are measured"),
        "before_cutoff": _("The invoice cut-off is over"),
        "losses": _("Losses are in their band"),
        "no_price": _("Everybody has a tariff"),
        "no_profile": _("Everybody has billing details"),
    }


@office("closes")
def close_progress(desk: Desk, pk: int) -> HttpResponse:
    """The part of the page that is fetched again and again while the worker is at it; at the end, the whole page."""
    held = _close(desk, pk)
    answer = desk.show("office/_progress.html", close=held, progress=progress(held), working=held.state in WORKING)
    if held.state not in WORKING:
        answer.headers["HX-Refresh"] = "true"
    return answer


@office("closes", change=True)
def approve(desk: Desk, pk: int) -> HttpResponse:
    """The second person's yes, with the warnings that were seen."""
    held = _close(desk, pk)
    try:
        issue_on = desk.on("issue_on")
        desk.confirmed()
        accept = desk.request.POST.getlist("accept")
        approve_close(close=held, by=desk.user, at=desk.now, issue_on=issue_on, accept=accept)
    except REFUSALS as error:
        return _page(desk, held, REFUSED, refusals=sentences(error))
    return desk.done(_("Approved. The documents are being issued."), "close", pk)


@office("closes", change=True)
def discard(desk: Desk, pk: int) -> HttpResponse:
    """Throw the drafts away."""
    held = _close(desk, pk)
    try:
        desk.confirmed()
        discard_close(close=held, by=desk.user, at=desk.now)
    except REFUSALS as error:
        return _page(desk, held, REFUSED, refusals=sentences(error))
    return desk.done(_("The close and its drafts are thrown away. Begin another when you are ready."), "closes")
