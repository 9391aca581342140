"""Stock administration of the rulebook, to look at: dated rows are replaced by operation, so that no day has two."""

from django.contrib import admin

from accounts.admin import ReadOnly
from tariffs.models import (
    CapacityPrice,
    EmissionFactor,
    NetworkFee,
    RuleChange,
    RulesLock,
    SiteTerms,
    Tariff,
    TariffAssignment,
    TariffRow,
    VatRate,
)


class RowInline(admin.TabularInline):
    """The dated rows of a tariff."""

    model = TariffRow
    extra = 0
    can_delete = False


class CapacityInline(admin.TabularInline):
    """What a two-part tariff charges for power."""

    model = CapacityPrice
    extra = 0
    can_delete = False


@admin.register(Tariff)
class TariffAdmin(ReadOnly):
    """Tariffs with their rows."""

    list_display = ("code", "name", "customer_class", "voltage", "kind", "pilot")
    list_filter = ("country", "customer_class", "kind", "pilot")
    search_fields = ("code", "name")
    inlines = (RowInline, CapacityInline)


@admin.register(TariffAssignment)
class AssignmentAdmin(ReadOnly):
    """Who is on what tariff."""

    list_display = ("site", "participant", "tariff", "valid_from", "expected_month_wh")
    list_filter = ("site", "tariff")


@admin.register(SiteTerms)
class TermsAdmin(ReadOnly):
    """Surplus price, fees and compensation rules of a site."""

    list_display = ("site", "valid_from", "surplus_price", "surplus_cap_pct", "network_fee", "renter_cap_price")


@admin.register(NetworkFee)
class FeeAdmin(ReadOnly):
    """Network fees by zone pair."""

    list_display = ("site", "seller_zone", "buyer_zone", "price", "valid_from")


@admin.register(VatRate)
class VatAdmin(ReadOnly):
    """VAT rates."""

    list_display = ("country", "category", "rate_bp", "valid_from", "valid_to", "source")


@admin.register(EmissionFactor)
class FactorAdmin(ReadOnly):
    """Emission factors of the grid."""

    list_display = ("country", "year", "mg_per_kwh", "official", "valid_from", "source")


@admin.register(RuleChange)
class ChangeAdmin(ReadOnly):
    """Changes of rules with who proposed and who decided them."""

    list_display = ("kind", "effective_on", "state", "proposed_by", "proposed_at", "decided_by", "decided_at")
    list_filter = ("state", "kind")


@admin.register(RulesLock)
class LockAdmin(ReadOnly):
    """Until which day the rules of a site are settled."""

    list_display = ("site", "settled_until")
