"""Settlement runs of a contract, with everything they were computed from and all that they found."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Participant
from settlement.models.laws import APPEND_ONLY, belongs_to_run
from trading.models import Contract, Market


class SettlementRun(models.Model):
    """One computation of one contract. Run n+1 posts only what differs from run n.

    It keeps every rule it used, so that it can be computed again byte for byte whatever has changed since.
    """

    class Kind(models.TextChoices):
        P = "P", _("Provisional")
        SF = "SF", _("Settlement, next day")
        R1 = "R1", _("First reconciliation")
        R2 = "R2", _("Invoice cut-off")
        RF = "RF", _("Final reconciliation")

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="runs")
    number = models.PositiveIntegerField()
    kind = models.CharField(max_length=2, choices=Kind.choices)
    at = models.DateTimeField()
    mode = models.CharField(max_length=8)
    surplus_price = models.BigIntegerField()
    network_fee = models.BigIntegerField()
    # Where fees differ by zone pair: the zones' names, and the fee from each (row) to each (column) in VND/kWh.
    zone_fees = models.JSONField(null=True)
    deadband_pct = models.PositiveSmallIntegerField(default=5)
    deadband_wh = models.PositiveIntegerField(default=250)
    force_majeure = models.BooleanField(default=False)
    # The interval's reading revision that was seen: a higher one means that readings have come since.
    reading_revision = models.BigIntegerField(default=0)
    # The same inputs give the same results, so a run that saw nothing new points at the run that holds them.
    results_of = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    pool_wh = models.BigIntegerField(default=0)
    pool_price = models.BigIntegerField(null=True)
    estimated_count = models.PositiveIntegerField(default=0)
    input_hash = models.CharField(max_length=64)
    invariants = models.JSONField()
    alarms = models.JSONField(default=list)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("contract", "number"), name="run_number_per_contract"),)
        triggers = (pgtrigger.Protect(name="run_is_append_only", operation=APPEND_ONLY),)

    def __str__(self) -> str:
        return f"{self.contract_id} {self.kind}{self.number}"


class ParticipantResult(models.Model):
    """What one run found for one participant: metered energy, where it went, and the reading version it rests on."""

    pk = models.CompositePrimaryKey("run", "participant")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    run = models.ForeignKey(
        SettlementRun, on_delete=models.PROTECT, related_name="results", db_index=False, db_constraint=False
    )
    participant = models.ForeignKey(
        Participant, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    import_wh = models.BigIntegerField()
    export_wh = models.BigIntegerField()
    sold_wh = models.BigIntegerField()
    bought_wh = models.BigIntegerField()
    pool_sold_wh = models.BigIntegerField()
    pool_bought_wh = models.BigIntegerField()
    grid_import_wh = models.BigIntegerField()
    grid_export_wh = models.BigIntegerField()
    retail_price = models.BigIntegerField()
    # What it offered the pool then, and how much surplus the grid still paid it that month (empty: no limit).
    pool_ask_price = models.BigIntegerField(null=True)
    pool_bid_price = models.BigIntegerField(null=True)
    surplus_cap_wh = models.BigIntegerField(null=True)
    unpaid_spill_wh = models.BigIntegerField(default=0)
    zone_index = models.SmallIntegerField(null=True)  # among the run's zones
    cash_millidong = models.BigIntegerField()
    reading_version = models.PositiveIntegerField(default=0)  # 0: no reading, the value was estimated
    estimated = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(export_wh=models.F("sold_wh") + models.F("grid_export_wh"))
                & Q(import_wh=models.F("bought_wh") + models.F("grid_import_wh")),
                name="energy_is_conserved",
            ),
        )
        triggers = (
            pgtrigger.Protect(name="result_is_append_only", operation=APPEND_ONLY),
            belongs_to_run("resultbelongs_to_run", "participant"),
        )

    def __str__(self) -> str:
        return f"{self.run_id} {self.participant_id}"


class TradeResult(models.Model):
    """What one run found for one trade: how much was delivered, what was missed, and what the miss costs."""

    pk = models.CompositePrimaryKey("run", "trade_no")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    run = models.ForeignKey(
        SettlementRun, on_delete=models.PROTECT, related_name="trades", db_index=False, db_constraint=False
    )
    trade_no = models.BigIntegerField()
    delivered_wh = models.BigIntegerField()
    # The network fee of this trade's zones in VND/kWh, where it is not the run's own.
    fee_price = models.BigIntegerField(null=True)

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(delivered_wh__gte=0), name="delivered_not_negative"),)
        triggers = (
            pgtrigger.Protect(name="trade_result_is_append_only", operation=APPEND_ONLY),
            belongs_to_run("trade_resultbelongs_to_run"),
        )

    def __str__(self) -> str:
        return f"{self.run_id} {self.trade_no}"


class Compensation(models.Model):
    """Who pays whom for the actual loss of one trade in one run."""

    pk = models.CompositePrimaryKey("run", "trade_no", "payer")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    run = models.ForeignKey(
        SettlementRun, on_delete=models.PROTECT, related_name="compensations", db_index=False, db_constraint=False
    )
    trade_no = models.BigIntegerField()
    payer = models.ForeignKey(
        Participant, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    payee = models.ForeignKey(
        Participant, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    missed_wh = models.BigIntegerField()
    charged_wh = models.BigIntegerField()
    amount_millidong = models.BigIntegerField()

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(charged_wh__gte=0, charged_wh__lte=models.F("missed_wh"), amount_millidong__gte=0),
                name="compensation_of_a_loss",
            ),
        )
        triggers = (
            pgtrigger.Protect(name="compensation_is_append_only", operation=APPEND_ONLY),
            belongs_to_run("compensationbelongs_to_run", "payer", "payee"),
        )

    def __str__(self) -> str:
        return f"{self.run_id} {self.trade_no}"


class SettlementAlarm(models.Model):
    """A contract that could not be settled: why, and when it is tried again. Open until `resolved_at`."""

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="settlement_alarms")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="settlement_alarms")
    code = models.CharField(max_length=40)
    message = models.TextField()
    attempts = models.PositiveIntegerField(default=1)
    raised_at = models.DateTimeField()
    retry_at = models.DateTimeField()
    resolved_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("contract",), condition=Q(resolved_at__isnull=True), name="one_open_alarm_per_contract"
            ),
        )

    def __str__(self) -> str:
        return f"{self.contract_id} {self.code}"
