"""Is everything that must run running? Each answer is ok, a warning or a failure, with a sentence and what to do.

No check may hang or bring the page down: what cannot be asked is itself a failure. Nothing secret is told: no address,
no password, no path beyond the name of a folder.
"""

import shutil
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path

import redis
from django.conf import settings
from django.db import DatabaseError, connection
from django.utils.translation import gettext as _

from config import pulse
from config.schedule import beat_schedule
from portal.watch import thresholds as at
from portal.watch.meters import silent_points
from settlement.models import SettlementAlarm
from settlement.operations.looks import SILENT_HOURS
from trading.models import Contract, Market
from trading.operations.publish import channel
from trading.queries import market_now

OK, WARN, FAIL = "ok", "warn", "fail"
RANK = {OK: 0, WARN: 1, FAIL: 2}
# How many seconds lie between two turns of a scheduled task.
PERIODS: dict[str, float] = {str(entry["task"]): float(str(entry["schedule"])) for entry in beat_schedule.values()}


@dataclass(frozen=True, slots=True)
class Check:
    """One answer: `sentence` says what is, `todo` what to do about it (empty where nothing is)."""

    code: str
    name: str
    state: str
    sentence: str
    todo: str = ""


def health(market: Market) -> list[Check]:
    """Every check, those of the installation first, then those of this market."""
    return [check for group in (_database, _broker, _folders) for check in group()] + list(_market(market))


def worst(checks: list[Check]) -> str:
    """The state of all together."""
    return max((check.state for check in checks), key=RANK.__getitem__, default=OK)


def judged(value: float, warn: float, fail: float) -> str:
    """ok below `warn`, a failure from `fail` on."""
    return FAIL if value >= fail else WARN if value >= warn else OK


def _database() -> Iterator[Check]:
    name = _("Database")
    begun = time.monotonic()
    try:
        with connection.cursor() as cursor:
            cursor.execute(_CONNECTIONS)
            used, most, size = cursor.fetchone()
    except DatabaseError:
        yield Check("database", name, FAIL, _("The database does not answer."), _("Look at its log and its disk."))
        return
    took = time.monotonic() - begun
    state = judged(took, at.DATABASE_WARN_S, at.DATABASE_FAIL_S)
    said = _("Answers in {ms} ms, holds {mb} MB.").format(ms=round(took * 1_000), mb=size // 1_000_000)
    yield Check("database", name, state, said, _("Look at its load and its slow queries.") if state != OK else "")
    state = judged(used * 100 / most, at.CONNECTIONS_WARN_PCT, at.CONNECTIONS_FAIL_PCT)
    said = _("{used} of {most} connections are in use.").format(used=used, most=most)
    todo = _("Lower DATABASE_POOL, run fewer processes, or raise max_connections.") if state != OK else ""
    yield Check("connections", _("Connections"), state, said, todo)


_CONNECTIONS = """
    SELECT (SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'client backend'),
           current_setting('max_connections')::int, pg_database_size(current_database())
"""


def _broker() -> Iterator[Check]:
    name = _("Message broker")
    try:
        begun = time.monotonic()
        notes, queue = pulse.notes(), pulse.waiting()
        took = round((time.monotonic() - begun) * 1_000)
    except (redis.RedisError, OSError, ValueError):
        todo = _("Start Valkey or Redis. Orders are taken meanwhile; live pages are a second late, nothing is settled.")
        yield Check("broker", name, FAIL, _("It does not answer."), todo)
        return
    yield Check("broker", name, OK, _("Answers in {ms} ms.").format(ms=took))
    yield _beat(notes)
    yield from _tasks(notes)
    yield _queue(queue)
    yield from _failures(notes)


def _beat(notes: dict[str, pulse.Note]) -> Check:
    """Whoever sends the ticks."""
    todo = _("Start the beat: celery --app config.celery beat. Without it no gate closes and nothing is settled.")
    if "beat" not in notes:
        return Check("beat", _("Clock of the house (beat)"), FAIL, _("It has not been heard of for a day."), todo)
    age = _age(notes["beat"])
    state = judged(age, at.TICK_WARN_S, at.TICK_FAIL_S)
    return Check("beat", _("Clock of the house (beat)"), state, _ago(age), todo if state != OK else "")


def _tasks(notes: dict[str, pulse.Note]) -> Iterator[Check]:
    """The workers, by the scheduled work that was done last; each task that is late on its own."""
    names = sorted(PERIODS)
    ages = {name: _age(note) for name in names if (note := notes.get(f"task {name}"))}
    todo = _("Start a worker: celery --app config.celery worker; its log says why it ended.")
    if not ages:
        yield Check("workers", _("Workers"), FAIL, _("No worker has done anything for a day."), todo)
        return
    state = judged(min(ages.values()), at.TICK_WARN_S, at.TICK_FAIL_S)
    yield Check("workers", _("Workers"), state, _ago(min(ages.values())), todo if state != OK else "")
    late = [name for name in names if _lateness(name, ages) != OK]
    if late and state == OK:
        said = _("Late: {names}.").format(names=", ".join(name.rpartition(".")[2] for name in late))
        todo = _("A worker may be busy with something long; start another one if it lasts.")
        yield Check(
            "tasks", _("Scheduled work"), max((_lateness(n, ages) for n in late), key=RANK.__getitem__), said, todo
        )


def _lateness(name: str, ages: dict[str, float]) -> str:
    """A task is late two periods after it was last done. One that runs every hour may not have had its first turn."""
    period = PERIODS[name]
    if name not in ages:
        return OK if period > at.TICK_FAIL_S else WARN
    return judged(ages[name], 2 * period + at.TICK_WARN_S, 2 * period + at.TICK_FAIL_S)


def _queue(queue: pulse.Waiting) -> Check:
    state = judged(queue.count, at.QUEUE_WARN, at.QUEUE_FAIL)
    said = _("Messages that wait: {count}.").format(count=queue.count)
    if queue.oldest_s is not None:
        state = max(state, judged(queue.oldest_s, at.OLDEST_WARN_S, at.OLDEST_FAIL_S), key=RANK.__getitem__)
        said += " " + _("The oldest is {seconds} s old.").format(seconds=round(queue.oldest_s))
    return Check("queue", _("Queue"), state, said, _("Start more workers.") if state != OK else "")


def _failures(notes: dict[str, pulse.Note]) -> Iterator[Check]:
    recent = {name: note for name, note in notes.items() if name.startswith("failed ")}
    recent = {name: note for name, note in recent.items() if _age(note) < at.FAILED_RECENTLY_S}
    for name, note in sorted(recent.items()):
        short = name.rpartition(".")[2]
        said = _("{name} failed, {ago}: {text}").format(name=short, ago=_ago(_age(note)), text=note.text)
        yield Check(f"failed_{short}", _("Failed work"), WARN, said, _("It is tried again by itself; see the log."))


def _folders() -> Iterator[Check]:
    yield _disk("documents_disk", _("Disk of documents"), Path(settings.DOCUMENTS_FOLDER))
    yield _mail()
    yield _backup()


def _disk(code: str, name: str, folder: Path) -> Check:
    while not folder.exists() and folder != folder.parent:
        folder = folder.parent  # it is made with the first document
    try:
        found = shutil.disk_usage(folder)
    except OSError:
        return Check(code, name, FAIL, _("The folder cannot be read."), _("Check its disk and its owner."))
    free = found.free * 100 // max(found.total, 1)
    state = FAIL if free < at.DISK_FAIL_PCT else WARN if free < at.DISK_WARN_PCT else OK
    said = _("{gb} GB are free, {pct} %.").format(gb=found.free // 1_000_000_000, pct=free)
    return Check(code, name, state, said, _("Free some space or move old files.") if state != OK else "")


def _mail() -> Check:
    name = _("Outgoing mail")
    if not settings.EMAIL_BACKEND.endswith("filebased.EmailBackend"):
        return Check("mail", name, OK, _("Letters go to the mail server as they are written."))
    folder = Path(settings.EMAIL_FILE_PATH or "")
    count = sum(1 for _file in folder.glob("*")) if folder.is_dir() else 0
    said = _("No mail server is set; {count} letters lie in the folder “mail”.").format(count=count)
    return Check("mail", name, WARN if count >= at.MAIL_WARN or not settings.DEMO else OK, said,
                 _("Set EMAIL_URL, so that invitations and reminders are sent."))  # fmt: skip


def _backup() -> Check:
    name, folder = _("Backup"), settings.BACKUPS_FOLDER
    if not folder:
        todo = _("Let a job write pg_dump into a folder and name that folder in WATTBOURSE_BACKUPS.")
        return Check("backup", name, OK if settings.DEMO else WARN, _("No folder of backups is named."), todo)
    try:
        newest = max((file.stat().st_mtime for file in Path(folder).iterdir() if file.is_file()), default=None)
    except OSError:
        newest = None
    if newest is None:
        return Check("backup", name, FAIL, _("The folder of backups is empty."), _("Look at the job that makes them."))
    hours = (time.time() - newest) / 3_600
    state = judged(hours, at.BACKUP_WARN_HOURS, at.BACKUP_FAIL_HOURS)
    said = _("The newest is {hours} h old.").format(hours=round(hours))
    return Check("backup", name, state, said, _("Look at the job that makes them.") if state != OK else "")


def _market(market: Market) -> Iterator[Check]:
    now = market_now(market, datetime.now(UTC))
    parts: tuple[Callable[[Market, datetime], Check], ...] = (_live, _meters, _clearing, _alarms)
    for part in parts:
        yield part(market, now)


def _live(market: Market, now: datetime) -> Check:
    """Web processes that hold live pages of this market open."""
    name = _("Live pages")
    try:
        found = pulse.client().pubsub_numsub(channel(market.pk))
    except redis.RedisError:
        return Check("live", name, WARN, _("The broker does not say who listens."))
    count = int(found[0][1]) if found else 0
    return Check("live", name, OK, _("Web processes that hold pages of this market open: {count}.").format(count=count))


def _meters(market: Market, now: datetime) -> Check:
    name = _("Meters")
    silent, all_points = silent_points(market, now)
    if not all_points:
        return Check("meters", name, WARN, _("The site has no metering points."), _("Add the members' meters."))
    if not silent:
        said = _("All {count} metering points were read in the last {hours} h.")
        return Check("meters", name, OK, said.format(count=all_points, hours=SILENT_HOURS))
    state = FAIL if len(silent) * 100 >= all_points * at.SILENT_FAIL_PCT else WARN
    said = _("{count} of {all} metering points were not read for {hours} h.")
    return Check("meters", name, state, said.format(count=len(silent), all=all_points, hours=SILENT_HOURS),
                 _("See the list below: power, gateway, SIM card. Their energy is estimated meanwhile."))  # fmt: skip


def _clearing(market: Market, now: datetime) -> Check:
    name = _("Settlement")
    due = now - timedelta(minutes=market.grace_minutes)
    states = (Contract.State.CLOSED, Contract.State.DELIVERED)
    late = Contract.objects.filter(market=market, state__in=states, delivery_end__lte=due)
    oldest = late.order_by("delivery_end").values_list("delivery_end", flat=True).first()
    if oldest is None:
        return Check("clearing", name, OK, _("Every interval that is due is settled."))
    minutes = (due - oldest).total_seconds() / 60
    state = judged(minutes, at.LAG_WARN_MARKET_MINUTES, at.LAG_FAIL_MARKET_MINUTES)
    said = _("Waiting to be settled: {count}; the oldest for {minutes} min of market time.")
    todo = _("Look at the workers above and at the alarms on the control page.") if state != OK else ""
    return Check("clearing", name, state, said.format(count=late.count(), minutes=round(minutes)), todo)


def _alarms(market: Market, now: datetime) -> Check:
    count = SettlementAlarm.objects.filter(market=market, resolved_at=None).count()
    name = _("Alarms")
    if not count:
        return Check("alarms", name, OK, _("No interval failed to settle."))
    said = _("Intervals that could not be settled: {count}.").format(count=count)
    return Check("alarms", name, WARN, said, _("The control page says why; put it right, it is tried again by itself."))


def _age(note: pulse.Note) -> float:
    return max(0.0, time.time() - note.at)


def _ago(seconds: float) -> str:
    if seconds < 120:
        return _("{n} s ago").format(n=round(seconds))
    return _("{n} min ago").format(n=round(seconds / 60))
