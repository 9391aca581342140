"""Step 1 of clearing: how much of each trade was really delivered.

FIFO: in execution order, each trade gets `min(traded, seller's remaining export, buyer's remaining import)`. Struck
first is delivered first; one pass is maximal: afterwards no trade has both an unmet seller and an unmet buyer, because
export and import only fall during the pass.

Pro-rata: each seller's export over its trades by traded quantity, then each buyer's import over what that left, then
the FIFO pass for the slack. A whole Wh that does not divide goes by largest remainder, ties to the earlier trade.

Example: a campus exports 50,000 Wh and sold 40,000 and then 20,000. FIFO, with a first buyer that takes 35,000:
35,000 and 15,000. Pro-rata: 33,333.3… and 16,666.6…, so 33,333 and 16,667.
"""

import numpy as np

from settlement.domain.clearing_input import ClearingInput, IntArray
from settlement.domain.totals import totals


def deliver(inputs: ClearingInput) -> IntArray:
    """Delivered Wh per trade (m), by the market's mode."""
    if inputs.mode == "prorata":
        offered = apportion(inputs.traded_wh, inputs.seller_index, inputs.export_wh)
        taken = apportion(offered, inputs.buyer_index, inputs.import_wh)
        return fifo_pass(inputs, taken)
    return fifo_pass(inputs, np.zeros(inputs.trades, dtype=np.int64))


def fifo_pass(inputs: ClearingInput, delivered_wh: IntArray) -> IntArray:
    """Raise `delivered_wh` (m) in execution order as far as the meters on both sides still allow."""
    n = inputs.participants
    export_left = (inputs.export_wh - totals(delivered_wh, inputs.seller_index, n)).tolist()
    import_left = (inputs.import_wh - totals(delivered_wh, inputs.buyer_index, n)).tolist()
    open_wh = (inputs.traded_wh - delivered_wh).tolist()
    added = []
    for seller, buyer, wh in zip(inputs.seller_index.tolist(), inputs.buyer_index.tolist(), open_wh, strict=True):
        added_wh = min(wh, export_left[seller], import_left[buyer])
        export_left[seller] -= added_wh
        import_left[buyer] -= added_wh
        added.append(added_wh)
    return delivered_wh + np.array(added, dtype=np.int64)


def apportion(claims: IntArray, owner: IntArray, available: IntArray) -> IntArray:
    """Share each owner's `available` (n) over its `claims` (m) in proportion; all claims in full where it suffices.

    Largest remainder: everybody gets the whole part, the Wh left over go one each to the largest fractions, ties to
    the earlier claim. Never more than claimed.
    """
    claimed = totals(claims, owner, len(available))
    granted = np.minimum(available, claimed)
    whole, remainder = _divide(claims, granted[owner], np.maximum(claimed[owner], 1))
    left = granted - totals(whole, owner, len(available))
    order = np.lexsort((-remainder, owner))
    ordered_owner = owner[order]
    rank = np.arange(len(owner)) - np.searchsorted(ordered_owner, ordered_owner, side="left")
    whole[order[rank < left[ordered_owner]]] += 1
    return whole


def _divide(claims: IntArray, granted: IntArray, claimed: IntArray) -> tuple[IntArray, IntArray]:
    """`claims × granted ÷ claimed` as whole part and remainder, in Python integers where 64 bits could overflow."""
    if claims.size and int(claims.max()) * int(granted.max()) >= 2**63:
        claims = claims.astype(object)
    product = claims * granted
    return (product // claimed).astype(np.int64), (product % claimed).astype(np.int64)
