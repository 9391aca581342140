"""Drafts of some participants at a time: figures in, documents with their lines out, in one transaction."""

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from zoneinfo import ZoneInfo

from settlement.domain.document import DocumentLine, InvoiceDocument, Reference, RegisterLine
from settlement.domain.drafting import Draft, Issued, Line, draft_of
from settlement.domain.month import WH_PER_KWH, Amount, Figure, Key, Month, MonthRules, empty_month, month_of
from settlement.domain.per_meter import per_meter
from settlement.models import Invoice, InvoiceLine, Issuer, MonthClose, MonthFigure
from settlement.operations.month.parties import Member, Point, gone_points, issuer_party, members, points
from settlement.operations.month.rules import TariffBook, days_of, month_rules
from trading.models import Market
from units.money import round_to_minor

PAYABLE = (Market.LegalBasis.INTERNAL, Market.LegalBasis.PRIVATE_WIRE, Market.LegalBasis.RETAIL_UNIT)


@dataclass(frozen=True, slots=True)
class Paper:
    """One draft: whose, for which metering point (None: all), and what it says."""

    participant_id: int
    metering_point: Point | None
    draft: Draft
    document: InvoiceDocument
    refers_to: Invoice | None


class Drafter:
    """The rules of one close, read once for as many participants as follow."""

    def __init__(self, close: MonthClose) -> None:
        market = close.market
        self.close, self.market = close, market
        self.issuer = Issuer.objects.filter(site_id=market.site_id).first()
        self.zone = ZoneInfo(market.site.timezone)
        self.rules: MonthRules = month_rules(
            market.site_id, self.issuer.country if self.issuer else "VN", close.month, self.zone
        )
        self.tariffs = TariffBook(market.site_id, close.month)
        self.payable = market.legal_basis in PAYABLE
        self.carry_below = self.issuer.carry_below_dong if self.issuer else 0

    def papers(self, participant_ids: list[int]) -> list[Paper]:
        """The documents that these participants need. Raises MonthError."""
        figures, who = _figures(self.close, participant_ids), members(participant_ids)
        where = points(self.close, participant_ids, self.rules.last)
        issued, carried = _issued(self.close, participant_ids), _carried(self.close, participant_ids)
        return [
            paper
            for pk in participant_ids
            for paper in self._papers(
                pk, who[pk], figures.get(pk, []), where.get(pk, []), issued.get(pk, {}), carried.get(pk, {})
            )
        ]

    def _papers(
        self,
        participant: int,
        member: Member,
        figures: list[Figure],
        at: list[Point],
        issued: dict[int | None, tuple[Issued, Invoice | None]],
        carried: dict[Key, tuple[int, int]],
    ) -> Iterable[Paper]:
        whole = month_of(figures, self.rules, self.tariffs.stretches(participant), taxed_seller=member.taxed_seller)
        for number, (point, month) in enumerate(self._months(whole, member, at, issued)):
            before, original = issued.get(point.id if point else None, (Issued(), None))
            takes_up = self.payable and not original and not number
            draft = draft_of(month, before, carried if takes_up else {})
            if self._is_news(draft):
                document = self._document(member, point, at, month, draft, original)
                yield Paper(participant, point, draft, document, original)

    def _is_news(self, draft: Draft) -> bool:
        """Something that no document has said, or small amounts that have become enough to be billed."""
        own = any(line.carried_from is None for line in draft.lines)
        return own or bool(draft.vat_dong) or (bool(draft.lines) and abs(draft.total_dong) >= self.carry_below)

    def _months(
        self, whole: Month, member: Member, at: list[Point], issued: Mapping[int | None, object]
    ) -> list[tuple[Point | None, Month]]:
        """One month, or one for each metering point; a month once issued stays in the form it was issued in.

        A point that has its document but is the participant's no more has an empty month: what was billed there is
        billed elsewhere now.
        """
        by_point = member.per_meter if not issued else None not in issued
        now: list[tuple[Point | None, Month]] = [(None, whole)]
        if by_point and at:
            parts = per_meter(whole, [point.took_wh for point in at], [point.gave_wh for point in at])
            now = list(zip(at, parts, strict=True))
        shown = {point.id if point else None for point, _ in now}
        gone = gone_points([pk for pk in issued if pk is not None and pk not in shown])
        return now + [(point, empty_month()) for point in gone]

    def _document(
        self, member: Member, point: Point | None, at: list[Point], month: Month, draft: Draft, original: Invoice | None
    ) -> InvoiceDocument:
        operator, kind = issuer_party(self.market, self.issuer), self._kind(draft, original)
        seller, buyer = (member.party, operator) if kind == Invoice.Kind.SELF_BILL else (operator, member.party)
        saved = round_to_minor(month.cash_millidong - month.grid_only_millidong)
        return InvoiceDocument(
            market_code=self.market.code,
            market_name=self.market.name,
            kind=kind,
            relation=Invoice.Relation.ADJUSTMENT if original else Invoice.Relation.ORIGINAL,
            refers_to=_reference(original),
            reason="",
            series="",
            number=0,
            issued_on=None,
            due_on=None,
            month=self.close.month,
            timezone=self.zone.key,
            language=member.language,
            seller=seller,
            buyer=buyer,
            metering_point=point.code if point else "",
            registers=_registers([point] if point else at),
            lines=tuple(_document_line(number, line) for number, line in enumerate(draft.lines, start=1)),
            vat=draft.vat,
            net_dong=draft.net_dong,
            vat_dong=draft.vat_dong,
            total_dong=draft.total_dong,
            saved_dong=0 if original else saved,
            payable=self.payable,
            payment_reference="",
        )

    def _kind(self, draft: Draft, original: Invoice | None) -> str:
        """An adjustment is of its original's kind, also where it gives money back."""
        if original is not None:
            return original.kind
        if not self.payable:
            return Invoice.Kind.STATEMENT
        return Invoice.Kind.SELF_BILL if draft.total_dong < 0 else Invoice.Kind.INVOICE


def write(close: MonthClose, papers: list[Paper]) -> None:
    """Store drafts with their lines."""
    rows = Invoice.objects.bulk_create(
        Invoice(
            market_id=close.market_id,
            close=close,
            participant_id=paper.participant_id,
            metering_point_id=paper.metering_point.id if paper.metering_point else None,
            month=close.month,
            kind=paper.document.kind,
            relation=paper.document.relation,
            refers_to=paper.refers_to,
            net_dong=paper.draft.net_dong,
            vat_dong=paper.draft.vat_dong,
            total_dong=paper.draft.total_dong,
            postings=paper.draft.postings,
            document=paper.document.canonical().decode(),
            digest=paper.document.digest(),
        )
        for paper in papers
    )
    InvoiceLine.objects.bulk_create(
        line for invoice, paper in zip(rows, papers, strict=True) for line in lines_of(invoice, paper.draft.lines)
    )


def lines_of(invoice: Invoice, lines: Iterable[Line]) -> list[InvoiceLine]:
    """The rows of a document's lines."""
    return [
        InvoiceLine(
            invoice=invoice,
            position=position,
            kind=line.key.kind,
            period="" if line.carried_from else line.key.period,
            tier_from_wh=line.key.tier_from_wh,
            tier_to_wh=line.key.tier_to_wh,
            since=line.key.since,
            until=line.key.until,
            quantity=line.quantity,
            price=line.key.price,
            amount_millidong=line.millidong,
            amount_dong=line.dong,
            vat_bp=line.key.vat_bp,
            carried_from_id=line.carried_from,
        )
        for position, line in enumerate(lines, start=1)
    ]


def _figures(close: MonthClose, participant_ids: list[int]) -> dict[int, list[Figure]]:
    """In an order of their own, so that the same figures always make the same lines."""
    rows = MonthFigure.objects.filter(close=close, participant_id__in=participant_ids)
    found: dict[int, list[Figure]] = defaultdict(list)
    names = ("participant_id", "on", "kind", "price", "energy_wh", "amount_millidong")
    for participant, *figure in rows.order_by("participant_id", "on", "kind", "price").values_list(*names):
        found[participant].append(Figure(*figure))
    return found


def _issued(
    close: MonthClose, participant_ids: list[int]
) -> dict[int, dict[int | None, tuple[Issued, Invoice | None]]]:
    """What earlier documents of the month have said, by participant and metering point, with the first one issued.

    A document that was replaced says nothing any more; its replacement stands where it stood. One that was carried
    says its part, but nobody has seen it: what follows it is an original.
    """
    said_already = (Invoice.State.ISSUED, Invoice.State.CARRIED)
    documents = (
        Invoice.objects.filter(market_id=close.market_id, participant_id__in=participant_ids, month=close.month)
        .filter(state__in=said_already)
        .exclude(followed_by__relation=Invoice.Relation.REPLACEMENT)
        .exclude(close=close)
        .select_related("series", "refers_to")
    )
    found: dict[int, dict[int | None, tuple[Issued, Invoice | None]]] = defaultdict(dict)
    for invoice in sorted(documents.prefetch_related("lines"), key=_place):
        by_point = found[invoice.participant_id]
        said, first = by_point.get(invoice.metering_point_id, (Issued(), None))
        _add(said, invoice)
        seen = invoice if invoice.state == Invoice.State.ISSUED else None
        by_point[invoice.metering_point_id] = said, first or seen
    return found


def _place(invoice: Invoice) -> int:
    """Where a document stands among those of its month: where what it replaces stood."""
    while invoice.relation == Invoice.Relation.REPLACEMENT and invoice.refers_to is not None:
        invoice = invoice.refers_to
    return invoice.pk


def _add(said: Issued, invoice: Invoice) -> None:
    for name, owed in invoice.postings.items():
        said.postings[name] = said.postings.get(name, 0) + owed
    document = invoice.frozen()
    for rate in document.vat:
        said.vat_dong[rate.vat_bp] = said.vat_dong.get(rate.vat_bp, 0) + rate.vat_dong
    for row in invoice.lines.all():
        if row.kind != "carried":
            key = Key(
                row.kind, row.since, row.until, row.period, row.tier_from_wh, row.tier_to_wh, row.price, row.vat_bp
            )
            said.lines.setdefault(key, Amount()).add(row.quantity, row.amount_millidong)
            said.dong[key] = said.dong.get(key, 0) + row.amount_dong


def _carried(close: MonthClose, participant_ids: list[int]) -> dict[int, dict[Key, tuple[int, int]]]:
    """Documents of earlier months that were too small to be billed and that nothing has taken up, as lines."""
    documents = Invoice.objects.filter(
        market_id=close.market_id, participant_id__in=participant_ids, state=Invoice.State.CARRIED,
        taken_up_by=None, month__lte=close.month,
    ).exclude(total_dong=0)  # fmt: skip
    found: dict[int, dict[Key, tuple[int, int]]] = defaultdict(dict)
    for invoice in documents.order_by("month", "pk"):
        last = days_of(invoice.month)[-1]
        key = Key("carried", invoice.month, last, str(invoice.pk), None, None, None, None)
        found[invoice.participant_id][key] = invoice.pk, invoice.total_dong
    return found


def _reference(original: Invoice | None) -> Reference | None:
    if original is None or original.series is None or original.number is None or original.issued_on is None:
        return None
    return Reference(original.series.code, original.number, original.issued_on)


def _registers(at: list[Point]) -> tuple[RegisterLine, ...]:
    return tuple(register for point in at for register in point.registers)


def _document_line(position: int, line: Line) -> DocumentLine:
    key = line.key
    return DocumentLine(
        position=position,
        kind=key.kind,
        period=key.period if key.kind != "carried" else "",
        tier_from_kwh=None if key.tier_from_wh is None else key.tier_from_wh // WH_PER_KWH,
        tier_to_kwh=None if key.tier_to_wh is None else key.tier_to_wh // WH_PER_KWH,
        since=key.since,
        until=key.until,
        quantity=line.quantity,
        price=key.price,
        amount_dong=line.dong,
        vat_bp=key.vat_bp,
    )
