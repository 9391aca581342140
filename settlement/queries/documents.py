"""Issued documents with what is still open on them.

Open is the total less what payments gave: positive is owed by the participant, negative to it. Statements are never
payable, drafts and carried amounts not yet.
"""

from collections.abc import Collection, Iterable
from datetime import date

from django.db.models import QuerySet, Sum

from settlement.domain.matching_payments import OpenDocument
from settlement.models import Allocation, Invoice
from trading.models import Market


def home_market_id(site_id: int) -> int:
    """The market whose suspense account holds what came to the site's bank account and is not matched: its first.

    Raises Market.DoesNotExist for a site without a market.
    """
    return Market.objects.filter(site_id=site_id).order_by("pk").values_list("pk", flat=True)[:1].get()


def payable_documents() -> QuerySet[Invoice]:
    """Issued documents that somebody has to pay, replaced ones included: those are dropped once their rows are held."""
    issued = Invoice.objects.filter(state=Invoice.State.ISSUED)
    return issued.exclude(kind=Invoice.Kind.STATEMENT).exclude(total_dong=0)


def documents_of(invoice_ids: Collection[int], *, lock: bool = False) -> tuple[OpenDocument, ...]:
    """These documents as far as they are payable, by id; with `lock` they are held until the transaction ends."""
    rows = payable_documents().filter(pk__in=invoice_ids).order_by("pk")
    return as_documents(rows.select_for_update(no_key=True) if lock else rows)


def open_documents(*, market_id: int, participant_id: int | None = None) -> tuple[OpenDocument, ...]:
    """All documents of a market (and participant) on which something is open, due first."""
    rows = payable_documents().filter(market_id=market_id)
    mine = rows if participant_id is None else rows.filter(participant_id=participant_id)
    found = [document for document in as_documents(mine) if document.open_dong]
    return tuple(sorted(found, key=lambda document: (document.due_on, document.invoice_id)))


def referenced_documents(site_id: int, references: Collection[str], *, lock: bool = False) -> dict[str, OpenDocument]:
    """The site's payable documents that have one of these references."""
    rows = payable_documents().filter(market__site_id=site_id, reference__in=references).order_by("pk")
    locked = rows.select_for_update(no_key=True, of=("self",)) if lock else rows
    return {document.reference: document for document in as_documents(locked)}


def as_documents(rows: Iterable[Invoice], allocations: QuerySet[Allocation] | None = None) -> tuple[OpenDocument, ...]:
    """What is open on each after these allocations (else all), read after its row and so after anybody who held it.

    What was replaced is left out: its replacement is what is paid.
    """
    invoices = list(rows)
    replaced = _replaced([invoice.pk for invoice in invoices])
    invoices = [invoice for invoice in invoices if invoice.pk not in replaced]
    counted = Allocation.objects.all() if allocations is None else allocations
    paid = dict(
        counted.filter(invoice_id__in=[invoice.pk for invoice in invoices])
        .values_list("invoice_id")
        .annotate(Sum("amount_dong"))
    )
    return tuple(_document(invoice, paid.get(invoice.pk, 0)) for invoice in invoices)


def _replaced(invoice_ids: Collection[int]) -> set[int]:
    found = Invoice.objects.filter(refers_to__in=invoice_ids, relation=Invoice.Relation.REPLACEMENT)
    return set(found.exclude(refers_to=None).values_list("refers_to_id", flat=True))


def _document(invoice: Invoice, paid: int) -> OpenDocument:
    return OpenDocument(
        invoice_id=invoice.pk,
        market_id=invoice.market_id,
        participant_id=invoice.participant_id,
        reference=invoice.reference,
        total_dong=invoice.total_dong,
        open_dong=invoice.total_dong - paid,
        due_on=invoice.due_on or invoice.issued_on or date.max,
    )
