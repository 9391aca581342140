"""When a reminder is due: three levels, by the days since the due date; each is sent once for a document.

| days overdue | level | tone |
|---|---|---|
| 3 to 13 | 1 | friendly: it may have been overlooked |
| 14 to 29 | 2 | firm |
| 30 and more | 3 | last before other steps |

A level that was never reached in time is not sent afterwards: who first looks on day 20 sends level 2 alone.
"""

from collections.abc import Collection, Sequence

LEVEL_DAYS = (3, 14, 30)
LEAST_DONG = 1_000  # below this a reminder costs more than it brings


def level_reached(days_overdue: int, levels: Sequence[int] = LEVEL_DAYS) -> int:
    """The level by age alone: 0 where none is due."""
    return sum(days_overdue >= days for days in levels)


def level_due(days_overdue: int, sent: Collection[int], levels: Sequence[int] = LEVEL_DAYS) -> int | None:
    """The level to send now, or None where that one, or a later one, has been sent."""
    level = level_reached(days_overdue, levels)
    return level if level > max(sent, default=0) else None


def held_back(*, open_dong: int, disputed: bool, address: str) -> str:
    """Why a due reminder is not sent, as a stable code; empty where nothing speaks against it."""
    if open_dong < LEAST_DONG:
        return "below_minimum"
    if disputed:
        return "disputed"
    return "" if address else "no_address"
