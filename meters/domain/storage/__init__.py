"""Storage: what batteries, cars and swap stations can sell without breaking a promise, and what of it is green.

`battery` is the model of the others: a path over all later intervals, checked in whole Wh and never overstated. `ev`
adds an appointment, `swap` whole packs and riders, `origin` the memory of where the energy came from.
docs/algorithms/storage.md has worked tables.
"""

from meters.domain.storage.battery import (
    Battery,
    Commitment,
    StorageError,
    available_wh,
    headroom,
    headrooms,
    shortfall,
)
from meters.domain.storage.ev import Ev, ev_headroom, ev_shortfall
from meters.domain.storage.origin import Lot, Origin, OriginLots
from meters.domain.storage.swap import SwapStation, free_packs, q95, swap_available_wh, swap_headroom

__all__ = [
    "Battery",
    "Commitment",
    "Ev",
    "Lot",
    "Origin",
    "OriginLots",
    "StorageError",
    "SwapStation",
    "available_wh",
    "ev_headroom",
    "ev_shortfall",
    "free_packs",
    "headroom",
    "headrooms",
    "q95",
    "shortfall",
    "swap_available_wh",
    "swap_headroom",
]
