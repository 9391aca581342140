"""The power of half hours: the curve of a day, the month's peak, and how near it comes to a limit.

A two-part tariff charges for Pmax, the highest half-hour mean of the import in a month, so a half hour is the measure
here whatever the market's interval. Its mean power in W is its import in Wh × 2. A half hour of which only a part was
metered is no peak yet; what is known of it says where it is heading, if it goes on like this.

Example: 15-minute readings of 60,000 and 45,000 Wh make a half hour of 210 kW. With only the first read, 60,000 Wh in
15 minutes head for 240 kW. Against a limit of 250 kW with a warning from 90 % (225 kW) that is `near`; 251 kW is
`over`.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, tzinfo
from typing import Literal

from units.interval import Interval

HALF_HOUR = 30
HOUR = 60
PERCENT = 100
Level = Literal["fine", "near", "over"]


@dataclass(frozen=True, slots=True)
class Metered:
    """What one interval of `minutes` took, in Wh; `estimated` where no meter said so itself."""

    start: datetime
    minutes: int
    import_wh: int
    estimated: bool = False


@dataclass(frozen=True, slots=True)
class HalfHour:
    """One half hour as far as it was metered."""

    start: datetime
    import_wh: int
    minutes: int
    estimated: bool

    @property
    def complete(self) -> bool:
        """Whether all of it was metered."""
        return self.minutes == HALF_HOUR

    @property
    def power_w(self) -> int:
        """The mean power of what was metered, in W, rounded down."""
        return self.import_wh * HOUR // self.minutes


@dataclass(frozen=True, slots=True)
class Guard:
    """A limit in W, and the per cent of it from which to warn."""

    limit_w: int
    warn_pct: int

    @property
    def warn_w(self) -> int:
        """From here on it is near, in W, rounded up."""
        return -(-self.limit_w * self.warn_pct // PERCENT)

    def level(self, power_w: int) -> Level:
        """What a power is against the limit: to reach it is allowed, to exceed it is not."""
        if power_w > self.limit_w:
            return "over"
        return "near" if power_w >= self.warn_w else "fine"

    def over_w(self, power_w: int) -> int:
        """By how much a power exceeds the limit, in W."""
        return max(0, power_w - self.limit_w)


def half_hours(metered: Iterable[Metered], zone: tzinfo) -> list[HalfHour]:
    """The half hours of the zone's clock in which anything was metered, in order."""
    found: dict[datetime, list[Metered]] = defaultdict(list)
    for each in metered:
        found[Interval.of(each.start, HALF_HOUR, zone).start].append(each)
    return [
        HalfHour(
            start,
            sum(each.import_wh for each in parts),
            sum(each.minutes for each in parts),
            any(each.estimated for each in parts),
        )
        for start, parts in sorted(found.items())
    ]


def peak(half_hours: Iterable[HalfHour]) -> HalfHour | None:
    """The highest complete half hour, the earliest of equals; None where there is none that took anything."""
    whole = [each for each in half_hours if each.complete and each.import_wh]
    return max(whole, key=lambda each: each.import_wh) if whole else None


def charge_millidong(power_w: int, price_per_kw: int) -> int:
    """What a power costs at a price in đồng per kW, in milli-đồng, exactly (W × đồng/kW)."""
    return power_w * price_per_kw
