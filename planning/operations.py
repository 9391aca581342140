"""Carrying out standing instructions: forecasts become energy limits and orders, in one batch per market and moment.

A contract is planned once for each step of its limit ramp. What is planned follows from the step, the forecasts and the
positions alone, and its client order ids from the step, so planning the same step twice, or from two workers at once,
does nothing the second time. The step is noted only after its orders are durable.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from planning import queries
from planning.domain.forecast import PERSISTENCE, Energy, persistence, same_time_before
from planning.domain.orders import OpenOrder, Sizes, Wanted, messages
from planning.limits import Limits
from planning.models import StandingInstruction
from planning.news import tell_stopped
from planning.notes import note
from planning.prices import PriceBook, price_book
from planning.queries import DueContract, Instruction, Position
from planning.storage import StoragePlan, plan_storage
from trading.domain.messages import BUY, SELL, Message
from trading.models import Market
from trading.operations import Reply, submit
from trading.operations.energy import set_energy_limits

Key = tuple[int, datetime]  # participant, start of the interval
Forecaster = Callable[[Market, Sequence[int], Sequence[datetime], datetime], Mapping[Key, Energy]]


@dataclass(frozen=True, slots=True)
class Planned:
    """What one call did: contracts whose step was carried out, and what became of the messages."""

    contracts: int = 0
    placed: int = 0
    amended: int = 0
    cancelled: int = 0
    refused: int = 0


def plan(market_id: int, at: datetime, *, forecaster: Forecaster | None = None, method: str = PERSISTENCE) -> Planned:
    """Carries out every standing instruction in the contracts whose ramp has reached a new step at `at` (market time).

    `forecaster` answers the forecast of participants in intervals, as far as there is one; persistence by default.
    """
    due = queries.due_contracts(market_id, at)
    members = queries.instructions(market_id) if due else {}
    done = _carry_out(market_id, due, members, at, forecaster or persist, method)
    if members:
        _mark(due, at)
    return done


def plan_member(market_id: int, participant_id: int, at: datetime, *, forecaster: Forecaster | None = None) -> Planned:
    """Carries out one changed instruction at once, at the step at which each open contract stands.

    What was cancelled at a step stays so until the contract's next one, since its client order id is used up.
    """
    due = queries.due_contracts(market_id, at, again=True)
    members = {who: told for who, told in queries.instructions(market_id).items() if who == participant_id}
    return _carry_out(market_id, due, members, at, forecaster or persist, PERSISTENCE)


def _carry_out(
    market_id: int,
    due: Sequence[DueContract],
    members: Mapping[int, Instruction],
    at: datetime,
    forecaster: Forecaster,
    method: str,
) -> Planned:
    if not members or not due:
        return Planned()
    market = Market.objects.select_related("site").get(pk=market_id)
    forecasts = forecaster(market, list(members), [contract.start for contract in due], at)
    book = price_book(market.site_id, ZoneInfo(market.site.timezone))
    with transaction.atomic():
        _store_forecasts(market_id, forecasts, at, method)
        storage = plan_storage(market, members, book, {contract.id for contract in due}, at)
        _write_energy_limits(market, due, forecasts, at)
    batch, notes = _orders(market, due, members, forecasts, storage, book)
    replies = submit(market_id, batch, by=None, at=at, notes=notes)
    tell_stopped(market, members, forecasts, zip(batch, replies, strict=True), at)
    return _summary(due, replies)


def persist(market: Market, participants: Sequence[int], starts: Sequence[datetime], at: datetime) -> dict[Key, Energy]:
    """Persistence from the readings of the days before."""
    zone, minutes = ZoneInfo(market.site.timezone), market.interval_minutes
    candidates = {start: same_time_before(start, at, minutes, zone) for start in starts}
    read = queries.history(market.site_id, {day for days in candidates.values() for day in days})
    found = {}
    for participant in participants:
        past = read.get(participant, {})
        for start in starts:
            energy = persistence(start, candidates[start], past, zone)
            if energy is not None:
                found[participant, start] = energy
    return found


def set_instruction(
    market_id: int,
    participant_id: int,
    *,
    active: bool = True,
    sell: tuple[int, int] | None = None,
    buy: tuple[int, int] | None = None,
) -> StandingInstruction:
    """Sets a standing instruction; `sell` and `buy` are (far, near) prices in VND/kWh, None: not on that side."""
    values = {
        "active": active,
        "sell_far_price": sell[0] if sell else None,
        "sell_near_price": sell[1] if sell else None,
        "buy_far_price": buy[0] if buy else None,
        "buy_near_price": buy[1] if buy else None,
    }
    row, _ = StandingInstruction.objects.update_or_create(
        market_id=market_id, participant_id=participant_id, defaults=values
    )
    return row


def _store_forecasts(market_id: int, forecasts: Mapping[Key, Energy], at: datetime, method: str) -> None:
    if not forecasts:
        return
    columns = zip(*((party, start, *_figures(energy)) for (party, start), energy in forecasts.items()), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO planning_forecast AS f (market_id, participant_id, start, load_wh, generation_wh, method,"
            " made_at) SELECT %s, n.party, n.start, n.load, n.generation, %s, %s FROM unnest(%s::bigint[],"
            " %s::timestamptz[], %s::bigint[], %s::bigint[]) AS n(party, start, load, generation)"
            " ON CONFLICT (market_id, participant_id, start) DO UPDATE SET load_wh = excluded.load_wh,"
            " generation_wh = excluded.generation_wh, method = excluded.method, made_at = excluded.made_at"
            " WHERE (f.load_wh, f.generation_wh, f.method)"
            " <> (excluded.load_wh, excluded.generation_wh, excluded.method)",
            (market_id, method, at, *map(list, columns)),
        )


def _figures(energy: Energy) -> tuple[int, int]:
    return energy.load_wh, energy.generation_wh


def _write_energy_limits(
    market: Market, due: Sequence[DueContract], forecasts: Mapping[Key, Energy], at: datetime
) -> None:
    """The market itself adds what a battery can give to the forecast surplus."""
    by_start = {contract.start: contract.id for contract in due}
    rows = [(by_start[start], participant, energy.net_wh) for (participant, start), energy in forecasts.items()]
    set_energy_limits(market.pk, rows, at)


def _orders(
    market: Market,
    due: Sequence[DueContract],
    members: Mapping[int, Instruction],
    forecasts: Mapping[Key, Energy],
    storage: StoragePlan,
    book: PriceBook,
) -> tuple[list[Message], list[str]]:
    ids = [contract.id for contract in due]
    held, resting = queries.positions(market.pk, ids), queries.standing_orders(ids)
    sizes = Sizes(market.lot_wh, market.min_wh, market.max_wh)
    batch: list[Message] = []
    notes: list[str] = []
    for contract in due:
        limits = Limits(contract, market.tick, book)
        for participant, instruction in members.items():
            energy = forecasts.get((participant, contract.start))
            if energy is None:
                continue
            key = contract.id, participant
            own = resting.get(key, [])
            wanted = _wanted(participant, contract, energy, held.get(key, Position()), own, storage)
            priced = [Wanted(side, wh, limits.price(instruction, side)) for side, wh in wanted]
            told = messages(participant, contract.id, contract.step, priced, own, sizes)
            batch += told
            notes += [note(message, energy, contract, instruction, book) for message in told]
    return batch, notes


def _wanted(
    participant: int,
    contract: DueContract,
    energy: Energy,
    position: Position,
    own: Iterable[OpenOrder],
    storage: StoragePlan,
) -> list[tuple[int, int]]:
    """(side, Wh) to have on offer by standing order: what is left of the forecast, less what is on offer by hand."""
    planned = storage.get((participant, contract.id))
    left = energy.net_wh + position.bought_wh - position.sold_wh
    sell, buy = (planned.sell_wh, planned.buy_wh) if planned else (max(0, left), max(0, -left))
    standing = {SELL: 0, BUY: 0}
    for order in own:
        standing[order.side] += order.remaining_wh
    return [
        (SELL, max(0, sell - max(0, position.open_sell_wh - standing[SELL]))),
        (BUY, max(0, buy - max(0, position.open_buy_wh - standing[BUY]))),
    ]


def _mark(due: Sequence[DueContract], at: datetime) -> None:
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO planning_contractplan AS p (contract_id, step, planned_at)"
            " SELECT contract, step, %s FROM unnest(%s::bigint[], %s::int[]) AS n(contract, step)"
            " ON CONFLICT (contract_id) DO UPDATE SET step = excluded.step, planned_at = excluded.planned_at"
            " WHERE p.step < excluded.step",
            (at, [contract.id for contract in due], [contract.step for contract in due]),
        )


def _summary(due: Sequence[DueContract], replies: Sequence[Reply]) -> Planned:
    results = [reply.result for reply in replies]
    return Planned(
        len(due),
        results.count("accepted"),
        results.count("amended"),
        results.count("cancelled"),
        results.count("rejected"),
    )
