"""When each metering point was last read."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db import connection

from settlement.operations.looks import SILENT_HOURS
from trading.models import Market


@dataclass(frozen=True, slots=True)
class PointRead:
    """A metering point and the end of its last interval that was read; None where none ever was."""

    code: str
    member: str
    role: str
    read_until: datetime | None


_LAST = """
    SELECT p.code, a.name, p.role, (
        SELECT r.start + make_interval(mins => r.minutes) FROM meters_reading r
        WHERE r.metering_point_id = p.id ORDER BY r.start DESC LIMIT 1
    ) AS until
    FROM meters_meteringpoint p JOIN accounts_participant a ON a.id = p.participant_id
    WHERE p.site_id = %s ORDER BY until NULLS FIRST, p.code
"""


def last_readings(market: Market) -> list[PointRead]:
    """Every point of the market's site, the longest silent first."""
    with connection.cursor() as cursor:
        cursor.execute(_LAST, (market.site_id,))
        return [PointRead(*row) for row in cursor.fetchall()]


def silent_points(market: Market, now: datetime) -> tuple[list[PointRead], int]:
    """The points that were not read for `SILENT_HOURS` of market time, and how many there are in all."""
    before = now - timedelta(hours=SILENT_HOURS)
    rows = last_readings(market)
    return [row for row in rows if row.read_until is None or row.read_until < before], len(rows)
