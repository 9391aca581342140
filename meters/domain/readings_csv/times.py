"""The `start` column: one form for the whole file, read to UTC milliseconds on the market's grid.

| form | example | means |
|---|---|---|
| ISO with offset | `2026-06-01T11:30+07:00`, `2026-06-01 04:30Z` | that moment |
| ISO | `2026-06-01 11:30` | the clock of the site |
| day first | `01/06/2026 11:30` | the clock of the site, as in Việt Nam: day/month/year |

Where clocks change, a local time may not exist (spring) or happen twice (autumn). Neither is guessed: such a file must
carry offsets. A time is on the grid if the site's clock shows a multiple of the interval.
"""

import re
from collections.abc import Callable
from datetime import UTC, datetime, time, tzinfo
from enum import Enum
from functools import lru_cache

from meters.domain.readings_csv.errors import CellTextError
from meters.domain.readings_csv.site_clock import SiteClock
from units.interval import MS_PER_MINUTE, local_ms, to_ms


class TimeForm(Enum):
    """The value is what a user calls it."""

    OFFSET = "YYYY-MM-DD HH:MM with an offset"
    LOCAL = "YYYY-MM-DD HH:MM"
    DAY_FIRST = "DD/MM/YYYY HH:MM"


_ISO_DAY = r"([0-9]{4}-[0-9]{2}-[0-9]{2})[T ]"
_CLOCK = r"([0-9]{1,2}:[0-9]{2}(?::[0-9]{2}(?:\.0+)?)?)"
_PATTERNS = {
    TimeForm.OFFSET: re.compile(rf"{_ISO_DAY}{_CLOCK} ?(Z|[+-][0-9]{{2}}:?[0-9]{{2}})"),
    TimeForm.LOCAL: re.compile(_ISO_DAY + _CLOCK),
    TimeForm.DAY_FIRST: re.compile(r"([0-9]{1,2}/[0-9]{1,2}/[0-9]{4}) " + _CLOCK),
}
_YEARS = range(2000, 2100)


def form_of(texts: list[str]) -> TimeForm:
    """The form of the first text that has one (the file must keep to it); LOCAL where none has."""
    for text in texts:
        for form, pattern in _PATTERNS.items():
            if pattern.fullmatch(text.strip()):
                return form
    return TimeForm.LOCAL


def time_reader(form: TimeForm, tz: tzinfo, minutes: int, not_after: datetime | None) -> Callable[[str], int]:
    """A function from text to the interval's start in UTC ms; it raises CellTextError.

    Codes: `empty_cell`, `bad_time`, `mixed_time_forms`, `no_such_local_time`, `ambiguous_local_time`, `off_grid`,
    `in_the_future` (the interval would end after `not_after`).
    """
    step_ms = minutes * MS_PER_MINUTE
    latest_ms = None if not_after is None else to_ms(not_after)
    site = SiteClock(tz)

    def start_ms(text: str) -> int:
        shown_ms, at_ms = _moment(text.strip(), form, site)
        if shown_ms % step_ms:
            raise CellTextError(
                "off_grid", f"“{text}” is not the start of a {minutes}-minute interval; give its start."
            )
        if latest_ms is not None and at_ms + step_ms > latest_ms:
            raise CellTextError("in_the_future", f"The interval from “{text}” is not over yet; remove the row.")
        return at_ms

    return start_ms


def _moment(text: str, form: TimeForm, site: SiteClock) -> tuple[int, int]:
    """What the site's clock shows (ms as if it were UTC), and the moment (UTC ms)."""
    found = _PATTERNS[form].fullmatch(text)
    if found is None:
        raise _not_in_form(text, form)
    try:
        written_ms = _day_ms(found[1]) + _clock_ms(found[2])
        if form is not TimeForm.OFFSET:
            return written_ms, site.utc_ms(written_ms, text)
        at_ms = written_ms - _offset_ms(found[3])
        return local_ms(at_ms, site.tz), at_ms
    except ValueError as problem:
        if isinstance(problem, CellTextError):
            raise
        raise CellTextError("bad_time", f"“{text}” is not a moment of this century; read as {form.value}.") from None


def _not_in_form(text: str, form: TimeForm) -> CellTextError:
    if not text:
        return CellTextError("empty_cell", f"Empty; give the start of the interval as {form.value}.")
    if any(pattern.fullmatch(text) for pattern in _PATTERNS.values()):
        return CellTextError(
            "mixed_time_forms", f"“{text}” is written unlike the first rows; write all as {form.value}."
        )
    return CellTextError("bad_time", f"“{text[:40]}” is not a time; write it as {form.value}.")


@lru_cache(maxsize=4096)
def _day_ms(text: str) -> int:
    """`2026-06-01` or `1/6/2026`, in ms since 1970. Raises ValueError where there is no such day in the century."""
    year, month, day = map(int, text.split("-")) if "-" in text else map(int, reversed(text.split("/")))
    if year not in _YEARS:
        raise ValueError
    return to_ms(datetime(year, month, day, tzinfo=UTC))


@lru_cache(maxsize=4096)
def _clock_ms(text: str) -> int:
    """`9:30` or `09:30:00`, in ms since midnight. Raises ValueError where no clock shows that."""
    hours, minutes, seconds = map(int, (*text.partition(".")[0].split(":"), "0")[:3])
    clock = time(hours, minutes, seconds)
    return (clock.hour * 60 + clock.minute) * MS_PER_MINUTE + clock.second * 1_000


@lru_cache(maxsize=64)
def _offset_ms(text: str) -> int:
    """`Z`, `+07:00` or `-0330`, in ms. Raises ValueError where there is no such offset."""
    if text == "Z":
        return 0
    size = _clock_ms(f"{text[1:3]}:{text[-2:]}")
    return -size if text[0] == "-" else size
