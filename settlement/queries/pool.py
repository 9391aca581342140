"""What the pool cost, for whoever compares prices."""

from datetime import datetime

from django.db import connection

_PRICES = """
    SELECT c.id, run.pool_price FROM trading_contract c CROSS JOIN LATERAL (
        SELECT pool_wh, pool_price FROM settlement_settlementrun WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
    ) run WHERE c.market_id = %s AND c.delivery_start >= %s AND c.delivery_start < %s AND run.pool_wh > 0
        AND run.pool_price IS NOT NULL
"""


def pool_prices(market_id: int, start: datetime, end: datetime) -> dict[int, int]:
    """The uniform price of the pool in đồng/kWh of each contract that begins in [start, end), by its last run; those
    in whose pool nothing moved are left out."""
    with connection.cursor() as cursor:
        cursor.execute(_PRICES, (market_id, start, end))
        return dict(cursor.fetchall())
