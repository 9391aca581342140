"""What buildings use, by kind: the shape of a working day, a Saturday and a Sunday, and how restless it is.

Each shape is 24 hourly weights, joined by straight lines and scaled so that its mean over a week is 1; a member's mean
load in W times the shape times a random course of mean 1 is its load. The weights are our own sketches of how such
buildings live in southern Việt Nam (early mornings, a rest at noon, cooling through the afternoon, homes lit by 18:00),
not measurements.
"""

from dataclasses import dataclass

import numpy as np

from simulator.domain.noise import FloatArray, Int64Array, stream, wandering

SATURDAY, SUNDAY = 5, 6


@dataclass(frozen=True, slots=True)
class Shape:
    """Hourly weights from midnight; `restlessness` is the spread of the logarithm of the load."""

    weekday: tuple[float, ...]
    saturday: tuple[float, ...]
    sunday: tuple[float, ...]
    restlessness: float

    def weekly(self) -> FloatArray:
        """The three days as (3, 25) weights with a mean of 1 over the week; hour 24 repeats hour 0."""
        days = np.array([self.weekday, self.saturday, self.sunday], dtype=np.float64)
        mean = (5 * days[0] + days[1] + days[2]).sum() / (7 * 24)
        return np.concatenate([days, days[:, :1]], axis=1) / mean


def _hours(*runs: tuple[int, float]) -> tuple[float, ...]:
    return tuple(weight for count, weight in runs for _ in range(count))


_HOME = _hours((5, 0.6), (2, 1.0), (3, 0.7), (2, 0.9), (2, 1.1), (3, 0.7), (1, 1.1), (4, 1.9), (1, 1.5), (1, 0.9))
_HOME_WEEKEND = _hours((6, 0.6), (2, 0.9), (4, 1.1), (3, 1.4), (3, 1.1), (4, 1.8), (1, 1.4), (1, 0.9))
_DORM = _hours((5, 0.8), (2, 1.1), (4, 0.5), (2, 0.9), (4, 0.5), (1, 1.0), (5, 1.8), (1, 1.4))
_FACULTY = _hours((6, 0.25), (1, 0.6), (4, 1.8), (2, 1.3), (4, 2.0), (1, 1.1), (3, 0.7), (3, 0.3))
_FACULTY_SATURDAY = _hours((6, 0.25), (1, 0.4), (5, 0.9), (2, 0.5), (10, 0.28))
_LAB = _hours((7, 0.7), (5, 1.4), (1, 1.2), (5, 1.5), (2, 1.0), (4, 0.75))
_TWO_SHIFTS = _hours((5, 0.2), (1, 0.8), (5, 1.5), (1, 1.1), (9, 1.5), (1, 1.0), (2, 0.25))
_CONTINUOUS = _hours((6, 0.95), (5, 1.1), (1, 1.0), (6, 1.1), (6, 0.98))
_COLD_STORE = _hours((4, 0.85), (5, 0.9), (8, 1.2), (4, 1.05), (3, 0.9))
_SHOP = _hours((6, 0.3), (2, 0.7), (5, 1.5), (4, 1.6), (4, 1.8), (1, 1.0), (2, 0.4))
_OFFICE = _hours((6, 0.2), (1, 0.6), (4, 2.1), (2, 1.4), (4, 2.2), (1, 1.2), (6, 0.3))
_EV = _hours((1, 1.6), (5, 0.9), (2, 0.3), (4, 0.5), (2, 0.7), (3, 0.5), (5, 1.7), (2, 2.0))
_SWAPS = _hours((5, 0.3), (3, 1.6), (2, 0.9), (3, 1.3), (2, 0.8), (4, 1.8), (3, 1.0), (2, 0.4))

SHAPES: dict[str, Shape] = {
    "home": Shape(_HOME, _HOME_WEEKEND, _HOME_WEEKEND, 0.35),
    "dorm": Shape(_DORM, _DORM, _HOME_WEEKEND, 0.12),
    "faculty": Shape(_FACULTY, _FACULTY_SATURDAY, _hours((24, 0.24)), 0.10),
    "lab": Shape(_LAB, _hours((24, 0.75)), _hours((24, 0.7)), 0.12),
    "factory_two_shifts": Shape(_TWO_SHIFTS, _TWO_SHIFTS, _hours((24, 0.18)), 0.08),
    "factory_continuous": Shape(_CONTINUOUS, _CONTINUOUS, _hours((24, 0.9)), 0.06),
    "cold_store": Shape(_COLD_STORE, _COLD_STORE, _COLD_STORE, 0.10),
    "shop": Shape(_SHOP, _SHOP, _SHOP, 0.09),
    "office": Shape(_OFFICE, _FACULTY_SATURDAY, _hours((24, 0.2)), 0.10),
    "ev_charging": Shape(_EV, _EV, _EV, 0.45),
    "swap_station": Shape(_SWAPS, _SWAPS, _SWAPS, 0.30),
}
_WEEKLY = {name: shape.weekly() for name, shape in SHAPES.items()}


def load_w(
    seed: int, member: str, shape: str, mean_load_w: int, minutes: FloatArray, local_minutes: FloatArray
) -> FloatArray:
    """A member's load in W. `minutes` are since 1970 in UTC, `local_minutes` the same as the wall clock shows them."""
    restless = SHAPES[shape].restlessness
    days = np.floor(local_minutes / (24 * 60)).astype(np.int64)
    course = _at_hour(_WEEKLY[shape], _kind_of_day(days), (local_minutes - days * 24 * 60) / 60)
    mood = sum(
        weight * wandering(stream(seed, member, "load", name), minutes, period)
        for name, period, weight in (("day", 24 * 60, 0.4), ("hours", 90.0, 0.6), ("minutes", 15.0, 0.69))
    )
    return mean_load_w * course * np.exp(restless * mood - restless**2 / 2)


def _kind_of_day(days: Int64Array) -> Int64Array:
    weekday = (days + 3) % 7
    return np.where(weekday == SUNDAY, 2, np.where(weekday == SATURDAY, 1, 0))


def _at_hour(weights: FloatArray, kind: Int64Array, hours: FloatArray) -> FloatArray:
    left = np.floor(hours).astype(np.int64)
    share = hours - left
    return (1.0 - share) * weights[kind, left] + share * weights[kind, left + 1]
