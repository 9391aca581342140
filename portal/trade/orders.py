"""Orders from the desk: look (preview), place, amend, cancel. A script gets JSON, a person without scripts a page.

Both go one way: what is refused is a sentence and changes nothing, what is done ends in a redirect (or `ok`). Orders
are named by their number in the market (`seq`), which the live stream tells; whose they are is asked every time.
"""

from datetime import timedelta
from itertools import groupby
from operator import itemgetter
from typing import Any
from urllib.parse import urlencode
from uuid import uuid4

from django.contrib import messages
from django.http import Http404, HttpResponse, HttpResponseRedirect, JsonResponse
from django.shortcuts import render
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.api.problems import Problem
from accounts.api.views import weigh
from portal.desk import REFUSED, Refused
from portal.trade.kinds import KINDS
from portal.trade.numbers import price, quantity_wh
from portal.trade.place import Place, trader
from portal.trade.preview import preview
from portal.trade.wish import Ticket, read_ticket
from portal.trade.words import FIELD_OF, came_to_nothing, fault_text, outcome
from trading import queries
from trading.api.shapes import AmendOrder, CancelOrder, Result
from trading.api.taking import Wish, take
from trading.domain.messages import CancelAll
from trading.operations import MarketUnavailable, submit
from trading.queries.order_pages import OrderRow, orders_by_key

UNAVAILABLE = 503
AHEAD = timedelta(hours=48)
MOST_SEQ = 2**63 - 1


@trader()
def ticket(place: Place) -> HttpResponse:
    """The ticket with its preview: a page of its own, or for a script the preview alone."""
    asked = any(place.request.GET.get(name) for name in ("kwh", "price", "look"))
    filled = read_ticket(place, place.request.GET)
    if place.wants_json:
        return JsonResponse(fragment(place, filled))
    shown = preview(place, filled) if asked and place.able else None
    return _ticket_page(place, filled, shown=shown)


def fragment(place: Place, filled: Ticket) -> dict[str, Any]:
    """A preview for the page's script: its HTML, whether the order would be taken, and which fields are wrong."""
    shown = preview(place, filled)
    html = render(place.request, "market/_preview.html", {"preview": shown, "place": place}).content.decode()
    return {"ok": shown.ok, "html": html, "faults": shown.faults}


def _ticket_page(place: Place, filled: Ticket, status: int = 200, **more: Any) -> HttpResponse:
    given = filled.given | {"id": filled.given["id"] or str(uuid4()), "kind": filled.given["kind"] or "gate"}
    return place.show("market/ticket.html", status, given=given, **ticket_choices(place), **more)


def ticket_choices(place: Place) -> dict[str, Any]:
    """What the ticket offers to choose from: intervals that can be traded, by day, and kinds of orders."""
    rows = queries.contracts(place.market.id, place.now, place.now + AHEAD)
    local = [(row.delivery_start.astimezone(place.zone).date(), row) for row in rows if row.gate_closes_at > place.now]
    days = [(on, [row for _, row in group]) for on, group in groupby(local, key=itemgetter(0))]
    return {"open_days": days, "kinds": KINDS}


@trader(change=True)
def place_order(place: Place) -> HttpResponse:
    """Sends the order of the ticket."""
    filled = read_ticket(place, place.request.POST)
    if filled.wish is None:
        return _refused(place, filled, filled.faults)
    result = send(place, filled.wish)
    if result.order is None:
        return _refused(place, filled, [_fault(result)], result.status)
    order = result.order
    said = outcome(order, interval_of(place, order.contract_id))
    return _done(place, said, well=not came_to_nothing(order), contract=order.contract_id)


def send(place: Place, wish: Wish) -> Result:
    """One message to the market, weighed against the sender's rate like any other."""
    try:
        weigh(place.user, 1)
    except Problem as problem:
        return Result(problem.status, error=problem.fault)
    return take(place.user, [wish])[0]


def interval_of(place: Place, contract_id: int) -> str:
    """The name of an interval, like `12:30–13:00`."""
    found = queries.contract(place.market.id, contract_id)
    return found.name if found else ""


def _fault(result: Result) -> tuple[str, str]:
    assert result.error is not None
    if result.status == UNAVAILABLE:
        return "", _("It is not known whether the order was taken. Send it again: it is never taken twice.")
    return FIELD_OF.get(result.error.code, ""), fault_text(result.error)


def _refused(place: Place, filled: Ticket | None, faults: list[tuple[str, str]], status: int = REFUSED) -> HttpResponse:
    if place.wants_json:
        body = {"ok": False, "faults": faults, "sentence": " ".join(sentence for _, sentence in faults)}
        return JsonResponse(body | {"unknown": status == UNAVAILABLE}, status=status)
    if filled is not None:
        return _ticket_page(place, filled, REFUSED, faults=faults)
    for _field, sentence in faults:
        messages.error(place.request, sentence)
    return HttpResponseRedirect(_back(place))


def _done(place: Place, said: str, *, well: bool = True, **query: Any) -> HttpResponse:
    """Tells what was done; not `well`: the market did it, but it is not what the sender wanted."""
    if place.wants_json:
        return JsonResponse({"ok": well, "sentence": said})
    (messages.success if well else messages.error)(place.request, said)
    return HttpResponseRedirect(_back(place, **query))


def _back(place: Place, **query: Any) -> str:
    """Where a form without scripts leads to: the page it stands on."""
    if place.request.POST.get("back") == "blotter":
        return place.address("blotter")
    return f"{place.address('ticket')}?{urlencode(query)}" if query else place.address("ticket")


def _own_order(place: Place, seq: int) -> OrderRow:
    """An order of somebody one may trade for, else 404."""
    row = orders_by_key([(place.market.id, seq)]).get((place.market.id, seq)) if seq <= MOST_SEQ else None
    if row is None or row.participant_id not in {party.id for party in place.able}:
        raise Http404
    return row


@trader(change=True, page="blotter")
def amend(place: Place, seq: int) -> HttpResponse:
    """Another price, or another quantity left. What has been filled since the page was read counts as filled, so the
    total is never more than the trader allowed."""
    row = _own_order(place, seq)
    try:
        change = _change(place, row)
    except Refused as refused:
        return _refused(place, None, [(FIELD_OF.get(refused.code, ""), str(refused))])
    result = send(place, change)
    if result.order is None:
        return _refused(place, None, [_fault(result)], result.status)
    return _done(place, outcome(result.order, interval_of(place, row.contract_id), amended=True))


def _change(place: Place, row: OrderRow) -> AmendOrder:
    form = place.request.POST
    seen = form.get("filled", "")
    filled = int(seen) if seen.isdecimal() and len(seen) <= 15 else row.filled_wh
    total = filled + quantity_wh(form["left"], place.style) if form.get("left") else None
    limit = price(form["price"], place.style) if form.get("price") else None
    same_total, same_price = total in (None, row.quantity_wh), limit in (None, row.price)
    if same_total and same_price:
        raise Refused("nothing_to_amend", _("Write another price or another quantity."))
    return AmendOrder(row.order_id, None if same_total else total, None if same_price else limit)


@trader(change=True, page="blotter")
def cancel(place: Place, seq: int) -> HttpResponse:
    """Takes one order back."""
    row = _own_order(place, seq)
    result = send(place, CancelOrder(row.order_id))
    if result.order is None:
        return _refused(place, None, [_fault(result)], result.status)
    return _done(place, _("Cancelled: the order for {interval}.").format(interval=interval_of(place, row.contract_id)))


@trader(change=True, page="blotter")
def cancel_all(place: Place) -> HttpResponse:
    """Takes back every own order of one interval, or of all; never held up by the rate of messages."""
    form = place.request.POST
    if form.get("confirm") != "yes":
        return _refused(place, None, [("", _("Tick the box beside the button: it says what cannot be undone."))])
    text = form.get("contract", "")
    contract_id = int(text) if text.isdecimal() and len(text) <= 18 else None
    if text and (contract_id is None or not queries.contract(place.market.id, contract_id)):
        raise Http404
    wanted = [CancelAll(party.id, contract_id) for party in place.able]
    try:
        replies = submit(place.market.id, wanted, by=place.user, at=place.now)
    except MarketUnavailable:
        return _refused(place, None, [("", _("The market could not be reached. Try again."))], UNAVAILABLE)
    count = sum(reply.closed or 0 for reply in replies)
    if not count:
        return _done(place, _("There was no open order to cancel."))
    return _done(place, ngettext("{n} order cancelled.", "{n} orders cancelled.", count).format(n=count))


@trader()
def mine(place: Place) -> HttpResponse:
    """What the participants one acts for have bought and sold, by interval: [contract, bought Wh, sold Wh]."""
    rows = queries.positions(place.market.id, [party.id for party in place.own], place.now)
    return JsonResponse({"positions": rows})
