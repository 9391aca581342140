"""What has happened in the demo's market so far, in a few lines, with the sums that must be zero."""

from zoneinfo import ZoneInfo

from django.db import connection
from django.db.models import Count

from settlement.queries import balances
from trading.models import Contract, Market
from units.energy import format_energy
from units.money import format_money, format_price, round_to_minor
from units.numbers import grouped, rounded_half_up

CLEARED = (Contract.State.CLEARED, Contract.State.FINAL)


def summary(market: Market) -> str:
    """The summary that `./run demo --for` prints at its end."""
    counted = Contract.objects.filter(market=market).order_by().values_list("state").annotate(Count("pk"))
    states: dict[str, int] = dict(counted)
    lines = [f"{market.name}: what happened until {_now(market)}"]
    lines.append(_line("intervals cleared", grouped(sum(states.get(state, 0) for state in CLEARED))))
    lines.append(_line("open to trade", grouped(states.get("CALL", 0) + states.get("CONTINUOUS", 0))))
    lines += _traded(market)
    lines += _settled(market)
    return "\n".join(lines)


def _now(market: Market) -> str:
    if market.clock_at is None:
        return "now"
    return market.clock_at.astimezone(ZoneInfo(market.site.timezone)).strftime("%Y-%m-%d %H:%M")


def _traded(market: Market) -> list[str]:
    trades, wh, value = _rows(
        "SELECT count(*), coalesce(sum(quantity_wh), 0)::bigint, coalesce(sum(quantity_wh * price), 0)::bigint"
        " FROM trading_trade WHERE market_id = %s",
        market,
    )[0]
    mean = f", {format_price(rounded_half_up(value, wh))} on average" if wh else ""
    return [
        _line("orders and changes", grouped(market.last_seq)),
        _line("trades", f"{grouped(trades)}, {format_energy(wh)}{mean}"),
    ]


def _settled(market: Market) -> list[str]:
    imported, local, exported = _rows(
        "SELECT coalesce(sum(r.grid_import_wh), 0)::bigint, coalesce(sum(r.bought_wh), 0)::bigint,"
        " coalesce(sum(r.grid_export_wh), 0)::bigint FROM trading_contract c CROSS JOIN LATERAL ("
        " SELECT coalesce(results_of_id, id) AS id FROM settlement_settlementrun WHERE contract_id = c.id"
        " ORDER BY number DESC LIMIT 1) run JOIN settlement_participantresult r ON r.run_id = run.id"
        " WHERE c.market_id = %s",
        market,
    )[0]
    found = balances(market.pk)
    moved = sum(abs(balance.amount_millidong) for balance in found) // 2
    alarms = _rows(
        "SELECT count(*) FROM settlement_settlementalarm WHERE market_id = %s AND resolved_at IS NULL", market
    )[0][0]
    return [
        _line("delivered by neighbours", format_energy(local)),
        _line("from the grid", f"{format_energy(imported)}, to the grid {format_energy(exported)}"),
        _line("money moved", format_money(round_to_minor(moved))),
        _line("sum of all accounts", f"{sum(balance.amount_millidong for balance in found)} milli-đồng"),
        _line("intervals that could not be settled", grouped(alarms)),
    ]


def _line(name: str, value: str) -> str:
    return f"  {name:36} {value}"


def _rows(query: str, market: Market) -> list[tuple[int, ...]]:
    with connection.cursor() as cursor:
        cursor.execute(query, (market.pk,))
        return list(cursor.fetchall())
