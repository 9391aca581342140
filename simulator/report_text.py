"""The backtest's report as Markdown, for people."""

from collections.abc import Iterable, Sequence
from typing import Any

from units.energy import format_energy
from units.money import format_money, round_to_minor
from units.numbers import grouped

Report = dict[str, Any]


def markdown(found: Report) -> str:
    """The report, headings and tables."""
    parts = [
        _head(found),
        _energy(found["energy"]),
        _prices(found["prices"]),
        _market(found["efficiency"], found["deviations"]),
        _members(found["members"]),
        _money(found["money"], found["alarms"]),
        _work(found),
    ]
    return "\n\n".join(parts) + "\n"


def _head(found: Report) -> str:
    forecast = found["forecast"]
    if forecast != found["forecast_first_day"]:
        forecast += f" (the first day, before which nothing was read: {found['forecast_first_day']})"
    return (
        f"# {found['scene']}\n\n{found['from']} to {found['to']}: {grouped(found['intervals'])} intervals, "
        f"{found['participants']} participants. Forecast: {forecast}. Market `{found['market']}`."
        f"{rulebook_told(found['rulebook'])}"
    )


def rulebook_told(rulebook: Report | None) -> str:
    """Which rulebook was played, and what each tariff of the scene became; nothing for the scene's own."""
    if rulebook is None:
        return ""
    became = ", ".join(f"{name} is {code}" for name, code in rulebook["tariffs"].items())
    notes = "".join(f" {note}" for note in rulebook["notes"])
    return (
        f"\n\nRulebook: {rulebook['name']} (SHA-256 `{rulebook['sha256']}`); {became}; surplus "
        f"{_price(rulebook['surplus_price'])}, network fee {_price(rulebook['network_fee'])}.{notes}"
    )


def _energy(energy: Report) -> str:
    rows = [
        ("Used (load, cars included)", energy["load_wh"]),
        ("Made by the roofs", energy["generation_wh"]),
        ("Used behind the own meter, from roof or battery", energy["own_use_wh"]),
        ("Bought from neighbours", energy["bought_locally_wh"]),
        ("Bought from the grid", energy["grid_import_wh"]),
        ("Given to the grid", energy["grid_export_wh"]),
        ("… of which unpaid, beyond the surplus cap", energy["unpaid_spill_wh"]),
        ("Charged into storage", energy["charged_wh"]),
        ("Discharged from storage", energy["discharged_wh"]),
    ]
    told = (
        f"**{_share(energy['covered_locally_pct'])} of what was used came from the site itself**; "
        f"{_share(energy['generation_used_locally_pct'])} of what the roofs made stayed there."
    )
    return f"## Energy\n\n{table(('', 'energy'), ((name, format_energy(wh)) for name, wh in rows))}\n\n{told}"


def _prices(prices: Report) -> str:
    if not prices["trades"]:
        return "## Prices\n\nNothing was traded."
    told = (
        f"{grouped(prices['trades'])} trades, {format_energy(prices['traded_wh'])}, at {_price(prices['mean_price'])} "
        f"on average (from {_price(prices['min_price'])} to {_price(prices['max_price'])})."
    )
    rows = (
        (f"{row['hour']:02}:00", format_energy(row["traded_wh"]), _price(row["mean_price"]))
        for row in prices["by_hour"]
    )
    return f"## Prices\n\n{told}\n\n{table(('hour of delivery', 'traded', 'mean price'), rows)}"


def _market(efficiency: Report, deviations: Report) -> str:
    return (
        f"## Market\n\nEfficiency: {_share(efficiency['efficiency_pct'])} of the gains that the last limits allowed "
        f"({_money_of(efficiency['realised_millidong'])} of {_money_of(efficiency['optimum_millidong'])}). "
        f"{efficiency['definition']}\n\nDelivered: {format_energy(deviations['delivered_wh'])} of "
        f"{format_energy(deviations['traded_wh'])} traded ({_share(deviations['delivered_pct'])}); "
        f"{grouped(deviations['trades_not_fully_delivered'])} trades fell short, "
        f"{grouped(deviations['compensations'])} compensations over "
        f"{_money_of(deviations['compensation_millidong'])}."
    )


def _members(members: list[Report]) -> str:
    rows = (
        (
            row["name"],
            format_energy(row["import_wh"]),
            format_energy(row["export_wh"]),
            format_energy(row["bought_wh"]),
            format_energy(row["sold_wh"]),
            _money_of(row["cash_millidong"]),
            _money_of(row["grid_only_millidong"]),
            _money_of(row["savings_millidong"]),
        )
        for row in members
    )
    heads = ("member", "import", "export", "bought", "sold", "money", "on the grid alone", "better by")
    total = _money_of(sum(row["savings_millidong"] for row in members))
    return f"## Savings against the tariff\n\n{table(heads, rows)}\n\nAll members together: {total} better."


def _money(money: Report, alarms: Report) -> str:
    rows = [(kind, _money_of(amount)) for kind, amount in money["by_kind_millidong"].items()]
    rows.append(("sum", f"{money['sum_millidong']} milli-đồng"))
    odd = {**alarms["not_settled"], **alarms["flagged"]}
    told = ", ".join(f"{code}: {count}" for code, count in odd.items()) or "none"
    return f"## Money by account\n\n{table(('account', 'balance'), rows)}\n\nAlarms: {told}."


def _work(found: Report) -> str:
    counts = table(("count", ""), ((name.replace("_", " "), grouped(n)) for name, n in found["counts"].items()))
    seconds = table(("part", "seconds"), ((name, f"{value:.1f}") for name, value in found["seconds"].items()))
    return f"## Work done\n\n{counts}\n\n{seconds}"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> str:
    """A Markdown table; the first column is text, the others are figures."""
    lines = [_row(heads), _row(["---", *["---:"] * (len(heads) - 1)])]
    return "\n".join(lines + [_row(row) for row in rows])


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f} %"


def _price(value: int) -> str:
    return f"{grouped(value)} ₫/kWh"


def _money_of(millidong: int) -> str:
    return format_money(round_to_minor(millidong))
