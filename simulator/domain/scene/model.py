"""What a scene is once it has been read: frozen, complete, and checked.

Energy is whole Wh, power whole W, prices whole đồng per kWh, shares whole per cent. Arrays are int64, one row a
participant (in the order of `Scene.participants`), one column an interval, and cannot be written to.
"""

from dataclasses import dataclass, field
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

import numpy as np
import numpy.typing as npt

from units.interval import Interval, day_bounds, intervals_between

Int64Array = npt.NDArray[np.int64]

KINDS = ("household", "dorm", "faculty", "tenant", "storage", "station")
LEGAL_BASES = ("internal_accounting", "private_wire", "park_retail_unit", "grid_dppa", "shadow")
DELIVERY_MODES = ("fifo", "prorata")
SLOT_MINUTES = 30
SLOTS_A_DAY = 24 * 60 // SLOT_MINUTES


@dataclass(frozen=True, slots=True)
class MarketRules:
    """The market's rules. Minutes are before delivery; `deadband_pct` is of what the party contracted on that side."""

    tick: int = 1
    lot_wh: int = 100
    opens_hours_ahead: int = 48
    call_until_minutes: int = 60
    gate_closes_minutes: int = 5
    surplus_price: int = 671
    surplus_cap_pct: int | None = 50  # None, under a rulebook without a cap: all is paid
    network_fee: int = 120
    legal_basis: str = "shadow"
    deadband_pct: int = 5
    deadband_wh: int = 250
    mode: str = "fifo"


@dataclass(frozen=True, slots=True)
class Ramp:
    """A limit that moves in a straight line from `far_price` (gate opening) to `near_price` (gate closure)."""

    far_price: int
    near_price: int


@dataclass(frozen=True, slots=True)
class Instruction:
    """A participant's standing instruction; None: does not sell, does not buy, is not in the pool on that side."""

    sell: Ramp | None = None
    buy: Ramp | None = None
    pool_ask_price: int | None = None
    pool_bid_price: int | None = None


@dataclass(frozen=True, slots=True)
class Battery:
    """A stationary battery behind the participant's meter. Trading never takes it below `reserve_pct`."""

    capacity_wh: int
    charge_w: int
    discharge_w: int
    reserve_pct: int
    initial_soc_pct: int


@dataclass(frozen=True, slots=True)
class Participant:
    """One party of the market, with its roof, its battery, and its standing instruction."""

    key: str
    name: str
    kind: str
    zone: str
    tariff: str
    pv_peak_w: int
    battery: Battery | None
    credit_limit_vnd: int
    instruction: Instruction


@dataclass(frozen=True, slots=True)
class TariffRow:
    """A retail price in one window. `to_slot` is exclusive, in half hours after local midnight; weekday 0 is Monday."""

    tariff: str
    from_slot: int
    to_slot: int
    weekdays: frozenset[int]
    price: int
    valid_from: date | None
    valid_to: date | None
    customer_class: str = ""  # as in a rulebook: for a backtest under another one
    voltage: str = ""

    def is_valid_on(self, day: date) -> bool:
        """Whether the row holds on a local date; both ends are included."""
        if self.valid_from is not None and day < self.valid_from:
            return False
        return self.valid_to is None or day <= self.valid_to


@dataclass(frozen=True, slots=True)
class ElectricVehicle:
    """A car at its charger. `depart_at` and `target_pct` are the daily promise where a session names none."""

    capacity_wh: int
    charge_w: int
    discharge_w: int
    min_pct: int
    depart_at: time
    target_pct: int
    consent: bool


@dataclass(frozen=True, slots=True)
class SwapStation:
    """A two-way battery exchange: packs are integer stock, and a pack sold cannot be swapped until charged again."""

    packs: int
    pack_wh: int
    slots: int
    slot_w: int
    bidirectional_slots: int
    dod_pct: int
    swaps_per_day: int


@dataclass(frozen=True, slots=True)
class Device:
    """Something that stores energy and belongs to a participant."""

    key: str
    participant: str
    parameters: ElectricVehicle | SwapStation


@dataclass(frozen=True, slots=True)
class EvSession:
    """A car is plugged in over [plug_in_at, plug_out_at), both UTC and on interval boundaries."""

    device: str
    plug_in_at: datetime
    plug_out_at: datetime
    arrival_soc_pct: int
    target_soc_pct: int


@dataclass(frozen=True, eq=False)
class Scene:
    """A whole scene. `load_wh` and `generation_wh` are gross, before batteries, cars and swap packs for sale."""

    name: str
    timezone: str
    interval_minutes: int
    starts_on: date
    days: int
    zones: tuple[str, ...]
    rules: MarketRules
    participants: tuple[Participant, ...]
    tariffs: tuple[TariffRow, ...]
    devices: tuple[Device, ...]
    ev_sessions: tuple[EvSession, ...]
    load_wh: Int64Array = field(repr=False)
    generation_wh: Int64Array = field(repr=False)

    @cached_property
    def calendar(self) -> "Calendar":
        """The scene's intervals."""
        return Calendar(self.timezone, self.interval_minutes, self.starts_on, self.days)

    @cached_property
    def row_of(self) -> dict[str, int]:
        """The array row of each participant key."""
        return {participant.key: row for row, participant in enumerate(self.participants)}

    @cached_property
    def retail_price(self) -> Int64Array:
        """Retail price, đồng/kWh, participants × intervals."""
        by_tariff = {name: self.calendar.price_of(self.tariffs, name) for name in {row.tariff for row in self.tariffs}}
        prices = np.stack([by_tariff[participant.tariff] for participant in self.participants])
        prices.setflags(write=False)
        return prices


@dataclass(frozen=True)
class Calendar:
    """The delivery intervals from local midnight of `starts_on` to local midnight `days` later.

    They follow each other in UTC, so a day on which summer time begins has 46 half hours and one on which it ends 50.
    """

    timezone: str
    interval_minutes: int
    starts_on: date
    days: int

    @cached_property
    def zone(self) -> ZoneInfo:
        """The market's time zone."""
        return ZoneInfo(self.timezone)

    @cached_property
    def starts_at(self) -> datetime:
        """Start of the first interval, UTC."""
        return day_bounds(self.starts_on, self.zone).start

    @cached_property
    def ends_at(self) -> datetime:
        """End of the last interval, UTC."""
        return day_bounds(self.starts_on + timedelta(days=self.days - 1), self.zone).end

    @cached_property
    def count(self) -> int:
        """How many intervals there are."""
        return (self.ends_at - self.starts_at) // timedelta(minutes=self.interval_minutes)

    @cached_property
    def intervals(self) -> tuple[Interval, ...]:
        """Every delivery interval, in order."""
        return tuple(intervals_between(self.starts_at, self.ends_at, self.interval_minutes))

    @cached_property
    def starts(self) -> tuple[datetime, ...]:
        """Start of every interval, UTC."""
        return tuple(interval.start for interval in self.intervals)

    def index_of(self, moment: datetime) -> int | None:
        """The number of the interval that starts at a UTC moment; `count` at the very end; None where none does."""
        number, remainder = divmod(moment - self.starts_at, timedelta(minutes=self.interval_minutes))
        return number if not remainder and 0 <= number <= self.count else None

    @cached_property
    def day_and_slot(self) -> tuple[Int64Array, Int64Array]:
        """For every interval: its local day (0 is `starts_on`) and its half hour of that day."""
        local = [start.astimezone(self.zone) for start in self.starts]
        days = np.array([(moment.date() - self.starts_on).days for moment in local], dtype=np.int64)
        slots = np.array([(moment.hour * 60 + moment.minute) // SLOT_MINUTES for moment in local], dtype=np.int64)
        return days, slots

    def price_of(self, rows: tuple[TariffRow, ...], tariff: str) -> Int64Array:
        """The retail price of one tariff in every interval, đồng/kWh; its rows must cover every day of the scene."""
        by_slot = np.zeros((self.days, SLOTS_A_DAY), dtype=np.int64)
        for row in rows:
            if row.tariff == tariff:
                by_slot[self.days_of(row), row.from_slot : row.to_slot] = row.price
        days, slots = self.day_and_slot
        return by_slot[days, slots]

    def days_of(self, row: TariffRow) -> list[int]:
        """The scene's days (0 is `starts_on`) on which a tariff row holds."""
        dates = ((number, self.starts_on + timedelta(days=number)) for number in range(self.days))
        return [number for number, day in dates if day.weekday() in row.weekdays and row.is_valid_on(day)]
