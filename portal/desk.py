"""What every page of settlement stands on: who may enter, which market, its clock, and how a refusal is shown.

A page is a function of a `Desk`. It asks one query or calls one operation; what that refuses is a sentence on the page,
with what was filled in still there.
"""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import wraps
from typing import Any
from urllib.parse import urlencode
from zoneinfo import ZoneInfo

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.core.exceptions import PermissionDenied
from django.core.paginator import Page, Paginator
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.http.response import HttpResponseBase
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.models import Participant, User
from accounts.policies import SAFE_METHODS, may_administer, may_audit, may_trade, may_view
from portal.sections import SEAT_SECTIONS, SECTIONS
from trading.models import Market
from trading.queries import market_now

ROWS_PER_PAGE = 50
REFUSED = 422
FIRST_YEAR, LAST_YEAR = 2000, 2199


class Refused(ValueError):
    """A form that was not filled in so that it can be done; the message says what to do."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


@dataclass
class Desk:
    """One request to a page of a market; at `participant`'s seat, or in the office where that is None."""

    request: HttpRequest
    market: Market
    section: str
    participant: Participant | None = None

    @property
    def user(self) -> User:
        assert isinstance(self.request.user, User)
        return self.request.user

    @property
    def zone(self) -> ZoneInfo:
        return ZoneInfo(self.market.site.timezone)

    @property
    def now(self) -> datetime:
        """What the market's clock shows."""
        return market_now(self.market, datetime.now(UTC))

    @property
    def today(self) -> date:
        return self.now.astimezone(self.zone).date()

    @property
    def may_change(self) -> bool:
        if self.participant is None:
            return may_administer(self.user)
        return may_trade(self.user, self.participant)

    def show(self, template: str, status: int = 200, **context: Any) -> HttpResponse:
        """The page, with what every page of the desk shows."""
        return render(self.request, template, self._frame() | context, status=status)

    def _frame(self) -> dict[str, Any]:
        office = self.participant is None
        return {
            "desk": self,
            "market": self.market,
            "zone": self.zone,
            "today": self.today,
            "section": self.section,
            "sections": SECTIONS if office else SEAT_SECTIONS,
            "may_change": self.may_change,
            "markets": Market.objects.order_by("pk") if office else [],
            "given": self.request.POST,
        }

    def address(self, name: str, *rest: Any, **query: Any) -> str:
        """Where a page of this desk is."""
        if self.participant is None:
            path = reverse(f"portal:office_{name}", args=(self.market.code, *rest))
        else:
            path = reverse(f"portal:bills_{name}", args=(self.market.code, self.participant.code, *rest))
        return f"{path}?{urlencode(query)}" if query else path

    def done(self, said: str, name: str, *rest: Any) -> HttpResponse:
        """Say what was done, on the page that is asked for next."""
        messages.success(self.request, said)
        return HttpResponseRedirect(self.address(name, *rest))

    def page_of(self, rows: Any, per_page: int = ROWS_PER_PAGE, name: str = "page") -> Page[Any]:
        """The part of a long list that the address asks for by `name`; a number that is none is an end."""
        return Paginator(rows, per_page).get_page(self.request.GET.get(name))

    def asked(self, name: str, longest: int = 80) -> str:
        """What the address asks for, as a text that a database takes."""
        return self.request.GET.get(name, "").replace("\0", "").strip()[:longest]

    def asked_day(self, name: str) -> date | None:
        """A day of the address; None where it names none, or one that no meter ever saw."""
        return self._day(self.asked(name, 10))

    def _day(self, text: str) -> date | None:
        try:
            on = date.fromisoformat(text)
        except ValueError:
            return None
        return on if FIRST_YEAR <= on.year <= LAST_YEAR else None

    def asked_month(self, name: str) -> date | None:
        """The first day of a month of the address, written like 2026-10."""
        return self._day(f"{self.asked(name, 8)}-01")

    def confirmed(self) -> None:
        """Raises Refused unless the box beside a dangerous button is ticked."""
        if self.request.POST.get("confirm") != "yes":
            raise Refused("not_confirmed", _("Tick the box beside the button: it says what cannot be undone."))

    def text(self, name: str) -> str:
        """What a field of the form says; a text that no database takes is refused."""
        text = self.request.POST.get(name, "").strip()
        if "\0" in text:
            raise Refused("bad_text", _("Leave out the characters that cannot be seen."))
        return text

    def number(self, name: str) -> int:
        """A whole number from the form; marks between thousands are taken in. Raises Refused."""
        text = self.text(name).translate(_MARKS).replace("−", "-")
        if not text.removeprefix("-").isdecimal() or len(text) > 18:
            raise Refused("not_a_number", _("Write the amount as a whole number of đồng, like 1250000."))
        return int(text)

    def on(self, name: str) -> date:
        """A day from the form. Raises Refused."""
        on = self._day(self.text(name))
        if on is None:
            raise Refused("not_a_day", _("Choose a day, like 2026-10-31."))
        return on


_MARKS = str.maketrans("", "", " .,_₫\u00a0\u202f")

View = Callable[..., HttpResponseBase]


def office(section: str, *, change: bool = False) -> Callable[[View], View]:
    """A page of the office of one market: for administrators, and for auditors who only look. With `change` it takes
    POST alone."""

    def decorate(view: View) -> View:
        @never_cache
        @login_required
        @wraps(view)
        def entered(request: HttpRequest, code: str, *rest: Any, **named: Any) -> HttpResponseBase:
            assert isinstance(request.user, User)
            if not may_audit(request.user):
                raise PermissionDenied
            if request.method not in SAFE_METHODS and not may_administer(request.user):
                raise PermissionDenied
            if method := _wrong_method(request, change):
                return method
            return view(Desk(request, _market(code), section), *rest, **named)

        return entered

    return decorate


def seat(section: str, *, change: bool = False) -> Callable[[View], View]:
    """A page of one participant in one market: for its members, and for administrators and auditors."""

    def decorate(view: View) -> View:
        @never_cache
        @login_required
        @wraps(view)
        def entered(request: HttpRequest, code: str, who: str, *rest: Any, **named: Any) -> HttpResponseBase:
            assert isinstance(request.user, User)
            participant = Participant.objects.filter(code=who).first()
            if participant is None or not may_view(request.user, participant):
                raise Http404
            if request.method not in SAFE_METHODS and not may_trade(request.user, participant):
                raise PermissionDenied
            if method := _wrong_method(request, change):
                return method
            market = _market(code)
            if not participant.admissions.filter(market=market).exists():
                raise Http404
            return view(Desk(request, market, section, participant), *rest, **named)

        return entered

    return decorate


def _wrong_method(request: HttpRequest, change: bool) -> HttpResponse | None:
    allowed = ("POST",) if change else (*sorted(SAFE_METHODS), "POST")
    if request.method in allowed:
        return None
    return HttpResponse(status=405, headers={"Allow": ", ".join(allowed)})


def _market(code: str) -> Market:
    found = Market.objects.select_related("site").filter(code=code).first()
    if found is None:
        raise Http404
    return found
