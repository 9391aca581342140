"""The synthetic campus: what each member's meters show in any interval, past or future, without history.

Pure and deterministic: the same seed, member and interval always give the same Wh, in whatever order they are asked for
and across restarts. Energy is summed over steps of 5 minutes, each rounded to whole Wh, so an hour is exactly the sum
of its half hours and a live meter agrees with the interval it ends up in.

A roof gives peak × light / 1000 W/m² × clearness × 0.80; the last factor (performance ratio) is heat, inverter, cable
and dust together. 10 kWp under 700 W/m² and 0.9 clearness: 10,000 × 0.7 × 0.9 × 0.8 = 5,040 W.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from zoneinfo import ZoneInfo

import numpy as np

from simulator.domain.loads import SHAPES, load_w
from simulator.domain.noise import FloatArray, Int64Array
from simulator.domain.sun import Place, clear_sky_wm2, clearness

STEP_MINUTES = 5
PERFORMANCE_RATIO = 0.80
EIU = Place(latitude=11.05, longitude=106.67)
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_MINUTE = timedelta(minutes=1)


class UnknownShape(ValueError):
    """There is no load shape of that name."""

    code = "unknown_shape"


@dataclass(frozen=True, slots=True)
class MemberParams:
    """A member's size: mean load over a week in W (0: none), and the roof's nameplate in W."""

    mean_load_w: int
    pv_peak_w: int


@dataclass(frozen=True)
class CampusModel:
    """One site's sky and habits."""

    seed: int
    place: Place = EIU
    timezone: str = "Asia/Ho_Chi_Minh"

    def interval(
        self, member_key: str, kind: str, params: MemberParams, start_utc: datetime, minutes: int
    ) -> tuple[int, int]:
        """Gross (load_wh, generation_wh) of one member over [start, start + minutes). `kind` is a name in `SHAPES`.

        Raises `UnknownShape`, and ValueError where the start or the length is no whole number of 5 minutes.
        """
        load, generation = self.intervals(member_key, kind, params, start_utc, minutes, 1)
        return int(load[0]), int(generation[0])

    def intervals(
        self, member_key: str, kind: str, params: MemberParams, start_utc: datetime, minutes: int, count: int
    ) -> tuple[Int64Array, Int64Array]:
        """The same for `count` intervals that follow each other: two int64 arrays of that length."""
        first = _whole_minutes(start_utc)
        if first % STEP_MINUTES or minutes % STEP_MINUTES or minutes < STEP_MINUTES:
            raise ValueError(f"The model counts in steps of {STEP_MINUTES} minutes; ask for whole steps.")
        steps = minutes // STEP_MINUTES
        middles = first + STEP_MINUTES * (np.arange(count * steps, dtype=np.float64) + 0.5)
        load, generation = self._powers(member_key, kind, params, middles)
        return _energy(load, steps), _energy(generation, steps)

    def power(self, member_key: str, kind: str, params: MemberParams, at: datetime) -> tuple[int, int]:
        """(load_w, generation_w) at a moment, for a live display."""
        minutes = np.array([(at - _EPOCH) / _MINUTE])
        load, generation = self._powers(member_key, kind, params, minutes)
        return round(float(load[0])), round(float(generation[0]))

    def _powers(
        self, member_key: str, kind: str, params: MemberParams, minutes: FloatArray
    ) -> tuple[FloatArray, FloatArray]:
        if kind not in SHAPES:
            raise UnknownShape(f"There is no load shape ‘{kind}’; there are {', '.join(SHAPES)}.")
        load = np.zeros_like(minutes)
        if params.mean_load_w:
            local = minutes + self._offsets(minutes)
            load = load_w(self.seed, member_key, kind, params.mean_load_w, minutes, local)
        generation = np.zeros_like(minutes)
        if params.pv_peak_w:
            light = clear_sky_wm2(self.place, minutes) * clearness(self.seed, self.place, member_key, minutes)
            generation = np.minimum(params.pv_peak_w * light / 1000.0 * PERFORMANCE_RATIO, params.pv_peak_w)
        return load, generation

    def _offsets(self, minutes: FloatArray) -> FloatArray:
        """Minutes that the wall clock is ahead of UTC, found once for each hour."""
        zone = ZoneInfo(self.timezone)
        hours, which = np.unique(np.floor(minutes / 60), return_inverse=True)
        moments = (_EPOCH + timedelta(hours=int(hour)) for hour in hours)
        offsets = [(moment.astimezone(zone).utcoffset() or timedelta()) / _MINUTE for moment in moments]
        return np.array(offsets)[which]


def _whole_minutes(moment: datetime) -> int:
    minutes, remainder = divmod(moment - _EPOCH, _MINUTE)
    if remainder:
        raise ValueError(f"{moment.isoformat()} is not on a whole minute; ask for whole steps.")
    return minutes


def _energy(power_w: FloatArray, steps: int) -> Int64Array:
    step_wh = np.rint(power_w * STEP_MINUTES / 60).astype(np.int64)
    total: Int64Array = step_wh.reshape(-1, steps).sum(axis=1)
    return total
