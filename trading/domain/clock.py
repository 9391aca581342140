"""What time it is in a market: the wall clock, or a clock of the market's own that runs faster.

A market on live meters keeps the wall's time. A simulated one is given a moment to start from and a rate, so that a
newcomer sees a day pass in minutes; nothing else in the house knows the difference.

Example: a clock set to 06:00 when the wall showed 14:00:00, at rate 60, shows 06:30 when the wall shows 14:00:30.
"""

from datetime import datetime, timedelta


def market_time(wall: datetime, *, rate: int, clock_at: datetime | None, started_at: datetime | None) -> datetime:
    """Market time = `clock_at` + (`wall` − `started_at`) × `rate`; the wall itself while the clock was never set.

    All moments carry their zone. Before `started_at` the clock stands at `clock_at`: it never runs backwards.
    """
    if clock_at is None or started_at is None:
        return wall
    return clock_at + max(wall - started_at, timedelta(0)) * rate
