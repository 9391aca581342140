"""What a battery can still sell in one interval, so that everything it has sold in all later ones still holds.

Selling at noon can break a promise for the evening. So a battery is checked along its whole path: in each interval the
charging it has bought comes in (cut off when full, never counted beyond its charging power), the energy it has sold
goes out, and after selling it must stand at or above what it keeps: the larger of its floor (10 % unless set) and the
owner's backup reserve, plus `reserved_wh` where energy is set aside for another purpose. This is
`Σ d/η_d − Σ η_c·c ≤ SoC₀ − floor − reserve` for every later interval, and `d ≤ P_dis·Δt`, with a full battery in mind.

Energies are whole Wh. Efficiencies are whole parts per million, η_c = η_d = √η_rt rounded down; what is stored rounds
down and what is drawn rounds up, so that nothing is ever overstated.

Example: 10 kWh, 5 kW, keeps 3,000 Wh, holds 6,000 Wh, has sold 1,000 Wh at 18:00 (index 1). Selling 1,000 Wh draws
1,055 Wh, so 1,945 Wh are free, of which 1,845 arrive: `headroom(…, index=0, …)` is 1,845 Wh.

Within one interval bought and sold energy net out: at steady power the charge moves in a line between the two ends.
A battery that stands below what it keeps (the owner used it) breaks no promise by standing there, only by selling.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt
from typing import NamedTuple

from units.energy import energy_wh

PPM = 1_000_000


class StorageError(ValueError):
    """A device cannot be as described, or was asked for more than it holds."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Commitment(NamedTuple):
    """What a device has promised for one interval at its terminals, in Wh ≥ 0: charging bought, discharging sold."""

    charge_wh: int = 0
    discharge_wh: int = 0


@dataclass(frozen=True, slots=True)
class Battery:
    """Sizes in Wh and W (at the terminals), efficiency there and back in ppm, what is kept in per cent of capacity.

    Raises StorageError (`impossible_battery`).
    """

    capacity_wh: int
    charge_w: int
    discharge_w: int
    round_trip_ppm: int = 900_000
    floor_pct: int = 10
    reserve_pct: int = 0

    def __post_init__(self) -> None:
        sizes = (self.capacity_wh, self.charge_w, self.discharge_w)
        shares = (self.floor_pct, self.reserve_pct)
        if min(sizes) < 0 or not 0 < self.round_trip_ppm <= PPM or not all(0 <= share <= 100 for share in shares):
            raise StorageError(
                "impossible_battery",
                "A battery has sizes from 0, an efficiency above 0 up to 100 %, a floor and a reserve up to 100 %.",
            )

    @property
    def one_way_ppm(self) -> int:
        """η_c = η_d = √η_rt, rounded down: 948,683 for 90 %."""
        return isqrt(self.round_trip_ppm * PPM)

    @property
    def keep_wh(self) -> int:
        """What trading never goes below: the larger of floor and owner's reserve."""
        return -(-self.capacity_wh * max(self.floor_pct, self.reserve_pct) // 100)

    def stored_wh(self, charged_wh: int) -> int:
        """What arrives in the battery when `charged_wh` go in at its terminals."""
        return charged_wh * self.one_way_ppm // PPM

    def drawn_wh(self, discharged_wh: int) -> int:
        """What leaves the battery when `discharged_wh` come out at its terminals."""
        return -(-discharged_wh * PPM // self.one_way_ppm)

    def deliverable_wh(self, held_wh: int) -> int:
        """The most that comes out at the terminals for `held_wh` (≥ 0) of the battery; undoes `drawn_wh`."""
        return held_wh * self.one_way_ppm // PPM


def available_wh(battery: Battery, soc_wh: int, reserved_wh: int, minutes: int) -> int:
    """`min(P_dis·Δt, η_d·(SoC − floor − reserved))`, at least 0: the most it can sell in one interval by itself."""
    free_wh = max(0, soc_wh - battery.keep_wh - reserved_wh)
    return min(energy_wh(battery.discharge_w, minutes), battery.deliverable_wh(free_wh))


def shortfall(
    battery: Battery, soc_wh: int, commitments: Sequence[Commitment], minutes: int, reserved_wh: int = 0
) -> int | None:
    """The index of the first interval in which the battery could not do what it has sold; None where all holds.

    `commitments[0]` is the interval that begins with `soc_wh` in the battery. O(n).
    """
    path = Path(battery, minutes, battery.keep_wh + reserved_wh)
    for index, commitment in enumerate(commitments):
        soc_wh = path.after(soc_wh, commitment)
        if commitment.discharge_wh and not path.holds(soc_wh, commitment):
            return index
    return None


def headroom(
    battery: Battery, soc_wh: int, commitments: Sequence[Commitment], index: int, minutes: int, reserved_wh: int = 0
) -> int:
    """The most Wh that can be sold in interval `index` on top of `commitments`, so that `shortfall` stays None.

    0 where it is not None already. Intervals beyond the list hold no commitments. O(n), exact.
    """
    path = Path(battery, minutes, battery.keep_wh + reserved_wh)
    return path.headroom(soc_wh, commitments, index)


def headrooms(
    battery: Battery, soc_wh: int, commitments: Sequence[Commitment], minutes: int, reserved_wh: int = 0
) -> list[int]:
    """`headroom` of every interval, in O(n) altogether."""
    path = Path(battery, minutes, battery.keep_wh + reserved_wh)
    held = path.forward(soc_wh, commitments)
    if held is None:
        return [0] * len(commitments)
    needs = path.backward(commitments)
    return [
        path.room(before_wh, commitment, need_wh)
        for before_wh, commitment, need_wh in zip(held[:-1], commitments, needs[1:], strict=True)
    ]


class Path:
    """The arithmetic of one battery over intervals of one length. `keep_wh` is what must be left after selling."""

    __slots__ = ("capacity_wh", "keep_wh", "most_in_wh", "most_out_wh", "one_way_ppm")

    def __init__(self, battery: Battery, minutes: int, keep_wh: int) -> None:
        self.capacity_wh = battery.capacity_wh
        self.keep_wh = keep_wh
        self.one_way_ppm = battery.one_way_ppm
        self.most_in_wh = energy_wh(battery.charge_w, minutes)
        self.most_out_wh = energy_wh(battery.discharge_w, minutes)

    def charged(self, soc_wh: int, charge_wh: int) -> int:
        stored_wh = min(charge_wh, self.most_in_wh) * self.one_way_ppm // PPM
        return min(self.capacity_wh, soc_wh + stored_wh)

    def after(self, soc_wh: int, commitment: Commitment) -> int:
        return self.charged(soc_wh, commitment.charge_wh) - self._drawn(commitment.discharge_wh)

    def holds(self, soc_wh: int, commitment: Commitment) -> bool:
        """Whether an interval that sells ends well at `soc_wh`."""
        return soc_wh >= self.keep_wh and commitment.discharge_wh <= self.most_out_wh

    def forward(self, soc_wh: int, commitments: Sequence[Commitment]) -> list[int] | None:
        """What the battery holds before each interval and at the end; None where a commitment cannot be kept."""
        held = [soc_wh]
        for commitment in commitments:
            soc_wh = self.after(soc_wh, commitment)
            if commitment.discharge_wh and not self.holds(soc_wh, commitment):
                return None
            held.append(soc_wh)
        return held

    def backward(self, commitments: Sequence[Commitment], first: int = 0, need_at_end_wh: int = 0) -> list[int]:
        """What it must hold before each interval from `first` on, and at the end, for all from there on to hold.

        Says nothing of power and of needs above capacity, which `forward` has excluded.
        """
        need_wh = need_at_end_wh
        needs = [need_wh]
        for charge_wh, discharge_wh in reversed(commitments[first:]):
            if discharge_wh:
                need_wh = max(need_wh, self.keep_wh) + self._drawn(discharge_wh)
            if charge_wh:
                need_wh = max(0, need_wh - min(charge_wh, self.most_in_wh) * self.one_way_ppm // PPM)
            needs.append(need_wh)
        return needs[::-1]

    def headroom(self, soc_wh: int, commitments: Sequence[Commitment], index: int, need_at_end_wh: int = 0) -> int:
        missing = index + 1 - len(commitments)
        if missing > 0:
            commitments = [*commitments, *[Commitment()] * missing]
        held = self.forward(soc_wh, commitments)
        if held is None or held[-1] < need_at_end_wh:
            return 0
        need_wh = self.backward(commitments, index + 1, need_at_end_wh)[0]
        return self.room(held[index], commitments[index], need_wh)

    def room(self, before_wh: int, commitment: Commitment, need_after_wh: int) -> int:
        """The most to sell on top in an interval that begins with `before_wh` and must end with `need_after_wh`."""
        spare_wh = self.charged(before_wh, commitment.charge_wh) - max(self.keep_wh, need_after_wh)
        total_wh = min(self.most_out_wh, max(0, spare_wh) * self.one_way_ppm // PPM)
        return max(0, total_wh - commitment.discharge_wh)

    def _drawn(self, discharge_wh: int) -> int:
        return -(-discharge_wh * PPM // self.one_way_ppm) if discharge_wh else 0
