"""What the planner reads: which contracts are due, what members measured, hold and have on offer."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import NamedTuple

from django.db import connection

from meters.models import Device
from planning.domain.forecast import Energy
from planning.domain.orders import PREFIX, OpenOrder
from planning.domain.ramp import STEPS
from planning.models import StandingInstruction
from units.interval import from_ms, to_ms


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


class Ahead(NamedTuple):
    """One interval that a storage owner still has before it."""

    contract: int
    start: datetime
    load_wh: int
    generation_wh: int
    position: Position


# Moments as whole ms: a driver takes several times as long to read a timestamp as a number.
_MS = "(extract(epoch from {}) * 1000)::bigint"
_DUE = f"""
    SELECT id, starts, min_price, max_price, (%(now)s - opens) * %(steps)s / (closes - opens) AS step FROM (
        SELECT c.id, c.min_price, c.max_price, coalesce(p.step, -1) AS done, {_MS.format("c.delivery_start")} AS starts,
               {_MS.format("c.gate_opens_at")} AS opens, {_MS.format("c.gate_closes_at")} AS closes
        FROM trading_contract c LEFT JOIN planning_contractplan p ON p.contract_id = c.id
        WHERE c.market_id = %(market)s AND c.state IN ('CALL', 'CONTINUOUS')
    ) trading WHERE opens <= %(now)s AND closes > %(now)s AND (%(now)s - opens) * %(steps)s / (closes - opens) > done
    ORDER BY starts
"""


def due_contracts(market_id: int, at: datetime) -> list[DueContract]:
    """The contracts in trading whose step of the ramp (`step_at`) is new, in order of delivery."""
    with connection.cursor() as cursor:
        cursor.execute(_DUE, {"market": market_id, "now": to_ms(at), "steps": STEPS})
        return [DueContract(key, moment(starts), *row) for key, starts, *row in cursor.fetchall()]


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
    for participant, start_ms, load, generation in rows:
        found[participant][moment(start_ms)] = Energy(max(0, load), generation)
    return found


_HISTORY = f"""
    SELECT p.participant_id, {_MS.format("r.start")},
           (sum(r.import_wh - r.export_wh) FILTER (WHERE p.role = 'boundary')
            + coalesce(sum(r.export_wh - r.import_wh) FILTER (WHERE p.role <> 'boundary'), 0))::bigint,
           coalesce(sum(r.export_wh) FILTER (WHERE p.role = 'generation'), 0)::bigint
    FROM (
        SELECT DISTINCT ON (start, metering_point_id) start, metering_point_id, import_wh, export_wh
        FROM meters_reading WHERE site_id = %s AND start = ANY(%s) ORDER BY start, metering_point_id, version DESC
    ) r JOIN meters_meteringpoint p ON p.id = r.metering_point_id
    GROUP BY p.participant_id, r.start HAVING bool_or(p.role = 'boundary')
"""


class Storage(NamedTuple):
    """A participant's battery. `is_station`: it is the packs of a swap station."""

    device: Device
    is_station: bool


def storage_of(site_id: int) -> dict[int, Storage]:
    """The battery of each participant, the first where there are several."""
    found = Device.objects.filter(site_id=site_id, capacity_wh__gt=0).order_by("-pk")
    stations = {device.participant_id for device in found if device.kind == Device.Kind.STATION}
    return {
        device.participant_id: Storage(device, device.participant_id in stations)
        for device in found
        if device.kind == Device.Kind.BATTERY
    }


def ahead(
    market_id: int, participants: Sequence[int], at: datetime, *, only_sold: bool = False
) -> dict[int, list[Ahead]]:
    """Every interval that is not over, in order, with forecast and position, for each of these participants.

    With `only_sold` only the interval under way and those in which the participant has sold. Plain reads by key, put
    together here: joined in the database they are at the mercy of its statistics.
    """
    contracts = _not_over(market_id, at)
    now = next(iter(contracts), 0)
    held = _held(market_id, participants, contracts, sold_or=now if only_sold else None)
    wanted = {now, *(pk for _, pk in held)} & contracts.keys() if only_sold else contracts.keys()
    expected = _expected(market_id, participants, [contracts[pk] for pk in wanted])
    none, nothing = Position(), (0, 0)
    return {
        party: [
            Ahead(pk, moment(start_ms), *expected.get((party, start_ms), nothing), held.get((party, pk), none))
            for pk, start_ms in contracts.items()
            if not only_sold or pk == now or (party, pk) in held
        ]
        for party in participants
    }


moment = lru_cache(maxsize=4096)(from_ms)


def _not_over(market_id: int, at: datetime) -> dict[int, int]:
    """Contracts whose delivery is not over → start in ms, in order."""
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT id, {_MS.format('delivery_start')} FROM trading_contract WHERE market_id = %s"
            " AND delivery_end > %s ORDER BY delivery_start",
            (market_id, at),
        )
        return dict(cursor.fetchall())


def _held(
    market_id: int, participants: Sequence[int], contracts: Iterable[int], *, sold_or: int | None
) -> dict[tuple[int, int], Position]:
    """Positions by participant and contract; with `sold_or` only those that sold, and all of that contract."""
    with connection.cursor() as cursor:
        cursor.execute(
            "SELECT participant_id, contract_id, bought_wh, sold_wh, open_buy_wh, open_sell_wh FROM trading_position"
            " WHERE market_id = %s AND participant_id = ANY(%s) AND contract_id = ANY(%s)"
            " AND (sold_wh > 0 OR contract_id = %s OR %s)",
            (market_id, list(participants), list(contracts), sold_or, sold_or is None),
        )
        return {(row[0], row[1]): Position(*row[2:]) for row in cursor.fetchall()}


def _expected(
    market_id: int, participants: Sequence[int], starts_ms: Sequence[int]
) -> dict[tuple[int, int], tuple[int, int]]:
    if not starts_ms:
        return {}
    with connection.cursor() as cursor:
        cursor.execute(
            f"SELECT participant_id, {_MS.format('start')}, load_wh, generation_wh FROM planning_forecast"
            " WHERE market_id = %s AND participant_id = ANY(%s) AND start = ANY(%s)",
            (market_id, list(participants), [moment(start_ms) for start_ms in starts_ms]),
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
