"""A bank's CSV file: found separator, found heading, and every row read or named in the refusal.

The worst that a CSV file can do is to split a number: `1,000` in a file separated by commas is a one and a text `000`.
So a row must have as many cells as the heading, and an amount is never followed by a cell of three digits.
"""

import csv
import io
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import TypeVar

from settlement.domain.bank import figures
from settlement.domain.bank.csv_columns import columns_in, fact_in, is_vietnamese
from settlement.domain.bank.figures import UnreadableError
from settlement.domain.bank.statement import LONGEST_NAME, BankStatement, Problems, StatementLine, plain, refuse

T = TypeVar("T")
_REST_OF_NUMBER = re.compile(r"[0-9]{3}(?:\.[0-9]{1,2})?")


@dataclass
class _Table:
    """The file's rows by what they are. `rows` are (line number, cells)."""

    separator: str
    heading: list[str]
    columns: dict[str, int]
    rows: list[tuple[int, list[str]]] = field(default_factory=list)
    facts: dict[str, str] = field(default_factory=dict)

    def cell(self, row: Sequence[str], column: str) -> str:
        position = self.columns.get(column)
        return row[position].strip() if position is not None and position < len(row) else ""


def parse_csv(text: str) -> BankStatement:
    """Raises BankFileError with all that is wrong."""
    table = _table(text)
    problems = Problems()
    _check_shape(table, problems)
    style = _style(table, problems)
    _check_dates(table, problems)
    problems.check()
    lines = [_line(table, number, row, style, problems) for number, row in table.rows]
    opening, closing = _balances(table, style, lines, problems)
    problems.check()
    return BankStatement(
        format="csv",
        currency=_currency(table),
        account=re.sub("[^0-9A-Za-z]", "", table.facts.get("account", "")),
        opening_dong=opening,
        closing_dong=closing,
        lines=tuple(line for line in lines if line is not None),
    )


def _table(text: str) -> _Table:
    found = [table for separator in (";", "\t", ",") if (table := _split(text, separator))]
    if not found:
        told = "No row has headings for a date and an amount, or credit and debit; see the guide to bank files."
        raise refuse("no_heading", told)
    return max(found, key=lambda table: len(table.columns))


def _split(text: str, separator: str) -> _Table | None:
    """The table under this separator, or None where no row is a heading then."""
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    table: _Table | None = None
    facts: dict[str, str] = {}
    try:
        for row in reader:
            fact = fact_in(row)
            if fact:
                facts.setdefault(*fact)
            elif table is None:
                columns = columns_in(row)
                table = _Table(separator, row, columns) if columns else None
            elif any(cell.strip() for cell in row):
                table.rows.append((reader.line_num, row))
    except csv.Error as error:
        if table is not None:
            raise refuse("bad_csv", f"The quotes do not close ({error}).", f"line {reader.line_num}") from error
    if table is not None:
        table.facts = facts
    return table


def _check_shape(table: _Table, problems: Problems) -> None:
    if not table.rows:
        problems.add("no_lines", "", "The file has a heading and no movements.")
    width = len(table.heading)
    for number, row in table.rows:
        cells = len(row)
        while cells > width and not row[cells - 1].strip():
            cells -= 1
        if cells != width:
            told = f"The row has {cells} cells and the heading {width}; put cells with a separator in quotes."
            problems.add("wrong_number_of_cells", f"line {number}", told)
        elif table.separator == "," and _looks_split(table, row):
            told = "An amount is followed by three digits, as if a comma had split it; put amounts in quotes."
            problems.add("split_amount", f"line {number}", told)


def _looks_split(table: _Table, row: Sequence[str]) -> bool:
    positions = [table.columns[name] for name in _AMOUNTS if name in table.columns]
    return any(
        row[at].strip() and at + 1 < len(row) and _REST_OF_NUMBER.fullmatch(row[at + 1].strip()) for at in positions
    )


_AMOUNTS = ("amount", "credit", "debit", "balance")


def _style(table: _Table, problems: Problems) -> str:
    """The one style in which every amount of the file is a number."""
    possible = set(figures.STYLES)
    cells = [(f"line {n}", table.cell(row, name)) for n, row in table.rows for name in _AMOUNTS]
    cells += [(name, table.facts[name]) for name in ("opening", "closing") if name in table.facts]
    for place, cell in cells:
        styles = figures.styles_of(cell) if cell else possible
        if not styles:
            told = f"“{cell[:40]}” is not an amount; write it like 1.234.567 or 1,234,567."
            problems.add("bad_amount", place, told)
        elif not possible & styles:
            told = f"“{cell[:40]}” uses points and commas the other way round than the rows before it; use one way."
            problems.add("mixed_numbers", place, told)
        else:
            possible &= styles
    return min(possible)


def _check_dates(table: _Table, problems: Problems) -> None:
    cells = [table.cell(row, "date") for _, row in table.rows]
    _try(lambda: figures.check_day_first(cells, vietnamese=is_vietnamese(table.heading)), "column of dates", problems)


def _line(table: _Table, number: int, row: list[str], style: str, problems: Problems) -> StatementLine | None:
    place = f"line {number}"
    on: date | None = _try(lambda: figures.read_date(table.cell(row, "date")), place, problems)
    amount: int | None = _try(lambda: _amount(table, row, style), place, problems)
    currency = table.cell(row, "currency")
    if currency and currency.upper() != "VND":
        problems.add("wrong_currency", place, f"The movement is in “{currency[:10]}”; only đồng (VND) can be booked.")
    if on is None or amount is None:
        return None
    return StatementLine(
        booked_on=on,
        amount_dong=amount,
        text=plain(table.cell(row, "text")),
        counterparty=plain(table.cell(row, "counterparty"), LONGEST_NAME),
        reference=plain(table.cell(row, "reference")),
    )


def _amount(table: _Table, row: list[str], style: str) -> int:
    if "amount" in table.columns:
        amount = figures.amount_dong(table.cell(row, "amount"), style)
    else:
        amount = _in_or_out(table.cell(row, "credit"), table.cell(row, "debit"), style)
    if amount == 0:
        raise UnreadableError("zero_amount", "The row moves no money; leave it out.")
    return amount


def _in_or_out(credit: str, debit: str, style: str) -> int:
    into = figures.amount_dong(credit, style) if credit else 0
    out = figures.amount_dong(debit, style) if debit else 0
    if into and out:
        raise UnreadableError("both_credit_and_debit", "The row has both a credit and a debit; it can be only one.")
    if into < 0:
        raise UnreadableError("negative_credit", "A credit is negative; write money that left as a debit.")
    return into or -abs(out)


def _balances(
    table: _Table, style: str, lines: Sequence[StatementLine | None], problems: Problems
) -> tuple[int | None, int | None]:
    """Opening and closing: as stated beside the table, else from the column of running balances."""
    running = _running(table, style, lines, problems)
    opening, closing = (_stated(table, style, name, problems) for name in ("opening", "closing"))
    return running if opening is None or closing is None else (opening, closing)


def _stated(table: _Table, style: str, name: str, problems: Problems) -> int | None:
    said = table.facts.get(name)
    return _try(lambda: figures.amount_dong(said, style), name, problems) if said else None


def _running(
    table: _Table, style: str, lines: Sequence[StatementLine | None], problems: Problems
) -> tuple[int | None, int | None]:
    """The newest movement may stand first or last; each balance must follow from the one before."""
    if not all(table.cell(row, "balance") for _, row in table.rows) or None in lines or problems.found:
        return None, None
    try:
        after = [figures.amount_dong(table.cell(row, "balance"), style) for _, row in table.rows]
    except UnreadableError as error:
        problems.add(error.code, "column of balances", str(error))
        return None, None
    amounts = [line.amount_dong for line in lines if line is not None]
    numbers = [number for number, _ in table.rows]
    forwards = _breaks(after, amounts)
    if forwards is None:
        return after[0] - amounts[0], after[-1]
    if _breaks(after[::-1], amounts[::-1]) is None:
        return after[-1] - amounts[-1], after[0]
    told = "The balance does not follow from the row before; a row is missing or doubled. Download the file again."
    problems.add("balance_differs", f"line {numbers[forwards]}", told)
    return None, None


def _breaks(after: Sequence[int], amounts: Sequence[int]) -> int | None:
    return next((n for n in range(1, len(after)) if after[n - 1] + amounts[n] != after[n]), None)


def _currency(table: _Table) -> str:
    """A file without a currency is a Vietnamese bank's account in đồng, as the upload page says."""
    return table.facts.get("currency", "VND").strip().upper()


def _try(read: Callable[[], T], place: str, problems: Problems) -> T | None:
    try:
        return read()
    except UnreadableError as error:
        problems.add(error.code, place, str(error))
        return None
