"""The blotter: own orders in every state, own trades, own positions; chosen by delivery, interval, side and state, in
pages, and as a file for a spreadsheet (energy in Wh, prices in VND/kWh, times of the site)."""

import csv
from collections.abc import Callable, Iterable
from datetime import date, datetime
from typing import Any

from django.core.paginator import Paginator
from django.http import Http404, HttpResponse, StreamingHttpResponse
from django.http.response import HttpResponseBase
from django.utils.translation import gettext_lazy as _

from portal.desk import FIRST_YEAR, LAST_YEAR, ROWS_PER_PAGE
from portal.trade.place import Place, trader
from portal.trade.words import reason_word, status_word
from trading.domain.orders import STATUS_NAMES
from trading.models import Contract, Order, Position, Trade
from trading.queries import BlotterFilter, order_list, position_list, trade_list
from units.interval import Interval, day_bounds

TABLES = (("orders", _("Orders placed")), ("trades", _("Trades")), ("positions", _("Positions")))
LISTS: dict[str, Callable[..., Any]] = {"orders": order_list, "trades": trade_list, "positions": position_list}
STATES = {"working": (0, 1), "filled": (2,), "cancelled": (3,), "expired": (4,)}
SIDES = {"buy": 1, "sell": -1}
BOM = "\ufeff"


@trader()
def blotter(place: Place) -> HttpResponse:
    """One of the three lists."""
    table = place.request.GET.get("table", "orders")
    table = table if table in LISTS else "orders"
    chosen, asked = _chosen(place)
    page = Paginator(_rows(place, table, chosen), ROWS_PER_PAGE).get_page(place.request.GET.get("page"))
    tell = TELLERS[table]
    return place.show(
        "market/blotter.html", page=page, rows=[tell(place, row) for row in page], table=table, tables=TABLES,
        asked=asked, states=_state_words(),
    )  # fmt: skip


def _state_words() -> list[tuple[str, str]]:
    return [
        ("working", status_word("open")),
        ("filled", status_word("filled")),
        ("cancelled", status_word("cancelled")),
        ("expired", status_word("expired")),
    ]


def _rows(place: Place, table: str, chosen: BlotterFilter) -> Any:
    return LISTS[table](place.market.id, list(place.asked), chosen)


def _bought(place: Place, row: Trade) -> bool:
    """Whether a trade is shown as a purchase: between two of those who are shown, as the side that is asked for."""
    both = row.buyer_id in place.asked and row.seller_id in place.asked
    return row.buyer_id in place.asked and not (both and place.request.GET.get("side") == "sell")


def _chosen(place: Place) -> tuple[BlotterFilter, dict[str, str]]:
    """What the address asks for; nonsense in it is as if it were not there. Without a day: from today's delivery on."""
    asked = {name: place.request.GET.get(name, "").strip() for name in ("on", "contract", "side", "state", "who")}
    on = _day(asked["on"])
    bounds = day_bounds(on or place.today, place.zone)
    contract = int(asked["contract"]) if asked["contract"].isdecimal() and len(asked["contract"]) <= 18 else None
    if on is None:
        asked["on"] = ""
    start = None if contract else bounds.start
    end = bounds.end if on and not contract else None
    return BlotterFilter(start, end, contract, SIDES.get(asked["side"]), STATES.get(asked["state"], ())), asked


def _day(text: str) -> date | None:
    try:
        on = date.fromisoformat(text)
    except ValueError:
        return None
    return on if FIRST_YEAR <= on.year <= LAST_YEAR else None


def _interval(place: Place, contract: Contract) -> tuple[date, str]:
    interval = Interval(contract.delivery_start, contract.delivery_end)
    return contract.delivery_start.astimezone(place.zone).date(), interval.label(place.zone)


def _order(place: Place, row: Order) -> dict[str, Any]:
    on, interval = _interval(place, row.contract)
    return {
        "on": on, "interval": interval, "row": row, "who": row.participant.name,
        "status": status_word(STATUS_NAMES[row.status]), "reason": reason_word(row.reason),
        "open": row.status <= Order.Status.PARTIALLY_FILLED,
        "able": row.participant_id in {party.id for party in place.able},
    }  # fmt: skip


def _trade(place: Place, row: Trade) -> dict[str, Any]:
    on, interval = _interval(place, row.contract)
    bought = _bought(place, row)
    return {
        "on": on, "interval": interval, "row": row, "bought": bought, "sold": row.seller_id in place.asked,
        "who": row.buyer.name if bought else row.seller.name, "value_millidong": row.price * row.quantity_wh,
    }  # fmt: skip


def _position(place: Place, row: Position) -> dict[str, Any]:
    on, interval = _interval(place, row.contract)
    net = row.bought_wh - row.sold_wh
    return {"on": on, "interval": interval, "row": row, "who": row.participant.name, "net_wh": net}


Teller = Callable[[Place, Any], dict[str, Any]]
TELLERS: dict[str, Teller] = {"orders": _order, "trades": _trade, "positions": _position}


@trader()
def blotter_file(place: Place, table: str) -> HttpResponseBase:
    """A list as CSV, all that is chosen."""
    if table not in LISTS:
        raise Http404
    chosen, _asked = _chosen(place)
    rows = _rows(place, table, chosen)
    heads, tell = FILES[table]
    answer = StreamingHttpResponse(_written(place, heads, tell, rows), content_type="text/csv; charset=utf-8")
    answer["Content-Disposition"] = f'attachment; filename="{place.market.code}-{table}.csv"'
    return answer


class _Echo:
    """A file that hands on what is written to it."""

    def write(self, text: str) -> str:
        return text


def _written(place: Place, heads: tuple[str, ...], tell: Callable[[Place, Any], list[Any]], rows: Any) -> Iterable[str]:
    writer = csv.writer(_Echo(), lineterminator="\r\n")
    yield BOM + writer.writerow(heads)
    for row in rows.iterator(chunk_size=500):
        yield writer.writerow([_harmless(cell) for cell in tell(place, row)])


def _harmless(cell: Any) -> Any:
    """A text that a spreadsheet would take for a formula is shown as a text."""
    return f"'{cell}" if isinstance(cell, str) and cell[:1] in "=+-@\t\r" and cell else cell


def _local(place: Place, at: datetime) -> str:
    return at.astimezone(place.zone).isoformat(timespec="seconds")


def _side(side: int) -> str:
    return "buy" if side > 0 else "sell"


def _delivery(place: Place, contract: Contract) -> list[str]:
    return [_local(place, contract.delivery_start), _local(place, contract.delivery_end)]


def _order_cells(place: Place, row: Order) -> list[Any]:
    price = "" if row.price is None else row.price
    return [
        row.seq, row.client_order_id, row.participant.code, *_delivery(place, row.contract), _side(row.side), price,
        row.tif, row.quantity_wh, row.filled_wh, row.remaining_wh, STATUS_NAMES[row.status], row.action, row.reason,
        _local(place, row.created_at), _local(place, row.updated_at), row.note,
    ]  # fmt: skip


def _trade_cells(place: Place, row: Trade) -> list[Any]:
    side, party = ("buy", row.buyer) if _bought(place, row) else ("sell", row.seller)
    return [
        row.trade_no, party.code, *_delivery(place, row.contract), side, row.price, row.quantity_wh,
        row.price * row.quantity_wh, _local(place, row.at),
    ]  # fmt: skip


def _position_cells(place: Place, row: Position) -> list[Any]:
    return [
        row.participant.code, *_delivery(place, row.contract), row.bought_wh, row.sold_wh, row.open_buy_wh,
        row.open_sell_wh, row.committed_millidong,
    ]  # fmt: skip


_DELIVERED = ("delivery_start", "delivery_end")
FILES: dict[str, tuple[tuple[str, ...], Callable[[Place, Any], list[Any]]]] = {
    "orders": (
        ("order", "client_order_id", "participant", *_DELIVERED, "side", "price", "tif", "quantity_wh", "filled_wh",
         "remaining_wh", "status", "action", "reason", "created_at", "updated_at", "note"), _order_cells),
    "trades": (
        ("trade", "participant", *_DELIVERED, "side", "price", "quantity_wh", "value_millidong", "at"), _trade_cells),
    "positions": (
        ("participant", *_DELIVERED, "bought_wh", "sold_wh", "open_buy_wh", "open_sell_wh", "committed_millidong"),
        _position_cells),
}  # fmt: skip
