"""readings.csv: what every participant used and made in every interval, in Wh, one line for each.

Load is gross (before storage, and without the cars of devices.csv); generation is the roof's. Every participant needs
every interval: a missing reading is estimated on a live market, but a scene that leaves one out is a mistake in its
making, and silently estimating it would make the backtest's report wrong. A gap is told once, with its length.
"""

import numpy as np

from simulator.domain.scene.errors import Faults
from simulator.domain.scene.model import Calendar, Int64Array, Participant
from simulator.domain.scene.moments import hours, read_moment, show
from simulator.domain.scene.table import Columns, Row, read_rows

FILE = "readings.csv"
COLUMNS = Columns(required=("participant", "start", "load_wh", "generation_wh"))


class _Filling:
    """The arrays while they fill. `line_of` holds the line each reading came from, 0 where none has come yet."""

    def __init__(self, participants: list[Participant], written: frozenset[str], calendar: Calendar) -> None:
        self.written, self.told = written, set[str]()
        self.row_of = {participant.key: number for number, participant in enumerate(participants)}
        self.calendar = calendar
        shape = (len(participants), calendar.count)
        self.load_wh = np.zeros(shape, dtype=np.int64)
        self.generation_wh = np.zeros(shape, dtype=np.int64)
        self.line_of = np.zeros(shape, dtype=np.int64)
        self.known_starts: dict[str, int] = {}

    def take(self, row: Row) -> None:
        """Put one line in its place, or note what is wrong with it."""
        number, interval = self._participant(row), self._interval(row)
        load, generation = row.whole("load_wh"), row.whole("generation_wh")
        if number is None or interval is None:
            return
        if earlier := self.line_of[number, interval]:
            row.fault("start", "duplicate_reading", f"Line {earlier} already reads this interval; keep one of the two.")
            return
        self.line_of[number, interval] = row.line
        if load is not None and generation is not None:
            self.load_wh[number, interval], self.generation_wh[number, interval] = load, generation

    def _participant(self, row: Row) -> int | None:
        key = row.text("participant")
        if key is None:
            return None
        number = self.row_of.get(key)
        if number is None and key not in self.written and key not in self.told:
            self.told.add(key)
            told = f"‘{key}’ is not in participants.csv; add it there or take its readings out."
            row.fault("participant", "unknown_participant", told)
        return number

    def _interval(self, row: Row) -> int | None:
        text = row.values["start"]
        if text in self.known_starts:
            return self.known_starts[text]
        moment = read_moment(row, "start", self.calendar.zone)
        if moment is None:
            return None
        number = self.calendar.index_of(moment)
        if number is None or number == self.calendar.count:
            first, last = (show(at, self.calendar.zone) for at in (self.calendar.starts[0], self.calendar.starts[-1]))
            told = f"No interval of the scene starts at {text}; they start every "
            told += f"{self.calendar.interval_minutes} minutes from {first} to {last}."
            row.fault("start", "outside_scene", told)
            return None
        self.known_starts[text] = number
        return number


def parse_readings(
    content: bytes, participants: list[Participant], written: frozenset[str], calendar: Calendar, faults: Faults
) -> tuple[Int64Array, Int64Array]:
    """Load and generation, Wh, participants × intervals, int64 and read-only.

    `written` are all the keys in participants.csv, also those of lines with faults; an unknown key is told once.
    """
    before = len(faults.errors)
    filling = _Filling(participants, written, calendar)
    for row in read_rows(FILE, content, COLUMNS, faults):
        filling.take(row)
    if len(faults.errors) == before:
        _tell_gaps(filling, participants, faults)
    filling.load_wh.setflags(write=False)
    filling.generation_wh.setflags(write=False)
    return filling.load_wh, filling.generation_wh


def _tell_gaps(filling: _Filling, participants: list[Participant], faults: Faults) -> None:
    calendar = filling.calendar
    for number, participant in enumerate(participants):
        missing = np.flatnonzero(filling.line_of[number] == 0)
        if not missing.size:
            continue
        for gap in np.split(missing, np.flatnonzero(np.diff(missing) > 1) + 1):
            begins = show(calendar.starts[int(gap[0])], calendar.zone)
            length = hours(len(gap), calendar.interval_minutes)
            told = f"‘{participant.key}’ has no reading for {length} h from {begins}; "
            after = int(filling.line_of[number, gap[0] - 1]) if gap[0] else 0
            told += f"add {len(gap)} lines." if len(gap) > 1 else "add the line."
            faults.add(FILE, after or None, "start", "missing_interval", told)
