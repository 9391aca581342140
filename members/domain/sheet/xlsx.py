"""The first sheet of an XLSX file as rows of texts: as much of the format as a plain table needs.

An XLSX is a ZIP of XML parts (ECMA-376, part 1, 18.3): texts stand once in a table of shared ones or in the cell
itself, numbers as decimals, a formula as an element `f`. Sizes are looked at before anything is unpacked, tags and
attributes are counted before they are read (40 MB of `<c/>` pack into 36 kB, and would take 800 MB), and the XML reader
is one that expands no entities.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Iterator
from xml.etree.ElementTree import Element, ParseError

from defusedxml import DefusedXmlException
from defusedxml.ElementTree import fromstring

MOST_UNPACKED = 40_000_000
MOST_MARKS = 2_500_000  # `<` and `=` of a part; a cell has about seven, a full sheet of members a million
MOST_COLUMNS = 200
MOST_DIGITS = 9
_MAIN = "{http://schemas.openxmlformats.org/spreadsheetml/2006/main}"
_RELATION = "{http://schemas.openxmlformats.org/officeDocument/2006/relationships}id"
_PLACE = re.compile(r"([A-Z]{1,3})[0-9]+")


class XlsxError(ValueError):
    """The file is no spreadsheet that can be read. `code` is stable."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


_BROKEN = (
    zipfile.BadZipFile, zlib.error, EOFError, KeyError, ParseError, DefusedXmlException, RuntimeError, OSError,
    ValueError,
)  # fmt: skip


class Formula(str):
    """The text of a cell that is computed and not given."""


def is_zip(data: bytes) -> bool:
    """Whether these bytes begin like an XLSX."""
    return data.startswith(b"PK")


def read_first_sheet(data: bytes, *, most_rows: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    """(row number, cells) of the first sheet, one more than `most_rows` at most. Raises XlsxError `not_readable`,
    `too_large`."""
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as book:
            if sum(part.file_size for part in book.infolist()) > MOST_UNPACKED:
                raise XlsxError("too_large")
            shared = _shared(book)
            sheet = _part(book, _first_sheet(book))
    except _BROKEN as error:
        raise error if isinstance(error, XlsxError) else XlsxError("not_readable") from error
    return _rows(sheet, shared, most_rows)


def _part(book: zipfile.ZipFile, name: str) -> Element:
    with book.open(name) as file:
        packed = file.read(MOST_UNPACKED + 1)
    if len(packed) > MOST_UNPACKED or packed.count(b"<") + packed.count(b"=") > MOST_MARKS:
        raise XlsxError("too_large")
    found: Element = fromstring(packed)
    return found


def _first_sheet(book: zipfile.ZipFile) -> str:
    workbook = _part(book, "xl/workbook.xml")
    first = next(workbook.iter(f"{_MAIN}sheet"), None)
    if first is None:
        raise XlsxError("not_readable")
    links = _part(book, "xl/_rels/workbook.xml.rels")
    targets = [link.get("Target", "") for link in links if link.get("Id") == first.get(_RELATION)]
    if not targets:
        raise XlsxError("not_readable")
    target = targets[0]
    return target.lstrip("/") if target.startswith("/") else f"xl/{target}"


def _shared(book: zipfile.ZipFile) -> list[str]:
    if "xl/sharedStrings.xml" not in book.namelist():
        return []
    return [_text_in(item) for item in _part(book, "xl/sharedStrings.xml").iter(f"{_MAIN}si")]


def _text_in(item: Element) -> str:
    """The text of an item, its parts of several fonts put together; readings for pronunciation are left out."""
    parts = [child for child in item if child.tag in (f"{_MAIN}t", f"{_MAIN}r")]
    return "".join(text.text or "" for part in parts for text in part.iter(f"{_MAIN}t"))


def _rows(sheet: Element, shared: list[str], most_rows: int) -> Iterator[tuple[int, tuple[str, ...]]]:
    number = 0
    for count, row in enumerate(sheet.iter(f"{_MAIN}row")):
        if count > most_rows:
            return
        number = max(number + 1, _whole(row.get("r", ""), 0))
        cells: dict[int, str] = {}
        for at, cell in enumerate(row.iter(f"{_MAIN}c")):
            place = _column(cell.get("r", ""), at)
            if place < MOST_COLUMNS:
                cells[place] = _value(cell, shared)
        yield number, tuple(cells.get(place, "") for place in range(max(cells, default=-1) + 1))


def _whole(text: str, otherwise: int) -> int:
    return int(text) if text.isdecimal() and len(text) <= MOST_DIGITS else otherwise


def _column(place: str, otherwise: int) -> int:
    found = _PLACE.fullmatch(place)
    if found is None:
        return otherwise
    number = 0
    for letter in found[1]:
        number = number * 26 + ord(letter) - 64
    return number - 1


def _value(cell: Element, shared: list[str]) -> str:
    if (formula := cell.find(f"{_MAIN}f")) is not None:
        return Formula(f"={formula.text or ''}")
    kind = cell.get("t", "n")
    if kind == "inlineStr":
        inline = cell.find(f"{_MAIN}is")
        return _text_in(inline).strip() if inline is not None else ""
    text = (cell.findtext(f"{_MAIN}v") or "").strip()
    if kind == "s":
        at = _whole(text, len(shared))
        return shared[at].strip() if at < len(shared) else ""
    if kind == "b":
        return "yes" if text == "1" else "no"
    return _number(text) if kind == "n" else text


def _number(text: str) -> str:
    """5.4000000000000004 is what a spreadsheet writes for 5.4."""
    try:
        value = float(text)
    except ValueError:
        return text
    if value != value or abs(value) >= 1e15:
        return text
    return str(int(value)) if value == int(value) else f"{value:.9f}".rstrip("0")
