"""Notices on their way: claimed, sent outside any transaction, and what became of them.

A delivery is claimed by an UPDATE that counts the attempt and puts the next one off, so that nobody else sends it
meanwhile and a death on the way only delays it. What was sent and could not be noted is sent once more: a device shows
it once, since both carry the notice's number as their tag. Nothing is sent that has been read, is no longer of use, or
concerns a participant for which the person acts no more. Quiet hours put off all but the safety of the login.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime, timedelta
from zoneinfo import ZoneInfo

from django.db import connection, transaction

from accounts.domain.notices import FOR_ADMINISTRATORS, KINDS, MOST_ATTEMPTS, is_quiet, minutes_until, wait_after
from accounts.models import Membership, NoticeDelivery, NoticeManner
from accounts.webpush.posting import Answer, Outcome

log = logging.getLogger(__name__)

AT_ONCE = 16  # a batch whose services do not answer takes as long as one of them
LEASE_S = 120
KEPT = timedelta(days=30)
Send = Callable[[NoticeDelivery], Answer]
State = NoticeDelivery.State


@dataclass(frozen=True, slots=True)
class Delivered:
    """What one call did."""

    sent: int = 0
    put_off: int = 0
    dropped: int = 0
    failed: int = 0

    @property
    def all(self) -> int:
        """How many deliveries were looked at."""
        return self.sent + self.put_off + self.dropped + self.failed


def deliver_due(at: datetime, send: Send) -> Delivered:
    """Send what is due at `at` (the wall's clock), at most one batch. `send` never raises."""
    rows = _claim(at)
    wanted = [row for row in rows if not _spare(row, at)]
    with ThreadPoolExecutor(max(1, len(wanted))) as pool:
        answers = list(pool.map(send, wanted))
    states = [_settle(row, answer, at) for row, answer in zip(wanted, answers, strict=True)]
    states += [row.state for row in rows if row not in wanted]
    return Delivered(
        states.count(State.SENT), states.count(State.WAITING), states.count(State.DROPPED), states.count(State.FAILED)
    )


def clear_old(at: datetime) -> int:
    """Forget deliveries that were done a month ago; the notices stay."""
    return NoticeDelivery.objects.exclude(state=State.WAITING).filter(done_at__lt=at - KEPT).delete()[0]


_CLAIM = """
    UPDATE accounts_noticedelivery SET attempts = attempts + 1, due_at = %(lease)s WHERE id IN (
        SELECT id FROM accounts_noticedelivery WHERE state = 'waiting' AND due_at <= %(at)s
        ORDER BY due_at, id LIMIT %(most)s FOR UPDATE SKIP LOCKED
    ) RETURNING id
"""


def _claim(at: datetime) -> list[NoticeDelivery]:
    with transaction.atomic(), connection.cursor() as cursor:
        cursor.execute(_CLAIM, {"at": at, "lease": at + timedelta(seconds=LEASE_S), "most": AT_ONCE})
        ids = [pk for (pk,) in cursor.fetchall()]
    rows = NoticeDelivery.objects.filter(pk__in=ids).order_by("pk")
    return list(rows.select_related("notice__user__notice_manner", "notice__participant", "device"))


def _spare(row: NoticeDelivery, at: datetime) -> bool:
    """Whether nothing is to be sent now: dropped for good, or put off to the end of the quiet hours."""
    kind = KINDS.get(row.notice.kind)
    if kind is None or row.notice.read_at is not None or not _concerns(row):
        _finish(row, State.DROPPED, at)
        return True
    if at - row.notice.made_at > timedelta(seconds=kind.ttl_s):
        _finish(row, State.DROPPED, at, row.error or "too late")
        return True
    minutes = 0 if kind.always else _quiet_minutes(row, at)
    if minutes:
        row.attempts -= 1
        row.due_at = at + timedelta(minutes=minutes)
        _keep(row, "attempts", "due_at")
    return minutes > 0


def _concerns(row: NoticeDelivery) -> bool:
    notice = row.notice
    if not notice.user.is_active or (row.device is not None and row.device.user_id != notice.user_id):
        return False
    if notice.user.is_staff:
        return True
    if notice.kind in FOR_ADMINISTRATORS:
        return False
    if notice.participant_id is None:
        return True
    return Membership.objects.filter(user=notice.user_id, participant=notice.participant_id).exists()


def _quiet_minutes(row: NoticeDelivery, at: datetime) -> int:
    """How long the quiet hours of this person still last, in minutes."""
    manner: NoticeManner | None = getattr(row.notice.user, "notice_manner", None)
    if manner is None or manner.quiet_until is None:
        return 0
    local = at.astimezone(ZoneInfo(manner.timezone))
    minute = local.hour * 60 + local.minute
    return minutes_until(minute, manner.quiet_until) if is_quiet(minute, manner.quiet_from, manner.quiet_until) else 0


def _settle(row: NoticeDelivery, answer: Answer, at: datetime) -> str:
    """Note what became of an attempt."""
    if answer.outcome is Outcome.TAKEN:
        _finish(row, State.SENT, at)
        if row.device is not None:
            type(row.device).objects.filter(pk=row.device.pk).update(reached_at=at)
    elif answer.outcome is Outcome.GONE and row.device is not None:
        row.device.delete()  # and with it all that waits for it
        return State.DROPPED
    elif answer.outcome is Outcome.LATER and row.attempts < MOST_ATTEMPTS:
        row.due_at = at + timedelta(seconds=max(answer.pause_s, wait_after(row.attempts)))
        row.error = answer.error
        _keep(row, "due_at", "error")
    else:
        log.warning("notice %s was not delivered: %s", row.notice_id, answer.error)
        _finish(row, State.FAILED, at, answer.error)
    return row.state


def _finish(row: NoticeDelivery, state: str, at: datetime, error: str = "") -> None:
    row.state, row.done_at, row.error = state, at, error
    _keep(row, "state", "done_at", "error")


def _keep(row: NoticeDelivery, *fields: str) -> None:
    """Write these fields. The row may be gone: its device was removed, or signed out, while the message was sent."""
    NoticeDelivery.objects.filter(pk=row.pk).update(**{name: getattr(row, name) for name in fields})
