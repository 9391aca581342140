"""The plans of those who own a battery or a swap station, over every interval that is still before them."""

from collections.abc import Mapping
from datetime import datetime

from meters.domain.storage import Battery
from meters.models import Device
from planning import queries
from planning.domain.battery_rule import Planned, Slot, Store, pays_to_store, plan
from planning.models import StandingInstruction
from planning.prices import PriceBook
from planning.queries import Ahead, Storage
from trading.models import Market

StoragePlan = dict[tuple[int, int], Planned]  # by participant and contract


def store_of(storage: Storage, instruction: StandingInstruction | None, minutes: int) -> Store:
    """A device with what its owner's instruction lets it do.

    A station fills up again in the cheapest hours whatever happens: riders come tomorrow. A battery that lives from
    trade bids for energy below what it will ask, and never draws from the grid to sell.
    """
    sell_near = instruction.sell_near_price if instruction else None
    buy_near = instruction.buy_near_price if instruction else None
    return Store(
        battery_of(storage.device),
        minutes,
        sells=sell_near is not None,
        stores=pays_to_store(buy_near, sell_near, storage.device.round_trip_ppm),
        top_up=storage.is_station,
    )


def battery_of(device: Device) -> Battery:
    """A device as the domain knows it; by its floor a swap station keeps the packs that riders need."""
    return Battery(
        capacity_wh=device.capacity_wh,
        charge_w=device.charge_w,
        discharge_w=device.discharge_w,
        round_trip_ppm=device.round_trip_ppm,
        floor_pct=device.floor_pct,
        reserve_pct=device.reserve_pct,
    )


def plan_storage(
    market: Market, members: Mapping[int, StandingInstruction], book: PriceBook, due: set[int], at: datetime
) -> StoragePlan:
    """What each storage owner among the members should have on offer in the due contracts."""
    batteries = queries.storage_of(market.site_id)
    owners = [participant for participant in members if participant in batteries]
    if not owners:
        return {}
    ahead = queries.ahead(market.pk, owners, at)
    found: StoragePlan = {}
    for owner in owners:
        storage, intervals = batteries[owner], ahead[owner]
        store = store_of(storage, members[owner], market.interval_minutes)
        slots = [slot_of(interval, owner, book) for interval in intervals]
        deciding = [interval.contract in due for interval in intervals]
        for interval, wanted in zip(intervals, plan(store, storage.device.soc_wh, slots, deciding), strict=True):
            if interval.contract in due:
                found[owner, interval.contract] = wanted
    return found


def slot_of(interval: Ahead, participant: int, book: PriceBook) -> Slot:
    """An interval as the battery rule sees it."""
    dear, cheap = book.dear(participant, interval.start)
    bought, sold, open_buy, open_sell = interval.position
    return Slot(interval.generation_wh - interval.load_wh, bought, sold, open_sell, open_buy, dear, cheap)
