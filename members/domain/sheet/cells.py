"""From the bytes of a file to rows of texts: CSV in UTF-8 or UTF-16 with its mark, or the first sheet of an XLSX.

An encoding is never guessed: a guess would silently change names. UTF-8 is checked by itself, and UTF-16 is known by
its mark, as Excel's “Unicode text” has it. A formula is no value, so its cell is marked and refused where it is read.
"""

import csv
import io
from collections.abc import Iterator
from dataclasses import dataclass

from members.domain.sheet.xlsx import Formula, XlsxError, is_zip, read_first_sheet

MOST_BYTES = 4_000_000
MOST_ROWS = 5_000
MOST_CELL = 1_000
_FORMULA = ("=", "+", "-", "@", "\t", "\r")


class SheetRefused(ValueError):
    """The file cannot be read as a sheet of members. `code` is stable, `values` fill in its sentence."""

    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


@dataclass(frozen=True, slots=True)
class Cells:
    """Rows with the line they begin on. `comma`: the file was written where decimals have a comma."""

    rows: tuple[tuple[int, tuple[str, ...]], ...]
    comma: bool


def read_cells(data: bytes) -> Cells:
    """The rows that hold something. Raises SheetRefused: `empty_file`, `too_large`, `not_readable`, `not_utf8`,
    `not_csv`, `too_many_rows`, `long_cell`."""
    if len(data) > MOST_BYTES:
        raise SheetRefused("too_large", most=MOST_BYTES // 1_000_000)
    if not data.strip(b"\0 \r\n\t"):
        raise SheetRefused("empty_file")
    comma = False
    if is_zip(data):
        rows = _of_xlsx(data)
    else:
        text = _decoded(data)
        separator = max(";,\t", key=text.partition("\n")[0].count)
        comma = separator == ";"
        rows = _of_csv(text, separator)
    kept: list[tuple[int, tuple[str, ...]]] = []
    for line, cells in rows:
        if not any(cell.strip() for cell in cells):
            continue
        if len(kept) > MOST_ROWS:
            raise SheetRefused("too_many_rows", most=MOST_ROWS)
        if any(len(cell) > MOST_CELL for cell in cells):
            raise SheetRefused("long_cell", line=line)
        kept.append((line, cells))
    return Cells(tuple(kept), comma)


def _of_xlsx(data: bytes) -> Iterator[tuple[int, tuple[str, ...]]]:
    try:
        yield from read_first_sheet(data, most_rows=MOST_ROWS + 1)
    except XlsxError as error:
        raise SheetRefused(error.code) from error


def _decoded(data: bytes) -> str:
    utf16 = data.startswith((b"\xff\xfe", b"\xfe\xff"))
    try:
        text = data.decode("utf-16" if utf16 else "utf-8-sig")
    except UnicodeDecodeError as error:
        raise SheetRefused("not_utf8") from error
    if "\0" in text:
        raise SheetRefused("not_utf8")
    return text


def _of_csv(text: str, separator: str) -> Iterator[tuple[int, tuple[str, ...]]]:
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    line = 1
    try:
        for cells in reader:
            yield line, tuple(_plain(cell) for cell in cells)
            line = reader.line_num + 1
    except csv.Error as error:
        raise SheetRefused("not_csv", line=line) from error


def _plain(text: str) -> str:
    """The apostrophe that keeps a spreadsheet from calculating is taken off; what begins with = is a formula."""
    text = text.strip()
    if text[:1] == "'" and text[1:2] in _FORMULA:
        return text[1:]
    return Formula(text) if text[:1] == "=" else text
