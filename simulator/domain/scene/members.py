"""participants.csv: who takes part, with roof, battery, and the standing instruction that trades for them.

A limit ramp is two prices that stand or fall together: a seller comes down from `sell_far_price` when the gate opens
to `sell_near_price` when it closes, a buyer goes up. A ramp the other way round would give the best price to whoever
comes first, so it is a fault and not a choice.
"""

from simulator.domain.scene.errors import Faults
from simulator.domain.scene.model import KINDS, Battery, Instruction, Participant, Ramp
from simulator.domain.scene.rules import Heading
from simulator.domain.scene.table import Columns, Row, read_rows

FILE = "participants.csv"
COLUMNS = Columns(
    required=("participant", "name", "kind", "zone", "tariff"),
    optional=(
        *("pv_peak_w", "battery_capacity_wh", "battery_charge_w", "battery_discharge_w", "reserve_pct"),
        *("initial_soc_pct", "credit_limit_vnd", "sell_far_price", "sell_near_price"),
        *("buy_far_price", "buy_near_price", "pool_ask", "pool_bid"),
    ),
)
MOST_PRICE = 100_000
DEFAULT_RESERVE_PCT = 10
DEFAULT_SOC_PCT = 50


def parse_participants(content: bytes, heading: Heading, tariffs: frozenset[str], faults: Faults) -> list[Participant]:
    """Every participant that could be read, in file order; `tariffs` are the names in tariffs.csv."""
    found: dict[str, Participant] = {}
    lines: dict[str, int] = {}
    for row in read_rows(FILE, content, COLUMNS, faults):
        participant = _participant(row, heading, tariffs)
        if participant is None:
            continue
        if participant.key in found:
            told = f"‘{participant.key}’ stands on line {lines[participant.key]} already; give each its own key."
            row.fault("participant", "duplicate_participant", told)
        found.setdefault(participant.key, participant)
        lines.setdefault(participant.key, row.line)
    if not found and not faults.errors:
        faults.add(FILE, None, None, "no_participants", "Nobody takes part; write one line for each participant.")
    return list(found.values())


def _participant(row: Row, heading: Heading, tariffs: frozenset[str]) -> Participant | None:
    key, name = row.text("participant"), row.text("name")
    kind, zone, tariff = row.choice("kind", KINDS), row.choice("zone", heading.zones), row.text("tariff")
    if tariff is not None and tariffs and tariff not in tariffs:
        told = f"‘{tariff}’ is not in tariffs.csv; it has {', '.join(sorted(tariffs))}."
        row.fault("tariff", "unknown_tariff", told)
    peak, credit = row.whole("pv_peak_w", empty=0), row.whole("credit_limit_vnd", empty=0)
    battery, instruction = _battery(row), _instruction(row)
    if key is None or name is None or kind is None or zone is None or tariff is None or peak is None or credit is None:
        return None
    return Participant(key, name, kind, zone, tariff, peak, battery, credit, instruction)


def _battery(row: Row) -> Battery | None:
    capacity = row.whole("battery_capacity_wh", empty=0)
    charge, discharge = row.whole("battery_charge_w", empty=0), row.whole("battery_discharge_w", empty=0)
    reserve = row.whole("reserve_pct", most=100, empty=DEFAULT_RESERVE_PCT)
    initial = row.whole("initial_soc_pct", most=100, empty=DEFAULT_SOC_PCT)
    if capacity is None or charge is None or discharge is None or reserve is None or initial is None:
        return None
    if capacity and not (charge and discharge):
        told = "A battery needs battery_charge_w and battery_discharge_w; write both in W."
        row.fault("battery_charge_w", "battery_without_power", told)
    if not capacity and (charge or discharge):
        told = "There is battery power but no battery_capacity_wh; write it in Wh."
        row.fault("battery_capacity_wh", "battery_without_capacity", told)
    return Battery(capacity, charge, discharge, reserve, initial) if capacity else None


def _instruction(row: Row) -> Instruction:
    sell = _ramp(row, "sell_far_price", "sell_near_price")
    buy = _ramp(row, "buy_far_price", "buy_near_price")
    if sell and sell.far_price < sell.near_price:
        told = "A seller comes down: sell_far_price must not be below sell_near_price."
        row.fault("sell_far_price", "ramp_wrong_way", told)
    if buy and buy.far_price > buy.near_price:
        told = "A buyer goes up: buy_far_price must not be above buy_near_price."
        row.fault("buy_far_price", "ramp_wrong_way", told)
    return Instruction(sell, buy, _price(row, "pool_ask"), _price(row, "pool_bid"))


def _ramp(row: Row, far_column: str, near_column: str) -> Ramp | None:
    if row.has(far_column) != row.has(near_column):
        told = f"Write both {far_column} and {near_column}, or neither."
        row.fault(far_column, "half_a_ramp", told)
        return None
    far, near = _price(row, far_column), _price(row, near_column)
    return None if far is None or near is None else Ramp(far, near)


def _price(row: Row, column: str) -> int | None:
    return row.whole(column, least=-MOST_PRICE, most=MOST_PRICE) if row.has(column) else None
