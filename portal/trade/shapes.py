"""A day's shape for the bulk ticket: how much of a total falls on each interval.

Shapes are weights by the minute of the local day, in parts of 10,000 of the highest; a total is shared out in whole
lots by them, so the shares add up to the total (rounded down to a lot).

    flat      the same in every interval
    morning   from 6:00 up to 9:00 and down to 12:00
    solar     the sun's bell from 6:00 to 18:00, highest at noon
    yesterday what the participant's own meters took (to buy) or gave (to sell) at the same time of the day before
"""

import math
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.utils.translation import gettext_lazy as _

from meters.queries import curve
from trading.api.shapes import Side
from units.energy import largest_remainder

FULL = 10_000
HOUR = 60
SHAPES = (
    ("flat", _("Flat: the same in every interval")),
    ("morning", _("Morning peak: 6:00–12:00, highest at 9:00")),
    ("solar", _("Solar bell: 6:00–18:00, highest at noon")),
    ("yesterday", _("As your own meters measured the day before")),
)


def weight(shape: str, minute: int) -> int:
    """The weight of the interval whose middle is at this minute of the local day."""
    if shape == "flat":
        return FULL
    if shape == "morning":
        return max(0, FULL - FULL * abs(minute - 9 * HOUR) // (3 * HOUR))
    part = (minute - 6 * HOUR) / (12 * HOUR)
    return round(FULL * math.sin(math.pi * part)) if 0 < part < 1 else 0


def share_out(total_wh: int, weights: Sequence[int], lot_wh: int) -> list[int]:
    """The total in whole lots over the weights; what is less than a lot of the total is left out."""
    if not any(weights):
        return [0] * len(weights)
    return [lots * lot_wh for lots in largest_remainder(total_wh // lot_wh, weights)]


def by_clock(shape: str, starts: Sequence[datetime], minutes: int, zone: ZoneInfo) -> list[int]:
    """The weights of these intervals."""
    local = [start.astimezone(zone) for start in starts]
    return [weight(shape, at.hour * HOUR + at.minute + minutes // 2) for at in local]


def day_before(site_id: int, participant_id: int, starts: Sequence[datetime], side: Side, zone: ZoneInfo) -> list[int]:
    """What the participant's meters took or gave, in Wh, at the same local times a day earlier; 0 where unread."""
    before = [(start.astimezone(zone) - timedelta(days=1)) for start in starts]
    if not before:
        return []
    rows = curve(site_id, participant_id, before[0], before[-1] + timedelta(hours=1))
    read: Mapping[datetime, int] = {row.start: row.import_wh if side == "buy" else row.export_wh for row in rows}
    return [read.get(at, 0) for at in before]
