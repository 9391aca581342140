"""What was measured: sites, metering points with their meters and channels, versioned readings, devices.

A reading belongs to a metering point and an interval and is never changed: a correction is the next version, and what a
run used can always be found again.
"""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Participant


class Site(models.Model):
    """One campus or industrial park: wires, a place under the sun, a time zone."""

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    timezone = models.CharField(max_length=40, default="Asia/Ho_Chi_Minh")
    latitude = models.FloatField(default=11.05)
    longitude = models.FloatField(default=106.67)

    def __str__(self) -> str:
        return self.name


class MeteringPoint(models.Model):
    """A place on the wires where energy is counted for one participant; `boundary` points are what is settled."""

    class Role(models.TextChoices):
        BOUNDARY = "boundary", _("Boundary with the neighbours")
        GENERATION = "generation", _("Generation sub-meter")
        STORAGE = "storage", _("Storage sub-meter")
        GRID = "grid", _("The site's connection to the grid")

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="metering_points")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="metering_points")
    code = models.CharField(max_length=40)
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.BOUNDARY)
    # What the connection can carry: a reading above it is not plausible.
    max_import_w = models.BigIntegerField(null=True, blank=True)
    max_export_w = models.BigIntegerField(null=True, blank=True)

    class Meta:
        ordering = ("code",)
        constraints = (models.UniqueConstraint(fields=("site", "code"), name="metering_point_code_per_site"),)

    def __str__(self) -> str:
        return self.code


class Meter(models.Model):
    """The device on the wall, installed at a metering point for a time."""

    metering_point = models.ForeignKey(MeteringPoint, on_delete=models.PROTECT, related_name="meters")
    serial = models.CharField(max_length=40, unique=True)
    multiplier = models.PositiveIntegerField(default=1)
    register_digits = models.PositiveSmallIntegerField(default=6)
    # What the registers showed when it was installed, in Wh as displayed × multiplier.
    start_import_wh = models.BigIntegerField(default=0)
    start_export_wh = models.BigIntegerField(default=0)
    installed_on = models.DateField()
    removed_on = models.DateField(null=True, blank=True)
    # What they showed when it was taken down.
    end_import_wh = models.BigIntegerField(null=True, blank=True)
    end_export_wh = models.BigIntegerField(null=True, blank=True)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(removed_on__isnull=True) | Q(removed_on__gte=F("installed_on")), name="meter_removed_after"
            ),
            models.UniqueConstraint(
                fields=("metering_point",), condition=Q(removed_on__isnull=True), name="one_meter_hangs_at_a_point"
            ),
        )

    def __str__(self) -> str:
        return self.serial


class Channel(models.Model):
    """One register of a meter, named by its OBIS code (1.8.0 import, 2.8.0 export)."""

    class Direction(models.TextChoices):
        IMPORT = "import", _("Import")
        EXPORT = "export", _("Export")

    meter = models.ForeignKey(Meter, on_delete=models.CASCADE, related_name="channels")
    obis = models.CharField(max_length=20)
    direction = models.CharField(max_length=6, choices=Direction.choices)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("meter", "obis"), name="obis_once_per_meter"),)

    def __str__(self) -> str:
        return f"{self.meter} {self.obis}"


class Reading(models.Model):
    """Energy through a metering point in one interval, in Wh. Later versions correct earlier ones; none is altered."""

    class Quality(models.TextChoices):
        MEASURED = "measured", _("Measured")
        ESTIMATED = "estimated", _("Estimated")
        CORRECTED = "corrected", _("Corrected")

    pk = models.CompositePrimaryKey("site", "start", "metering_point", "version")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", db_index=False)
    start = models.DateTimeField()
    metering_point = models.ForeignKey(MeteringPoint, on_delete=models.PROTECT, related_name="readings", db_index=False)
    version = models.PositiveIntegerField(default=1)
    minutes = models.PositiveSmallIntegerField()
    import_wh = models.BigIntegerField()
    export_wh = models.BigIntegerField()
    quality = models.CharField(max_length=9, choices=Quality.choices, default=Quality.MEASURED)
    source = models.CharField(max_length=60, blank=True)
    received_at = models.DateTimeField()

    class Meta:
        indexes = (models.Index(fields=("metering_point", "start"), name="reading_of_point"),)
        constraints = (
            models.CheckConstraint(condition=Q(import_wh__gte=0, export_wh__gte=0), name="reading_not_negative"),
            models.CheckConstraint(condition=Q(version__gte=1), name="reading_version_from_one"),
        )
        triggers = (pgtrigger.Protect(name="reading_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"{self.metering_point_id} {self.start:%Y-%m-%d %H:%M} v{self.version}"


class IntervalRevision(models.Model):
    """How often the readings of an interval have changed. A run notes what it saw, so the touched ones can be found."""

    pk = models.CompositePrimaryKey("site", "start")
    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="+", db_index=False)
    start = models.DateTimeField()
    revision = models.BigIntegerField(default=1)

    def __str__(self) -> str:
        return f"{self.site_id} {self.start:%Y-%m-%d %H:%M} r{self.revision}"


class Device(models.Model):
    """Something behind a meter that makes or keeps energy: PV, battery, EV, swap station. Powers in W, energy in Wh."""

    class Kind(models.TextChoices):
        PV = "pv", _("Solar panels")
        BATTERY = "battery", _("Battery")
        EV = "ev", _("Electric vehicle")
        STATION = "swap_station", _("Battery swap station")

    site = models.ForeignKey(Site, on_delete=models.PROTECT, related_name="devices")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="devices")
    name = models.CharField(max_length=80)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    peak_w = models.BigIntegerField(default=0)
    capacity_wh = models.BigIntegerField(default=0)
    charge_w = models.BigIntegerField(default=0)
    discharge_w = models.BigIntegerField(default=0)
    round_trip_ppm = models.PositiveIntegerField(default=900_000)
    floor_pct = models.PositiveSmallIntegerField(default=10)
    reserve_pct = models.PositiveSmallIntegerField(default=0)
    soc_wh = models.BigIntegerField(default=0)
    soc_at = models.DateTimeField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("site", "participant", "name"), name="device_name_per_participant"),
            models.CheckConstraint(
                condition=Q(peak_w__gte=0, capacity_wh__gte=0, charge_w__gte=0, discharge_w__gte=0),
                name="device_not_negative",
            ),
            models.CheckConstraint(condition=Q(soc_wh__gte=0, soc_wh__lte=F("capacity_wh")), name="soc_in_capacity"),
            models.CheckConstraint(
                condition=Q(round_trip_ppm__gt=0, round_trip_ppm__lte=1_000_000), name="round_trip_at_most_one"
            ),
            models.CheckConstraint(condition=Q(floor_pct__lte=100, reserve_pct__lte=100), name="percent_at_most_100"),
        )

    def __str__(self) -> str:
        return f"{self.name} ({self.kind})"
