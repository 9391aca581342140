"""From what a site's clock shows to the moment, refusing what it never shows or shows twice.

Berlin, 2026: `03-29 02:30` never was (clocks went from 02:00 to 03:00); `10-25 02:30` was twice. Which one is meant
cannot be known, so the file must say it with an offset.
"""

from datetime import datetime, timedelta, tzinfo

from meters.domain.readings_csv.errors import CellTextError
from units.interval import MS_PER_MINUTE, from_ms, offset_label

_MS_PER_DAY = 24 * 60 * MS_PER_MINUTE
_MS = timedelta(milliseconds=1)


class SiteClock:
    """The wall clock in `tz`. Remembers the offset of whole days, since nearly all days have only one."""

    def __init__(self, tz: tzinfo) -> None:
        self.tz = tz
        self._offset_of_day: dict[int, int | None] = {}

    def utc_ms(self, shown_ms: int, text: str) -> int:
        """The UTC ms at which the clock shows `shown_ms` (counted as if it were UTC); `text` is for the message.

        Raises CellTextError `no_such_local_time` or `ambiguous_local_time`.
        """
        day = shown_ms // _MS_PER_DAY
        if day not in self._offset_of_day:
            self._offset_of_day[day] = self._offset_throughout(day)
        offset_ms = self._offset_of_day[day]
        return shown_ms - (self._offset_at(shown_ms, text) if offset_ms is None else offset_ms)

    def _offset_throughout(self, day: int) -> int | None:
        """The offset of a day in ms; None where clocks change in it (no zone changes them there and back in a day)."""
        ends = (self._both(day * _MS_PER_DAY), self._both((day + 1) * _MS_PER_DAY))
        offsets = {local.utcoffset() for end in ends for local in end}
        return (offsets.pop() or timedelta(0)) // _MS if len(offsets) == 1 else None

    def _both(self, shown_ms: int) -> tuple[datetime, datetime]:
        """The two moments that the clock may mean, the same one twice on nearly all occasions."""
        local = from_ms(shown_ms).replace(tzinfo=self.tz)
        return local, local.replace(fold=1)

    def _offset_at(self, shown_ms: int, text: str) -> int:
        early, late = self._both(shown_ms)
        before, after = early.utcoffset() or timedelta(0), late.utcoffset() or timedelta(0)
        if before < after:
            message = f"“{text}” never was: clocks jump over it. Give times with an offset such as +02:00."
            raise CellTextError("no_such_local_time", message)
        if before > after:
            both = f"{offset_label(early)} and {offset_label(late)}"
            raise CellTextError("ambiguous_local_time", f"“{text}” was twice, {both}. Give times with an offset.")
        return before // _MS
