"""What the ticket says, as an order for the market.

The kinds are those of the market: a limit order until its gate (`gate`) or until a moment (`gtd`), as much as trades at
once (`ioc`), all at once or nothing (`fok`), and at the market's price (`market`, as much as trades at once). A part of
a limit order may be shown alone (`display`); `least` must trade at once or nothing does; `post_only` only waits.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from uuid import uuid4
from zoneinfo import ZoneInfo

from django.utils.translation import gettext as _

from portal.desk import FIRST_YEAR, LAST_YEAR, Refused
from portal.trade.kinds import TIF
from portal.trade.numbers import price, quantity_wh
from portal.trade.place import Place
from portal.trade.words import FIELD_OF
from trading.api.shapes import NewOrder, Side
from trading.queries import ParticipantView

FIELDS = ("who", "contract", "side", "kwh", "price", "kind", "until", "display", "least", "post_only", "note", "id")
MOST_NOTE = 200
MOST_ID = 36


@dataclass
class Ticket:
    """The ticket as filled in, and the order that it means where it can be read."""

    given: dict[str, str]
    party: ParticipantView | None = None
    wish: NewOrder | None = None
    faults: list[tuple[str, str]] = field(default_factory=list)  # (field, sentence)


def read_ticket(place: Place, form: Mapping[str, str]) -> Ticket:
    """Reads a form's fields; each that cannot be read gets its own sentence."""
    given = {name: str(form.get(name, "")).strip() for name in FIELDS}
    ticket = Ticket(given)
    reader = _Reader(place, ticket)
    wish = reader.wish()
    if not ticket.faults:
        ticket.wish = wish
    return ticket


class _Reader:
    """Reads one field after another and notes what is wrong."""

    def __init__(self, place: Place, ticket: Ticket) -> None:
        self.place, self.ticket, self.given = place, ticket, ticket.given

    def wish(self) -> NewOrder:
        kind = self.given["kind"] or "gate"
        if kind not in TIF:
            self._fault("kind", _("Choose one of the kinds of orders."))
        self.ticket.party = self._party()
        at_market = kind == "market"
        return NewOrder(
            contract_id=self._contract(),
            side=self._side(),
            quantity_wh=self._wh("kwh", required=True),
            price=None if at_market else self._price(),
            type="market" if at_market else "limit",
            tif=TIF.get(kind, "GTC"),
            expires_at=self._until() if kind == "gtd" else None,
            min_quantity_wh=self._wh("least"),
            display_wh=self._wh("display"),
            post_only=self.given["post_only"] == "yes",
            client_order_id=self._text("id", MOST_ID) or str(uuid4()),
            participant=self.ticket.party.code if self.ticket.party else None,
            note=self._text("note", MOST_NOTE),
        )

    def _fault(self, name: str, sentence: str) -> None:
        self.ticket.faults.append((name, sentence))

    def _party(self) -> ParticipantView | None:
        able = self.place.able
        code = self.given["who"] or (able[0].code if len(able) == 1 else "")
        found = next((party for party in able if party.code == code), None)
        if found is None:
            self._fault("who", _("Say for whom: you trade for several.") if able else _("You may look, not trade."))
        return found

    def _contract(self) -> int:
        text = self.given["contract"]
        if text.isdecimal() and len(text) <= 18:
            return int(text)
        self._fault("contract", _("Choose an interval."))
        return 0

    def _side(self) -> Side:
        if self.given["side"] == "sell":
            return "sell"
        if self.given["side"] != "buy":
            self._fault("side", _("Choose buy or sell."))
        return "buy"

    def _wh(self, name: str, *, required: bool = False) -> int:
        if not self.given[name] and not required:
            return 0
        try:
            return quantity_wh(self.given[name], self.place.style)
        except Refused as refused:
            self._fault(name, str(refused))
        return 0

    def _price(self) -> int:
        try:
            return price(self.given["price"], self.place.style)
        except Refused as refused:
            self._fault(FIELD_OF[refused.code], str(refused))
        return 0

    def _until(self) -> datetime | None:
        try:
            local = datetime.fromisoformat(self.given["until"])
            if FIRST_YEAR <= local.year <= LAST_YEAR:
                return local.replace(tzinfo=ZoneInfo(self.place.market.timezone))
        except ValueError:
            pass
        self._fault("until", _("Say until when the order holds."))
        return None

    def _text(self, name: str, most: int) -> str:
        text = self.given[name]
        if len(text) > most or not text.isprintable():
            self._fault(name, _("Write a note of at most {n} characters, on one line.").format(n=most))
            return ""
        return text
