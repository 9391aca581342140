"""Issued documents held against their figures, byte for byte: lines, VAT, totals, bytes and digest, postings, numbers.

The figures have been proven day by day (`verify.figures`). From them the month is worked out again by the rulebook, and
a document must say what that comes to less what the documents before it have said. Names and addresses are not worked
out again: they are what they were on the day of issue, under the digest.
"""

from collections import Counter, defaultdict
from collections.abc import Iterable
from zoneinfo import ZoneInfo

from django.db.models import F, Sum

from settlement.domain.document import InvoiceDocument, from_canonical
from settlement.domain.drafting import Draft, Issued, draft_of
from settlement.domain.month import SOLD, WH_PER_KWH, Amount, Figure, Key, Month, MonthError, month_of
from settlement.domain.per_meter import per_meter
from settlement.models import (
    CloseReading,
    Invoice,
    InvoiceLine,
    InvoiceSeries,
    Issuer,
    LedgerTransaction,
    MonthClose,
    MonthFigure,
)
from settlement.operations.month.rules import TariffBook, month_rules
from settlement.operations.verify.report import Difference
from units.money import MILLIDONG_PER_DONG

LINE = (
    "kind", "period", "since", "until", "tier_from_kwh", "tier_to_kwh", "quantity", "price", "amount_millidong",
    "amount_dong", "vat_bp",
)  # fmt: skip
ON_PAPER = tuple(name for name in LINE if name != "amount_millidong")
Row = dict[str, object]


def check_documents(close_id: int, participant_ids: list[int]) -> tuple[Counter[str], list[Difference]]:
    """Every issued or carried document of a close, for these participants."""
    close = MonthClose.objects.select_related("market__site").get(pk=close_id)
    checker = _Checker(close, participant_ids)
    documents: dict[int, list[Invoice]] = defaultdict(list)
    for invoice in _documents(close, participant_ids):
        documents[invoice.participant_id].append(invoice)
    figures = _figures(close, participant_ids)
    for participant in participant_ids:
        checker.participant(participant, documents.get(participant, []), figures.get(participant, []))
    return checker.counts, checker.differences


def check_numbers(site_id: int) -> list[Difference]:
    """Every series of a site: all numbers from 1 to its last are there, and none beyond."""
    found = []
    for series in InvoiceSeries.objects.filter(site_id=site_id).order_by("code"):
        numbers = set(series.invoices.values_list("number", flat=True))
        missing = sorted(set(range(1, series.last_number + 1)) - numbers)
        found += [
            Difference("number_missing", series.code, {"number": number, "last": series.last_number})
            for number in missing[:20]
        ]
        highest = max((number for number in numbers if number), default=0)
        if highest > series.last_number:
            found.append(Difference("series_differs", series.code, {"stored": series.last_number, "source": highest}))
    return found


def _documents(close: MonthClose, participant_ids: list[int]) -> Iterable[Invoice]:
    rows = Invoice.objects.filter(close=close, participant_id__in=participant_ids, state__in=("issued", "carried"))
    return rows.select_related("series", "metering_point").prefetch_related("lines").order_by("pk")


def _figures(close: MonthClose, participant_ids: list[int]) -> dict[int, list[Figure]]:
    rows = MonthFigure.objects.filter(close=close, participant_id__in=participant_ids)
    found: dict[int, list[Figure]] = defaultdict(list)
    names = ("participant_id", "on", "kind", "price", "energy_wh", "amount_millidong")
    for participant, *figure in rows.order_by("participant_id", "on", "kind", "price").values_list(*names):
        found[participant].append(Figure(*figure))
    return found


def _posted(close: MonthClose, participant_ids: list[int]) -> dict[int, dict[str, int]]:
    """What each document has moved on its participant's own account, by category, in milli-đồng."""
    rows = LedgerTransaction.objects.filter(
        invoice__close=close, invoice__participant_id__in=participant_ids, entries__account__kind="participant",
        entries__account__participant_id=F("invoice__participant_id"),
    ).values_list("invoice_id", "category")  # fmt: skip
    found: dict[int, dict[str, int]] = defaultdict(dict)
    for invoice, category, moved in rows.annotate(sum=Sum("entries__amount_millidong")):
        found[invoice][category] = moved
    return found


class _Checker:
    def __init__(self, close: MonthClose, participant_ids: list[int]) -> None:
        site = close.market.site
        issuer = Issuer.objects.filter(site=site).first()
        self.close = close
        self.rules = month_rules(site.pk, issuer.country if issuer else "VN", close.month, ZoneInfo(site.timezone))
        self.tariffs = TariffBook(site.pk, close.month)
        self.posted = _posted(close, participant_ids)
        self.counts: Counter[str] = Counter()
        self.differences: list[Difference] = []

    def participant(self, participant: int, documents: list[Invoice], figures: list[Figure]) -> None:
        taxed = any(line.kind in SOLD and line.vat_bp is not None for doc in documents for line in doc.lines.all())
        try:
            whole = month_of(figures, self.rules, self.tariffs.stretches(participant), taxed_seller=taxed)
        except MonthError as error:
            self._tell("cannot_clear", str(participant), reason=str(error))
            return
        for invoice in documents:
            self.counts["documents"] += 1
            self._document(invoice, draft_of(self._own(whole, invoice), self._said(invoice), {}))

    def _own(self, whole: Month, invoice: Invoice) -> Month:
        """The month, or what falls to the metering point that the document is for."""
        if invoice.metering_point_id is None:
            return whole
        points = CloseReading.objects.filter(
            close=self.close, metering_point__participant_id=invoice.participant_id, metering_point__role="boundary"
        ).values_list("metering_point_id", "metering_point__code")  # fmt: skip
        sums = points.annotate(took=Sum("import_wh"), gave=Sum("export_wh")).order_by("metering_point__code")
        rows = list(sums)
        parts = per_meter(whole, [took for *_, took, _gave in rows], [gave for *_, gave in rows])
        return parts[[pk for pk, *_ in rows].index(invoice.metering_point_id)]

    def _said(self, invoice: Invoice) -> Issued:
        """What earlier closes of the month have billed for the same party and point."""
        said = Issued()
        if self.close.number == 1:
            return said
        earlier = Invoice.objects.filter(
            participant_id=invoice.participant_id, metering_point_id=invoice.metering_point_id,
            close__market_id=self.close.market_id, close__month=self.close.month, close__number__lt=self.close.number,
            state__in=("issued", "carried"),
        )  # fmt: skip
        for before in earlier.prefetch_related("lines"):
            for name, owed in before.postings.items():
                said.postings[name] = said.postings.get(name, 0) + owed
            for rate in before.frozen().vat:
                said.vat_dong[rate.vat_bp] = said.vat_dong.get(rate.vat_bp, 0) + rate.vat_dong
            for row in before.lines.all():
                if row.kind != "carried":
                    key = Key(
                        row.kind, row.since, row.until, row.period, row.tier_from_wh, row.tier_to_wh, row.price,
                        row.vat_bp,
                    )  # fmt: skip
                    said.lines.setdefault(key, Amount()).add(row.quantity, row.amount_millidong)
                    said.dong[key] = said.dong.get(key, 0) + row.amount_dong
        return said

    def _document(self, invoice: Invoice, draft: Draft) -> None:
        where = f"{invoice} ({invoice.month:%Y-%m})"
        rows = [_row(line) for line in sorted(invoice.lines.all(), key=lambda line: line.position)]
        self.counts["lines"] += len(rows)
        own = [row for row in rows if row["kind"] != "carried"]
        self._lines(where, own, draft)
        carried = sum(int(str(row["amount_dong"])) for row in rows if row["kind"] == "carried")
        sums = {"net": draft.net_dong + carried, "VAT": draft.vat_dong, "total": draft.total_dong + carried}
        stored = {"net": invoice.net_dong, "VAT": invoice.vat_dong, "total": invoice.total_dong}
        for name, value in sums.items():
            if value != stored[name]:
                self._tell("document_differs", where, name=name, source=value, stored=stored[name])
        self._bytes(where, invoice, rows)
        self._postings(where, invoice, draft)

    def _lines(self, where: str, rows: list[Row], draft: Draft) -> None:
        again = [
            {
                "kind": line.key.kind, "period": line.key.period, "since": line.key.since, "until": line.key.until,
                "tier_from_kwh": _kwh(line.key.tier_from_wh), "tier_to_kwh": _kwh(line.key.tier_to_wh),
                "quantity": line.quantity, "price": line.key.price, "amount_millidong": line.millidong,
                "amount_dong": line.dong, "vat_bp": line.key.vat_bp,
            }
            for line in draft.lines
        ]  # fmt: skip
        if len(again) != len(rows):
            self._tell("lines_missing", where, source=len(again), stored=len(rows))
        for position, (source, stored) in enumerate(zip(again, rows, strict=False), start=1):
            for name in LINE:
                if source[name] != stored[name]:
                    self._tell(
                        "line_differs", where, position=position, name=name, source=source[name], stored=stored[name]
                    )

    def _bytes(self, where: str, invoice: Invoice, rows: list[Row]) -> None:
        """The frozen document: its own bytes, its digest, and what it says beside the rows."""
        try:
            document = from_canonical(invoice.document.encode())
        except (ValueError, KeyError, TypeError) as error:
            self._tell("document_form", where, reason=str(error))
            return
        if document.canonical() != invoice.document.encode() or document.digest() != invoice.digest:
            self._tell("document_digest", where)
        for name, (source, stored) in _said_twice(invoice, document, rows).items():
            if source != stored:
                self._tell("document_differs", where, name=name, source=source, stored=stored)

    def _postings(self, where: str, invoice: Invoice, draft: Draft) -> None:
        due = {} if invoice.kind == Invoice.Kind.STATEMENT else dict(draft.postings)
        if due and invoice.postings != due:
            self._tell("posting_differs", where, category="*", source=due, stored=invoice.postings)
        wanted = {name: -owed for name, owed in due.items() if owed}
        if invoice.kind != Invoice.Kind.STATEMENT and invoice.state == Invoice.State.ISSUED and invoice.total_dong:
            wanted["invoice"] = invoice.total_dong * MILLIDONG_PER_DONG
        posted = self.posted.get(invoice.pk, {})
        self.counts["entries"] += len(posted)
        for category in sorted(wanted.keys() | posted.keys()):
            if wanted.get(category, 0) != posted.get(category, 0):
                self._tell(
                    "posting_differs", where, category=category, source=wanted.get(category, 0),
                    stored=posted.get(category, 0),
                )  # fmt: skip

    def _tell(self, code: str, where: str, **values: object) -> None:
        self.differences.append(Difference(code, where, values))


def _row(line: InvoiceLine) -> Row:
    tiers = {"tier_from_kwh": _kwh(line.tier_from_wh), "tier_to_kwh": _kwh(line.tier_to_wh)}
    return {name: tiers[name] if name in tiers else getattr(line, name) for name in LINE}


def _kwh(wh: int | None) -> int | None:
    return None if wh is None else wh // WH_PER_KWH


def _said_twice(invoice: Invoice, document: InvoiceDocument, rows: list[Row]) -> dict[str, tuple[object, object]]:
    """What the document and the row both say: (row, document)."""
    return {
        "lines": (
            [tuple(row[name] for name in ON_PAPER) for row in rows],
            [tuple(getattr(line, name) for name in ON_PAPER) for line in document.lines],
        ),
        "positions": (list(range(1, len(rows) + 1)), [line.position for line in document.lines]),
        "series": (invoice.series.code if invoice.series else "", document.series),
        "number": (invoice.number or 0, document.number),
        "issued_on": (invoice.issued_on, document.issued_on),
        "due_on": (invoice.due_on, document.due_on),
        "month": (invoice.month, document.month),
        "kind": (invoice.kind, document.kind),
        "relation": (invoice.relation, document.relation),
        "net_dong": (invoice.net_dong, document.net_dong),
        "vat_dong": (invoice.vat_dong, document.vat_dong),
        "total_dong": (invoice.total_dong, document.total_dong),
        "vat": (invoice.vat_dong, sum(rate.vat_dong for rate in document.vat)),
        "payment_reference": (invoice.reference, document.payment_reference),
    }
