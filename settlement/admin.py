"""Stock administration of runs and the ledger, to look at: nothing posted is ever changed.

Entries and results have composite keys, which Django's administration cannot show; a transaction is found here, its
entries by query.
"""

from django.contrib import admin

from accounts.admin import ReadOnly
from settlement.models import Issuer, LedgerAccount, LedgerTransaction, SettlementRun


@admin.register(SettlementRun)
class RunAdmin(ReadOnly):
    """Settlement runs and what they rest on."""

    list_display = ("contract", "number", "kind", "at", "estimated_count", "input_hash")
    list_filter = ("market", "kind")
    date_hierarchy = "at"


@admin.register(LedgerAccount)
class AccountAdmin(ReadOnly):
    """Ledger accounts."""

    list_display = ("market", "kind", "participant")
    list_filter = ("market", "kind")
    search_fields = ("participant__name",)


@admin.register(LedgerTransaction)
class TransactionAdmin(ReadOnly):
    """Ledger transactions."""

    list_display = ("market", "category", "contract", "run", "at")
    list_filter = ("market", "category")
    date_hierarchy = "at"


@admin.register(Issuer)
class IssuerAdmin(ReadOnly):
    """Who sells at each site; changed on the pages, which check and note it."""

    list_display = ("site", "legal_name", "tax_code", "symbol", "self_bill_symbol", "country")
    search_fields = ("legal_name", "tax_code")
