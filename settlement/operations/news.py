"""What members and administrators are told about settlement: documents, money, disputes, closes.

Each is one line where it happens, in that transaction (`accounts.operations.notices`).
"""

from collections.abc import Iterable
from datetime import date, datetime
from zoneinfo import ZoneInfo

from accounts.operations.notices import News, tell, tell_administrators
from settlement.models import Dispute, Invoice, MonthClose, Payment, ReadingDecision
from trading.models import Market
from units.interval import Interval

Kind = Payment.Kind
# What a member is told of a payment: by the trail's action, and the kind of payment where that decides.
_TOLD = {
    ("payment.refunded", Kind.REFUND): "refund_paid",
    ("payment.undone", Kind.REFUND): "payment_undone",
    ("payment.matched", Kind.PAID_OUT): "paid_out",
    ("payment.recorded", Kind.PAID_OUT): "paid_out",
    ("payment.matched", Kind.RECEIVED): "payment_received",
    ("payment.recorded", Kind.RECEIVED): "payment_received",
    ("payment.matched", Kind.PREPAYMENT): "payment_received",
    ("payment.recorded", Kind.PREPAYMENT): "payment_received",
}


def tell_issued(market: Market, documents: Iterable[Invoice], at: datetime) -> None:
    """Members have new documents; what is carried to a later month is none."""
    issued = [document for document in documents if document.state == Invoice.State.ISSUED]
    tell(_of_document(market.code, each, _kind_of(each), at) for each in issued)


def _kind_of(document: Invoice) -> str:
    if document.relation == Invoice.Relation.REPLACEMENT:
        return "bill_replaced"
    if document.kind == Invoice.Kind.STATEMENT or not document.total_dong:
        return "statement_issued"
    return "bill_issued" if document.total_dong > 0 else "credit_issued"


def _of_document(market: str, document: Invoice, kind: str, at: datetime) -> News:
    due = document.due_on.isoformat() if document.due_on else ""
    figures = {"total_dong": abs(document.total_dong), "month_on": document.month.isoformat(), "due_on": due}
    return News(
        kind, f"{kind} {document.pk}", at, ("invoice", document.pk), {"market": market, **figures},
        participant=document.participant_id,
    )  # fmt: skip


def tell_payment(action: str, payment: Payment, at: datetime) -> None:
    """Money came, went, or was taken back; what was paid out of a prepayment has been told when it came."""
    kind = _TOLD.get((action, Kind(payment.kind)))
    if kind is not None:
        market = Market.objects.values_list("code", flat=True).get(pk=payment.market_id)
        figures = {"market": market, "amount_dong": abs(payment.amount_dong)}
        about = ("bills", "")
        tell([News(kind, f"payment {payment.pk}", at, about, figures, participant=payment.participant_id)])


def tell_reminder(invoice_id: int, level: int, open_dong: int, at: datetime) -> None:
    """A reminder went out."""
    document = Invoice.objects.select_related("market").get(pk=invoice_id)
    due = document.due_on.isoformat() if document.due_on else ""
    figures = {"market": document.market.code, "open_dong": open_dong, "due_on": due}
    key = f"reminder {invoice_id} {level}"
    tell([News("reminder_due", key, at, ("invoice", invoice_id), figures, participant=document.participant_id)])


def tell_decided(dispute: Dispute, at: datetime) -> None:
    """A dispute is decided, and why."""
    zone = ZoneInfo(dispute.market.site.timezone)
    contract = dispute.contract
    figures = {
        "market": dispute.market.code,
        "on_on": contract.delivery_start.astimezone(zone).date().isoformat(),
        "interval": Interval(contract.delivery_start, contract.delivery_end).label(zone),
        "decision": dispute.decision[:300],
    }
    kind = "dispute_waived" if dispute.state == Dispute.State.WAIVED else "dispute_kept"
    key = f"dispute {dispute.pk} {dispute.state}"
    tell([News(kind, key, at, ("dispute", dispute.pk), figures, participant=dispute.participant_id)])


def tell_close_waits(close: MonthClose, at: datetime) -> None:
    """A computed close waits for somebody else than who began it."""
    documents = Invoice.objects.filter(close=close).count()
    tell_administrators(
        "close_waits", f"close {close.pk}", at, about=("close", close.pk), but=close.requested_by_id,
        data={"market": close.market.code, "market_name": close.market.name, "month_on": close.month.isoformat(),
              "documents": documents},
    )  # fmt: skip


def tell_figures_wait(decision: ReadingDecision, at: datetime) -> None:
    """Figures in place of a meter's wait for somebody else than who proposed them."""
    market, by = decision.market, decision.proposed_by
    told = {"market": market.code, "meter": decision.metering_point.code, "person": by.get_full_name() or by.username}
    about = ("reading", decision.pk)
    tell_administrators("reading_waits", f"reading {decision.pk}", at, about=about, data=told, but=by.pk)


def corrected(participant: int, market: Market, on: date, change_millidong: int, run_on: date, at: datetime) -> News:
    """Runs of the day `run_on` changed what a participant stands at for the deliveries of the day `on`."""
    key = f"corrected {market.pk} {participant} {on.isoformat()} {run_on.isoformat()}"
    figures = {"market": market.code, "on_on": on.isoformat(), "change_millidong": change_millidong}
    return News("reading_corrected", key, at, ("intervals", on.isoformat()), figures, participant=participant)
