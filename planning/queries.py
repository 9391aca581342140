"""What the planner reads: which contracts are due, what members measured, hold and have on offer."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple

from django.db import connection

from meters.models import Device
from planning.domain.forecast import Energy
from planning.domain.orders import PREFIX, OpenOrder
from planning.domain.ramp import step_at
from planning.models import StandingInstruction
from units.interval import to_ms

STORES = (Device.Kind.BATTERY, Device.Kind.STATION)


@dataclass(frozen=True, slots=True)
class DueContract:
    """A contract whose ramp stands at a step that has not been carried out yet."""

    id: int
    start: datetime
    min_price: int
    max_price: int
    step: int


class Position(NamedTuple):
    """What is bought, sold and on offer in one contract, Wh."""

    bought_wh: int = 0
    sold_wh: int = 0
    open_buy_wh: int = 0
    open_sell_wh: int = 0


@dataclass(frozen=True, slots=True)
class Ahead:
    """One interval that a storage owner still has before it."""

    contract: int
    start: datetime
    load_wh: int
    generation_wh: int
    position: Position = field(default_factory=Position)


def due_contracts(market_id: int, at: datetime) -> list[DueContract]:
    """The contracts in trading whose step of the ramp is new, in order of delivery."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT c.id, c.delivery_start, c.min_price, c.max_price, c.gate_opens_at, c.gate_closes_at,"
            " coalesce(p.step, -1) FROM trading_contract c LEFT JOIN planning_contractplan p ON p.contract_id = c.id"
            " WHERE c.market_id = %s AND c.state IN ('CALL', 'CONTINUOUS') AND c.gate_closes_at > %s"
            " ORDER BY c.delivery_start",
            (market_id, at),
        )
        rows = cursor.fetchall()
    now = to_ms(at)
    due = []
    for key, start, low, high, opens, closes, done in rows:
        step = step_at(to_ms(opens), to_ms(closes), now)
        if step is not None and step > done:
            due.append(DueContract(key, start, low, high, step))
    return due


def instructions(market_id: int) -> dict[int, StandingInstruction]:
    """The active standing instructions of admitted participants, by participant."""
    found = StandingInstruction.objects.filter(
        market_id=market_id,
        active=True,
        participant__admissions__market_id=market_id,
        participant__admissions__active=True,
    )
    return {row.participant_id: row for row in found}


def history(site_id: int, starts: Iterable[datetime]) -> dict[int, dict[datetime, Energy]]:
    """Gross load and generation that were read in these intervals, by participant, from boundary and sub-meters.

    load = import − export + generation + discharge − charge; below 0 (clocks of two meters differ) it counts as 0.
    """
    with connection.cursor() as cursor:
        cursor.execute(_HISTORY, (site_id, list(starts)))
        rows = cursor.fetchall()
    found: dict[int, dict[datetime, Energy]] = defaultdict(dict)
    for participant, start, load, generation in rows:
        found[participant][start] = Energy(max(0, load), generation)
    return found


_HISTORY = """
    SELECT p.participant_id, r.start,
           (sum(r.import_wh - r.export_wh) FILTER (WHERE p.role = 'boundary')
            + coalesce(sum(r.export_wh - r.import_wh) FILTER (WHERE p.role <> 'boundary'), 0))::bigint,
           coalesce(sum(r.export_wh) FILTER (WHERE p.role = 'generation'), 0)::bigint
    FROM (
        SELECT DISTINCT ON (start, metering_point_id) start, metering_point_id, import_wh, export_wh
        FROM meters_reading WHERE site_id = %s AND start = ANY(%s) ORDER BY start, metering_point_id, version DESC
    ) r JOIN meters_meteringpoint p ON p.id = r.metering_point_id
    GROUP BY p.participant_id, r.start HAVING bool_or(p.role = 'boundary')
"""


def storage_of(site_id: int) -> dict[int, Device]:
    """The storage of each participant: a stationary battery or a swap station, the first where there are several."""
    found = Device.objects.filter(site_id=site_id, kind__in=STORES, capacity_wh__gt=0).order_by("-pk")
    return {device.participant_id: device for device in found}


def ahead(market_id: int, participants: Sequence[int], at: datetime) -> dict[int, list[Ahead]]:
    """Every interval that is not over, in order, with forecast and position, for each of these participants.

    Three plain reads by key, put together here: joined in the database they are at the mercy of its statistics.
    """
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT id, delivery_start FROM trading_contract WHERE market_id = %s AND delivery_end > %s"
            " ORDER BY delivery_start",
            (market_id, at),
        )
        contracts = cursor.fetchall()
        held = _held(market_id, participants, [contract for contract, _ in contracts])
        expected = _expected(market_id, participants, [start for _, start in contracts])
    none, nothing = Position(), (0, 0)
    return {
        party: [
            Ahead(contract, start, *expected.get((party, start), nothing), held.get((party, contract), none))
            for contract, start in contracts
        ]
        for party in participants
    }


def _held(market_id: int, participants: Sequence[int], contracts: Sequence[int]) -> dict[tuple[int, int], Position]:
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT participant_id, contract_id, bought_wh, sold_wh, open_buy_wh, open_sell_wh FROM trading_position"
            " WHERE market_id = %s AND participant_id = ANY(%s) AND contract_id = ANY(%s)",
            (market_id, list(participants), list(contracts)),
        )
        return {(row[0], row[1]): Position(*row[2:]) for row in cursor.fetchall()}


def _expected(
    market_id: int, participants: Sequence[int], starts: Sequence[datetime]
) -> dict[tuple[int, datetime], tuple[int, int]]:
    if not starts:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT participant_id, start, load_wh, generation_wh FROM planning_forecast"
            " WHERE market_id = %s AND participant_id = ANY(%s) AND start >= %s AND start <= %s",
            (market_id, list(participants), starts[0], starts[-1]),
        )
        return {(row[0], row[1]): (row[2], row[3]) for row in cursor.fetchall()}


def positions(market_id: int, contracts: Sequence[int]) -> dict[tuple[int, int], Position]:
    """(contract, participant) → position, where there is one."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT contract_id, participant_id, bought_wh, sold_wh, open_buy_wh, open_sell_wh FROM trading_position"
            " WHERE market_id = %s AND contract_id = ANY(%s)",
            (market_id, list(contracts)),
        )
        return {(row[0], row[1]): Position(*row[2:]) for row in cursor.fetchall()}


def standing_orders(contracts: Sequence[int]) -> dict[tuple[int, int], list[OpenOrder]]:
    """(contract, participant) → the open orders that standing instructions placed, oldest first."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT contract_id, participant_id, client_order_id, side, price, filled_wh, remaining_wh"
            " FROM trading_order WHERE contract_id = ANY(%s) AND status <= 1 AND client_order_id LIKE %s ORDER BY seq",
            (list(contracts), f"{PREFIX}%"),
        )
        found: dict[tuple[int, int], list[OpenOrder]] = defaultdict(list)
        for contract, participant, *order in cursor.fetchall():
            found[contract, participant].append(OpenOrder(*order))
        return found
