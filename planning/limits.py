"""The limit price of each side of a standing instruction in one contract, cut to the band that makes sense there."""

from planning.domain.ramp import Band, buy_band, limit_price, sell_band
from planning.prices import PriceBook
from planning.queries import DueContract, Instruction
from trading.domain.messages import BUY, SELL


class Limits:
    """Prices in one contract; VND/kWh."""

    def __init__(self, contract: DueContract, tick: int, book: PriceBook) -> None:
        self._contract, self._tick, self._book = contract, tick, book
        self._band = Band(contract.min_price, contract.max_price)
        self._terms = book.terms(contract.start)
        dearest = book.dearest(contract.start)
        self._ceiling = None if self._terms is None or dearest is None else dearest - self._terms[1]

    def price(self, instruction: Instruction, side: int) -> int | None:
        """The limit now; None where the instruction does not trade that side, or no price makes sense."""
        ramp = self._ramp(instruction, side)
        band = self._sensible(instruction, side)
        if ramp is None or band is None:
            return None
        return limit_price(side, *ramp, self._contract.step, band, self._tick)

    def _ramp(self, instruction: Instruction, side: int) -> tuple[int, int] | None:
        far, near = (
            (instruction.buy_far_price, instruction.buy_near_price)
            if side == BUY
            else (instruction.sell_far_price, instruction.sell_near_price)
        )
        return None if far is None or near is None else (far, near)

    def _sensible(self, instruction: Instruction, side: int) -> Band | None:
        if self._terms is None:
            return None
        surplus_price, _ = self._terms
        if side == SELL:
            return None if self._ceiling is None else sell_band(self._band, surplus_price, self._ceiling)
        start = self._contract.start
        retail = self._book.retail(instruction.participant_id, start)
        if retail is None:
            return None
        fee = self._book.least_fee(start, instruction.zone) or 0
        cap = self._book.renter_cap(start) if instruction.renter else None
        band = buy_band(self._band, surplus_price, retail, fee)
        return band if cap is None else Band(band.low, min(band.high, cap))
