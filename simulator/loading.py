"""A scene becomes a site with its members, meters, tariffs and a scratch market: through the live product's operations.

Everything is new and carries the run's code, so that a backtest touches nothing that was there. All in one transaction:
a scene that is refused leaves nothing behind.
"""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from django.db import transaction

from accounts.models import Participant
from meters.domain.storage import SwapStation as SwapSlots
from meters.models import Device, MeteringPoint, Site
from planning.domain.battery_rule import station_floor_pct
from planning.operations import set_instruction
from simulator.domain.scene import Battery, ElectricVehicle, Instruction, Ramp, Scene, SwapStation
from simulator.domain.scene import Participant as Member
from simulator.domain.scene import TariffRow as SceneTariffRow
from simulator.domain.swaps import swaps_until_repacked
from simulator.forgetting import PREFIX
from tariffs.domain.windows import Window
from tariffs.models import Tariff
from tariffs.operations import assign_tariff, replace_rows, set_terms
from trading.models import Admission, Market
from trading.operations import create_market

MILLIDONG = 1_000
PERIODS = {1: ("flat",), 2: ("offpeak", "peak"), 3: ("offpeak", "normal", "peak")}


@dataclass(frozen=True)
class Loaded:
    """What a scene became. Lists follow the order of the scene's participants."""

    market: Market
    site: Site
    participants: list[Participant]

    @property
    def ids(self) -> list[int]:
        """The participants' keys in the database."""
        return [participant.pk for participant in self.participants]


def load(scene: Scene, code: str) -> Loaded:
    """Loads a checked scene under `code` (short and unique) as a market that does not tick by itself."""
    with transaction.atomic():
        at = scene.calendar.starts_at
        site = Site.objects.create(code=code, name=scene.name, timezone=scene.timezone)
        participants = [_participant(site, member, code) for member in scene.participants]
        _tariffs(scene, site, participants, code, at)
        market = _market(scene, site, code)
        for member, participant in zip(scene.participants, participants, strict=True):
            admit(market, participant, member)
        _devices(scene, site, participants)
    return Loaded(market, site, participants)


def admit(market: Market, participant: Participant, member: Member) -> None:
    """Admits a member to a market, with its credit, its limits in the pool and its standing instruction."""
    terms = member.instruction
    Admission.objects.create(
        market=market,
        participant=participant,
        zone=member.zone[:20],
        credit_limit_millidong=member.credit_limit_vnd * MILLIDONG,
        pool_ask_price=terms.pool_ask_price,
        pool_bid_price=terms.pool_bid_price,
    )
    if terms.sell or terms.buy:
        instruct(market, participant, terms)


def instruct(market: Market, participant: Participant, terms: Instruction) -> None:
    """Sets the standing instruction that a scene or the demo describes."""
    set_instruction(market.pk, participant.pk, sell=_ends(terms.sell), buy=_ends(terms.buy))


def _ends(ramp: Ramp | None) -> tuple[int, int] | None:
    return (ramp.far_price, ramp.near_price) if ramp else None


def _participant(site: Site, member: Member, code: str) -> Participant:
    participant = Participant.objects.create(code=f"{code}-{member.key}"[:40], name=member.name, kind=member.kind)
    add_points(site, participant, member.key, pv=member.pv_peak_w > 0, store=_stores(member))
    return participant


def _stores(member: Member) -> bool:
    return member.battery is not None or member.kind == "station"


def add_points(site: Site, participant: Participant, key: str, *, pv: bool, store: bool) -> None:
    """A boundary point, and sub-meters of the roof and of the storage where there are any."""
    roles = [("", MeteringPoint.Role.BOUNDARY)]
    roles += [(".pv", MeteringPoint.Role.GENERATION)] if pv else []
    roles += [(".store", MeteringPoint.Role.STORAGE)] if store else []
    for suffix, role in roles:
        MeteringPoint.objects.create(site=site, participant=participant, code=f"{key}{suffix}"[:40], role=role)


def _market(scene: Scene, site: Site, code: str) -> Market:
    rules = scene.rules
    return create_market(
        site=site,
        code=code,
        name=scene.name,
        ticking=False,
        legal_basis=rules.legal_basis,
        interval_minutes=scene.interval_minutes,
        open_ahead_minutes=rules.opens_hours_ahead * 60,
        call_ends_minutes=rules.call_until_minutes or None,
        gate_minutes=rules.gate_closes_minutes,
        tick=rules.tick,
        lot_wh=rules.lot_wh,
        min_wh=rules.lot_wh,
        min_price=min(rules.surplus_price, 0),
        max_price=int(scene.retail_price.max()),
        clearing_mode=rules.mode,
    )


def _tariffs(scene: Scene, site: Site, participants: list[Participant], code: str, at: datetime) -> None:
    rules = scene.rules
    set_terms(
        site=site,
        valid_from=scene.starts_on,
        surplus_price=rules.surplus_price,
        network_fee=rules.network_fee,
        deadband_pct=rules.deadband_pct,
        deadband_wh=rules.deadband_wh,
        surplus_cap_pct=rules.surplus_cap_pct,
        source="scene.toml",
        by=None,
        at=at,
    )
    tariffs = {name: _tariff(scene, name, code, at) for name in {member.tariff for member in scene.participants}}
    for member, participant in zip(scene.participants, participants, strict=True):
        assign_tariff(
            site=site,
            participant=participant,
            tariff=tariffs[member.tariff],
            valid_from=scene.starts_on,
            by=None,
            at=at,
        )


def _tariff(scene: Scene, name: str, code: str, at: datetime) -> Tariff:
    tariff = Tariff.objects.create(code=f"{code}-{name}"[:60], name=name)
    rows = [row for row in scene.tariffs if row.tariff == name]
    windows = [window for row in rows if (window := _window(scene, row, periods(rows))) is not None]
    replace_rows(tariff=tariff, rows=windows, by=None, at=at)
    return tariff


def periods(rows: list[SceneTariffRow]) -> dict[int, str]:
    """What to call each price of a tariff: flat, off-peak, normal, peak, by its rank."""
    prices = sorted({row.price for row in rows})
    names = PERIODS.get(len(prices))
    return dict(zip(prices, names, strict=True)) if names else dict.fromkeys(prices, "normal")


def _window(scene: Scene, row: SceneTariffRow, names: dict[int, str]) -> Window | None:
    """A row over the scene's own days alone: of other days the scene says nothing. None where it holds on none."""
    end = scene.starts_on + timedelta(days=scene.days)
    first = max(row.valid_from or scene.starts_on, scene.starts_on)
    last = min(row.valid_to + timedelta(days=1) if row.valid_to else end, end)
    if first >= last:
        return None
    mask = sum(1 << day for day in row.weekdays)
    return Window(mask, row.from_slot * 30, row.to_slot * 30, row.price, first, last, names[row.price], "tariffs.csv")


def _devices(scene: Scene, site: Site, participants: list[Participant]) -> None:
    for member, participant in zip(scene.participants, participants, strict=True):
        add_roof_and_battery(site, participant, member.pv_peak_w, member.battery)
    for device in scene.devices:
        owner = participants[scene.row_of[device.participant]]
        add_device(site, owner, device.key, device.parameters)


def add_roof_and_battery(site: Site, owner: Participant, pv_peak_w: int, battery: Battery | None) -> None:
    """The roof and the stationary battery of a member, as far as there are any."""
    if pv_peak_w:
        Device.objects.create(site=site, participant=owner, name="PV", kind=Device.Kind.PV, peak_w=pv_peak_w)
    if battery:
        Device.objects.create(
            site=site,
            participant=owner,
            name="Battery",
            kind=Device.Kind.BATTERY,
            capacity_wh=battery.capacity_wh,
            charge_w=battery.charge_w,
            discharge_w=battery.discharge_w,
            reserve_pct=battery.reserve_pct,
            soc_wh=battery.capacity_wh * battery.initial_soc_pct // 100,
        )


def add_device(site: Site, owner: Participant, name: str, given: ElectricVehicle | SwapStation) -> None:
    """A car or a swap station."""
    if isinstance(given, ElectricVehicle):
        Device.objects.create(
            site=site,
            participant=owner,
            name=name,
            kind=Device.Kind.EV,
            capacity_wh=given.capacity_wh,
            charge_w=given.charge_w,
            discharge_w=given.discharge_w,
            floor_pct=given.min_pct,
        )
        return
    _station(site, owner, name, given)


def _station(site: Site, owner: Participant, name: str, given: SwapStation) -> None:
    """The station itself, and its packs as the battery that they are to the market: what riders need stays in it."""
    slots = SwapSlots(given.pack_wh, given.bidirectional_slots, given.slot_w, given.dod_pct)
    sizes = {
        "capacity_wh": given.packs * given.pack_wh,
        "charge_w": given.slots * given.slot_w,
        "discharge_w": given.bidirectional_slots * given.slot_w,
    }
    Device.objects.create(site=site, participant=owner, name=name, kind=Device.Kind.STATION, **sizes)
    Device.objects.create(
        site=site,
        participant=owner,
        name=f"{name} packs",
        kind=Device.Kind.BATTERY,
        floor_pct=station_floor_pct(slots, given.packs, [swaps_until_repacked(given)]),
        soc_wh=given.packs * given.pack_wh,
        **sizes,
    )


def run_code(now: datetime) -> str:
    """A market code of its own for a run."""
    return f"{PREFIX}{now.astimezone(UTC):%Y%m%d-%H%M%S-%f}"[:24]
