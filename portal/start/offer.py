"""With which limits a new member begins: a good price first, a sure one last, between what the grid pays and charges.

Example: the grid pays 671 and charges 2,400, the wires cost 150. What is sold begins at 2,250, the most that a
neighbour on the same tariff would give, and ends at 740, a tenth more than the grid pays. Buying goes the other way.
"""

from dataclasses import dataclass

from django.utils.translation import gettext as _

from planning.queries import newly_read
from planning.wishes import Ramp
from portal.desk import Desk
from tariffs.pricebook import price_book
from units.numbers import rounded_half_up

TENTH = 110


@dataclass(frozen=True, slots=True)
class Offer:
    """Limits to begin with, đồng/kWh, and what the grid pays and charges now; None where the rulebook names none."""

    sell: tuple[int, int]
    buy: tuple[int, int]
    grid_pays: int | None
    grid_charges: int | None


def first_offers(desk: Desk) -> str:
    """When the first offers come, for a member whose meter has no readings of a day ago; empty for everybody else."""
    assert desk.participant is not None
    if not newly_read([desk.participant.pk], desk.now):
        return ""
    return _(
        "What to offer is estimated from your own readings of the days before, so the first offers come within a day "
        "of your meter's first reading. You need not do anything."
    )


def offer_to(desk: Desk) -> Offer:
    """The usual limits of this member."""
    assert desk.participant is not None
    book = price_book(desk.market.site_id, desk.zone)
    terms, retail = book.terms(desk.now), book.retail(desk.participant.pk, desk.now)
    pays, fee = terms if terms else (None, 0)
    low, high = desk.market.min_price, desk.market.max_price
    most = high if retail is None else retail - fee
    near = low if pays is None else rounded_half_up(pays * TENTH, 100 * 10) * 10
    least, most = _within(near, low, high), _within(most // 10 * 10, low, high)
    most = max(least, most)
    return Offer((most, least), (least, most), pays, retail)


def _within(price: int, low: int, high: int) -> int:
    return min(max(price, low), high)


def sides(sells: bool, buys: bool, offer: Offer, least: int) -> tuple[Ramp, Ramp]:
    """The limits to keep: selling down to `least`, and buying up to what the grid charges less the wires."""
    sell = (max(offer.sell[0], least), least) if sells else None
    return sell, offer.buy if buys else None
