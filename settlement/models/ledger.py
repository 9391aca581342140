"""A double-entry ledger that PostgreSQL keeps.

Two laws stand in the database itself: entries are never changed or deleted, and every statement that adds entries must
leave each transaction it touches at zero, in energy and in money.
"""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Participant
from settlement.models.laws import APPEND_ONLY, after_insert
from settlement.models.runs import SettlementRun
from trading.models import Contract, Market


class LedgerAccount(models.Model):
    """Where money stands: a participant's accounts in a market, and the market's own.

    | account | positive | negative |
    |---|---|---|
    | participant | earned, not invoiced yet | owed, not invoiced yet |
    | receivable | invoiced, to be paid out to it | invoiced, to be paid by it |
    | prepaid | paid in advance | never |
    | bank | never | what lies in the bank |
    | suspense | came in, payer unknown | never |
    | operator, network, platform, vat, rounding, losses | to be passed on | to be borne |
    """

    class Kind(models.TextChoices):
        PARTICIPANT = "participant", _("Participant")
        RECEIVABLE = "receivable", _("Invoiced")
        PREPAID = "prepaid", _("Paid in advance")
        OPERATOR = "operator", _("Grid operator")
        NETWORK = "network", _("Local network")
        LOSSES = "losses", _("Losses")
        PLATFORM = "platform", _("Platform")
        VAT = "vat", _("Value-added tax")
        ROUNDING = "rounding", _("Rounding")
        BANK = "bank", _("Bank")
        SUSPENSE = "suspense", _("Payments not matched yet")

    OF_PARTICIPANTS = (Kind.PARTICIPANT, Kind.RECEIVABLE, Kind.PREPAID)

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="ledger_accounts")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    participant = models.ForeignKey(Participant, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("market", "kind", "participant"), nulls_distinct=False, name="ledger_account_once"
            ),
            models.CheckConstraint(
                condition=Q(kind__in=("participant", "receivable", "prepaid"), participant__isnull=False)
                | (~Q(kind__in=("participant", "receivable", "prepaid")) & Q(participant__isnull=True)),
                name="participant_account_has_participant",
            ),
        )
        triggers = (pgtrigger.Protect(name="account_is_append_only", operation=APPEND_ONLY),)

    def __str__(self) -> str:
        return f"{self.market_id} {self.kind} {self.participant_id or ''}"


class LedgerTransaction(models.Model):
    """A set of entries that sums to zero: one category of one settlement run, of one document, or of one payment."""

    class Category(models.TextChoices):
        LOCAL = "local", _("Local trades delivered")
        POOL = "pool", _("Pool")
        GRID_IMPORT = "grid_import", _("Bought from the grid")
        GRID_EXPORT = "grid_export", _("Surplus paid by the grid")
        NETWORK_FEE = "network_fee", _("Network fee")
        COMPENSATION = "compensation", _("Deviation compensation")
        TIER = "tier", _("Grid energy by tier")
        CAPACITY = "capacity", _("Capacity charge")
        PLATFORM_FEE = "platform_fee", _("Platform fee")
        VAT = "vat", _("Value-added tax")
        ROUNDING = "rounding", _("Rounding to whole đồng")
        INVOICE = "invoice", _("Invoiced")
        LOSSES = "losses", _("Technical losses")
        PAYMENT = "payment", _("Payment")
        PREPAYMENT = "prepayment", _("Prepayment")
        REFUND = "refund", _("Refund")
        SUSPENSE = "suspense", _("Payment not matched yet")

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey(SettlementRun, null=True, on_delete=models.PROTECT, related_name="transactions")
    contract = models.ForeignKey(Contract, null=True, on_delete=models.PROTECT, related_name="ledger_transactions")
    invoice = models.ForeignKey("settlement.Invoice", null=True, on_delete=models.PROTECT, related_name="transactions")
    payment = models.ForeignKey("settlement.Payment", null=True, on_delete=models.PROTECT, related_name="transactions")
    close = models.ForeignKey("settlement.MonthClose", null=True, on_delete=models.PROTECT, related_name="transactions")
    category = models.CharField(max_length=20, choices=Category.choices)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("run", "category"), name="one_transaction_per_run_and_category"),
            models.UniqueConstraint(fields=("invoice", "category"), name="one_transaction_per_invoice_and_category"),
            models.UniqueConstraint(fields=("payment", "category"), name="one_transaction_per_payment_and_category"),
            models.UniqueConstraint(fields=("close", "category"), name="one_transaction_per_close_and_category"),
        )
        triggers = (pgtrigger.Protect(name="transaction_is_append_only", operation=APPEND_ONLY),)

    def __str__(self) -> str:
        return f"{self.run_id} {self.category}"


class LedgerEntry(models.Model):
    """One account's share of a transaction, in milli-đồng: positive is received, negative is owed.

    Energy has the sign that money has at a positive price: given is positive, taken negative.
    """

    pk = models.CompositePrimaryKey("transaction", "account")
    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False, db_constraint=False)
    transaction = models.ForeignKey(
        LedgerTransaction, on_delete=models.PROTECT, related_name="entries", db_index=False, db_constraint=False
    )
    account = models.ForeignKey(
        LedgerAccount, on_delete=models.PROTECT, related_name="entries", db_index=False, db_constraint=False
    )
    energy_wh = models.BigIntegerField()
    amount_millidong = models.BigIntegerField()

    class Meta:
        indexes = (models.Index(fields=("account", "transaction"), name="entry_of_account"),)
        triggers = (
            pgtrigger.Protect(name="entry_is_append_only", operation=APPEND_ONLY),
            after_insert(
                "transaction_sums_to_zero",
                # Summed over the added rows alone: what was there before already sums to zero.
                """
                    SELECT transaction_id INTO unbalanced FROM added
                        GROUP BY transaction_id HAVING sum(amount_millidong) <> 0 OR sum(energy_wh) <> 0 LIMIT 1;
                    IF unbalanced IS NOT NULL THEN
                        RAISE EXCEPTION 'ledger transaction % does not sum to zero', unbalanced
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NULL;
                """,
                [("unbalanced", "BIGINT")],
            ),
            after_insert(
                "entry_belongs_to_market",
                """
                    IF EXISTS (
                        SELECT FROM added e LEFT JOIN settlement_ledgeraccount a
                        ON a.id = e.account_id AND a.market_id = e.market_id WHERE a.id IS NULL
                    ) OR EXISTS (
                        SELECT FROM (SELECT DISTINCT transaction_id, market_id FROM added) e
                        LEFT JOIN settlement_ledgertransaction t
                        ON t.id = e.transaction_id AND t.market_id = e.market_id WHERE t.id IS NULL
                    ) THEN
                        RAISE EXCEPTION 'a ledger entry names an account or a transaction that its market does not have'
                            USING ERRCODE = 'foreign_key_violation';
                    END IF;
                    RETURN NULL;
                """,
            ),
        )

    def __str__(self) -> str:
        return f"{self.transaction_id} {self.account_id} {self.amount_millidong}"
