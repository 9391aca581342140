"""The plans of those who own a battery or a swap station, over every interval that is still before them."""

from collections.abc import Mapping
from datetime import datetime

from planning import queries
from planning.domain.battery_rule import Planned, Slot, Store, pays_to_store, plan
from planning.prices import PriceBook
from planning.queries import Ahead, Instruction, Storage
from trading.models import Market

StoragePlan = dict[tuple[int, int], Planned]  # by participant and contract


def store_of(storage: Storage, instruction: Instruction | None, minutes: int) -> Store:
    """A battery with what its owner's instruction lets it do.

    A station fills up again in the cheapest hours whatever happens: riders come tomorrow. A battery that lives from
    trade bids for energy below what it will ask, and never draws from the grid to sell.
    """
    sell_near = instruction.sell_near_price if instruction else None
    buy_near = instruction.buy_near_price if instruction else None
    return Store(
        storage.battery,
        minutes,
        sells=sell_near is not None,
        stores=pays_to_store(buy_near, sell_near, storage.battery.round_trip_ppm),
        top_up=storage.is_station,
    )


def plan_storage(
    market: Market, members: Mapping[int, Instruction], book: PriceBook, due: set[int], at: datetime
) -> StoragePlan:
    """What each storage owner among the members should have on offer in the due contracts."""
    batteries = queries.storage_of(market.site_id)
    owners = [participant for participant in members if participant in batteries]
    if not owners:
        return {}
    ahead = queries.ahead(market.pk, owners, at)
    deciding = [contract in due for contract in ahead.contracts]
    found: StoragePlan = {}
    for owner in owners:
        store = store_of(batteries[owner], members[owner], market.interval_minutes)
        slots = slots_of(ahead, owner, book)
        planned = plan(store, batteries[owner].soc_wh, slots, deciding)
        for contract, wanted, decided in zip(ahead.contracts, planned, deciding, strict=True):
            if decided:
                found[owner, contract] = wanted
    return found


def slots_of(ahead: Ahead, owner: int, book: PriceBook) -> list[Slot]:
    """An owner's intervals as the battery rule sees them."""
    return [
        Slot(net, bought, sold, open_sell, open_buy, *book.dear(owner, start))
        for (net, bought, sold, open_sell, open_buy), start in zip(ahead.figures(owner), ahead.starts, strict=True)
    ]
