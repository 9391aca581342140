"""What clearing finds out about one interval: energy, matches, compensation and every đồng, by cause.

Energy is in Wh, prices in đồng/kWh, money in milli-đồng. In `Cash` money that a participant receives is positive and
money it pays is negative; each field becomes one kind of ledger entry.
"""

from dataclasses import dataclass, fields

import numpy as np

from settlement.domain.clearing_input import BoolArray, IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Pool:
    """The residual pool's k matches, all at the one `price` (None when there was no match)."""

    seller_index: IntArray
    buyer_index: IntArray
    wh: IntArray
    network_fee: IntArray
    price: int | None


@dataclass(frozen=True, eq=False, slots=True)
class Compensation:
    """One row for each trade whose missing energy cost somebody something, in execution order.

    `seller_short` says who failed: the seller (the payer is the seller), or the buyer that did not take. `missed_wh`
    is the part of the trade attributed to a real loss, `charged_wh` what the dead-band left of it, `rate_price` the
    loss per kWh, `millidong = charged_wh × rate_price`.
    """

    trade_index: IntArray
    trade_seq: IntArray
    seller_short: BoolArray
    payer_index: IntArray
    counterparty_index: IntArray
    missed_wh: IntArray
    charged_wh: IntArray
    rate_price: IntArray
    millidong: IntArray


@dataclass(frozen=True, eq=False, slots=True)
class Cash:
    """Milli-đồng per participant (n) by cause; received is positive, paid is negative."""

    local_sale: IntArray
    local_purchase: IntArray
    pool_sale: IntArray
    pool_purchase: IntArray
    network_fee: IntArray
    grid_purchase: IntArray
    grid_surplus: IntArray
    compensation_paid: IntArray
    compensation_received: IntArray

    def by_component(self) -> dict[str, IntArray]:
        """The components by name, in the order of a statement."""
        return {field.name: getattr(self, field.name) for field in fields(self)}

    def total(self) -> IntArray:
        """What each participant receives less what it pays (n), milli-đồng."""
        return np.sum(list(self.by_component().values()), axis=0, dtype=np.int64)


@dataclass(frozen=True, eq=False, slots=True)
class ClearingResult:
    """The outcome of one interval.

    `delivered_wh` (m) per trade. `sold_wh` and `bought_wh` (n) are local: trades and pool. `grid_export_wh` and
    `grid_import_wh` (n) are the rest; `unpaid_spill_wh` (n) is the part of `grid_export_wh` beyond the owner's cap.
    `cash_millidong` (n) is the sum of the components; with `operator_millidong` and `network_millidong` it sums to 0.
    """

    delivered_wh: IntArray
    pool: Pool
    sold_wh: IntArray
    bought_wh: IntArray
    grid_export_wh: IntArray
    grid_import_wh: IntArray
    unpaid_spill_wh: IntArray
    compensation: Compensation
    cash: Cash
    cash_millidong: IntArray
    operator_millidong: int
    network_millidong: int
