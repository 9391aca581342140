"""CSV and spreadsheets: types, heads, sums, and names that look like formulas."""

import csv
import io
from dataclasses import replace
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path

import openpyxl
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from settlement.documents import sheets
from settlement.documents.sheets import COLUMNS, TABLES, SheetError, write_csv, write_xlsx
from settlement.domain.document import LINE_KINDS
from tests.documents import LINES, TENANT, adjustment, invoice, line, self_bill, statement, tiers

DOCUMENTS = [invoice(), self_bill(), adjustment(), statement()]


def read_csv(documents, table, language="en"):
    stream = io.StringIO(newline="")
    count = write_csv(documents, stream, table, language)
    rows = list(csv.DictReader(io.StringIO(stream.getvalue(), newline="")))
    assert len(rows) == count
    return rows


def read_xlsx(documents, path, language="en"):
    assert write_xlsx(documents, path, language) == len(documents)
    book = openpyxl.load_workbook(path)
    return {sheet.title: list(sheet.iter_rows(values_only=True)) for sheet in book}


def column(rows, head):
    place = rows[0].index(head)
    return [row[place] for row in rows[1:]]


class TestXlsx:
    def test_three_sheets_with_heads_in_the_language(self, tmp_path):
        english = read_xlsx(DOCUMENTS, tmp_path / "a.xlsx")
        assert list(english) == ["Documents", "Lines", "VAT"]
        assert english["VAT"][0] == ("Series", "Number", "Date", "VAT, %", "Net, đồng", "VAT, đồng")
        vietnamese = read_xlsx(DOCUMENTS, tmp_path / "b.xlsx", "vi")
        assert list(vietnamese) == ["Hóa đơn", "Chi tiết", "Thuế GTGT"]
        assert vietnamese["Hóa đơn"][0][:3] == ("Ký hiệu", "Số", "Ngày lập")

    def test_sums_are_those_of_the_documents(self, tmp_path):
        book = read_xlsx(DOCUMENTS, tmp_path / "a.xlsx")
        net, vat, total = (
            sum(getattr(document, name) for document in DOCUMENTS) for name in ("net_dong", "vat_dong", "total_dong")
        )
        assert sum(column(book["Documents"], "Net, đồng")) == net == sum(column(book["Lines"], "Amount, đồng"))
        assert sum(column(book["VAT"], "Net, đồng")) == net
        assert sum(column(book["Documents"], "VAT, đồng")) == vat == sum(column(book["VAT"], "VAT, đồng"))
        assert sum(column(book["Documents"], "Total, đồng")) == total

    def test_numbers_are_numbers_and_dates_are_dates(self, tmp_path):
        book = read_xlsx([invoice()], tmp_path / "a.xlsx")
        assert column(book["Documents"], "Date") == [datetime(2026, 11, 6)]  # noqa: DTZ001 - as a sheet has it
        assert column(book["Documents"], "Number") == [128]
        assert column(book["Lines"], "Quantity")[0] == 12345.678
        assert column(book["Lines"], "VAT, %")[0] == 8
        assert column(book["Lines"], "VAT, %")[8] == "KCT"

    def test_a_name_that_looks_like_a_formula_is_text(self, tmp_path):
        document = invoice(
            buyer=replace(TENANT, name='=HYPERLINK("http://x","y")', tax_code="+84"), payment_reference="{=1}"
        )
        write_xlsx([document], tmp_path / "a.xlsx")
        sheet = openpyxl.load_workbook(tmp_path / "a.xlsx")["Documents"]
        cells = {cell.value: cell.data_type for cell in sheet[2]}
        assert cells['=HYPERLINK("http://x","y")'] == "s"
        assert cells["+84"] == "s"
        assert cells["{=1}"] == "s"

    def test_a_full_sheet_goes_on_in_another(self, tmp_path, monkeypatch):
        monkeypatch.setattr(sheets, "_LAST_ROW", 20)
        book = read_xlsx([invoice(number=number) for number in range(1, 5)], tmp_path / "a.xlsx")
        assert [title for title in book if title.startswith("Lines")] == ["Lines", "Lines 2", "Lines 3"]
        rows = sum(len(rows) - 1 for title, rows in book.items() if title.startswith("Lines"))
        assert rows == 4 * len(LINES)

    def test_a_number_that_a_sheet_would_round_is_refused_and_leaves_no_file(self, tmp_path):
        huge = invoice((line(1, "grid_import", 1_000, None, 10**15 + 1),))
        with pytest.raises(SheetError) as refused:
            write_xlsx([invoice(), huge], tmp_path / "a.xlsx")
        assert refused.value.code == "amount_too_large_for_sheet"
        assert not (tmp_path / "a.xlsx").exists()
        assert read_csv([huge], "documents")[0]["Net, đồng"] == str(10**15 + 1)

    def test_documents_are_taken_one_by_one(self, tmp_path):
        assert write_xlsx((invoice(number=number) for number in range(1, 4)), tmp_path / "a.xlsx") == 3

    def test_nothing_gives_heads_only(self, tmp_path):
        assert [len(rows) for rows in read_xlsx([], tmp_path / "a.xlsx").values()] == [1, 1, 1]


class TestCsv:
    @pytest.mark.parametrize("table", TABLES)
    @pytest.mark.parametrize("language", ["en", "vi"])
    def test_heads(self, table, language):
        row = read_csv([invoice()], table, language)[0]
        assert list(row) == [heads[language == "vi"] for heads in COLUMNS[table]]

    def test_a_line(self):
        row = read_csv([invoice()], "lines")[3]
        assert row | {"Code": "grid_import", "What for": "From the grid, normal hours"} == row
        assert (row["From"], row["To"]) == ("2026-10-01", "2026-10-14")
        assert (row["Quantity"], row["Unit"], row["Price, đồng"], row["VAT, %"]) == ("45000.000", "kWh", "1833", "8")

    def test_an_adjustment_names_the_original(self):
        row = read_csv([adjustment()], "documents", "vi")[0]
        assert (row["Tính chất"], row["Số hóa đơn liên quan"]) == ("điều chỉnh", "128")

    @pytest.mark.parametrize("name", ["=1+1", "+1", "-1", "@SUM(A1)", "\t=1", "\r=1", "＝1"])
    def test_a_name_that_looks_like_a_formula_is_behind_an_apostrophe(self, name):
        row = read_csv([invoice(buyer=replace(TENANT, name=name))], "documents")[0]
        assert row["Buyer"] == f"'{name}"

    def test_negative_amounts_stay_numbers(self):
        assert read_csv([adjustment()], "documents")[0]["Total, đồng"] == "-5504760"


def test_the_page_names_every_column():
    page = (Path(__file__).parents[2] / "docs/formats/accounting-csv.md").read_text(encoding="utf-8")
    heads = {english for columns in COLUMNS.values() for english, _, _ in columns}
    assert [head for head in sorted(heads) if head.removesuffix(", đồng") not in page] == []
    assert [kind for kind in LINE_KINDS if f"`{kind}`" not in page] == []


AMOUNTS = st.integers(-(10**12), 10**12)
RATES = st.sampled_from([None, 0, 500, 800, 1_000, 350])
NAMES = st.text(st.characters(codec="utf-8", exclude_categories=("Cc", "Cs")), min_size=1, max_size=12)
INVOICES = st.builds(
    lambda rows, name: invoice(
        tuple(
            line(place, "grid_import", wh, None, dong, vat_bp=vat_bp)
            for place, (wh, dong, vat_bp) in enumerate(rows, 1)
        ),
        buyer=replace(TENANT, name=name),
    ),
    st.lists(st.tuples(st.integers(0, 10**12), AMOUNTS, RATES), max_size=6),
    NAMES,
)


@settings(max_examples=40, deadline=None)
@given(documents=st.lists(INVOICES, max_size=4))
def test_sums_on_every_table_equal_the_documents(documents, tmp_path_factory):
    net = sum(document.net_dong for document in documents)
    vat = sum(document.vat_dong for document in documents)
    book = read_xlsx(documents, tmp_path_factory.mktemp("sheets") / "a.xlsx")
    assert sum(column(book["Lines"], "Amount, đồng")) == net == sum(column(book["Documents"], "Net, đồng"))
    assert sum(column(book["VAT"], "VAT, đồng")) == vat == sum(column(book["Documents"], "VAT, đồng"))
    assert column(book["Documents"], "Buyer") == [document.buyer.name for document in documents]
    quantities = [row.quantity for document in documents for row in document.lines]
    assert [round(value * 1_000) for value in column(book["Lines"], "Quantity")] == quantities
    rows = read_csv(documents, "lines")
    assert sum(int(row["Amount, đồng"]) for row in rows) == net
    assert [Decimal(row["Quantity"]) * 1_000 for row in rows] == quantities
    assert [date.fromisoformat(row["From"]) for row in rows] == [
        row.since for document in documents for row in document.lines
    ]


def test_a_tier_is_named_by_its_bounds_alone():
    rows = read_csv([invoice(tiers(5))], "lines")
    assert {row["What for"] for row in rows} == {"From the grid"}
