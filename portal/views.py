"""The pages: each asks one question of the house and shows the answer."""

from datetime import UTC, datetime
from typing import Any
from uuid import uuid4

import msgspec
from django.conf import settings
from django.contrib.auth.decorators import login_required
from django.contrib.auth.views import LogoutView
from django.db import DatabaseError, connection
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.templatetags.static import static
from django.utils.http import url_has_allowed_host_and_scheme
from django.utils.translation import get_language
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_GET, require_POST, require_safe
from django.views.i18n import set_language

from accounts.models import User
from accounts.operations.notice_ways import forget_devices_of
from accounts.policies import READS_ONLY_SENTENCE
from portal.home.pages import only_home
from portal.market.pages import own_card
from portal.strings import page_strings
from portal.today import own_today
from portal.trade.orders import ticket_choices
from portal.trade.place import Place
from trading import queries
from trading.models import Market
from units.interval import day_bounds

LANGUAGE_PARAMETER = "language"


class Logout(LogoutView):
    """Out again; POST only, so that no link or picture can do it. The browser shows no notices any more."""

    def post(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        """End the session."""
        forget_devices_of([request.session.session_key or ""])
        return super().post(request, *args, **kwargs)


@login_required
@require_safe
def front(request: HttpRequest) -> HttpResponse:
    """The first page after the login: a home for who lives in one and has no other seat, else the market."""
    assert isinstance(request.user, User)
    where = only_home(request.user)
    return HttpResponseRedirect(where) if where else market(request)


@login_required
@require_safe
def market_door(request: HttpRequest) -> HttpResponse:
    """The market in which one acts, or the first there is."""
    return market(request)


@login_required
@require_safe
def market(request: HttpRequest, code: str | None = None) -> HttpResponse:
    """The market live: what it costs now, who offers what, and what it brought me today."""
    assert isinstance(request.user, User)
    shown = _market(code) if code else queries.default_market(request.user.pk)
    if shown is None:
        return render(request, "portal/no_market.html")
    now = queries.market_now(shown, datetime.now(UTC))
    place = Place(request, shown)
    context = {
        "market": shown,
        "markets": queries.markets(),
        "own": place.own,
        "able": place.able,
        "given": {"id": uuid4(), "kind": "gate", "side": "buy", "who": request.GET.get("who", "")},
        "now": now.astimezone(shown.tz),
        "page": _page(shown, now, place.own),
    }
    context |= own_card(request, Market.objects.select_related("site").get(pk=shown.id), place.own)
    context |= ticket_choices(place) if place.able else {}
    return render(request, "portal/market.html", context)


def _page(shown: queries.MarketView, now: datetime, own: list[queries.ParticipantView]) -> dict[str, Any]:
    """What the page's scripts start from."""
    return {
        "code": shown.code,
        "timezone": shown.timezone,
        "language": get_language(),
        "now": now.isoformat(),
        "rate": shown.clock_rate if shown.clock_at else 1,
        "participants": [party.id for party in own],
        "names": {party.id: party.name for party in own},
        "tick": shown.tick,
        "lot_wh": shown.lot_wh,
        "strings": page_strings(),
    }


@login_required
@require_GET
@never_cache
def today(request: HttpRequest, code: str) -> HttpResponse:
    """The local day of the market: prices per interval, and own energy and money, as JSON for the page."""
    assert isinstance(request.user, User)
    shown = _market(code)
    now = queries.market_now(shown, datetime.now(UTC))
    on = now.astimezone(shown.tz).date()
    own = queries.own_participants(shown.id, request.user.pk)
    body = {
        "on": on,
        "starts_at": day_bounds(on, shown.tz).start,
        "prices": queries.day_prices(shown.id, on, shown.tz),
        "energy": own_today(shown, on, [party.id for party in own]),
    }
    return HttpResponse(msgspec.json.encode(body), content_type="application/json")


def _market(code: str) -> queries.MarketView:
    shown = queries.market_by_code(code)
    if shown is None:
        raise Http404
    return shown


@require_POST
def language(request: HttpRequest) -> HttpResponse:
    """Change the language of the pages, and remember it with the account."""
    response: HttpResponse = set_language(request)
    chosen = request.POST.get(LANGUAGE_PARAMETER, "")
    if isinstance(request.user, User) and chosen in dict(settings.LANGUAGES):
        User.objects.filter(pk=request.user.pk).update(language=chosen)
    return response


@require_safe
@never_cache
def health(request: HttpRequest) -> HttpResponse:
    """200 while this process can answer from the database, 503 while it cannot."""
    try:
        with connection.cursor() as cursor:
            cursor.execute("SELECT 1")
    except DatabaseError:
        return HttpResponse("database unavailable\n", status=503, content_type="text/plain")
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def favicon(request: HttpRequest) -> HttpResponse:
    """Browsers ask for this address by themselves."""
    return HttpResponseRedirect(static("portal/favicon.svg"))


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """400 for people."""
    return render(request, "portal/error.html", {"status": 400}, status=400)


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    """403 for people."""
    told = _(READS_ONLY_SENTENCE) if str(exception) == READS_ONLY_SENTENCE else ""
    return _error(request, 403, told=told)


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:
    """404 for people."""
    return _error(request, 404)


def form_only(request: HttpRequest) -> HttpResponse:
    """405 for people."""
    return _error(request, 405)


def _error(request: HttpRequest, status: int, **more: str) -> HttpResponse:
    """The page of an error, with the way back to the page one came from where that is on this site."""
    before = request.headers.get("Referer", "")
    own = url_has_allowed_host_and_scheme(before, {request.get_host()}, require_https=request.is_secure())
    context = {"status": status, "before": before if own and before != request.build_absolute_uri() else ""}
    return render(request, "portal/error.html", context | more, status=status)


def server_error(request: HttpRequest) -> HttpResponse:
    """500 for people: nothing here asks the database or the session."""
    return render(request, "portal/500.html", status=500)
