"""All that one run is computed from, as one value: what is hashed, stored with the run, and computed again by an audit.

Two values with the same digest clear to the same result byte for byte, because clearing is a pure function of nothing
else. Participants and trades are known by their ids here; clearing numbers them by ascending id.
"""

import hashlib
import json
from dataclasses import dataclass, fields
from typing import Any, cast

import numpy as np

from settlement.domain.clearing_input import BoolArray, ClearingInput, IntArray, Mode

VERSION = "wattbourse-clearing-1"


@dataclass(frozen=True, kw_only=True, eq=False)
class Interval:
    """One delivery interval's input. Energies in Wh, prices in đồng/kWh; int64 arrays, (n) per participant in
    ascending order of `participant_ids`, (m) per trade in execution order. Masked: pool limits of those who do not
    offer, surplus caps of those who have none. Where fees differ by zone pair, `zone_index` (n) is each participant's
    zone and `zone_fees` (z, z) the fee from a seller's zone (row) to a buyer's (column); else both are None, and
    `network_fee` is everybody's."""

    contract_id: int
    mode: str
    surplus_price: int
    network_fee: int
    deadband_pct: int
    deadband_wh: int
    force_majeure: bool
    participant_ids: IntArray
    import_wh: IntArray
    export_wh: IntArray
    estimated: BoolArray
    retail_price: IntArray
    pool_ask: IntArray
    pool_bid: IntArray
    surplus_cap_wh: IntArray
    trade_no: IntArray
    seller_id: IntArray
    buyer_id: IntArray
    traded_wh: IntArray
    price: IntArray
    zone_index: IntArray | None = None
    zone_fees: IntArray | None = None

    def digest(self) -> str:
        """SHA-256 (hex) over every rule and every array, as little-endian int64 with their masks.

        What an interval does not have (fees by zone) leaves no trace in it.
        """
        values = {field.name: value for field in fields(self) if (value := getattr(self, field.name)) is not None}
        rules = {name: value for name, value in values.items() if not isinstance(value, np.ndarray)}
        sha = hashlib.sha256(f"{VERSION}\n{json.dumps(rules, sort_keys=True)}\n".encode())
        for name, array in values.items():
            if name not in rules:
                sha.update(f"{name} {len(array)}\n".encode())
                sha.update(np.ma.filled(array, 0).astype("<i8").tobytes())
                sha.update(np.packbits(np.ma.getmaskarray(array)).tobytes())
        return sha.hexdigest()

    def trade_fees(self) -> IntArray | int:
        """The network fee of each trade (m), or the one fee of all, đồng/kWh."""
        if self.zone_index is None or self.zone_fees is None:
            return self.network_fee
        zones = [self.zone_index[np.searchsorted(self.participant_ids, ids)] for ids in (self.seller_id, self.buyer_id)]
        return np.asarray(self.zone_fees[zones[0], zones[1]])

    def clearing_input(self) -> ClearingInput:
        """The same interval as clearing takes it. Raises ClearingError."""
        return ClearingInput(
            import_wh=self.import_wh,
            export_wh=self.export_wh,
            retail_price=self.retail_price,
            surplus_price=self.surplus_price,
            trade_seq=self.trade_no,
            seller_index=np.searchsorted(self.participant_ids, self.seller_id),
            buyer_index=np.searchsorted(self.participant_ids, self.buyer_id),
            traded_wh=self.traded_wh,
            price=self.price,
            network_fee=self.trade_fees(),
            pool_network_fee=self.zone_fees,
            zone_index=self.zone_index,
            surplus_cap_wh=self._caps(),
            pool_ask=np.ma.filled(self.pool_ask, 0),
            pool_bid=np.ma.filled(self.pool_bid, 0),
            pool_ask_mask=~np.ma.getmaskarray(self.pool_ask),
            pool_bid_mask=~np.ma.getmaskarray(self.pool_bid),
            estimated=self.estimated,
            force_majeure=self.force_majeure,
            deadband_pct=self.deadband_pct,
            deadband_wh=self.deadband_wh,
            mode=cast(Mode, self.mode),
        )

    def _caps(self) -> IntArray | None:
        mask = np.ma.getmaskarray(self.surplus_cap_wh)
        return None if mask.all() else np.where(mask, self.export_wh, np.ma.getdata(self.surplus_cap_wh))


def aligned(ids: IntArray, known_ids: IntArray, values: IntArray) -> Any:
    """`values` of ascending unique `known_ids` laid out by `ids` (ascending): masked where an id is not known."""
    laid_out = np.ma.masked_all(len(ids), dtype=values.dtype)
    if len(ids):
        where = np.searchsorted(ids, known_ids).clip(max=len(ids) - 1)
        wanted = ids[where] == known_ids
        laid_out[where[wanted]] = values[wanted]
    return laid_out
