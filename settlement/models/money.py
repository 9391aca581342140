"""Money that really moved: bank files and their lines, payments and what they paid, reminders.

A payment is posted to the ledger in the transaction that records it. Nothing here is changed or deleted afterwards, but
for a bank line's way from `unmatched` to `matched` or `ignored`: a wrong match is undone by a payment back.
"""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Participant, User
from meters.models import Site
from settlement.models.billing import Invoice
from settlement.models.laws import APPEND_ONLY
from trading.models import Market


class BankFile(models.Model):
    """A bank statement that was uploaded. The same bytes are taken in once."""

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="bank_files")
    name = models.CharField(max_length=120)
    format = models.CharField(max_length=10)
    digest = models.CharField(max_length=64)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ("-at",)
        constraints = (models.UniqueConstraint(fields=("site", "digest"), name="bank_file_once"),)
        triggers = (pgtrigger.Protect(name="bank_file_is_append_only", operation=APPEND_ONLY),)

    def __str__(self) -> str:
        return self.name


class BankLine(models.Model):
    """One movement on the bank account. Money in is positive."""

    class State(models.TextChoices):
        UNMATCHED = "unmatched", _("Not matched yet")
        MATCHED = "matched", _("Matched")
        IGNORED = "ignored", _("Not ours")

    file = models.ForeignKey(BankFile, on_delete=models.PROTECT, related_name="lines")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+")
    position = models.PositiveIntegerField()
    booked_on = models.DateField()
    amount_dong = models.BigIntegerField()
    text = models.TextField(blank=True)
    counterparty = models.CharField(max_length=200, blank=True)
    # The bank's own number of the movement, or a digest of the line where the file has none: overlapping files meet.
    bank_reference = models.CharField(max_length=80)
    state = models.CharField(max_length=9, choices=State.choices, default=State.UNMATCHED)
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("-booked_on", "file", "position")
        constraints = (
            models.UniqueConstraint(fields=("file", "position"), name="bank_line_position"),
            models.UniqueConstraint(fields=("site", "bank_reference"), name="bank_movement_once"),
            models.CheckConstraint(condition=~Q(amount_dong=0), name="bank_line_moves_money"),
        )
        triggers = (
            pgtrigger.Protect(name="bank_line_is_not_deleted", operation=pgtrigger.Delete),
            pgtrigger.Protect(
                name="matched_bank_line_is_final",
                operation=pgtrigger.Update,
                condition=pgtrigger.Condition("OLD.state <> 'unmatched'"),
            ),
        )

    def __str__(self) -> str:
        return f"{self.booked_on} {self.amount_dong}"


class Payment(models.Model):
    """Money between a participant and the market. In is positive, out (a payout, a refund) negative, in đồng."""

    class Kind(models.TextChoices):
        RECEIVED = "received", _("Received")
        PAID_OUT = "paid_out", _("Paid out")
        REFUND = "refund", _("Refund")
        PREPAYMENT = "prepayment", _("Prepayment")
        FROM_PREPAID = "from_prepaid", _("Taken from the prepayment")

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="payments")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="payments")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    amount_dong = models.BigIntegerField()
    bank_line = models.OneToOneField(BankLine, null=True, on_delete=models.PROTECT, related_name="payment")
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()
    note = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("-at", "-id")
        constraints = (models.CheckConstraint(condition=~Q(amount_dong=0), name="payment_moves_money"),)
        triggers = (pgtrigger.Protect(name="payment_is_append_only", operation=APPEND_ONLY),)

    def __str__(self) -> str:
        return f"{self.participant_id} {self.amount_dong}"


class Allocation(models.Model):
    """The part of a payment that paid a document, in đồng with the payment's sign. PostgreSQL refuses more than it is,
    and more than the document is."""

    payment = models.ForeignKey(Payment, on_delete=models.PROTECT, related_name="allocations")
    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="allocations")
    amount_dong = models.BigIntegerField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("payment", "invoice"), name="one_allocation_per_payment_and_invoice"),
            models.CheckConstraint(condition=~Q(amount_dong=0), name="allocation_moves_money"),
        )
        triggers = (
            pgtrigger.Protect(name="allocation_is_append_only", operation=APPEND_ONLY),
            pgtrigger.Trigger(
                name="allocation_within_bounds",
                when=pgtrigger.After,
                operation=pgtrigger.Insert,
                func="""
                    IF (SELECT abs(sum(amount_dong)) FROM settlement_allocation WHERE payment_id = NEW.payment_id)
                        > (SELECT abs(amount_dong) FROM settlement_payment WHERE id = NEW.payment_id)
                    OR EXISTS (
                        SELECT FROM settlement_invoice i WHERE i.id = NEW.invoice_id AND (
                            i.state <> 'issued' OR sign(i.total_dong) * (
                                SELECT sum(amount_dong) FROM settlement_allocation WHERE invoice_id = i.id
                            ) NOT BETWEEN 0 AND abs(i.total_dong)
                        )
                    ) THEN
                        RAISE EXCEPTION 'more is allocated than was paid, or than the document is'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        )

    def __str__(self) -> str:
        return f"{self.payment_id} {self.invoice_id} {self.amount_dong}"


class Reminder(models.Model):
    """A dunning mail that was sent for a document, as it was sent."""

    invoice = models.ForeignKey(Invoice, on_delete=models.PROTECT, related_name="reminders")
    level = models.PositiveSmallIntegerField()
    to = models.EmailField()
    subject = models.CharField(max_length=200)
    body = models.TextField()
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    at = models.DateTimeField()

    class Meta:
        ordering = ("-at",)
        constraints = (models.UniqueConstraint(fields=("invoice", "level"), name="one_reminder_per_level"),)
        triggers = (pgtrigger.Protect(name="reminder_is_append_only", operation=APPEND_ONLY),)

    def __str__(self) -> str:
        return f"{self.invoice_id} {self.level}"
