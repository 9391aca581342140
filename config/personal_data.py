"""What the trading, metering and settlement apps hold about participants: for the export of a person's data.

It stands here because accounts, which shows the page, knows none of those apps; config joins the parts.
"""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict
from datetime import UTC, datetime
from typing import Any

from django.db.models import Q
from django.utils.translation import gettext as _

from accounts.models import BillingProfile, Participant
from members.models import Claim
from meters.models import Device, MeteringPoint, Reading
from planning.models import Forecast, PeakLimit, StandingInstruction
from settlement.models import Certificate, Dispute, Invoice, Payment
from settlement.queries import energy_today
from settlement.queries.documents import open_documents
from trading.models import Admission, Market, Order, Trade

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

ADMISSION = (
    "market__code", "participant__code", "zone", "active", "ended_at", "credit_limit_millidong", "settled_millidong",
    "prepaid_millidong", "pool_ask_price", "pool_bid_price", "renter",
)  # fmt: skip
PAYMENT = ("market__code", "participant__code", "kind", "amount_dong", "at", "note")
DISPUTE = (
    "market__code", "participant__code", "contract__delivery_start", "state", "reason", "opened_at", "decision",
    "decided_at",
)  # fmt: skip
CERTIFICATE = (
    "market__code", "holder__code", "hour_start", "origin", "first_wh", "last_wh", "state", "purpose", "registry",
    "reference",
)  # fmt: skip
WISH = (
    "market__code", "participant__code", "active", "sell_far_price", "sell_near_price", "buy_far_price",
    "buy_near_price",
)  # fmt: skip
PEAK = ("market__code", "participant__code", "limit_w", "warn_pct")
FORECAST = ("market__code", "participant__code", "start", "load_wh", "generation_wh")
CLAIM = ("market__code", "participant__code", "kind", "values", "state", "made_at", "decided_at", "note")
FIRST, LAST = datetime(2000, 1, 1, tzinfo=UTC), datetime(2200, 1, 1, tzinfo=UTC)


class HeldData:
    """The other apps' answers, for `accounts.signin.holdings`."""

    def files(self, participants: list[Participant]) -> Iterator[tuple[str, Rows]]:
        """Each kind of thing that belongs to them; of a trade the other side is not named."""
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
        yield "admissions", Admission.objects.filter(participant__in=participants).values(*ADMISSION)
        yield "intervals", (row for one in participants for row in _intervals(one))
        yield "payments", Payment.objects.filter(participant__in=participants).order_by("pk").values(*PAYMENT)
        yield "disputes", Dispute.objects.filter(participant__in=participants).order_by("pk").values(*DISPUTE)
        held = Certificate.objects.filter(Q(holder__in=participants) | Q(producer__in=participants)).order_by("pk")
        yield "certificates", held.values(*CERTIFICATE).iterator()
        wishes = StandingInstruction.objects.filter(participant__in=participants).order_by("pk")
        yield "instructions", wishes.values(*WISH)
        yield "peak_limits", PeakLimit.objects.filter(participant__in=participants).order_by("pk").values(*PEAK)
        expected = Forecast.objects.filter(participant__in=participants).order_by("start")
        yield "forecasts", expected.values(*FORECAST).iterator()
        yield "reported_equipment", Claim.objects.filter(participant__in=participants).order_by("pk").values(*CLAIM)

    def about(self) -> dict[str, str]:
        """What each of these files holds."""
        return {
            "billing": _("how the participants stand on documents"),
            "devices": _("panels, batteries and vehicles"),
            "metering_points": _("where energy is measured"),
            "readings": _("what the meters said, with every version"),
            "orders": _("orders, with the reason of each"),
            "bought": _("trades in which you bought"),
            "sold": _("trades in which you sold"),
            "invoices": _("issued documents, as they are on paper"),
            "admissions": _("terms in each market: zone, credit, balance"),
            "intervals": _("energy and money of every settled interval"),
            "payments": _("payments to and from you"),
            "disputes": _("intervals that you disputed, and the decisions"),
            "certificates": _("certificates of green energy made or held"),
            "instructions": _("what the platform trades for you, and between which prices"),
            "peak_limits": _("power that you do not want to exceed"),
            "forecasts": _("what was expected of your sun and use"),
            "reported_equipment": _("equipment that you reported"),
        }

    def timezone(self, participants: list[Participant]) -> str:
        """That of the first market of theirs, or of the first there is."""
        markets = Market.objects.order_by("pk").values_list("site__timezone", flat=True)
        own = markets.filter(admissions__participant__in=participants).first()
        return own or markets.first() or "UTC"

    def open_money(self, participants: list[Participant]) -> dict[str, str]:
        """Those with a balance, a prepayment, credit held by orders or trades, or a document that is not paid."""
        told = _("{name} still has open money or open orders. Settle them first, or make somebody else its owner.")
        return {one.code: told.format(name=one.name) for one in participants if _is_open(one)}


def _intervals(participant: Participant) -> Iterator[Mapping[str, Any]]:
    for place in Admission.objects.filter(participant=participant).select_related("market").order_by("market"):
        for row in energy_today(place.market_id, participant.pk, FIRST, LAST):
            yield {"market": place.market.code, "participant": participant.code, **asdict(row)}


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
