"""Reading what bounds the participants of a batch: credit, positions, expected surplus, batteries."""

from collections import defaultdict
from collections.abc import Sequence
from typing import NamedTuple
from zoneinfo import ZoneInfo

import psycopg

from meters.domain.storage import Battery, Commitment, shortfall
from tariffs.pricebook import PriceBook, price_book
from trading.domain.limits import Holding, ParticipantLimits, PositionKey, Store
from trading.domain.messages import SELL, Amend, Message, New, Party
from trading.operations.arrays import integers
from trading.operations.borrow import Borrowed, ContractRow
from units.interval import from_ms

Cursor = psycopg.Cursor
NAMEPLATE_PCT = 110  # a forecast is never believed above nameplate × interval × 1.1


class _Seat(NamedTuple):
    """What a participant's admission says: credit left in milli-VND, its zone, whether it rents its home."""

    credit: int
    zone: str
    renter: bool


class _Pairs(NamedTuple):
    """The (contract, participant) pairs that a batch may add to, and who of them sells."""

    keys: list[tuple[int, int]]
    sellers: set[int]


def read_limits(cursor: Cursor, held: Borrowed, messages: Sequence[Message]) -> ParticipantLimits:
    """The limits of everybody whose message could add to an offer. Positions are kept track of even where nothing is
    enforced."""
    pairs = _pairs(held, messages)
    if not held.market.limits_enforced or not pairs.keys:
        return ParticipantLimits(enforced=held.market.limits_enforced, credit={}, holdings={}, net_wh={}, stores={})
    seats = _seats(cursor, held, {party for _, party in pairs.keys})
    holdings, net = _positions(cursor, held, pairs.keys)
    batteries, peak_w = _devices(cursor, held, pairs.sellers)
    stores = _stores(cursor, held, batteries, holdings, net)
    _cap_at_nameplate(held, net, peak_w)
    bounded = {key: wh for key, wh in net.items() if wh is not None}
    bands = _bands(held, pairs.keys, seats)
    return ParticipantLimits(
        enforced=True,
        credit={party: seat.credit for party, seat in seats.items()},
        holdings=holdings,
        net_wh=bounded,
        stores=stores,
        bands=bands,
        capped=frozenset(key for key in bands if seats[int(key[1])].renter),
    )


def _pairs(held: Borrowed, messages: Sequence[Message]) -> _Pairs:
    amended = {(m.participant, m.client_order_id) for m in messages if isinstance(m, Amend)}
    adding = [(int(m.contract), int(m.participant), m.side) for m in messages if isinstance(m, New)]
    adding += [
        (row.contract, row.participant, row.side)
        for row in held.orders.values()
        if (row.participant, row.client_order_id) in amended
    ]
    keys = sorted({(contract, party) for contract, party, _ in adding})
    return _Pairs(keys, {party for _, party, side in adding if side == SELL})


def _bands(held: Borrowed, keys: list[tuple[int, int]], seats: dict[int, _Seat]) -> dict[PositionKey, tuple[int, int]]:
    """From the surplus price the grid pays to the participant's own retail price less the lowest network fee at which
    energy reaches it, for a renter to the renter's cap at most; where the rulebook has no terms, only the contract's
    own band holds."""
    book = price_book(held.market.site_id, ZoneInfo(held.market.timezone))
    terms = {key: book.terms(row.delivery_start) for key, row in held.contracts.items()}
    bands: dict[PositionKey, tuple[int, int]] = {}
    for contract, party in keys:
        known, seat = terms.get(contract), seats.get(party)
        if known is not None and seat is not None:
            bands[contract, party] = (known[0], _highest_bid(book, held.contracts[contract], party, seat))
    return bands


def _highest_bid(book: PriceBook, contract: ContractRow, party: int, seat: _Seat) -> int:
    start = contract.delivery_start
    retail = book.retail(party, start)
    highest = contract.max_price if retail is None else retail - (book.least_fee(start, seat.zone) or 0)
    cap = book.renter_cap(start) if seat.renter else None
    return highest if cap is None else min(highest, cap)


def _seats(cursor: Cursor, held: Borrowed, parties: set[int]) -> dict[int, _Seat]:
    """Credit left is limit + prepaid − committed − owed. A market that never invoices collects no debts either."""
    cursor.execute(
        "SELECT a.participant_id, a.credit_limit_millidong + a.prepaid_millidong - a.committed_millidong"
        " - CASE WHEN m.legal_basis IN ('shadow', 'grid_dppa') THEN 0 ELSE a.owed_millidong END, a.zone, a.renter"
        " FROM trading_admission a JOIN trading_market m ON m.id = a.market_id"
        " WHERE a.market_id = %s AND a.participant_id = ANY(%s::bigint[]) AND a.active",
        (held.market.id, integers(parties)),
    )
    return {party: _Seat(*seat) for party, *seat in cursor.fetchall()}


_POSITIONS = (
    " coalesce(p.bought_wh, 0), coalesce(p.sold_wh, 0), coalesce(p.open_buy_wh, 0), coalesce(p.open_sell_wh, 0),"
    " coalesce(p.committed_millidong, 0), e.net_wh"
)
_JOINS = (
    " LEFT JOIN LATERAL (SELECT * FROM trading_position WHERE market_id = %s AND contract_id = k.contract"
    " AND participant_id = k.party OFFSET 0) p ON true"
    " LEFT JOIN LATERAL (SELECT net_wh FROM trading_energylimit WHERE market_id = %s AND contract_id = k.contract"
    " AND participant_id = k.party OFFSET 0) e ON true"
)
NetWh = dict[PositionKey, int | None]


def _positions(cursor: Cursor, held: Borrowed, keys: list[tuple[int, int]]) -> tuple[dict[PositionKey, Holding], NetWh]:
    contracts, parties = zip(*keys, strict=True)
    cursor.execute(
        f"SELECT k.contract, k.party, {_POSITIONS}"
        f" FROM unnest(%s::bigint[], %s::bigint[]) AS k(contract, party) {_JOINS}",
        (integers(contracts), integers(parties), held.market.id, held.market.id),
    )
    return _split(cursor.fetchall())


def _split(rows: Sequence[tuple[int, ...]]) -> tuple[dict[PositionKey, Holding], NetWh]:
    holdings: dict[PositionKey, Holding] = {}
    net: NetWh = {}
    for contract, party, *figures, net_wh in rows:
        holdings[contract, party] = Holding(*figures)
        net[contract, party] = net_wh
    return holdings, net


def _devices(
    cursor: Cursor, held: Borrowed, sellers: set[int]
) -> tuple[dict[int, tuple[Battery, int]], dict[int, int]]:
    """Each seller's battery with its state of charge (several count as one), and the peak power of its panels in W."""
    if not sellers:
        return {}, {}
    cursor.execute(
        "SELECT participant_id, sum(peak_w) FILTER (WHERE kind = 'pv'),"
        " sum(capacity_wh) FILTER (WHERE kind = 'battery'), sum(charge_w) FILTER (WHERE kind = 'battery'),"
        " sum(discharge_w) FILTER (WHERE kind = 'battery'), min(round_trip_ppm) FILTER (WHERE kind = 'battery'),"
        " max(floor_pct) FILTER (WHERE kind = 'battery'), max(reserve_pct) FILTER (WHERE kind = 'battery'),"
        " sum(soc_wh) FILTER (WHERE kind = 'battery')"
        " FROM meters_device WHERE site_id = %s AND participant_id = ANY(%s) GROUP BY participant_id",
        (held.market.site_id, list(sellers)),
    )
    batteries, peak_w = {}, {}
    for party, peak, capacity, charge, discharge, efficiency, floor, reserve, soc in cursor.fetchall():
        peak_w[party] = int(peak or 0)
        if capacity:
            battery = Battery(
                capacity_wh=int(capacity), charge_w=int(charge), discharge_w=int(discharge),
                round_trip_ppm=efficiency, floor_pct=floor, reserve_pct=reserve,
            )  # fmt: skip
            batteries[party] = (battery, int(soc))
    return batteries, peak_w


def _stores(
    cursor: Cursor,
    held: Borrowed,
    batteries: dict[int, tuple[Battery, int]],
    holdings: dict[PositionKey, Holding],
    net: NetWh,
) -> dict[Party, Store]:
    """Battery owners are bounded over all their coming intervals, so all of these are read for them."""
    if not batteries:
        return {}
    cursor.execute(
        f"SELECT k.contract, k.party, {_POSITIONS} FROM (SELECT c.id AS contract, c.delivery_start, b.party"
        " FROM trading_contract c CROSS JOIN unnest(%s::bigint[]) AS b(party)"
        f" WHERE c.market_id = %s AND c.delivery_end > %s) AS k {_JOINS} ORDER BY k.delivery_start",
        (list(batteries), held.market.id, from_ms(held.at), held.market.id, held.market.id),
    )
    rows = cursor.fetchall()
    more, more_net = _split(rows)
    holdings.update(more)
    net.update(more_net)
    intervals: dict[int, list[int]] = defaultdict(list)
    for contract, party, *_ in rows:
        intervals[party].append(contract)
    minutes = held.market.interval_minutes
    return {party: _store(intervals[party], *battery, minutes) for party, battery in batteries.items()}


def _store(intervals: list[int], battery: Battery, soc_wh: int, minutes: int) -> Store:
    most_charge = battery.charge_w * minutes // 60

    def feasible(bases: Sequence[int], sells: Sequence[int]) -> bool:
        commitments = [
            Commitment(charge_wh=min(most_charge, max(0, base - sold)), discharge_wh=max(0, sold - base))
            for base, sold in zip(bases, sells, strict=True)
        ]
        return shortfall(battery, soc_wh, commitments, minutes) is None

    return Store(intervals, feasible)


def _cap_at_nameplate(held: Borrowed, net: NetWh, peak_w: dict[int, int]) -> None:
    """Without a forecast the nameplate alone bounds an offer; with one, it is the most that is believed."""
    for (contract, party), wh in net.items():
        most = peak_w.get(int(party), 0) * held.market.interval_minutes * NAMEPLATE_PCT // 6_000
        net[contract, party] = most if wh is None else min(wh, most)
