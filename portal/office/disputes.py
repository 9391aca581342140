"""Disputes: what participants doubt, and the administrator's decision."""

from typing import Any

from django.http import Http404, HttpResponse
from django.utils.translation import gettext as _

from portal.desk import REFUSED, Desk, office
from portal.refusals import REFUSALS, sentences
from settlement.models import Compensation, Dispute
from settlement.operations.disputes import decide_dispute


@office("disputes")
def disputes(desk: Desk) -> HttpResponse:
    """Open ones first, then the decided ones, the newest first."""
    rows = Dispute.objects.filter(market=desk.market).select_related("contract", "participant", "opened_by")
    context: dict[str, Any] = {
        "open_ones": rows.filter(state=Dispute.State.OPEN).order_by("opened_at"),
        "decided": desk.page_of(rows.exclude(state=Dispute.State.OPEN).order_by("-decided_at", "-pk")),
    }
    return desk.show("office/disputes.html", **context)


@office("disputes")
def dispute(desk: Desk, pk: int) -> HttpResponse:
    """One dispute with what was paid in its interval; POST decides it."""
    rows = Dispute.objects.select_related("contract", "participant", "opened_by", "decided_by", "market")
    held = rows.filter(market=desk.market, pk=pk).first()
    if held is None:
        raise Http404
    if desk.request.method != "POST":
        return _page(desk, held)
    try:
        desk.confirmed()
        waive = desk.text("verdict") == "waive"
        decide_dispute(dispute=held, waive=waive, decision=desk.text("decision"), by=desk.user, at=desk.now)
    except REFUSALS as error:
        return _page(desk, held, REFUSED, refusals=sentences(error))
    return desk.done(_("Decided. The interval was settled again."), "disputes")


def _page(desk: Desk, held: Dispute, status: int = 200, **more: Any) -> HttpResponse:
    last = held.contract.runs.filter(at__lt=held.opened_at).order_by("-number").first()
    paid = Compensation.objects.filter(run_id=last.results_of_id or last.pk) if last else Compensation.objects.none()
    runs = held.contract.runs.order_by("number")
    paid = paid.select_related("payer", "payee").order_by("trade_no")
    return desk.show("office/dispute.html", status, dispute=held, compensations=paid, runs=runs, **more)
