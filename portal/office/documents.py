"""Documents of a market: found, opened, downloaded, replaced."""

from typing import Any

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.utils.translation import gettext as _

from portal import papers
from portal.desk import REFUSED, Desk, office
from portal.refusals import REFUSALS, sentences
from portal.templatetags.figures import reader
from settlement.models import Invoice, InvoiceLine
from settlement.operations.month import replace_invoice
from settlement.queries.why import explain_line


@office("documents")
def documents(desk: Desk) -> HttpResponse:
    """The list, with filters."""
    found = papers.chosen(desk, papers.documents(desk))
    months = Invoice.objects.filter(market=desk.market).order_by("-month").values_list("month", flat=True).distinct()
    page = desk.page_of(found)
    papers.decorated(desk, page.object_list)
    context: dict[str, Any] = {
        "documents": page,
        "months": months,
        "kinds": Invoice.Kind.choices,
        "states": Invoice.State.choices,
    }
    return desk.show("office/documents.html", query=desk.request.GET, words=standings(), **context)


def standings() -> dict[str, str]:
    """The words for how a document stands."""
    return {
        "draft": _("Draft"),
        "carried": _("Carried over"),
        "statement": _("Not payable"),
        "replaced": _("Replaced"),
        "paid": _("Paid"),
        "part": _("Partly paid"),
        "overdue": _("Overdue"),
        "open": _("Unpaid"),
    }


@office("documents")
def download(desk: Desk, form: str) -> HttpResponseBase:
    """The documents that the filters choose, as one file: csv (of a table), xlsx, or the XML of each in an archive."""
    rows = papers.chosen(desk, papers.documents(desk))
    month = desk.asked_month("month")
    name = f"{desk.market.code}-{month:%Y-%m}" if month else f"{desk.market.code}-{desk.today:%Y-%m-%d}"
    try:
        if form == "csv":
            return papers.as_csv(rows, desk.asked("table") or "documents", name)
        return papers.as_xlsx(rows, name) if form == "xlsx" else papers.as_xml_archive(rows, name)
    except REFUSALS as error:
        messages.error(desk.request, " ".join(sentences(error)))
        return HttpResponseRedirect(desk.address("documents"))


@office("documents")
def document(desk: Desk, pk: int) -> HttpResponse:
    """One document as it stands on paper, with its payments and corrections; POST replaces it."""
    invoice = papers.document(desk, pk)
    if desk.request.method != "POST":
        return page(desk, invoice)
    try:
        desk.confirmed()
        made = replace_invoice(invoice=invoice, reason=desk.text("reason"), by=desk.user, at=desk.now)
    except REFUSALS as error:
        return page(desk, invoice, REFUSED, refusals=sentences(error))
    return desk.done(_("The replacement is issued; it refers to the original."), "document", made.pk)


def page(desk: Desk, invoice: Invoice, status: int = 200, **more: Any) -> HttpResponse:
    """A document's page, for whoever may see it."""
    papers.decorated(desk, [invoice])
    context: dict[str, Any] = {
        "invoice": invoice,
        "paper": papers.as_page(invoice),
        "words": standings(),
        "payments": invoice.allocations.select_related("payment").order_by("payment__at", "payment_id"),
        "followed_by": papers.documents(desk).filter(refers_to=invoice),
        "refers_to": papers.documents(desk).filter(pk=invoice.refers_to_id).first() if invoice.refers_to_id else None,
        "replaceable": invoice.number is not None and papers.standing(desk, invoice) != "replaced",
        "explainable": invoice.close_id is not None,
    }
    return desk.show("office/document.html", status, **context | more)


@office("documents")
def why(desk: Desk, pk: int, position: int) -> HttpResponse:
    """Why a line of a document is what it is."""
    return why_of(desk, papers.document(desk, pk), position)


def why_of(desk: Desk, invoice: Invoice, position: int) -> HttpResponse:
    """The tree behind a line; only the office reads other parties' names in it."""
    try:
        node = explain_line(invoice.pk, position, language=reader(), names=desk.participant is None)
    except InvoiceLine.DoesNotExist as error:
        raise Http404 from error
    return desk.show("office/why.html", invoice=invoice, node=node)


@office("documents")
def document_file(desk: Desk, pk: int, form: str) -> HttpResponse:
    """The document as PDF or XML."""
    return file_of(desk, papers.document(desk, pk), form)


def file_of(desk: Desk, invoice: Invoice, form: str) -> HttpResponse:
    """A document's file, or back to its page with the sentence why there is none."""
    if form == "pdf":
        return papers.as_pdf(invoice, desk.asked("language", 8) or invoice.frozen().language)
    if form != "xml":
        raise Http404
    try:
        return papers.as_xml(invoice)
    except REFUSALS as error:
        messages.error(desk.request, " ".join(sentences(error)))
        return HttpResponseRedirect(desk.address("document", invoice.pk))
