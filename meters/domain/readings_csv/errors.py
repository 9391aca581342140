"""What is wrong with an uploaded file, cell by cell: where it is, a stable code, and a sentence with what to do.

A file with a million bad rows is reported by its first hundred errors in line order, and their number.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import islice

from units.numbers import grouped


@dataclass(frozen=True, slots=True, order=True)
class CellError:
    """One thing to put right. `line` counts from 1 as an editor shows it; `column` is a header name or empty."""

    file: str
    line: int
    column: str
    code: str
    message: str

    def __str__(self) -> str:
        place = f"{self.file}, line {self.line}" + (f", column {self.column}" if self.column else "")
        return f"{place}: {self.message}"


class CsvRejected(ValueError):
    """The file was refused as a whole and nothing of it was kept. `errors` are the first of `total`, by line."""

    code = "csv_rejected"

    def __init__(self, errors: list[CellError], total: int) -> None:
        self.errors = errors
        self.total = total
        more = f" (and {grouped(total - 1)} more)" if total > 1 else ""
        super().__init__(f"{errors[0]}{more} Nothing was loaded.")


class CellTextError(ValueError):
    """One cell's text is not what its column holds; becomes a CellError once its place is known."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Findings:
    """Collects errors (or warnings) of one file: all are counted, the first `limit` of each kind are kept."""

    def __init__(self, file: str, limit: int) -> None:
        self.file = file
        self.limit = limit
        self.total = 0
        self._kept: list[CellError] = []

    def add(self, line: int, column: str, code: str, message: str) -> None:
        self.extend([(line, column, code, message)], 1)

    def extend(self, found: Iterable[tuple[int, str, str, str]], total: int) -> None:
        """`found` yields (line, column, code, message) by ascending line, and may be lazy: only the first are taken."""
        self._kept.extend(CellError(self.file, *each) for each in islice(found, self.limit))
        self.total += total

    def first(self) -> list[CellError]:
        return sorted(self._kept)[: self.limit]

    def raise_if_any(self) -> None:
        if self.total:
            raise CsvRejected(self.first(), self.total)


def refuse(file: str, line: int, column: str, code: str, message: str) -> CsvRejected:
    """The rejection for something that makes reading on pointless: wrong encoding, wrong header, a broken quote."""
    return CsvRejected([CellError(file, line, column, code, message)], 1)
