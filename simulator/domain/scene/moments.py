"""Moments as people write them: with an offset, or without, meaning the market's local time.

A local time that does not exist (the hour summer time skips) or exists twice (the hour it repeats) cannot be guessed:
`2026-10-25T02:30` in Paris is two moments. The fault asks for the offset: `2026-10-25T02:30+02:00`.
"""

from datetime import UTC, date, datetime, time, timedelta
from zoneinfo import ZoneInfo

from simulator.domain.scene.model import SLOT_MINUTES, SLOTS_A_DAY
from simulator.domain.scene.rules import FIRST_YEAR, LAST_YEAR
from simulator.domain.scene.table import Row


def read_moment(row: Row, column: str, zone: ZoneInfo) -> datetime | None:
    """The UTC moment in a column; None with a fault noted where it is none."""
    text = row.text(column)
    if text is None:
        return None
    try:
        moment = datetime.fromisoformat(text)
        if not FIRST_YEAR <= moment.year <= LAST_YEAR:
            raise ValueError
    except ValueError:
        row.fault(column, "bad_time", f"‘{text}’ is no time; write 2026-06-01T00:30, or with an offset, +07:00.")
        return None
    if moment.tzinfo is not None:
        return moment.astimezone(UTC)
    return _local(row, column, text, moment, zone)


def _local(row: Row, column: str, text: str, moment: datetime, zone: ZoneInfo) -> datetime | None:
    earlier, later = (moment.replace(tzinfo=zone, fold=fold).astimezone(UTC) for fold in (0, 1))
    if earlier.astimezone(zone).replace(tzinfo=None) != moment:
        row.fault(column, "no_such_local_time", f"{text} does not exist: summer time skips it. Leave the line out.")
        return None
    if earlier != later:
        told = f"{text} exists twice, as summer time ends; write it with its offset, such as {_iso(later, zone)}."
        row.fault(column, "ambiguous_local_time", told)
        return None
    return earlier


def _iso(moment: datetime, zone: ZoneInfo) -> str:
    return moment.astimezone(zone).isoformat(timespec="minutes")


def read_slot(row: Row, column: str) -> int | None:
    """A local half hour (00:00 … 24:00) as a slot number 0 … 48."""
    text = row.text(column)
    if text is None:
        return None
    if text in ("24:00", "24:00:00"):
        return SLOTS_A_DAY
    try:
        moment = time.fromisoformat(text)
    except ValueError:
        moment = time(0, 1)
    slot, remainder = divmod(moment.hour * 60 + moment.minute, SLOT_MINUTES)
    if remainder or moment.second or moment.tzinfo is not None:
        row.fault(column, "not_half_hour", f"‘{text}’ is no half hour; write 09:30, or 24:00 for the end of the day.")
        return None
    return slot


def read_date(row: Row, column: str) -> date | None:
    """A local date; an empty value is None without a fault."""
    if not row.has(column):
        return None
    try:
        return date.fromisoformat(row.values[column])
    except ValueError:
        row.fault(column, "bad_date", f"‘{row.values[column]}’ is no date; write 2026-06-01, or nothing.")
        return None


def show(moment: datetime, zone: ZoneInfo) -> str:
    """A moment as a reader of the market's clock would write it."""
    return _iso(moment, zone)


def hours(count: int, minutes: int) -> str:
    """How long a number of intervals lasts, for a sentence."""
    return str(timedelta(minutes=count * minutes))
