"""Forgetting earlier backtests: their scratch markets with all that belongs to them, and nothing else.

A real market's log, readings and ledger can never be deleted; the database refuses. A backtest's are copies of a scene
folder, so for them alone these guards are set aside, within one transaction.
"""

import pgtrigger
from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper

from trading.models import Market

PREFIX = "bt-"
# In the order in which rows point at each other. What each table is found by: the market, its site, or its code.
_BY_MARKET = (
    "settlement_compensation", "settlement_traderesult", "settlement_participantresult", "settlement_ledgerentry",
    "settlement_ledgertransaction", "settlement_settlementrun", "settlement_settlementalarm",
    "settlement_ledgeraccount", "planning_forecast", "planning_standinginstruction", "trading_energylimit",
    "trading_position", "trading_trade", "trading_order", "trading_command",
)  # fmt: skip
_BY_SITE = (
    "tariffs_tariffassignment", "tariffs_siteterms", "tariffs_networkfee", "tariffs_ruleslock", "meters_device",
    "meters_reading", "meters_intervalrevision", "meters_meteringpoint",
)  # fmt: skip


def forget_backtests() -> int:
    """Deletes every scratch market that a backtest made; returns how many there were."""
    found = Market.objects.filter(code__startswith=PREFIX, ticking=False).values_list("pk", "site_id", "code")
    markets, sites, codes = (list(column) for column in zip(*found, strict=True)) if found else ([], [], [])
    if not markets:
        return 0
    with transaction.atomic(), pgtrigger.ignore(), connection.cursor() as cursor:
        for table in _BY_MARKET:
            cursor.execute(f"DELETE FROM {table} WHERE market_id = ANY(%s)", (markets,))
        cursor.execute(
            "DELETE FROM planning_contractplan WHERE contract_id IN"
            " (SELECT id FROM trading_contract WHERE market_id = ANY(%s))",
            (markets,),
        )
        for table in ("trading_contract", "trading_admission"):
            cursor.execute(f"DELETE FROM {table} WHERE market_id = ANY(%s)", (markets,))
        cursor.execute("DELETE FROM trading_market WHERE id = ANY(%s)", (markets,))
        for table in _BY_SITE:
            cursor.execute(f"DELETE FROM {table} WHERE site_id = ANY(%s)", (sites,))
        cursor.execute("DELETE FROM meters_site WHERE id = ANY(%s)", (sites,))
        _delete_named(cursor, codes)
    return len(markets)


def _delete_named(cursor: CursorWrapper, codes: list[str]) -> None:
    """Tariffs and participants, which belong to no market, by the code of the run that they begin with."""
    patterns = [f"{code}-%" for code in codes]
    for statement in (
        "DELETE FROM tariffs_tariffrow WHERE tariff_id IN (SELECT id FROM tariffs_tariff WHERE code LIKE ANY(%s))",
        "DELETE FROM tariffs_tariff WHERE code LIKE ANY(%s)",
        "DELETE FROM accounts_participant WHERE code LIKE ANY(%s)",
    ):
        cursor.execute(statement, (patterns,))
