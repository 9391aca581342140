"""The bar on top of every page: the places of the house, what one looks at now, and for whom one acts.

Whoever acts for several participants changes between them and stays on the same kind of page: from the bills of A to
the bills of B; from one document of A, which B does not have, to the documents of B. The same holds for markets in the
office. Example: at `/bills/campus/hall-a/green/` the entry of `hall-b` leads to `/bills/campus/hall-b/green/`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from django.db.models import F
from django.http import HttpRequest
from django.urls import ResolverMatch, reverse
from django.utils.translation import gettext as _

from accounts.models import Membership, User
from accounts.policies import may_audit
from trading.models import Admission

AT_A_SEAT, AT_AN_OFFICE = {"code", "who"}, {"code"}
# Addresses that only take forms: the page behind them has another name.
HOME_FORMS, BILL_DETAILS = "home_", ("bills_document", "bills_why", "bills_file")


@dataclass(frozen=True, slots=True)
class Link:
    """An entry: its word, where it leads, and whether one is there."""

    word: str
    address: str
    current: bool
    note: str = ""


@dataclass(frozen=True, slots=True)
class Header:
    """What the bar shows; without anybody signed in it is empty."""

    places: list[Link] = field(default_factory=list)
    seats: list[Link] = field(default_factory=list)
    markets: list[Link] = field(default_factory=list)
    looks_after_members: bool = False

    @property
    def chooser(self) -> list[Link]:
        """What one may change between here: participants at a seat, markets elsewhere; empty where there is one."""
        choices = self.seats if any(each.current for each in self.seats) else self.markets
        return choices if len(choices) > 1 else []

    @property
    def chosen(self) -> str:
        """The entry of the chooser at which one is."""
        return next((each.word for each in self.chooser if each.current), "")


def header_of(request: HttpRequest | None, context: Mapping[str, Any]) -> Header:
    """The bar of the page that `context` fills."""
    user = getattr(request, "user", None)
    if request is None or not isinstance(user, User) or not user.is_active:
        return Header()
    match = request.resolver_match
    seats = list(_seats(user))
    return Header(
        places=_places(user, match, at_home=bool(seats)),
        seats=[_seat_link(match, seat) for seat in seats],
        looks_after_members=may_audit(user) or any(seat.role == Membership.Role.OWNER for seat in seats),
        markets=[_market_link(match, market, context.get("market")) for market in context.get("markets") or ()],
    )


def _seats(user: User) -> Iterable[Any]:
    rows = Admission.objects.filter(participant__memberships__user=user, active=True)
    rows = rows.annotate(role=F("participant__memberships__role"))
    return rows.select_related("market", "participant").order_by("market", "participant__name")


def _places(user: User, match: ResolverMatch | None, *, at_home: bool) -> list[Link]:
    name = _name(match)
    found = [("home", "homes", _("Home"))] if at_home else []
    found.append(("market", "markets", _("Market")))
    found += [("office", "office", _("Office"))] if may_audit(user) else []
    found += [("bills", "bills", _("My bills"))] if at_home else []
    return [Link(word, reverse(f"portal:{door}"), name.startswith(kind)) for kind, door, word in found]


def _name(match: ResolverMatch | None) -> str:
    return (match.url_name or "") if match is not None and match.namespace == "portal" else ""


def _seat_link(match: ResolverMatch | None, seat: Any) -> Link:
    where = {"code": seat.market.code, "who": seat.participant.code}
    here = match is not None and {key: match.kwargs.get(key) for key in where} == where
    return Link(seat.participant.name, reverse(_same_kind(match), kwargs=where), here, seat.market.name)


def _same_kind(match: ResolverMatch | None) -> str:
    """The page of another participant that is like this one; its home where none is."""
    name = _name(match)
    if match is None or name.startswith(HOME_FORMS) or not name.startswith("bills_"):
        return "portal:home"
    if name.startswith(BILL_DETAILS):
        return "portal:bills_documents"
    return f"portal:{name}" if set(match.kwargs) == AT_A_SEAT else "portal:home"


def _market_link(match: ResolverMatch | None, market: Any, shown: Any) -> Link:
    name = _name(match)
    kind = "market_of"
    if name.startswith("office"):
        kind = name if match is not None and set(match.kwargs) == AT_AN_OFFICE else "office_overview"
    current = getattr(shown, "code", None) == market.code
    return Link(market.name, reverse(f"portal:{kind}", args=(market.code,)), current)
