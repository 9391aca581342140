"""Telling people what happened: one line where it happens, in its transaction; delivery comes after the commit.

    tell([News("bill_issued", "bill 12", about=("invoice", 12), at=at, participant=7, data={"total_dong": 412_000})])

A notice goes to everybody with a seat at the participant, to the administrators, or to one person. `key` says what
happened: the same key is told to the same person once, whoever comes second, from however many processes. Besides the
inbox a notice may go by e-mail and to devices; those rows are written with it and sent by a task (`deliveries`), so
that no mail server and no push service ever holds up what is being done.
"""

import json
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from django.db import connection, transaction

from accounts.domain.notices import ADMINISTRATOR, KINDS, SELF, TOLD_OF_LOGIN, Ways, is_told, ways_of
from accounts.models import Membership, Notice, NoticeChoice, NoticeLook, Participant, PushDevice, User


@dataclass(frozen=True, slots=True)
class News:
    """What happened, and to whom it matters: to all who act for `participant`, to the person `user` (which may concern
    a participant), or to the administrators. Nobody is told what he did himself (`but`)."""

    kind: str
    key: str
    at: datetime
    about: tuple[str, int | str] = ("", "")
    data: Mapping[str, Any] = field(default_factory=dict)
    participant: int | None = None
    user: int | None = None
    administrators: bool = False
    but: int | None = None


@dataclass(frozen=True, slots=True)
class _Row:
    """One notice for one person."""

    user: int
    participant: int | None
    news: News
    data: Mapping[str, Any]
    ways: Ways


def tell(news: Iterable[News]) -> int:
    """Write these notices, in the transaction of the caller; how many are new. People who have left are not told."""
    all_news = list(news)
    rows = _rows(all_news) if all_news else []
    if not rows:
        return 0
    with transaction.atomic():
        made = _insert(rows)
        _send_later(made, {(row.user, row.news.key): row.ways for row in rows})
    return len(made)


def tell_of_login(user: User | None, action: str, detail: Mapping[str, Any], entry: int, at: datetime) -> None:
    """Tell a person of a change of the own login, where the trail's `action` is one; `entry` is its line there."""
    kind = TOLD_OF_LOGIN.get(action)
    if kind is not None and user is not None:
        tell([News(kind, f"{kind} {entry}", at, ("login", ""), dict(detail), user=user.pk)])


def tell_administrators(kind: str, key: str, at: datetime, **more: Any) -> None:
    """Tell everybody who runs the house, but not the person who did it (`but`)."""
    tell([News(kind, key, at, administrators=True, **more)])


@transaction.atomic
def look_once(name: str, at: datetime) -> bool:
    """Whether the caller is the first to make this look; the row counts once the caller's transaction commits."""
    with connection.cursor() as cursor:
        cursor.execute(
            "INSERT INTO accounts_noticelook (name, at) VALUES (%s, %s) ON CONFLICT DO NOTHING RETURNING name",
            (name, at),
        )
        return cursor.fetchone() is not None


def forget_looks(beginning: str, before: datetime) -> int:
    """Clear the looks whose names begin like this and that were made before a moment; none of them comes again."""
    return NoticeLook.objects.filter(name__startswith=beginning, at__lt=before).delete()[0]


def mark_read(*, user: User, ids: Sequence[int] | None, at: datetime) -> int:
    """Notices of this person have been read: those named, or all (None). How many were not before."""
    rows = Notice.objects.filter(user=user, read_at=None)
    return (rows if ids is None else rows.filter(pk__in=ids)).update(read_at=at)


def _rows(news: Sequence[News]) -> list[_Row]:
    """A row for each person, sorted as everybody inserts them, so that two writers cannot wait for each other."""
    seats = _seats({each.participant for each in news if each.participant is not None and each.user is None})
    staff = _staff() if any(each.administrators for each in news) else []
    people = [(each, *person) for each in news for person in _people(each, seats, staff)]
    chosen = _chosen({user for _, user, _ in people}, {KINDS[each.kind].topic for each in news})
    names = dict(Participant.objects.filter(pk__in={each.participant for each in news}).values_list("pk", "name"))
    rows: dict[tuple[int, str], _Row] = {}
    for each, user, role in people:
        topic = KINDS[each.kind].topic
        ways = ways_of(topic, role, chosen.get((user, topic)))
        if user != each.but and is_told(topic, ways):
            who = names.get(each.participant or 0)
            data = {"who": who, **each.data} if who else each.data
            rows.setdefault((user, each.key), _Row(user, each.participant, each, data, ways))
    return [rows[key] for key in sorted(rows)]


def _people(news: News, seats: Mapping[int, list[tuple[int, str]]], staff: list[int]) -> list[tuple[int, str]]:
    """(user, role) of everybody whom this concerns."""
    if news.user is not None:
        return [(news.user, SELF)]
    own = seats.get(news.participant or 0, [])
    return own + [(user, ADMINISTRATOR) for user in staff] if news.administrators else own


def _seats(participants: set[int]) -> dict[int, list[tuple[int, str]]]:
    found: dict[int, list[tuple[int, str]]] = defaultdict(list)
    if participants:
        rows = Membership.objects.filter(participant__in=participants, user__is_active=True)
        for participant, user, role in rows.values_list("participant_id", "user_id", "role"):
            found[participant].append((user, role))
    return found


def _staff() -> list[int]:
    return list(User.objects.filter(is_staff=True, is_active=True).values_list("pk", flat=True))


def _chosen(users: set[int], topics: set[str]) -> dict[tuple[int, str], Ways]:
    rows = NoticeChoice.objects.filter(user__in=users, topic__in=topics)
    return {(user, topic): Ways(email, push) for user, topic, email, push in rows.values_list(*_CHOICE)}


_CHOICE = ("user_id", "topic", "email", "push")
_INSERT = """
    INSERT INTO accounts_notice (user_id, participant_id, kind, level, about_kind, about_id, data, key, at, made_at)
    SELECT u, p, kind, level, about_kind, about_id, data::jsonb, key, at, now()
    FROM unnest(%s::bigint[], %s::bigint[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[], %s::text[],
                %s::timestamptz[]) AS n(u, p, kind, level, about_kind, about_id, data, key, at)
    ON CONFLICT (user_id, key) DO NOTHING RETURNING id, user_id, key
"""


def _insert(rows: Sequence[_Row]) -> list[tuple[int, int, str]]:
    """(number, user, key) of those that are new."""
    columns = zip(*map(_columns, rows), strict=True)
    with connection.cursor() as cursor:
        cursor.execute(_INSERT, tuple(map(list, columns)))
        found: list[tuple[int, int, str]] = cursor.fetchall()
    return found


def _columns(row: _Row) -> tuple[Any, ...]:
    news, (about_kind, about_id) = row.news, row.news.about
    data = json.dumps(dict(row.data), ensure_ascii=False)
    level = KINDS[news.kind].level
    return row.user, row.participant, news.kind, level, about_kind, str(about_id), data, news.key, news.at


def _send_later(made: Sequence[tuple[int, int, str]], ways: Mapping[tuple[int, str], Ways]) -> None:
    """The rows of e-mails and messages to devices, due at once."""
    mailed = [(pk, user) for pk, user, key in made if ways[user, key].email]
    pushed = [(pk, user) for pk, user, key in made if ways[user, key].push]
    devices: dict[int, list[int]] = defaultdict(list)
    for user, device in PushDevice.objects.filter(user__in={user for _, user in pushed}).values_list("user_id", "pk"):
        devices[user].append(device)
    reachable = set(
        User.objects.filter(pk__in={user for _, user in mailed}).exclude(email="").values_list("pk", flat=True)
    )
    due: list[tuple[int, int | None]] = [(pk, None) for pk, user in mailed if user in reachable]
    due += [(pk, device) for pk, user in pushed for device in devices[user]]
    if due:
        with connection.cursor() as cursor:
            cursor.execute(_DUE, tuple(map(list, zip(*due, strict=True))))


_DUE = """
    INSERT INTO accounts_noticedelivery (notice_id, device_id, state, attempts, due_at, error)
    SELECT n, d, 'waiting', 0, now(), '' FROM unnest(%s::bigint[], %s::bigint[]) AS due(n, d) ON CONFLICT DO NOTHING
"""
