"""Market control: stopping and going on, with the consequence named first; the calendar with gates, stops, holidays."""

from datetime import UTC, datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from django.http import HttpResponse
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from portal.desk import REFUSED, Desk, Refused, office
from portal.office.holidays import holiday
from portal.refusals import REFUSALS, sentences
from portal.templatetags.figures import whole
from trading.models import Contract, PlannedStop
from trading.operations.stops import cancel_stop, let_go_on, plan_stop, stop_trading
from trading.queries.control import CalendarDay, Waiting, calendar, open_contracts, planned_stops, waiting
from units.interval import day_bounds

DAYS_SHOWN = 14
DAYS_OF_TET = 60  # a holiday within so many days is named below the calendar


@office("market")
def market_control(desk: Desk) -> HttpResponse:
    """The market's state and what is open; POST stops, lets go on, plans a stop or takes one back."""
    if desk.request.method != "POST":
        return _page(desk)
    try:
        said = _act(desk)
    except REFUSALS as error:
        return _page(desk, REFUSED, refusals=sentences(error))
    return desk.done(said, "market_control")


def _act(desk: Desk) -> str:
    act, reason = desk.text("act"), desk.text("reason")
    who: dict[str, Any] = {"by": desk.user, "at": desk.now}
    if act == "plan":
        plan_stop(
            desk.market, starts_at=_moment(desk, "starts_at"), ends_at=_moment(desk, "ends_at"),
            freeze=desk.text("freeze") == "yes", reason=reason, **who,
        )  # fmt: skip
        return _("Planned. Trading stops and goes on by itself.")
    if act == "cancel":
        cancel_stop(_planned(desk), **who)
        return _("The planned stop is taken back.")
    contract = _contract(desk, desk.text("contract"))
    desk.confirmed()
    if act == "resume":
        let_go_on(desk.market, reason=reason, contract=contract, **who)
        return _("Trading goes on.")
    stop_trading(desk.market, reason=reason, contract=contract, freeze=act == "freeze", **who)
    return _("Trading is stopped. Everybody sees it on the market page.")


def _planned(desk: Desk) -> PlannedStop:
    number = desk.text("stop")
    found = PlannedStop.objects.filter(
        market=desk.market, pk=int(number) if number.isdecimal() and len(number) < 18 else 0
    ).first()
    if found is None:
        raise Refused("unknown_stop", _("There is no such stop; reload the page."))
    return found


def _contract(desk: Desk, text: str) -> Contract | None:
    """The contract that a form or an address names; None for the whole market."""
    if not text:
        return None
    number = int(text) if text.isdecimal() and len(text) < 18 else 0
    found = Contract.objects.filter(market=desk.market, pk=number).first()
    if found is None:
        raise Refused("unknown_contract", _("There is no such interval in this market."))
    return found


def _moment(desk: Desk, name: str) -> datetime:
    """A moment on the site's clock from the form. Raises Refused."""
    try:
        local = datetime.fromisoformat(desk.text(name))
        return local.replace(tzinfo=ZoneInfo(desk.market.site.timezone)).astimezone(UTC)
    except (ValueError, OverflowError):
        raise Refused("not_a_moment", _("Choose day and time, like 2026-10-31 22:00.")) from None


def _page(desk: Desk, status: int = 200, **more: Any) -> HttpResponse:
    desk.market.refresh_from_db()
    rows = open_contracts(desk.market)
    chosen = next((each for each in rows if str(each.contract.pk) == _asked(desk)), None)
    held = chosen.waiting if chosen else waiting(desk.market)
    stop = chosen.contract.stop if chosen else desk.market.stop
    context: dict[str, Any] = {
        "rows": desk.page_of(rows, 24),
        "stopped_ones": sum(each.contract.stop > 0 for each in rows),
        "chosen": chosen,
        "stop": stop,
        "held": held,
        "halt_means": consequence(held, freeze=False),
        "freeze_means": consequence(held, freeze=True),
        "resume_means": resumption(held),
        "planned": planned_stops(desk.market),
        "days": [(day, _opening(desk, day), holiday(day.on)) for day in calendar(desk.market, desk.today, DAYS_SHOWN)],
        "next_day": desk.today,
    }
    return desk.show("office/market.html", status, **context | more)


def _opening(desk: Desk, day: CalendarDay) -> datetime:
    """When the first interval of the day opened or will open."""
    midnight = day_bounds(day.on, ZoneInfo(desk.market.site.timezone)).start
    return day.opens_at or midnight - timedelta(minutes=desk.market.open_ahead_minutes)


def _asked(desk: Desk) -> str:
    return desk.request.POST.get("contract", "") or desk.asked("contract", 18)


def consequence(held: Waiting, *, freeze: bool) -> str:
    """What a stop does to the orders that wait."""
    if not held.orders:
        return _("No order waits there now. New ones are refused until trading goes on.")
    said = ngettext(
        "%(orders)s order of %(members)d members stays in the book but does not trade.",
        "%(orders)s orders of %(members)d members stay in the book but do not trade.",
        held.orders,
    ) % {"orders": whole(held.orders), "members": held.members}
    if freeze:
        return f"{said} " + _("They cannot be cancelled either, until trading goes on or their gate closes.")
    return f"{said} " + _("They can be cancelled; new ones are refused.")


def resumption(held: Waiting) -> str:
    """What going on does."""
    return ngettext(
        "%(orders)s order that waits can trade again from this moment.",
        "%(orders)s orders that wait can trade again from this moment.",
        held.orders,
    ) % {"orders": whole(held.orders)}
