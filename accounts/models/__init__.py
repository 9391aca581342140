"""The tables of accounts: who there is and for whom they act, how they sign in, and the trail of what was done."""

from accounts.models.parties import AuditEntry, BillingProfile, Membership, Participant, User
from accounts.models.signin import EmailChange, Invitation, Login

__all__ = ["AuditEntry", "BillingProfile", "EmailChange", "Invitation", "Login", "Membership", "Participant", "User"]
