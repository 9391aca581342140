"""The card of own figures on the market page, a page for all of them, and the limit of the peak guard."""

from datetime import UTC, datetime
from typing import Any

import msgspec
from django.contrib.auth.decorators import login_required
from django.http import Http404, HttpRequest, HttpResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from accounts.models import Participant, User
from planning.peak import remove_peak_limit, set_peak_limit
from portal.desk import REFUSED, Desk, Refused, seat
from portal.market.figures import own_figures, until_yesterday
from portal.market.references import references
from portal.refusals import REFUSALS, sentences
from trading.models import Market
from trading.queries import ParticipantView, market_now, own_participants
from units.numbers import DecimalStyle, NumberError, kwh_to_wh

WHO = "who"
WARN_CHOICES = (80, 85, 90, 95, 100)


def own_card(request: HttpRequest, market: Market, own: list[ParticipantView]) -> dict[str, Any]:
    """What the card needs: the figures of the participant that the address names, else of the first own one."""
    chosen = next((party for party in own if party.code == request.GET.get(WHO)), own[0] if own else None)
    if chosen is None:
        return {"figures": None, "chosen": None}
    participant = Participant.objects.get(pk=chosen.id)
    figures = own_figures(market, participant, market_now(market, datetime.now(UTC)))
    return {"figures": figures, "chosen": chosen}


@login_required
@require_safe
@never_cache
def card(request: HttpRequest, code: str) -> HttpResponse:
    """The card alone, as the market page fetches it again after a settlement."""
    market, own = _entered(request, code)
    if not own:
        raise Http404
    return render(request, "market/_energy.html", {"market": market, "own": own} | own_card(request, market, own))


@login_required
@require_safe
@never_cache
def compared(request: HttpRequest, code: str) -> HttpResponse:
    """What prices are compared with, by contract, as JSON for the charts."""
    market, own = _entered(request, code)
    chosen = next((party.id for party in own if party.code == request.GET.get(WHO)), own[0].id if own else None)
    now = market_now(market, datetime.now(UTC))
    body = {"contracts": references(market, chosen, now)}
    return HttpResponse(msgspec.json.encode(body), content_type="application/json")


def _entered(request: HttpRequest, code: str) -> tuple[Market, list[ParticipantView]]:
    assert isinstance(request.user, User)
    market = Market.objects.select_related("site").filter(code=code).first()
    if market is None:
        raise Http404
    return market, own_participants(market.pk, request.user.pk)


@seat("energy")
def energy(desk: Desk) -> HttpResponse:
    """Cost, power and green share of one participant, with every interval and day; POST sets the power limit."""
    if desk.request.method != "POST":
        return _energy(desk)
    try:
        return _changed(desk)
    except REFUSALS as error:
        return _energy(desk, REFUSED, refusals=sentences(error))


def _energy(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    assert desk.participant is not None
    figures = own_figures(desk.market, desk.participant, desk.now)
    context: dict[str, Any] = {
        "figures": figures,
        "days": until_yesterday(figures.cost, figures.on),
        "warn_choices": WARN_CHOICES,
    }
    return desk.show("market/energy.html", status, **context | more)


def _changed(desk: Desk) -> HttpResponse:
    assert desk.participant is not None
    held: dict[str, Any] = {"market": desk.market, "participant": desk.participant, "by": desk.user, "at": desk.now}
    if desk.text("limit") == "":
        remove_peak_limit(**held)
        return desk.done(_("No limit is guarded any more."), "energy")
    set_peak_limit(limit_w=_watts(desk.text("limit")), warn_pct=_warning(desk), **held)
    return desk.done(_("The limit is kept. You are warned when a half hour comes near it."), "energy")


def _watts(given: str) -> int:
    """kW with up to three decimals as W; a comma or a point before the decimals. Raises Refused."""
    style = DecimalStyle.COMMA if "," in given else DecimalStyle.POINT
    try:
        return kwh_to_wh(given, style)
    except NumberError:
        raise Refused("not_a_power", _("Write the power in kW as a number, like 250 or 62.5.")) from None


def _warning(desk: Desk) -> int:
    given = desk.text("warn")
    return int(given) if given.isdecimal() and len(given) < 4 else 0
