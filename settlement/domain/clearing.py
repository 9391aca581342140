"""Clear one delivery interval of one market against metered energy: who delivered what, and who owes whom.

1. deliver trades (`delivery`) · 2. pool what is left (`pool`) · 3. the rest is bought from the grid at retail, or given
to it at the surplus price up to the owner's cap · 4. compensation for real losses (`compensation`) · 5. network fee on
local kWh, trades and pool, paid by the buyer.

Example (f = 120, s = 671): a dorm exports 6,000 Wh and sold them to T2 at 1,720; T2 imports 7,000 at retail 3,398.
Delivered 6,000. Dorm +10,320,000 milli-đồng; T2 −10,320,000 − 720,000 fee − 3,398,000 for 1,000 Wh from the grid;
network +720,000; operator +3,398,000; sum 0. The whole worked example is in docs/algorithms/clearing.md.
"""

import numpy as np

from settlement.domain.clearing_input import ClearingError, ClearingInput, IntArray
from settlement.domain.clearing_result import Cash, ClearingResult, Compensation, Pool
from settlement.domain.compensation import compensate
from settlement.domain.delivery import deliver
from settlement.domain.pool import run_pool
from settlement.domain.totals import totals

__all__ = ["Cash", "ClearingError", "ClearingInput", "ClearingResult", "Compensation", "Pool", "clear"]


def clear(inputs: ClearingInput) -> ClearingResult:
    """Clear one interval. Pure: the same input gives the same result, and the input is left as it was."""
    delivered = deliver(inputs)
    sold, bought = _moved(inputs, delivered, inputs.seller_index, inputs.buyer_index)
    pool = run_pool(inputs, inputs.export_wh - sold, inputs.import_wh - bought)
    pool_sold, pool_bought = _moved(inputs, pool.wh, pool.seller_index, pool.buyer_index)
    sold, bought = sold + pool_sold, bought + pool_bought
    grid_export, grid_import = inputs.export_wh - sold, inputs.import_wh - bought
    spill = np.maximum(grid_export - inputs.surplus_caps_wh, 0)
    compensation = compensate(inputs, delivered, grid_import, grid_export)
    cash = _cash(inputs, delivered, pool, grid_import, grid_export - spill, compensation)
    return ClearingResult(
        delivered_wh=delivered,
        pool=pool,
        sold_wh=sold,
        bought_wh=bought,
        grid_export_wh=grid_export,
        grid_import_wh=grid_import,
        unpaid_spill_wh=spill,
        compensation=compensation,
        cash=cash,
        cash_millidong=cash.total(),
        operator_millidong=-int(cash.grid_purchase.sum() + cash.grid_surplus.sum()),
        network_millidong=-int(cash.network_fee.sum()),
    )


def _moved(inputs: ClearingInput, wh: IntArray, sellers: IntArray, buyers: IntArray) -> tuple[IntArray, IntArray]:
    return totals(wh, sellers, inputs.participants), totals(wh, buyers, inputs.participants)


def _cash(
    inputs: ClearingInput,
    delivered: IntArray,
    pool: Pool,
    grid_import: IntArray,
    paid_export: IntArray,
    compensation: Compensation,
) -> Cash:
    n = inputs.participants
    trade_value, pool_value = delivered * inputs.price, pool.wh * (pool.price or 0)
    fees = totals(delivered * inputs.trade_fees, inputs.buyer_index, n)
    return Cash(
        local_sale=totals(trade_value, inputs.seller_index, n),
        local_purchase=-totals(trade_value, inputs.buyer_index, n),
        pool_sale=totals(pool_value, pool.seller_index, n),
        pool_purchase=-totals(pool_value, pool.buyer_index, n),
        network_fee=-fees - totals(pool.wh * pool.network_fee, pool.buyer_index, n),
        grid_purchase=-grid_import * inputs.retail_price,
        grid_surplus=paid_export * inputs.surplus_prices,
        compensation_paid=-totals(compensation.millidong, compensation.payer_index, n),
        compensation_received=totals(compensation.millidong, compensation.counterparty_index, n),
    )
