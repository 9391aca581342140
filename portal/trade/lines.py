"""A spreadsheet pasted into the bulk ticket: each line is an order, or gets a sentence that says why it is none.

Columns: interval, side, kWh, price; a day may stand before the time or in a column of its own. They are parted by
tabs, semicolons or commas, whichever the paste has, in that order. Numbers may be Vietnamese or English: what fits one
way alone settles it for the whole paste (a price like `1.650` is thousands, so the paste is Vietnamese), else the page
does.

    12:30 <tab> buy <tab> 12,5 <tab> 1.650      →  12:30–13:00, buy 12,500 Wh at 1,650
    2026-06-01 13:00; bán; 5; 1.700             →  13:00–13:30, sell 5,000 Wh at 1,700
    13:30 <tab> buy <tab> <tab> 1.650           →  left out: a cell for kWh that is empty or 0 wishes nothing
"""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from itertools import pairwise

from django.utils.translation import gettext as _

from portal.desk import Refused
from portal.trade.numbers import price, quantity_wh
from trading.api.shapes import MAX_BULK, Side
from units.numbers import DecimalStyle, evidence

MOST_CHARACTERS = 100_000
_DAY = re.compile(r"(?:(\d{4})-(\d{1,2})-(\d{1,2})|(\d{1,2})/(\d{1,2})(?:/(\d{4}))?)")
_TIME = re.compile(r"(\d{1,2})[:hH](\d{2})(?::00)?(?:\s*[–—-]\s*\d{1,2}[:hH]\d{2}(?::00)?)?")
_GROUPED = re.compile(r"[-−]?[1-9][0-9]{0,2}(?:([.,])[0-9]{3})+")
_NOTHING = re.compile(r"[-–—]?|0+(?:[.,]0+)?")
_DOUBTFUL = re.compile(r"[1-9][0-9]{0,2}[.,][0-9]{3}")
SIDES: dict[str, Side] = {
    "buy": "buy", "b": "buy", "mua": "buy", "m": "buy", "sell": "sell", "s": "sell", "bán": "sell", "ban": "sell",
}  # fmt: skip
Key = tuple[date, str]  # a local day and a time like 12:30


@dataclass
class Line:
    """One line of the paste. `number` counts the lines of the paste from 1; without a fault all the rest is known."""

    number: int
    text: str
    interval: str = ""
    contract_id: int = 0
    side: Side = "buy"
    wh: int = 0
    price: int = 0
    fault: str = ""
    left_out: bool = False  # it names no quantity, so it is no order
    told: str = ""  # what became of it, or would


@dataclass(frozen=True, slots=True)
class Paste:
    """A paste cut into cells, and how its numbers are written."""

    rows: list[tuple[int, str, list[str]]]
    style: DecimalStyle
    mixed: bool


def read_lines(
    text: str, *, contracts: Mapping[Key, tuple[int, str]], on: date, style: DecimalStyle
) -> tuple[list[Line], Paste]:
    """Every line of a paste. `contracts` are (id, name) by local day and start, `on` is the day of lines that name
    none. Raises Refused for a paste that is too long or empty."""
    if len(text) > MOST_CHARACTERS:
        raise Refused("too_long", _("This is too long; send it in parts of at most 1,000 lines."))
    paste = cut(text, style)
    if not paste.rows:
        raise Refused("empty", _("Paste at least one line: interval, side, kWh, price."))
    if len(paste.rows) > MAX_BULK:
        raise Refused("too_long", _("This is too long; send it in parts of at most 1,000 lines."))
    return [_line(row, paste, contracts, on) for row in paste.rows], paste


def cut(text: str, style: DecimalStyle) -> Paste:
    """The paste by lines and cells, without a line of headings. `style` is that of the page."""
    text = text.replace("\r\n", "\n").replace("\r", "\n")  # forms send both marks, and one line must count once
    lines = [(n, line.lstrip().rstrip(" ")) for n, line in enumerate(text.split("\n"), 1) if line.strip()]
    mark = next((each for each in "\t;" if any(each in line for _, line in lines)), ",")
    rows = [(n, line, _cells(line, mark)) for n, line in lines]
    if rows and not any(character.isdigit() for character in rows[0][1]):
        rows = rows[1:]
    styles = _styles(rows)
    return Paste(rows, styles.pop() if len(styles) == 1 else style, len(styles) > 1)


def _cells(line: str, mark: str) -> list[str]:
    """The cells of a line; empty ones after the last that is needed are not there."""
    cells = [cell.strip().strip('"').strip() for cell in line.split(mark)]
    needed = 5 if _DAY.fullmatch(cells[0]) else 4
    while len(cells) > needed and not cells[-1]:
        cells.pop()
    return cells


def _styles(rows: Iterable[tuple[int, str, list[str]]]) -> set[DecimalStyle]:
    """What the numbers themselves say: of prices, which are whole, marks before three digits part thousands."""
    found = set()
    for _number, _text, cells in rows:
        if len(cells) < 2:
            continue
        if grouped := _GROUPED.fullmatch(cells[-1]):
            found.add(DecimalStyle.COMMA if grouped[1] == "." else DecimalStyle.POINT)
        if (sure := evidence(cells[-2])) is not None:
            found.add(sure)
    return found


def _line(row: tuple[int, str, list[str]], paste: Paste, contracts: Mapping[Key, tuple[int, str]], on: date) -> Line:
    number, text, cells = row
    line = Line(number, text)
    try:
        _read(line, cells, paste, contracts, on)
    except Refused as refused:
        line.fault = str(refused)
    return line


def _read(line: Line, cells: list[str], paste: Paste, contracts: Mapping[Key, tuple[int, str]], on: date) -> None:
    cells = _four(cells)
    if _NOTHING.fullmatch(cells[2]):
        line.left_out = True
        return
    key = _key(cells[0], on)
    if key not in contracts:
        raise Refused("unknown_contract", _none_there(key, cells[0], contracts))
    line.contract_id, line.interval = contracts[key]
    if (side := SIDES.get(cells[1].lower())) is None:
        raise Refused("side", _("“{text}” is no side; write buy or sell.").format(text=cells[1][:20]))
    if paste.mixed and _DOUBTFUL.fullmatch(cells[2]):
        told = _("“{text}” can be read in two ways; write it without marks between thousands.")
        raise Refused("doubtful", told.format(text=cells[2]))
    line.side, line.wh = side, quantity_wh(cells[2], paste.style)
    line.price = price(cells[3], paste.style)


def _none_there(key: Key, when: str, contracts: Mapping[Key, tuple[int, str]]) -> str:
    """Why a time names no interval: none is open then, or none ever begins at that minute."""
    minutes = sorted({time[3:] for _, time in contracts})
    if minutes and key[1][3:] not in minutes:
        told = _("No interval begins at {when}; here they begin at minute {minutes} of an hour.")
        return told.format(when=when, minutes=", ".join(minutes))
    return _("There is no open interval at {when}.").format(when=when)


def _four(cells: list[str]) -> list[str]:
    """Interval, side, kWh, price; a day of its own is put before the time."""
    if len(cells) == 5 and _DAY.fullmatch(cells[0]):
        return [f"{cells[0]} {cells[1]}", *cells[2:]]
    if len(cells) != 4:
        raise Refused("columns", _("A line needs 4 columns: interval, side, kWh, price; this one has {n}. Part them"
            " with tabs or semicolons where the comma is the decimal mark.").format(n=len(cells)))  # fmt: skip
    return cells


def _key(text: str, on: date) -> Key:
    day, time = _DAY.match(text), None
    rest = text[day.end() :].strip(" T,") if day else text.strip()
    time = _TIME.fullmatch(rest)
    if time is None:
        raise Refused("interval", _("“{text}” is no interval; write it like 12:30.").format(text=text[:30]))
    try:
        found = _on(day, on) if day else on
    except ValueError as error:
        raise Refused("interval", _("“{text}” is no day; write it like 2026-10-31.").format(text=text[:30])) from error
    return found, f"{int(time[1]):02}:{time[2]}"


def _on(day: "re.Match[str]", on: date) -> date:
    year, month, number = day[1] or day[6] or on.year, day[2] or day[5], day[3] or day[4]
    return date(int(year), int(month), int(number))


def repeated(lines: Sequence[Line]) -> set[int]:
    """Numbers of lines that say what the line before them says: perhaps pasted twice."""
    same = [
        (b.number, (a.contract_id, a.side, a.wh, a.price) == (b.contract_id, b.side, b.wh, b.price))
        for a, b in pairwise(each for each in lines if not each.fault and not each.left_out)
    ]
    return {number for number, twice in same if twice}
