"""Stock administration of the rulebook, to look at: dated rows are replaced by operation, so that no day has two."""

from django.contrib import admin

from accounts.admin import ReadOnly
from tariffs.models import SiteTerms, Tariff, TariffAssignment, TariffRow


class RowInline(admin.TabularInline):
    """The dated rows of a tariff."""

    model = TariffRow
    extra = 0
    can_delete = False


@admin.register(Tariff)
class TariffAdmin(ReadOnly):
    """Tariffs with their rows."""

    list_display = ("code", "name")
    search_fields = ("code", "name")
    inlines = (RowInline,)


@admin.register(TariffAssignment)
class AssignmentAdmin(ReadOnly):
    """Who is on what tariff."""

    list_display = ("site", "participant", "tariff", "valid_from")
    list_filter = ("site", "tariff")


@admin.register(SiteTerms)
class TermsAdmin(ReadOnly):
    """Surplus price and network fee of a site."""

    list_display = ("site", "valid_from", "surplus_price", "network_fee")
