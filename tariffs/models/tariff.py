"""Retail tariffs: dated prices by time of use or by tier, prices for peak power, and who is on which tariff."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Participant
from meters.models import Site
from tariffs.models import guards


class Tariff(models.Model):
    """A retail tariff: a named set of dated rows for one class of customer at one voltage."""

    class Kind(models.TextChoices):
        FLAT = "flat", _("One price")
        TOU = "tou", _("By time of use")
        TIERED = "tiered", _("By tiers of a month's use")

    code = models.SlugField(max_length=60, unique=True)
    name = models.CharField(max_length=160)
    country = models.CharField(max_length=2, default="VN")
    customer_class = models.CharField(max_length=60, blank=True)
    voltage = models.CharField(max_length=20, blank=True)
    kind = models.CharField(max_length=6, choices=Kind.choices, default=Kind.TOU)
    pilot = models.BooleanField(default=False)  # computed to compare with; nobody is put on it by default
    note = models.TextField(blank=True)

    def __str__(self) -> str:
        return self.name


class TariffRow(models.Model):
    """The retail price (VND/kWh, without VAT) on some weekdays between two local times, from one date to another.

    `valid_from` is the day from which it is billed; `legal_from` the day from which the law says so, where that is
    another one. A tiered row holds all week and all day for the part of a month's use from `tier_from_wh` on.
    """

    class Period(models.TextChoices):
        FLAT = "flat", _("All day")
        NORMAL = "normal", _("Normal hours")
        PEAK = "peak", _("Peak hours")
        OFFPEAK = "offpeak", _("Off-peak hours")
        TIER = "tier", _("Tier")

    tariff = models.ForeignKey(Tariff, on_delete=models.CASCADE, related_name="rows")
    period = models.CharField(max_length=8, choices=Period.choices)
    weekdays = models.PositiveSmallIntegerField()  # bit 0 Monday … bit 6 Sunday
    from_minute = models.PositiveSmallIntegerField()
    to_minute = models.PositiveSmallIntegerField()
    tier_from_wh = models.BigIntegerField(default=0)
    tier_to_wh = models.BigIntegerField(null=True, blank=True)  # exclusive
    price = models.BigIntegerField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)  # exclusive
    legal_from = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=200, blank=True)
    doubt = models.TextField(blank=True)

    class Meta:
        ordering = ("tariff", "valid_from", "tier_from_wh", "from_minute")
        constraints = (
            models.CheckConstraint(condition=Q(weekdays__gte=1, weekdays__lte=127), name="tariff_weekdays_mask"),
            models.CheckConstraint(
                condition=Q(from_minute__lt=F("to_minute"), to_minute__lte=1440), name="tariff_minutes_in_day"
            ),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="tariff_row_dates"
            ),
            models.CheckConstraint(
                condition=Q(tier_from_wh__gte=0) & (Q(tier_to_wh__isnull=True) | Q(tier_to_wh__gt=F("tier_from_wh"))),
                name="tariff_tier_in_order",
            ),
            models.CheckConstraint(
                condition=Q(period="tier", weekdays=127, from_minute=0, to_minute=1440)
                | ~Q(period="tier") & Q(tier_from_wh=0, tier_to_wh__isnull=True),
                name="tariff_tier_all_week",
            ),
        )
        triggers = guards.of_tariff(ends=True)

    def __str__(self) -> str:
        return f"{self.tariff_id} {self.period} {self.price}"


class CapacityPrice(models.Model):
    """What a two-part tariff charges for power: VND per kW and month on Pmax, the highest half-hour mean of the
    month's import."""

    tariff = models.ForeignKey(Tariff, on_delete=models.CASCADE, related_name="capacity_prices")
    price_per_kw = models.BigIntegerField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)  # exclusive
    legal_from = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=200, blank=True)
    doubt = models.TextField(blank=True)

    class Meta:
        ordering = ("tariff", "valid_from")
        constraints = (
            models.UniqueConstraint(fields=("tariff", "valid_from"), name="one_capacity_price_per_day"),
            models.CheckConstraint(condition=Q(price_per_kw__gte=0), name="capacity_price_not_negative"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="capacity_price_dates"
            ),
        )
        triggers = guards.of_tariff(ends=True)

    def __str__(self) -> str:
        return f"{self.tariff_id} {self.price_per_kw}"


_HELD = (
    "EXISTS (SELECT FROM tariffs_tariffassignment a WHERE a.site_id = NEW.site_id"
    " AND a.participant_id = NEW.participant_id AND a.valid_from <= NEW.valid_from)"
)


class TariffAssignment(models.Model):
    """Which retail tariff a participant is on at a site, from a date.

    `expected_month_wh` says which tier's price counts within an interval: the one in which the last Wh of such a month
    falls. The month close charges the exact tiers.
    """

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="+")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="tariffs")
    tariff = models.ForeignKey(Tariff, on_delete=models.PROTECT, related_name="+")
    valid_from = models.DateField()
    expected_month_wh = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("site", "participant", "valid_from"), name="one_tariff_per_day"),
            models.CheckConstraint(condition=Q(expected_month_wh__gte=0), name="expected_use_not_negative"),
        )
        triggers = guards.of_site(_HELD)

    def __str__(self) -> str:
        return f"{self.participant_id} {self.tariff_id} {self.valid_from}"
