"""What a battery does by a simple rule: keep the surplus of its own roof, give it back when energy is dear.

One rule for the device and for its plan, so that what is offered is what will happen. In every interval:

1. What was sold beyond the participant's own surplus is discharged: promises first, down to what the battery keeps.
2. Surplus that was not sold charges it.
3. In the dear hours it covers the participant's own need, as far as no later promise needs the energy.
4. Where the owner lets it (`top_up`), it fills up from the grid in the cheapest hours.

The plan walks over the coming intervals and adds orders: in the dear hours what is left is offered; in all others a
battery that lives from trade (`stores`) bids for what it could still take in. An offer counts only energy that is there
or will come from the own roof, a bid assumes that earlier bids were filled: neither promises too much.

Dear hours: the intervals of a local day with the day's highest retail price; under a flat tariff 17:00–22:00, when
neither roof nor neighbours have anything.

Energies are whole Wh at the terminals; what is stored rounds down and what is drawn rounds up.

Example: 10 kWh, 5 kW, keeps 3,000, holds 6,000 Wh; a half hour of the evening needs 1,200 Wh and nothing is promised
later: it gives 1,200 (and draws 1,265), and 1,300 more can be offered, up to its 2,500 Wh a half hour and the
1,646 Wh that are still free above 3,000.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import NamedTuple

from meters.domain.storage import Battery, Commitment
from meters.domain.storage.battery import PPM, Path
from meters.domain.storage.swap import SwapStation, free_packs
from units.energy import energy_wh

EVENING_MINUTES = range(17 * 60, 22 * 60)


class Action(NamedTuple):
    """What the battery does in one interval, at its terminals."""

    charge_wh: int
    discharge_wh: int


@dataclass(frozen=True)
class Store:
    """A battery with its owner's wishes: `sells` at all, `stores` bought energy, `top_up` from the grid when cheap."""

    battery: Battery
    minutes: int
    sells: bool = True
    stores: bool = False
    top_up: bool = False

    @cached_property
    def most_in_wh(self) -> int:
        """The most that goes in, in one interval."""
        return energy_wh(self.battery.charge_w, self.minutes)

    @cached_property
    def most_out_wh(self) -> int:
        """The most that comes out, in one interval."""
        return energy_wh(self.battery.discharge_w, self.minutes)

    @cached_property
    def keep_wh(self) -> int:
        """What is left in it after any sale."""
        return self.battery.keep_wh

    @cached_property
    def one_way_ppm(self) -> int:
        """The share that arrives, each way."""
        return self.battery.one_way_ppm

    def room_wh(self, soc_wh: int) -> int:
        """The most that can be charged in one interval."""
        space = max(0, self.battery.capacity_wh - soc_wh) * PPM // self.one_way_ppm
        return min(self.most_in_wh, space)

    def free_wh(self, soc_wh: int, keep_wh: int) -> int:
        """The most that can be discharged in one interval, down to `keep_wh`."""
        return min(self.most_out_wh, max(0, soc_wh - keep_wh) * self.one_way_ppm // PPM)

    def after(self, soc_wh: int, action: Action) -> int:
        """The state of charge at the end of an interval."""
        if not action.charge_wh and not action.discharge_wh:
            return soc_wh
        stored = action.charge_wh * self.one_way_ppm // PPM
        drawn = -(-action.discharge_wh * PPM // self.one_way_ppm)
        return min(self.battery.capacity_wh, max(0, soc_wh + stored - drawn))


class Slot(NamedTuple):
    """One interval as the rule sees it. `net_wh`: own generation less own load. What is open is on offer by order."""

    net_wh: int
    bought_wh: int = 0
    sold_wh: int = 0
    open_sell_wh: int = 0
    open_buy_wh: int = 0
    dear: bool = False
    cheap: bool = False

    @property
    def surplus_wh(self) -> int:
        """What is left after own use and trades; negative: what is missing."""
        return self.net_wh + self.bought_wh - self.sold_wh

    @property
    def promised_wh(self) -> int:
        """What must come out of the battery because it was sold."""
        return max(0, self.sold_wh - max(0, self.net_wh + self.bought_wh))


class Planned(NamedTuple):
    """What to have on offer in one interval, in all, and what the battery gives there if it is taken."""

    sell_wh: int
    buy_wh: int
    discharge_wh: int


def act(store: Store, soc_wh: int, slot: Slot, need_after_wh: int, *, top_up: bool = True) -> Action:
    """What the battery does while `slot` happens, if later promises need `need_after_wh` at its end.

    `top_up` False: what it does with what is there, without the grid.
    """
    top_up = top_up and store.top_up and slot.cheap
    keep_wh = store.keep_wh
    if slot.surplus_wh >= 0:
        room = store.room_wh(soc_wh)
        return Action(room if top_up else min(slot.surplus_wh, room), 0)
    promised = min(slot.promised_wh, -slot.surplus_wh, store.free_wh(soc_wh, keep_wh))
    if not slot.dear:
        if top_up and not slot.promised_wh:
            return Action(store.room_wh(soc_wh), 0)
        return Action(0, promised)
    wanted = min(-slot.surplus_wh, store.free_wh(soc_wh, max(keep_wh, need_after_wh)))
    return Action(0, max(promised, wanted))


NO_COMMITMENT = Commitment()


def needs_wh(store: Store, slots: Sequence[Slot]) -> list[int]:
    """What the battery must hold before each interval, and at the end, for what has been sold."""
    promises = [
        Commitment(min(max(0, slot.surplus_wh), store.most_in_wh), min(slot.promised_wh, store.most_out_wh))
        if slot.sold_wh or slot.net_wh + slot.bought_wh > 0
        else NO_COMMITMENT
        for slot in slots
    ]
    return Path(store.battery, store.minutes, store.keep_wh).backward(promises)


def plan(store: Store, soc_wh: int, slots: Sequence[Slot], decide: Sequence[bool]) -> list[Planned]:
    """What to offer and bid for in each interval; where `decide` is False its open orders are taken as they are."""
    needs = needs_wh(store, slots)
    sure_wh = hoped_wh = soc_wh
    planned = []
    for slot, deciding, need_after in zip(slots, decide, needs[1:], strict=True):
        if not deciding and _is_quiet(slot):
            planned.append(NOTHING)
            continue
        action = act(store, sure_wh, slot, need_after, top_up=False)
        spare = max(0, slot.surplus_wh - action.charge_wh)
        own_need = max(0, -slot.surplus_wh - action.discharge_wh)
        if deciding:
            offered, bid = _offer(store, sure_wh, slot, action, need_after), _bid(store, hoped_wh, slot, action)
        else:
            offered, bid = max(0, slot.open_sell_wh - spare), max(0, slot.open_buy_wh - own_need)
        planned.append(Planned(spare + offered, own_need + bid, action.discharge_wh + offered))
        out = action.discharge_wh + offered
        sure_wh = store.after(sure_wh, Action(action.charge_wh, out))
        hoped_wh = store.after(hoped_wh, Action(action.charge_wh + bid, out))
        if store.top_up and slot.cheap:
            hoped_wh = store.after(hoped_wh, Action(store.room_wh(hoped_wh), 0))
    return planned


NOTHING = Planned(0, 0, 0)


def _is_quiet(slot: Slot) -> bool:
    """Whether the battery rests there whatever it holds: most intervals of most homes."""
    net_wh, bought_wh, sold_wh, open_sell_wh, open_buy_wh, dear, cheap = slot
    return not (dear or cheap or sold_wh or open_sell_wh or open_buy_wh) and net_wh + bought_wh <= 0


def _offer(store: Store, soc_wh: int, slot: Slot, action: Action, need_after_wh: int) -> int:
    if not (store.sells and slot.dear):
        return 0
    left = store.after(soc_wh, action)
    return min(store.most_out_wh - action.discharge_wh, store.free_wh(left, max(store.keep_wh, need_after_wh)))


def _bid(store: Store, soc_wh: int, slot: Slot, action: Action) -> int:
    if not store.stores or slot.dear or slot.promised_wh:
        return 0
    return max(0, min(store.most_in_wh, store.room_wh(soc_wh)) - action.charge_wh)


def dear_and_cheap(prices: Sequence[int], minutes_of_day: Sequence[int]) -> tuple[list[bool], list[bool]]:
    """Which intervals of one local day are dear, and which cheap, by their retail prices (VND/kWh)."""
    highest, lowest = max(prices), min(prices)
    if highest == lowest:
        return [minute in EVENING_MINUTES for minute in minutes_of_day], [False] * len(prices)
    return [price == highest for price in prices], [price == lowest for price in prices]


def pays_to_store(buy_near_price: int | None, sell_near_price: int | None, round_trip_ppm: int) -> bool:
    """Whether an owner lives from storing: even at its last prices, what it sells pays for what it bought and lost."""
    if buy_near_price is None or sell_near_price is None:
        return False
    return buy_near_price * PPM <= sell_near_price * round_trip_ppm


def station_floor_pct(station: SwapStation, packs: int, swaps_until_repacked: Sequence[int]) -> int:
    """The share of a full swap station that is not for sale: the packs that riders need, and what stays in each pack.

    Example: 40 packs, riders take 14 of them until they are charged again, 80 % of a pack is usable → 26 packs × 80 %
    are for sale, so 48 % stay.
    """
    usable = free_packs(packs, swaps_until_repacked) * station.dod_pct
    return 100 - usable // packs if packs else 100
