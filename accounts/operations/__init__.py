"""Every write of accounts: users, seats and invitations, ways to sign in, and the audit trail of all apps."""

from accounts.operations.users import (
    AccountError,
    add_membership,
    audit,
    create_participant,
    create_token,
    create_user,
    revoke_token,
)

__all__ = [
    "AccountError",
    "add_membership",
    "audit",
    "create_participant",
    "create_token",
    "create_user",
    "revoke_token",
]
