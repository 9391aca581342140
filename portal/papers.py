"""Documents in lists, on pages and as files: the same for the office and for members, who see their own issued ones."""

import tempfile
import zipfile
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from io import TextIOWrapper
from pathlib import Path
from typing import IO, Any, cast

from django.db.models import Exists, OuterRef, Q, QuerySet, Subquery, Sum
from django.db.models.functions import Coalesce
from django.http import FileResponse, Http404, HttpResponse

from accounts.models import BillingProfile
from portal.desk import Desk
from portal.templatetags.figures import reader
from settlement.documents.pdf import render_pdf
from settlement.documents.reading import grouped_lines
from settlement.documents.sheets import TITLES, Table, write_csv, write_xlsx
from settlement.documents.texts import LANGUAGES
from settlement.documents.view import view
from settlement.documents.xml import NoInvoiceXml, render_xml
from settlement.domain.document import InvoiceDocument
from settlement.models import Allocation, Invoice

AT_ONCE = 200


def documents(desk: Desk) -> QuerySet[Invoice]:
    """The documents that this desk may see, with what was paid on each (`paid`, in đồng) and whether another
    stands in its place (`replaced`)."""
    rows = Invoice.objects.filter(market=desk.market)
    if desk.participant is not None:
        rows = rows.filter(participant=desk.participant).exclude(state=Invoice.State.DRAFT)
    paid = Allocation.objects.filter(invoice=OuterRef("pk")).values("invoice").annotate(sum=Sum("amount_dong"))
    rows = rows.select_related("series", "participant", "close", "metering_point")
    replacement = Invoice.objects.filter(refers_to=OuterRef("pk"), relation=Invoice.Relation.REPLACEMENT)
    rows = rows.annotate(paid=Coalesce(Subquery(paid.values("sum")), 0), replaced=Exists(replacement))
    return rows.order_by("-month", "-issued_on", "pk")


def chosen(desk: Desk, rows: QuerySet[Invoice]) -> QuerySet[Invoice]:
    """The documents that the page's filters ask for; a filter that says nothing sensible is none."""
    query = desk.request.GET
    for field, values in (("kind", Invoice.Kind), ("state", Invoice.State), ("relation", Invoice.Relation)):
        if query.get(field) in values.values:
            rows = rows.filter(**{field: query[field]})
    if month := desk.asked_month("month"):
        rows = rows.filter(month=month)
    if desk.asked("close").isdecimal():
        rows = rows.filter(close=int(desk.asked("close", 15)))
    return rows.filter(_named(text)) if (text := desk.asked("q")) else rows


def _named(text: str) -> Q:
    found = Q(participant__name__icontains=text) | Q(participant__code__icontains=text) | Q(reference__iexact=text)
    number = text.rsplit("-", 1)[-1]
    return found | Q(number=int(number)) if number.isdecimal() and len(number) <= 9 else found


def open_dong(invoice: Invoice) -> int:
    """What is not paid yet: positive is owed by the participant. Statements, drafts, carried and replaced ones owe
    nothing."""
    if invoice.state != Invoice.State.ISSUED or invoice.kind == Invoice.Kind.STATEMENT or cast(Any, invoice).replaced:
        return 0
    return int(invoice.total_dong - cast(Any, invoice).paid)


def standing(desk: Desk, invoice: Invoice) -> str:
    """draft, carried, statement, replaced, paid, part, overdue or open: in this order, the first that is so."""
    if invoice.state != Invoice.State.ISSUED:
        return invoice.state
    if invoice.kind == Invoice.Kind.STATEMENT:
        return "statement"
    if cast(Any, invoice).replaced:
        return "replaced"
    if open_dong(invoice) == 0:
        return "paid"
    if invoice.due_on and invoice.due_on < desk.today and open_dong(invoice) > 0:
        return "overdue"
    return "part" if cast(Any, invoice).paid else "open"


def bank_known(desk: Desk) -> bool:
    """Whether money can be paid out to the desk's participant: a bank account stands in its billing details."""
    return BillingProfile.objects.filter(participant=desk.participant).exclude(bank_account="").exists()


def decorated(desk: Desk, rows: Any) -> Any:
    """The rows with `open_dong` and `standing` on each, for a table."""
    for row in rows:
        row.open_dong, row.standing = open_dong(row), standing(desk, row)
    return rows


def document(desk: Desk, pk: int) -> Invoice:
    """One document that this desk may see. Raises Http404."""
    found = documents(desk).filter(pk=pk).first()
    if found is None:
        raise Http404
    return found


def as_page(invoice: Invoice) -> dict[str, Any]:
    """All that stands on the paper, in the reader's language; each line's row ends with its position."""
    document = invoice.frozen()
    paper = view(document, reader())
    for group, (_, lines) in zip(paper["lines"]["groups"], grouped_lines(document), strict=True):
        for row, line in zip(group["rows"], lines, strict=True):
            row.append(line.position)
    return paper


def as_pdf(invoice: Invoice, language: str) -> HttpResponse:
    """The document on A4. Raises Http404 for a language that it is not written in."""
    if language not in LANGUAGES:
        raise Http404
    pdf = render_pdf(invoice.frozen(), language)
    return attached(HttpResponse(pdf, content_type="application/pdf"), f"{_name(invoice)}-{language}.pdf", inline=True)


def as_xml(invoice: Invoice) -> HttpResponse:
    """The tax authority's form. Raises NoInvoiceXml."""
    xml = render_xml(invoice.frozen())
    return attached(HttpResponse(xml, content_type="application/xml"), f"{_name(invoice)}.xml")


def as_csv(rows: QuerySet[Invoice], table: str, name: str) -> FileResponse:
    """One table of these documents. Raises Http404 for a table that there is not."""
    if table not in TITLES:
        raise Http404
    with _file() as file:
        text = TextIOWrapper(file, encoding="utf-8-sig", newline="", write_through=True)
        write_csv(_frozen(rows), text, cast(Table, table), reader())
        text.detach()
    return FileResponse(file, as_attachment=True, filename=f"{name}-{table}.csv", content_type="text/csv")


def as_xlsx(rows: QuerySet[Invoice], name: str) -> FileResponse:
    """A workbook of these documents. Raises SheetError."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "documents.xlsx"
        write_xlsx(_frozen(rows), path, reader())
        return FileResponse(path.open("rb"), as_attachment=True, filename=f"{name}.xlsx")


def as_xml_archive(rows: QuerySet[Invoice], name: str) -> FileResponse:
    """The XML of each of these documents that has one, in one archive."""
    with _file() as file, zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as archive:
        for invoice in rows.iterator(AT_ONCE):
            try:
                archive.writestr(f"{_name(invoice)}.xml", render_xml(invoice.frozen()))
            except NoInvoiceXml:
                continue
    return FileResponse(file, as_attachment=True, filename=f"{name}-xml.zip", content_type="application/zip")


@contextmanager
def _file() -> Iterator[IO[bytes]]:
    """A file to write; the answer reads it from its beginning and closes it, or it is closed here where that fails."""
    with ExitStack() as failing:
        file = failing.enter_context(tempfile.TemporaryFile())
        yield file
        file.seek(0)
        failing.pop_all()


def _frozen(rows: QuerySet[Invoice]) -> Iterator[InvoiceDocument]:
    return (row.frozen() for row in rows.iterator(AT_ONCE))


def _name(invoice: Invoice) -> str:
    if invoice.series and invoice.number:
        return f"{invoice.series.code}-{invoice.number:08}"
    return f"{invoice.participant.code}-{invoice.month:%Y-%m}-{invoice.pk}"


def attached(answer: HttpResponse, name: str, *, inline: bool = False) -> HttpResponse:
    """The answer as a file of that name, opened in the browser where `inline`."""
    answer.headers["Content-Disposition"] = f'{"inline" if inline else "attachment"}; filename="{name}"'
    return answer
