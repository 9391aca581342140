"""Spreadsheets of members as they were checked and applied, equipment that members report, and their first steps."""

from django.db import models
from django.db.models import F, Q
from django.utils.translation import gettext_lazy as _

from accounts.models import Participant, User
from trading.models import Market


class MemberSheet(models.Model):
    """A spreadsheet: checked first, written only once it is applied. `total` and `done` count members, the other
    numbers rows. The row itself is the job: whoever holds its lock carries it on."""

    class State(models.TextChoices):
        CHECKED = "checked", _("Checked")
        APPLYING = "applying", _("Being applied")
        APPLIED = "applied", _("Applied")
        DISCARDED = "discarded", _("Discarded")

    market = models.ForeignKey(Market, on_delete=models.CASCADE, related_name="sheets")
    name = models.CharField(max_length=120)
    state = models.CharField(max_length=9, choices=State.choices, default=State.CHECKED)
    uploaded_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    uploaded_at = models.DateTimeField()
    applied_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    started_at = models.DateTimeField(null=True)
    finished_at = models.DateTimeField(null=True)
    # Where invitations lead, and in which language they are written.
    address = models.CharField(max_length=200, blank=True)
    language = models.CharField(max_length=5, default="en")
    total = models.PositiveIntegerField(default=0)
    done = models.PositiveIntegerField(default=0)

    class Meta:
        ordering = ("-uploaded_at", "-id")
        constraints = (models.CheckConstraint(condition=Q(done__lte=F("total")), name="sheet_done_at_most_total"),)

    def __str__(self) -> str:
        return f"{self.name} · {self.state}"


class MemberSheetRow(models.Model):
    """One line of a sheet: what it says, what would become of it, and once it was applied what did."""

    class State(models.TextChoices):
        NEW = "new", _("New")
        CHANGED = "changed", _("Changed")
        UNCHANGED = "unchanged", _("Unchanged")
        REFUSED = "refused", _("Refused")

    sheet = models.ForeignKey(MemberSheet, on_delete=models.CASCADE, related_name="rows")
    line = models.PositiveIntegerField()
    member = models.PositiveIntegerField()  # rows of one member have the same number
    code = models.CharField(max_length=40, blank=True)
    name = models.CharField(max_length=120, blank=True)
    state = models.CharField(max_length=9, choices=State.choices)
    values = models.JSONField(default=dict)
    changes = models.JSONField(default=list)
    mistakes = models.JSONField(default=list)
    applied = models.BooleanField(default=False)

    class Meta:
        ordering = ("line",)
        constraints = (models.UniqueConstraint(fields=("sheet", "line"), name="sheet_line_once"),)

    def __str__(self) -> str:
        return f"{self.sheet_id}:{self.line} {self.state}"


class Claim(models.Model):
    """Equipment that a member says it has; it counts once an administrator has confirmed it.

    `values` of a meter: serial. Of devices: pv_peak_w, battery_wh, battery_w, ev_wh, ev_w.
    """

    class Kind(models.TextChoices):
        METER = "meter", _("Meter")
        DEVICES = "devices", _("Devices")

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        ACCEPTED = "accepted", _("Confirmed")
        REFUSED = "refused", _("Refused")

    market = models.ForeignKey(Market, on_delete=models.CASCADE, related_name="claims")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="claims")
    kind = models.CharField(max_length=7, choices=Kind.choices)
    values = models.JSONField()
    state = models.CharField(max_length=8, choices=State.choices, default=State.WAITING)
    made_by = models.ForeignKey(User, on_delete=models.PROTECT, related_name="+")
    made_at = models.DateTimeField()
    decided_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    decided_at = models.DateTimeField(null=True)
    note = models.CharField(max_length=300, blank=True)

    class Meta:
        ordering = ("-made_at", "-id")
        constraints = (
            models.UniqueConstraint(
                fields=("market", "participant", "kind"), condition=Q(state="waiting"), name="one_claim_waits"
            ),
        )

    def __str__(self) -> str:
        return f"{self.participant_id} {self.kind} {self.state}"


class FirstSteps(models.Model):
    """How far a new member has come: when each step was done; one that was never begun has no row."""

    market = models.ForeignKey(Market, on_delete=models.CASCADE, related_name="+")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="+")
    meter_at = models.DateTimeField(null=True)
    devices_at = models.DateTimeField(null=True)
    sell_at = models.DateTimeField(null=True)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("market", "participant"), name="first_steps_once"),)

    def __str__(self) -> str:
        return f"{self.participant_id} in {self.market_id}"
