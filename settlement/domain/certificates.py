"""Hourly local certificates: what of an interval's export is green, who receives it, and what a correction changes.

**Green.** Green export is `min(E, PV output + PV-origin discharge)`: E is what was metered at the boundary, PV output
what the generation sub-meter gave. PV that leaves at once comes before PV that was stored; PV that neither leaves nor
is stored was used by its owner. So each Wh of PV is counted once: exported, stored, or used.

**Who receives it.** The green Wh go to the buyers of the producer's delivered trades in execution order, PV first, then
storage; then to the buyers of the pool, each the same green share of what it bought there; what went to the grid stays
with the producer.

**Corrections.** The present certificates are compared with what each holder should have. Too much is voided; what has
been retired or locked cannot be, so the producer owes it and receives that much less from its next intervals.

Example: 10 kWh exported, 6 of them green (4 PV, 2 from storage). Trades delivered: ① A 5 kWh, ② B 3 kWh; 2 kWh went to
the grid. A receives 4 kWh PV and 1 kWh storage, B 1 kWh storage; nothing green is left for the producer to keep.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from meters.domain.storage import Battery, Origin
from settlement.domain.lineage import Discharge, Lots, charge, discharge
from units.energy import largest_remainder

PV, STORAGE = "pv", "storage"


class Metered(NamedTuple):
    """What the meters of one participant counted in one interval, Wh. `bought_wh` is what neighbours delivered."""

    export_wh: int
    bought_wh: int
    pv_wh: int
    charge_wh: int = 0
    discharge_wh: int = 0


@dataclass(frozen=True, slots=True)
class Green:
    """Where one participant's PV and PV-origin discharge of an interval went, Wh. Each adds up: exported + stored + own
    is the output of the panels, exported + own the PV part of the discharge."""

    pv_exported_wh: int
    pv_stored_wh: int
    pv_own_wh: int
    storage_exported_wh: int
    storage_own_wh: int
    stored: Discharge

    @property
    def exported_wh(self) -> int:
        """What certificates can be issued for."""
        return self.pv_exported_wh + self.storage_exported_wh


def green_of(metered: Metered, battery: Battery | None = None, lots: Lots = (), interval: str = "") -> Green:
    """The green part of an interval. `lots` is what the storage held before; charging comes before discharging.

    PV that is not exported charges first, then what neighbours delivered, then the grid.
    """
    exported_wh = min(metered.export_wh, metered.pv_wh)
    stored_wh = min(metered.charge_wh, metered.pv_wh - exported_wh) if battery else 0
    stored = Discharge(0, (), lots)
    if battery:
        local_wh = min(metered.charge_wh - stored_wh, metered.bought_wh)
        grid_wh = metered.charge_wh - stored_wh - local_wh
        charges = ((Origin.PV, stored_wh), (Origin.LOCAL, local_wh), (Origin.GRID, grid_wh))
        stored = discharge(charge(lots, battery, charges, interval), battery, metered.discharge_wh)
    from_storage_wh = min(metered.export_wh - exported_wh, stored.pv_wh)
    return Green(
        pv_exported_wh=exported_wh,
        pv_stored_wh=stored_wh,
        pv_own_wh=metered.pv_wh - exported_wh - stored_wh,
        storage_exported_wh=from_storage_wh,
        storage_own_wh=stored.pv_wh - from_storage_wh,
        stored=stored,
    )


class Due(NamedTuple):
    """So many Wh of certificates are due to this holder."""

    holder: int
    wh: int


@dataclass(frozen=True, slots=True)
class Deliveries:
    """Who delivered to whom in an interval: trades as (seller, buyer, Wh) in execution order, and the pool by
    participant, Wh sold and bought there."""

    trades: Sequence[tuple[int, int, int]] = ()
    pool_sold: Mapping[int, int] = field(default_factory=dict)
    pool_bought: Mapping[int, int] = field(default_factory=dict)


def entitlements(
    green: Mapping[int, tuple[int, int]], deliveries: Deliveries
) -> dict[tuple[int, str], tuple[Due, ...]]:
    """Who is due how much of each producer's green export `(PV, storage)`, by (producer, origin), in order.

    A holder may stand there more than once. Each producer keeps what it did not deliver; the parts of an origin add up
    to the producer's green export of it.
    """
    left = {producer: sum(parts) for producer, parts in green.items()}
    dues: dict[int, list[Due]] = {producer: [] for producer in green}
    for seller, buyer, wh in deliveries.trades:
        _give(left, dues, seller, buyer, wh)
    for seller, buyer, wh in _pool(left, deliveries):
        _give(left, dues, seller, buyer, wh)
    for producer, wh in left.items():
        _give({producer: wh}, dues, producer, producer, wh)
    return {
        key: part
        for producer, (pv_wh, _) in green.items()
        for key, part in zip(((producer, PV), (producer, STORAGE)), _split(dues[producer], pv_wh), strict=True)
    }


def _give(left: dict[int, int], dues: dict[int, list[Due]], producer: int, holder: int, wh: int) -> None:
    given = min(left.get(producer, 0), wh)
    if given:
        left[producer] -= given
        dues[producer].append(Due(holder, given))


def _pool(left: Mapping[int, int], deliveries: Deliveries) -> Iterable[tuple[int, int, int]]:
    """The green part of the pool, laid from the producers (by id) onto the buyers (by id).

    Every buyer has the same green share of what it bought, by largest remainder; so there are no more pieces than
    producers and buyers together, however many of them could be paired.
    """
    offered = [(producer, min(left[producer], deliveries.pool_sold.get(producer, 0))) for producer in sorted(left)]
    buyers = sorted(deliveries.pool_bought)
    total_wh = sum(wh for _, wh in offered)
    wanted = largest_remainder(total_wh, [deliveries.pool_bought[buyer] for buyer in buyers])
    at = 0
    for producer, wh in offered:
        while wh:
            part = min(wh, wanted[at])
            yield producer, buyers[at], part
            wh -= part
            wanted[at] -= part
            at += not wanted[at]


def _split(dues: Sequence[Due], first_wh: int) -> tuple[tuple[Due, ...], tuple[Due, ...]]:
    """The first `first_wh` of what is due, and the rest."""
    first: list[Due] = []
    rest: list[Due] = []
    for holder, wh in dues:
        part = min(wh, first_wh)
        first_wh -= part
        first += [Due(holder, part)] * (part > 0)
        rest += [Due(holder, wh - part)] * (wh > part)
    return tuple(first), tuple(rest)


class Held(NamedTuple):
    """What a holder has of one producer, contract and origin, Wh: used for good (retired, locked), or still free."""

    used_wh: int
    free_wh: int


@dataclass(frozen=True, slots=True)
class Account:
    """What stands between the meter and the certificates of one producer, contract and origin, Wh.

    `withheld_wh` of the green surplus made up for what the producer owed from elsewhere. `owed_wh` were certified
    beyond the surplus and could not be voided; `repaid_wh` of them have been made up elsewhere.
    """

    withheld_wh: int = 0
    owed_wh: int = 0
    repaid_wh: int = 0

    @property
    def outstanding_wh(self) -> int:
        """Still to be made up."""
        return self.owed_wh - self.repaid_wh


NONE = Held(0, 0)
NOTHING = Account()


@dataclass(frozen=True, slots=True)
class Change:
    """What must happen: Wh to void by holder, dues to issue in order, and how the account stands afterwards.
    `make_up_wh` of it pay what the producer owes from other intervals."""

    voids: dict[int, int]
    issues: tuple[Due, ...]
    account: Account
    make_up_wh: int


def reconcile(
    dues: Sequence[Due], held: Mapping[int, Held], account: Account = NOTHING, owed_elsewhere_wh: int = 0
) -> Change:
    """What leads from `held` to `dues`, so that always certified + withheld ≤ green + owed. Again, it changes nothing.

    Voids come first. What is used beyond what is due is owed. What is missing is issued in the order of `dues`, as far
    as this interval's own excess and then the producer's older debts leave room: the last in the order wait. Where more
    has been withheld than is missing now, the last in the order give it up.
    """
    due, green_wh = _by_holder(dues), sum(wh for _, wh in dues)
    voids = {holder: wh for holder, has in held.items() if (wh := min(has.free_wh, sum(has) - due.get(holder, 0))) > 0}
    missing = [Due(holder, wh - have) for holder, wh in due.items() if (have := sum(held.get(holder, NONE))) < wh]
    open_wh = sum(wh for _, wh in missing) - account.withheld_wh
    excess_wh = sum(sum(has) for has in held.values()) - sum(voids.values()) + account.withheld_wh - green_wh
    given_up = _from_the_end(due, held, min(-open_wh, excess_wh - account.repaid_wh))
    excess_wh -= sum(given_up.values())
    owed_wh = max(account.repaid_wh, excess_wh)
    room_wh = max(0, min(owed_wh - excess_wh, open_wh))
    make_up_wh = min(room_wh, owed_elsewhere_wh)
    return Change(
        voids={holder: voids.get(holder, 0) + given_up.get(holder, 0) for holder in voids.keys() | given_up.keys()},
        issues=_split(missing, room_wh - make_up_wh)[0],
        account=Account(account.withheld_wh + make_up_wh, owed_wh, account.repaid_wh),
        make_up_wh=make_up_wh,
    )


def _from_the_end(due: Mapping[int, int], held: Mapping[int, Held], wh: int) -> dict[int, int]:
    """`wh` of what the holders have free within what is due to them, the last in the order first."""
    given_up = {}
    for holder in reversed(list(due)):
        has = held.get(holder, NONE)
        part = min(wh, has.free_wh, max(0, due[holder] - has.used_wh))
        if part > 0:
            given_up[holder] = part
            wh -= part
    return given_up


def _by_holder(dues: Iterable[Due]) -> dict[int, int]:
    sums: dict[int, int] = {}
    for holder, wh in dues:
        sums[holder] = sums.get(holder, 0) + wh
    return sums
