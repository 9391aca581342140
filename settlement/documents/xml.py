"""An invoice as XML with the Vietnamese tax authority's element names, unsigned.

Names, order and codes follow Decision 1450/QĐ-TCT of 2021 as amended by 1510/QĐ-TCT of 2022 (part II, invoices), in the
version 2.1.0 that providers write since Decree 70/2025. There is no signature in it: `DSCKS` is empty and is filled by
the seller's licensed provider, who also asks the authority for its code. docs/formats/invoice-xml.md has the table.

All amounts are whole đồng with the paper's signs (a self-billing invoice is seen from the seller). Where an amount runs
against its price, as with a return, the line's quantity is negative, so that quantity × price gives the amount on
every line. Where many prices make up a line, the price is their mean, rounded to six decimals.

Example: 12,345.678 kWh for 20,987,653 đồng: `SLuong` 12345.678, `DGia` 1700.000032, `ThTien` 20987653.
"""

import re

from lxml import etree

from settlement.documents.reading import KW, KWH, MONTH, amount_due, hours, is_draft, sign, unit
from settlement.documents.texts import day, days, month, text
from settlement.documents.words import amount_in_words
from settlement.domain.document import DocumentLine, InvoiceDocument, Party, RegisterLine
from units.numbers import rounded_half_up

VERSION = "2.1.0"
FORMS = {"1": "Hóa đơn giá trị gia tăng", "2": "Hóa đơn bán hàng"}
PAYMENT = "Chuyển khoản"
REPLACEMENT, ADJUSTMENT, ELECTRONIC = "1", "2", "1"
GOODS = "1"
_SERIES = re.compile(r"([12]?)([CK][0-9]{2}[A-Z][A-Z0-9]{2})")
_NOT_XML = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_UNITS = {KWH: "kWh", KW: "kW", MONTH: "tháng"}
_PLAIN_RATES = (0, 500, 800, 1_000)

Content = str | None | list[tuple[str, "Content"]]
Fields = list[tuple[str, Content]]


class NoInvoiceXml(ValueError):
    """The document has no form in the tax authority's XML. `code` says why."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def render_xml(document: InvoiceDocument) -> bytes:
    """The invoice as XML, UTF-8; the same document gives the same bytes.

    Raises NoInvoiceXml: `statement_has_no_xml`, `draft_has_no_xml`, `invalid_series`.
    """
    if document.kind == "statement" or not document.payable:
        raise NoInvoiceXml("statement_has_no_xml", "A statement is no invoice, so the tax authority has no XML for it.")
    if is_draft(document):
        raise NoInvoiceXml("draft_has_no_xml", "A draft has no number yet; issue the invoice first.")
    root = etree.Element("HDon")
    data = etree.SubElement(root, "DLHDon", Id="data")
    _fill(data, [("TTChung", _general(document)), ("NDHDon", _content(document)), ("TTKhac", _others(document))])
    etree.SubElement(root, "DSCKS")
    return bytes(etree.tostring(root, xml_declaration=True, encoding="UTF-8", pretty_print=True))


def form_and_series(series: str) -> tuple[str, str]:
    """`1C26TWB` → (`1`, `C26TWB`); without the digit it is form 1. Raises NoInvoiceXml (`invalid_series`)."""
    found = _SERIES.fullmatch(series)
    if found is None:
        raise NoInvoiceXml("invalid_series", f"“{series}” is no invoice series; the tax authority's look like 1C26TWB.")
    return found[1] or "1", found[2]


def _fill(element: etree._Element, fields: Fields) -> None:
    """Children in the order given; None leaves one out."""
    for name, content in fields:
        if content is None:
            continue
        child = etree.SubElement(element, name)
        if isinstance(content, str):
            child.text = _NOT_XML.sub("", content)
        else:
            _fill(child, content)


def _general(document: InvoiceDocument) -> Fields:
    form, series = form_and_series(document.series)
    agent = document.buyer if document.kind == "self_bill" else None  # who issues it in the seller's name
    return [
        ("PBan", VERSION),
        ("THDon", FORMS[form]),
        ("KHMSHDon", form),
        ("KHHDon", series),
        ("SHDon", str(document.number)),
        ("NLap", _iso(document)),
        ("DVTTe", "VND"),
        ("TGia", "1"),
        ("HTTToan", PAYMENT),
        ("MSTDVNUNLHDon", agent.tax_code if agent else None),
        ("TDVNUNLHDon", agent.name if agent else None),
        ("DCDVNUNLHDon", agent.address if agent else None),
        ("TTHDLQuan", _related(document)),
    ]


def _iso(document: InvoiceDocument) -> str:
    return document.issued_on.isoformat() if document.issued_on else ""


def _related(document: InvoiceDocument) -> Fields | None:
    """The invoice that this one adjusts or replaces."""
    old = document.refers_to
    if old is None or document.relation == "original":
        return None
    form, series = form_and_series(old.series)
    return [
        ("TCHDon", REPLACEMENT if document.relation == "replacement" else ADJUSTMENT),
        ("LHDCLQuan", ELECTRONIC),
        ("KHMSHDCLQuan", form),
        ("KHHDCLQuan", series),
        ("SHDCLQuan", str(old.number)),
        ("NLHDCLQuan", old.issued_on.isoformat()),
        ("GChu", document.reason or None),
    ]


def _content(document: InvoiceDocument) -> Fields:
    lines = sorted(document.lines, key=lambda line: line.position)
    return [
        ("NBan", _party(document.seller)),
        ("NMua", _party(document.buyer, customer=True)),
        ("DSHHDVu", [("HHDVu", _line(document, line, number)) for number, line in enumerate(lines, start=1)]),
        ("TToan", _totals(document)),
    ]


def _party(party: Party, *, customer: bool = False) -> Fields:
    return [
        ("Ten", party.name),
        ("MST", party.tax_code or None),
        ("DChi", party.address or None),
        ("MKHang", party.code or None if customer else None),
        ("SDThoai", party.phone or None),
        ("DCTDTu", party.email or None),
        ("STKNHang", party.bank_account or None),
        ("TNHang", party.bank_name or None),
    ]


def _line(document: InvoiceDocument, line: DocumentLine, number: int) -> Fields:
    amount = sign(document) * line.amount_dong
    counted = unit(line) in _UNITS and line.quantity != 0
    quantity, price = _quantity_and_price(line, amount) if counted else (None, None)
    return [
        ("TChat", GOODS),
        ("STT", str(number)),
        ("MHHDVu", line.kind),
        ("THHDVu", _name(document, line)),
        ("DVTinh", _UNITS[unit(line)] if counted else None),
        ("SLuong", quantity),
        ("DGia", price),
        ("TLCKhau", "0"),
        ("STCKhau", "0"),
        ("ThTien", str(amount)),
        ("TSuat", rate(line.vat_bp)),
    ]


def _quantity_and_price(line: DocumentLine, amount: int) -> tuple[str, str]:
    thousandths = line.quantity * (1_000 if unit(line) == MONTH else 1)
    millionths = rounded_half_up(amount * 10**9, abs(thousandths)) if line.price is None else line.price * 10**6
    if line.price is None:
        millionths = abs(millionths)
    against = amount * thousandths * millionths < 0
    return _decimal(-thousandths if against else thousandths, 3), _decimal(millionths, 6)


def _name(document: InvoiceDocument, line: DocumentLine) -> str:
    """What was delivered, in Vietnamese, with tier or period and its dates."""
    parts = [text(line.kind, "vi")]
    if line.tier_from_kwh is not None:
        tier = "tier_open" if line.tier_to_kwh is None else "tier"
        parts.append(text(tier, "vi", low=line.tier_from_kwh, high=line.tier_to_kwh))
    if of_day := hours(line):
        parts.append(text(of_day, "vi"))
    return f"{', '.join(parts)}, {days(line.since, line.until, 'vi')}, {month(document.month, 'vi')}"


def _totals(document: InvoiceDocument) -> Fields:
    turn = sign(document)
    rates: Fields = [
        (
            "LTSuat",
            [
                ("TSuat", rate(part.vat_bp)),
                ("ThTien", str(turn * part.net_dong)),
                ("TThue", str(turn * part.vat_dong)),
            ],
        )
        for part in document.vat
    ]
    return [
        ("THTTLTSuat", rates),
        ("TgTCThue", str(turn * document.net_dong)),
        ("TgTThue", str(turn * document.vat_dong)),
        ("TgTTTBSo", str(turn * document.total_dong)),
        ("TgTTTBChu", amount_in_words(turn * document.total_dong, "vi")),
    ]


def rate(vat_bp: int | None) -> str:
    """800 → `8%`; 350, which is none of the law's own rates, → `KHAC:03.50%`; None → `KCT`, not subject to VAT."""
    if vat_bp is None:
        return "KCT"
    if vat_bp in _PLAIN_RATES:
        return f"{vat_bp // 100}%"
    return f"KHAC:{vat_bp // 100:02}.{vat_bp % 100:02}%"


def _others(document: InvoiceDocument) -> Fields:
    """What the authority's elements have no place for: month, meters, reference, and the document's digest."""
    entries = [("KyThanhToan", f"{document.month:%m/%Y}"), ("SHA256", document.digest())]
    if amount_due(document):
        entries += [("HanThanhToan", day(document.due_on, "vi"))] if document.due_on else []
        entries += [("NoiDungChuyenKhoan", document.payment_reference)] if document.payment_reference else []
    entries += [(f"ChiSo{number}", _register(row)) for number, row in enumerate(document.registers, start=1)]
    return [("TTin", [("TTruong", name), ("KDLieu", "string"), ("DLieu", value)]) for name, value in entries]


def _register(row: RegisterLine) -> str:
    """`MP-1; EMH-7; x200; import; 2026-10-01..2026-10-31; 1204500; 1352096.178; 147596.178` (the last three in kWh)."""
    figures = [_decimal(value, 3) for value in (row.old_wh, row.new_wh, row.energy_wh)]
    dates = f"{row.since.isoformat()}..{row.until.isoformat()}"
    return "; ".join([row.metering_point, row.serial, f"x{row.multiplier}", row.direction, dates, *figures])


def _decimal(value: int, decimals: int) -> str:
    """Whole units of 10^-decimals as a plain decimal number, without needless zeros: (12345678, 3) → `12345.678`."""
    whole, fraction = divmod(abs(value), 10**decimals)
    digits = f"{fraction:0{decimals}}".rstrip("0")
    return f"{'-' if value < 0 else ''}{whole}{'.' if digits else ''}{digits}"
