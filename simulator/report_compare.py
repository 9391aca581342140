"""Two backtests of one scene under two rulebooks, side by side: what the second changes, and for whom.

Differences are the second less the first. Money of members is what they received (mostly negative), in milli-đồng.
"""

from collections import defaultdict
from typing import Any

from simulator.report_text import rulebook_told, table
from units.energy import format_energy
from units.money import format_money, round_to_minor
from units.numbers import grouped, rounded_half_up

Report = dict[str, Any]
_SUMMED = ("import_wh", "bought_wh", "sold_wh", "grid_import_wh", "cash_millidong", "savings_millidong")
_ENERGY = ("bought_locally_wh", "grid_import_wh", "grid_export_wh", "unpaid_spill_wh", "own_use_wh")


def compared(left: Report, right: Report) -> Report:
    """Both reports, and what differs between them by kind of member, in energy and in prices."""
    sides = (left, right)
    return {
        "scene": left["scene"],
        "rulebooks": [side["rulebook"] for side in sides],
        "by_kind": _by_kind(left, right),
        "energy": {name: _pair(*(side["energy"][name] for side in sides)) for name in _ENERGY},
        "covered_locally_pct": [side["energy"]["covered_locally_pct"] for side in sides],
        "traded_wh": _pair(*(side["prices"]["traded_wh"] for side in sides)),
        "mean_price": [side["prices"]["mean_price"] for side in sides],
        "by_hour": _by_hour(left, right),
        "left": left,
        "right": right,
    }


def _pair(left: int, right: int) -> Report:
    return {"left": left, "right": right, "difference": right - left}


def _by_kind(left: Report, right: Report) -> list[Report]:
    sums = [_sums(side["members"]) for side in (left, right)]
    count: dict[str, int] = defaultdict(int)
    for row in left["members"]:
        count[row["kind"]] += 1
    return [
        {
            "kind": kind,
            "members": count[kind],
            **{name: _pair(*(side[kind][name] for side in sums)) for name in _SUMMED},
        }
        for kind in sorted(count)
    ]


def _sums(members: list[Report]) -> dict[str, dict[str, int]]:
    found: dict[str, dict[str, int]] = {}
    for row in members:
        own = found.setdefault(row["kind"], dict.fromkeys(_SUMMED, 0))
        for name in _SUMMED:
            own[name] += row[name]
    return found


def _by_hour(left: Report, right: Report) -> list[Report]:
    hours = [{row["hour"]: row for row in side["prices"]["by_hour"]} for side in (left, right)]
    return [
        {
            "hour": hour,
            "traded_wh": [side[hour]["traded_wh"] if hour in side else 0 for side in hours],
            "mean_price": [side[hour]["mean_price"] if hour in side else None for side in hours],
        }
        for hour in sorted(hours[0].keys() | hours[1].keys())
    ]


def compared_markdown(found: Report) -> str:
    """The comparison for people: which rulebooks, then money by kind of member, energy, prices."""
    left, right = found["left"], found["right"]
    told = "".join(f"\n\n**{side}.**{rulebook_told(rules)[1:]}" for side, rules in _sides(found))
    head = f"# {found['scene']}, under two rulebooks\n\n{left['from']} to {left['to']}.{told}"
    members = f"Members: {_money(_total(right) - _total(left))} better on the right, all together."
    parts = [head, _kinds(found), members, _figures(found), _prices(found)]
    return "\n\n".join(parts) + "\n"


def _sides(found: Report) -> list[tuple[str, Report]]:
    return list(zip(("Left", "Right"), found["rulebooks"], strict=True))


def _total(side: Report) -> int:
    return sum(row["cash_millidong"] for row in side["members"])


def _kinds(found: Report) -> str:
    heads = ("kind of member", "members", "money, left", "money, right", "difference", "per kWh of import")
    rows = (
        (
            row["kind"],
            grouped(row["members"]),
            _money(row["cash_millidong"]["left"]),
            _money(row["cash_millidong"]["right"]),
            _money(row["cash_millidong"]["difference"]),
            _each(row["cash_millidong"]["difference"], row["import_wh"]["left"]),
        )
        for row in found["by_kind"]
    )
    return f"## Money by kind of member\n\n{table(heads, rows)}"


def _figures(found: Report) -> str:
    named = (
        ("Bought from neighbours", "bought_locally_wh"),
        ("Bought from the grid", "grid_import_wh"),
        ("Given to the grid", "grid_export_wh"),
        ("… of which unpaid", "unpaid_spill_wh"),
        ("Used behind the own meter", "own_use_wh"),
    )
    pairs = [("Traded", found["traded_wh"]), *((name, found["energy"][key]) for name, key in named)]
    rows = [(name, *(format_energy(pair[side]) for side in ("left", "right", "difference"))) for name, pair in pairs]
    rows.append(("Covered locally", *(_share(value) for value in found["covered_locally_pct"]), ""))
    return f"## Energy\n\n{table(('', 'left', 'right', 'difference'), rows)}"


def _prices(found: Report) -> str:
    rows = [
        (f"{row['hour']:02}:00", *map(format_energy, row["traded_wh"]), *map(_price, row["mean_price"]))
        for row in found["by_hour"]
    ]
    rows.append(("all", *(format_energy(found["traded_wh"][side]) for side in ("left", "right")), *_mean(found)))
    heads = ("hour of delivery", "traded, left", "traded, right", "mean price, left", "mean price, right")
    return f"## Prices between neighbours\n\n{table(heads, rows)}"


def _mean(found: Report) -> list[str]:
    return [_price(value) for value in found["mean_price"]]


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value:.1f} %"


def _price(value: int | None) -> str:
    return "—" if value is None else f"{grouped(value)} ₫/kWh"


def _money(millidong: int) -> str:
    return format_money(round_to_minor(millidong))


def _each(millidong: int, wh: int) -> str:
    return _price(rounded_half_up(millidong, wh) if wh else None)
