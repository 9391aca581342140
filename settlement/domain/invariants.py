"""What must be true of every cleared interval, checked against the input and nothing else.

`check` recomputes each law from the meters, the trades and the rules, and names whatever breaks one; an interval with
a violation must not be posted. `figures` gives the totals behind the laws, stored with the run and shown to the
administrator: someone who doubts a run can add them up.

Example: the campus exported 50,000 Wh. `sold_wh` 50,000 and `grid_export_wh` 0 pass; 49,999 and 0 is the violation
`export_split` at the campus, off by −1.
"""

from dataclasses import dataclass

import numpy as np

from settlement.domain.clearing_input import BoolArray, ClearingInput, IntArray
from settlement.domain.clearing_result import ClearingResult
from settlement.domain.compensation import loss_price
from settlement.domain.totals import totals


@dataclass(frozen=True, slots=True)
class Violation:
    """A law that does not hold: stable `code`, what it says, the first row (None: in total), and how far off it is."""

    code: str
    message: str
    index: int | None
    off_by: int


def check(inputs: ClearingInput, result: ClearingResult) -> list[Violation]:
    """Every law that `result` breaks for `inputs`; empty when all hold."""
    return [
        *_check_energy(inputs, result),
        *_check_delivery(inputs, result),
        *_check_pool(inputs, result),
        *_check_compensation(inputs, result),
        *_check_money(inputs, result),
    ]


def figures(inputs: ClearingInput, result: ClearingResult) -> dict[str, int]:
    """The totals of one interval by name: Wh and milli-đồng. `cash_sum_millidong` is 0 in every interval."""
    participants = int(result.cash_millidong.sum())
    return {
        "export_wh": int(inputs.export_wh.sum()),
        "import_wh": int(inputs.import_wh.sum()),
        "traded_wh": int(inputs.traded_wh.sum()),
        "delivered_wh": int(result.delivered_wh.sum()),
        "pool_wh": int(result.pool.wh.sum()),
        "sold_wh": int(result.sold_wh.sum()),
        "bought_wh": int(result.bought_wh.sum()),
        "grid_export_wh": int(result.grid_export_wh.sum()),
        "grid_import_wh": int(result.grid_import_wh.sum()),
        "unpaid_spill_wh": int(result.unpaid_spill_wh.sum()),
        "missed_wh": int(result.compensation.missed_wh.sum()),
        "charged_wh": int(result.compensation.charged_wh.sum()),
        "compensation_millidong": int(result.compensation.millidong.sum()),
        "participants_millidong": participants,
        "operator_millidong": result.operator_millidong,
        "network_millidong": result.network_millidong,
        "cash_sum_millidong": participants + result.operator_millidong + result.network_millidong,
    }


def _equal(code: str, message: str, left: IntArray | int, right: IntArray | int) -> list[Violation]:
    difference = np.atleast_1d(np.asarray(left) - np.asarray(right))
    wrong = np.flatnonzero(difference)
    if not len(wrong):
        return []
    where = int(wrong[0])
    return [Violation(code, message, where if np.ndim(left) else None, int(difference[where]))]


def _never(code: str, message: str, broken: BoolArray) -> list[Violation]:
    wrong = np.flatnonzero(broken)
    return [Violation(code, message, int(wrong[0]), len(wrong))] if len(wrong) else []


def _check_energy(inputs: ClearingInput, result: ClearingResult) -> list[Violation]:
    n, pool = inputs.participants, result.pool
    sold = totals(result.delivered_wh, inputs.seller_index, n) + totals(pool.wh, pool.seller_index, n)
    bought = totals(result.delivered_wh, inputs.buyer_index, n) + totals(pool.wh, pool.buyer_index, n)
    exported, imported = result.sold_wh + result.grid_export_wh, result.bought_wh + result.grid_import_wh
    spill = np.maximum(result.grid_export_wh - inputs.surplus_caps_wh, 0)
    return [
        *_equal("export_split", "Export is what was sold plus what went to the grid.", exported, inputs.export_wh),
        *_equal("import_split", "Import is what was bought plus what came from the grid.", imported, inputs.import_wh),
        *_equal("sold_total", "A participant sold what its trades and pool matches delivered.", result.sold_wh, sold),
        *_equal(
            "bought_total", "A participant bought what its trades and matches delivered.", result.bought_wh, bought
        ),
        *_equal("sold_is_bought", "All that is sold is bought.", int(sold.sum()), int(bought.sum())),
        *_equal("unpaid_spill", "Unpaid is the export beyond the surplus cap.", result.unpaid_spill_wh, spill),
        *_never("grid_export_negative", "Nobody sells more than it exports.", result.grid_export_wh < 0),
        *_never("grid_import_negative", "Nobody buys more than it imports.", result.grid_import_wh < 0),
    ]


def _check_delivery(inputs: ClearingInput, result: ClearingResult) -> list[Violation]:
    q, n = result.delivered_wh, inputs.participants
    unsold = inputs.export_wh - totals(q, inputs.seller_index, n)
    unmet = inputs.import_wh - totals(q, inputs.buyer_index, n)
    deliverable = (q < inputs.traded_wh) & (unsold[inputs.seller_index] > 0) & (unmet[inputs.buyer_index] > 0)
    return [
        *_never("delivered_out_of_range", "A delivery is from 0 to what was traded.", (q < 0) | (q > inputs.traded_wh)),
        *_never("not_maximal", "No trade is left with both an unmet seller and an unmet buyer.", deliverable),
    ]


def _check_pool(inputs: ClearingInput, result: ClearingResult) -> list[Violation]:
    pool, sellers, buyers = result.pool, result.pool.seller_index, result.pool.buyer_index
    if pool.price is None or inputs.pool_ask is None or inputs.pool_bid is None:
        return _never("pool_unpriced", "Pool matches have a price and limits.", np.ones(len(pool.wh), dtype=bool))
    outside = (inputs.pool_ask[sellers] > pool.price) | (inputs.pool_bid[buyers] < pool.price)
    strangers = ~inputs.offers_ask[sellers] | ~inputs.offers_bid[buyers]
    return [
        *_never("pool_beyond_limit", "Nobody trades in the pool beyond its limit.", outside),
        *_never("pool_not_opted_in", "Only those who opted in trade in the pool.", strangers),
        *_never("pool_with_itself", "Nobody trades with itself.", sellers == buyers),
        *_never("pool_empty_match", "A pool match moves energy.", pool.wh <= 0),
    ]


def _check_compensation(inputs: ClearingInput, result: ClearingResult) -> list[Violation]:
    rows, n = result.compensation, inputs.participants
    seller, buyer = inputs.seller_index[rows.trade_index], inputs.buyer_index[rows.trade_index]
    missing = (inputs.traded_wh - result.delivered_wh)[rows.trade_index]
    lost_import = totals(rows.missed_wh * rows.seller_short, buyer, n)
    lost_export = totals(rows.missed_wh * ~rows.seller_short, seller, n)
    out_of_range = (rows.charged_wh < 0) | (rows.charged_wh > rows.missed_wh) | (rows.missed_wh > missing)
    exempt = inputs.is_estimated[seller] | inputs.is_estimated[buyer] | inputs.force_majeure
    due = rows.charged_wh * loss_price(inputs, rows.trade_index, rows.seller_short)
    payer, payee = np.where(rows.seller_short, seller, buyer), np.where(rows.seller_short, buyer, seller)
    wrong_party = (rows.payer_index != payer) | (rows.counterparty_index != payee)
    return [
        *_never("compensated_not_missed", "Charged is at most missed, missed at most undelivered.", out_of_range),
        *_never(
            "loss_not_imported", "A buyer loses at most what it still imports.", lost_import > result.grid_import_wh
        ),
        *_never(
            "loss_not_exported", "A seller loses at most what it still exports.", lost_export > result.grid_export_wh
        ),
        *_never("compensation_exempt", "Force majeure and estimated readings pay no compensation.", exempt),
        *_never("compensation_party", "The party that failed pays the other party of the trade.", wrong_party),
        *_equal("compensation_value", "Compensation is charged Wh times the loss per kWh.", rows.millidong, due),
    ]


def _check_money(inputs: ClearingInput, result: ClearingResult) -> list[Violation]:
    paid, due = result.cash.by_component(), _due(inputs, result)
    total = int(result.cash_millidong.sum()) + result.operator_millidong + result.network_millidong
    grid = int(result.cash.grid_purchase.sum() + result.cash.grid_surplus.sum())
    wrong = [_equal(f"{name}_value", f"{name} is energy times price.", paid[name], due[name]) for name in due]
    return [
        *_equal("cash_sum", "All cash of an interval sums to 0.", total, 0),
        *_equal("cash_components", "Cash is the sum of its components.", result.cash_millidong, result.cash.total()),
        *_equal(
            "operator_cash",
            "The grid operator receives what the grid's energy costs.",
            result.operator_millidong,
            -grid,
        ),
        *(violation for component in wrong for violation in component),
    ]


def _due(inputs: ClearingInput, result: ClearingResult) -> dict[str, IntArray]:
    """Each component of cash from energy and prices alone (n), milli-đồng."""
    pool, rows, n = result.pool, result.compensation, inputs.participants
    value, pool_value = result.delivered_wh * inputs.price, pool.wh * (pool.price or 0)
    fees = totals(result.delivered_wh * inputs.trade_fees, inputs.buyer_index, n)
    pool_fees = inputs.pool_fees(pool.seller_index, pool.buyer_index) if len(pool.wh) else pool.wh
    return {
        "local_sale": totals(value, inputs.seller_index, n),
        "local_purchase": -totals(value, inputs.buyer_index, n),
        "pool_sale": totals(pool_value, pool.seller_index, n),
        "pool_purchase": -totals(pool_value, pool.buyer_index, n),
        "network_fee": -fees - totals(pool.wh * pool_fees, pool.buyer_index, n),
        "grid_purchase": -result.grid_import_wh * inputs.retail_price,
        "grid_surplus": (result.grid_export_wh - result.unpaid_spill_wh) * inputs.surplus_prices,
        "compensation_paid": -totals(rows.millidong, rows.payer_index, n),
        "compensation_received": totals(rows.millidong, rows.counterparty_index, n),
    }
