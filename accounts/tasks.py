"""What accounts do by themselves: sending notices by e-mail and to devices, some every few seconds.

The rows of `NoticeDelivery` are the truth; the task only looks which are due. A batch is sent in threads, each with a
short timeout, so that a push service that does not answer holds up the worker for some seconds at most, and its notices
come again later and later.
"""

import logging
import time
from datetime import UTC, datetime

from celery import shared_task

from accounts.operations.deliveries import clear_old, deliver_due
from accounts.operations.resets import open_reset, users_named
from accounts.signin import limits, mails
from accounts.signin.notice_letters import send

log = logging.getLogger(__name__)

MOST_SECONDS = 4


@shared_task(name="accounts.tasks.deliver_notices")
def deliver_notices() -> None:
    """Sends what is due, for some seconds."""
    until = time.monotonic() + MOST_SECONDS
    while True:
        done = deliver_due(datetime.now(UTC), send)
        if done.failed:
            log.warning("%s notices could not be delivered", done.failed)
        if not done.all or time.monotonic() > until:
            break


@shared_task(name="accounts.tasks.clear_deliveries")
def clear_deliveries() -> None:
    """Forgets what was delivered long ago."""
    clear_old(datetime.now(UTC))


@shared_task(name="accounts.tasks.send_reset_letters")
def send_reset_letters(named: str, page: str) -> None:
    """Sends each login of this name or address a link to set a password: `page`, and a secret behind it.

    It runs here so that whoever asks cannot tell by the clock whether there is such a login.
    """
    for user in users_named(named):
        if not limits.wait_for_mail(user.pk):
            mails.send_reset(user, f"{page}{open_reset(user=user, at=datetime.now(UTC))}/")
