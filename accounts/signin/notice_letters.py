"""A notice as a letter or as a message on a device, in the language of its reader.

A message on a device has no amounts unless its owner allows them: a locked phone lies on the table. Its address is that
of the notice here, never of a bill, so that even the browser's list of messages tells nothing.
"""

import logging
from datetime import UTC, datetime
from smtplib import SMTPException

from django.conf import settings
from django.core.mail import EmailMessage
from django.urls import reverse
from django.utils.translation import gettext, override

from accounts.domain.notice_sentences import Said, said
from accounts.domain.notices import ACTION, ALARM, KINDS
from accounts.models import Notice, NoticeDelivery, NoticeManner
from accounts.webpush.posting import Answer, Message, Outcome, post
from accounts.webpush.services import NotAService, endpoint_of
from units.numbers import Language

log = logging.getLogger(__name__)

URGENCY = {ALARM: "high", ACTION: "normal"}


def send(row: NoticeDelivery) -> Answer:
    """Send one delivery whose notice, reader and device are loaded; nothing else is read.

    It never raises: one that cannot be worded or addressed would hold up its whole batch, which would go out again.
    """
    try:
        return _push(row) if row.device is not None else _mail(row)
    except Exception as error:
        log.exception("notice %s cannot be sent", row.notice_id)
        return Answer(Outcome.REFUSED, error=f"{type(error).__name__}: {error}"[:200])


def words_of(notice: Notice, language: Language) -> Said:
    """The notice in this language."""
    with override(language):
        return said(notice.kind, notice.data, language, gettext)


def _language(notice: Notice) -> Language:
    return "vi" if notice.user.language == "vi" else "en"


def message_of(notice: Notice) -> dict[str, str]:
    """What a device shows: `title`, `body`, the `address` to open, and a `tag`, by which a second one takes the place
    of the first."""
    words = words_of(notice, _language(notice))
    manner: NoticeManner | None = getattr(notice.user, "notice_manner", None)
    title = words.title if manner is not None and manner.push_amounts else words.plain
    address = reverse("portal:notice", args=(notice.pk,))
    return {"title": title, "body": words.body, "address": address, "tag": f"notice-{notice.pk}"}


def _push(row: NoticeDelivery) -> Answer:
    device, kind = row.device, KINDS[row.notice.kind]
    assert device is not None
    try:
        endpoint = endpoint_of(device.endpoint, settings.PUSH_SERVICES)
    except NotAService as error:
        return Answer(Outcome.REFUSED, error=str(error))
    content = message_of(row.notice)
    message = Message(content, kind.ttl_s, URGENCY.get(row.notice.level, "low"), content["tag"])
    return post(
        message, endpoint=endpoint, p256dh=device.p256dh, auth=device.auth, key=settings.WEB_PUSH_KEY,
        contact=settings.WEB_PUSH_CONTACT, at=datetime.now(UTC),
    )  # fmt: skip


def _mail(row: NoticeDelivery) -> Answer:
    language = _language(row.notice)
    words = words_of(row.notice, language)
    with override(language):
        link = f"{settings.SITE_ADDRESS}{reverse('portal:notice', args=(row.notice_id,))}"
        where = link if settings.SITE_ADDRESS else gettext("Log in to Wattbourse to see more.")
        why = gettext("You can choose which notices are mailed to you on the page “Notices”.")
    letter = EmailMessage(
        subject=words.title, body="\n\n".join((words.title, words.body, where, "-- \n" + why)) + "\n",
        to=[row.notice.user.email], headers={"Message-ID": f"<notice-{row.notice_id}@wattbourse>"},
    )  # fmt: skip
    try:
        letter.send()
    except (SMTPException, OSError) as error:
        return Answer(Outcome.LATER, error=f"{type(error).__name__}: {error}"[:200])
    return Answer(Outcome.TAKEN)
