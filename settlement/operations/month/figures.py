"""The figures of one local day for a close: what every participant moved, by kind and price, in a few statements.

Local trade, pool, grid and compensation are added up from what the last run of each interval found; the network fee
from the ledger, which has it by account whatever the zones. All of it is then compared with the ledger, participant by
participant and category by category: two ways to the same figures, which must agree to the milli-đồng.
"""

from datetime import date
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from settlement.models import CloseDay, MonthClose
from units.interval import day_bounds

# The day's contracts with their last runs, handed to every statement as arrays.
_RUNS = """
    SELECT c.id, c.delivery_start, r.id, coalesce(r.results_of_id, r.id), r.surplus_price, r.network_fee,
           coalesce(r.pool_price, 0)
    FROM trading_contract c CROSS JOIN LATERAL (
        SELECT * FROM settlement_settlementrun WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
    ) r WHERE c.market_id = %(market)s AND c.delivery_start >= %(start)s AND c.delivery_start < %(end)s ORDER BY c.id
"""
_COLUMNS = ("contract_id", "delivery_start", "run_id", "results_id", "surplus_price", "network_fee", "pool_price")


def _array(name: str) -> str:
    return f"%({name})s::{'timestamptz' if name == 'delivery_start' else 'bigint'}[]"


_WITH_RUNS = f"""
    WITH close_runs AS MATERIALIZED (
        SELECT * FROM unnest({", ".join(_array(name) for name in _COLUMNS)}) AS r ({", ".join(_COLUMNS)})
    )
"""
_FIGURES = """
    INSERT INTO settlement_monthfigure (close_id, participant_id, "on", kind, price, energy_wh, amount_millidong)
    SELECT %(close)s, participant_id, %(on)s, kind, price, sum(wh)::bigint, sum(amount)::bigint FROM (
        SELECT p.participant_id, f.* FROM close_runs r JOIN settlement_participantresult p ON p.run_id = r.results_id
        CROSS JOIN LATERAL (VALUES
            ('grid_import', p.retail_price, -p.grid_import_wh, -p.grid_import_wh * p.retail_price),
            ('grid_export', r.surplus_price, p.grid_export_wh - p.unpaid_spill_wh,
             (p.grid_export_wh - p.unpaid_spill_wh) * r.surplus_price),
            ('grid_spill', 0, p.unpaid_spill_wh, 0),
            ('pool_sold', 0, p.pool_sold_wh, p.pool_sold_wh * r.pool_price),
            ('pool_bought', 0, -p.pool_bought_wh, -p.pool_bought_wh * r.pool_price),
            ('grid_only', CASE WHEN p.participant_id = ANY(%(on_tiers)s) THEN p.retail_price ELSE 0 END, -p.import_wh,
             p.export_wh * r.surplus_price - p.import_wh * p.retail_price)
        ) f (kind, price, wh, amount) WHERE f.wh <> 0 OR f.amount <> 0
        UNION ALL
        SELECT side.* FROM close_runs r JOIN settlement_traderesult d ON d.run_id = r.results_id
        JOIN trading_trade t ON t.market_id = d.market_id AND t.trade_no = d.trade_no
        CROSS JOIN LATERAL (VALUES
            (t.seller_id, 'local_sold', 0, d.delivered_wh, d.delivered_wh * t.price),
            (t.buyer_id, 'local_bought', 0, -d.delivered_wh, -d.delivered_wh * t.price)
        ) side (participant_id, kind, price, wh, amount) WHERE d.delivered_wh <> 0
        UNION ALL
        SELECT side.* FROM close_runs r JOIN settlement_compensation c ON c.run_id = r.results_id
        CROSS JOIN LATERAL (VALUES
            (c.payee_id, 'compensation_received', 0, c.charged_wh, c.amount_millidong),
            (c.payer_id, 'compensation_paid', 0, -c.charged_wh, -c.amount_millidong)
        ) side (participant_id, kind, price, wh, amount) WHERE c.charged_wh <> 0
        UNION ALL
        SELECT participant_id, 'network_fee', CASE WHEN amount = wh * fee THEN fee ELSE 0 END, wh, amount FROM (
            SELECT a.participant_id, r.network_fee AS fee, sum(e.energy_wh) AS wh, sum(e.amount_millidong) AS amount
            FROM close_runs r
            JOIN settlement_ledgertransaction t ON t.contract_id = r.contract_id AND t.category = 'network_fee'
            JOIN settlement_ledgerentry e ON e.transaction_id = t.id
            JOIN settlement_ledgeraccount a ON a.id = e.account_id AND a.kind = 'participant'
            GROUP BY a.participant_id, r.contract_id, r.network_fee
        ) fees WHERE wh <> 0 OR amount <> 0
    ) figures GROUP BY participant_id, kind, price
"""
# The highest half hour of each, W; only for those whose tariff asks for it.
_PMAX = """
    INSERT INTO settlement_monthfigure (close_id, participant_id, "on", kind, price, energy_wh, amount_millidong)
    SELECT %(close)s, participant_id, %(on)s, 'pmax', 0, max(wh) * 2, 0 FROM (
        SELECT p.participant_id, sum(p.import_wh)::bigint AS wh
        FROM close_runs r JOIN settlement_participantresult p ON p.run_id = r.results_id
        WHERE p.participant_id = ANY(%(metered_power)s)
        GROUP BY p.participant_id, date_bin('30 minutes', r.delivery_start, %(start)s)
    ) half_hours GROUP BY participant_id HAVING max(wh) > 0
"""
_READINGS = """
    INSERT INTO settlement_closereading (close_id, metering_point_id, "on", import_wh, export_wh)
    SELECT %(close)s, metering_point_id, %(on)s, sum(import_wh)::bigint, sum(export_wh)::bigint FROM (
        SELECT DISTINCT ON (r.start, r.metering_point_id) r.metering_point_id, r.import_wh, r.export_wh
        FROM meters_reading r WHERE r.site_id = %(site)s AND r.start >= %(start)s AND r.start < %(end)s
        ORDER BY r.start, r.metering_point_id, r.version DESC
    ) latest GROUP BY metering_point_id
"""
# Participants for whom the figures and the ledger disagree in some category.
_DIFFERENCES = """
    SELECT count(DISTINCT participant_id) FROM (
        SELECT participant_id, category, sum(wh) AS wh, sum(amount) AS amount FROM (
            SELECT participant_id, CASE kind
                WHEN 'local_sold' THEN 'local' WHEN 'local_bought' THEN 'local'
                WHEN 'pool_sold' THEN 'pool' WHEN 'pool_bought' THEN 'pool'
                WHEN 'grid_spill' THEN 'grid_export'
                WHEN 'compensation_received' THEN 'compensation' WHEN 'compensation_paid' THEN 'compensation'
                ELSE kind END AS category, energy_wh AS wh, amount_millidong AS amount
            FROM settlement_monthfigure
            WHERE close_id = %(close)s AND "on" = %(on)s AND kind NOT IN ('grid_only', 'pmax')
            UNION ALL
            SELECT a.participant_id, t.category, -e.energy_wh, -e.amount_millidong
            FROM close_runs r JOIN settlement_ledgertransaction t ON t.contract_id = r.contract_id
            JOIN settlement_ledgerentry e ON e.transaction_id = t.id
            JOIN settlement_ledgeraccount a ON a.id = e.account_id AND a.kind = 'participant'
        ) both_ways GROUP BY participant_id, category
    ) compared WHERE wh <> 0 OR amount <> 0
"""
_CASH = """
    SELECT coalesce(sum(e.amount_millidong), 0)::bigint FROM close_runs r
    JOIN settlement_ledgertransaction t ON t.contract_id = r.contract_id
    JOIN settlement_ledgerentry e ON e.transaction_id = t.id
"""
# What came in at the site's connection less what its members took, where the connection is metered at all.
_LOSSES = """
    SELECT coalesce(sum(CASE p.role WHEN 'grid' THEN d.import_wh - d.export_wh
                                    WHEN 'boundary' THEN d.export_wh - d.import_wh ELSE 0 END), 0)::bigint
    FROM settlement_closereading d JOIN meters_meteringpoint p ON p.id = d.metering_point_id
    WHERE d.close_id = %(close)s AND d."on" = %(on)s AND EXISTS (
        SELECT FROM settlement_closereading g JOIN meters_meteringpoint m ON m.id = g.metering_point_id
        WHERE g.close_id = %(close)s AND g."on" = %(on)s AND m.role = 'grid'
    )
"""


def take_day(close: MonthClose, on: date, zone: ZoneInfo, metered_power: list[int], on_tiers: list[int]) -> None:
    """Take the figures of one local day, once. `metered_power`: who pays for its highest half hour; `on_tiers`: who is
    on a tiered tariff on some day of the month."""
    day = day_bounds(on, zone)
    values: dict[str, Any] = {
        "close": close.pk,
        "market": close.market_id,
        "site": close.market.site_id,
        "on": on,
        "start": day.start,
        "end": day.end,
        "metered_power": metered_power,
        "on_tiers": on_tiers,
    }
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_RUNS, values)
        runs = cursor.fetchall()
        values |= zip(_COLUMNS, (list(column) for column in zip(*runs, strict=True)), strict=True) if runs else ()
        cursor.execute(_READINGS, values)
        for statement in (_FIGURES, _PMAX) if runs else ():
            cursor.execute(_WITH_RUNS + statement, values)
        CloseDay.objects.create(
            close=close,
            on=on,
            intervals=len(runs),
            runs_sum=sum(run_id for _, _, run_id, *_ in runs),
            losses_wh=_number(cursor, _LOSSES, values),
            cash_millidong=_number(cursor, _WITH_RUNS + _CASH, values) if runs else 0,
            ledger_differences=_number(cursor, _WITH_RUNS + _DIFFERENCES, values) if runs else 0,
        )


def _number(cursor: Any, statement: str, values: dict[str, Any]) -> int:
    cursor.execute(statement, values)
    return int(cursor.fetchone()[0])
