"""How many packs riders take from a swap station until a pack that was sold is full again.

A pack is repacked in `pack energy × depth of discharge ÷ slot power`. Riders come at random around a mean, at twice the
day's mean in the rush; the count that is not exceeded on 95 % of occasions is λ + 1.645 √λ (a Poisson count, by its
normal approximation).

Example: packs of 1,500 Wh, 80 % used, 700 W a slot → 1.71 h. With 60 swaps a day, λ = 2 × 60 × 1.71 / 24 = 8.6 → 14.
"""

from math import ceil, sqrt

from simulator.domain.scene import SwapStation

RUSH = 2
NINETY_FIVE_PERCENT = 1.645


def swaps_until_repacked(station: SwapStation) -> int:
    """The count of swaps to be ready for, whole packs rounded up."""
    hours = station.pack_wh * station.dod_pct / 100 / station.slot_w
    mean = RUSH * station.swaps_per_day * hours / 24
    return ceil(mean + NINETY_FIVE_PERCENT * sqrt(mean))
