"""The dated rulebook: what the grid charges by time of use, what it pays for surplus, what the local wires cost.

Every row has a date from which it holds and a source; a settled interval always uses the rows of its own day.
"""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Participant
from meters.models import Site


class Tariff(models.Model):
    """A retail tariff: a named set of dated time-of-use rows."""

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=160)

    def __str__(self) -> str:
        return self.name


class TariffRow(models.Model):
    """The retail price (VND/kWh, without VAT) on some weekdays between two local times, from one date to another."""

    class Period(models.TextChoices):
        FLAT = "flat", _("All day")
        NORMAL = "normal", _("Normal hours")
        PEAK = "peak", _("Peak hours")
        OFFPEAK = "offpeak", _("Off-peak hours")

    tariff = models.ForeignKey(Tariff, on_delete=models.CASCADE, related_name="rows")
    period = models.CharField(max_length=8, choices=Period.choices)
    weekdays = models.PositiveSmallIntegerField()  # bit 0 Monday … bit 6 Sunday
    from_minute = models.PositiveSmallIntegerField()
    to_minute = models.PositiveSmallIntegerField()
    price = models.BigIntegerField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)  # exclusive
    source = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("tariff", "valid_from", "from_minute")
        constraints = (
            models.CheckConstraint(condition=Q(weekdays__gte=1, weekdays__lte=127), name="tariff_weekdays_mask"),
            models.CheckConstraint(
                condition=Q(from_minute__lt=F("to_minute"), to_minute__lte=1440), name="tariff_minutes_in_day"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="tariff_row_dates"
            ),
        )

    def __str__(self) -> str:
        return f"{self.tariff_id} {self.period} {self.price}"


class TariffAssignment(models.Model):
    """Which retail tariff a participant is on at a site, from a date."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="tariffs")
    tariff = models.ForeignKey(Tariff, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateField()

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("site", "participant", "valid_from"), name="one_tariff_per_day"),
        )

    def __str__(self) -> str:
        return f"{self.participant_id} {self.tariff_id} {self.valid_from}"


class SiteTerms(models.Model):
    """What a site pays and charges beside retail, from a date: surplus price and network fee in VND/kWh."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="terms")
    valid_from = models.DateField()
    surplus_price = models.BigIntegerField()
    network_fee = models.BigIntegerField()
    deadband_pct = models.PositiveSmallIntegerField(default=5)
    deadband_wh = models.PositiveIntegerField(default=250)
    # The grid pays for surplus up to so much of an owner's monthly output; empty: for all of it.
    surplus_cap_pct = models.PositiveSmallIntegerField(null=True, blank=True)
    source = models.CharField(max_length=200, blank=True)

    class Meta:
        ordering = ("site", "valid_from")
        constraints = (
            models.UniqueConstraint(fields=("site", "valid_from"), name="one_set_of_terms_per_day"),
            models.CheckConstraint(condition=Q(network_fee__gte=0, deadband_pct__lte=100), name="terms_in_range"),
            models.CheckConstraint(
                condition=Q(surplus_cap_pct__isnull=True) | Q(surplus_cap_pct__lte=100), name="surplus_cap_in_percent"
            ),
        )

    def __str__(self) -> str:
        return f"{self.site_id} {self.valid_from}"
