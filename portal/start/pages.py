"""Three steps, each a page with one question: what is sent ends in a redirection to the next one."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.urls import reverse
from django.utils.translation import gettext as _
from django.views.decorators.cache import never_cache

from accounts.models import Membership, User
from accounts.policies import TRADING_ROLES
from members.models import Claim
from members.operations import claim_devices, claim_meter, note_step
from members.operations.claims import DEVICE_FIELDS
from members.queries import STEPS, first_steps, meter_of
from members.queries.standing import standing_of
from members.queries.steps import waiting_claim
from meters.models import Device
from meters.operations import plain_serial
from planning.wishes import set_limits, switch
from portal.desk import REFUSED, Desk, Refused, seat
from portal.home.pages import AT_HOME
from portal.office.members.fields import shown, style_of
from portal.refusals import REFUSALS, sentences
from portal.start.offer import first_offers, offer_to, sides
from trading.models import Admission
from units.numbers import NumberError, kwh_to_wh


@never_cache
@login_required
def welcome(request: HttpRequest) -> HttpResponse:
    """Where somebody goes who has just come in: to the first steps of the newest seat, else to the own login."""
    assert isinstance(request.user, User)
    for place in _newest(request.user):
        if first_steps(place.market_id, place.participant_id).next:
            return HttpResponseRedirect(_address("start", place.market.code, place.participant.code))
    return HttpResponseRedirect(reverse("accounts:account"))


def _newest(user: User) -> list[Admission]:
    seats = Membership.objects.filter(user=user, role__in=TRADING_ROLES, participant__kind__in=AT_HOME)
    participants = list(seats.order_by("-pk").values_list("participant_id", flat=True)[:1])
    rows = Admission.objects.filter(participant__in=participants, active=True).select_related("market", "participant")
    return list(rows.order_by("market"))


def _address(name: str, code: str, who: str) -> str:
    return reverse(f"portal:{name}", args=(code, who))


@seat("home")
def start(desk: Desk) -> HttpResponse:
    """The next step that is not done; the home once all are."""
    return _onward(desk)


def _onward(desk: Desk) -> HttpResponse:
    assert desk.participant is not None
    following = first_steps(desk.market.pk, desk.participant.pk).next
    name = f"start_{following}" if following else "home"
    return HttpResponseRedirect(_address(name, desk.market.code, desk.participant.code))


def _done(desk: Desk, step: str) -> HttpResponse:
    assert desk.participant is not None
    note_step(market=desk.market, participant=desk.participant, step=step, at=desk.now)
    return _onward(desk)


def _show(desk: Desk, step: str, status: int = 200, **more: Any) -> HttpResponse:
    assert desk.participant is not None
    last = _("Sell your surplus") if _has_devices(desk) else _("Buy from neighbours")
    words = {"meter": _("Your meter"), "devices": _("Your solar and battery"), "sell": last}
    done = first_steps(desk.market.pk, desk.participant.pk).done
    context = {
        "steps": [(name, words[name], name in done, name == step) for name in STEPS],
        "number": STEPS.index(step) + 1,
        "word": words[step],
        "home": _address("home", desk.market.code, desk.participant.code),
        "back": _address(f"start_{STEPS[STEPS.index(step) - 1]}", desk.market.code, desk.participant.code)
        if STEPS.index(step)
        else "",
    }
    return desk.show(f"start/{step}.html", status, **context, **more)


@seat("home")
def meter(desk: Desk) -> HttpResponse:
    """Is the number on your meter the one that is registered?"""
    if desk.request.method != "POST":
        return _meter(desk)
    try:
        return _take_meter(desk)
    except REFUSALS as error:
        return _meter(desk, REFUSED, refusals=sentences(error), typed=desk.request.POST.get("serial", "")[:40])


def _meter(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    assert desk.participant is not None
    found = meter_of(desk.market, desk.participant.pk)
    waits = waiting_claim(desk.market.pk, desk.participant.pk, Claim.Kind.METER)
    last = Claim.objects.filter(market=desk.market, participant=desk.participant, kind=Claim.Kind.METER).first()
    refused = last if last and last.state == Claim.State.REFUSED else None
    return _show(desk, "meter", status, meter=found, waits=waits, refused=refused, **more)


def _take_meter(desk: Desk) -> HttpResponse:
    """Confirmed, typed as it is registered, or another number, which an administrator has to confirm."""
    assert desk.participant is not None
    found = meter_of(desk.market, desk.participant.pk)
    typed = plain_serial(desk.text("serial"))
    if found is not None and (desk.text("right") == "yes" or (typed and typed == found.serial)):
        return _done(desk, "meter")
    if not typed:
        raise Refused("no_serial", _("Type the serial number that stands on your meter."))
    if found is not None and not found.claimed and desk.text("report") != "yes":
        return _meter(desk, REFUSED, typed=typed, differs=True)
    claim_meter(market=desk.market, participant=desk.participant, serial=typed, by=desk.user, at=desk.now)
    messages.success(desk.request, _("Thank you. The administrator confirms your meter; you can go on already."))
    return _done(desk, "meter")


@seat("home")
def devices(desk: Desk) -> HttpResponse:
    """What is behind the meter?"""
    if desk.request.method != "POST":
        return _devices(desk)
    try:
        return _take_devices(desk)
    except REFUSALS as error:
        return _devices(desk, REFUSED, refusals=sentences(error), values=desk.request.POST.dict(), open=True)


def _registered(desk: Desk) -> dict[str, int]:
    assert desk.participant is not None
    there = standing_of(desk.market, [desk.participant.code]).members[desk.participant.code].values
    return {name: int(there.get(name, 0)) for name in DEVICE_FIELDS}


def _devices(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    assert desk.participant is not None
    rows = Device.objects.filter(site=desk.market.site_id, participant=desk.participant).order_by("pk")
    waits = waiting_claim(desk.market.pk, desk.participant.pk, Claim.Kind.DEVICES)
    values = shown({name: value for name, value in (waits.values if waits else _registered(desk)).items() if value})
    context = {"devices": rows, "waits": waits, "values": values, **more}
    return _show(desk, "devices", status, **context)


def _take_devices(desk: Desk) -> HttpResponse:
    assert desk.participant is not None
    if desk.text("right") == "yes":
        return _done(desk, "devices")
    figures = {name: _kilo(desk, name) for name in DEVICE_FIELDS}
    if figures != _registered(desk):
        claim_devices(market=desk.market, participant=desk.participant, figures=figures, by=desk.user, at=desk.now)
        messages.success(desk.request, _("Thank you. The administrator confirms what you have; you can go on already."))
    return _done(desk, "devices")


def _kilo(desk: Desk, name: str) -> int:
    text = desk.text(name)
    try:
        return kwh_to_wh(text, style_of(text)) if text else 0
    except NumberError as error:
        raise Refused("not_a_number", _("Write numbers like 5.5, or leave the field empty.")) from error


@seat("home")
def sell(desk: Desk) -> HttpResponse:
    """The one switch, with the lowest price beside it."""
    if desk.request.method != "POST":
        return _sell(desk)
    try:
        return _take_wish(desk)
    except REFUSALS as error:
        return _sell(desk, REFUSED, refusals=sentences(error))


def _has_devices(desk: Desk) -> bool:
    assert desk.participant is not None
    claim = waiting_claim(desk.market.pk, desk.participant.pk, Claim.Kind.DEVICES)
    return any(_registered(desk).values()) or (claim is not None and any(claim.values.values()))


def _sell(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    return _show(desk, "sell", status, offer=offer_to(desk), sells=_has_devices(desk), **more)


def _take_wish(desk: Desk) -> HttpResponse:
    assert desk.participant is not None
    if desk.text("on") == "yes":
        offer = offer_to(desk)
        least = desk.number("least") if desk.text("least") else offer.sell[1]
        sells, buys = _has_devices(desk), desk.text("buy") == "yes"
        sold, bought = sides(sells, buys, offer, least)
        who: dict[str, Any] = {"market": desk.market, "participant": desk.participant, "by": desk.user, "at": desk.now}
        set_limits(sell=sold, buy=bought, **who)
        switch(on=True, **who)
        told = _("All is set up. What you need is asked for from neighbours.")
        if sells:
            told = _("All is set up. What you do not need is offered to your neighbours.")
        messages.success(desk.request, f"{told} {first_offers(desk)}".strip())
    else:
        messages.success(desk.request, _("All is set up. You can switch selling on at any time."))
    return _done(desk, "sell")
