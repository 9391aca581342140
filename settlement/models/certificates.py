"""Certificates: ranges of green Wh with their holder and state, what they rest on, and the trail of every change.

A Wh of a producer's green surplus in a market has one number, counted up and never used again. A certificate is a range
`[first_wh, last_wh)` of them. PostgreSQL keeps that no number is in two certificates, that one which was used (retired,
registered outside, void) never changes again, that a producer's certificates of an interval are what its account says,
and that the account certifies no more than was metered, less what was withheld, plus what it openly owes.

Certificates and events have no foreign keys, for the reason that `laws` gives; triggers check the same by statement.
"""

import pgtrigger
from django.contrib.postgres.constraints import ExclusionConstraint
from django.contrib.postgres.fields import RangeOperators
from django.db import models
from django.db.models import F, Func, Q, Value
from django.utils.translation import gettext_lazy as _

from accounts.models import Participant, User
from settlement.models.laws import APPEND_ONLY, belongs_to_run
from settlement.models.runs import SettlementRun
from trading.models import Contract, Market


class CertificateBook(models.Model):
    """A market's one lock for certificates: whoever changes any holds this row, so two never meet."""

    market = models.OneToOneField(Market, primary_key=True, on_delete=models.PROTECT, related_name="certificate_book")

    def __str__(self) -> str:
        return str(self.market_id)


class CertificateSeries(models.Model):
    """How many green Wh of a producer have a number in a market: the next certificate begins there."""

    pk = models.CompositePrimaryKey("market", "producer")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False)
    producer = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+", db_index=False)
    next_wh = models.BigIntegerField(default=0)

    class Meta:
        triggers = (
            pgtrigger.Protect(name="series_is_kept", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="series_only_counts_up",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("NEW.next_wh < OLD.next_wh"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.market_id} {self.producer_id}: {self.next_wh}"


class CertifiedContract(models.Model):
    """The run and the reading revision that a contract's certificates rest on. `stale`: an earlier interval has changed
    what the storages held, so this one must be looked at again."""

    contract = models.OneToOneField(Contract, primary_key=True, on_delete=models.PROTECT, related_name="certified")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+")
    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, related_name="+", db_index=False)
    reading_revision = models.BigIntegerField()
    stale = models.BooleanField(default=False)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.contract_id} by {self.run_id}"


_ADDS_UP = """
    SELECT coalesce((
        SELECT sum(quantity_wh) FROM settlement_certificate
        WHERE contract_id = NEW.contract_id AND producer_id = NEW.producer_id AND origin = NEW.origin
            AND state <> 'void'
    ), 0) - coalesce((
        SELECT certified_wh FROM settlement_greensurplus
        WHERE contract_id = NEW.contract_id AND producer_id = NEW.producer_id AND origin = NEW.origin
    ), 0) INTO difference;
    IF difference <> 0 THEN
        RAISE EXCEPTION 'the certificates of producer % in contract % are % Wh off what its surplus certifies',
            NEW.producer_id, NEW.contract_id, difference USING ERRCODE = 'check_violation';
    END IF;
    RETURN NULL;
"""


def _certificates_add_up() -> pgtrigger.Trigger:
    """At commit, a producer's certificates of a contract and origin are what its account certifies."""
    return pgtrigger.Trigger(
        name="certificates_add_up",
        when=pgtrigger.After,
        operation=pgtrigger.Insert | pgtrigger.Update,
        timing=pgtrigger.Deferred,
        declare=[("difference", "BIGINT")],
        func=_ADDS_UP,
    )


class GreenSurplus(models.Model):
    """One producer's green energy of one contract and origin, and the account of its certificates, in Wh.

    `output_wh` is what panels gave, or the PV part of what a storage gave; of it `green_wh` was exported, `stored_wh`
    charged a storage, the rest the owner used. `lots` is what the storage held afterwards, `lineage` where its
    discharge had been charged.
    """

    class Origin(models.TextChoices):
        PV = "pv", _("Solar panels")
        STORAGE = "storage", _("Solar energy from storage")

    pk = models.CompositePrimaryKey("contract", "producer", "origin")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False)
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="+", db_index=False)
    producer = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="+", db_index=False)
    origin = models.CharField(max_length=7, choices=Origin.choices)
    hour_start = models.DateTimeField()
    run = models.ForeignKey(SettlementRun, on_delete=models.PROTECT, related_name="+", db_index=False)
    reading_version = models.PositiveIntegerField(default=0)
    output_wh = models.BigIntegerField()
    stored_wh = models.BigIntegerField(default=0)
    green_wh = models.BigIntegerField()
    certified_wh = models.BigIntegerField(default=0)
    withheld_wh = models.BigIntegerField(default=0)
    owed_wh = models.BigIntegerField(default=0)
    repaid_wh = models.BigIntegerField(default=0)
    lineage = models.JSONField(default=list)
    lots = models.JSONField(default=list)

    class Meta:
        indexes = (
            models.Index(fields=("market", "producer", "origin", "hour_start"), name="surplus_of_producer"),
            models.Index(
                fields=("market", "producer"), condition=Q(owed_wh__gt=F("repaid_wh")), name="surplus_with_debt"
            ),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(green_wh__gte=0, stored_wh__gte=0, output_wh__gte=F("green_wh") + F("stored_wh")),
                name="surplus_within_output",
            ),
            models.CheckConstraint(
                condition=Q(certified_wh__gte=0, withheld_wh__gte=0, repaid_wh__gte=0, owed_wh__gte=F("repaid_wh")),
                name="surplus_not_negative",
            ),
            models.CheckConstraint(
                condition=Q(certified_wh__lte=F("green_wh") - F("withheld_wh") + F("owed_wh")),
                name="certified_within_surplus",
            ),
        )
        triggers = (pgtrigger.Protect(name="surplus_is_kept", operation=pgtrigger.Delete), _certificates_add_up())

    def __str__(self) -> str:
        return f"{self.contract_id} {self.producer_id} {self.origin}: {self.green_wh}"


def _only(field: str) -> Func:
    """A number as a range of itself: PostgreSQL compares those in an exclusion without an extension."""
    return Func(F(field), F(field), Value("[]"), function="int8range", output_field=models.Field())


_MAY_CHANGE = """
    IF OLD.state NOT IN ('issued', 'transferred') THEN
        RAISE EXCEPTION 'this certificate is % and can not be used again', OLD.state USING ERRCODE = 'check_violation';
    END IF;
    IF (NEW.market_id, NEW.producer_id, NEW.contract_id, NEW.origin, NEW.hour_start, NEW.run_id)
        IS DISTINCT FROM (OLD.market_id, OLD.producer_id, OLD.contract_id, OLD.origin, OLD.hour_start, OLD.run_id)
        OR NEW.first_wh < OLD.first_wh OR NEW.last_wh > OLD.last_wh
        OR (NEW.state = 'issued' AND OLD.state <> 'issued')
        OR (NEW.state <> 'transferred' AND NEW.holder_id <> OLD.holder_id)
    THEN
        RAISE EXCEPTION 'a certificate only shrinks, is handed on, or is used' USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


class Certificate(models.Model):
    """A range of a producer's green Wh of one contract: who holds it and what became of it."""

    class State(models.TextChoices):
        ISSUED = "issued", _("Issued")
        TRANSFERRED = "transferred", _("Transferred with delivered energy")
        RETIRED = "retired", _("Retired for a report")
        LOCKED = "locked", _("Registered outside")
        VOID = "void", _("Void after a correction")

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    producer = models.ForeignKey(
        Participant, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    holder = models.ForeignKey(
        Participant, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    hour_start = models.DateTimeField()
    origin = models.CharField(max_length=7, choices=GreenSurplus.Origin.choices)
    first_wh = models.BigIntegerField()
    last_wh = models.BigIntegerField()  # exclusive
    quantity_wh = models.GeneratedField(
        expression=F("last_wh") - F("first_wh"), output_field=models.BigIntegerField(), db_persist=True
    )
    state = models.CharField(max_length=11, choices=State.choices, default=State.ISSUED)
    run = models.ForeignKey(
        SettlementRun, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    reading_version = models.PositiveIntegerField(default=0)
    # Retired: what for, and the period of the report. Locked: the outside registry and its reference.
    purpose = models.CharField(max_length=200, blank=True)
    period_start = models.DateTimeField(null=True)
    period_end = models.DateTimeField(null=True)
    registry = models.CharField(max_length=60, blank=True)
    reference = models.CharField(max_length=120, blank=True)

    class Meta:
        ordering = ("hour_start", "producer", "first_wh")
        indexes = (
            models.Index(fields=("market", "holder", "hour_start"), name="certificate_of_holder"),
            models.Index(fields=("contract", "producer", "origin"), name="certificate_of_surplus"),
        )
        constraints = (
            models.CheckConstraint(
                condition=Q(first_wh__gte=0, first_wh__lt=F("last_wh")), name="certificate_of_something"
            ),
            models.CheckConstraint(
                condition=~Q(state="issued") | Q(holder=F("producer")), name="issued_is_with_its_producer"
            ),
            models.CheckConstraint(
                condition=~Q(state="retired")
                | (
                    Q(period_start__isnull=False, period_end__isnull=False, period_start__lt=F("period_end"))
                    & ~Q(purpose="")
                ),
                name="retired_for_a_period",
            ),
            models.CheckConstraint(
                condition=~Q(state="locked") | (~Q(registry="") & ~Q(reference="")), name="locked_with_a_reference"
            ),
            ExclusionConstraint(
                name="no_wh_certified_twice",
                expressions=[
                    (_only("market"), RangeOperators.OVERLAPS),
                    (_only("producer"), RangeOperators.OVERLAPS),
                    (
                        Func(F("first_wh"), F("last_wh"), function="int8range", output_field=models.Field()),
                        RangeOperators.OVERLAPS,
                    ),
                ],
            ),
        )
        triggers = (
            pgtrigger.Protect(name="certificate_is_kept", operation=pgtrigger.Delete),
            pgtrigger.Trigger(
                name="certificate_may_change", when=pgtrigger.Before, operation=pgtrigger.Update, func=_MAY_CHANGE
            ),
            _certificates_add_up(),
            belongs_to_run("certificate_belongs_to_run", "producer", "holder"),
        )

    def __str__(self) -> str:
        return f"{self.market_id}-{self.producer_id}-{self.first_wh}-{self.last_wh} {self.state}"


class CertificateEvent(models.Model):
    """One change of a range of green Wh, written in the transaction of the change. Holdings follow from these alone.

    `owed` and `made_up` have no range: they are the account of what could not be voided any more.
    """

    class Kind(models.TextChoices):
        ISSUED = "issued", _("Issued")
        TRANSFERRED = "transferred", _("Transferred with delivered energy")
        RETIRED = "retired", _("Retired for a report")
        LOCKED = "locked", _("Registered outside")
        VOID = "void", _("Void after a correction")
        OWED = "owed", _("Owed after a correction")
        MADE_UP = "made_up", _("Withheld to make up what is owed")

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    kind = models.CharField(max_length=11, choices=Kind.choices)
    at = models.DateTimeField()
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+", db_index=False)
    contract = models.ForeignKey(
        Contract, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    producer = models.ForeignKey(
        Participant, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    origin = models.CharField(max_length=7, choices=GreenSurplus.Origin.choices)
    run = models.ForeignKey(
        SettlementRun, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    first_wh = models.BigIntegerField(null=True)
    last_wh = models.BigIntegerField(null=True)
    quantity_wh = models.BigIntegerField()
    # Who had it before and who has it now: empty at issue, and where there is no holder.
    giver = models.ForeignKey(
        Participant, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    taker = models.ForeignKey(
        Participant, null=True, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ("id",)
        indexes = (models.Index(fields=("market", "producer", "contract"), name="certificate_event_of"),)
        constraints = (
            models.CheckConstraint(
                condition=Q(kind__in=("owed", "made_up"), first_wh__isnull=True, last_wh__isnull=True)
                | Q(first_wh__isnull=False, quantity_wh=F("last_wh") - F("first_wh"), quantity_wh__gt=0),
                name="event_of_a_range",
            ),
        )
        triggers = (
            pgtrigger.Protect(name="certificate_event_is_append_only", operation=APPEND_ONLY),
            belongs_to_run("certificate_event_belongs_to_run", "producer"),
        )

    def __str__(self) -> str:
        return f"{self.kind} {self.producer_id} {self.first_wh}–{self.last_wh}"
