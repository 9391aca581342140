"""What a two-way battery swap station can sell without leaving a rider without a pack.

Packs are whole: a pack that has sold energy is not swappable until it is charged again. So the station keeps as many
full packs as riders will take until then, on all but one occasion in twenty (Q95 of past counts, by nearest rank), and
only what is beyond that is free: `free = max(0, full − Q95)`. In one interval it sells
`min(slots × slot power × Δt, free × pack energy × DoD × η_d)`.

Example: 30 full packs of 1,500 Wh, 80 % usable, 90 % there and back; past counts of swaps until repacked 8, 12, 9, 15,
11 → Q95 is 15, so 15 packs are free and hold 17,076 Wh at the terminals. Four slots of 3 kW bring out 6,000 Wh in half
an hour, for which 6 packs are opened.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from math import isqrt

from meters.domain.storage.battery import PPM, StorageError
from units.energy import energy_wh


@dataclass(frozen=True, slots=True)
class SwapStation:
    """`slots` that can discharge `slot_w` each; packs of `pack_wh`, of which `dod_pct` may be used.

    Raises StorageError (`impossible_station`).
    """

    pack_wh: int
    slots: int
    slot_w: int
    dod_pct: int = 80
    round_trip_ppm: int = 900_000

    def __post_init__(self) -> None:
        sound = self.pack_wh > 0 and self.slots >= 0 and self.slot_w >= 0
        if not sound or not 0 < self.dod_pct <= 100 or not 0 < self.round_trip_ppm <= PPM:
            raise StorageError(
                "impossible_station", "A station has packs above 0 Wh, usable and efficient above 0 and up to 100 %."
            )

    def held_by(self, packs: int) -> int:
        """What `packs` (≥ 0) full packs bring out at the terminals, in Wh, rounded down."""
        return packs * self.pack_wh * self.dod_pct * isqrt(self.round_trip_ppm * PPM) // (100 * PPM)

    def packs_for(self, wh: int) -> int:
        """How many full packs must be opened to sell `wh` (≥ 0)."""
        return -(-wh * 100 * PPM // (self.pack_wh * self.dod_pct * isqrt(self.round_trip_ppm * PPM)))


def q95(counts: Sequence[int]) -> int:
    """The count not exceeded on 95 % of occasions, by nearest rank. Raises StorageError (`no_history`) without any."""
    if not counts:
        raise StorageError("no_history", "There are no past counts of swaps yet; nothing can be said of the next.")
    return sorted(counts)[-(-95 * len(counts) // 100) - 1]


def free_packs(full_packs: int, past_swaps: Sequence[int]) -> int:
    """Full packs beyond what riders will want until repacked. None is free where nothing is known of the past."""
    return max(0, full_packs - q95(past_swaps)) if past_swaps else 0


def swap_available_wh(station: SwapStation, free: int, minutes: int) -> int:
    """The most the station can sell in one interval out of `free` packs."""
    return min(_most_out_wh(station, minutes), station.held_by(free))


def swap_headroom(station: SwapStation, free: int, sold_wh: Sequence[int], index: int, minutes: int) -> int:
    """The most Wh to sell in interval `index` on top of `sold_wh` (per interval), out of `free` packs for all of them.

    Each interval opens whole packs of its own, and none is counted as charged again in between. O(n), exact.
    """
    own_wh = sold_wh[index] if index < len(sold_wh) else 0
    others = sum(station.packs_for(wh) for at, wh in enumerate(sold_wh) if at != index)
    total_wh = min(_most_out_wh(station, minutes), station.held_by(max(0, free - others)))
    return max(0, total_wh - own_wh)


def _most_out_wh(station: SwapStation, minutes: int) -> int:
    return energy_wh(station.slots * station.slot_w, minutes)
