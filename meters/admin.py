"""Stock administration of sites, metering points, meters and devices. Readings come in by API and CSV, not by hand."""

from django.contrib import admin

from meters.models import Channel, Device, Meter, MeteringPoint, Site


class ChannelInline(admin.TabularInline):
    """The registers of a meter."""

    model = Channel
    extra = 0


@admin.register(Site)
class SiteAdmin(admin.ModelAdmin):
    """Sites."""

    list_display = ("code", "name", "timezone")
    search_fields = ("code", "name")


@admin.register(MeteringPoint)
class MeteringPointAdmin(admin.ModelAdmin):
    """Metering points."""

    list_display = ("code", "site", "participant", "role")
    list_filter = ("site", "role")
    search_fields = ("code", "participant__name")
    autocomplete_fields = ("participant",)


@admin.register(Meter)
class MeterAdmin(admin.ModelAdmin):
    """Meters with their channels."""

    list_display = ("serial", "metering_point", "installed_on", "removed_on")
    search_fields = ("serial", "metering_point__code")
    autocomplete_fields = ("metering_point",)
    inlines = (ChannelInline,)


@admin.register(Device)
class DeviceAdmin(admin.ModelAdmin):
    """Devices behind the meters."""

    list_display = ("name", "kind", "participant", "site")
    list_filter = ("site", "kind")
    search_fields = ("name", "participant__name")
    autocomplete_fields = ("participant",)
