"""A member's home: one page, the switch with its limits, and the battery's reserve. What is sent ends in a redirect."""

from typing import Any

from django.contrib import messages
from django.contrib.auth.decorators import login_required
from django.http import HttpRequest, HttpResponse, HttpResponseRedirect
from django.shortcuts import render
from django.urls import reverse
from django.utils.translation import get_language
from django.utils.translation import gettext as _

from accounts.models import Participant, User
from meters.models import Device
from meters.operations import set_reserve
from planning.wishes import Ramp, set_limits, switch, wish_of
from portal import papers
from portal.desk import REFUSED, Desk, Refused, seat
from portal.home.day import cap_of, chart, day_rows, day_so_far, month_so_far
from portal.home.now import battery_of, flow_now, percent_full, prices_now
from portal.home.reasons import next_orders
from portal.office.documents import standings
from portal.refusals import REFUSALS, sentences
from portal.start.notices import start_notices
from portal.start.offer import first_offers
from portal.strings import home_strings
from settlement.models import Dispute, SettlementAlarm
from trading.models import Admission

AT_HOME = (Participant.Kind.HOUSEHOLD, Participant.Kind.DORM, Participant.Kind.FACULTY)
BILLS_SHOWN = 3


def only_home(user: User) -> str | None:
    """The home of a user whose only seat is a household, a dormitory or a faculty; None for everybody else."""
    if user.is_staff or user.is_auditor:
        return None
    seats = list(_seats(user)[:2])
    return _address(seats[0]) if len(seats) == 1 and seats[0].participant.kind in AT_HOME else None


def _seats(user: User) -> Any:
    rows = Admission.objects.filter(participant__memberships__user=user, active=True)
    return rows.select_related("market", "participant").order_by("market", "participant__name")


def _address(place: Admission) -> str:
    return reverse("portal:home", args=(place.market.code, place.participant.code))


@login_required
def door(request: HttpRequest) -> HttpResponse:
    """Whose home? With one seat its page opens at once."""
    assert isinstance(request.user, User)
    seats = list(_seats(request.user))
    if len(seats) == 1:
        return HttpResponseRedirect(_address(seats[0]))
    return render(request, "home/door.html", {"seats": seats})


@seat("home")
def home(desk: Desk) -> HttpResponse:
    """What happens now, what today and the month brought, and what may be changed."""
    return _home(desk)


def _home(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    assert desk.participant is not None
    month, rows, battery = month_so_far(desk), day_rows(desk), battery_of(desk)
    bills = list(papers.documents(desk)[:BILLS_SHOWN])
    papers.decorated(desk, bills)
    context: dict[str, Any] = {
        "flow": flow_now(desk),
        "prices": prices_now(desk),
        "battery": battery,
        "battery_pct": percent_full(battery) if battery else None,
        "reserve_pct": max(battery.floor_pct, battery.reserve_pct) if battery else None,
        "day": day_so_far(desk),
        "rows": rows,
        "chart": chart(rows),
        "wish": wish_of(desk.market.pk, desk.participant.pk),
        "orders": next_orders(desk),
        "first_offers": first_offers(desk),
        "month": month,
        "cap": cap_of(desk, month),
        "bills": bills,
        "words": standings(),
        "notices": _notices(desk),
        "page": _page(desk),
    }
    return desk.show("home/home.html", status, **context, **more)


def _page(desk: Desk) -> dict[str, Any]:
    """What the page's scripts start from."""
    return {
        "code": desk.market.code,
        "timezone": desk.market.site.timezone,
        "language": get_language(),
        "now": desk.now.isoformat(),
        "rate": desk.market.clock_rate if desk.market.clock_at else 1,
        "strings": home_strings(),
    }


def _notices(desk: Desk) -> list[tuple[str, str]]:
    """What the member should know: a sentence, and where it leads."""
    assert desk.participant is not None
    found = start_notices(desk)
    if desk.market.halted:
        found.append((_("Trading is stopped for now. Your energy flows as ever, over the grid."), ""))
    late = SettlementAlarm.objects.filter(market=desk.market, resolved_at=None).count()
    if late:
        found.append((_("Some intervals could not be settled yet; their figures follow."), ""))
    if Dispute.objects.filter(market=desk.market, participant=desk.participant, state=Dispute.State.OPEN).exists():
        found.append((_("An interval of yours is in dispute and waits for a decision."), desk.address("disputes")))
    bills = list(papers.documents(desk))
    if any(papers.standing(desk, each) == "overdue" for each in bills):
        found.append((_("A bill is overdue."), desk.address("documents")))
    if any(papers.open_dong(each) < 0 for each in bills) and not papers.bank_known(desk):
        told = _("Money of yours cannot be paid out yet: your bank account is not known.")
        found.append((told, desk.address("details")))
    return found


def _done(desk: Desk, said: str) -> HttpResponse:
    assert desk.participant is not None
    messages.success(desk.request, said)
    return HttpResponseRedirect(reverse("portal:home", args=(desk.market.code, desk.participant.code)))


@seat("home", change=True)
def switch_on_or_off(desk: Desk) -> HttpResponse:
    """The one switch."""
    assert desk.participant is not None
    on = desk.request.POST.get("on") == "yes"
    try:
        switch(market=desk.market, participant=desk.participant, on=on, by=desk.user, at=desk.now)
    except REFUSALS as error:
        return _home(desk, REFUSED, refusals=sentences(error))
    if not on:
        return _done(desk, _("Switched off. Your open orders were taken back; your surplus goes to the grid."))
    told = _("Switched on. What you do not need is offered to your neighbours.")
    return _done(desk, f"{told} {first_offers(desk)}".strip())


@seat("home", change=True)
def limits(desk: Desk) -> HttpResponse:
    """From which to which price is sold and bought."""
    assert desk.participant is not None
    try:
        sell, buy = _ramp(desk, "sell"), _ramp(desk, "buy")
        set_limits(
            market=desk.market, participant=desk.participant, sell=sell, buy=buy, by=desk.user, at=desk.now
        )  # fmt: skip
    except REFUSALS as error:
        return _home(desk, REFUSED, refusals=sentences(error), limits_open=True)
    return _done(desk, _("Your limits are kept."))


def _ramp(desk: Desk, side: str) -> Ramp:
    """Both prices of a side; None where both are left empty."""
    names = f"{side}_far", f"{side}_near"
    given = [bool(desk.text(name)) for name in names]
    if not any(given):
        return None
    if not all(given):
        raise Refused("half_a_limit", _("Give both prices of a side, or leave both empty."))
    return desk.number(names[0]), desk.number(names[1])


@seat("home", change=True)
def reserve(desk: Desk) -> HttpResponse:
    """How much of the battery is kept for the house."""
    battery = battery_of(desk)
    try:
        if battery is None:
            raise Refused("no_battery", _("There is no battery here."))
        device = Device.objects.get(pk=battery.id)
        set_reserve(device=device, reserve_pct=desk.number("reserve"), by=desk.user, at=desk.now)
    except REFUSALS as error:
        return _home(desk, REFUSED, refusals=sentences(error))
    return _done(desk, _("The battery keeps {share} for you.").format(share=f"{desk.number('reserve')} %"))
