"""Orders over HTTP: place, amend, cancel, in bulk, and look at one's own. Plain views, since bots call them all day."""

from collections.abc import Iterable
from typing import Annotated
from uuid import UUID

import msgspec
from django.http import HttpRequest, HttpResponse
from msgspec import Meta

from accounts.api.problems import Problem, answer, refused
from accounts.api.reading import BigInt, Code, decode, read_json, read_query
from accounts.api.views import missing, plain, weigh
from accounts.models import Participant, User
from accounts.policies import may_audit
from accounts.queries import seats
from trading.api import present, shapes
from trading.api.taking import Wish, key_of, take
from trading.domain.orders import STATUS_NAMES
from trading.queries.order_pages import MAX_PAGE, OrderRow, order_page, orders_by_key, trades_of_orders

_NEW = msgspec.json.Decoder(shapes.NewOrder)
_AMENDMENT = msgspec.json.Decoder(shapes.Amendment)
_BULK = msgspec.json.Decoder(shapes.RawBulk)
_MESSAGE = msgspec.json.Decoder(shapes.Message)


class OrdersQuery(msgspec.Struct, forbid_unknown_fields=True):
    """Which own orders: `status` one or several, separated by commas; `before` the `next` of the page before."""

    status: Annotated[str, Meta(pattern=r"^[a-z_]+(,[a-z_]+)*(?!\n)$", max_length=80)] | None = None
    contract: BigInt | None = None
    participant: Code | None = None
    client_order_id: shapes.ClientOrderId | None = None
    before: UUID | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 100


@plain
def place(request: HttpRequest, user: User) -> HttpResponse:
    """`POST orders`."""
    return _single(user, read_json(request, _NEW))


@plain
def amend(request: HttpRequest, user: User, order_id: UUID) -> HttpResponse:
    """`PATCH orders/{order_id}`."""
    change = read_json(request, _AMENDMENT)
    return _single(user, shapes.AmendOrder(order_id, change.quantity_wh, change.price, change.revision))


@plain
def cancel(request: HttpRequest, user: User, order_id: UUID) -> HttpResponse:
    """`DELETE orders/{order_id}`."""
    return _single(user, shapes.CancelOrder(order_id))


def _single(user: User, wish: Wish) -> HttpResponse:
    left = weigh(user, 1).left
    result = take(user, [wish])[0]
    headers = {"RateLimit-Remaining": str(left)}
    if result.error is None:
        return answer(result.order, result.status, headers)
    if result.status == 503:
        headers["Retry-After"] = "1"
    return refused(result.error, result.status, headers)


@plain
def bulk(request: HttpRequest, user: User) -> HttpResponse:
    """`POST orders/bulk`."""
    body = read_json(request, _BULK)
    left = weigh(user, len(body.messages)).left
    results = take(user, [_message(raw) for raw in body.messages], all_or_none=body.on_error == "reject_all")
    return answer(shapes.BulkResult(body.request_id, results), 200, {"RateLimit-Remaining": str(left)})


def _message(raw: msgspec.Raw) -> Wish | Problem:
    try:
        return decode(raw, _MESSAGE)
    except Problem as problem:
        return problem


@plain
def own(request: HttpRequest, user: User) -> HttpResponse:
    """`GET orders`."""
    query = read_query(request, OrdersQuery)
    rows = order_page(
        _visible(user, query.participant), statuses=_statuses(query.status), contract_id=query.contract,
        client_order_id=query.client_order_id, before=_before(query.before), limit=query.limit,
    )  # fmt: skip
    more = str(rows[-1].order_id) if len(rows) == query.limit else None
    return answer(shapes.Orders([present.stored_order(row) for row in rows], more))


def _visible(user: User, code: str | None) -> list[int] | None:
    """Whose orders the caller may see and asks for; None: everybody's."""
    if may_audit(user):
        return None if code is None else _named(Participant.objects.filter(code=code).values_list("pk", flat=True))
    mine = seats(user)
    if code is None:
        return [seat.participant_id for seat in mine]
    return _named(seat.participant_id for seat in mine if seat.code == code)


def _named(found: Iterable[int]) -> list[int]:
    return list(found) or missing("unknown_participant", "You do not act for this participant.")


def _statuses(text: str | None) -> list[int]:
    names = text.split(",") if text else []
    if unknown := [name for name in names if name not in STATUS_NAMES]:
        told = ", ".join(STATUS_NAMES)
        raise Problem(400, "invalid_parameter", f"{unknown[0]} is no status; use {told}.", field="status")
    return [STATUS_NAMES.index(name) for name in names]


def _before(order_id: UUID | None) -> tuple[int, int] | None:
    if order_id is None:
        return None
    key = key_of(order_id)
    if key is None:
        raise Problem(400, "invalid_parameter", "Send the `next` of the page before.", field="before")
    return key


@plain
def one(request: HttpRequest, user: User, order_id: UUID) -> HttpResponse:
    """`GET orders/{order_id}`."""
    key = key_of(order_id)
    row = orders_by_key([key]).get(key) if key else None
    if row is None or row.order_id != order_id or not _may_see(user, row):
        missing("unknown_order", "There is no such order of yours.")
    return answer(present.stored_order(row, trades_of_orders([row])[row.key]))


def _may_see(user: User, row: OrderRow) -> bool:
    return may_audit(user) or any(seat.participant_id == row.participant_id for seat in seats(user))
