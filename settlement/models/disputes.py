"""Doubts about an interval, and how they were decided."""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Participant, User
from settlement.models.laws import APPEND_ONLY
from trading.models import Contract, Market


class Dispute(models.Model):
    """A participant doubts an interval. While it is open nobody pays compensation there; an administrator decides."""

    class State(models.TextChoices):
        OPEN = "open", _("Open")
        WAIVED = "waived", _("Compensation waived")
        KEPT = "kept", _("Compensation kept")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    market = models.ForeignKey(Market, on_delete=models.PROTECT, related_name="disputes")
    contract = models.ForeignKey(Contract, on_delete=models.PROTECT, related_name="disputes")
    participant = models.ForeignKey(Participant, on_delete=models.PROTECT, related_name="disputes")
    state = models.CharField(max_length=9, choices=State.choices, default=State.OPEN)
    reason = models.TextField()
    opened_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    opened_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    decision = models.TextField(blank=True)

    class Meta:
        ordering = ("-opened_at",)
        constraints = (
            models.UniqueConstraint(
                fields=("contract", "participant"), condition=Q(state="open"), name="one_open_dispute_per_interval"
            ),
            models.CheckConstraint(
                condition=Q(state="open", decided_at__isnull=True) | (~Q(state="open") & Q(decided_at__isnull=False)),
                name="closed_dispute_has_its_moment",
            ),
        )
        triggers = (
            pgtrigger.Protect(
                name="decided_dispute_is_final",
                operation=APPEND_ONLY,
                condition=pgtrigger.Condition("OLD.state <> 'open'"),
            ),
            pgtrigger.Protect(name="dispute_is_not_deleted", operation=pgtrigger.Delete),
        )

    def __str__(self) -> str:
        return f"{self.contract_id} {self.participant_id} {self.state}"
