"""Stock administration of users, participants, memberships; the audit trail is read-only."""

from django.contrib import admin
from django.contrib.auth.admin import UserAdmin
from django.http import HttpRequest

from accounts.models import AuditEntry, BillingProfile, Membership, Participant, User


class ReadOnly(admin.ModelAdmin):
    """Rows that nobody changes by hand: the database refuses it anyway."""

    def has_add_permission(self, request: HttpRequest) -> bool:
        """Nobody adds one."""
        return False

    def has_change_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody changes one."""
        return False

    def has_delete_permission(self, request: HttpRequest, obj: object = None) -> bool:
        """Nobody deletes one."""
        return False


class MembershipInline(admin.TabularInline):
    """Who acts for the participant."""

    model = Membership
    extra = 0
    autocomplete_fields = ("user",)


@admin.register(User)
class OwnUserAdmin(UserAdmin):
    """Users with their language."""

    fieldsets = (*(UserAdmin.fieldsets or ()), (None, {"fields": ("language", "is_auditor")}))


@admin.register(Participant)
class ParticipantAdmin(admin.ModelAdmin):
    """Participants with their members."""

    list_display = ("code", "name", "kind", "beneficial_owner")
    list_filter = ("kind",)
    search_fields = ("code", "name")
    autocomplete_fields = ("beneficial_owner",)
    inlines = (MembershipInline,)


@admin.register(BillingProfile)
class BillingProfileAdmin(ReadOnly):
    """How participants stand on documents; changed on the pages, which check and note it."""

    list_display = ("participant", "legal_name", "tax_code", "vat_registered", "invoice_per", "language")
    list_filter = ("vat_registered", "invoice_per", "language")
    search_fields = ("participant__code", "legal_name", "tax_code")


@admin.register(AuditEntry)
class AuditAdmin(ReadOnly):
    """What people did."""

    list_display = ("at", "by", "action", "target")
    search_fields = ("action", "target")
    date_hierarchy = "at"
