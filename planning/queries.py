"""What the planner reads: which contracts are due, what members measured, hold and have on offer."""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from typing import NamedTuple

import numpy as np
from django.db import connection
from django.db.models import Exists, OuterRef

from meters.columns import IntArray, read_columns
from meters.domain.storage import Battery
from meters.models import Device, MeteringPoint, Reading
from planning.domain.forecast import Energy
from planning.domain.orders import PREFIX, OpenOrder
from planning.domain.ramp import step_at
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


# Moments as whole ms: a driver takes several times as long to read a timestamp as a number.
_MS = "(extract(epoch from {}) * 1000)::bigint"
_DUE = f"""
    SELECT c.id, {_MS.format("c.delivery_start")}, c.min_price, c.max_price, {_MS.format("c.gate_opens_at")},
           {_MS.format("c.gate_closes_at")}, coalesce(p.step, -1)
    FROM trading_contract c LEFT JOIN planning_contractplan p ON p.contract_id = c.id
    WHERE c.market_id = %s AND c.state IN ('CALL', 'CONTINUOUS') ORDER BY c.delivery_start
"""


def due_contracts(market_id: int, at: datetime, *, again: bool = False) -> list[DueContract]:
    """The contracts in trading whose step of the ramp (`step_at`) is new, in order of delivery; all with `again`."""
    now, due = to_ms(at), []
    with connection.cursor() as cursor:
        cursor.execute(_DUE, (market_id,))
        for key, start, low, high, opens, closes, done in cursor.fetchall():
            step = step_at(opens, closes, now)
            if step is not None and (again or step > done):
                due.append(DueContract(key, moment(start), low, high, step))
    return due


class Instruction(NamedTuple):
    """A standing instruction: the ends of the ramps in VND/kWh, None where that side is not traded; whose it is, in
    which zone, and whether as a residential renter."""

    participant_id: int
    sell_far_price: int | None
    sell_near_price: int | None
    buy_far_price: int | None
    buy_near_price: int | None
    zone: str = "site"
    renter: bool = False


def instructions(market_id: int) -> dict[int, Instruction]:
    """The active standing instructions of admitted participants, by participant."""
    found = StandingInstruction.objects.filter(
        market_id=market_id,
        active=True,
        participant__admissions__market_id=market_id,
        participant__admissions__active=True,
    )
    seat = "participant__admissions__"
    names = (*Instruction._fields[:-2], f"{seat}zone", f"{seat}renter")
    return {row[0]: Instruction(*row) for row in found.values_list(*names)}


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


def newly_read(participants: Iterable[int], at: datetime) -> set[int]:
    """Those whose boundary meter was not read yet a day before `at`: a forecast needs an earlier day."""
    before = Reading.objects.filter(metering_point=OuterRef("pk"), start__lt=at - timedelta(days=1))
    points = MeteringPoint.objects.filter(Exists(before), participant__in=list(participants), role="boundary")
    return set(participants) - set(points.values_list("participant_id", flat=True))


@dataclass(frozen=True, slots=True)
class Storage:
    """A participant's battery, what it holds, and whether it is the packs of a swap station."""

    device_id: int
    battery: Battery
    soc_wh: int
    is_station: bool


_DEVICE = (
    "pk", "participant_id", "kind", "soc_wh", "capacity_wh", "charge_w", "discharge_w", "round_trip_ppm", "floor_pct",
    "reserve_pct",
)  # fmt: skip


def storage_of(site_id: int) -> dict[int, Storage]:
    """The battery of each participant, the first where there are several."""
    found = Device.objects.filter(site_id=site_id, capacity_wh__gt=0).order_by("-pk")
    rows = list(found.values_list(*_DEVICE))
    stations = {party for _, party, kind, *_ in rows if kind == Device.Kind.STATION}
    return {
        party: Storage(pk, Battery(*sizes), soc_wh, party in stations)
        for pk, party, kind, soc_wh, *sizes in rows
        if kind == Device.Kind.BATTERY
    }


class Figures(NamedTuple):
    """One interval of a storage owner, Wh: the forecast of its net energy, and its position."""

    net_wh: int
    bought_wh: int
    sold_wh: int
    open_sell_wh: int
    open_buy_wh: int


@dataclass(frozen=True, slots=True)
class Ahead:
    """The intervals that are not over, in order: contract, start, and figures × storage owners × intervals."""

    contracts: list[int]
    starts: list[datetime]
    owners: dict[int, int]
    values: IntArray

    def figures(self, owner: int) -> list[list[int]]:
        """An owner's `Figures` over all intervals, as plain lists."""
        rows: list[list[int]] = self.values[:, self.owners[owner], :].T.tolist()
        return rows

    def now(self, owner: int) -> Figures:
        """The first interval."""
        return Figures(*self.values[:, self.owners[owner], 0].tolist())

    def promised(self, owner: int) -> list[Figures]:
        """The later intervals in which the owner has sold, in order."""
        own = self.values[:, self.owners[owner], 1:]
        return [Figures(*column) for column in own[:, own[Figures._fields.index("sold_wh")] > 0].T.tolist()]


def ahead(market_id: int, participants: Sequence[int], at: datetime) -> Ahead:
    """What storage owners have before them at a moment. Read by key and put together here, as arrays: joined in the
    database it is at the mercy of its statistics, and row by row it is a thousand rows a call."""
    with connection.cursor() as cursor:
        trading = read_columns(cursor, _NOT_OVER, (market_id, at), ("contract", "start"))
        contracts, starts = trading["contract"], trading["start"]
        values = np.zeros((len(Figures._fields), len(participants), len(contracts)), dtype=np.int64)
        if len(contracts) and participants:
            chosen = (market_id, list(participants), contracts.tolist())
            _place(values[1:], read_columns(cursor, _HELD, chosen, _HELD_NAMES), contracts, participants)
            chosen = (market_id, list(participants), [moment(start) for start in starts.tolist()])
            _place(values[:1], read_columns(cursor, _EXPECTED, chosen, _EXPECTED_NAMES), starts, participants)
    owners = {party: number for number, party in enumerate(participants)}
    return Ahead(contracts.tolist(), [moment(start) for start in starts.tolist()], owners, values)


moment = lru_cache(maxsize=4096)(from_ms)
_NOT_OVER = (
    f"SELECT id, {_MS.format('delivery_start')} FROM trading_contract WHERE market_id = %s AND delivery_end > %s"
    " ORDER BY delivery_start"
)
_HELD = (
    "SELECT participant_id, contract_id, bought_wh, sold_wh, open_sell_wh, open_buy_wh FROM trading_position"
    " WHERE market_id = %s AND participant_id = ANY(%s) AND contract_id = ANY(%s)"
)
_EXPECTED = (
    f"SELECT participant_id, {_MS.format('start')}, generation_wh - load_wh FROM planning_forecast"
    " WHERE market_id = %s AND participant_id = ANY(%s) AND start = ANY(%s)"
)
_HELD_NAMES = ("party", "contract", *Figures._fields[1:])
_EXPECTED_NAMES = ("party", "start", Figures._fields[0])


def _place(values: IntArray, found: dict[str, IntArray], keys: IntArray, participants: Sequence[int]) -> None:
    """Writes what was read (party, key, one column a figure) into `values` (figures × parties × keys)."""
    party, key, *figures = found.values()
    order, people = np.argsort(keys), np.asarray(participants)
    who = np.argsort(people)
    row = who[np.searchsorted(people, party, sorter=who)]
    column = order[np.searchsorted(keys, key, sorter=order).clip(max=len(keys) - 1)]
    known = keys[column] == key
    for number, figure in enumerate(figures):
        values[number, row[known], column[known]] = figure[known]


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
