"""The panel of laws: of the intervals settled, how many have every law checked and stored with no violation.

A run stores the totals behind the laws (`settlement.domain.invariants.figures`); here each law is read off them again
by PostgreSQL, for the run that holds the results of each interval. The rate is checked ÷ settled and must be 1.0; in a
stretch in which nothing is settled yet there is none.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import connection


@dataclass(frozen=True, slots=True)
class Law:
    """One law: in how many intervals it holds, and in how many it is broken or was not stored."""

    code: str
    holds: int
    broken: int


@dataclass(frozen=True, slots=True)
class InvariantsPanel:
    """`settled`: intervals that are cleared. `checked`: those whose run has all laws stored without a violation.
    `broken`: the contracts of the others, at most 50."""

    settled: int
    checked: int
    laws: tuple[Law, ...]
    broken: tuple[int, ...]

    @property
    def rate(self) -> float | None:
        """checked ÷ settled; None where nothing is settled."""
        return self.checked / self.settled if self.settled else None


# Each law over i, the stored totals, each taken as a number (missing: NULL, which no comparison makes true).
_N = "(i->>'{}')::numeric"


def _n(name: str) -> str:
    return _N.format(name)


LAWS = {
    "export_split": f"{_n('export_wh')} = {_n('sold_wh')} + {_n('grid_export_wh')}",
    "import_split": f"{_n('import_wh')} = {_n('bought_wh')} + {_n('grid_import_wh')}",
    "sold_is_bought": f"{_n('sold_wh')} = {_n('bought_wh')}",
    "delivered_within_traded": f"{_n('delivered_wh')} BETWEEN 0 AND {_n('traded_wh')}",
    "local_is_trades_and_pool": f"{_n('sold_wh')} = {_n('delivered_wh')} + {_n('pool_wh')}",
    "spill_within_surplus": f"{_n('unpaid_spill_wh')} BETWEEN 0 AND {_n('grid_export_wh')}",
    "compensation_within_missed": f"{_n('charged_wh')} BETWEEN 0 AND {_n('missed_wh')}"
    f" AND {_n('compensation_millidong')} >= 0",
    "cash_sums_to_zero": f"{_n('cash_sum_millidong')} = 0 AND {_n('participants_millidong')}"
    f" + {_n('operator_millidong')} + {_n('network_millidong')} = 0",
}
# A settled interval without a run has no totals, so no law holds there.
_CHECKED = f"""
    SELECT c.id, {", ".join(f"coalesce({law}, false)" for law in LAWS.values())}
    FROM trading_contract c LEFT JOIN LATERAL (
        SELECT invariants AS i FROM settlement_settlementrun WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
    ) r ON true
    WHERE c.market_id = %s AND c.delivery_start >= %s AND c.delivery_start < %s AND c.state IN ('CLEARED', 'FINAL')
    ORDER BY c.delivery_start
"""
MOST_NAMED = 50


def invariants_panel(market_id: int, start: datetime, end: datetime) -> InvariantsPanel:
    """The laws over the intervals of a market that begin in [start, end)."""
    with connection.cursor() as cursor:
        cursor.execute(_CHECKED, (market_id, start, end))
        rows = cursor.fetchall()
    broken = [contract for contract, *holds in rows if not all(holds)]
    laws = tuple(
        Law(code, sum(row[place] for row in rows), sum(not row[place] for row in rows))
        for place, code in enumerate(LAWS, start=1)
    )
    return InvariantsPanel(len(rows), len(rows) - len(broken), laws, tuple(broken[:MOST_NAMED]))
