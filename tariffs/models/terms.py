"""What holds at one site beside retail: surplus price, network fees by zone pair, platform fee, compensation rules."""

from django.db import models
from django.db.models import F, Q

from meters.models import Site
from tariffs.models import guards

_HELD = "EXISTS (SELECT FROM tariffs_siteterms t WHERE t.site_id = NEW.site_id AND t.valid_from <= NEW.valid_from)"


class SiteTerms(models.Model):
    """What a site pays and charges beside retail, from a date. Prices in VND/kWh unless said otherwise."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="terms")
    valid_from = models.DateField()
    legal_from = models.DateField(null=True, blank=True)
    surplus_price = models.BigIntegerField()
    network_fee = models.BigIntegerField()  # between zones for which no NetworkFee says otherwise
    deadband_pct = models.PositiveSmallIntegerField(default=5)
    deadband_wh = models.PositiveIntegerField(default=250)
    # The grid pays for surplus up to so much of an owner's monthly output; empty: for all of it.
    surplus_cap_pct = models.PositiveSmallIntegerField(null=True, blank=True)
    platform_fee_price = models.BigIntegerField(default=0)  # on energy bought locally
    platform_fee_month = models.BigIntegerField(default=0)  # VND per participant and month
    renter_cap_price = models.BigIntegerField(null=True, blank=True)  # the most that a residential renter may bid
    # Technical losses of a month outside this band raise an alarm.
    loss_min_pct = models.SmallIntegerField(default=0)
    loss_max_pct = models.SmallIntegerField(default=5)
    source = models.CharField(max_length=200, blank=True)
    doubt = models.TextField(blank=True)

    class Meta:
        ordering = ("site", "valid_from")
        constraints = (
            models.UniqueConstraint(fields=("site", "valid_from"), name="one_set_of_terms_per_day"),
            models.CheckConstraint(condition=Q(network_fee__gte=0, deadband_pct__lte=100), name="terms_in_range"),
            models.CheckConstraint(
                condition=Q(surplus_cap_pct__isnull=True) | Q(surplus_cap_pct__lte=100), name="surplus_cap_in_percent"
            ),
            models.CheckConstraint(
                condition=Q(platform_fee_price__gte=0, platform_fee_month__gte=0), name="platform_fee_not_negative"
            ),
            models.CheckConstraint(condition=Q(loss_min_pct__lte=F("loss_max_pct")), name="loss_band_in_order"),
        )
        triggers = guards.of_site(_HELD)

    def __str__(self) -> str:
        return f"{self.site_id} {self.valid_from}"


class NetworkFee(models.Model):
    """What the wires cost from one zone of a site to another, VND/kWh, from a date until the next row of the pair."""

    site = models.ForeignKey(Site, on_delete=models.CASCADE, related_name="network_fees")
    seller_zone = models.CharField(max_length=20)
    buyer_zone = models.CharField(max_length=20)
    price = models.BigIntegerField()
    valid_from = models.DateField()
    legal_from = models.DateField(null=True, blank=True)
    source = models.CharField(max_length=200, blank=True)
    doubt = models.TextField(blank=True)

    class Meta:
        ordering = ("site", "seller_zone", "buyer_zone", "valid_from")
        constraints = (
            models.UniqueConstraint(
                fields=("site", "seller_zone", "buyer_zone", "valid_from"), name="one_network_fee_per_day"
            ),
            models.CheckConstraint(condition=Q(price__gte=0), name="network_fee_not_negative"),
        )
        # Where no row holds the terms' fee does, so that there is no hole to fill.
        triggers = guards.of_site(None)

    def __str__(self) -> str:
        return f"{self.site_id} {self.seller_zone}–{self.buyer_zone} {self.price}"
