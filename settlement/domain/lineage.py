"""Where the energy that leaves a storage was charged, interval by interval: what makes discharge green, with its proof.

`meters.domain.storage.origin` knows a storage's content by origin. A certificate must say more: which intervals charged
it, how much went in there, and what was lost on the way. So each lot here also carries the interval it was charged in
and what went in at the terminals. First in, first out; what is stored is rounded down, what is drawn rounded up, and
the PV part of what comes out rounded down, so that green is never overstated.

Example (90 % there and back, 0.948683 each way): 1,000 Wh of PV at 10:00 are held as 948. Discharging 500 Wh at 18:00
draws 528 of them, so 556 of the 1,000 Wh are used for it: 500 arrived, 56 were lost, 420 are still held.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

from meters.domain.storage import Battery, Origin
from units.energy import largest_remainder


class ChargedLot(NamedTuple):
    """What a storage holds from one origin and interval: `held_wh` inside it, for `charged_wh` at its terminals."""

    origin: Origin
    interval: str
    held_wh: int
    charged_wh: int


Lots = tuple[ChargedLot, ...]


@dataclass(frozen=True, slots=True)
class Source:
    """The part of one charge that a discharge used: `charged_wh` went in, `delivered_wh` came out."""

    interval: str
    charged_wh: int
    delivered_wh: int

    @property
    def lost_wh(self) -> int:
        """What storing cost."""
        return self.charged_wh - self.delivered_wh


@dataclass(frozen=True, slots=True)
class Discharge:
    """What came out: the PV part of it, its sources, and what the storage holds afterwards."""

    pv_wh: int
    sources: tuple[Source, ...]
    lots: Lots


def charge(lots: Lots, battery: Battery, charges: Iterable[tuple[Origin, int]], interval: str) -> Lots:
    """After `charges` (Wh at the terminals, by origin) went in during `interval`, oldest first in the order given.

    Where the storage is described (`capacity_wh` > 0) it holds no more than that: the excess is missing of every lot in
    proportion, as standing losses are.
    """
    added = [ChargedLot(origin, interval, battery.stored_wh(wh), wh) for origin, wh in charges]
    lots = (*lots, *(lot for lot in added if lot.held_wh))
    excess_wh = sum(lot.held_wh for lot in lots) - battery.capacity_wh
    return _lose(lots, excess_wh) if battery.capacity_wh and excess_wh > 0 else lots


def discharge(lots: Lots, battery: Battery, discharged_wh: int) -> Discharge:
    """After `discharged_wh` came out at the terminals. What the lots do not cover has no known origin: it is not PV."""
    drawn_wh = battery.drawn_wh(discharged_wh)
    taken, left = _take(lots, drawn_wh)
    pv = [lot for lot in taken if lot.origin is Origin.PV]
    pv_wh = discharged_wh * sum(lot.held_wh for lot in pv) // (drawn_wh or 1)
    delivered = largest_remainder(pv_wh, [lot.held_wh for lot in pv])
    sources = (Source(lot.interval, lot.charged_wh, wh) for lot, wh in zip(pv, delivered, strict=True))
    return Discharge(pv_wh, tuple(source for source in sources if source.delivered_wh), left)


def dump(lots: Lots) -> list[list[Any]]:
    """Lots as JSON holds them."""
    return [[lot.origin.value, lot.interval, lot.held_wh, lot.charged_wh] for lot in lots]


def load(rows: Sequence[Sequence[Any]]) -> Lots:
    """Lots as `dump` wrote them."""
    return tuple(ChargedLot(Origin(origin), interval, held, charged) for origin, interval, held, charged in rows)


def _take(lots: Lots, wh: int) -> tuple[Lots, Lots]:
    """The oldest `wh` of the lots, and the rest; all where they hold less."""
    taken: list[ChargedLot] = []
    for at, lot in enumerate(lots):
        if lot.held_wh > wh:
            part, rest = _cut(lot, wh)
            return (*taken, *part), (*rest, *lots[at + 1 :])
        taken.append(lot)
        wh -= lot.held_wh
    return tuple(taken), ()


def _cut(lot: ChargedLot, wh: int) -> tuple[Lots, Lots]:
    """The first `wh` of a lot and the rest; what was charged is shared in proportion, rounded up for the first."""
    if not wh:
        return (), (lot,)
    charged_wh = -(-lot.charged_wh * wh // lot.held_wh)
    return (
        (lot._replace(held_wh=wh, charged_wh=charged_wh),),
        (lot._replace(held_wh=lot.held_wh - wh, charged_wh=lot.charged_wh - charged_wh),),
    )


def _lose(lots: Lots, wh: int) -> Lots:
    """Without `wh` of what is held; the charge it took stays with what is left, as a loss."""
    losses = largest_remainder(wh, [lot.held_wh for lot in lots])
    kept = (lot._replace(held_wh=lot.held_wh - loss) for lot, loss in zip(lots, losses, strict=True))
    return tuple(lot for lot in kept if lot.held_wh)
