"""What to do next: standing instructions, the forecasts they act on, and how far each contract has been planned."""

from django.db import models
from django.db.models import Q

from accounts.models import Participant
from trading.models import Contract, Market


class StandingInstruction(models.Model):
    """'Sell my surplus, buy my need': the limit moves in a straight line from far to near price over the window.

    A participant without a far and near price on one side does not trade that side. Prices in VND/kWh.
    """

    market = models.ForeignKey(Market, on_delete=models.CASCADE, related_name="instructions")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="instructions")
    active = models.BooleanField(default=True)
    sell_far_price = models.IntegerField(null=True, blank=True)
    sell_near_price = models.IntegerField(null=True, blank=True)
    buy_far_price = models.IntegerField(null=True, blank=True)
    buy_near_price = models.IntegerField(null=True, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("market", "participant"), name="one_instruction_per_participant"),
            models.CheckConstraint(
                condition=Q(sell_far_price__isnull=True, sell_near_price__isnull=True)
                | Q(sell_far_price__isnull=False, sell_near_price__isnull=False),
                name="sell_ramp_has_both_ends",
            ),
            models.CheckConstraint(
                condition=Q(buy_far_price__isnull=True, buy_near_price__isnull=True)
                | Q(buy_far_price__isnull=False, buy_near_price__isnull=False),
                name="buy_ramp_has_both_ends",
            ),
        )

    def __str__(self) -> str:
        return f"{self.participant_id} in {self.market_id}"


class Forecast(models.Model):
    """Expected load and generation of a participant in one interval, in Wh, and the method that said so."""

    pk = models.CompositePrimaryKey("market", "participant", "start")
    market = models.ForeignKey(Market, on_delete=models.CASCADE, related_name="+", db_index=False)
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="+", db_index=False)
    start = models.DateTimeField()
    load_wh = models.BigIntegerField()
    generation_wh = models.BigIntegerField()
    method = models.CharField(max_length=30)
    made_at = models.DateTimeField()

    class Meta:
        constraints = (
            models.CheckConstraint(condition=Q(load_wh__gte=0, generation_wh__gte=0), name="forecast_not_negative"),
        )

    def __str__(self) -> str:
        return f"{self.participant_id} {self.start:%Y-%m-%d %H:%M}"


class ContractPlan(models.Model):
    """The last step of the ramp that was carried out for a contract, so that each is done once and none is skipped."""

    contract = models.OneToOneField(Contract, on_delete=models.CASCADE, primary_key=True, related_name="+")
    step = models.SmallIntegerField()
    planned_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.contract_id} step {self.step}"


class PeakLimit(models.Model):
    """The power that a participant does not want to exceed: contracted with the grid, or its own threshold. In W, as
    the mean of a half hour; from `warn_pct` per cent of it on, it is warned."""

    market = models.ForeignKey(Market, on_delete=models.CASCADE, related_name="peak_limits")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="peak_limits")
    limit_w = models.BigIntegerField()
    warn_pct = models.PositiveSmallIntegerField(default=90)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("market", "participant"), name="one_peak_limit_per_participant"),
            models.CheckConstraint(condition=Q(limit_w__gt=0), name="peak_limit_is_a_power"),
            models.CheckConstraint(condition=Q(warn_pct__gte=50, warn_pct__lte=100), name="peak_warning_below_limit"),
        )

    def __str__(self) -> str:
        return f"{self.participant_id} in {self.market_id}: {self.limit_w} W"
