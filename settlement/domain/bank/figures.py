"""Amounts and dates as people and banks write them, read one way or not at all.

A file is read in one style throughout: the style that every one of its cells allows. `1.234.567` and `12,50` are
Vietnamese, `1,234,567` and `12.50` English, `5000` is both. Đồng have no third decimal, so `5.000` is five thousand,
and Vietnamese; a file that also has `12.00` allows no common style and is refused rather than guessed at.

Dates are ISO, or day first. `05/11/2026` under English headings could also be 11 May, so such a file is taken only when
another of its dates proves the day to be first.
"""

import re
from collections.abc import Sequence
from datetime import date

_ENGLISH = re.compile(r"(?P<whole>[0-9]{1,18}|[0-9]{1,3}(?:,[0-9]{3}){1,6})(?:\.(?P<rest>[0-9]{1,2}))?")
_VIETNAMESE = re.compile(r"(?P<whole>[0-9]{1,18}|[0-9]{1,3}(?:[.][0-9]{3}){1,6})(?:,(?P<rest>[0-9]{1,2}))?")
_SPACED = re.compile(r"[0-9]{1,3}(?: [0-9]{3})+(?:[.,][0-9]{1,2})?")
STYLES = {"en": _ENGLISH, "vi": _VIETNAMESE}
_UNIT = re.compile(r"\s*(?:VND|VNĐ|đồng|đ|₫)\s*", re.IGNORECASE)


class UnreadableError(ValueError):
    """A cell or a column that cannot be read in one way. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def styles_of(cell: str) -> set[str]:
    """The styles in which the cell is a number."""
    return {name for name, pattern in STYLES.items() if pattern.fullmatch(_bare(cell)[1])}


def amount_dong(cell: str, style: str) -> int:
    """Whole đồng. Raises UnreadableError `bad_amount` or `not_whole_dong`."""
    negative, digits = _bare(cell)
    match = STYLES[style].fullmatch(digits)
    if match is None:
        raise UnreadableError("bad_amount", f"“{cell[:40]}” is not an amount; write it like 1.234.567 or 1,234,567.")
    if int(match["rest"] or 0):
        raise UnreadableError("not_whole_dong", f"“{cell[:40]}” is not a whole number of đồng.")
    whole = int(re.sub("[.,]", "", match["whole"]))
    return -whole if negative else whole


def _bare(cell: str) -> tuple[bool, str]:
    """Whether the amount is negative, and its digits with their separators."""
    text = _UNIT.sub("", cell.replace("\u00a0", " ").replace("\u202f", " ")).strip()
    negative = False
    if text.startswith("(") and text.endswith(")"):
        negative, text = True, text[1:-1].strip()
    elif text[:1] in ("-", "−", "+"):
        negative, text = text[0] != "+", text[1:].strip()
    return negative, text.replace(" ", "") if _SPACED.fullmatch(text) else text


_ISO = re.compile(r"([0-9]{4})([-/.]?)([0-9]{2})\2([0-9]{2})(?:[ T].*)?")
_EUROPEAN = re.compile(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})(?:[ T].*)?")
_AFTER_TIME = re.compile(r"[0-9]{1,2}:[0-9]{2}(?::[0-9]{2})?\s+(.*)")


def read_date(cell: str) -> date:
    """A day, ISO or day first; the time of day is left out. Raises UnreadableError `bad_date`."""
    text = _dateless_time(cell)
    iso, european = _ISO.fullmatch(text), _EUROPEAN.fullmatch(text)
    try:
        if iso:
            return date(int(iso[1]), int(iso[3]), int(iso[4]))
        if european:
            return date(int(european[4]), int(european[3]), int(european[1]))
    except ValueError:
        pass
    raise UnreadableError("bad_date", f"“{cell[:40]}” is not a date; write it like 2026-11-05 or 05/11/2026.")


def _dateless_time(cell: str) -> str:
    text = cell.strip()
    timed = _AFTER_TIME.fullmatch(text)
    return timed[1] if timed else text


def check_day_first(cells: Sequence[str], *, vietnamese: bool) -> None:
    """Raises UnreadableError `ambiguous_date` where days and months of the column could be the other way round."""
    found = [_EUROPEAN.fullmatch(_dateless_time(cell)) for cell in cells]
    pairs = [(int(match[1]), int(match[3])) for match in found if match and match[2] != "."]
    if any(day <= 12 < month for day, month in pairs):
        raise UnreadableError("ambiguous_date", f"The dates have the month first; {_WRITE_ISO}")
    unproven = pairs and not vietnamese and not any(day > 12 for day, _ in pairs)
    if unproven and any(day != month for day, month in pairs):
        day, month = next(pair for pair in pairs if pair[0] != pair[1])
        told = f"{day:02}/{month:02} can be the {day}th day of month {month} or the {month}th day of month {day}"
        raise UnreadableError("ambiguous_date", f"{told}; {_WRITE_ISO}")


_WRITE_ISO = "save the file with dates like 2026-11-05."
