"""Stock administration of markets, admissions and contracts, to look at.

The log, orders, trades and positions have composite keys, which Django's administration cannot show; they are read by
API and by `export_orders`. A market's rules change by operation, not by a form that knows nothing of open orders.
"""

from django.contrib import admin

from accounts.admin import ReadOnly
from trading.models import Admission, Contract, Market


@admin.register(Market)
class MarketAdmin(ReadOnly):
    """Markets and where their logs stand."""

    list_display = ("code", "name", "site", "legal_basis", "halted", "last_seq", "last_at")


@admin.register(Admission)
class AdmissionAdmin(ReadOnly):
    """Who trades where, with what credit."""

    list_display = ("market", "participant", "zone", "active", "credit_limit_millidong", "committed_millidong")
    list_filter = ("market", "active")
    search_fields = ("participant__name", "participant__code")


@admin.register(Contract)
class ContractAdmin(ReadOnly):
    """Contracts and their states."""

    list_display = ("market", "delivery_start", "state", "last_price", "volume_wh", "gate_closes_at")
    list_filter = ("market", "state")
    date_hierarchy = "delivery_start"
