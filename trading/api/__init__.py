"""Trading over HTTP: market data, and orders on a plain fast path. docs/api.md tells bot writers."""

from django.urls import URLPattern, path, register_converter

from accounts.api.views import by_method
from trading.api import cancelling, market_data, orders
from trading.api.described import describe


class NumberConverter:
    """A contract's number; what no bigint holds is no address."""

    regex = "[0-9]{1,18}"

    def to_python(self, value: str) -> int:
        return int(value)

    def to_url(self, value: int) -> str:
        return str(value)


register_converter(NumberConverter, "number")
describe()

urlpatterns: list[URLPattern] = [
    path("markets", market_data.Markets.as_view()),
    path("markets/<slug:code>", market_data.OneMarket.as_view()),
    path("markets/<slug:code>/contracts", market_data.Contracts.as_view()),
    path("markets/<slug:code>/snapshot", market_data.MarketSnapshot.as_view()),
    path("markets/<slug:code>/events", market_data.MarketEvents.as_view()),
    path("contracts/<number:contract_id>", market_data.OneContract.as_view()),
    path("contracts/<number:contract_id>/book", market_data.Book.as_view()),
    path("contracts/<number:contract_id>/trades", market_data.ContractTrades.as_view()),
    path("contracts/<number:contract_id>/candles", market_data.ContractCandles.as_view()),
    path("orders", by_method(GET=orders.own, POST=orders.place)),
    path("orders/bulk", by_method(POST=orders.bulk)),
    path("orders/cancel-all", by_method(POST=cancelling.cancel_all)),
    path("orders/<uuid:order_id>", by_method(GET=orders.one, PATCH=orders.amend, DELETE=orders.cancel)),
]
