"""How people come in and stay in: invitations, browsers that are signed in, changes of an e-mail address.

A link that is sent by mail holds a secret; only its SHA-256 is stored, so that a copy of the database opens no door.
"""

from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _

from accounts.models.parties import Participant, User


class Invitation(models.Model):
    """A letter to an e-mail address that lets its reader become a user with a role, once and until it expires.

    With a participant the role is a seat there; without one it is that of an administrator or auditor of the house.
    """

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        TRADER = "trader", _("Trader")
        VIEWER = "viewer", _("Viewer")
        ADMINISTRATOR = "administrator", _("Administrator")
        AUDITOR = "auditor", _("Auditor")

    email = models.EmailField()
    participant = models.ForeignKey(Participant, null=True, on_delete=models.CASCADE, related_name="invitations")
    role = models.CharField(max_length=13, choices=Role.choices)
    digest = models.CharField(max_length=64, unique=True)
    invited_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField()
    expires_at = models.DateTimeField()
    accepted_by = models.ForeignKey(User, null=True, on_delete=models.PROTECT, related_name="+")
    accepted_at = models.DateTimeField(null=True)
    withdrawn_at = models.DateTimeField(null=True)

    class Meta:
        ordering = ("-created_at", "-id")
        constraints = (
            models.CheckConstraint(
                condition=Q(participant__isnull=True, role__in=("administrator", "auditor"))
                | Q(participant__isnull=False, role__in=("owner", "trader", "viewer")),
                name="invitation_role_fits",
            ),
            models.CheckConstraint(
                condition=Q(accepted_at__isnull=True) | Q(withdrawn_at__isnull=True), name="invitation_ends_once"
            ),
        )

    def __str__(self) -> str:
        return f"{self.email} · {self.role}"


class Login(models.Model):
    """A browser that somebody signed in with; it holds as long as its session."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="logins")
    session_key = models.CharField(max_length=40, unique=True)
    device = models.CharField(max_length=60)
    address = models.GenericIPAddressField(null=True)
    started_at = models.DateTimeField()
    seen_at = models.DateTimeField()

    class Meta:
        ordering = ("-seen_at", "-id")

    def __str__(self) -> str:
        return f"{self.user} · {self.device}"


class EmailChange(models.Model):
    """A new address that waits until both the old and the new one have confirmed it. One at a time for a user."""

    user = models.OneToOneField(User, on_delete=models.CASCADE, related_name="email_change")
    email = models.EmailField()
    old_digest = models.CharField(max_length=64, blank=True)  # empty where there was no address before
    new_digest = models.CharField(max_length=64)
    old_confirmed_at = models.DateTimeField(null=True)
    new_confirmed_at = models.DateTimeField(null=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user} · {self.email}"


class PasswordReset(models.Model):
    """A letter by which somebody who forgot the password may set another one, once and within the hour."""

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="resets")
    digest = models.CharField(max_length=64, unique=True)
    expires_at = models.DateTimeField()

    def __str__(self) -> str:
        return f"{self.user} · {self.expires_at}"
