"""The letters of accounts: plain text, in the reader's language, one link each."""

import logging
from datetime import datetime, timedelta
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.http import HttpRequest
from django.utils.timezone import localtime
from django.utils.translation import gettext as _
from django.utils.translation import override

from accounts.models import Invitation, User

log = logging.getLogger(__name__)


def link_to(request: HttpRequest, path: str) -> str:
    """A link for a letter: to the site's own address where it is set, so that nobody's Host header decides where a
    secret leads to."""
    return f"{settings.SITE_ADDRESS}{path}" if settings.SITE_ADDRESS else request.build_absolute_uri(path)


def offset_name(at: datetime) -> str:
    """The zone in which times are shown now, as it is at a moment: `UTC+7`."""
    minutes = int((localtime(at).utcoffset() or timedelta()).total_seconds()) // 60
    hours, rest = divmod(abs(minutes), 60)
    return f"UTC{'−' if minutes < 0 else '+'}{hours}" + (f":{rest:02}" if rest else "") if minutes else "UTC"


def send_invitation(invitation: Invitation, link: str, language: str) -> bool:
    """False where the mail server did not take it; then somebody hands the link over."""
    with override(language):
        house = invitation.participant.name if invitation.participant else "Wattbourse"
        who = invitation.invited_by
        values = {"who": (who.get_full_name() or who.username) if who else "Wattbourse", "house": house}
        subject = _("Invitation to {house}").format(**values)
        told = _("{who} invites you to join {house} on Wattbourse. Open this link to choose how you log in:")
        last = f"{localtime(invitation.expires_at):%Y-%m-%d %H:%M}"
        until = f"{last} ({offset_name(invitation.expires_at)})"
        ends = _("It works once, until {until}.").format(until=until)
        return _send(subject, [told.format(**values), link, ends], invitation.email)


def send_email_change(*, to: str, email: str, link: str, old: bool) -> bool:
    """Asks one of the two addresses for its yes. False where the mail server did not take it."""
    subject = _("Confirm a change of your e-mail address")
    told = _("Somebody asked to change the e-mail address of your login to {email}. To agree, open this link:")
    warned = _(
        "If it was not you, do not open it: sign out the other devices on your account page and change your password."
    )
    return _send(subject, [told.format(email=email), link, *([warned] if old else [])], to)


def send_reset(user: User, link: str) -> bool:
    """A link by which the user sets another password."""
    with override(user.language):
        subject = _("Set a new password")
        told = _("Somebody asked for a new password for the login {name}. To set one, open this link within the hour:")
        warned = _("If it was not you, do nothing: your password stays as it is.")
        return _send(subject, [told.format(name=user.username), link, warned], user.email)


def _send(subject: str, parts: list[str], to: str) -> bool:
    try:
        EmailMessage(subject=subject, body="\n\n".join(parts) + "\n", to=[to]).send()
    except (SMTPException, OSError) as error:
        log.warning("a mail could not be sent: %s", error)
        return False
    return True
