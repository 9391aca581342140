"""What a participant will use and make in an interval: persistence, the forecast that any better one has to beat.

The mean of the same interval of the day over the last three days of the same kind (working day or weekend) whose
readings are in; where there is none, the same interval of the last day that has one. A participant without any reading
at that time of day has no forecast, and nothing is offered or asked for it: an order without a reason is a bet.

Example: Tuesday 10:00, known so far Thursday 900, Friday 1,100, Saturday 300, Sunday 200, Monday 1,000 Wh → the mean of
Monday, Friday and Thursday, 1,000 Wh. A week old market on its first Saturday takes Friday.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

PERSISTENCE = "persistence"
SAME_KIND_DAYS = 3
DAYS_BACK = 9
_SATURDAY = 5


@dataclass(frozen=True, slots=True)
class Energy:
    """Gross load and generation in one interval, Wh ≥ 0."""

    load_wh: int
    generation_wh: int

    @property
    def net_wh(self) -> int:
        """Surplus (+) or need (−) before any storage acts."""
        return self.generation_wh - self.load_wh


def same_time_before(start: datetime, known_until: datetime, minutes: int, zone: ZoneInfo) -> list[datetime]:
    """The starts whose readings can tell of `start`, best first: days of the same kind, and then the last day of all.

    `known_until` is the end of the last interval that can have been read.
    """
    days = [start - timedelta(days=back) for back in range(1, DAYS_BACK + 1)]
    known = [day for day in days if day + timedelta(minutes=minutes) <= known_until]
    kind = _is_weekend(start, zone)
    alike = [day for day in known if _is_weekend(day, zone) == kind][:SAME_KIND_DAYS]
    others = [day for day in known if day not in alike]
    return alike + others[:1]


def persistence(
    start: datetime, candidates: Sequence[datetime], history: Mapping[datetime, Energy], zone: ZoneInfo
) -> Energy | None:
    """The forecast from what was read at the candidates of `same_time_before`; None where nothing was.

    Means are rounded to the nearest Wh.
    """
    kind = _is_weekend(start, zone)
    known = [day for day in candidates if day in history]
    alike = [history[day] for day in known if _is_weekend(day, zone) == kind] or [history[day] for day in known[:1]]
    if not alike:
        return None
    return Energy(_mean([day.load_wh for day in alike]), _mean([day.generation_wh for day in alike]))


def _is_weekend(moment: datetime, zone: ZoneInfo) -> bool:
    return moment.astimezone(zone).weekday() >= _SATURDAY


def _mean(values: Sequence[int]) -> int:
    return (2 * sum(values) + len(values)) // (2 * len(values))
