"""What a backtest found, read from what the market itself stored: trades, settlement runs, statements, ledger.

Everything is integers (Wh, VND/kWh, milli-VND) except shares, which are per cent with one decimal. The dictionary is
the JSON report; docs/backtest.md explains every figure.
"""

from collections import defaultdict
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

from django.db import connection

from settlement.queries import balances, statement
from simulator.backtest import PERFECT, Run
from simulator.domain.efficiency import Limit, gains
from simulator.domain.under_rulebook import UnderRulebook
from trading.models import Market
from units.numbers import rounded_half_up

Report = dict[str, Any]
CANCELLED = 3


def report(run: Run) -> Report:
    """The whole report of a run that has been played to its end."""
    start, end = run.scene.calendar.starts_at, run.scene.calendar.ends_at
    members = _members(run, start, end)
    energy = _energy(run, members)
    return {
        "scene": run.scene.name,
        "market": run.market.code,
        "from": start.astimezone(run.scene.calendar.zone).isoformat(),
        "to": end.astimezone(run.scene.calendar.zone).isoformat(),
        "intervals": run.scene.calendar.count,
        "participants": len(run.scene.participants),
        "forecast": run.forecast,
        "forecast_first_day": PERFECT,
        "rulebook": _rulebook(run.rulebook),
        "energy": energy,
        "prices": prices(run.market, start, end),
        "efficiency": efficiency(run.market.pk, start, end),
        "deviations": deviations(run.market.pk, start, end),
        "members": members,
        "money": money(run.market.pk),
        "alarms": alarms(run.market.pk),
        "counts": _counts(run),
        "seconds": {part: round(value, 2) for part, value in run.timings.seconds.items()},
    }


def _rulebook(under: UnderRulebook | None) -> Report | None:
    """Which rulebook was played, so that two people can say whether they mean the same one."""
    if under is None:
        return None
    return {
        "name": under.name,
        "sha256": under.sha256,
        "tariffs": dict(under.tariffs),
        "surplus_price": under.scene.rules.surplus_price,
        "network_fee": under.scene.rules.network_fee,
        "notes": list(under.notes),
    }


def _members(run: Run, start: datetime, end: datetime) -> list[Report]:
    rows = []
    for member, participant in zip(run.scene.participants, run.loaded.participants, strict=True):
        found = statement(run.market.pk, participant.pk, start, end)
        rows.append(
            {
                "participant": member.key,
                "name": member.name,
                "kind": member.kind,
                "import_wh": found.import_wh,
                "export_wh": found.export_wh,
                "bought_wh": found.bought_wh,
                "sold_wh": found.sold_wh,
                "grid_import_wh": found.grid_import_wh,
                "grid_export_wh": found.grid_export_wh,
                "unpaid_spill_wh": found.unpaid_spill_wh,
                "cash_millidong": found.cash_millidong,
                "grid_only_millidong": found.grid_only_millidong,
                "savings_millidong": found.savings_millidong,
                "by_category_millidong": found.by_category,
            }
        )
    return rows


def _energy(run: Run, members: list[Report]) -> Report:
    """Where the energy that members used came from, and where what they made went."""
    load, generation = int(run.load_wh.sum()), int(run.generation_wh.sum())
    total = {name: sum(row[name] for row in members) for name in _SUMS}
    return {
        "load_wh": load,
        "generation_wh": generation,
        "charged_wh": run.counts["charged_wh"],
        "discharged_wh": run.counts["discharged_wh"],
        "bought_locally_wh": total["bought_wh"],
        "grid_import_wh": total["grid_import_wh"],
        "grid_export_wh": total["grid_export_wh"],
        "unpaid_spill_wh": total["unpaid_spill_wh"],
        # Used behind the own meter: what came in beyond the meters, from own roof or battery.
        "own_use_wh": load + run.counts["charged_wh"] - total["import_wh"],
        "covered_locally_pct": percent(load - total["grid_import_wh"], load),
        "generation_used_locally_pct": percent(generation - total["grid_export_wh"], generation),
    }


_SUMS = ("import_wh", "export_wh", "bought_wh", "sold_wh", "grid_import_wh", "grid_export_wh", "unpaid_spill_wh")


def percent(part: int, whole: int) -> float | None:
    """A share with one decimal; None of nothing."""
    return rounded_half_up(1_000 * part, whole) / 10 if whole else None


def prices(market: Market, start: datetime, end: datetime) -> Report:
    """Trades: how many, how much, prices over all and by local hour of delivery."""
    rows = _fetch(_PRICES, (market.pk, start, end))
    wh, value = sum(row[1] for row in rows), sum(row[2] for row in rows)
    return {
        "trades": sum(row[5] for row in rows),
        "traded_wh": wh,
        "mean_price": rounded_half_up(value, wh) if wh else None,
        "min_price": min((row[3] for row in rows), default=None),
        "max_price": max((row[4] for row in rows), default=None),
        "by_hour": _by_hour(rows, ZoneInfo(market.site.timezone)),
    }


def _by_hour(rows: list[tuple[Any, ...]], zone: ZoneInfo) -> list[Report]:
    energy: dict[int, int] = defaultdict(int)
    value: dict[int, int] = defaultdict(int)
    for delivery, wh, worth, *_ in rows:
        hour = delivery.astimezone(zone).hour
        energy[hour] += wh
        value[hour] += worth
    return [
        {"hour": hour, "traded_wh": energy[hour], "mean_price": rounded_half_up(value[hour], energy[hour])}
        for hour in sorted(energy)
    ]


_PRICES = """
    SELECT c.delivery_start, sum(t.quantity_wh)::bigint, sum(t.quantity_wh * t.price)::bigint, min(t.price),
           max(t.price), count(*)
    FROM trading_trade t JOIN trading_contract c ON c.id = t.contract_id
    WHERE t.market_id = %s AND c.delivery_start >= %s AND c.delivery_start < %s
    GROUP BY c.delivery_start ORDER BY c.delivery_start
"""


def efficiency(market_id: int, start: datetime, end: datetime) -> Report:
    """Realised gains from trade against the most that the last limits allow, over all intervals."""
    by_contract: dict[int, list[Limit]] = defaultdict(list)
    for contract, side, price, wh, filled, status in _fetch(_LIMITS, (market_id, start, end)):
        by_contract[contract].append(Limit(side, price, filled if status == CANCELLED else wh, filled))
    found = [gains(orders) for orders in by_contract.values()]
    realised = sum(gain.realised_millidong for gain in found)
    optimum = sum(gain.optimum_millidong for gain in found)
    return {
        "realised_millidong": realised,
        "optimum_millidong": optimum,
        "efficiency_pct": percent(realised, optimum),
        "contracts": len(found),
        "definition": (
            "Each order at its last limit and quantity, a cancelled one with its fills; optimum: highest bids against "
            "lowest asks per interval; realised: fills at their orders' limits."
        ),
    }


_LIMITS = """
    SELECT o.contract_id, o.side, o.price, o.quantity_wh, o.filled_wh, o.status
    FROM trading_order o JOIN trading_contract c ON c.id = o.contract_id
    WHERE o.market_id = %s AND c.delivery_start >= %s AND c.delivery_start < %s AND o.price IS NOT NULL
"""


def deviations(market_id: int, start: datetime, end: datetime) -> Report:
    """What was traded and not delivered, and what that cost whom."""
    traded, delivered, touched = _fetch(_DELIVERED, (market_id, start, end))[0]
    owed, paid = _fetch(_COMPENSATED, (market_id, start, end))[0]
    return {
        "traded_wh": traded,
        "delivered_wh": delivered,
        "delivered_pct": percent(delivered, traded),
        "trades_not_fully_delivered": touched,
        "compensations": owed,
        "compensation_millidong": paid,
    }


_LAST_RUN = """
    trading_contract c CROSS JOIN LATERAL (
        SELECT coalesce(results_of_id, id) AS id FROM settlement_settlementrun
        WHERE contract_id = c.id ORDER BY number DESC LIMIT 1
    ) run
"""
_WHERE = "WHERE c.market_id = %s AND c.delivery_start >= %s AND c.delivery_start < %s"
_DELIVERED = f"""
    SELECT coalesce(sum(t.quantity_wh), 0)::bigint, coalesce(sum(r.delivered_wh), 0)::bigint,
           count(*) FILTER (WHERE r.delivered_wh < t.quantity_wh)
    FROM {_LAST_RUN} JOIN settlement_traderesult r ON r.run_id = run.id
    JOIN trading_trade t ON t.market_id = c.market_id AND t.trade_no = r.trade_no {_WHERE}
"""
_COMPENSATED = f"""
    SELECT count(*), coalesce(sum(p.amount_millidong), 0)::bigint
    FROM {_LAST_RUN} JOIN settlement_compensation p ON p.run_id = run.id {_WHERE}
"""


def money(market_id: int) -> Report:
    """What the ledger's accounts stand at; over all of them 0."""
    found = balances(market_id)
    by_kind: dict[str, int] = defaultdict(int)
    for balance in found:
        by_kind[balance.kind] += balance.amount_millidong
    return {"by_kind_millidong": dict(by_kind), "sum_millidong": sum(balance.amount_millidong for balance in found)}


def alarms(market_id: int) -> Report:
    """Contracts that could not be settled, and what settlement found odd, by code."""
    open_alarms = _fetch(
        "SELECT code, count(*) FROM settlement_settlementalarm WHERE market_id = %s AND resolved_at IS NULL"
        " GROUP BY code",
        (market_id,),
    )
    odd = _fetch(
        "SELECT a->>'code', count(*) FROM settlement_settlementrun r, jsonb_array_elements(r.alarms) a"
        " WHERE r.market_id = %s GROUP BY 1",
        (market_id,),
    )
    return {"not_settled": dict(open_alarms), "flagged": dict(odd)}


def _counts(run: Run) -> Report:
    cleared = _fetch(
        "SELECT count(*) FROM trading_contract WHERE market_id = %s AND state IN ('CLEARED', 'FINAL')", (run.market.pk,)
    )
    commands = _fetch("SELECT count(*) FROM trading_command WHERE market_id = %s", (run.market.pk,))
    kept = {name: value for name, value in run.counts.items() if not name.endswith("_wh")}
    return {"contracts_cleared": cleared[0][0], "commands": commands[0][0], **kept}


def _fetch(query: str, values: tuple[Any, ...]) -> list[tuple[Any, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, values)
        return list(cursor.fetchall())
