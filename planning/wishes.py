"""What an owner asks for: the one switch and its limits, noted in the audit trail and carried out at once.

Switched off, the orders that were placed for the member are taken back. Switched on, or with other limits, what is
forecast is offered again at the step at which each interval stands.

Example: a home that sold from 2,250 down to 740 asks for 1,900 down to 900: an order that rested at 1,646 is amended to
1,500 (step 2 of 6), and the next ones follow the new line.
"""

from dataclasses import dataclass
from datetime import datetime

from django.db import transaction

from accounts.models import AuditEntry, Participant, User
from planning.domain.orders import PREFIX
from planning.models import StandingInstruction
from planning.news import tell_switched_off
from planning.operations import plan_member
from trading.domain.messages import Cancel
from trading.models import Market
from trading.operations import submit
from trading.queries import own_orders

Ramp = tuple[int, int] | None  # far and near price, đồng/kWh; None: that side is not traded


class WishRefused(ValueError):
    """What the owner asks for makes no sense; the message says what to do. `code` is stable."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass(frozen=True, slots=True)
class Wish:
    """A standing instruction as its owner sees it; prices in đồng/kWh."""

    active: bool
    sell: Ramp
    buy: Ramp


def wish_of(market_id: int, participant_id: int) -> Wish:
    """The owner's standing instruction; one that was never set is off and trades neither side."""
    row = StandingInstruction.objects.filter(market=market_id, participant=participant_id).first()
    return _wish(row) if row else Wish(False, None, None)


def _wish(row: StandingInstruction) -> Wish:
    return Wish(
        row.active, _ramp(row.sell_far_price, row.sell_near_price), _ramp(row.buy_far_price, row.buy_near_price)
    )


def _ramp(far: int | None, near: int | None) -> Ramp:
    return None if far is None or near is None else (far, near)


def switch(*, market: Market, participant: Participant, on: bool, by: User, at: datetime) -> bool:
    """Trade for the member, or stop and take its standing orders back. True where that is a change.

    Raises WishRefused (`no_limits`) where there is nothing that could be traded.
    """
    with transaction.atomic():
        row = _held(market, participant)
        if on and row.sell_far_price is None and row.buy_far_price is None:
            raise WishRefused("no_limits", "Say first from which price you sell: open the limits below the switch.")
        if row.active == on and row.pk:
            return False
        row.active = on
        row.save()
        _note(
            by,
            at,
            "instruction.switched_on" if on else "instruction.switched_off",
            participant,
            {"market": market.code},
        )
        if not on:
            tell_switched_off(market, participant, by, at)
    if on:
        plan_member(market.pk, participant.pk, at)
    else:
        _take_back(market.pk, participant.pk, by, at)
    return True


def set_limits(*, market: Market, participant: Participant, sell: Ramp, buy: Ramp, by: User, at: datetime) -> bool:
    """Set from which to which price the member sells and buys. True where that is a change. Raises WishRefused."""
    _check(market, sell, buy)
    with transaction.atomic():
        row = _held(market, participant)
        if (_wish(row).sell, _wish(row).buy) == (sell, buy):
            return False
        row.sell_far_price, row.sell_near_price = sell or (None, None)
        row.buy_far_price, row.buy_near_price = buy or (None, None)
        row.active = row.active and bool(sell or buy)
        row.save()
        prices = {name: getattr(row, name) for name in _PRICES}
        _note(by, at, "instruction.limits_set", participant, {"market": market.code, **prices})
    if row.active:
        plan_member(market.pk, participant.pk, at)
    else:
        _take_back(market.pk, participant.pk, by, at)
    return True


_PRICES = ("sell_far_price", "sell_near_price", "buy_far_price", "buy_near_price")


def _check(market: Market, sell: Ramp, buy: Ramp) -> None:
    for price in (*(sell or ()), *(buy or ())):
        if not market.min_price <= price <= market.max_price:
            raise WishRefused(
                "price_out_of_band", f"Prices here are from {market.min_price} to {market.max_price} ₫/kWh; choose one."
            )
    if sell and sell[0] < sell[1]:
        raise WishRefused(
            "sell_turned_round", "Sell at a high price at first and at a lower one at last, not the other way."
        )
    if buy and buy[0] > buy[1]:
        raise WishRefused(
            "buy_turned_round", "Buy at a low price at first and at a higher one at last, not the other way."
        )


def _held(market: Market, participant: Participant) -> StandingInstruction:
    rows = StandingInstruction.objects.select_for_update().filter(market=market, participant=participant)
    return rows.first() or StandingInstruction(market=market, participant=participant, active=False)


def _take_back(market_id: int, participant_id: int, by: User, at: datetime) -> None:
    resting = own_orders(market_id, [participant_id]).orders
    own = [order.client_order_id for order in resting if order.client_order_id.startswith(PREFIX)]
    submit(market_id, [Cancel(participant_id, name) for name in own], by=by, at=at)


def _note(by: User, at: datetime, what: str, participant: Participant, detail: dict[str, object]) -> None:
    AuditEntry.objects.create(by=by, at=at, action=what, target=f"participant {participant.code}", detail=detail)
