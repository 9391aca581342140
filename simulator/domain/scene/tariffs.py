"""tariffs.csv: retail prices by time of use, one line a window, which together cover every day once.

Windows are local half hours [from_time, to_time) on named weekdays. Night windows over midnight are written as two
lines, as the decisions do. A hole would make energy free and an overlap make two bills right, so both are faults, told
with the first day and time at which they happen within the scene.
"""

from datetime import timedelta

import numpy as np

from simulator.domain.scene.errors import Faults
from simulator.domain.scene.model import SLOT_MINUTES, SLOTS_A_DAY, Calendar, TariffRow
from simulator.domain.scene.moments import read_date, read_slot
from simulator.domain.scene.rules import Heading
from simulator.domain.scene.table import Columns, Row, read_rows

FILE = "tariffs.csv"
COLUMNS = Columns(
    required=("tariff", "from_time", "to_time", "weekdays", "price"),
    optional=("valid_from", "valid_to", "class", "voltage"),
)
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
MOST_PRICE = 100_000


def parse_tariffs(content: bytes, heading: Heading, faults: Faults) -> list[TariffRow]:
    """Every tariff window that could be read, in file order, after a check that they cover the scene."""
    before = len(faults.errors)
    read = [(row.line, window) for row in read_rows(FILE, content, COLUMNS, faults) if (window := _window(row))]
    if len(faults.errors) == before:
        _check_cover(read, heading, faults)
    return [window for _, window in read]


def _window(row: Row) -> TariffRow | None:
    tariff, weekdays = row.text("tariff"), _weekdays(row)
    from_slot, to_slot = read_slot(row, "from_time"), read_slot(row, "to_time")
    price = row.whole("price", most=MOST_PRICE)
    valid_from, valid_to = read_date(row, "valid_from"), read_date(row, "valid_to")
    if tariff is None or weekdays is None or from_slot is None or to_slot is None or price is None:
        return None
    if from_slot >= to_slot:
        told = "The window ends before it begins; write one over midnight as two lines, to 24:00 and from 00:00."
        row.fault("to_time", "window_backwards", told)
        return None
    if valid_from and valid_to and valid_from > valid_to:
        row.fault("valid_to", "validity_backwards", "valid_to is before valid_from; both days are included.")
        return None
    customer = row.values.get("class", ""), row.values.get("voltage", "")
    return TariffRow(tariff, from_slot, to_slot, weekdays, price, valid_from, valid_to, *customer)


def _weekdays(row: Row) -> frozenset[int] | None:
    text = row.text("weekdays")
    if text is None:
        return None
    if text.lower() == "all":
        return frozenset(range(7))
    days: set[int] = set()
    for part in text.lower().split():
        first, _, last = part.partition("-")
        if first not in WEEKDAYS or (last or first) not in WEEKDAYS or part.endswith("-"):
            told = f"‘{text}’ names no weekdays; write all, sun, mon-sat, or ‘mon wed fri’."
            row.fault("weekdays", "bad_weekdays", told)
            return None
        start = WEEKDAYS.index(first)
        days.update((start + step) % 7 for step in range((WEEKDAYS.index(last or first) - start) % 7 + 1))
    return frozenset(days)


def _check_cover(read: list[tuple[int, TariffRow]], heading: Heading, faults: Faults) -> None:
    calendar = Calendar(heading.timezone, heading.interval_minutes, heading.starts_on, heading.days)
    for tariff in dict.fromkeys(window.tariff for _, window in read):
        own = [(line, window) for line, window in read if window.tariff == tariff]
        covered = np.zeros((heading.days, SLOTS_A_DAY), dtype=bool)
        for line, window in own:
            _cover(covered, line, window, calendar, faults)
        _tell_hole(covered, own[0][0], tariff, heading, faults)


def _cover(covered: np.ndarray, line: int, window: TariffRow, calendar: Calendar, faults: Faults) -> None:
    days = calendar.days_of(window)
    slots = covered[days, window.from_slot : window.to_slot]
    if slots.any():
        day, slot = (int(number) for number in np.argwhere(slots)[0])
        when = _when(days[day], window.from_slot + slot, calendar)
        told = f"Tariff ‘{window.tariff}’ already has a price on {when}; let the windows meet without overlapping."
        faults.add(FILE, line, "from_time", "tariff_overlap", told)
    covered[days, window.from_slot : window.to_slot] = True


def _tell_hole(covered: np.ndarray, line: int, tariff: str, heading: Heading, faults: Faults) -> None:
    if covered.all():
        return
    day, slot = (int(number) for number in np.argwhere(~covered)[0])
    calendar = Calendar(heading.timezone, heading.interval_minutes, heading.starts_on, heading.days)
    told = f"Tariff ‘{tariff}’ has no price on {_when(day, slot, calendar)}; add a window that covers it."
    faults.add(FILE, line, None, "tariff_hole", told)


def _when(day: int, slot: int, calendar: Calendar) -> str:
    date = calendar.starts_on + timedelta(days=day)
    hour, minute = divmod(slot * SLOT_MINUTES, 60)
    return f"{WEEKDAYS[date.weekday()]} {date.isoformat()} at {hour:02}:{minute:02}"
