"""What stands in for readings that are missing or cannot be right. The method is chosen by what is known:

| method | when | each interval gets |
|---|---|---|
| similar_sun | a generation meter; other roofs were read | the other roofs' output × own share of it before |
| linear | at most two hours; the intervals beside are known | a point on the straight line between them |
| same_weekday | the same weekday of the last four weeks is known | the mean of that time of day on those days |
| day_mean | any of the seven days before is known | the mean of that time of day on those days |
| nothing | no reading of the point helps | 0 |

Where the energy of the whole stretch is known (the register was read before and after), the shape is kept and scaled to
it, and not a Wh is lost: each interval gets its share rounded down, and the largest remainders get one more.

Example: 10:00 is missing; 09:30 had 1,000 Wh, 10:30 had 1,400 Wh. The straight line says 1,200 Wh. Two missing
intervals of shape 1,000 and 3,000 whose register moved by 5,001 Wh become 1,250 and 3,751 Wh.

Practice followed: 'Standards for Validating, Editing, and Estimating Monthly and Interval Data' (California, section A:
straight line across short gaps, the mean of like days across long ones, a known register total is kept); the German
rules for substitute values (VDE-AR-N 4400) do the same.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field

SIMILAR_SUN, LINEAR, SAME_WEEKDAY, DAY_MEAN, NOTHING = "similar_sun", "linear", "same_weekday", "day_mean", "nothing"
METHODS = (SIMILAR_SUN, LINEAR, SAME_WEEKDAY, DAY_MEAN)
MOST_LINEAR_MINUTES = 120
WEEKS_BACK = 4
DAYS_BACK = 7

Wh = int
Pair = tuple[Wh, Wh]  # import, export
Day = Sequence[Pair | None]  # the wanted intervals at the same time of another day


@dataclass(frozen=True, slots=True)
class Roofs:
    """Other generation meters of the site: what they gave together in each wanted interval, and over some time before,
    in which this point gave `own_before_wh`."""

    now_wh: Sequence[Wh]
    before_wh: Wh
    own_before_wh: Wh


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What is known around `count` wanted intervals of `minutes`: the ones beside them, like days, other roofs."""

    count: int
    minutes: int
    before: Pair | None = None
    after: Pair | None = None
    weekdays: Sequence[Day] = field(default_factory=tuple)
    days: Sequence[Day] = field(default_factory=tuple)
    roofs: Roofs | None = None


@dataclass(frozen=True, slots=True)
class Estimate:
    """Import and export in Wh for each wanted interval, and the method they come from."""

    method: str
    import_wh: list[Wh]
    export_wh: list[Wh]


def propose(known: Surroundings) -> Estimate:
    """The estimate by the first method of the table that can be used."""
    made = (by_method(known, method) for method in METHODS)
    return next((each for each in made if each), None) or Estimate(NOTHING, [0] * known.count, [0] * known.count)


def by_method(known: Surroundings, method: str) -> Estimate | None:
    """The estimate by one method; None where what it needs is not known."""
    pairs = {SIMILAR_SUN: _similar_sun, LINEAR: _linear, SAME_WEEKDAY: _weekday, DAY_MEAN: _days}[method](known)
    return Estimate(method, [taken for taken, _ in pairs], [given for _, given in pairs]) if pairs else None


def usable(known: Surroundings) -> list[str]:
    """The methods that can be used, the best first."""
    return [method for method in METHODS if by_method(known, method)]


def _similar_sun(known: Surroundings) -> list[Pair] | None:
    roofs = known.roofs
    if roofs is None or roofs.before_wh <= 0:
        return None
    given = like_others(roofs.now_wh, roofs.own_before_wh, roofs.before_wh)
    taken = mean_of(known.days)
    return [(taken[place][0] if taken else 0, wh) for place, wh in enumerate(given)]


def _linear(known: Surroundings) -> list[Pair] | None:
    if known.before is None or known.after is None or known.count * known.minutes > MOST_LINEAR_MINUTES:
        return None
    taken, given = (straight_line(a, b, known.count) for a, b in zip(known.before, known.after, strict=True))
    return list(zip(taken, given, strict=True))


def _weekday(known: Surroundings) -> list[Pair] | None:
    return mean_of(known.weekdays)


def _days(known: Surroundings) -> list[Pair] | None:
    return mean_of(known.days)


def straight_line(before_wh: Wh, after_wh: Wh, count: int) -> list[Wh]:
    """`count` values between two known ones, evenly apart, to the nearest Wh."""
    steps = count + 1
    return [(2 * (before_wh * (steps - place) + after_wh * place) + steps) // (2 * steps) for place in range(1, steps)]


def mean_of(days: Sequence[Day]) -> list[Pair] | None:
    """The mean of each interval over the days that know it, to the nearest Wh; None unless each is known once."""
    made = []
    for places in zip(*days, strict=True):
        found = [pair for pair in places if pair is not None]
        if not found:
            return None
        made.append((_mean([taken for taken, _ in found]), _mean([given for _, given in found])))
    return made or None


def _mean(values: Sequence[Wh]) -> Wh:
    return (2 * sum(values) + len(values)) // (2 * len(values))


def like_others(others_now_wh: Sequence[Wh], own_before_wh: Wh, others_before_wh: Wh) -> list[Wh]:
    """What a roof gave that usually gives `own_before_wh` for the others' `others_before_wh`, rounded down."""
    return [now * own_before_wh // others_before_wh for now in others_now_wh]


def to_total(shape_wh: Sequence[Wh], total_wh: Wh) -> list[Wh]:
    """The shape, scaled to a known total; the sum is `total_wh` to the Wh. A shape of zeros is spread evenly.

    Raises ValueError for a negative total or an empty shape.
    """
    if total_wh < 0 or not shape_wh:
        raise ValueError("A total of 0 Wh or more is spread over at least one interval.")
    weights = list(shape_wh) if any(shape_wh) else [1] * len(shape_wh)
    whole = sum(weights)
    made = [weight * total_wh // whole for weight in weights]
    left = total_wh - sum(made)
    by_remainder = sorted(range(len(weights)), key=lambda place: (-(weights[place] * total_wh % whole), place))
    for place in by_remainder[:left]:
        made[place] += 1
    return made
