"""The month: its close, what each participant moved in it, and the documents that come out.

A close is worked off in steps that each commit with their progress, so that a process may die anywhere and another goes
on. A document is a draft until it is issued; from then on PostgreSQL lets nobody change or delete it, and the numbers
of a series have no gap, because each statement that numbers documents must go on where the series stands.
"""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Participant, User
from meters.models import Meter, MeteringPoint, Site
from settlement.domain.document import InvoiceDocument, from_canonical
from settlement.models.laws import APPEND_ONLY
from trading.models import Market


class Issuer(models.Model):
    """Who sells at a site and stands on its documents: legal name, tax code, bank, and how it numbers."""

    site = models.OneToOneField(Site, on_delete=models.PROTECT, related_name="issuer")
    legal_name = models.CharField(max_length=200)
    tax_code = models.CharField(max_length=20, blank=True)
    address = models.CharField(max_length=300, blank=True)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=30, blank=True)
    bank_name = models.CharField(max_length=120, blank=True)
    bank_bin = models.CharField(max_length=6, blank=True)  # the bank's number at NAPAS, for VietQR
    bank_account = models.CharField(max_length=30, blank=True)
    country = models.CharField(max_length=2, default="VN")  # whose VAT it charges
    # The last two letters of its series, as in C26TWB; payers write them, so no two issuers share them.
    symbol = models.CharField(max_length=2, unique=True, default="WB")
    self_bill_symbol = models.CharField(max_length=2, unique=True, default="WS")
    due_days = models.PositiveSmallIntegerField(default=10)
    carry_below_dong = models.PositiveIntegerField(default=1_000)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(symbol__regex="^[A-Z]{2}$", self_bill_symbol__regex="^[A-Z]{2}$")
                & ~Q(symbol=F("self_bill_symbol")),
                name="issuer_symbols_are_two_letters",
            ),
        )

    def __str__(self) -> str:
        return self.legal_name

    def series_code(self, kind: str, year: int) -> str:
        """A series as Vietnamese law writes it: C (with the tax authority's code), year, T (business), two letters."""
        return f"C{year % 100:02}T{self.self_bill_symbol if kind == 'self_bill' else self.symbol}"


class MonthClose(models.Model):
    """One close of a market's month. The first bills it; later ones bill what has changed since, as adjustments."""

    class State(models.TextChoices):
        COMPUTING = "computing", _("Being computed")
        COMPUTED = "computed", _("Waits for approval")
        APPROVED = "approved", _("Being issued")
        ISSUED = "issued", _("Issued")
        DISCARDED = "discarded", _("Discarded")

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="closes")
    month = models.DateField()  # its first day
    number = models.PositiveIntegerField()
    state = models.CharField(max_length=9, choices=State.choices, default=State.COMPUTING)
    requested_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    requested_at = models.DateTimeField()
    computed_at = models.DateTimeField(null=True)
    approved_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    approved_at = models.DateTimeField(null=True)
    issue_on = models.DateField(null=True)
    issued_at = models.DateTimeField(null=True)
    # The newest run of the month when its figures were taken: a newer one makes them old.
    last_run_id = models.BigIntegerField(default=0)
    participants = models.PositiveIntegerField(default=0)
    drafted = models.PositiveIntegerField(default=0)
    drafted_to = models.BigIntegerField(default=0)  # participants up to this id have their draft
    issued = models.PositiveIntegerField(default=0)
    checklist = models.JSONField(default=list)  # as it stood when the close was approved

    class Meta:
        ordering = ("-month", "-number")
        constraints = (
            models.UniqueConstraint(fields=("market", "month", "number"), name="close_number_per_month"),
            models.UniqueConstraint(
                fields=("market", "month"),
                condition=Q(state__in=("computing", "computed", "approved")),
                name="one_open_close_per_month",
            ),
            models.CheckConstraint(condition=Q(month__day=1), name="close_of_a_whole_month"),
            models.CheckConstraint(
                condition=Q(approved_by__isnull=True) | ~Q(approved_by=F("requested_by")), name="close_by_two_people"
            ),
            models.CheckConstraint(
                condition=~Q(state__in=("approved", "issued"))
                | Q(approved_by__isnull=False, approved_at__isnull=False, issue_on__isnull=False),
                name="close_issued_only_when_approved",
            ),
        )
        triggers = (
            pgtrigger.Protect(
                name="issued_close_is_final",
                operation=APPEND_ONLY,
                condition=pgtrigger.Q(old__state__in=("issued", "discarded")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.market_id} {self.month:%Y-%m} #{self.number}"


class CloseDay(models.Model):
    """A local day whose figures a close has taken."""

    pk = models.CompositePrimaryKey("close", "on")
    close = models.ForeignKey(MonthClose, on_delete=models.CASCADE, related_name="days", db_index=False)
    on = models.DateField()
    intervals = models.PositiveIntegerField()
    # The ids of the runs that the figures rest on, added up: any other run would change the sum.
    runs_sum = models.BigIntegerField(default=0)
    losses_wh = models.BigIntegerField(default=0)
    # What all accounts together moved, milli-đồng: 0, or something is very wrong.
    cash_millidong = models.BigIntegerField(default=0)
    # Participants whose figures are not what the ledger says: 0, or something is very wrong.
    ledger_differences = models.PositiveIntegerField(default=0)

    def __str__(self) -> str:
        return f"{self.close_id} {self.on}"


class MonthFigure(models.Model):
    """What a participant moved on a day, by kind and price. Money has the ledger's sign: received is positive."""

    pk = models.CompositePrimaryKey("close", "participant", "on", "kind", "price")
    close = models.ForeignKey(MonthClose, on_delete=models.CASCADE, related_name="figures", db_index=False)
    participant = models.ForeignKey(
        Participant, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    on = models.DateField()
    kind = models.CharField(max_length=22)
    price = models.BigIntegerField()  # 0 where many prices make up the figure
    energy_wh = models.BigIntegerField()
    amount_millidong = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.close_id} {self.participant_id} {self.on} {self.kind}"


class CloseReading(models.Model):
    """What a metering point counted on a day, as the close saw it."""

    pk = models.CompositePrimaryKey("close", "metering_point", "on")
    close = models.ForeignKey(MonthClose, on_delete=models.CASCADE, related_name="readings", db_index=False)
    metering_point = models.ForeignKey(
        MeteringPoint, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False
    )
    on = models.DateField()
    import_wh = models.BigIntegerField()
    export_wh = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.close_id} {self.metering_point_id} {self.on}"


class RegisterReading(models.Model):
    """What a meter's registers stood at when a local day began, as the last document says."""

    pk = models.CompositePrimaryKey("meter", "on")
    meter = models.ForeignKey(Meter, on_delete=models.PROTECT, related_name="registers", db_index=False)
    on = models.DateField()
    import_wh = models.BigIntegerField()
    export_wh = models.BigIntegerField()

    def __str__(self) -> str:
        return f"{self.meter_id} {self.on}"


class InvoiceSeries(models.Model):
    """A run of numbers: one site, one kind of document, one year."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="series")
    kind = models.CharField(max_length=10)
    year = models.PositiveSmallIntegerField()
    code = models.CharField(max_length=12)
    last_number = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("site", "kind", "year"), name="one_series_per_kind_and_year"),
            models.UniqueConstraint(fields=("site", "code"), name="series_code_per_site"),
        )

    def __str__(self) -> str:
        return self.code


_ISSUED = "OLD.state IN ('issued', 'carried')"


class Invoice(models.Model):
    """A document for a participant's month. Amounts in đồng; positive is owed by the participant."""

    class Kind(models.TextChoices):
        INVOICE = "invoice", _("Invoice")
        SELF_BILL = "self_bill", _("Self-billing invoice")
        STATEMENT = "statement", _("Statement")

    class State(models.TextChoices):
        DRAFT = "draft", _("Draft")
        ISSUED = "issued", _("Issued")
        CARRIED = "carried", _("Carried to a later month")

    class Relation(models.TextChoices):
        ORIGINAL = "original", _("Original")
        ADJUSTMENT = "adjustment", _("Adjustment")
        REPLACEMENT = "replacement", _("Replacement")

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="invoices")
    close = models.ForeignKey(MonthClose, null=True, on_delete=models.PROTECT, related_name="invoices")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="invoices")
    # Empty: one document for all of the participant's metering points.
    metering_point = models.ForeignKey(MeteringPoint, null=True, on_delete=models.PROTECT, related_name="+")
    month = models.DateField()
    kind = models.CharField(max_length=10, choices=Kind.choices)
    relation = models.CharField(max_length=11, choices=Relation.choices, default=Relation.ORIGINAL)
    refers_to = models.ForeignKey("self", null=True, on_delete=models.PROTECT, related_name="followed_by")
    state = models.CharField(max_length=7, choices=State.choices, default=State.DRAFT)
    series = models.ForeignKey(InvoiceSeries, null=True, on_delete=models.PROTECT, related_name="invoices")
    number = models.PositiveIntegerField(null=True)
    issued_on = models.DateField(null=True)
    due_on = models.DateField(null=True)
    net_dong = models.BigIntegerField()
    vat_dong = models.BigIntegerField()
    total_dong = models.BigIntegerField()
    reference = models.CharField(max_length=25, blank=True)  # what the payer writes into the transfer
    # What it posts beside the runs, milli-đồng owed by the participant: tier, capacity, platform_fee, vat, rounding.
    postings = models.JSONField(default=dict)
    # The frozen value that every form of the document is made from, as canonical JSON, and its SHA-256.
    document = models.TextField()
    digest = models.CharField(max_length=64)

    class Meta:
        ordering = ("-month", "participant")
        indexes = (models.Index(fields=("participant", "month"), name="invoice_of_participant"),)
        constraints = (
            models.UniqueConstraint(
                fields=("close", "participant", "metering_point"),
                nulls_distinct=False,
                condition=Q(close__isnull=False),
                name="one_document_per_close",
            ),
            models.UniqueConstraint(fields=("series", "number"), name="invoice_number_once"),
            models.UniqueConstraint(fields=("reference",), condition=~Q(reference=""), name="payment_reference_once"),
            models.CheckConstraint(
                condition=Q(total_dong=F("net_dong") + F("vat_dong")), name="invoice_total_is_net_and_vat"
            ),
            models.CheckConstraint(
                condition=Q(series__isnull=True, number__isnull=True)
                | Q(series__isnull=False, number__isnull=False, state="issued", issued_on__isnull=False),
                name="only_issued_invoices_have_numbers",
            ),
            models.CheckConstraint(
                condition=~Q(state="issued") | Q(kind="statement", number__isnull=True) | Q(number__isnull=False),
                name="statements_alone_have_no_number",
            ),
            models.CheckConstraint(
                condition=Q(relation="original", refers_to__isnull=True)
                | (~Q(relation="original") & Q(refers_to__isnull=False)),
                name="corrections_refer_to_the_original",
            ),
        )
        triggers = (
            pgtrigger.Protect(
                name="issued_invoice_is_final", operation=APPEND_ONLY, condition=pgtrigger.Condition(_ISSUED)
            ),
            pgtrigger.Protect(
                name="invoice_begins_as_draft",
                operation=pgtrigger.Insert,
                condition=pgtrigger.Condition("NEW.state <> 'draft' OR NEW.number IS NOT NULL"),
            ),
            pgtrigger.Trigger(
                name="numbers_without_gap",
                level=pgtrigger.Statement,
                when=pgtrigger.After,
                operation=pgtrigger.Update,
                referencing=pgtrigger.Referencing(new="numbered"),
                func="""
                    IF EXISTS (
                        SELECT FROM (
                            SELECT series_id, min(number) AS first, max(number) AS last, count(*) AS count
                            FROM numbered WHERE number IS NOT NULL GROUP BY series_id
                        ) n WHERE last - first + 1 <> count OR (first > 1 AND NOT EXISTS (
                            SELECT FROM settlement_invoice i WHERE i.series_id = n.series_id AND i.number = first - 1
                        ))
                    ) THEN
                        RAISE EXCEPTION 'the numbers of a series must follow on one another'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        )

    def __str__(self) -> str:
        return f"{self.series.code}-{self.number}" if self.series else f"{self.kind} {self.pk}"

    def frozen(self) -> InvoiceDocument:
        """The document as a value."""
        return from_canonical(self.document.encode())


class InvoiceLine(models.Model):
    """One line: exact in milli-đồng, and in đồng as the document shows it. Positive is owed by the participant."""

    pk = models.CompositePrimaryKey("invoice", "position")
    invoice = models.ForeignKey(Invoice, on_delete=models.CASCADE, related_name="lines", db_index=False)
    position = models.PositiveSmallIntegerField()
    kind = models.CharField(max_length=22)
    period = models.CharField(max_length=8, blank=True)
    tier_from_wh = models.BigIntegerField(null=True)
    tier_to_wh = models.BigIntegerField(null=True)
    since = models.DateField()
    until = models.DateField()
    quantity = models.BigIntegerField()
    price = models.BigIntegerField(null=True)
    amount_millidong = models.BigIntegerField()
    amount_dong = models.BigIntegerField()
    vat_bp = models.PositiveIntegerField(null=True)
    # A line that takes up an amount too small to be billed before.
    carried_from = models.OneToOneField(Invoice, null=True, on_delete=models.PROTECT, related_name="taken_up_by")

    class Meta:
        triggers = (
            pgtrigger.Trigger(
                name="issued_line_is_final",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update | pgtrigger.Delete,
                declare=[("final", "BOOLEAN")],
                func="""
                    SELECT state IN ('issued', 'carried') INTO final FROM settlement_invoice
                        WHERE id = CASE WHEN TG_OP = 'DELETE' THEN OLD.invoice_id ELSE NEW.invoice_id END;
                    IF final THEN
                        RAISE EXCEPTION 'the lines of an issued document cannot be changed'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    IF TG_OP = 'DELETE' THEN RETURN OLD; END IF;
                    RETURN NEW;
                """,
            ),
        )

    def __str__(self) -> str:
        return f"{self.invoice_id} {self.position}"
