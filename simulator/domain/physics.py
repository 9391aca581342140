"""What the meters of one member show in one interval, once battery and trades have had their say.

The battery follows its owner's trades and its own rule (planning.domain.battery_rule): what was sold is delivered as
far as the battery can, what was bought is taken, own surplus is stored, own need in the dear hours is covered.

Example: a home uses 900 Wh, its roof makes 2,400, it sold 1,000. 500 Wh are left over and charge its battery; the
boundary meter shows an export of 1,000 Wh, the battery's own an import of 500.
"""

from typing import NamedTuple

from planning.domain.battery_rule import Action, Slot, Store, act


class Metered(NamedTuple):
    """One interval of one member, Wh: boundary, roof and storage meters, and what the battery holds at its end."""

    import_wh: int
    export_wh: int
    generation_wh: int
    charge_wh: int
    discharge_wh: int
    soc_wh: int


def without_storage(load_wh: int, generation_wh: int) -> Metered:
    """A member that has no battery: what it has over goes out, what it lacks comes in."""
    net_wh = generation_wh - load_wh
    return Metered(max(0, -net_wh), max(0, net_wh), generation_wh, 0, 0, 0)


def with_storage(
    store: Store, soc_wh: int, load_wh: int, generation_wh: int, slot: Slot, need_after_wh: int
) -> Metered:
    """A member with a battery that holds `soc_wh`; `slot` has its trades, load and roof give its net energy."""
    slot = slot._replace(net_wh=generation_wh - load_wh)
    action = act(store, soc_wh, slot, need_after_wh)
    net_wh = slot.net_wh + action.discharge_wh - action.charge_wh
    after_wh = store.after(soc_wh, Action(*action))
    return Metered(max(0, -net_wh), max(0, net_wh), generation_wh, action.charge_wh, action.discharge_wh, after_wh)


def through_meters(wh: int, meters: int) -> list[int]:
    """A member's energy at its boundary by connection: each takes six tenths of what is left, the last all of it.

    Example: 1,001 Wh through two meters are 600 and 401.
    """
    parts = []
    for _ in range(meters - 1):
        parts.append(wh * 6 // 10)
        wh -= parts[-1]
    return [*parts, wh]
