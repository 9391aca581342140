"""Workbooks that are damaged, forged or blown up: refused in words, never an error nobody foresaw."""

import io
import random
import resource
import zipfile

import pytest
import xlsxwriter

from members.domain.sheet.cells import Cells, SheetRefused, read_cells

SHEET, LINKS = "xl/worksheets/sheet1.xml", "xl/_rels/workbook.xml.rels"
MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'


def workbook() -> bytes:
    out = io.BytesIO()
    book = xlsxwriter.Workbook(out, {"in_memory": True})
    sheet = book.add_worksheet()
    for line in range(12):
        sheet.write_row(line, 0, [f"b{line}", f"Nhà {line}", 5.4, line])
    book.close()
    return out.getvalue()


def forged(**parts: str) -> bytes:
    """The workbook with some of its parts written by hand."""
    made, out = zipfile.ZipFile(io.BytesIO(workbook())), io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as book:
        for name in made.namelist():
            book.writestr(name, parts.get(name, made.read(name)))
    return out.getvalue()


def sheet_xml() -> str:
    return zipfile.ZipFile(io.BytesIO(workbook())).read(SHEET).decode()


def read(data: bytes) -> Cells | str:
    try:
        return read_cells(data)
    except SheetRefused as error:
        return error.code


def test_a_damaged_file_is_read_or_refused_and_nothing_else() -> None:
    chance, good = random.Random(7), workbook()
    refused = 0
    for _ in range(400):
        data = bytearray(good)
        for _ in range(chance.choice((1, 3))):
            data[chance.randrange(len(data))] = chance.randrange(256)
        refused += isinstance(read(bytes(data[: chance.choice((len(data), chance.randrange(9, len(data))))])), str)
    assert refused > 100


def test_a_workbook_without_the_way_to_its_sheet_is_refused() -> None:
    assert read(forged(**{LINKS: "<Relationships/>"})) == "not_readable"


@pytest.mark.parametrize("number", ["abc", "9" * 5_000, "-4", "²", ""])
def test_a_row_that_is_numbered_with_nonsense_follows_the_one_before(number: str) -> None:
    found = read(forged(**{SHEET: sheet_xml().replace('<row r="3"', f'<row r="{number}"')}))
    assert isinstance(found, Cells) and [line for line, _ in found.rows] == list(range(1, 13))


def test_two_rows_never_stand_on_one_line() -> None:
    found = read(forged(**{SHEET: sheet_xml().replace('<row r="3"', '<row r="2"')}))
    assert isinstance(found, Cells) and [line for line, _ in found.rows] == list(range(1, 13))


def test_a_shared_text_with_an_endless_number_is_empty() -> None:
    found = read(forged(**{SHEET: sheet_xml().replace("<v>0</v>", f"<v>{'9' * 5_000}</v>", 1)}))
    assert isinstance(found, Cells) and found.rows[0][1][0] == ""


@pytest.mark.parametrize(
    "inside", ["<c/>" * 3_000_000, "<c " + " ".join(f'a{number}=""' for number in range(2_600_000)) + "/>"]
)
def test_a_small_file_that_would_fill_the_memory_is_refused_before_it_is_read(inside: str) -> None:
    data = forged(**{SHEET: f'<worksheet {MAIN}><sheetData><row r="1">{inside}</row></sheetData></worksheet>'})
    before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    assert read(data) == "too_large"
    grown = (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) / 1024
    assert grown < 120, "MB"
