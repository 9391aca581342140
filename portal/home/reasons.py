"""Why an order was placed, in plain words of the reader's language.

The planner writes its reason in one fixed form (`planning.notes`); it is read back here, so that a home does not need
to know what a limit is. A reason of another form is shown as it stands.
"""

import re
from dataclasses import dataclass

from django.utils.translation import gettext as _

from portal.desk import Desk
from portal.templatetags.figures import dong, energy
from trading.domain.messages import SELL
from trading.queries import contracts_by_id, own_orders
from trading.queries.orders import OwnOrder
from units.numbers import kwh_to_wh

SHOWN = 5
LOOKED_AT = 300  # two days of half hours, both sides, and some that were replaced
BY_HAND = "placed by hand"  # what the simulator's traders write
_NOTE = re.compile(
    r"forecast (?P<what>surplus|need) (?P<wh>[\d,.]+) kWh at (?P<at>\d\d:\d\d)(?P<stored> and energy in storage)?"
    r", limit (?P<limit>[\d,]+)(?: (?:falling|rising) to (?P<near>[\d,]+))?"
)


@dataclass(frozen=True, slots=True)
class Told:
    """One order as a home reads it."""

    interval: str
    selling: bool
    what: str
    state: str
    why: str


def next_orders(desk: Desk) -> list[Told]:
    """The orders of the intervals that are not over, the nearest first, each with its reason."""
    assert desk.participant is not None
    orders = own_orders(desk.market.pk, [desk.participant.pk], open_only=False, limit=LOOKED_AT).orders
    ahead = {
        row.contract_id: row
        for row in contracts_by_id(desk.market.pk, [order.contract_id for order in orders])
        if row.delivery_end > desk.now
    }
    own = [order for order in orders if order.contract_id in ahead]
    own.sort(key=lambda order: ahead[order.contract_id].delivery_start)
    return [_told(order, ahead[order.contract_id].name) for order in own[:SHOWN]]


def _told(order: OwnOrder, interval: str) -> Told:
    selling = order.side == SELL
    price = dong(order.price)
    words = _("offered {energy} from {price}") if selling else _("asked for {energy} up to {price}")
    what = words.format(energy=energy(order.quantity_wh), price=price) if order.price is not None else ""
    return Told(interval, selling, what, _state(order, selling), reason(order.note, order.price))


def _state(order: OwnOrder, selling: bool) -> str:
    if order.filled_wh:
        words = _("{energy} sold") if selling else _("{energy} bought")
        return words.format(energy=energy(order.filled_wh))
    return _("waiting") if order.remaining_wh else _("not taken")


def reason(note: str, price: int | None = None) -> str:
    """The planner's note in plain words, for an order whose limit is now `price`; another note as it stands."""
    found = _NOTE.fullmatch(note)
    if found is None:
        return _("Placed by hand, not by the switch above.") if note == BY_HAND else note
    wh = kwh_to_wh(found["wh"].replace(",", ""))
    surplus = found["what"] == "surplus"
    words = (
        _("At {at} you will probably have {energy} more than you need.")
        if surplus
        else _("At {at} you will probably need {energy} more than you make.")
    )
    parts = [words.format(at=found["at"], energy=energy(wh))]
    if found["stored"]:
        parts.append(_("The battery can give some too."))
    near = int((found["near"] or "0").replace(",", ""))
    if near and near != price:
        parts.append(_("The limit moves to {price} until trading ends.").format(price=dong(near)))
    return " ".join(parts)
