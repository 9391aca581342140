"""The tables of accounts: who there is and for whom they act, how they sign in, and the trail of what was done."""

from accounts.models.notices import Notice, NoticeChoice, NoticeDelivery, NoticeLook, NoticeManner, PushDevice
from accounts.models.parties import AuditEntry, BillingProfile, Membership, Participant, User
from accounts.models.signin import EmailChange, Invitation, Login, PasswordReset

__all__ = [
    "AuditEntry",
    "BillingProfile",
    "EmailChange",
    "Invitation",
    "Login",
    "Membership",
    "Notice",
    "NoticeChoice",
    "NoticeDelivery",
    "NoticeLook",
    "NoticeManner",
    "Participant",
    "PasswordReset",
    "PushDevice",
    "User",
]
