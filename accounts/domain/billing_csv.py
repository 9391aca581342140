"""Billing details of many participants as a spreadsheet: a CSV file with a row for each.

| column | what stands there |
|---|---|
| participant | the participant's code; must be there |
| name | for the reader alone; never taken in |
| legal_name, tax_code, address, email, phone, bank_name, bank_bin, bank_account | as on the form |
| vat_registered | yes or no |
| invoice_per | participant or meter |
| language | vi or en |

A column that is missing leaves what is there. An empty cell empties a text; in the last three columns it leaves what is
there. A row with a code alone is passed over. The first line names the columns in any order; commas, semicolons or tabs
stand between them. UTF-8, with or without its mark.
"""

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from accounts.domain.billing import TEXTS, Mistake, tidied

KEY, NAME = "participant", "name"
COLUMNS = (
    KEY, NAME, "legal_name", "tax_code", "address", "email", "phone", "bank_name", "bank_bin", "bank_account",
    "vat_registered", "invoice_per", "language",
)  # fmt: skip
FIELDS = COLUMNS[2:]
YES, NO = ("yes", "true", "1", "x", "có"), ("no", "false", "0", "không")
MOST_BYTES = 8_000_000
FORMULA = ("=", "+", "-", "@", "\t", "\r")


@dataclass(frozen=True, slots=True)
class Row:
    """One line of the file: what it says about the participant with this code, tidied."""

    line: int
    code: str
    values: dict[str, str | bool]


def parse(data: bytes) -> tuple[list[Row], list[Mistake]]:
    """The rows, and all that is wrong with the form of the file.

    Codes: `too_large`, `not_utf8`, `not_csv`, `no_rows`, `no_participant_column`, `unknown_column`, `column_twice`,
    `wrong_cells`, `no_participant`, `participant_twice`, `not_yes_or_no`.
    """
    if len(data) > MOST_BYTES:
        return [], [Mistake("too_large", "The file is larger than 8 MB; load it in parts.")]
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return [], [Mistake("not_utf8", "The file is not in UTF-8; save it as “CSV UTF-8”.")]
    try:
        lines = list(_lines(text))
    except csv.Error:
        return [], [Mistake("not_csv", "The file is no CSV; save the spreadsheet as “CSV UTF-8”.")]
    if len(lines) < 2:
        return [], [Mistake("no_rows", "The file needs a line that names the columns and a line for each participant.")]
    header = [cell.strip().lower() for cell in lines[0][1]]
    wrong = _header_mistakes(header)
    return ([], wrong) if wrong else _rows(header, lines[1:])


def _lines(text: str) -> Iterable[tuple[int, list[str]]]:
    """Each row with the line it begins on; empty ones are left out."""
    first = text.partition("\n")[0]
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=max(",;\t", key=first.count), strict=True)
    line = 1
    for cells in reader:
        if any(cell.strip() for cell in cells):
            yield line, cells
        line = reader.line_num + 1


def _header_mistakes(header: list[str]) -> list[Mistake]:
    found = []
    if KEY not in header:
        found.append(Mistake("no_participant_column", "The first line names no column “participant”."))
    for name in dict.fromkeys(header):
        if name not in COLUMNS:
            told = f"There is no column “{name}”; use {', '.join(COLUMNS)}."
            found.append(Mistake("unknown_column", told))
        elif header.count(name) > 1:
            found.append(Mistake("column_twice", f"The column “{name}” stands there twice."))
    return found


def _rows(header: list[str], lines: list[tuple[int, list[str]]]) -> tuple[list[Row], list[Mistake]]:
    rows: dict[str, Row] = {}
    wrong: list[Mistake] = []
    for line, cells in lines:
        try:
            row = _row(line, header, cells)
            if row.code in rows:
                raise _Wrong("participant_twice", f"“{row.code}” stands on line {rows[row.code].line} already.")
            rows[row.code] = row
        except _Wrong as error:
            wrong.append(Mistake(error.code, str(error), place_of(line)))
    return [row for row in rows.values() if row.values], wrong


class _Wrong(ValueError):
    """What is wrong with one row."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def place_of(line: int) -> str:
    """Where in the file something stands."""
    return f"line {line}"


def _row(line: int, header: list[str], cells: list[str]) -> Row:
    if len(cells) != len(header):
        raise _Wrong("wrong_cells", f"There are {len(cells)} cells, but the first line names {len(header)} columns.")
    cell = {name: _plain(text) for name, text in zip(header, cells, strict=True)}
    code = cell.pop(KEY)
    cell.pop(NAME, None)
    if not code:
        raise _Wrong("no_participant", "Give the participant's code.")
    given = {name: text for name, text in cell.items() if text or name in TEXTS} if any(cell.values()) else {}
    return Row(line, code, {name: _value(name, text) for name, text in given.items()})


def _plain(text: str) -> str:
    """The apostrophe that keeps a spreadsheet from calculating is taken off again."""
    text = text.strip()
    return text[1:] if text[:1] == "'" and text[1:2] in FORMULA else text


def _value(name: str, text: str) -> str | bool:
    if name in TEXTS:
        return tidied(name, text)
    if name != "vat_registered":
        return text.lower()
    if text.lower() not in YES + NO:
        raise _Wrong("not_yes_or_no", "Write yes or no under vat_registered.")
    return text.lower() in YES


def write(rows: Iterable[Mapping[str, object]]) -> bytes:
    """The file that `parse` reads, UTF-8 with the mark that Excel wants. Missing values are empty cells."""
    out = io.StringIO(newline="")
    writer = csv.writer(out)
    writer.writerow(COLUMNS)
    for row in rows:
        writer.writerow([_cell(row.get(name, "")) for name in COLUMNS])
    return out.getvalue().encode("utf-8-sig")


def _cell(value: object) -> str:
    """A spreadsheet must not take a name for a formula."""
    text = ("no", "yes")[value] if isinstance(value, bool) else str(value)
    return f"'{text}" if text.startswith(FORMULA) else text
