"""Who owes whom: settlement runs with what they were computed from, and a double-entry ledger that PostgreSQL keeps.

Two laws stand in the database itself: entries are never changed or deleted, and every statement that adds entries must
leave each transaction it touches at zero, in energy and in money.

The tables that grow with every interval have no foreign keys: checked row by row at commit, they took as long as all
the rest of a large run. Triggers check the same once a statement, over the added rows as a set, and more than a key
can: run, transaction, account and party are of the row's own market. What they refer to is never deleted, so it stays
true: runs, transactions and accounts are append-only, and an account's foreign key holds its participant.
"""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Participant
from trading.models import Contract, Market

APPEND_ONLY = pgtrigger.Update | pgtrigger.Delete


def _after_insert(name: str, func: str, declare: list[tuple[str, str]] | None = None) -> pgtrigger.Trigger:
    """A law over the rows that one statement added, COPY included."""
    return pgtrigger.Trigger(
        name=name,
        level=pgtrigger.Statement,
        when=pgtrigger.After,
        operation=pgtrigger.Insert,
        referencing=pgtrigger.Referencing(new="added"),
        declare=declare,
        func=func,
    )


def _belongs_to_run(name: str, *parties: str) -> pgtrigger.Trigger:
    """The run is of the row's market, and so is each party: it has an account there, opened before its results."""
    joins = "".join(
        f" LEFT JOIN settlement_ledgeraccount {party} ON {party}.market_id = x.market_id"
        f" AND {party}.kind = 'participant' AND {party}.participant_id = x.{party}_id"
        for party in parties
    )
    missing = "".join(f" OR {party}.id IS NULL" for party in parties)
    return _after_insert(
        name,
        f"""
            IF EXISTS (
                SELECT FROM (SELECT DISTINCT run_id, market_id{"".join(f", {p}_id" for p in parties)} FROM added) x
                LEFT JOIN settlement_settlementrun r ON r.id = x.run_id AND r.market_id = x.market_id{joins}
                WHERE r.id IS NULL{missing}
            ) THEN
                RAISE EXCEPTION 'a result names a run or a party that its market does not have'
                    USING ERRCODE = 'foreign_key_violation';
            END IF;
            RETURN NULL;
        """,
    )


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
            _belongs_to_run("result_belongs_to_run", "participant"),
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

    class Meta:
        constraints = (models.CheckConstraint(condition=Q(delivered_wh__gte=0), name="delivered_not_negative"),)
        triggers = (
            pgtrigger.Protect(name="trade_result_is_append_only", operation=APPEND_ONLY),
            _belongs_to_run("trade_result_belongs_to_run"),
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
            _belongs_to_run("compensation_belongs_to_run", "payer", "payee"),
        )

    def __str__(self) -> str:
        return f"{self.run_id} {self.trade_no}"


class LedgerAccount(models.Model):
    """Where money stands: one account per participant of a market, and the market's own."""

    class Kind(models.TextChoices):
        PARTICIPANT = "participant", _("Participant")
        OPERATOR = "operator", _("Grid operator")
        NETWORK = "network", _("Local network")
        LOSSES = "losses", _("Losses")

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="ledger_accounts")
    kind = models.CharField(max_length=12, choices=Kind.choices)
    participant = models.ForeignKey(Participant, null=True, on_delete=models.PROTECT, related_name="+")

    class Meta:
        constraints = (
            models.UniqueConstraint(
                fields=("market", "kind", "participant"), nulls_distinct=False, name="ledger_account_once"
            ),
            models.CheckConstraint(
                condition=Q(kind="participant", participant__isnull=False)
                | (~Q(kind="participant") & Q(participant__isnull=True)),
                name="participant_account_has_participant",
            ),
        )
        triggers = (pgtrigger.Protect(name="account_is_append_only", operation=APPEND_ONLY),)

    def __str__(self) -> str:
        return f"{self.market_id} {self.kind} {self.participant_id or ''}"


class LedgerTransaction(models.Model):
    """A set of entries that sums to zero: one category of one settlement run."""

    class Category(models.TextChoices):
        LOCAL = "local", _("Local trades delivered")
        POOL = "pool", _("Pool")
        GRID_IMPORT = "grid_import", _("Bought from the grid")
        GRID_EXPORT = "grid_export", _("Surplus paid by the grid")
        NETWORK_FEE = "network_fee", _("Network fee")
        COMPENSATION = "compensation", _("Deviation compensation")

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="+", db_index=False)
    run = models.ForeignKey(SettlementRun, null=True, on_delete=models.PROTECT, related_name="transactions")
    contract = models.ForeignKey(Contract, null=True, on_delete=models.PROTECT, related_name="ledger_transactions")
    category = models.CharField(max_length=20, choices=Category.choices)
    at = models.DateTimeField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("run", "category"), name="one_transaction_per_run_and_category"),
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
            _after_insert(
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
            _after_insert(
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
