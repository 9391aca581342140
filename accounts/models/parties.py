"""Who may do what: users, the participants they act for, and the trail of what was done."""

import pgtrigger
from django.contrib.auth.models import AbstractUser
from django.db import models
from django.db.models import Q
from django.utils.translation import gettext_lazy as _


class User(AbstractUser):
    """A login. What it may do comes from its memberships; `is_staff` marks an administrator of the installation.

    An auditor (`is_auditor`) may read everything and change nothing.
    """

    is_auditor = models.BooleanField(default=False)
    language = models.CharField(max_length=5, default="en", choices=[("en", "English"), ("vi", "Tiếng Việt")])

    class Meta(AbstractUser.Meta):
        constraints = (
            models.CheckConstraint(
                condition=~Q(is_auditor=True) | Q(is_staff=False, is_superuser=False),
                name="auditor_is_no_administrator",
                violation_error_message=_("An auditor changes nothing, so he cannot be an administrator as well."),
            ),
        )
        triggers = (
            pgtrigger.Trigger(
                name="auditor_trades_for_nobody",
                when=pgtrigger.Before,
                operation=pgtrigger.UpdateOf("is_auditor"),
                condition=pgtrigger.Q(new__is_auditor=True),
                func="""
                    IF EXISTS (SELECT FROM accounts_membership WHERE user_id = NEW.id AND role <> 'viewer') THEN
                        RAISE EXCEPTION 'an auditor cannot be owner or trader of a participant'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        )


class Participant(models.Model):
    """The legal party that trades: a household, a faculty, a tenant. Users act for it through memberships."""

    class Kind(models.TextChoices):
        HOUSEHOLD = "household", _("Household")
        DORM = "dorm", _("Dormitory")
        FACULTY = "faculty", _("Faculty")
        TENANT = "tenant", _("Tenant")
        STORAGE = "storage", _("Storage")
        STATION = "station", _("Swap station")

    code = models.SlugField(max_length=40, unique=True)
    name = models.CharField(max_length=120)
    kind = models.CharField(max_length=12, choices=Kind.choices)
    # Two participants with the same beneficial owner never trade with each other.
    beneficial_owner = models.ForeignKey("self", null=True, blank=True, on_delete=models.PROTECT, related_name="owned")
    created_at = models.DateTimeField(auto_now_add=True)

    class Meta:
        ordering = ("code",)

    def __str__(self) -> str:
        return self.name


class BillingProfile(models.Model):
    """How a participant stands on documents, and how it wants them."""

    class PerWhat(models.TextChoices):
        PARTICIPANT = "participant", _("One invoice for all meters")
        METER = "meter", _("One invoice for each meter")

    participant = models.OneToOneField(Participant, on_delete=models.CASCADE, related_name="billing")
    legal_name = models.CharField(max_length=200)
    tax_code = models.CharField(max_length=20, blank=True)
    address = models.CharField(max_length=300, blank=True)
    email = models.EmailField(blank=True)
    phone = models.CharField(max_length=30, blank=True)
    bank_name = models.CharField(max_length=120, blank=True)
    bank_bin = models.CharField(max_length=6, blank=True)
    bank_account = models.CharField(max_length=30, blank=True)
    # Whether it adds value-added tax to what it sells.
    vat_registered = models.BooleanField(default=False)
    invoice_per = models.CharField(max_length=11, choices=PerWhat.choices, default=PerWhat.PARTICIPANT)
    language = models.CharField(max_length=5, default="vi", choices=[("en", "English"), ("vi", "Tiếng Việt")])

    def __str__(self) -> str:
        return self.legal_name


class Membership(models.Model):
    """A user's right to act for a participant."""

    class Role(models.TextChoices):
        OWNER = "owner", _("Owner")
        TRADER = "trader", _("Trader")
        VIEWER = "viewer", _("Viewer")

    user = models.ForeignKey(User, on_delete=models.CASCADE, related_name="memberships")
    participant = models.ForeignKey(Participant, on_delete=models.CASCADE, related_name="memberships")
    role = models.CharField(max_length=8, choices=Role.choices)

    class Meta:
        constraints = (models.UniqueConstraint(fields=("user", "participant"), name="one_role_per_participant"),)
        triggers = (
            pgtrigger.Trigger(
                name="auditors_only_view",
                when=pgtrigger.Before,
                operation=pgtrigger.Insert | pgtrigger.Update,
                condition=pgtrigger.Condition("NEW.role <> 'viewer'"),
                declare=[("reads_only", "BOOLEAN")],
                # The lock holds off whoever makes the user an auditor meanwhile.
                func="""
                    SELECT is_auditor INTO reads_only FROM accounts_user WHERE id = NEW.user_id FOR SHARE;
                    IF reads_only THEN
                        RAISE EXCEPTION 'an auditor cannot be owner or trader of a participant'
                            USING ERRCODE = 'check_violation';
                    END IF;
                    RETURN NEW;
                """,
            ),
        )

    def __str__(self) -> str:
        return f"{self.user} · {self.participant} · {self.role}"


class AuditEntry(models.Model):
    """One action by a person, written in the transaction of the action itself. Append-only."""

    at = models.DateTimeField(db_index=True)
    by = models.ForeignKey(User, null=True, on_delete=models.PROTECT)
    action = models.CharField(max_length=60)
    target = models.CharField(max_length=120)
    detail = models.JSONField(default=dict)

    class Meta:
        ordering = ("-at", "-id")
        triggers = (pgtrigger.Protect(name="audit_is_append_only", operation=pgtrigger.Update | pgtrigger.Delete),)

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.action} {self.target}"
