"""What people were told, by which ways they want to be told, and what is still on its way to them.

A notice is written once for each person it concerns, in the transaction of what happened, and never changes but for the
moment at which it was read. Its words are made when it is read, from its kind and its figures.
"""

import pgtrigger
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.parties import Participant, User

LAST_MINUTE = 1_439


class Notice(models.Model):
    """Something that one person should know; about a participant of that person where one is named.

    `key` says what happened, so that the same is told to the same person once. `about_kind` and `about_id` name the
    thing it leads to, as `invoice` and `12`; `data` has the figures of its sentence. `at` is the moment it tells of (a
    market's clock may run faster), `made_at` when it was written.
    """

    class Level(models.TextChoices):
        INFO = "info", _("For information")
        ACTION = "action", _("Something to do")
        ALARM = "alarm", _("Urgent")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notices", db_index=False)
    participant = models.ForeignKey(Participant, null=True, on_delete=models.CASCADE, related_name="+")
    kind = models.CharField(max_length=24)
    level = models.CharField(max_length=6, choices=Level.choices)
    about_kind = models.CharField(max_length=16, blank=True)
    about_id = models.CharField(max_length=40, blank=True)
    data = models.JSONField(default=dict)
    key = models.CharField(max_length=120)
    at = models.DateTimeField()
    made_at = models.DateTimeField()
    read_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-pk",)
        constraints = (models.UniqueConstraint(fields=("user", "key"), name="told_once"),)
        indexes = (
            models.Index(fields=("user", "-id"), name="notices_of_user"),
            models.Index(fields=("user",), condition=Q(read_at__isnull=True), name="unread_notices_of_user"),
        )
        triggers = (pgtrigger.ReadOnly(name="notice_can_only_be_read", exclude=["read_at"]),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.key}"


class NoticeChoice(models.Model):
    """By which ways a person wants notices on one topic, where that is not what is usual."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="notice_choices", db_index=False)
    topic = models.CharField(max_length=24)
    email = models.BooleanField()
    push = models.BooleanField()

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "topic"), name="one_choice_per_topic"),)

    def __str__(self) -> str:
        return f"{self.user_id} {self.topic}"


class NoticeManner(models.Model):
    """When a person is left in peace (minutes of the local day, over midnight too), and whether a message on a device
    may name amounts."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, primary_key=True, related_name="notice_manner")
    quiet_from = models.PositiveSmallIntegerField(null=True)
    quiet_until = models.PositiveSmallIntegerField(null=True)
    timezone = models.CharField(max_length=40, default="Asia/Ho_Chi_Minh")
    push_amounts = models.BooleanField(default=False)

    class Meta:
        constraints = (
            models.CheckConstraint(
                condition=Q(quiet_from__isnull=True, quiet_until__isnull=True)
                | Q(quiet_from__lte=LAST_MINUTE, quiet_until__lte=LAST_MINUTE),
                name="quiet_hours_have_both_ends",
            ),
        )

    def __str__(self) -> str:
        return f"{self.user_id}"


class PushDevice(models.Model):
    """A browser that shows notices: where its push service takes them, and its keys. It belongs to the sign-in with
    which it was added, and goes with it."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="push_devices")
    endpoint = models.CharField(max_length=1000)
    digest = models.CharField(max_length=64, unique=True)  # SHA-256 of the endpoint
    p256dh = models.CharField(max_length=100)
    auth = models.CharField(max_length=40)
    name = models.CharField(max_length=60)
    session_key = models.CharField(max_length=40, db_index=True)
    added_at = models.DateTimeField()
    reached_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-added_at", "-pk")

    def __str__(self) -> str:
        return f"{self.user_id} {self.name}"


class NoticeDelivery(models.Model):
    """A notice on its way: by e-mail, or to a device. The row is the truth; whoever finds it due sends it."""

    class State(models.TextChoices):
        WAITING = "waiting", _("Waiting")
        SENT = "sent", _("Sent")
        DROPPED = "dropped", _("No longer needed")
        FAILED = "failed", _("Failed")

    notice = models.ForeignKey(Notice, on_delete=models.CASCADE, related_name="deliveries", db_index=False)
    device = models.ForeignKey(PushDevice, null=True, on_delete=models.CASCADE, related_name="deliveries")
    state = models.CharField(max_length=7, choices=State.choices, default=State.WAITING)
    attempts = models.PositiveSmallIntegerField(default=0)
    due_at = models.DateTimeField()
    done_at = models.DateTimeField(null=True)
    error = models.CharField(max_length=200, blank=True)

    class Meta:
        constraints = (
            models.UniqueConstraint(fields=("notice", "device"), name="delivered_once", nulls_distinct=False),
        )
        indexes = (models.Index(fields=("due_at",), condition=Q(state="waiting"), name="deliveries_waiting"),)

    def __str__(self) -> str:
        return f"{self.notice_id} {self.state}"


class NoticeLook(models.Model):
    """A look for news that was made: `day campus 2026-10-12`. Who inserts the row makes it; nobody else does."""

    name = models.CharField(max_length=120, primary_key=True)
    at = models.DateTimeField()

    def __str__(self) -> str:
        return self.name
