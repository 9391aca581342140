"""A change of rules as it was proposed, with who proposed it, who decided, and what it was said to touch."""

import pgtrigger
from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import User

_AS_PROPOSED = ("kind", "effective_on", "payload", "note", "source", "proposed_by_id", "proposed_at")
_ALTERED = " OR ".join(f"(NEW.{column} IS DISTINCT FROM OLD.{column})" for column in _AS_PROPOSED)
_DECIDED_ONCE = f"""
    IF TG_OP = 'DELETE' OR OLD.state <> 'proposed' OR {_ALTERED} THEN
        RAISE EXCEPTION 'A proposed change stays as it was proposed, and is decided once.'
            USING ERRCODE = 'check_violation';
    END IF;
    RETURN NEW;
"""


class RuleChange(models.Model):
    """One change. `payload` is a piece of a rulebook file; `impact` what it would touch, as shown before approval."""

    class Kind(models.TextChoices):
        TARIFF = "tariff", _("Retail prices")
        TERMS = "terms", _("Terms of a site")
        NETWORK_FEE = "network_fee", _("Network fees")
        VAT = "vat", _("VAT")
        EMISSION_FACTOR = "emission_factor", _("Emission factors")
        ASSIGNMENT = "assignment", _("Who is on which tariff")
        RULEBOOK = "rulebook", _("A whole rulebook")

    class State(models.TextChoices):
        PROPOSED = "proposed", _("Proposed")
        APPROVED = "approved", _("Approved")
        REJECTED = "rejected", _("Rejected")
        WITHDRAWN = "withdrawn", _("Withdrawn")

    kind = models.CharField(max_length=16, choices=Kind.choices)
    effective_on = models.DateField()
    payload = models.JSONField()
    note = models.TextField(blank=True)
    source = models.CharField(max_length=200, blank=True)
    impact = models.JSONField(default=dict, blank=True)
    proposed_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    proposed_at = models.DateTimeField()
    state = models.CharField(max_length=10, choices=State.choices, default=State.PROPOSED)
    decided_by = models.ForeignKey(User, null=True, blank=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True, blank=True)
    decision_note = models.TextField(blank=True)

    class Meta:
        ordering = ("-proposed_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=~Q(state="approved") | Q(decided_by__isnull=False) & ~Q(decided_by=F("proposed_by")),
                name="rule_change_needs_a_second_person",
            ),
            models.CheckConstraint(
                condition=Q(state="proposed", decided_by__isnull=True, decided_at__isnull=True)
                | ~Q(state="proposed") & Q(decided_by__isnull=False, decided_at__isnull=False),
                name="rule_change_decided_by_someone",
            ),
        )
        triggers = (
            pgtrigger.Trigger(
                name="rule_change_is_kept",
                when=pgtrigger.Before,
                operation=pgtrigger.Update | pgtrigger.Delete,
                func=_DECIDED_ONCE,
            ),
        )

    def __str__(self) -> str:
        return f"{self.kind} from {self.effective_on}: {self.state}"
