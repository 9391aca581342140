"""Inviting people, and what an invitation becomes: a new login, or one more seat for a login that exists.

An administrator invites to everything, the owner of a participant to that participant. The secret of an invitation is
returned once, to be sent; the database knows its digest. Example: the owner of a dormitory invites a trader, who has
seven days to choose a name and a password; the second try with the same link is refused.
"""

import secrets
from datetime import datetime, timedelta

from django.db import connection, transaction
from django.utils.translation import gettext as _

from accounts.domain.secrets import digest_of
from accounts.models import Invitation, Membership, Participant, User
from accounts.operations.notices import News, tell
from accounts.operations.users import AccountError, add_membership, audit, create_user


@transaction.atomic
def invite(
    *, by: User, email: str, role: str, participant: Participant | None, days: int, at: datetime
) -> tuple[Invitation, str]:
    """An invitation that holds for so many days, and its secret. An earlier one to the same address and seat ends.

    Raises AccountError `may_not_invite`, `unknown_role`.
    """
    check_may_invite(by, participant)
    allowed = Membership.Role.values if participant else ("administrator", "auditor")
    if role not in allowed:
        raise AccountError("unknown_role", _("Choose one of the roles in the list."))
    waiting = Invitation.objects.filter(email__iexact=email, participant=participant, accepted_at=None)
    waiting.filter(withdrawn_at=None).update(withdrawn_at=at)
    secret = secrets.token_urlsafe(32)
    made = Invitation.objects.create(
        email=email, role=role, participant=participant, digest=digest_of(secret), invited_by=by,
        created_at=at, expires_at=at + timedelta(days=days),
    )  # fmt: skip
    detail = {"email": email, "role": role, "participant": participant.pk if participant else None}
    audit(by=by, action="invitation.sent", target=f"invitation {made.pk}", detail=detail, at=at)
    return made, secret


def check_may_invite(user: User, participant: Participant | None) -> None:
    """Raises AccountError `may_not_invite` unless an administrator, or an owner of the participant, asks."""
    owns = participant is not None and participant.memberships.filter(user=user, role=Membership.Role.OWNER).exists()
    if not user.is_active or user.is_auditor or not (user.is_staff or owns):
        raise AccountError("may_not_invite", _("Only an owner of the participant or an administrator may do this."))


@transaction.atomic
def withdraw_invitation(*, by: User, invitation: Invitation, at: datetime) -> None:
    """Ends an invitation that nobody has accepted. Raises AccountError `may_not_invite` or `invitation_over`."""
    check_may_invite(by, invitation.participant)
    found = Invitation.objects.filter(pk=invitation.pk, accepted_at=None, withdrawn_at=None)
    if not found.update(withdrawn_at=at):
        raise AccountError("invitation_over", _("This invitation has been accepted or withdrawn already."))
    detail = {"email": invitation.email}
    audit(by=by, action="invitation.withdrawn", target=f"invitation {invitation.pk}", detail=detail, at=at)


def open_invitation(secret: str, at: datetime, *, lock: bool = False) -> Invitation:
    """The invitation with this secret. Raises AccountError `invitation_over` for one that is unknown, used or late."""
    rows = Invitation.objects.select_related("participant", "invited_by")
    rows = rows.select_for_update(of=("self",)) if lock else rows
    found = rows.filter(digest=digest_of(secret), accepted_at=None, withdrawn_at=None, expires_at__gt=at).first()
    if found is None:
        told = _("This invitation has been used, withdrawn, or is too old. Ask whoever invited you for a new one.")
        raise AccountError("invitation_over", told)
    return found


def next_user_number() -> int:
    """A number set aside for a user to come: a passkey is made for a number, before there is the user."""
    with connection.cursor() as cursor:
        cursor.execute("SELECT nextval(pg_get_serial_sequence('accounts_user', 'id'))")
        return int(cursor.fetchone()[0])


@transaction.atomic
def accept_as_new(
    *, secret: str, username: str, password: str | None, language: str, at: datetime, pk: int | None = None
) -> User:
    """A new login by invitation; without a password the caller adds a passkey in the same transaction.

    Raises AccountError `invitation_over` and those of `create_user`.
    """
    invitation = open_invitation(secret, at, lock=True)
    staff, auditor = invitation.role == "administrator", invitation.role == "auditor"
    user = create_user(
        by=invitation.invited_by, username=username, password=password, email=invitation.email, language=language,
        is_staff=staff, is_auditor=auditor, pk=pk, at=at,
    )  # fmt: skip
    _take_seat(invitation, user, at)
    return user


@transaction.atomic
def accept_as(*, secret: str, user: User, at: datetime) -> Invitation:
    """One more seat for a user that is signed in.

    Raises AccountError `invitation_over`, `already_member`, `auditor_reads_only`, or `needs_own_login` where the
    invitation is that of an administrator or auditor, which an existing login cannot become.
    """
    invitation = open_invitation(secret, at, lock=True)
    if invitation.participant is None:
        told = _("Administrators and auditors have a login of their own. Sign out, then open the invitation again.")
        raise AccountError("needs_own_login", told)
    _take_seat(invitation, user, at)
    return invitation


def _take_seat(invitation: Invitation, user: User, at: datetime) -> None:
    if invitation.invited_by is not None:
        check_may_invite(invitation.invited_by, invitation.participant)
    Invitation.objects.filter(pk=invitation.pk).update(accepted_by=user, accepted_at=at)
    if invitation.participant is not None:
        role, inviter = invitation.role, invitation.invited_by
        add_membership(by=inviter, user=user, participant=invitation.participant, role=role, at=at)
    audit(by=user, action="invitation.accepted", target=f"invitation {invitation.pk}", detail={}, at=at)
    if invitation.invited_by is not None:
        house = invitation.participant
        told = {"person": user.get_full_name() or user.username, "role": invitation.role}
        told["who"] = house.name if house else "Wattbourse"
        about = ("members", house.code if house else "")
        tell([News("invitation_accepted", f"invitation {invitation.pk}", at, about, told,
                   participant=invitation.participant_id, user=invitation.invited_by.pk)])  # fmt: skip


@transaction.atomic
def change_role(*, by: User, membership: Membership, role: str, at: datetime) -> None:
    """Another role for a member.

    Raises AccountError `may_not_invite`, `unknown_role`, `auditor_reads_only` or `last_owner`.
    """
    held = _held(by, membership)
    if role not in Membership.Role.values:
        raise AccountError("unknown_role", _("Choose one of the roles in the list."))
    if held.user.is_auditor and role != Membership.Role.VIEWER:
        raise AccountError("auditor_reads_only", _("An auditor can only be a viewer."))
    if role != Membership.Role.OWNER:
        _check_not_last_owner(held)
    before, held.role = held.role, role
    held.save(update_fields=["role"])
    detail = {"user": held.user.username, "was": before, "role": role}
    audit(by=by, action="membership.changed", target=held.participant.code, detail=detail, at=at)


@transaction.atomic
def remove_membership(*, by: User, membership: Membership, at: datetime) -> None:
    """Ends a seat. Raises AccountError `may_not_invite` or `last_owner`."""
    held = _held(by, membership)
    _check_not_last_owner(held)
    detail = {"user": held.user.username, "role": held.role}
    audit(by=by, action="membership.removed", target=held.participant.code, detail=detail, at=at)
    held.delete()


def _held(by: User, membership: Membership) -> Membership:
    # The participant's row serialises changes of its members, so that two owners cannot remove each other at once.
    Participant.objects.select_for_update().get(pk=membership.participant_id)
    held = Membership.objects.select_related("user", "participant").get(pk=membership.pk)
    check_may_invite(by, held.participant)
    return held


def _check_not_last_owner(held: Membership) -> None:
    others = Membership.objects.filter(participant=held.participant, role=Membership.Role.OWNER, user__is_active=True)
    if held.role == Membership.Role.OWNER and not others.exclude(pk=held.pk).exists():
        raise AccountError("last_owner", _("A participant needs an owner. Make somebody else an owner first."))
