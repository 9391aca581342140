"""Documents as CSV and as a spreadsheet, for accountants: one table of documents, one of lines, one of VAT by rate.

Amounts keep the signs of the document (what the participant owes is positive), so the sum of a column is the operator's
balance, and the sums of all three tables agree. Numbers are numbers and dates are dates. A name that begins like a
formula stays a name: a spreadsheet holds it as text; in a CSV, which has no types, it stands behind an apostrophe.

Documents are taken one by one and rows written at once, so memory does not grow with their number.
"""

import csv
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from pathlib import Path
from typing import Any, Literal, TextIO

import xlsxwriter

from settlement.documents.reading import KW, KWH, hours, unit
from settlement.documents.texts import text
from settlement.domain.document import InvoiceDocument
from units.numbers import Language

Table = Literal["documents", "lines", "vat"]
Value = str | int | Decimal | date | None
Row = tuple[Value, ...]
TABLES: tuple[Table, ...] = ("documents", "lines", "vat")
TITLES = {"documents": ("Documents", "Hóa đơn"), "lines": ("Lines", "Chi tiết"), "vat": ("VAT", "Thuế GTGT")}

_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n", "＝", "＋", "－", "＠")
_LARGEST = 10**15 - 1  # a spreadsheet keeps 15 digits of a number
_LAST_ROW = 1_048_575
_LONGEST = 32_767

# Column: English head, Vietnamese head, width.
_WHICH = (("Series", "Ký hiệu", 10), ("Number", "Số", 9), ("Date", "Ngày lập", 11))
COLUMNS: dict[Table, tuple[tuple[str, str, int], ...]] = {
    "documents": (
        *_WHICH,
        ("Kind", "Loại", 24),
        ("Relation", "Tính chất", 12),
        ("Refers to series", "Ký hiệu hóa đơn liên quan", 12),
        ("Refers to number", "Số hóa đơn liên quan", 12),
        ("Month", "Kỳ", 11),
        ("Pay by", "Hạn thanh toán", 11),
        ("Market", "Thị trường", 14),
        ("Metering point", "Điểm đo", 14),
        ("Seller", "Đơn vị bán", 36),
        ("Seller's tax code", "Mã số thuế đơn vị bán", 15),
        ("Buyer", "Đơn vị mua", 36),
        ("Buyer's tax code", "Mã số thuế đơn vị mua", 15),
        ("Net, đồng", "Tiền hàng, đồng", 15),
        ("VAT, đồng", "Thuế GTGT, đồng", 15),
        ("Total, đồng", "Tổng cộng, đồng", 15),
        ("Payable", "Phải thanh toán", 9),
        ("Payment reference", "Nội dung chuyển khoản", 22),
        ("SHA-256", "SHA-256", 20),
    ),
    "lines": (
        *_WHICH,
        ("Line", "Dòng", 6),
        ("Code", "Mã", 16),
        ("What for", "Nội dung", 40),
        ("Tier from, kWh", "Bậc từ, kWh", 10),
        ("Tier to, kWh", "Bậc đến, kWh", 10),
        ("From", "Từ ngày", 11),
        ("To", "Đến ngày", 11),
        ("Quantity", "Số lượng", 14),
        ("Unit", "Đơn vị", 8),
        ("Price, đồng", "Đơn giá, đồng", 12),
        ("Amount, đồng", "Thành tiền, đồng", 15),
        ("VAT, %", "Thuế suất, %", 9),
    ),
    "vat": (
        *_WHICH,
        ("VAT, %", "Thuế suất, %", 9),
        ("Net, đồng", "Tiền hàng, đồng", 15),
        ("VAT, đồng", "Thuế GTGT, đồng", 15),
    ),
}


class SheetError(ValueError):
    """A value cannot stand in a spreadsheet without being changed."""

    code = "amount_too_large_for_sheet"


def write_csv(
    documents: Iterable[InvoiceDocument], stream: TextIO, table: Table = "documents", language: Language = "en"
) -> int:
    """One table as comma-separated text with heads; returns the number of rows. Numbers have a decimal point, dates are
    `2026-10-31`. Open the file with `newline=""`, and as `utf-8-sig` if Excel is to read it."""
    writer = csv.writer(stream, lineterminator="\r\n")
    writer.writerow(_heads(table, language))
    count = 0
    for document in documents:
        for row in _rows(document, table, language):
            writer.writerow([_harmless(value) if isinstance(value, str) else value for value in row])
            count += 1
    return count


def write_xlsx(documents: Iterable[InvoiceDocument], path: Path | str, language: Language = "en") -> int:
    """A workbook of three sheets (more where one is full); returns the number of documents.

    Raises SheetError for a number of more than 15 digits, which a spreadsheet would silently round.
    """
    options = {"constant_memory": True, "strings_to_formulas": False, "strings_to_urls": False}
    try:
        with xlsxwriter.Workbook(str(path), options) as book:
            sheets = {table: _Sheet(book, table, language) for table in TABLES}
            return sum(_add(document, sheets, language) for document in documents)
    except BaseException:
        Path(path).unlink(missing_ok=True)  # half a workbook looks like a whole one
        raise


def _add(document: InvoiceDocument, sheets: dict[Table, "_Sheet"], language: Language) -> int:
    for table, sheet in sheets.items():
        for row in _rows(document, table, language):
            sheet.add(row)
    return 1


def _heads(table: Table, language: Language) -> list[str]:
    return [vietnamese if language == "vi" else english for english, vietnamese, _ in COLUMNS[table]]


def _rows(document: InvoiceDocument, table: Table, language: Language) -> Iterator[Row]:
    which = (document.series, document.number, document.issued_on)
    if table == "documents":
        yield (*which, *_document(document, language))
    elif table == "lines":
        yield from ((*which, *row) for row in _lines(document, language))
    else:
        yield from ((*which, _percent(part.vat_bp), part.net_dong, part.vat_dong) for part in document.vat)


def _document(document: InvoiceDocument, language: Language) -> Row:
    old = document.refers_to
    return (
        text(document.kind, language),
        _RELATIONS[document.relation][language == "vi"],
        old.series if old else None,
        old.number if old else None,
        document.month,
        document.due_on,
        document.market_code,
        document.metering_point,
        document.seller.name,
        document.seller.tax_code,
        document.buyer.name,
        document.buyer.tax_code,
        document.net_dong,
        document.vat_dong,
        document.total_dong,
        _YES[document.payable][language == "vi"],
        document.payment_reference,
        document.digest(),
    )


_RELATIONS = {
    "original": ("original", "gốc"),
    "adjustment": ("adjustment", "điều chỉnh"),
    "replacement": ("replacement", "thay thế"),
}
_YES = {True: ("yes", "có"), False: ("no", "không")}


def _lines(document: InvoiceDocument, language: Language) -> Iterator[Row]:
    for line in sorted(document.lines, key=lambda line: line.position):
        name = text(line.kind, language)
        counted = unit(line)
        yield (
            line.position,
            line.kind,
            f"{name}, {text(of_day, language)}" if (of_day := hours(line)) else name,
            line.tier_from_kwh,
            line.tier_to_kwh,
            line.since,
            line.until,
            Decimal(line.quantity).scaleb(-3) if counted in (KWH, KW) else line.quantity,
            text("unit_month", language) if counted == "month" else counted,
            line.price,
            line.amount_dong,
            _percent(line.vat_bp),
        )


def _percent(vat_bp: int | None) -> Value:
    """800 → 8, 350 → 3.5; `KCT` where VAT does not apply, the tax authority's own word."""
    if vat_bp is None:
        return "KCT"
    return vat_bp // 100 if vat_bp % 100 == 0 else Decimal(vat_bp).scaleb(-2)


def _harmless(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


@dataclass(slots=True)
class _Formats:
    head: Any
    whole: Any
    decimal: Any
    day: Any


class _Sheet:
    """One table in the workbook; goes on in another sheet when Excel's rows are used up."""

    def __init__(self, book: Any, table: Table, language: Language) -> None:
        self.book, self.table, self.language = book, table, language
        self.formats = _Formats(
            book.add_format({"bold": True, "bottom": 1, "text_wrap": True, "valign": "top"}),
            book.add_format({"num_format": "#,##0"}),
            book.add_format({"num_format": "#,##0.000"}),
            book.add_format({"num_format": "yyyy-mm-dd" if language == "en" else "dd/mm/yyyy"}),
        )
        self.part = 0
        self._begin()

    def _begin(self) -> None:
        self.part += 1
        title = TITLES[self.table][self.language == "vi"]
        self.sheet = self.book.add_worksheet(title if self.part == 1 else f"{title} {self.part}")
        self.sheet.freeze_panes(1, 0)
        for place, (_, _, width) in enumerate(COLUMNS[self.table]):
            self.sheet.set_column(place, place, width)
        for place, head in enumerate(_heads(self.table, self.language)):
            self.sheet.write_string(0, place, head, self.formats.head)
        self.row = 0

    def add(self, row: Row) -> None:
        if self.row == _LAST_ROW:
            self._begin()
        self.row += 1
        for place, value in enumerate(row):
            self._write(place, value)

    def _write(self, place: int, value: Value) -> None:
        if value is None or value == "":
            return
        if isinstance(value, str):
            self.sheet.write_string(self.row, place, value[:_LONGEST])
        elif isinstance(value, date):
            self.sheet.write_datetime(self.row, place, value, self.formats.day)
        else:
            self._number(place, value)

    def _number(self, place: int, value: int | Decimal) -> None:
        if not -_LARGEST <= value <= _LARGEST:
            raise SheetError(f"{value} has more than the 15 digits that a spreadsheet keeps; use the CSV.")
        numbered = self.formats.whole if isinstance(value, int) else self.formats.decimal
        self.sheet.write_number(self.row, place, value, numbered)
