"""Step 4 of clearing: who pays for a trade that was not delivered, and only for what somebody really lost.

The missing part of each trade (traded − delivered) is attributed in execution order: first to what its buyer still
imports from the grid, else to what its seller still exports to it. What finds neither cost nobody anything.
- Seller short: it pays its buyer max(0, buyer's retail − price − network fee) per kWh.
- Buyer did not take: it pays its seller max(0, price − seller's surplus price) per kWh.

From each party's attributed energy on one side (selling, buying) a dead-band is taken off first:
max(⌊pct % of all it contracted on that side⌋, deadband_wh), from its latest trade backwards.

Force majeure: no rows at all. An estimated reading of the seller or of the buyer: that trade pays nothing. Its missing
part still uses up the residual it is attributed to, but none of the payer's dead-band. So one failed meter never makes
anybody pay more than it would have paid with that meter working and the same figures.

Example: a campus sold 40,000 and 20,000 Wh, and 5,000 Wh of the second are missing while the buyer imports at 3,398.
Dead-band max(⌊5 % of 60,000⌋, 250) = 3,000; charged 2,000 Wh × (3,398 − 1,650 − 120 = 1,628) = 3,256,000 milli-đồng.
"""

import numpy as np

from settlement.domain.clearing_input import BoolArray, ClearingInput, IntArray
from settlement.domain.clearing_result import Compensation
from settlement.domain.totals import totals


def compensate(
    inputs: ClearingInput, delivered_wh: IntArray, grid_import_wh: IntArray, grid_export_wh: IntArray
) -> Compensation:
    """The compensation rows for `delivered_wh` (m), given what each participant (n) still exchanges with the grid."""
    failed = np.flatnonzero((inputs.traded_wh > delivered_wh) & (not inputs.force_majeure))
    trade, seller_short, missed_wh = attribute(inputs, failed, delivered_wh, grid_import_wh, grid_export_wh)
    measured = ~(inputs.is_estimated[inputs.seller_index[trade]] | inputs.is_estimated[inputs.buyer_index[trade]])
    return _rows(inputs, trade[measured], seller_short[measured], missed_wh[measured])


def attribute(
    inputs: ClearingInput, failed: IntArray, delivered_wh: IntArray, grid_import_wh: IntArray, grid_export_wh: IntArray
) -> tuple[IntArray, BoolArray, IntArray]:
    """For the trades `failed` (indexes, ascending): the trades with a loss, whether the seller failed, and the Wh."""
    import_left, export_left = grid_import_wh.tolist(), grid_export_wh.tolist()
    sellers, buyers = inputs.seller_index[failed].tolist(), inputs.buyer_index[failed].tolist()
    missing = (inputs.traded_wh - delivered_wh)[failed].tolist()
    rows: list[tuple[int, bool, int]] = []
    for trade, seller, buyer, wh in zip(failed.tolist(), sellers, buyers, missing, strict=True):
        bought_dear = min(wh, import_left[buyer])
        import_left[buyer] -= bought_dear
        if bought_dear:
            rows.append((trade, True, bought_dear))
        sold_cheap = min(wh - bought_dear, export_left[seller])
        export_left[seller] -= sold_cheap
        if sold_cheap:
            rows.append((trade, False, sold_cheap))
    trades, shorts, missed = zip(*rows, strict=True) if rows else ((), (), ())
    return np.array(trades, dtype=np.int64), np.array(shorts, dtype=bool), np.array(missed, dtype=np.int64)


def deadband_wh(inputs: ClearingInput, party_index: IntArray) -> IntArray:
    """Each participant's dead-band (n) on the side whose party of each trade (m) is `party_index`."""
    contracted = totals(inputs.traded_wh, party_index, inputs.participants)
    return np.maximum(inputs.deadband_pct * contracted // 100, inputs.deadband_wh)


def _rows(inputs: ClearingInput, trade: IntArray, seller_short: BoolArray, missed_wh: IntArray) -> Compensation:
    seller, buyer = inputs.seller_index[trade], inputs.buyer_index[trade]
    payer = np.where(seller_short, seller, buyer)
    charged_wh = _after_deadband(inputs, seller_short, payer, missed_wh)
    rate = loss_price(inputs, trade, seller_short)
    return Compensation(
        trade_index=trade,
        trade_seq=inputs.trade_seq[trade],
        seller_short=seller_short,
        payer_index=payer,
        counterparty_index=np.where(seller_short, buyer, seller),
        missed_wh=missed_wh,
        charged_wh=charged_wh,
        rate_price=rate,
        millidong=charged_wh * rate,
    )


def _after_deadband(inputs: ClearingInput, seller_short: BoolArray, payer: IntArray, missed_wh: IntArray) -> IntArray:
    selling_band = deadband_wh(inputs, inputs.seller_index).tolist()
    buying_band = deadband_wh(inputs, inputs.buyer_index).tolist()
    charged = missed_wh.tolist()
    shorts, payers = seller_short.tolist(), payer.tolist()
    for row in range(len(charged) - 1, -1, -1):
        band = selling_band if shorts[row] else buying_band
        forgiven = min(charged[row], band[payers[row]])
        band[payers[row]] -= forgiven
        charged[row] -= forgiven
    return np.array(charged, dtype=np.int64)


def loss_price(inputs: ClearingInput, trade: IntArray, seller_short: BoolArray) -> IntArray:
    """What each missing kWh of `trade` (indexes) cost the other party, đồng/kWh, never below 0."""
    seller, buyer, price = inputs.seller_index[trade], inputs.buyer_index[trade], inputs.price[trade]
    buyers_loss = inputs.retail_price[buyer] - price - inputs.trade_fees[trade]
    sellers_loss = price - inputs.surplus_prices[seller]
    return np.maximum(0, np.where(seller_short, buyers_loss, sellers_loss))
