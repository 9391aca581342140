"""A month's use over the tiers of a tariff, to the Wh.

A tier is a part of a month's use at a price of its own: the first 50 kWh at 1,984, the next 50 at 2,050, and so on.
When prices change within a month, or a customer is there for a part of it, each stretch of days is billed by itself,
and the bounds of its tiers shrink to its share of the month's days: rounded down to the Wh, and where the stretches
make up the whole month the last one takes what the rounding left, so that no tier grows or shrinks.

Example: June (30 days), 160,000 Wh, tiers up to 50,000 Wh, up to 100,000 Wh and above; new prices from June 11. The
bounds are 16,666 and 33,333 Wh for 10 days, 33,334 and 66,667 Wh for 20 days. Where only the month's total is known it
is shared by days too: 53,333 Wh are 16,666 + 16,667 + 20,000, and 106,667 Wh are 33,334 + 33,333 + 40,000.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date


@dataclass(frozen=True, slots=True)
class Tier:
    """The Wh [from_wh, to_wh) of a whole month at `price` đồng/kWh; `to_wh` None: all above."""

    from_wh: int
    to_wh: int | None
    price: int


@dataclass(frozen=True, slots=True)
class TierSpan:
    """Days [first_on, end_on) of one month on which these tiers hold, from 0 Wh upwards without a hole."""

    first_on: date
    end_on: date
    tiers: tuple[Tier, ...]

    @property
    def days(self) -> int:
        """How many days the span has."""
        return (self.end_on - self.first_on).days


@dataclass(frozen=True, slots=True)
class TierShare:
    """`wh` of a span that fall into one tier, whose bounds [from_wh, to_wh) are those of the span's days."""

    first_on: date
    end_on: date
    from_wh: int
    to_wh: int | None
    wh: int
    price: int

    @property
    def amount_millidong(self) -> int:
        """What it costs: Wh × đồng/kWh."""
        return self.wh * self.price


class TiersRejected(ValueError):
    """A use or tiers that cannot be split; `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


def split(wh: int | Sequence[int], spans: Sequence[TierSpan], month_days: int | None = None) -> list[TierShare]:
    """A month's Wh over the tiers of its spans, in order of date and tier, without those that get nothing.

    `wh`: the month's total, shared over the spans by days (rounded down, the last takes the rest), or the metered Wh of
    each span. `month_days`: the days of the month, where the spans are not all of it. The shares add up to `wh`. Raises
    TiersRejected (`tiers_of_no_days`, `tiers_out_of_order`, `use_below_zero`, `use_per_span`).
    """
    days = [span.days for span in spans]
    whole = sum(days) if month_days is None else month_days
    _check(spans, whole)
    own = _by_days(wh, days, sum(days)) if isinstance(wh, int) else list(wh)
    if len(own) != len(spans):
        raise TiersRejected("use_per_span", f"There are {len(spans)} stretches of days and {len(own)} figures of use.")
    if any(part < 0 for part in own):
        raise TiersRejected("use_below_zero", "A month's use is 0 Wh or more.")
    return [share for number, part in enumerate(own) for share in _fill(part, spans, number, days, whole)]


def tier_bound(bound_wh: int, days: Sequence[int], number: int, month_days: int) -> int:
    """A bound of a whole month as it is for the span `number` of these lengths in days."""
    if number == len(days) - 1 and sum(days) == month_days:
        return bound_wh - sum(bound_wh * earlier // month_days for earlier in days[:-1])
    return bound_wh * days[number] // month_days


def _by_days(wh: int, days: Sequence[int], whole: int) -> list[int]:
    return [tier_bound(wh, days, number, whole) for number in range(len(days))]


def _fill(wh: int, spans: Sequence[TierSpan], number: int, days: Sequence[int], whole: int) -> Iterator[TierShare]:
    span, low, left = spans[number], 0, wh
    for tier in span.tiers:
        high = None if tier.to_wh is None else max(low, tier_bound(tier.to_wh, days, number, whole))
        part = left if high is None else min(left, high - low)
        if part:
            yield TierShare(span.first_on, span.end_on, low, high, part, tier.price)
        left, low = left - part, low if high is None else high


def _check(spans: Sequence[TierSpan], month_days: int) -> None:
    if not spans or any(span.days < 1 for span in spans) or sum(span.days for span in spans) > month_days:
        raise TiersRejected("tiers_of_no_days", "Each stretch needs a day at least, and all of them fit in the month.")
    for span in spans:
        reached: int | None = 0
        for tier in span.tiers:
            if tier.from_wh != reached or (tier.to_wh is not None and tier.to_wh <= tier.from_wh):
                raise _disordered(span)
            reached = tier.to_wh
        if not span.tiers or reached is not None:
            raise _disordered(span)


def _disordered(span: TierSpan) -> TiersRejected:
    told = f"The tiers from {span.first_on.isoformat()} must go from 0 Wh upwards without a hole, the last one open."
    return TiersRejected("tiers_out_of_order", told)
