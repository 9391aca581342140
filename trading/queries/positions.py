"""Own positions, and the lists of own orders and trades from which a blotter makes its pages."""

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from django.db.models import Q, QuerySet, Sum

from trading.models import Order, Position, Trade

PAST = timedelta(hours=2)


@dataclass(frozen=True, slots=True)
class BlotterFilter:
    """Which rows: delivery in [start, end), one contract, one side (1 buy, −1 sell), some states of orders."""

    start: datetime | None = None
    end: datetime | None = None
    contract_id: int | None = None
    side: int | None = None
    statuses: Sequence[int] = ()


def positions(market_id: int, participant_ids: Collection[int], now: datetime) -> list[tuple[int, int, int]]:
    """(contract, bought Wh, sold Wh) of these participants together, from two hours before `now` on."""
    rows = Position.objects.filter(
        market=market_id, participant__in=participant_ids, contract__delivery_start__gte=now - PAST
    )
    sums = rows.values("contract_id").annotate(bought=Sum("bought_wh"), sold=Sum("sold_wh")).order_by("contract_id")
    return [(row["contract_id"], row["bought"], row["sold"]) for row in sums if row["bought"] or row["sold"]]


def order_list(market_id: int, participant_ids: Collection[int], chosen: BlotterFilter) -> "QuerySet[Order]":
    """Orders in every state, the latest first, each with its contract and participant."""
    rows = Order.objects.filter(_delivered(chosen), market=market_id, participant__in=participant_ids)
    if chosen.side is not None:
        rows = rows.filter(side=chosen.side)
    if chosen.statuses:
        rows = rows.filter(status__in=chosen.statuses)
    return rows.select_related("contract", "participant").order_by("-seq")


def trade_list(market_id: int, participant_ids: Collection[int], chosen: BlotterFilter) -> "QuerySet[Trade]":
    """Trades on either side, the latest first. The other side's name stays hidden: show own participants alone."""
    bought, sold = Q(buyer__in=participant_ids), Q(seller__in=participant_ids)
    mine = {1: bought, -1: sold, None: bought | sold}[chosen.side]
    rows = Trade.objects.filter(_delivered(chosen), mine, market=market_id)
    return rows.select_related("contract", "buyer", "seller").order_by("-trade_no")


def position_list(market_id: int, participant_ids: Collection[int], chosen: BlotterFilter) -> "QuerySet[Position]":
    """Positions that are not empty, the nearest delivery first."""
    rows = Position.objects.filter(_delivered(chosen), market=market_id, participant__in=participant_ids)
    rows = rows.filter(Q(bought_wh__gt=0) | Q(sold_wh__gt=0) | Q(open_buy_wh__gt=0) | Q(open_sell_wh__gt=0))
    if chosen.side == Order.Side.BUY:
        rows = rows.filter(Q(bought_wh__gt=0) | Q(open_buy_wh__gt=0))
    elif chosen.side == Order.Side.SELL:
        rows = rows.filter(Q(sold_wh__gt=0) | Q(open_sell_wh__gt=0))
    return rows.select_related("contract", "participant").order_by("contract__delivery_start", "participant__name")


def _delivered(chosen: BlotterFilter) -> Q:
    wanted = Q()
    if chosen.contract_id is not None:
        wanted &= Q(contract=chosen.contract_id)
    if chosen.start is not None:
        wanted &= Q(contract__delivery_start__gte=chosen.start)
    if chosen.end is not None:
        wanted &= Q(contract__delivery_start__lt=chosen.end)
    return wanted
