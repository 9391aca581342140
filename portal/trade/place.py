"""Where a trader stands: the market, its clock, and the participants one acts for there.

Market data are for everybody who is signed in. Own orders are those of the participants one acts for; administrators
and auditors see everybody's. Only owners and traders send anything; the market's own door asks again.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import cached_property, wraps
from typing import Any
from zoneinfo import ZoneInfo

from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.views.decorators.cache import never_cache

from accounts.models import Participant, User
from accounts.policies import SAFE_METHODS, TRADING_ROLES, may_audit
from portal.templatetags.figures import reader
from portal.trade.numbers import style_of
from trading import queries
from trading.queries import MarketView, ParticipantView
from units.numbers import DecimalStyle, Language

View = Callable[..., HttpResponseBase]


@dataclass
class Place:
    """One request of a trader to a market."""

    request: HttpRequest
    market: MarketView

    @property
    def user(self) -> User:
        assert isinstance(self.request.user, User)
        return self.request.user

    @property
    def zone(self) -> ZoneInfo:
        return self.market.tz

    @property
    def language(self) -> Language:
        return reader()

    @property
    def style(self) -> DecimalStyle:
        return style_of(self.language)

    @cached_property
    def now(self) -> datetime:
        """What the market's clock shows."""
        return queries.market_now(self.market, datetime.now(UTC))

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @cached_property
    def own(self) -> list[ParticipantView]:
        """The participants one acts for."""
        return queries.own_participants(self.market.id, self.user.pk)

    @property
    def able(self) -> list[ParticipantView]:
        """Those of them that one may trade for."""
        return [party for party in self.own if party.role in TRADING_ROLES]

    @cached_property
    def visible(self) -> list[ParticipantView]:
        """Those whose orders one may see: one's own, and everybody's for administrators and auditors."""
        if not may_audit(self.user):
            return self.own
        rows = Participant.objects.filter(admissions__market=self.market.id).order_by("name", "pk")
        return [ParticipantView(row.pk, row.code, row.name, row.kind, "") for row in rows]

    @cached_property
    def asked(self) -> frozenset[int]:
        """Those of them that the address asks for by `who`; all of them where it names none."""
        who = self.request.GET.get("who", "")
        return frozenset(party.id for party in self.visible if who in ("", party.code))

    @property
    def wants_json(self) -> bool:
        """Whether a script asks, rather than a person without scripts."""
        return "application/json" in self.request.headers.get("Accept", "")

    def address(self, name: str, *rest: Any) -> str:
        """Where a page of the desk is."""
        return reverse(f"portal:{name}", args=(self.market.code, *rest))

    def show(self, template: str, status: int = 200, **context: Any) -> HttpResponse:
        """A page of the desk."""
        frame = {"place": self, "market": self.market, "zone": self.zone, "own": self.own, "able": self.able}
        return render(self.request, template, frame | context, status=status)


def trader(*, change: bool = False, page: str = "ticket") -> Callable[[View], View]:
    """A page of the desk of one market. With `change` it takes POST alone, from who may trade for somebody; who comes
    there otherwise, by changing the language of a refusal or by logging in again, is led to the form's page."""

    def decorate(view: View) -> View:
        @never_cache
        @login_required
        @wraps(view)
        def entered(request: HttpRequest, code: str, *rest: Any, **named: Any) -> HttpResponseBase:
            market = queries.market_by_code(code)
            if market is None:
                raise Http404
            place = Place(request, market)
            if change and request.method == "GET" and not place.wants_json:
                return HttpResponseRedirect(place.address(page))
            if (request.method == "POST") != change and (change or request.method not in SAFE_METHODS):
                return HttpResponse(status=405, headers={"Allow": "POST" if change else "GET, HEAD, OPTIONS"})
            if change and not place.able:
                raise PermissionDenied
            return view(place, *rest, **named)

        return entered

    return decorate
