"""Where stored energy came from: first in, first out, losses included. Only what came from PV may be sold as green.

Lots are what the battery holds, in Wh inside it, oldest first. Charging adds what arrives after the loss; discharging
takes what must be drawn for it from the oldest lots, and says of what came out at the terminals how much was of which
origin. The parts always add up to the whole. The PV part is rounded down, so that green is never overstated.

Example (η = 0.948683 each way): 1,000 Wh of PV and then 1,000 Wh from the grid arrive as 948 and 948 Wh. Selling
1,200 Wh draws 1,265: 948 of PV and 317 of grid. Of the 1,200, ⌊1,200 × 948 / 1,265⌋ = 899 are green and 301 are not.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import NamedTuple, Self

from meters.domain.storage.battery import Battery, StorageError
from units.energy import largest_remainder
from units.numbers import grouped


class Origin(StrEnum):
    PV = "pv"
    LOCAL = "local"
    GRID = "grid"


class Lot(NamedTuple):
    origin: Origin
    wh: int


@dataclass(frozen=True, slots=True)
class OriginLots:
    """What a battery holds by origin, oldest first. Immutable: each step gives the next state."""

    lots: tuple[Lot, ...] = ()

    @property
    def held_wh(self) -> int:
        return sum(lot.wh for lot in self.lots)

    def by_origin(self) -> dict[Origin, int]:
        return {origin: sum(lot.wh for lot in self.lots if lot.origin is origin) for origin in Origin}

    def charge(self, battery: Battery, origin: Origin, charged_wh: int) -> Self:
        """After `charged_wh` (at the terminals) of `origin` went in."""
        return self._with(Lot(origin, battery.stored_wh(charged_wh)))

    def discharge(self, battery: Battery, discharged_wh: int) -> tuple[Self, dict[Origin, int]]:
        """After `discharged_wh` came out at the terminals, and these by origin (their sum is `discharged_wh`).

        Raises StorageError (`not_enough_stored`).
        """
        drawn_wh, held_wh = battery.drawn_wh(discharged_wh), self.held_wh
        if drawn_wh > held_wh:
            raise StorageError(
                "not_enough_stored",
                f"{grouped(discharged_wh)} Wh need {grouped(drawn_wh)} Wh stored; there are {grouped(held_wh)}.",
            )
        taken, left = _take(self.lots, drawn_wh)
        return type(self)(left), _shares(discharged_wh, type(self)(taken).by_origin())

    def reconcile(self, measured_wh: int) -> Self:
        """After the battery was found to hold `measured_wh`.

        What is missing (standing losses) is missing of every lot in proportion; what is too much is of unknown origin
        and counts as grid.
        """
        missing_wh = self.held_wh - measured_wh
        if missing_wh <= 0:
            return self._with(Lot(Origin.GRID, -missing_wh))
        losses = largest_remainder(missing_wh, [lot.wh for lot in self.lots])
        kept = (Lot(lot.origin, lot.wh - loss) for lot, loss in zip(self.lots, losses, strict=True))
        return type(self)(tuple(lot for lot in kept if lot.wh))

    def _with(self, lot: Lot) -> Self:
        if not lot.wh:
            return self
        if self.lots and self.lots[-1].origin is lot.origin:
            return type(self)((*self.lots[:-1], Lot(lot.origin, self.lots[-1].wh + lot.wh)))
        return type(self)((*self.lots, lot))


def _take(lots: tuple[Lot, ...], wh: int) -> tuple[tuple[Lot, ...], tuple[Lot, ...]]:
    """The oldest `wh` of the lots, and the rest."""
    taken: list[Lot] = []
    for at, lot in enumerate(lots):
        if lot.wh > wh:
            rest = (Lot(lot.origin, lot.wh - wh), *lots[at + 1 :])
            return (*taken, Lot(lot.origin, wh)), rest
        taken.append(lot)
        wh -= lot.wh
    return tuple(taken), ()


def _shares(discharged_wh: int, drawn: dict[Origin, int]) -> dict[Origin, int]:
    green_wh = discharged_wh * drawn[Origin.PV] // (sum(drawn.values()) or 1)
    others = (Origin.LOCAL, Origin.GRID)
    rest = largest_remainder(discharged_wh - green_wh, [drawn[origin] for origin in others])
    return {Origin.PV: green_wh, **dict(zip(others, rest, strict=True))}
