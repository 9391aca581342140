"""One CSV file as checked rows: separator, byte order mark, header, number of columns, and strict values.

Excel in Vietnamese writes semicolons between columns and commas in decimals. Neither is guessed at: the fault says
what was found and what to write, because 1.500 is fifteen hundred to one reader and one and a half to another.
"""

import csv
import io
import re
from collections.abc import Iterator
from dataclasses import dataclass

from simulator.domain.scene.errors import Faults

WHOLE_NUMBER = re.compile(r"-?[0-9]{1,15}")
DECIMAL_COMMA = re.compile(r"-?[0-9][0-9.]*,[0-9]+")
GROUPED = re.compile(r"-?[0-9]{1,3}([., ' ][0-9]{3}){2,}")
DECIMAL_POINT = re.compile(r"-?[0-9]*\.[0-9]+")
MOST_WHOLE = 10**12


@dataclass(frozen=True)
class Columns:
    """The columns a file must have, and those it may leave out."""

    required: tuple[str, ...]
    optional: tuple[str, ...] = ()


class Row:
    """One line of a file; every reading of a value notes a fault and answers None where the value will not do."""

    __slots__ = ("faults", "file", "line", "values")

    def __init__(self, file: str, line: int, values: dict[str, str], faults: Faults) -> None:
        self.file, self.line, self.values, self.faults = file, line, values, faults

    def fault(self, column: str | None, code: str, message: str) -> None:
        """Note a fault of this line."""
        self.faults.add(self.file, self.line, column, code, message)

    def has(self, column: str) -> bool:
        """Whether the column is there and not empty."""
        return bool(self.values.get(column))

    def text(self, column: str) -> str | None:
        """A value that must not be empty."""
        value = self.values.get(column, "")
        if not value:
            self.fault(column, "missing_value", f"{column} is empty; write a value.")
            return None
        return value

    def choice(self, column: str, allowed: tuple[str, ...]) -> str | None:
        """One of a few words."""
        value = self.text(column)
        if value is not None and value not in allowed:
            told = f"‘{value}’ is not a {column} this file knows; write one of {', '.join(allowed)}."
            self.fault(column, f"unknown_{column}", told)
            return None
        return value

    def whole(self, column: str, least: int = 0, most: int = MOST_WHOLE, empty: int | None = None) -> int | None:
        """A whole number between two bounds; an empty value is `empty`, or a fault where that is None."""
        value = self.values.get(column, "")
        if not value and empty is not None:
            return empty
        if not WHOLE_NUMBER.fullmatch(value):
            self.fault(column, *_why_not_whole(column, value))
            return None
        return self._within(column, int(value), least, most)

    def _within(self, column: str, number: int, least: int, most: int) -> int | None:
        if number < 0 <= least:
            self.fault(column, "negative", f"{number} is below zero; {column} cannot be negative.")
            return None
        if not least <= number <= most:
            self.fault(column, "out_of_range", f"{number} is not between {least} and {most}.")
            return None
        return number


def _why_not_whole(column: str, value: str) -> tuple[str, str]:
    if not value:
        return "missing_value", f"{column} is empty; write a whole number, 0 where there is nothing."
    if GROUPED.fullmatch(value):
        digits = re.sub(r"[^0-9-]", "", value)
        return "digit_grouping", f"‘{value}’ has separators between thousands; write {digits}."
    if DECIMAL_COMMA.fullmatch(value):
        return "decimal_comma", f"‘{value}’ has a comma; write {column} as a whole number without any separator."
    if DECIMAL_POINT.fullmatch(value):
        return "not_whole", f"‘{value}’ is not whole; write {column} in whole units, without any separator."
    return "bad_number", f"‘{value}’ is not a whole number; write {column} in digits only."


def read_rows(file: str, content: bytes, columns: Columns, faults: Faults) -> Iterator[Row]:
    """The rows of one CSV file; nothing where the header is wrong. Blank lines are skipped."""
    text = _decoded(file, content, faults)
    if text is None:
        return
    reader = csv.reader(io.StringIO(text, newline=""), strict=True)
    header: list[str] | None = None
    try:
        for cells in reader:
            if not any(cells):
                continue
            if header is None:
                header = _checked_header(file, cells, columns, faults)
                if header is None:
                    return
            elif row := _row(file, reader.line_num, header, cells, faults):
                yield row
    except csv.Error as problem:
        told = f"The line cannot be read as CSV ({problem}); check its quotation marks."
        faults.add(file, reader.line_num, None, "broken_csv", told)
        return
    if header is None:
        faults.add(file, 1, None, "empty_file", f"The file is empty; begin with {','.join(columns.required)}.")


def values_of(content: bytes, column: str, unless: dict[str, str] | None = None) -> frozenset[str]:
    """Every value a column holds, faulty lines included: what other files may refer to. Empty where it cannot be read.

    `unless` leaves out the lines with these values. References are checked against this and not against what was read
    without a fault, so that one bad line is told once and not again by everything that refers to it.
    """
    try:
        rows = list(csv.DictReader(io.StringIO(content.decode("utf-8-sig", "replace"), newline="")))
    except csv.Error:
        return frozenset()
    wanted = (row for row in rows if not any(row.get(key) == value for key, value in (unless or {}).items()))
    return frozenset(value.strip() for row in wanted if (value := row.get(column)))


def _decoded(file: str, content: bytes, faults: Faults) -> str | None:
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as problem:
        line = content.count(b"\n", 0, problem.start) + 1
        faults.add(file, line, None, "not_utf8", "The text is not UTF-8; save the file as ‘CSV UTF-8’.")
        return None


def _checked_header(file: str, cells: list[str], columns: Columns, faults: Faults) -> list[str] | None:
    header = [cell.strip() for cell in cells]
    known = columns.required + columns.optional
    before = len(faults.errors)
    if len(header) == 1 and (";" in header[0] or "\t" in header[0]):
        told = "The columns are parted by semicolons or tabs, as Excel does in Vietnamese; save with commas."
        faults.add(file, 1, None, "wrong_separator", told)
        return None
    for name in [name for name in columns.required if name not in header]:
        faults.add(file, 1, name, "missing_column", f"The column {name} is missing; add it to the header.")
    for name in [name for name in dict.fromkeys(header) if name not in known]:
        faults.add(
            file, 1, name, "unknown_column", f"‘{name}’ is no column of this file; it may have {', '.join(known)}."
        )
    for name in [name for name in dict.fromkeys(header) if header.count(name) > 1]:
        faults.add(file, 1, name, "duplicate_column", f"The column {name} stands twice; keep one.")
    return header if len(faults.errors) == before else None


def _row(file: str, line: int, header: list[str], cells: list[str], faults: Faults) -> Row | None:
    if len(cells) == len(header):
        return Row(file, line, dict(zip(header, map(str.strip, cells), strict=True)), faults)
    told = f"The line has {len(cells)} values for {len(header)} columns."
    if len(cells) > len(header):
        told += " A comma inside a number (1,5) parts it in two: write whole numbers without separators."
    else:
        told += " Write every column, empty ones as nothing between two commas."
    faults.add(file, line, None, "wrong_column_count", told)
    return None
