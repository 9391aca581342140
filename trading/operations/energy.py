"""What participants are expected to have over or to need in an interval: it bounds what they may sell.

Written by planning from its forecasts, under the market's row lock, so that no order is weighed against half of it.
"""

from collections.abc import Sequence
from datetime import datetime

from django.db import connection, transaction

_UPSERT = """
    INSERT INTO trading_energylimit AS e (market_id, contract_id, participant_id, net_wh, updated_at)
    SELECT %s, contract, party, net, %s FROM unnest(%s::bigint[], %s::bigint[], %s::bigint[]) AS n(contract, party, net)
    ON CONFLICT (market_id, contract_id, participant_id) DO UPDATE
    SET net_wh = excluded.net_wh, updated_at = excluded.updated_at WHERE e.net_wh <> excluded.net_wh
"""


def set_energy_limits(market_id: int, rows: Sequence[tuple[int, int, int]], at: datetime) -> None:
    """Sets (contract, participant, net Wh) for a market, each pair once: surplus positive, need negative."""
    if not rows:
        return
    contracts, parties, net = zip(*rows, strict=True)
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute("SELECT 1 FROM trading_market WHERE id = %s FOR NO KEY UPDATE", (market_id,))
        cursor.execute(_UPSERT, (market_id, at, list(contracts), list(parties), list(net)))
