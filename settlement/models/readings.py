"""What people decided about readings that could not stay as they were."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User
from meters.models import MeteringPoint
from settlement.models.laws import APPEND_ONLY
from trading.models import Market


class ReadingDecision(models.Model):
    """One stretch of one metering point's intervals within a day: what was found there, what takes its place, who said
    so. Where a person's figures take the place of a meter's, or the month is billed already, two people are needed.
    """

    class Cause(models.TextChoices):
        GAP = "gap", _("No reading")
        ESTIMATED = "estimated", _("Estimate to approve")
        OVER_POWER = "over_power", _("More than the connection carries")
        NO_GENERATION = "no_generation", _("Export without generation")
        SPIKE = "spike", _("Stands out")
        STUCK = "stuck", _("Does not move")
        SHIFTED = "shifted", _("Clock looks wrong")

    class Method(models.TextChoices):
        SIMILAR_SUN = "similar_sun", _("Like the other roofs")
        LINEAR = "linear", _("Straight line")
        SAME_WEEKDAY = "same_weekday", _("Mean of the same weekday")
        DAY_MEAN = "day_mean", _("Mean of the days before")
        NOTHING = "nothing", _("Nothing known: 0")
        AS_IT_IS = "as_it_is", _("As it is")
        OWN = "own", _("Own figures")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Waits for a second person")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Left as it is")
        WITHDRAWN = "withdrawn", _("Taken back")

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="reading_decisions")
    metering_point = models.ForeignKey(MeteringPoint, on_delete=models.PROTECT, related_name="decisions")
    cause = models.CharField(max_length=14, choices=Cause.choices)
    start = models.DateTimeField()
    until = models.DateTimeField()
    # One row an interval: [start in ms, version that was seen (0: none), import Wh, export Wh].
    values = models.JSONField()
    versions = models.JSONField(default=list)  # what was written, row by row; empty while nothing was
    method = models.CharField(max_length=12, choices=Method.choices, blank=True)
    read_off = models.BooleanField(default=False)  # the figures are those of the meter itself
    two_people = models.BooleanField(default=False)
    state = models.CharField(max_length=9, choices=State.choices)
    reason = models.CharField(max_length=500, blank=True)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=500, blank=True)

    class Meta:
        ordering = ("-start", "pk")
        indexes = (models.Index(fields=("market", "state", "start"), name="reading_decision_by_day"),)
        constraints = (
            models.UniqueConstraint(
                fields=("metering_point", "start"), condition=Q(state="proposed"), name="one_open_proposal_per_stretch"
            ),
            models.CheckConstraint(
                condition=~Q(state="approved", two_people=True)
                | Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by")),
                name="reading_changed_by_two_people",
            ),
            models.CheckConstraint(condition=Q(start__lt=F("until")), name="reading_decision_of_some_time"),
        )
        triggers = (
            pgtrigger.Protect(
                name="reading_decision_is_final",
                operation=APPEND_ONLY,
                condition=pgtrigger.Q(old__state__in=("approved", "rejected", "withdrawn")),
            ),
        )

    def __str__(self) -> str:
        return f"{self.metering_point_id} {self.start:%Y-%m-%d %H:%M} {self.cause} {self.state}"
