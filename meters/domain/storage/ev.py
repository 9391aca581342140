"""What a plugged-in car can sell and still leave on time.

A car is a battery with an appointment. It sells only while plugged in and with its owner's consent, never goes below
30 % by selling, and after its last sale it must still reach its departure target at full charging power. Between sales
only charging that is already bought is counted: a hope to charge is no promise.

Intervals are indexes into the commitments, as with a battery: plugged in during `plugged_from ≤ h < plugged_to`, gone
at the start of `departure_index`. All energies are whole Wh.

Example: 60 kWh, 7 kW both ways, at 40 kWh, target 48 kWh at index 6 (30 min each). Full power stores 3,320 Wh per
interval, so after selling in interval 0 five intervals bring back 16,600 Wh: it may sink to 31,400 Wh, which frees
8,600 Wh; one interval at 7 kW sells 3,500 Wh of them. In interval 3 only two are left: it needs 41,360 Wh and has
40,000, so it sells nothing.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from meters.domain.storage.battery import Battery, Commitment, Path
from units.energy import energy_wh


@dataclass(frozen=True, slots=True)
class Ev:
    """A car at its charger. Sizes in Wh and W, `min_pct` of capacity is never sold."""

    capacity_wh: int
    charge_w: int
    discharge_w: int
    plugged_from: int
    plugged_to: int
    departure_index: int
    target_wh: int
    consent: bool
    min_pct: int = 30
    round_trip_ppm: int = 900_000

    @property
    def battery(self) -> Battery:
        """The car as a battery whose floor is what it never sells. Raises StorageError (`impossible_battery`)."""
        return Battery(self.capacity_wh, self.charge_w, self.discharge_w, self.round_trip_ppm, self.min_pct)

    @property
    def leaves_at(self) -> int:
        """The first interval in which it can no longer charge or sell."""
        return min(self.plugged_to, self.departure_index)

    def is_there(self, index: int) -> bool:
        return self.plugged_from <= index < self.leaves_at


def ev_shortfall(ev: Ev, soc_wh: int, commitments: Sequence[Commitment], minutes: int) -> int | None:
    """The first interval whose sale cannot be kept; `departure_index` where the target would be missed; None if fine.

    A car that has sold nothing breaks nothing, whether it reaches its target or not.
    """
    sales = [index for index, commitment in enumerate(commitments) if commitment.discharge_wh]
    if not sales:
        return None
    for index in sales:
        if not (ev.consent and ev.is_there(index)):
            return index
    path = _path(ev, minutes)
    for index, commitment in enumerate(_course(ev, commitments, sales[-1], minutes)):
        soc_wh = path.after(soc_wh, commitment)
        if commitment.discharge_wh and not path.holds(soc_wh, commitment):
            return index
    return None if soc_wh >= ev.target_wh else ev.departure_index


def ev_headroom(ev: Ev, soc_wh: int, commitments: Sequence[Commitment], index: int, minutes: int) -> int:
    """The most Wh it can sell in `index` on top of `commitments`, so that `ev_shortfall` stays None. O(n), exact."""
    if not ev.consent or not ev.is_there(index) or ev.target_wh > ev.capacity_wh:
        return 0
    sales = [at for at, commitment in enumerate(commitments) if commitment.discharge_wh]
    if any(not ev.is_there(at) for at in sales):
        return 0
    course = _course(ev, commitments, max([index, *sales]), minutes)
    return _path(ev, minutes).headroom(soc_wh, course, index, ev.target_wh)


def _path(ev: Ev, minutes: int) -> Path:
    battery = ev.battery
    return Path(battery, minutes, battery.keep_wh)


def _course(ev: Ev, commitments: Sequence[Commitment], last_sale: int, minutes: int) -> list[Commitment]:
    """What the car does until it leaves: as committed up to its last sale, then charging at full power."""
    full = Commitment(charge_wh=energy_wh(ev.charge_w, minutes))
    return [_doing(ev, commitments, index, full if index > last_sale else None) for index in range(ev.leaves_at)]


def _doing(ev: Ev, commitments: Sequence[Commitment], index: int, instead: Commitment | None) -> Commitment:
    if not ev.is_there(index):
        return Commitment()
    if instead is not None:
        return instead
    return commitments[index] if index < len(commitments) else Commitment()
