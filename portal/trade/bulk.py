"""The bulk ticket: a day's shape or a pasted spreadsheet, checked line by line, then sent as one bulk.

One page in three steps, each an ordinary form: fill the lines from a shape (optional), look (every line with what it
would come to), send. Each look gets a number of its own; a line's client order id is made of it, so that sending twice
takes nothing twice. What was refused stays in the box, to be put right.
"""

from collections.abc import Sequence
from datetime import date, timedelta
from typing import Any
from uuid import UUID, uuid4

from django.contrib import messages
from django.http import HttpResponse, HttpResponseRedirect
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from accounts.api.problems import Problem
from accounts.api.views import weigh
from portal.desk import FIRST_YEAR, LAST_YEAR, REFUSED, Refused
from portal.trade.lines import Key, Line, read_lines, repeated
from portal.trade.numbers import price, quantity_wh, style_of, typed_kwh
from portal.trade.place import Place, trader
from portal.trade.shapes import SHAPES, by_clock, day_before, share_out
from portal.trade.words import exact_kwh, fault_text, price_text, reason_word, refusal, status_word
from trading import queries
from trading.api.shapes import NewOrder, Result, Side
from trading.api.taking import message_for, take
from trading.operations import Rehearsed, rehearse
from trading.queries import ContractView, ParticipantView
from units.interval import day_bounds
from units.numbers import DecimalStyle, rounded_half_up

AHEAD = timedelta(days=3)
STYLES = {"comma": DecimalStyle.COMMA, "point": DecimalStyle.POINT}
FIELDS = ("who", "on", "style", "lines", "shape", "side", "total", "price", "all_or_none", "id")


@trader()
def bulk(place: Place) -> HttpResponse:
    """The empty ticket, or one filled from a day's shape."""
    given = {name: place.request.GET.get(name, "").strip() for name in FIELDS}
    refusals = []
    if given["shape"]:
        try:
            given["lines"] = _from_shape(place, given)
        except Refused as refused:
            refusals.append(str(refused))
    return _page(place, given, REFUSED if refusals else 200, refusals=refusals)


def _page(place: Place, given: dict[str, str], status: int = 200, **more: Any) -> HttpResponse:
    given = {**given, "on": given["on"] or place.today.isoformat()}
    return place.show("market/bulk.html", status, given=given, shapes=SHAPES, **more)


@trader(change=True, page="bulk")
def check_or_send(place: Place) -> HttpResponse:
    """Looks at every line, or sends them."""
    given = {name: place.request.POST.get(name, "") for name in FIELDS}
    try:
        party, lines, read_as = _read(place, given)
    except Refused as refused:
        return _page(place, given, REFUSED, refusals=[str(refused)])
    wishes = [line for line in lines if not line.left_out]
    good = [line for line in wishes if not line.fault]
    if place.request.POST.get("do") == "send" and good and len(good) == len(wishes):
        return _send(place, given, party, good)
    _look(place, party, good)
    ready = sum(not line.fault for line in wishes)
    more: dict[str, Any] = {
        "lines": lines,
        "twice": repeated(lines),
        "good": ready if ready == len(wishes) else 0,
        "left_out": len(lines) - len(wishes),
        "read_as": read_as,
    }
    return _page(place, {**given, "id": uuid4().hex}, **more)


def _read(place: Place, given: dict[str, str]) -> tuple[ParticipantView, list[Line], str]:
    party = _party(place, given["who"])
    style = STYLES.get(given["style"], style_of(place.language))
    lines, paste = read_lines(given["lines"], contracts=_by_start(place), on=_on(place, given["on"]), style=style)
    read_as = "1.234,5" if paste.style is DecimalStyle.COMMA else "1,234.5"
    return party, lines, read_as


def _party(place: Place, code: str) -> ParticipantView:
    able = place.able
    found = next((party for party in able if party.code == code or (not code and len(able) == 1)), None)
    if found is None:
        raise Refused("who", _("Say for whom: you trade for several.") if able else _("You may look, not trade."))
    return found


def _on(place: Place, text: str) -> date:
    try:
        on = date.fromisoformat(text) if text else place.today
    except ValueError:
        on = date.min
    if not FIRST_YEAR <= on.year <= LAST_YEAR:
        raise Refused("not_a_day", _("Choose a day, like 2026-10-31."))
    return on


def _open(place: Place) -> list[ContractView]:
    rows = queries.contracts(place.market.id, place.now, place.now + AHEAD)
    return [row for row in rows if row.gate_closes_at > place.now]


def _by_start(place: Place) -> dict[Key, tuple[int, str]]:
    found = {}
    for row in _open(place):
        local = row.delivery_start.astimezone(place.zone)
        found[local.date(), f"{local:%H:%M}"] = row.contract_id, row.name
    return found


def _look(place: Place, party: ParticipantView, lines: Sequence[Line]) -> None:
    """What each line would come to, after all those before it."""
    if not lines:
        return
    wanted = [message_for(_order(line, party, ""), party.id) for line in lines]
    for line, found in zip(lines, rehearse(place.market.id, wanted, at=place.now), strict=True):
        if found.rejected:
            line.fault = refusal(found.reason, found.bound)
        else:
            line.told = _would(found)


def _would(found: Rehearsed) -> str:
    parts = []
    if found.filled_wh:
        average = rounded_half_up(found.value_millidong, found.filled_wh)
        parts.append(_("{quantity} would trade at {price}").format(
            quantity=exact_kwh(found.filled_wh), price=price_text(average)))  # fmt: skip
    if found.remaining_wh:
        parts.append(_("{quantity} would wait").format(quantity=exact_kwh(found.remaining_wh)))
    return " · ".join(parts) or reason_word(found.reason)


def _order(line: Line, party: ParticipantView, batch: str) -> NewOrder:
    own_id = f"{batch}-{line.number}" if batch else None
    return NewOrder(
        line.contract_id, line.side, line.wh, line.price, client_order_id=own_id, participant=party.code,
        note=_("bulk ticket"),
    )  # fmt: skip


def _send(place: Place, given: dict[str, str], party: ParticipantView, lines: list[Line]) -> HttpResponse:
    batch = _batch(given["id"])
    wishes = [_order(line, party, batch) for line in lines]
    try:
        weigh(place.user, len(wishes))
    except Problem as problem:
        return _page(place, given, REFUSED, refusals=[fault_text(problem.fault)])
    results = take(place.user, wishes, all_or_none=given["all_or_none"] == "yes")
    for line, result in zip(lines, results, strict=True):
        _note(line, result)
    refused = [line for line in lines if line.fault]
    taken = len(lines) - len(refused)
    if not refused:
        messages.success(place.request, ngettext("{n} order taken.", "{n} orders taken.", taken).format(n=taken))
        return HttpResponseRedirect(place.address("blotter"))
    said = _("{taken} of {all} orders taken. What was refused is still in the box below.")
    left = {**given, "lines": "\n".join(line.text for line in refused), "id": uuid4().hex}
    more: dict[str, Any] = {"lines": lines, "sent": True, "refusals": [said.format(taken=taken, all=len(lines))]}
    return _page(place, left, REFUSED, **more)


def _batch(text: str) -> str:
    """The number of the look that is being sent; one that was meddled with is a new one."""
    try:
        return UUID(hex=text).hex
    except ValueError:
        return uuid4().hex


def _note(line: Line, result: Result) -> None:
    if result.error is not None:
        line.fault = fault_text(result.error)
    elif result.order is not None:
        line.told = status_word(result.order.status)


def _from_shape(place: Place, given: dict[str, str]) -> str:
    """Lines for the box: the total over the open intervals of the day, by the shape."""
    party, on = _party(place, given["who"]), _on(place, given["on"])
    side: Side = "sell" if given["side"] == "sell" else "buy"
    day = day_bounds(on, place.zone)
    rows = [row for row in _open(place) if day.start <= row.delivery_start < day.end]
    starts = [row.delivery_start for row in rows]
    limit = price(given["price"], place.style)
    if given["shape"] == "yesterday":
        weights = day_before(place.market.site_id, party.id, starts, side, place.zone)
    else:
        weights = by_clock(given["shape"], starts, place.market.interval_minutes, place.zone)
    if not any(weights):
        raise Refused(
            "no_shape", _("There is nothing to share out: no open interval of that day has a part in this shape.")
        )
    total = quantity_wh(given["total"], place.style) if given["total"] else sum(weights)
    if not given["total"] and given["shape"] != "yesterday":
        raise Refused("no_total", _("Say how many kWh in all."))
    shares = share_out(total, weights, place.market.lot_wh)
    word = _("sell") if side == "sell" else _("buy")
    return "\n".join(
        f"{row.delivery_start.astimezone(place.zone):%Y-%m-%d %H:%M}; {word}; {typed_kwh(wh, place.language)}; {limit}"
        for row, wh in zip(rows, shares, strict=True)
        if wh
    )
