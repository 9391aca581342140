"""The rows as columns of codes: every distinct text is kept once, and read once.

A million readings of a hundred meters hold ten thousand different times and a few thousand different energies. So each
column becomes a list of its distinct texts and an array that says which row has which; whatever is decided about a
text is decided once and looked up a million times.
"""

import csv
import io
import re
from array import array
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from meters.domain.readings_csv.errors import CellTextError, Findings, refuse
from meters.domain.readings_csv.header import Header, read_header, separator_of
from units.numbers import NumberError

Ints = NDArray[np.int64]
# Small, so that the rows of a chunk are gone before the garbage collector takes them for long-lived.
_CHUNK = 500


@dataclass(frozen=True, slots=True)
class Column:
    """`texts[codes[i]]` is the cell of row `i`."""

    name: str
    texts: list[str]
    codes: Ints

    def read(self, one: Callable[[str], int], lines: Ints, findings: Findings) -> Ints:
        """`one` applied to every cell, int64 per row; −1 where it raised, which goes into `findings`."""
        wrong: dict[int, CellTextError | NumberError] = {}
        values = []
        for code, text in enumerate(self.texts):
            try:
                values.append(one(text))
            except (CellTextError, NumberError) as problem:
                wrong[code] = problem
                values.append(-1)
        if wrong:
            self._report(wrong, lines, findings)
        return np.array(values, np.int64)[self.codes]

    def _report(self, wrong: dict[int, CellTextError | NumberError], lines: Ints, findings: Findings) -> None:
        rows = np.nonzero(np.isin(self.codes, list(wrong)))[0]
        found = ((int(lines[row]), self.name, (bad := wrong[int(self.codes[row])]).code, str(bad)) for row in rows)
        findings.extend(found, len(rows))


@dataclass(frozen=True, slots=True)
class Table:
    header: Header
    separator: str
    lines: Ints
    columns: dict[str, Column]


class _Lines(Protocol):
    """What csv.reader is: rows, and the number of the line read last."""

    line_num: int

    def __iter__(self) -> Iterator[list[str]]: ...


class _Codes(dict[str, int]):
    """Numbers texts as they come: 0, 1, 2 …"""

    def __missing__(self, text: str) -> int:
        self[text] = code = len(self)
        return code


def read_table(text: str, findings: Findings) -> Table:
    """Splits the file into columns. Raises CsvRejected on a wrong header, broken quotes or no rows at all.

    Rows with too few or too many cells go into `findings`; empty rows are passed over.
    """
    first_line = re.match(r"\s*([^\r\n]*)", text)
    separator = separator_of(first_line[1] if first_line else "")
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=separator, strict=True)
    try:
        return _split(reader, separator, findings)
    except csv.Error:
        line = max(reader.line_num, 1)
        raise refuse(
            findings.file,
            line,
            "",
            "broken_quotes",
            "A quotation mark opens and is not closed properly; close or remove it.",
        ) from None


def _split(reader: _Lines, separator: str, findings: Findings) -> Table:
    numbered = _numbered(reader)
    line, cells = next(numbered, (1, [""]))
    header = read_header(cells, line, findings)
    codes = [_Codes() for _ in cells]
    cells_of = [array("q") for _ in cells]
    lines = array("q")
    for some_lines, rows in _chunks(numbered, len(cells), findings):
        lines.extend(some_lines)
        for column, code, into in zip(zip(*rows, strict=True), codes, cells_of, strict=True):
            into.extend(map(code.__getitem__, column))
    if not lines and not findings.total:
        raise refuse(findings.file, line, "", "no_rows", "There is a header and no reading below it; add the readings.")
    named = zip(header.columns, codes, cells_of, strict=True)
    columns = {name: Column(name, list(code), _ints(cells)) for name, code, cells in named}
    return Table(header, separator, _ints(lines), columns)


def _ints(values: "array[int]") -> Ints:
    return np.array(values, np.int64)


def _numbered(reader: _Lines) -> Iterator[tuple[int, list[str]]]:
    """Rows that hold something, each with the line on which it begins (a quoted cell may span several)."""
    before = reader.line_num
    for row in reader:
        line, before = before + 1, reader.line_num
        if row and (row[0] or any(cell.strip() for cell in row)):
            yield line, row


def _chunks(
    numbered: Iterator[tuple[int, list[str]]], width: int, findings: Findings
) -> Iterator[tuple[list[int], list[list[str]]]]:
    lines: list[int] = []
    rows: list[list[str]] = []
    odd: list[tuple[int, int]] = []
    for line, row in numbered:
        if len(row) != width:
            odd.append((line, len(row)))
            continue
        lines.append(line)
        rows.append(row)
        if len(rows) == _CHUNK:
            yield lines, rows
            lines, rows = [], []
    if rows:
        yield lines, rows
    advice = "a number with a decimal comma needs quotes, or semicolons between the cells."
    found = ((line, "", "wrong_cell_count", f"{n} cells, not {width}; {advice}") for line, n in odd)
    findings.extend(found, len(odd))
