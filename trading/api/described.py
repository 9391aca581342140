"""The order calls as the OpenAPI document tells them; they are plain views, which describe nothing by themselves."""

from accounts.api.openapi import describe_plain, operation
from trading.api import shapes
from trading.api.cancelling import CancelAllQuery
from trading.api.orders import OrdersQuery

_ID = {"order_id": {"type": "string", "format": "uuid"}}
_WRITE = (400, 401, 403, 404, 409, 413, 415, 422, 429)


def describe() -> None:
    """Adds the order calls to the document."""
    describe_plain("/orders", "get", operation(
        "listOrders", "Your orders, the latest first", tag="Orders", query=OrdersQuery,
        answers={200: shapes.Orders}, errors=(400, 401, 404),
    ))  # fmt: skip
    describe_plain("/orders", "post", operation(
        "placeOrder", "Place an order. 201: placed; 200: an exact repeat, with its present state",
        tag="Orders", body=shapes.NewOrder, answers={200: shapes.Order, 201: shapes.Order}, errors=_WRITE,
    ))  # fmt: skip
    describe_plain("/orders/bulk", "post", operation(
        "bulkOrders", "Place, amend and cancel up to 1,000 orders", tag="Orders", body=shapes.Bulk,
        answers={200: shapes.BulkResult}, errors=(400, 401, 403, 413, 415, 429),
    ))  # fmt: skip
    describe_plain("/orders/cancel-all", "post", operation(
        "cancelAllOrders", "Cancel every open order", tag="Orders", query=CancelAllQuery,
        answers={200: shapes.Cancelled}, errors=(400, 401, 403, 404),
    ))  # fmt: skip
    describe_plain("/orders/{order_id}", "get", operation(
        "getOrder", "An order with its trades", tag="Orders", path=_ID, answers={200: shapes.Order}, errors=(401, 404),
    ))  # fmt: skip
    describe_plain("/orders/{order_id}", "patch", operation(
        "amendOrder", "Change quantity or price", tag="Orders", path=_ID, body=shapes.Amendment,
        answers={200: shapes.Order}, errors=_WRITE,
    ))  # fmt: skip
    describe_plain("/orders/{order_id}", "delete", operation(
        "cancelOrder", "Cancel an order", tag="Orders", path=_ID, answers={200: shapes.Order},
        errors=(401, 403, 404, 409, 429),
    ))  # fmt: skip
