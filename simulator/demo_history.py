"""What the demo's meters showed before its first day: every roof and every load, with the batteries at rest.

Nothing is looked up: the campus model gives the same Wh for the same interval at any time, so a history that is asked
for twice is the same twice.
"""

from collections.abc import Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from meters.operations import NewReading
from simulator.domain.campus import CampusModel
from simulator.domain.demo import DemoMember, demo_members
from simulator.domain.past import INTERVAL_MINUTES
from simulator.domain.physics import through_meters

SEED = 2026
TIMEZONE = "Asia/Ho_Chi_Minh"
STEP = timedelta(minutes=INTERVAL_MINUTES)
MODEL = CampusModel(seed=SEED)
MODEL_ZONE = ZoneInfo(TIMEZONE)


def starts_between(start: datetime, end: datetime) -> list[datetime]:
    """The beginnings of the intervals in [start, end)."""
    return [start + STEP * number for number in range((end - start) // STEP)]


def readings_at(starts: Sequence[datetime]) -> list[NewReading]:
    """The readings of every meter for intervals that follow each other."""
    return [row for member in demo_members() for row in _readings_of(member, starts)]


def _readings_of(member: DemoMember, starts: Sequence[datetime]) -> list[NewReading]:
    key = member.participant.key
    load, generation = MODEL.intervals(key, member.shape, member.params, starts[0], INTERVAL_MINUTES, len(starts))
    rows = []
    for start, wh in zip(starts, (generation - load).tolist(), strict=True):
        parts = (through_meters(side, len(member.points)) for side in (max(0, -wh), max(0, wh)))
        rows += [NewReading(code, start, *energy) for code, *energy in zip(member.points, *parts, strict=True)]
    if member.participant.pv_peak_w:
        rows += [NewReading(f"{key}.pv", start, 0, wh) for start, wh in zip(starts, generation.tolist(), strict=True)]
    if member.stores:
        rows += [NewReading(f"{key}.store", start, 0, 0) for start in starts]
    return rows
