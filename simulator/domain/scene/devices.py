"""devices.csv and ev_sessions.csv: cars and swap stations, and when each car was plugged in.

A roof and a stationary battery are not devices here: they stand in participants.csv, once.
"""

from datetime import datetime, time
from itertools import pairwise

from simulator.domain.scene.errors import Faults
from simulator.domain.scene.model import Calendar, Device, ElectricVehicle, EvSession, SwapStation
from simulator.domain.scene.moments import read_moment, read_slot, show
from simulator.domain.scene.table import Columns, Row, read_rows

FILE = "devices.csv"
SESSIONS_FILE = "ev_sessions.csv"
EV_COLUMNS = ("capacity_wh", "charge_w", "discharge_w", "min_pct", "depart_at", "target_pct", "consent")
STATION_COLUMNS = ("packs", "pack_wh", "slots", "slot_w", "bidirectional_slots", "dod_pct", "swaps_per_day")
COLUMNS = Columns(required=("device", "participant", "kind"), optional=EV_COLUMNS + STATION_COLUMNS)
SESSION_COLUMNS = Columns(required=("device", "plug_in", "plug_out", "arrival_soc_pct", "target_soc_pct"))
LEAST_EV_PCT = 30


def parse_devices(content: bytes, participants: frozenset[str], faults: Faults) -> list[Device]:
    """Every device that could be read, in file order; `participants` are the keys in participants.csv."""
    found: dict[str, Device] = {}
    for row in read_rows(FILE, content, COLUMNS, faults):
        key, participant, kind = row.text("device"), row.text("participant"), row.choice("kind", ("ev", "swap_station"))
        if participant is not None and participants and participant not in participants:
            told = f"‘{participant}’ is not in participants.csv; add it there or write another."
            row.fault("participant", "unknown_participant", told)
        if key in found:
            row.fault("device", "duplicate_device", f"‘{key}’ stands here twice; give each device its own key.")
        parameters = {"ev": _vehicle, "swap_station": _station}[kind](row) if kind else None
        if key is not None and participant is not None and parameters is not None:
            found.setdefault(key, Device(key, participant, parameters))
    return list(found.values())


def _vehicle(row: Row) -> ElectricVehicle | None:
    _refuse(row, STATION_COLUMNS, "an ev")
    capacity, charge = row.whole("capacity_wh", least=1), row.whole("charge_w", least=1)
    discharge, least = row.whole("discharge_w", empty=0), row.whole("min_pct", LEAST_EV_PCT, 100, empty=LEAST_EV_PCT)
    slot = read_slot(row, "depart_at") if row.has("depart_at") else 14
    target = row.whole("target_pct", most=100, empty=80)
    consent = row.choice("consent", ("yes", "no")) if row.has("consent") else "no"
    if capacity is None or charge is None or discharge is None or least is None or slot is None or target is None:
        return None
    depart_at = time(slot // 2 % 24, slot % 2 * 30)
    return ElectricVehicle(capacity, charge, discharge, least, depart_at, target, consent == "yes")


def _station(row: Row) -> SwapStation | None:
    _refuse(row, EV_COLUMNS, "a swap station")
    packs, pack, slots = row.whole("packs"), row.whole("pack_wh", least=1), row.whole("slots", least=1)
    power, both_ways = row.whole("slot_w", least=1), row.whole("bidirectional_slots", empty=0)
    depth, swaps = row.whole("dod_pct", most=100, empty=80), row.whole("swaps_per_day", empty=0)
    if packs is None or pack is None or slots is None or power is None:
        return None
    if both_ways is None or depth is None or swaps is None:
        return None
    if both_ways > slots:
        told = f"{both_ways} bidirectional slots are more than the {slots} slots there are."
        row.fault("bidirectional_slots", "too_many_slots", told)
    return SwapStation(packs, pack, slots, power, both_ways, depth, swaps)


def _refuse(row: Row, columns: tuple[str, ...], what: str) -> None:
    for column in columns:
        if row.has(column):
            row.fault(column, "column_not_of_kind", f"{column} says nothing about {what}; leave it empty.")


def parse_sessions(content: bytes, cars: frozenset[str], calendar: Calendar, faults: Faults) -> list[EvSession]:
    """Every charging session that could be read, by device and then by time; those of one car must not overlap."""
    read: list[tuple[Row, EvSession]] = []
    for row in read_rows(SESSIONS_FILE, content, SESSION_COLUMNS, faults):
        session = _session(row, cars, calendar)
        if session is not None:
            read.append((row, session))
    read.sort(key=lambda pair: (pair[1].device, pair[1].plug_in_at))
    for (_, earlier), (row, later) in pairwise(read):
        if earlier.device == later.device and later.plug_in_at < earlier.plug_out_at:
            told = f"‘{later.device}’ is still plugged in until {show(earlier.plug_out_at, calendar.zone)}."
            row.fault("plug_in", "sessions_overlap", told)
    return [session for _, session in read]


def _session(row: Row, cars: frozenset[str], calendar: Calendar) -> EvSession | None:
    device = row.text("device")
    if device is not None and device not in cars:
        row.fault("device", "unknown_device", f"‘{device}’ is no ev of devices.csv; add it there or write another.")
        device = None
    begins, ends = _boundary(row, "plug_in", calendar), _boundary(row, "plug_out", calendar)
    arrival, target = row.whole("arrival_soc_pct", most=100), row.whole("target_soc_pct", most=100)
    if device is None or begins is None or ends is None or arrival is None or target is None:
        return None
    if begins >= ends:
        row.fault("plug_out", "session_backwards", "The car leaves before it comes; plug_out must be after plug_in.")
        return None
    return EvSession(device, begins, ends, arrival, target)


def _boundary(row: Row, column: str, calendar: Calendar) -> datetime | None:
    moment = read_moment(row, column, calendar.zone)
    if moment is None or calendar.index_of(moment) is not None:
        return moment
    first, last = show(calendar.starts_at, calendar.zone), show(calendar.ends_at, calendar.zone)
    told = f"Write a multiple of {calendar.interval_minutes} minutes between {first} and {last}."
    row.fault(column, "not_on_interval", told)
    return None
