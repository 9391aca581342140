"""What the trading, metering and settlement apps hold about participants: for the export of a person's data.

It stands here because accounts, which shows the page, knows none of those apps; config joins the parts.
"""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import BillingProfile, Participant
from meters.models import Device, MeteringPoint, Reading
from settlement.models import Invoice
from settlement.queries.documents import open_documents
from trading.models import Admission, Order, Trade

Rows = Iterable[Mapping[str, Any]]
ORDER = (
    "market__code", "seq", "participant__code", "contract__delivery_start", "side", "price", "tif", "quantity_wh",
    "filled_wh", "status", "value_millidong", "note", "created_at", "updated_at",
)  # fmt: skip
TRADE = ("market__code", "trade_no", "contract__delivery_start", "price", "quantity_wh", "at")
READING = ("metering_point__code", "start", "version", "minutes", "import_wh", "export_wh", "quality", "received_at")
INVOICE = (
    "market__code", "participant__code", "month", "kind", "relation", "reference", "issued_on", "due_on", "net_dong",
    "vat_dong", "total_dong", "document",
)  # fmt: skip


class HeldData:
    """The other apps' answers, for `accounts.signin.holdings`."""

    def files(self, participants: list[Participant]) -> Iterator[tuple[str, Rows]]:
        """Orders, own trades (without the other side's name), readings, issued invoices, billing details, devices."""
        yield "billing", BillingProfile.objects.filter(participant__in=participants).values()
        yield "devices", Device.objects.filter(participant__in=participants).values()
        points = MeteringPoint.objects.filter(participant__in=participants)
        yield "metering_points", points.values()
        readings = Reading.objects.filter(metering_point__in=points).order_by("start", "version")
        yield "readings", readings.values(*READING).iterator()
        orders = Order.objects.filter(participant__in=participants).order_by("market", "seq")
        yield "orders", orders.values(*ORDER).iterator()
        yield "bought", _trades(Q(buyer__in=participants), "buyer__code")
        yield "sold", _trades(Q(seller__in=participants), "seller__code")
        issued = Invoice.objects.filter(participant__in=participants, state=Invoice.State.ISSUED).order_by("pk")
        yield "invoices", issued.values(*INVOICE).iterator()

    def open_money(self, participants: list[Participant]) -> dict[str, str]:
        """Those with a balance, a prepayment, credit held by orders or trades, or a document that is not paid."""
        told = _("{name} still has open money or open orders. Settle them first, or make somebody else its owner.")
        return {one.code: told.format(name=one.name) for one in participants if _is_open(one)}


def _trades(mine: Q, who: str) -> Rows:
    found = Trade.objects.filter(mine).order_by("market", "trade_no")
    return found.values(*TRADE, who).iterator()


def _is_open(participant: Participant) -> bool:
    admissions = Admission.objects.filter(participant=participant)
    moving = ~Q(settled_millidong=0) | Q(committed_millidong__gt=0) | Q(prepaid_millidong__gt=0)
    if admissions.filter(moving).exists():
        return True
    markets = admissions.values_list("market_id", flat=True)
    return any(open_documents(market_id=market, participant_id=participant.pk) for market in markets)
