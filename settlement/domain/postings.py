"""What a cleared interval says about every account, by category: the state whose differences are posted.

The accounts of an interval are numbered: its n participants, then the grid operator (n) and the local network (n + 1).
In each category energy and money sum to zero over them. Energy has the sign that money has at a positive price.

| category | receives | pays | energy |
|---|---|---|---|
| local, pool | seller | buyer | what moved |
| grid_import | operator | participant | what came from the grid |
| grid_export | participant | operator | what went to the grid, unpaid spill included |
| network_fee | network | buyer | what it was charged on |
| compensation | who lost | who failed | what was charged |
"""

from dataclasses import dataclass

import numpy as np

from settlement.domain.clearing_input import ClearingInput, IntArray
from settlement.domain.clearing_result import ClearingResult
from settlement.domain.totals import totals

CATEGORIES = ("local", "pool", "grid_import", "grid_export", "network_fee", "compensation")


@dataclass(frozen=True, eq=False, slots=True)
class State:
    """Wh and milli-đồng, shape (categories, accounts)."""

    energy_wh: IntArray
    amount_millidong: IntArray

    def minus(self, before: "State") -> "State":
        """What must be posted to come from `before` to here."""
        return State(self.energy_wh - before.energy_wh, self.amount_millidong - before.amount_millidong)

    def entries(self, category: int) -> IntArray:
        """The accounts that have something to post in a category."""
        return np.flatnonzero((self.energy_wh[category] != 0) | (self.amount_millidong[category] != 0))


def nothing(participants: int) -> State:
    """The state before the first run."""
    shape = (len(CATEGORIES), participants + 2)
    return State(np.zeros(shape, dtype=np.int64), np.zeros(shape, dtype=np.int64))


def state_of(inputs: ClearingInput, result: ClearingResult) -> State:
    """The state that this result amounts to."""
    n, cash = inputs.participants, result.cash
    operator, network = n, n + 1
    owed = result.compensation
    energy = [
        _between(_moved(result.delivered_wh, inputs.seller_index, inputs.buyer_index, n)),
        _between(_moved(result.pool.wh, result.pool.seller_index, result.pool.buyer_index, n)),
        _against(-result.grid_import_wh, operator),
        _against(result.grid_export_wh, operator),
        _against(-result.bought_wh, network),
        _between(_moved(owed.charged_wh, owed.counterparty_index, owed.payer_index, n)),
    ]
    money = [
        _between(cash.local_sale + cash.local_purchase),
        _between(cash.pool_sale + cash.pool_purchase),
        _against(cash.grid_purchase, operator),
        _against(cash.grid_surplus, operator),
        _against(cash.network_fee, network),
        _between(cash.compensation_paid + cash.compensation_received),
    ]
    return State(np.stack(energy), np.stack(money))


def _moved(wh: IntArray, giver: IntArray, taker: IntArray, participants: int) -> IntArray:
    return totals(wh, giver, participants) - totals(wh, taker, participants)


def _between(values: IntArray) -> IntArray:
    """Among the participants themselves."""
    return np.concatenate([values, np.zeros(2, dtype=np.int64)])


def _against(values: IntArray, account: int) -> IntArray:
    """Between the participants and one account of the market."""
    row = _between(values)
    row[account] = -values.sum()
    return row
