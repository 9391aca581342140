"""What holds in a whole country: VAT rates and the grid's emission factors."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from tariffs.models import guards


def _held(table: str, *key: str) -> str:
    same = " AND ".join(f"x.{column} = NEW.{column}" for column in key)
    return (
        f"EXISTS (SELECT FROM {table} x WHERE {same} AND x.valid_from <= NEW.valid_from"
        " AND (x.valid_to IS NULL OR x.valid_to > NEW.valid_from))"
    )


class VatRate(models.Model):
    """The VAT of one kind of supply in basis points (800 = 8 %), from one date to another. The later row wins."""

    class Category(models.TextChoices):
        ELECTRICITY = "electricity", _("Electricity")
        SERVICE = "service", _("Services")
        NONE = "none", _("Not taxed")

    country = models.CharField(max_length=2)
    category = models.CharField(max_length=12, choices=Category.choices)
    rate_bp = models.PositiveIntegerField()
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)  # exclusive
    legal_from = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=200, blank=True)
    doubt = models.TextField(blank=True)

    class Meta:
        ordering = ("country", "category", "valid_from")
        constraints = (
            models.UniqueConstraint(fields=("country", "category", "valid_from"), name="one_vat_rate_per_day"),
            models.CheckConstraint(condition=Q(rate_bp__lte=10_000), name="vat_rate_in_percent"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="vat_rate_dates"
            ),
        )
        triggers = guards.of_everywhere(_held("tariffs_vatrate", "country", "category"))

    def __str__(self) -> str:
        return f"{self.country} {self.category} {self.rate_bp}"


class EmissionFactor(models.Model):
    """What a kWh from the grid emits, in mg CO₂ (0.6592 t/MWh = 659,200), measured for `year`, to be used from a date.

    Official factors and researchers' estimates stand beside each other; a report says which it used.
    """

    country = models.CharField(max_length=2)
    year = models.PositiveSmallIntegerField()
    mg_per_kwh = models.PositiveIntegerField()
    official = models.BooleanField(default=True)
    valid_from = models.DateField()
    valid_to = models.DateField(null=True, blank=True)  # exclusive
    legal_from = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=200, blank=True)
    doubt = models.TextField(blank=True)

    class Meta:
        ordering = ("country", "valid_from")
        constraints = (
            models.UniqueConstraint(fields=("country", "official", "valid_from"), name="one_emission_factor_per_day"),
            models.CheckConstraint(
                condition=Q(valid_to__isnull=True) | Q(valid_to__gt=F("valid_from")), name="emission_factor_dates"
            ),
        )
        triggers = guards.of_everywhere(_held("tariffs_emissionfactor", "country", "official"))

    def __str__(self) -> str:
        return f"{self.country} {self.year} {self.mg_per_kwh}"
