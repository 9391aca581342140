"""A wrong name, address or tax code on an issued document: a replacement with the same figures, which refers to it.

The amounts were right, so nothing is posted: the replacement stands where the original stood. Wrong amounts are not
replaced but adjusted, by correcting the readings and closing the month again. What has been paid is not replaced
either, since the payment names the original.
"""

from dataclasses import replace
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import transaction

from accounts.models import User
from accounts.operations import audit
from settlement.domain.document import InvoiceDocument, Reference
from settlement.models import Allocation, Invoice, InvoiceLine, Issuer
from settlement.operations.month.errors import CloseError
from settlement.operations.month.issue import freeze, locked_series
from settlement.operations.month.parties import issuer_party, members
from settlement.operations.news import tell_issued


def replace_invoice(*, invoice: Invoice, reason: str, by: User, at: datetime) -> Invoice:
    """Issue a replacement with the parties as they are now. `reason` stands on it.

    Raises CloseError: `reason_needed`, `not_issued`, `already_replaced`, `already_paid`, `nothing_to_replace`.
    """
    if not reason.strip():
        raise CloseError("reason_needed", "Say why the document is replaced; the reason stands on it.")
    with transaction.atomic():
        original = _original(invoice.pk)
        issuer = Issuer.objects.get(site_id=original.market.site_id)
        old = original.frozen()
        new = _with_parties_of_now(original, issuer, old)
        if (new.seller, new.buyer) == (old.seller, old.buyer):
            raise CloseError("nothing_to_replace", "Names and addresses are what the document says already.")
        made = _issue(original, replace(new, reason=reason.strip()), issuer, at)
        audit(by=by, action="invoice.replaced", target=str(original), detail={"by": str(made), "reason": reason}, at=at)
        tell_issued(original.market, [made], at)
    return made


def _original(pk: int) -> Invoice:
    invoice = Invoice.objects.select_for_update(of=("self",)).select_related("market__site", "series").get(pk=pk)
    if invoice.number is None or invoice.series is None:
        raise CloseError("not_issued", "Only an issued document with a number can be replaced.")
    if invoice.followed_by.filter(relation=Invoice.Relation.REPLACEMENT).exists():
        raise CloseError("already_replaced", "The document has been replaced; replace its replacement.")
    if Allocation.objects.filter(invoice=invoice).exists():
        raise CloseError("already_paid", "Something was paid on the document already; it can no longer be replaced.")
    return invoice


def _with_parties_of_now(original: Invoice, issuer: Issuer, old: InvoiceDocument) -> InvoiceDocument:
    operator = issuer_party(original.market, issuer)
    member = members([original.participant_id])[original.participant_id]
    is_self_bill = original.kind == Invoice.Kind.SELF_BILL
    seller, buyer = (member.party, operator) if is_self_bill else (operator, member.party)
    assert original.series is not None and original.number is not None and original.issued_on is not None
    return replace(
        old,
        seller=seller,
        buyer=buyer,
        relation=Invoice.Relation.REPLACEMENT,
        refers_to=Reference(original.series.code, original.number, original.issued_on),
    )


def _issue(original: Invoice, document: InvoiceDocument, issuer: Issuer, at: datetime) -> Invoice:
    on = at.astimezone(ZoneInfo(original.market.site.timezone)).date()
    made = Invoice(
        market=original.market,
        participant_id=original.participant_id,
        metering_point_id=original.metering_point_id,
        month=original.month,
        kind=original.kind,
        relation=Invoice.Relation.REPLACEMENT,
        refers_to=original,
        net_dong=original.net_dong,
        vat_dong=original.vat_dong,
        total_dong=original.total_dong,
        postings=original.postings,
        document=document.canonical().decode(),
        digest=document.digest(),
    )
    made.save()
    InvoiceLine.objects.bulk_create(_copied(line, made) for line in original.lines.order_by("position"))
    series = locked_series(issuer, original.kind, on.year)
    series.last_number += 1
    series.save(update_fields=("last_number",))
    made.series, made.number, made.state = series, series.last_number, Invoice.State.ISSUED
    freeze(made, on, issuer.due_days)
    made.save()
    return made


def _copied(line: InvoiceLine, invoice: Invoice) -> InvoiceLine:
    return InvoiceLine(
        invoice=invoice,
        position=line.position,
        kind=line.kind,
        period=line.period,
        tier_from_wh=line.tier_from_wh,
        tier_to_wh=line.tier_to_wh,
        since=line.since,
        until=line.until,
        quantity=line.quantity,
        price=line.price,
        amount_millidong=line.amount_millidong,
        amount_dong=line.amount_dong,
        vat_bp=line.vat_bp,
    )
