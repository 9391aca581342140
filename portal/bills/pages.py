"""What a member sees of its settlement: documents and balance, intervals to doubt, certificates and carbon."""

from datetime import date, timedelta
from typing import Any

from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _

from accounts.models import User
from portal import papers
from portal.bills.reads import compensation_of
from portal.desk import REFUSED, Desk, Refused, seat
from portal.office.documents import file_of, page, standings, why_of
from portal.papers import attached
from portal.refusals import REFUSALS, sentences
from portal.templatetags.figures import reader
from settlement.domain.calendar import month_after
from settlement.evidence.pack import build_pack, write_zip
from settlement.models import Dispute, SettlementRun
from settlement.operations.disputes import open_dispute, withdraw_dispute
from settlement.queries.carbon import CarbonError, carbon_report
from settlement.queries.certificates import certificates_of, holdings
from settlement.queries.money import account_statement
from settlement.queries.statements import energy_today, statement
from trading.models import Admission, Contract
from units.interval import day_bounds

MONTHS_OFFERED = 24


@login_required
def door(request: HttpRequest) -> HttpResponse:
    """Whose bills? With one participant in one market its page opens at once."""
    assert isinstance(request.user, User)
    rows = Admission.objects.filter(participant__memberships__user=request.user).select_related("market", "participant")
    seats = list(rows.order_by("market", "participant__name"))
    if len(seats) == 1 and not request.GET.get("all"):
        only = seats[0]
        return HttpResponseRedirect(reverse("portal:bills_documents", args=(only.market.code, only.participant.code)))
    return render(request, "bills/door.html", {"seats": seats})


@seat("bills")
def documents(desk: Desk) -> HttpResponse:
    """Balance, what is open, every document, and the account of the last year."""
    assert desk.participant is not None
    rows = desk.page_of(papers.documents(desk), 24)
    papers.decorated(desk, rows.object_list)
    first = month_after(desk.today.replace(day=1), -12)
    account = account_statement(desk.market.pk, desk.participant.pk, first, desk.today + timedelta(days=1))
    month = desk.today.replace(day=1)
    stretch = day_bounds(month, desk.zone).start, day_bounds(desk.today, desk.zone).end
    context: dict[str, Any] = {
        "documents": rows,
        "words": standings(),
        "account": account,
        "unpayable": account.closing_dong < 0 and not papers.bank_known(desk),
        "since": first,
        "month": month,
        "running": statement(desk.market.pk, desk.participant.pk, *stretch),
    }
    return desk.show("bills/documents.html", **context)


@seat("bills")
def document(desk: Desk, pk: int) -> HttpResponse:
    """One document of its own."""
    return page(desk, papers.document(desk, pk))


@seat("bills")
def why(desk: Desk, pk: int, position: int) -> HttpResponse:
    """Why a line of its document is what it is."""
    return why_of(desk, papers.document(desk, pk), position)


@seat("bills")
def document_file(desk: Desk, pk: int, form: str) -> HttpResponse:
    """Its document as PDF or XML."""
    return file_of(desk, papers.document(desk, pk), form)


@seat("intervals")
def intervals(desk: Desk) -> HttpResponse:
    """The settled intervals of a day; POST disputes one."""
    if desk.request.method != "POST":
        return _intervals(desk)
    try:
        desk.confirmed()
        _open(desk)
    except REFUSALS as error:
        return _intervals(desk, REFUSED, refusals=sentences(error))
    return desk.done(_("The interval is in dispute. Nobody pays compensation there until it is decided."), "disputes")


def _open(desk: Desk) -> None:
    assert desk.participant is not None
    text = desk.text("contract")
    contract = Contract.objects.filter(market=desk.market, pk=int(text[:15]) if text.isdecimal() else 0).first()
    if contract is None:
        raise Refused("no_contract", _("Choose the interval that is wrong."))
    open_dispute(
        market=desk.market, contract=contract, participant=desk.participant, reason=desk.text("reason"),
        by=desk.user, at=desk.now,
    )  # fmt: skip


def _intervals(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    assert desk.participant is not None
    on = desk.asked_day("on") or desk.today
    day = day_bounds(on, desk.zone)
    rows = energy_today(desk.market.pk, desk.participant.pk, day.start, day.end)
    own = statement(desk.market.pk, desk.participant.pk, day.start, day.end)
    disputed = dict(
        Dispute.objects.filter(participant=desk.participant, contract__in=[row.contract_id for row in rows])
        .order_by("opened_at")
        .values_list("contract_id", "state")
    )
    context: dict[str, Any] = {
        "on": on,
        "compensation": compensation_of(desk.market.pk, desk.participant.pk, day.start, day.end),
        "before": on - timedelta(days=1),
        "after": on + timedelta(days=1) if on < desk.today else None,
        "rows": rows,
        "own": own,
        "disputed": disputed,
        "states": dict(Dispute.State.choices),
        "kinds": dict(SettlementRun.Kind.choices),
    }
    return desk.show("bills/intervals.html", status, **context | more)


@seat("disputes")
def disputes(desk: Desk) -> HttpResponse:
    """Its disputes and what was decided."""
    rows = Dispute.objects.filter(market=desk.market, participant=desk.participant)
    rows = rows.select_related("contract", "decided_by", "opened_by")
    return desk.show("bills/disputes.html", disputes=desk.page_of(rows))


@seat("disputes", change=True)
def withdraw(desk: Desk, pk: int) -> HttpResponse:
    """Take a dispute back."""
    held = Dispute.objects.filter(market=desk.market, participant=desk.participant, pk=pk).first()
    if held is None:
        raise Http404
    try:
        withdraw_dispute(dispute=held, by=desk.user, at=desk.now)
    except REFUSALS as error:
        rows = Dispute.objects.filter(market=desk.market, participant=desk.participant)
        context = {"disputes": desk.page_of(rows), "refusals": sentences(error)}
        return desk.show("bills/disputes.html", REFUSED, **context)
    return desk.done(_("The dispute is taken back; compensation is paid as before."), "disputes")


@seat("green")
def green(desk: Desk) -> HttpResponse:
    """Energy by source, the share matched by the hour, emissions, and certificates of a month."""
    assert desk.participant is not None
    month = _month(desk)
    start, end = _bounds(desk, month)
    context: dict[str, Any] = {
        "month": month,
        "months": [month_after(desk.today.replace(day=1), -back) for back in range(MONTHS_OFFERED)],
        "holdings": holdings(desk.market.pk, desk.participant.pk, start, end),
        "certificates": desk.page_of(certificates_of(desk.market.pk, desk.participant.pk, start, end, made_too=True)),
        "states": _certificate_states(),
        "origins": {"pv": _("Solar"), "storage": _("Storage, charged by the sun")},
    }
    try:
        context["report"] = carbon_report(desk.market, desk.participant.pk, start, end)
    except CarbonError as error:
        context["refusals"] = sentences(error)
    return desk.show("bills/green.html", **context)


def _certificate_states() -> dict[str, str]:
    return {
        "issued": _("Issued"),
        "transferred": _("Received"),
        "retired": _("Used up for a report"),
        "locked": _("Registered outside"),
        "void": _("Void"),
    }


def _month(desk: Desk) -> date:
    return desk.asked_month("month") or month_after(desk.today.replace(day=1), -1)


def _bounds(desk: Desk, month: date) -> tuple[Any, Any]:
    return day_bounds(month, desk.zone).start, day_bounds(month_after(month, 1), desk.zone).start


@seat("green")
def evidence(desk: Desk) -> HttpResponse:
    """The evidence pack of a month as an archive, with the script that checks it."""
    assert desk.participant is not None
    start, end = _bounds(desk, _month(desk))
    draft = desk.asked("draft") == "1"
    try:
        pack = build_pack(desk.market, desk.participant, start, end, at=desk.now, draft=draft, language=reader())
    except CarbonError as error:
        return desk.show("bills/refused.html", REFUSED, refusals=sentences(error))
    return attached(HttpResponse(write_zip(pack), content_type="application/zip"), f"{pack.name}.zip")
