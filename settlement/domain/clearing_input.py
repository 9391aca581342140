"""What one delivery interval of one market brings to clearing, checked once so that the steps need not doubt it.

Participants are numbered 0..n-1 in ascending order of their id: that order breaks ties. Trades are numbered 0..m-1 in
execution order. Energy is integer Wh, prices and fees are integer đồng per kWh (zero and negative are ordinary
prices), so Wh × price is an exact integer in milli-đồng and nothing is rounded.

Sums are kept in 64-bit integers. An input whose money could leave that range is refused here, before anything is
computed: the limit is about 10¹⁸ milli-đồng for the whole interval (10¹⁴ Wh at 10,000 đồng/kWh).
"""

from dataclasses import dataclass
from functools import cached_property
from typing import Any, Literal

import numpy as np
import numpy.typing as npt

IntArray = npt.NDArray[np.int64]
BoolArray = npt.NDArray[np.bool_]
Mode = Literal["fifo", "prorata"]

# Eight times the largest product covers every sum that clearing takes: no component of cash moves more energy than
# the input names, and no rate is more than retail − price − fee, three times the largest price.
SAFE_MILLIDONG = 2**63 // 8

PER_PARTICIPANT = ("import_wh", "export_wh", "retail_price")
PER_TRADE = ("trade_seq", "seller_index", "buyer_index", "traded_wh", "price")
OPTIONAL_PER_PARTICIPANT = ("surplus_cap_wh", "pool_ask", "pool_bid", "zone_index")
MASKS = ("pool_ask_mask", "pool_bid_mask", "estimated")
NEVER_NEGATIVE = ("import_wh", "export_wh", "traded_wh", "surplus_cap_wh")
PRICES = ("retail_price", "surplus_price", "price", "network_fee", "pool_network_fee", "pool_ask", "pool_bid")


class ClearingError(ValueError):
    """An interval that cannot be cleared as given; `code` is stable, the text says what to change."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, kw_only=True, eq=False)
class ClearingInput:
    """One interval: metered energy, trades in execution order, prices and rules.

    Arrays are int64, shape (n,) per participant and (m,) per trade; anything array-like of whole numbers is taken.

    - `import_wh`, `export_wh` (n): validated energy at the boundary, never gross generation. `retail_price` (n).
    - `surplus_price`: scalar or (n). `surplus_cap_wh` (n): how much more surplus the grid still pays each owner this
      month; what is exported beyond it is paid 0. None: no cap.
    - `trade_seq` strictly ascending, `seller_index`, `buyer_index`, `traded_wh`, `price` (m).
    - `network_fee`: scalar or (m), paid by the buyer. `pool_network_fee`: scalar, or a matrix
      [seller's zone, buyer's zone] read through `zone_index` (n); None: the scalar `network_fee`.
    - `pool_ask`, `pool_bid` (n): standing limits; where a mask is given, only masked participants offer.
    - `estimated` (n): settled on an estimated reading. `force_majeure`: the interval pays no compensation.
    - `deadband_pct` whole percent of what a party contracted on one side, `deadband_wh` its least size.

    Raises `ClearingError` (`invalid_clearing_input`, `trades_out_of_order`, `clearing_overflow`).
    """

    import_wh: IntArray
    export_wh: IntArray
    retail_price: IntArray
    surplus_price: IntArray | int
    trade_seq: IntArray
    seller_index: IntArray
    buyer_index: IntArray
    traded_wh: IntArray
    price: IntArray
    network_fee: IntArray | int = 0
    pool_network_fee: IntArray | int | None = None
    zone_index: IntArray | None = None
    surplus_cap_wh: IntArray | None = None
    pool_ask: IntArray | None = None
    pool_bid: IntArray | None = None
    pool_ask_mask: BoolArray | None = None
    pool_bid_mask: BoolArray | None = None
    estimated: BoolArray | None = None
    force_majeure: bool = False
    deadband_pct: int = 5
    deadband_wh: int = 250
    mode: Mode = "fifo"

    def __post_init__(self) -> None:
        self._take_arrays()
        _check_rules(self)
        _check_values(self)
        _check_overflow(self)

    def _take_arrays(self) -> None:
        n, m = len(self.import_wh), len(self.trade_seq)
        for name in PER_PARTICIPANT:
            self._take(name, (n,))
        for name in PER_TRADE:
            self._take(name, (m,))
        for name in OPTIONAL_PER_PARTICIPANT + MASKS:
            if getattr(self, name) is not None:
                self._take(name, (n,))
        self._take("surplus_price", (n,), ())
        self._take("network_fee", (m,), ())
        if self.pool_network_fee is not None:
            self._take("pool_network_fee")

    def _take(self, name: str, *shapes: tuple[int, ...]) -> None:
        array = _masked(name, getattr(self, name)) if name in MASKS else _whole(name, getattr(self, name))
        if shapes and array.shape not in shapes:
            raise _invalid(
                f"{name} has shape {array.shape}; give {shapes[0][0]} values, one for each row it belongs to."
            )
        object.__setattr__(self, name, array)

    @property
    def participants(self) -> int:
        """n, the number of participants."""
        return len(self.import_wh)

    @property
    def trades(self) -> int:
        """m, the number of trades."""
        return len(self.trade_seq)

    @cached_property
    def surplus_prices(self) -> IntArray:
        """What the grid pays each participant (n), đồng/kWh."""
        return np.broadcast_to(np.asarray(self.surplus_price), (self.participants,))

    @cached_property
    def trade_fees(self) -> IntArray:
        """The network fee of each trade (m), đồng/kWh."""
        return np.broadcast_to(np.asarray(self.network_fee), (self.trades,))

    @cached_property
    def surplus_caps_wh(self) -> IntArray:
        """How much surplus the grid still pays each participant (n); without a cap, all of its export."""
        return self.export_wh if self.surplus_cap_wh is None else self.surplus_cap_wh

    @cached_property
    def is_estimated(self) -> BoolArray:
        """Who was settled on an estimated reading (n)."""
        return np.zeros(self.participants, dtype=bool) if self.estimated is None else self.estimated

    @cached_property
    def offers_ask(self) -> BoolArray:
        """Who gives unsold export into the pool (n)."""
        return _offers(self.pool_ask, self.pool_ask_mask, self.participants)

    @cached_property
    def offers_bid(self) -> BoolArray:
        """Who takes from the pool for unmet import (n)."""
        return _offers(self.pool_bid, self.pool_bid_mask, self.participants)

    def pool_fees(self, sellers: IntArray, buyers: IntArray) -> IntArray:
        """The network fee of each pool match, đồng/kWh, for arrays of seller and buyer indexes of one shape."""
        fee = np.asarray(self.network_fee if self.pool_network_fee is None else self.pool_network_fee)
        if fee.ndim == 0:
            return np.full(sellers.shape, fee, dtype=np.int64)
        zones = np.asarray(self.zone_index)
        return np.asarray(fee[zones[sellers], zones[buyers]])


def _invalid(message: str) -> ClearingError:
    return ClearingError("invalid_clearing_input", message)


def _whole(name: str, value: Any) -> IntArray:
    array = np.asarray(value)
    if array.size and (array.dtype.kind not in "iu" or array.max() > np.iinfo(np.int64).max):
        raise _invalid(f"{name} holds something other than 64-bit whole numbers; give whole Wh and whole đồng/kWh.")
    return array.astype(np.int64)


def _masked(name: str, value: Any) -> BoolArray:
    array = np.asarray(value)
    if array.size and array.dtype.kind != "b":
        raise _invalid(f"{name} holds something other than true and false.")
    return array.astype(bool)


def _offers(limit: IntArray | None, mask: BoolArray | None, participants: int) -> BoolArray:
    if limit is None:
        return np.zeros(participants, dtype=bool)
    return np.ones(participants, dtype=bool) if mask is None else mask


def _check_rules(inputs: ClearingInput) -> None:
    if inputs.mode not in ("fifo", "prorata"):
        raise _invalid(f"The mode is {inputs.mode!r}; give fifo or prorata.")
    if not 0 <= inputs.deadband_pct <= 100:
        raise _invalid(f"The dead-band is {inputs.deadband_pct} %; give a whole number from 0 to 100.")
    if inputs.deadband_wh < 0:
        raise _invalid(f"The dead-band is {inputs.deadband_wh} Wh; give 0 or more.")
    _check_pool_fee(inputs)


def _check_pool_fee(inputs: ClearingInput) -> None:
    anyone = bool(inputs.offers_ask.any() and inputs.offers_bid.any())
    if inputs.pool_network_fee is None:
        if anyone and np.ndim(inputs.network_fee):
            raise _invalid("network_fee is given per trade, so the pool's own fee is unknown; give pool_network_fee.")
        return
    matrix = np.asarray(inputs.pool_network_fee)
    if matrix.ndim == 0:
        return
    if matrix.ndim != 2 or matrix.shape[0] != matrix.shape[1] or inputs.zone_index is None:
        raise _invalid("pool_network_fee is neither one fee nor a square matrix by zone with zone_index beside it.")
    _check_index("zone_index", inputs.zone_index, matrix.shape[0])


def _check_values(inputs: ClearingInput) -> None:
    for name in NEVER_NEGATIVE:
        array = getattr(inputs, name)
        if array is not None and array.size and array.min() < 0:
            raise _invalid(f"{name} holds {array.min()} Wh; metered, traded and capped energy is never below 0.")
    _check_index("seller_index", inputs.seller_index, inputs.participants)
    _check_index("buyer_index", inputs.buyer_index, inputs.participants)
    if (np.diff(inputs.trade_seq) <= 0).any():
        raise ClearingError(
            "trades_out_of_order", "Trades must come in execution order, each with its own sequence number."
        )


def _check_index(name: str, index: IntArray, size: int) -> None:
    if index.size and not (index.min() >= 0 and index.max() < size):
        raise _invalid(f"{name} points outside the {size} rows there are.")


def _check_overflow(inputs: ClearingInput) -> None:
    energy = _about(inputs.import_wh) + _about(inputs.export_wh) + _about(inputs.traded_wh)
    dearest = max([inputs.deadband_pct, 1] + [_largest(getattr(inputs, name)) for name in PRICES])
    bounds = max(inputs.deadband_wh, _largest(inputs.surplus_cap_wh))
    if energy * dearest >= SAFE_MILLIDONG or bounds >= SAFE_MILLIDONG:
        raise ClearingError(
            "clearing_overflow",
            f"{energy} Wh at up to {dearest} đồng/kWh is more than 64-bit milli-đồng can hold; check the units "
            "(Wh and đồng per kWh) or clear the market in parts.",
        )


def _about(array: IntArray) -> int:
    return int(array.sum(dtype=np.float64))


def _largest(array: IntArray | int | None) -> int:
    if array is None or not np.size(array):
        return 0
    return max(abs(int(np.max(array))), abs(int(np.min(array))))
