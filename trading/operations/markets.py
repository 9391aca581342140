"""The calendar of a market: contracts opened ahead, and each step of their life claimed by a conditional UPDATE.

    SCHEDULED → CALL → CONTINUOUS → CLOSED → DELIVERED → CLEARED → FINAL

What is due is asked of the database by the market's own time, so that a tick may come twice, late, or from several
workers at once, and a day of being switched off is caught up by the next one.
"""

from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import transaction
from django.db.models import F, Q

from accounts.models import User
from meters.models import Site
from trading.domain.messages import Halt, Message, Resume, Time, Uncross
from trading.models import Contract, Market, Stop
from trading.operations.news import tell_halt
from trading.operations.replies import Reply
from trading.operations.submitting import submit
from units.interval import Interval, intervals_between

MOST_CONTRACTS_AT_ONCE = 2_000


class MarketRules(Exception):
    """The rules of a market contradict each other; the sentence says which."""

    code = "invalid_market_rules"


@dataclass(frozen=True, slots=True)
class Ticked:
    """What one tick of a market did."""

    opened: int = 0
    uncrossed: int = 0
    closed: int = 0


def create_market(*, site: Site, code: str, name: str, **rules: object) -> Market:
    """A market of a site. `rules` are columns of `Market`; raises MarketRules where they contradict each other."""
    market = Market(site=site, code=code, name=name, **rules)
    call, gate, ahead = market.call_ends_minutes, market.gate_minutes, market.open_ahead_minutes
    if call is not None and not gate <= call <= ahead:
        raise MarketRules(f"The opening auction must end between {ahead} min (opening) and {gate} min before delivery.")
    if gate >= ahead:
        raise MarketRules(f"The gate must open earlier ({ahead} min) than it closes ({gate} min before delivery).")
    market.save()
    return market


def tick(market_id: int, at: datetime) -> Ticked:
    """Brings a market's contracts up to the moment `at` (market time): opens, uncrosses, closes what is due."""
    market = Market.objects.select_related("site").get(pk=market_id)
    schedule(market, at)
    opened = _open_gates(market, at)
    uncrossed = _uncross_due(market, at)
    closed = _close_due(market, at)
    _mark_delivered(market, at)
    return Ticked(opened, uncrossed, closed)


def schedule(market: Market, at: datetime) -> int:
    """Creates the contracts whose gate opens within the next interval or has opened, and are not there yet."""
    minutes, zone = market.interval_minutes, ZoneInfo(market.site.timezone)
    until = Interval.of(at + timedelta(minutes=market.open_ahead_minutes + minutes), minutes, zone).start
    last = market.contracts.order_by("-delivery_start").values_list("delivery_end", flat=True).first()
    start = last or Interval.of(at, minutes, zone).start
    if start >= until:
        return 0
    contracts = [
        _contract(market, interval)
        for interval, _ in zip(intervals_between(start, until, minutes), range(MOST_CONTRACTS_AT_ONCE), strict=False)
    ]
    Contract.objects.bulk_create(contracts, ignore_conflicts=True)
    return len(contracts)


def _contract(market: Market, interval: Interval) -> Contract:
    start = interval.start
    call = market.call_ends_minutes
    return Contract(
        market=market,
        delivery_start=start,
        delivery_end=interval.end,
        gate_opens_at=start - timedelta(minutes=market.open_ahead_minutes),
        call_until=None if call is None else start - timedelta(minutes=call),
        gate_closes_at=start - timedelta(minutes=market.gate_minutes),
        min_price=market.min_price,
        max_price=market.max_price,
    )


def _open_gates(market: Market, at: datetime) -> int:
    due = Contract.objects.filter(market=market, state=Contract.State.SCHEDULED, gate_opens_at__lte=at)
    opened = due.filter(call_until__isnull=False).update(state=Contract.State.CALL)
    return opened + due.filter(call_until__isnull=True).update(state=Contract.State.CONTINUOUS)


def _uncross_due(market: Market, at: datetime) -> int:
    """Uncrosses the opening auctions that are over: those whose gate is still open, and the pure call auctions."""
    if market.halted:
        return 0
    due = Contract.objects.filter(market=market, state=Contract.State.CALL, call_until__lte=at, stop=Stop.RUNNING)
    due = due.filter(Q(gate_closes_at__gt=at) | Q(call_until__gte=F("gate_closes_at")))
    ids = list(due.order_by("delivery_start").values_list("pk", flat=True))
    submit(market.pk, [Uncross(pk) for pk in ids], by=None, at=at)
    return len(ids)


def _close_due(market: Market, at: datetime) -> int:
    open_states = (Contract.State.SCHEDULED, Contract.State.CALL, Contract.State.CONTINUOUS)
    due = Contract.objects.filter(market=market, state__in=open_states, gate_closes_at__lte=at).count()
    if due:
        submit(market.pk, [Time()], by=None, at=at)
    return due


def _mark_delivered(market: Market, at: datetime) -> int:
    over = Contract.objects.filter(market=market, state=Contract.State.CLOSED, delivery_end__lte=at)
    return over.update(state=Contract.State.DELIVERED)


def halt(
    market: Market, *, by: User | None, at: datetime, contract_id: int | None = None, freeze: bool = False
) -> Reply:
    """Stops trading, of one contract or all: the queue is kept, opening auctions wait. Cancelling stays possible
    unless it is a `freeze`. The reply says `gate_closed` or `unknown_contract` where there was nothing to stop."""
    reply = _command(market, Halt(contract_id, freeze), by=by, at=at)
    if reply.result == "ok":
        tell_halt(market, True, reply.seq, by, at, contract_id)
    return reply


def resume(market: Market, *, by: User | None, at: datetime, contract_id: int | None = None) -> Reply:
    """Goes on after a halt of the same contract, or of the market."""
    reply = _command(market, Resume(contract_id), by=by, at=at)
    if reply.result == "ok":
        tell_halt(market, False, reply.seq, by, at, contract_id)
    return reply


def _command(market: Market, message: Message, *, by: User | None, at: datetime) -> Reply:
    return submit(market.pk, [message], by=by, at=at)[0]


def set_clock(market: Market, *, rate: int, clock_at: datetime | None, started_at: datetime | None) -> None:
    """Lets market time run `rate` times as fast as the wall clock from `clock_at`; both None: the wall clock itself."""
    with transaction.atomic():
        Market.objects.filter(pk=market.pk).update(clock_rate=rate, clock_at=clock_at, clock_started_at=started_at)
    market.refresh_from_db()
