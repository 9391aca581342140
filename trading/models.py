"""What was agreed: markets, contracts, the command log, orders, trades, positions.

The log is the truth; orders, trades and positions are what it amounts to, written in the same transaction. Rows of one
market start with `market_id` in their keys, and an order or command is known by its sequence number there, so that the
tables can be partitioned or spread by market without a change of code.
"""

from typing import Any

import pgtrigger
from django.db import models
from django.db.backends.base.base import BaseDatabaseWrapper
from django.db.models import F, Q, Value
from django.db.models.functions import Greatest
from django.utils.translation import gettext_lazy as _

from accounts.models import Participant, User
from meters.models import Site
from trading.domain.book import FROZEN, HALTED, RUNNING


class Stop(models.IntegerChoices):
    """How far trading is stopped: halted, orders may be cancelled; frozen, not even that."""

    RUNNING = RUNNING, _("Trading goes on")
    HALTED = HALTED, _("Halted")
    FROZEN = FROZEN, _("Frozen")


class Market(models.Model):
    """A site's market with its rules. Its row carries the log's last sequence number and is its one lock."""

    class LegalBasis(models.TextChoices):
        SHADOW = "shadow", _("Shadow: computes, never invoices")
        INTERNAL = "internal_accounting", _("Internal accounting")
        PRIVATE_WIRE = "private_wire", _("Private wire")
        RETAIL_UNIT = "park_retail_unit", _("The park's retail unit")
        GRID_DPPA = "grid_dppa", _("Direct purchase over the grid")

    class Mode(models.TextChoices):
        FIFO = "fifo", _("Struck first, delivered first")
        PRORATA = "prorata", _("Pro rata")

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="markets")
    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    legal_basis = models.CharField(max_length=20, choices=LegalBasis.choices, default=LegalBasis.SHADOW)

    interval_minutes = models.PositiveSmallIntegerField(default=30)
    open_ahead_minutes = models.PositiveIntegerField(default=2880)
    call_ends_minutes = models.PositiveIntegerField(null=True, blank=True)  # before delivery; empty: no call phase
    gate_minutes = models.PositiveSmallIntegerField(default=5)  # gate closure before delivery
    grace_minutes = models.PositiveSmallIntegerField(default=5)  # wait for readings after delivery
    tick = models.PositiveIntegerField(default=1)
    lot_wh = models.PositiveIntegerField(default=100)
    min_wh = models.PositiveIntegerField(default=100)
    max_wh = models.BigIntegerField(default=10_000_000)
    min_price = models.IntegerField(default=0)
    max_price = models.IntegerField(default=9_999)
    clearing_mode = models.CharField(max_length=8, choices=Mode.choices, default=Mode.FIFO)
    limits_enforced = models.BooleanField(default=True)
    ticking = models.BooleanField(default=True)  # off: a backtest or an audit drives the market itself
    rules_version = models.PositiveIntegerField(default=1)

    halted = models.BooleanField(default=False)  # whether `stop` says more than that trading goes on
    stop = models.PositiveSmallIntegerField(choices=Stop.choices, default=Stop.RUNNING, db_default=Stop.RUNNING)
    last_seq = models.BigIntegerField(default=0)
    last_trade_no = models.BigIntegerField(default=0)
    last_at = models.DateTimeField(null=True, blank=True)

    # Market time = clock_at + (wall − clock_started_at) × clock_rate; with both empty it is the wall clock.
    clock_rate = models.PositiveIntegerField(default=1)
    clock_at = models.DateTimeField(null=True, blank=True)
    clock_started_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(interval_minutes__in=(15, 30)), name="interval_divides_30"),
            models.CheckConstraint(condition=Q(tick__gte=1, lot_wh__gte=1, min_wh__gte=1), name="tick_and_lot"),
            models.CheckConstraint(condition=Q(min_wh__lte=F("max_wh")), name="quantity_range"),
            models.CheckConstraint(condition=Q(min_price__lte=F("max_price")), name="price_collar"),
        )

    def __str__(self) -> str:
        return self.name


class Admission(models.Model):
    """A participant's place in a market: zone, credit, what it offers the pool, and what it has committed so far."""

    market = models.ForeignKey(Market, on_delete=models.CASCADE, related_name="admissions")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="admissions")
    zone = models.CharField(max_length=20, default="site")
    active = models.BooleanField(default=True)
    # When it left: intervals that began before are still settled with it.
    ended_at = models.DateTimeField(null=True, blank=True)
    credit_limit_millidong = models.BigIntegerField(default=0)
    # Credit held by open orders and by trades that are not cleared yet; moved by the order path and by settlement.
    committed_millidong = models.BigIntegerField(default=0)
    # What cleared intervals and documents came to, less what was paid, as the ledger has it (positive: owed to the
    # participant), what it therefore owes, and what it has paid in advance. Moved by settlement alone.
    settled_millidong = models.BigIntegerField(default=0, db_default=0, editable=False)
    owed_millidong = models.GeneratedField(
        expression=Greatest(Value(0), -F("settled_millidong")), output_field=models.BigIntegerField(), db_persist=True
    )
    prepaid_millidong = models.BigIntegerField(default=0, db_default=0, editable=False)
    pool_ask_price = models.IntegerField(null=True, blank=True)
    pool_bid_price = models.IntegerField(null=True, blank=True)
    # A residential renter, who by law pays no more than the regulated price: bids are capped at the site's own cap.
    renter = models.BooleanField(default=False, db_default=False)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("market", "participant"), name="admitted_once"),
            models.CheckConstraint(condition=Q(committed_millidong__gte=0), name="commitment_not_negative"),
            models.CheckConstraint(condition=Q(credit_limit_millidong__gte=0), name="credit_not_negative"),
            models.CheckConstraint(condition=Q(prepaid_millidong__gte=0), name="prepayment_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.participant_id} in {self.market_id}"


class Contract(models.Model):
    """One delivery interval of a market: what is traded. Its state moves one way, each step claimed by an UPDATE."""

    class State(models.TextChoices):
        SCHEDULED = "SCHEDULED", _("Scheduled")
        CALL = "CALL", _("Opening auction")
        CONTINUOUS = "CONTINUOUS", _("Trading")
        CLOSED = "CLOSED", _("Gate closed")
        DELIVERED = "DELIVERED", _("Delivered")
        CLEARED = "CLEARED", _("Cleared")
        FINAL = "FINAL", _("Final")

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="contracts")
    delivery_start = models.DateTimeField()
    delivery_end = models.DateTimeField()
    gate_opens_at = models.DateTimeField()
    call_until = models.DateTimeField(null=True, blank=True)
    gate_closes_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.SCHEDULED)
    min_price = models.IntegerField()
    max_price = models.IntegerField()
    force_majeure = models.BooleanField(default=False)
    stop = models.PositiveSmallIntegerField(choices=Stop.choices, default=Stop.RUNNING, db_default=Stop.RUNNING)

    # The day's summary, kept by the order path so that a page of contracts reads one table.
    last_price = models.IntegerField(null=True, blank=True)
    last_at = models.DateTimeField(null=True, blank=True)
    high_price = models.IntegerField(null=True, blank=True)
    low_price = models.IntegerField(null=True, blank=True)
    volume_wh = models.BigIntegerField(default=0)
    turnover_millidong = models.BigIntegerField(default=0)

    class Meta:
        ordering = ("delivery_start",)
        indexes = (models.Index(fields=("market", "state", "gate_closes_at"), name="contract_due"),)
        constraints = (
            models.UniqueConstraint(fields=("market", "delivery_start", "delivery_end"), name="contract_once"),
            models.CheckConstraint(
                condition=Q(gate_opens_at__lte=F("gate_closes_at"), delivery_start__lt=F("delivery_end")),
                name="contract_times_in_order",
            ),
            models.CheckConstraint(
                condition=Q(call_until__isnull=True) | Q(call_until__lte=F("gate_closes_at")), name="call_before_gate"
            ),
        )

    def __str__(self) -> str:
        return f"{self.market_id} {self.delivery_start:%Y-%m-%d %H:%M}"


class WrittenJSON(models.JSONField):
    """JSON kept as it was written. The log is written once and read whole, so taking it apart would only cost."""

    def db_type(self, connection: BaseDatabaseWrapper) -> str:
        """PostgreSQL's `json`, which is text that was checked."""
        return "json"

    def from_db_value(self, value: Any, expression: Any, connection: BaseDatabaseWrapper) -> Any:
        """The driver reads `json` by itself."""
        return value


class Command(models.Model):
    """One line of a market's log: the message as it was taken and what it did. Gapless in `seq`; append-only.

    Only messages that had an effect are here: a rejection changes nothing, so replaying the log needs none of them.
    """

    pk = models.CompositePrimaryKey("market", "seq")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    seq = models.BigIntegerField()
    at = models.DateTimeField()
    op = models.CharField(max_length=10)
    participant = models.ForeignKey(
        Participant, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    by = models.ForeignKey(
        User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    message = WrittenJSON()
    outcome = WrittenJSON()

    class Meta:
        triggers = (pgtrigger.Protect(name="log_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"{self.market_id}:{self.seq} {self.op}"


class Order(models.Model):
    """An order as it stands now. Known inside by (market, seq of the command that placed it)."""

    class Side(models.IntegerChoices):
        BUY = 1, _("Buy")
        SELL = -1, _("Sell")

    class Status(models.IntegerChoices):
        OPEN = 0, _("Open")
        PARTIALLY_FILLED = 1, _("Partially filled")
        FILLED = 2, _("Filled")
        CANCELLED = 3, _("Cancelled")
        EXPIRED = 4, _("Expired")

    pk = models.CompositePrimaryKey("market", "seq")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    seq = models.BigIntegerField()
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="+", db_index=False)
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+", db_index=False)
    client_order_id = models.CharField(max_length=36)
    side = models.SmallIntegerField(choices=Side.choices)
    price = models.IntegerField(null=True)  # empty: a market order
    tif = models.CharField(max_length=3)
    quantity_wh = models.BigIntegerField()
    filled_wh = models.BigIntegerField(default=0)
    remaining_wh = models.BigIntegerField()
    display_wh = models.BigIntegerField(default=0)
    shown_wh = models.BigIntegerField(default=0)
    expires_at = models.DateTimeField(null=True)
    stp = models.CharField(max_length=12)
    post_only = models.BooleanField(default=False)
    status = models.SmallIntegerField(choices=Status.choices)
    action = models.CharField(max_length=20)
    reason = models.CharField(max_length=30, default="")
    value_millidong = models.BigIntegerField(default=0)
    priority = models.BigIntegerField()
    revision = models.PositiveIntegerField(default=1)
    last_seq = models.BigIntegerField()
    note = models.CharField(max_length=200, default="")
    created_at = models.DateTimeField()
    updated_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("market", "participant", "client_order_id"), name="client_order_id_once"),
            models.CheckConstraint(
                condition=Q(quantity_wh__gt=0, filled_wh__gte=0, filled_wh__lte=F("quantity_wh")), name="fill_in_range"
            ),
            models.CheckConstraint(
                condition=Q(status__lte=1, remaining_wh=F("quantity_wh") - F("filled_wh"), remaining_wh__gt=0)
                | Q(status__gte=2, remaining_wh=0),
                name="open_orders_remain",
            ),
        )
        indexes = (
            # Rising for both sides: asks by price, bids by −price. A borrowed slice is one scan of it.
            models.Index(
                "contract",
                "side",
                F("side") * F("price") * -1,
                "priority",
                name="order_book",
                condition=Q(status__lte=1),
            ),
            models.Index(
                fields=("market", "expires_at"),
                name="order_expiry",
                condition=Q(status__lte=1, expires_at__isnull=False),
            ),
            models.Index(fields=("market", "participant"), name="order_open_own", condition=Q(status__lte=1)),
        )

    def __str__(self) -> str:
        return f"{self.market_id}:{self.seq}"


class Trade(models.Model):
    """A fill: buyer and seller, price of the resting order, quantity. `trade_no` counts in execution order."""

    pk = models.CompositePrimaryKey("market", "trade_no")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    trade_no = models.BigIntegerField()
    seq = models.BigIntegerField()
    # Contract and parties stand on the orders too, where the database checks them; here it would cost as much again.
    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    price = models.IntegerField()
    quantity_wh = models.BigIntegerField()
    buyer = models.ForeignKey(
        Participant, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    seller = models.ForeignKey(
        Participant, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    buy_seq = models.BigIntegerField()
    sell_seq = models.BigIntegerField()
    taker_side = models.SmallIntegerField(choices=Order.Side.choices)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(quantity_wh__gt=0), name="trade_of_something"),
            models.CheckConstraint(condition=~Q(buyer=F("seller")), name="no_trade_with_oneself"),
        )
        indexes = (models.Index(fields=("contract", "trade_no"), name="trade_of_contract"),)
        triggers = (pgtrigger.Protect(name="trade_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"{self.market_id}:{self.trade_no}"


class Position(models.Model):
    """What one participant has bought, sold and on offer in one contract, and the credit that holds."""

    pk = models.CompositePrimaryKey("market", "contract", "participant")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    # A position only ever follows an order, whose contract and participant the database has checked.
    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="positions", db_index=False, db_constraint=False
    )
    participant = models.ForeignKey(
        Participant, on_delete=models.PROTECT, related_name="positions", db_index=False, db_constraint=False
    )
    bought_wh = models.BigIntegerField(default=0)
    sold_wh = models.BigIntegerField(default=0)
    open_buy_wh = models.BigIntegerField(default=0)
    open_sell_wh = models.BigIntegerField(default=0)
    committed_millidong = models.BigIntegerField(default=0)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(bought_wh__gte=0, sold_wh__gte=0, open_buy_wh__gte=0, open_sell_wh__gte=0),
                name="position_not_negative",
            ),
            models.CheckConstraint(condition=Q(committed_millidong__gte=0), name="position_commitment_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.participant_id} in {self.contract_id}"


class EnergyLimit(models.Model):
    """What a participant is expected to have over (+) or to need (−) in an interval, in Wh: it bounds what it may sell.

    Written by planning from its forecasts; where there is none, nameplate × interval × 1.1 bounds the offer.
    """

    pk = models.CompositePrimaryKey("market", "contract", "participant")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="+", db_index=False)
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+", db_index=False)
    net_wh = models.BigIntegerField()
    updated_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.participant_id} in {self.contract_id}: {self.net_wh}"


class PlannedStop(models.Model):
    """A stop of the whole market that is known beforehand: maintenance, a holiday. The tick begins and ends it."""

    class State(models.TextChoices):
        PLANNED = "planned", _("Planned")
        RUNNING = "running", _("Under way")
        OVER = "over", _("Over")
        CANCELLED = "cancelled", _("Cancelled")

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="planned_stops")
    starts_at = models.DateTimeField()
    ends_at = models.DateTimeField()
    freeze = models.BooleanField(default=False)
    reason = models.CharField(max_length=200)
    planned_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    state = models.CharField(max_length=9, choices=State.choices, default=State.PLANNED)
    applied = models.BooleanField(default=False)  # its halt stands in the log; else somebody had stopped trading before

    class Meta:
        ordering = ("starts_at",)
        constraints = (models.CheckConstraint(condition=Q(starts_at__lt=F("ends_at")), name="stop_of_some_time"),)

    def __str__(self) -> str:
        return f"{self.market_id} {self.starts_at:%Y-%m-%d %H:%M} {self.state}"
