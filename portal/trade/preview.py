"""What an order would come to if it were sent now: what trades, what it costs or brings, what is left to the trader.

Costs are the most they can be: what does not trade at once is reckoned at its limit, and the network fee is the highest
at which energy can reach the buyer, since who sells is not known before.

    buy 10 kWh at 1,700 limit: 8 kWh at 1,650 trade, 2 kWh wait        energy  8 × 1,650 + 2 × 1,700 = 16,600
    network fee up to 120: 1,200      VAT 8 % of 17,800: 1,424         at most 19,224
    EVN at 3,152 and 8 %: 34,042                                       saves at least 14,818

Money is in milli-VND, prices in VND/kWh, energy in Wh.
"""

from dataclasses import dataclass, field

from accounts.models import BillingProfile
from portal.trade.place import Place
from portal.trade.wish import Ticket
from portal.trade.words import FIELD_OF, reason_word, refusal
from tariffs.pricebook import price_book
from tariffs.queries import NoTerms, terms_at, vat_rate, zone_fees
from trading.api.shapes import NewOrder
from trading.api.taking import message_for
from trading.models import Admission
from trading.operations import Rehearsed, rehearse
from trading.queries import ContractView, contract
from units.numbers import rounded_half_up

COUNTRY = "VN"
BASIS = 10_000


@dataclass(frozen=True, slots=True)
class Fees:
    """What comes on top for a buyer, and what the grid would charge or pay. VAT in basis points; None: not known."""

    network_least: int
    network_most: int
    platform: int
    vat_bp: int
    service_vat_bp: int
    grid_price: int | None


@dataclass
class Preview:
    """What the page shows of an order that is not sent yet."""

    ticket: Ticket
    contract: ContractView | None = None
    found: Rehearsed | None = None
    fees: Fees | None = None
    faults: list[tuple[str, str]] = field(default_factory=list)

    @property
    def wish(self) -> NewOrder | None:
        return self.ticket.wish

    @property
    def ok(self) -> bool:
        """Whether the order would be taken."""
        return self.found is not None and not self.faults

    @property
    def selling(self) -> bool:
        return self.wish is not None and self.wish.side == "sell"

    @property
    def waiting_wh(self) -> int:
        return self.found.remaining_wh if self.found else 0

    @property
    def average_price(self) -> int | None:
        found = self.found
        return rounded_half_up(found.value_millidong, found.filled_wh) if found and found.filled_wh else None

    @property
    def reason(self) -> str:
        """Why the order, or its rest, would end at once."""
        return reason_word(self.found.reason) if self.found else ""

    @property
    def wh(self) -> int:
        """What would trade or wait: what the money is reckoned on."""
        return self.found.filled_wh + self.waiting_wh if self.found else 0

    @property
    def energy_millidong(self) -> int:
        """What trades at its price, what waits at its limit."""
        if self.found is None or self.wish is None:
            return 0
        return self.found.value_millidong + self.waiting_wh * (self.wish.price or 0)

    @property
    def network_millidong(self) -> int:
        return self.wh * self.fees.network_most if self.fees and not self.selling else 0

    @property
    def platform_millidong(self) -> int:
        return self.wh * self.fees.platform if self.fees and not self.selling else 0

    @property
    def vat_millidong(self) -> int:
        """Rounded up: what a buyer pays is the most it can be."""
        if self.fees is None:
            return 0
        taxed = self.energy_millidong + self.network_millidong
        return -(-(taxed * self.fees.vat_bp + self.platform_millidong * self.fees.service_vat_bp) // BASIS)

    @property
    def total_millidong(self) -> int:
        """What the buyer pays, or the seller gets, all in."""
        return self.energy_millidong + self.network_millidong + self.platform_millidong + self.vat_millidong

    @property
    def grid_millidong(self) -> int | None:
        """What the grid would charge the buyer or pay the seller for the same energy, VAT alike."""
        if self.fees is None or self.fees.grid_price is None or not self.wh:
            return None
        bare = self.wh * self.fees.grid_price
        return bare + bare * self.fees.vat_bp // BASIS

    @property
    def gain_millidong(self) -> int | None:
        """How much better than the grid alone; negative: worse."""
        if self.grid_millidong is None:
            return None
        return (
            self.total_millidong - self.grid_millidong if self.selling else self.grid_millidong - self.total_millidong
        )


def preview(place: Place, ticket: Ticket) -> Preview:
    """Everything that can be said of the ticket as it stands."""
    shown = Preview(ticket, faults=list(ticket.faults))
    text = ticket.given["contract"]
    if text.isdecimal() and len(text) <= 18:
        shown.contract = contract(place.market.id, int(text))
    if shown.contract is None and not any(name == "contract" for name, _ in shown.faults):
        shown.faults.append(("contract", refusal("unknown_contract", None)))
    if ticket.wish is None or ticket.party is None or shown.contract is None:
        return shown
    shown.found = rehearse(place.market.id, [message_for(ticket.wish, ticket.party.id)], at=place.now, rooms=True)[0]
    shown.fees = _fees(place, ticket.party.id, ticket.wish, shown.contract)
    if shown.found.rejected:
        code = shown.found.reason
        shown.faults.append((FIELD_OF.get(code, ""), refusal(code, shown.found.bound)))
    return shown


def _fees(place: Place, party_id: int, wish: NewOrder, shown: ContractView) -> Fees | None:
    market, start = place.market, shown.delivery_start
    on = start.astimezone(place.zone).date()
    try:
        terms = terms_at(market.site_id, start, place.zone)
    except NoTerms:
        return None
    electricity, service = (vat_rate(COUNTRY, kind, on) or 0 for kind in ("electricity", "service"))
    if wish.side == "sell":
        taxed = BillingProfile.objects.filter(participant=party_id, vat_registered=True).exists()
        return Fees(0, 0, 0, electricity if taxed else 0, service, terms.surplus_price)
    zone = Admission.objects.filter(market=market.id, participant=party_id).values_list("zone", flat=True).first()
    ways = [terms.network_fee, *(fee for (_, to), fee in zone_fees(market.site_id, on).items() if to == zone)]
    retail = price_book(market.site_id, place.zone).retail(party_id, start)
    return Fees(min(ways), max(ways), terms.platform_fee_price, electricity, service, retail)
