"""The worker's part in loading members: every sheet that is being applied is carried on, member by member."""

import logging
import time
from datetime import UTC, datetime

from celery import shared_task

from members.models import MemberSheet
from members.operations import load_some

log = logging.getLogger(__name__)

# A tick that has much to load stops in time for the next one; the sheet's row says how far it is.
MOST_SECONDS = 60


@shared_task(name="members.tasks.load_members")
def load_members() -> None:
    """Carries on what was begun. A sheet that fails is logged and holds up no other."""
    until = time.monotonic() + MOST_SECONDS
    for pk in MemberSheet.objects.filter(state=MemberSheet.State.APPLYING).order_by("pk").values_list("pk", flat=True):
        try:
            while time.monotonic() < until and load_some(pk, datetime.now(UTC)):
                pass
        except Exception:
            log.exception("the sheet %s of members could not be carried on", pk)
