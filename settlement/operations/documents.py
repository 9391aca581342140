"""What becomes of issued documents: a PDF of each, and the XML of each invoice handed to the e-invoice provider.

Both are made from the frozen value alone and may be repeated at any time: what is there already is left as it is, so
after a crash only what is missing is done. PDFs lie in a folder by digest; the provider is the one of the settings,
which has a folder of its own for each site.
"""

from collections.abc import Iterator
from datetime import date
from pathlib import Path

from django.conf import settings
from django.db.models import QuerySet
from django.utils.module_loading import import_string

from settlement.documents.providers import EInvoiceProvider, Receipt
from settlement.documents.store import DocumentStore
from settlement.documents.xml import render_xml
from settlement.domain.document import InvoiceDocument
from settlement.models import Invoice
from trading.models import Market

AT_ONCE = 200


def document_store() -> DocumentStore:
    """The folder of PDFs."""
    return DocumentStore(settings.DOCUMENTS_FOLDER)


def provider_of(site_code: str) -> EInvoiceProvider:
    """The e-invoice provider of a site's issuer."""
    provider: EInvoiceProvider = import_string(settings.EINVOICE_PROVIDER)(settings.EINVOICE_OUTBOX / site_code)
    return provider


def issued(market: Market, month: date | None = None) -> QuerySet[Invoice]:
    """The issued documents of a market, or of its month, in the order of their numbers."""
    found = Invoice.objects.filter(market=market, state=Invoice.State.ISSUED)
    if month is not None:
        found = found.filter(month=month)
    return found.select_related("series").order_by("series__code", "number", "pk")


def documents(invoices: QuerySet[Invoice]) -> Iterator[InvoiceDocument]:
    """Their frozen values, some at a time."""
    return (invoice.frozen() for invoice in invoices.iterator(chunk_size=AT_ONCE))


def make_pdfs(market: Market, month: date, *, processes: int = 2) -> Iterator[Path]:
    """Make the PDFs of a month's documents that are not there yet, each in the language of its participant.

    Yields the path of each that was made, so that a caller can tell the progress.
    """
    return document_store().ensure_many(documents(issued(market, month)), processes=processes)


def submit_invoices(market: Market, month: date) -> Iterator[Receipt]:
    """Hand every numbered document of a month to the e-invoice provider. Raises ProviderError; what was handed over
    until then stays so, and the next call goes on."""
    provider = provider_of(market.site.code)
    for document in documents(issued(market, month).exclude(number=None)):
        yield provider.submit(document, render_xml(document))
