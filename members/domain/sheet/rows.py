"""Rows of texts to what they say: each cell read by its column, rows put together to members, mistakes by line.

Example: `5,5` under pv_kwp in a file with semicolons is 5,500 W; `-3` is refused there, and so are a second row with
the point B1 and a name that is another one than on the member's first row.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, timedelta
from typing import Any

from members.domain.sheet.cells import Cells, Formula, SheetRefused, read_cells
from members.domain.sheet.columns import COLUMNS, MEMBER_COLUMNS, POINT_COLUMNS, REQUIRED, Column
from units.numbers import DecimalStyle, NumberError, decide_style, kwh_to_wh, whole_number

YES, NO = ("yes", "true", "1", "x", "có"), ("no", "false", "0", "không")
_CODE = re.compile(r"[A-Za-z0-9._/-]+")
_SLUG = re.compile(r"[A-Za-z0-9_-]+")
_EMAIL = re.compile(r"[A-Za-z0-9.!#$%&'*+/=?^_`{|}~-]+@[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+")
_ISO = re.compile(r"(\d{4})-(\d{1,2})-(\d{1,2})(?:[T ]00:00(?::00)?)?")
_LOCAL = re.compile(r"(\d{1,2})[/.](\d{1,2})[/.](\d{4})")
_SPREADSHEET_DAY_0 = date(1899, 12, 30)
_FIRST_YEAR, _LAST_YEAR = 2000, 2199
_MOST = 10**12


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a row; `values` fill in the sentence of `code`, `column` says where it stands."""

    code: str
    column: str = ""
    values: Mapping[str, str | int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Row:
    """One line: what it says, by column (W, Wh, đồng, ISO days), and what is wrong with it. Empty cells are left
    out."""

    line: int
    values: dict[str, Any]
    mistakes: tuple[Mistake, ...] = ()

    @property
    def code(self) -> str:
        return str(self.values.get("code", ""))


@dataclass(frozen=True, slots=True)
class Group:
    """All rows of one member: what is said of it, its metering points with their lines, and mistakes by line."""

    code: str
    lines: tuple[int, ...]
    member: dict[str, Any]
    points: tuple[tuple[int, dict[str, Any]], ...]
    mistakes: dict[int, tuple[Mistake, ...]]


def read_sheet(data: bytes) -> list[Row]:
    """The rows of a file. Raises SheetRefused, also for `no_rows`, `no_code_column`, `unknown_column`,
    `column_twice`."""
    cells = read_cells(data)
    if len(cells.rows) < 2:
        raise SheetRefused("no_rows")
    header = [name.strip().lower() for name in cells.rows[0][1]]
    _check_header(header)
    style = _style(header, cells)
    return [_row(line, header, row, style) for line, row in cells.rows[1:]]


def _check_header(header: Sequence[str]) -> None:
    named = [name for name in header if name]
    if missing := [name for name in REQUIRED if name not in named]:
        raise SheetRefused("no_code_column", column=missing[0])
    for name in named:
        if name not in COLUMNS:
            raise SheetRefused("unknown_column", column=name[:40], columns=", ".join(COLUMNS))
        if named.count(name) > 1:
            raise SheetRefused("column_twice", column=name)


def _style(header: Sequence[str], cells: Cells) -> DecimalStyle:
    presumed = DecimalStyle.COMMA if cells.comma else DecimalStyle.POINT
    places = [at for at, name in enumerate(header) if name and COLUMNS[name].kind in ("kilo", "whole")]
    texts = [row[at] for _, row in cells.rows[1:] for at in places if at < len(row) and row[at]]
    try:
        return decide_style(texts, presumed=presumed)
    except NumberError:
        return presumed


def _row(line: int, header: Sequence[str], cells: Sequence[str], style: DecimalStyle) -> Row:
    if any(cell.strip() for cell in cells[len(header) :]):
        return Row(line, {}, (Mistake("wrong_cells", values={"count": len(cells), "columns": len(header)}),))
    given = {name: cells[at] for at, name in enumerate(header) if name and at < len(cells)}
    stray = [cells[at] for at, name in enumerate(header) if not name and at < len(cells)]
    row = parse_cells(line, given, style)
    if any(cell.strip() for cell in stray):
        return Row(line, row.values, (*row.mistakes, Mistake("no_column_name")))
    return row


def parse_cells(
    line: int, given: Mapping[str, str], style: DecimalStyle | Callable[[str], DecimalStyle] = DecimalStyle.POINT
) -> Row:
    """One row of texts by column: of a file, or of a form with the same fields. A form may decide on the style of each
    number by itself."""
    values: dict[str, Any] = {}
    wrong: list[Mistake] = []
    for name, text in given.items():
        if not text.strip():
            continue
        try:
            values[name] = _cell(COLUMNS[name], text, style(text) if callable(style) else style)
        except _Wrong as error:
            wrong.append(Mistake(error.code, name, error.values))
    if not values.get("code") and not any(mistake.column == "code" for mistake in wrong):
        wrong.append(Mistake("no_code", "code"))
    if any(name in values for name in POINT_COLUMNS) and "point" not in values:
        wrong.append(Mistake("no_point", "point"))
    return Row(line, values, tuple(wrong))


class _Wrong(ValueError):
    """What is wrong with one cell."""

    def __init__(self, code: str, **values: str | int) -> None:
        super().__init__(code)
        self.code = code
        self.values = values


def _cell(column: Column, text: str, style: DecimalStyle) -> Any:
    if isinstance(text, Formula):
        raise _Wrong("formula")
    text = " ".join(text.split())
    if not text.isprintable():
        raise _Wrong("bad_text")
    if len(text) > column.longest:
        raise _Wrong("too_long", most=column.longest)
    return _READERS[column.kind](column, text, style)


def _text(column: Column, text: str, style: DecimalStyle) -> str:
    return "".join(text.split()).upper() if column.name == "serial" else text


def _code(column: Column, text: str, style: DecimalStyle) -> str:
    if not (_CODE if column.name == "point" else _SLUG).fullmatch(text):
        raise _Wrong("bad_code")
    return text


def _choice(column: Column, text: str, style: DecimalStyle) -> str:
    if text.lower() not in column.choices:
        raise _Wrong("bad_choice", choices=", ".join(column.choices))
    return text.lower()


def _kilo(column: Column, text: str, style: DecimalStyle) -> int:
    return _number(text, style, kwh_to_wh)


def _whole(column: Column, text: str, style: DecimalStyle) -> int:
    return _number(text, style, whole_number)


def _number(text: str, style: DecimalStyle, read: Callable[[str, DecimalStyle], int]) -> int:
    try:
        value = read(text.replace("−", "-"), style)
    except NumberError as error:
        raise _Wrong(error.code, text=text[:40]) from error
    if value < 0:
        raise _Wrong("negative")
    if value > _MOST:
        raise _Wrong("number_too_long", text=text[:40])
    return value


def _yes_no(column: Column, text: str, style: DecimalStyle) -> bool:
    if text.lower() not in YES + NO:
        raise _Wrong("not_yes_or_no")
    return text.lower() in YES


def _email(column: Column, text: str, style: DecimalStyle) -> str:
    if not _EMAIL.fullmatch(text):
        raise _Wrong("bad_email")
    return text


def _day(column: Column, text: str, style: DecimalStyle) -> str:
    """2026-05-31, 31/05/2026, or the number that a spreadsheet keeps for a day. As ISO text."""
    try:
        if text.isdecimal() and len(text) == 5:
            on = _SPREADSHEET_DAY_0 + timedelta(days=int(text))
        elif found := _ISO.fullmatch(text):
            on = date(*map(int, found.groups()))
        elif found := _LOCAL.fullmatch(text):
            on = date(int(found[3]), int(found[2]), int(found[1]))
        else:
            raise _Wrong("bad_day", text=text[:20])
    except (ValueError, OverflowError) as error:
        raise error if isinstance(error, _Wrong) else _Wrong("bad_day", text=text[:20]) from error
    if not _FIRST_YEAR <= on.year <= _LAST_YEAR:
        raise _Wrong("bad_day", text=text[:20])
    return on.isoformat()


_READERS: dict[str, Callable[[Column, str, DecimalStyle], Any]] = {
    "text": _text, "code": _code, "choice": _choice, "kilo": _kilo, "whole": _whole, "yesno": _yes_no,
    "email": _email, "day": _day,
}  # fmt: skip


def group_rows(rows: Iterable[Row]) -> list[Group]:
    """Rows by member, in the order of their first ones. Points and serial numbers stand in the file once."""
    by_code: dict[str, list[Row]] = {}
    points: dict[str, int] = {}
    serials: dict[str, int] = {}
    wrong: dict[int, list[Mistake]] = {}
    for row in rows:
        by_code.setdefault(row.code or f"\0{row.line}", []).append(row)
        wrong[row.line] = [
            *row.mistakes, *_again(row, "point", points, "point_twice"), *_again(row, "serial", serials, "serial_twice")
        ]  # fmt: skip
    return [_group(rows_of, wrong) for rows_of in by_code.values()]


def _again(row: Row, column: str, seen: dict[str, int], code: str) -> list[Mistake]:
    key = str(row.values.get(column, "")).casefold()
    if not key:
        return []
    first = seen.setdefault(key, row.line)
    return [] if first == row.line else [Mistake(code, column, {"text": str(row.values[column]), "line": first})]


def _group(rows: list[Row], wrong: dict[int, list[Mistake]]) -> Group:
    member: dict[str, Any] = {}
    for row in rows:
        for name in MEMBER_COLUMNS:
            if name not in row.values:
                continue
            if member.setdefault(name, row.values[name]) != row.values[name]:
                wrong[row.line].append(Mistake("differs", name, {"line": rows[0].line}))
    points = [(row.line, {name: row.values[name] for name in POINT_COLUMNS if name in row.values}) for row in rows]
    for row in rows[1:]:
        if "point" not in row.values and not wrong[row.line]:
            wrong[row.line].append(Mistake("code_twice", "code", {"line": rows[0].line}))
    return Group(
        rows[0].code,
        tuple(row.line for row in rows),
        member,
        tuple((line, point) for line, point in points if point),
        {row.line: tuple(wrong[row.line]) for row in rows if wrong[row.line]},
    )
